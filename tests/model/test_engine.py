"""Random sequences of all commands on four members: the engine on PostgreSQL against the oracle, side by side.

Commands come in groups, so that batches hold several for one member; each is sent more than once.
"""

from __future__ import annotations

import asyncio
import random

import msgspec
import pytest

from jifen.core.commands import (
    AdjustPoints,
    Command,
    PlaceHold,
    ReverseTransaction,
    SettleMember,
    SpendPoints,
    TransferPoints,
)
from jifen.core.identity import Identity
from jifen.core.ledger.values import MemberState, Movement
from jifen.core.limits import EARLIEST_INSTANT
from jifen.core.members.commands import SpendFromHousehold
from jifen.core.redemption.commands import (
    CancelWriteOff,
    RedeemReward,
    RedemptionCommand,
    SettleRedemption,
    WriteOffCoupon,
)
from jifen.core.wallets.commands import ConvertPoints, SavePoints, UnsavePoints
from jifen.db.connection import Connection, connect
from jifen.engine.engine import Engine
from jifen.engine.submission import Answer, Outcome, Submission
from jifen.services.stock import add_codes, set_stock
from tests.databases import add_program
from tests.model.comparing import check_replay, view_now, view_redemptions
from tests.model.ledger import (
    answered,
    check_ledger,
    first_time,
    new_member,
    publish,
    read_history,
    read_members,
    read_redemptions,
    read_stock,
    refused,
    submission,
)
from tests.model.oracle.rewards import ROLES, STOCK
from tests.model.planner import START, Planned, Planner
from tests.model.programs import make_program
from tests.model.steps import EVERYTHING, LEAVING, TAKING_ALONG, Step, Weights, random_programs, random_steps

NAMES = ("ann", "bob", "cyd", "dan")
#: Commands that may name the member by any identity.
BY_NAME = (SpendPoints, PlaceHold, AdjustPoints, TransferPoints, ConvertPoints, SavePoints, UnsavePoints, RedeemReward)


class Run:
    """One life of four members: an oracle and an engine with the oracle's clock."""

    def __init__(self, url: str, seed: int) -> None:
        self.url = url
        self.chance = random.Random(seed)
        self.documents = random_programs(seed)
        self.planner = Planner(self.documents, [])
        self.engine = Engine(url, lanes=1, clock=lambda: self.planner.now)
        self.group: list[tuple[Planned, Submission]] = []
        self.answers: list[tuple[Submission, Answer]] = []
        self.names: dict[int, Identity] = {}
        self._keys = 0

    async def live(self, steps: list[Step]) -> None:
        """All steps; compare whenever a group was done."""
        assert self.planner.now == START
        await self.engine.start()
        connection = await connect(self.url)
        try:
            await self._open_shop(connection)
            for step in steps:
                if step.action in ("wait", "publish") or self.chance.random() < 0.25:
                    await self.flush(connection)
                for planned in self.planner.plan(step):
                    await self._add(connection, planned)
                if step.action == "wait":
                    await self.flush(connection)
                if step.action == "publish":
                    # In force at all times: the oracle knows no versions of earlier times.
                    await publish(self.url, self.planner.oracle.document, EARLIEST_INSTANT)
            await self.flush(connection)
            for member in self.planner.members:
                check_replay(await read_history(connection, member))
        finally:
            await connection.close()
            await self.engine.stop()

    async def _open_shop(self, connection: Connection) -> None:
        """Members, and rewards to be had."""
        for name in NAMES:
            member = await new_member(self.engine, name)
            self.names[member] = Identity("external", name)
            self.planner.members.append(member)
            self.planner.oracle.add_member(member, START)
        program = make_program(self.planner.oracle.document)
        shards = await connection.fetchval("SELECT shards FROM installation")
        codes = [f"M{number}" for number in range(STOCK["movie"])]
        await add_codes(connection, program, shards, "movie", codes, actor="test", reason="opening")
        for reward, pieces in STOCK.items():
            if reward != "movie":
                await set_stock(
                    connection, program, shards, reward, key=reward, actor="test", reason="opening", pieces=pieces
                )

    async def _add(self, connection: Connection, planned: Planned) -> None:
        """One more command for the group. Who comes first to a reward counts, so of different members it is not asked
        within one group: what must wait for the next batch would be overtaken."""
        command = planned.command
        spent_together = any(isinstance(each.command, SpendFromHousehold) for each, _ in self.group)
        if spent_together and isinstance(command, ReverseTransaction):
            # A common spend of this very group cannot be undone before the next batch, nor what was asked behind it.
            await self.flush_planned(connection)
        if isinstance(command, RedemptionCommand):
            others = [each for each, _ in self.group if each.member != planned.member]
            if planned.coupon or any(isinstance(each.command, RedemptionCommand) for each in others):
                await self.flush_planned(connection)
        if planned.coupon is not None:
            assert isinstance(command, WriteOffCoupon | CancelWriteOff)
            redemption, index = planned.coupon
            found = await read_redemptions(connection, planned.member)
            command = msgspec.structs.replace(command, code=found[redemption].coupons[index].code)
        self._keys += 1
        self.group.append((planned, self._submission(planned, command, f"step-{self._keys}")))

    def _submission(self, planned: Planned, command: Command, key: str) -> Submission:
        if isinstance(command, SettleMember | SettleRedemption):
            return Submission(command, "jifen:time", "", b"", "jifen:time", has_key=False)
        if isinstance(command, BY_NAME) and self.chance.random() < 0.5:
            # By any name that finds the member, also one that came with a merge.
            names = [
                name
                for member, name in self.names.items()
                if [member, *self.planner.oracle.survivors(member)][-1] == planned.member
            ]
            command = msgspec.structs.replace(command, member=self.chance.choice(names)) if names else command
        made = submission(command, key, planned.occurred_at)
        return msgspec.structs.replace(made, actor=planned.actor, roles=ROLES[planned.actor])

    async def flush_planned(self, connection: Connection) -> None:
        """Send what has gathered; the oracle is further on, so that nothing is compared but answers."""
        await self._send()

    async def flush(self, connection: Connection) -> None:
        """Send what has gathered, and compare."""
        await self._send()
        await self._compare(connection)

    async def _send(self) -> None:
        """Send the group, each command once or twice, then some old ones again."""
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
        """Every bucket, lot, hold, debt and flow, as the tables have them and as time has made them since; how
        redemptions stand, and stock."""
        oracle, now = self.planner.oracle, self.planner.now
        program = make_program(oracle.document, len(oracle.documents))
        states: dict[int, MemberState] = await read_members(connection, self.planner.members)
        for member, state in states.items():
            movements: list[Movement] = []
            for _, moved in await read_history(connection, member):
                movements += moved
            assert view_now(program, state, movements, now) == oracle.view(member, now)
            redemptions = await read_redemptions(connection, member)
            assert view_redemptions(redemptions) == oracle.view_redemptions(member)
        assert await read_stock(connection) == {reward: oracle.taken(reward) for reward in STOCK}


@pytest.mark.parametrize(
    ("seed", "weights"),
    [
        *((seed, EVERYTHING) for seed in range(8)),
        *((seed, TAKING_ALONG) for seed in range(300, 304)),
        *((seed, LEAVING) for seed in range(400, 408)),
    ],
)
def test_the_engine_agrees_with_the_oracle(bare_database_url: str, seed: int, weights: Weights) -> None:
    """Answers, tables, conservation, replay up to any transaction, and `jifen verify` at the end (I-03 to I-08)."""
    run = Run(bare_database_url, seed)
    add_program(bare_database_url, run.documents[0])
    asyncio.run(run.live(random_steps(seed, 110, weights)))
    asyncio.run(check_ledger(bare_database_url))
