"""Each kind of finding: a program that has it, and one that just does not."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import pytest

from jifen.analytics.proofs import CheckReport, check_program
from jifen.core.program import Program, ProgramDocument, check_document
from jifen.core.rules.facts import MemberFacts
from jifen.services.trying import Trial, try_event

BASE = {"id": "base", "wallet": "points", "ratio": {"points": 1, "per_cents": 100}}
PLAIN: dict[str, Any] = {
    "name": {"zh": "积分", "en": "Points"},
    "currency": "CNY",
    "time_zone": "Asia/Shanghai",
    "wallets": [{"id": "points", "name": {"zh": "积分", "en": "Points"}, "value": {"points": 100, "cents": 100}}],
    "groups": [{"id": "g", "pick": "first"}, {"id": "b", "pick": "best"}],
}


def document_of(*rules: dict[str, Any], **more: Any) -> ProgramDocument:
    """A program of a plain ratio and these rules."""
    made = [BASE, *({"id": f"r{number}", "wallet": "points"} | rule for number, rule in enumerate(rules))]
    document = msgspec.convert(PLAIN | {"earning": made} | more, ProgramDocument)
    check_document(document)
    return document


def kinds(report: CheckReport) -> list[tuple[str, list[str]]]:
    """What was found, of which rules."""
    return [(each.kind, each.rules) for each in report.findings]


def stepped(from_cents: int) -> dict[str, Any]:
    """A rule with two rates."""
    rates = [{"from_cents": start, "points": points, "per_cents": 100} for start, points in ((0, 1), (from_cents, 2))]
    return {"wallet": "points", "steps": {"rates": rates}}


def double(**more: Any) -> dict[str, Any]:
    """A coefficient of two."""
    return {"coefficient": {"times": 2}} | more


NOVEMBER = {"from": "2026-11-01", "to": "2026-11-30"}
ELEVENTH = {"yearly": ["11-11"]}
TIER = {"id": "gold", "name": {"zh": "金", "en": "Gold"}}
SETS = [
    {"id": each, "name": TIER["name"], "tiers": [TIER | {"id": "plain"}, TIER | {"qualify": "total.orders > 9"}]}
    for each in ("level", "tea")
]

#: Something that points buy.
MUG = {"rewards": [{"id": "mug", "kind": "goods", "name": TIER["name"], "prices": [{"points": 100}]}]}

PAIRS: dict[
    str, tuple[tuple[list[dict[str, Any]], dict[str, Any]], tuple[list[dict[str, Any]], dict[str, Any]], list[str]]
] = {
    "never_true: a contradiction": (
        ([{"fixed": 5, "when": "order.total_cents > 5000 && order.total_cents < 5001"}], {}),
        ([{"fixed": 5, "when": "order.total_cents > 5000 && order.total_cents < 5002"}], {}),
        ["r0"],
    ),
    "never_true: facts that exclude each other": (
        ([{"fixed": 5, "audience": "member.is_first_order && member.spent_cents_year > 0"}], {}),
        ([{"fixed": 5, "audience": "!member.is_first_order && member.spent_cents_year > 0"}], {}),
        ["r0"],
    ),
    "never_true: windows that never meet": (
        ([{"fixed": 5, "window": {"from": "2026-10-01", "to": "2026-10-31", "yearly": ["11-11"]}}], {}),
        ([{"fixed": 5, "window": {"from": "2026-10-01", "to": "2026-11-30", "yearly": ["11-11"]}}], {}),
        ["r0"],
    ),
    "ambiguous": (
        (
            [
                {"fixed": 5, "group": "g", "when": "order.total_cents >= 5000"},
                {"fixed": 9, "group": "g", "audience": 'member.tier == "gold"'},
            ],
            {},
        ),
        (
            [
                {"fixed": 5, "group": "g", "audience": 'member.tier == "silver"'},
                {"fixed": 9, "group": "g", "audience": 'member.tier == "gold"'},
            ],
            {},
        ),
        ["r0", "r1"],
    ),
    "shadowed": (
        (
            [
                {"fixed": 5, "group": "g", "priority": 2, "when": "order.total_cents >= 5000"},
                {"fixed": 9, "group": "g", "when": "order.total_cents >= 9000"},
            ],
            {},
        ),
        (
            [
                {"fixed": 5, "group": "g", "priority": 2, "when": "order.total_cents >= 5000"},
                {"fixed": 9, "group": "g", "when": "order.total_cents >= 4999"},
            ],
            {},
        ),
        ["r1", "r0"],
    ),
    "multiplying_overlap": (
        ([double(window=NOVEMBER), double(window=ELEVENTH)], {}),
        ([double(window=NOVEMBER), double(window=ELEVENTH)], {"coefficients": "best"}),
        ["r0", "r1"],
    ),
    "rate_exceeded": (
        ([double(audience='member.tier == "gold"')], {"most_reward_percent": "1.99"}),
        ([double(audience='member.tier == "gold"')], {"most_reward_percent": 2}),
        ["base"],
    ),
    "gaining_loop": (
        ([{"fixed": 500}], MUG),
        ([{"fixed": 500, "when": "order.total_cents >= 50000"}], MUG),
        ["base", "r0"],
    ),
    "gaining_loop: of points that buy nothing": (([{"fixed": 500}], MUG), ([{"fixed": 500}], {}), ["base", "r0"]),
    "gap": (
        ([], {"earning": [BASE | {"lines": 'line.category == "tea"'}], "catalog": {"categories": ["tea", "cup"]}}),
        (
            [],
            {
                "earning": [BASE | {"lines": 'line.category in ["tea", "cup"]'}],
                "catalog": {"categories": ["tea", "cup"]},
            },
        ),
        [],
    ),
    "gap: a tier": (
        ([], {"earning": [BASE | {"audience": 'member.tier != "gold"'}], "catalog": {"tiers": [TIER]}}),
        ([], {"catalog": {"tiers": [TIER]}}),
        [],
    ),
    "gap: a tier in a category": (
        (
            [],
            {
                "earning": [
                    BASE | {"audience": 'member.tier != "gold"'},
                    BASE | {"id": "tea", "audience": 'member.tier == "gold"', "lines": 'line.category == "tea"'},
                ],
                "catalog": {"categories": ["tea", "cup"], "tiers": [TIER]},
            },
        ),
        ([], {"catalog": {"categories": ["tea", "cup"], "tiers": [TIER]}}),
        [],
    ),
    "idle_cap": (
        (
            [
                {
                    "fixed": 5,
                    "caps": [{"limit": "points", "most": 5, "period": "event"}],
                    "when": "order.total_cents >= 5000",
                }
            ],
            {},
        ),
        (
            [
                {
                    "fixed": 5,
                    "caps": [{"limit": "points", "most": 4, "period": "event"}],
                    "when": "order.total_cents >= 5000",
                }
            ],
            {},
        ),
        ["r0"],
    ),
    "unknown_reference": (
        ([double(lines='line.category == "teas"')], {"catalog": {"categories": ["tea"]}}),
        ([double(lines='line.category == "tea"')], {"catalog": {"categories": ["tea"]}}),
        ["r0"],
    ),
    "unknown_reference: a tier of a set": (
        ([double(audience='member.tiers.tea == "silver"')], {"tier_sets": SETS}),
        ([double(audience='member.tiers.tea == "gold"')], {"tier_sets": SETS}),
        ["r0"],
    ),
    "never_true: two names of one tier": (
        ([{"fixed": 5, "audience": 'member.tier == "gold" && member.tiers.level == "plain"'}], {"tier_sets": SETS}),
        ([{"fixed": 5, "audience": 'member.tier == "gold" && member.tiers.tea == "plain"'}], {"tier_sets": SETS}),
        ["r0"],
    ),
    "magnitude": (
        ([double(when="order.total_cents >= 500")], {}),
        ([double(when="order.total_cents >= 50000")], {}),
        ["r0"],
    ),
    "magnitude: of a choice": (
        ([double(when='order.total_cents >= (member.tier == "gold" ? 500 : 80000)')], {}),
        ([double(when='order.total_cents >= (member.tier == "gold" ? 50000 : 80000)')], {}),
        ["r0"],
    ),
    "magnitude: in a list": (
        ([double(when="order.total_cents in [100000, 200]")], {}),
        ([double(when="order.total_cents in [100000, 20000]")], {}),
        ["r0"],
    ),
    "magnitude: worked out": (
        ([double(when="order.total_cents > 99 * 5")], {}),
        ([double(when="order.total_cents > 99 * 500")], {}),
        ["r0"],
    ),
    "magnitude: of a sum": (
        ([double(when="order.total_cents + member.spent_cents_year > 500")], {}),
        ([double(when="order.total_cents + member.spent_cents_year > 50000")], {}),
        ["r0"],
    ),
    "magnitude: not of whole units": (
        ([double(when="member.spent_cents_total - order.total_cents > 500")], {}),
        ([double(when="order.total_cents / 100 + member.spent_cents_year / 100 > 500")], {}),
        ["r0"],
    ),
    "magnitude: of a step": (
        ([stepped(500)], {}),
        ([stepped(50_000)], {}),
        ["r0"],
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_each_kind(name: str) -> None:
    """Found where it is, and not found where it just is not."""
    (rules, more), (other_rules, other_more), named = PAIRS[name]
    kind = name.partition(":")[0]
    report = check_program(document_of(*rules, **more))
    assert (kind, named) in kinds(report), report
    other = check_program(document_of(*other_rules, **other_more))
    assert kind not in [each for each, _ in kinds(other)], other
    assert (report.not_proven, other.not_proven) == ([], [])


@pytest.mark.parametrize("name", [name for name in PAIRS if not name.startswith("idle")])
def test_counterexamples_can_be_tried(name: str) -> None:
    """`rules try` shows what the finding says, with the very event and member."""
    (rules, more), _, _ = PAIRS[name]
    document = document_of(*rules, **more)
    program = Program(1, document, {"points": 1})
    shown = next(each for each in check_program(document).findings if each.kind == name.partition(":")[0])
    assert shown.counterexample is not None
    example = shown.counterexample
    member = msgspec.convert(example.member, MemberFacts)
    now = msgspec.convert(example.at, datetime)
    trial = try_event(program, msgspec.json.encode(example.event), member, at=None, used=None, now=now)
    assert isinstance(trial, Trial)
    outcomes = {each.rule: each.outcome for each in trial.trace}
    points = sum(each.points for each in trial.awards)
    paid: int = sum(line["paid_cents"] for line in example.event["data"]["lines"])
    match shown.kind:
        case "never_true":
            assert outcomes["r0"] in ("audience", "condition", "outside_window")
        case "ambiguous" | "shadowed":
            assert "group" in outcomes.values()
        case "multiplying_overlap":
            assert [outcomes["r0"], outcomes["r1"]] == ["multiplied", "multiplied"]
        case "rate_exceeded":
            assert points * 10_000 > 199 * paid
        case "gaining_loop":
            assert points > paid
        case "gap":
            assert points == 0 and paid > 0
        case "unknown_reference":
            # Of a name that is known, which may have been meant.
            assert outcomes["r0"] in ("audience", "no_line")
        case "magnitude":
            # Matched by too little; of a list, missed by what was meant.
            assert (outcomes["r0"] == "condition") == name.endswith("in a list") and paid < 50_000


def tiers_by(period: str, *conditions: str) -> dict[str, Any]:
    """A tier set with these conditions, from the lowest tier to the highest."""
    tiers = [TIER | {"id": f"t{rank}", "qualify": each} for rank, each in enumerate(conditions)]
    return {"tier_sets": [{"id": "level", "name": TIER["name"], "period": {"kind": period}, "tiers": tiers}]}


@pytest.mark.parametrize(
    ("period", "conditions", "unreachable"),
    [
        ("lifetime", ("period.orders >= 2", "period.orders >= 20"), []),
        # The wrong way round: whoever has 20 orders has 2.
        ("lifetime", ("period.orders >= 20", "period.orders >= 2"), ["t0"]),
        ("lifetime", ("period.orders >= 2 || balance.points > 9", "period.orders >= 2"), []),
        ("lifetime", ("period.orders > 5 && total.orders < 5", "period.orders >= 99"), ["t0"]),
        # More in a year than ever.
        ("calendar_year", ("period.spent_cents > total.spent_cents", "total.orders > 1"), ["t0"]),
        # The same over a lifetime, where in a year it need not be.
        ("lifetime", ("total.orders >= 9", "period.orders >= 9"), ["t0"]),
        ("calendar_year", ("total.orders >= 9", "period.orders >= 9"), []),
    ],
)
def test_tiers_that_nobody_can_reach(period: str, conditions: tuple[str, ...], unreachable: list[str]) -> None:
    """Found where they are, and only there."""
    report = check_program(document_of(**tiers_by(period, *conditions)))
    found = [each.rules for each in report.findings if each.kind == "unreachable_tier"]
    assert found == [[f"tier:level:{each}"] for each in unreachable]
    assert report.not_proven == []


def test_the_highest_share_is_told() -> None:
    """To two decimals: two points of a cent each for every yuan."""
    assert check_program(document_of(double(audience='member.tier == "gold"'))).highest_reward_percent == "2.00"
    assert check_program(document_of()).highest_reward_percent == "1.00"


@pytest.mark.parametrize(
    ("when", "part"),
    [
        ('order.channel.matches("(?i)a") && order.total_cents >= 100000', "matches"),
        ('order.lines.exists(l, l.sku == "A") && order.total_cents >= 100000', "exists"),
        ('string(order.quantity).startsWith("1") && order.total_cents >= 100000', "string"),
        ("order.total_cents * order.quantity > 10000000", "*"),
    ],
)
def test_what_is_beyond_proof_is_named(when: str, part: str) -> None:
    """By the word that stands in the condition; never passed over, and never a crash."""
    report = check_program(document_of({"fixed": 5, "when": when}))
    told = [each.why_en for each in report.not_proven if each.rule == "r0"]
    assert any(f": {part} is beyond proof" in each for each in told), told


def some(**more: Any) -> dict[str, Any]:
    """Five points for a larger order."""
    return {"fixed": 5, "when": "order.total_cents >= 50000"} | more


OTHER_WALLET = [
    {"id": name, "name": {"zh": "积分", "en": "Points"}, "value": {"points": 100, "cents": 100}}
    for name in ("points", "gold")
]
#: Rules, the program around them, what is found, and the highest share.
CASES: dict[str, tuple[list[dict[str, Any]], dict[str, Any], list[tuple[str, list[str]]], str | None]] = {
    "pieces that cost something": (
        [{"fixed": {"points": 5, "per": "unit"}, "lines": "line.paid_cents >= 1500 * line.quantity"}],
        {},
        [],
        "1.34",
    ),
    "lines that cost something": (
        [{"fixed": {"points": 5, "per": "line"}, "lines": 'line.category == "tea" && 1000 < line.paid_cents'}],
        {},
        [],
        "1.50",
    ),
    "pieces of which only the line costs something": (
        [{"fixed": {"points": 5, "per": "unit"}, "lines": "line.paid_cents >= 1500"}],
        MUG,
        [("gaining_loop", ["base", "r0"])],
        None,
    ),
    "an hour that no round time of day lies in": ([some(window={"hours": ["09:10-09:20"]})], {}, [], "1.01"),
    "a date and a weekday that meet years later": (
        [some(window={"yearly": ["11-11"], "weekdays": ["mon"]})],
        {},
        [],
        "1.01",
    ),
    "a window of the past": ([some(window={"to": "2025-12-31"})], {}, [], "1.01"),
    "hours apart": (
        [some(window={"hours": ["09:00-12:00"]}, when="now.hour >= 20 && order.total_cents >= 50000")],
        {},
        [("never_true", ["r0"])],
        "1.00",
    ),
    "a day that no month has": (
        [some(when="now.month == 2 && now.day == 30 && order.total_cents >= 50000")],
        {},
        [("never_true", ["r0"])],
        "1.00",
    ),
    "a birthday of 29 February": (
        [some(audience="member.is_birthday && member.birthday_day == 29 && now.day == 28")],
        {},
        [],
        "1.01",
    ),
    "members of long ago": ([some(audience="member.days_since_registration > 4000")], {}, [], "1.01"),
    "an event of another type": (
        [some(when='event.type == "x" && order.total_cents >= 50000')],
        {},
        [("never_true", ["r0"])],
        "1.00",
    ),
    "filters that different lines meet": (
        [some(group="g", lines='line.category == "tea"'), some(group="g", lines='line.category == "cup"')],
        {},
        [("ambiguous", ["r0", "r1"])],
        "1.01",
    ),
    "shadowed within a window": (
        [
            some(group="g", priority=2, window={"from": "2026-11-01"}),
            some(group="g", window={"from": "2026-11-11"}),
        ],
        {},
        [("shadowed", ["r1", "r0"])],
        "1.01",
    ),
    "shadowed by more points": ([some(group="b"), some(group="b", fixed=9)], {}, [("shadowed", ["r0", "r1"])], "1.02"),
    "fixed awards for different lines add up": (
        [some(fixed=500, lines='line.category == "tea"'), some(fixed=500, lines='line.category == "cup"')],
        {"most_reward_percent": "2.5"},
        [("rate_exceeded", ["base", "r0", "r1"])],
        "3.00",
    ),
    "many lines of nothing": (
        [some(fixed={"points": 100, "per": "line"}, lines='line.category == "tea"')],
        {"most_reward_percent": "2"} | MUG,
        [("rate_exceeded", ["base", "r0"]), ("gaining_loop", ["base", "r0"])],
        "201.00",
    ),
    "many small lines": (
        [
            {
                "ratio": {"points": 1, "per_cents": 100},
                "lines": "line.paid_cents < 1000",
                "when": "order.total_cents >= 50000",
            }
        ],
        {"most_reward_percent": "1.5"},
        [("rate_exceeded", ["base", "r0"])],
        "2.00",
    ),
    "two wallets": (
        [{"wallet": "gold", "ratio": {"points": 1, "per_cents": 100}}],
        {"wallets": OTHER_WALLET, "most_reward_percent": "1.5"},
        [("rate_exceeded", ["base", "r0"])],
        "2.00",
    ),
    "exactly all of it": (
        [{"ratio": {"points": 99, "per_cents": 100}}],
        MUG,
        [("gaining_loop", ["base", "r0"])],
        "100.00",
    ),
    "points for nothing": (
        [{"fixed": 5, "when": "order.total_cents == 0"}],
        {"most_reward_percent": "50"} | MUG,
        [("rate_exceeded", ["r0"]), ("gaining_loop", ["r0"])],
        None,
    ),
    "a cap holds the share down": (
        [
            {
                "fixed": 600,
                "caps": [{"limit": "points", "most": 5, "period": "day"}],
                "when": "order.total_cents >= 1000",
            }
        ],
        {"most_reward_percent": "2"},
        [],
        "1.50",
    ),
    "a coefficient below one": (
        [double(), {"coefficient": {"times": "0.5"}}],
        {"most_reward_percent": "1"},
        [],
        "1.00",
    ),
    "a cap that a coefficient reaches": (
        [
            some(caps=[{"limit": "points", "most": 5, "period": "event"}]),
            {"coefficient": {"times": 2, "of": ["r0"]}},
        ],
        {},
        [],
        "1.01",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_answer_is_right(name: str) -> None:
    """Exactly this is found, nothing stays open, and the highest share is known to the last digit."""
    rules, more, expected, highest = CASES[name]
    report = check_program(document_of(*rules, **more))
    assert kinds(report) == expected
    assert (report.not_proven, report.highest_reward_percent) == ([], highest)
