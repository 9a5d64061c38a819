"""A member draws: paid, numbered, worked out from the seed, and what was won is given, all in one commit."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from jifen.core.calendar import local_day
from jifen.core.counted import counted
from jifen.core.decide.context import Context, Decision, Effects
from jifen.core.decide.earn import check_room
from jifen.core.decide.eligibility import not_eligible
from jifen.core.decide.finish import finish
from jifen.core.decide.grant import grant
from jifen.core.decide.redeem import advance, check_stock
from jifen.core.decide.settle import settle
from jifen.core.decide.spend import check_available
from jifen.core.decide.steps import current
from jifen.core.decide.tiers import look_at_tiers
from jifen.core.draws.chance import Pick, pick
from jifen.core.draws.commands import DrawPrize
from jifen.core.draws.odds import OpenDraw, OpenPrize
from jifen.core.draws.values import Drawn, Round, Shortage
from jifen.core.ledger.values import Bucket, Kind, MemberState, transaction_id
from jifen.core.program import Program
from jifen.core.redemption.machine import Step
from jifen.core.redemption.offers import Asker
from jifen.core.redemption.values import Redemption
from jifen.core.refusal import Refusal
from jifen.core.rules.caps import OpenCap, usage_name
from jifen.core.rules.facts import Moment


class Won(msgspec.Struct, frozen=True, gc=False):
    """The prize that was hit, the one that is given, and why they differ."""

    hit: OpenPrize
    prize: OpenPrize
    short: Shortage | None = None
    is_pity: bool = False


def draw_prize(decision: Decision, command: DrawPrize) -> Refusal | None:
    """Take the price or the ticket, draw the next number of the round, and give what it comes to.

    Whether it is refused never depends on what would be drawn: whoever is refused has learnt nothing of it.
    """
    draw = find_draw(decision.program, command.draw)
    if isinstance(draw, Refusal):
        return draw
    refusal = (
        check_may_draw(decision, draw) or _check_payment(decision, draw, command) or _check_room_for_all(decision, draw)
    )
    if refusal is not None:
        return refusal
    open_round = decision.supplies.rounds[draw.document.id]
    picked = pick(open_round.seed, open_round.drawn + 1, draw.total)
    won = _won(decision, draw, draw.prize_at(picked.point))
    if command.ticket is not None:
        _use_ticket(decision, command.ticket)
    _book(decision, draw, command, won, picked, open_round)
    if won.prize.document.reward is not None:
        _give_reward(decision, won.prize.document.reward)
    return None


def find_draw(program: Program, draw_id: str) -> OpenDraw | Refusal:
    """The draw of a program, retired or not."""
    return program.draws.by_id.get(draw_id) or unknown_draw(draw_id)


def unknown_draw(draw_id: str) -> Refusal:
    """The program has no such draw."""
    return Refusal("unknown_draw", f"There is no draw {draw_id[:40]!r}.", "/draw")


def check_may_draw(decision: Decision, draw: OpenDraw) -> Refusal | None:
    """Refuse where it is not open, not for this member, or was drawn often enough."""
    document, now = draw.document, decision.context.now
    if document.retired or not draw.is_open(now):
        return Refusal("draw_not_open", f"{document.name.en} is not open at this time.", "/draw")
    if document.id not in decision.supplies.rounds:
        message = f"{document.name.en} has no open round: the hash of a seed must be published first."
        return Refusal("no_round", message, "/draw")
    if draw.audience is not None and not draw.is_for(_asker(decision)):
        return not_eligible(decision.program, document.name.en, "/draw", [draw.audience])
    for limit in draw.limits:
        most, used = limit.cap.most, decision.state.used.get(usage_name(limit, _today(decision)), 0)
        if used >= most:
            period = limit.cap.period
            each = "in all" if period == "lifetime" else f"a {period}"
            details: dict[str, object] = {"limit": "count", "most": most, "used": used, "left": 0, "period": period}
            return Refusal("limit_reached", f"A member may draw {most} times {each}.", "/draw", details)
    return None


def _asker(decision: Decision) -> Asker:
    draws, now = decision.program.draws, decision.context.now
    member = decision.member_facts(_today(decision), decision.counters)
    if draws.reads_segments:
        member = decision.with_segments(member, draws.segments, now)
    return Asker(member, Moment(now, decision.program.zone))


def _today(decision: Decision) -> date:
    return local_day(decision.context.now, decision.program.zone)


# --- what it costs ---


def _check_payment(decision: Decision, draw: OpenDraw, command: DrawPrize) -> Refusal | None:
    if command.ticket is not None:
        return _check_ticket(decision, draw, command.ticket)
    if draw.document.price is None and draw.document.ticket is not None:
        message = f"{draw.document.name.en} is drawn with a ticket: redeem {draw.document.ticket!r} and name it."
        return Refusal("ticket_needed", message, "/ticket", {"reward": draw.document.ticket})
    points = draw.price_points
    if command.expected_points not in (None, points):
        message = f"It costs {counted(points, 'points')} now, not {command.expected_points:,}."
        return Refusal("price_changed", message, "/expected_points", {"points": points})
    return check_available(decision, draw.price_wallet, points)


def _check_ticket(decision: Decision, draw: OpenDraw, ticket: int) -> Refusal | None:
    redemption, name = current(decision, ticket), transaction_id(decision.journal.member_id, ticket)
    if redemption.reward != draw.document.ticket:
        return Refusal("not_a_ticket", f"{name} is no ticket of {draw.document.name.en}.", "/ticket")
    if redemption.state == "written_off":
        message = f"Ticket {name} was used up."
        return Refusal("ticket_used", message, "/ticket", {"used": redemption.used, "tickets": redemption.quantity})
    if redemption.state != "approved":
        message = f"Ticket {name} cannot be used: its redemption is {redemption.state.replace('_', ' ')}."
        return Refusal("not_a_ticket", message, "/ticket", {"state": redemption.state})
    return None


def _use_ticket(decision: Decision, ticket: int) -> None:
    """One piece of the redemption is used; with the last it is used up."""
    before = current(decision, ticket)
    used = msgspec.structs.replace(before, used=before.used + 1)
    step: Step = "write_off" if used.used == used.quantity else "use"
    used = advance(used, step)
    decision.begin()
    decision.redemptions[ticket] = used
    decision.end(
        Kind.STEP,
        decision.context.occurred_at,
        wallet=used.wallet,
        points=0,
        step=step,
        redemption=used,
        refers_to=ticket,
        is_asked=True,
    )


# --- what is won ---


def _check_room_for_all(decision: Decision, draw: OpenDraw) -> Refusal | None:
    """Refuse where the largest prize of points would find no room, whatever is drawn."""
    largest: dict[int, int] = {}
    for prize in draw.prizes.values():
        largest[prize.wallet] = max(largest.get(prize.wallet, 0), prize.document.points)
    found = (check_room(decision, wallet, points) for wallet, points in largest.items() if points)
    return next((refusal for refusal in found if refusal is not None), None)


def _won(decision: Decision, draw: OpenDraw, hit: OpenPrize) -> Won:
    """What was hit, if it can be given, else the prize that always can; unless that is one miss too many in a row."""
    short = _shortage(decision, draw, hit)
    prize = hit if short is None else draw.prizes[draw.document.otherwise]
    pity = draw.document.pity
    if pity is None or not prize.document.is_nothing or _misses(decision, draw) < pity.after:
        return Won(hit, prize, short)
    comfort = draw.prizes[pity.prize]
    return Won(hit, prize, short) if _shortage(decision, draw, comfort) else Won(hit, comfort, short, is_pity=True)


def _misses(decision: Decision, draw: OpenDraw) -> int:
    return decision.state.used.get(draw.misses, 0)


def _shortage(decision: Decision, draw: OpenDraw, prize: OpenPrize) -> Shortage | None:
    """Why a prize cannot be given now."""
    for cap in prize.caps:
        if _used(decision, cap) >= cap.cap.most:
            if not cap.is_shared:
                return "per_member"
            return "daily" if cap.cap.period == "day" else "sold_out"
    if prize.cost_cents and any(_used(decision, each) + prize.cost_cents > each.cap.most for each in draw.budgets):
        return "budget"
    if prize.document.reward is None:
        return None
    reward = decision.program.offers.rewards[prize.document.reward]
    return None if check_stock(decision, reward.document, 1) is None else "sold_out"


def _used(decision: Decision, cap: OpenCap) -> int:
    used = decision.shared_used if cap.is_shared else decision.state.used
    return used.get(usage_name(cap, _today(decision)), 0)


def _count(decision: Decision, draw: OpenDraw, prize: OpenPrize) -> dict[str, int]:
    """Count what this draw uses (I-14); by usage name, for the trace."""
    day = _today(decision)
    own = {usage_name(each, day): 1 for each in draw.limits}
    shared: dict[str, int] = {}
    for cap in prize.caps:
        (shared if cap.is_shared else own)[usage_name(cap, day)] = 1
    if prize.cost_cents:
        shared |= {usage_name(each, day): prize.cost_cents for each in draw.budgets}
    if draw.document.pity is not None:
        change = 1 if prize.document.is_nothing else -_misses(decision, draw)
        own |= {draw.misses: change} if change else {}
    decision.uses.update(own)
    decision.shared_uses.update(shared)
    return own | shared


def book_recorded(
    program: Program,
    context: Context,
    state: MemberState,
    price: tuple[int, int],
    won: tuple[int, int],
    in_force: Program | None = None,
) -> Effects | Refusal:
    """What a draw that was recorded does to the points, whatever the lotteries of this program are: its price and what
    was won, as (wallet, points), in one transaction. `in_force`: the version that decides about tiers, if another."""
    decision = Decision(program, context, state, current=in_force)
    look_at_tiers(decision)
    settle(decision)
    if refusal := check_available(decision, *price):
        return refusal
    decision.begin()
    _move(decision, price, won)
    decision.end(Kind.DRAW, context.occurred_at, wallet=price[0], points=price[1], is_answer=True)
    finish(decision)
    return decision.effects()


def _move(decision: Decision, price: tuple[int, int], won: tuple[int, int]) -> None:
    """Take the price, and open the lot of what was won."""
    if price[1]:
        decision.journal.take(price[0], Bucket.SPENT, price[1])
    if won[1]:
        terms = decision.new_terms(won[0], decision.context.occurred_at)
        decision.journal.open_lot(won[0], Bucket.ISSUED, won[1], terms, pending=False)


def _book(decision: Decision, draw: OpenDraw, command: DrawPrize, won: Won, picked: Pick, open_round: Round) -> None:
    context, prize = decision.context, won.prize.document
    price = 0 if command.ticket is not None else draw.price_points
    misses = 0 if draw.document.pity is None else _misses(decision, draw)
    uses = _count(decision, draw, won.prize)
    decision.begin()
    _move(decision, (draw.price_wallet, price), (won.prize.wallet, prize.points))
    given: dict[str, Any] = {}
    if prize.points:
        given = {"wallet": won.prize.wallet, "points": prize.points}
    elif prize.reward is not None:
        # The next transaction gives it.
        given = {"redemption": decision.journal.sequence + 1}
    drawn = Drawn(
        draw.document.id,
        open_round.number,
        open_round.drawn + 1,
        draw.total,
        picked.point,
        won.hit.document.id,
        prize.id,
        picked.attempt,
        won.short,
        won.is_pity,
        misses,
        command.ticket or 0,
        **given,
    )
    decision.end(
        Kind.DRAW,
        context.occurred_at,
        wallet=draw.price_wallet,
        points=price,
        uses=uses,
        drawn=drawn,
        is_answer=True,
    )


def _give_reward(decision: Decision, reward_id: str) -> None:
    """What was won becomes a redemption that cost nothing: issued or delivered as any other, agreed to by nobody."""
    program, supplies = decision.program, decision.supplies
    reward = program.offers.rewards[reward_id].document
    is_from_pool = reward.stock == "codes"
    redemption = Redemption(
        reward.id,
        reward.kind,
        1,
        program.default_wallet,
        0,
        "held",
        decision.context.actor,
        decision.context.now,
        program.version,
        fulfilment=reward.fulfilment,
        terms=reward.coupon,
        reserved=supplies.pools[reward.id][:1] if is_from_pool else (),
        is_from_pool=is_from_pool,
        taken=0 if reward.stock == "none" else 1,
        won_by=decision.journal.sequence,
    )
    decision.begin()
    redemption = grant(decision, advance(redemption, "pass"))
    if redemption.taken:
        decision.taken[reward.id] = decision.taken.get(reward.id, 0) + 1
    decision.redemptions[decision.journal.sequence] = redemption
    decision.end(
        Kind.REDEEM,
        decision.context.occurred_at,
        wallet=redemption.wallet,
        points=0,
        taken={reward.id: 1} if redemption.taken else {},
        redemption=redemption,
        is_asked=True,
    )
