"""Why a rule could not be worked out, in words: which part of it failed, and the reason."""

from __future__ import annotations

from typing import Final

from jifen.core.conditions.errors import DIVIDED_BY_ZERO, IS_MISSING, TOO_LARGE, TOO_MANY_STEPS
from jifen.core.limits import MAXIMUM_AMOUNT
from jifen.core.program import Program
from jifen.core.rules.book import CompiledRule
from jifen.core.rules.rate import FORMULA_GIVES
from jifen.core.wording.values import Said

#: What the parts of a rule are called that are worked out, by their fields.
PARTS: Final[dict[str, Said]] = {
    "when": ("条件", "condition"),
    "audience": ("人群条件", "audience"),
    "lines": ("商品行条件", "line filter"),
    "formula": ("公式", "formula"),
}
_MISSING: Final = ("{part} {source} 需要的 {name} 缺失。", "{name} is missing, for which the {part} {source} asks.")
_REASONS: Final[dict[str, Said]] = {
    TOO_LARGE: ("{part} {source} 中的数值过大。", "a number in the {part} {source} becomes too large."),
    DIVIDED_BY_ZERO: ("{part} {source} 中除数为零。", "a number in the {part} {source} is divided by zero."),
    TOO_MANY_STEPS: (
        "{part} {source} 需要逐个查看的列表元素超过 10,000 个。",
        "the {part} {source} would have to look at more than 10,000 elements of lists.",
    ),
}


def failure_in_words(program: Program, rule: str, message: str) -> Said:
    """Why a rule failed, from the message that the trace keeps; the message itself where it is none of ours."""
    if message.startswith(FORMULA_GIVES):
        points = int(message.removeprefix(FORMULA_GIVES).partition(";")[0])
        zh = f"公式得出 {points:,}；一次奖励须为 0 至 {MAXIMUM_AMOUNT:,} 积分。"
        return zh, f"the formula gives {points:,}; an award has 0 to {MAXIMUM_AMOUNT:,} points."
    return part_failure_in_words(PARTS[_failed_part(program, rule, message.rpartition(": ")[0])], message)


def part_failure_in_words(part: Said, message: str) -> Said:
    """Why what is called `part` could not be worked out; the message itself where it is none of ours."""
    source, _, reason = message.rpartition(": ")
    name = reason.removesuffix(IS_MISSING)
    told = _MISSING if name != reason else _REASONS.get(reason)
    if told is None or not source:
        return message, message
    zh, en = (text.format(part=each, source=source, name=name) for text, each in zip(told, part, strict=True))
    return zh, en


def _failed_part(program: Program, rule: str, source: str) -> str:
    """The field of a rule with this condition, as a failure quotes it."""
    compiled = next((book.by_id[rule] for book in program.books.values() if rule in book.by_id), None)
    fields = () if compiled is None else _fields_of(compiled)
    return next((field for field, quoted in fields if quoted == source), "when")


def _fields_of(rule: CompiledRule) -> list[tuple[str, str]]:
    parts = [("when", rule.when), ("lines", rule.lines), ("formula", rule.formula)]
    # The audience of its campaign is the rule's as well.
    parts += [("audience", each) for each in rule.audiences]
    return [(field, repr(each.source)) for field, each in parts if each is not None]
