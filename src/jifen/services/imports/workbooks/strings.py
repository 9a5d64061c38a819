"""The texts of a workbook: they stand in a list of their own, and cells name them by number."""

from __future__ import annotations

import os
from array import array
from functools import lru_cache
from tempfile import TemporaryFile
from typing import Final
from xml.parsers import expat

from jifen.services.imports.reading import MAXIMUM_FIELD
from jifen.services.imports.workbooks.parts import Parts, UnfitWorkbook

_REMEMBERED: Final = 1 << 14
#: Longer ones are not remembered: so many of the longest would come to gigabytes.
_REMEMBERED_BYTES: Final = 512
#: So much is read at once: cells name texts mostly in the order in which these stand in the list.
_WINDOW_BYTES: Final = 1 << 15
#: What Excel writes for control characters.
_ESCAPE: Final = "_x"


class Texts:
    """The texts on disk, and where each begins: millions of them need eight bytes each."""

    def __init__(self) -> None:
        self._file = TemporaryFile(prefix="jifen-import-")  # noqa: SIM115 - it lives as long as this
        self._starts = array("Q", [0])
        self._remembered = lru_cache(_REMEMBERED)(self._read)
        self._window, self._window_start = b"", 0

    def close(self) -> None:
        """Give the file back."""
        self._file.close()

    def add(self, text: str) -> None:
        """Append a text."""
        content = text.encode("utf-8", "replace")
        self._file.write(content)
        self._starts.append(self._starts[-1] + len(content))

    def end(self) -> None:
        """All are there."""
        self._file.flush()

    def text(self, number: int) -> str | None:
        """The text of a number; None: there is none."""
        if not 0 <= number < len(self._starts) - 1:
            return None
        is_short = self._starts[number + 1] - self._starts[number] <= _REMEMBERED_BYTES
        return self._remembered(number) if is_short else self._read(number)

    def _read(self, number: int) -> str:
        start, end = self._starts[number], self._starts[number + 1]
        at = start - self._window_start
        if at < 0 or end > self._window_start + len(self._window):
            self._window = os.pread(self._file.fileno(), max(_WINDOW_BYTES, end - start), start)
            self._window_start, at = start, 0
        return self._window[at : at + end - start].decode()


class _Reader:
    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._pieces: list[str] = []
        self._size = 0
        self._takes = False
        self._phonetic = 0

    def start(self, name: str, _attributes: object) -> None:
        name = name.rpartition(":")[2]
        if name == "t":
            self._takes = not self._phonetic
        elif name == "rPh":
            self._phonetic += 1
        elif name == "si":
            self._pieces, self._size = [], 0

    def end(self, name: str) -> None:
        name = name.rpartition(":")[2]
        if name == "t":
            self._takes = False
        elif name == "rPh":
            self._phonetic -= 1
        elif name == "si":
            self._texts.add("".join(self._pieces))

    def characters(self, data: str) -> None:
        if self._takes:
            self._size += len(data)
            if self._size > MAXIMUM_FIELD:
                raise UnfitWorkbook("有文本超过单元格的上限", "holds a text that is longer than any cell may be")
            self._pieces.append(data)


def read_texts(parts: Parts, name: str) -> Texts:
    """The texts of a workbook. Raises UnfitWorkbook."""
    texts = Texts()
    try:
        reader = _Reader(texts)
        parser = expat.ParserCreate()
        parser.StartElementHandler = reader.start
        parser.EndElementHandler = reader.end
        parser.CharacterDataHandler = reader.characters
        for _ in parts.parse(name, parser, lambda read_bytes: None):
            pass
        texts.end()
    except BaseException:
        texts.close()
        raise
    return texts


def plain(text: str) -> str:
    """A text as a person sees it: `_x000D_` and the like stand for characters."""
    if _ESCAPE not in text:
        return text
    from openpyxl.utils.escape import unescape

    # Half of a character of two halves alone is none.
    return str(unescape(text)).encode("utf-8", "replace").decode()
