"""Many at once: a flash sale of a few pieces, and a lottery that everybody can check."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from time import monotonic
from typing import Final

from jifen.core.draws.commands import DrawPrize
from jifen.core.redemption.commands import RedeemReward
from jifen.core.redemption.values import NO_STOCK
from jifen.core.refusal import Refusal
from jifen.engine.submission import Answer
from jifen.services.demo.day.acts import Lottery, Opening, PrizeGiven, Sale
from jifen.services.demo.day.stage import DRAW, Stage, actor
from jifen.services.draws import Proof, prove
from jifen.services.rewards import read_stocks
from jifen.services.rounds import newest_round, open_round, reveal_round
from jifen.services.snapshot import one_moment
from jifen.services.stock import set_stock

PIECES: Final = 20
DRAWS: Final = 20
#: Everybody presses the button twice.
_PRESSES: Final = 2
#: Others may draw from the same round meanwhile.
_MOST_LOOKED_AT: Final = 1_000


async def sell(stage: Stage, buyers: Sequence[int]) -> Sale:
    """All buyers ask for a piece at the same moment, each twice with the same key."""
    reward, connection = stage.sale, stage.connection
    before = (await read_stocks(connection)).get(reward.id, NO_STOCK)
    await set_stock(
        connection,
        stage.program,
        stage.catalog.shards,
        reward.id,
        key=f"demo-day:{stage.day}",
        actor=actor("manager"),
        reason="秒杀 Flash sale",
        pieces=before.taken + PIECES,
    )
    started = monotonic()
    outcomes = await asyncio.gather(
        *(
            stage.ask(actor("app"), f"sale-{member}", RedeemReward(member, reward.id))
            for member in buyers
            for _ in range(_PRESSES)
        )
    )
    seconds = max(monotonic() - started, 0.001)
    left = (await read_stocks(connection)).get(reward.id, NO_STOCK).left
    sold = [each.member_id for each in outcomes if isinstance(each, Answer) and not each.duplicate]
    repeated = sum(isinstance(each, Answer) and each.duplicate for each in outcomes)
    sold_out = sum(isinstance(each, Refusal) and each.code == "sold_out" for each in outcomes)
    expected = min(PIECES, len(buyers))
    return Sale(
        reward=reward.name,
        pieces=PIECES,
        buyers=len(buyers),
        requests=len(outcomes),
        sold=len(sold),
        repeated=repeated,
        sold_out=sold_out,
        left=left,
        seconds=round(seconds, 3),
        requests_per_second=round(len(outcomes) / seconds, 1),
        is_right=len(sold) == len(set(sold)) == repeated == expected
        and left == PIECES - expected
        and sold_out == len(outcomes) - _PRESSES * expected,
    )


async def open_lottery(stage: Stage) -> Opening:
    """Publish the hash of a seed. A round from which nobody has drawn yet will do."""
    connection, shards, manager = stage.connection, stage.catalog.shards, actor("manager")
    found = await newest_round(connection, shards, DRAW)
    if found is not None and found.revealed_at is None and found.drawn:
        # Somebody has drawn before: that round ends here.
        found = await reveal_round(connection, shards, DRAW, found.round, actor=manager, now=datetime.now(UTC))
    if found is None or found.revealed_at is not None:
        found = await open_round(connection, stage.program, shards, DRAW, actor=manager, now=datetime.now(UTC))
    return Opening(
        name=stage.draw.document.name,
        round=found.round,
        commitment=found.commitment,
        is_right=found.seed is None and found.drawn == 0,
    )


async def draw_lots(stage: Stage, opening: Opening, drawers: Sequence[int]) -> Lottery:
    """Everybody draws at once; then the seed is revealed, and all of it is worked out again."""
    connection, shards, manager = stage.connection, stage.catalog.shards, actor("manager")
    outcomes = await asyncio.gather(
        *(stage.ask(actor("app"), f"draw-{member}", DrawPrize(member, DRAW)) for member in drawers)
    )
    drawn = [
        each.trace.drawn
        for each in outcomes
        if isinstance(each, Answer) and each.trace is not None and each.trace.drawn is not None
    ]
    revealed = await reveal_round(connection, shards, DRAW, opening.round, actor=manager, now=datetime.now(UTC))
    proof = await _proof(stage, opening.round)
    # So that the shop's lottery goes on.
    await open_round(connection, stage.program, shards, DRAW, actor=manager, now=datetime.now(UTC))
    times = Counter(each.prize for each in drawn)
    seed = revealed.seed or ""
    fits = hashlib.sha256(bytes.fromhex(seed)).hexdigest() == opening.commitment
    recomputed = sum(each.is_right is True for each in proof.drawn)
    return Lottery(
        draws=len(drawn),
        prizes=[
            PrizeGiven(prize.id, prize.name, times[prize.id]) for prize in stage.draw.document.prizes if times[prize.id]
        ],
        points=sum(each.points for each in drawn),
        seed=seed,
        fits=fits,
        recomputed=recomputed,
        is_right=fits and len(drawn) == len(drawers) <= recomputed == len(proof.drawn),
    )


async def _proof(stage: Stage, number: int) -> Proof:
    async with one_moment(stage.connection):
        proof = await prove(stage.connection, stage.catalog, DRAW, number=number, limit=_MOST_LOOKED_AT)
    assert not isinstance(proof, Refusal), "the round was opened just now"
    return proof
