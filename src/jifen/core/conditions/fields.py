"""The types of what a condition can name, and the fields of an order line."""

from __future__ import annotations

from typing import Final, Literal

FieldType = Literal["bool", "int", "string", "strings", "timestamp", "lines"]
"""`strings` is a list of texts, `lines` the lines of an order."""

#: Money in minor units.
LINE_FIELDS: Final[dict[str, Literal["int", "string"]]] = {
    "line_id": "string",
    "sku": "string",
    "name": "string",
    "category": "string",
    "brand": "string",
    "quantity": "int",
    "paid_cents": "int",
}
#: CEL's name of a line.
LINE_MESSAGE: Final = "jifen.Line"

#: Signed numbers of 64 bits, as CEL has them.
LEAST_INTEGER: Final = -(2**63)
GREATEST_INTEGER: Final = 2**63 - 1
