"""What the columns of a file of members, or of their balances, mean (docs/reference/mapping.md)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import msgspec

from jifen.core.identity import IDENTITY_KINDS
from jifen.core.program import LocalizedText
from jifen.services.imports.mapping import (
    ColumnName,
    CountryCode,
    DateFormat,
    FileShape,
    HeaderRow,
    Source,
    TimeShape,
    parse_checked,
    read_mapping_file,
    shape_faults,
)
from jifen.services.imports.moments import AUTO, Fault, time_faults

#: Values of a column by what stands in the file; `*` is for everything else.
ValueMap = dict[str, str]


class MemberColumns(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which column holds what. `identities` by kind, the telling one first; `tags` may hold several, with commas."""

    identities: dict[str, ColumnName]
    name: ColumnName | None = None
    gender: ColumnName | None = None
    birthday: ColumnName | None = None
    registered_at: ColumnName | None = None
    channel: ColumnName | None = None
    language: ColumnName | None = None
    country: ColumnName | None = None
    province: ColumnName | None = None
    city: ColumnName | None = None
    district: ColumnName | None = None
    street: ColumnName | None = None
    postal_code: ColumnName | None = None
    tags: ColumnName | None = None
    fields: dict[str, ColumnName] = {}

    def names(self) -> dict[str, str]:
        """Every mapped column: what it means (`identity phone`, `birthday`, `field size`) to its name in the file."""
        plain = [name for name in self.__struct_fields__ if name not in ("identities", "fields")]
        names = {f"identity {kind}": column for kind, column in self.identities.items()}
        names |= {name: getattr(self, name) for name in plain if getattr(self, name) is not None}
        return names | {f"field {name}": column for name, column in self.fields.items()}


class MemberMapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a file of members means. `values` translates what stands in a column, `defaults` fills what is empty;
    `required` columns must have something. `birthday_formats` are tried in turn, as those of `time`.
    `phone_country` is taken off the front of phone numbers."""

    name: LocalizedText
    source: Source
    columns: MemberColumns
    time: TimeShape = TimeShape("Asia/Shanghai")
    file: FileShape = FileShape()
    sheet: str | None = None
    header_row: HeaderRow | None = None
    values: dict[str, ValueMap] = {}
    defaults: dict[str, str] = {}
    required: list[ColumnName] = []
    phone_country: CountryCode | None = None
    birthday_formats: tuple[DateFormat, ...] = (AUTO,)


class BalanceColumns(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which column holds what of balances. One lot a row; several rows of a member are several lots."""

    identities: dict[str, ColumnName]
    points: ColumnName
    wallet: ColumnName | None = None
    expires_at: ColumnName | None = None


class BalanceMapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a file of opening balances means. `wallet`: where no column says which; none: the program's first.
    `register`: members whom nobody knows are registered; otherwise their rows are rejected."""

    name: LocalizedText
    source: Source
    columns: BalanceColumns
    time: TimeShape = TimeShape("Asia/Shanghai")
    file: FileShape = FileShape()
    sheet: str | None = None
    header_row: HeaderRow | None = None
    wallet: str | None = None
    reason_code: str | None = None
    phone_country: CountryCode | None = None
    register: bool = False


AnyMapping = TypeVar("AnyMapping", MemberMapping, BalanceMapping)


def load_member_mapping(path: str) -> MemberMapping:
    """A mapping of members. Raises InvalidMapping."""
    return parse_people_mapping(read_mapping_file(path), path, MemberMapping)


def load_balance_mapping(path: str) -> BalanceMapping:
    """A mapping of balances. Raises InvalidMapping."""
    return parse_people_mapping(read_mapping_file(path), path, BalanceMapping)


def parse_people_mapping(text: str, origin: str, kind: type[AnyMapping]) -> AnyMapping:
    """Read a mapping from YAML text. `origin` says where it stands, for the message. Raises InvalidMapping."""
    return parse_checked(text, origin, kind, _faults)


def _faults(mapping: MemberMapping | BalanceMapping) -> Iterator[Fault]:
    identities = mapping.columns.identities
    if not identities:
        zh = "至少须写一列：没有身份标识就找不到人"
        yield "$.columns.identities", zh, "must name at least one column: without an identity nobody is found"
    for kind in identities:
        if kind not in IDENTITY_KINDS:
            zh = f"不是身份标识的种类；请写 {'、'.join(IDENTITY_KINDS)} 之一"
            en = f"is no kind of identity; write one of {', '.join(IDENTITY_KINDS)}"
            yield f"$.columns.identities.{kind}", zh, en
    yield from shape_faults(mapping.source, mapping.time, mapping.file)
    if isinstance(mapping, MemberMapping):
        yield from time_faults("$.birthday_formats", mapping.birthday_formats, needs_year=False)
        known = set(mapping.columns.names().values())
        for place, names in (("values", mapping.values), ("defaults", mapping.defaults)):
            for column in names:
                if column not in known:
                    zh = f"写了列 {column!r}，它没有映射"
                    yield f"$.{place}", zh, f"names the column {column!r}, which is not mapped"
        for index, column in enumerate(mapping.required):
            if column not in known:
                yield f"$.required[{index}]", f"是 {column!r}，它没有映射", f"is {column!r}, which is not mapped"
