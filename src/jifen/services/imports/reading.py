"""The file as rows of text: plain or gzip, in whatever encoding spreadsheets write."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, TextIO

from jifen.core.errors import JifenError
from jifen.core.system_words import system_words
from jifen.services.imports.mapping import Encoding, FileShape

_GZIP_MAGIC = b"\x1f\x8b"
#: What a file may begin with to say how it is written.
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_CHUNK_BYTES = 1 << 20
_ROWS_BETWEEN_PROGRESS = 5_000
#: The most characters in one line of a file that is packed: how long it is cannot be told from the size of the file.
MAXIMUM_PACKED_LINE: Final = 16 << 20
#: The most characters in one field; csv's own default, said here because rejected rows depend on it.
MAXIMUM_FIELD = 131_072


#: What cannot be told from a file by itself, and so must be said.
_OTHERS: Final = ("iso-8859-1", "cp1252", "utf-16")
_SAVE, _SAVE_ZH = "save it as UTF-8 (CSV)", "请另存为 UTF-8（CSV）"


class UnreadableFile(JifenError):
    """A file of orders that cannot be read: missing, damaged, or in an encoding that it does not keep to."""

    code = "import_file_unreadable"


def unreadable_file(path: Path, zh: str, en: str) -> UnreadableFile:
    """The error for a file, to be raised: what is wrong with it, in Chinese and English without a full stop."""
    return UnreadableFile(f"{path}: {en}.", message_zh=f"{path}：{zh}。", file=str(path))


#: A row as read: the line of the file on which it begins, and its fields (None: the line is no CSV).
Row = tuple[int, list[str] | None]


@contextmanager
def open_bytes(path: Path) -> Iterator[tuple[io.BufferedReader | gzip.GzipFile, BinaryIO]]:
    """The content of a file, unpacked if it is gzip (told by its first bytes, not by its name), and the file itself.

    Raises:
        UnreadableFile: it cannot be opened, or (while reading) its compressed data are damaged.
    """
    try:
        raw = path.open("rb")
    except (OSError, ValueError) as error:
        zh, en = system_words(error)
        raise unreadable_file(path, f"无法打开：{zh}", f"cannot be opened: {en}") from None
    with raw:
        try:
            is_packed = raw.peek(2)[:2] == _GZIP_MAGIC
            yield (gzip.GzipFile(fileobj=raw) if is_packed else raw), raw
        except (EOFError, gzip.BadGzipFile, zlib.error):
            en = "the compressed data are cut off or damaged"
            raise unreadable_file(path, "压缩数据不完整或已损坏", en) from None
        except OSError as error:
            zh, en = system_words(error)
            raise unreadable_file(path, f"无法读取：{zh}", f"cannot be read: {en}") from None


def find_encoding(path: Path, wanted: Encoding) -> str:
    """The encoding of a file, as a codec's name. The whole file is looked at once, also where the mapping names one:
    Chinese in UTF-8 can often be read as GB 18030 or Latin 1, and would come in as nonsense.

    Raises:
        UnreadableFile: no encoding fits, or not the one that the mapping names.
    """
    with open_bytes(path) as (content, _):
        first = content.read(_CHUNK_BYTES)
        mark = next((name for mark, name in _MARKS if first.startswith(mark)), None)
        fitting, is_ascii = _fitting(first, content, {"utf-8", "gb18030", "utf-16", wanted} - {"auto"})
    found = mark if mark in fitting else None
    if found is None and not (wanted == "utf-16" and "utf-16" in fitting):
        # What is all ASCII is read alike by all of them.
        found = next((name for name in ("utf-8", "gb18030") if name in fitting), None)
    if wanted == "auto":
        if found is None:
            raise unreadable_file(
                path,
                f"不是 UTF-8 或 GB 18030 文本；{_SAVE_ZH}，或在映射的 file.encoding 中写明（{'、'.join(_OTHERS)}）",
                f"is not text in UTF-8 or GB 18030; {_SAVE}, or name its encoding as file.encoding of the mapping "
                f"({', '.join(_OTHERS)})",
            )
        return _codec(found)
    is_certain = mark is not None or (found == "utf-8" and not is_ascii)
    if wanted in fitting and (found == wanted or not is_certain):
        return _codec(wanted)
    zh, en = f"{_SAVE_ZH}，或在映射中改写 file.encoding", f"{_SAVE}, or change file.encoding in the mapping"
    if found is not None:
        zh = f"它是 {found}：请把映射中的 file.encoding 设为它，或 auto"
        en = f"it is {found}: set file.encoding of the mapping to that, or to auto"
    zh, en = f"不是映射所写的 {wanted} 文本；{zh}", f"is not text in {wanted}, which the mapping names; {en}"
    raise unreadable_file(path, zh, en)


def _fitting(first: bytes, content: io.BufferedReader | gzip.GzipFile, names: set[str]) -> tuple[set[str], bool]:
    """Of these encodings those that can be the file's, and whether all of it is ASCII."""
    decoders = {name: codecs.getincrementaldecoder(_codec(name))() for name in names}
    chunk, is_ascii = first, True
    while decoders:
        is_last = not chunk
        is_ascii = is_ascii and chunk.isascii()
        for name, decoder in list(decoders.items()):
            try:
                decoder.decode(chunk, is_last)
            except UnicodeError:
                del decoders[name]
        if is_last:
            break
        chunk = content.read(_CHUNK_BYTES)
    return set(decoders), is_ascii


def _codec(name: str) -> str:
    return "utf-8-sig" if name == "utf-8" else name


def read_rows(
    path: Path, shape: FileShape, encoding: str, *, progress: Callable[[int], None] = lambda read_bytes: None
) -> Iterator[Row]:
    """All rows, the header first. `progress` is told now and then how many bytes of the file have been read.

    Raises:
        UnreadableFile: the file is missing or damaged.
    """
    with open_bytes(path) as (content, raw), io.TextIOWrapper(content, encoding=encoding, newline="") as text:
        reader = csv.reader(text if content is raw else bounded_lines(path, text), delimiter=shape.delimiter)
        line, count = 1, 0
        while True:
            fields: list[str] | None
            try:
                fields = next(reader, None)
                if fields is None:
                    return
            except csv.Error:
                fields = None
            if fields is None or fields:
                yield line, fields
            line = reader.line_num + 1
            count += 1
            if count % _ROWS_BETWEEN_PROGRESS == 0:
                progress(raw.tell())


def bounded_lines(path: Path, text: TextIO) -> Iterator[str]:
    """The lines of a packed file: one that would never end is refused before it fills the memory."""
    while line := text.readline(MAXIMUM_PACKED_LINE):
        if len(line) == MAXIMUM_PACKED_LINE:
            zh, en = f"有一行超过 {len(line)} 个字符", f"has a line of more than {len(line)} characters"
            raise unreadable_file(path, zh, en)
        yield line
