"""The dry run of an import whose returns end add-ons says what the import then does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from jifen.core.commands import AdjustPoints, SpendPoints
from jifen.core.members.commands import FoundHousehold
from jifen.core.program import RefundPolicy
from jifen.core.redemption.commands import FulfilRedemption, PayRedemption, RedeemReward
from jifen.services.imports import ImportSummary, import_orders, load_mapping
from jifen.services.imports.recording import GROUP_SIZE
from tests.add_ons import with_add_ons
from tests.databases import DEFAULT_PROGRAM
from tests.integration.test_add_ons import SHIPPED, Shop
from tests.integration.test_import_orders import HEADER, figures
from tests.integration.test_redemptions import opened

#: An order of ten thousand cents in two lines, and one of others.
ORDERS = (
    "A,2026-01-05 10:00,external:ann,a,TEA,2,40,\n"
    "A,2026-01-05 10:00,external:ann,b,NUT,1,60,\n"
    "B,2026-01-06 10:00,external:bob,a,TEA,1,60,\n"
)
RETURNS = {
    "whole": "R1,2026-01-08 10:00,external:ann,a,TEA,-2,,A\nR1,2026-01-08 10:00,external:ann,b,NUT,-1,,A\n",
    "in two": (
        "R1,2026-01-08 10:00,external:ann,b,NUT,-1,,A\n"
        "C,2026-01-08 11:00,external:ann,a,TEA,1,5,\n"
        "R2,2026-01-09 10:00,external:ann,a,TEA,-2,,A\n"
    ),
    # So much later that only what is kept of those who paid is still known.
    "and of who paid": (
        "R1,2026-01-08 10:00,external:ann,a,TEA,-2,,A\n"
        "R1,2026-01-08 10:00,external:ann,b,NUT,-1,,A\n"
        + "".join(f"C{number},2026-01-08 11:00,external:ann,a,TEA,1,1,\n" for number in range(GROUP_SIZE))
        + "R3,2026-01-09 10:00,external:bob,a,TEA,-1,,B\n"
    ),
}


@pytest.fixture
async def shop(bare_database_url: str) -> AsyncIterator[Shop]:
    """Where a refund is refused if its points are spent: whether they came back before is then a figure."""
    document = msgspec.structs.replace(with_add_ons(DEFAULT_PROGRAM), refunds=RefundPolicy("refuse"))
    async for desk in opened(bare_database_url, document):
        yield Shop(desk.url, desk.engine)


@pytest.mark.parametrize("returns", RETURNS)
@pytest.mark.parametrize(
    "way", ["own points", "the rest is spent", "delivered", "money is awaited", "of the household"]
)
async def test_the_dry_run_ends_add_ons(shop: Shop, tmp_path: Path, way: str, returns: str) -> None:
    """They come back, to everybody who paid, before what the order had earned is taken; what was delivered stays."""
    file = tmp_path / "orders.csv"

    async def imported(content: str, *, dry_run: bool = False) -> ImportSummary:
        file.write_text(HEADER + content, "utf-8")
        return await import_orders(shop.engine, shop.url, file, load_mapping("orders"), dry_run=dry_run)

    ann, bob = await shop.member("ann", 0), await shop.member("bob", 0)
    await imported(ORDERS)
    if way == "of the household":
        await shop.do(SpendPoints(ann, None, 100))
        await shop.do(FoundHousehold(ann, "Li", (bob,)))
        await shop.do(RedeemReward(ann, "mug", price=1, from_household=True, order_id="A"))
        await shop.do(AdjustPoints(ann, None, 100))
    elif way == "money is awaited":
        await shop.take(ann, "mug", "A")
    else:
        number = await shop.take(ann, "mug", "A")
        await shop.do(PayRedemption(ann, number, "paid"))
        if way == "the rest is spent":
            await shop.do(SpendPoints(ann, None, 70))
        elif way == "delivered":
            await shop.do(FulfilRedemption(ann, number, SHIPPED))
    rehearsed = await imported(ORDERS + RETURNS[returns], dry_run=True)
    done = await imported(ORDERS + RETURNS[returns])
    assert figures(rehearsed) == figures(done) | {"dry_run": True}
    await shop.check()
