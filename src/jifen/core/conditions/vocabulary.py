"""What conditions in one place can name, and how a source becomes a condition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jifen.core.conditions.checked import decode
from jifen.core.conditions.condition import Condition, ResultType
from jifen.core.conditions.environments import check_environment, run_environment
from jifen.core.conditions.errors import InvalidCondition, Problem
from jifen.core.conditions.explanations import explain, shown_type, source_problems
from jifen.core.conditions.fields import LINE_FIELDS, FieldType
from jifen.core.conditions.grammar import read_tree

__all__ = ["LINE_FIELDS", "FieldType", "Vocabulary"]


class Vocabulary:
    """Dotted names and their types. Treat it as frozen.

    A part of a name that is no CEL identifier is written in backticks: member.fields.`fav-tea`.
    """

    __slots__ = ("_check", "_run", "names")

    def __init__(self, names: Mapping[str, FieldType]) -> None:
        self.names = dict(names)
        self._check: Any = None
        self._run: Any = None

    def compile(self, source: str, result: ResultType = "bool") -> Condition:
        """The condition (or with `int` the number) that a source text stands for.

        Raises:
            InvalidCondition: with every problem that was found.
        """
        problems = source_problems(source)
        if problems:
            raise InvalidCondition(problems)
        # Two threads may make the same environments at once; either's will do. `_run` is set last.
        if self._run is None:
            self._check, self._run = check_environment(self.names), run_environment(self.names)
        try:
            serialized: bytes = self._check.compile(source).serialize()
        except RuntimeError as error:
            raise InvalidCondition(explain(source, str(error), self.names)) from None
        root = read_tree(source, decode(serialized), self.names)
        if root.type != result:
            wanted, found = shown_type(result), shown_type(root.type)
            zh, en = f"结果须为{wanted[0]}，这里是{found[0]}。", f"This must give {wanted[1]}, but gives {found[1]}."
            raise InvalidCondition((Problem(1, 1, zh, en),))
        return Condition(source, result, root, self._run.deserialize(serialized))
