"""The one base class of everything jifen refuses or fails at."""

from __future__ import annotations

from typing import ClassVar


class JifenError(Exception):
    """Something a person must know about: what is wrong, where, and how to mend it.

    `code` is stable and meant for machines; `message` is one line for people; `details` holds the values that
    caused the error. Whoever stands at an edge (HTTP, command line) decides how it is shown. `message_zh` says the
    same in Chinese where only the place that raises it can; else it is made of the code and the details.
    """

    code: ClassVar[str] = "internal"

    def __init__(self, message: str, *, message_zh: str | None = None, **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.message_zh = message_zh
        self.details = details
