"""What a replayed event adds to the sums: the draft's awards beside the recorded ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache

from jifen.analytics.backtest.recorded import Period, RecordedTrace
from jifen.analytics.backtest.sums import CapSums, FailedSums, Pair, RuleSums, Sums
from jifen.core.ledger.values import Bucket, Kind, Transaction
from jifen.core.orders import Order
from jifen.core.program import Program
from jifen.core.rules.rate import Award
from jifen.core.trace import TakenBack

#: What one member got: by wallet.
MemberPoints = dict[int, Pair]
_Flows = dict[tuple[int, Bucket, Bucket], int]


def flow_name(source: Bucket, target: Bucket) -> str:
    """How the points that moved from one bucket to another are called."""
    return f"{source.name.lower()}>{target.name.lower()}"


class Tally:
    """Adds to the sums of one process. `zone` says in which month something happened."""

    def __init__(self, sums: Sums, program: Program, period: Period) -> None:
        self.sums = sums
        self._zone = program.zone
        self._period = period
        self._flows: _Flows = {}
        self._flows_before: _Flows = {}
        self._met: set[tuple[str, int, bool]] = set()

    def month_of(self, instant: datetime) -> str:
        """The local month in which something happened, as YYYY-MM."""
        local = instant.astimezone(self._zone)
        return _month(local.year, local.month)

    def earned(
        self,
        member_id: int,
        points: MemberPoints,
        tier: str,
        occurred_at: datetime,
        order: Order | None,
        recorded: Sequence[Award],
        draft: Sequence[Award],
    ) -> None:
        """Add what an event earned."""
        if not recorded and not draft:
            return
        totals: MemberPoints = {}
        rules: dict[tuple[int, str], list[int | None]] = {}
        for award in recorded:
            totals.setdefault(award.wallet, Pair()).recorded += award.points
            rules[award.wallet, award.rule] = [award.points, None]
            if award.cuts:
                self._cut(member_id, award, is_draft=False)
        for award in draft:
            totals.setdefault(award.wallet, Pair()).draft += award.points
            rules.setdefault((award.wallet, award.rule), [None, None])[1] = award.points
            if award.cuts:
                self._cut(member_id, award, is_draft=True)
        for (wallet, rule), (before, now) in rules.items():
            known = self.sums.wallet(wallet).rules
            sums = known.get(rule)
            if sums is None:
                sums = known[rule] = RuleSums()
            sums.count(before, now)
        month = self.month_of(occurred_at)
        for wallet, pair in totals.items():
            of_wallet = self.sums.wallet(wallet)
            points.setdefault(wallet, Pair()).add(pair)
            of_wallet.months.setdefault(month, Pair()).add(pair)
            of_wallet.tiers.setdefault(tier, Pair()).add(pair)
            if order is not None:
                _add_categories(of_wallet.categories, order, pair)

    def took_back(
        self, points: MemberPoints, occurred_at: datetime, recorded: Iterable[TakenBack], draft: Iterable[TakenBack]
    ) -> None:
        """Add what a refund or another reversal took back."""
        totals: MemberPoints = {}
        for taken in recorded:
            totals.setdefault(taken.wallet, Pair()).recorded += taken.points
            self.sums.wallet(taken.wallet).forgiven += taken.forgiven
        for taken in draft:
            totals.setdefault(taken.wallet, Pair()).draft += taken.points
        month = self.month_of(occurred_at)
        for wallet, pair in totals.items():
            points.setdefault(wallet, Pair()).add(Pair(-pair.recorded, -pair.draft))
            self.sums.wallet(wallet).taken_back.setdefault(month, Pair()).add(pair)

    def took_out(self, kind: Kind, trace: RecordedTrace) -> None:
        """Add what a recorded spend or adjustment took out of a wallet, or what came back of it."""
        if trace.wallet is None or trace.points is None:
            return
        if kind in (Kind.SPEND, Kind.CAPTURE):
            self.sums.wallet(trace.wallet).taken_out += trace.points
        elif kind in (Kind.ADJUST, Kind.REVERSE):
            self.sums.wallet(trace.wallet).taken_out -= trace.points + (trace.withheld or 0)

    def failed(self, failed: Mapping[str, str]) -> None:
        """Add rules that could not be evaluated."""
        for rule, message in failed.items():
            known = self.sums.failed.setdefault(rule, FailedSums(0, message))
            known.events += 1

    def moved(self, transactions: Iterable[Transaction], member_id: int) -> None:
        """Add the points that the draft moved, by when their transactions happened."""
        period = self._period
        for transaction in transactions:
            if transaction.member_id != member_id or period.is_after(transaction.occurred_at):
                continue
            flows = self._flows_before if period.is_before(transaction.occurred_at) else self._flows
            for movement in transaction.movements:
                key = (movement.wallet, movement.source, movement.target)
                flows[key] = flows.get(key, 0) + movement.amount

    def moved_as_recorded(self, wallet: int, flow: tuple[Bucket, Bucket], points: int, *, is_before: bool) -> None:
        """Add points that the ledger says were moved."""
        sums = self.sums.wallet(wallet)
        (sums.before if is_before else sums.flows).setdefault(flow_name(*flow), Pair()).recorded += points

    def settled_as_recorded(self, transactions: Iterable[Transaction]) -> None:
        """Add what time has done to the ledger that nobody has booked yet."""
        for transaction in transactions:
            if self._period.is_after(transaction.occurred_at):
                continue
            is_before = self._period.is_before(transaction.occurred_at)
            for each in transaction.movements:
                self.moved_as_recorded(each.wallet, (each.source, each.target), each.amount, is_before=is_before)

    def close_member(self, member_id: int, points: MemberPoints) -> None:
        """Add what a member got in all."""
        for wallet, pair in points.items():
            self.sums.wallet(wallet).count_member(member_id, pair)

    def close(self) -> None:
        """Put the last figures into the sums."""
        for flows, is_before in ((self._flows, False), (self._flows_before, True)):
            for (wallet, source, target), points in flows.items():
                sums = self.sums.wallet(wallet)
                (sums.before if is_before else sums.flows).setdefault(flow_name(source, target), Pair()).draft += points
        for cap, _, is_draft in self._met:
            members = self.sums.caps[cap].members
            if is_draft:
                members.draft += 1
            else:
                members.recorded += 1
        for each in self.sums.wallets.values():
            each.shorten()

    def _cut(self, member_id: int, award: Award, *, is_draft: bool) -> None:
        for cut in award.cuts:
            sums = self.sums.caps.setdefault(cut.cap, CapSums())
            self._met.add((cut.cap, member_id, is_draft))
            if is_draft:
                sums.events.draft += 1
                sums.points.draft += cut.points
            else:
                sums.events.recorded += 1
                sums.points.recorded += cut.points


def _add_categories(categories: dict[str, Pair], order: Order, pair: Pair) -> None:
    paid: dict[str, int] = {}
    for line in order.lines:
        category = line.category or ""
        paid[category] = paid.get(category, 0) + line.paid_cents
    if len(paid) == 1:
        categories.setdefault(next(iter(paid)), Pair()).add(pair)
        return
    weights = list(paid.values())
    parts = zip(paid, apportion(pair.recorded, weights), apportion(pair.draft, weights), strict=True)
    for category, recorded, draft in parts:
        categories.setdefault(category, Pair()).add(Pair(recorded, draft))


def apportion(points: int, weights: Sequence[int]) -> list[int]:
    """Points in parts that go by the weights and add up exactly: the largest remainders get what is left over, and of
    equal ones the first. Where nothing was paid, the first part gets all."""
    total = sum(weights)
    if not total:
        return [points, *([0] * (len(weights) - 1))]
    parts = [points * weight // total for weight in weights]
    left = points - sum(parts)
    if left:
        by_remainder = sorted(range(len(weights)), key=lambda index: -(points * weights[index] % total))
        for index in by_remainder[:left]:
            parts[index] += 1
    return parts


@lru_cache(maxsize=1024)
def _month(year: int, month: int) -> str:
    return f"{year:04d}-{month:02d}"
