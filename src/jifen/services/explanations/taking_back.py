"""Refunds, corrections and reversals in words: what was returned, kept, taken back, owed and let go."""

from __future__ import annotations

from jifen.core.ledger.values import Kind, transaction_id
from jifen.core.trace import TakenBack
from jifen.services.explanations.caps import cut_for_member
from jifen.services.explanations.common import (
    Telling,
    balances,
    circumstances,
    new_lots,
    repaid,
    reward_name,
    used_lots,
)
from jifen.services.explanations.earning import told_facts
from jifen.services.explanations.told import Told, kept_of_order, remaining_order
from jifen.services.explanations.words import Words


def tell_taking_back(words: Words, told: Told) -> Telling:
    """A reversal of any kind, or a correction."""
    origin = told.origin
    assert origin is not None
    if told.trace.wallet is not None:
        return _tell_cancelling(words, told, origin)
    lines = _operator_lines(words, told) if words.reader == "operator" else []
    lines += _what_happened(words, told, origin)
    for taken in told.trace.taken_back:
        lines += _taken_back(words, taken)
    for award in told.trace.capped:
        name = words.rule_for_member(words.program.rules[award.rule])
        lines += [cut_for_member(words, cut.cap, award.wallet, cut.points, name) for cut in award.cuts]
    lines += _refunded(words, told) + _add_ons(words, told)
    lines += new_lots(words, told)
    if origin.order is not None:
        kept = kept_of_order(told)
        lines.append(words.say("kept", points=words.sums(kept)) if any(kept.values()) else words.say("kept_nothing"))
    return Telling(_title(words, told), lines + balances(words, told))


def _refunded(words: Words, told: Told) -> list[str]:
    """What comes back of an order that points paid part of."""
    dealings = told.trace.dealings
    if dealings is None or dealings.refunded is None:
        return []
    refunded = dealings.refunded
    points, money = words.points(refunded.wallet, refunded.points), words.money(refunded.cash_cents)
    lines = [words.say("refunded", points=points, money=money)]
    if refunded.withheld:
        lines.append(words.say("refunded_withheld", points=words.points(refunded.wallet, refunded.withheld)))
    return lines


def _add_ons(words: Words, told: Told) -> list[str]:
    """What became of what had been taken with an order that was given back."""
    lines = []
    for each in () if told.trace.dealings is None else told.trace.dealings.add_ons:
        reward, redemption = reward_name(words, told, each.reward), transaction_id(each.member, each.sequence)
        if each.is_kept:
            lines.append(words.say("add_on_kept", reward=reward, redemption=redemption))
            continue
        points = words.points(each.wallet, each.points)
        lines.append(words.say("add_on_cancelled", reward=reward, redemption=redemption, points=points))
        if each.refund_cents:
            lines.append(words.say("add_on_owed", reward=reward, money=words.money(each.refund_cents)))
    return lines


def _title(words: Words, told: Told) -> str:
    taken, given = _changes(told)
    changes = [words.say("change_taken", points=words.sums(taken))] if taken else []
    changes += [words.say("change_given", points=words.sums(given))] if given else []
    change = words.join(changes) if changes else words.say("change_nothing")
    if told.kind is Kind.CORRECT:
        return words.say("title_correct", change=change)
    return words.say("title_refund" if told.trace.returned else "title_reverse", change=change)


def _changes(told: Told) -> tuple[dict[int, int], dict[int, int]]:
    """Points by wallet that were really taken (not those that had expired or were let go), and that were added."""
    taken: dict[int, int] = {}
    given: dict[int, int] = {}
    for each in told.trace.taken_back:
        if each.given:
            given[each.wallet] = each.given
        if really := each.from_lot + each.other_lots + each.debt:
            taken[each.wallet] = really
    return taken, given


def _what_happened(words: Words, told: Told, origin: Told) -> list[str]:
    remaining = remaining_order(told)
    if remaining is None:
        key = "reversed_added" if origin.kind is Kind.ADJUST else "reversed_event"
        return [words.say(key, instant=words.instant(origin.occurred_at))]
    order = remaining.order
    if told.kind is Kind.CORRECT:
        money = words.money(sum(line.paid_cents for line in order.lines))
        return [words.say("corrected", order=order.order_id, money=money)]
    names = {line.line_id: line.name or line.sku for line in order.lines}
    returned = words.join(
        _returned(words, line, names.get(line), quantity) for line, quantity in told.trace.returned.items()
    )
    lines = [words.say("returned", order=order.order_id, lines=returned)]
    if not remaining.lines:
        lines.append(words.say("returned_all", order=order.order_id))
    return lines


def _returned(words: Words, line: str, name: str | None, quantity: int) -> str:
    if name is None:
        return words.say("returned_unnamed", name=line, quantity=f"{quantity:,}")
    return words.say("returned_line", name=words.quoted(name), quantity=f"{quantity:,}")


def _taken_back(words: Words, taken: TakenBack) -> list[str]:
    """Where the points that were due came from, and what was given."""
    given = [words.say("gained", points=words.points(taken.wallet, taken.given))] if taken.given else []
    parts = [
        words.say(f"due_{name}", points=words.points(taken.wallet, points))
        for name, points in (
            ("from_lot", taken.from_lot),
            ("expired", taken.expired),
            ("other_lots", taken.other_lots),
            ("debt", taken.debt),
            ("forgiven", taken.forgiven),
        )
        if points
    ]
    if len(parts) < 2:
        return [words.say("sentence", text=part) for part in parts] + given
    due = words.say("due", points=words.points(taken.wallet, taken.points + taken.given))
    return [words.say("sentence", text=due + words.clauses(parts)), *given]


def _operator_lines(words: Words, told: Told) -> list[str]:
    lines = circumstances(words, told)
    remaining = remaining_order(told)
    if remaining is not None and remaining.lines:
        money = words.money(sum(line.paid_cents for line in remaining.lines))
        lines.append(words.say("told_remaining", count=f"{len(remaining.lines):,}", money=money))
        assert told.origin is not None
        lines += told_facts(words, told.origin)
    return lines


def _tell_cancelling(words: Words, told: Told, origin: Told) -> Telling:
    """A spend or capture that was cancelled, or an adjustment downwards that was undone."""
    trace = told.trace
    assert trace.wallet is not None and trace.points is not None
    points, instant = words.points(trace.wallet, trace.points), words.instant(origin.occurred_at)
    name = {Kind.ADJUST: "undo", Kind.CONVERT: "unconvert"}.get(origin.kind, "cancel")
    said = {"undo": "undone", "unconvert": "unconverted", "cancel": "cancelled"}[name]
    lines = circumstances(words, told) if words.reader == "operator" else []
    lines.append(words.say(said, instant=instant, points=points))
    lines += [line for taken in trace.taken_back for line in _taken_back(words, taken)]
    if trace.withheld:
        lines.append(words.say("withheld", points=words.points(trace.wallet, trace.withheld)))
    if told.opened:
        lines += new_lots(words, told)
    else:
        lines += repaid(words, told)
    if words.reader == "operator":
        lines += used_lots(words, told)
    return Telling(words.say(f"title_{name}", points=points), lines + balances(words, told))
