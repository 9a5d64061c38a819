"""A row of a file of members as what is said of a person, or why it cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from jifen.core.identity import Identity, in_full
from jifen.core.limits import MAXIMUM_TEXT
from jifen.core.members.birthday import can_be_born
from jifen.core.members.person import Address
from jifen.core.program import Program
from jifen.core.text import unfit_text
from jifen.services.imports.cells import clean, plain, read_identity, ungrouped
from jifen.services.imports.faults import RowFault
from jifen.services.imports.mapping import TimeShape
from jifen.services.imports.moments import Moment, read_birthday, read_moment
from jifen.services.imports.people.mapping import MemberMapping
from jifen.services.persons import read_field

GENDERS: Final = {
    "female": "female",
    "f": "female",
    "女": "female",
    "女士": "female",
    "male": "male",
    "m": "male",
    "男": "male",
    "先生": "male",
    "other": "other",
    "其他": "other",
    "未知": "",
    "unknown": "",
    "保密": "",
}
_ADDRESS: Final = ("country", "province", "city", "district", "street", "postal_code")
_PLAIN: Final = ("name", "channel", "language")


class MemberRow(msgspec.Struct, frozen=True, gc=False):
    """What a row says. Nothing is said where a cell is empty."""

    identities: tuple[Identity, ...]
    registered_at: datetime | None
    said: dict[str, str | Address]
    fields: dict[str, bool | int | str]
    tags: tuple[str, ...]

    @property
    def says_something(self) -> bool:
        """Whether it says more than who the member is."""
        return bool(self.said or self.fields or self.tags)


class ReadRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A row, and the line of the file on which it stands."""

    line: int
    row: MemberRow


class MemberRowReader:
    """Reads rows by one mapping, for one program. `place` says where each column stands in the file."""

    def __init__(self, mapping: MemberMapping, place: dict[str, int], program: Program, today: date) -> None:
        self._mapping = mapping
        self._place = place
        self._zone = ZoneInfo(mapping.time.zone)
        self._today = today
        self._types = {field.id: field.type for field in program.fields.values()}
        self._phone_region = program.document.phone_region
        self.names = mapping.columns.names()

    def cells(self, values: Sequence[str]) -> dict[str, str]:
        """The cells of a row by what they mean, translated and filled from the defaults."""
        cells = {}
        for meaning, column in self.names.items():
            text = clean(values[self._place[column]])
            translated = self._mapping.values.get(column)
            if translated is not None and text:
                text = translated.get(text, translated.get("*", text))
            cells[meaning] = text or self._mapping.defaults.get(column, "")
        return cells

    def read(self, cells: dict[str, str]) -> MemberRow:
        """What the cells of a row say. Raises RowFault with the column at fault."""
        for meaning, column in self.names.items():
            if column in self._mapping.required and not cells[meaning]:
                raise RowFault(column, "missing_value", "")
            if cells[meaning] and (len(cells[meaning]) > MAXIMUM_TEXT or unfit_text(cells[meaning])):
                raise RowFault(column, "text_not_fit", "")
        said: dict[str, str | Address] = {name: cells[name] for name in _PLAIN if cells.get(name)}
        if cells.get("gender"):
            said["gender"] = self._gender(cells["gender"])
        if cells.get("birthday"):
            said["birthday"] = self._birthday(cells["birthday"])
        address = {name: cells[name] for name in _ADDRESS if cells.get(name)}
        if address:
            said["address"] = Address(**address)
        return MemberRow(
            self._identities(cells),
            self._registered_at(cells.get("registered_at", "")),
            said,
            self._fields(cells),
            _tags(cells.get("tags", "")),
        )

    def in_full(self, row: MemberRow) -> list[Identity]:
        """The identities of a row as they are compared: rows may spell one phone in several ways."""
        return [in_full(each, self._phone_region) for each in row.identities]

    def _identities(self, cells: dict[str, str]) -> tuple[Identity, ...]:
        found = []
        for kind, column in self._mapping.columns.identities.items():
            text = cells[f"identity {kind}"]
            if not text:
                continue
            found.append(read_identity(kind, text, column, self._mapping.phone_country))
        if not found:
            raise RowFault(next(iter(self._mapping.columns.identities.values())), "missing_value", "")
        return tuple(dict.fromkeys(found))

    def _gender(self, text: str) -> str:
        gender = GENDERS.get(text.lower())
        if gender is None:
            raise RowFault(self.names["gender"], "invalid_gender", text)
        return gender

    def _birthday(self, text: str) -> str:
        birthday = read_birthday(text, self._mapping.birthday_formats)
        if birthday is None:
            raise RowFault(self.names["birthday"], "invalid_birthday", text)
        if not can_be_born(birthday, self._today):
            raise RowFault(self.names["birthday"], "impossible_birthday", text)
        return birthday

    def _registered_at(self, text: str) -> datetime | None:
        if not text:
            return None
        return moment_of(text, self._mapping.time, self._zone, self.names["registered_at"]).at

    def _fields(self, cells: dict[str, str]) -> dict[str, bool | int | str]:
        fields: dict[str, bool | int | str] = {}
        for name, column in self._mapping.columns.fields.items():
            text = cells[f"field {name}"]
            if text:
                fields[name] = _typed(text, self._types.get(name, "string"), column)
        return fields


def _tags(text: str) -> tuple[str, ...]:
    tags = (tag.strip() for tag in text.replace("，", ",").split(","))
    return tuple(dict.fromkeys(tag for tag in tags if tag))


def moment_of(text: str, shape: TimeShape, zone: ZoneInfo, column: str) -> Moment:
    """An instant as the mapping says that it is written. Raises RowFault."""
    moment = read_moment(text, shape.formats)
    if moment is None:
        raise RowFault(column, "invalid_instant", text)
    return moment if moment.at.tzinfo is not None else moment._replace(at=moment.at.replace(tzinfo=zone))


def _typed(text: str, kind: str, column: str) -> bool | int | str:
    value = read_field(ungrouped(plain(text)) if kind == "int" else text, kind)
    if value is None:
        raise RowFault(column, "invalid_value", text)
    return value
