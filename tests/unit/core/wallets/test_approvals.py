"""What waits for a second person."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from jifen.core.refusal import Refusal
from jifen.core.wallets.approvals import Approval, check_decision
from tests.unit.core.shop import START

REQUEST = Approval(5, 7, "adjust", b"{}", "key:a", START, START + timedelta(days=7), asked_by_name="desk")


def code(request: Approval, actor: str = "key:b", name: str | None = "office", days: int = 0) -> str | None:
    """The code of the refusal to let this actor decide; None: it may."""
    refusal = check_decision(request, actor, name, START + timedelta(days=days))
    assert refusal is None or isinstance(refusal, Refusal)
    return None if refusal is None else refusal.code


def test_somebody_else_decides_in_time() -> None:
    """Until the request lapses."""
    assert code(REQUEST) is None
    assert code(REQUEST, days=6) is None
    assert code(REQUEST, days=7) == "approval_lapsed"


@pytest.mark.parametrize(
    ("actor", "name", "expected"),
    [("key:a", "desk", "own_request"), ("key:b", "desk", "own_request"), ("key:b", None, None), ("cli:me", None, None)],
)
def test_nobody_decides_an_own_request(actor: str, name: str | None, expected: str | None) -> None:
    """Neither the same key nor another one of the same name."""
    assert code(REQUEST, actor, name) == expected


@pytest.mark.parametrize("state", ["approved", "rejected"])
def test_what_was_decided_stays_decided(state: str) -> None:
    """Whoever comes later, and whoever it is."""
    decided = msgspec.structs.replace(REQUEST, state=state, decided_by="key:b")
    assert code(decided) == "approval_decided"
    assert code(decided, "key:a") == "approval_decided"
