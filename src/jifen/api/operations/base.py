"""What every write operation under /v1 is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from jifen.api import bodies
from jifen.core.commands import Command
from jifen.core.refusal import Refusal
from jifen.engine.submission import Answer, Submission
from jifen.services.catalog import Catalog
from jifen.services.events import IDEMPOTENCY_SOURCE
from jifen.services.members import parse_member_id

_encode = msgspec.json.Encoder().encode


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One write operation. `path` has at most one part in braces, just before the verb (one part or two) at its end.

    `command` makes the command of the path's id and the body; `refine` completes it with what the server knows (a quote
    is read with its secret); `takes_ticket`: who comes when many do may show a place in line; `takes_captcha`: and
    that work was done; `answer` the JSON of what
    the engine answered; `codes` are those of refusals beside the ones that every write can give.
    """

    name: str
    path: str
    summary: str
    summary_zh: str
    body: type[bodies.Body]
    is_body_needed: bool = True
    answer_type: type[msgspec.Struct]
    status: int = 200
    #: What it is answered with (202) where it waits for a second person; None: it never does.
    waiting_type: type[msgspec.Struct] | None = None
    takes_ticket: bool = False
    takes_captcha: bool = False
    command: Callable[[str, Any], Command | Refusal]
    refine: Callable[[Catalog, Any, Any], Command | Refusal] | None = None
    answer: Callable[[Catalog, Answer], msgspec.Struct]
    codes: tuple[str, ...]
    example: dict[str, Any]
    example_answer: dict[str, Any]

    def command_of(self, catalog: Catalog, name: str, body: Any) -> Command | Refusal:
        """The command of the path's id and the body, complete."""
        command = self.command(name, body)
        if self.refine is None or isinstance(command, Refusal):
            return command
        return self.refine(catalog, command, body)

    def submission_of(
        self, command: Command, name: str, body: Any, *, key: str, actor: str, roles: tuple[str, ...]
    ) -> Submission:
        """What the engine is given. The key means the same wherever it comes from: a call that was begun over HTTP can
        be repeated on the command line, and is done once."""
        payload = _encode((self.name, name, body))
        return Submission(command, IDEMPOTENCY_SOURCE, key, payload, actor, None, body.reason, roles=roles)


def member_of(name: str, pointer: str | None = None) -> int | Refusal:
    """The member that a path or field names by number."""
    member = parse_member_id(name)
    return Refusal("unknown_member", f"There is no member {name[:40]!r}.", pointer) if member is None else member


def payment_of(name: str, pointer: str) -> str | Refusal:
    """What the shop calls a payment. Blanks around it do not make another one of it, which would count once more."""
    payment = name.strip()
    if payment:
        return payment
    return Refusal(
        "invalid_field", "A payment is named by more than blanks.", pointer, message_zh="付款单号不能只有空格。"
    )
