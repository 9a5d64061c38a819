"""A real MariaDB for tests: one server for the session, in a temporary folder, stopped at its end."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pymysql
import pytest

#: Debian's package, which has the server and the tables that it starts from, and nothing that runs by itself.
PACKAGE: Final = "mariadb-server-core"
TABLES: Final = Path("/usr/share/mysql")
PASSWORD: Final = "s3cret/for@tests"
_FIRST: Final = "CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n"
_SYSTEM: Final = ("mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql")
_READY_SECONDS: Final = 60.0


class MariaDb:
    """A server, by its socket: `root` may do everything, `reader` reads the database `crm`."""

    def __init__(self, program: str, folder: Path) -> None:
        self.socket = folder / "s"
        self._program = program
        self._folder = folder
        # As root the server does not start: it runs as somebody who owns nothing else.
        self._account = pwd.getpwnam("nobody") if os.getuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        """Make the system tables, start, and let the reader in."""
        for name in ("data", "spare"):
            (self._folder / name).mkdir()
        if self._account is not None:
            for path in (self._folder, *self._folder.iterdir()):
                os.chown(path, self._account.pw_uid, self._account.pw_gid)
        script = _FIRST + "".join((TABLES / name).read_text("utf-8") for name in _SYSTEM)
        bootstrap, account = self._command("--bootstrap"), self._as()
        subprocess.run(bootstrap, input=script.encode(), check=True, capture_output=True, timeout=120, **account)
        self.start()
        self.execute(
            "CREATE DATABASE crm CHARACTER SET utf8mb4",
            f"CREATE USER reader@localhost IDENTIFIED BY '{PASSWORD}'",
            "GRANT ALL ON crm.* TO reader@localhost",
        )

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        self.socket.unlink(missing_ok=True)
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command(f"--socket={self.socket}", "--skip-networking"), stdout=log, stderr=log, **self._as()
            )
        until = time.monotonic() + _READY_SECONDS
        # The socket is there when the server takes connections.
        while not self.socket.exists():
            if self._process.poll() is not None or time.monotonic() > until:
                raise AssertionError((self._folder / "log").read_text("utf-8", "replace"))
            time.sleep(0.05)

    def stop(self, *, at_once: bool = False) -> None:
        """Stop it in good order, or as a failure of power would."""
        if self._process is not None:
            (self._process.kill if at_once else self._process.terminate)()
            self._process.wait(60)
            self._process = None

    def execute(self, *statements: str) -> list[Sequence[Any]]:
        """Run statements as root; the rows of the last one."""
        with pymysql.connect(unix_socket=str(self.socket), user="root", autocommit=True) as connection:
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def url(self, *, user: str = "reader", password: str = PASSWORD, scheme: str = "mysql") -> str:
        """The address of the database `crm`."""
        quoted = password.replace("/", "%2F").replace("@", "%40")
        return f"{scheme}://{user}:{quoted}@localhost/crm?unix_socket={self.socket}"

    def _command(self, *options: str) -> list[str]:
        folder = self._folder
        small = ("--innodb-log-file-size=8M", "--innodb-buffer-pool-size=32M", "--log-warnings=0")
        return [
            self._program,
            "--no-defaults",
            f"--datadir={folder}/data",
            f"--tmpdir={folder}/spare",
            f"--pid-file={folder}/spare/pid",
            *small,
            *options,
        ]

    def _as(self) -> dict[str, Any]:
        if self._account is None:
            return {}
        return {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}


@contextmanager
def running() -> Iterator[MariaDb]:
    """A server of its own, for a while. Skips the test where it is not installed."""
    program = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is None or not (TABLES / _SYSTEM[0]).exists():
        pytest.skip(f"MariaDB is not installed: apt-get install {PACKAGE}")
    with TemporaryDirectory(prefix="jifen-mariadb-") as folder:
        server = MariaDb(program, Path(folder))
        try:
            server.make()
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="module")
def mariadb() -> Iterator[MariaDb]:
    """A server for the tests of a module."""
    with running() as server:
        yield server
