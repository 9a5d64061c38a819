"""Connections cut around COMMIT, under load: before it, right after it, and with its answer lost."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from jifen.core.commands import AdjustPoints, SpendPoints
from jifen.core.ledger.values import transaction_id
from jifen.core.refusal import Refusal
from jifen.engine.engine import Engine
from tests.faults.evidence import Evidence, amounts
from tests.faults.proxy import Proxy
from tests.model.ledger import new_member, submission

CLIENTS, COMMANDS, TRIES = 12, 15, 50
#: Not refusals of the command: whether it was done is not known, so the client sends it again with the same key.
UNCERTAIN = {"database_unavailable", "internal"}


async def be_a_client(engine: Engine, member: int, seed: int, evidence: Evidence) -> None:
    """Send commands, each again until the answer is certain, and now and then once more after that."""
    for key, points in amounts(seed, COMMANDS):
        command = AdjustPoints(member, None, points) if points > 0 else SpendPoints(member, None, -points)
        each = submission(command, key)
        for _ in range(TRIES):
            outcome = await engine.submit(each)
            if not isinstance(outcome, Refusal):
                evidence.acknowledge(key, transaction_id(outcome.member_id, outcome.sequence))
            elif outcome.code not in UNCERTAIN:
                evidence.refuse(key, outcome.code)
            else:
                continue
            break
        else:
            raise AssertionError(f"no certain answer to {key}")


async def test_connections_cut_around_commit(database_url: str, rounds: int) -> None:
    """Acknowledged exactly once, refused not at all, in every round; members are shared, so batches meet."""
    evidence = Evidence()
    calm = Engine(database_url, lanes=1)
    await calm.start()
    members = [await new_member(calm, f"m{number}", 50) for number in range(4)]
    await calm.stop()
    before = Evidence()
    for number, member in enumerate(members):
        before.acknowledge(f"start-m{number}", f"{member}-1")
    evidence.acknowledged |= before.acknowledged
    cuts = 0
    for number in range(rounds):
        with tempfile.TemporaryDirectory(prefix="jifen-proxy-") as folder:
            async with Proxy(database_url, Path(folder), seed=number, one_in=4) as proxy:
                engine = Engine(proxy.url, lanes=2, batch_limit=8)
                await engine.start()
                clients = (
                    be_a_client(engine, members[client % 4], 1000 * number + client, evidence)
                    for client in range(CLIENTS)
                )
                await asyncio.gather(*clients)
                await engine.stop()
                cuts += sum(proxy.cuts.values())
        await evidence.check(database_url, "test")
    assert cuts >= rounds
    assert set(evidence.refused.values()) == {"insufficient_points"}
