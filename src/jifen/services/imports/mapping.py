"""The mapping: a YAML file that says what the columns of an order file mean (docs/reference/mapping.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from jifen.core.errors import JifenError
from jifen.core.identity import IDENTITY_KINDS
from jifen.core.program import LocalizedText
from jifen.core.system_words import system_words
from jifen.core.text import unfit_text
from jifen.services.imports.moments import AUTO, Fault, Formats, time_faults
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

T = TypeVar("T")


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
    return parse_mapping(read_mapping_file(text, shipped_mappings()), text)


def read_mapping_file(path: str, names: Sequence[str] = ()) -> str:
    """The text of a mapping file of yours; `names`: of those that might have been said instead. Raises
    InvalidMapping."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAXIMUM_MAPPING_BYTES + 1)
    except (OSError, ValueError) as error:
        zh, en = system_words(error)
        or_one = f" {' 或 '.join(names)} 或" if names else ""
        raise InvalidMapping(
            f"There is no mapping {path!r} ({en}): name {' or '.join((*names, 'a YAML file of yours'))}.",
            message_zh=f"没有映射 {path!r}（{zh}）；请写{or_one}您的 YAML 文件。",
            mapping=path,
        ) from None
    check_size(content, path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        message = f"{path}: is not UTF-8 text; save it as UTF-8."
        raise InvalidMapping(message, message_zh=f"{path}：不是 UTF-8 文本；请另存为 UTF-8。", mapping=path) from None


def check_size(content: bytes, origin: str) -> None:
    """Raise InvalidMapping where a mapping is too long."""
    if len(content) > MAXIMUM_MAPPING_BYTES:
        raise InvalidMapping(
            f"{origin}: a mapping has {MAXIMUM_MAPPING_BYTES} bytes at most.",
            message_zh=f"{origin}：映射至多 {MAXIMUM_MAPPING_BYTES} 字节。",
            mapping=origin,
        )


def parse_mapping(text: str, origin: str) -> Mapping:
    """Read a mapping of orders from YAML text. `origin` says where it stands, for the message.

    Raises:
        InvalidMapping: with the line (YAML that cannot be read) or the field.
    """
    return parse_checked(text, origin, Mapping, _faults)


def parse_checked(text: str, origin: str, kind: type[T], faults: Callable[[T], Iterator[Fault]]) -> T:
    """Read a mapping of some kind, of which this tells what types cannot. Raises InvalidMapping."""
    try:
        file = YamlFile(text)
        mapping = file.convert(kind)
        for path, zh, en in faults(mapping):
            raise InvalidYaml(en, zh, path, file.line_of(path))
    except InvalidYaml as error:
        zh, en = error.told(origin)
        raise InvalidMapping(f"{en}.", message_zh=f"{zh}。", mapping=origin, path=error.path, line=error.line) from None
    return mapping


def _faults(mapping: Mapping) -> Iterator[Fault]:
    columns = mapping.columns
    yield from shape_faults(mapping.source, mapping.time, mapping.file)
    identity, kinds = mapping.member.identity, (*IDENTITY_KINDS, "in_value")
    if identity not in kinds:
        zh = f"是 {identity!r}；请写 {'、'.join(kinds)} 之一"
        yield "$.member.identity", zh, f"is {identity!r}; write one of {', '.join(kinds)}"
    if (columns.unit_price is None) == (columns.paid is None):
        yield "$.columns", "须有 unit_price 或 paid 之一，且只能有一个", "needs either unit_price or paid, and not both"
    if isinstance(mapping.returns, ReturnsByPrefix) and columns.sku is None:
        zh = "须有 sku：没有写明订单的退货按它匹配"
        yield "$.columns", zh, "needs sku: returns that name no order are matched by it"
    if isinstance(mapping.returns, ReturnsByColumn) and not (columns.sku or columns.line_id):
        zh = "须有 line_id 或 sku，退货才能找到对应的行"
        yield "$.columns", zh, "needs line_id or sku, so that returns find their line"
    required = {columns.order_id, columns.occurred_at, columns.member, columns.quantity}
    known = set(mapping.column_names().values())
    for index, column in enumerate(mapping.optional):
        if column not in known or column in required:
            zh = f"是 {column!r}；请写已映射的、订单可以没有的列"
            yield f"$.optional[{index}]", zh, f"is {column!r}; name a mapped column that orders can do without"


def shape_faults(source: str, time: TimeShape, file: FileShape) -> Iterator[Fault]:
    """What is wrong with the parts that mappings of every kind have."""
    if unfit_text(source):
        yield "$.source", "不能含有控制字符", "must not contain control characters"
    try:
        ZoneInfo(time.zone)
    except (KeyError, ValueError, OSError):
        zh = f"是 {time.zone!r}；请写 IANA 时区，如 Asia/Shanghai"
        yield "$.time.zone", zh, f"is {time.zone!r}; write an IANA zone such as Asia/Shanghai"
    if not time.formats:
        yield "$.time.format", "至少须写一种格式", "must name at least one format"
    yield from time_faults("$.time.format", time.formats)
    delimiter = file.delimiter
    if delimiter in '"\r\n' or not (delimiter == "\t" or delimiter.isprintable()):
        yield "$.file.delimiter", "须为一个字符，如 , 或 ; 或制表符", "must be one character such as , or ; or a tab"
