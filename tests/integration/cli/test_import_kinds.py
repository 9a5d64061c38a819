"""Members, orders and balances are imported alike: from the same files, with the same options."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from openpyxl import Workbook

from jifen.db.embedded import use
from tests.databases import fast_folder
from tests.integration.cli.support import ask, environment, jifen, refused

KINDS = ("members", "orders", "balances")
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
NO_TABLES = {
    "garbage.xlsx": (bytes(range(256)) * 4, "no Excel workbook"),
    "text.xlsx": (b"phone,name\n", "no Excel workbook"),
    "cut.xlsx": (b"PK\x03\x04" + bytes(200), "cut off"),
    "old.xls": (OLE, "save it as .xlsx"),
    "secret.xlsx": (OLE + "EncryptedPackage".encode("utf-16-le"), "under a password"),
    "page.xls": (b"<html><table><tr><td>phone</td></tr></table></html>", "web page"),
    "empty.xlsx": (b"", "is empty"),
    "picture.csv": (b"\x89PNG\r\n\x1a\n\xff\xfe\x00\x01", "is not text"),
}
MAPPINGS = {
    "members": "name: {zh: 会, en: M}\nsource: s\ncolumns: {identities: {phone: phone}}\n",
    "balances": "name: {zh: 余, en: B}\nsource: s\ncolumns: {identities: {phone: phone}, points: points}\n",
}


def sheet(file: Path, *rows: list[object]) -> Path:
    """A workbook."""
    book = Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    book.save(file)
    return file


@pytest.mark.parametrize("kind", KINDS)
def test_files_that_are_no_tables(data: Path, tmp_path: Path, kind: str) -> None:
    """One line that says what the file is and what to do; also where only a mapping is to be proposed."""
    mapping = "orders"
    if kind in MAPPINGS:
        (tmp_path / "mapping.yaml").write_text(MAPPINGS[kind], "utf-8")
        mapping = str(tmp_path / "mapping.yaml")
    for name, (content, said) in NO_TABLES.items():
        file = tmp_path / name
        file.write_bytes(content)
        assert said in refused(["import", kind, file, "--mapping", mapping, "--data", data]), name
        assert said in refused(["import", kind, file, "--infer"]), name
    assert "it is a folder" in refused(["import", kind, tmp_path, "--infer"])


def test_from_a_workbook_to_points(tmp_path: Path) -> None:
    """Members, their balances and their orders from workbooks, by the mappings that are proposed for them; again, under
    other names, nothing changes."""
    shop = fast_folder(tmp_path / "shop")
    born = [["1001", 13912340001, "张小三", "1985/2/28"], ["1002", 13912340002, "张晓三", "1985/2/28"]]
    files = {
        "members": sheet(
            tmp_path / "会员.xlsx", ["会员编号", "手机号", "姓名", "生日"], *born, ["1001", 13912340001, "张小三", ""]
        ),
        "balances": sheet(
            tmp_path / "积分.xlsx", ["手机号", "积分", "有效期"], [13912340001, 100, "2999/12/31"], [13912340002, 0, ""]
        ),
        "orders": sheet(
            tmp_path / "订单.xlsx",
            ["订单号", "下单时间", "手机号", "数量", "实付金额"],
            ["A1", "2026/1/5 10:00", 13912340001, 1, 30],
            ["A2", "2026/1/6 10:00", "13912340002.0", 1, 19.9],
        ),
    }
    with use(shop):
        ask("program", "apply", "starter", "--data", shop)
        for kind, file in files.items():
            mapping = tmp_path / f"{kind}.yaml"
            proposed = jifen("import", kind, file, "--infer", "--data", shop).stdout
            mapping.write_text(proposed, "utf-8")
            assert f"source: import:{kind}\n" in proposed
            call = ["import", kind, file, "--mapping", mapping, "--data", shop]
            if kind == "members":
                said = jifen(*call, "--dry-run", "--lang", "en").stdout
                assert "2, 4" in said and "external, phone" in said
                assert "2, 3" in said and "similar name and birthday" in said
            done = ask(*call)
            assert done.get("rejected", 0) == done.get("rejected_lines", 0) == 0
            again = ask("import", kind, file.rename(tmp_path / f"{kind}.xlsx"), *call[3:])
            assert not again.get("registered") and not again.get("booked") and not again.get("points_issued")
        balances = ["import", "balances", tmp_path / "balances.xlsx", "--mapping", tmp_path / "balances.yaml"]
        dry = ask(*balances, "--data", shop, "--source", "import:crm", "--dry-run")
        assert (dry["booked"], dry["booked_elsewhere"]) == (
            1,
            [{"source": "import:balances", "lots": 1, "points": 100}],
        )
        told = jifen(*balances, "--data", shop, "--source", "import:crm", "--dry-run", "--lang", "zh").stderr
        assert "--source import:balances" in told
        assert json.loads(jifen("members", "show", "phone:13912340001", "--data", shop, "--json").stdout)
        assert ask("verify", "--data", shop)["findings"] == []


def test_orders_of_a_query(tmp_path: Path) -> None:
    """With a proposed mapping, and one that says how a file of commas would be written: a query is none."""
    shop = fast_folder(tmp_path / "shop")
    mapping = tmp_path / "orders.yaml"
    query = (
        "SELECT 'Q' || n AS order_id, '2026-01-05 10:00' AS occurred_at, '1391235000' || n AS phone, 1 AS quantity, "
        "10 AS paid FROM generate_series(1, 3) n ORDER BY n"
    )
    with use(shop) as address:
        ask("program", "apply", "starter", "--data", shop)
        env = environment(IMPORT_DATABASE_URL=address.url)
        proposed = jifen("import", "orders", "--query", query, "--infer", "--data", shop, env=env)
        assert proposed.returncode == 0, proposed.stderr
        mapping.write_text(proposed.stdout + "file: {delimiter: ;}\n", "utf-8")
        call = ["import", "orders", "--query", query, "--mapping", mapping, "--data", shop, "--json"]
        for duplicates, points in ((0, 30), (3, 0)):
            done = jifen(*call, env=env)
            assert done.returncode == 0, done.stderr
            found = json.loads(done.stdout)
            assert (found["orders"], found["duplicates"], found["points_issued"]) == (3, duplicates, points)
    assert "not both" in refused(["import", "orders", tmp_path / "x.csv", "--query", query, "--mapping", "orders"])
    assert "--infer" in refused(["import", "orders", tmp_path / "x.csv"])


@pytest.mark.parametrize("source", ["", "x" * 201, "a\x07"])
def test_a_source_that_is_none(tmp_path: Path, source: str) -> None:
    """It is part of a key for ever."""
    file = tmp_path / "members.csv"
    file.write_text("phone\n13912340001\n", "utf-8")
    assert "--source" in refused(["import", "members", file, "--infer", "--source", source])
