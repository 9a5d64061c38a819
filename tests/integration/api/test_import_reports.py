"""`/v1/imports`: what is told of a file before anything is recorded."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.integration.api.test_imports import MAPPING, OLD_EXCEL, checked, folder, server, started, upload

__all__ = ["folder", "server"]


@pytest.mark.parametrize("kind", ["members", "orders", "balances"])
def test_files_that_are_no_tables(client: httpx.Client, folder: Path, kind: str) -> None:
    """Told at once, by the sender's name of the file, in the caller's language; nothing is kept."""
    before = set(folder.iterdir())
    for name, content in (
        ("会员.xlsx", b"a,b\n"),
        ("会员.xls", OLD_EXCEL),
        ("会员.xls", b"\n<table>"),
        ("会员.csv", b"["),
    ):
        answer = upload(client, content, kind, name=name)
        assert (answer.status_code, answer.json()["code"]) == (422, "import_file_unreadable"), answer.text
        assert answer.json()["detail"].startswith(f"{name}: is ")
        client.headers["accept-language"] = "zh"
        told = upload(client, content, kind, name=name).json()["detail"]
        del client.headers["accept-language"]
        assert told.isprintable() and "is " not in told and name in told, told
    assert set(folder.iterdir()) == before


def test_a_file_of_other_columns(client: httpx.Client) -> None:
    """What is missing is named, with what is there; the same for every kind."""
    for kind, mapping in (("members", MAPPING), ("orders", "orders")):
        found = checked(client, b"a,b\n1,2\n", kind, mapping=mapping)
        assert (found["status"], found["error_code"]) == ("failed", "import_columns_missing")
        assert "there is no column" in found["error"] and "the file has a, b" in found["error"]


def test_a_mapping_of_orders_is_proposed(client: httpx.Client) -> None:
    """With the currency of the program; nothing is recorded before somebody has seen the report and starts it."""
    orders = "订单号,下单时间,手机号,数量,实付金额\nP1,2026/1/5 10:00,13812340001,1,20\n".encode("gb18030")
    found = checked(client, orders, "orders")
    assert (found["status"], found["mapping_is_proposed"]) == ("checked", True), found
    assert "currency: CNY" in found["mapping"] and "'%Y/%m/%d %H:%M'" in found["mapping"]
    assert (found["report"]["orders"], found["report"]["dry_run"]) == (1, True)
    assert started(client, found["import_id"])["result"]["orders"] == 1


def test_duplicates_are_listed(client: httpx.Client) -> None:
    """By their lines and the kind of what they share: the report is kept longer than the file, so it names nobody."""
    content = "编号,手机号,姓名\nD1,13812350001,李\nD2,13812350001,李\n".encode()
    found = checked(client, content, mapping=MAPPING)
    assert found["report"]["duplicates"]["in_file"] == {
        "total": 1,
        "listed": [{"lines": [2, 3], "reasons": ["phone"]}],
    }
    assert "13812350001" not in str(found)
