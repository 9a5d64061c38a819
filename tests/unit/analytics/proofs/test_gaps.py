"""Orders that earn nothing: always, or at moments that windows and conditions leave out."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from jifen.analytics.proofs import check_program
from jifen.analytics.proofs.moments import SymbolicMoment
from jifen.analytics.proofs.report import Finding
from tests.unit.analytics.proofs.trying import tried
from tests.unit.analytics.test_proofs import BASE, TIER, document_of

ZONE = ZoneInfo("Asia/Shanghai")
TEA_AND_CUP = {"categories": ["tea", "cup"]}
WORKDAYS = {"weekdays": ["mon", "tue", "wed", "thu", "fri", "sat"]}


def rule(name: str, **more: Any) -> dict[str, Any]:
    """A plain rule with these conditions."""
    return BASE | {"id": name} | more


def found(*rules: dict[str, Any], **more: Any) -> list[Finding]:
    """The gaps of a program of these rules, each tried: the order earns nothing. Nothing is left open."""
    document = document_of(**({"catalog": TEA_AND_CUP} | more | {"earning": list(rules)}))
    report = check_program(document)
    gaps = [each for each in report.findings if each.kind == "gap"]
    assert not [each for each in report.not_proven if "gap" in each.why]
    for each in gaps:
        assert each.counterexample is not None
        assert sum(award.points for award in tried(document, each.counterexample).awards) == 0
    return gaps


def local(gap: Finding) -> datetime:
    """When the order of a gap is, by the clocks of the program."""
    assert gap.counterexample is not None
    return datetime.fromisoformat(gap.counterexample.at).astimezone(ZONE)


def test_a_gap_on_sundays() -> None:
    """Told once for all categories, with a Sunday; and none where another rule has the Sundays."""
    (gap,) = found(rule("base", window=WORKDAYS))
    assert local(gap).isoweekday() == 7
    assert "、".join(TEA_AND_CUP["categories"]) in gap.message_zh and "周日" in gap.message_zh
    assert "at some moments, such as Sunday" in gap.message_en
    assert found(rule("base", window=WORKDAYS), rule("sunday", window={"weekdays": ["sun"]})) == []


@pytest.mark.parametrize(
    ("windows", "is_in"),
    [
        ([{"hours": ["09:00-21:00"]}], lambda at: not 9 <= at.hour < 21),
        ([{"hours": ["09:00-21:00"]}, {"hours": ["21:00-09:00"]}], None),
        ([{"hours": ["09:00-21:00"]}, {"hours": ["21:00-08:59"]}], lambda at: (at.hour, at.minute) == (8, 59)),
        ([{"days_of_month": [-1]}, {"days_of_month": list(range(1, 31))}], None),
        ([{"days_of_month": list(range(1, 31))}], lambda at: at.day == 31),
        # Between the end of one rule and the begin of the next.
        ([{"to": "2026-06-30"}, {"from": "2026-08-01"}], lambda at: (at.year, at.month) == (2026, 7)),
        ([{"to": "2026-06-30"}, {"from": "2026-07-01"}], None),
        # What begins later than the calendar does leaves no gap before; what ends leaves one behind.
        ([{"from": "2027-03-01"}], None),
        ([{"from": "2027-03-01", "to": "2027-03-31"}], lambda at: at > datetime(2027, 4, 1, tzinfo=ZONE)),
        ([WORKDAYS | {"hours": ["00:00-12:00"]}, {"hours": ["12:00-24:00"]}], lambda at: at.isoweekday() == 7),
    ],
)
def test_windows_are_gone_through_whole(windows: list[dict[str, Any]], is_in: Any) -> None:
    """Weekdays, hours, days and dates; `is_in`: that a moment lies in the gap."""
    gaps = found(*(rule(f"r{number}", window=window) for number, window in enumerate(windows)))
    if is_in is None:
        assert gaps == []
    else:
        assert [is_in(local(each)) for each in gaps] == [True]


def test_conditions_on_the_moment_count_as_windows() -> None:
    """`now` in a condition, or in a formula that is nought at night."""
    (gap,) = found(rule("base", when="now.weekday != 3"))
    assert local(gap).isoweekday() == 3
    formula = {"id": "base", "wallet": "points", "formula": "now.hour >= 6 ? order.total_cents / 100 : 0"}
    (night,) = found(formula)
    assert local(night).hour < 6


def test_what_takes_the_points_away_is_a_gap() -> None:
    """A coefficient of nought on one day; a rule of the group that goes first and gives nothing."""
    nothing = {"id": "none", "wallet": "points", "coefficient": {"times": 0}, "window": {"yearly": ["04-01"]}}
    (gap,) = found(rule("base"), nothing)
    assert (local(gap).month, local(gap).day) == (4, 1)
    first = {
        "id": "first",
        "wallet": "points",
        "fixed": 0,
        "group": "g",
        "priority": 9,
        "window": {"weekdays": ["tue"]},
    }
    (gap,) = found(rule("base", group="g"), first)
    assert local(gap).isoweekday() == 2


def test_categories_that_rules_tell_apart_are_told_apart() -> None:
    """One always, one on Sundays, and one that is like no other."""
    gaps = found(
        rule("tea", lines='line.category == "tea"', window=WORKDAYS),
        rule("rest", lines='line.category != "tea" && line.category != "cup"'),
        catalog={"categories": ["tea", "cup", "mug", "pot"]},
    )
    assert [each.message_en.split(" earns")[0] for each in gaps] == [
        "An order of the category tea",
        "An order of the category cup",
    ]
    assert "at some moments" in gaps[0].message_en and "at some moments" not in gaps[1].message_en


@pytest.mark.parametrize("weekday", [1, 7])
def test_tiers_are_told_only_of_what_is_their_own(monkeypatch: pytest.MonkeyPatch, weekday: int) -> None:
    """That nobody earns on Sundays is told of the categories; that gold does not on Mondays, of gold: whichever day the
    solver finds first."""
    monkeypatch.setattr(SymbolicMoment, "usual", lambda self: [self.weekday == weekday])
    sundays = rule("base", window=WORKDAYS, when='member.tier != "gold" || now.weekday != 1')
    gaps = found(sundays, catalog=TEA_AND_CUP | {"tiers": [TIER, TIER | {"id": "silver"}]})
    assert [(local(each).isoweekday(), each.message_en.split(" earns")[0]) for each in gaps] == [
        (7, "An order of the categories tea, cup"),
        (1, "An order of the tier gold"),
    ]


def test_tiers_without_categories_have_gaps_of_their_own() -> None:
    """Where no category is stated, or none earns anything, nothing else tells that nobody earns on Sundays."""
    tiers = {"tiers": [TIER, TIER | {"id": "silver"}, TIER | {"id": "iron"}]}
    (gap,) = found(rule("base", window=WORKDAYS), catalog=tiers)
    assert local(gap).isoweekday() == 7 and "the tiers gold, silver, iron" in gap.message_en
    gaps = found(rule("base", window=WORKDAYS, when='member.tier != "gold"'), catalog=tiers)
    assert [each.message_en.split(" earns")[0] for each in gaps] == [
        "An order of the tier gold",
        "An order of the tiers silver, iron",
    ]
    assert ["at some moments" in each.message_en for each in gaps] == [False, True]
    gaps = found(rule("base", lines='line.category == ""', window=WORKDAYS), catalog=TEA_AND_CUP | tiers)
    assert ["at some moments" in each.message_en for each in gaps] == [False, True]
    sundays = rule("sunday", window={"weekdays": ["sun"]})
    assert found(rule("base", window=WORKDAYS), sundays, catalog=tiers) == []


def test_a_tier_of_a_set_is_known_by_both_of_its_names() -> None:
    """As `member.tier` and in the set."""
    tiers = [TIER | {"id": "plain"}, TIER | {"qualify": "total.orders > 9"}]
    sets = [{"id": "level", "name": TIER["name"], "tiers": tiers}]
    assert found(rule("base", audience='member.tiers.level in ["", "plain", "gold"]'), tier_sets=sets) == []
    (gap,) = found(rule("base", audience='member.tiers.level != "gold"'), tier_sets=sets)
    assert "the tier gold" in gap.message_en


def test_what_is_not_wholly_known_is_named() -> None:
    """An instant is beyond the solver: where it decides, that is said."""
    window = 'now < timestamp("2250-01-01T00:00:00Z") && now.weekday != 7'
    report = check_program(document_of(earning=[rule("base", when=window)], catalog=TEA_AND_CUP))
    (named,) = [each for each in report.not_proven if each.why.startswith("gap")]
    assert named.rule == "category:tea,cup"
