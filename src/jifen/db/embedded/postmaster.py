"""One running PostgreSQL server (its postmaster): started as our child or found running, watched, stopped."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from jifen.db.embedded.cluster import Programs
from jifen.db.embedded.errors import NotPermitted, ServerDidNotStart
from jifen.db.embedded.layout import PORT, Layout
from jifen.db.embedded.locks import EXCLUSIVE, FileLock, is_held

READY = "ready"
PID_LINE = 0
STATUS_LINE = 7
LINGER_SECONDS = 30.0
POLL_SECONDS = 0.2
RESPONSE_SECONDS = 5.0
# The first message of a client that asks for encryption (SSLRequest of the protocol): answered before any log-in.
ENCRYPTION_QUESTION = struct.pack("!ii", 8, 80877103)


class Postmaster:
    """A server process; `wait` works for children and for adopted processes."""

    def __init__(self, pid: int, process: subprocess.Popen[bytes] | None) -> None:
        self.pid = pid
        self._process = process
        # A descriptor of the process itself, so that a reused pid is never signalled or waited for.
        self._handle = os.pidfd_open(pid) if process is None and hasattr(os, "pidfd_open") else -1

    def wait(self) -> None:
        """Return when the process has ended."""
        if self._process is not None:
            self._process.wait()
            return
        if self._handle >= 0:
            select.select([self._handle], [], [])
            return
        while _alive(self.pid):
            time.sleep(POLL_SECONDS)

    def send(self, number: signal.Signals) -> None:
        """Signal the process; nothing happens when it has ended."""
        with contextlib.suppress(ProcessLookupError):
            if self._process is not None:
                self._process.send_signal(number)
            elif self._handle >= 0:
                signal.pidfd_send_signal(self._handle, number)
            else:
                os.kill(self.pid, number)


def server_runs(layout: Layout) -> bool:
    """Whether any process of the server lives: all of them share one lock, whichever process namespace they are in."""
    return is_held(layout.lock("server"))


def start(layout: Layout, programs: Programs, socket_folder: Path, log: IO[bytes]) -> Postmaster:
    """Start the server as our child; it is not ready yet.

    Raises:
        ServerDidNotStart: processes of an earlier server do not go away.
        NotPermitted: somebody else started a server on this cluster.
    """
    lock = FileLock(layout.lock("server"))
    try:
        # After a kill -9 of the postmaster its children need a moment to notice.
        if not lock.acquire_until(EXCLUSIVE, time.monotonic() + LINGER_SECONDS):
            raise ServerDidNotStart(
                f"Processes of an earlier server still run on {layout.cluster}; end them first.",
                message_zh=f"先前的服务器仍有进程在使用 {layout.cluster}；请先结束它们。",
            )
        clear_stale_files(layout, socket_folder)
        # The server's processes inherit the lock: it is free only when the last of them has gone.
        process = subprocess.Popen(  # noqa: S603 - the server itself, arguments of our own
            [
                programs.folder / "postgres",
                "-D",
                programs.view / "cluster",
                "-p",
                str(PORT),
                "-c",
                "listen_addresses=",
                "-c",
                f"unix_socket_directories={socket_folder}",
            ],
            user=None if programs.account is None else programs.account.uid,
            group=None if programs.account is None else programs.account.gid,
            extra_groups=None if programs.account is None else [],
            cwd=programs.view,
            env=programs.environment(),
            umask=0o077,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(lock.descriptor,),
        )
    finally:
        lock.close()
    return Postmaster(process.pid, process)


def adopt(layout: Layout, socket_folder: Path) -> Postmaster | None:
    """The server that an earlier guardian left running, or None when there is none (any more).

    A postmaster that was just killed may still be seen for a moment, its children a little longer: not adopted.
    """
    if not server_runs(layout):
        return None
    pid = recorded_pid(layout)
    if pid is None or not _is_postmaster_of(pid, layout):
        return None
    try:
        found = Postmaster(pid, None)
    except OSError:
        return None
    # The pid might have ended between the look and the handle; the second look is at what the handle holds.
    if not _is_postmaster_of(pid, layout) or (is_ready(layout, pid) and not _responds(socket_folder)):
        return None
    return found


def _responds(socket_folder: Path) -> bool:
    """Whether a server takes a connection and says a word; a killed one still has its socket, but closes or refuses.

    One that says nothing for a while is taken as alive: it may just be very busy.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(RESPONSE_SECONDS)
        try:
            client.connect(str(socket_folder / f".s.PGSQL.{PORT}"))
            client.sendall(ENCRYPTION_QUESTION)
            return client.recv(1) != b""
        except TimeoutError:
            return True
        except OSError:
            return False


def is_ready(layout: Layout, pid: int) -> bool:
    """Whether the server accepts connections, from the file that pg_ctl looks at too."""
    lines = _pid_file_lines(layout)
    return len(lines) > STATUS_LINE and lines[PID_LINE].strip() == str(pid) and lines[STATUS_LINE].strip() == READY


def recorded_pid(layout: Layout) -> int | None:
    """The pid in postmaster.pid, which may be stale."""
    lines = _pid_file_lines(layout)
    text = lines[PID_LINE].strip() if lines else ""
    return int(text) if text.isdigit() else None


def clear_stale_files(layout: Layout, socket_folder: Path) -> None:
    """Remove what a killed server left; call it with the server lock held, so that no process of it lives.

    PostgreSQL itself would give up when the pid in a stale file has meanwhile been given to another process.

    Raises:
        NotPermitted: a server that jifen did not start runs on this cluster.
    """
    pid = recorded_pid(layout)
    if pid is not None and _is_postmaster_of(pid, layout):
        raise NotPermitted(
            f"A PostgreSQL server that jifen did not start (process {pid}) runs on {layout.cluster}; stop it first.",
            message_zh=f"有一个不是由 jifen 启动的 PostgreSQL（进程 {pid}）在使用 {layout.cluster}；请先停止它。",
        )
    (layout.cluster / "postmaster.pid").unlink(missing_ok=True)
    for name in (f".s.PGSQL.{PORT}", f".s.PGSQL.{PORT}.lock"):
        (socket_folder / name).unlink(missing_ok=True)


def stop(postmaster: Postmaster, ended: Callable[[float], bool]) -> None:
    """Stop the server: fast (clean) first, at once when it takes too long; `ended(seconds)` waits for its end."""
    for number, patience_seconds in ((signal.SIGINT, 120.0), (signal.SIGQUIT, 20.0), (signal.SIGKILL, 20.0)):
        postmaster.send(number)
        if ended(patience_seconds):
            return


def _pid_file_lines(layout: Layout) -> list[str]:
    try:
        return (layout.cluster / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _is_postmaster_of(pid: int, layout: Layout) -> bool:
    """Whether this pid is a live server in our cluster folder, and not a stranger who was given the number."""
    process = Path("/proc", str(pid))
    if not Path("/proc/self").exists():
        return _alive(pid)
    try:
        name = (process / "comm").read_text(encoding="utf-8").strip()
        return name == "postgres" and os.path.samefile(process / "cwd", layout.cluster)
    except OSError:
        return False


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
