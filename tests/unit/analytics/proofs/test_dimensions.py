"""What stands in for a category, a channel or a tag in an example is one of that kind, or plainly none of any."""

from __future__ import annotations

from typing import Any

import pytest

from jifen.analytics.proofs import check_program
from tests.unit.analytics.test_proofs import document_of

CATALOG = {
    "categories": ["tea", "cup"],
    "skus": ["A1", "B2"],
    "brands": ["dragon", "lotus"],
    "channels": ["app", "web"],
    "stores": ["east", "west"],
}
_OF = {"category": "categories", "sku": "skus", "brand": "brands"}
#: Rules that ask for much, so that there is much to be mixed up.
RULES: list[dict[str, Any]] = [
    {"fixed": 5, "lines": 'line.category != "tea" && line.brand != "lotus" && line.sku != "A1"'},
    {"fixed": 6, "lines": 'line.sku != "B2" && line.category != "cup"', "when": 'order.channel != "web"'},
    {"fixed": 7, "when": 'order.channel != "app" && order.store_id != "east" && order.store_id != ""'},
    {"fixed": 8, "audience": 'member.channel != "web" && member.channel != ""'},
]


@pytest.mark.parametrize("catalog", [CATALOG, {}])
def test_no_value_of_one_kind_stands_for_another(catalog: dict[str, Any]) -> None:
    """Where the program declares some, one of these or a made-up one; else one that a rule asks for."""
    groups = [rule | {"group": "g"} for rule in RULES]
    report = check_program(document_of(*groups, catalog=catalog, most_reward_percent=1))
    shown = [each.counterexample for each in report.findings if each.counterexample]
    assert len(shown) > 5
    for example in shown:
        data = example.event["data"]
        values = [(_OF[field], line[field]) for line in data["lines"] for field in _OF if field in line]
        values += [("channels", data.get("channel", "")), ("stores", data.get("store_id", ""))]
        values.append(("channels", example.member.get("channel", "")))
        for kind, value in values:
            others = {each for other, listed in CATALOG.items() if other != kind for each in listed}
            assert value not in others, example
            if catalog:
                assert value in ("", *CATALOG[kind]) or value.startswith(("other-", "another-")), example


def test_where_nothing_declared_will_do_it_is_plainly_made_up() -> None:
    """And no value of another kind."""
    rules = [
        {"fixed": 5, "group": "g", "lines": 'line.category != "tea" && line.category != "cup" && line.category != ""'},
        {"fixed": 6, "group": "g", "lines": 'line.brand == "dragon"', "when": 'order.channel == "app"'},
    ]
    report = check_program(document_of(*rules, catalog=CATALOG))
    (found,) = [each for each in report.findings if each.kind == "ambiguous"]
    assert found.counterexample is not None
    categories = {line["category"] for line in found.counterexample.event["data"]["lines"] if "category" in line}
    assert any(each.startswith(("other-", "another-")) for each in categories)
