"""Importing members and their opening balances: from CSV, Excel and JSON lines."""

from __future__ import annotations

from jifen.services.imports.people.balances import BalanceSummary, import_balances
from jifen.services.imports.people.mapping import (
    BalanceMapping,
    MemberMapping,
    load_balance_mapping,
    load_member_mapping,
)
from jifen.services.imports.people.members import MemberSummary, import_members

__all__ = [
    "BalanceMapping",
    "BalanceSummary",
    "MemberMapping",
    "MemberSummary",
    "import_balances",
    "import_members",
    "load_balance_mapping",
    "load_member_mapping",
]
