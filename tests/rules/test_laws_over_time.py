"""Laws of what members have after many events: refunds end where the rest of an order does, caps are never passed."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from fractions import Fraction
from math import ceil, floor
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jifen.core.calendar import local_day
from jifen.core.commands import CorrectOrder, RecordOrder, RefundOrder
from jifen.core.ledger.values import Transaction
from jifen.core.orders import Order, OrderCorrection, OrderLine, OrderRefund, ReturnedLine
from jifen.core.program import Program
from jifen.core.rules.document import ORDER_COMPLETED, Cap, EarningRule, Ratio
from jifen.core.rules.facts import MemberFacts
from jifen.core.rules.rate import rate
from jifen.core.rules.standing import Profile, facts_of
from jifen.core.trace import decode_trace
from tests.model.shell import Shell
from tests.rating import program_of
from tests.rules.generating import INSTANTS, MEMBERS, NOON, contents, document_of, event_of, orders, plain_document

many = settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
MEMBER = 1
Points = dict[int, int]


def shop_of(program: Program, members: int = 1) -> Shell:
    """A shell with members of whom nothing is known."""
    shell = Shell(program)
    for member in range(1, members + 1):
        shell.add_member(member)
    return shell


def record(shell: Shell, order: Order, at: datetime, now: datetime, member: int = MEMBER) -> Transaction:
    """An order is recorded."""
    earned = shell.run(member, RecordOrder(member, order), now, at)
    assert isinstance(earned, Transaction), earned
    shell.orders[order.order_id] = (member, earned.sequence)
    return earned


def has(shell: Shell) -> Points:
    """What the member has by wallet."""
    return {each.wallet: each.available + each.pending - each.debt for each in shell.states[MEMBER].accounts}


def rest_of(order: Order, returned: dict[str, int]) -> list[OrderLine]:
    """What is left: of each line the share of what was paid, rounded half up from the whole line."""
    rest = []
    for line in order.lines:
        left = line.quantity - returned.get(line.line_id, 0)
        if left:
            paid = floor(Fraction(line.paid_cents * left, line.quantity) + Fraction(1, 2))
            rest.append(msgspec.structs.replace(line, quantity=left, paid_cents=paid))
    return rest


def worth(program: Program, order: Order, lines: list[OrderLine], facts: MemberFacts, used: dict[str, int]) -> Points:
    """What the lines of an order give by wallet, rated as the order was."""
    points = dict.fromkeys(program.wallet_numbers.values(), 0)
    if lines:
        book = program.books.get(ORDER_COMPLETED)
        for award in rate(book, event_of(order, NOON, lines), facts, used, program.document.coefficients).awards:
            points[award.wallet] += award.points
    return points


def added(first: Points, second: Points) -> Points:
    """Wallet by wallet."""
    return {wallet: first[wallet] + second[wallet] for wallet in first}


@st.composite
def splits(draw: st.DrawFn, order: Order) -> list[list[str]]:
    """All pieces of an order in any order, cut into refunds anywhere."""
    pieces = draw(st.permutations([line.line_id for line in order.lines for _ in range(line.quantity)]))
    cuts = sorted(draw(st.sets(st.integers(1, len(pieces)), max_size=4)) | {len(pieces)})
    return [list(pieces[start:end]) for start, end in zip([0, *cuts], cuts, strict=False)]


def refund(shell: Shell, pieces: list[str], number: int) -> None:
    """Some pieces of the order `o` come back."""
    lines = [ReturnedLine(line, pieces.count(line)) for line in dict.fromkeys(pieces)]
    command = RefundOrder(None, OrderRefund("o", f"refund-{number}", lines))
    done = shell.run(MEMBER, command, NOON + timedelta(days=number))
    assert isinstance(done, Transaction), done


@many
@given(contents(), MEMBERS, orders("before"), orders(), orders("between"), st.data())
def test_refunds_end_at_what_the_rest_earns(
    content: dict[str, Any], member: MemberFacts, before: Order, order: Order, between: Order, data: st.DataObject
) -> None:
    """In the middle and at the end, for all roundings, steps, progressive rates, coefficients, groups, fixed points,
    caps and budgets: as rated by the version and the facts of the order's own time, whatever came since. Of caps the
    order keeps what it used, and what remains of it, should it earn more, has no more than others have left
    (I-08, I-14; known failures 1, 5, 6, 7, 9, 73)."""
    program = program_of(document_of(content))
    shell = shop_of(program)
    profile = Profile(member.tier, member.tags, birthday=member.birthday)
    shell.states[MEMBER] = msgspec.structs.replace(shell.states[MEMBER], profile=profile)
    record(shell, before, NOON - timedelta(days=1), NOON)
    state, shared = shell.states[MEMBER], dict(shell.shared_used)
    facts = facts_of(state.profile, state.counters, local_day(NOON, program.zone))
    used, others = {**state.used, **shared}, has(shell)
    bought = record(shell, order, NOON, NOON)
    assert has(shell) == added(others, worth(program, order, order.lines, facts, used))
    in_all = has(shell)
    record(shell, between, NOON, NOON)
    by_others = (
        Counter(shell.states[MEMBER].used) + Counter(shell.shared_used) - Counter(decode_trace(bought.trace).uses)
    )
    others = {wallet: others[wallet] + has(shell)[wallet] - in_all[wallet] for wallet in others}
    shell.publish(Program(2, plain_document(), program.wallet_numbers))
    changed = msgspec.structs.replace(profile, tier="", tags=["vip", "x"])
    shell.states[MEMBER] = msgspec.structs.replace(shell.states[MEMBER], profile=changed)
    returned: dict[str, int] = {}
    for number, pieces in enumerate(data.draw(splits(order)), 1):
        for line in pieces:
            returned[line] = returned.get(line, 0) + 1
        refund(shell, pieces, number)
        assert has(shell) == added(others, worth(program, order, rest_of(order, returned), facts, by_others))
    assert has(shell) == others


def test_a_rest_that_earns_more_has_no_more_than_others_left() -> None:
    """Too large for the rule as a whole, not so what remains of it: of 150 points others have 100 by then."""
    small = EarningRule("small", "points", Ratio(1, 100), when="order.total_cents < 20000", caps=[Cap("points", 150)])
    shell = shop_of(program_of(msgspec.structs.replace(plain_document(), earning=[small])))
    line = OrderLine("1", 2, 20_000)
    record(shell, Order("o", "CNY", [line]), NOON, NOON)
    record(shell, Order("other", "CNY", [msgspec.structs.replace(line, paid_cents=10_000)]), NOON, NOON)
    assert has(shell)[1] == 100
    refund(shell, ["1"], 1)
    assert has(shell)[1] == 150
    refund(shell, ["1"], 2)
    assert has(shell)[1] == 100


@many
@given(contents(), orders(), orders(), st.data())
def test_a_corrected_order_earns_what_it_should_have(
    content: dict[str, Any], order: Order, corrected: Order, data: st.DataObject
) -> None:
    """Told wrongly and corrected is the same as told rightly at once, and corrected back as if nothing had been; then
    refunds go on from there (B15; known failure 9)."""
    program = program_of(document_of(content))
    shell = shop_of(program)
    record(shell, order, NOON, NOON)
    for number, told in enumerate([corrected, order, corrected], 1):
        lines = told.lines
        correction = OrderCorrection("o", f"correction-{number}", "CNY", lines, told.channel)
        done = shell.run(MEMBER, CorrectOrder(None, correction), NOON + timedelta(hours=number))
        assert isinstance(done, Transaction), done
        assert has(shell) == worth(program, told, lines, MemberFacts(), {})
    returned: dict[str, int] = {}
    for number, pieces in enumerate(data.draw(splits(corrected)), 1):
        for line in pieces:
            returned[line] = returned.get(line, 0) + 1
        refund(shell, pieces, number)
        assert has(shell) == worth(program, corrected, rest_of(corrected, returned), MemberFacts(), {})


# --- caps ---


def first_day(cap: Cap, day: date) -> object:
    """In which of its periods a cap is, counted by hand."""
    match cap.period:
        case "day":
            return day
        case "week":
            return day.isocalendar()[:2]
        case "month":
            return (day.year, day.month)
        case "year":
            return day.year
    return None


def caps_of(program: Program, rule_id: str) -> list[tuple[str, Cap]]:
    """All limits that an award of a rule is under, with whose they are."""
    document = program.document
    rule = program.rules[rule_id]
    budgets = [cap for each in document.campaigns if each.id == rule.campaign for cap in each.budgets]
    return [
        *((f"rule {rule_id}", cap) for cap in rule.caps),
        *((f"campaign {rule.campaign}", cap) for cap in budgets),
        *(("program", cap) for cap in document.budgets),
    ]


def tally(program: Program, shell: Shell) -> dict[tuple[object, ...], tuple[Cap, int]]:
    """What awards used of every limit, added up from what transactions say they gave."""
    used: dict[tuple[object, ...], tuple[Cap, int]] = {}
    for member, transactions in shell.transactions.items():
        for transaction in transactions:
            for award in decode_trace(transaction.trace).awards:
                for owner, cap in caps_of(program, award.rule):
                    event = (member, transaction.sequence) if cap.period == "event" else None
                    whose = member if cap.per == "member" else None
                    day = local_day(transaction.occurred_at, program.zone)
                    key = (owner, cap, whose, event, first_day(cap, day))
                    wallet = program.wallet_ids[award.wallet]
                    use = _use(cap, award.points, program.values.get(wallet))
                    used[key] = (cap, used.get(key, (cap, 0))[1] + use)
    return used


def _use(cap: Cap, points: int, value: tuple[int, int] | None) -> int:
    if cap.limit == "points":
        return points
    if cap.limit == "count":
        return 1 if points else 0
    return 0 if value is None else ceil(Fraction(points * value[1], value[0]))


@many
@given(
    contents(),
    st.lists(st.tuples(st.integers(1, 3), INSTANTS, orders(), st.booleans()), min_size=1, max_size=12),
    st.sampled_from([{"points": 100, "cents": 100}, {"points": 3, "cents": 2}, {"points": 2, "cents": 7}]),
)
def test_no_cap_is_ever_passed(
    content: dict[str, Any], sequence: list[tuple[int, datetime, Order, bool]], value: dict[str, int]
) -> None:
    """Three members buy, return and are told about late, in any order: no limit of points, number or money is passed
    by one unit, in any of its periods, and what is kept of uses is the sum of them (I-14)."""
    wallets = [content["wallets"][0] | {"value": value}, content["wallets"][1]]
    # Every instant of the sequence is one at which rules may hold.
    rules = [rule | {"window": {}} for rule in content["earning"]]
    campaigns = [each | {"window": {}} for each in content["campaigns"]]
    program = program_of(document_of(content | {"wallets": wallets, "earning": rules, "campaigns": campaigns}))
    shell, now = shop_of(program, 3), max(at for _, at, _, _ in sequence)
    for number, (member, at, order, comes_back) in enumerate(sequence):
        told = msgspec.structs.replace(order, order_id=f"o{number}")
        record(shell, told, at, now, member)
        if comes_back:
            command = RefundOrder(None, OrderRefund(told.order_id, f"r{number}"))
            assert isinstance(shell.run(member, command, now), Transaction)
    used = tally(program, shell)
    assert all(number <= cap.most for cap, number in used.values())
    kept = sum(shell.shared_used.values()) + sum(sum(each.used.values()) for each in shell.states.values())
    assert kept == sum(number for cap, number in used.values() if cap.period != "event")
