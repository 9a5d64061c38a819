"""What a registration says of a person, over HTTP, in an event or on the command line: one form, one way to read it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from jifen.core.commands import RegisterMember
from jifen.core.identity import Identity, parse_identity
from jifen.core.limits import MAXIMUM_TEXT
from jifen.core.members.person import Address
from jifen.core.refusal import Refusal

Name = Annotated[str, Meta(max_length=MAXIMUM_TEXT)]
#: What may be said of a field that the program declares; `whole_numbers` makes of it what is kept.
FieldValue = bool | int | float | Name
Names = Annotated[list[Annotated[str, Meta(min_length=1, max_length=MAXIMUM_TEXT)]], Meta(max_length=100)]
Gender = Literal["female", "male", "other"]
Birthday = Annotated[str, Meta(pattern="^([0-9]{4}-)?[0-9]{2}-[0-9]{2}$")]
LanguageTag = Annotated[str, Meta(max_length=35)]


class AddressBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """An address; it replaces the one before."""

    country: Name = ""
    province: Name = ""
    city: Name = ""
    district: Name = ""
    street: Name = ""
    postal_code: Name = ""

    @property
    def address(self) -> Address:
        """As it is kept."""
        return Address(*msgspec.structs.astuple(self))


class NewPerson(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, gc=False):
    """What is known of a person from the registration on. `birthday`: YYYY-MM-DD or MM-DD; `fields`: those that the
    program declares."""

    name: Name = ""
    gender: Gender | None = None
    birthday: Birthday | None = None
    channel: Name = ""
    language: LanguageTag = ""
    address: AddressBody | None = None
    fields: Annotated[dict[str, FieldValue], Meta(max_length=100)] = {}
    tags: Names = []

    @property
    def said(self) -> dict[str, Any]:
        """What was said of the person beside fields and tags."""
        plain = {each: getattr(self, each) for each in ("name", "gender", "birthday", "channel", "language")}
        said = {name: value for name, value in plain.items() if value}
        return said if self.address is None else said | {"address": self.address.address}


NOBODY: Final = NewPerson()
_TRUTHS: Final = {
    **dict.fromkeys(("true", "1", "yes", "是"), True),
    **dict.fromkeys(("false", "0", "no", "否"), False),
}


_WHOLE: Final = re.compile(r"([+-]?[0-9]{1,4000})(?:\.0+)?")
#: Beyond it a number with a point may not be the one that was written.
_MOST_EXACT: Final = 2**53


def whole_numbers(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as they are kept: to JSON Schema 2.0 is an integer, and so it is to conditions. A number that is not
    whole, or not exact, stays, and fits no field."""
    return {
        name: int(value) if isinstance(value, float) and value.is_integer() and abs(value) <= _MOST_EXACT else value
        for name, value in fields.items()
    }


def read_field(text: str, kind: str) -> bool | int | str | None:
    """The value of a field of this type, as people write it; None: it is none."""
    if kind == "bool":
        return _TRUTHS.get(text.lower())
    if kind == "int":
        whole = _WHOLE.fullmatch(text)
        return None if whole is None else int(whole[1])
    return text


def registration(
    identities: tuple[Identity, ...],
    verified: Sequence[str],
    person: NewPerson,
    pointer: str = "",
    *,
    known_is_fine: bool = False,
    channel: str = "",
) -> RegisterMember | Refusal:
    """The command that registers a member with all that is known. `pointer`: where in what was sent it stands."""
    found: dict[Identity, None] = {}
    for index, text in enumerate(verified):
        place = f"{pointer}/verified/{index}"
        identity = parse_identity(text, place)
        if isinstance(identity, Refusal):
            return identity
        if identity not in identities:
            message, zh = (
                f"{identity} is none of the identities that are registered.",
                f"{identity} 不在要注册的身份标识中。",
            )
            return Refusal("invalid_field", message, place, message_zh=zh)
        found[identity] = None
    return RegisterMember(
        identities,
        known_is_fine,
        channel or person.channel,
        verified=tuple(found),
        said=person.said,
        fields=whole_numbers(person.fields),
        tags=tuple(dict.fromkeys(person.tags)),
        pointer=f"{pointer}/person",
    )
