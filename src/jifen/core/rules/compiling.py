"""The conditions of a program file, compiled; what is wrong is told with the place within the file."""

from __future__ import annotations

from jifen.core.conditions import Condition, InvalidCondition, Vocabulary
from jifen.core.conditions.condition import ResultType
from jifen.core.rules.faults import InvalidProgram


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
        problem = error.problems[0]
        zh, en = problem.asked
        raise InvalidProgram(
            f"{path} is wrong at line {problem.line}, column {problem.column}: {en}",
            message_zh=f"{path} 第 {problem.line} 行第 {problem.column} 列有误：{zh}",
            path=path,
            problems=[each.details for each in error.problems],
        ) from None
