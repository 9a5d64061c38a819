"""Whole SQL files within a revision."""

from __future__ import annotations

from importlib.resources import files

from alembic import op

from jifen.db.migrations.driver import run_on_driver


def read_script(name: str) -> str:
    """The text of `db/sql/NAME.sql`."""
    return files("jifen.db").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")


def run_script(name: str) -> None:
    """Run all statements of `db/sql/NAME.sql` within the transaction of the revision."""
    run_on_driver(op.get_bind(), read_script(name))
