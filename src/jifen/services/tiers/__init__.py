"""Tiers for whoever runs a program: what a member has, who would move under a draft, and recalculating all."""
