"""Says in plain words what is wrong with a source, and what may have been meant."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

from jifen.core.conditions.errors import Problem
from jifen.core.conditions.fields import LINE_FIELDS, LINE_MESSAGE
from jifen.core.conditions.grammar import shown_function
from jifen.core.conditions.scan import slips
from jifen.core.conditions.syntax import place_of
from jifen.core.nearest import nearest, nearest_dotted
from jifen.core.text import unfit_text

#: In characters. CEL quotes the source in each of its messages and needs time and memory for long lists.
MAXIMUM_SOURCE: Final = 2_000
MAXIMUM_PROBLEMS: Final = 20
#: So many names of what there is are told.
MOST_SHOWN: Final = 30
FUNCTIONS: Final = (
    *("all", "exists", "exists_one", "size", "startsWith", "endsWith", "contains", "matches"),
    *("timestamp", "duration", "int", "string"),
    *("getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfYear", "getDayOfWeek"),
    *("getHours", "getMinutes", "getSeconds", "getMilliseconds"),
)
_MACROS: Final = {
    "has": ("每个名称总有值", "every name always has a value"),
    "map": ("请用 all、exists 或 exists_one", "use all, exists or exists_one"),
    "filter": ("请用 all、exists 或 exists_one", "use all, exists or exists_one"),
}
_QUANTIFIERS: Final = {"all", "exists", "exists_one"}
_ERROR: Final = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)")
_UNDECLARED: Final = re.compile(r"undeclared reference to '(.*)' \(in container ''\)")
_OVERLOAD: Final = re.compile(r"found no matching overload for '(.*)' applied to '\((.*)\)'")
_FIELD: Final = re.compile(r"undefined field '(.*)' not found in struct '.*'")
_SELECT: Final = re.compile(r"expression of type '(.*)' cannot be the operand of a select operation")
_SYNTAX: Final = "Syntax error: "
_TYPES: Final = {
    "bool": ("真假值", "true or false"),
    "int": ("数字", "a number"),
    "string": ("文本", "a text"),
    "double": ("小数", "a number with a fraction"),
    "timestamp": ("时刻", "an instant"),
    "duration": ("时长", "a duration"),
    "line": ("订单行", "an order line"),
    "null_type": ("null", "null"),
    "strings": ("文本列表", "a list of texts"),
    "ints": ("数字列表", "a list of numbers"),
    "bools": ("真假值列表", "a list of truths"),
    "timestamps": ("时刻列表", "a list of instants"),
    "durations": ("时长列表", "a list of durations"),
    "lines": ("订单行列表", "a list of order lines"),
}
#: What CEL calls types that have another name here; a list is the plural of its elements.
_NAMES: Final = {"google.protobuf.Timestamp": "timestamp", "google.protobuf.Duration": "duration", LINE_MESSAGE: "line"}


def source_problems(source: str) -> tuple[Problem, ...]:
    """What is wrong with a source before anything reads it: empty, too long, characters that CEL cannot take."""
    if len(source) > MAXIMUM_SOURCE:
        zh = f"条件有 {len(source)} 个字符；最多 {MAXIMUM_SOURCE} 个。"
        en = f"The condition has {len(source)} characters; {MAXIMUM_SOURCE} are allowed."
        return (Problem(*place_of(source, MAXIMUM_SOURCE), zh, en),)
    if not source.strip():
        return (Problem(1, 1, '条件是空的；始终成立请写 "true"。', 'The condition is empty; write "true" for always.'),)
    for position, character in enumerate(source):
        fault = unfit_text(character)
        if fault is not None:
            zh = f"条件含有不能使用的字符 U+{ord(character):04X}。"
            return (Problem(*place_of(source, position), zh, f"The condition contains {fault}."),)
    return ()


def explain(source: str, error: str, names: Collection[str]) -> tuple[Problem, ...]:
    """The problems behind CEL's message, in the order of the text; at least one, at most MAXIMUM_PROBLEMS."""
    text = error.removesuffix("]").rpartition(" [")[0]
    found = [(int(line), int(column), message) for line, column, message in _ERROR.findall(text)]
    if not found:
        return (Problem(1, 1, *_limit_message(text.partition(": ")[2])),)
    syntax = [each for each in found if each[2].startswith(_SYNTAX)]
    if syntax:
        return tuple(slips(source))[:MAXIMUM_PROBLEMS] or (_syntax_problem(*syntax[0]),)
    problems = dict.fromkeys(_problem(source, each, names) for each in _without_consequences(source, found))
    return tuple(sorted(problems, key=lambda each: (each.line, each.column)))[:MAXIMUM_PROBLEMS]


def _without_consequences(source: str, found: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Where a quantifier is wrong, its variable is unknown too: leave that out."""
    wrong = [
        each
        for each in found
        if (match := _UNDECLARED.fullmatch(each[2]))
        and match[1] in (*_MACROS, *_QUANTIFIERS)
        and _character(source, each[0], each[1]) == "("
    ]
    return [each for each in found if each in wrong or not _UNDECLARED.fullmatch(each[2])] if wrong else found


def _character(source: str, line: int, column: int) -> str:
    lines = source.split("\n")
    return lines[line - 1][column - 1 : column] if 0 < line <= len(lines) and column > 0 else ""


def _problem(source: str, found: tuple[int, int, str], names: Collection[str]) -> Problem:
    line, column, message = found
    if line < 1 or column < 1:
        return Problem(1, 1, *_limit_message(message))
    if match := _UNDECLARED.fullmatch(message):
        if _character(source, line, column) == "(":
            return _unknown_function(line, column, match[1])
        return _unknown_name(source, line, column, match[1], names)
    if match := _FIELD.fullmatch(message):
        zh = f"订单行没有字段 {match[1]}；有 {'、'.join(LINE_FIELDS)}。"
        en = f"An order line has no field {match[1]}; it has {', '.join(LINE_FIELDS)}."
        return Problem(line, column, zh, en, nearest(match[1], LINE_FIELDS))
    if match := _OVERLOAD.fullmatch(message):
        return Problem(line, column, *_overload_message(match[1], list(_split_types(match[2]))))
    if match := _SELECT.fullmatch(message):
        zh, en = shown_type(match[1])
        return Problem(line, column, f"{zh}没有字段。", f"{en.capitalize()} has no fields.")
    if message == "invalid int literal":
        return Problem(line, column, "数字过大；数字为 64 位。", "The number is too large; numbers have 64 bits.")
    return Problem(line, column, f"这里无法读取（{message}）。", f"This cannot be read: {message}.")


def _unknown_function(line: int, column: int, name: str) -> Problem:
    if name in _MACROS:
        zh, en = _MACROS[name]
        en = f"{name}() is not available in conditions: {en}."
        return Problem(line, column, f"条件中不能使用 {name}()：{zh}。", en)
    if name in _QUANTIFIERS:
        written = f"list.{name}(element, condition)"
        return Problem(line, column, f"{name} 请写成 {written}。", f"Write {name} as {written}.")
    if name in FUNCTIONS:
        return Problem(line, column, f"{name}() 的参数个数不对。", f"{name}() takes another number of arguments.")
    suggestion = "!" if name.lower() == "not" else nearest(name, FUNCTIONS)
    return Problem(line, column, f"没有函数 {name}()。", f"There is no function {name}().", suggestion)


def _unknown_name(source: str, line: int, column: int, name: str, names: Collection[str]) -> Problem:
    name = name.removeprefix(".")
    # CEL points at the last dot of a dotted name; a person looks for its beginning.
    start = column - max(name.rfind("."), 0)
    text = source.split("\n")[line - 1]
    if start > 0 and text[start - 1 :].startswith(name):
        column = start
    suggestion = nearest_dotted(name, names)
    zh, en = ("", "") if suggestion else _what_is_here(name, names)
    return Problem(line, column, f"没有 {name}{zh}。", f"There is no {name}{en}.", suggestion)


def _what_is_here(name: str, names: Collection[str]) -> tuple[str, str]:
    """For a name like none that is there: what there is at its place. It may be there elsewhere, such as that of a line
    or of the order in an audience."""
    heads = dict.fromkeys(each.partition(".")[0] for each in names)
    head, _, field = name.partition(".")
    if not field:
        return "", ""
    if head in heads:
        return _what_is_beside(name, names)
    zh, en = f"；这里有 {'、'.join(heads)}", f" here; there are {', '.join(heads)}"
    if head == "line" and field in LINE_FIELDS and "order.lines" in names:
        written = f"order.lines.exists(each, each.{field} ...)"
        zh, en = f"{zh}，行请在 `lines` 中判断，或写成 {written}", f"{en}; ask for lines in `lines`, or as {written}"
    return zh, en


def _what_is_beside(name: str, names: Collection[str]) -> tuple[str, str]:
    """The names around one that is not there, at the lowest level that is there."""
    level = name
    while (level := level.rpartition(".")[0]) and not any(each.startswith(f"{level}.") for each in names):
        pass
    found = sorted(each for each in names if each.startswith(f"{level}."))
    more_zh, more_en = (" 等", " and others") if len(found) > MOST_SHOWN else ("", "")
    found = found[:MOST_SHOWN]
    return f"；有 {'、'.join(found)}{more_zh}", f"; there are {', '.join(found)}{more_en}"


def _overload_message(function: str, types: list[str]) -> tuple[str, str]:
    shown = shown_function(function)
    names = [shown_type(each) for each in types]
    zh = f"{shown} 不能用于{'和'.join(each for each, _ in names)}。"
    en = f"{shown} does not work on {' and '.join(each for _, each in names)}."
    advice = _overload_advice(function, types)
    return (zh, en) if advice is None else (f"{zh}{advice[0]}", f"{en} {advice[1]}")


def _overload_advice(function: str, types: list[str]) -> tuple[str, str] | None:
    if set(types) in ({"int", "string"}, {"string", "list(int)"}, {"int", "list(string)"}):
        return "数字不加引号，文本加引号。", "Write numbers without quotes and texts in quotes."
    if "double" in types:
        return "数字都是整数：金额以分计。", "All numbers are whole: amounts are in cents."
    if "null_type" in types:
        return "条件中没有 null。", "Nothing is ever null in conditions."
    if function == "_+_" and types == ["string", "string"]:
        return "文本不能相连。", "Texts cannot be joined."
    if function == "_?_:_":
        return (
            "? 之前是真假值，两个结果类型相同。",
            "Before the ? stands true or false, and both results are of one type.",
        )
    return None


def _split_types(types: str) -> Iterator[str]:
    """Split at the commas that stand outside parentheses."""
    start = depth = 0
    for position, character in enumerate(types):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            yield types[start:position].strip()
            start = position + 1
    yield types[start:].strip()


def shown_type(name: str) -> tuple[str, str]:
    """What a type is called, by our name of it or CEL's: in Chinese and in English."""
    element = name.removeprefix("list(").removesuffix(")")
    own = _NAMES.get(element, element)
    return _TYPES.get(own if element == name else f"{own}s", (f"类型为 {name} 的值", f"a value of type {name}"))


def _syntax_problem(line: int, column: int, message: str) -> Problem:
    message = message.removeprefix(_SYNTAX)
    line, column = max(line, 1), max(column, 1)
    if "'<EOF>'" in message:
        missing = re.match(r"missing (.*) at '<EOF>'", message)
        if missing:
            return Problem(line, column, f"缺少 {missing[1]}。", f"{missing[1]} is missing.")
        return Problem(line, column, "条件没有写完。", "The condition ends too early.")
    if match := re.fullmatch(r"token recognition error at: '(.*)'", message, re.DOTALL):
        if match[1].startswith(("'", '"')):
            en = "The text is not closed, or has a backslash before a wrong character."
            return Problem(line, column, "文本没有结束引号，或反斜杠后的字符不对。", en)
        return Problem(line, column, f"这里无法读取：{match[1].strip()}", f"This cannot be read: {match[1].strip()}")
    if match := re.match(r"(?:mismatched|extraneous) input '(.*)' expecting", message):
        return Problem(line, column, f"这里不该有：{match[1]}", f"This does not belong here: {match[1]}")
    return Problem(line, column, "这不能作为条件读取。", "This cannot be read as a condition.")


def _limit_message(message: str) -> tuple[str, str]:
    if "recursion" in message:
        en = "The condition is nested too deeply or has more than 32 terms in one sum; 32 levels are allowed."
        return "条件嵌套过深，或一个和式超过 32 项；最多 32 层。", en
    return f"条件无法读取（{message}）。", f"The condition cannot be read: {message}"
