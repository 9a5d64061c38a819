"""The cluster folder: made once, as a whole; checked and configured at each start."""

from __future__ import annotations

import os
import secrets as random_secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from jifen.db.embedded import machine, tuning
from jifen.db.embedded.accounts import Account, give
from jifen.db.embedded.binaries import MAJOR
from jifen.db.embedded.errors import (
    DataFolderIncomplete,
    DiskFull,
    EmbeddedError,
    NotDataFolder,
    OtherMajorVersion,
    ServerDidNotStart,
)
from jifen.db.embedded.layout import UNFINISHED_PREFIX, Layout, Secrets, make_secrets, sync_folder, write_atomically

ADMIN = "jifen_admin"
OWNER = "jifen"
DATABASE = "jifen"
LEAST_FREE_BYTES = 200 * tuning.MIB
NO_SPACE = "No space left on device"

# `peer` or `trust` would let every process of the account in; a password is asked of everyone.
ACCESS_RULES = """\
# Written by jifen. Unix socket and password only.
local all all scram-sha-256
local replication all scram-sha-256
"""
OVERRIDE_HINT = "# PostgreSQL settings of your own, read last: they win over jifen.conf. Read at the next start.\n"
INCLUDES = """
# Added by jifen: generated at each start, then your own settings, which win.
include '../jifen.conf'
include_if_exists '../postgresql.override.conf'
"""


@dataclass(frozen=True)
class Programs:
    """How the server's programs are run: from where, as whom, and as which path (`view`) they see the data folder."""

    folder: Path
    account: Account | None
    view: Path
    data: Path

    def environment(self) -> dict[str, str]:
        """A clean environment: no PG variable of the caller reaches the server."""
        return {"PATH": f"{self.folder}:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}

    def run(self, arguments: list[str | Path], text: str = "") -> None:
        """Run a program of the server as its account.

        Raises:
            DiskFull: it says that there is no space left.
            ServerDidNotStart: it failed otherwise.
        """
        answer = subprocess.run(  # noqa: S603 - a program of PostgreSQL, arguments of our own
            [self.folder / arguments[0], *arguments[1:]],
            input=text,
            text=True,
            errors="replace",
            user=None if self.account is None else self.account.uid,
            group=None if self.account is None else self.account.gid,
            extra_groups=None if self.account is None else [],
            cwd=self.view,
            env=self.environment(),
            umask=0o077,
            capture_output=True,
            check=False,
        )
        # The single-user server reports the failure of a statement only in its output.
        if answer.returncode != 0 or "ERROR:" in answer.stderr or "FATAL:" in answer.stderr:
            program = arguments[0]
            raise failure((f"{program} 失败", f"{program} failed"), answer.stdout + answer.stderr, self.data)


def failure(what: tuple[str, str], output: str, folder: Path) -> EmbeddedError:
    """The error for a failed program, told apart by what it said; `what` failed, in Chinese and English."""
    zh, en = what
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    if NO_SPACE in output:
        free = shutil.disk_usage(folder).free
        return DiskFull(
            f"{en}: no space left on the disk of {folder} ({_megabytes(free)} free); make room there.",
            message_zh=f"{zh}，{folder} 所在的磁盘只剩 {_megabytes(free)}；请腾出空间。",
        )
    said = " | ".join(lines[-8:])
    return ServerDidNotStart(f"{en}: {said}", message_zh=f"{zh}：{said}")


def check_space(folder: Path, least_bytes: int = LEAST_FREE_BYTES) -> None:
    """Refuse to start on a disk that is nearly full.

    Raises:
        DiskFull: fewer than `least_bytes` are free on the disk of this folder.
    """
    free = shutil.disk_usage(folder).free
    if free < least_bytes:
        raise DiskFull(
            f"Only {_megabytes(free)} are free on the disk of {folder}, at least {_megabytes(least_bytes)} are needed; "
            "make room there or choose another --data.",
            message_zh=f"{folder} 所在的磁盘只剩 {_megabytes(free)}，至少需要 {_megabytes(least_bytes)}；"
            f"请腾出空间，或用 --data 指定其他目录。",
        )


def check_version(layout: Layout) -> None:
    """Refuse a cluster that these binaries cannot open.

    Raises:
        OtherMajorVersion: it was made by another major version.
        DataFolderIncomplete: a restore was interrupted.
        NotDataFolder: `cluster` is not a cluster of PostgreSQL.
    """
    if layout.restoring.exists():
        raise DataFolderIncomplete(
            f"A restore into {layout.data} was interrupted; run `jifen restore` into the same folder again.",
            message_zh=f"恢复到 {layout.data} 的操作曾被中断；请再次用 `jifen restore` 恢复到同一目录。",
        )
    if not layout.cluster.exists():
        return
    try:
        found = (layout.cluster / "PG_VERSION").read_text(encoding="ascii").strip()
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise NotDataFolder(
            f"{layout.cluster} is not a cluster of PostgreSQL; it was left untouched. "
            "Restore a backup into a new folder.",
            message_zh=f"{layout.cluster} 不是 PostgreSQL 的数据目录；请把备份恢复到新目录。",
        ) from error
    if found != str(MAJOR):
        raise OtherMajorVersion(
            f"{layout.cluster} was made by PostgreSQL {found}, this jifen brings {MAJOR}: use the jifen that made it, "
            "export there and import here, or convert the folder with pg_upgrade.",
            message_zh=f"请用建立 {layout.cluster} 的 jifen 导出后在此导入，或用 pg_upgrade 转换该目录。",
            found=found,
            needed=str(MAJOR),
        )


def remove_unfinished(layout: Layout) -> None:
    """Remove what a killed first start left behind (only folders that jifen itself named)."""
    for path in layout.data.glob(f"{UNFINISHED_PREFIX}*"):
        shutil.rmtree(path, ignore_errors=True)


def initialise(layout: Layout, programs: Programs) -> None:
    """Make the cluster with its roles and database beside its place, then rename it into place.

    Raises:
        DiskFull, ServerDidNotStart: initdb failed; nothing is left behind.
    """
    secrets = make_secrets(layout)
    work = layout.data / f"{UNFINISHED_PREFIX}{random_secrets.token_hex(4)}"
    work.mkdir(mode=0o700)
    try:
        _run_initdb(work, programs, secrets)
        _make_roles(work, programs, secrets)
        _append(work / "cluster" / "postgresql.conf", INCLUDES)
        _append(work / "cluster" / "pg_hba.conf", ACCESS_RULES, replace=True)
        os.rename(work / "cluster", layout.cluster)
        sync_folder(layout.data)
    except OSError as error:
        raise failure(("首次启动失败", "The first start failed"), str(error), layout.data) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _run_initdb(work: Path, programs: Programs, secrets: Secrets) -> None:
    password = work / "password"
    write_atomically(password, secrets.admin_password + "\n", 0o600)
    give(password, programs.account, 0o600)
    give(work, programs.account, 0o700)
    inner = programs.view / work.name
    programs.run(
        [
            "initdb",
            f"--pgdata={inner / 'cluster'}",
            f"--username={ADMIN}",
            f"--pwfile={inner / 'password'}",
            "--auth-local=scram-sha-256",
            "--auth-host=scram-sha-256",
            "--data-checksums",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
        ]
    )
    password.unlink()


def _make_roles(work: Path, programs: Programs, secrets: Secrets) -> None:
    """Add the owner role and the database in single-user mode, so that a cluster in place always has them."""
    # The passwords are URL-safe base64: nothing in them needs quoting.
    statements = (
        f"CREATE ROLE {OWNER} LOGIN NOSUPERUSER CREATEROLE PASSWORD '{secrets.owner_password}';\n"
        f"CREATE DATABASE {DATABASE} OWNER {OWNER};\n"
        f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC;\n"
    )
    programs.run(["postgres", "--single", "-D", programs.view / work.name / "cluster", "postgres"], statements)


def _append(path: Path, text: str, *, replace: bool = False) -> None:
    # The folder belongs to the server's account: never follow a link out of it as root.
    flags = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC | (os.O_TRUNC if replace else os.O_APPEND)
    with os.fdopen(os.open(path, flags), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def configure(layout: Layout, account: Account | None) -> None:
    """Write the settings for this machine, and make the folders that the server writes to."""
    settings = tuning.settings_for(
        machine.memory_bytes(), machine.core_count(), free_disk_bytes=shutil.disk_usage(layout.data).free
    )
    write_atomically(layout.settings, tuning.render(settings), 0o644)
    for folder in (layout.logs, layout.socket):
        folder.mkdir(exist_ok=True)
        give(folder, account, 0o700)
    if not layout.override.exists():
        write_atomically(layout.override, OVERRIDE_HINT, 0o644)


def last_log_lines(layout: Layout, count: int = 8) -> str:
    """The end of what the server said last, for an error message."""
    files = [path for path in (layout.guardian_log, *layout.logs.glob("*.log")) if path.is_file()]
    newest = sorted(files, key=lambda path: path.stat().st_mtime)[-2:]
    lines: list[str] = []
    for path in newest:
        with open(path, "rb") as file:
            file.seek(max(0, path.stat().st_size - 8192))
            lines += [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    return " | ".join(lines[-count:])


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes // tuning.MIB} MB"
