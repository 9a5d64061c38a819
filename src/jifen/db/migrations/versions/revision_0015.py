"""Running uses of caps stand on the account row."""

from __future__ import annotations

from jifen.db.migrations.scripts import run_script

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Give accounts their uses of caps, and a word of what more there is."""
    run_script("schema_0015")
