"""Sentences that explanations of several kinds share."""

from __future__ import annotations

from typing import Final

import msgspec

from jifen.core.ledger.values import LOTS_PER_TRANSACTION, Bucket
from jifen.core.rules.facts import MemberFacts
from jifen.services.explanations.told import Told
from jifen.services.explanations.words import Words

#: So many lots are named; more help nobody.
_SHOWN_LOTS: Final = 10


class Telling(msgspec.Struct, frozen=True):
    """A transaction in words: a title, and sentences."""

    title: str
    lines: list[str]


def new_lots(words: Words, told: Told) -> list[str]:
    """From when until when the points that came in are valid, and what of them paid debt."""
    sums: dict[tuple[int, str], int] = {}
    for each in told.opened:
        assert each.terms is not None
        expiry = words.expiry(each.terms)
        if each.target is Bucket.PENDING:
            instant = words.instant(each.terms.effective_at)
            key = words.of_lot("lot_pending", each.wallet, points="{points}", instant=instant, expiry=expiry)
        else:
            key = words.of_lot("lot_at_once", each.wallet, points="{points}", expiry=expiry)
        sums[each.wallet, key] = sums.get((each.wallet, key), 0) + each.amount
    lines = [text.replace("{points}", words.points(wallet, points)) for (wallet, text), points in sums.items()]
    return lines + repaid(words, told)


def repaid(words: Words, told: Told) -> list[str]:
    """What of the points that came in paid debt at once."""
    sums: dict[int, int] = {}
    for each in told.movements:
        if each.source is Bucket.AVAILABLE and each.target is Bucket.DEBT:
            sums[each.wallet] = sums.get(each.wallet, 0) + each.amount
    return [words.say("repaid", points=words.sums(sums))] if sums else []


def balances(words: Words, told: Told) -> list[str]:
    """What the wallets hold afterwards: the buckets with something in them, else that nothing is available."""
    parts = []
    for each in told.trace.balances:
        buckets = [("available", each.available), ("pending", each.pending), ("held", each.held)]
        buckets += [("saved", each.saved), ("debt", each.debt)]
        parts += [
            words.say(f"balance_{bucket}", points=words.points(each.wallet, points))
            for bucket, points in buckets
            if points or (bucket == "available" and not (each.pending or each.held or each.saved or each.debt))
        ]
    return [words.say("balance", balances=words.join(parts))] if parts else []


def used_lots(words: Words, told: Told) -> list[str]:
    """The lots that points left or came back to, for operators."""
    sums: dict[tuple[int, int], int] = {}
    expiries: dict[int, str] = {}
    for each in told.movements:
        if each.lot and each.terms is not None and each.target is not Bucket.DEBT:
            sums[each.wallet, each.lot] = sums.get((each.wallet, each.lot), 0) + each.amount
            expiries[each.lot] = words.expiry(each.terms)
    shown = [
        words.say("told_lot", lot=lot_id(told, lot), points=words.points(wallet, points), expiry=expiries[lot])
        for (wallet, lot), points in list(sums.items())[:_SHOWN_LOTS]
    ]
    if (more := len(sums) - _SHOWN_LOTS) > 0:
        shown.append(words.counted("told_more_lots", more))
    return [words.say("told_lots", lots=words.clauses(shown))] if shown else []


def lot_id(told: Told, lot: int) -> str:
    """How a lot is named outside."""
    opened, position = divmod(lot, LOTS_PER_TRANSACTION)
    return f"{told.member_id}-{opened}-{position}"


def circumstances(words: Words, told: Told) -> list[str]:
    """Who did it when and why, by which version, for operators."""
    kind = words.transaction_kind(told.kind.name.lower())
    occurred, recorded = words.instant(told.occurred_at), words.instant(told.recorded_at)
    lines = [
        words.say("told_kind", kind=kind, occurred=occurred, recorded=recorded, actor=told.actor),
        words.say("told_program", version=told.program.version, zone=told.program.document.time_zone),
    ]
    if told.reason is not None:
        lines.append(words.say("told_reason", reason=told.reason))
    dealings = told.trace.dealings
    if dealings is not None and dealings.reason_code is not None:
        lines.append(words.say("told_reason_code", code=words.reason(dealings.reason_code)))
    if dealings is not None and dealings.approval is not None:
        lines.append(words.say("told_approval", approval=dealings.approval, asked_by=dealings.asked_by))
    if told.origin is not None:
        origin = told.origin
        lines.append(
            words.say(
                "told_refers_to",
                transaction=f"{origin.member_id}-{origin.sequence}",
                kind=words.transaction_kind(origin.kind.name.lower()),
                instant=words.instant(origin.occurred_at),
            )
        )
    if told.counterpart is not None:
        lines.append(words.say("told_counterpart", transaction="{}-{}".format(*told.counterpart)))
    return lines


def member_facts(words: Words, member: MemberFacts) -> str:
    """What the rules saw of a member, as far as there is something to see."""
    parts = [
        words.say(f"fact_{name}", value=value)
        for name, value in (
            ("tier", member.tier and words.value_of("member.tier", member.tier)),
            ("tags", words.join(member.tags)),
            ("segments", words.join(member.segments)),
            ("channel", member.channel),
            ("registered", None if member.registered_at is None else words.instant(member.registered_at)),
            ("birthday", member.birthday),
        )
        if value
    ]
    if member.birthday_window_from is not None:
        window = {"value": member.birthday_window_from, "days": member.birthday_window_days}
        parts.append(words.say("fact_birthday_window", **window))
    if member.orders:
        parts.append(words.say("fact_orders", value=f"{member.orders:,}"))
    else:
        parts.append(words.say("fact_first_order"))
    for period in ("month", "year", "total"):
        cents: int = getattr(member, f"spent_cents_{period}")
        if cents:
            parts.append(words.say(f"fact_spent_{period}", value=words.money(cents)))
    if member.days_since_last_order >= 0:
        parts.append(words.say("fact_last_order", value=f"{member.days_since_last_order:,}"))
    if member.checkin_streak:
        parts.append(words.say("fact_checkin", value=f"{member.checkin_streak:,}"))
    for field, value in member.fields.items():
        declared = words.program.fields.get(field)
        shown = words.say("yes" if value else "no") if isinstance(value, bool) else value
        name = field if declared is None or declared.name is None else words.text(declared.name)
        parts.append(words.say("fact_field", name=name, value=shown))
    return words.join(parts)


def reward_name(words: Words, told: Told, reward_id: str) -> str:
    """As the version of the transaction calls it; a reward that it does not know by its id."""
    reward = told.program.offers.rewards.get(reward_id)
    return reward_id if reward is None else words.text(reward.document.name)
