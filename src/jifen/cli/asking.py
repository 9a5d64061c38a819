"""Reading from the command line: what the API answers, asked of the database itself; and how refusals are told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, ClassVar, TypeVar

from jifen.cli.invocation import Invocation
from jifen.core.errors import JifenError
from jifen.core.refusal import Refusal

if TYPE_CHECKING:
    from jifen.db.connection import Connection
    from jifen.services.catalog import Catalog

T = TypeVar("T")


class Refused(JifenError):
    """The ledger refused a command, or there is nothing of that name. `refusal` says why, `place` where in what was
    said, if that is worth telling."""

    code: ClassVar[str] = "refused"

    def __init__(self, refusal: Refusal, place: str = "") -> None:
        super().__init__(f"{place}{': ' if place else ''}{refusal.message} ({refusal.code})")
        self.refusal = refusal
        self.place = place


def read(invocation: Invocation, work: Callable[[Connection, Catalog], Awaitable[T | Refusal]]) -> T:
    """What `work` reads in one snapshot. Raises Refused."""
    from jifen.services.catalog import Catalog
    from jifen.services.snapshot import one_moment

    async def run(connection: Connection) -> T | Refusal:
        catalog = Catalog()
        await catalog.refresh(connection)
        async with one_moment(connection):
            return await work(connection, catalog)

    return accepted(invocation.ask(run, may_make=False))


def accepted(outcome: T | Refusal) -> T:
    """The outcome, unless it is a refusal. Raises Refused."""
    if isinstance(outcome, Refusal):
        raise Refused(outcome)
    return outcome


def told_where(outcome: T | Refusal) -> T:
    """The outcome of reading what somebody said; a refusal says in front where it is wrong. Raises Refused."""
    if isinstance(outcome, Refusal):
        raise refused_where(outcome)
    return outcome


def refused_where(refusal: Refusal) -> Refused:
    """What says of a refusal in front where in what was said it is wrong."""
    return Refused(refusal, (refusal.pointer or "").lstrip("/").replace("/", "."))
