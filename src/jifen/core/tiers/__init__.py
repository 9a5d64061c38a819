"""Tiers: sets of levels that members rise in, by what they do or because somebody gives one to them."""
