"""The folder of uploads: closed to others, swept, and never left by a name."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from jifen.services.uploads.storage import Storage, UploadsUnusable, storage_of
from jifen.settings import Settings

DAY_SECONDS = 86_400


def stored(storage: Storage, content: bytes) -> str:
    """A file with this content, by its name."""
    name, file = storage.create()
    with file:
        file.write(content)
    return storage.settle(name)


def test_files_are_closed_to_others(tmp_path: Path) -> None:
    """The folder as well, whatever the umask; a workbook shows in its name what it is."""
    storage = Storage(tmp_path / "a" / "uploads")
    before = os.umask(0)
    try:
        names = [stored(storage, content) for content in (b"a,b\n", b"PK\x03\x04")]
    finally:
        os.umask(before)
    assert [len(name) for name in names] == [32, 37]
    assert storage.folder.stat().st_mode & 0o777 == 0o700
    assert {storage.path(name).stat().st_mode & 0o777 for name in names} == {0o600}
    storage.rejects(names[1]).write_text("rejects")
    storage.delete(names)
    storage.delete(names)
    assert list(storage.folder.iterdir()) == []


def test_folders_that_are_not_ours(tmp_path: Path) -> None:
    """Open to others, a link, a file: refused with what to do, without a file in it."""
    others, link, file = tmp_path / "open", tmp_path / "link", tmp_path / "file"
    others.mkdir(mode=0o755)
    link.symlink_to(others)
    file.write_text("")
    for folder in (others, link, file):
        with pytest.raises(UploadsUnusable) as refused:
            Storage(folder).create()
        assert "JIFEN_UPLOADS" in refused.value.message
    assert list(others.iterdir()) == []


@pytest.mark.parametrize("name", ["../etc/passwd", "", "a" * 32 + "/..", "A" * 32, "a" * 32 + ".csv"])
def test_names_that_were_not_drawn(tmp_path: Path, name: str) -> None:
    """Only the class's own names become paths."""
    with pytest.raises(AssertionError):
        Storage(tmp_path).path(name)


def test_sweeping(tmp_path: Path) -> None:
    """Rejects after their days; files that nobody knows of a day later. Where there is no folder, nothing is done."""
    Storage(tmp_path / "nowhere").sweep(7)
    storage = Storage(tmp_path / "uploads")
    name = stored(storage, b"a")
    for path, days in ((storage.path(name), 7.5), (storage.rejects(name), 7.5), (storage.folder / "old", 8.1)):
        path.touch()
        then = time.time() - days * DAY_SECONDS
        os.utime(path, (then, then))
    storage.sweep(7)
    assert [path.name for path in storage.folder.iterdir()] == [name]


def test_where_the_folder_is(tmp_path: Path) -> None:
    """Where the settings say, else among the temporary files, one for each account."""
    assert storage_of(Settings(uploads=tmp_path)).folder == tmp_path
    assert storage_of(Settings()).folder.name == f"jifen-uploads-{os.geteuid()}"
