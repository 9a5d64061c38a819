"""Lotteries: prizes with exact odds, drawn from a seed whose hash was published before."""
