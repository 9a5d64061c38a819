"""The folder in which uploaded files lie for as long as they are needed. They hold personal data: nobody but the
account of the server can read them. What they are called there is drawn by lot, whatever the sender calls them."""

from __future__ import annotations

import os
import re
import secrets
import stat
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, ClassVar, Final

from jifen.core.errors import JifenError
from jifen.core.system_words import system_words
from jifen.settings import Settings

_NAME: Final = re.compile(r"[0-9a-f]{32}(\.xlsx)?")
#: How workbooks begin; those who read them want to see it in the name, too.
_WORKBOOK: Final = b"PK"
_REJECTS: Final = ".rejects"
_DAY_SECONDS: Final = 86_400


class UploadsUnusable(JifenError):
    """Files cannot be stored: the folder of uploads is not ours, cannot be written, or the disk is full."""

    code: ClassVar[str] = "uploads_unusable"


class Storage:
    """The folder of uploads. It is made when the first file comes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def create(self) -> tuple[str, BinaryIO]:
        """A new file, by its name, open for writing. Raises UploadsUnusable."""
        name = secrets.token_hex(16)
        try:
            self._prepare()
            handle = os.open(self.folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise unusable(error) from None
        return name, os.fdopen(handle, "wb")

    def settle(self, name: str) -> str:
        """The name that a file keeps once it is complete."""
        with self.path(name).open("rb") as file:
            is_workbook = file.read(len(_WORKBOOK)) == _WORKBOOK
        if not is_workbook:
            return name
        self.path(name).rename(self.path(f"{name}.xlsx"))
        return f"{name}.xlsx"

    def path(self, name: str) -> Path:
        """Where a file lies."""
        assert _NAME.fullmatch(name), "only names that this class has drawn"
        return self.folder / name

    def rejects(self, name: str) -> Path:
        """Where the rejects of a file lie."""
        path = self.path(name)
        return path.with_name(path.name + _REJECTS)

    def delete(self, names: Iterable[str]) -> None:
        """Delete files and their rejects; what is gone already is as well."""
        for name in names:
            for path in (self.path(name), self.rejects(name)):
                with suppress(OSError):
                    path.unlink()

    def sweep(self, days: int) -> None:
        """Delete rejects that have lain here for so many days, and files that no import knows of any more."""
        now = time.time()
        with suppress(OSError):
            for path in list(self.folder.iterdir()):
                # What an import knows of goes by its table, an import that is at work not at all: hence a day more.
                kept_days = days if path.name.endswith(_REJECTS) else days + 1
                if path.lstat().st_mtime < now - kept_days * _DAY_SECONDS:
                    path.unlink()

    def _prepare(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = self.folder.lstat()
        # In a folder of everybody's somebody else may have been first.
        is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
        if not is_ours:
            raise UploadsUnusable(
                f"The folder of uploads {self.folder} must belong to the account of the server and be closed to others "
                "(mode 0700); mend that, or name another one with JIFEN_UPLOADS.",
                message_zh=f"目录 {self.folder} 须归运行服务的账户所有，且不对他人开放（权限 0700）；请改正，"
                "或用 JIFEN_UPLOADS 指定其他目录。",
            )


def storage_of(settings: Settings) -> Storage:
    """The storage that the settings name; without one, a folder among the temporary files of the system."""
    return Storage(settings.uploads or Path(tempfile.gettempdir(), f"jifen-uploads-{os.geteuid()}"))


def unusable(error: OSError) -> UploadsUnusable:
    """What the operating system says, without telling callers where the folder lies."""
    zh, en = system_words(error)
    return UploadsUnusable(
        f"The file cannot be stored: {en}. Whoever runs the server can mend it (JIFEN_UPLOADS).",
        message_zh=f"{zh}；须由管理服务器的人处理（JIFEN_UPLOADS）。",
    )
