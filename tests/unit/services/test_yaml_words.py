"""Whatever is wrong with a YAML file is told in Chinese as well."""

from __future__ import annotations

import re

import pytest

from jifen.services.typed_yaml import InvalidYaml, YamlFile
from jifen.services.yaml_words import in_chinese


@pytest.mark.parametrize(
    ("text", "line", "chinese"),
    [
        ("a: 1\n\tb: 2", 2, "缩进用了制表符，请改用空格"),
        ("a: @b", 1, "文字不能以 '@' 开头，请加引号"),
        ("a: 1\nb\nc: 2", 3, "缺少冒号"),
        ("a: - b", 1, "此处不能有列表项，请检查缩进"),
        ("a: ? b", 1, "此处不能有键，请检查缩进"),
        ("a: 8:00 b: c", 1, "此处不能再有冒号：请检查缩进，含冒号的文字请加引号"),
        ('a: "\\d"', 1, "双引号内不能写 \\ 加 'd'，请改用单引号"),
        ('a: "b', 1, "引号没有闭合"),
        ('a: "b\n---\n', 2, "引号没有闭合就遇到了文档分隔符"),
        ("a: {b: 1", 1, "缺少逗号或 }"),
        ("a: [1, 2", 1, "缺少逗号或 ]"),
        ("a:\n  - b\n c: 1", 3, "缩进与上文不一致"),
        ("a: [,]", 1, "此处缺少内容"),
        ("[a] b", 1, "此处多出了内容"),
        ("a: 1\n---\nb: 2", 2, "只能有一个文档，请去掉 ---"),
        ("a: !x!y z", 1, "没有标签 '!x!'"),
        ("a: !x z", 1, "没有标签 '!x'"),
        ("a: \x07", None, "含有控制字符 #x0007"),
    ],
)
def test_faults_people_make(text: str, line: int | None, chinese: str) -> None:
    """With the line, and what is to be done."""
    with pytest.raises(InvalidYaml) as refused:
        YamlFile(text)
    error = refused.value
    assert error.what_zh == f"不是有效的 YAML（{chinese}）"
    assert error.what
    assert not re.search("[一-鿿]", error.what)
    if line is not None:
        assert error.line is not None
        assert error.line - line in (0, 1)


def test_what_is_rare_is_told_without_details() -> None:
    """And never in English."""
    assert in_chinese("expected a digit or '.', but found 'x'") == "不是有效的 YAML"
