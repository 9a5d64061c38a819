"""Using the embedded server: start it or join it, keep it while in use, and leave it."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import jifen
from jifen.core.errors import JifenError
from jifen.db.embedded import binaries
from jifen.db.embedded.cluster import ADMIN, DATABASE, OWNER, check_version, last_log_lines
from jifen.db.embedded.errors import DataFolderInUse, ServerDidNotStart, from_report
from jifen.db.embedded.layout import Layout, open_folder, read_secrets
from jifen.db.embedded.locks import EXCLUSIVE, PAUSE_SECONDS, SHARED, FileLock, is_held

LEAVE_SECONDS = 150.0
NEW_USER_SECONDS = 1.0
FIRST_LOOK_SECONDS = 0.5
LAST_LOOK_SECONDS = 60.0
_STARTING = (
    "它仍在启动，可能正在从崩溃中恢复；请等久一些",
    "it is still starting, perhaps recovering from a crash; wait longer",
)


@dataclass(frozen=True)
class EmbeddedAddress:
    """Where the embedded server of a data folder is. The addresses hold passwords: they are left out of `repr`.

    `url` is for the owner role `jifen` (no superuser, may create roles), `admin_url` for the superuser `jifen_admin`;
    both name the database `jifen`. `binaries` is the folder of the PostgreSQL programs.
    """

    url: str = field(repr=False)
    admin_url: str = field(repr=False)
    data: Path
    binaries: Path


@contextmanager
def use(data: Path, *, wait_seconds: float = 60.0) -> Iterator[EmbeddedAddress]:
    """Make sure that the embedded server of this data folder runs for the duration of the `with`.

    Creates, starts or joins it. Leaving waits until the server has stopped when nobody else uses it.

    Raises:
        EmbeddedError: one of its kinds says why there is no server.
    """
    layout = open_folder(data)
    check_version(layout)
    deadline = time.monotonic() + wait_seconds
    users = FileLock(layout.lock("users"))
    try:
        _join(layout, users, deadline)
        with _GuardianWatch(layout):
            yield _address(layout)
    finally:
        # Not when joining failed before it was held, and not in a forked child, which never held it.
        if users.held:
            _leave(layout, users)
        users.give_up()


@contextmanager
def claim_serving(data: Path) -> Iterator[None]:
    """Hold the data folder for one `jifen serve`; its worker processes need no claim of their own.

    Raises:
        DataFolderInUse: another one holds it; `details["pid"]` is its process.
        NotDataFolder, NotPermitted: the folder is not ours or not usable.
    """
    layout = open_folder(data)
    lock = FileLock(layout.lock("serving"))
    try:
        if not lock.try_acquire(EXCLUSIVE):
            pid = lock.read()
            raise DataFolderInUse(
                f"{layout.data} is already served by process {pid or 'unknown'}; "
                "stop that one or name another folder with --data.",
                pid=int(pid) if pid.isdigit() else None,
            )
        lock.write(f"{os.getpid()}\n")
        yield
    finally:
        if lock.held:
            lock.give_up()
        lock.close()


def _join(layout: Layout, users: FileLock, deadline: float) -> None:
    start = FileLock(layout.lock("start"))
    try:
        if not start.acquire_until(EXCLUSIVE, deadline):
            raise _too_slow(layout, "另一个进程仍在启动它", "another process is still starting it")
        # Waits for a guardian that is just stopping the server: it holds this lock until it has done so.
        if not users.acquire_until(SHARED, deadline):
            raise _too_slow(layout, "它还在停止", "it is still stopping")
        _ensure_guardian(layout, deadline)
    finally:
        start.give_up()


def _ensure_guardian(layout: Layout, deadline: float) -> None:
    """Return when a guardian has the server ready; call it with the start lock held."""
    while True:
        if _spawn_guardian(layout, deadline):
            return
        if _status(layout).get("state") == "ready":
            return
        if time.monotonic() >= deadline:
            raise _too_slow(layout, *_STARTING)
        time.sleep(PAUSE_SECONDS)


def _spawn_guardian(layout: Layout, deadline: float) -> bool:
    """Start a guardian and wait until it has the server ready; False when there is one already.

    Its lock is taken here and handed over: whoever gives up waiting leaves a guardian that all others can see.
    """
    own = FileLock(layout.lock("guardian"))
    try:
        if not own.try_acquire(EXCLUSIVE):
            return False
        # What an earlier guardian said, perhaps just before it was killed, does not hold for this one.
        layout.status.unlink(missing_ok=True)
        _start_guardian(layout, own, deadline)
    finally:
        own.close()
    return True


def _start_guardian(layout: Layout, own: FileLock, deadline: float) -> None:
    reader, writer = os.pipe()
    try:
        # The guardian must find this very installation, however this process found it.
        roots = [str(Path(jifen.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
        try:
            subprocess.run(  # noqa: S603 - this very Python
                [sys.executable, "-P", "-m", "jifen.db.embedded.guardian", str(layout.data), str(own.descriptor)],
                pass_fds=(own.descriptor,),
                stdin=subprocess.DEVNULL,
                stdout=writer,
                start_new_session=True,
                cwd="/",
                env=os.environ | {"PYTHONPATH": os.pathsep.join(root for root in roots if root)},
                check=False,
            )
        finally:
            os.close(writer)
            own.close()
        answer = _read_report(reader, deadline, layout)
    finally:
        os.close(reader)
    if not answer.get("ready"):
        said_zh = answer.get("message_zh")
        raise from_report(
            str(answer.get("code")), str(answer.get("message")), said_zh if isinstance(said_zh, str) else None
        )


def _read_report(reader: int, deadline: float, layout: Layout) -> dict[str, object]:
    text = b""
    while not text.endswith(b"\n"):
        if not select.select([reader], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise _too_slow(layout, *_STARTING)
        part = os.read(reader, 65536)
        if not part:
            last = last_log_lines(layout)
            raise ServerDidNotStart(
                f"The guardian of {layout.data} ended: {last}", message_zh=f"{layout.data} 的守护进程已退出：{last}"
            )
        text += part
    answer: dict[str, object] = json.loads(text)
    return answer


def _too_slow(layout: Layout, zh: str, en: str) -> ServerDidNotStart:
    last = last_log_lines(layout)
    return ServerDidNotStart(
        f"The server of {layout.data} was not ready in time: {en}. Its last words: {last}",
        message_zh=f"{layout.data} 的服务器没有及时就绪：{zh}。它最后说：{last}",
    )


def _status(layout: Layout) -> dict[str, object]:
    try:
        status: dict[str, object] = json.loads(layout.status.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return status


def _address(layout: Layout) -> EmbeddedAddress:
    secrets = read_secrets(layout)
    host = quote(str(_status(layout).get("socket", layout.socket)), safe="/")
    return EmbeddedAddress(
        url=f"postgresql://{OWNER}:{secrets.owner_password}@/{DATABASE}?host={host}",
        admin_url=f"postgresql://{ADMIN}:{secrets.admin_password}@/{DATABASE}?host={host}",
        data=layout.data,
        binaries=binaries.bin_folder(),
    )


def _leave(layout: Layout, users: FileLock) -> None:
    """Give up our use; when we were the last user, wait (bounded) until the server has stopped."""
    last = users.try_acquire(EXCLUSIVE)
    users.release()
    if _guardian_ends(layout, users, last) and is_held(layout.lock("server")):
        _collect_orphan(layout, users)


def _guardian_ends(layout: Layout, users: FileLock, last: bool) -> bool:
    """Wait (bounded) for the guardian to stop the server and end; False when others go on using it."""
    deadline = time.monotonic() + LEAVE_SECONDS
    joined_at: float | None = None
    while is_held(layout.lock("guardian")) and time.monotonic() < deadline:
        # While the guardian stops the server nobody can have this lock; until it has noticed that we left (it may still
        # be making the cluster) anyone can. Shared but not exclusive: there are others who stay, or come.
        if users.try_acquire(EXCLUSIVE):
            users.release()
            joined_at = None
        elif users.try_acquire(SHARED):
            users.release()
            joined_at = joined_at or time.monotonic()
            if not last or time.monotonic() - joined_at > NEW_USER_SECONDS:
                return False
        else:
            joined_at = None
        time.sleep(PAUSE_SECONDS)
    return True


def _collect_orphan(layout: Layout, users: FileLock) -> None:
    """The guardian was killed: let a new one take over the server it left, and stop it if nobody uses it."""
    start = FileLock(layout.lock("start"))
    try:
        # Whoever uses or starts the server right now takes care of it.
        if not start.try_acquire(EXCLUSIVE) or not users.try_acquire(EXCLUSIVE) or not users.try_acquire(SHARED):
            return
        _spawn_guardian(layout, time.monotonic() + LEAVE_SECONDS)
    except JifenError:
        # Nothing to tell the user: the server was not his any more, and the next start deals with it.
        return
    finally:
        start.give_up()
        users.release()
    _guardian_ends(layout, users, last=True)


class _GuardianWatch:
    """A thread that starts a new guardian when the present one was killed or gave up while we use the server."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._run, name="guardian-watch", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self._thread.join()

    def _run(self) -> None:
        pause_seconds = FIRST_LOOK_SECONDS
        while not self._left.wait(pause_seconds):
            if is_held(self._layout.lock("guardian")):
                pause_seconds = FIRST_LOOK_SECONDS
                continue
            try:
                self._take_over()
            except (JifenError, OSError):
                # The reason is in the guardian's log; the next try comes later, as the cause may pass (a full disk).
                pause_seconds = min(pause_seconds * 2, LAST_LOOK_SECONDS)

    def _take_over(self) -> None:
        start = FileLock(self._layout.lock("start"))
        try:
            if start.try_acquire(EXCLUSIVE):
                _ensure_guardian(self._layout, time.monotonic() + LAST_LOOK_SECONDS)
        finally:
            start.give_up()
