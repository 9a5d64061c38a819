"""Later steps of a redemption: every one that the table has, and none beside."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from jifen.core.redemption.commands import (
    ApproveRedemption,
    CancelRedemption,
    CancelWriteOff,
    FulfilRedemption,
    PayRedemption,
    RejectRedemption,
    ReturnRedemption,
    SettleRedemption,
    StepCommand,
    WriteOffCoupon,
)
from jifen.core.redemption.document import Price
from jifen.core.redemption.machine import TRANSITIONS, State, Step
from jifen.core.trace import decode_trace
from jifen.services.chinese import chinese_of
from tests.model.programs import make_document
from tests.redeeming import with_rewards
from tests.unit.core.redemption.counter import Counter
from tests.unit.core.shop import ALICE

SHIPPED = {"carrier": "SF", "number": "1"}
COMMANDS: dict[Step, Callable[[int], StepCommand]] = {
    "pay": lambda number: PayRedemption(ALICE, number, "wx-1"),
    "approve": lambda number: ApproveRedemption(ALICE, number),
    "reject": lambda number: RejectRedemption(ALICE, number),
    "cancel": lambda number: CancelRedemption(ALICE, number),
    "fulfil": lambda number: FulfilRedemption(ALICE, number, SHIPPED),
    "return": lambda number: ReturnRedemption(ALICE, number),
}


def boss(counter: Counter, step: Step, number: int) -> None:
    """A step by somebody who may."""
    counter.done(COMMANDS[step](number), "boss", ["manager"])


def reached(state: State) -> tuple[Counter, int]:
    """A redemption of a vase, a cup or a coupon in this state."""
    counter = Counter()
    if state == "waiting_for_payment":
        return counter, counter.redeem("cup", price=1)
    if state == "written_off":
        number = counter.redeem("five-yuan")
        counter.done(WriteOffCoupon(counter.redemption(number).coupons[0].code))
        return counter, number
    number = counter.redeem("vase")
    path: dict[State, list[Step]] = {
        "waiting_for_approval": [],
        "approved": ["approve"],
        "fulfilled": ["approve", "fulfil"],
        "returned": ["approve", "fulfil", "return"],
        "rejected": ["reject"],
        "cancelled": ["cancel"],
        "expired": [],
    }
    for step in path[state]:
        boss(counter, step, number)
    if state == "expired":
        counter.shop.later(hours=24)
        counter.ask(SettleRedemption(ALICE, number))
    return counter, number


@pytest.mark.parametrize(
    "state",
    [
        "waiting_for_payment",
        "waiting_for_approval",
        "approved",
        "fulfilled",
        "written_off",
        "returned",
        "rejected",
        "cancelled",
        "expired",
    ],
)
@pytest.mark.parametrize("step", list(COMMANDS))
def test_every_transition_as_the_table_says(state: State, step: Step) -> None:
    """Allowed ones lead where it says; all others are refused and change nothing (known failures 16, 53, 71)."""
    counter, number = reached(state)
    assert counter.redemption(number).state == state
    before = counter.shop.shell.states[ALICE]
    after = TRANSITIONS.get((state, step))
    if after is None:
        assert counter.code(COMMANDS[step](number), "boss", ["manager"]) == "step_not_allowed"
        assert counter.shop.shell.states[ALICE] is before
        return
    boss(counter, step, number)
    # Paid, it goes straight on: `held` is where nothing rests.
    assert counter.redemption(number).state == ("approved" if step == "pay" else after)


@pytest.mark.parametrize("state", ["waiting_for_payment", "waiting_for_approval", "approved", "fulfilled", "rejected"])
def test_a_refused_step_names_those_that_can_be_asked_for(state: State) -> None:
    """Each that is named for goods is a call, and is done when it is asked for: no agreeing beside approving, and no
    writing off of what has no coupon."""
    counter, number = reached(state)
    step: Step = "pay" if state != "waiting_for_payment" else "approve"
    named = counter.refusal(COMMANDS[step](number), "boss", ["manager"]).details["allowed"]
    assert isinstance(named, list)
    assert set(named) == {each for each in COMMANDS if (state, each) in TRANSITIONS}


def test_of_a_coupon_the_uses_are_named() -> None:
    """It is written off, not delivered; what was used is not cancelled before that is undone."""
    counter = Counter()
    number = counter.redeem("five-yuan")
    refusal = counter.refusal(COMMANDS["fulfil"](number))
    assert refusal.details["allowed"] == ["write_off", "cancel"]
    assert refusal.message.endswith("it is written off where it is used; possible are write_off, cancel.")
    code = counter.redemption(number).coupons[0].code
    assert counter.refusal(CancelWriteOff(code)).code == "unknown_write_off"
    counter.done(WriteOffCoupon(code))
    assert counter.refusal(COMMANDS["return"](number)).details["allowed"] == ["cancel_write_off"]


def test_points_come_back_to_the_lots_they_came_from() -> None:
    """Released or returned, with their terms; stock and limits as well (known failures 13, 18)."""
    for steps in (["reject"], ["cancel"], ["approve", "cancel"], ["approve", "fulfil", "return"]):
        counter = Counter(150)
        lots = counter.account.lots
        number = counter.redeem("vase")
        for step in steps:
            boss(counter, step, number)  # type: ignore[arg-type]
        assert counter.account.lots == lots
        assert counter.stocks["vase"].left == 2
        used = counter.shop.shell.states[ALICE].used["reward/vase/month/2026-03-01"]
        assert used == (1 if steps[-1] == "return" else 0)


def test_who_may_agree() -> None:
    """A role of the step, and not whoever asked; a deputy where the flow says so; each role by another person."""
    counter = Counter(6_000, "gold")
    number = counter.redeem("spa")
    approve = ApproveRedemption(ALICE, number)
    assert counter.code(approve, "anna", ["clerk"]) == "approval_by_requester"
    assert counter.code(approve, "bert", ["manager"]) == "role_missing"
    counter.done(approve, "bert", ["clerk", "finance"])
    assert counter.code(approve, "bert", ["finance"]) == "already_agreed"
    counter.done(approve, "carl", ["deputy"])
    assert counter.redemption(number).state == "waiting_for_approval"
    assert counter.code(approve, "dora", ["manager"]) == "role_missing"
    counter.done(approve, "dora", ["finance"])
    assert counter.redemption(number).state == "approved"
    assert counter.account.held == 0


def test_keys_of_one_name_are_one_person() -> None:
    """Neither asking nor agreeing a second time is another person's, whichever key it is sent with."""
    counter = Counter(6_000, "gold")
    counter.names = {"anna": "till", "anna-2": "till", "bert": "boss", "bert-2": "boss", "carl": "carl"}
    number = counter.redeem("spa")
    approve = ApproveRedemption(ALICE, number)
    assert counter.code(approve, "anna-2", ["clerk"]) == "approval_by_requester"
    counter.done(approve, "bert", ["clerk"])
    assert counter.code(approve, "bert-2", ["manager"]) == "already_agreed"
    assert counter.code(RejectRedemption(ALICE, number), "anna-2", ["manager"]) == "approval_by_requester"
    counter.done(approve, "carl", ["manager"])
    assert counter.code(approve, "bert-2", ["finance"]) == "already_agreed"
    # Keys without a name, such as the command line's, are told apart by what they are.
    counter.done(approve, "dora", ["finance"])
    assert counter.redemption(number).state == "approved"


def test_who_agreed_says_when_and_where() -> None:
    """So does time, at the instant at which it did; and whoever used a coupon."""
    counter = Counter(6_000, "gold")
    number = counter.redeem("spa")
    asked_at = counter.shop.now
    counter.shop.later(minutes=70)
    agreed = counter.done(ApproveRedemption(ALICE, number), "carl", ["manager"])
    approval = counter.redemption(number).approval
    assert approval is not None
    by_time, by_carl = approval.agreements
    assert (by_time.actor, by_time.at) == ("jifen:time", asked_at + timedelta(hours=1))
    assert (by_carl.at, by_carl.sequence) == (counter.shop.now, agreed.sequence)
    assert by_time.sequence == agreed.sequence - 1
    number = counter.redeem("five-yuan")
    used = counter.done(WriteOffCoupon(counter.redemption(number).coupons[0].code, store="S1"), "till-3")
    (use,) = counter.redemption(number).coupons[0].uses
    assert (use.sequence, use.at, use.actor) == (used.sequence, counter.shop.now, "till-3")


def test_time_agrees_or_ends_it() -> None:
    """As the step says; and payment that does not come ends it as well."""
    counter = Counter(6_000, "gold")
    spa, vase, cup = counter.redeem("spa"), counter.redeem("vase"), counter.redeem("cup", price=1)
    counter.shop.later(minutes=60)
    for number in (spa, vase, cup):
        counter.ask(SettleRedemption(ALICE, number))
    approval = counter.redemption(spa).approval
    assert approval is not None and approval.step == 1
    assert counter.redemption(vase).state == "waiting_for_approval"
    assert counter.redemption(cup).state == "expired"
    counter.shop.later(hours=23)
    counter.ask(SettleRedemption(ALICE, vase))
    assert counter.redemption(vase).state == "expired"
    assert counter.account.held == 5_000


@pytest.mark.parametrize("step", ["approve", "reject", "cancel", "fulfil", "return", "pay"])
def test_a_step_happened_when_it_is_said(step: Step) -> None:
    """What is recorded late keeps its own instant, whichever step it is; what time does has the instant it was due."""
    states: dict[Step, State] = {"fulfil": "approved", "return": "fulfilled", "pay": "waiting_for_payment"}
    counter, number = reached(states.get(step, "waiting_for_approval"))
    counter.said_at = counter.shop.now
    counter.shop.later(minutes=5)
    assert counter.done(COMMANDS[step](number), "boss", ["manager"]).occurred_at == counter.said_at


def test_a_delivery_says_how() -> None:
    """Carrier and number for a parcel."""
    counter = Counter()
    number = counter.redeem("cup")
    assert counter.code(FulfilRedemption(ALICE, number, {"carrier": "SF"})) == "delivery_incomplete"
    counter.done(FulfilRedemption(ALICE, number, SHIPPED))
    assert counter.redemption(number).delivery == SHIPPED


@pytest.mark.parametrize("at", ["2026-12-01T10:00:00+08:00", "2026-12-01T02:00:00Z"])
def test_a_booking_is_at_an_instant(at: str) -> None:
    """Of RFC 3339, with its offset from UTC: anything else is refused beside its field and changes nothing."""
    document = with_rewards(make_document())
    open_to_all = {"audience": None, "prices": [Price(1)]}
    rewards = [msgspec.structs.replace(each, **open_to_all) if each.id == "spa" else each for each in document.rewards]
    counter = Counter(document=msgspec.structs.replace(document, rewards=rewards))
    number = counter.redeem("spa")
    for odd in ("ten", "2026-12-01 10:00", "2026-12-01T10:00:00", "2026-02-30T10:00:00Z", "20261201T100000Z"):
        refusal = counter.refusal(FulfilRedemption(ALICE, number, {"at": odd}))
        assert (refusal.code, refusal.pointer) == ("invalid_field", "/delivery/at")
        assert odd in refusal.message and "2026-12-01T10:00:00+08:00" in refusal.message
        assert chinese_of(refusal) == (
            f"字段无效：预约时间 {odd!r} 须为带时区的 RFC 3339 时间，例如 2026-12-01T10:00:00+08:00。"
        )
    counter.done(FulfilRedemption(ALICE, number, {"at": at, "place": "SH-01"}))
    assert counter.redemption(number).delivery == {"at": at, "place": "SH-01"}


def test_a_payment_is_kept_with_its_step() -> None:
    """As the reference of the transaction, from which its key is proven."""
    counter = Counter()
    number = counter.redeem("cup", price=1)
    paid = counter.done(PayRedemption(ALICE, number, "wx-7"))
    assert decode_trace(paid.trace).reference == counter.redemption(number).payment == "wx-7"
