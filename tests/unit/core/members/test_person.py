"""What is said of a person changes just that; what two members say is put together without losing anything."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest

from jifen.core.members.commands import DescribePerson
from jifen.core.members.person import (
    NOBODY_KNOWN,
    Address,
    Person,
    describe,
    join_persons,
    join_profiles,
    missing_fields,
)
from jifen.core.program import Program
from jifen.core.refusal import Refusal
from jifen.core.rules.document import Choice, MemberField
from jifen.core.rules.standing import NO_PROFILE, Profile
from tests.model.programs import make_program
from tests.unit.core.shop import ALICE

TODAY = date(2026, 5, 17)
FIELDS = [
    MemberField("size", "string", required=True, choices=[Choice("S"), Choice("L")]),
    MemberField("pets", "int"),
]


def program() -> Program:
    """A program with two fields of its own."""
    base = make_program(None)
    return Program(1, msgspec.structs.replace(base.document, fields=FIELDS), dict(base.wallet_numbers))


def say(profile: Profile = NO_PROFILE, person: Person = NOBODY_KNOWN, **what: Any) -> tuple[Profile, Person]:
    """What is known after something was said."""
    outcome = describe(program(), profile, person, DescribePerson(ALICE, **what), TODAY)
    assert not isinstance(outcome, Refusal), outcome
    return outcome


def test_only_what_is_named_changes() -> None:
    """The birthday and the channel are the profile's, so that rules see them."""
    profile, person = say(said={"name": "Li Lei", "birthday": "1990-05-17"}, fields={"pets": 2})
    profile, person = say(profile, person, said={"gender": "male", "channel": "wechat"}, fields={"size": "L"})
    assert (person.name, person.gender) == ("Li Lei", "male")
    assert (profile.birthday, profile.channel, profile.fields) == ("1990-05-17", "wechat", {"pets": 2, "size": "L"})
    profile, person = say(profile, person, said={"name": None, "birthday": None}, fields={"pets": None})
    assert (person.name, person.gender, profile.birthday, profile.fields) == ("", "male", None, {"size": "L"})


def test_tags_are_added_and_removed() -> None:
    """Each once, in the order in which they came."""
    profile, _ = say(add_tags=("tea", "vip", "tea"))
    profile, _ = say(profile, add_tags=("new",), remove_tags=("tea", "unknown"))
    assert profile.tags == ["vip", "new"]


@pytest.mark.parametrize(
    ("what", "code", "pointer"),
    [
        ({"fields": {"size": "M"}}, "invalid_field", "/fields/size"),
        ({"fields": {"size": None}}, "field_required", "/fields/size"),
        ({"fields": {"pets": "two"}}, "invalid_field", "/fields/pets"),
        ({"fields": {"cars": 2}}, "unknown_field", "/fields/cars"),
        ({"said": {"birthday": "1990-02-30"}}, "invalid_field", "/birthday"),
        ({"said": {"birthday": "2026-05-18"}}, "invalid_field", "/birthday"),
        ({"said": {"birthday": "1899-12-31"}}, "invalid_field", "/birthday"),
        ({"add_tags": tuple(str(number) for number in range(101))}, "invalid_field", "/add_tags"),
    ],
)
def test_what_makes_no_sense_is_refused(what: dict[str, Any], code: str, pointer: str) -> None:
    """With a pointer at the field."""
    outcome = describe(program(), NO_PROFILE, NOBODY_KNOWN, DescribePerson(ALICE, **what), TODAY)
    assert isinstance(outcome, Refusal)
    assert (outcome.code, outcome.pointer) == (code, pointer)


def test_a_birthday_that_was_known_before_hinders_nothing() -> None:
    """Of an older version of jifen: only what is said is looked at, and it can be mended."""
    known = Profile(birthday="2999-01-01")
    assert say(known, said={"name": "Li Lei"})[0].birthday == "2999-01-01"
    assert say(known, said={"birthday": "1990-05-17"})[0].birthday == "1990-05-17"


def test_missing_fields_are_those_that_the_program_requires() -> None:
    """Until they are said."""
    assert missing_fields(program(), NO_PROFILE) == ["size"]
    assert missing_fields(program(), say(fields={"size": "S"})[0]) == []


def test_a_field_that_the_program_gave_up_is_forgotten() -> None:
    """With the next thing that is said, which it does not hinder."""
    assert say(Profile(fields={"gone": "x", "pets": 1}), fields={"size": "S"})[0].fields == {"pets": 1, "size": "S"}


def test_two_become_one() -> None:
    """The survivor's word counts, gaps are filled, tags are those of both."""
    profile = join_profiles(Profile(tags=["a", "b"], fields={"pets": 1}), Profile("gold", ["b", "c"], birthday="05-17"))
    assert (profile.tier, profile.tags, profile.birthday) == ("gold", ["a", "b", "c"], "05-17")
    assert join_profiles(profile, Profile(fields={"pets": 2, "size": "L"})).fields == {"pets": 1, "size": "L"}
    joined = join_persons(Person(name="Li"), Person("Lei", "male", "zh", Address(city="Hangzhou")))
    assert joined == Person("Li", "male", "zh", Address(city="Hangzhou"))
