"""A mapping proposed from the header and the first rows of a file, for a person to look over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import yaml

from jifen.core.program import LocalizedText, ProgramDocument
from jifen.core.rules.document import MemberField
from jifen.services.imports.cells import clean
from jifen.services.imports.mapping import Columns, FileShape, Mapping, MemberShape, ReturnsByColumn, TimeShape
from jifen.services.imports.moments import AUTO, Formats
from jifen.services.imports.people.mapping import BalanceColumns, BalanceMapping, MemberColumns, MemberMapping
from jifen.services.imports.people.rows import GENDERS
from jifen.services.imports.proposals.formats import propose_formats
from jifen.services.imports.proposals.headers import (
    BALANCES,
    FIELD,
    MEMBERS,
    ORDERS,
    Names,
    find_header,
    identities_of,
    meant,
    with_fields,
)
from jifen.services.imports.proposals.values import values_of_field

Kind = Literal["members", "orders", "balances"]

_ROWS_LOOKED_AT: Final = 200
_ZONE: Final = "Asia/Shanghai"
_HEAD: Final = (
    "# 由表头推测，请核对后使用；未识别的列没有列出。",
    "# Proposed from the header: look it over. Columns that were not recognised are left out.",
)
_AMBIGUOUS: Final = (
    "# 列“{column}”的日期分不清月和日：请写明 {place}，%m/%d/%Y 或 %d/%m/%Y。",
    "# In the column {column!r} months and days cannot be told apart: write %m/%d/%Y or %d/%m/%Y as {place}.",
)
_MISSING: Final = (
    "# 没有认出这些必需的列，请填写：{names}。",
    "# These columns are needed and were not recognised, fill them in: {names}.",
)


def source_of(kind: Kind) -> str:
    """The source that is proposed. It does not depend on what the file is called: a source is part of the key of every
    order and balance, and the same ones under another name must be booked once."""
    return f"import:{kind}"


def propose_mapping(
    kind: Kind,
    file: Path,
    *,
    source: str | None = None,
    sheet: str | None = None,
    program: ProgramDocument | None = None,
) -> str:
    """A mapping of a file as YAML. `program`: the one in force, which says the currency and the fields of members.

    Raises UnreadableFile.
    """
    source = source or source_of(kind)
    currency, fields = ("CNY", ()) if program is None else (program.currency, program.fields)
    if kind == "members":
        return _Proposal(file, sheet, with_fields(MEMBERS, fields)).of_members(source, fields)
    if kind == "balances":
        return _Proposal(file, sheet, BALANCES).of_balances(source)
    return _Proposal(file, sheet, ORDERS).of_orders(source, currency)


class _Proposal:
    """A file that is looked at, and what has to be said beside the mapping."""

    def __init__(self, file: Path, sheet: str | None, meanings: Names) -> None:
        self._table, self._shape = find_header(file, sheet, meanings)
        with self._table:
            header = self._table.header
            self._identities = identities_of(header, is_of_orders=meanings is ORDERS)
            self._found = meant(header, meanings, self._identities.values())
            self._sample = [values for _, values in islice(self._table.rows(), _ROWS_LOOKED_AT) if values is not None]
        self._sheet = sheet
        self._notes: list[str] = []

    def of_members(self, source: str, fields: Sequence[MemberField]) -> str:
        """A mapping of members, who have these fields besides."""
        said = {name: column for name, column in self._found.items() if not name.startswith(FIELD)}
        own = {each.id: column for each in fields if (column := self._found.get(f"{FIELD}{each.id}")) is not None}
        columns = msgspec.structs.replace(MemberColumns(self._identities, fields=own), **said)
        values = self._genders(columns.gender)
        for each in fields:
            if each.id in own and (translated := values_of_field(each, self._values(own[each.id]))):
                values[own[each.id]] = translated
        birthdays = self._formats(columns.birthday, "birthday_formats")
        mapping = MemberMapping(
            LocalizedText("会员", "Members"),
            source,
            columns,
            time=self._time(columns.registered_at),
            birthday_formats=birthdays or (AUTO,),
            values=values,
            **self._place(),
        )
        return self._written(mapping)

    def of_balances(self, source: str) -> str:
        """A mapping of opening balances."""
        found = dict(self._found)
        self._need("points")
        columns = BalanceColumns(self._identities, found.pop("points", ""), **found)
        mapping = BalanceMapping(
            LocalizedText("期初余额", "Opening balances"),
            source,
            columns,
            time=self._time(columns.expires_at),
            **self._place(),
        )
        return self._written(mapping)

    def of_orders(self, source: str, currency: str) -> str:
        """A mapping of orders."""
        found = dict(self._found)
        in_value, refund_of = found.pop("member", None), found.pop("refund_of", None)
        kind, member = next(iter(self._identities.items()), ("external", ""))
        if in_value is not None:
            kind, member = "in_value", in_value
        if "paid" in found:
            # What was paid for a line counts, not what a piece would have cost.
            found.pop("unit_price", None)
        needed = {name: found.pop(name, "") for name in ("order_id", "occurred_at", "quantity")}
        self._need("order_id", "occurred_at", "quantity")
        if not member:
            self._note(_MISSING, names="member")
        if not {"paid", "unit_price"} & found.keys():
            self._note(_MISSING, names="paid / unit_price")
        is_returned = refund_of is not None and bool({"sku", "line_id"} & found.keys())
        mapping = Mapping(
            LocalizedText("订单", "Orders"),
            source,
            currency,
            self._time(needed["occurred_at"] or None),
            MemberShape(kind),
            Columns(**needed, member=member, **found),
            returns=ReturnsByColumn(refund_of) if is_returned and refund_of is not None else None,
            **self._place(),
        )
        return self._written(mapping)

    def _place(self) -> dict[str, Any]:
        place = {"sheet": self._sheet, "header_row": self._table.header_row}
        return place if self._shape == FileShape() else {"file": self._shape, **place}

    def _need(self, *names: str) -> None:
        missing = [name for name in names if name not in self._found]
        if missing:
            self._note(_MISSING, names=", ".join(missing))

    def _note(self, texts: tuple[str, str], **values: str) -> None:
        self._notes += [text.format(**values) for text in texts]

    def _time(self, column: str | None) -> TimeShape:
        formats = self._formats(column, "time.format")
        return TimeShape(_ZONE, formats[0] if len(formats) == 1 else formats or AUTO)

    def _formats(self, column: str | None, place: str) -> Formats:
        """The formats of a column, which the mapping then names; what cannot be told is said."""
        if column is None:
            return ()
        proposed = propose_formats(self._values(column))
        if proposed.is_ambiguous:
            self._note(_AMBIGUOUS, column=column, place=place)
        return proposed.formats

    def _values(self, column: str) -> Iterator[str]:
        at = self._table.header.index(column)
        return (clean(values[at]) for values in self._sample if len(values) > at)

    def _genders(self, column: str | None) -> dict[str, dict[str, str]]:
        """Values of the gender column that are not words for one, to be filled in."""
        if column is None:
            return {}
        strange = [text for text in self._values(column) if text and text.lower() not in GENDERS]
        seen = {text: {"1": "male", "2": "female", "0": "unknown"}.get(text, "unknown") for text in strange}
        return {column: seen} if seen else {}

    def _written(self, mapping: Any) -> str:
        body = yaml.safe_dump(msgspec.to_builtins(mapping), allow_unicode=True, sort_keys=False, width=120)
        return "\n".join((*_HEAD, *self._notes, "")) + body
