"""Trees written as code again."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.core.conditions.code import code_of
from tests.unit.core.conditions.expressions import Expressions
from tests.unit.core.conditions.shop import VOCABULARY


@given(st.randoms(use_true_random=False))
def test_code_is_read_as_what_it_was_made_of(random: Random) -> None:
    """Whatever stands in parentheses in the one stands so in the other, as far as it matters."""
    root = VOCABULARY.compile(Expressions(random).truth(4, {})).root
    code = code_of(root)
    assert code_of(VOCABULARY.compile(code).root) == code


@pytest.mark.parametrize(
    "code",
    [
        "order.total_cents - (order.discount_cents - 1) == -order.total_cents || 1 > -(order.total_cents + 1)",
        "(order.total_cents + 1) * 2 > 3 && (member.vip || !member.vip) && !(member.vip && now.hour > 2)",
        'member.fields.`fav-tea` == "乌龙\\n\\"x\\""',
        'order.lines.exists(each, each.sku.startsWith("A")) ? size(member.tags) > 1 : member.tags[0] == "a"',
        'now >= timestamp("2026-11-11T00:00:00+08:00") && now.getHours("Asia/Shanghai") in [1, 2]',
        'now - timestamp("2026-01-01T00:00:00Z") > duration("24h") && member.tier.matches("^g")',
        "-9223372036854775808 < order.total_cents && (true ? 1 : 2) == 1",
    ],
)
def test_code_is_written_as_people_write_it(code: str) -> None:
    """With no more parentheses than it takes."""
    assert code_of(VOCABULARY.compile(code).root) == code
