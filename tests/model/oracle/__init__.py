"""An independent, deliberately simple ledger of plain dictionaries, with none of the product's own steps."""

from __future__ import annotations

from tests.model.oracle.members import Oracle

__all__ = ["Oracle"]
