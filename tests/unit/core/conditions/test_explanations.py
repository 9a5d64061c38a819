"""Messages for people: where, what, and what may have been meant."""

from __future__ import annotations

import pytest

from jifen.core.conditions import InvalidCondition, Problem
from jifen.core.conditions.explanations import MAXIMUM_SOURCE, explain
from tests.unit.core.conditions.shop import VOCABULARY


def problems(source: str) -> tuple[Problem, ...]:
    """What is wrong with a source."""
    with pytest.raises(InvalidCondition) as raised:
        VOCABULARY.compile(source)
    return raised.value.problems


@pytest.mark.parametrize(
    ("source", "place", "fault", "suggestion"),
    [
        ("order.totl_cents > 1", (1, 1), "There is no order.totl_cents.", "order.total_cents"),
        ("1 < total_cents", (1, 5), "There is no total_cents.", "order.total_cents"),
        ("Order.Channel == 'a'", (1, 1), "There is no Order.Channel.", "order.channel"),
        ("member.vip &&\n  .membr.vip", (2, 4), "There is no membr.vip.", "member.vip"),
        ('"茶😀" == order.chanel', (1, 9), "There is no order.chanel.", "order.channel"),
        ("nothing_like_it", (1, 1), "There is no nothing_like_it.", None),
        ('order.lines.exists(l, l.skuu == "A")', (1, 24), "An order line has no field skuu", "sku"),
        ('order.lines.exists(l, l.price == "A")', (1, 24), "it has line_id, sku,", None),
        ('order.channel.startWith("a")', (1, 24), "There is no function startWith().", "startsWith"),
        ("not(member.vip)", (1, 4), "There is no function not().", "!"),
        ("order.total_cents == '5'", (1, 19), "== does not work on a number and a text. Write numbers", None),
        ("now.hour in ['5']", (1, 10), "in does not work on a number and a list of texts. Write numbers", None),
        ("order.total_cents > 1.5", (1, 19), "All numbers are whole", None),
        ("member.vip == null", (1, 12), "Nothing is ever null", None),
        ('"a" + "b" == "ab"', (1, 5), "Texts cannot be joined", None),
        ("member.vip ? 1 : 'a'", (1, 12), "both results are of one type", None),
        ("now > 5", (1, 5), "> does not work on an instant and a number.", None),
        ("member.vip && now.hour", (1, 12), "&& does not work on true or false and a number.", None),
        ("order.total_cents.x > 1", (1, 18), "A number has no fields.", None),
        ("99999999999999999999 > 1", (1, 1), "64 bits", None),
        ("has(order.channel)", (1, 4), "every name always has a value", None),
        ('order.lines.map(l, l.sku) == ["a"]', (1, 16), "use all, exists or exists_one", None),
        ("order.lines.filter(l, true).size() > 1", (1, 19), "use all, exists or exists_one", None),
        ("member.tags.exists(t, u, t == u)", (1, 19), "list.exists(element, condition)", None),
        ("size() == 1", (1, 5), "another number of arguments", None),
        ("member.vip and true", (1, 12), "and has no meaning here.", "&&"),
        ("order.channel = 'a'", (1, 15), "= has no meaning here.", "=="),
        ("member.vip &&", (1, 14), "ends too early", None),
        ("(member.vip", (1, 12), "')' is missing.", None),
        ("member.vip true", (1, 12), "does not belong here: true", None),
        ("member.vip @", (1, 12), "cannot be read: @", None),
        ('order.channel == "a', (1, 18), "not closed", None),
        ("if", (1, 1), "reserved identifier", None),
        ("", (1, 1), "empty", None),
        (" \n", (1, 1), "empty", None),
        ("true && \0true", (1, 9), "U+0000", None),
        ("true &&\n'\ud800' == ''", (2, 2), "surrogate", None),
    ],
)
def test_one_problem(source: str, place: tuple[int, int], fault: str, suggestion: str | None) -> None:
    """Every message stands where a person would look."""
    (problem,) = problems(source)
    assert fault in problem.message
    assert (problem.line, problem.column) == place
    assert problem.suggestion == suggestion


def test_all_problems_are_told_in_order() -> None:
    """Not only the first; each once."""
    found = problems("order.chanel == 'a' && membr.vip\n&& now.hour == 'x' && nope && nope")
    assert [(each.line, each.column) for each in found] == [(1, 1), (1, 24), (2, 13), (2, 23), (2, 31)]


@pytest.mark.parametrize(
    "source",
    [
        "(" * 100_000,
        "(" * 999 + "1" + ")" * 999 + " == 1",
        "[" * 900,
        "!(" * 600 + "true" + ")" * 600,
        "order.total_cents" + " + 1" * 400 + " > 1",
        "1 == 1 ? " * 200,
        "-" * 1999 + "1",
        "member.tags." * 150,
        "true && " * 10_000,
        '"' * 1_999,
        "/" * 2_001,
        "and " * 500,
        "x.y.z(" * 300,
        "a" * 2_000,
        "＝" * 2_000,
        "[" + "1.5," * 490 + "]",
    ],
)
def test_bombs_are_refused(source: str) -> None:
    """With a handful of problems, whatever CEL's message is."""
    found = problems(source)
    assert 1 <= len(found) <= 20
    assert sum(len(each.message) for each in found) < 60_000


def test_the_greatest_source_compiles() -> None:
    """The limit is in characters, and says so."""
    source = "order.channel in ['茶'" + ", '茶'" * 2_000
    source = source[: source.rfind(",", 0, MAXIMUM_SOURCE - 1)] + "]"
    source += " " * (MAXIMUM_SOURCE - len(source))
    VOCABULARY.compile(source)
    (problem,) = problems(source + " ")
    assert problem == Problem(
        1,
        MAXIMUM_SOURCE + 1,
        "条件有 2001 个字符；最多 2000 个。",
        "The condition has 2001 characters; 2000 are allowed.",
    )


def test_an_unknown_message_is_passed_on() -> None:
    """Better than nothing."""
    (problem,) = explain("x", "INTERNAL: something new [INTERNAL]", ())
    assert "something new" in problem.message


@pytest.mark.parametrize(
    ("source", "zh"),
    [
        ("order.chanel == 'app'", "没有 order.chanel；是否为 order.channel？"),
        ("order.lines.size() == 1 && member.fields.zzz == 'x'", "没有 member.fields.zzz；有 member.fields.fav-tea。"),
        ("order.total_cents == 'x'", "== 不能用于数字和文本。数字不加引号，文本加引号。"),
        ("order.total_cents > 1.5", "> 不能用于数字和小数。数字都是整数：金额以分计。"),
        ("order.total_cents >", "条件没有写完。"),
        ("order.lines.exists(l, l.skuu == 'A')", "是否为 sku？"),
        ("order.channel = 'app'", "= 在这里没有意义；是否为 ==？"),
        ("has(order.channel)", "条件中不能使用 has()：每个名称总有值。"),
        ("sizes(order.channel) > 1", "没有函数 sizes()；是否为 size？"),
    ],
)
def test_what_is_wrong_is_said_in_chinese_as_well(source: str, zh: str) -> None:
    """In our own words, with what was probably meant; no full stop stands before a semicolon."""
    told, en = problems(source)[0].asked
    assert zh in told
    assert "。；" not in told and ".;" not in en
