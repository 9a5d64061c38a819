"""`/v1/imports`: a file is uploaded, looked through, imported, stopped and gone on with; the figures are the command
line's, and what is wrong is told before anything is recorded."""

from __future__ import annotations

import asyncio
import csv
import gzip
import io
import os
import signal
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from jifen.core.rules.document import LocalizedText, MemberField
from jifen.db.connection import connect
from jifen.db.embedded import EmbeddedAddress
from jifen.services.uploads.imports import LOST_SECONDS, MOST_STORED, delete_outdated
from jifen.services.uploads.storage import Storage
from tests.databases import DEFAULT_PROGRAM, WITH_PROGRAM, add_program, fetch_sql, fresh_database, run_sql
from tests.integration.api.server import PATIENCE_SECONDS, Server, running_server, unique

PATH = "/v1/imports"
LIMIT_BYTES = 2_000_000
MAPPING = """
name: {zh: 会员, en: Members}
source: import:crm
columns:
  identities: {external: 编号, phone: 手机号}
  name: 姓名
"""
AT_WORK = ("checking", "running")
MANY = """
INSERT INTO imports (uploaded_by, kind, file_name, file_bytes, stored_as, kept_until, is_proposed)
SELECT 'test', 'members', 'x', 1, 'x', 'infinity', true FROM generate_series(1, $1::integer)
"""


@pytest.fixture(scope="module")
def server(database_server: EmbeddedAddress, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of two workers, with a folder of uploads of its own."""
    folder = tmp_path_factory.mktemp("uploads")
    folder.chmod(0o700)
    settings = {"workers": 2, "uploads": folder, "upload_limit_bytes": LIMIT_BYTES}
    with fresh_database(database_server, WITH_PROGRAM) as url, running_server(url, **settings) as server:
        yield server


@pytest.fixture
def folder(server: Server) -> Path:
    """The folder of uploads."""
    environ = Path("/proc", str(server.process.pid), "environ").read_bytes().split(b"\0")
    return Path(next(each for each in environ if each.startswith(b"JIFEN_UPLOADS=")).decode().partition("=")[2])


def workbook_without_sheets() -> bytes:
    """A ZIP archive that is no workbook."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("readme.txt", "no workbook")
    return target.getvalue()


#: How workbooks of old and those under a password begin.
OLD_EXCEL = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
#: What is wrong with a file, its content, and words of the message.
BAD_FILES = {
    "bad zip": (b"PK\x03\x04 and then nothing", "no Excel workbook"),
    "not a workbook": (workbook_without_sheets(), "no Excel workbook"),
    "wrong encoding": ("编号,手机号,姓名\n1,2,李\n".encode("gb18030"), "is not text in utf-8"),
    "binary": (bytes(range(128, 256)) * 10, "is not text in utf-8"),
    "damaged gzip": (gzip.compress(b"a,b\n1,2\n" * 1_000)[:-20], "cut off or damaged"),
    "bomb": (gzip.compress(b"a,b\n" * 20_000_000), "unpacks to more than"),
    "endless line": (gzip.compress(b"a" * 20_000_000), "has a line of more than"),
    "no columns": (b"\n\n", "must name the columns"),
}


async def sweep(url: str, folder: Path) -> None:
    """What a worker does every ten minutes."""
    connection = await connect(url)
    try:
        await delete_outdated(connection, Storage(folder), 7)
    finally:
        await connection.close()


def stalling(head: bytes) -> Iterator[bytes]:
    """A form that does not come to its end for a while."""
    yield head
    yield b"a" * 100_000
    time.sleep(1)
    raise httpx.WriteError("gone")


def members_csv(count: int) -> bytes:
    """A file of members whom nobody knows yet."""
    name = unique("m")
    file = int(name.rpartition("-")[2])
    rows = [f"{name}-{number},139{file:06}{number:05},会员 {number}" for number in range(count)]
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


def test_from_the_upload_to_the_last_row(server: Server, client: httpx.Client, folder: Path) -> None:
    """Looked through without recording anything; imported when it is started; the file is gone with that."""
    before = server.ledger()
    found = checked(client, members_csv(30) + ",,无名\n".encode(), mapping=MAPPING, name="会员 2026.csv")
    assert server.ledger() == before
    assert (found["status"], found["error"], found["file_name"]) == ("checked", None, "会员 2026.csv")
    assert (found["report"]["rows"], found["report"]["rejected"], found["result"]) == (31, 1, None)
    assert {each["column"]: each["percent"] for each in found["report"]["columns"]}["手机号"] == 96
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


def test_a_mapping_is_proposed_and_mended(server: Server, client: httpx.Client) -> None:
    """Without a mapping one is proposed from the header; another one is tried without sending the file again."""
    fields = [MemberField("nick", "string", LocalizedText(zh="昵称", en="Nickname"))]
    add_program(server.url, msgspec.structs.replace(DEFAULT_PROGRAM, fields=fields))
    proposed = checked(client, "会员编号,昵称\n1,小李\n".encode())["mapping"]
    assert "nick: 昵称" in proposed
    answer = upload(client, members_csv(3).replace("编号".encode(), "会员编号".encode()))
    assert (answer.status_code, answer.json()["mapping_is_proposed"]) == (202, True)
    assert "手机号" in answer.json()["mapping"], "it was waited for"
    found = settled(client, answer.json()["import_id"])
    assert "external: 会员编号" in found["mapping"] and "source: import:members" in found["mapping"]
    assert [each["means"] for each in found["report"]["columns"]] == ["identity phone", "identity external", "name"]
    path = f"{PATH}/{found['import_id']}"
    mended = MAPPING.replace("编号", "会员编号").replace("  name: 姓名\n", "")
    again = client.post(f"{path}/check", json={"mapping": mended})
    assert (again.status_code, again.json()["report"], again.json()["mapping"]) == (202, None, mended)
    found = settled(client, found["import_id"])
    assert (found["status"], found["mapping_is_proposed"]) == ("checked", False)
    assert [each["means"] for each in found["report"]["columns"]] == ["identity external", "identity phone"]
    assert started(client, found["import_id"])["result"]["registered"] == 3


def test_a_mapping_that_cannot_be_proposed(client: httpx.Client) -> None:
    """Nothing in the header says where the points stand: told with its path, and mended by a mapping."""
    found = checked(client, b"phone,whatever\n13800138000,12\n", "balances")
    assert (found["status"], found["error_code"], found["report"]) == ("failed", "invalid_mapping", None)
    assert "$.columns.points" in found["error"]
    assert code_of(client.post(f"{PATH}/{found['import_id']}/start"), 409) == "import_not_checked"
    mapping = "{name: {zh: 余额, en: B}, source: b, columns: {identities: {phone: phone}, points: whatever}}"
    client.post(f"{PATH}/{found['import_id']}/check", json={"mapping": mapping})
    found = settled(client, found["import_id"])
    assert (found["status"], found["report"]["rows"]) == ("checked", 1)


def test_one_at_a_time(server: Server, client: httpx.Client) -> None:
    """While one is at work another file is taken and waits; it is checked later. A job runs once."""
    first = checked(client, members_csv(1), mapping=MAPPING)["import_id"]
    at_work(server.url, first)
    waiting = upload(client, members_csv(1), mapping=MAPPING).json()
    assert waiting["status"] == "uploaded"
    for call in (f"{waiting['import_id']}/check", f"{waiting['import_id']}/start", f"{first}/start", f"{first}/check"):
        expected = "import_not_checked" if call == f"{waiting['import_id']}/start" else "import_running"
        assert code_of(client.post(f"{PATH}/{call}", json={}), 409) == expected
    assert code_of(client.delete(f"{PATH}/{first}"), 409) == "import_running"
    assert client.post(f"{PATH}/{first}/stop").json()["status"] == "stopped"
    assert client.post(f"{PATH}/{waiting['import_id']}/check", json={}).status_code == 202
    assert settled(client, waiting["import_id"])["status"] == "checked"
    assert started(client, first)["result"]["registered"] == 1


def at_work(url: str, number: str, silent_seconds: int = 0) -> None:
    """Let an import look as if a process were at it, or had been."""
    change = "UPDATE imports SET status = 'running', seen_at = now() - make_interval(secs => $2::integer) WHERE id = $1"
    fetch_sql(url, change, int(number), silent_seconds)


def test_started_by_many_at_once(server: Server, client: httpx.Client) -> None:
    """However many ask, whichever worker hears them: one process."""
    number = checked(client, members_csv(300), mapping=MAPPING)["import_id"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.post(f"{PATH}/{number}/start"), range(16)))
    begun = [each for each in answers if each.status_code == 202]
    assert len(begun) == 1
    assert {each.json()["code"] for each in answers if each not in begun} <= {"import_running", "import_over"}
    done = settled(client, number)
    assert (done["status"], done["result"]["registered"]) == ("done", 300)
    assert done["uploaded_at"] < done["started_at"] < done["ended_at"]
    assert done["started_by"] == done["uploaded_by"]
    assert fetch_sql(server.url, "SELECT attempt FROM imports WHERE id = $1", int(number)) == [(2,)]


def members_of(url: str) -> int:
    """How many there are."""
    count: int = fetch_sql(url, "SELECT count(*) FROM members")[0][0]
    return count


def wait_for_members(url: str, more_than: int) -> None:
    """Until the import is at it."""
    end = time.monotonic() + PATIENCE_SECONDS
    while members_of(url) <= more_than:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_stopped_and_gone_on_with(server: Server, client: httpx.Client) -> None:
    """What was recorded stays; the second start brings the rest, and nobody twice."""
    before = members_of(server.url)
    number = checked(client, members_csv(20_000), mapping=MAPPING)["import_id"]
    client.post(f"{PATH}/{number}/start").raise_for_status()
    assert code_of(client.post(f"{PATH}/{number}/start"), 409) == "import_running"
    wait_for_members(server.url, before)
    stopped = client.post(f"{PATH}/{number}/stop").json()
    assert (stopped["status"], stopped["result"], stopped["file_deleted_at"]) == ("stopped", None, None)
    time.sleep(3)
    registered = members_of(server.url) - before
    assert 0 < registered < 20_000
    time.sleep(1)
    assert members_of(server.url) - before == registered, "the process has ended"
    done = started(client, number)
    assert (done["status"], done["result"]["registered"], done["result"]["rejected"]) == (
        "done",
        20_000 - registered,
        0,
    )
    assert members_of(server.url) - before == 20_000


def test_stopped_while_it_is_looked_through(client: httpx.Client) -> None:
    """Nothing can be started then; it is looked through again from the beginning. Begun again at once, too."""
    rows = "".join(f"S{number},2026-01-05 10:00,external:S{number},1,TEA,2,100.50,\n" for number in range(30_000))
    content = ("order_id,occurred_at,identity,line_id,sku,quantity,paid,refund_of\n" + rows).encode()
    number = upload(client, gzip.compress(content), "orders", mapping="orders").json()["import_id"]
    assert client.post(f"{PATH}/{number}/stop").json()["status"] == "stopped"
    assert code_of(client.post(f"{PATH}/{number}/start"), 409) == "import_not_checked"
    for pause in (0, 2.5):
        assert client.post(f"{PATH}/{number}/check", json={}).json()["status"] == "checking"
        time.sleep(pause)
        client.post(f"{PATH}/{number}/stop").raise_for_status()
    client.post(f"{PATH}/{number}/check", json={}).raise_for_status()
    found = settled(client, number)
    assert (found["status"], found["error"]) == ("checked", None)
    assert (found["report"]["lines"], found["report"]["orders"]) == (30_000, 30_000)
    client.delete(f"{PATH}/{number}").raise_for_status()


def test_the_server_is_killed(server: Server, client: httpx.Client) -> None:
    """Every worker dies with the power: the process ends with them, and the next start goes on from there."""
    before = members_of(server.url)
    number = checked(client, members_csv(20_000), mapping=MAPPING)["import_id"]
    client.post(f"{PATH}/{number}/start").raise_for_status()
    wait_for_members(server.url, before)
    for worker in server.workers():
        os.kill(worker, signal.SIGKILL)
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with server.client() as fresh:
                found = settled(fresh, number)
                break
        except httpx.TransportError:
            assert time.monotonic() < end
            time.sleep(0.2)
    assert (found["status"], found["error_code"]) == ("failed", "import_lost")
    with server.client() as fresh:
        assert started(fresh, number)["status"] == "done"
    assert members_of(server.url) - before == 20_000


def test_a_process_that_is_gone(server: Server, client: httpx.Client) -> None:
    """Who has not been heard of for long is told as failed, and does not stand in the way."""
    number = checked(client, members_csv(2), mapping=MAPPING)["import_id"]
    at_work(server.url, number, silent_seconds=LOST_SECONDS + 1)
    lost = client.get(f"{PATH}/{number}").json()
    assert (lost["status"], lost["error_code"]) == ("failed", "import_lost")
    assert started(client, number)["result"]["registered"] == 2


@pytest.mark.parametrize(("content", "words"), BAD_FILES.values(), ids=BAD_FILES)
def test_files_that_cannot_be_read(client: httpx.Client, folder: Path, content: bytes, words: str) -> None:
    """Taken, and told as failed: by the sender's name of the file, never by where it lies."""
    mapping = MAPPING + "file: {encoding: utf-8}\n"
    found = checked(client, content, mapping=mapping, name="../../etc/会员\n.csv")
    assert (found["status"], found["error_code"]) == ("failed", "import_file_unreadable"), found
    assert words in found["error"] and str(folder) not in found["error"]
    assert found["error"].startswith("文件无法读取：会员.csv：") and " / 会员.csv: " in found["error"]
    client.delete(f"{PATH}/{found['import_id']}").raise_for_status()


def test_names_are_never_paths(client: httpx.Client, folder: Path, tmp_path: Path) -> None:
    """Whatever a file is called, it lies in the folder of uploads under a name that was drawn by lot."""
    target = tmp_path / "owned.csv"
    for name in (str(target), f"../../../../../../{target}", "..\\..\\owned.csv", "..", "/", "", "a" * 1_000):
        before = set(folder.iterdir())
        found = upload(client, members_csv(1), mapping=MAPPING, name=name or "x").json()
        assert len(found["file_name"]) <= 200 and not set(found["file_name"]) & {"/", "\\"}
        (stored,) = {each for each in folder.iterdir() if not each.name.count(".")} - before
        assert len(stored.name) == 32
        settled(client, found["import_id"])
        client.delete(f"{PATH}/{found['import_id']}").raise_for_status()
    assert not target.exists()
    for secret in ("/etc/passwd", "../mappings/orders.yaml", "orders.yaml"):
        assert code_of(upload(client, b"a\n1\n", mapping=secret), 422) == "invalid_mapping"


def test_bad_forms(client: httpx.Client, folder: Path) -> None:
    """Refused at once, with the field at fault; nothing is kept."""
    before = set(folder.iterdir())
    file = {"file": ("members.csv", b"a\n1\n")}
    unknown = MAPPING + "colour: red\n"
    for answer, status, code, pointer in (
        (client.post(PATH, json={"kind": "members"}), 415, "unsupported_media_type", None),
        (client.post(PATH, content=b"a,b\n1,2\n"), 415, "unsupported_media_type", None),
        (client.post(PATH, data={"kind": "members"}, files={}), 415, "unsupported_media_type", None),
        (client.post(PATH, data={"kind": "members"}, files={"extra": b"x"}), 422, "unknown_field", "/extra"),
        (client.post(PATH, data={"kind": "members"}, files={"mapping": b""}), 422, "missing_field", "/file"),
        (client.post(PATH, files=file), 422, "missing_field", "/kind"),
        (client.post(PATH, data={"kind": "people"}, files=file), 422, "invalid_field", "/kind"),
        (client.post(PATH, data={"kind": ["members", "orders"]}, files=file), 422, "invalid_field", "/kind"),
        (client.post(PATH, data={"kind": "x" * 100}, files=file), 422, "invalid_field", "/kind"),
        (upload(client, b""), 422, "import_file_unreadable", "/file"),
        (upload(client, b"a\n1\n", name="members.xlsx"), 422, "import_file_unreadable", "/file"),
        (upload(client, OLD_EXCEL, name="members.xls"), 422, "import_file_unreadable", "/file"),
        (upload(client, b"<html><table>", name="members.xls"), 422, "import_file_unreadable", "/file"),
        (upload(client, b"a\n1\n", mapping=unknown), 422, "invalid_mapping", "/mapping"),
        (upload(client, b"a\n1\n", mapping="a: [1"), 422, "invalid_mapping", "/mapping"),
        (upload(client, b"a\n1\n", mapping="a\0b"), 422, "invalid_text", "/mapping"),
        (upload(client, b"a\n1\n", mapping="#" * 70_000), 422, "invalid_field", "/mapping"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert answer.json().get("pointer") == pointer
    details = upload(client, b"a\n1\n", mapping=unknown).json()
    assert details["details"]["line"] == 7 and "colour" in details["detail"]
    for body in (b"", b"--x", b"--x\r\nContent-Disposition: form-data; name=kind\r\n\r\nmembers", b"x" * 5_000):
        answer = client.post(PATH, content=body, headers={"content-type": "multipart/form-data; boundary=x"})
        assert code_of(answer, 400) == "malformed_form"
    assert set(folder.iterdir()) == before


def test_too_large(client: httpx.Client, folder: Path) -> None:
    """By what its head says, and by what comes; the rest is read, so that the answer is seen, and dropped."""
    before = set(folder.iterdir())
    refused = upload(client, b"a" * (LIMIT_BYTES + 1))
    assert code_of(refused, 413) == "import_too_large"
    assert refused.json()["details"] == {"limit_bytes": LIMIT_BYTES}
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'

    def endless() -> Iterator[bytes]:
        yield head
        for _ in range(LIMIT_BYTES // 50_000 + 20):
            yield b"a" * 50_000

    headers = {"content-type": "multipart/form-data; boundary=x"}
    assert code_of(client.post(PATH, content=endless(), headers=headers), 413) == "import_too_large"
    with pytest.raises(httpx.WriteError, match="gone"):
        client.post(PATH, content=stalling(head), headers=headers)
    time.sleep(1)
    assert set(folder.iterdir()) == before


def test_a_folder_of_somebody_else(client: httpx.Client, folder: Path) -> None:
    """Not closed to others: no personal data are put there."""
    folder.chmod(0o755)
    try:
        refused = upload(client, members_csv(1))
    finally:
        folder.chmod(0o700)
    assert code_of(refused, 503) == "uploads_unusable"
    assert "mode 0700" in refused.json()["detail"]


def test_pages_and_unknown_numbers(server: Server, client: httpx.Client) -> None:
    """The newest first, page by page; whoever has no key learns nothing."""
    numbers = [upload(client, members_csv(1), mapping=MAPPING).json()["import_id"] for _ in range(3)]
    page = client.get(PATH, params={"limit": 2}).json()
    assert [each["import_id"] for each in page["imports"]] == numbers[:0:-1]
    assert "mapping" not in page["imports"][0]
    rest = client.get(PATH, params={"limit": 1, "cursor": page["next_cursor"]}).json()
    assert [each["import_id"] for each in rest["imports"]] == numbers[:1]
    for number in numbers:
        settled(client, number)
    for name in ("999999", "0", "x", "9" * 30, "..%2f1"):
        for answer in (
            client.get(f"{PATH}/{name}"),
            client.get(f"{PATH}/{name}/rejects"),
            client.post(f"{PATH}/{name}/check", json={}),
            client.post(f"{PATH}/{name}/start"),
            client.post(f"{PATH}/{name}/stop"),
            client.delete(f"{PATH}/{name}"),
        ):
            expected = "not_found" if "%2f" in name and answer.json()["code"] == "not_found" else "unknown_import"
            assert code_of(answer, 404) == expected
    for answer in (
        httpx.get(f"{server.base}{PATH}"),
        httpx.post(f"{server.base}{PATH}", data={"kind": "members"}, files={"file": b"a"}),
        httpx.get(f"{server.base}{PATH}/{numbers[0]}/rejects"),
        httpx.post(f"{server.base}{PATH}/{numbers[0]}/start"),
    ):
        assert code_of(answer, 401) == "unauthorized"
    assert client.put(PATH).headers["allow"] == "GET, POST"


def test_files_are_kept_no_longer_than_needed(server: Server, client: httpx.Client, folder: Path) -> None:
    """What nobody imported is deleted after its days; what no import knows of, too; and so many wait at most."""
    number = checked(client, members_csv(1), mapping=MAPPING)["import_id"]
    stray = folder / "stray"
    stray.write_bytes(b"left over")
    os.utime(stray, (1, 1))
    fetch_sql(server.url, "UPDATE imports SET kept_until = now() - interval '1 minute' WHERE id = $1", int(number))
    asyncio.run(sweep(server.url, folder))
    assert not stray.exists()
    assert client.get(f"{PATH}/{number}").json()["file_deleted_at"] is not None
    assert code_of(client.post(f"{PATH}/{number}/start"), 409) == "import_over"
    (stored_as,) = fetch_sql(server.url, "SELECT stored_as FROM imports WHERE id = $1", int(number))[0]
    assert not list(folder.glob(f"{stored_as}*"))
    fetch_sql(server.url, MANY, MOST_STORED)
    try:
        assert code_of(upload(client, members_csv(1)), 409) == "too_many_uploads"
    finally:
        run_sql(server.url, "DELETE FROM imports WHERE uploaded_by = 'test'")
