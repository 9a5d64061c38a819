"""The mapping: a YAML file that says what the columns of an order file mean (docs/reference/mapping.md)."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from jifen.core.errors import JifenError
from jifen.core.identity import IDENTITY_KINDS
from jifen.core.program import LocalizedText
from jifen.core.text import unfit_text
from jifen.services.imports.moments import AUTO, Formats, time_faults
from jifen.services.typed_yaml import InvalidYaml, YamlFile

#: The longest mapping file that is read, in bytes.
MAXIMUM_MAPPING_BYTES = 64 * 1024

ColumnName = Annotated[str, Meta(min_length=1, max_length=256)]
Source = Annotated[str, Meta(min_length=1, max_length=200)]
DateFormat = Annotated[str, Meta(min_length=1, max_length=64)]
#: The row that names the columns, where it is not the first with something in it.
HeaderRow = Annotated[int, Meta(ge=1, le=1_000)]
CountryCode = Annotated[str, Meta(pattern="^[0-9]{1,4}$")]
Encoding = Literal["auto", "utf-8", "gb18030", "utf-16", "iso-8859-1", "cp1252"]


class InvalidMapping(JifenError):
    """A mapping that cannot be read or makes no sense; `path` names the field."""

    code = "invalid_mapping"


class FileShape(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How the file is written. `auto`: UTF-8 if all of it is, else UTF-16 if it says so, else GB 18030."""

    encoding: Encoding = "auto"
    delimiter: Annotated[str, Meta(min_length=1, max_length=1)] = ","


class TimeShape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How instants are written: by one format, or by several that are tried in turn. `auto` is every shape that leaves
    no doubt, `iso` ISO 8601, `excel` the number that a spreadsheet keeps of a day; others are those of strptime. `zone`
    is for those that carry no offset."""

    zone: str
    format: DateFormat | tuple[DateFormat, ...] = AUTO

    @property
    def formats(self) -> Formats:
        """The formats, in the order in which they are tried."""
        return (self.format,) if isinstance(self.format, str) else self.format


class MemberShape(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How a row names its member: by an identity of one kind, or (`in_value`) by `kind:value`.

    `drop_decimal_zero` reads `17850.0`, which spreadsheets make of numbers, as `17850`. `skip_guests` leaves rows
    without a member out and counts them; otherwise such a row is rejected. `phone_country` is taken off the front of
    phone numbers.
    """

    identity: str
    drop_decimal_zero: bool = True
    skip_guests: bool = True
    phone_country: CountryCode | None = None


class Columns(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which column holds what. Money is a decimal number: `paid` for the whole line, or `unit_price` for one piece."""

    order_id: ColumnName
    occurred_at: ColumnName
    member: ColumnName
    quantity: ColumnName
    unit_price: ColumnName | None = None
    paid: ColumnName | None = None
    currency: ColumnName | None = None
    line_id: ColumnName | None = None
    sku: ColumnName | None = None
    name: ColumnName | None = None
    category: ColumnName | None = None
    brand: ColumnName | None = None
    channel: ColumnName | None = None
    store_id: ColumnName | None = None


class ReturnsByPrefix(msgspec.Struct, frozen=True, tag_field="by", tag="prefix", forbid_unknown_fields=True):
    """A row whose order id begins so is a return; it does not say of which order."""

    prefix: Annotated[str, Meta(min_length=1, max_length=32)]


class ReturnsByColumn(msgspec.Struct, frozen=True, tag_field="by", tag="column", forbid_unknown_fields=True):
    """A row with something in this column returns (part of) the order that is named there."""

    column: ColumnName


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a file of orders means. `source` is part of the key that makes every order unique for ever."""

    name: LocalizedText
    source: Source
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")]
    time: TimeShape
    member: MemberShape
    columns: Columns
    file: FileShape = FileShape()
    sheet: str | None = None
    header_row: HeaderRow | None = None
    minor_digits: Annotated[int, Meta(ge=0, le=4)] = 2
    optional: list[ColumnName] = []
    returns: ReturnsByPrefix | ReturnsByColumn | None = None
    program: str | None = None

    def column_names(self) -> dict[str, str]:
        """The columns that are mapped: field of `columns` (or `refund_of`) to the name in the file."""
        names = {field: getattr(self.columns, field) for field in self.columns.__struct_fields__}
        if isinstance(self.returns, ReturnsByColumn):
            names["refund_of"] = self.returns.column
        return {field: name for field, name in names.items() if name is not None}


def shipped_mappings() -> list[str]:
    """The names of the mappings that come with jifen."""
    folder = files("jifen").joinpath("mappings")
    return sorted(each.name.removesuffix(".yaml") for each in folder.iterdir() if each.name.endswith(".yaml"))


def shipped_mapping_text(name: str) -> str:
    """One that comes with jifen, as it is written."""
    return files("jifen").joinpath("mappings", f"{name}.yaml").read_text("utf-8")


def load_mapping(name_or_path: str | Path) -> Mapping:
    """A mapping that comes with jifen, by its name, or one of yours, by the path of its file.

    Raises:
        InvalidMapping: there is no such file, or it cannot be a mapping; the message names the place.
    """
    text = str(name_or_path)
    if text in shipped_mappings():
        return parse_mapping(shipped_mapping_text(text), text)
    return parse_mapping(read_mapping_file(text, f"name one of {', '.join(shipped_mappings())}, or "), text)


def read_mapping_file(path: str, otherwise: str = "name ") -> str:
    """The text of a mapping file of yours. Raises InvalidMapping; `otherwise` begins what to do instead."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAXIMUM_MAPPING_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a path"
        message = f"There is no mapping {path!r} ({reason}): {otherwise}a YAML file of yours."
        raise InvalidMapping(message, mapping=path) from None
    if len(content) > MAXIMUM_MAPPING_BYTES:
        raise InvalidMapping(f"{path}: a mapping has {MAXIMUM_MAPPING_BYTES} bytes at most.", mapping=path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidMapping(f"{path}: is not UTF-8 text; save it as UTF-8.", mapping=path) from None


def parse_mapping(text: str, origin: str) -> Mapping:
    """Read a mapping from YAML text. `origin` says where it stands, for the message.

    Raises:
        InvalidMapping: with the line (YAML that cannot be read) or the field.
    """
    try:
        file = YamlFile(text)
        mapping = file.convert(Mapping)
    except InvalidYaml as error:
        raise unreadable(origin, error) from None
    for path, message in _faults(mapping):
        raise located(origin, f"{path} {message}", path, file.line_of(path))
    return mapping


def unreadable(origin: str, error: InvalidYaml) -> InvalidMapping:
    """A mapping that is no YAML, or does not fit."""
    zh, en = error.told(origin)
    return InvalidMapping(f"{en}.", message_zh=f"{zh}。", mapping=origin, path=error.path, line=error.line)


def located(origin: str, message: str, path: str | None, line: int | None) -> InvalidMapping:
    """A fault in a mapping, with where it stands."""
    place = f"{origin}, line {line}" if line else origin
    return InvalidMapping(f"{place}: {message}.", mapping=origin, path=path, line=line)


def _faults(mapping: Mapping) -> Iterator[tuple[str, str]]:
    """What types cannot tell: the paths at fault, and what to write instead."""
    columns = mapping.columns
    yield from shape_faults(mapping.source, mapping.time, mapping.file)
    if mapping.member.identity not in (*IDENTITY_KINDS, "in_value"):
        kinds = ", ".join((*IDENTITY_KINDS, "in_value"))
        yield "$.member.identity", f"is {mapping.member.identity!r}; write one of {kinds}"
    if (columns.unit_price is None) == (columns.paid is None):
        yield "$.columns", "needs either unit_price or paid, and not both"
    if isinstance(mapping.returns, ReturnsByPrefix) and columns.sku is None:
        yield "$.columns", "needs sku: returns that name no order are matched by it"
    if isinstance(mapping.returns, ReturnsByColumn) and not (columns.sku or columns.line_id):
        yield "$.columns", "needs line_id or sku, so that returns find their line"
    required = {columns.order_id, columns.occurred_at, columns.member, columns.quantity}
    known = set(mapping.column_names().values())
    for index, column in enumerate(mapping.optional):
        if column not in known or column in required:
            yield f"$.optional[{index}]", f"is {column!r}; name a mapped column that orders can do without"


def shape_faults(source: str, time: TimeShape, file: FileShape) -> Iterator[tuple[str, str]]:
    """What is wrong with the parts that mappings of every kind have."""
    if unfit_text(source):
        yield "$.source", "must not contain control characters"
    try:
        ZoneInfo(time.zone)
    except (KeyError, ValueError, OSError):
        yield "$.time.zone", f"is {time.zone!r}; write an IANA zone such as Asia/Shanghai"
    if not time.formats:
        yield "$.time.format", "must name at least one format"
    yield from time_faults("$.time.format", time.formats)
    delimiter = file.delimiter
    if delimiter in '"\r\n' or not (delimiter == "\t" or delimiter.isprintable()):
        yield "$.file.delimiter", "must be one character such as , or ; or a tab"
