"""Killed processes and cut connections under load: what was acknowledged is there once, what was refused is not."""
