"""The reference of the rule language, in both languages: every name and field is there, every example holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from jifen.core.commands import RecordOrder
from jifen.core.conditions import InvalidCondition
from jifen.core.conditions.vocabulary import LINE_FIELDS
from jifen.core.refusal import Refusal
from jifen.core.rounding import Rounding
from jifen.core.rules import document
from jifen.core.rules.facts import (
    BUILT_IN_EVENTS,
    EVENT_NAMES,
    MEMBER_NAMES,
    ORDER_NAMES,
    MemberFacts,
    names_for,
    vocabularies,
)
from jifen.core.rules.multiply import CoefficientPolicy
from jifen.core.rules.rate import Outcome
from jifen.services.events import read_event, submission_of_event
from jifen.services.programs import parse_program
from jifen.services.typed_yaml import YamlFile
from tests.rating import Event, program_of, rate_example
from tests.unit.core.shop import ALICE, Shop

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("docs/reference/rules.md", "docs/zh/reference/rules.md")
#: What examples leave out. A key that an example has itself wins.
BASE = """
name: {zh: 例子, en: Example}
currency: CNY
time_zone: Asia/Shanghai
wallets:
  - {id: points, name: {zh: 积分, en: Points}, value: {points: 100, cents: 100}}
  - {id: growth, name: {zh: 成长值, en: Growth}}
"""
FIRST_RIGHT = "order.total_cents >= 10000"
FIRST_WRONG = "order.total_cents * 1.2 > 100"
_BLOCK = re.compile(r"^```(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
#: The structs of the document by what the heading of their table names.
STRUCTS: dict[str, type[msgspec.Struct]] = {
    "earning[]": document.EarningRule,
    "ratio": document.Ratio,
    "steps": document.Steps,
    "rates[]": document.Step,
    "progressive": document.Progressive,
    "fixed": document.Fixed,
    "coefficient": document.Coefficient,
    "window": document.Window,
    "caps[]": document.Cap,
    "groups[]": document.Group,
    "campaigns[]": document.Campaign,
}


class Corrected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An order and its corrections as CloudEvents, and what each books: points by wallet."""

    events: list[dict[str, Any]]
    books: list[dict[str, int]]


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands below an example: awards of more than 0 points by rule, and outcomes of the rules it names."""

    event: Event
    awards: dict[str, int]
    member: MemberFacts = MemberFacts()
    used: dict[str, int] = {}
    outcomes: dict[str, Outcome] = {}


@cache
def text_of(page: str) -> str:
    """A page's text."""
    return (ROOT / page).read_text("utf-8")


def examples(page: str) -> Iterator[tuple[str, list[str]]]:
    """The rules of each example and what is expected of it."""
    found: list[tuple[str, list[str]]] = []
    for kind, body in _BLOCK.findall(text_of(page)):
        if kind == "yaml rule":
            found.append((body, []))
        elif kind == "yaml expect":
            found[-1][1].append(body)
        elif kind == "yaml correction":
            found.pop()
        else:
            assert kind != "yaml", f"neither rule nor expect: {body}"
    yield from found


def tables(page: str) -> Iterator[tuple[str, list[list[str]]]]:
    """The tables of a page: what the lines above say since the table before, and the cells of each row."""
    before: list[str] = []
    rows: list[list[str]] = []
    for line in [*text_of(page).splitlines(), ""]:
        if line.startswith("|"):
            rows.append([cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
            continue
        if rows:
            yield "\n".join(before), rows[2:]
            before, rows = [], []
        before.append(line)


def table_with(page: str, first: str) -> list[list[str]]:
    """The table whose first row is about this code word."""
    found = [rows for _, rows in tables(page) if codes(rows[0][0])[:1] == [first]]
    assert len(found) == 1, f"{page} has {len(found)} tables that begin with {first}"
    return found[0]


def fields_of(page: str, name: str) -> list[str]:
    """The fields of a struct, as told in the table below the heading or line that names it."""
    title = re.compile(rf"^(#+ .*`{re.escape(name)}`.*|.*`{re.escape(name)}`[:：])$", re.MULTILINE)
    rows = next(rows for before, rows in tables(page) if title.search(before))
    return [code for row in rows for code in codes(row[0])]


def codes(cell: str) -> list[str]:
    """The code words of a cell."""
    return re.findall(r"`([^`]+)`", cell)


EXAMPLES = [
    pytest.param(rules, expected, id=f"{page}:{number}")
    for page in PAGES
    for number, (rules, expected) in enumerate(examples(page), 1)
]


@pytest.mark.parametrize(("rules", "expected"), EXAMPLES)
def test_every_example_gives_what_the_page_says(rules: str, expected: list[str]) -> None:
    """Parsed as a program file is, and rated by the pipeline itself."""
    program = program_of(parse_program(BASE + rules))
    for text in expected:
        wanted = YamlFile(text).convert(Expected)
        rating = rate_example(program, wanted.event, wanted.member, wanted.used)
        assert {award.rule: award.points for award in rating.awards if award.points} == wanted.awards
        outcomes = {verdict.rule: verdict.outcome for verdict in rating.verdicts}
        assert {rule: outcomes[rule] for rule in wanted.outcomes} == wanted.outcomes


def corrections(page: str) -> list[tuple[str, Corrected]]:
    """The rules of each example of a correction, and its events."""
    blocks = _BLOCK.findall(text_of(page))
    return [
        (rules, YamlFile(body).convert(Corrected))
        for (_, rules), (kind, body) in pairwise(blocks)
        if kind == "yaml correction"
    ]


@pytest.mark.parametrize("page", PAGES)
def test_corrections_book_what_the_page_says(page: str) -> None:
    """Read as the API reads events, and decided by the core."""
    ((rules, example),) = corrections(page)
    here = Shop(parse_program(BASE + rules))
    for event, books in zip(example.events, example.books, strict=True):
        read = read_event(msgspec.json.encode(event))
        assert not isinstance(read, Refusal), read
        submission = submission_of_event(read, "test")
        assert not isinstance(submission, Refusal), submission
        before = here.account().balances.available
        outcome = here.done(here.do(submission.command, at=submission.occurred_at))
        if isinstance(submission.command, RecordOrder):
            here.shell.orders[submission.command.order.order_id] = (ALICE, outcome.sequence)
        assert here.account().balances.available - before == books["points"]


def test_both_pages_show_the_same_corrections() -> None:
    """Only the words around them differ."""
    english, chinese = (corrections(page) for page in PAGES)
    assert english == chinese


def test_both_pages_have_the_same_examples() -> None:
    """At least 25, nearly all with what they give; only the words around them differ."""
    english, chinese = (list(examples(page)) for page in PAGES)
    assert english == chinese
    assert len(english) >= 25
    assert all(expected for _, expected in english)


def test_extras_below_one_leave_nothing_and_never_less() -> None:
    """`sum_of_extras` of 0.2 and 0.3 would be -0.5: the page says that it ends at 0."""
    rules = """
coefficients: sum_of_extras
earning:
  - {id: base, wallet: points, ratio: {points: 1, per_cents: 100}}
  - {id: fifth, wallet: points, coefficient: {times: 0.2}}
  - {id: third, wallet: points, coefficient: {times: 0.3}}
"""
    happened = YamlFile('{time: "2026-03-04T12:00:00+08:00", data: {lines: [{paid_cents: 10000}]}}').convert(Event)
    rating = rate_example(program_of(parse_program(BASE + rules)), happened, MemberFacts())
    assert [(award.rule, award.points) for award in rating.awards] == [("base", 0)]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", STRUCTS)
def test_every_field_is_told(page: str, name: str) -> None:
    """No field of the document is missing, and none is told that there is not."""
    fields = [field.encode_name for field in msgspec.structs.fields(STRUCTS[name])]
    assert sorted(fields_of(page, name)) == sorted(fields)


@pytest.mark.parametrize("page", PAGES)
def test_every_word_of_a_choice_is_told(page: str) -> None:
    """Periods, weekdays, roundings and outcomes, each by its name."""
    for choice in (document.Period, document.Weekday, Rounding, CoefficientPolicy):
        assert [word for word in get_args(choice) if f"`{word}`" not in text_of(page)] == []
    outcomes = [codes(row[0])[0] for row in table_with(page, "awarded")]
    assert sorted(outcomes) == sorted(get_args(Outcome))


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    "names", [EVENT_NAMES, MEMBER_NAMES, ORDER_NAMES, LINE_FIELDS], ids=["event", "member", "order", "line"]
)
def test_every_name_is_told_with_its_type(page: str, names: dict[str, str]) -> None:
    """The tables say what `core/rules/facts.py` says, neither more nor less."""
    assert {codes(name)[0]: kind for name, kind, _ in table_with(page, next(iter(names)))} == names


@pytest.mark.parametrize("page", PAGES)
def test_every_built_in_event_is_told_with_its_data(page: str) -> None:
    """A row in bold letters for each type, below it the rows of its data."""
    told: dict[str, dict[str, str]] = {}
    for name, kind, _ in table_with(page, next(iter(BUILT_IN_EVENTS))):
        word = codes(name)[0]
        if name.startswith("**"):
            told[word] = {}
        else:
            told[list(told)[-1]][word.removeprefix("event.data.")] = kind
    assert told == BUILT_IN_EVENTS


def conditions(page: str) -> tuple[list[str], list[str]]:
    """The conditions that the page calls right, and those that it calls wrong."""
    right, wrong = (table_with(page, first) for first in (FIRST_RIGHT, FIRST_WRONG))
    return [codes(row[0])[0] for row in right], [codes(row[0])[0] for row in wrong]


@pytest.mark.parametrize("page", PAGES)
def test_the_conditions_of_the_page_are_right_and_wrong_as_it_says(page: str) -> None:
    """What is shown as allowed compiles, what is shown as refused does not."""
    vocabulary = vocabularies(names_for(document.ORDER_COMPLETED, [], []), document.ORDER_COMPLETED)[0]
    right, wrong = conditions(page)
    assert len(right) >= 12
    assert len(wrong) >= 8
    for source in right:
        vocabulary.compile(source)
    for source in wrong:
        with pytest.raises(InvalidCondition):
            vocabulary.compile(source)


def test_both_pages_show_the_same_conditions() -> None:
    """A condition that is shown in one language is shown in the other."""
    english, chinese = (conditions(page) for page in PAGES)
    assert english == chinese
