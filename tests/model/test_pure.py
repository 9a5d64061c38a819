"""Random sequences of all commands on three members: the pure core against the oracle, after every step."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jifen.core.commands import RecordOrder
from jifen.core.ledger.values import Transaction
from jifen.core.program import ProgramDocument
from jifen.core.refusal import Refusal
from tests.model.comparing import check_replay, view_now
from tests.model.programs import make_program
from tests.model.shell import Shell
from tests.model.steps import STEPS, Planned, Planner, Step, programs, random_programs, random_steps

MEMBERS = [101, 102, 103]


def perform(shell: Shell, planner: Planner, step: Step) -> None:
    """Do a step on both sides, and compare the answers."""
    planned = planner.plan(step)
    if step.action == "publish":
        shell.publish(make_program(planner.oracle.document, planner.version))
    if planned is not None:
        check_outcome(planned, shell.run(planned.member, planned.command, planner.now, planned.occurred_at))
        if isinstance(planned.command, RecordOrder) and isinstance(planned.expected, int):
            shell.orders[planned.command.order.order_id] = (planned.member, planned.expected)


def check_outcome(planned: Planned, outcome: Transaction | Refusal | None) -> None:
    """The same sequence, or a refusal with the same code."""
    match outcome:
        case Refusal():
            assert outcome.code == planned.expected, outcome
        case Transaction():
            assert outcome.sequence == planned.expected, (planned, outcome)
        case None:
            assert planned.expected is None


def live(documents: list[ProgramDocument], steps: list[Step]) -> None:
    """Do all steps; after each one everything is compared, and every balance proven from movements."""
    planner, shell = Planner(documents, MEMBERS), Shell(make_program(documents[0]))
    for member in MEMBERS:
        shell.add_member(member)
    for step in steps:
        perform(shell, planner, step)
        for member in MEMBERS:
            movements = [movement for each in shell.transactions[member] for movement in each.movements]
            found = view_now(shell.program, shell.states[member], movements, planner.now)
            assert found == planner.oracle.view(member, planner.now), step
    for member in MEMBERS:
        check_replay([(each.trace, each.movements) for each in shell.transactions[member]])


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(programs(), st.lists(STEPS, min_size=5, max_size=40))
def test_the_core_agrees_with_the_oracle(documents: list[ProgramDocument], steps: list[Step]) -> None:
    """Buckets, lots, holds, debt, flows, sequences and refusal codes; conservation and replay (I-03 to I-05)."""
    live(documents, steps)


@pytest.mark.parametrize("seed", range(25))
def test_long_lives_agree_with_the_oracle(seed: int) -> None:
    """The same over long histories: held, refunded, spent, expired, cancelled, in every order."""
    live(random_programs(seed), random_steps(seed, 80))
