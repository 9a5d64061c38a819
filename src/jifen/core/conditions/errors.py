"""What can be wrong with a condition: when it is written, and when it is evaluated."""

from __future__ import annotations

from typing import ClassVar, Final

import msgspec

from jifen.core.errors import JifenError


class Problem(msgspec.Struct, frozen=True):
    """One thing wrong with a source text. `line` and `column` count from 1, columns in characters (code points).

    `suggestion` is text that could stand there instead, or None.
    """

    line: int
    column: int
    message: str
    suggestion: str | None = None

    def __str__(self) -> str:
        hint = f" Did you mean {self.suggestion}?" if self.suggestion else ""
        return f"{self.line}:{self.column} {self.message}{hint}"


class InvalidCondition(JifenError):
    """A source text that is no condition over its vocabulary; `problems` says why, in the order of the text."""

    code: ClassVar[str] = "invalid_condition"

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(str(each) for each in problems))
        self.problems = problems


#: Why conditions have no answer, in words: what CEL calls an overflow, a division by zero, and a value not found.
TOO_LARGE: Final = "a number becomes too large"
DIVIDED_BY_ZERO: Final = "a number is divided by zero"
IS_MISSING: Final = " is missing"


class EvaluationFailed(JifenError):
    """A condition has no answer for these facts: one is missing or unfit, a division by zero, an overflow."""

    code: ClassVar[str] = "evaluation_failed"
