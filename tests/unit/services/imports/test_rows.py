"""Rows become lines, exactly; a row at fault says which field and why."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from jifen.services.imports.faults import RowFault, WrongColumns
from jifen.services.imports.mapping import load_mapping, parse_mapping
from jifen.services.imports.rows import FileLine, RowReader, instant_of

FILE = Path("orders.csv")
HEADER = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]
ROW = ["536365", "85123A", "T-LIGHT HOLDER ", "6", "2010-12-01 08:26:00", "2.55", "17850.0", "United Kingdom"]


def read(**changes: str) -> FileLine:
    """The row above with some fields changed, as read."""
    row = [changes.get(name, value) for name, value in zip(HEADER, ROW, strict=True)]
    return RowReader(load_mapping("online-retail"), HEADER, FILE).read(row)


def test_a_row_of_the_data_set() -> None:
    """`17850.0` is customer 17850, money is in pence, spaces around names go."""
    line = read()
    assert (line.order_id, line.member, line.quantity, line.paid_cents) == ("536365", "external:17850", 6, 1530)
    assert (line.sku, line.name, line.currency, line.is_return) == ("85123A", "T-LIGHT HOLDER", "GBP", False)
    assert instant_of(line.occurred_at_us) == datetime(2010, 12, 1, 8, 26, tzinfo=UTC)


def test_local_time_is_london_summer_time() -> None:
    """In July London is an hour ahead of UTC; an instant that carries its offset keeps it."""
    assert instant_of(read(InvoiceDate="2011-07-01 08:26:00").occurred_at_us).hour == 7
    assert instant_of(read(InvoiceDate="2011-07-01T08:26:00+08:00").occurred_at_us).hour == 0


@pytest.mark.parametrize(
    ("price", "quantity", "cents"),
    [("0.001", "500", 50), ("0.001", "5", 1), ("0.001", "4", 0), ("0.0", "4", 0), ("1.005", "1", 101), ("3", "2", 600)],
)
def test_amounts_are_rounded_half_up_once(price: str, quantity: str, cents: int) -> None:
    """Quantity times price in exact arithmetic (known failures 57, 58, 60): 1.005 is 101 pence, not 100."""
    assert read(UnitPrice=price, Quantity=quantity).paid_cents == cents


def test_a_return_is_told_by_its_prefix() -> None:
    """Its quantity comes back as a positive number; its price does not matter."""
    line = read(InvoiceNo="C536379", Quantity="-3", UnitPrice="nonsense")
    assert (line.is_return, line.quantity, line.paid_cents) == (True, 3, 0)


def test_a_guest_is_no_fault() -> None:
    """Whatever else is odd in a guest's row: it is left out and counted."""
    assert read(CustomerID=" ", UnitPrice="-11062.06", InvoiceNo="A563186").member is None


@pytest.mark.parametrize(
    ("column", "value", "field", "code"),
    [
        ("Quantity", "two", "quantity", "invalid_quantity"),
        ("Quantity", "1.5", "quantity", "invalid_quantity"),
        ("Quantity", "0", "quantity", "quantity_not_positive"),
        ("Quantity", "-2", "quantity", "quantity_not_positive"),
        ("Quantity", "9" * 12, "quantity", "quantity_too_large"),
        ("Quantity", "9" * 5000, "quantity", "invalid_quantity"),
        ("UnitPrice", "", "unit_price", "missing_value"),
        ("UnitPrice", "-1", "unit_price", "negative_amount"),
        ("UnitPrice", "1e9", "unit_price", "invalid_amount"),
        ("UnitPrice", "NaN", "unit_price", "invalid_amount"),
        ("UnitPrice", "9" * 18, "unit_price", "amount_too_large"),
        ("InvoiceDate", "2010-02-30 08:00:00", "occurred_at", "invalid_instant"),
        ("InvoiceDate", "0001-01-01 00:00:00+23:00", "occurred_at", "invalid_instant"),
        ("InvoiceNo", " ", "order_id", "missing_value"),
        ("InvoiceNo", "5\x00", "order_id", "text_not_fit"),
        ("Description", "x" * 300, "name", "text_not_fit"),
        ("CustomerID", "\x07", "member", "invalid_identity"),
    ],
)
def test_a_fault_names_field_and_reason(column: str, value: str, field: str, code: str) -> None:
    """Nothing is guessed, nothing cut."""
    with pytest.raises(RowFault) as caught:
        read(**{column: value})
    assert (caught.value.field, caught.value.code) == (field, code)
    assert len(caught.value.detail) <= 80


def test_a_row_of_another_width_is_a_fault() -> None:
    """A comma too many shifts every field behind it."""
    with pytest.raises(RowFault, match="wrong_column_count"):
        RowReader(load_mapping("online-retail"), HEADER, FILE).read([*ROW, "more"])


def test_the_header_must_have_the_columns() -> None:
    """The wrong mapping for a file is found at once, with both sides named."""
    with pytest.raises(WrongColumns, match=r"UnitPrice.*order_id"):
        RowReader(load_mapping("online-retail"), ["order_id", *HEADER[:5], HEADER[6]], FILE)
    with pytest.raises(WrongColumns, match="twice"):
        RowReader(load_mapping("online-retail"), [*HEADER, "Quantity"], FILE)


def test_columns_of_an_order_file() -> None:
    """The plain mapping: identities by kind, paid amounts, returns that name their order."""
    header = ["order_id", "occurred_at", "identity", "line_id", "sku", "quantity", "paid", "refund_of"]
    reader = RowReader(load_mapping("orders"), header, FILE)
    line = reader.read(["7", "2026-01-02 10:00", "phone:138 0000 0000", "1", "A", "2", "19.90", ""])
    assert (line.member, line.paid_cents, line.refund_of, line.line_id) == ("phone:13800000000", 1990, None, "1")
    back = reader.read(["R7", "2026-01-03 10:00", "phone:13800000000", "1", "A", "1", "", "7"])
    assert (back.is_return, back.refund_of, back.quantity) == (True, "7", 1)
    with pytest.raises(RowFault, match="missing_value"):
        reader.read(["8", "2026-01-02 10:00", "phone:13800000000", "", "A", "2", "1", ""])
    with pytest.raises(RowFault, match="invalid_identity"):
        reader.read(["8", "2026-01-02 10:00", "13800000000", "1", "A", "2", "1", ""])


def test_a_currency_column_and_other_minor_units() -> None:
    """Yen have no minor unit; the row's own currency counts."""
    mapping = parse_mapping(
        "name: {zh: 日, en: J}\nsource: j\ncurrency: JPY\nminor_digits: 0\n"
        "time: {zone: Asia/Tokyo, format: '%d/%m/%Y'}\nmember: {identity: external}\n"
        "columns: {order_id: o, occurred_at: t, member: m, quantity: q, paid: p, currency: c}",
        "mine",
    )
    reader = RowReader(mapping, ["o", "t", "m", "q", "p", "c"], FILE)
    line = reader.read(["1", "31/01/2026", "9", "1", "1500", "USD"])
    assert (line.paid_cents, line.currency) == (1500, "USD")
    assert instant_of(line.occurred_at_us) == datetime(2026, 1, 30, 15, tzinfo=UTC)
    with pytest.raises(RowFault, match="invalid_currency"):
        reader.read(["1", "31/01/2026", "9", "1", "1500", "dollar"])
