"""The conditions of a program file, compiled; what is wrong is told with the place within the file."""

from __future__ import annotations

from collections.abc import Sequence

from jifen.core.conditions import Condition, InvalidCondition, Vocabulary
from jifen.core.conditions.condition import ResultType
from jifen.core.conditions.errors import Problem
from jifen.core.rules.faults import InvalidProgram


class WrongCondition(InvalidProgram):
    """A condition at `path` that cannot be compiled; `problems` say why. Its places are those within the condition:
    whoever has the file tells those of the file."""

    def __init__(self, path: str, problems: Sequence[Problem]) -> None:
        first = problems[0]
        zh, en = first.asked
        super().__init__(
            f"{path} is wrong at line {first.line}, column {first.column}: {en}",
            message_zh=f"{path} 第 {first.line} 行第 {first.column} 列有误：{zh}",
            path=path,
            problems=[each.details for each in problems],
        )
        self.path = path
        self.problems = problems


def compile_condition(vocabulary: Vocabulary, source: str | None, path: str) -> Condition | None:
    """A condition, if there is one. Raises InvalidProgram that names the place within it."""
    return None if source is None else _compile(vocabulary, source, path, "bool")


def compile_formula(vocabulary: Vocabulary, source: str | None, path: str) -> Condition | None:
    """A formula that gives a whole number, if there is one. Raises InvalidProgram as for a condition."""
    return None if source is None else _compile(vocabulary, source, path, "int")


def _compile(vocabulary: Vocabulary, source: str, path: str, result: ResultType) -> Condition:
    try:
        return vocabulary.compile(source, result)
    except InvalidCondition as error:
        raise WrongCondition(path, error.problems) from None
