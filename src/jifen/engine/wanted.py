"""What rules and rewards ask of members in a batch, noted first and loaded together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from datetime import date

from jifen.core.decide.earn import caps_of_event
from jifen.core.ledger.values import MemberState
from jifen.core.program import Program
from jifen.db.connection import Connection
from jifen.engine.known import load_known
from jifen.engine.marks import PROFILE, STANDINGS
from jifen.engine.places import Places
from jifen.engine.uses import may_be_in_table


class Wanted:
    """Whose profiles, lists and standings, which uses of caps (by member and name, or by name where all share them),
    and which segments, by program version. `with_registration`: whether it matters of anybody when they registered."""

    def __init__(self) -> None:
        self.profiles: set[int] = set()
        self.with_registration = False
        self.lists: set[int] = set()
        self.standings: set[int] = set()
        self.segments: dict[int, set[str]] = {}
        self.usages: set[tuple[int, str]] = set()
        self.shared: set[str] = set()

    def note(self, program: Program, event_type: str, members: Set[int], day: date) -> None:
        """What the rules on events of a type, on a local day, ask of these members."""
        book = program.books.get(event_type)
        if book is None:
            return
        if book.needs_profile:
            self.note_profiles(members, with_registration=book.needs_registration)
        if book.reads_segments:
            self.note_segments(program, book.segments, members)
        self.note_caps(program, event_type, members, day)

    def note_caps(self, program: Program, event_type: str, members: Set[int], day: date) -> None:
        """Which uses of caps events of a type ask for, on a local day, where they are of these members."""
        for name, is_shared in caps_of_event(program, event_type, day).items():
            if is_shared:
                self.shared.add(name)
            else:
                self.usages.update([(member, name) for member in members])

    def note_profiles(self, members: Iterable[int], *, with_registration: bool = True) -> None:
        """Of whom it must be known what is said of them."""
        self.profiles.update(members)
        self.with_registration |= with_registration

    def note_segments(self, program: Program, segments: Set[str], members: Iterable[int]) -> None:
        """Which of these segments the members are in must be known."""
        self.lists.update(members)
        self.segments.setdefault(program.version, set()).update(segments)

    async def load(self, connection: Connection, states: dict[int, MemberState], places: Places, shards: int) -> None:
        """Put what is wanted of members into their states, as far as other tables than the accounts' know of it."""
        marks = places.marks
        described = {member for member in self.profiles if marks.get(member, 0) & PROFILE}
        await load_known(
            connection,
            states,
            places,
            shards,
            profiles=self.profiles if self.with_registration else described,
            lists=self.lists,
            standings=[member for member in self.standings if marks.get(member, 0) & STANDINGS],
            usages=self._uses_in_table(states, marks),
            with_registration=self.with_registration,
        )

    def _uses_in_table(self, states: Mapping[int, MemberState], marks: Mapping[int, int]) -> list[tuple[int, str]]:
        """Those of the wanted uses that are not on the account rows, and may be in the table."""
        return [
            (member, name)
            for member, name in self.usages
            if member in marks
            and name not in states[member].used
            and may_be_in_table(name, states[member].used, marks[member])
        ]
