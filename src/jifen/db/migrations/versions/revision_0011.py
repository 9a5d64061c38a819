"""Files that came over HTTP to be imported."""

from __future__ import annotations

from jifen.db.migrations.scripts import run_script

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add what is known of them."""
    run_script("schema_0011")
