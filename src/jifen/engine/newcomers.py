"""What a registration makes known of a member: checked before anything is kept, so that nothing is done by halves."""

from __future__ import annotations

from datetime import date

import msgspec

from jifen.core.commands import RegisterMember
from jifen.core.members.commands import DescribePerson
from jifen.core.members.person import NOBODY_KNOWN, Person, describe
from jifen.core.program import Program
from jifen.core.refusal import Refusal
from jifen.core.rules.standing import NO_PROFILE, Profile
from jifen.engine.fields import check_fields


class Newcomer(msgspec.Struct, frozen=True, gc=False):
    """What is known of a member from the registration on; `description`: what was said, None: nothing."""

    profile: Profile = NO_PROFILE
    person: Person = NOBODY_KNOWN
    description: DescribePerson | None = None


def newcomer(program: Program, command: RegisterMember, today: date) -> Newcomer | Refusal:
    """What a registration says of the member, or the first of it that does not fit what the program declares."""
    if not (command.said or command.fields or command.tags):
        return Newcomer()
    description = DescribePerson(0, command.said, command.fields, command.tags)
    said = check_fields(program, command.fields) or describe(program, NO_PROFILE, NOBODY_KNOWN, description, today)
    if not isinstance(said, Refusal):
        return Newcomer(*said, description)
    return said if said.pointer is None else msgspec.structs.replace(said, pointer=command.pointer + said.pointer)
