"""Lotteries."""

from __future__ import annotations

from jifen.db.migrations.scripts import run_script

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add rounds of lotteries, and the numbers that were drawn."""
    run_script("schema_0010")
