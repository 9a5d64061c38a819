"""What is known of a person: said piece by piece, and put together when two members turn out to be one."""

from __future__ import annotations

from datetime import date
from typing import Any, Final, Literal

import msgspec

from jifen.core.decide.profile import check_profile
from jifen.core.limits import MAXIMUM_TEXT
from jifen.core.members.birthday import check_birthday
from jifen.core.members.commands import DescribePerson
from jifen.core.program import Program
from jifen.core.refusal import Refusal
from jifen.core.rules.standing import Profile

MAXIMUM_TAGS: Final = 100


class Address(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """Where somebody lives."""

    country: str = ""
    province: str = ""
    city: str = ""
    district: str = ""
    street: str = ""
    postal_code: str = ""


class Person(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What is known of a person beside what rules may know (the profile: birthday, channel, tags, fields)."""

    name: str = ""
    gender: Literal["", "female", "male", "other"] = ""
    language: str = ""
    address: Address = Address()


NOBODY_KNOWN: Final = Person()
#: What is said of a person but kept in the profile, as rules may ask for it.
IN_PROFILE: Final = ("birthday", "channel")


def describe(
    program: Program, profile: Profile, person: Person, command: DescribePerson, today: date
) -> tuple[Profile, Person] | Refusal:
    """Profile and person after what was said. What is not named stays as it is; None takes a value away."""
    birthday = command.said.get("birthday")
    if birthday is not None and (refusal := check_birthday(birthday, today)):
        return refusal
    said = {name: value for name, value in command.said.items() if name not in IN_PROFILE}
    person = msgspec.structs.replace(person, **{name: _or_default(name, value) for name, value in said.items()})
    fields = _fields_after(program, profile, command.fields)
    if isinstance(fields, Refusal):
        return fields
    tags = [tag for tag in profile.tags if tag not in command.remove_tags]
    tags += [tag for tag in dict.fromkeys(command.add_tags) if tag not in tags]
    if len(tags) > MAXIMUM_TAGS:
        message = f"A member has {MAXIMUM_TAGS} tags at most; this would be {len(tags)}."
        zh = f"会员最多 {MAXIMUM_TAGS} 个标签，这样有 {len(tags)} 个。"
        return Refusal("invalid_field", message, "/add_tags", message_zh=zh)
    changes = {"fields": fields, "tags": tags}
    if "birthday" in command.said:
        changes["birthday"] = command.said["birthday"]
    if "channel" in command.said:
        changes["channel"] = command.said["channel"] or ""
    profile = msgspec.structs.replace(profile, **changes)
    return check_profile(program, profile) or (profile, person)


def _or_default(name: str, value: Any) -> Any:
    return getattr(NOBODY_KNOWN, name) if value is None else value


def _fields_after(program: Program, profile: Profile, said: dict[str, Any]) -> dict[str, Any] | Refusal:
    known = program.fields
    # A field that the program has no more is forgotten with the next thing that is said.
    fields = {name: value for name, value in profile.fields.items() if name in known}
    for name, value in said.items():
        field = known.get(name)
        if field is not None and value is None and field.required:
            message = f"The program needs {name}: it can be changed, not removed."
            return Refusal("field_required", message, f"/fields/{name}", message_zh=f"{name}。")
        if value is None and field is not None:
            fields.pop(name, None)
            continue
        choices = [] if field is None else [choice.value for choice in field.choices]
        if choices and value not in choices:
            shown = ", ".join(str(choice) for choice in choices)[:MAXIMUM_TEXT]
            zh = f"{name} 须为其中之一：{shown}。"
            return Refusal("invalid_field", f"{name} must be one of {shown}.", f"/fields/{name}", message_zh=zh)
        fields[name] = value
    return fields


def missing_fields(program: Program, profile: Profile) -> list[str]:
    """The fields that the program needs and nobody has said yet."""
    return [field.id for field in program.document.fields if field.required and field.id not in profile.fields]


def join_profiles(survivor: Profile, absorbed: Profile) -> Profile:
    """The survivor's word counts; its gaps are filled from the other; tags and segments are those of both."""
    return msgspec.structs.replace(
        survivor,
        tier=survivor.tier or absorbed.tier,
        tags=list(dict.fromkeys((*survivor.tags, *absorbed.tags))),
        segments=list(dict.fromkeys((*survivor.segments, *absorbed.segments))),
        channel=survivor.channel or absorbed.channel,
        birthday=survivor.birthday or absorbed.birthday,
        birthday_window_from=survivor.birthday_window_from or absorbed.birthday_window_from,
        fields=absorbed.fields | survivor.fields,
    )


def join_persons(survivor: Person, absorbed: Person) -> Person:
    """The survivor's word counts; its gaps are filled from the other."""
    return Person(
        survivor.name or absorbed.name,
        survivor.gender or absorbed.gender,
        survivor.language or absorbed.language,
        absorbed.address if survivor.address == Address() else survivor.address,
    )
