"""Points of a household pay for a reward: everybody's part is bound, spent, released and given back as one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from jifen.core.decide.bound import Returning, bind, release_bound, spend_bound
from jifen.core.decide.context import Context, Decision, Effects, PastTransaction, SharedStep
from jifen.core.decide.finish import finish
from jifen.core.decide.limits import use_limits
from jifen.core.decide.redeem import ask_for_reward, book_redemption
from jifen.core.decide.settle import settle
from jifen.core.decide.steps import settle_redemptions
from jifen.core.decide.tiers import look_at_tiers
from jifen.core.ledger.values import Kind, MemberState, MemberStatus
from jifen.core.members.life import check_life
from jifen.core.members.merging import decide_for_merged
from jifen.core.members.pooling import effects_of_all, gather_payers, join_effects, share_points
from jifen.core.program import Program
from jifen.core.redemption.commands import RedeemReward
from jifen.core.redemption.machine import HELD
from jifen.core.redemption.values import Payer, Redemption
from jifen.core.refusal import Refusal
from jifen.core.trace import Dealings, Pooled, PooledPart


def decide_pooled_redemption(
    asker: Decision, beside: Sequence[Decision], command: RedeemReward, earned: PastTransaction | None
) -> Effects | Refusal:
    """A member asks for a reward; each pays from their own lots, in transactions of their own that name each other.

    The reward, its limits and its conditions are the asker's matter alone, and so is the redemption.
    """
    everybody = gather_payers(asker, beside)
    settle_redemptions(asker, command)
    redemption = ask_for_reward(asker, command, earned)
    if isinstance(redemption, Refusal):
        return redemption
    shares = share_points(everybody, redemption.wallet, redemption.points)
    if isinstance(shares, Refusal):
        return shares
    from_others = sum(shares[1:])
    uses = use_limits(asker, asker.program.household_limits, from_others, "member") if from_others else {}
    if isinstance(uses, Refusal):
        return uses
    # Counted with the limits of the reward: what comes to nothing is counted back.
    counted = {**redemption.counted, **uses}
    redemption = msgspec.structs.replace(redemption, household=command.household, counted=counted)
    asker.begin()
    others = [(each, share) for each, share in zip(everybody[1:], shares[1:], strict=True) if share]
    for other, _ in others:
        other.begin()
    payers = tuple(Payer(other.journal.member_id, other.journal.sequence, share) for other, share in others)
    redemption = msgspec.structs.replace(redemption, payers=payers)
    pooled = _pooled(asker, redemption, asker.journal.sequence)
    parts = [PooledPart(each.member, each.sequence, each.points) for each in payers]
    redemption = book_redemption(asker, redemption, msgspec.structs.replace(pooled, parts=parts))
    for other, share in others:
        until = bind(other, redemption.wallet, share, is_held=redemption.state in HELD)
        other.end(
            Kind.REDEEM,
            other.context.occurred_at,
            wallet=redemption.wallet,
            points=share,
            until=until,
            dealings=Dealings(pooled=pooled),
            is_asked=True,
        )
    return effects_of_all(everybody)


def _pooled(asker: Decision, redemption: Redemption, sequence: int) -> Pooled:
    return Pooled(
        redemption.household,
        asker.journal.member_id,
        sequence,
        redemption.points,
        redemption=sequence,
        reward=redemption.reward,
    )


class Behind(msgspec.Struct, frozen=True, gc=False):
    """What is known behind the part of somebody who pays: the transaction that bound it (needed where it goes back),
    and who survived them in turn, if they were merged."""

    past: PastTransaction | None
    survivors: Sequence[int] = ()


def behind_of(
    steps: Iterable[SharedStep],
    past: Mapping[tuple[int, int], PastTransaction],
    survivors: Mapping[int, Sequence[int]],
) -> dict[Payer, Behind]:
    """What is known behind the parts of others that must follow these steps."""
    payers = {payer for step in steps for payer in step.redemption.payers}
    return {each: Behind(past.get((each.member, each.sequence)), survivors.get(each.member, ())) for each in payers}


def follow_steps(
    effects: Effects,
    by: tuple[Program, Context, Program | None],
    states: Mapping[int, MemberState],
    behind: Mapping[Payer, Behind],
) -> Effects | Refusal:
    """Let the parts of all others follow what was done to redemptions that they pay for, all or nothing.

    `states` are those before; whoever has left the household meanwhile pays nevertheless.
    """
    now = {**states, **{state.member_id: state for state in effects.states}}
    done = [effects]
    for step in effects.shared_steps:
        for payer in step.redemption.payers:
            followed = _follow(by, now, step, payer, behind.get(payer, Behind(None)))
            if isinstance(followed, Refusal):
                return followed
            now |= {state.member_id: state for state in followed.states}
            done.append(followed)
    return join_effects(done)


def _follow(
    by: tuple[Program, Context, Program | None],
    states: Mapping[int, MemberState],
    step: SharedStep,
    payer: Payer,
    behind: Behind,
) -> Effects | Refusal:
    program, context, current = by
    state = states[payer.member]
    if step.move == "spend" and step.is_asked and (refusal := check_life(program, state, "spend")):
        return refusal
    if state.status is MemberStatus.MERGED:
        assert behind.past is not None
        chain = (state, *(states[each] for each in behind.survivors))
        return decide_for_merged(by, chain, behind.past, lambda decision, past: _book(decision, step, payer, past))
    decision = Decision(program, context, state, current=current)
    look_at_tiers(decision)
    settle(decision)
    if refusal := _book(decision, step, payer, behind.past):
        return refusal
    finish(decision)
    return decision.effects()


def _book(decision: Decision, step: SharedStep, payer: Payer, past: PastTransaction | None) -> Refusal | None:
    redemption, withheld = step.redemption, 0
    wallet, points = redemption.wallet, payer.points
    if step.move == "return":
        assert past is not None and past.sequence == payer.sequence
        returning = Returning(past, wallet)
        if refusal := returning.check(decision):
            return refusal
        points, withheld = returning.points, returning.withheld
        decision.begin()
        returning.book(decision)
    else:
        decision.begin()
        if step.move == "spend":
            spend_bound(decision, wallet, payer.sequence)
        else:
            release_bound(decision, wallet, payer.sequence, step.at)
    pooled = Pooled(
        redemption.household,
        step.member,
        step.sequence,
        redemption.points,
        redemption=step.redemption_sequence,
        reward=redemption.reward,
        move=step.move,
    )
    decision.end(
        Kind.STEP,
        decision.context.occurred_at if step.is_asked else step.at,
        wallet=wallet,
        points=points,
        withheld=withheld or None,
        dealings=Dealings(pooled=pooled),
        step=step.step,
        refers_to=payer.sequence,
        is_asked=step.is_asked,
    )
    return None
