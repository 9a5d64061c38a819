"""Full, checksummed backups of a whole PostgreSQL server, and their way back into a data folder.

A backup is a folder: `cluster/` as pg_basebackup writes it (with its manifest of SHA-256 sums), `jifen-backup.json`
(what it is, and the sums of every file that the manifest leaves out), and for the embedded server `secrets.json`,
without which the restored cluster could not be opened. It is called good only after pg_verifybackup said so.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

import jifen
from jifen.core.errors import JifenError
from jifen.core.system_words import system_words
from jifen.db.embedded.binaries import MAJOR, bin_folder
from jifen.db.embedded.cluster import NO_SPACE, check_space, failure
from jifen.db.embedded.errors import NotPermitted
from jifen.db.embedded.layout import Layout, sync_folder, write_atomically
from jifen.db.embedded.session import EmbeddedAddress
from jifen.db.verifier import verifier

FORMAT = 1
DESCRIPTION = "jifen-backup.json"
CLUSTER = "cluster"
SECRETS = "secrets.json"
OVERRIDE = "postgresql.override.conf"
# In the manifest, but pg_verifybackup passes over them, as people change them in a copy on purpose.
UNCHECKED = frozenset({"postgresql.auto.conf", "recovery.signal", "standby.signal"})
# Room for the write-ahead log that is streamed while the backup runs.
RESERVE_BYTES = 256 * 1024 * 1024

FAILED = ("备份失败", "The backup failed")

Progress = Callable[[int, int], None]
"""Called with the bytes done and the bytes in all."""

SERVER_QUERY = """
SELECT current_setting('server_version'), current_setting('server_version_num'),
       (SELECT rolsuper OR rolreplication FROM pg_roles WHERE rolname = current_user),
       (SELECT sum(pg_database_size(oid)) FROM pg_database
         WHERE datallowconn AND has_database_privilege(oid, 'CONNECT'))
"""


class BackupFailed(JifenError):
    """The backup could not be made; nothing is left at the target."""

    code: ClassVar[str] = "backup_failed"


class BackupTargetExists(JifenError):
    """There is something where the backup should go; it is left untouched."""

    code: ClassVar[str] = "backup_target_exists"


class ReplicationNotPermitted(JifenError):
    """The database role may not copy the server."""

    code: ClassVar[str] = "replication_not_permitted"


class NotABackup(JifenError):
    """The folder is no backup of jifen, or of another format."""

    code: ClassVar[str] = "not_a_backup"


class BackupDamaged(JifenError):
    """The backup is not what was written; the message names the first damaged file."""

    code: ClassVar[str] = "backup_damaged"


@dataclass(frozen=True)
class BackupReport:
    """What was backed up, and where to (`folder`)."""

    folder: Path
    created_at: datetime
    postgresql_version: str
    jifen_version: str
    database_bytes: int
    stored_bytes: int
    embedded: bool


@dataclass(frozen=True)
class _Source:
    """The server to copy: an address without its password, and the password apart."""

    address: str
    password: str
    programs: Path

    def environment(self) -> dict[str, str]:
        """The caller's environment (certificates, service files) with the password, which no argument list shows."""
        given = {"PGPASSWORD": self.password} if self.password else {}
        return os.environ | given | {"LC_ALL": "C", "PGCONNECT_TIMEOUT": "30"}


@dataclass(frozen=True)
class _Server:
    version: str
    major: int
    may_replicate: bool
    database_bytes: int


def backup(
    address: EmbeddedAddress | str,
    target: Path,
    binaries: Path | None = None,
    progress: Progress | None = None,
) -> BackupReport:
    """Copy the whole running server to the new folder `target`, verify the copy, then give it its name.

    `address` is the embedded server or the URL of a server of your own, whose role must be allowed to replicate.

    Raises:
        BackupTargetExists, ReplicationNotPermitted, BackupFailed, BackupDamaged: see there.
        DiskFull, NotPermitted: no room, or no right to write there.
    """
    target = Path(os.path.abspath(target))
    url = address if isinstance(address, str) else address.admin_url
    embedded = None if isinstance(address, str) else Layout(address.data)
    source = _source(url, binaries or bin_folder())
    if target.exists() or target.is_symlink():
        raise BackupTargetExists(
            f"{target} exists already; name a new folder.", message_zh=f"{target} 已经存在；请指定新目录。"
        )
    server = _ask(source)
    with _folder_beside(target) as work:
        check_space(work, server.database_bytes + RESERVE_BYTES)
        created_at = datetime.now(UTC)
        _copy_server(source, work / CLUSTER, progress)
        verify_cluster(work / CLUSTER, source.programs, parse_log=server.major == MAJOR)
        if embedded is not None:
            _copy_own_files(embedded, work)
        report = BackupReport(
            folder=target,
            created_at=created_at,
            postgresql_version=server.version,
            jifen_version=jifen.__version__,
            database_bytes=server.database_bytes,
            stored_bytes=folder_bytes(work),
            embedded=embedded is not None,
        )
        _describe(report, work)
        os.rename(work, target)
        sync_folder(target.parent)
    return report


def read_description(folder: Path) -> tuple[BackupReport, dict[str, str]]:
    """What `jifen-backup.json` says, and the SHA-256 sums of the files that the manifest leaves out.

    Raises:
        NotABackup: it is missing, unreadable or of another format.
    """
    path = folder / DESCRIPTION
    try:
        text = json.loads(path.read_text(encoding="utf-8"))
        if text["format"] != FORMAT:
            raise NotABackup(
                f"{folder} is a backup of format {text['format']}, this jifen reads {FORMAT}.",
                message_zh=f"{folder} 的备份格式为 {text['format']}，本 jifen 能读的是 {FORMAT}。",
            )
        report = BackupReport(
            folder=folder,
            created_at=datetime.fromisoformat(text["created_at"]),
            postgresql_version=str(text["postgresql_version"]),
            jifen_version=str(text["jifen_version"]),
            database_bytes=int(text["database_bytes"]),
            stored_bytes=int(text["stored_bytes"]),
            embedded=bool(text["embedded"]),
        )
        sums = {str(name): str(value) for name, value in text["sha256"].items()}
    except PermissionError as error:
        raise NotPermitted(
            f"{path} may not be read by this account; run jifen as its owner.",
            message_zh=f"当前账户不能读取 {path}；请以其所有者运行。",
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotABackup(
            f"{folder} is not a backup of jifen: its {DESCRIPTION} is missing or damaged; name the folder of a backup.",
            message_zh=f"{folder} 不是 jifen 的备份：其中的 {DESCRIPTION} 缺失或已损坏；请指定备份所在的目录。",
        ) from error
    return report, sums


def verify(folder: Path, binaries: Path | None = None) -> BackupReport:
    """Check every byte of a backup.

    Raises:
        NotABackup: it is none.
        BackupDamaged: a file is missing, added or changed; the first one is named.
    """
    report, sums = read_description(folder)
    for name, expected in sorted(sums.items()):
        path = folder / name
        if not path.is_file() or _sha256(path) != expected:
            raise BackupDamaged(
                f"The backup {folder} is damaged: {name}; use another backup.",
                message_zh=f"{folder} 中的 {name} 缺失或被改动；请使用其他备份。",
                file=name,
            )
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        outside = not name.startswith(f"{CLUSTER}/") or name.startswith(f"{CLUSTER}/pg_wal/")
        if path.is_symlink() or (outside and name not in sums and name != DESCRIPTION):
            raise BackupDamaged(
                f"The backup {folder} holds a file that does not belong to it: {name}.",
                message_zh=f"{folder} 中有不属于备份的文件 {name}。",
                file=name,
            )
    parse_log = report.postgresql_version.split(".")[0] == str(MAJOR)
    verify_cluster(folder / CLUSTER, binaries or bin_folder(), parse_log=parse_log)
    return report


def verify_cluster(cluster: Path, programs: Path, *, parse_log: bool) -> None:
    """Run pg_verifybackup; `parse_log` also reads the write-ahead log, which needs programs of the same major version.

    Raises:
        BackupDamaged: it found something; the first file it names is in the message.
        BinariesMissing: it does not run on this machine.
    """
    with verifier(programs) as checker:
        answer = subprocess.run(  # noqa: S603 - a program of PostgreSQL, arguments of our own
            [checker.program, "--quiet", *([] if parse_log else ["--no-parse-wal"]), cluster],
            env=checker.environment,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    if answer.returncode != 0:
        lines = [line.removeprefix("pg_verifybackup: ") for line in answer.stderr.splitlines() if line.strip()]
        first = lines[0] if lines else f"pg_verifybackup ended with {answer.returncode}"
        found = re.search(r'"([^"]+)"', first)
        raise BackupDamaged(
            f"The backup {cluster.parent} is damaged: {first}; use another backup.",
            message_zh=f"{cluster.parent} 未通过 pg_verifybackup 的检查：“{first}”；请使用其他备份。",
            file=f"{CLUSTER}/{found[1]}" if found else None,
        )


def folder_bytes(folder: Path) -> int:
    """The size of all files below a folder."""
    return sum(path.lstat().st_size for path in _files(folder))


def _source(url: str, programs: Path) -> _Source:
    """Take the password out of an address, wherever it stands, so that no argument list shows it."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    query = parse_qsl(parts.query, keep_blank_values=True)
    password = next((value for key, value in query if key == "password"), unquote(password))
    kept = urlencode([pair for pair in query if pair[0] != "password"], quote_via=quote, safe="/")
    scheme = parts.scheme.partition("+")[0]
    # urlunsplit would drop the slashes before an empty host, which is how a socket address looks.
    path = urlunsplit(("", "", parts.path, kept, ""))
    return _Source(f"{scheme}://{name}{at}{host}{path}", password, programs)


def _ask(source: _Source) -> _Server:
    answer = subprocess.run(  # noqa: S603 - a program of PostgreSQL, arguments of our own
        [source.programs / "psql", "--no-psqlrc", "--no-password", "-AtqF|", "-c", SERVER_QUERY, source.address],
        env=source.environment(),
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if answer.returncode != 0:
        why = _last_line(answer.stderr)
        zh = f"查询数据库失败，PostgreSQL 说：“{why}”。"
        raise BackupFailed(f"The database could not be asked: {why}", message_zh=zh)
    version, number, allowed, size = answer.stdout.strip().split("|")
    server = _Server(version.split(" ")[0], int(number) // 10000, allowed == "t", int(size or 0))
    if not server.may_replicate:
        raise ReplicationNotPermitted(
            "The role of this database address may not copy the server: ask its administrator for "
            "ALTER ROLE ... REPLICATION (and a `replication` line in pg_hba.conf), or make the backup there."
        )
    return server


def _copy_server(source: _Source, cluster: Path, progress: Progress | None) -> None:
    command: list[str | Path] = [source.programs / "pg_basebackup", "--pgdata", cluster, "--dbname", source.address]
    command += ["--format=plain", "--wal-method=stream", "--checkpoint=fast", "--manifest-checksums=SHA256"]
    said: list[str] = []
    with subprocess.Popen(  # noqa: S603 - a program of PostgreSQL, arguments of our own
        [*command, "--progress", "--no-password"],
        env=source.environment(),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as process:
        try:
            for line in process.stderr or ():
                counted = re.match(r"\s*(\d+)/(\d+) kB", line)
                if counted is None:
                    said = [*said[-20:], line]
                elif progress is not None:
                    progress(int(counted[1]) * 1024, int(counted[2]) * 1024)
        except BaseException:
            process.terminate()
            raise
    if process.returncode != 0:
        text = "".join(said)
        if NO_SPACE in text:
            raise failure(FAILED, text, cluster.parent)
        why = _last_line(text)
        raise BackupFailed(f"pg_basebackup failed: {why}", message_zh=f"pg_basebackup 失败：“{why}”。")


def _copy_own_files(layout: Layout, work: Path) -> None:
    write_atomically(work / SECRETS, layout.secrets.read_text(encoding="utf-8"), 0o600)
    if layout.override.is_file():
        write_atomically(work / OVERRIDE, layout.override.read_text(encoding="utf-8"), 0o600)


def _describe(report: BackupReport, work: Path) -> None:
    """Write the description, with the sums of all files that the manifest of pg_basebackup leaves out."""
    manifest = json.loads((work / CLUSTER / "backup_manifest").read_text(encoding="utf-8"))
    listed = {entry["Path"] for entry in manifest["Files"] if "Path" in entry}
    covered = {f"{CLUSTER}/{name}" for name in listed - UNCHECKED}
    names = [path.relative_to(work).as_posix() for path in _files(work)]
    text = {
        "format": FORMAT,
        "created_at": report.created_at.isoformat(),
        "postgresql_version": report.postgresql_version,
        "jifen_version": report.jifen_version,
        "database_bytes": report.database_bytes,
        "stored_bytes": report.stored_bytes,
        "embedded": report.embedded,
        "sha256": {name: _sha256(work / name) for name in sorted(names) if name not in covered},
    }
    write_atomically(work / DESCRIPTION, json.dumps(text, indent=1) + "\n", 0o600)


@contextlib.contextmanager
def _folder_beside(target: Path) -> Iterator[Path]:
    """A working folder on the same disk as the target, gone at the end unless it was renamed."""
    work = target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        work.mkdir(mode=0o700)
        yield work
    except PermissionError as error:
        zh, en = system_words(error)
        raise NotPermitted(
            f"{target} cannot be written ({en}: {error.filename}).",
            message_zh=f"无法写入 {target}（{zh}：{error.filename}）。",
        ) from error
    except OSError as error:
        if NO_SPACE in str(error):
            raise failure(FAILED, str(error), target.parent) from error
        zh = f"写入 {target} 时，{system_words(error)[0]}。"
        raise BackupFailed(f"The backup to {target} failed: {error}", message_zh=zh) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _files(folder: Path) -> Iterator[Path]:
    for root, _, names in os.walk(folder):
        for name in names:
            yield Path(root, name)


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it gave no reason"
