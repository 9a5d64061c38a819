"""The segments that rules ask for: lists are read with the member, conditions are compiled once."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Final

from jifen.core.conditions import Condition, InvalidCondition
from jifen.core.program import Program
from jifen.core.segments.membership import SegmentConditions
from jifen.db.connection import Connection
from jifen.db.queries import load_queries

_SQL = load_queries("engine")
#: So many compiled conditions are kept; a program that asks for more compiles again.
_MOST_KEPT: Final = 1_000


class SegmentLibrary:
    """Compiled conditions of segments. Which segments there are is read with every batch that asks: a segment that was
    changed holds from then on, as everything that is said of members does."""

    def __init__(self) -> None:
        self._compiled: dict[tuple[int, str], Condition | None] = {}

    async def load(
        self, connection: Connection, wanted: Mapping[int, Set[str]], programs: Mapping[int, Program]
    ) -> dict[int, SegmentConditions]:
        """The conditions of the wanted segments, by program version. Lists, and names of no segment, have none."""
        names = set[str]().union(*wanted.values())
        if not names:
            return {}
        sources = dict(await connection.fetch(_SQL["load_segments"], sorted(names)))
        found: dict[int, SegmentConditions] = {}
        for version, own in wanted.items():
            program = programs[version]
            conditions = {
                name: condition
                for name in own & sources.keys()
                if (condition := self._condition(program, sources[name])) is not None
            }
            if conditions:
                found[version] = SegmentConditions(program.segment_vocabulary, conditions)
        return found

    def _condition(self, program: Program, source: str) -> Condition | None:
        """None where this version of the program has not what the condition names: then nobody belongs to it."""
        key = (program.version, source)
        if key not in self._compiled:
            if len(self._compiled) >= _MOST_KEPT:
                self._compiled.clear()
            try:
                self._compiled[key] = program.segment_vocabulary.vocabulary.compile(source)
            except InvalidCondition:
                self._compiled[key] = None
        return self._compiled[key]
