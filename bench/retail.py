"""The loads of the HTTP scenarios under the retail template, in turns with the same load under one rule.

A machine with neighbours is faster in one minute and slower in the next, by more than rules cost. So both shops are
open at once, and the load goes from one to the other every few seconds: what a minute brings, it brings to both.
"""

from __future__ import annotations

import asyncio
from statistics import mean

import msgspec

from bench.ground import MEMBERS
from bench.load import LoadFigures
from bench.loads import BATCH_CONNECTIONS, CONNECTIONS, Run, load_faults, new_key, send_load, verified, with_growth
from bench.publishing import endow, publish, recalculate
from bench.results import ONE_RULE, Result
from bench.seeding import FIRST_MEMBER
from bench.server import Served, serving
from jifen.services.templates import read_template

TURNS = 12
WARM_UP_SECONDS = 0.5
#: What whoever is served alone can spend, also under a template whose points wait for the days of returns.
ENOUGH_POINTS = 10**9
_ONE_RULE, _RETAIL = "bench_one_rule", "bench_retail_template"


class Shop(msgspec.Struct, frozen=True):
    """A server under test, the key to it, and what came of each turn."""

    database: str
    served: Served
    secret: str
    turns: list[LoadFigures]

    @property
    def rate(self) -> float:
        """The mean of all turns."""
        return mean(each.rate for each in self.turns)


def http_retail(run: Run) -> Result:
    """The mixed load: twelve rules with campaigns and caps, and a tier set."""
    return _under_retail(run, "mixed")


def http_retail_batch(run: Run) -> Result:
    """The load of `http_events_batch`; the rate counts orders."""
    result = _under_retail(run, "batches", connections=BATCH_CONNECTIONS)
    return msgspec.structs.replace(result, unit="orders")


def http_retail_hot_member(run: Run) -> Result:
    """The load of `http_hot_member`, who has enough points for all spends."""
    return _under_retail(run, "mixed", members=1)


def http_retail_hot_program(run: Run) -> Result:
    """The load of `http_hot_program`."""
    return _under_retail(run, "orders")


def _under_retail(run: Run, mix: str, *, connections: int = CONNECTIONS, members: int = MEMBERS) -> Result:
    urls = [run.ground.create_seeded(database) for database in (_ONE_RULE, _RETAIL)]
    # As on the day before: months of earlier orders are counted once.
    asyncio.run(publish(urls[1], read_template("retail")))
    asyncio.run(recalculate(urls[1]))
    for url in urls if members == 1 else ():
        asyncio.run(endow(url, FIRST_MEMBER, ENOUGH_POINTS))
    run.ground.clean(_RETAIL)
    before = run.ground.size(_RETAIL)
    keys = [asyncio.run(new_key(url)) for url in urls]
    with serving(["--url", urls[0]], run.log) as one, serving(["--url", urls[1]], run.log) as other:
        plain, retail = Shop(_ONE_RULE, one, keys[0], []), Shop(_RETAIL, other, keys[1], [])
        for turn in range(TURNS):
            for shop in (plain, retail) if turn % 2 else (retail, plain):
                figures = send_load(
                    run,
                    shop.served.port,
                    shop.secret,
                    mix,
                    name=f"turn-{turn}",
                    connections=connections,
                    members=members,
                    warm_up_seconds=WARM_UP_SECONDS,
                    seconds=run.seconds * 3 / TURNS,
                )
                shop.turns.append(figures)
    shares = [there.rate / here.rate for there, here in zip(retail.turns, plain.turns, strict=True)]
    result = Result(
        rate=retail.rate,
        p50_ms=mean(each.p50_ms for each in retail.turns),
        p99_ms=mean(each.p99_ms for each in retail.turns),
        accepted=sum(each.accepted_in_all for each in retail.turns),
        faults=[fault for shop in (plain, retail) for each in shop.turns for fault in load_faults(each)],
        beside={ONE_RULE: plain.rate},
        details={"shares": shares, "summary": f"{retail.rate / plain.rate:.2f} of {plain.rate:,.0f} under one rule"},
    )
    result = with_growth(result, before, run.ground.size(_RETAIL))
    for shop in (plain, retail):
        result = verified(result, run, shop.database)
    return result
