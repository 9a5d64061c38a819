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
from typing import BinaryIO

from jifen.core.errors import JifenError
from jifen.services.imports.mapping import Encoding, FileShape

_GZIP_MAGIC = b"\x1f\x8b"
_UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CHUNK_BYTES = 1 << 20
_ROWS_BETWEEN_PROGRESS = 5_000
#: The most characters in one field; csv's own default, said here because rejected rows depend on it.
MAXIMUM_FIELD = 131_072


class UnreadableFile(JifenError):
    """A file of orders that cannot be read: missing, damaged, or in an encoding that it does not keep to."""

    code = "import_file_unreadable"


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
        reason = getattr(error, "strerror", None) or "not a path"
        raise UnreadableFile(f"{path}: cannot be opened: {reason}.", file=str(path)) from None
    with raw:
        try:
            is_packed = raw.peek(2)[:2] == _GZIP_MAGIC
            yield (gzip.GzipFile(fileobj=raw) if is_packed else raw), raw
        except (EOFError, gzip.BadGzipFile, zlib.error):
            raise UnreadableFile(f"{path}: the compressed data are cut off or damaged.", file=str(path)) from None
        except OSError as error:
            raise UnreadableFile(f"{path}: cannot be read: {error.strerror or error}.", file=str(path)) from None


def find_encoding(path: Path, wanted: Encoding) -> str:
    """The encoding of a file, as a codec's name. With `auto` the whole file is looked at once.

    Raises:
        UnreadableFile: no encoding fits, or the one that the mapping names does not.
    """
    candidates = ["utf-8-sig", "gb18030"] if wanted == "auto" else ["utf-8-sig" if wanted == "utf-8" else wanted]
    with open_bytes(path) as (content, _):
        first = content.read(2)
        if wanted == "auto" and first in _UTF_16_MARKS:
            candidates = ["utf-16"]
        decoders = {name: codecs.getincrementaldecoder(name)() for name in candidates}
        chunk = first
        while decoders:
            is_last = not chunk
            for name, decoder in list(decoders.items()):
                try:
                    decoder.decode(chunk, is_last)
                except UnicodeDecodeError:
                    del decoders[name]
            if is_last:
                break
            chunk = content.read(_CHUNK_BYTES)
    if not decoders:
        tried = ", ".join(candidates)
        raise UnreadableFile(f"{path}: is not text in {tried}; save it as UTF-8 (CSV).", file=str(path))
    return next(iter(decoders))


def read_rows(
    path: Path, shape: FileShape, encoding: str, *, progress: Callable[[int], None] = lambda read_bytes: None
) -> Iterator[Row]:
    """All rows, the header first. `progress` is told now and then how many bytes of the file have been read.

    Raises:
        UnreadableFile: the file is missing or damaged.
    """
    with open_bytes(path) as (content, raw), io.TextIOWrapper(content, encoding=encoding, newline="") as text:
        reader = csv.reader(text, delimiter=shape.delimiter)
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
