"""What a JSON Schema finds wrong with a value, in Chinese and English: by keyword, from one table."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

import jsonschema_rs

from jifen.core.rules.document import LocalizedText

#: A longer value is told by its beginning.
_MOST_SHOWN: Final = 60
#: So many of the ways that a value may be formed are told.
_MOST_FORMS: Final = 5
_TYPES: Final = {
    "string": "文本",
    "integer": "整数",
    "number": "数字",
    "boolean": "真假值",
    "object": "对象",
    "array": "列表",
    "null": "空值",
}
#: By keyword: what is said of `value` in Chinese and English. The other names are those of what the keyword asks for.
WORDS: Final = {
    "type": ("{value} 不是{types}", "{value} is not of type {types}"),
    "enum": ("{value} 不是 {options} 之一", "{value} is none of {options}"),
    "const": ("{value} 不是 {expected_value}", "{value} is not {expected_value}"),
    "minimum": ("{value} 小于 {limit}", "{value} is below {limit}"),
    "maximum": ("{value} 大于 {limit}", "{value} is above {limit}"),
    "exclusiveMinimum": ("{value} 不大于 {limit}", "{value} is not above {limit}"),
    "exclusiveMaximum": ("{value} 不小于 {limit}", "{value} is not below {limit}"),
    "multipleOf": ("{value} 不是 {multiple_of} 的倍数", "{value} is no multiple of {multiple_of}"),
    "minLength": ("{value} 少于 {limit} 个字符", "{value} has fewer characters than {limit}"),
    "maxLength": ("{value} 多于 {limit} 个字符", "{value} has more characters than {limit}"),
    "pattern": ("{value} 不符合正则表达式 {pattern}", "{value} does not match {pattern}"),
    "format": ("{value} 不符合格式 {format}", "{value} is not of the format {format}"),
    "minItems": ("{value} 少于 {limit} 项", "{value} has fewer items than {limit}"),
    "maxItems": ("{value} 多于 {limit} 项", "{value} has more items than {limit}"),
    "uniqueItems": ("{value} 有重复的项", "{value} has an item twice"),
    "contains": ("{value} 中所要求的项数量不对", "{value} has not the right number of the items that are asked for"),
    "unevaluatedItems": ("不允许有项 {unexpected}", "there may be no items {unexpected}"),
    "required": ("缺少字段 {property}", "the field {property} is missing"),
    "additionalProperties": ("不允许有字段 {unexpected}", "there may be no field {unexpected}"),
    "unevaluatedProperties": ("不允许有字段 {unexpected}", "there may be no field {unexpected}"),
    "minProperties": ("{value} 少于 {limit} 个字段", "{value} has fewer fields than {limit}"),
    "maxProperties": ("{value} 多于 {limit} 个字段", "{value} has more fields than {limit}"),
    "propertyNames": ("字段的名称不对：{error}", "the name of a field is wrong: {error}"),
    "anyOf": (
        "{value} 不符合任何一种可用的形式（{context}）",
        "{value} has none of the forms that it may have ({context})",
    ),
    "oneOf": (
        "{value} 不符合任何一种可用的形式（{context}）",
        "{value} has none of the forms that it may have ({context})",
    ),
    "not": ("{value} 正是不允许的（{schema}）", "{value} is just what it may not be ({schema})"),
    "falseSchema": ("这里不允许有 {value}", "{value} may not stand here"),
    "$ref": ("引用无法解析：{error}", "a reference leads nowhere: {error}"),
}
_MORE_THAN_ONE: Final = (
    "{value} 同时符合多种形式，只能符合一种",
    "{value} has more than one of the forms of which it may have one",
)
_OTHER: Final = ("{value} 不符合 {keyword}", "{value} does not fit {keyword}")
_QUOTED: Final = re.compile("'([^']*)'")


def misfit_in_words(error: jsonschema_rs.ValidationError) -> LocalizedText:
    """What is wrong, without the place and without a full stop."""
    kind = error.kind
    is_many = isinstance(kind, jsonschema_rs.ValidationErrorKind.OneOfMultipleValid)
    zh, en = _MORE_THAN_ONE if is_many else WORDS.get(kind.name, _OTHER)
    values = {"value": _same(_shown(error.instance)), "keyword": _same(kind.name)}
    values |= {name: _asked(name, value) for name, value in kind.as_dict().items()}
    return LocalizedText(
        zh=zh.format(**{name: each.zh for name, each in values.items()}),
        en=en.format(**{name: each.en for name, each in values.items()}),
    )


def _asked(name: str, value: Any) -> LocalizedText:
    """A value of what a keyword asks for."""
    match name:
        case "types":
            return LocalizedText(zh="或".join(_TYPES[each] for each in value), en=" or ".join(value))
        case "options" | "unexpected":
            return _joined([_same(_shown(each)) for each in value], "、", ", ")
        case "context":
            forms = [errors[0] for errors in value if errors]
            return _joined([misfit_in_words(each) for each in forms[:_MOST_FORMS]], "；", "; ")
        case "error" if isinstance(value, jsonschema_rs.ValidationError):
            return misfit_in_words(value)
        case "error":
            # What is referred to stands in quotation marks within a sentence in English.
            place = _QUOTED.search(str(value))
            return _same(str(value) if place is None else place[1])
        case "format" | "limit" | "multiple_of":
            return _same(str(value))
        case _:
            return _same(_shown(value))


def _same(text: str) -> LocalizedText:
    return LocalizedText(zh=text, en=text)


def _joined(texts: Sequence[LocalizedText], zh: str, en: str) -> LocalizedText:
    return LocalizedText(zh=zh.join(each.zh for each in texts), en=en.join(each.en for each in texts))


def _shown(value: Any) -> str:
    """A value as JSON."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
