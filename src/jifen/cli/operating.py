"""The operations of the API on the command line: the same body, read in the same way, under the same keys.

What can be done and asked over HTTP is done and asked here by the very same tables: both refuse the same and answer the
same, and a call that was begun in one place can be repeated in the other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple
from uuid import uuid4

import msgspec
import typer

from jifen.cli.asking import Refused, accepted, read, refused_where, told_where
from jifen.cli.invocation import Invocation, run_connected
from jifen.cli.output import write_note
from jifen.cli.program import actor_name
from jifen.core.errors import JifenError
from jifen.core.refusal import Refusal

if TYPE_CHECKING:
    from jifen.db.connection import Connection
    from jifen.services.catalog import Catalog

Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="KEY",
        help="幂等键：结果不明时用同一个键重试，只记一次 / Call again with the same key: it is done once.",
        show_default=False,
    ),
]


class Done(NamedTuple):
    """What an operation answered: the JSON of the API, and what its numbers are called."""

    answer: Any
    catalog: Catalog

    def note_repetition(self, invocation: Invocation) -> None:
        """Tell people where it had been done before under the same key."""
        if self.answer.status == "duplicate":
            write_note(
                invocation.say(
                    "此前已用同一个键做过，这是当时的结果。",
                    "It was done before under the same key: this is what it did then.",
                )
            )


def given(said: Mapping[str, object]) -> dict[str, object]:
    """Of the fields of a body those that were given."""
    return {name: value for name, value in said.items() if value is not None}


def operate(
    invocation: Invocation,
    name: str,
    subject: str,
    said: Mapping[str, object],
    *,
    key: str | Literal[False] | None = False,
    roles: Sequence[str] = (),
) -> Done:
    """Do a write operation of the API in the name of whoever called. `subject`: the id in its path; `said`: its body;
    `key`: what was given as `--key`, False where the command takes none, because doing it again changes nothing.

    Raises Refused, with the code that the API gives.
    """
    from jifen.api.idempotency import read_key
    from jifen.api.operations import OPERATIONS
    from jifen.services.json_input import read_json

    operation = next(each for each in OPERATIONS if each.name == name)
    chosen = accepted(read_key(key)) if isinstance(key, str) else uuid4().hex
    # By Python's writer, which keeps what is no text, so that the reader can refuse it.
    raw = json.dumps(msgspec.to_builtins(said)).encode()
    body = told_where(read_json(msgspec.json.Decoder(operation.body), raw))
    with invocation.database(may_make=False) as url:
        command = operation.command_of(run_connected(url, fresh_catalog), subject, body)
        if isinstance(command, Refusal):
            raise refused_where(command)
        submission = operation.submission_of(command, subject, body, key=chosen, actor=actor_name(), roles=tuple(roles))
        with nullcontext() if key is False else _key_told(invocation, chosen):
            answer = accepted(invocation.run_engine(url, lambda engine: engine.submit(submission)))
            # Read anew: it may have been done by a version of the program that was published a moment ago.
            catalog = run_connected(url, fresh_catalog)
    return Done(operation.answer(catalog, answer), catalog)


def look(invocation: Invocation, name: str, subject: str = "", **query: object) -> tuple[Any, Catalog]:
    """What a read operation of the API answers, and what its numbers are called. `subject`: the id in its path;
    `query`: its parameters, of those that are left out the defaults. Raises Refused."""
    from jifen.api.reads import READS, Asked, read_query

    question = next(each for each in READS if each.name == name)
    parameters = {each: _as_parameter(value) for each, value in given(query).items()}
    asked = accepted(read_query(question.query, parameters))
    now = datetime.now(UTC)

    async def work(connection: Connection, catalog: Catalog) -> tuple[Any, Catalog] | Refusal:
        found = await question.run(Asked(connection, catalog, subject, asked, now))
        return found if isinstance(found, Refusal) else (found, catalog)

    return read(invocation, work)


def _as_parameter(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


async def fresh_catalog(connection: Connection) -> Catalog:
    """The shards, wallets and program as they are now."""
    from jifen.services.catalog import Catalog

    catalog = Catalog()
    await catalog.refresh(connection)
    return catalog


@contextmanager
def _key_told(invocation: Invocation, key: str) -> Iterator[None]:
    """Where it stays unclear whether a command was done, its key is told, so that it can be called again."""
    try:
        yield
    except BaseException as error:
        is_known = isinstance(error, JifenError)
        if isinstance(error, Refused) and error.refusal.code == "database_unavailable":
            is_known = False
        if not is_known:
            write_note(
                invocation.say(
                    f"结果不明：请加上 --key {key} 原样重试，不会重复记账。",
                    f"It is not known whether this was done: call it again with --key {key}, and it is done once.",
                )
            )
        raise
