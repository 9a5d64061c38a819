"""What a JSON Schema finds wrong is told in either language, whatever the keyword."""

from __future__ import annotations

import re
from typing import Any

import jsonschema_rs
import pytest

from jifen.core.refusal import Refusal
from jifen.core.rules.document import LocalizedText, MemberField
from jifen.engine.fields import check_fields
from jifen.engine.schema_words import WORDS, misfit_in_words
from jifen.engine.schemas import fault_of_schema, first_misfit
from tests.model.programs import make_document, make_program

FIVE = {"minimum": 5}
ANY_OR_ONE = (
    "3 不符合任何一种可用的形式（3 不是文本；3 小于 5）",
    "3 has none of the forms that it may have (3 is not of type string; 3 is below 5)",
)
#: A schema, a value, and what is said of it.
CASES: dict[str, tuple[dict[str, Any], Any, str, str]] = {
    "type": ({"type": ["integer", "null"]}, "x", '"x" 不是空值或整数', '"x" is not of type null or integer'),
    "enum": ({"enum": ["a", 1]}, "尺码", '"尺码" 不是 "a"、1 之一', '"尺码" is none of "a", 1'),
    "const": ({"const": "a"}, None, 'null 不是 "a"', 'null is not "a"'),
    "minimum": ({"minimum": 3}, 1, "1 小于 3", "1 is below 3"),
    "maximum": ({"maximum": 3}, 5, "5 大于 3", "5 is above 3"),
    "exclusiveMinimum": ({"exclusiveMinimum": 3}, 3, "3 不大于 3", "3 is not above 3"),
    "exclusiveMaximum": ({"exclusiveMaximum": 3}, 3, "3 不小于 3", "3 is not below 3"),
    "multipleOf": ({"multipleOf": 2.5}, 3, "3 不是 2.5 的倍数", "3 is no multiple of 2.5"),
    "minLength": ({"minLength": 3}, "a", '"a" 少于 3 个字符', '"a" has fewer characters than 3'),
    "maxLength": ({"maxLength": 1}, "abc", '"abc" 多于 1 个字符', '"abc" has more characters than 1'),
    "pattern": ({"pattern": "^a{2}$"}, "b", '"b" 不符合正则表达式 "^a{2}$"', '"b" does not match "^a{2}$"'),
    "minItems": ({"minItems": 2}, [], "[] 少于 2 项", "[] has fewer items than 2"),
    "maxItems": ({"maxItems": 1}, [1, 2], "[1, 2] 多于 1 项", "[1, 2] has more items than 1"),
    "uniqueItems": ({"uniqueItems": True}, [1, 1], "[1, 1] 有重复的项", "[1, 1] has an item twice"),
    "contains": (
        {"contains": {"const": 2}},
        [1],
        "[1] 中所要求的项数量不对",
        "[1] has not the right number of the items that are asked for",
    ),
    "unevaluatedItems": ({"unevaluatedItems": False}, [7], '不允许有项 "7"', 'there may be no items "7"'),
    "required": ({"required": ["size"]}, {}, '缺少字段 "size"', 'the field "size" is missing'),
    "additionalProperties": (
        {"properties": {"a": {}}, "additionalProperties": False},
        {"b": 1, "c": 2},
        '不允许有字段 "b"、"c"',
        'there may be no field "b", "c"',
    ),
    "unevaluatedProperties": (
        {"unevaluatedProperties": False},
        {"b": 1},
        '不允许有字段 "b"',
        'there may be no field "b"',
    ),
    "minProperties": ({"minProperties": 1}, {}, "{} 少于 1 个字段", "{} has fewer fields than 1"),
    "maxProperties": ({"maxProperties": 0}, {"a": 1}, '{"a": 1} 多于 0 个字段', '{"a": 1} has more fields than 0'),
    "propertyNames": (
        {"propertyNames": {"maxLength": 1}},
        {"bc": 1},
        '字段的名称不对："bc" 多于 1 个字符',
        'the name of a field is wrong: "bc" has more characters than 1',
    ),
    "anyOf": ({"anyOf": [{"type": "string"}, FIVE]}, 3, *ANY_OR_ONE),
    "oneOf": ({"oneOf": [{"type": "string"}, FIVE]}, 3, *ANY_OR_ONE),
    "not": (
        {"not": {"const": 3}},
        3,
        '3 正是不允许的（{"const": 3}）',
        '3 is just what it may not be ({"const": 3})',
    ),
    "falseSchema": ({"properties": {"a": False}}, {"a": 1}, "这里不允许有 1", "1 may not stand here"),
}


@pytest.mark.parametrize("keyword", sorted(CASES))
def test_every_keyword_has_words(keyword: str) -> None:
    """In Chinese no English but what the schema or the value itself has."""
    schema, value, zh, en = CASES[keyword]
    error = first_misfit(schema, value)
    assert error is not None
    said = misfit_in_words(error)
    assert (error.kind.name, said.zh, said.en) == (keyword, zh, en)


def test_no_keyword_is_without_an_example() -> None:
    """`format` and `$ref` come up where a schema itself is read."""
    assert set(WORDS) == {*CASES, "format", "$ref"}


def test_several_forms_at_once_and_a_long_value() -> None:
    """Of a long value the beginning is told."""
    error = first_misfit({"oneOf": [{"type": "string"}, {"minLength": 2}]}, "长" * 100)
    assert error is not None
    said = misfit_in_words(error)
    assert re.fullmatch('"长{59}… 同时符合多种形式，只能符合一种', said.zh)
    assert said.en.endswith("… has more than one of the forms of which it may have one")


def test_what_has_no_words_is_told_by_its_keyword() -> None:
    """A keyword that this draft takes for a remark."""
    error = next(jsonschema_rs.Draft7Validator({"contentEncoding": "base64"}).iter_errors("!"))
    said = LocalizedText(zh='"!" 不符合 contentEncoding', en='"!" does not fit contentEncoding')
    assert misfit_in_words(error) == said


@pytest.mark.parametrize(
    ("schema", "path", "zh"),
    [
        ({"properties": {"size": {"minimum": "x"}}}, ".properties.size.minimum", '"x" 不是数字'),
        ({"prefixItems": [{"required": "a"}]}, ".prefixItems[0].required", '"a" 不是列表'),
        ({"pattern": "("}, ".pattern", '"(" 不符合格式 regex'),
        ({"$ref": "#/$defs/a"}, "", "引用无法解析：/$defs/a"),
        ({"const": "\ud800"}, "", "其中有不是 Unicode 的文本"),
    ],
)
def test_a_schema_that_is_none_says_where(schema: dict[str, Any], path: str, zh: str) -> None:
    """The keyword at fault by its path, and what is wrong with it in Chinese."""
    fault = fault_of_schema(schema)
    assert fault is not None and (fault[0], fault[1].zh) == (path, zh)


def test_fields_of_members_are_told_so() -> None:
    """The sentence around it and what is within are of one language."""
    document = make_document()
    document.fields.append(MemberField("size", "string", schema={"maxLength": 2}))
    refusal = check_fields(make_program(document), {"size": "XXL"})
    assert isinstance(refusal, Refusal) and refusal.pointer == "/fields/size"
    assert refusal.message_zh == 'size 不符合声明："XXL" 多于 2 个字符。'
    assert refusal.message == 'size does not fit its declaration: "XXL" has more characters than 2.'
