"""The pure heart of jifen: values in, values out; no database, clock, randomness or logging."""
