"""Rewards and redemption: what points buy, how it is asked for, approved, delivered, written off and returned."""
