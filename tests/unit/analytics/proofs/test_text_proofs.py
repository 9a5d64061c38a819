"""How texts begin and end, what they hold, how long they are and which pattern they fit can be proven."""

from __future__ import annotations

from typing import Any

import pytest

from jifen.analytics.proofs import check_program
from tests.unit.analytics.proofs.trying import only, tried
from tests.unit.analytics.test_proofs import TIER, document_of, kinds

#: Conditions that never hold, and beside each one that just does.
NEVER = [
    ('order.store_id.startsWith("SH-") && order.store_id.startsWith("BJ-")', 'order.store_id.startsWith("S")'),
    ('order.store_id.startsWith("SH-") && order.store_id == "BJ-1"', 'order.store_id == "SH-1"'),
    ('order.store_id.endsWith("-x") && order.store_id in ["SH-1", "SH-2"]', 'order.store_id in ["SH-1", "SH-x"]'),
    ('order.store_id.contains("H") && order.store_id.matches("^[A-G]*$")', 'order.store_id.matches("^[A-H]*$")'),
    ('order.store_id.contains("SH-") && size(order.store_id) < 3', "size(order.store_id) == 3"),
    ("size(order.store_id) > 256", "size(order.store_id) > 30"),
    ("size(order.store_id) + 1 < 1", "size(order.store_id) + 1 <= 1"),
    ('order.store_id.contains("浦东") && !order.store_id.contains("浦")', 'order.store_id.contains("浦东")'),
    ('!order.store_id.startsWith("")', 'order.store_id.startsWith("")'),
    ('event.type.startsWith("review")', 'event.type.endsWith(".completed")'),
    (
        '(member.orders > 3 ? order.store_id : "BJ-1").startsWith("SH") && member.orders < 2',
        '(member.orders > 3 ? order.store_id : "SH-1").startsWith("SH") && member.orders < 2',
    ),
]


def of_texts(when: str, **more: Any) -> dict[str, Any]:
    """A few points for a larger order, by a condition of texts."""
    return {"fixed": 5, "when": f"({when}) && order.total_cents >= 100000"} | more


@pytest.mark.parametrize(("never", "sometimes"), NEVER)
def test_what_texts_never_are_is_found(never: str, sometimes: str) -> None:
    """And nothing is left open."""
    assert kinds(check_program(document_of(of_texts(never)))) == [("never_true", ["r0"])]
    report = check_program(document_of(of_texts(sometimes)))
    assert (report.findings, report.not_proven) == ([], [])


def test_a_text_is_made_up_that_fits() -> None:
    """As the event of a finding, which anyone can read and try."""
    group = {"group": "g"}
    rules = [
        of_texts('order.store_id.matches("^SH-[0-9]{3}$")', **group),
        of_texts('order.store_id.endsWith("7") && order.channel.contains("pp")', **group),
    ]
    document = document_of(*rules)
    found = only(check_program(document), "ambiguous")
    assert found.counterexample is not None
    order = found.counterexample.event["data"]
    assert order["store_id"][:3] == "SH-" and order["store_id"][-1] == "7" and "pp" in order["channel"]
    outcomes = {each.rule: each.outcome for each in tried(document, found.counterexample).trace}
    assert outcomes == {"base": "awarded", "r0": "awarded", "r1": "group"}


def test_lines_have_texts_of_their_own() -> None:
    """Two lines of one order may begin in two ways, one line may not."""
    tea, cup = 'line.sku.startsWith("TEA")', 'line.sku.startsWith("CUP")'
    apart = [of_texts("true", group="g", lines=each) for each in (tea, cup)]
    assert kinds(check_program(document_of(*apart))) == [("ambiguous", ["r0", "r1"])]
    never = document_of(of_texts("true", lines=f"{tea} && {cup}"))
    assert kinds(check_program(never)) == [("never_true", ["r0"])]


def test_shares_follow_from_texts() -> None:
    """Rules that exclude each other do not add up."""
    rules = [of_texts(f'order.store_id.startsWith("{each}")', fixed=500) for each in ("SH", "BJ")]
    assert check_program(document_of(*rules)).highest_reward_percent == "1.50"
    rules = [of_texts(f'order.store_id.contains("{each}")', fixed=500) for each in ("SH", "BJ")]
    assert check_program(document_of(*rules)).highest_reward_percent == "2.00"


def test_gaps_by_parts_of_texts() -> None:
    """Of categories that begin otherwise."""
    base = {"id": "base", "wallet": "points", "ratio": {"points": 1, "per_cents": 100}}
    catalog = {"categories": ["tea-green", "tea-black", "cup"], "tiers": [TIER]}
    report = check_program(document_of(earning=[base | {"lines": 'line.category.startsWith("tea-")'}], catalog=catalog))
    assert [each.message_en for each in report.findings] == ["An order of the category cup earns nothing"]
    assert report.not_proven == []
    report = check_program(document_of(earning=[base | {"lines": "size(line.category) >= 3"}], catalog=catalog))
    assert (report.findings, report.not_proven) == ([], [])


@pytest.mark.parametrize(
    ("when", "part"),
    [
        ('order.store_id.matches("(?i)sh")', "matches"),
        ('order.store_id.startsWith("𰻝")', "startsWith"),
        ("order.store_id.startsWith(order.channel)", "startsWith"),
        ('string(order.total_cents).startsWith("9")', "string"),
        ('member.tags.exists(each, each.startsWith("vip"))', "exists"),
        ("size(member.tags) > 2", "member.tags"),
    ],
)
def test_the_rest_is_beyond_proof(when: str, part: str) -> None:
    """And named."""
    report = check_program(document_of(of_texts(when)))
    assert any(f": {part} is beyond proof" in each.why_en for each in report.not_proven)
