"""The same dirty files over HTTP and on the command line, each into a database of its own: equal reports, rejects and
ledgers."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from jifen.db.embedded import EmbeddedAddress
from tests.databases import WITH_PROGRAM, fetch_sql, fresh_database
from tests.integration.api.server import Server, running_server
from tests.integration.api.test_imports import PATH, checked, started
from tests.integration.cli.support import environment, jifen

HEADER = ["会员编号", "手机号", "姓名", "性别", "生日", "入会日期", "备注"]
MEMBERS: list[list[str]] = [
    ["1001", "138 0000-0001", "李梅", "女", "1990-05-17", "2024-01-02", ""],
    ["1002", "13800000002", "王强", "M", "1985/02/28", "2024-01-03 10:30:00", ""],
    ["1003", "13800000003", "张三", "男", "19900229", "2024-01-04", "no such day"],
    ["", "", "无名", "男", "", "", "no identity"],
    ["1006", "12", "钱六", "男", "", "", "no telephone number"],
    ["1001", "13800000001", "李梅", "女", "", "", "again"],
    ["1008", "13800000008", "孙八", "雌", "", "", "an unknown gender"],
    ["1009", "13800000009", "周九", "女", "", "2999-01-01", "from the future"],
    ["1010", "13800000002", "吴十", "", "", "", "the telephone of 1002"],
]
MEMBER_MAPPING = """
name: {zh: 会员, en: Members}
source: import:crm
columns:
  identities: {external: 会员编号, phone: 手机号}
  name: 姓名
  gender: 性别
  birthday: 生日
  registered_at: 入会日期
"""
BALANCES = (
    "会员编号,积分,有效期\n1001,1200,2999-12-31\n1001,300,\n1002,50.0,2999-06-30\n1002,-5,\n9999,7,\n1010,x,\n,10,\n"
    "1010,7,2001-01-01\n"
)
BALANCE_MAPPING = """
name: {zh: 期初余额, en: Opening balances}
source: import:crm
columns: {identities: {external: 会员编号}, points: 积分, expires_at: 有效期}
"""
ORDERS = (
    "order_id,occurred_at,identity,line_id,sku,quantity,paid,refund_of\n"
    "A,2026-01-02T10:00:00,external:1001,1,TEA,2,35.60,\n"
    "A,2026-01-02T10:00:00,external:1001,2,CUP,1,20.00,\n"
    "B,2026-01-03T10:00:00,external:1002,1,TEA,1,x,\n"
    "C,2026-01-04T10:00:00,,1,TEA,1,9.90,\n"
    "D,2999-01-04T10:00:00,external:1010,1,TEA,1,9.90,\n"
    "R,2026-01-05T10:00:00,external:1001,1,TEA,1,0,A\n"
    "S,2026-01-06T10:00:00,external:1002,1,TEA,1,0,A\n"
)
#: How long it took differs.
_TIMES = ("seconds", "members_per_second")
_TRANSACTIONS = """
SELECT i.value, t.sequence, t.kind, t.source, t.key_id, t.actor, t.reason, t.facts::text,
       (SELECT json_agg(json_build_array(m.wallet, m.from_bucket, m.to_bucket, m.amount, m.expires_at)
                        ORDER BY m.position)::text
        FROM movements m WHERE (m.shard, m.member_id, m.sequence) = (t.shard, t.member_id, t.sequence))
FROM transactions t JOIN identities i ON i.member_id = t.member_id AND i.kind = 'external' ORDER BY 1, 2
"""
_PEOPLE = """
SELECT i.kind, i.value, m.profile::text, m.person::text
FROM members m JOIN identities i USING (member_id) ORDER BY 1, 2
"""


@pytest.fixture
def shops(database_server: EmbeddedAddress, tmp_path: Path) -> Iterator[tuple[Server, str]]:
    """A server, and the database of a shop that uses the command line."""
    folder = tmp_path / "uploads"
    with (
        fresh_database(database_server, WITH_PROGRAM) as url,
        fresh_database(database_server, WITH_PROGRAM) as other,
        running_server(url, uploads=folder) as server,
    ):
        yield server, other


def by_command(url: str, folder: Path, kind: str, content: bytes, mapping: str) -> tuple[Any, Any, bytes]:
    """The report of a dry run, the summary and the rejects as the command line gives them."""
    file, meant, rejects = folder / "dirty.csv", folder / "mapping.yaml", folder / "rejects.csv"
    file.write_bytes(content)
    meant.write_text(mapping, "utf-8")
    call = ["import", kind, file, "--mapping", "orders" if kind == "orders" else meant, "--rejects", rejects]
    env = environment(JIFEN_DATABASE_URL=url)
    report, summary = (jifen(*call, *more, "--json", env=env) for more in (["--dry-run"], []))
    assert (report.returncode, summary.returncode) == (0, 0), report.stderr + summary.stderr
    return without_times(report.stdout), without_times(summary.stdout), rejects.read_bytes()


def without_times(found: Any) -> Any:
    """A report that can be compared."""
    report = found if isinstance(found, dict) else json.loads(found)
    return {name: value for name, value in report.items() if name not in _TIMES}


def by_http(client: httpx.Client, kind: str, content: bytes, mapping: str) -> tuple[Any, Any, bytes]:
    """The same over HTTP."""
    meant = "orders" if kind == "orders" else mapping
    found = checked(client, content, kind, mapping=meant, name="dirty.csv")
    assert found["status"] == "checked", found
    done = started(client, found["import_id"])
    assert done["status"] == "done", done
    rejects = client.get(f"{PATH}/{found['import_id']}/rejects").content
    return without_times(found["report"]), without_times(done["result"]), rejects


def test_both_ways_give_the_same(shops: tuple[Server, str], tmp_path: Path) -> None:
    """One implementation: whoever imports by a screen gets the figures of whoever has a shell (known failure 84)."""
    server, other = shops
    target = io.StringIO(newline="")
    csv.writer(target).writerows([HEADER, *MEMBERS])
    files = {
        "members": (target.getvalue().encode("gb18030"), MEMBER_MAPPING),
        "balances": (BALANCES.encode("utf-8-sig"), BALANCE_MAPPING),
        "orders": (ORDERS.encode(), ""),
    }
    with server.client() as client:
        for kind, (content, mapping) in files.items():
            by_shell = by_command(other, tmp_path, kind, content, mapping)
            over_http = by_http(client, kind, content, mapping)
            assert over_http == by_shell, kind
            assert len(over_http[2].splitlines()) > 2, "the file is dirty"
            again = by_http(client, kind, content, mapping)
            assert again[1].get("booked", 0) == again[1].get("registered", 0) == again[1].get("points_issued", 0) == 0
    for query in (_TRANSACTIONS, _PEOPLE):
        found = fetch_sql(server.url, query)
        assert len(found) >= 4
        assert found == fetch_sql(other, query)
    for url in (server.url, other):
        assert jifen("verify", "--json", env=environment(JIFEN_DATABASE_URL=url)).returncode == 0
