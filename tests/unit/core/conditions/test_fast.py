"""Closures answer exactly as CEL does, or leave the answer to it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jifen.core.conditions import Condition, EvaluationFailed
from jifen.core.conditions.fast import UnfitFact, compile_fast
from tests.unit.core.conditions.shop import VOCABULARY, facts, line

EDGES = [0, 1, -1, 2, -2, 3, -3, 7, -7, 100, 2**62, 2**63 - 1, -(2**63) + 1, -(2**63)]
TEXTS = ["", "a", "A", "ab", "b", "茶", "茶😀", "gold", "\uffff", "😀"]


def answer(evaluate: Any, given_facts: dict[str, Any]) -> object:
    """The answer with its type, or that there is none."""
    try:
        value = evaluate(given_facts)
    except EvaluationFailed:
        return "failed"
    return type(value), value


def quoted(text: str) -> str:
    """A text as a constant."""
    return f"'{text}'"


def binary(operators: list[str], left: st.SearchStrategy[str], right: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Two operands and an operator between them, in parentheses."""
    return st.builds(lambda a, sign, b: f"({a} {sign} {b})", left, st.sampled_from(operators), right)


def listed(elements: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """A list of at least one element."""
    return st.lists(elements, min_size=1, max_size=3).map(lambda each: f"[{', '.join(each)}]")


def grammar(depth: int, variables: tuple[tuple[str, str], ...] = ()) -> dict[str, st.SearchStrategy[str]]:
    """Expressions by type; `variables` are those of quantifiers around, with `line` or `string`."""
    lines = [name for name, kind in variables if kind == "line"]
    texts = [name for name, kind in variables if kind == "string"]
    numbers: list[str] = ["order.total_cents", "order.discount_cents", "now.hour"]
    numbers += [f"{name}.{field}" for name in lines for field in ("quantity", "paid_cents")]
    words = ["order.channel", "member.tier", *texts, *(f"{name}.sku" for name in lines)]
    number = st.one_of(st.sampled_from(numbers), st.sampled_from(EDGES).map(str))
    text = st.one_of(st.sampled_from(words), st.sampled_from(TEXTS).map(quoted))
    truth: st.SearchStrategy[str] = st.sampled_from(["member.vip", "true", "false"])
    if depth == 0:
        return {"int": number, "string": text, "bool": truth}
    inner = grammar(depth - 1, variables)
    choice = st.builds(lambda c, a, b: f"({c} ? {a} : {b})", inner["bool"], inner["int"], inner["int"])
    number = st.one_of(
        number,
        binary(["+", "-", "*", "/", "%"], inner["int"], inner["int"]),
        inner["int"].map(lambda each: f"(-({each}))"),
        inner["string"].map(lambda each: f"size({each})"),
        st.sampled_from(["size(order.lines)", "member.tags.size()"]),
        choice,
    )
    compared = ["==", "!=", "<", "<=", ">", ">="]
    truth = st.one_of(
        truth,
        binary(compared, inner["int"], inner["int"]),
        binary(compared, inner["string"], inner["string"]),
        binary(compared, inner["bool"], inner["bool"]),
        binary(["&&", "||"], inner["bool"], inner["bool"]),
        binary(["&&", "||"], inner["bool"], inner["bool"]),
        inner["bool"].map(lambda each: f"(!{each})"),
        binary(["in"], inner["int"], listed(inner["int"])),
        binary(["in"], inner["string"], listed(st.sampled_from(TEXTS).map(quoted))),
        binary(["in"], inner["string"], st.just("member.tags")),
        st.builds(
            lambda a, method, b: f"{a}.{method}({b})",
            inner["string"],
            st.sampled_from(["startsWith", "endsWith", "contains"]),
            inner["string"],
        ),
        *quantified(depth, variables),
    )
    return {"int": number, "string": text, "bool": truth}


def quantified(depth: int, variables: tuple[tuple[str, str], ...]) -> list[st.SearchStrategy[str]]:
    """Quantifiers, where another is allowed."""
    if len(variables) == 2:
        return []
    kinds = st.sampled_from(["all", "exists", "exists_one"])
    variable = f"v{len(variables)}"
    ranges = {"line": ["order.lines"], "string": ["member.tags", "['a', member.tier]"]}
    return [
        st.builds(
            lambda each, kind, condition: f"{each}.{kind}({variable}, {condition})",
            st.sampled_from(sources),
            kinds,
            grammar(depth - 1, (*variables, (variable, element)))["bool"],
        )
        for element, sources in ranges.items()
    ]


INTEGERS = st.sampled_from(EDGES)
LINES = st.builds(line, sku=st.sampled_from(TEXTS), quantity=INTEGERS, paid_cents=INTEGERS)
EVERY_FACT: dict[str, st.SearchStrategy[Any]] = {
    "order.total_cents": INTEGERS,
    "order.discount_cents": INTEGERS,
    "now.hour": INTEGERS,
    "order.channel": st.sampled_from(TEXTS),
    "member.tier": st.sampled_from(TEXTS),
    "member.vip": st.booleans(),
    "member.tags": st.lists(st.sampled_from(TEXTS), max_size=3),
    "order.lines": st.lists(LINES, max_size=3),
}
WHOLE = st.fixed_dictionaries(EVERY_FACT)
# Facts that miss some are the rarer kind: most conditions have no answer for them.
FACTS = st.one_of(WHOLE, WHOLE, st.fixed_dictionaries({}, optional=EVERY_FACT))


@settings(max_examples=600, deadline=None)
@given(grammar(3)["bool"], st.lists(FACTS, min_size=1, max_size=4))
def test_closures_and_cel_agree_on_conditions(source: str, given_facts: list[dict[str, Any]]) -> None:
    """Overflow, division by zero, missing facts and errors that the other side of an operator makes up for."""
    condition = VOCABULARY.compile(source)
    assert condition.is_fast
    for each in given_facts:
        assert answer(condition.evaluate, each) == answer(condition.ask_cel, each)
        assert closure_answer(condition, each) in ("raised", answer(condition.ask_cel, each))


@settings(max_examples=300, deadline=None)
@given(grammar(3)["int"], FACTS)
def test_closures_and_cel_agree_on_numbers(source: str, given_facts: dict[str, Any]) -> None:
    """Also beyond 64 bits, and toward zero."""
    condition = VOCABULARY.compile(source, "int")
    assert answer(condition.evaluate, given_facts) == answer(condition.ask_cel, given_facts)
    assert closure_answer(condition, given_facts) in ("raised", answer(condition.ask_cel, given_facts))


@settings(max_examples=300, deadline=None)
@given(grammar(2)["bool"], FACTS)
def test_outside_the_discriminators_nothing_is_true(source: str, given_facts: dict[str, Any]) -> None:
    """An index may leave such conditions out."""
    condition = VOCABULARY.compile(source)
    if any(name in given_facts and given_facts[name] not in each for name, each in condition.discriminators.items()):
        assert answer(condition.ask_cel, given_facts) != (bool, True)


def closure_answer(condition: Condition, given_facts: dict[str, Any]) -> object:
    """What the closure alone says."""
    closure = compile_fast(condition.root)
    assert closure is not None
    try:
        value = closure(given_facts, None, None)
    except Exception:
        return "raised"
    return type(value), value


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
