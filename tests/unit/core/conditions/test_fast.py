"""Closures answer exactly as CEL does, or leave the answer to it."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jifen.core.conditions import Condition, EvaluationFailed, Vocabulary
from jifen.core.conditions.fast import UnfitFact, compile_fast
from jifen.core.conditions.fields import LINE_FIELDS
from tests.unit.core.conditions.expressions import EDGES, Expressions, random_facts
from tests.unit.core.conditions.shop import VOCABULARY, facts, line


def answer(evaluate: Any, given_facts: dict[str, Any]) -> object:
    """The answer with its type, or that there is none."""
    try:
        value = evaluate(given_facts)
    except EvaluationFailed:
        return "failed"
    return type(value), value


def closure_answer(condition: Condition, given_facts: dict[str, Any]) -> object:
    """What the closure alone says."""
    closure = compile_fast(condition.root)
    assert closure is not None
    try:
        value = closure(given_facts, None, None)
    except Exception:
        return "raised"
    return type(value), value


@settings(max_examples=400, deadline=None)
@given(st.randoms(use_true_random=True))
def test_closures_and_cel_agree_on_conditions(random: Random) -> None:
    """Overflow, division by zero, missing facts and errors that the other side of an operator makes up for."""
    condition = VOCABULARY.compile(Expressions(random).truth(4, {}))
    assert condition.is_fast
    for _ in range(8):
        assert_agreement(condition, random_facts(random))


@settings(max_examples=200, deadline=None)
@given(st.randoms(use_true_random=True))
def test_closures_and_cel_agree_on_numbers(random: Random) -> None:
    """Also beyond 64 bits, and toward zero."""
    condition = VOCABULARY.compile(Expressions(random).number(3, {}), "int")
    assert condition.is_fast
    for _ in range(8):
        assert_agreement(condition, random_facts(random))


def assert_agreement(condition: Condition, known: dict[str, Any]) -> None:
    """A closure that answers gives CEL's answer; the condition always does."""
    by_cel = answer(condition.ask_cel, known)
    assert answer(condition.evaluate, known) == by_cel, (condition, known)
    assert closure_answer(condition, known) in ("raised", by_cel), (condition, known)


@settings(max_examples=200, deadline=None)
@given(st.randoms(use_true_random=True))
def test_outside_the_discriminators_nothing_is_true(random: Random) -> None:
    """An index may leave such conditions out."""
    expressions = Expressions(random)
    names = {"order.channel": "'a'", "now.hour": "1", "member.vip": "true"}
    terms = [f"({name} == {value} || {expressions.truth(1, {})})" for name, value in names.items()]
    terms += [f"({name} == {value} && {expressions.truth(2, {})})" for name, value in names.items()]
    terms += ["now.hour in [1, 2, 3]", "order.channel in ['a', 'b']", "!member.vip", expressions.truth(3, {})]
    source = random.choice([" && ", " || "]).join(random.sample(terms, random.randint(1, 3)))
    condition = VOCABULARY.compile(source)
    for _ in range(20):
        known = random_facts(random)
        if any(name in known and known[name] not in each for name, each in condition.discriminators.items()):
            assert answer(condition.ask_cel, known) != (bool, True), (condition, known)


@pytest.mark.parametrize("function", ["+", "-", "*", "/", "%"])
def test_arithmetic_at_the_edges(function: str) -> None:
    """Every pair of edges: truncation toward zero, the remainder's sign, overflow, division by zero."""
    condition = VOCABULARY.compile(f"order.total_cents {function} order.discount_cents", "int")
    for left in EDGES:
        for right in EDGES:
            known = {"order.total_cents": left, "order.discount_cents": right}
            assert answer(condition.evaluate, known) == answer(condition.ask_cel, known), known


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("order.channel == 'a' || 1 / order.discount_cents == 1 || member.vip", True),
        ("1 / order.discount_cents == 1 && order.channel == 'a' && member.vip", False),
        ("member.tags.exists(t, 1 / (size(t) - 7) == 0 || t == '中文')", True),
        ("member.tags.all(t, 1 / (size(t) - 7) == 5)", False),
    ],
)
def test_errors_that_do_not_matter(source: str, value: bool) -> None:
    """The closure gives up at the first; CEL looks further."""
    assert VOCABULARY.compile(source).evaluate(facts()) is value


@pytest.mark.parametrize(
    "source",
    [
        "now > timestamp(0)",
        "order.channel.matches('a')",
        "member.tags[0] == 'a'",
        "now.getHours() == 1",
        "string(order.total_cents) == '5'",
    ],
)
def test_the_rest_is_left_to_cel(source: str) -> None:
    """None is no closure."""
    assert compile_fast(VOCABULARY.compile(source).root) is None


def test_inner_variables_hide_outer_ones() -> None:
    """As in CEL; both are at hand where they differ."""
    known = facts(member__tags=["a", "b"])
    for source, value in [
        ("member.tags.exists(t, t == 'a' && member.tags.all(t, t == 'a'))", False),
        ("member.tags.exists(t, member.tags.all(u, u == t))", False),
        ("member.tags.all(t, member.tags.exists_one(u, u == t))", True),
        ("member.tags.exists(t, member.tags.exists(u, u == 'b') && t == 'a')", True),
        ("order.lines.exists(l, order.lines.all(m, m.quantity <= l.quantity) && l.sku == 'A')", True),
    ]:
        condition = VOCABULARY.compile(source)
        assert condition.is_fast
        assert condition.evaluate(known) is value
        assert condition.ask_cel(known) is value


def test_numbers_that_are_truths_are_left_to_cel() -> None:
    """Python takes True for 1 everywhere; CEL takes it for 1 only as the value of a whole variable."""
    condition = VOCABULARY.compile("order.lines.exists(l, l.quantity == 1)")
    assert condition.evaluate(facts(order__lines=[line() | {"quantity": True}])) is False
    closure = compile_fast(condition.root)
    assert closure is not None
    with pytest.raises(UnfitFact):
        closure(facts(order__lines=[line() | {"quantity": True}]), None, None)


@pytest.mark.parametrize(("lines", "is_bounded"), [(99, False), (101, True), (1_000, True)])
def test_what_is_too_much_work_is_too_much_for_both(lines: int, is_bounded: bool) -> None:
    """CEL counts the elements that quantifiers look at; a closure alone would go on for seconds."""
    nested = VOCABULARY.compile("order.lines.all(a, order.lines.all(b, a.sku == b.sku))")
    known = facts(**{"order.lines": [line()] * lines})
    assert nested.is_fast
    if is_bounded:
        with pytest.raises(EvaluationFailed, match="more than 10,000 elements"):
            nested.evaluate(known)
    else:
        assert nested.evaluate(known) is True
    assert answer(nested.evaluate, known) == answer(nested.ask_cel, known)


def test_what_ends_early_may_have_long_lists() -> None:
    """What counts is what is looked at, not what could be."""
    found = VOCABULARY.compile("order.lines.exists(a, order.lines.exists(b, a.sku == b.sku))")
    many = VOCABULARY.compile(" && ".join(["order.lines.all(a, a.quantity > 0)"] * 11))
    known = facts(**{"order.lines": [line()] * 1_000})
    assert found.evaluate(known) is True
    assert answer(many.evaluate, known) == answer(many.ask_cel, known) == "failed"


LINES = Vocabulary(VOCABULARY.names | {f"line.{name}": each for name, each in LINE_FIELDS.items()})
ALIKE = "order.lines.exists(each, each.paid_cents > line.paid_cents)"
#: By CEL, which makes a copy of the order for each line.
BY_CEL = 'size(order.lines) > 0 && line.sku.matches("A")'


def order_of(number: int) -> list[dict[str, object]]:
    """All facts about each line of an order of so many."""
    lines = [line() | {"paid_cents": paid, "sku": "B" if paid else "A"} for paid in range(number)]
    known = facts(**{"order.lines": lines})
    return [known | {f"line.{name}": value for name, value in each.items()} for each in lines]


@pytest.mark.parametrize(("source", "fitting"), [(ALIKE, 99), (BY_CEL, 1), ("line.paid_cents < 7", 7)])
def test_filters_of_lines_are_asked_as_conditions_are(source: str, fitting: int) -> None:
    """The same lines, as long as that is little work."""
    filters, lines = LINES.compile(source), order_of(100)
    asked = [position for position, each in enumerate(lines) if filters.evaluate(each)]
    assert filters.fitting(lines) == asked
    assert len(asked) == fitting


@pytest.mark.parametrize(
    "source", [ALIKE, BY_CEL, "size(order.lines) > 0 && (line.paid_cents / 0 > 0 || line.quantity > 0)"]
)
def test_all_lines_of_an_order_share_the_steps(source: str) -> None:
    """Each line by itself is little work; a thousand of them were seconds."""
    filters = LINES.compile(source)
    assert filters.evaluate(order_of(101)[0]) is True
    with pytest.raises(EvaluationFailed, match="more than 10,000 elements"):
        filters.fitting(order_of(101))


def test_lines_that_cannot_fit_cost_nothing() -> None:
    """A thousand lines, of which the filter is about one."""
    lines = order_of(1_000)
    assert LINES.compile(f'line.sku == "A" && {ALIKE}').fitting(lines) == [0]
    with pytest.raises(EvaluationFailed, match="more than 10,000 elements"):
        LINES.compile(f'line.sku == "B" && {ALIKE}').fitting(lines)
