"""The guardian: a small process of its own that keeps the embedded server running as long as anyone uses it.

Users hold a shared lock. The guardian waits for the exclusive one; the kernel gives it when the last user has gone,
whatever ended them. While it holds it, it stops the server, so nobody can join a server that is going down.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO

from jifen.core.errors import JifenError
from jifen.core.system_words import system_words
from jifen.db.embedded import cluster, namespace, place, postmaster
from jifen.db.embedded.errors import NotPermitted, ServerDidNotStart
from jifen.db.embedded.layout import Layout, write_atomically
from jifen.db.embedded.locks import EXCLUSIVE, FileLock

EXITED = "exited"
UNUSED = "unused"

READY_POLL_SECONDS = 0.02
RESTART_LIMIT = 8
FIRST_PAUSE_SECONDS = 0.1
STEADY_SECONDS = 60.0
LOG_LIMIT_BYTES = 1024 * 1024


class Guardian:
    """Starts or adopts the server, restarts it when it dies, stops it when nobody uses it any more."""

    def __init__(self, layout: Layout, log: IO[bytes]) -> None:
        self._layout = layout
        self._log = log
        self._events: SimpleQueue[str] = SimpleQueue()
        self._generation = 0
        self._ending = False

    def run(self, report: Report) -> None:
        """Live until nobody uses the server; `report` is told once that it is ready. Call it with the guardian's lock.

        Raises:
            JifenError: the server could not be started, or died too often.
        """
        self._status("starting")
        # The place comes before any thread: it forks, and moves this process into another mount namespace.
        found = self._prepare()
        self._wait_for_users()
        server = postmaster.adopt(self._layout, found.server_socket)
        if server is None:
            server = self._start(found)
        else:
            self._note(f"adopted the running server {server.pid}")
            self._watch(server)
        if self._wait_until_ready(server):
            self._status("ready", found)
            report.ready()
            server = self._keep_running(server, found)
        self._stop(server)

    def _prepare(self) -> place.Place:
        layout = self._layout
        cluster.check_version(layout)
        cluster.check_space(layout.data)
        found = place.prepare(layout, os.environ.get("JIFEN_RUN_AS"))
        cluster.remove_unfinished(layout)
        cluster.configure(layout, found.programs.account)
        if not layout.cluster.exists():
            self._note("making the cluster")
            cluster.initialise(layout, found.programs)
        return found

    def _start(self, found: place.Place) -> postmaster.Postmaster:
        server = postmaster.start(self._layout, found.programs, found.server_socket, self._log)
        self._note(f"started the server as process {server.pid}")
        self._watch(server)
        return server

    def _watch(self, server: postmaster.Postmaster) -> None:
        self._generation += 1
        event = f"{EXITED} {self._generation}"

        def wait() -> None:
            server.wait()
            self._events.put(event)

        threading.Thread(target=wait, daemon=True).start()

    def _wait_for_users(self) -> None:
        users = FileLock(self._layout.lock("users"))

        def wait() -> None:
            users.wait(EXCLUSIVE)
            self._events.put(UNUSED)

        threading.Thread(target=wait, daemon=True).start()

    def _next_event(self, seconds: float | None) -> str | None:
        """The next thing that happened to the present server or its users; None when the time is up."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while True:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            try:
                event = self._events.get(timeout=left)
            except Empty:
                return None
            if event == UNUSED:
                self._ending = True
                return event
            if event == f"{EXITED} {self._generation}":
                return EXITED

    def _wait_until_ready(self, server: postmaster.Postmaster) -> bool:
        """Wait for the server, crash recovery included; False when it is no longer wanted.

        There is no time limit here: users have theirs, and when the last of them gives up the server is stopped.

        Raises:
            ServerDidNotStart, DiskFull: it ended instead.
        """
        while not postmaster.is_ready(self._layout, server.pid):
            event = self._next_event(READY_POLL_SECONDS)
            if event == EXITED:
                what = ("PostgreSQL 在启动时退出", "PostgreSQL ended while starting")
                raise cluster.failure(what, cluster.last_log_lines(self._layout), self._layout.data)
            if event is not None:
                return False
        return True

    def _keep_running(self, server: postmaster.Postmaster, found: place.Place) -> postmaster.Postmaster:
        """Restart the server each time it dies while it is in use; returns the last one.

        Raises:
            JifenError: it died or failed to start too often in a row.
        """
        failures = 0
        started_at = time.monotonic()
        while self._next_event(None) == EXITED:
            self._note(f"the server {server.pid} died")
            self._status("starting")
            if time.monotonic() - started_at > STEADY_SECONDS:
                failures = 0
            while not self._ending:
                try:
                    server = self._start(found)
                    if self._wait_until_ready(server):
                        self._status("ready", found)
                    break
                except JifenError as error:
                    failures += 1
                    self._note(f"restart {failures} failed: {error}")
                    if failures >= RESTART_LIMIT:
                        raise
                    self._next_event(FIRST_PAUSE_SECONDS * 2**failures)
            started_at = time.monotonic()
            if self._ending:
                break
        return server

    def _stop(self, server: postmaster.Postmaster) -> None:
        self._status("stopping")
        self._note(f"stopping the server {server.pid}")
        ended = threading.Event()

        def wait() -> None:
            server.wait()
            ended.set()

        threading.Thread(target=wait, daemon=True).start()
        postmaster.stop(server, ended.wait)
        self._status("stopped")
        self._note("done")

    def _status(self, state: str, found: place.Place | None = None) -> None:
        status: dict[str, object] = {"state": state, "guardian_pid": os.getpid()}
        if found is not None:
            status["socket"] = str(found.client_socket)
        # A full disk must not keep the guardian from stopping the server.
        with contextlib.suppress(OSError):
            write_atomically(self._layout.status, json.dumps(status) + "\n", 0o600)

    def _note(self, text: str) -> None:
        stamp = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
        with contextlib.suppress(OSError):
            self._log.write(f"{stamp} guardian [{os.getpid()}] {text}\n".encode())


class Report:
    """The pipe to whoever started the guardian: one line of JSON, then closed."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def ready(self) -> None:
        """The server accepts connections."""
        self._send({"ready": True})

    def failed(self, code: str, message: str, message_zh: str | None) -> None:
        """The server cannot be started, and why."""
        self._send({"ready": False, "code": code, "message": message, "message_zh": message_zh})

    def _send(self, answer: dict[str, object]) -> None:
        if self._descriptor < 0:
            return
        # Whoever asked may have been killed meanwhile.
        with contextlib.suppress(BrokenPipeError):
            os.write(self._descriptor, (json.dumps(answer) + "\n").encode())
        os.close(self._descriptor)
        self._descriptor = -1


def as_error(error: OSError, layout: Layout) -> JifenError:
    """An error of the operating system, said in the words of this package."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return cluster.failure(("启动失败", "The start failed"), cluster.NO_SPACE, layout.data)
    if isinstance(error, PermissionError):
        place = error.filename or layout.data
        return NotPermitted(
            f"{place}: {error.strerror}; run jifen as the owner of the folder.",
            message_zh=f"{place}：{system_words(error)[0]}；请以该目录的所有者运行 jifen。",
        )
    return ServerDidNotStart(f"The start failed: {error}", message_zh=f"启动失败：{system_words(error)[0]}。")


def open_log(layout: Layout) -> IO[bytes]:
    """The guardian's log, cut when it has grown long."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(layout.guardian_log, flags, 0o600)
    if os.fstat(descriptor).st_size > LOG_LIMIT_BYTES:
        os.ftruncate(descriptor, 0)
    return os.fdopen(descriptor, "wb", buffering=0)


def main(arguments: list[str]) -> None:
    """Run as `python -m jifen.db.embedded.guardian DATA LOCK`; reports on standard output, goes on in the background.

    LOCK is the descriptor of the guardian's lock, taken by whoever starts it: so there is no moment at which a guardian
    is on its way and nobody can see it.
    """
    # The starter waits for this first process only, so no dead process is ever left for it to collect.
    if os.fork() != 0:
        os._exit(0)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # A service manager may signal every process at once. Users then leave in their own time, finishing what they
        # accepted, and need the server until they have; the guardian follows them, not the signal.
        signal.signal(number, lambda *_: None)
    layout = Layout(Path(arguments[0]))
    FileLock.keep_inherited(layout.lock("guardian"), int(arguments[1]))
    report = Report(os.dup(1))
    host = namespace.current()
    try:
        log = open_log(layout)
        silence = os.open(os.devnull, os.O_RDWR)
        os.dup2(silence, 0)
        os.dup2(silence, 1)
        os.dup2(log.fileno(), 2)
        Guardian(layout, log).run(report)
    except OSError as error:
        _fail(as_error(error, layout), layout, report)
    except JifenError as error:
        _fail(error, layout, report)
    finally:
        if namespace.current() != host:
            namespace.leave_private_view(layout.data)


def _fail(error: JifenError, layout: Layout, report: Report) -> None:
    # The private view of the folder means nothing outside of this process.
    seen, real = str(namespace.mount_point(layout.data)), str(layout.data)
    message = error.message.replace(seen, real)
    os.write(2, f"guardian [{os.getpid()}] {error.code}: {message}\n".encode())
    report.failed(error.code, message, None if error.message_zh is None else error.message_zh.replace(seen, real))
    raise SystemExit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
