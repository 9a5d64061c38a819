"""Opening balances are a member's, however files name the member: nothing is booked twice, nothing left out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from jifen.core.commands import AdjustPoints, RegisterMember
from jifen.core.identity import Identity
from jifen.core.members.commands import AddIdentities, MergeMembers, RemoveIdentities
from jifen.core.refusal import Refusal
from jifen.core.wallets.document import Adjustments
from jifen.db.connection import connect
from jifen.db.locking import CLAIM_SOURCE
from jifen.engine.engine import Engine
from jifen.engine.submission import Submission
from jifen.services.imports.mapping import TimeShape
from jifen.services.imports.people import BalanceSummary, import_balances
from jifen.services.imports.people.balances import ImportRunning
from jifen.services.imports.people.mapping import BalanceColumns, BalanceMapping, load_balance_mapping
from tests.databases import DEFAULT_PROGRAM, add_program, fetch_sql
from tests.integration.checking import assert_sound
from tests.integration.test_import_orders import rejected, with_engine

MAPPING = """
name: {zh: 余额, en: Balances}
source: import:old
columns:
  identities: {phone: phone, card: card}
  points: points
  expires_at: until
"""
PHONE, CARD = Identity("phone", "13800000001"), Identity("card", "C1")
OTHER = Identity("phone", "13800000002")


class Shop:
    """A database with two members: one with a phone and a card, one with a phone."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._folder = folder
        mapping = folder / "mapping.yaml"
        mapping.write_text(MAPPING, "utf-8")
        self.mapping = load_balance_mapping(str(mapping))
        self._keys = 0
        self.member = self.submit(RegisterMember((PHONE, CARD)))
        self.other = self.submit(RegisterMember((OTHER,)))

    def submit(self, command: object, source: str = "test", key: str | None = None, payload: bytes = b"1") -> int:
        """Do something; whom it was about."""
        self._keys += 1
        submission = Submission(command, source, key or str(self._keys), payload, "test")  # type: ignore[arg-type]
        outcome = with_engine(self._url, lambda engine: engine.submit(submission))
        assert not isinstance(outcome, Refusal), outcome
        number: int = outcome.member_id
        return number

    def run(self, *rows: str, dry: bool = False, mapping: BalanceMapping | None = None) -> BalanceSummary:
        """Import rows of phone, card, points and expiry."""
        file = self._folder / "balances.csv"
        file.write_text("phone,card,points,until\n" + "".join(f"{row}\n" for row in rows), "utf-8")

        async def work(engine: Engine) -> BalanceSummary:
            chosen = None if dry else engine
            return await import_balances(
                chosen, self._url, file, mapping or self.mapping, rejects=self._folder / "rejects.csv"
            )

        summary: BalanceSummary = with_engine(self._url, work)
        return summary

    def codes(self) -> list[str]:
        """Why rows were rejected."""
        return [code for _, _, code in rejected(self._folder / "rejects.csv")]

    def points(self) -> int:
        """All points there are."""
        total: int = fetch_sql(self._url, "SELECT coalesce(sum(available), 0)::int FROM accounts")[0][0]
        return total


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Shop:
    """A shop whose members are known."""
    return Shop(database_url, tmp_path)


def counts(summary: BalanceSummary) -> tuple[int, int, int, int]:
    """Lots that were booked, unchanged and waiting, and rows that were rejected."""
    return summary.booked, summary.unchanged, summary.waiting, summary.rejected


def rehearsed(shop: Shop, rows: Sequence[str]) -> BalanceSummary:
    """An import, after a dry run that said the same of it."""
    dry = shop.run(*rows, dry=True)
    done = shop.run(*rows)
    assert counts(dry) == counts(done)
    left = [(each.wallet, each.file_points, each.rejected_points, each.waiting_points) for each in dry.wallets]
    assert left == [(each.wallet, each.file_points, each.rejected_points, each.waiting_points) for each in done.wallets]
    return done


def test_one_file_names_the_phone_and_another_the_card(shop: Shop, database_url: str) -> None:
    """The second brings nothing; with other points it is refused, and the proof says so."""
    assert counts(rehearsed(shop, ["13800000001,,100,2999-12-31"])) == (1, 0, 0, 0)
    second = rehearsed(shop, [",C1,100,2999-12-31"])
    assert (counts(second), second.agrees, shop.points()) == ((0, 1, 0, 0), True, 100)
    third = rehearsed(shop, [",C1,90,2999-12-31", ",C1,5,2999-06-30"])
    assert (counts(third), third.agrees, shop.points()) == ((1, 0, 0, 1), False, 105)
    assert shop.codes() == ["key_conflict"]
    assert_sound(database_url)


def test_rows_of_one_member_under_two_identities_are_one_lot(shop: Shop) -> None:
    """In whatever order; and a fault in one of them keeps the other back."""
    rows = ["13800000001,,100,", ",C1,50,", "13800000002,,7,"]
    assert counts(rehearsed(shop, [*rows, ",C1,x,"])) == (1, 0, 0, 3)
    assert shop.codes() == ["member_incomplete", "member_incomplete", "invalid_points"]
    assert counts(rehearsed(shop, rows)) == (1, 1, 0, 0)
    assert counts(rehearsed(shop, rows[::-1])) == (0, 2, 0, 0)
    assert shop.points() == 157


def test_what_was_booked_as_two_lots_stays_so(shop: Shop) -> None:
    """Under the keys of an older import: the same files, one after another or as one, change nothing."""
    for identity, points in ((PHONE, 100), (CARD, 50)):
        payload = msgspec.json.encode([str(identity), "points", "", points])
        shop.submit(AdjustPoints(identity, "points", points), "import:old", f"balance:points::{identity}", payload)
    for rows in (["13800000001,,100,"], [",C1,50,"], [",C1,50,", "13800000001,,100,"]):
        done = rehearsed(shop, rows)
        assert (done.unchanged, done.booked, done.agrees) == (1, 0, True)
    assert shop.points() == 150


def test_members_who_were_merged_and_identities_that_changed(shop: Shop, database_url: str) -> None:
    """What was booked for either is there; a phone that was given up is remembered by what it brought."""
    rows = ["13800000001,,100,", "13800000002,,30,"]
    assert counts(rehearsed(shop, rows)) == (2, 0, 0, 0)
    shop.submit(MergeMembers(shop.member, shop.other))
    assert counts(rehearsed(shop, rows)) == (0, 1, 0, 0)
    assert counts(rehearsed(shop, rows[1:])) == (0, 1, 0, 0)
    shop.submit(RemoveIdentities(shop.member, (PHONE, OTHER)))
    assert counts(rehearsed(shop, [",C1,130,"])) == (0, 1, 0, 0)
    shop.submit(AddIdentities(shop.member, (Identity("card", "C9"),)))
    assert counts(rehearsed(shop, [",C9,130,"])) == (0, 1, 0, 0)
    assert shop.points() == 130
    assert_sound(database_url)


def test_what_waits_for_a_second_person_waits_once(bare_database_url: str, tmp_path: Path) -> None:
    """Also where another file names the member otherwise: approved twice, the points would be there twice."""
    limited = msgspec.structs.replace(DEFAULT_PROGRAM, adjustments=Adjustments(limit_points=1_000))
    add_program(bare_database_url, limited)
    shop = Shop(bare_database_url, tmp_path)
    assert counts(rehearsed(shop, ["13800000001,,5000,"])) == (0, 0, 1, 0)
    again = rehearsed(shop, [",C1,5000,"])
    assert (counts(again), again.agrees) == ((0, 0, 1, 0), True)
    assert counts(rehearsed(shop, [",C1,4000,"])) == (0, 0, 0, 1)
    assert fetch_sql(bare_database_url, "SELECT count(*) FROM approvals") == [(1,)]


def test_members_whom_nobody_knows(shop: Shop) -> None:
    """Rejected, or registered with what they bring; again nothing changes, and the proof finds them."""
    rows = ["13900000000,,20,", ",C7,3,2001-01-01"]
    assert counts(rehearsed(shop, rows)) == (0, 0, 0, 2)
    assert shop.codes() == ["unknown_member", "unknown_member"]
    mapping = msgspec.structs.replace(shop.mapping, register=True)
    dry, first, again = (shop.run(*rows, dry=dry, mapping=mapping) for dry in (True, False, False))
    assert (counts(dry), counts(first), counts(again)) == ((1, 0, 0, 1), (1, 0, 0, 1), (0, 1, 0, 1))
    assert first.agrees and again.agrees and shop.points() == 20


def test_two_imports_of_one_source_at_once(shop: Shop, database_url: str) -> None:
    """Neither would find what the other books: the second is refused; another source is none of its business."""

    async def hold(engine: Engine) -> None:
        connection = await connect(database_url)
        try:
            assert await connection.fetchval(CLAIM_SOURCE, "import:old")
            with pytest.raises(ImportRunning):
                await asyncio.to_thread(shop.run, "13800000001,,100,")
            other = BalanceMapping(shop.mapping.name, "import:new", BalanceColumns({"phone": "phone"}, "points"))
            assert (await asyncio.to_thread(lambda: shop.run("13800000001,,9,", mapping=other))).booked == 1
        finally:
            await connection.close()

    with_engine(database_url, hold)
    assert shop.run("13800000001,,100,").booked == 1


def test_a_file_by_another_name_in_another_order(shop: Shop, tmp_path: Path) -> None:
    """Known failure 84: what makes a lot unique is the source, the member, the wallet and the expiry. Neither the name
    of the file nor the order of its rows counts; a row that changed is refused and named, the others stay."""
    rows = ["13800000001,,100,2999-12-31", "13800000002,,7,", ",C1,50,"]
    assert counts(rehearsed(shop, rows)) == (3, 0, 0, 0)
    (tmp_path / "balances.csv").rename(tmp_path / "balances (1).csv")
    assert counts(rehearsed(shop, rows)) == (0, 3, 0, 0)
    assert counts(rehearsed(shop, rows[::-1])) == (0, 3, 0, 0)
    changed = rehearsed(shop, [rows[0], "13800000002,,8,", rows[2]])
    assert (counts(changed), changed.agrees, shop.codes()) == ((0, 2, 0, 1), False, ["key_conflict"])
    assert shop.points() == 157


def test_the_same_balances_of_another_source_are_told(shop: Shop) -> None:
    """Two systems may each have balances; the very same ones are more likely one system under two names."""
    shop.run("13800000001,,100,2999-12-31", "13800000002,,7,")
    other = msgspec.structs.replace(shop.mapping, source="import:balances-2")
    rows = ["13800000001,,100,2999-12-31", "13800000002,,8,"]
    told = [("import:old", 1, 100)]
    dry = shop.run(*rows, dry=True, mapping=other)
    assert [(each.source, each.lots, each.points) for each in dry.booked_elsewhere] == told
    done = shop.run(*rows, mapping=other)
    assert ([(each.source, each.lots, each.points) for each in done.booked_elsewhere], done.booked) == (told, 2)
    assert shop.run(*rows, mapping=other).booked_elsewhere == []


def test_an_expiry_that_changed_is_told(shop: Shop) -> None:
    """The new one is a lot of its own, so that both stand; two lots of as many points in one file are no such ones."""
    shop.run("13800000001,,100,2999-12-31", "13800000002,,100,2999-12-31")
    rows = ["13800000001,,100,2999-06-30", "13800000002,,100,2999-06-30", "13800000002,,100,2999-12-31"]
    for dry in (True, False):
        found = shop.run(*rows, dry=dry)
        assert (counts(found), found.expiry_changed.lots, found.expiry_changed.points) == ((2, 1, 0, 0), 1, 100)
    assert shop.run(*rows).expiry_changed.lots == 0


def test_rows_that_are_added_and_rows_of_nothing(shop: Shop) -> None:
    """A row that stands there twice doubles the points: it is listed. Nought points are nothing to book, and no fault;
    a comma that does not part thousands is one."""
    rows = ["13800000001,,100,", ",C1,100,", "13800000002,,0,", '13800000002,,"1,234",2999-12-31']
    done = rehearsed(shop, [*rows, '13800000002,,"1,5",2999-11-30'])
    assert (counts(done), done.empty, shop.codes()) == ((1, 0, 0, 2), 1, ["member_incomplete", "invalid_points"])
    done = rehearsed(shop, rows)
    assert (counts(done), done.empty, shop.points()) == ((1, 1, 0, 0), 1, 1_434)
    assert msgspec.to_builtins(done.repeated) == {
        "total": 1,
        "listed": [{"lines": [2, 3], "wallet": "points", "points": 200, "alike": True}],
    }


def test_days_in_every_shape(shop: Shop) -> None:
    """One lot, however its day is written; what is ambiguous is rejected."""
    shapes = ["2999/12/31", "2999-12-31", "29991231", "2999年12月31日", "31.12.2999"]
    done = rehearsed(shop, [f"13800000001,,1,{shape}" for shape in shapes])
    assert (counts(done), shop.points()) == ((1, 0, 0, 0), 5)
    assert counts(rehearsed(shop, ["13800000002,,1,12/31/2999"])) == (0, 0, 0, 1)
    assert shop.codes() == ["invalid_instant"]
    mapping = msgspec.structs.replace(shop.mapping, time=TimeShape("Asia/Shanghai", "%m/%d/%Y"))
    assert counts(shop.run("13800000001,,5,12/31/2999", mapping=mapping)) == (0, 1, 0, 0)
