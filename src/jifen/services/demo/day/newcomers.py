"""The first act: members from an old system. What is wrong with the workbook is known, so that the figures of the
import can be compared."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from jifen.core.identity import Identity
from jifen.core.rules.document import LocalizedText
from jifen.engine.loading import find_identities
from jifen.services.demo.day.acts import Arrival
from jifen.services.demo.day.stage import Stage
from jifen.services.imports.people import BalanceMapping, import_balances, import_members, load_member_mapping
from jifen.services.imports.people.mapping import BalanceColumns
from jifen.services.imports.proposals import propose_mapping

#: So many good rows, and rows of somebody who stood above.
GOOD: Final = 300
REPEATED: Final = 8
#: Rows that cannot be taken, by the reason: phone, name and birthday as they stand there.
_FAULTS: Final[dict[str, list[tuple[object, str, object]]]] = {
    "invalid_identity": [("12", "钱六", ""), ("无", "孙七", ""), ("-", "周八", ""), ("12", "吴九", "1988-08-08")],
    "missing_value": [("", "无名", ""), ("", "", "1979-01-02"), (" ", "佚名", "")],
    "invalid_birthday": [("", "赵四", "1990年2月30日"), ("", "郑十", "昨天"), ("", "冯一", "1991-13-01")],
    "inexact_number": [("1.39E+10", "陈二", ""), ("4.00012E+10", "褚三", "")],
}
REJECTED: Final = sum(map(len, _FAULTS.values()))
_HEADER: Final = ("会员编号", "手机号", "姓名", "性别", "生日")
_FEMALE, _MALE = ("女", "F", "女士", "女"), (1, "男", "M", "先生")
#: Balances that cannot be booked: of somebody unknown, and one that is no number.
_UNKNOWN_POINTS: Final = 500


async def welcome(stage: Stage) -> tuple[Arrival, list[int]]:
    """Import the members and their balances; the ids of those who came."""
    with TemporaryDirectory(prefix="jifen-day-") as folder:
        book, rejects = Path(folder) / f"members-{stage.day}.xlsx", Path(folder) / "rejects.csv"
        _write_members(book, stage.day)
        proposed = Path(folder) / "members.yaml"
        proposed.write_text(propose_mapping("members", book, source=f"import:{book.stem}"), "utf-8")
        mapping = load_member_mapping(str(proposed))
        people = await import_members(stage.engine, stage.url, book, mapping, rejects=rejects)
        reasons = _reasons(rejects)
        table = Path(folder) / f"balances-{stage.day}.csv"
        _write_balances(table, stage.day)
        balances = await import_balances(stage.engine, stage.url, table, _balance_mapping(stage))
    proof = balances.wallets[0]
    expected = {code: len(rows) for code, rows in _FAULTS.items()}
    taken = (people.rows, people.registered, people.repeated, people.rejected, balances.booked)
    act = Arrival(
        rows=people.rows,
        registered=people.registered,
        repeated=people.repeated,
        rejected=people.rejected,
        reasons=reasons,
        balances=balances.booked,
        file_points=proof.file_points,
        ledger_points=proof.ledger_points,
        rejected_points=proof.rejected_points,
        is_right=taken == (GOOD + REPEATED + REJECTED, GOOD, REPEATED, REJECTED, GOOD)
        and reasons == expected
        and balances.agrees
        and proof.ledger_points == sum(map(_points, range(GOOD))),
    )
    identities = [Identity("external", _name(stage.day, number)) for number in range(GOOD)]
    found = await find_identities(stage.connection, identities, stage.catalog.shards, None)
    return act, [found[each] for each in identities if each in found]


def _name(day: int, number: int) -> str:
    return f"T{day}-{number + 1:03}"


def _phone(day: int, number: int) -> str:
    """A telephone number that nobody has: no Chinese mobile number begins with 4."""
    return f"4{day:04}{number:06}"


def _points(number: int) -> int:
    return 100 + 50 * (number % 7)


def _row(day: int, number: int) -> tuple[object, ...]:
    """A good row, in one of the ways in which people fill in spreadsheets."""
    digits, way = _phone(day, number), number % 4
    phone = (digits, int(digits), f"{digits[:3]} {digits[3:7]}-{digits[7:]}", f" {digits} ")[way]
    born = date(1960 + number % 45, 1 + number % 12, 1 + number % 28)
    birthday = (born.isoformat(), born, f"{born:%Y/%m/%d}", "")[way]
    gender = (_MALE if number % 3 == 0 else _FEMALE)[way]
    return _name(day, number), phone, f"新会员{number + 1:03}", gender, birthday


def _write_members(file: Path, day: int) -> None:
    """Good rows, rows that repeat one, and bad ones, mixed."""
    from openpyxl import Workbook

    rows: list[tuple[object, ...]] = [_row(day, number) for number in range(GOOD)]
    rows += [_row(day, number) for number in range(0, GOOD, GOOD // REPEATED)][:REPEATED]
    for code, faults in _FAULTS.items():
        for number, (phone, name, birthday) in enumerate(faults):
            # Without a number of the old system nobody is found; with one only the fault stands in the way.
            identity = "" if code == "missing_value" else f"X{day}-{code}-{number}"
            rows.insert(len(rows) * (number + 1) // 5, (identity, phone, name, "女", birthday))
    book = Workbook()
    sheet: Any = book.active
    sheet.append(_HEADER)
    for row in rows:
        sheet.append(row)
    book.save(file)


def _write_balances(file: Path, day: int) -> None:
    with file.open("w", encoding="gb18030", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(("会员编号", "积分"))
        writer.writerows((_name(day, number), _points(number)) for number in range(GOOD))
        writer.writerow((f"X{day}-nobody", _UNKNOWN_POINTS))
        writer.writerow((_name(day, 0) + "-A", "一百"))


def _balance_mapping(stage: Stage) -> BalanceMapping:
    codes = [each.code for each in stage.adjustments.reasons]
    return BalanceMapping(
        LocalizedText("期初余额", "Opening balances"),
        f"demo-day:{stage.day}:balances",
        BalanceColumns({"external": "会员编号"}, "积分"),
        reason_code="moved_in" if "moved_in" in codes else codes[0],
    )


def _reasons(rejects: Path) -> dict[str, int]:
    with rejects.open(encoding="utf-8", newline="") as source:
        return dict(Counter(row["code"] for row in csv.DictReader(source)))
