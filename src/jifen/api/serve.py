"""Runs the worker processes: starts them, starts new ones for those that die, and stops them in good order."""

from __future__ import annotations

import errno
import multiprocessing
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from types import FrameType

import structlog
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

from jifen.api.metrics import MULTIPROCESS_VARIABLE
from jifen.core.errors import JifenError
from jifen.core.system_words import system_words
from jifen.settings import PREFIX, VARIABLES, Settings

BACKLOG = 4096
BACKPRESSURE = 4096
PAUSE_SECONDS = 1.0
LOOK_SECONDS = 0.1

#: The server's own lines take the way of all others.
_LOGGING = {"handlers": {}, "formatters": {}, "loggers": {"_granian": {"propagate": True}, "granian.access": {}}}

_log = structlog.get_logger(__name__)


class PortInUse(JifenError):
    """Another program listens on the port."""

    code = "port_in_use"


class AddressNotUsable(JifenError):
    """The address to listen on is not this machine's, or may not be used."""

    code = "address_not_usable"


def serve(settings: Settings, url: str) -> int:
    """Serve HTTP until SIGTERM or SIGINT; the exit code. The database behind `url` must be ready for use.

    Raises:
        PortInUse, AddressNotUsable: nothing was started.
    """
    _check_address(settings.host, settings.port)
    folder = tempfile.mkdtemp(prefix="jifen-")
    os.environ.update(environment_of(settings, url))
    os.environ[MULTIPROCESS_VARIABLE] = folder
    # A fork would hand open files and locks of this process to the workers.
    multiprocessing.set_start_method("spawn", force=True)
    stopping = threading.Event()
    announcer = threading.Thread(target=_announce, args=(settings, stopping), daemon=True)
    announcer.start()
    try:
        return _supervise(settings, stopping)
    finally:
        stopping.set()
        announcer.join()
        shutil.rmtree(folder, ignore_errors=True)


def environment_of(settings: Settings, url: str) -> dict[str, str]:
    """The settings as the environment of a worker."""
    values = {PREFIX + each.name: getattr(settings, each.field) for each in VARIABLES}
    values[PREFIX + "DATABASE_URL"] = url
    return {name: str(value) for name, value in values.items() if value is not None}


def _supervise(settings: Settings, stopping: threading.Event) -> int:
    """Run the server; start it anew when it gave up because workers died one after another."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    while True:
        server = _server(settings)
        try:
            server.serve()
        except SystemExit:
            _log.error("workers_died")
        if server.interrupt_signal or stopping.is_set():
            return 0
        # The server's own handlers are gone with it; a stop in between must not be lost.
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, stop)
        if stopping.wait(PAUSE_SECONDS):
            return 0


def _server(settings: Settings) -> MPServer:
    return MPServer(
        "jifen.api.app:create_app",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        factory=True,
        workers=settings.workers,
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(keep_alive=True),
        websockets=False,
        backlog=BACKLOG,
        backpressure=BACKPRESSURE,
        log_access=False,
        log_level=LogLevels.error,
        log_dictconfig=_LOGGING,
        respawn_failed_workers=True,
        workers_kill_timeout=settings.shutdown_seconds,
    )


def _check_address(host: str, port: int) -> None:
    """Find out now, and not in a worker, whether the address can be listened on."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in found[:1]:
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            message = f"Port {port} on {host} is in use; stop that program, or choose another port with --port."
            raise PortInUse(message, host=host, port=port) from None
        zh, en = system_words(error)
        raise AddressNotUsable(
            f"jifen cannot listen on {host}:{port}: {en}; choose others with --host and --port.",
            message_zh=f"{host}:{port}，{zh}；请用 --host 或 --port 另选。",
            host=host,
            port=port,
        ) from None


def _announce(settings: Settings, stopping: threading.Event) -> None:
    """Say once that the server is there, as soon as it answers."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - compared, not bound
    address = f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"
    while not _answers(f"{address}/health/live"):
        if stopping.wait(LOOK_SECONDS):
            return
    line = f"jifen 已就绪 / is ready: {address}  接口文档 / API: {address}/docs"
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
