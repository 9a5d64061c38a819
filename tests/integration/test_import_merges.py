"""The dry run of an import of orders says what the import does with orders of members who were merged since."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from jifen.core.commands import SpendPoints
from jifen.core.identity import Identity
from jifen.core.members.commands import MergeMembers
from jifen.services.imports import ImportSummary, import_orders, load_mapping
from jifen.services.imports.recording import GROUP_SIZE
from tests.integration.test_import_orders import HEADER, figures
from tests.integration.test_merges import PROGRAM, Life, lived

ORDERS = (
    "A,2026-01-05 10:00,external:ann,a,TEA,2,40,\n"
    "B,2026-01-05 10:00,external:bob,a,TEA,4,80,\n"
    "B,2026-01-05 10:00,external:bob,b,NUT,1,30,\n"
    "C,2026-01-06 10:00,external:cho,a,TEA,1,60,\n"
)
_PART = "R1,2026-01-08 10:00,external:bob,a,TEA,-1,,B\n"
_MORE = "R2,2026-01-09 10:00,external:bob,a,TEA,-3,,B\n"
_REST = "R3,2026-01-10 10:00,external:bob,b,NUT,-1,,B\n"
RETURNS = {
    "part by part": _PART + _MORE + _REST,
    "more than there was": _PART + _MORE + "R4,2026-01-11 10:00,external:bob,a,TEA,-1,,B\n",
    "by the survivor": _PART.replace("bob", "ann") + _REST.replace("bob", "cho"),
    "with those of the survivor": _PART + "R5,2026-01-08 11:00,external:ann,a,TEA,-2,,A\n" + _MORE,
    "by somebody else": _PART.replace("bob", "dan"),
    # So much later that only what is kept of those who were merged is still known.
    "over many groups": _PART
    + "".join(f"D{number},2026-01-08 11:00,external:dan,a,TEA,1,1,\n" for number in range(GROUP_SIZE))
    + _MORE,
}


@pytest.fixture
async def life(bare_database_url: str) -> AsyncIterator[Life]:
    """With two wallets, pending points and caps."""
    async for each in lived(bare_database_url, PROGRAM):
        yield each


@pytest.mark.parametrize("returns", RETURNS)
@pytest.mark.parametrize("way", ["merged", "merged twice", "spent since"])
async def test_the_dry_run_finds_the_survivor(life: Life, tmp_path: Path, way: str, returns: str) -> None:
    """Refunds of what a merged member ordered are booked for the survivor, whichever identity the rows name."""
    file = tmp_path / "orders.csv"

    async def imported(content: str, *, dry_run: bool = False) -> ImportSummary:
        file.write_text(HEADER + content, "utf-8")
        return await import_orders(life.engine, life.url, file, load_mapping("orders"), dry_run=dry_run)

    ann, bob, cho = [await life.member(name) for name in ("ann", "bob", "cho")]
    await imported(ORDERS)
    await life.do(MergeMembers(ann, bob))
    if way == "merged twice":
        await life.do(MergeMembers(cho, ann))
    if way == "spent since":
        await life.do(SpendPoints(Identity("external", "bob"), None, 100))
    rehearsed = await imported(ORDERS + RETURNS[returns], dry_run=True)
    done = await imported(ORDERS + RETURNS[returns])
    assert figures(rehearsed) == figures(done) | {"dry_run": True}
    await life.check()
