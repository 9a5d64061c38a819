"""A counter where rewards are asked for, in memory: one member, stock and codes at hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from jifen.core.ledger.values import Account, Transaction
from jifen.core.program import ProgramDocument
from jifen.core.redemption.commands import RedeemReward, RedemptionCommand
from jifen.core.redemption.values import Redemption, Stock
from jifen.core.refusal import Refusal
from jifen.core.rules.standing import Profile
from tests.model.programs import make_document
from tests.redeeming import with_rewards
from tests.unit.core.shop import ALICE, Shop

#: None: all there was to do was what time brings.
Outcome = Transaction | Refusal | None


class Counter:
    """Alice with some points, and what can be drawn on. Refusals are returned."""

    def __init__(self, points: int = 1_000, tier: str = "", document: ProgramDocument | None = None) -> None:
        self.shop = Shop(document or with_rewards(make_document()))
        self.shop.done(self.shop.adjust(points))
        shell = self.shop.shell
        shell.states[ALICE] = msgspec.structs.replace(shell.states[ALICE], profile=Profile(tier=tier))
        #: The shell's own: what is taken shrinks them.
        self.stocks, self.pools = shell.stocks, shell.pools
        self.stocks |= {"cup": Stock(5), "vase": Stock(2), "movie": Stock(3)}
        self.pools["movie"] = ("M1", "M2", "M3")
        #: What the keys of actors are called.
        self.names: dict[str, str] = {}
        self.said_at: datetime | None = None

    def ask(self, command: RedemptionCommand, actor: str = "anna", roles: Sequence[str] = ()) -> Outcome:
        """Any command about a redemption, by somebody with these roles. It happened now, or at `said_at`."""
        shop = self.shop
        return shop.shell.run(ALICE, command, shop.now, self.said_at, actor=actor, roles=roles, names=self.names)

    def redeem(self, reward: str, quantity: int = 1, price: int | None = None) -> int:
        """Ask for a reward that must not be refused; the number of the redemption."""
        outcome = self.ask(RedeemReward(ALICE, reward, quantity, price))
        assert isinstance(outcome, Transaction), outcome
        return outcome.sequence

    def done(self, command: RedemptionCommand, actor: str = "anna", roles: Sequence[str] = ()) -> Transaction:
        """A command that must not be refused."""
        outcome = self.ask(command, actor, roles)
        assert isinstance(outcome, Transaction), outcome
        return outcome

    def code(self, command: RedemptionCommand, actor: str = "anna", roles: Sequence[str] = ()) -> str:
        """The code with which a command is refused."""
        return self.refusal(command, actor, roles).code

    def refusal(self, command: RedemptionCommand, actor: str = "anna", roles: Sequence[str] = ()) -> Refusal:
        """Why a command is refused."""
        outcome = self.ask(command, actor, roles)
        assert isinstance(outcome, Refusal), outcome
        return outcome

    def redemption(self, number: int) -> Redemption:
        """A redemption as it stands."""
        return self.shop.shell.states[ALICE].redemptions[number]

    @property
    def account(self) -> Account:
        """Alice's points."""
        return self.shop.account()
