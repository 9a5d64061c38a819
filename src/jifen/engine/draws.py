"""What drawing needs of the database: the uses it counts, the open rounds, and the numbers that were drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from jifen.core.calendar import local_day
from jifen.core.commands import Command
from jifen.core.draws.commands import DrawPrize
from jifen.core.draws.odds import OpenDraw
from jifen.core.draws.values import Drawn, Round
from jifen.core.identity import shard_of_member, shard_of_name
from jifen.core.ledger.values import MemberState
from jifen.core.program import Program
from jifen.db.connection import Connection
from jifen.db.locking import LOCK_ROUNDS
from jifen.db.queries import load_queries
from jifen.engine.wanted import Wanted
from jifen.engine.writing import Columns, check_changed

_SQL = load_queries("engine")


def draws_of(program: Program, commands: Iterable[Command]) -> list[tuple[DrawPrize, OpenDraw]]:
    """The commands that draw, with what they draw from."""
    found = [(each, program.draws.by_id.get(each.draw)) for each in commands if isinstance(each, DrawPrize)]
    return [(command, draw) for command, draw in found if draw is not None]


def want_for_draws(
    wanted: Wanted, program: Program, now: datetime, commands: Iterable[Command], states: Mapping[int, MemberState]
) -> None:
    """Note what must be known of whoever draws, and what all together used of stock and budgets."""
    day = local_day(now, program.zone)
    for command, draw in draws_of(program, commands):
        if command.member not in states:
            continue
        if draw.audience is not None:
            wanted.note_profiles([command.member])
            if program.draws.reads_segments:
                wanted.note_segments(program, program.draws.segments, [command.member])
        wanted.usages.update((command.member, name) for name in draw.names(day))
        wanted.shared.update(draw.shared_names(day))


async def lock_rounds(
    connection: Connection, program: Program, commands: Iterable[Command], shards: int
) -> dict[str, Round]:
    """Lock the open rounds of what is drawn from."""
    names = sorted({draw.document.id for _, draw in draws_of(program, commands)})
    if not names:
        return {}
    rows = await connection.fetch(LOCK_ROUNDS, [shard_of_name(name, shards) for name in names], names)
    return {draw: Round(number, seed, drawn) for draw, number, seed, drawn in rows}


class DrawnNumbers:
    """The rounds as they go on while one command of a batch is decided after another, and what was drawn."""

    def __init__(self, rounds: Mapping[str, Round]) -> None:
        self._before = rounds
        self.rounds = dict(rounds)
        self._drawn: list[tuple[int, int, Drawn]] = []

    def note(self, member: int, sequence: int, drawn: Drawn) -> None:
        """A transaction of a member has drawn the next number."""
        open_round = self.rounds[drawn.draw]
        assert (drawn.round, drawn.number) == (open_round.number, open_round.drawn + 1)  # I-24
        self.rounds[drawn.draw] = msgspec.structs.replace(open_round, drawn=drawn.number)
        self._drawn.append((member, sequence, drawn))

    async def write(self, connection: Connection, shards: int) -> None:
        """Write it, in one round trip. Raises LostUpdateError where a round that was locked is no longer open."""
        if not self._drawn:
            return
        numbers, rounds = Columns(7), Columns(4)
        for member, sequence, drawn in self._drawn:
            place = (shard_of_name(drawn.draw, shards), drawn.draw, drawn.round, drawn.number)
            numbers.rows.append((*place, shard_of_member(member, shards), member, sequence))
        for draw, each in self.rounds.items():
            if each is not self._before[draw]:
                rounds.rows.append((shard_of_name(draw, shards), draw, each.number, each.drawn))
        changed = await connection.fetchval(_SQL["write_draws"], *numbers.arrays(), *rounds.arrays())
        check_changed(changed, len(numbers.rows) + len(rounds.rows))
