"""Conditions of a program file are told wrong by their place in the file and in the text."""

from __future__ import annotations

from typing import Any

import pytest

from jifen.core.conditions import Vocabulary
from jifen.core.rules.compiling import compile_condition, compile_formula
from jifen.core.rules.faults import InvalidProgram

NAMES = Vocabulary({"order.total_cents": "int", "order.channel": "string"})


def test_what_is_not_given_is_no_condition() -> None:
    """A rule without a condition has none, and one without a formula neither."""
    assert compile_condition(NAMES, None, "$.when") is None
    assert compile_formula(NAMES, None, "$.formula") is None


def test_a_condition_is_true_or_false_and_a_formula_a_number() -> None:
    """Each in its place."""
    assert compile_condition(NAMES, "order.total_cents > 5", "$.when") is not None
    assert compile_formula(NAMES, "order.total_cents / 100", "$.formula") is not None
    for compile_it, source in ((compile_condition, "order.total_cents"), (compile_formula, "order.total_cents > 5")):
        with pytest.raises(InvalidProgram, match="This must give"):
            compile_it(NAMES, source, "$.when")


def test_every_problem_is_in_the_details() -> None:
    """The message tells the first, with its line and column."""
    with pytest.raises(InvalidProgram) as raised:
        compile_condition(NAMES, 'order.chanel == "app" &&\n  order.totl_cents > 5', "$.earning[0].when")
    problems: Any = raised.value.details["problems"]
    assert [(each["line"], each["suggestion"]) for each in problems] == [(1, "order.channel"), (2, "order.total_cents")]
    assert raised.value.message.startswith("$.earning[0].when is wrong at line 1, column ")
