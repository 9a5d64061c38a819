"""The way back: a verified backup becomes the cluster of an empty data folder, as a whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from jifen.core.errors import JifenError
from jifen.core.system_words import system_words
from jifen.db.backup import (
    CLUSTER,
    OVERRIDE,
    SECRETS,
    BackupDamaged,
    NotABackup,
    Progress,
    folder_bytes,
    read_description,
    verify,
)
from jifen.db.embedded.accounts import Account, choose_account, give
from jifen.db.embedded.binaries import MAJOR
from jifen.db.embedded.cluster import LEAST_FREE_BYTES, NO_SPACE, check_space, failure, remove_unfinished
from jifen.db.embedded.errors import DataFolderInUse, OtherMajorVersion
from jifen.db.embedded.layout import (
    UNFINISHED_PREFIX,
    Layout,
    check_folder,
    open_folder,
    sync_folder,
    write_atomically,
)
from jifen.db.embedded.locks import EXCLUSIVE, FileLock, is_held

LOCKS = ("serving", "start", "users", "guardian", "server")
CHUNK_BYTES = 4 * 1024 * 1024


class RestoreTargetNotEmpty(JifenError):
    """The data folder already holds a database; it is left untouched."""

    code: ClassVar[str] = "restore_target_not_empty"


class RestoreFailed(JifenError):
    """The operating system failed the restore; the data folder is as empty as before."""

    code: ClassVar[str] = "restore_failed"


@dataclass(frozen=True)
class RestoreReport:
    """What was restored, and where to."""

    data: Path
    created_at: datetime
    postgresql_version: str
    stored_bytes: int


def restore(backup: Path, data: Path, binaries: Path | None = None, progress: Progress | None = None) -> RestoreReport:
    """Verify a backup of an embedded server and make it the cluster of a new or empty data folder.

    Raises:
        NotABackup, BackupDamaged, OtherMajorVersion: the backup cannot be used.
        RestoreTargetNotEmpty, DataFolderInUse, NotDataFolder, NotPermitted, DiskFull: the data folder cannot.
        RestoreFailed: the operating system failed.
    """
    backup = Path(os.path.abspath(backup))
    _check_backup(backup)
    layout = Layout(Path(os.path.abspath(data)).resolve())
    _check_target(layout)
    report = verify(backup, binaries)
    layout = open_folder(layout.data)
    with _sole_use(layout):
        _check_contents(layout)
        size_bytes = folder_bytes(backup)
        check_space(layout.data, size_bytes + LEAST_FREE_BYTES)
        account = choose_account(layout.cluster, os.environ.get("JIFEN_RUN_AS"))
        _fill(layout, backup, account, _Meter(size_bytes, progress))
    return RestoreReport(layout.data, report.created_at, report.postgresql_version, size_bytes)


def _check_backup(backup: Path) -> None:
    report, _ = read_description(backup)
    if not report.embedded:
        raise NotABackup(
            f"{backup} is the copy of a PostgreSQL server of yours, not of an embedded one: "
            f"start that server on {backup / CLUSTER}.",
            message_zh=f"{backup} 是您自有 PostgreSQL 的副本，不是内置数据库的；请用 {backup / CLUSTER} "
            f"启动那个服务器。",
        )
    major = report.postgresql_version.split(".")[0]
    if major != str(MAJOR):
        raise OtherMajorVersion(
            f"The backup {backup} is of PostgreSQL {major}, this jifen brings {MAJOR}; restore it with the jifen "
            f"that made it ({report.jifen_version}).",
            message_zh=f"请用制作备份 {backup} 的 jifen（{report.jifen_version}）恢复。",
            found=major,
            needed=str(MAJOR),
        )


def _check_target(layout: Layout) -> None:
    """Refuse early, before the backup is read, and without making anything."""
    if not layout.data.exists():
        return
    check_folder(layout)
    for name in LOCKS:
        if is_held(layout.lock(name)):
            raise _in_use(layout)
    _check_contents(layout)


def _check_contents(layout: Layout) -> None:
    """Only what an interrupted restore left may be there: it is made anew."""
    if layout.restoring.exists():
        return
    if layout.cluster.exists() or layout.secrets.exists():
        raise RestoreTargetNotEmpty(
            f"{layout.data} already holds a database; it was left untouched. Restore into a new folder with --data."
        )


def _in_use(layout: Layout) -> DataFolderInUse:
    return DataFolderInUse(f"{layout.data} is in use; stop jifen there or restore into a new folder with --data.")


@contextmanager
def _sole_use(layout: Layout) -> Iterator[None]:
    """Hold every lock of the folder, so that nobody starts a server there meanwhile."""
    with ExitStack() as held:
        for name in LOCKS:
            lock = FileLock(layout.lock(name))
            held.callback(lock.give_up)
            if not lock.try_acquire(EXCLUSIVE):
                raise _in_use(layout)
        yield


def _fill(layout: Layout, backup: Path, account: Account | None, meter: _Meter) -> None:
    """Copy beside, then rename; while `restoring` exists no server starts on the folder."""
    layout.restoring.touch(mode=0o600)
    sync_folder(layout.data)
    # An interrupted restore of before: the marker says that these are its leftovers.
    remove_unfinished(layout)
    shutil.rmtree(layout.cluster, ignore_errors=True)
    work = layout.data / f"{UNFINISHED_PREFIX}{secrets.token_hex(4)}"
    try:
        work.mkdir(mode=0o700)
        _copy_folder(backup / CLUSTER, work / CLUSTER, account, meter)
        write_atomically(layout.secrets, (backup / SECRETS).read_text(encoding="utf-8"), 0o600)
        if (backup / OVERRIDE).is_file():
            write_atomically(layout.override, (backup / OVERRIDE).read_text(encoding="utf-8"), 0o644)
        os.rename(work / CLUSTER, layout.cluster)
        sync_folder(layout.data)
    except BaseException as error:
        layout.secrets.unlink(missing_ok=True)
        shutil.rmtree(work, ignore_errors=True)
        layout.restoring.unlink()
        if isinstance(error, OSError):
            raise _as_error(error, layout) from error
        raise
    work.rmdir()
    layout.restoring.unlink()
    sync_folder(layout.data)


def _as_error(error: OSError, layout: Layout) -> JifenError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return failure(("恢复失败", "The restore failed"), NO_SPACE, layout.data)
    zh = f"写入 {layout.data} 时，{system_words(error)[0]}。"
    return RestoreFailed(f"The restore into {layout.data} failed: {error}", message_zh=zh)


class _Meter:
    """Counts copied bytes for the caller's progress bar."""

    def __init__(self, total_bytes: int, progress: Progress | None) -> None:
        self._total_bytes = total_bytes
        self._done_bytes = 0
        self._progress = progress

    def add(self, count_bytes: int) -> None:
        """So many bytes more are copied."""
        self._done_bytes += count_bytes
        if self._progress is not None:
            self._progress(self._done_bytes, max(self._total_bytes, self._done_bytes))


def _copy_folder(source: Path, target: Path, account: Account | None, meter: _Meter) -> None:
    """Copy a tree of folders and plain files durably, handing each to the server's account."""
    target.mkdir(mode=0o700)
    for entry in sorted(os.scandir(source), key=lambda found: found.name):
        if entry.is_dir(follow_symlinks=False):
            _copy_folder(Path(entry.path), target / entry.name, account, meter)
        elif entry.is_file(follow_symlinks=False):
            _copy_file(Path(entry.path), target / entry.name, meter)
            give(target / entry.name, account, 0o600)
        else:
            zh = f"{entry.path} 既不是文件也不是目录。"
            raise BackupDamaged(f"{entry.path} is neither a file nor a folder.", message_zh=zh, file=entry.path)
    sync_folder(target)
    give(target, account, 0o700)


def _copy_file(source: Path, target: Path, meter: _Meter) -> None:
    with open(source, "rb") as reader, open(target, "xb") as writer:
        while chunk := reader.read(CHUNK_BYTES):
            writer.write(chunk)
            meter.add(len(chunk))
        writer.flush()
        os.fsync(writer.fileno())
