"""Segments: saved sets of members, their lists, and who is in them."""
