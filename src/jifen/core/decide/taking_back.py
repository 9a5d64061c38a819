"""What a refund, reversal or correction takes from a wallet and gives to it: lot by lot, on the lots' own terms.

Points of one wallet are not all alike: they may wait, and they end at different times. So it is not enough that the sum
is right; what is taken comes from the lots whose terms earn less now, and what is given has the terms of the rules that
earn more (docs/decisions/0028-corrections-keep-the-terms-of-each-rule.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from jifen.core.counted import counted
from jifen.core.decide.context import Decision, PastTransaction
from jifen.core.decide.earn import check_debt, check_room
from jifen.core.ledger.values import LOTS_PER_TRANSACTION, Bucket, LotTerms, Movement
from jifen.core.program import terms_of_award
from jifen.core.refusal import Refusal
from jifen.core.rules.rate import Award
from jifen.core.trace import TakenBack

#: Points by wallet and terms.
_ByTerms = dict[tuple[int, LotTerms], int]


class Change(msgspec.Struct, frozen=True, gc=False):
    """What changes of what one transaction gave to a wallet.

    `take`: lots, and how many points are due from them; `give`: terms of new lots, and how many points they get;
    `spare`: its other lots of which nothing is to remain, taken before lots of other origin are.
    """

    wallet: int
    take: Sequence[tuple[Sequence[int], int]]
    give: Sequence[tuple[LotTerms, int]] = ()
    spare: Sequence[int] = ()


def everything(past: PastTransaction, points: Mapping[int, int]) -> list[Change]:
    """All goes that a transaction gave: so many points by wallet, whatever their terms are."""
    return [
        Change(wallet, [([lot for lots in own_lots(past, wallet).values() for lot in lots], due)])
        for wallet, due in points.items()
        if due
    ]


def difference(past: PastTransaction, before: Sequence[Award], after: Sequence[Award]) -> list[Change]:
    """What changes where an order earned `before`, and earns `after` now: rule by rule, on the terms of each."""
    had, has = _with_what_was_booked(past, _by_terms(past, before)), _by_terms(past, after)
    changes = []
    for wallet in dict.fromkeys(wallet for wallet, _ in (*had, *has)):
        own = own_lots(past, wallet)
        every = dict.fromkeys(terms for place, terms in (*had, *has) if place == wallet)
        more = {terms: has.get((wallet, terms), 0) - had.get((wallet, terms), 0) for terms in every}
        take = [(own.get(terms, ()), -points) for terms, points in more.items() if points < 0]
        give = [(terms, points) for terms, points in more.items() if points > 0]
        # What a change could not take then (held, or spent and given back since) is still in lots that should be empty.
        spare = [
            lot
            for terms, lots in own.items()
            if not has.get((wallet, terms)) and more.get(terms, 0) == 0
            for lot in lots
        ]
        if take or give:
            changes.append(Change(wallet, take, give, spare))
    return changes


def _by_terms(past: PastTransaction, awards: Iterable[Award]) -> _ByTerms:
    """What awards of an earlier event come to; points on equal terms are alike."""
    points: _ByTerms = {}
    for award in awards:
        if award.points:
            terms = terms_of_award(past.program, past.program.rules[award.rule], past.occurred_at)
            points[award.wallet, terms] = points.get((award.wallet, terms), 0) + award.points
    return points


def _with_what_was_booked(past: PastTransaction, had: _ByTerms) -> _ByTerms:
    """What was booked counts, to the last point, also where rules would rate it in another way than they did then."""
    unlike: dict[int, int] = {}
    for award in past.trace.awards:
        unlike[award.wallet] = unlike.get(award.wallet, 0) + award.points
    for _, trace in past.referring:
        for taken in trace.taken_back:
            unlike[taken.wallet] = unlike.get(taken.wallet, 0) - taken.points
    for (wallet, _), points in had.items():
        unlike[wallet] = unlike.get(wallet, 0) - points
    for wallet, points in unlike.items():
        if points:
            terms = next(terms for place, terms in (*had, *_terms_of_lots(past)) if place == wallet)
            had[wallet, terms] = had.get((wallet, terms), 0) + points
    return had


def _terms_of_lots(past: PastTransaction) -> list[tuple[int, LotTerms]]:
    return [(each.wallet, each.terms) for each in (*past.movements, *past.additions) if each.terms is not None]


def own_lots(past: PastTransaction, wallet: int) -> dict[LotTerms, list[int]]:
    """The lots that a transaction opened in a wallet, and those that corrections and refunds opened for it since."""
    lots: dict[LotTerms, list[int]] = {}
    opened = [each for each in past.movements if _opens(past, each)]
    for each in (*opened, *past.additions):
        if each.wallet == wallet and each.terms is not None:
            lots.setdefault(each.terms, []).append(each.lot)
    return lots


def _opens(past: PastTransaction, movement: Movement) -> bool:
    """Whether the movement opened its lot in that transaction."""
    return movement.source in (Bucket.ISSUED, Bucket.ADJUSTED) and movement.lot // LOTS_PER_TRANSACTION == past.sequence


def book(decision: Decision, past: PastTransaction, change: Change, *, may_forgive: bool = True) -> TakenBack | Refusal:
    """Take and give points: from what is left of their own lots, from what of these has expired, from other lots.

    Points that have expired are gone already: they count as taken back, and the member owes nothing for them. Points
    that are gone otherwise first count as some of those that are given, soonest-expiring first: so nobody comes into
    debt, and nobody has points twice, because points on some terms take the place of others.
    """
    wallet, journal = change.wallet, decision.journal
    due = sum(points for _, points in change.take)
    from_lot = expired = short = 0
    for lots, points in change.take:
        left, gone = _take_own(decision, past, wallet, lots, points)
        from_lot, expired, short = from_lot + left, expired + gone, short + points - left - gone
    if short and change.spare:
        left, gone = _take_own(decision, past, wallet, change.spare, short)
        from_lot, expired, short = from_lot + left, expired + gone, short - left - gone
    give, short = _count_as_given(decision, change.give, short)
    other_lots = min(short, journal.look(wallet).available)
    if other_lots:
        journal.take(wallet, Bucket.REVERSED, other_lots)
        short -= other_lots
    policy = past.program.document.refunds.spent_points
    if short and policy == "refuse":
        return Refusal(
            "points_already_spent",
            f"{counted(due, 'points')} to be taken back, {short:,} of them already spent; the program refuses that.",
            None,
            {"due": due, "missing": short},
        )
    owed = short if policy == "debt" or not may_forgive else min(short, _bound(decision, wallet))
    if owed and (refusal := check_debt(decision, wallet, owed)):
        return refusal
    if owed:
        journal.owe(wallet, owed)
    given = _give(decision, wallet, give)
    if isinstance(given, Refusal):
        return given
    net = from_lot + expired + other_lots + short - given
    return TakenBack(wallet, net, from_lot, expired, other_lots, debt=owed, forgiven=short - owed, given=given)


def _take_own(
    decision: Decision, past: PastTransaction, wallet: int, lots: Sequence[int], points: int
) -> tuple[int, int]:
    """Take points from what is left of these lots, and from what of them has expired: how many from where."""
    journal = decision.journal
    from_lot = expired = 0
    for lot in lots:
        if from_lot < points:
            from_lot += journal.take_from_lot(wallet, Bucket.REVERSED, lot, points - from_lot)
    if from_lot < points and journal.look(wallet).saved:
        saved = journal.take_from_savings(wallet, Bucket.REVERSED, points - from_lot, lots)
        from_lot += sum(piece.amount for piece, _ in saved)
    if from_lot < points:
        booked_now = _expired_in(decision, lots)
        for lot in lots:
            part = min(points - from_lot - expired, past.expired_by_lot.get(lot, 0) + booked_now.get(lot, 0))
            if part > 0:
                journal.pass_on(wallet, Bucket.EXPIRED, Bucket.REVERSED, lot, part)
                expired += part
    return from_lot, expired


def _expired_in(decision: Decision, lots: Sequence[int]) -> dict[int, int]:
    """What settling booked as expired of these lots earlier in this very decision."""
    expired: dict[int, int] = {}
    for transaction in decision.transactions:
        for movement in transaction.movements:
            if movement.lot in lots and movement.target is Bucket.EXPIRED:
                expired[movement.lot] = expired.get(movement.lot, 0) + movement.amount
    return expired


def _count_as_given(
    decision: Decision, give: Sequence[tuple[LotTerms, int]], gone: int
) -> tuple[list[tuple[LotTerms, int]], int]:
    """What is still to be given once points that are gone count as given, and how many of those are left."""
    now, left = decision.context.now, []
    for terms, points in sorted(give, key=lambda each: (each[0].effective_at > now, each[0].expires_at)):
        part = min(points, gone)
        gone -= part
        if part < points:
            left.append((terms, points - part))
    return left, gone


def _bound(decision: Decision, wallet: int) -> int:
    """Points in a hold or in savings, less what is owed. They are not spent yet: they are owed under every policy, and
    pay for themselves when they return."""
    draft = decision.journal.look(wallet)
    return max(draft.held + draft.saved - draft.debt + decision.bound_above.get(wallet, 0), 0)


def _give(decision: Decision, wallet: int, give: Sequence[tuple[LotTerms, int]]) -> int | Refusal:
    given = 0
    for terms, points in give:
        if refusal := check_room(decision, wallet, points):
            return refusal
        pending = terms.effective_at > decision.context.now
        decision.journal.open_lot(wallet, Bucket.REVERSED, points, terms, pending=pending)
        given += points
    return given
