"""The demo shop: a made-up year of a shop's members, through the same engine as real ones."""

from __future__ import annotations

from jifen.services.demo.run import DemoRefused, DemoSummary, make_demo, open_season

__all__ = ["DemoRefused", "DemoSummary", "make_demo", "open_season"]
