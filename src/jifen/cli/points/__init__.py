"""`jifen points`: what moves points, and what was moved."""

from __future__ import annotations

import typer

# Each puts its commands into the group.
from jifen.cli.points import between, holding, moving, reading
from jifen.cli.points.group import group

__all__ = ["between", "holding", "moving", "reading", "register"]


def register(app: typer.Typer) -> None:
    """Put the commands below `jifen points`."""
    app.add_typer(group, name="points")
