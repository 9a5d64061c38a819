"""What the integration tests share: real databases."""

from __future__ import annotations

from tests.databases import (
    admin_url,
    bare_database_url,
    database_server,
    database_url,
    empty_database_url,
    engine,
)

__all__ = [
    "admin_url",
    "bare_database_url",
    "database_server",
    "database_url",
    "empty_database_url",
    "engine",
]
