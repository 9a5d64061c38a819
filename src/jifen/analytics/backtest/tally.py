"""What a replayed event adds to the sums: the draft's awards beside the recorded ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from jifen.analytics.backtest.recorded import Period, RecordedTrace
from jifen.analytics.backtest.sums import CapSums, FailedSums, Pair, RuleSums, Sums
from jifen.core.draws.values import Drawn
from jifen.core.ledger.values import Bucket, Kind, Transaction
from jifen.core.orders import Order, OrderLine
from jifen.core.program import Program
from jifen.core.rules.rate import Award
from jifen.core.trace import Dealings, TakenBack

#: What one member got: by wallet, as recorded and under the draft.
MemberPoints = dict[int, list[int]]
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
        self._is_whole = period.is_whole
        self._flows: _Flows = {}
        self._flows_before: _Flows = {}
        self._met: set[tuple[str, int, bool]] = set()
        # Most events end here, so these are plain; they become sums at the end.
        self._months: dict[tuple[int, int, str], list[int]] = {}
        self._categories: dict[tuple[int, str], list[int]] = {}
        self._rules: dict[tuple[int, str], RuleSums] = {}

    def earned(
        self,
        member_id: int,
        points: MemberPoints,
        tiers: tuple[str, str],
        occurred_at: datetime,
        order: Order | None,
        recorded: Sequence[Award],
        draft: Sequence[Award],
    ) -> None:
        """Add what an event earned. `tiers`: the member's as recorded and under the draft."""
        totals: dict[int, list[int]] = {}
        given: dict[tuple[int, str], int] = {}
        for award in recorded:
            _add(totals, award.wallet, award.points, 0)
            given[award.wallet, award.rule] = award.points
            if award.cuts:
                self._cut(member_id, award, is_draft=False)
        for award in draft:
            key = (award.wallet, award.rule)
            pair = totals.get(award.wallet)
            if pair is None:
                totals[award.wallet] = [0, award.points]
            else:
                pair[1] += award.points
            sums = self._rules.get(key) or self._rule(key)
            sums.count(given.pop(key, None), award.points)
            if award.cuts:
                self._cut(member_id, award, is_draft=True)
        for key, before in given.items():
            self._rule(key).count(before, None)
        local = occurred_at.astimezone(self._zone)
        month = 12 * local.year + local.month - 1
        for wallet, (before, now) in totals.items():
            _add(points, wallet, before, now)
            if tiers[0] == tiers[1]:
                _add(self._months, (wallet, month, tiers[0]), before, now)
            else:
                _add(self._months, (wallet, month, tiers[0]), before, 0)
                _add(self._months, (wallet, month, tiers[1]), 0, now)
            if order is not None:
                self._add_categories(wallet, order.lines, before, now)

    def by_tier(self, draft: Sequence[Award], elsewhere: Sequence[Award]) -> None:
        """Add what the tier alone makes of an event: `elsewhere` is what the draft would have given in the recorded
        tiers."""
        if draft is elsewhere:
            return
        differences = {(award.wallet, award.rule): award.points for award in draft}
        for award in elsewhere:
            key = (award.wallet, award.rule)
            differences[key] = differences.get(key, 0) - award.points
        for key, difference in differences.items():
            if difference:
                sums = self._rule(key)
                sums.tier_events += 1
                sums.tier_points += difference

    def _rule(self, key: tuple[int, str]) -> RuleSums:
        sums = self._rules.get(key)
        if sums is None:
            sums = self._rules[key] = RuleSums()
        return sums

    def _add_categories(self, wallet: int, lines: Sequence[OrderLine], before: int, now: int) -> None:
        if len(lines) == 1:
            _add(self._categories, (wallet, lines[0].category or ""), before, now)
            return
        paid: dict[str, int] = {}
        for line in lines:
            category = line.category or ""
            paid[category] = paid.get(category, 0) + line.paid_cents
        if len(paid) == 1:
            _add(self._categories, (wallet, category), before, now)
            return
        weights = list(paid.values())
        parts = zip(paid, apportion(before, weights), apportion(now, weights), strict=True)
        for category, part_before, part_now in parts:
            _add(self._categories, (wallet, category), part_before, part_now)

    def took_back(
        self, points: MemberPoints, occurred_at: datetime, recorded: Iterable[TakenBack], draft: Iterable[TakenBack]
    ) -> None:
        """Add what a refund, a correction or another reversal took back."""
        totals: dict[int, list[int]] = {}
        for taken in recorded:
            _add(totals, taken.wallet, taken.points, 0)
            self.sums.wallet(taken.wallet).forgiven += taken.forgiven
        for taken in draft:
            _add(totals, taken.wallet, 0, taken.points)
        local = occurred_at.astimezone(self._zone)
        month = _month(12 * local.year + local.month - 1)
        for wallet, (before, now) in totals.items():
            _add(points, wallet, -before, -now)
            self.sums.wallet(wallet).taken_back.setdefault(month, Pair()).add(Pair(before, now))

    def took_out(self, kind: Kind, trace: RecordedTrace) -> None:
        """Add what a recorded spend or adjustment took out of a wallet, or what came back of it."""
        if trace.dealings is not None and trace.dealings.refunded is not None:
            refunded = trace.dealings.refunded
            self.sums.wallet(refunded.wallet).taken_out -= refunded.points
        if trace.wallet is None or trace.points is None:
            return
        if kind in (Kind.SPEND, Kind.CAPTURE, Kind.CONVERT, Kind.DRAW):
            self.sums.wallet(trace.wallet).taken_out += trace.points
        elif kind in (Kind.REDEEM, Kind.STEP):
            self.sums.wallet(trace.wallet).taken_out += _redeemed(kind, trace)
        elif kind in (Kind.ADJUST, Kind.REVERSE):
            self.sums.wallet(trace.wallet).taken_out -= trace.points

    def converted(self, occurred_at: datetime, recorded: Dealings | None, draft: Dealings | None) -> None:
        """Add what a conversion issued in the wallet to which its points went."""
        local = occurred_at.astimezone(self._zone)
        month = _month(12 * local.year + local.month - 1)
        for dealings, is_draft in ((recorded, False), (draft, True)):
            if dealings is not None and dealings.converted is not None:
                converted = dealings.converted
                pair = Pair(0, converted.got) if is_draft else Pair(converted.got, 0)
                self.sums.wallet(converted.wallet).months.setdefault(month, Pair()).add(pair)

    def won(self, occurred_at: datetime, drawn: Drawn, *, is_refused: bool) -> None:
        """Add the points that were won in a lottery."""
        if drawn.points:
            local = occurred_at.astimezone(self._zone)
            pair = Pair(drawn.points, 0 if is_refused else drawn.points)
            months = self.sums.wallet(drawn.wallet).months
            months.setdefault(_month(12 * local.year + local.month - 1), Pair()).add(pair)

    def failed(self, failed: Mapping[str, str]) -> None:
        """Add rules that could not be evaluated."""
        for rule, message in failed.items():
            known = self.sums.failed.setdefault(rule, FailedSums(0, message))
            known.events += 1

    def moved(self, transactions: Iterable[Transaction], member_id: int) -> None:
        """Add the points that the draft moved, by when their transactions happened."""
        period = self._period
        for transaction in transactions:
            if transaction.member_id != member_id:
                continue
            flows = self._flows
            if not self._is_whole:
                if period.is_after(transaction.occurred_at):
                    continue
                if period.is_before(transaction.occurred_at):
                    flows = self._flows_before
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
        for wallet, (recorded, draft) in points.items():
            self.sums.wallet(wallet).count_member(member_id, Pair(recorded, draft))

    def close(self) -> None:
        """Put the last figures into the sums."""
        wallet_of = self.sums.wallet
        for flows, is_before in ((self._flows, False), (self._flows_before, True)):
            for (wallet, source, target), points in flows.items():
                sums = wallet_of(wallet)
                name = flow_name(source, target)
                (sums.before if is_before else sums.flows).setdefault(name, Pair()).draft += points
        for (wallet, month, tier), (recorded, draft) in self._months.items():
            pair = Pair(recorded, draft)
            wallet_of(wallet).months.setdefault(_month(month), Pair()).add(pair)
            wallet_of(wallet).tiers.setdefault(tier, Pair()).add(pair)
        for (wallet, category), (recorded, draft) in self._categories.items():
            wallet_of(wallet).categories[category] = Pair(recorded, draft)
        for (wallet, rule), counted in self._rules.items():
            wallet_of(wallet).rules[rule] = counted
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


def apportion(points: int, weights: Sequence[int]) -> list[int]:
    """Points in parts that go by the weights and add up exactly: the largest remainders get what is left over, and of
    equal ones the first. Where nothing was paid, the first part gets all."""
    total = sum(weights)
    if not total:
        return [points, *([0] * (len(weights) - 1))]
    if not points:
        return [0] * len(weights)
    parts = [points * weight // total for weight in weights]
    left = points - sum(parts)
    if left == 1:
        remainders = [points * weight % total for weight in weights]
        parts[remainders.index(max(remainders))] += 1
    elif left:
        by_remainder = sorted(range(len(weights)), key=lambda index: -(points * weights[index] % total))
        for index in by_remainder[:left]:
            parts[index] += 1
    return parts


_Key = TypeVar("_Key")


def _add(pairs: dict[_Key, list[int]], key: _Key, recorded: int, draft: int) -> None:
    pair = pairs.get(key)
    if pair is None:
        pairs[key] = [recorded, draft]
    else:
        pair[0] += recorded
        pair[1] += draft


def _month(number: int) -> str:
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def _redeemed(kind: Kind, trace: RecordedTrace) -> int:
    """The points that a redemption or a step of one spent; below 0: that it gave back."""
    points = trace.points or 0
    if kind is Kind.REDEEM:
        return points if trace.until is None else 0
    if trace.step in ("pay", "approve"):
        return points
    return -points if trace.gives_back else 0
