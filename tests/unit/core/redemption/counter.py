"""A counter where rewards are asked for, in memory: one member, stock and codes at hand."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from jifen.core.decide import Context, decide
from jifen.core.ledger.values import Account, Transaction
from jifen.core.program import ProgramDocument
from jifen.core.redemption.codes import RANDOM_BYTES, code_of
from jifen.core.redemption.commands import CancelRedemption, RedeemReward, RedemptionCommand, ReturnRedemption
from jifen.core.redemption.values import Redemption, Stock, Supplies
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
        self.stocks = {"cup": Stock(5), "vase": Stock(2), "movie": Stock(3)}
        self.pools: dict[str, tuple[str, ...]] = {"movie": ("M1", "M2", "M3")}
        #: What the keys of actors are called.
        self.names: dict[str, str] = {}
        self._codes = 0

    def ask(self, command: RedemptionCommand, actor: str = "anna", roles: Sequence[str] = ()) -> Outcome:
        """Any command about a redemption, by somebody with these roles."""
        shop = self.shop
        state = shop.shell.states[ALICE]
        past = None
        if isinstance(command, CancelRedemption | ReturnRedemption):
            has_spent = state.redemptions[command.redemption].spent_by
            past = shop.shell.past(ALICE, command.redemption) if has_spent else None
        context = Context(shop.now, shop.now, "test", "key", actor, roles=tuple(roles), names=self.names)
        supplies = Supplies(self.stocks, self.pools, self._fresh(9))
        effects = decide(shop.shell.program, command, context, state, past=past, supplies=supplies)
        if isinstance(effects, Refusal):
            return effects
        shop.shell.keep(effects)
        for reward, pieces in effects.taken.items():
            stock = self.stocks[reward]
            self.stocks[reward] = Stock(stock.pieces, stock.taken + pieces)
        return effects.answer

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
        outcome = self.ask(command, actor, roles)
        assert isinstance(outcome, Refusal), outcome
        return outcome.code

    def redemption(self, number: int) -> Redemption:
        """A redemption as it stands."""
        return self.shop.shell.states[ALICE].redemptions[number]

    @property
    def account(self) -> Account:
        """Alice's points."""
        return self.shop.account()

    def _fresh(self, number: int) -> tuple[str, ...]:
        self._codes += number
        # The last bit is none of the code's.
        return tuple(code_of((2 * (self._codes + each)).to_bytes(RANDOM_BYTES, "big")) for each in range(number))
