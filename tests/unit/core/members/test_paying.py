"""Rewards that a household pays for, in the pure core: shares, sums, and everybody's part at every step."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.core.commands import AdjustPoints
from jifen.core.decide import Behind, Context, Effects, decide, follow_steps
from jifen.core.ledger.values import Kind, MemberStatus
from jifen.core.redemption.commands import (
    ApproveRedemption,
    CancelRedemption,
    RedeemReward,
    RedemptionCommand,
    RejectRedemption,
    ReturnRedemption,
    SettleRedemption,
)
from jifen.core.redemption.values import Redemption, Stock, Supplies
from jifen.core.refusal import Refusal
from jifen.core.trace import decode_trace
from tests.model.programs import make_document
from tests.redeeming import with_rewards
from tests.unit.core.shop import ALICE, BOB, Shop

CODE = "7K3M-Q9TX-0VBH-2R8D-WN5C"


class Table:
    """Alice and Bob, who redeem together."""

    def __init__(self, mine: int, theirs: int) -> None:
        self.shop = Shop(with_rewards(make_document()))
        self.shop.shell.stocks["vase"] = Stock(9)
        for member, points in ((ALICE, mine), (BOB, theirs)):
            if points:
                self.shop.done(self.shop.do(AdjustPoints(member, None, points), member))

    def ask(self, command: RedemptionCommand, actor: str = "anna") -> Effects | Refusal:
        """Anything about redemptions, by Alice or about hers."""
        shell, now = self.shop.shell, self.shop.now
        context = Context(now, now, "test", "key", actor, roles=("clerk",))
        supplies = Supplies(shell.stocks, {}, (CODE,))
        past, others = None, [shell.states[BOB]] if getattr(command, "from_household", False) else []
        if isinstance(command, CancelRedemption | ReturnRedemption):
            past = shell.past(ALICE, command.redemption)
        state = shell.states[ALICE]
        effects = decide(shell.program, command, context, state, past=past, others=others, supplies=supplies)
        if isinstance(effects, Effects) and effects.shared_steps:
            payers = [payer for step in effects.shared_steps for payer in step.redemption.payers]
            behind = {each: Behind(shell.past(each.member, each.sequence)) for each in payers}
            effects = follow_steps(effects, (shell.program, context, None), shell.states, behind)
        if isinstance(effects, Effects):
            shell.keep(effects)
        return effects

    def redeem(self, reward: str) -> int:
        """The number of a redemption that both pay for."""
        effects = self.ask(RedeemReward(ALICE, reward, from_household=True, household=7))
        assert isinstance(effects, Effects), effects
        assert effects.answer is not None
        return effects.answer.sequence

    def redemption(self, sequence: int) -> Redemption:
        """How it stands."""
        return self.shop.shell.states[ALICE].redemptions[sequence]

    @property
    def points(self) -> list[tuple[int, int]]:
        """Available and held, of both."""
        accounts = [self.shop.account(member) for member in (ALICE, BOB)]
        return [(each.available, each.held) for each in accounts]


@given(st.integers(0, 120), st.integers(0, 120))
def test_all_or_nothing(mine: int, theirs: int) -> None:
    """Just the price is taken, from whoever has it; or nothing (known failure 23)."""
    table = Table(mine, theirs)
    before = table.points
    effects = table.ask(RedeemReward(ALICE, "five-yuan", from_household=True, household=7))
    if mine + theirs < 100:
        assert isinstance(effects, Refusal)
        assert effects.details["missing"] == 100 - mine - theirs
        assert table.points == before
        return
    assert isinstance(effects, Effects)
    assert sum(available for available, _ in table.points) == mine + theirs - 100
    assert effects.trace is not None and effects.trace.redemption is not None
    redemption = effects.trace.redemption
    assert redemption.own_points + sum(each.points for each in redemption.payers) == 100


def test_the_transactions_name_each_other() -> None:
    """The asker's has the whole sum and who pays what, the other's names it; no second redemption comes of it."""
    table = Table(60, 90)
    sequence = table.redeem("five-yuan")
    payer = table.redemption(sequence).payers[0]
    mine, theirs = table.shop.shell.transactions[ALICE][-1], table.shop.shell.transactions[BOB][-1]
    assert (mine.kind, theirs.kind, payer.sequence) == (Kind.REDEEM, Kind.REDEEM, theirs.sequence)
    here, there = (decode_trace(each.trace).dealings for each in (mine, theirs))
    assert here is not None and here.pooled is not None and there is not None and there.pooled is not None
    assert (here.pooled.points, here.pooled.redemption, here.pooled.household) == (100, sequence, 7)
    assert (there.pooled.spender, there.pooled.sequence, there.pooled.reward) == (ALICE, sequence, "five-yuan")
    assert not table.shop.shell.states[BOB].redemptions


@pytest.mark.parametrize("last", ["approve", "reject", "cancel", "settle"])
def test_everybody_follows(last: str) -> None:
    """Held together, then spent or released together."""
    table = Table(60, 90)
    vase = table.redeem("vase")
    assert table.points == [(0, 60), (50, 40)]
    steps: dict[str, RedemptionCommand] = {
        "approve": ApproveRedemption(ALICE, vase),
        "reject": RejectRedemption(ALICE, vase),
        "cancel": CancelRedemption(ALICE, vase),
        "settle": SettleRedemption(ALICE, vase),
    }
    if last == "settle":
        assert isinstance(table.ask(steps[last]), Effects)
        assert table.points == [(0, 60), (50, 40)]
        table.shop.later(hours=25)
    assert isinstance(table.ask(steps[last], actor="clerk"), Effects)
    assert table.points == ([(0, 0), (50, 0)] if last == "approve" else [(60, 0), (90, 0)])
    assert isinstance(table.ask(steps[last], actor="boss"), Refusal) is (last != "settle")
    if last == "approve":
        assert isinstance(table.ask(CancelRedemption(ALICE, vase)), Effects)
        assert table.points == [(60, 0), (90, 0)]


def test_a_frozen_payer_stops_approval_and_nothing_else() -> None:
    """Nobody spends what is bound of somebody who is frozen; it can be released all the same."""
    table = Table(60, 90)
    vase = table.redeem("vase")
    states = table.shop.shell.states
    states[BOB] = msgspec.structs.replace(states[BOB], status=MemberStatus.FROZEN)
    refusal = table.ask(ApproveRedemption(ALICE, vase), actor="clerk")
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.details["member_id"]) == ("member_frozen", str(BOB))
    assert isinstance(table.ask(RedeemReward(ALICE, "e-book", from_household=True)), Refusal)
    assert isinstance(table.ask(CancelRedemption(ALICE, vase)), Effects)
    assert table.points == [(60, 0), (90, 0)]


def test_time_leaves_it_alone_where_the_others_are_not_there() -> None:
    """Another command of the same batch does not end what it is not about: the payers' states are not at hand."""
    table = Table(60, 90)
    vase = table.redeem("vase")
    table.shop.later(hours=25)
    table.ask(RedeemReward(ALICE, "e-book"))
    assert table.redemption(vase).state == "waiting_for_approval"
    assert isinstance(table.ask(SettleRedemption(ALICE, vase)), Effects)
    assert table.redemption(vase).state == "expired"
