"""Segments: sets of members, by a condition over what is known of them or by a list."""
