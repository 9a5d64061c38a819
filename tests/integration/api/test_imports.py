"""`/v1/imports`: a file is uploaded, looked through, imported, stopped and gone on with; the figures are the command
line's, and what is wrong is told before anything is recorded."""

from __future__ import annotations

import csv
import io
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from jifen.db.embedded import EmbeddedAddress
from jifen.services.uploads.imports import LOST_SECONDS
from tests.databases import WITH_PROGRAM, fetch_sql, fresh_database, run_sql
from tests.integration.api.server import PATIENCE_SECONDS, Server, running_server, unique

PATH = "/v1/imports"
MAPPING = """
name: {zh: 会员, en: Members}
source: import:crm
columns:
  identities: {external: 编号, phone: 手机号}
  name: 姓名
"""
AT_WORK = ("checking", "running")


@pytest.fixture(scope="module")
def shop(database_server: EmbeddedAddress, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of two workers, with a folder of uploads of its own."""
    folder = tmp_path_factory.mktemp("uploads")
    folder.chmod(0o700)
    settings = {"workers": 2, "uploads": folder, "upload_limit_bytes": 2_000_000}
    with fresh_database(database_server, WITH_PROGRAM) as url, running_server(url, **settings) as server:
        yield server


@pytest.fixture
def folder(shop: Server) -> Path:
    """The folder of uploads."""
    environ = Path("/proc", str(shop.process.pid), "environ").read_bytes().split(b"\0")
    return Path(next(each for each in environ if each.startswith(b"JIFEN_UPLOADS=")).decode().partition("=")[2])


@pytest.fixture
def client(shop: Server) -> Iterator[httpx.Client]:
    """A client of that server."""
    with shop.client() as client:
        yield client


def members_csv(count: int) -> bytes:
    """A file of members whom nobody knows yet."""
    name = unique("m")
    digits = abs(hash(name)) % 10**6
    rows = [f"{name}-{number},139{digits:06}{number:05},会员 {number}" for number in range(count)]
    return ("编号,手机号,姓名\n" + "\n".join(rows) + "\n").encode()


def upload(client: httpx.Client, content: bytes, kind: str = "members", **more: Any) -> httpx.Response:
    """Send a file."""
    name = more.pop("name", "members.csv")
    return client.post(PATH, data={"kind": kind} | more, files={"file": (name, content)})


def settled(client: httpx.Client, number: str) -> dict[str, Any]:
    """An import, once nothing is at work."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        found: dict[str, Any] = client.get(f"{PATH}/{number}").json()
        if found["status"] not in AT_WORK:
            return found
        time.sleep(0.1)
    raise AssertionError("the import does not end")


def checked(client: httpx.Client, content: bytes, kind: str = "members", **more: Any) -> dict[str, Any]:
    """An import whose file was looked through."""
    answer = upload(client, content, kind, **more)
    assert answer.status_code == 202, answer.text
    return settled(client, answer.json()["import_id"])


def started(client: httpx.Client, number: str) -> dict[str, Any]:
    """An import, once it was begun and has ended."""
    answer = client.post(f"{PATH}/{number}/start")
    assert answer.status_code == 202, answer.text
    assert answer.json()["status"] == "running"
    return settled(client, number)


def code_of(answer: httpx.Response, status: int) -> str:
    """The code with which something was refused."""
    assert answer.status_code == status, answer.text
    code: str = answer.json()["code"]
    return code


def test_from_the_upload_to_the_last_row(shop: Server, client: httpx.Client, folder: Path) -> None:
    """Looked through without recording anything; imported when it is started; the file is gone with that."""
    before = shop.ledger()
    found = checked(client, members_csv(30) + b",,\n", mapping=MAPPING, name="会员 2026.csv")
    assert shop.ledger() == before
    assert (found["status"], found["error"], found["file_name"]) == ("checked", None, "会员 2026.csv")
    assert (found["report"]["rows"], found["report"]["rejected"], found["result"]) == (31, 1, None)
    assert {each["column"]: each["percent"] for each in found["report"]["columns"]}["姓名"] == 96
    assert found["progress"] == {"percent": 100, "rows_done": 0, "rows_total": 31}
    stored = list(folder.iterdir())
    assert stored and {oct(each.stat().st_mode & 0o777) for each in stored} == {"0o600"}
    number = found["import_id"]
    done = started(client, number)
    assert (done["status"], done["result"]["registered"], done["result"]["rejected"]) == ("done", 30, 1)
    assert done["progress"] == {"percent": 100, "rows_done": 31, "rows_total": 31}
    assert done["file_deleted_at"] is not None
    rejects = client.get(f"{PATH}/{number}/rejects")
    assert rejects.headers["content-type"].startswith("text/csv")
    assert "attachment" in rejects.headers["content-disposition"]
    (row,) = csv.DictReader(io.StringIO(rejects.content.decode()))
    assert (row["file"], row["line"], row["code"]) == ("会员 2026.csv", "32", "missing_value")
    assert [each.suffix for each in folder.iterdir()] == [".rejects"]
    assert code_of(client.post(f"{PATH}/{number}/start"), 409) == "import_over"
    assert code_of(client.post(f"{PATH}/{number}/check", json={}), 409) == "import_over"
    assert client.post(f"{PATH}/{number}/stop").json() == done, "what is over stays as it is"
    assert client.delete(f"{PATH}/{number}").status_code == 200
    assert list(folder.iterdir()) == []
    assert code_of(client.get(f"{PATH}/{number}/rejects"), 404) == "no_rejects"
