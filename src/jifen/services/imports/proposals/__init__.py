"""Mappings that are proposed from the header and the first rows of a file."""

from __future__ import annotations

from jifen.services.imports.proposals.mappings import Kind, propose_mapping, source_of

__all__ = ["Kind", "propose_mapping", "source_of"]
