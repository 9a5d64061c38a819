"""The report of a backtest: what would have been different under the draft. Points and money are whole numbers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

from jifen.core.program import WalletValue
from jifen.core.rules.document import LocalizedText

CheckName = Literal["issued", "taken_back", "spent_and_adjusted"]


class Figure(msgspec.Struct, frozen=True):
    """A figure as it was recorded, and as the draft has it."""

    recorded: int
    draft: int
    difference: int


class PointsLine(msgspec.Struct, frozen=True):
    """Points issued in a month (`YYYY-MM`), to members of a tier, or for lines of a category; empty: none was named.

    Points of an order with lines of several categories are divided by what was paid for each.
    """

    key: str
    recorded: int
    draft: int


class RuleLine(msgspec.Struct, frozen=True):
    """What a rule gave, and where from the difference comes: events that it rewards only in the draft, those that it
    rewarded only as recorded, and those where it gave something else (`changed_points`: the draft less the recorded).

    `tier_points` is the part of the difference that comes from tiers: what the draft gave less what it would have given
    in the tiers in which the members really stood, over `tier_events`.
    """

    rule: str
    recorded: int
    draft: int
    recorded_events: int
    draft_events: int
    only_draft_events: int
    only_draft_points: int
    only_recorded_events: int
    only_recorded_points: int
    changed_events: int
    changed_points: int
    tier_events: int = 0
    tier_points: int = 0


class HistogramStep(msgspec.Struct, frozen=True):
    """Members whose difference lies between two numbers of points, both included."""

    least: int
    most: int
    members: int


class MemberLine(msgspec.Struct, frozen=True):
    """What a member earned, less what refunds took back."""

    member_id: str
    recorded: int
    draft: int
    difference: int


class WalletReport(msgspec.Struct, frozen=True):
    """The figures of one wallet within the period, in points.

    `taken_back` by refunds; `spent` and `expired` less what came back; `outstanding` is what members have at the end
    (available, pending and held, less debt). `cost_cents` is what the issued points, less those taken back, cost by
    the wallet's value, `liability_cents` what the outstanding ones are worth; both rounded up once, null without a
    value. `refused_points`: of spends and holds that the draft's balances cannot pay. `tier_points`: how much of the
    difference of what was issued comes from tiers (see RuleLine).
    """

    wallet: str
    name: LocalizedText
    value: WalletValue | None
    issued: Figure
    taken_back: Figure
    spent: Figure
    expired: Figure
    outstanding: Figure
    cost_cents: Figure | None
    liability_cents: Figure | None
    refused_points: int
    months: list[PointsLine]
    tiers: list[PointsLine]
    categories: list[PointsLine]
    rules: list[RuleLine]
    members_more: int
    members_less: int
    members_same: int
    histogram: list[HistogramStep]
    winners: list[MemberLine]
    losers: list[MemberLine]
    tier_points: int = 0


class CapLine(msgspec.Struct, frozen=True):
    """How often a cap or budget cut an award. `most` null: the draft has no such cap any more."""

    cap: str
    limit: str
    per: str
    period: str
    most: int | None
    recorded_events: int
    recorded_points: int
    recorded_members: int
    draft_events: int
    draft_points: int
    draft_members: int


class RefusedLine(msgspec.Struct, frozen=True):
    """A recorded transaction that the draft would have refused."""

    transaction_id: str
    kind: str
    code: str
    wallet: str | None
    points: int | None


class FailedLine(msgspec.Struct, frozen=True):
    """A rule of the draft that could not be evaluated, for so many events; why one of them, in words."""

    rule: str
    events: int
    why: LocalizedText


class TierMove(msgspec.Struct, frozen=True):
    """So often members moved from one tier to another, as recorded and under the draft. Empty: none."""

    before: str
    after: str
    recorded: int
    draft: int


class TierMonth(msgspec.Struct, frozen=True):
    """The same in a local month (`YYYY-MM`)."""

    month: str
    before: str
    after: str
    recorded: int
    draft: int


class TierLine(msgspec.Struct, frozen=True):
    """So many members stand in a tier at the end, as recorded and under the draft. Empty: none."""

    tier: str
    recorded: int
    draft: int


class TierSetReport(msgspec.Struct, frozen=True):
    """A tier set: who stands where at the end, and the moves within the period. `tiers`: the names of its tiers;
    `months`: the moves month by month."""

    tier_set: str
    name: LocalizedText | None
    tiers: dict[str, LocalizedText]
    members: list[TierLine]
    moves: list[TierMove]
    months: list[TierMonth] = []

    @property
    def is_same(self) -> bool:
        """Whether the draft moves everybody just as they moved."""
        lines: list[TierLine | TierMove | TierMonth] = [*self.members, *self.moves, *self.months]
        return all(each.recorded == each.draft for each in lines)


class LedgerCheck(msgspec.Struct, frozen=True):
    """A sum of what was recorded with the events, and the same as the movements of the ledger have it."""

    wallet: str
    name: CheckName
    events: int
    ledger: int
    fits: bool


class Names(msgspec.Struct, frozen=True):
    """What is called how in the draft, or, where it does not say, in the program in force; by id. Categories have no
    names of their own."""

    wallets: dict[str, LocalizedText] = {}
    rules: dict[str, LocalizedText] = {}
    campaigns: dict[str, LocalizedText] = {}
    tiers: dict[str, LocalizedText] = {}


class BacktestReport(msgspec.Struct, frozen=True):
    """What a backtest found.

    `order`: `by_member` (the members apart, in parallel: exact, as no budget that members share was reached) or
    `as_recorded` (one process, in the order in which things were recorded, as such a budget was reached).
    `transactions` is how many were replayed within the period, `kinds` of which kind they were, `events` those that
    earn; `history` came as history and counted as of when they happened. `seconds` is the whole run; the rates are over
    all transactions read and all orders replayed.

    What came later has a default, as earlier reports are kept.
    """

    program: LocalizedText
    compared_with_version: int
    since: date | None
    until: date | None
    settled_at: datetime
    currency: str
    order: Literal["by_member", "as_recorded"]
    members: int
    transactions: int
    events: int
    orders: int
    kinds: dict[str, int]
    wallets: list[WalletReport]
    caps: list[CapLine]
    refused: dict[str, int]
    refused_transactions: list[RefusedLine]
    failed: list[FailedLine]
    checks: list[LedgerCheck]
    notes: list[LocalizedText]
    workers: int
    seconds: float
    transactions_per_second: int
    orders_per_second: int
    tier_sets: list[TierSetReport] = []
    names: Names = Names()
    history: int = 0

    @property
    def is_same(self) -> bool:
        """Whether the draft would have changed nothing."""
        return (
            not self.refused
            and all(each.is_same for each in self.tier_sets)
            and all(
                figure.difference == 0
                for wallet in self.wallets
                for figure in (wallet.issued, wallet.taken_back, wallet.spent, wallet.expired, wallet.outstanding)
            )
        )
