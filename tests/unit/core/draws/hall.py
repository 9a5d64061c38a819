"""A hall where lotteries are drawn from, in memory: two members, a round of each draw, stock and codes at hand."""

from __future__ import annotations

from typing import Any

import msgspec

from jifen.core.commands import Command
from jifen.core.decide import Context, decide
from jifen.core.draws.commands import DrawPrize
from jifen.core.draws.values import Drawn, Round
from jifen.core.ledger.values import Account, Transaction
from jifen.core.redemption.codes import RANDOM_BYTES, code_of
from jifen.core.redemption.commands import CancelRedemption, RedeemReward
from jifen.core.redemption.values import Redemption, Stock, Supplies
from jifen.core.refusal import Refusal
from jifen.core.rules.standing import Profile
from jifen.core.trace import decode_trace
from tests.drawing import SEED, with_draws
from tests.model.programs import make_document
from tests.unit.core.shop import ALICE, BOB, Shop


class Hall:
    """Draws of a program (none given: the wheel and the last one). Refusals are returned."""

    def __init__(self, *draws: dict[str, Any], points: int = 10_000, seed: bytes = SEED) -> None:
        document = with_draws(make_document(), *draws)
        self.shop = Shop(document)
        self.shop.done(self.shop.adjust(points))
        self.rounds = {each.id: Round(1, seed, 0) for each in document.draws}
        #: The shell's own: what is taken shrinks them.
        self.stocks, self.pools = self.shop.shell.stocks, self.shop.shell.pools
        self.stocks |= {"cup": Stock(5), "vase": Stock(100), "movie": Stock(3)}
        self.pools["movie"] = ("M1", "M2", "M3")
        self._codes = 0

    def ask(self, command: Command, member: int = ALICE) -> Transaction | Refusal | None:
        """Any command about draws or redemptions."""
        shop, shell = self.shop, self.shop.shell
        state = shell.states[member]
        past = None
        if isinstance(command, CancelRedemption) and state.redemptions[command.redemption].spent_by:
            past = shell.past(member, command.redemption)
        self._codes += 1
        code = code_of((2 * self._codes).to_bytes(RANDOM_BYTES, "big"))
        supplies = Supplies(self.stocks, self.pools, (code,), self.rounds)
        context = Context(shop.now, shop.now, "test", "key", "anna")
        used = shell.shared_used
        effects = decide(shell.program, command, context, state, past=past, shared_used=used, supplies=supplies)
        if isinstance(effects, Refusal):
            return effects
        shell.keep(effects)
        drawn = None if effects.trace is None else effects.trace.drawn
        if drawn is not None:
            self.rounds[drawn.draw] = msgspec.structs.replace(self.rounds[drawn.draw], drawn=drawn.number)
        return effects.answer

    def draw(self, draw: str = "wheel", member: int = ALICE, ticket: int | None = None) -> Drawn:
        """Draw; it must not be refused."""
        outcome = self.ask(DrawPrize(member, draw, ticket), member)
        assert isinstance(outcome, Transaction), outcome
        drawn = decode_trace(outcome.trace).drawn
        assert drawn is not None
        return drawn

    def until(self, prize: str, draw: str = "wheel") -> Drawn:
        """Draw until a prize is given."""
        for _ in range(5_000):
            drawn = self.draw(draw)
            if drawn.prize == prize:
                return drawn
        raise AssertionError(f"{prize} never came")

    def refused(self, command: Command, member: int = ALICE) -> str:
        """The code with which a command is refused; it has changed nothing."""
        before = self.shop.shell.states[member]
        outcome = self.ask(command, member)
        assert isinstance(outcome, Refusal), outcome
        assert self.shop.shell.states[member] is before
        return outcome.code

    def tickets(self, quantity: int = 1) -> int:
        """Redeem lottery tickets; the number of the redemption."""
        outcome = self.ask(RedeemReward(ALICE, "spin", quantity))
        assert isinstance(outcome, Transaction), outcome
        return outcome.sequence

    def redemption(self, number: int) -> Redemption:
        """A redemption of Alice as it stands."""
        return self.shop.shell.states[ALICE].redemptions[number]

    def used(self, name: str, member: int = ALICE) -> int:
        """What a member used under a name."""
        return self.shop.shell.states[member].used.get(name, 0)

    def tier(self, tier: str) -> None:
        """Alice has a tier from now on."""
        states = self.shop.shell.states
        states[ALICE] = msgspec.structs.replace(states[ALICE], profile=Profile(tier=tier))

    @property
    def account(self) -> Account:
        """Alice's points."""
        return self.shop.account()


__all__ = ["ALICE", "BOB", "Hall"]
