"""What every read operation under /v1 is made of, and how its query is read."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from jifen.core.refusal import Refusal
from jifen.core.text import unfit_text
from jifen.db.connection import Connection
from jifen.services.catalog import Catalog
from jifen.services.misfits import misfit_in_chinese

#: A plus sign that nobody encoded arrives as a space; in an instant it can only have been a plus sign.
_LOST_PLUS = re.compile(r"(?<=[Tt:\d.]) (?=\d\d:\d\d$)")

#: Parameters that are numbers.
_NUMBERS = frozenset({"limit", "percent", "days", "round"})


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing can be asked for beside the path."""


class Asked(msgspec.Struct, frozen=True):
    """What a read is made with: within one snapshot of the database, at an instant."""

    connection: Connection
    catalog: Catalog
    name: str
    query: Any
    now: datetime


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What the documents say of a read operation. `path` has at most one part in braces."""

    name: str
    path: str
    summary: str
    summary_zh: str
    query: type[Query] = Query
    answer_type: type[msgspec.Struct]
    codes: tuple[str, ...] = ()
    example_answer: dict[str, Any]


class Read(Question, frozen=True, kw_only=True):
    """One read operation."""

    run: Callable[[Asked], Awaitable[msgspec.Struct | Refusal]]


def read_query(kind: type[Query], parameters: dict[str, str]) -> Query | Refusal:
    """The typed query, or the refusal that names the parameter at fault."""
    known = [each.encode_name for each in msgspec.structs.fields(kind)]
    for name, value in parameters.items():
        if name not in known:
            zh, en = "这里不用参数", "it has none"
            if known:
                zh, en = f"可用的有 {'、'.join(known)}", f"known are {', '.join(known)}"
            return _bad_parameter(name[:40], f"It is not one of this call; {en}.", f"没有这个参数；{zh}。")
        if unfit_text(value):
            zh = "其中有这类值不会有的字符。"
            return _bad_parameter(name, "It contains a character that no such value has.", zh)
    try:
        return msgspec.convert({name: _value(name, text) for name, text in parameters.items()}, kind)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$.")
        named = path.rstrip("`") or (re.findall(r"`([^`]*)`", what) or ["?"])[-1]
        return _bad_parameter(named[:40], f"{what[:200]}.", f"{misfit_in_chinese(what)[:200]}。")


def refuse_query(query: bytes) -> Refusal | None:
    """Refuse any parameter of a call that takes none: whatever was meant by it would be lost."""
    found = read_query(Query, dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)))
    return found if isinstance(found, Refusal) else None


def _value(name: str, text: str) -> str | int:
    """A parameter as JSON would have it. (msgspec's own lenient reading would take `null` and Unix times as well.)"""
    if name in _NUMBERS and text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    return _LOST_PLUS.sub("+", text) if name == "as_of" else text


def _bad_parameter(name: str, what: str, zh: str | None = None) -> Refusal:
    return Refusal("invalid_parameter", f"Query parameter {name!r}: {what}", None, {"parameter": name}, zh)
