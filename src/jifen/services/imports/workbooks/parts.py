"""The parts of a workbook, which is a zip archive of XML: what may be unpacked, and where each part is."""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final
from xml.etree import ElementTree
from xml.parsers import expat

from jifen.core.system_words import system_words

CHUNK_BYTES: Final = 1 << 18
#: So much a workbook may come to when it is unpacked: a million rows of thirty columns come to a third of it.
MAXIMUM_UNPACKED_BYTES: Final = 4 << 30
#: Parts that are read as a whole (styles, the list of sheets).
MAXIMUM_SMALL_PART_BYTES: Final = 16 << 20
#: The list of the parts, which is read as a whole: some forty thousand of them.
MAXIMUM_LIST_BYTES: Final = 4 << 20
#: A large part that was packed better than this holds next to nothing: real sheets reach 5 to 40.
MAXIMUM_RATIO: Final = 250
_RATIO_FROM_BYTES: Final = 64 << 20


class UnfitWorkbook(Exception):
    """Why a file cannot be read as a workbook, in Chinese and English; to be put behind the name of the file."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en


def damaged(part: str) -> UnfitWorkbook:
    """The error for a part that is missing, cut off or no longer what was saved, to be raised."""
    return UnfitWorkbook(
        f"Excel 文件已损坏或不完整（{part}）；请在 Excel 中打开并另存",
        f"is damaged or cut off: {part}; save it again in Excel",
    )


class _File(io.BufferedReader):
    """The file of an archive, which is read in small pieces, but for the list of its parts."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Raises UnfitWorkbook where that list alone would fill the memory."""
        if size is not None and size > MAXIMUM_LIST_BYTES:
            raise UnfitWorkbook("含有的部件过多", "holds more parts than any workbook")
        return super().read(size)


class Parts:
    """An open workbook. Raises UnfitWorkbook wherever it is not what it should be."""

    def __init__(self, file: Path) -> None:
        try:
            self._file = _File(io.FileIO(file))
        except OSError as error:
            zh, en = system_words(error)
            raise UnfitWorkbook(f"无法读取：{zh}", f"cannot be read: {en}") from None
        try:
            self._archive = zipfile.ZipFile(self._file)
            _check_sizes(self._archive.infolist())
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
            self._file.close()
            # Most often the end is missing: a download or a copy that was cut off.
            raise UnfitWorkbook(
                "不是完整的 Excel 文件（.xlsx）；请重新下载或复制",
                "is no Excel workbook (.xlsx), or one that was cut off: copy it again",
            ) from None
        except UnfitWorkbook:
            self._file.close()
            raise
        self._names = {name.lower(): name for name in self._archive.namelist()}

    def __enter__(self) -> Parts:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._archive.close()
        self._file.close()

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
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError):
            raise damaged(name) from None

    def tree(self, name: str) -> ElementTree.Element:
        """A small part as a whole."""
        if not self.has(name):
            zh = f"不是 Excel 文件（.xlsx）：缺少 {name}"
            raise UnfitWorkbook(zh, f"is no Excel workbook (.xlsx): it has no {name}")
        if self.size_bytes(name) > MAXIMUM_SMALL_PART_BYTES:
            most = MAXIMUM_SMALL_PART_BYTES >> 20
            raise UnfitWorkbook(f"{name} 过大：最多 {most} MB", f"holds too much in {name}: {most} MB are the most")
        content = b"".join(self.chunks(name))
        if b"<!DOCTYPE" in content:
            raise _document_type(name)
        try:
            return ElementTree.fromstring(content)  # noqa: S314 - without a document type there are no entities
        except ElementTree.ParseError:
            raise damaged(name) from None

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

        def refuse(*_: object) -> None:
            raise _document_type(name)

        parser.StartDoctypeDeclHandler = refuse
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
        except (expat.ExpatError, ValueError):
            raise damaged(name) from None


def _check_sizes(members: list[zipfile.ZipInfo]) -> None:
    """Refuse an archive that would fill the memory or the disk, before anything is unpacked. What is unpacked of a
    member never goes beyond the size that is looked at here."""
    total = sum(member.file_size for member in members)
    if total > MAXIMUM_UNPACKED_BYTES:
        came, most = total >> 20, MAXIMUM_UNPACKED_BYTES >> 20
        raise UnfitWorkbook(
            f"解压后达 {came} MB，最多 {most} MB；请将工作表另存为 CSV",
            f"would come to {came} MB when it is unpacked, and {most} MB are the most; save its sheets as CSV",
        )
    for member in members:
        if member.file_size > max(_RATIO_FROM_BYTES, MAXIMUM_RATIO * member.compress_size):
            name, packed, came = member.filename, member.compress_size >> 10, member.file_size >> 20
            raise UnfitWorkbook(
                f"压缩率不像真正的 Excel 文件：{name} 将由 {packed} KB 变为 {came} MB；请将工作表另存为 CSV",
                f"is packed like no real workbook: {name} would come from {packed} KB to {came} MB; save the sheet as "
                "CSV",
            )


def _document_type(name: str) -> UnfitWorkbook:
    return UnfitWorkbook(
        f"{name} 声明了文档类型，Excel 文件从不如此", f"declares a document type in {name}, which no workbook does"
    )
