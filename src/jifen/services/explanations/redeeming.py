"""Redemptions and their steps in words, for whoever asked and for others of the household who pay a part."""

from __future__ import annotations

from jifen.core.ledger.values import Kind, transaction_id
from jifen.core.redemption.values import Redemption
from jifen.core.trace import Pooled
from jifen.services.explanations.common import (
    Telling,
    balances,
    circumstances,
    new_lots,
    repaid,
    reward_name,
    used_lots,
)
from jifen.services.explanations.told import Told
from jifen.services.explanations.words import Words


def tell_redeeming(words: Words, told: Told) -> Telling:
    """What was asked for or done, and how the redemption stands since."""
    trace = told.trace
    redemption = trace.redemption
    if redemption is None:
        assert trace.dealings is not None and trace.dealings.pooled is not None
        return _tell_part(words, told, trace.dealings.pooled)
    points = words.points(redemption.wallet, redemption.points)
    reward = reward_name(words, told, redemption.reward)
    lines = circumstances(words, told) if words.reader == "operator" else []
    if told.kind is Kind.REDEEM:
        title = words.say("title_redeem", reward=reward, points=points)
        lines.append(
            words.say(
                "redeem",
                instant=words.instant(told.occurred_at),
                quantity=f"{redemption.quantity:,}",
                reward=reward,
                points=points,
            )
        )
        if redemption.won_by:
            draw = transaction_id(told.member_id, redemption.won_by)
            lines.append(words.say("redeem_won", draw=draw))
        if redemption.order_id:
            lines.append(words.say("redeem_order", order=redemption.order_id))
        if redemption.cash_cents:
            lines.append(words.say("redeem_cash", money=words.money(redemption.cash_cents)))
        lines += _parts(words, redemption)
    else:
        title = words.say("title_step", reward=reward, step=words.say(f"step_{trace.step}"))
        step = words.say(f"step_{trace.step}")
        lines.append(words.say("step", instant=words.instant(told.occurred_at), reward=reward, step=step))
        if trace.dealings is not None and trace.dealings.ended_with is not None:
            lines.append(words.say("step_with_order", order=trace.dealings.ended_with))
    lines.append(words.say("redemption_stands", state=words.say(f"redemption_{redemption.state}")))
    return Telling(title, lines + _points(words, told))


def _parts(words: Words, redemption: Redemption) -> list[str]:
    """Who pays what, where others of the household do."""
    if not redemption.payers:
        return []
    own = words.points(redemption.wallet, redemption.own_points)
    if words.reader == "member":
        others = words.points(redemption.wallet, redemption.points - redemption.own_points)
        return [words.say("redeem_shared", own=own, others=others)]
    parts = [
        words.say(
            "redeem_part",
            member=str(each.member),
            points=words.points(redemption.wallet, each.points),
            transaction=transaction_id(each.member, each.sequence),
        )
        for each in redemption.payers
    ]
    return [words.say("redeem_own", own=own), *parts]


def _tell_part(words: Words, told: Told, pooled: Pooled) -> Telling:
    """What somebody pays, or gets back, of what another of the household redeemed."""
    trace = told.trace
    assert trace.wallet is not None and trace.points is not None
    points, reward = words.points(trace.wallet, trace.points), reward_name(words, told, pooled.reward)
    lines = circumstances(words, told) if words.reader == "operator" else []
    about = {
        "instant": words.instant(told.occurred_at),
        "reward": reward,
        "redemption": transaction_id(pooled.spender, pooled.redemption),
        "total": words.points(trace.wallet, pooled.points),
        "points": points,
    }
    if told.kind is Kind.REDEEM:
        title = words.say("title_redeem", reward=reward, points=points)
        lines.append(words.say("part_redeemed", **about))
    else:
        step = words.say(f"step_{trace.step}")
        title = words.say("title_step", reward=reward, step=step)
        became = "part_spent" if pooled.move == "spend" else "part_returned"
        lines += [words.say("part_stepped", step=step, **about), words.say(became, points=points)]
    return Telling(title, lines + _points(words, told))


def _points(words: Words, told: Told) -> list[str]:
    """What happened to points and lots, and the balances since."""
    trace, lines = told.trace, list[str]()
    if trace.withheld is not None:
        assert trace.wallet is not None
        lines.append(words.say("withheld", points=words.points(trace.wallet, trace.withheld)))
    lines += new_lots(words, told) if told.opened else repaid(words, told)
    if words.reader == "operator":
        lines += used_lots(words, told)
    return lines + balances(words, told)
