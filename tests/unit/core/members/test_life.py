"""The table of what each state allows, run command by command; the documents show the same table."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from jifen.core.commands import (
    AdjustPoints,
    CaptureHold,
    Command,
    PlaceHold,
    RecordEvent,
    RecordOrder,
    RefundOrder,
    ReleaseHold,
    ReverseTransaction,
    SettleMember,
    SpendPoints,
    TransferPoints,
)
from jifen.core.decide import Context, decide
from jifen.core.ledger.values import MemberState, MemberStatus
from jifen.core.members.commands import ChangeLife
from jifen.core.members.life import ACT_OF, ACTS, LIFE, STATUS_AFTER, act_of, check_life
from jifen.core.orders import Order, OrderLine, OrderRefund
from jifen.core.program import MemberPolicy, Program
from jifen.core.refusal import Refusal
from tests.model.programs import make_program
from tests.unit.core.shop import ALICE, BOB, START

DOCS = Path(__file__).parents[4] / "docs"
ORDER = Order("A1", "CNY", [OrderLine("1", 1, 100)])
STEPS: dict[str, Any] = {step: ChangeLife(ALICE, step) for step in STATUS_AFTER}  # type: ignore[arg-type]
COMMANDS: dict[str, list[Command]] = {
    "earn": [RecordOrder(ALICE, ORDER), RecordEvent(ALICE, "member.checked_in")],
    "spend": [SpendPoints(ALICE, None, 1), PlaceHold(ALICE, None, 1), CaptureHold(ALICE, 1)],
    "send": [TransferPoints(ALICE, BOB, None, 1)],
    "adjust": [AdjustPoints(ALICE, None, 1)],
    "release": [ReleaseHold(ALICE, 1)],
    "refund": [RefundOrder(None, OrderRefund("A1", "R1")), ReverseTransaction(ALICE, 1)],
    "time": [SettleMember(ALICE)],
    **{step: [command] for step, command in STEPS.items()},
}


def state_of(status: MemberStatus, member: int = ALICE) -> MemberState:
    """A member in a state, without points."""
    return MemberState(member, 0, (), status=status, merged_into=BOB if status is MemberStatus.MERGED else 0)


@pytest.mark.parametrize("status", list(MemberStatus), ids=lambda each: each.name.lower())
@pytest.mark.parametrize("act", ACTS)
def test_every_state_and_act_is_in_the_table(status: MemberStatus, act: str) -> None:
    """And the check says what the table says, with whom a merged member went into (known failure 21)."""
    code = LIFE[status][act]  # type: ignore[index]
    refusal = check_life(make_program(None), state_of(status), act)  # type: ignore[arg-type]
    assert (None if refusal is None else refusal.code) == code
    if code == "member_merged":
        assert refusal is not None
        assert refusal.details["into"] == str(BOB)


def test_time_and_returns_always_work() -> None:
    """Whatever became of a member (known failures 21, 22)."""
    assert {LIFE[status][act] for status in MemberStatus for act in ("time", "refund", "release")} == {None}


def test_every_command_is_an_act() -> None:
    """No command slips past the table."""
    known = {*ACT_OF, ChangeLife}
    assert set(get_args(Command)) <= known
    assert {act_of(each) for commands in COMMANDS.values() for each in commands} == set(COMMANDS)


@pytest.mark.parametrize("status", [status for status in MemberStatus if status], ids=lambda each: each.name.lower())
@pytest.mark.parametrize("act", COMMANDS)
def test_decide_obeys_the_table(status: MemberStatus, act: str) -> None:
    """A refusal of the table comes before anything else is looked at, and nothing else refuses with its codes."""
    code = LIFE[status][act]  # type: ignore[index]
    if code is None:
        return
    for command in COMMANDS[act]:
        outcome = decide(
            make_program(None),
            command,
            Context(START, START, "test", "1", "test"),
            state_of(status),
            receiver=state_of(MemberStatus.ACTIVE, BOB),
        )
        assert isinstance(outcome, Refusal)
        assert outcome.code == code


def test_who_is_closed_receives_nothing() -> None:
    """The receiver's state counts as well, and the pointer says that it is the receiver's."""
    outcome = decide(
        make_program(None),
        TransferPoints(ALICE, BOB, None, 1),
        Context(START, START, "test", "1", "test"),
        state_of(MemberStatus.ACTIVE),
        receiver=state_of(MemberStatus.CLOSED, BOB),
    )
    assert isinstance(outcome, Refusal)
    assert (outcome.code, outcome.pointer) == ("member_closed", "/to")


def test_a_program_may_stop_frozen_members_from_earning() -> None:
    """By its policy; adjusting by hand still works."""
    base = make_program(None)
    document = msgspec.structs.replace(base.document, members=MemberPolicy(frozen="refuse"))
    program = Program(1, document, dict(base.wallet_numbers))
    frozen = state_of(MemberStatus.FROZEN)
    refusal = check_life(program, frozen, "earn")
    assert refusal is not None
    assert refusal.code == "member_frozen"
    assert check_life(program, frozen, "adjust") is None


@pytest.mark.parametrize("page", ["reference/members.md", "zh/reference/members.md"])
def test_the_documents_show_the_table(page: str) -> None:
    """Cell by cell: `yes`/`是`, or the code of the refusal."""
    lines = [line for line in (DOCS / page).read_text("utf-8").splitlines() if line.startswith("| `")]
    shown = {}
    for line in lines:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        shown[cells[0].strip("`")] = [None if cell in ("yes", "是") else cell.strip("`") for cell in cells[1:]]
    assert {act: shown[act] for act in ACTS} == {act: [LIFE[status][act] for status in MemberStatus] for act in ACTS}
