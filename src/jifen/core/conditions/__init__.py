"""Conditions: texts in a part of CEL (cel.dev) over a vocabulary, checked when written, quick to evaluate."""

from __future__ import annotations

from jifen.core.conditions import syntax
from jifen.core.conditions.condition import Condition
from jifen.core.conditions.errors import EvaluationFailed, InvalidCondition, Problem
from jifen.core.conditions.vocabulary import Vocabulary

__all__ = ["Condition", "EvaluationFailed", "InvalidCondition", "Problem", "Vocabulary", "syntax"]
