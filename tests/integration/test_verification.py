"""`jifen verify` finds what it must find, and nothing where nothing is wrong.

A small shop is run through the engine with every kind of command. Then, one at a time, something is changed behind
jifen's back (as superuser, with triggers switched off), and exactly the finding for it must come out. All of it is done
for two shops, as verify takes other ways with several wallets: one with one wallet, where points count at once, and one
with a second wallet whose points wait.
"""

# ruff: noqa: S608 - the statements are put together from constants of this file

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import asyncpg
import msgspec
import pytest

from jifen.core.calendar import RollingExpiry
from jifen.core.commands import (
    AdjustPoints,
    CaptureHold,
    Command,
    PlaceHold,
    RecordOrder,
    RefundOrder,
    RegisterMember,
    ReleaseHold,
    ReverseTransaction,
    SpendPoints,
    TransferPoints,
)
from jifen.core.identity import Identity
from jifen.core.members.commands import FoundHousehold, MergeMembers, SpendFromHousehold
from jifen.core.orders import Order, OrderLine, OrderRefund, ReturnedLine
from jifen.core.program import EarningRule, LocalizedText, Ratio, Wallet
from jifen.db.embedded import EmbeddedAddress
from jifen.engine.engine import Engine
from jifen.engine.submission import Answer, Submission
from jifen.services.verification import verify
from tests.damage import damaged
from tests.databases import (
    BARE,
    DEFAULT_PROGRAM,
    WITH_PROGRAM,
    add_program,
    fetch_sql,
    fresh_database,
    name_of,
)

USE = "rule:base/points/member/lifetime"
ALICE, BOB = Identity("phone", "13800000001"), Identity("phone", "13800000002")
GUEST = Identity("email", "guest@example.com")
#: A second wallet, whose points can be spent after fifteen days: some of the shop's have been waiting shorter.
TWO_WALLETS = msgspec.structs.replace(
    DEFAULT_PROGRAM,
    wallets=[*DEFAULT_PROGRAM.wallets, Wallet("growth", LocalizedText(zh="成长值", en="Growth"))],
    earning=[
        *DEFAULT_PROGRAM.earning,
        EarningRule(
            "growing", "growth", Ratio(points=2, per_cents=100), pending_days=15, expiry=RollingExpiry(months=24)
        ),
    ],
)


async def run_shop(url: str) -> None:
    """Every kind of transaction. An open hold and a debt stay at the end, and waiting points if the program has any."""
    engine = Engine(url, lanes=1)
    await engine.start()
    count = 0

    async def do(command: Command, days_ago: int = 0) -> Answer:
        nonlocal count
        count += 1
        at = datetime.now(UTC) - timedelta(days=days_ago)
        answer = await engine.submit(Submission(command, "shop", str(count), b"{}", "test", at))
        assert isinstance(answer, Answer), answer
        return answer

    def order(name: str, cents: int) -> Order:
        return Order(name, "CNY", [OrderLine("1", 2, cents), OrderLine("2", 1, 50)])

    try:
        await do(RegisterMember((GUEST,)))
        parents = [Identity("card", "3"), Identity("card", "4")]
        father, mother = [await do(RecordOrder(each, order(each.value, 600)), 30) for each in parents]
        await do(FoundHousehold(father.member_id, "Li", (mother.member_id,)))
        await do(SpendFromHousehold(father.member_id, None, 8))
        await do(RecordOrder(ALICE, order("A1", 50_000)), 4_000)
        await do(RecordOrder(ALICE, order("A2", 30_000)), 20)
        await do(RecordOrder(BOB, order("B1", 20_000)), 10)
        await do(RecordOrder(BOB, order("B2", 10)), 9)
        spent = await do(SpendPoints(ALICE, None, 100))
        await do(ReverseTransaction(spent.member_id, spent.sequence))
        await do(RefundOrder(None, OrderRefund("A2", "R1", [ReturnedLine("1", 1)])))
        held = await do(PlaceHold(ALICE, None, 60))
        await do(CaptureHold(held.member_id, held.sequence, 20))
        other = await do(PlaceHold(ALICE, None, 10))
        await do(ReleaseHold(other.member_id, other.sequence))
        part = await do(PlaceHold(ALICE, None, 10))
        await do(CaptureHold(part.member_id, part.sequence, 4, release_rest=True))
        await do(TransferPoints(ALICE, BOB, None, 15))
        await do(AdjustPoints(BOB, None, 7))
        await do(SpendPoints(BOB, None, 220))
        await do(RefundOrder(None, OrderRefund("B1", "R2")))
        twin, double = Identity("card", "1"), Identity("card", "2")
        kept = await do(RecordOrder(twin, order("T1", 700)), 3)
        gone = await do(RecordOrder(double, order("T2", 900)), 3)
        await do(MergeMembers(kept.member_id, gone.member_id))
    finally:
        await engine.stop()


@pytest.fixture(scope="module", params=["one_wallet", "two_wallets"])
def shop_template(database_server: EmbeddedAddress, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database in which the shop has been run. Tests copy it."""
    template = WITH_PROGRAM if request.param == "one_wallet" else BARE
    with fresh_database(database_server, template) as url:
        if template == BARE:
            add_program(url, TWO_WALLETS)
        asyncio.run(run_shop(url))
        waiting = fetch_sql(url, "SELECT count(*) > 0 FROM lots WHERE pending")
        assert waiting == [(request.param == "two_wallets",)]
        yield name_of(url)


async def test_a_sound_ledger_gives_nothing(database_server: EmbeddedAddress, shop_template: str) -> None:
    """No false alarm over every kind of command, and everything was looked at."""
    report = await damaged(database_server, shop_template)
    assert report.findings == []
    assert report.is_clean
    assert report.counts.members == 7
    assert report.counts.movements > 15
    assert report.counts.holds == 1


LAST_LOT = "lot = (SELECT max(lot) FROM lots)"
A_KEY = "ctid = (SELECT min(ctid) FROM keys WHERE sequence > 0)"
SENDER = "(SELECT min(member_id) FROM transactions WHERE kind = 10)"

DAMAGES = {
    # I-01 to I-05: what the buckets, lots and holds say follows from the movements.
    "balance": (
        f"UPDATE accounts SET available = available + 1 WHERE member_id = {SENDER}",
        {"account_balance", "conservation"},
    ),
    "held": (
        f"UPDATE accounts SET held = held - 1, available = available + 1 WHERE member_id = {SENDER} AND held > 0",
        {"account_balance"},
    ),
    "debt": ("UPDATE accounts SET debt = debt + 1 WHERE debt > 0", {"account_balance", "conservation"}),
    # I-14, I-15: counters and uses of caps follow from the transactions.
    "an order not counted": (
        "UPDATE accounts SET counters = json_build_array((counters ->> 0)::integer - 1, (counters ->> 1)::bigint) "
        f"WHERE member_id = {SENDER} AND wallet = 1",
        {"counters"},
    ),
    "money not counted": (
        "UPDATE accounts SET counters = json_build_array((counters ->> 0)::integer, (counters ->> 1)::bigint + 1) "
        f"WHERE member_id = {SENDER} AND wallet = 1",
        {"counters"},
    ),
    "a cap used by nobody": (
        f"INSERT INTO usages SELECT shard, member_id, '{USE}', 5 FROM members WHERE member_id = {SENDER}",
        {"cap_usage", "mark_missing", "use_misplaced"},
    ),
    "a cap used in two places": (
        f"UPDATE accounts SET uses = json_build_object('{USE}', 5), marks = 8 "
        f"WHERE member_id = {SENDER} AND wallet = 1; "
        f"INSERT INTO usages SELECT shard, member_id, '{USE}', 5 FROM members WHERE member_id = {SENDER}",
        {"cap_usage", "use_misplaced"},
    ),
    # I-27: nothing that other tables say is overlooked.
    "said in vain": (
        f"UPDATE accounts SET marks = 0 WHERE member_id = {SENDER}; "
        f"UPDATE members SET profile = '{{}}' WHERE member_id = {SENDER}",
        {"mark_missing"},
    ),
    "a budget used by nobody": (
        "INSERT INTO shared_usages VALUES (1, 'program/points/program/year', 5)",
        {"cap_usage"},
    ),
    # I-16: what a member is follows from the steps of its life.
    "frozen by nobody": (f"UPDATE members SET status = 'frozen' WHERE member_id = {SENDER}", {"member_status"}),
    "account frozen": (f"UPDATE accounts SET status = 1 WHERE member_id = {SENDER} AND wallet = 1", {"member_status"}),
    # I-19: merged members have nothing, and the two sides of a merge mirror each other.
    "merge forgotten": ("DELETE FROM merges", {"merge_broken"}),
    "merge of another": ("UPDATE merges SET from_id = 5", {"merge_broken"}),
    "merge undone by nobody": ("UPDATE merges SET undone_at = now()", {"merge_broken"}),
    "found by an old card": (
        "UPDATE identities SET member_id = (SELECT from_id FROM merges) WHERE value = '2'",
        {"merge_broken"},
    ),
    "merge unpaired": (
        "UPDATE transactions SET counterpart_sequence = 900 "
        "WHERE kind = 19 AND member_id = (SELECT from_id FROM merges)",
        {"transfer_unpaired"},
    ),
    "counters lost in a merge": (
        "UPDATE transactions SET trace = replace(trace::text, '\"orders\":1', '\"orders\":2')::json "
        "WHERE kind = 19 AND member_id = (SELECT member_id FROM merges)",
        {"counters"},
    ),
    # I-23: members of households, and spends from the wallets of several.
    "in no household": ("UPDATE members SET household_id = NULL WHERE household_id = 1", {"household_broken"}),
    "head elsewhere": ("UPDATE households SET head_id = 5", {"household_broken"}),
    "household ended": ("UPDATE households SET ended_at = now()", {"household_broken"}),
    "paid for another spend": (
        'UPDATE transactions SET trace = replace(trace::text, \'"household":1,"spender":\', \'"spender":1\')::json '
        "WHERE trace::text LIKE '%\"pooled\":%' AND trace::text NOT LIKE '%\"parts\":%'",
        {"pool_broken"},
    ),
    "sum of a pool": (
        "UPDATE transactions SET trace = replace(trace::text, '\"points\":8', '\"points\":9')::json "
        "WHERE trace::text LIKE '%\"parts\":%'",
        {"pool_broken"},
    ),
    "account gone": (
        f"DELETE FROM accounts WHERE member_id = {SENDER}",
        {"account_missing", "conservation", "member_without_account"},
    ),
    "account of nobody": (
        "INSERT INTO accounts "
        "SELECT shard, member_id + 1000000, wallet, 0, 5, 0, 0, 0, next_change_at FROM accounts LIMIT 1",
        {"account_balance", "conservation", "member_missing"},
    ),
    "account sequence": (
        f"UPDATE accounts SET last_sequence = last_sequence - 1 WHERE member_id = {SENDER}",
        {"account_sequence"},
    ),
    "late look": (
        f"UPDATE accounts SET next_change_at = '9999-01-01 00:00+00' WHERE member_id = {SENDER}",
        {"next_change_late"},
    ),
    "lot gone": ("DELETE FROM lots WHERE lot = (SELECT min(lot) FROM lots)", {"lot_missing"}),
    "lot smaller": (
        f"UPDATE lots SET remaining = remaining - 1 WHERE {LAST_LOT}",
        {"lot_remaining"},
    ),
    "lot pending": (
        f"UPDATE lots SET pending = true WHERE {LAST_LOT}",
        {"lot_remaining", "next_change_late"},
    ),
    "lot surplus": (
        "INSERT INTO lots "
        "SELECT shard, member_id, wallet, pending, expires_at, earned_at, lot + 9, effective_at, 1 FROM lots LIMIT 1",
        {"lot_surplus"},
    ),
    "lot terms": (
        f"UPDATE lots SET earned_at = earned_at - interval '1 day' WHERE {LAST_LOT}",
        {"lot_terms"},
    ),
    "lot twice": (
        "INSERT INTO lots "
        "SELECT shard, member_id, wallet, NOT pending, expires_at, earned_at, lot, effective_at, remaining "
        f"FROM lots WHERE {LAST_LOT}",
        {"lot_surplus", "next_change_late"},
    ),
    "lot without an opening": (
        "UPDATE movements SET earned_at = NULL, effective_at = NULL, expires_at = NULL "
        "WHERE from_bucket = 14 AND amount = 7",
        {"lot_history"},
    ),
    "hold gone": ("DELETE FROM holds", {"hold_missing"}),
    "hold smaller": ("UPDATE holds SET remaining = remaining - 1", {"hold_remaining"}),
    "hold pieces": (
        "UPDATE holds SET pieces = replace(pieces::text, ',40,', ',41,')::json, remaining = 41",
        {"hold_pieces"},
    ),
    "hold surplus": (
        "INSERT INTO holds SELECT shard, member_id, 1, wallet, remaining, expires_at, pieces FROM holds",
        {"hold_surplus"},
    ),
    "hold prolonged": ("UPDATE holds SET expires_at = expires_at + interval '1 hour'", {"hold_terms"}),
    # I-02: what was written stays.
    "transaction gone": (
        "DELETE FROM transactions WHERE kind = 9",
        {"movement_without_transaction", "sequence_gap", "key_surplus"},
    ),
    "trace": (
        "UPDATE transactions SET trace = replace(trace::text, '[[1,', '[[1,1')::json WHERE kind = 9",
        {"trace_balance"},
    ),
    "trace of an unknown wallet": (
        "UPDATE transactions SET trace = replace(trace::text, '[[1,', '[[9,0,0,0,0],[1,')::json WHERE kind = 9",
        {"trace_balance"},
    ),
    "answer": (
        """UPDATE transactions SET trace = replace(trace::text, '"after_all":[[1,', '"after_all":[[1,1')::json""",
        {"trace_balance"},
    ),
    "answer of an unknown wallet": (
        """UPDATE transactions SET trace = replace(trace::text, '"after_all":[[1,', '"after_all":[[9,')::json""",
        {"trace_balance"},
    ),
    "version": ("UPDATE transactions SET program_version = 2 WHERE kind = 9", {"program_version_missing"}),
    "reference": (
        "UPDATE transactions SET refers_to = 900 WHERE facts IS NOT NULL AND kind = 8 AND refers_to = 1",
        {"reference_missing"},
    ),
    "member gone": (f"DELETE FROM members WHERE member_id = {SENDER}", {"member_missing", "identity_without_member"}),
    "member in another shard": (
        "UPDATE members SET shard = (shard + 1) % 64 "
        "WHERE member_id = (SELECT max(member_id) FROM accounts WHERE debt > 0)",
        {"member_shard", "member_missing", "member_without_account"},
    ),
    "identity": ("UPDATE identities SET member_id = 1 WHERE kind = 'email'", {"identity_without_member"}),
    # I-07: every command has its key for ever.
    "key gone": (f"DELETE FROM keys WHERE {A_KEY}", {"key_missing"}),
    "key elsewhere": (
        f"UPDATE keys SET sequence = sequence + 1 WHERE {A_KEY}",
        {"key_target"},
    ),
    "key in another shard": (
        f"UPDATE keys SET shard = (shard + 1) % 64 WHERE {A_KEY}",
        {"key_target"},
    ),
    "key in two shards": (
        "INSERT INTO keys "
        f"SELECT (shard + 1) % 64, digest, payload_digest, member_id, sequence FROM keys WHERE {A_KEY}",
        {"key_target"},
    ),
    "key of nothing": ("INSERT INTO keys VALUES (0, '\\x00', '\\x00', 5, 5)", {"key_surplus"}),
    "registration in another shard": ("UPDATE keys SET shard = (shard + 1) % 64 WHERE sequence = 0", {"key_target"}),
    "registration of nobody": ("UPDATE keys SET member_id = 5 WHERE sequence = 0", {"key_surplus"}),
    # I-11: what leaves one member in a transfer arrives at the other.
    "transfer": (
        "UPDATE transactions SET counterpart_sequence = 900 WHERE member_id = " + SENDER + " AND kind = 10",
        {"transfer_unpaired"},
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
async def test_damage_is_named(database_server: EmbeddedAddress, shop_template: str, name: str) -> None:
    """I-01, I-02, I-05, I-07, I-09 to I-15: damage comes out under its own name, and no other
    (I-10, I-11, I-12, I-13, I-14, I-15)."""
    statement, kinds = DAMAGES[name]
    report = await damaged(database_server, shop_template, statement)
    assert set(report.totals) == kinds, report.findings
    assert {finding.kind for finding in report.findings} == kinds


async def test_a_movement_that_grew(database_server: EmbeddedAddress, shop_template: str) -> None:
    """I-03: one movement changed in place shows everywhere that follows from it."""
    statement = (
        "UPDATE movements SET amount = amount + 1000 WHERE to_bucket = 11 "
        "AND sequence = (SELECT min(sequence) FROM transactions WHERE kind = 2)"
    )
    report = await damaged(database_server, shop_template, statement)
    assert {"account_balance", "balance_negative", "lot_overdrawn", "trace_balance"} <= set(report.totals)


async def test_what_was_wrong_and_then_right_again(database_server: EmbeddedAddress, shop_template: str) -> None:
    """I-03, I-05: more was taken from a lot than it had and given back later; only the steps between show it."""
    movement = (
        "INSERT INTO movements "
        "SELECT m.shard, m.member_id, m.sequence + {later}, 50, m.wallet, {buckets}, m.lot, 10000 "
        "FROM movements m JOIN transactions t USING (shard, member_id, sequence) "
        "WHERE t.kind = 2 AND m.from_bucket = 2 AND m.position = 0 "
        f"AND t.member_id = {SENDER} AND t.sequence = "
        f"(SELECT min(sequence) FROM transactions WHERE kind = 2 AND member_id = {SENDER})"
    )
    report = await damaged(
        database_server,
        shop_template,
        movement.format(later=0, buckets="2, 11"),
        movement.format(later=1, buckets="11, 2"),
    )
    assert set(report.totals) == {"balance_negative", "lot_overdrawn", "trace_balance"}


async def test_amounts_beyond_64_bits(database_server: EmbeddedAddress, shop_template: str) -> None:
    """I-01: amounts too large to be added up are a finding of their own, and everything else is still looked at."""
    statement = "UPDATE movements SET amount = 9223372036854775807 WHERE to_bucket = 2; DELETE FROM holds"
    report = await damaged(database_server, shop_template, statement)
    assert {"amount_overflow", "conservation", "hold_missing"} <= set(report.totals)


async def test_debt_beside_available_points(database_server: EmbeddedAddress, shop_template: str) -> None:
    """I-04: debt that was booked although there were points is found in the movements."""
    statement = (
        "INSERT INTO movements SELECT shard, member_id, sequence, 99, 1, 5, 13, 0, 1 FROM transactions WHERE kind = 3"
    )
    report = await damaged(database_server, shop_template, statement)
    assert "debt_with_available" in report.totals


async def test_many_findings_are_counted_and_a_hundred_shown(
    database_server: EmbeddedAddress, shop_template: str
) -> None:
    """A broken database does not fill the screen; the total is still told."""
    statement = (
        "INSERT INTO keys SELECT 0, decode(lpad(to_hex(n), 32, '0'), 'hex'), '\\x00', 5, 5 "
        "FROM generate_series(1, 250) n"
    )
    report = await damaged(database_server, shop_template, statement)
    assert report.totals == {"key_surplus": 250}
    assert len(report.findings) == 100


async def test_it_reads_one_instant_and_changes_nothing(database_url: str) -> None:
    """I-06: beside a shop that sells to one member eight times at once, no half-written batch and no lost update."""
    stop = asyncio.Event()

    async def sell() -> None:
        engine = Engine(database_url, lanes=2)
        await engine.start()
        for number in range(2000):
            if stop.is_set():
                break
            await asyncio.gather(
                *(
                    engine.submit(
                        Submission(
                            RecordOrder(ALICE, Order(f"{number}-{each}", "CNY", [OrderLine("1", 1, 500)])),
                            "shop",
                            f"{number}-{each}",
                            b"{}",
                            "test",
                        )
                    )
                    for each in range(8)
                )
            )
        await engine.stop()

    selling = asyncio.create_task(sell())
    reports = [await verify(database_url) for _ in range(3)]
    stop.set()
    await selling
    assert [report.findings for report in reports] == [[], [], []]
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("SELECT count(*) FROM movements") >= reports[-1].counts.movements
    await connection.close()
