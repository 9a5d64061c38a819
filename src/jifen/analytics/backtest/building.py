"""From sums to the report."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Final

import msgspec

from jifen.analytics.backtest.recorded import Period
from jifen.analytics.backtest.report import (
    BacktestReport,
    CapLine,
    CheckName,
    FailedLine,
    Figure,
    HistogramStep,
    LedgerCheck,
    MemberLine,
    Names,
    PointsLine,
    RefusedLine,
    RuleLine,
    TierLine,
    TierMonth,
    TierMove,
    TierSetReport,
    WalletReport,
)
from jifen.analytics.backtest.sums import EDGES, CapSums, MemberDifference, Pair, RuleSums, Sums, TierSums, WalletSums
from jifen.core.ledger.values import transaction_id
from jifen.core.program import Program, ProgramDocument
from jifen.core.program import Wallet as ProgramWallet
from jifen.core.rules.caps import OpenCap, cost_cents
from jifen.core.rules.document import LocalizedText
from jifen.core.wording.failures import failure_in_words

_OWN: Final = ("pending", "available", "held", "saved")


class Circumstances(msgspec.Struct, frozen=True):
    """How a backtest was run. `seconds`: how long it took."""

    draft: Program
    current: Program
    period: Period
    since: date | None
    until: date | None
    workers: int
    in_order: bool
    seconds: float


def build_report(sums: Sums, circumstances: Circumstances) -> BacktestReport:
    """The report of a run."""
    draft, document = circumstances.draft, circumstances.draft.document
    numbers = {wallet.id: draft.wallet_numbers[wallet.id] for wallet in document.wallets}
    seconds = max(circumstances.seconds, 0.001)
    return BacktestReport(
        program=document.name,
        compared_with_version=circumstances.current.version,
        since=circumstances.since,
        until=circumstances.until,
        settled_at=circumstances.period.settled_at,
        currency=document.currency,
        order="as_recorded" if circumstances.in_order else "by_member",
        members=sums.members,
        transactions=sums.replayed,
        events=sums.kinds.get("earn", 0),
        orders=sums.orders,
        kinds=dict(sorted(sums.kinds.items())),
        wallets=[_wallet(wallet, sums.wallet(numbers[wallet.id])) for wallet in document.wallets],
        caps=_caps(draft, sums),
        refused=dict(sorted(sums.refused.items())),
        refused_transactions=[
            RefusedLine(
                transaction_id(each.member_id, each.sequence),
                each.kind,
                each.code,
                None if each.wallet is None else draft.wallet_ids[each.wallet],
                each.points,
            )
            for each in sorted(sums.refusals)
        ],
        failed=[
            FailedLine(rule, each.events, LocalizedText(*failure_in_words(draft, rule, each.message)))
            for rule, each in sorted(sums.failed.items())
        ],
        checks=[check for wallet in document.wallets for check in _checks(wallet.id, sums.wallet(numbers[wallet.id]))],
        notes=_notes(circumstances, sums),
        workers=circumstances.workers,
        seconds=round(circumstances.seconds, 3),
        transactions_per_second=int(sums.rows / seconds),
        orders_per_second=int(sums.orders / seconds),
        tier_sets=_tier_sets(circumstances, sums),
        names=_names(circumstances.current.document, document),
        history=sums.history,
    )


def _names(current: ProgramDocument, draft: ProgramDocument) -> Names:
    names = Names({}, {}, {}, {})
    for document in (current, draft):
        names.wallets.update((each.id, each.name) for each in document.wallets)
        names.rules.update((each.id, each.name) for each in document.rules if each.name is not None)
        names.campaigns.update((each.id, each.name) for each in document.campaigns)
        names.tiers.update((each.id, each.name) for each in document.tiers)
    return names


def _tier_sets(circumstances: Circumstances, sums: Sums) -> list[TierSetReport]:
    """The sets of the draft, then those that only the program in force has."""
    known = {each.id: each for each in circumstances.current.document.tier_sets}
    mine = {each.id: each for each in circumstances.draft.document.tier_sets}
    found = []
    for tier_set in (*mine, *sorted((known.keys() | sums.tier_sets.keys()) - mine.keys())):
        figures = sums.tier_sets.get(tier_set) or TierSums()
        documents = [each[tier_set] for each in (known, mine) if tier_set in each]
        names = {tier.id: tier.name for document in documents for tier in document.tiers}
        ranks = {tier.id: rank for document in documents for rank, tier in enumerate(document.tiers)}
        found.append(
            TierSetReport(
                tier_set,
                documents[-1].name if documents else None,
                names,
                _members_by_tier(figures, ranks),
                _tier_moves(figures, ranks),
                _tier_months(figures, ranks),
            )
        )
    return found


def _members_by_tier(figures: TierSums, ranks: dict[str, int]) -> list[TierLine]:
    tiers = sorted({*figures.members, *ranks}, key=lambda tier: (ranks.get(tier, -1), tier))
    lines = [(tier, figures.members.get(tier) or Pair()) for tier in tiers]
    return [TierLine(tier, pair.recorded, pair.draft) for tier, pair in lines if tier in ranks or pair != Pair()]


def _tier_moves(figures: TierSums, ranks: dict[str, int]) -> list[TierMove]:
    moves: dict[tuple[str, str], Pair] = {}
    for each in _tier_months(figures, ranks):
        moves.setdefault((each.before, each.after), Pair()).add(Pair(each.recorded, each.draft))
    lines = [TierMove(*move, pair.recorded, pair.draft) for move, pair in moves.items()]
    return sorted(lines, key=lambda each: _ranked(ranks, each.before, each.after))


def _tier_months(figures: TierSums, ranks: dict[str, int]) -> list[TierMonth]:
    lines = []
    for move, pair in figures.moves.items():
        month, before, after = move.split(">")
        lines.append(TierMonth(month, before, after, pair.recorded, pair.draft))
    return sorted(lines, key=lambda each: (each.month, _ranked(ranks, each.before, each.after)))


def _ranked(ranks: dict[str, int], *tiers: str) -> list[tuple[int, str]]:
    return [(ranks.get(tier, -1), tier) for tier in tiers]


def _wallet(wallet: ProgramWallet, sums: WalletSums) -> WalletReport:
    flows = _Flows(sums)
    issued, taken_back = _total(sums.months), _total(sums.taken_back)
    kept = _figure(Pair(issued.recorded - taken_back.recorded, issued.draft - taken_back.draft))
    outstanding = flows.outstanding()
    steps = sums.histogram
    return WalletReport(
        wallet=wallet.id,
        name=wallet.name,
        value=wallet.value,
        issued=issued,
        taken_back=taken_back,
        spent=flows.into("spent"),
        expired=flows.into("expired"),
        outstanding=outstanding,
        cost_cents=_money(wallet, kept),
        liability_cents=_money(wallet, outstanding),
        refused_points=sums.refused_points,
        months=_lines(sums.months),
        tiers=_lines(sums.tiers),
        categories=sorted(_lines(sums.categories), key=lambda line: (-max(line.recorded, line.draft), line.key)),
        rules=[_rule(rule, each) for rule, each in sorted(sums.rules.items())],
        members_more=sum(number for step, number in steps.items() if step > 0),
        members_less=sum(number for step, number in steps.items() if step < 0),
        members_same=steps.get(0, 0),
        histogram=histogram_of(steps),
        winners=[_member(each) for each in sums.winners],
        losers=[_member(each) for each in sums.losers],
        tier_points=sum(each.tier_points for each in sums.rules.values()),
    )


class _Flows:
    """The movements of a wallet, by the buckets they left and entered."""

    def __init__(self, sums: WalletSums) -> None:
        self._flows = sums.flows
        self._before = sums.before

    def into(self, bucket: str) -> Figure:
        """What went into a bucket in the period, less what came out again."""
        return _figure(_net(self._flows, bucket))

    def outstanding(self) -> Figure:
        """What members have at the end, less what they owe: what came to their side in all."""
        pair = Pair()
        for bucket in (*_OWN, "debt"):
            for flows in (self._flows, self._before):
                pair.add(_net(flows, bucket))
        return _figure(pair)


def _net(flows: dict[str, Pair], bucket: str) -> Pair:
    pair = Pair()
    for name, moved in flows.items():
        source, target = name.split(">")
        sign = (target == bucket) - (source == bucket)
        pair.add(Pair(sign * moved.recorded, sign * moved.draft))
    return pair


def _checks(wallet: str, sums: WalletSums) -> list[LedgerCheck]:
    """Sums of what the events say against what the movements say, as recorded."""
    moved = {name: pair.recorded for name, pair in sums.flows.items()}
    # What a cancelled spend gave up goes to "reversed" as well, but no refund took it.
    withheld = moved.get("spent>reversed", 0) + moved.get("adjusted>reversed", 0)
    net = {bucket: _net(sums.flows, bucket).recorded for bucket in ("issued", "reversed", "spent", "adjusted")}
    taken_back = _total(sums.taken_back).recorded - sums.forgiven
    return [
        _check(wallet, "issued", _total(sums.months).recorded, -net["issued"]),
        _check(wallet, "taken_back", taken_back, net["reversed"] - withheld),
        _check(wallet, "spent_and_adjusted", sums.taken_out, net["spent"] + net["adjusted"] + withheld),
    ]


def _check(wallet: str, name: CheckName, events: int, ledger: int) -> LedgerCheck:
    return LedgerCheck(wallet, name, events, ledger, events == ledger)


def _figure(pair: Pair) -> Figure:
    return Figure(pair.recorded, pair.draft, pair.draft - pair.recorded)


def _total(pairs: dict[str, Pair]) -> Figure:
    total = Pair()
    for pair in pairs.values():
        total.add(pair)
    return _figure(total)


def _lines(pairs: dict[str, Pair]) -> list[PointsLine]:
    return [PointsLine(key, pair.recorded, pair.draft) for key, pair in sorted(pairs.items())]


def _money(wallet: ProgramWallet, points: Figure) -> Figure | None:
    if wallet.value is None:
        return None
    value = (wallet.value.points, wallet.value.cents)
    return _figure(Pair(cost_cents(points.recorded, value), cost_cents(points.draft, value)))


def _rule(rule: str, sums: RuleSums) -> RuleLine:
    return RuleLine(
        rule,
        sums.points.recorded,
        sums.points.draft,
        sums.events.recorded,
        sums.events.draft,
        sums.only_draft_events,
        sums.only_draft_points,
        sums.only_recorded_events,
        sums.only_recorded_points,
        sums.changed_events,
        sums.changed_points,
        sums.tier_events,
        sums.tier_points,
    )


def _member(each: MemberDifference) -> MemberLine:
    return MemberLine(str(each.member_id), each.recorded, each.draft, each.difference)


def histogram_of(steps: dict[int, int]) -> list[HistogramStep]:
    """The steps from the lowest to the highest that has members, empty ones between them included."""
    if not steps:
        return []
    bounds = [*pairwise(EDGES), (EDGES[-1], 10 * EDGES[-1])]
    found = []
    for step in range(min(*steps, 0), max(*steps, 0) + 1):
        least, after = bounds[abs(step) - 1] if step else (0, 1)
        span = (least, after - 1) if step >= 0 else (1 - after, -least)
        found.append(HistogramStep(*span, steps.get(step, 0)))
    return found


def _caps(draft: Program, sums: Sums) -> list[CapLine]:
    known: dict[str, OpenCap] = {
        cap.key: cap for book in draft.books.values() for rule in book.rules for cap in rule.caps
    }
    lines = []
    for key in sorted(known.keys() | sums.caps.keys()):
        cuts = sums.caps.get(key) or CapSums()
        owner, limit, per, period = key.rsplit("/", 3)
        lines.append(
            CapLine(
                owner,
                limit,
                per,
                period,
                known[key].cap.most if key in known else None,
                cuts.events.recorded,
                cuts.points.recorded,
                cuts.members.recorded,
                cuts.events.draft,
                cuts.points.draft,
                cuts.members.draft,
            )
        )
    return lines


_AS_RECORDED = LocalizedText(
    zh="共享预算在回放中被用到上限：已由单个进程按入账顺序重放全部会员。同一批入账的事件按发生时间排列，"
    "预算用尽前后的个别事件可能与实际次序不同。",
    en="A budget that members share was reached: one process replayed all members in the order in which things were "
    "recorded. What one batch recorded is taken in the order in which it happened, so that single events around the "
    "end of a budget may stand in another order than they did.",
)
_BY_MEMBER = LocalizedText(
    zh="各会员分别并行重放。会员共享的预算合计没有用到上限，所以结果与先后次序无关，是精确的。",
    en="The members were replayed apart, in parallel. Together they stay below every budget that they share, so the "
    "result depends on no order and is exact.",
)
_SINCE = LocalizedText(
    zh="起始日之前的事件按当时的积分计划版本重放，只为得出期初余额、批次与上限用量；各项数字只计期间之内。",
    en="What lies before the period was replayed under the versions of its time, for the balances, lots and uses of "
    "caps at the beginning; the figures count the period alone.",
)
_TIERS = LocalizedText(
    zh="会员等级由草案重新决定：升级在入账的同一时刻，复核与到期在应到的时刻；人工给予的等级照实保留。"
    "“实际”为当时入账的等级变动。",
    en="The draft decides tiers anew: a rise with the very event, reviews and ends when they fall due. Tiers that "
    "people gave are kept as they were. What stands under recorded are the changes that were booked.",
)
_HISTORY = LocalizedText(
    zh="历史流水按发生时间重放：积分计划启用之前发生、之后才入账的，以及导入时已过去 31 天以上的订单与退货，"
    "如同当时就已入账，等级的升降、积分与过期都在其发生之时。“实际”一列仍是入账时的结果。",
    en="What came as history (what happened before the program began and was told afterwards, and orders and returns "
    "that were imported more than 31 days late) was replayed as if it had been recorded when it happened: rises and "
    "falls, points and expiry are those of its own days. What stands under recorded is what came of it when it was "
    "recorded.",
)
_SAID_TIERS = LocalizedText(
    zh="草案没有等级体系：会员等级取自事件入账时保存的事实；没有保存的，取现在的资料。",
    en="The draft has no tier sets: tiers are those kept with the events, or today's where none was kept.",
)
_TRANSFERS = LocalizedText(
    zh="转赠的收入方按实际收到的批次入账，即使草案下转出方余额不足（计入“会被拒绝”）。",
    en="Who was given points gets what was recorded, also where the giver could not have paid under the draft (counted "
    "as refused).",
)


def _notes(circumstances: Circumstances, sums: Sums) -> list[LocalizedText]:
    notes = [_AS_RECORDED if circumstances.in_order else _BY_MEMBER]
    if circumstances.since is not None:
        notes.append(_SINCE)
    notes.append(_TIERS if circumstances.draft.tier_sets else _SAID_TIERS)
    if sums.history:
        notes.append(_HISTORY)
    if "transfer" in sums.kinds:
        notes.append(_TRANSFERS)
    return notes
