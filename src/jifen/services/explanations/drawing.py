"""Drawing from a lottery in words."""

from __future__ import annotations

from jifen.core.draws.document import Prize
from jifen.core.draws.values import Drawn
from jifen.core.ledger.values import transaction_id
from jifen.services.explanations.common import Telling, balances, circumstances, new_lots, used_lots
from jifen.services.explanations.told import Told
from jifen.services.explanations.words import Words


def tell_drawing(words: Words, told: Told) -> Telling:
    """What it cost, what came of it, and how it can be checked."""
    trace = told.trace
    drawn = trace.drawn
    assert drawn is not None and trace.wallet is not None and trace.points is not None
    draw, prizes = _names(words, told, drawn)
    instant, prize = words.instant(told.occurred_at), prizes.get(drawn.prize, drawn.prize)
    lines = circumstances(words, told) if words.reader == "operator" else []
    if drawn.ticket:
        ticket = transaction_id(told.member_id, drawn.ticket)
        lines.append(words.say("draw_ticket", instant=instant, draw=draw, ticket=ticket))
    elif trace.points:
        points = words.points(trace.wallet, trace.points)
        lines.append(words.say("draw_points", instant=instant, draw=draw, points=points))
    else:
        lines.append(words.say("draw_free", instant=instant, draw=draw))
    if drawn.short is not None:
        why = words.say(f"draw_short_{drawn.short}")
        lines.append(words.say("draw_instead", hit=prizes.get(drawn.hit, drawn.hit), why=why))
    if drawn.is_pity:
        lines.append(words.say("draw_pity", misses=f"{drawn.misses:,}"))
    lines.append(words.say("draw_prize", prize=prize))
    if drawn.redemption:
        lines.append(words.say("draw_redemption", redemption=transaction_id(told.member_id, drawn.redemption)))
    lines.append(
        words.say(
            "draw_number",
            round=f"{drawn.round:,}",
            number=f"{drawn.number:,}",
            point=f"{drawn.point:,}",
            total=f"{drawn.total:,}",
        )
    )
    lines += new_lots(words, told) if told.opened else []
    if words.reader == "operator":
        lines += used_lots(words, told)
    return Telling(words.say("title_draw", draw=draw, prize=prize), lines + balances(words, told))


def _names(words: Words, told: Told, drawn: Drawn) -> tuple[str, dict[str, str]]:
    """The draw and its prizes as the version of the transaction calls them."""
    draw = told.program.draws.by_id.get(drawn.draw)
    if draw is None:
        return drawn.draw, {}
    prizes: list[Prize] = draw.document.prizes
    return words.text(draw.document.name), {each.id: words.text(each.name) for each in prizes}
