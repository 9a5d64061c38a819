"""The order of the acts."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from jifen.db.connection import connect
from jifen.services.demo.day.acts import Act, DayReport, Evening
from jifen.services.demo.day.counter import apologise, buy, preview, send_gift, use_voucher
from jifen.services.demo.day.crowd import DRAWS, draw_lots, open_lottery, sell
from jifen.services.demo.day.newcomers import welcome
from jifen.services.demo.day.stage import set_stage
from jifen.services.imports.recording import Recorder
from jifen.services.verification import verify

Tell = Callable[[int, Act], None]


async def play_day(engine: Recorder, url: str, tell: Tell) -> DayReport:
    """Play the next day in a shop that is there. `tell` is told the number of the day and each act when it is over.

    Every call is another day with members of its own, so that it can be played as often as one likes.

    Raises:
        DemoRefused: the program lacks something that the day needs; nothing was done.
    """
    started = monotonic()
    connection = await connect(url)
    try:
        stage = await set_stage(engine, url, connection)

        def done(act: Act) -> None:
            tell(stage.day, act)

        arrival, newcomers = await welcome(stage)
        done(arrival)
        purchase = await buy(stage)
        done(purchase)
        previewed = await preview(stage)
        done(previewed)
        apology = await apologise(stage)
        done(apology)
        gift = await send_gift(stage)
        done(gift)
        voucher = await use_voucher(stage)
        done(voucher)
        sale = await sell(stage, newcomers)
        done(sale)
        opening = await open_lottery(stage)
        done(opening)
        lottery = await draw_lots(stage, opening, newcomers[:DRAWS])
        done(lottery)
    finally:
        await connection.close(timeout=5)
    evening = await _look_back(url)
    done(evening)
    acts: tuple[Act, ...] = (arrival, purchase, previewed, apology, gift, voucher, sale, opening, lottery, evening)
    return DayReport(
        day=stage.day,
        is_right=all(each.is_right for each in acts),
        arrival=arrival,
        purchase=purchase,
        preview=previewed,
        apology=apology,
        gift=gift,
        voucher=voucher,
        sale=sale,
        opening=opening,
        lottery=lottery,
        evening=evening,
        seconds=round(monotonic() - started, 3),
    )


async def _look_back(url: str) -> Evening:
    report = await verify(url)
    counts = report.counts
    return Evening(
        members=counts.members,
        transactions=counts.transactions,
        movements=counts.movements,
        duration_ms=report.duration_ms,
        findings=report.totals,
        is_right=report.is_clean,
    )
