"""Use cases around the core, one module a noun."""
