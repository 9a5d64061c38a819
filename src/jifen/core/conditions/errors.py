"""What can be wrong with a condition: when it is written, and when it is evaluated."""

from __future__ import annotations

from typing import ClassVar, Final

import msgspec

from jifen.core.errors import JifenError
from jifen.core.nearest import asking


class Problem(msgspec.Struct, frozen=True):
    """One thing wrong with a source text. `line` and `column` count from 1, columns in characters (code points).

    `message_zh` says the same as `message` in Chinese; `suggestion` is text that could stand there instead, or None.
    """

    line: int
    column: int
    message_zh: str
    message: str
    suggestion: str | None = None

    @property
    def asked(self) -> tuple[str, str]:
        """The message in Chinese and English, each with the question whether the suggestion was meant."""
        return asking(self.message_zh, self.message, self.suggestion)

    @property
    def details(self) -> dict[str, object]:
        """As the details of an error tell it."""
        return {
            "line": self.line,
            "column": self.column,
            "message": self.message,
            "message_zh": self.message_zh,
            "suggestion": self.suggestion,
        }


class InvalidCondition(JifenError):
    """A source text that is no condition over its vocabulary; `problems` says why, in the order of the text."""

    code: ClassVar[str] = "invalid_condition"

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        told = [(each.line, each.column, *each.asked) for each in problems]
        super().__init__(
            " ".join(f"{line}:{column} {en}" for line, column, _, en in told),
            message_zh="".join(f"第 {line} 行第 {column} 列：{zh}" for line, column, zh, _ in told),
        )
        self.problems = problems


#: Why conditions have no answer, in words: what CEL calls an overflow, a division by zero, and a value not found.
TOO_LARGE: Final = "a number becomes too large"
DIVIDED_BY_ZERO: Final = "a number is divided by zero"
TOO_MANY_STEPS: Final = "more than 10,000 elements of lists would have to be looked at"
IS_MISSING: Final = " is missing"


class EvaluationFailed(JifenError):
    """A condition has no answer for these facts: one is missing or unfit, a division by zero, an overflow."""

    code: ClassVar[str] = "evaluation_failed"
