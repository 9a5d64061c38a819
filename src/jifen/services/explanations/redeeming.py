"""Redemptions and their steps in words."""

from __future__ import annotations

from jifen.core.ledger.values import Kind, transaction_id
from jifen.core.redemption.values import Redemption
from jifen.services.explanations.common import Telling, balances, circumstances, new_lots, repaid, used_lots
from jifen.services.explanations.told import Told
from jifen.services.explanations.words import Words


def tell_redeeming(words: Words, told: Told) -> Telling:
    """What was asked for or done, and how the redemption stands since."""
    trace = told.trace
    redemption = trace.redemption
    assert redemption is not None and trace.points is not None
    points = words.points(redemption.wallet, redemption.points)
    reward = _reward_name(words, told, redemption)
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
        if redemption.cash_cents:
            lines.append(words.say("redeem_cash", money=words.money(redemption.cash_cents)))
    else:
        title = words.say("title_step", reward=reward, step=words.say(f"step_{trace.step}"))
        step = words.say(f"step_{trace.step}")
        lines.append(words.say("step", instant=words.instant(told.occurred_at), reward=reward, step=step))
    lines.append(words.say("redemption_stands", state=words.say(f"redemption_{redemption.state}")))
    if trace.withheld is not None:
        lines.append(words.say("withheld", points=words.points(redemption.wallet, trace.withheld)))
    lines += new_lots(words, told) if told.opened else repaid(words, told)
    if words.reader == "operator":
        lines += used_lots(words, told)
    return Telling(title, lines + balances(words, told))


def _reward_name(words: Words, told: Told, redemption: Redemption) -> str:
    """As the version of the transaction calls it; a reward that has gone since by its id."""
    reward = told.program.offers.rewards.get(redemption.reward)
    return redemption.reward if reward is None else words.text(reward.document.name)
