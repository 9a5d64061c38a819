"""Points of a household are spent together: from whichever wallet they would expire soonest, all or nothing."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from jifen.core.counted import counted
from jifen.core.decide.context import Decision, Effects
from jifen.core.decide.finish import finish
from jifen.core.decide.limits import use_limits
from jifen.core.decide.settle import settle
from jifen.core.decide.spend import check_points
from jifen.core.decide.tiers import look_at_tiers
from jifen.core.ledger.journal import NotLoaded
from jifen.core.ledger.values import Bucket, Kind, MemberStatus
from jifen.core.members.commands import SpendFromHousehold
from jifen.core.refusal import Refusal
from jifen.core.trace import Dealings, Pooled, PooledPart


def decide_pooled_spend(
    spender: Decision, beside: Sequence[Decision], command: SpendFromHousehold
) -> Effects | Refusal:
    """Each pays from their own lots, in transactions of their own that name each other. Whoever may not spend (frozen,
    closed) does not pay either."""
    wallet = spender.spendable_wallet(command.wallet)
    if isinstance(wallet, Refusal):
        return wallet
    if refusal := check_points(command.points):
        return refusal
    everybody = gather_payers(spender, beside)
    shares = share_points(everybody, wallet, command.points)
    if isinstance(shares, Refusal):
        return shares
    from_others = sum(shares[1:])
    limits = spender.program.household_limits if from_others else ()
    uses = use_limits(spender, limits, from_others, "member", of_others=True)
    if isinstance(uses, Refusal):
        return uses
    _pay(
        [(each, share) for each, share in zip(everybody, shares, strict=True) if share or each is spender],
        wallet,
        command,
        uses,
    )
    return effects_of_all(everybody)


def gather_payers(spender: Decision, beside: Sequence[Decision]) -> list[Decision]:
    """Whoever may spend, the spender first, as they stand now."""
    everybody = [spender, *(each for each in beside if each.status is MemberStatus.ACTIVE)]
    for each in everybody:
        look_at_tiers(each)
        settle(each)
    return everybody


def effects_of_all(everybody: Sequence[Decision]) -> Effects:
    """What was decided on all of them; the first one's answer is the answer."""
    for each in everybody:
        finish(each)
    return join_effects([each.effects() for each in everybody])


def join_effects(parts: Sequence[Effects]) -> Effects:
    """Several effects as one, in order. Of who comes twice the last state counts."""
    states = {state.member_id: state for part in parts for state in part.states}
    transactions = tuple(transaction for part in parts for transaction in part.transactions)
    return msgspec.structs.replace(parts[0], transactions=transactions, states=tuple(states.values()))


def share_points(everybody: Sequence[Decision], wallet: int, points: int) -> list[int] | Refusal:
    """What each pays: lots of all are taken soonest-expiring first, the spender's before those of others."""
    lots = []
    for index, each in enumerate(everybody):
        draft = each.journal.look(wallet)
        if draft.horizon is not None:
            raise NotLoaded(each.journal.member_id)
        lots += [(lot.terms.expires_at, index, lot.order, lot.remaining) for lot in draft.lots]
    shares = [0] * len(everybody)
    left = points
    for _, index, _, remaining in sorted(lots):
        part = min(left, remaining)
        shares[index] += part
        left -= part
    if not left:
        return shares
    return Refusal(
        "insufficient_points",
        f"{counted(points, 'points')} asked for, {points - left:,} available in the household: "
        f"{counted(left, 'points')} short.",
        "/points",
        {"requested": points, "available": points - left, "missing": left},
    )


def _pay(
    payers: Sequence[tuple[Decision, int]], wallet: int, command: SpendFromHousehold, uses: dict[str, int]
) -> None:
    for payer, share in payers:
        payer.begin()
        if share:
            payer.journal.take(wallet, Bucket.SPENT, share)
    numbers = [(payer.journal.member_id, payer.journal.sequence) for payer, _ in payers]
    spender, sequence = numbers[0]
    parts = [PooledPart(*number, share) for number, (_, share) in zip(numbers[1:], payers[1:], strict=True)]
    for payer, share in payers:
        is_spender = payer is payers[0][0]
        pooled = Pooled(command.household, spender, sequence, command.points, parts if is_spender else [])
        payer.end(
            Kind.SPEND,
            payer.context.occurred_at,
            wallet=wallet,
            points=share,
            reference=command.reference,
            uses=uses if is_spender else None,
            dealings=Dealings(pooled=pooled),
            is_answer=is_spender,
            is_asked=True,
        )
