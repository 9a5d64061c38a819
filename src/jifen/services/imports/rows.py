"""One row of the file becomes one line of an order or of a return, or a guest's, or is at fault."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from jifen.core.limits import MAXIMUM_AMOUNT, MAXIMUM_QUANTITY, MAXIMUM_TEXT
from jifen.core.rounding import divide
from jifen.core.text import unfit_text
from jifen.services.imports.cells import clean, plain, read_any_identity, read_identity, ungrouped
from jifen.services.imports.faults import RowFault
from jifen.services.imports.mapping import Mapping, ReturnsByPrefix
from jifen.services.imports.moments import read_moment
from jifen.services.imports.tables import check_marks, check_width, columns_at

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DECIMAL = re.compile(r"(-?)([0-9]{1,18})(?:\.([0-9]{0,12}))?")
_WHOLE = re.compile(r"(-?[0-9]{1,18})(?:\.0{1,6})?")
_CURRENCY = re.compile(r"[A-Z]{3}")
#: What is one cell of several rows, of these, cannot be told apart.
_SINGLE = ("quantity", "paid")
_LABELS = ("line_id", "sku", "name", "category", "brand", "channel", "store_id")
#: Files repeat themselves: so many different instants, members and prices are kept as read.
_REMEMBERED = 65_536


class FileLine(NamedTuple):
    """What a row says. `member` None: a guest's row. `refund_of`: the order that a return names, if it does.

    `occurred_at_us` counts microseconds since 1970; `quantity` of a return is what comes back, as a positive number.
    """

    order_id: str
    is_return: bool
    member: str | None
    occurred_at_us: int
    quantity: int
    paid_cents: int
    currency: str
    refund_of: str | None
    line_id: str | None
    sku: str | None
    name: str | None
    category: str | None
    brand: str | None
    channel: str | None
    store_id: str | None


def instant_of(microseconds: int) -> datetime:
    """The instant (UTC) that a number of microseconds since 1970 stands for."""
    return _EPOCH + microseconds * _MICROSECOND


class RowReader:
    """Reads rows by a mapping and the header of the file at hand."""

    def __init__(self, mapping: Mapping, header: Sequence[str], file: Path) -> None:
        """Raises WrongColumns if the header of the file lacks a column or has it twice."""
        self._mapping = mapping
        self._zone = ZoneInfo(mapping.time.zone)
        self._width = len(header)
        self._scale = 10**mapping.minor_digits
        self._prefix = mapping.returns.prefix if isinstance(mapping.returns, ReturnsByPrefix) else None
        self.columns = mapping.column_names()
        place = columns_at(header, list(self.columns.values()), file, mapping.optional)
        self._at = {field: place[name] for field, name in self.columns.items() if name in place}
        self._names = {at: field for field, at in self._at.items()}
        self._single = {self._at[field]: field for field in _SINGLE if field in self._at}
        self._labels = [(slot, field, self._at[field]) for slot, field in enumerate(_LABELS) if field in self._at]
        self._read_instant = lru_cache(_REMEMBERED)(self._parse_instant)
        self._read_member = lru_cache(_REMEMBERED)(self._parse_member)
        self._read_decimal = lru_cache(_REMEMBERED)(_parse_decimal)

    def order_id_of(self, row: Sequence[str]) -> str | None:
        """The order or return that a row belongs to, as far as can be told: also for a row that is at fault."""
        at = self._at["order_id"]
        return (row[at].strip() or None) if at < len(row) else None

    def read(self, row: list[str]) -> FileLine:
        """What the row says. Raises RowFault."""
        if len(row) != self._width:
            check_width(row, self._width)
        if type(row) is not list:
            check_marks(row, self._names, self._single, "merged_amount")
        at = self._at
        member = self._read_member(row[at["member"]])
        order_id = _text("order_id", row[at["order_id"]])
        if order_id is None:
            raise RowFault("order_id", "missing_value")
        if self._prefix is not None:
            is_return = order_id.startswith(self._prefix)
        else:
            is_return = "refund_of" in at and bool(row[at["refund_of"]].strip())
        if member is None:
            return _guest(order_id, is_return)
        occurred_at_us = self._read_instant(row[at["occurred_at"]])
        quantity = _read_quantity(row[at["quantity"]], is_return)
        paid_cents = 0 if is_return else self._paid_cents(row, quantity)
        refund_of = _text("refund_of", row[at["refund_of"]]) if is_return and "refund_of" in at else None
        labels: list[str | None] = [None] * len(_LABELS)
        for slot, field, place in self._labels:
            labels[slot] = _text(field, row[place])
        if labels[0] is None and "line_id" in at and not (is_return and labels[1]):
            raise RowFault("line_id", "missing_value")
        currency = self._currency(row) if "currency" in at else self._mapping.currency
        return FileLine(order_id, is_return, member, occurred_at_us, quantity, paid_cents, currency, refund_of, *labels)

    def _paid_cents(self, row: Sequence[str], quantity: int) -> int:
        """What was paid for the line in minor units, rounded half up once."""
        field = "unit_price" if "unit_price" in self._at else "paid"
        text = row[self._at[field]]
        numerator, denominator = self._read_decimal(text, field)
        if numerator < 0:
            raise RowFault(field, "negative_amount", text)
        pieces = quantity if field == "unit_price" else 1
        cents = divide(numerator * pieces * self._scale, denominator, "half_up")
        if cents > MAXIMUM_AMOUNT:
            raise RowFault(field, "amount_too_large", text)
        return cents

    def _currency(self, row: Sequence[str]) -> str:
        text = row[self._at["currency"]].strip()
        if not text:
            return self._mapping.currency
        if not _CURRENCY.fullmatch(text):
            raise RowFault("currency", "invalid_currency", text)
        return text

    def _parse_instant(self, text: str) -> int:
        text = clean(text)
        if not text:
            raise RowFault("occurred_at", "missing_value")
        moment = read_moment(text, self._mapping.time.formats)
        if moment is None:
            raise RowFault("occurred_at", "invalid_instant", text)
        instant = moment.at if moment.at.tzinfo is not None else moment.at.replace(tzinfo=self._zone)
        try:
            return (instant.astimezone(UTC) - _EPOCH) // _MICROSECOND
        except (ValueError, OverflowError):
            raise RowFault("occurred_at", "invalid_instant", text) from None

    def _parse_member(self, text: str) -> str | None:
        shape = self._mapping.member
        text = clean(text)
        if not text:
            if shape.skip_guests:
                return None
            raise RowFault("member", "missing_value")
        if shape.identity == "in_value":
            return str(
                read_any_identity(text, "member", shape.phone_country, drop_decimal_zero=shape.drop_decimal_zero)
            )
        identity = read_identity(
            shape.identity, text, "member", shape.phone_country, drop_decimal_zero=shape.drop_decimal_zero
        )
        return str(identity)


def _guest(order_id: str, is_return: bool) -> FileLine:
    return FileLine(order_id, is_return, None, 0, 0, 0, "", *(None,) * 8)


def _text(field: str, value: str) -> str | None:
    value = value.strip()
    if len(value) > MAXIMUM_TEXT or (value and not value.isprintable() and unfit_text(value)):
        raise RowFault(field, "text_not_fit")
    return value or None


def _read_quantity(text: str, is_return: bool) -> int:
    whole = _WHOLE.fullmatch(text) or _WHOLE.fullmatch(ungrouped(plain(text.strip())))
    if whole is None:
        raise RowFault("quantity", "invalid_quantity" if text.strip() else "missing_value", text)
    quantity = int(whole.group(1))
    if is_return:
        # A return is told by its row; some tills write what comes back as a negative number, some do not.
        quantity = abs(quantity)
    if quantity <= 0:
        raise RowFault("quantity", "quantity_not_positive", text)
    if quantity > MAXIMUM_QUANTITY:
        raise RowFault("quantity", "quantity_too_large", text)
    return quantity


def _parse_decimal(text: str, field: str) -> tuple[int, int]:
    """A decimal number as an exact fraction: numerator and denominator. Of `1,234` nobody knows whether it is a
    thousand; `1,234.50` leaves no doubt."""
    said = plain(text.strip()).removeprefix("¥").strip()
    match = _DECIMAL.fullmatch(ungrouped(said) if "." in said else said)
    if match is None:
        raise RowFault(field, "invalid_amount" if said else "missing_value", text)
    sign, whole, fraction = match.group(1), match.group(2), match.group(3) or ""
    number = int(whole + fraction)
    return (-number if sign else number), 10 ** len(fraction)
