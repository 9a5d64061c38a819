"""Real databases for the side-by-side runs."""

from __future__ import annotations

from tests.databases import bare_database_url, database_server

__all__ = ["bare_database_url", "database_server"]
