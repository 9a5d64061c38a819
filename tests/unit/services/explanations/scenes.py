"""A shop with rules worth explaining, and its transactions as they are told."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from jifen.core.ledger.values import LOTS_PER_TRANSACTION, Transaction
from jifen.core.program import ProgramDocument
from jifen.core.refusal import Refusal
from jifen.core.trace import decode_trace
from jifen.services.explanations.told import Moved, Told
from jifen.services.programs import parse_program
from tests.unit.core.shop import ALICE, Shop

PROGRAM = """
name: {zh: 示例积分, en: Example points}
currency: CNY
time_zone: Asia/Shanghai
wallets:
  - id: points
    name: {zh: 积分, en: Points}
    value: {points: 100, cents: 100}
  - id: growth
    name: {zh: 成长值, en: Growth}
campaigns:
  - id: double-eleven
    name: {zh: 双十一, en: Double Eleven}
    window: {yearly: ["11-11"]}
groups:
  - {id: gifts, pick: best}
earning:
  - id: base
    name: {zh: 消费积分, en: Purchase points}
    wallet: points
    ratio: {points: 1, per_cents: 100}
    expiry: {policy: rolling, months: 12, until: month_end}
    caps:
      - {limit: points, most: 3000, period: month}
  - id: double
    name: {zh: 双十一双倍, en: Double on Double Eleven}
    wallet: points
    campaign: double-eleven
    coefficient: {times: 2, of: [base]}
  - id: tea
    name: {zh: 茶叶 1.5 倍, en: Tea 1.5 times}
    wallet: points
    lines: line.category == "tea"
    coefficient: {times: 1.5, of: [base]}
  - id: growth
    wallet: growth
    ratio: {points: 1, per_cents: 1000}
    pending_days: 7
  - id: gold-gift
    name: {zh: 金卡礼, en: Gold gift}
    wallet: points
    group: gifts
    audience: member.tier == "gold"
    fixed: 50
  - id: first-gift
    name: {zh: 首单礼, en: First order gift}
    wallet: points
    group: gifts
    when: member.is_first_order
    fixed: 100
  - id: any-gift
    name: {zh: 满额礼, en: Big order gift}
    wallet: points
    group: gifts
    when: order.total_cents >= 100000
    fixed: 20
  - id: night
    name: {zh: 夜宵, en: Late night}
    wallet: points
    window: {hours: ["22:00-02:00"], weekdays: [fri, sat]}
    fixed: 5
  - id: check-in
    name: {zh: 签到, en: Check-in}
    wallet: points
    event: member.checked_in
    fixed: 2
    expiry: {policy: rolling, months: 1}
    caps:
      - {limit: count, most: 1, period: day}
  - id: share
    wallet: points
    event: content.shared
    formula: "10 / (member.checkin_streak - 1)"
"""
#: 11 November 2026, ten in the morning in Shanghai.
ELEVEN = datetime(2026, 11, 11, 2, 0, tzinfo=UTC)


def document(**changes: str) -> ProgramDocument:
    """The program; `changes` are texts in it and what stands there instead."""
    text = PROGRAM
    for old, new in changes.items():
        text = text.replace(old, new)
    return parse_program(text)


def shop(at: datetime = ELEVEN, **policies: object) -> Shop:
    """The shop on Double Eleven."""
    return Shop(msgspec.structs.replace(document(), **policies), at)


def told(shop: Shop, outcome: Transaction | Refusal | None, member: int = ALICE) -> Told:
    """A transaction that was made just now, as it is told."""
    assert isinstance(outcome, Transaction), outcome
    return told_at(shop, outcome.sequence, member)


def told_at(shop: Shop, sequence: int, member: int = ALICE) -> Told:
    """A transaction of a member by its sequence, as it is told."""
    mine = shop.shell.transactions[member]
    transaction = mine[sequence - 1]
    plain = _plain(shop, transaction)
    if transaction.refers_to is None:
        return plain
    origin = mine[transaction.refers_to - 1]
    earlier = [each for each in mine if each.refers_to == origin.sequence and each.sequence < sequence]
    return msgspec.structs.replace(
        plain, origin=_plain(shop, origin), earlier=tuple(decode_trace(each.trace) for each in earlier)
    )


def _plain(shop: Shop, transaction: Transaction) -> Told:
    movements = []
    for position, movement in enumerate(transaction.movements):
        terms = None
        if movement.lot:
            opened, place = divmod(movement.lot, LOTS_PER_TRANSACTION)
            terms = shop.shell.transactions[transaction.member_id][opened - 1].movements[place].terms
        movements.append(
            Moved(position, movement.wallet, movement.source, movement.target, movement.lot, movement.amount, terms)
        )
    return Told(
        member_id=transaction.member_id,
        sequence=transaction.sequence,
        kind=transaction.kind,
        program=shop.shell.programs[transaction.program_version],
        occurred_at=transaction.occurred_at,
        recorded_at=transaction.recorded_at,
        source=transaction.source,
        key=transaction.key,
        actor=transaction.actor,
        trace=decode_trace(transaction.trace),
        facts=transaction.facts,
        reason=transaction.reason,
        movements=tuple(movements),
        counterpart=transaction.counterpart,
    )
