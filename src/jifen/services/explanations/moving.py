"""Spends, holds, expiry, adjustments and transfers in words."""

from __future__ import annotations

from jifen.core.ledger.values import Bucket, Kind
from jifen.core.limits import NEVER
from jifen.core.trace import Converted
from jifen.services.explanations.common import (
    Telling,
    balances,
    circumstances,
    new_lots,
    repaid,
    used_lots,
)
from jifen.services.explanations.told import Told
from jifen.services.explanations.words import Words


def tell_moving(words: Words, told: Told) -> Telling:
    """A transaction about one wallet that no rule was asked about."""
    trace = told.trace
    assert trace.wallet is not None and trace.points is not None
    points = words.points(trace.wallet, abs(trace.points))
    name = _name(told)
    until = "" if trace.until is None else words.instant(trace.until)
    lines = circumstances(words, told) if words.reader == "operator" else []
    said = "save_for_ever" if told.kind is Kind.SAVE and trace.until == NEVER else name
    lines.append(words.say(said, points=points, instant=words.instant(told.occurred_at), until=until))
    if trace.dealings is not None and trace.dealings.converted is not None:
        lines.append(_converted(words, trace.dealings.converted))
    if trace.dealings is not None and trace.dealings.pooled is not None:
        lines.append(words.say("pooled", points=words.points(trace.wallet, trace.dealings.pooled.points)))
    if trace.reference is not None:
        lines.append(words.say("reference", reference=trace.reference))
    if told.kind is Kind.MATURE:
        lines += _matured(words, told)
    elif told.opened and told.kind is not Kind.TRANSFER:
        lines += new_lots(words, told)
    else:
        lines += repaid(words, told)
    if words.reader == "operator":
        lines += used_lots(words, told)
    return Telling(words.say(f"title_{name}", points=points), lines + balances(words, told))


def _name(told: Told) -> str:
    kind, trace = told.kind, told.trace
    assert trace.points is not None
    if trace.dealings is not None and trace.dealings.forfeited is not None:
        return f"forfeited_{trace.dealings.forfeited}"
    if kind is Kind.ADJUST:
        return "added" if trace.points > 0 else "removed"
    if kind is Kind.TRANSFER:
        return "received" if trace.points > 0 else "given"
    if kind is Kind.EXPIRE and told.origin is not None:
        return "expire_saved"
    return kind.name.lower()


def _converted(words: Words, converted: Converted) -> str:
    """What the points came to in the other wallet."""
    got = words.points(converted.wallet, converted.got)
    if not converted.fee:
        return words.say("converted_whole", got=got)
    gross, fee = words.points(converted.wallet, converted.gross), words.points(converted.wallet, converted.fee)
    return words.say("converted", gross=gross, fee=fee, got=got)


def _matured(words: Words, told: Told) -> list[str]:
    """Until when the points that can be spent from now on are valid."""
    sums: dict[str, int] = {}
    assert told.trace.wallet is not None
    for each in told.movements:
        if each.terms is not None and each.lot and each.target is Bucket.AVAILABLE:
            expiry = words.expiry(each.terms)
            sums[expiry] = sums.get(expiry, 0) + each.amount
    ready = [
        words.of_lot("lot_ready", told.trace.wallet, points=words.points(told.trace.wallet, points), expiry=expiry)
        for expiry, points in sums.items()
    ]
    return ready + repaid(words, told)
