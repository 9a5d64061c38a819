"""What is wrong with a program file, and the checks that several of its parts share."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from jifen.core.errors import JifenError
from jifen.core.nearest import asking, nearest
from jifen.core.rules.document import LocalizedText
from jifen.core.text import unfit_text

#: So many names of what there is are told.
MOST_SHOWN = 30
_ID = re.compile(r"[a-z][a-z0-9_-]{0,39}")


class InvalidProgram(JifenError):
    """A program file that cannot become a version; `path` names the field."""

    code = "invalid_program"


def invalid(path: str, message: str, message_zh: str) -> InvalidProgram:
    """The error for a field, to be raised: what is said of the path, in both languages."""
    return InvalidProgram(f"{path} {message}.", message_zh=f"{path} {message_zh}。", path=path)


def unknown(path: str, name: str, known: Collection[str], what_zh: str, what_en: str) -> InvalidProgram:
    """The error for a name of something that the program does not have, to be raised; with the one that may have been
    meant, and those that there are."""
    shown = sorted(known)[:MOST_SHOWN]
    more_zh, more_en = (" 等", " and others") if len(known) > MOST_SHOWN else ("", "")
    zh = f"{path} 是 {name!r}；积分计划的{what_zh}：{'、'.join(shown) or '无'}{more_zh}。"
    en = f"{path} is {name!r}; the program's {what_en} are {', '.join(shown) or 'none'}{more_en}."
    zh, en = asking(zh, en, nearest(name, known))
    return InvalidProgram(en, message_zh=zh, path=path)


def check_ids(path: str, ids: Sequence[str]) -> None:
    """Ids are short, plain and differ. Raises InvalidProgram."""
    for index, identifier in enumerate(ids):
        if not _ID.fullmatch(identifier):
            zh = f"是 {identifier!r}；须为 a-z、0-9、_ 和 -，1 至 40 个字符"
            raise invalid(f"{path}[{index}].id", f"is {identifier!r}; write a-z, 0-9, _ and -, 1 to 40 characters", zh)
        if identifier in ids[:index]:
            zh = f"第二次是 {identifier!r}；id 不得重复"
            raise invalid(f"{path}[{index}].id", f"is {identifier!r} a second time; ids must differ", zh)


def check_range(path: str, value: int, least: int, most: int) -> None:
    """Raises InvalidProgram where a number lies outside."""
    if not least <= value <= most:
        zh = f"是 {value}；须在 {least} 与 {most} 之间"
        raise invalid(path, f"is {value}; it must lie between {least} and {most}", zh)


def check_number(path: str, items: Sequence[object], most: int, *, least: int = 0) -> None:
    """Raises InvalidProgram where a list is too long, or too short."""
    if not least <= len(items) <= most:
        allowed, zh = (f"{least} to {most}", f"须 {least} 至") if least else (f"{most}", "最多")
        raise invalid(path, f"has {len(items)} entries; {allowed} are allowed", f"有 {len(items)} 项；{zh} {most} 项")


def check_text(path: str, text: LocalizedText, most: int = 200) -> None:
    """Raises InvalidProgram where a text is empty, long or not printable in one of its languages."""
    for language, value in (("zh", text.zh), ("en", text.en)):
        check_length(f"{path}.{language}", value, most)


def check_length(path: str, text: str, most: int) -> None:
    """Raises InvalidProgram where a text is empty, longer than so many characters, or not printable."""
    if not text.strip() or len(text) > most or unfit_text(text):
        en = f"must have 1 to {most} characters, without control characters"
        raise invalid(path, en, f"须为 1 至 {most} 个字符，不含控制字符")
