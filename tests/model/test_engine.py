"""Random sequences of all commands on three members: the engine on PostgreSQL against the oracle, side by side.

Commands come in groups, so that batches hold several for one member; each is sent more than once.
"""

from __future__ import annotations

import asyncio
import random

import msgspec
import pytest

from jifen.core.commands import SettleMember
from jifen.core.identity import Identity
from jifen.core.ledger.values import Movement
from jifen.core.limits import EARLIEST_INSTANT
from jifen.db.connection import Connection, connect
from jifen.engine.engine import Engine
from jifen.engine.submission import Answer, Outcome, Submission
from tests.databases import add_program
from tests.model.comparing import check_replay, view_now
from tests.model.ledger import (
    answered,
    check_ledger,
    first_time,
    new_member,
    publish,
    read_history,
    read_members,
    refused,
    submission,
)
from tests.model.programs import make_program
from tests.model.steps import START, Planned, Planner, random_programs, random_steps

NAMES = ("ann", "bob", "cyd")


class Run:
    """One life of three members: an oracle and an engine with the oracle's clock."""

    def __init__(self, url: str, seed: int) -> None:
        self.url = url
        self.chance = random.Random(seed)
        self.documents = random_programs(seed)
        self.planner = Planner(self.documents, [])
        self.engine = Engine(url, lanes=1, clock=lambda: self.planner.now)
        self.group: list[tuple[Planned, Submission]] = []
        self.answers: list[tuple[Submission, Answer]] = []
        self.names: dict[int, Identity] = {}

    async def live(self, seed: int) -> None:
        """All steps; compare whenever a group was done."""
        assert self.planner.now == START
        await self.engine.start()
        connection = await connect(self.url)
        try:
            for name in NAMES:
                member = await new_member(self.engine, name)
                self.names[member] = Identity("external", name)
                self.planner.members.append(member)
                self.planner.oracle.add_member(member)
            for number, step in enumerate(random_steps(seed, 70)):
                if step.action in ("wait", "publish") or self.chance.random() < 0.25:
                    await self.flush(connection)
                planned = self.planner.plan(step)
                if step.action == "publish":
                    # In force at all times: the oracle knows no versions of earlier times.
                    await publish(self.url, self.planner.oracle.document, EARLIEST_INSTANT)
                if planned is not None:
                    self.group.append((planned, self._submission(planned, f"step-{number}")))
            await self.flush(connection)
            await self._check_history(connection)
        finally:
            await connection.close()
            await self.engine.stop()

    def _submission(self, planned: Planned, key: str) -> Submission:
        command = planned.command
        if isinstance(command, SettleMember):
            return Submission(command, "jifen:time", "", b"", "jifen:time", has_key=False)
        name = self.names[planned.member]
        if getattr(command, "wallet", "") is None and self.chance.random() < 0.5:
            command = msgspec.structs.replace(command, member=name)
        return submission(command, key, planned.occurred_at)

    async def flush(self, connection: Connection) -> None:
        """Send what has gathered as one group, each command once or twice, then some old ones again, and compare."""
        sent: list[tuple[Planned, Submission]] = []
        for planned, each in self.group:
            sent += [(planned, each)] * (2 if each.has_key and self.chance.random() < 0.4 else 1)
        repeated = self.chance.sample(self.answers, min(2, len(self.answers)))
        outcomes = await self.engine.submit_group([each for _, each in sent] + [each for each, _ in repeated])
        seen: dict[str, Outcome] = {}
        for (planned, each), outcome in zip(sent, outcomes, strict=False):
            self._check_outcome(planned, each, outcome, seen)
        for (_, first), outcome in zip(repeated, outcomes[len(sent) :], strict=True):
            assert (answered(outcome).duplicate, first_time(outcome)) == (True, first)
        self.group.clear()
        await self._compare(connection)

    def _check_outcome(self, planned: Planned, each: Submission, outcome: Outcome, seen: dict[str, Outcome]) -> None:
        if isinstance(planned.expected, str):
            assert refused(outcome) == planned.expected, planned
            return
        if planned.expected is None:
            assert answered(outcome).trace is None
            return
        answer = answered(outcome)
        assert answer.sequence == planned.expected, planned
        assert answer.duplicate == (each.key in seen)
        if each.key not in seen:
            self.answers.append((each, answer))
        else:
            assert first_time(outcome) == seen[each.key]
        seen[each.key] = outcome

    async def _compare(self, connection: Connection) -> None:
        """Every bucket, lot, hold, debt and flow, as the tables have them and as time has made them since."""
        program = make_program(self.planner.oracle.document, self.planner.version)
        for member, state in (await read_members(connection, self.planner.members)).items():
            movements: list[Movement] = []
            for _, moved in await read_history(connection, member):
                movements += moved
            assert view_now(program, state, movements, self.planner.now) == self.planner.oracle.view(
                member, self.planner.now
            )

    async def _check_history(self, connection: Connection) -> None:
        for member in self.planner.members:
            check_replay(await read_history(connection, member))


@pytest.mark.parametrize("seed", range(8))
def test_the_engine_agrees_with_the_oracle(bare_database_url: str, seed: int) -> None:
    """Answers, tables, conservation, replay up to any transaction, and `jifen verify` at the end (I-03 to I-08)."""
    run = Run(bare_database_url, seed)
    add_program(bare_database_url, run.documents[0])
    asyncio.run(run.live(seed))
    asyncio.run(check_ledger(bare_database_url))
