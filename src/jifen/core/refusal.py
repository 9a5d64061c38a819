"""A command that is answered with "no": nothing was changed, and this is why."""

from __future__ import annotations

import msgspec

from jifen.core.errors import JifenError


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """Why a command was refused. Neighbours in the same batch are not touched by it.

    `code` is stable (docs/reference/errors.md lists them all); `message` says what, where and how to mend it;
    `pointer` is the JSON pointer of the field at fault, if there is one; `details` holds the values behind it.
    `message_zh` says it in Chinese where only the place that refuses can; else it is made of the code and the details.
    """

    code: str
    message: str
    pointer: str | None = None
    details: dict[str, object] = {}
    message_zh: str | None = None


def refusal_from(error: JifenError, pointer: str | None = None) -> Refusal:
    """The refusal that an error stands for, with the values behind it that are known. `pointer`: the field at fault,
    unless the error itself says which."""
    details = {name: value for name, value in error.details.items() if value is not None}
    at = details.pop("pointer", pointer)
    return Refusal(error.code, error.message, None if at is None else str(at), details, error.message_zh)
