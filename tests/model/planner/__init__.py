"""From a few small numbers to a command that makes sense where a member stands, and sometimes does not."""

from __future__ import annotations

from tests.model.planner.base import START, Planned
from tests.model.planner.members import Planner

__all__ = ["START", "Planned", "Planner"]
