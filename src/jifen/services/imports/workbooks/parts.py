"""The parts of a workbook, which is a zip archive of XML: what may be unpacked, and where each part is."""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final
from xml.etree import ElementTree
from xml.parsers import expat

CHUNK_BYTES: Final = 1 << 18
#: So much a workbook may come to when it is unpacked: a million rows of thirty columns come to a third of it.
MAXIMUM_UNPACKED_BYTES: Final = 4 << 30
#: Parts that are read as a whole (styles, the list of sheets).
MAXIMUM_SMALL_PART_BYTES: Final = 16 << 20
#: A large part that was packed better than this holds next to nothing: real sheets reach 5 to 40.
MAXIMUM_RATIO: Final = 250
_RATIO_FROM_BYTES: Final = 64 << 20


class UnfitWorkbook(Exception):
    """Why a file cannot be read as a workbook; to be put behind the name of the file."""


class Parts:
    """An open workbook. Raises UnfitWorkbook wherever it is not what it should be."""

    def __init__(self, file: Path) -> None:
        try:
            self._archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            # Most often the end is missing: a download or a copy that was cut off.
            raise UnfitWorkbook(f"is no Excel workbook (.xlsx) that can be read, or cut off: {error}") from None
        try:
            _check_sizes(self._archive.infolist())
        except UnfitWorkbook:
            self._archive.close()
            raise
        self._names = {name.lower(): name for name in self._archive.namelist()}

    def __enter__(self) -> Parts:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._archive.close()

    def has(self, name: str) -> bool:
        """Whether there is such a part."""
        return name.lower() in self._names

    def size_bytes(self, name: str) -> int:
        """How large a part is when it is unpacked."""
        return self._archive.getinfo(self._names[name.lower()]).file_size

    def chunks(self, name: str) -> Iterator[bytes]:
        """A part, piece by piece."""
        try:
            with self._archive.open(self._names[name.lower()]) as part:
                while chunk := part.read(CHUNK_BYTES):
                    yield chunk
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
            raise UnfitWorkbook(f"is damaged: {name}: {str(error) or 'cut off'}") from None

    def tree(self, name: str) -> ElementTree.Element:
        """A small part as a whole."""
        if not self.has(name):
            raise UnfitWorkbook(f"is no Excel workbook (.xlsx) that can be read: it has no {name}")
        if self.size_bytes(name) > MAXIMUM_SMALL_PART_BYTES:
            raise UnfitWorkbook(f"holds too much in {name}: {MAXIMUM_SMALL_PART_BYTES >> 20} MB are the most")
        content = b"".join(self.chunks(name))
        if b"<!DOCTYPE" in content:
            raise UnfitWorkbook(f"declares a document type in {name}, which no workbook does")
        try:
            return ElementTree.fromstring(content)  # noqa: S314 - without a document type there are no entities
        except ElementTree.ParseError as error:
            raise UnfitWorkbook(f"is damaged: {name}: {error}") from None

    def targets(self, name: str) -> dict[str, tuple[str, str]]:
        """What a part refers to: by number of the reference, its kind and the part that is meant."""
        folder, base = posixpath.split(name)
        place = posixpath.join(folder, "_rels", f"{base}.rels")
        if not self.has(place):
            return {}
        return {
            each.get("Id", ""): (
                each.get("Type", "").rpartition("/")[2],
                posixpath.normpath(posixpath.join("/", folder, each.get("Target", ""))).lstrip("/"),
            )
            for each in self.tree(place)
        }

    def parse(self, name: str, parser: expat.XMLParserType, told: Callable[[int], None]) -> Iterator[None]:
        """Give a part to a parser, pausing after each piece; `told` hears how many bytes were read."""
        parser.StartDoctypeDeclHandler = _refuse_document_type
        parser.buffer_text = True
        read = 0
        try:
            for chunk in self.chunks(name):
                parser.Parse(chunk, False)
                read += len(chunk)
                told(read)
                yield
            parser.Parse(b"", True)
            yield
        except (expat.ExpatError, ValueError) as error:
            raise UnfitWorkbook(f"is damaged: {name}: {error}") from None


def _check_sizes(members: list[zipfile.ZipInfo]) -> None:
    """Refuse an archive that would fill the memory or the disk, before anything is unpacked. What is unpacked of a
    member never goes beyond the size that is looked at here."""
    total = sum(member.file_size for member in members)
    if total > MAXIMUM_UNPACKED_BYTES:
        raise UnfitWorkbook(
            f"would come to {total >> 20} MB when it is unpacked, and {MAXIMUM_UNPACKED_BYTES >> 20} MB are the most; "
            "save its sheets as CSV"
        )
    for member in members:
        if member.file_size > max(_RATIO_FROM_BYTES, MAXIMUM_RATIO * member.compress_size):
            raise UnfitWorkbook(
                f"is packed like no real workbook: {member.filename} would come from {member.compress_size >> 10} KB "
                f"to {member.file_size >> 20} MB; save the sheet as CSV"
            )


def _refuse_document_type(*_: object) -> None:
    raise UnfitWorkbook("declares a document type, which no workbook does")
