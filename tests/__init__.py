"""The tests of jifen."""
