"""A workbook: its sheets, and what all of them share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from jifen.services.imports.spool import Spool
from jifen.services.imports.workbooks.merges import Merge, find_merges
from jifen.services.imports.workbooks.parts import MAXIMUM_UNPACKED_BYTES, Parts, UnfitWorkbook, damaged
from jifen.services.imports.workbooks.sheets import SheetReader
from jifen.services.imports.workbooks.strings import Texts, read_texts
from jifen.services.imports.workbooks.values import Formats

_ROOT: Final = ""
_TRUE: Final = ("1", "true", "on")


class Workbook:
    """One sheet of a workbook, to be read as often as needed, one reader at a time. Close it: texts wait in a temporary
    file, and once all rows were read these do: to parse a million of them again would take most of a minute."""

    def __init__(self, file: Path, sheet: str | None = None) -> None:
        """`sheet` None: the first that is not hidden. Raises UnfitWorkbook."""
        self._file = file
        self._texts: Texts | None = None
        self._merges: list[Merge] | None = None
        self._spool: Spool | None = None
        #: Rows with values that are hidden, once the rows were read.
        self.hidden = 0
        with Parts(file) as parts:
            book_name = _first(parts.targets(_ROOT), "officeDocument") or "xl/workbook.xml"
            book = parts.tree(book_name)
            targets = parts.targets(book_name)
            sheets = _sheets(book, targets)
            self.sheet = _chosen(sheets, sheet)
            self._part = sheets[self.sheet][0]
            if not parts.has(self._part):
                raise damaged(self._part)
            #: Sheets that can be seen and are not read.
            self.others = [name for name, (_, is_hidden) in sheets.items() if name != self.sheet and not is_hidden]
            styles = _first(targets, "styles")
            since_1904 = any(_local(each) == "workbookPr" and each.get("date1904") in _TRUE for each in book)
            tree = parts.tree(styles) if styles is not None and parts.has(styles) else None
            self._formats = Formats(tree, since_1904=since_1904)
            self._texts_part = _first(targets, "sharedStrings")

    def close(self) -> None:
        """Give the temporary files back."""
        for each in (self._texts, self._spool):
            if each is not None:
                each.close()

    def rows(self, told: Callable[[int], None] = lambda read_bytes: None) -> Iterator[tuple[int, list[str]]]:
        """All rows with something in them, by their number in the sheet. `told` hears how many bytes of the file
        were read, as far as can be said, the first time. Raises UnfitWorkbook."""
        if self._spool is not None:
            yield from self._spool.rows()
            return
        spool = Spool()
        try:
            for number, values in self._parsed(told):
                spool.add(number, values)
                if spool.size_bytes > MAXIMUM_UNPACKED_BYTES:
                    most = MAXIMUM_UNPACKED_BYTES >> 20
                    zh = f"各行共超过 {most} MB；请将工作表另存为 CSV"
                    raise UnfitWorkbook(zh, f"comes to more than {most} MB in all its rows; save the sheet as CSV")
                yield number, values
        except BaseException:
            # Whoever wanted the header alone goes away here.
            spool.close()
            raise
        self._spool = spool
        if self._texts is not None:
            self._texts.close()
            self._texts = None

    def _parsed(self, told: Callable[[int], None]) -> Iterator[tuple[int, list[str]]]:
        with Parts(self._file) as parts:
            if self._texts is None and self._texts_part is not None and parts.has(self._texts_part):
                self._texts = read_texts(parts, self._texts_part)
            if self._merges is None:
                self._merges = find_merges(parts, self._part)
            reader = SheetReader(self._texts, self._formats, self._merges)
            packed, unpacked = self._file.stat().st_size, max(1, parts.size_bytes(self._part))
            yield from reader.rows(parts, self._part, lambda read: told(packed * read // unpacked))
            self.hidden = reader.hidden


def _sheets(book: ElementTree.Element, targets: dict[str, tuple[str, str]]) -> dict[str, tuple[str, bool]]:
    """By name: the part, and whether the sheet is hidden."""
    sheets = {}
    for each in book.iter():
        if _local(each) != "sheet":
            continue
        reference = next((value for name, value in each.attrib.items() if name.endswith("}id")), "")
        kind, part = targets.get(reference, ("", ""))
        if kind == "worksheet":
            sheets[each.get("name", "")] = (part, each.get("state", "visible") != "visible")
    if not sheets:
        raise UnfitWorkbook("没有含数据行的工作表", "has no sheet with rows")
    return sheets


def _chosen(sheets: dict[str, tuple[str, bool]], wanted: str | None) -> str:
    if wanted is None:
        return next((name for name, (_, is_hidden) in sheets.items() if not is_hidden), next(iter(sheets)))
    if wanted not in sheets:
        zh = f"没有工作表 {wanted!r}；有 {'、'.join(sheets)}"
        raise UnfitWorkbook(zh, f"has no sheet {wanted!r}; there is {', '.join(sheets)}")
    return wanted


def _first(targets: dict[str, tuple[str, str]], kind: str) -> str | None:
    return next((part for each, part in targets.values() if each == kind), None)


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
