"""What redemptions of a batch need of the database: whose coupons codes are, how redemptions stand, stock, codes."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Final, TypeGuard, get_args

import msgspec

from jifen.core.calendar import local_day
from jifen.core.commands import Command, is_ordinary
from jifen.core.decide import Effects
from jifen.core.draws.commands import DrawPrize
from jifen.core.draws.values import Round
from jifen.core.identity import shard_of_digest, shard_of_member, shard_of_name
from jifen.core.ledger.values import Hold, MemberState, transaction_id
from jifen.core.program import Program
from jifen.core.redemption.checks import MAXIMUM_PIECES
from jifen.core.redemption.codes import RANDOM_BYTES, code_of, digest_code, is_mistyped
from jifen.core.redemption.commands import (
    ApproveRedemption,
    CancelRedemption,
    CouponCommand,
    PayRedemption,
    RedeemReward,
    RedemptionCommand,
    RejectRedemption,
    ReturnRedemption,
    SettleRedemption,
    StepCommand,
)
from jifen.core.redemption.machine import HELD
from jifen.core.redemption.offers import limit_names
from jifen.core.redemption.values import Redemption, Stock, Supplies, decode_redemption
from jifen.core.refusal import Refusal
from jifen.db.connection import Connection
from jifen.db.locking import LOCK_STOCKS
from jifen.db.queries import load_queries
from jifen.engine.draws import DrawnNumbers, draws_of, lock_rounds, want_for_draws
from jifen.engine.loading import decode_pieces
from jifen.engine.places import Places
from jifen.engine.references import Reference, who_goes
from jifen.engine.wanted import Wanted

_SQL = load_queries("engine")
#: Commands after which a redemption may have come to nothing.
_UNDOING = (CancelRedemption, RejectRedemption, ReturnRedemption, SettleRedemption)
#: Commands after which what is bound may be spent.
PASSING = (ApproveRedemption, PayRedemption)
#: Commands that may be about a redemption that is there,
AboutRedemption = StepCommand | CouponCommand | DrawPrize
#: and those that need supplies.
SuppliedCommand = RedemptionCommand | DrawPrize
_SUPPLIED: Final = frozenset(get_args(SuppliedCommand))
_ABOUT_REDEMPTION: Final = frozenset(get_args(AboutRedemption))
MembersOf = Callable[[Command], list[int]]


def needs_supplies(command: Command) -> TypeGuard[SuppliedCommand]:
    """Whether a command needs supplies. By its type: a look at each of so many kinds is dear."""
    return type(command) in _SUPPLIED


def is_about_redemption(command: Command) -> TypeGuard[AboutRedemption]:
    """Whether a command may be about a redemption that is there."""
    return type(command) in _ABOUT_REDEMPTION


class Redeeming:
    """The commands of a batch that are about redemptions, and what was found and locked for them."""

    def __init__(self, commands: Iterable[Command], shards: int) -> None:
        self.commands: list[SuppliedCommand] = []
        self._going: set[int] = set()
        for each in commands:
            if is_ordinary(each):
                continue
            if needs_supplies(each):
                self.commands.append(each)
            elif (member := who_goes(each)) is not None:
                self._going.add(member)
        self._shards = shards
        #: What waits of those who are to go.
        self._waiting: dict[int, list[int]] = {}
        #: Whose coupon a code is, and in which redemption it was issued.
        self._coupons: dict[str, Reference] = {}
        self.stocks: dict[str, Stock] = {}
        self.pools: dict[str, tuple[str, ...]] = {}
        #: The open rounds that may be drawn from; locked.
        self.rounds: dict[str, Round] = {}

    def bring(self, cancellations: Sequence[CancelRedemption]) -> None:
        """Redemptions that may end with what the batch does otherwise: as if their cancellation were asked for."""
        self.commands += cancellations

    async def find_coupons(self, connection: Connection) -> None:
        """Find out whose coupons are meant: that never changes once they are issued."""
        codes = {digest_code(each.code): each.code for each in self.commands if isinstance(each, CouponCommand)}
        if not codes:
            return
        shards = [shard_of_digest(digest, self._shards) for digest in codes]
        for digest, member, sequence in await connection.fetch(_SQL["find_coupons"], shards, list(codes)):
            self._coupons[codes[digest]] = (member, sequence)

    def reference(self, command: Command) -> Reference | None:
        """The redemption that a command is about, if it may exist."""
        if isinstance(command, StepCommand):
            return (command.member, command.redemption)
        if isinstance(command, DrawPrize):
            return None if command.ticket is None else (command.member, command.ticket)
        return self._coupons.get(command.code) if isinstance(command, CouponCommand) else None

    @cached_property
    def references(self) -> list[Reference]:
        """The redemptions that the batch is about, once their coupons were found."""
        found = {reference for each in self.commands if (reference := self.reference(each)) is not None}
        return sorted(found)

    async def load(self, connection: Connection, states: dict[int, MemberState], places: Places) -> None:
        """Put the redemptions that the batch is about into the states of their members, with what these have bound
        (spending it touches no lot), and find what waits of those who are to go."""
        if self._going:
            keys = ([shard_of_member(member, self._shards) for member in self._going], list(self._going))
            for member, sequence in await connection.fetch(_SQL["find_waiting"], *keys, list(HELD)):
                self._waiting.setdefault(member, []).append(sequence)
        wanted = [each for each in self.references if each[0] in states]
        if not wanted:
            return
        columns = (
            [shard_of_member(member, self._shards) for member, _ in wanted],
            [member for member, _ in wanted],
            [sequence for _, sequence in wanted],
        )
        found: dict[int, dict[int, Redemption]] = {}
        holds: dict[tuple[int, int], tuple[Hold, ...]] = {}
        for member, sequence, place, content, wallet, expires_at, pieces in await connection.fetch(
            _SQL["load_redemptions"], *columns
        ):
            found.setdefault(member, {})[sequence] = decode_redemption(content)
            places.redemptions[member, sequence] = place
            if wallet is not None:
                hold = Hold(sequence, wallet, expires_at, decode_pieces(pieces))
                holds[member, wallet] = (*holds.get((member, wallet), ()), hold)
        for member, redemptions in found.items():
            accounts = tuple(
                msgspec.structs.replace(account, holds=holds[member, account.wallet])
                if (member, account.wallet) in holds
                else account
                for account in states[member].accounts
            )
            states[member] = msgspec.structs.replace(states[member], redemptions=redemptions, accounts=accounts)

    def check_going(self, command: Command, states: Mapping[int, MemberState]) -> Refusal | None:
        """Refuse that a member goes of whom a redemption waits: whoever decides on it knows it by the old number, and
        others may pay for it."""
        going = who_goes(command)
        if going is None or going not in states:
            return None
        loaded = states[going].redemptions
        waiting = [each for each in self._waiting.get(going, ()) if each not in loaded]
        waiting += [sequence for sequence, redemption in loaded.items() if redemption.state in HELD]
        if not waiting:
            return None
        name = transaction_id(going, min(waiting))
        message = f"Redemption {name} waits: complete, reject or cancel it first."
        return Refusal("holds_open", message, None, {"member_id": str(going), "redemption_id": name})

    def want_known(
        self, wanted: Wanted, program: Program, now: datetime, states: dict[int, MemberState], members_of: MembersOf
    ) -> None:
        """Note of whom the profile and the segments must be known, and which uses of limits."""
        want_for_draws(wanted, program, now, self.commands, states)
        day = local_day(now, program.zone)
        for command in self.commands:
            if not isinstance(command, RedeemReward):
                continue
            reward = program.offers.rewards.get(command.reward)
            members = [member for member in members_of(command) if member in states]
            if reward is None:
                continue
            if program.offers.needs_member(command.reward):
                wanted.note_profiles(members)
                if program.offers.reads_segments:
                    wanted.note_segments(program, program.offers.segments, members)
            wanted.usages.update((member, name) for name in limit_names(reward.document, day) for member in members)
        undoing = {self.reference(each) for each in self.commands if isinstance(each, _UNDOING)}
        for member, sequence, redemption in self._loaded(states):
            # What comes to nothing is counted back; else the limits are of no matter.
            is_due = redemption.until is not None and redemption.until <= now
            if is_due or (member, sequence) in undoing:
                wanted.usages.update((member, name) for name in redemption.counted)

    def need_everything(self, states: dict[int, MemberState]) -> set[int]:
        """Members whose lots and holds must all be there: points of theirs may be released or returned."""
        undoing = {self.reference(each) for each in self.commands if isinstance(each, _UNDOING)}
        return {member for member, sequence, _ in self._loaded(states) if (member, sequence) in undoing}

    def shared(self, states: dict[int, MemberState]) -> dict[Reference, Redemption]:
        """The redemptions that others pay for as well, where the points of these may be moved."""
        undoing = {self.reference(each) for each in self.commands if isinstance(each, _UNDOING)}
        return {
            (member, sequence): redemption
            for member, sequence, redemption in self._loaded(states)
            if redemption.payers and (redemption.state in HELD or (member, sequence) in undoing)
        }

    @property
    def decides_approvals(self) -> bool:
        """Whether somebody agrees to a redemption, or refuses it."""
        return any(isinstance(each, ApproveRedemption | RejectRedemption) for each in self.commands)

    def actors(self, states: dict[int, MemberState]) -> set[str]:
        """Who asked for the redemptions that the batch is about, and who has agreed to them."""
        loaded = [redemption for _, _, redemption in self._loaded(states)]
        agreed = {each.actor for found in loaded if found.approval is not None for each in found.approval.agreements}
        return agreed.union(each.requested_by for each in loaded)

    def spending(self, states: dict[int, MemberState]) -> set[Reference]:
        """The transactions that bound or spent what may now be given back."""
        found = {self.past(each, states) for each in self.commands}
        return {each for each in found if each is not None}

    @staticmethod
    def past(command: Command, states: Mapping[int, MemberState]) -> Reference | None:
        """The transaction that asked for what a command may give back, and bound or spent the points; None: the command
        gives nothing back."""
        if not isinstance(command, CancelRedemption | ReturnRedemption) or command.member not in states:
            return None
        is_known = command.redemption in states[command.member].redemptions
        return (command.member, command.redemption) if is_known else None

    def asked_by(
        self, command: AboutRedemption, member: int, states: Mapping[int, MemberState]
    ) -> Reference | Refusal | None:
        """The transaction that asked for what a step may give back; None: it gives nothing back."""
        reference = self.reference(command)
        if reference is None:
            # It is drawn without a ticket.
            return None
        if reference[1] not in states[member].redemptions:
            return unknown_redemption(f"{member}-{reference[1]}")
        return self.past(command, states)

    async def lock_supplies(self, connection: Connection, program: Program, states: dict[int, MemberState]) -> None:
        """Lock the stock that the batch may take from or give back to, load the codes that come next, and lock the
        rounds that it draws from."""
        await self._lock_stocks(connection, program, states)
        self.rounds = await lock_rounds(connection, program, self.commands, self._shards)

    async def _lock_stocks(self, connection: Connection, program: Program, states: dict[int, MemberState]) -> None:
        rewards: set[str] = set()
        wanted: dict[str, int] = {}
        for command in self.commands:
            reward = program.offers.rewards.get(command.reward) if isinstance(command, RedeemReward) else None
            if reward is None or reward.document.stock == "none":
                continue
            rewards.add(reward.document.id)
            if reward.document.stock == "codes":
                assert isinstance(command, RedeemReward)
                pieces = min(max(command.quantity, 0), MAXIMUM_PIECES)
                wanted[reward.document.id] = wanted.get(reward.document.id, 0) + pieces
        for _, draw in draws_of(program, self.commands):
            for won in draw.rewards:
                stock = program.offers.rewards[won].document.stock
                if stock != "none":
                    rewards.add(won)
                if stock == "codes":
                    wanted[won] = wanted.get(won, 0) + 1
        rewards |= {redemption.reward for _, _, redemption in self._loaded(states) if redemption.taken}
        if not rewards:
            return
        names = sorted(rewards)
        shards = [shard_of_name(name, self._shards) for name in names]
        rows = await connection.fetch(LOCK_STOCKS, shards, names)
        self.stocks = {reward: Stock(pieces, taken) for reward, pieces, taken in rows}
        if not wanted:
            return
        shards = [shard_of_name(name, self._shards) for name in wanted]
        pools: dict[str, list[str]] = {}
        for reward_id, code in await connection.fetch(_SQL["load_pools"], shards, list(wanted), list(wanted.values())):
            pools.setdefault(reward_id, []).append(code)
        self.pools = {name: tuple(codes) for name, codes in pools.items()}

    def _loaded(self, states: dict[int, MemberState]) -> list[tuple[int, int, Redemption]]:
        return [
            (member, sequence, states[member].redemptions[sequence])
            for member, sequence in self.references
            if member in states and sequence in states[member].redemptions
        ]


def gives_back(command: Command, states: Mapping[int, MemberState]) -> bool:
    """Whether a command gives back points that a redemption spent."""
    return Redeeming.past(command, states) is not None


class SuppliesAtHand:
    """The supplies as they shrink while one command of a batch is decided after another."""

    def __init__(self, redeeming: Redeeming) -> None:
        self.stocks = dict(redeeming.stocks)
        self._pools = dict(redeeming.pools)
        #: Codes that were made for decisions which issued none, as one that lets a coupon wait for approval does.
        self._spare: list[str] = []
        self.draws = DrawnNumbers(redeeming.rounds)

    def supplies(self, program: Program, command: Command, state: MemberState) -> Supplies:
        """What a command may draw on, with as many fresh codes as it may issue."""
        needed = _codes_needed(program, command, state)
        codes, self._spare = self._spare[:needed], self._spare[needed:]
        codes += fresh_codes(needed - len(codes))
        return Supplies(self.stocks, self._pools, tuple(codes), self.draws.rounds)

    def take_back(self, supplies: Supplies, decided: Effects | Refusal) -> None:
        """Keep the codes that a decision was given and has not issued for the next: nobody has seen them."""
        if not supplies.codes:
            return
        states = decided.states if isinstance(decided, Effects) else ()
        issued = {code for state in states for each in state.redemptions.values() for code in codes_of(each)}
        self._spare += [code for code in supplies.codes if code not in issued]

    def keep(self, before: MemberState, after: MemberState, taken: Mapping[str, int]) -> None:
        """Take away what a decision took."""
        for reward, pieces in taken.items():
            stock = self.stocks[reward]
            self.stocks[reward] = Stock(stock.pieces, stock.taken + pieces)
        for reward, code, owner in pool_changes(before, after):
            codes = tuple(each for each in self._pools.get(reward, ()) if each != code)
            self._pools[reward] = (*codes, code) if owner is None else codes


def _codes_needed(program: Program, command: Command, state: MemberState) -> int:
    """How many codes a command may issue: its own, and those of redemptions that time approves meanwhile."""
    needed = sum(
        each.quantity
        for each in state.redemptions.values()
        if each.terms is not None and each.state in HELD and not each.is_from_pool
    )
    if isinstance(command, RedeemReward):
        reward = program.offers.rewards.get(command.reward)
        if reward is not None and reward.document.coupon is not None and reward.document.stock != "codes":
            needed += min(max(command.quantity, 0), MAXIMUM_PIECES)
    return needed + isinstance(command, DrawPrize)


def fresh_codes(number: int) -> tuple[str, ...]:
    """Codes that nobody can guess, from the system's source of randomness."""
    if not number:
        return ()
    random = secrets.token_bytes(RANDOM_BYTES * number)
    return tuple(code_of(random[start : start + RANDOM_BYTES]) for start in range(0, len(random), RANDOM_BYTES))


def pool_changes(before: MemberState, after: MemberState) -> list[tuple[str, str, int | None]]:
    """The codes of pools that changed hands: reward, code, and the redemption that has it now; None: it is free."""
    changes: list[tuple[str, str, int | None]] = []
    for sequence, redemption in after.redemptions.items():
        was = before.redemptions.get(sequence)
        if redemption is was or not redemption.is_from_pool:
            continue
        old, new = codes_of(was), codes_of(redemption)
        changes += [(redemption.reward, code, None) for code in old if code not in new]
        changes += [(redemption.reward, code, sequence) for code in new if code not in old]
    return changes


def codes_of(redemption: Redemption | None) -> Sequence[str]:
    """The codes that a redemption has, issued or reserved."""
    return () if redemption is None else [*redemption.reserved, *(each.code for each in redemption.coupons)]


def unknown_redemption(name: str) -> Refusal:
    """There is no redemption of this name."""
    return Refusal("unknown_redemption", f"There is no redemption {name[:40]}.")


def unknown_coupon(code: str) -> Refusal:
    """Nobody has this coupon: it was typed wrongly, or it was never issued."""
    if is_mistyped(code):
        return Refusal("mistyped_coupon", f"{code[:64]} is no code: there is a typing error in it.")
    return Refusal("unknown_coupon", f"There is no coupon {code[:64]}.")
