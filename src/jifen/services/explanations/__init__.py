"""Transactions in words: why points moved, in Chinese and English, for operators and for members."""
