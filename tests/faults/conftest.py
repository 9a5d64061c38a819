"""Real databases for the fault tests."""

from __future__ import annotations

from tests.databases import database_server, database_url

__all__ = ["database_server", "database_url"]
