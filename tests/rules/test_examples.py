"""Worked examples, requirement by requirement: what a program gives for an event, with the arithmetic beside it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from jifen.core.commands import Command, CorrectOrder, RecordEvent, RecordOrder, RefundOrder
from jifen.core.ledger.values import Bucket, Transaction
from jifen.core.orders import OrderCorrection, OrderRefund, ReturnedLine
from jifen.core.program import Program
from jifen.core.rules.rate import Award, Rating, rate
from jifen.core.trace import decode_trace
from tests.model.shell import Shell
from tests.rating import rate_example, rated_event
from tests.rules.examples import (
    MEMBER,
    Afterwards,
    Example,
    all_examples,
    chapters,
    is_shared,
    program_of_section,
    state_before,
)

EXAMPLES = list(all_examples())
each_example = pytest.mark.parametrize(
    ("chapter", "section", "example"),
    [each[1:] for each in EXAMPLES],
    ids=[each[0] for each in EXAMPLES],
)


def points_of(awards: list[Award]) -> dict[str, int]:
    """Points by rule, of those that give any."""
    return {award.rule: award.points for award in awards if award.points}


def totals_of(program: Program, awards: list[Award]) -> dict[str, int]:
    """Points by wallet, of those that get any."""
    totals: dict[str, int] = {}
    for award in awards:
        if award.points:
            wallet = program.wallet_ids[award.wallet]
            totals[wallet] = totals.get(wallet, 0) + award.points
    return totals


def quick_rating(program: Program, example: Example) -> Rating:
    """As events are rated: only the rules that the index finds are asked."""
    book = program.books.get(example.type)
    event = rated_event(program, example.event)
    return rate(book, event, example.member, example.used, program.document.coefficients)


@each_example
def test_rated(chapter: str, section: int, example: Example) -> None:
    """The awards, the totals, what is used of caps, and what becomes of the rules; with the index and without it the
    same (known failure 75: what is shown beforehand and what is booked agree)."""
    program = program_of_section(chapter, section)
    rating = rate_example(program, example.event, example.member, example.used)
    assert points_of(rating.awards) == example.awards
    if example.totals is not None:
        assert totals_of(program, rating.awards) == example.totals
    assert {name: number for name, number in rating.uses.items() if number} == example.uses
    outcomes = {verdict.rule: verdict.outcome for verdict in rating.verdicts}
    assert {rule: outcomes.get(rule) for rule in example.outcomes} == example.outcomes
    on_event = {rule.id for rule in program.document.earning if rule.event == example.type}
    assert outcomes.keys() == on_event, "every rule on such events has a verdict"
    quick = quick_rating(program, example)
    assert (quick.awards, quick.uses) == (rating.awards, rating.uses)
    assert [verdict for verdict in rating.verdicts if verdict.outcome == "failed"] == quick.verdicts


@each_example
def test_decided(chapter: str, section: int, example: Example) -> None:
    """The same through the one function that answers live events: awards, points moved, uses kept, failures told; and
    what becomes of it afterwards."""
    program = program_of_section(chapter, section)
    shell = Shell(program)
    shell.add_member(MEMBER)
    before = shell.states[MEMBER] = state_before(program, example)
    shell.shared_used = {name: number for name, number in example.used.items() if is_shared(name)}
    shared_before = dict(shell.shared_used)
    now = example.recorded_at or example.at
    earned = shell.run(MEMBER, command_of(program, example), now, example.at, example.source)
    assert isinstance(earned, Transaction), earned
    trace, rating = decode_trace(earned.trace), quick_rating(program, example)
    assert trace.awards == rating.awards
    assert trace.failed == {verdict.rule: verdict.detail for verdict in rating.verdicts}
    issued = [movement for movement in earned.movements if movement.source is Bucket.ISSUED]
    assert [(each.wallet, each.amount) for each in issued] == [
        (award.wallet, award.points) for award in rating.awards if award.points
    ]
    grown = grown_since(before.used, shell.states[MEMBER].used) | grown_since(shared_before, shell.shared_used)
    assert grown == example.uses
    if example.afterwards:
        shell.orders["1"] = (MEMBER, earned.sequence)
    for number, step in enumerate(example.afterwards, 1):
        happened = now + timedelta(days=number)
        done = shell.run(MEMBER, command_afterwards(number, step), happened)
        assert isinstance(done, Transaction), done
        assert points_had(shell) == step.has, step.what


def command_of(program: Program, example: Example) -> Command:
    """What the event asks the ledger."""
    event = rated_event(program, example.event)
    if event.order is not None:
        return RecordOrder(MEMBER, event.order)
    return RecordEvent(MEMBER, event.type, dict(event.data))


def command_afterwards(number: int, step: Afterwards) -> Command:
    """A refund or a correction of the example's order."""
    if step.correct is not None:
        lines: list[dict[str, Any]] = [
            {"line_id": str(place), "quantity": 1} | line for place, line in enumerate(step.correct, 1)
        ]
        content = {"order_id": "1", "correction_id": str(number), "currency": "CNY", "lines": lines}
        return CorrectOrder(None, msgspec.convert(content, OrderCorrection))
    returned = [ReturnedLine(line, quantity) for line, quantity in (step.refund or {}).items()]
    return RefundOrder(None, OrderRefund("1", str(number), returned or None))


def points_had(shell: Shell) -> dict[str, int]:
    """What the member has by wallet, wherever it stands."""
    return {
        shell.program.wallet_ids[account.wallet]: account.available + account.pending + account.held - account.debt
        for account in shell.states[MEMBER].accounts
        if account.available or account.pending or account.held or account.debt
    }


def grown_since(before: Any, after: Any) -> dict[str, int]:
    """By how much each number grew."""
    return {name: number - before.get(name, 0) for name, number in after.items() if number != before.get(name, 0)}


def test_every_requirement_has_its_examples() -> None:
    """At least 160 in all, and none of the rows that rules deliver is left out."""
    assert len(EXAMPLES) >= 160
    told = {row for chapter in chapters().values() for row in chapter.requirement}
    assert told >= {*(f"B{number}" for number in range(1, 13)), "B15", "E3", "F1", "F4"}
    names = [each[0] for each in EXAMPLES]
    assert len(set(names)) == len(names)
