"""A program file is checked field by field, and the message names the field."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from jifen.core.calendar import NeverExpires, RollingExpiry, YearlyExpiry
from jifen.core.limits import MAXIMUM_WALLETS
from jifen.core.program import InvalidProgram, Program, ProgramDocument, check_document
from tests.model.programs import WALLET_NUMBERS, make_document, make_program


def changed(path: str, value: Any) -> ProgramDocument:
    """A sound program file with one field changed: as if somebody had typed it."""
    content = msgspec.to_builtins(make_document(expiry=RollingExpiry(12)))
    place = content
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in parents:
        place = place[part]
    place[last] = value
    return msgspec.convert(content, ProgramDocument)


def wallets(*ids: str) -> list[dict[str, Any]]:
    """Wallets with these ids."""
    return [{"id": each, "name": {"zh": "积分", "en": "Points"}} for each in ids]


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("currency", "cny", "$.currency"),
        ("earning.0.pending_days", 12 * 28, "$.earning[0].pending_days"),
        ("currency", "CNYX", "$.currency"),
        ("currency", "", "$.currency"),
        ("time_zone", "Asia/Shangai", "$.time_zone"),
        ("time_zone", "", "$.time_zone"),
        ("time_zone", "../etc/passwd", "$.time_zone"),
        ("time_zone", "UTC\0", "$.time_zone"),
        ("name.zh", " ", "$.name.zh"),
        ("name.en", "x" * 201, "$.name.en"),
        ("name.en", "a\0b", "$.name.en"),
        ("wallets", [], "$.wallets"),
        ("wallets", wallets(*(f"w{n}" for n in range(MAXIMUM_WALLETS + 1))), "$.wallets"),
        ("wallets", wallets("points", "points"), "$.wallets[1].id"),
        ("wallets", wallets("Points"), "$.wallets[0].id"),
        ("wallets", wallets("p" * 41), "$.wallets[0].id"),
        ("wallets", wallets("points\n"), "$.wallets[0].id"),
        ("wallets.1.name.zh", "", "$.wallets[1].name.zh"),
        ("earning", [], "$.earning"),
        ("earning.0.id", "1st", "$.earning[0].id"),
        ("earning.0.wallet", "coins", "$.earning[0].wallet"),
        ("earning.0.ratio.points", -1, "$.earning[0].ratio.points"),
        ("earning.0.ratio.points", 10**9 + 1, "$.earning[0].ratio.points"),
        ("earning.0.ratio.per_cents", 0, "$.earning[0].ratio.per_cents"),
        ("earning.0.pending_days", -1, "$.earning[0].pending_days"),
        ("earning.0.pending_days", 3661, "$.earning[0].pending_days"),
        ("earning.0.expiry", {"policy": "rolling", "months": 0}, "$.earning[0].expiry.months"),
        ("earning.0.expiry", {"policy": "rolling", "months": 1201}, "$.earning[0].expiry.months"),
        ("earning.0.expiry", {"policy": "yearly", "month": 13, "day": 1}, "$.earning[0].expiry.month"),
        ("earning.0.expiry", {"policy": "yearly", "month": 4, "day": 31}, "$.earning[0].expiry.day"),
        ("earning.0.expiry", {"policy": "yearly", "month": 2, "day": 30}, "$.earning[0].expiry.day"),
        ("earning.0.expiry", {"policy": "yearly", "month": 2, "day": 0}, "$.earning[0].expiry.day"),
        (
            "earning.0.expiry",
            {"policy": "yearly", "month": 2, "day": 1, "extra_years": -1},
            "$.earning[0].expiry.extra_years",
        ),
        ("returns.grace_days", -1, "$.returns.grace_days"),
        ("returns.expired_lots", "grace", "$.returns.grace_days"),
        ("holds.minutes", 0, "$.holds.minutes"),
        ("holds.minutes", 527_041, "$.holds.minutes"),
    ],
)
def test_each_bad_field_is_named(path: str, value: Any, named: str) -> None:
    """One code, the path of the field, and what to write instead."""
    with pytest.raises(InvalidProgram) as caught:
        check_document(changed(path, value))
    assert caught.value.code == "invalid_program"
    assert caught.value.details["path"] == named
    assert caught.value.message.startswith(named + " ")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("currency", "GBP"),
        ("earning.0.ratio.points", 0),
        ("earning.0.expiry", {"policy": "never"}),
        ("earning.0.expiry", {"policy": "yearly", "month": 2, "day": 29}),
        ("returns", {"expired_lots": "grace", "grace_days": 1}),
        ("holds.minutes", 527_040),
        ("wallets", wallets("points", *(f"w{n}" for n in range(MAXIMUM_WALLETS - 1)))),
    ],
)
def test_the_edges_are_allowed(path: str, value: Any) -> None:
    """A limit itself is within the limit."""
    check_document(changed(path, value))


def test_unknown_fields_are_refused() -> None:
    """A misspelt policy must not be the default in silence (known failure 44)."""
    content = msgspec.to_builtins(make_document())
    with pytest.raises(msgspec.ValidationError, match="refund"):
        msgspec.convert(content | {"refund": {}}, ProgramDocument)


def test_a_program_is_ready_for_use() -> None:
    """Wallets by number, the first is the default; the one that orders earn has their expiry, others never expire."""
    yearly = YearlyExpiry(12, 31)
    program = make_program(make_document(expiry=yearly), version=3)
    assert program.version == 3
    assert program.default_wallet == WALLET_NUMBERS["points"]
    assert program.expiry_of_wallet == {1: yearly, 2: NeverExpires()}
    assert program.wallet_ids == {1: "points", 2: "growth"}
    assert [(rule.id, rule.wallet) for book in program.books.values() for rule in book.rules] == [("base", 1)]


def test_wallets_of_other_versions_can_be_named_but_not_used() -> None:
    """A number is given once for ever, so old movements keep their names."""
    program = Program(1, make_document(), WALLET_NUMBERS | {"retired": 3})
    assert program.wallet_ids[3] == "retired"
    assert "retired" not in program.wallet_numbers
