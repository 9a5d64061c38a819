"""Importing orders from files: a mapping says what the columns mean, the engine records what they hold."""

from __future__ import annotations

from jifen.services.imports.mapping import Mapping, load_mapping
from jifen.services.imports.recording import ImportSummary
from jifen.services.imports.run import import_orders

__all__ = ["ImportSummary", "Mapping", "import_orders", "load_mapping"]
