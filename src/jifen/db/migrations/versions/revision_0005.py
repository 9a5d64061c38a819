"""Members as people."""

from __future__ import annotations

from jifen.db.migrations.scripts import run_script

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add life, personal data, merges and households."""
    run_script("schema_0005")
