"""YAML as a person writes it, read into a type; what is wrong is told with its path and line.

Only plain YAML is taken: a key may stand once, and aliases and foreign tags are refused (an alias can blow a small
file up to any size). Words are read as in YAML 1.2: `no` and `2026-01-01` are texts, and `0100` is no number at all
(YAML 1.1 would read it as 64).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, Literal, TypeVar, get_args, get_origin

import msgspec
import yaml

from jifen.core.nearest import asking, nearest
from jifen.services.misfits import misfit_in_chinese
from jifen.services.yaml_places import place_in_file
from jifen.services.yaml_words import in_chinese

#: No file that a person writes by hand is longer.
MAXIMUM_CHARACTERS: Final = 1_000_000
MAXIMUM_DEPTH: Final = 64

T = TypeVar("T")

_PATH_IN_MESSAGE = re.compile(r"(?P<what>.*?)(?: - at `(?P<path>\$.*)`)?", re.DOTALL)
_UNKNOWN_FIELD = re.compile(r"Object contains unknown field `(?P<field>.*)`")
_NO_CHOICE: Final = re.compile(r"is wrong: invalid (?:enum )?value (?P<value>.+)", re.DOTALL)
_NO_FIELD: Final = ("不是这个文件的字段", "is no field of this file")
_STEP = re.compile(r"\.(?P<key>[^.\[\]]+)|\[(?P<index>\d+)\]")


class InvalidYaml(Exception):
    """The text is no YAML, or does not fit the type; `path` (`$.a[0].b`) and `line` (from 1) say where, `what` and
    `what_zh` what is wrong there, without a full stop."""

    def __init__(self, what: str, what_zh: str, path: str | None = None, line: int | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.what_zh = what_zh
        self.path = path
        self.line = line

    def told(self, name: str, name_zh: str | None = None) -> tuple[str, str]:
        """Where in a file of this name it is and what, in Chinese and English, without a full stop."""
        zh, en = name_zh or name, name
        if self.line is not None:
            zh, en = f"{zh} 第 {self.line} 行", f"{en}, line {self.line}"
        where = f"{self.path} " if self.path else ""
        return f"{zh}：{where}{self.what_zh}", f"{en}: {where}{self.what}"


class YamlFile:
    """A parsed text that still knows on which line each part stands."""

    def __init__(self, text: str) -> None:
        """Parse the text. Raises InvalidYaml."""
        self._text = text
        if len(text) > MAXIMUM_CHARACTERS:
            what = f"is longer than {MAXIMUM_CHARACTERS:,} characters"
            raise InvalidYaml(what, f"超过 {MAXIMUM_CHARACTERS:,} 个字符")
        try:
            loader = _PlainLoader(text)
            self._root = loader.get_single_node()
            self._value = None if self._root is None else _construct(loader, self._root)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            what = _one_line(str(error.problem or error))
            zh = error.problem_zh if isinstance(error, _Refused) else in_chinese(what)
            raise InvalidYaml(what, zh, None, mark.line + 1 if mark else None) from None
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            what = _one_line(str(error))
            raise InvalidYaml(what, in_chinese(what)) from None

    def convert(self, kind: type[T]) -> T:
        """The content as a value of this type. Raises InvalidYaml with the path and line of the first fault."""
        if self._value is None:
            raise InvalidYaml("is empty", "是空的")
        try:
            return msgspec.convert(self._value, kind)
        except msgspec.ValidationError as error:
            what, what_zh, path = _parts_of(str(error))
            if what == _NO_FIELD[1]:
                name = path.rpartition(".")[2]
                # It may well be the name of a field elsewhere in the file.
                what_zh, what = asking(what_zh, what, nearest(name, _fields_within(kind) - {name}))
                what_zh, what = what_zh.removesuffix("？"), what.removesuffix("?")
            elif (found := _NO_CHOICE.fullmatch(what)) and (choices := list(_choices_at(kind, path))):
                what = f"is {found['value']}; write one of {', '.join(choices)}"
                what_zh = f"是 {found['value']}；可用的值：{'、'.join(choices)}"
            raise InvalidYaml(what, what_zh, path, self.line_of(path)) from None

    def line_of(self, path: str) -> int | None:
        """The line of a part named like `$.a[0].b`, or of the nearest part around it."""
        node, line = self._root, None if self._root is None else self._root.start_mark.line + 1
        for step in _STEP.finditer(path):
            found = _child(node, step)
            if found is None:
                return line
            node, line = found
        return line

    def place_in(self, path: str, line: int, column: int) -> tuple[int, int] | None:
        """Line and column in the file of a place in a text (both from 1); None: they cannot be told."""
        node: yaml.Node | None = self._root
        for step in _STEP.finditer(path):
            found = _child(node, step)
            node = None if found is None else found[0]
        if not isinstance(node, yaml.ScalarNode):
            return None
        before = node.value.split("\n")[: line - 1]
        return place_in_file(self._text, node, sum(len(each) + 1 for each in before) + column - 1)


class _Refused(yaml.MarkedYAMLError):
    """Something in the text that plain YAML does not have."""

    def __init__(self, problem: str, problem_zh: str, mark: Any) -> None:
        super().__init__(problem=problem, problem_mark=mark)
        self.problem_zh = problem_zh


class _PlainLoader(yaml.SafeLoader):
    """The safe loader without aliases, with a bound on nesting."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise self._refused("aliases are not taken", "不能使用别名（*）")
        self._depth += 1
        if self._depth > MAXIMUM_DEPTH:
            raise self._refused(f"is nested more than {MAXIMUM_DEPTH} deep", f"嵌套超过 {MAXIMUM_DEPTH} 层")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def _refused(self, problem: str, problem_zh: str) -> _Refused:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        return _Refused(problem, problem_zh, event.start_mark)


def _resolve_as_in_yaml_1_2(loader: type[yaml.SafeLoader]) -> None:
    loader.yaml_implicit_resolvers = {}
    for tag, pattern, first in (
        ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
        ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
        ("int", r"[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789")),
        ("float", r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?", list("-+.0123456789")),
    ):
        loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"^(?:{pattern})$"), first)


_resolve_as_in_yaml_1_2(_PlainLoader)


def _construct(loader: _PlainLoader, node: yaml.Node) -> object:
    _refuse_repeated_keys(node)
    value: object = loader.construct_document(node)
    return value


def _refuse_repeated_keys(node: yaml.Node) -> None:
    """YAML forbids a key that stands twice; the loader would silently keep the last."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    problem = f"the key {key.value!r} stands here a second time"
                    raise _Refused(problem, f"{key.value!r} 在这里第二次出现", key.start_mark)
                seen.add(key.value)
            _refuse_repeated_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_repeated_keys(value)


def _child(node: yaml.Node | None, step: re.Match[str]) -> tuple[yaml.Node, int] | None:
    if step["index"] is not None:
        index = int(step["index"])
        if isinstance(node, yaml.SequenceNode) and index < len(node.value):
            item = node.value[index]
            return item, item.start_mark.line + 1
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == step["key"]:
                # The line of the key: that is where a person looks, also when the value is a block below it.
                return value, key.start_mark.line + 1
    return None


def _parts_of(message: str) -> tuple[str, str, str]:
    """What a message of msgspec says, in English and Chinese, and the path it names; a field too many is named by its
    own path."""
    found = _PATH_IN_MESSAGE.fullmatch(message)
    what, path = (found["what"], found["path"] or "$") if found else (message, "$")
    unknown = _UNKNOWN_FIELD.fullmatch(what)
    if unknown:
        return _NO_FIELD[1], _NO_FIELD[0], f"{path}.{unknown['field']}"
    return f"is wrong: {what[:1].lower()}{what[1:]}", misfit_in_chinese(what), path


def _fields_within(kind: Any) -> set[str]:
    """The names of all fields of a type and of everything in it."""
    found: set[str] = set()
    waiting, seen = [kind], set[Any]()
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        waiting += get_args(one)
        if isinstance(one, type) and issubclass(one, msgspec.Struct):
            fields = msgspec.structs.fields(one)
            found.update(field.encode_name for field in fields)
            waiting += [field.type for field in fields]
    return found


def _choices_at(kind: Any, path: str) -> Iterator[str]:
    """The values that there may be at a path (`$.a[0].b`) within a type, where they are named one by one."""
    kinds = [kind]
    for step in _STEP.finditer(path):
        kinds = [inner for each in _alternatives(kinds) for inner in _within(each, step["key"])]
    for each in _alternatives(kinds):
        if isinstance(each, str):
            yield each
        elif get_origin(each) is Literal:
            yield from map(str, get_args(each))


def _alternatives(kinds: list[Any]) -> Iterator[Any]:
    """Types that a value may be of, unions and annotations taken apart."""
    for kind in kinds:
        is_plain = get_origin(kind) in (None, Literal, list, dict)
        yield from [kind] if is_plain else _alternatives(list(get_args(kind)))


def _within(kind: Any, key: str | None) -> Iterator[Any]:
    """The types of what is at a key of a type (None: of an element of a list); of the key that tells variants apart,
    what it says for this one."""
    if key is None or get_origin(kind) is dict:
        yield from get_args(kind)[-1:]
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        config = kind.__struct_config__
        if key == config.tag_field:
            yield config.tag
        yield from (field.type for field in msgspec.structs.fields(kind) if field.encode_name == key)


def _one_line(text: str) -> str:
    return " ".join(text.split())
