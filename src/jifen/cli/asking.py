"""Reading and commanding from the command line: what the API answers, asked of the database itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, ClassVar, TypeVar
from uuid import uuid4

import msgspec

from jifen.cli.invocation import Invocation
from jifen.cli.program import actor_name
from jifen.core.errors import JifenError
from jifen.core.refusal import Refusal

if TYPE_CHECKING:
    from jifen.core.commands import Command
    from jifen.db.connection import Connection
    from jifen.engine.submission import Answer
    from jifen.services.catalog import Catalog

T = TypeVar("T")


class Refused(JifenError):
    """The ledger refused a command, or there is nothing of that name. `refusal` says why."""

    code: ClassVar[str] = "refused"

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.message} ({refusal.code})")
        self.refusal = refusal


def read(invocation: Invocation, work: Callable[[Connection, Catalog], Awaitable[T | Refusal]]) -> T:
    """What `work` reads in one snapshot. Raises Refused."""
    from jifen.services.catalog import Catalog
    from jifen.services.snapshot import snapshot_of

    async def run(connection: Connection) -> T | Refusal:
        catalog = Catalog()
        await catalog.refresh(connection)
        async with snapshot_of(connection):
            return await work(connection, catalog)

    return accepted(invocation.ask(run, may_make=False))


def submit(
    invocation: Invocation, command: Command, *, reason: str | None = None, roles: tuple[str, ...] = ()
) -> Answer:
    """What a command did, in the name of whoever called. Raises Refused."""
    from jifen.engine.submission import Submission

    actor = actor_name()
    payload = msgspec.json.encode(command)
    submission = Submission(command, actor, uuid4().hex, payload, actor, reason=reason, roles=roles)
    with invocation.database(may_make=False) as url:
        return accepted(invocation.run_engine(url, lambda engine: engine.submit(submission)))


def accepted(outcome: T | Refusal) -> T:
    """The outcome, unless it is a refusal. Raises Refused."""
    if isinstance(outcome, Refusal):
        raise Refused(outcome)
    return outcome
