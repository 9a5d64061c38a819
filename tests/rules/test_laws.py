"""Laws of the pipeline, for programs, members and orders of all sorts."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import floor, prod
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from jifen.core.orders import Order, OrderLine
from jifen.core.program import EarningRule, Program, Ratio, check_document
from jifen.core.rounding import Rounding
from jifen.core.rules.document import ORDER_COMPLETED, Coefficient, Fixed, Group, Step, Steps
from jifen.core.rules.facts import MemberFacts
from jifen.core.rules.rate import Award, Rating, rate
from tests.rating import program_of
from tests.rules.generating import (
    MEMBERS,
    POLICIES,
    RATIOS,
    ROUNDINGS,
    TIMES,
    contents,
    document_of,
    event_of,
    orders,
    plain_document,
    rates,
)

many = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])


def rating_of(
    program: Program, order: Order, member: MemberFacts, used: dict[str, int] | None = None, *, asks_all: bool = False
) -> Rating:
    """What a program gives for an order."""
    policy = program.document.coefficients
    book = program.books.get(ORDER_COMPLETED)
    return rate(book, event_of(order), member, used or {}, policy, with_all_verdicts=asks_all)


def points(awards: list[Award]) -> int:
    """All points together."""
    return sum(award.points for award in awards)


def without_names(awards: list[Award]) -> list[Award]:
    """The awards without the names of what multiplied them."""
    return [msgspec.structs.replace(award, coefficients=[]) for award in awards]


@many
@given(contents())
def test_every_generated_program_is_a_right_one(content: dict[str, Any]) -> None:
    """So that the laws below are about programs that can be applied."""
    check_document(document_of(content))


@many
@given(contents(), orders(), MEMBERS)
def test_a_coefficient_of_one_changes_nothing(content: dict[str, Any], order: Order, member: MemberFacts) -> None:
    """Neither points nor cuts. With `best` a coefficient of 1 is better than one below: there it must be left out."""
    rules = content["earning"]
    if content["coefficients"] == "best":
        assume(all(rule["coefficient"]["times"] >= 1 for rule in rules if "coefficient" in rule))
    ones = [{"id": f"one-{wallet}", "wallet": wallet, "coefficient": {"times": 1}} for wallet in ("points", "growth")]
    plain = rating_of(program_of(document_of(content)), order, member)
    multiplied = rating_of(program_of(document_of(content | {"earning": rules + ones})), order, member)
    assert without_names(multiplied.awards) == without_names(plain.awards)
    assert multiplied.uses == plain.uses


@many
@given(contents(), orders(), MEMBERS, st.randoms(use_true_random=False))
def test_the_order_in_the_file_does_not_matter(
    content: dict[str, Any], order: Order, member: MemberFacts, chance: Any
) -> None:
    """Of rules, groups and campaigns; verdicts and failures are the same, too."""
    shuffled = content | {name: list(content[name]) for name in ("earning", "groups", "campaigns", "budgets")}
    for name in ("earning", "groups", "campaigns"):
        chance.shuffle(shuffled[name])
    # Who numbers the wallets is the database, not the file.
    first, second = program_of(document_of(content)), program_of(document_of(shuffled))
    assert rating_of(first, order, member, asks_all=True) == rating_of(second, order, member, asks_all=True)
    assert rating_of(first, order, member) == rating_of(second, order, member)


@many
@given(contents(), orders(), MEMBERS)
def test_asking_every_rule_changes_nothing(content: dict[str, Any], order: Order, member: MemberFacts) -> None:
    """The index finds each rule that gives something; what fails without it fails with it or cannot match anyway."""
    program = program_of(document_of(content))
    quick, thorough = rating_of(program, order, member), rating_of(program, order, member, asks_all=True)
    assert (quick.awards, quick.uses) == (thorough.awards, thorough.uses)
    failed = [verdict for verdict in thorough.verdicts if verdict.outcome == "failed"]
    assert all(verdict in failed for verdict in quick.verdicts)
    assert {verdict.rule for verdict in thorough.verdicts} == {rule["id"] for rule in content["earning"]}
    gave = {award.rule: award.points for award in thorough.awards}
    assert {
        each.rule: each.points for each in thorough.verdicts if each.outcome in ("awarded", "zero", "capped")
    } == gave


@many
@given(contents(), orders(), MEMBERS)
def test_caps_only_ever_take(content: dict[str, Any], order: Order, member: MemberFacts) -> None:
    """Without its caps a rule gives what it gives and what was cut."""
    bare = content | {
        "budgets": [],
        "campaigns": [each | {"budgets": []} for each in content["campaigns"]],
        "earning": [rule | {"caps": []} for rule in content["earning"]],
    }
    capped = rating_of(program_of(document_of(content)), order, member).awards
    free = rating_of(program_of(document_of(bare)), order, member).awards
    assert {each.rule: each.points + sum(cut.points for cut in each.cuts) for each in capped} == {
        each.rule: each.points for each in free
    }


# --- splitting an order ---


@st.composite
def modest_rules(draw: st.DrawFn) -> EarningRule:
    """A ratio or whole steps with rising rates, rounded down: what splitting an order cannot outwit."""
    basis, rule = draw(st.sampled_from(["order", "line"])), EarningRule("base", "points")
    if draw(st.booleans()):
        return msgspec.structs.replace(rule, ratio=msgspec.convert(draw(RATIOS), Ratio), basis=basis)
    steps = Steps(msgspec.convert(draw(rates(is_rising=True)), list[Step]))
    return msgspec.structs.replace(rule, steps=steps, basis=basis)


@many
@given(modest_rules(), st.lists(TIMES, max_size=2), POLICIES, orders(), st.data())
def test_splitting_an_order_earns_no_more(
    rule: EarningRule, times: list[Decimal], policy: Any, order: Order, data: st.DataObject
) -> None:
    """Where rules are ratios or whole steps with rising rates, rounded down, and coefficients go by line: however its
    lines are dealt out to two orders, and one of them cut in two. (known failures 60, 62)"""
    coefficients = [
        EarningRule(
            f"c{number}", "points", coefficient=Coefficient(each), lines='line.category == "tea"' if number else None
        )
        for number, each in enumerate(times)
    ]
    program = program_of(plain_document(rule, *coefficients, coefficients=policy))
    cut = order.lines[0].paid_cents * data.draw(st.integers(0, 100)) // 100
    pieces = [
        msgspec.structs.replace(order.lines[0], paid_cents=cut),
        msgspec.structs.replace(order.lines[0], line_id="cut", paid_cents=order.lines[0].paid_cents - cut),
        *order.lines[1:],
    ]
    sides = data.draw(st.lists(st.booleans(), min_size=len(pieces), max_size=len(pieces)))
    halves = [[piece for piece, side in zip(pieces, sides, strict=True) if side is which] for which in (True, False)]
    split = sum(
        points(rating_of(program, msgspec.structs.replace(order, lines=half), MemberFacts()).awards)
        for half in halves
        if half
    )
    assert split <= points(rating_of(program, order, MemberFacts()).awards)


@pytest.mark.parametrize(
    ("rule", "whole", "split"),
    [
        (EarningRule("r", "points", Ratio(1, 100), rounding="ceil"), 1, 2),
        (EarningRule("r", "points", Ratio(1, 100), rounding="half_up"), 1, 2),
        (EarningRule("r", "points", fixed=5), 5, 10),
        (EarningRule("r", "points", steps=Steps([Step(0, 5, 100), Step(100, 1, 100)])), 1, 4),
        (EarningRule("r", "points", steps=Steps([Step(0, 5, 100), Step(50, 1, 100)], "marginal")), 3, 4),
        (EarningRule("r", "points", Ratio(7, 100), when="order.total_cents < 100"), 0, 6),
    ],
    ids=["rounded-up", "half-up", "fixed", "falling-steps", "falling-margins", "small-orders"],
)
def test_rules_that_say_otherwise(rule: EarningRule, whole: int, split: int) -> None:
    """1.00 at once, or 0.50 twice: rounding up, points for each order, rates that fall and rules for small orders
    reward the split. `jifen rules check` is where an author learns of it."""
    program = program_of(plain_document(rule))
    one = points(rating_of(program, Order("o", "CNY", [OrderLine("1", 1, 100)]), MemberFacts()).awards)
    two = points(rating_of(program, Order("o", "CNY", [OrderLine("1", 1, 50)]), MemberFacts()).awards)
    assert (one, 2 * two) == (whole, split)


# --- stacking ---

SIMPLE = st.one_of(
    RATIOS.map(lambda ratio: {"ratio": msgspec.convert(ratio, Ratio)}),
    st.integers(0, 300).map(lambda number: {"fixed": number}),
    st.integers(0, 50).map(lambda number: {"fixed": Fixed(number, "unit")}),
    rates().map(lambda steps: {"steps": Steps(msgspec.convert(steps, list[Step]))}),
)


@many
@given(st.lists(st.tuples(SIMPLE, ROUNDINGS), min_size=1, max_size=5), st.lists(TIMES, max_size=2), orders())
def test_the_best_is_what_the_best_single_rule_gives(
    kinds: list[tuple[dict[str, Any], Rounding]], times: list[Decimal], order: Order
) -> None:
    """No rule alone gives more than the group, and the group no more than the best of them."""
    rules = [
        EarningRule(f"r{number}", "points", rounding=rounding, group="g", **kind)
        for number, (kind, rounding) in enumerate(kinds)
    ]
    coefficients = [
        EarningRule(f"c{number}", "points", coefficient=Coefficient(each)) for number, each in enumerate(times)
    ]
    groups = [Group("g", "best")]
    together = program_of(plain_document(*rules, *coefficients, groups=groups))
    alone = [
        points(rating_of(program_of(plain_document(rule, *coefficients, groups=groups)), order, MemberFacts()).awards)
        for rule in rules
    ]
    assert points(rating_of(together, order, MemberFacts()).awards) == max(alone)


def multiplied(times: list[Decimal], policy: Any) -> int:
    """What 10^14 points become by all these coefficients."""
    base = EarningRule("base", "points", Ratio(1, 1))
    coefficients = [
        EarningRule(f"c{number}", "points", coefficient=Coefficient(each)) for number, each in enumerate(times)
    ]
    program = program_of(plain_document(base, *coefficients, coefficients=policy))
    order = Order("o", "CNY", [OrderLine("1", 1, 10**14)])
    return points(rating_of(program, order, MemberFacts()).awards)


def exactly(factor: Fraction) -> int:
    """10^14 points times a factor, rounded down."""
    return floor(10**14 * factor)


@many
@given(st.lists(st.decimals(1, 50, places=4), max_size=4))
def test_policies_of_coefficients_from_one_on(times: list[Decimal]) -> None:
    """product >= sum of extras >= best >= 1; with a single one they are all the same."""
    factors = [Fraction(each) for each in times]
    product, extras, best = (multiplied(times, policy) for policy in ("product", "sum_of_extras", "best"))
    assert product >= extras >= best >= 10**14
    assert product == exactly(prod(factors, start=Fraction(1)))
    assert extras == exactly(sum((each - 1 for each in factors), Fraction(1)))
    assert best == exactly(max(factors, default=Fraction(1)))
    if len(times) < 2:
        assert product == extras == best


@many
@given(st.lists(st.decimals(0, 3, places=3), min_size=1, max_size=4))
def test_policies_of_any_coefficients(times: list[Decimal]) -> None:
    """The best is one of them; what they take away together is never more than there is."""
    factors = [Fraction(each) for each in times]
    assert multiplied(times, "best") == exactly(max(factors))
    assert multiplied(times, "product") == exactly(prod(factors, start=Fraction(1)))
    assert multiplied(times, "sum_of_extras") == exactly(
        max(sum((each - 1 for each in factors), Fraction(1)), Fraction(0))
    )


@many
@given(st.lists(st.decimals(1, 5, places=2), max_size=4), RATIOS, orders())
def test_policies_in_a_program(times: list[Decimal], ratio: dict[str, int], order: Order) -> None:
    """What holds for coefficients holds for the points they make: product, sum of extras, best, none, in this order."""
    base = EarningRule("base", "points", msgspec.convert(ratio, Ratio))
    coefficients = [
        EarningRule(f"c{number}", "points", coefficient=Coefficient(each)) for number, each in enumerate(times)
    ]
    product, extras, best = (
        points(
            rating_of(program_of(plain_document(base, *coefficients, coefficients=policy)), order, MemberFacts()).awards
        )
        for policy in ("product", "sum_of_extras", "best")
    )
    none = points(rating_of(program_of(plain_document(base)), order, MemberFacts()).awards)
    assert product >= extras >= best >= none
