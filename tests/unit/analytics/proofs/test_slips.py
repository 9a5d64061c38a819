"""Slips in conditions come with an event of which the rule says something else once they are mended."""

from __future__ import annotations

from typing import Any

import pytest

from jifen.analytics.proofs import check_program
from tests.unit.analytics.proofs.trying import only, tried
from tests.unit.analytics.test_proofs import SETS, document_of, double

CATALOG = {
    "categories": ["tea", "cup"],
    "skus": ["MUG", "POT"],
    "tags": ["vip", "staff"],
    "segments": ["sleeping"],
    "channels": ["app", "web"],
}
FORMULA = {"formula": 'order.channel == "ap" ? 9 : 5'}
RISING = [{"from_cents": 0, "points": 1, "per_cents": 100}, {"from_cents": 500, "points": 2, "per_cents": 100}]
#: A rule with a slip, the same without it, and the kind of finding.
SLIPS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "another text": (double(lines='line.category != "teas"'), double(lines='line.category != "tea"'), "reference"),
    "a text in a list": (
        double(lines='line.category in ["teas", "cup"] && line.quantity > 2'),
        double(lines='line.category in ["tea", "cup"] && line.quantity > 2'),
        "reference",
    ),
    "a tag": (double(audience='!("vips" in member.tags)'), double(audience='!("vip" in member.tags)'), "reference"),
    "a segment in a window": (
        double(audience='"sleepin" in member.segments', window={"weekdays": ["sun"]}),
        double(audience='"sleeping" in member.segments', window={"weekdays": ["sun"]}),
        "reference",
    ),
    **{
        f"a quantifier: {asked}": (double(when=asked), double(when=asked.replace(wrong, right)), "reference")
        for asked, wrong, right in (
            ('order.lines.exists(l, l.sku == "MUGS")', "MUGS", "MUG"),
            ('order.lines.exists(l, l.category == "teas" && l.quantity > 7)', "teas", "tea"),
            ('order.lines.all(l, l.category in ["teas", "cup"])', "teas", "tea"),
            ('order.lines.exists_one(l, l.category != "teas" && l.sku.startsWith("P"))', "teas", "tea"),
            ('order.lines.exists(l, ["MUGS", "POT"].exists(s, s == l.sku))', "MUGS", "MUG"),
            ('member.tags.exists(t, t == "vips")', '"vips"', '"vip"'),
            ('member.tags.exists(t, t in ["vips", "staff"])', '"vips"', '"vip"'),
            ('member.tags.all(t, t != "vips")', '"vips"', '"vip"'),
            ('member.tags.all(t, !(t in ["vips"]))', '"vips"', '"vip"'),
            ('member.segments.exists(s, "sleepin" == s) && order.line_count > 2', "sleepin", "sleeping"),
            ('["vips", "staff"].exists(t, t in member.tags)', '"vips"', '"vip"'),
            ('["vips", "staff"].all(t, t in member.tags)', '"vips"', '"vip"'),
        )
    },
    "a tier": (
        double(audience='member.tiers.tea == "golden"'),
        double(audience='member.tiers.tea == "gold"'),
        "reference",
    ),
    "a formula": (FORMULA, {"formula": FORMULA["formula"].replace('"ap"', '"app"')}, "reference"),
    "an event of another type": (
        {"event": "review.posted", "fixed": 5, "when": 'event.data.sku == "MUGS" && event.data.rating >= 4'},
        {"event": "review.posted", "fixed": 5, "when": 'event.data.sku == "MUG" && event.data.rating >= 4'},
        "reference",
    ),
    "a line": (double(lines="line.paid_cents >= 500"), double(lines="line.paid_cents >= 50000"), "magnitude"),
    "what was spent": (
        double(audience="member.spent_cents_year < 300 && member.orders > 2"),
        double(audience="member.spent_cents_year < 30000 && member.orders > 2"),
        "magnitude",
    ),
    "a sum of two facts": (
        double(when="order.total_cents + member.spent_cents_year > 300"),
        double(when="order.total_cents + member.spent_cents_year > 30000"),
        "magnitude",
    ),
    "a choice of two facts": (
        double(when="(member.is_birthday ? order.total_cents : member.spent_cents_year) > 300"),
        double(when="(member.is_birthday ? order.total_cents : member.spent_cents_year) > 30000"),
        "magnitude",
    ),
    "a number in a formula": (
        {"formula": "order.total_cents > 200 ? 5 : 1", "when": "order.total_cents >= 1000"},
        {"formula": "order.total_cents > 20000 ? 5 : 1", "when": "order.total_cents >= 1000"},
        "magnitude",
    ),
    "a step": (
        {"progressive": {"rates": RISING[1:]}},
        {"progressive": {"rates": [RISING[1] | {"from_cents": 50_000}]}},
        "magnitude",
    ),
}


@pytest.mark.parametrize("name", SLIPS)
def test_the_event_tells_the_slip(name: str) -> None:
    """By `rules try`, with the very event and member, before and after."""
    *rules, kind = SLIPS[name]
    wrong, right = (document_of(rule, catalog=CATALOG, tier_sets=SETS) for rule in rules)
    found = only(check_program(wrong), {"reference": "unknown_reference"}.get(kind, kind))
    assert found.counterexample is not None
    said = []
    for document in (wrong, right):
        trial = tried(document, found.counterexample)
        outcomes = {each.rule: each.outcome for each in trial.trace}
        said.append((outcomes["r0"], [each.points for each in trial.awards if each.rule == "r0"]))
    assert said[0] != said[1]


@pytest.mark.parametrize(
    "rule",
    [
        # Whatever is written there, it does not matter.
        double(when="order.total_cents >= 500 && order.total_cents > 90000"),
        # Nobody knows what a solver cannot say.
        double(when='order.lines.exists_one(each, each.category == "teas") && size(order.lines) > 1'),
    ],
)
def test_where_no_event_tells_it_one_is_shown_that_the_rule_reads(rule: dict[str, Any]) -> None:
    """And it is said that it tells nothing."""
    document = document_of(rule, catalog=CATALOG)
    (found,) = check_program(document).findings
    assert found.kind in ("magnitude", "unknown_reference") and found.counterexample is not None
    assert found.message_zh.endswith("；没有找到结论因此不同的事件")
    assert found.message_en.endswith("; no event was found of which it says anything else for it")
    assert "r0" in [each.rule for each in tried(document, found.counterexample).trace]
