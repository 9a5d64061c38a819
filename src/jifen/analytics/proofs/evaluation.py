"""Where conditions and formulas have a value at all: no number too large, no division by zero.

The formulas here hold at least where that is so: what they exclude always fails.
"""

from __future__ import annotations

from typing import Any, Final

import z3

from jifen.analytics.proofs.encoding import LINE_PREFIX, Encoder
from jifen.core.conditions.fields import GREATEST_INTEGER, LEAST_INTEGER
from jifen.core.conditions.syntax import Call, ListLiteral, Name, Node, is_arithmetic
from jifen.core.limits import MAXIMUM_AMOUNT
from jifen.core.rules.book import CompiledRule

#: With what one side must be for the other not to matter: in CEL `false` wins over a failure on the other side of `&&`.
_DECIDED_BY: Final = {"_&&_": False, "_||_": True}


def has_value(encoder: Encoder, node: Node, line: str = LINE_PREFIX, without: frozenset[str] = frozenset()) -> Any:
    """The formula of an event for which a part of a condition has a value. `line`: as for `Encoder.formula`; `without`:
    the names of facts that the event lacks."""
    match node:
        case Name(name=name) if name in without:
            return encoder.any_of()
        case Call(function="_&&_" | "_||_", arguments=arguments):
            have = [has_value(encoder, each, line, without) for each in arguments]
            decided = _DECIDED_BY[node.function]
            deciding = [
                z3.And(known, encoder.formula(each, line) == decided)
                for each, known in zip(arguments, have, strict=True)
            ]
            return encoder.any_of(encoder.all_of(*have), *deciding)
        case Call(function="_?_:_", arguments=(which, one, other)):
            asked, yes, no = (has_value(encoder, each, line, without) for each in (which, one, other))
            return z3.And(asked, z3.If(encoder.formula(which, line), yes, no))
        case Call(arguments=arguments):
            terms = [has_value(encoder, each, line, without) for each in arguments]
            return encoder.all_of(*terms, *(_of_number(encoder, node, line) if is_arithmetic(node) else ()))
        case ListLiteral(elements=elements):
            return encoder.all_of(*(has_value(encoder, each, line, without) for each in elements))
    return encoder.all_of()


def _of_number(encoder: Encoder, node: Call, line: str) -> list[Any]:
    value = encoder.formula(node, line)
    terms = [z3.And(value >= LEAST_INTEGER, value <= GREATEST_INTEGER)]
    if node.function in ("_/_", "_%_"):
        terms.append(encoder.formula(node.arguments[1], line) != 0)
    return terms


def formula_gives_points(encoder: Encoder, rule: CompiledRule) -> Any:
    """That the formula of a rule, if there is one, gives what an award can be."""
    return encoder.all_of() if rule.formula is None else gives_points(encoder, rule.formula.root)


def gives_points(encoder: Encoder, root: Node) -> Any:
    """That a formula, given by its tree, gives what an award can be."""
    points = encoder.formula(root)
    return z3.And(has_value(encoder, root), points >= 0, points <= MAXIMUM_AMOUNT)
