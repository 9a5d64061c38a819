"""A day in the demo shop: everything that a program is for, played against the engine, and proven in the evening."""

from __future__ import annotations

from jifen.services.demo.day.acts import Act, DayReport
from jifen.services.demo.day.play import play_day

__all__ = ["Act", "DayReport", "play_day"]
