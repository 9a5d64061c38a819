"""What readers of either language rely on: each page has its twin, each link leads somewhere."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Final
from urllib.parse import unquote

from tests.house.tree import Sources

_FENCE: Final = re.compile(r"^(`{3,})([^\n`]*)\n(.*?)^\1\n?", re.MULTILINE | re.DOTALL)
_HEADING: Final = re.compile(r"^(#+) +(.+?) *$", re.MULTILINE)
_CODE: Final = re.compile(r"(`+).*?\1")
_CELL: Final = re.compile(r"(?<!\\)\|")
_LINK: Final = re.compile(r"\[[^\]]*\]\(([^()\s]+)\)")
_COMMENT: Final = re.compile(r"(^|\s+)# .*$", re.MULTILINE)
_LOCALE: Final = re.compile(r"\b(locale|lang)=(?:zh|en)\b")
_CHINESE: Final = re.compile("[\u3000-\u9fff\uff00-\uffef]+")
_ENGLISH_PAGE: Final = re.compile(r"(?:\.\./){2,}(?:docs/)?(?!zh/)(?:tutorial|how-to|reference)/")
_HEAD_LINES: Final = 4
"""A page says within so many lines where its twin is."""


def twin_faults(english: Sources, chinese: Sources) -> list[str]:
    """Find pages of one language only, twins that do not link to each other, and those that say different things.

    Compared are headings, the first cells of tables, and code; paths are below `docs` and `docs/zh`. Comments in
    code may be translated, and so may whatever Chinese stands for.
    """
    findings = [f"{name}: no Chinese twin" for name in sorted(english.keys() - chinese.keys())]
    findings += [f"zh/{name}: no English twin" for name in sorted(chinese.keys() - english.keys())]
    for name in sorted(english.keys() & chinese.keys()):
        depth = "../" * (name.count("/") + 1)
        if f"[中文]({depth[3:]}zh/{name})" not in _head(english[name]):
            findings.append(f"{name}: no link to its Chinese twin in its first lines")
        if f"[English]({depth}{name})" not in _head(chinese[name]):
            findings.append(f"zh/{name}: no link to its English twin in its first lines")
        body = chinese[name].replace(f"[English]({depth}{name})", "")
        findings += [f"zh/{name}: {link} is in English" for link in _LINK.findall(body) if _ENGLISH_PAGE.match(link)]
        findings += [f"{name}: {each}" for each in differences(english[name], chinese[name])]
    return findings


def _head(page: str) -> list[str]:
    return page.splitlines()[:_HEAD_LINES]


def differences(english: str, chinese: str) -> Iterator[str]:
    """How two pages differ in headings, in the first cells of their tables, and in code."""
    levels, others = ([level for level, _ in headings(page)] for page in (english, chinese))
    if levels != others:
        yield f"{len(levels)} headings, its twin {len(others)}, or of other levels"
    rows, other_rows = _rows(english), _rows(chinese)
    if len(rows) != len(other_rows):
        yield f"{len(rows)} rows of tables, its twin {len(other_rows)}"
    for row, other in zip(rows, other_rows, strict=False):
        if not _says_the_same(row, other):
            yield f"a row of a table is of {row}, that of its twin of {other}"
    blocks, twins = (_FENCE.findall(page) for page in (english, chinese))
    if len(blocks) != len(twins):
        yield f"{len(blocks)} code blocks, its twin {len(twins)}"
    for number, ((_, kind, code), (_, other_kind, other_code)) in enumerate(zip(blocks, twins, strict=False), 1):
        if kind != other_kind or not _says_the_same(code, other_code):
            yield f"code block {number} is not that of its twin"


def _rows(page: str) -> list[str]:
    """The code in the first cell of each row of the tables: fields, options, errors."""
    cells = [_CELL.split(line)[1] for line in _FENCE.sub("", page).splitlines() if line.startswith("|")]
    return [" ".join(found.group() for found in _CODE.finditer(cell)) for cell in cells]


def _says_the_same(english: str, chinese: str) -> bool:
    """Line by line, without comments; Chinese stands for any words or none, and `locale=zh` for `locale=en`."""
    lines, twins = ([line.rstrip() for line in _comparable(code).splitlines()] for code in (english, chinese))
    return len(lines) == len(twins) and all(
        line == twin or re.fullmatch(".*".join(map(re.escape, _CHINESE.split(twin))), line)
        for line, twin in zip(lines, twins, strict=True)
    )


def _comparable(code: str) -> str:
    return _LOCALE.sub(r"\1=", _COMMENT.sub("", code))


def headings(page: str) -> list[tuple[str, str]]:
    """Level (`##`) and text of each heading outside of code."""
    return _HEADING.findall(_FENCE.sub("", page))


def anchors(page: str) -> set[str]:
    """The fragments by which headings can be linked to, made as GitHub makes them."""
    made: Counter[str] = Counter()
    found = set()
    for _, text in headings(page):
        kept = "".join(letter for letter in text.lower() if letter.isalnum() or letter in " -_")
        anchor = kept.replace(" ", "-")
        found.add(f"{anchor}-{made[anchor]}" if made[anchor] else anchor)
        made[anchor] += 1
    return found


def broken_links(pages: Sources, kept: Collection[str]) -> list[str]:
    """Find relative links to files that are not kept, and to headings that do not exist. Paths are from the root."""
    folders = {posixpath.dirname(path) for path in kept}
    known = {path: anchors(text) for path, text in pages.items()}
    findings = []
    for path, text in pages.items():
        for link in _LINK.findall(_CODE.sub("", _FENCE.sub("", text))):
            file, _, fragment = unquote(link).partition("#")
            if re.match(r"[a-z]+:|/", file):
                continue
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), file)) if file else path
            if target not in kept and target not in folders:
                findings.append(f"{path}: {link} leads nowhere")
            elif fragment and fragment not in known.get(target, set()):
                findings.append(f"{path}: {link} names no heading")
    return findings
