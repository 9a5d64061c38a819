"""The texts of explanations: both languages say the same things."""

from __future__ import annotations

import re
import string
from decimal import Decimal
from typing import get_args

import pytest

from jifen.core.ledger.values import Kind, LotTerms
from jifen.core.limits import NEVER
from jifen.core.rules.facts import BUILT_IN_EVENTS
from jifen.core.rules.multiply import CoefficientPolicy
from jifen.services.explanations.words import TEXTS, Words
from tests.model.programs import make_program
from tests.unit.services.explanations.scenes import ELEVEN, document


def placeholders(text: str) -> set[str]:
    """The names of what is filled in."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_both_languages_have_the_same_keys() -> None:
    """Nothing can be said in one language alone."""
    assert TEXTS["zh"].keys() == TEXTS["en"].keys()


@pytest.mark.parametrize("key", sorted(TEXTS["zh"]))
def test_both_languages_fill_in_the_same(key: str) -> None:
    """No figure is lost in translation; what is told to operators has the figures of what is told to members."""
    assert placeholders(TEXTS["zh"][key]) == placeholders(TEXTS["en"][key])
    if key.endswith("_operator"):
        assert placeholders(TEXTS["zh"][key]) == placeholders(TEXTS["zh"][key.removesuffix("_operator")])


def test_there_is_a_word_for_everything_that_is_named_by_a_value() -> None:
    """Keys that are put together from values of the core: kinds, events, policies."""
    wanted = {f"kind_{kind.name.lower()}" for kind in Kind}
    wanted |= {f"event_{event}" for event in BUILT_IN_EVENTS}
    wanted |= {f"{start}_{policy}" for policy in get_args(CoefficientPolicy) for start in ("policy", "how")}
    assert wanted - TEXTS["zh"].keys() == set()


@pytest.mark.parametrize("key", sorted(TEXTS["zh"]))
def test_operators_are_not_addressed_as_the_member(key: str) -> None:
    """`您` and `you` speak to a member: beside such a text stands one for operators, or operators never see it."""
    seen_by_members_alone = ("event_", "multiplied_", "award", "cut_", "rule_unnamed_")
    if key.startswith(seen_by_members_alone) or f"{key}_operator" in TEXTS["zh"]:
        return
    assert "您" not in TEXTS["zh"][key]
    assert not re.search(r"\byou(r)?\b", TEXTS["en"][key], re.IGNORECASE)


def test_instants_are_told_in_the_program_s_zone() -> None:
    """And the last day of validity is the day before points end, where they end with a day."""
    program = make_program(document())
    zh, en = Words("zh", program), Words("en", program)
    assert (zh.instant(ELEVEN), en.instant(ELEVEN)) == ("2026年11月11日 10:00", "2026-11-11 10:00")
    end_of_day = ELEVEN.replace(hour=16)
    assert zh.expiry(LotTerms(ELEVEN, ELEVEN, end_of_day)) == "有效期至 2026年11月11日（含当日）"
    assert zh.expiry(LotTerms(ELEVEN, ELEVEN, ELEVEN)) == "有效期至 2026年11月11日 10:00"
    assert en.expiry(LotTerms(ELEVEN, ELEVEN, NEVER)) == "never expire"


@pytest.mark.parametrize(("times", "text"), [("1.50", "1.5"), ("2", "2"), ("0.000001", "0.000001"), ("1000", "1000")])
def test_multipliers_have_no_needless_zeros(times: str, text: str) -> None:
    """And no exponent."""
    assert Words("zh", make_program(document())).times(Decimal(times)) == text
