"""What PyYAML says of a faulty text, in Chinese."""

from __future__ import annotations

import re
from typing import Final

#: By the whole of what is said in English; the groups are put in. Whatever else it says is rare in files that people
#: write, and told without details: the line is there.
_WORDS: Final = [
    (re.compile(pattern, re.DOTALL), words)
    for pattern, words in (
        (r"found character '\\t' that cannot start any token", "缩进用了制表符，请改用空格"),
        (r"found character (.+) that cannot start any token", "文字不能以 {0} 开头，请加引号"),
        (r"could not find expected ':'", "缺少冒号"),
        (r"sequence entries are not allowed here", "此处不能有列表项，请检查缩进"),
        (r"mapping keys are not allowed here", "此处不能有键，请检查缩进"),
        (r"mapping values are not allowed here", "此处不能再有冒号：请检查缩进，含冒号的文字请加引号"),
        (r"found unknown escape character (.+)", "双引号内不能写 \\ 加 {0}，请改用单引号"),
        (r"found unexpected end of stream", "引号没有闭合"),
        (r"found unexpected document separator", "引号没有闭合就遇到了文档分隔符"),
        (r"expected ',' or '(.)', but got .+", "缺少逗号或 {0}"),
        (r"expected <block end>, but found .+", "缩进与上文不一致"),
        (r"expected the node content, but found .+", "此处缺少内容"),
        (r"expected '<document start>', but found .+", "此处多出了内容"),
        (r"but found another document", "只能有一个文档，请去掉 ---"),
        (r"found undefined tag handle (.+)", "没有标签 {0}"),
        (r"could not determine a constructor for the tag (.+)", "没有标签 {0}"),
        (r"unacceptable character (#x[0-9a-f]+).*", "含有控制字符 {0}"),
    )
]


def in_chinese(problem: str) -> str:
    """The same fault in Chinese."""
    for pattern, words in _WORDS:
        if found := pattern.fullmatch(problem):
            return f"不是有效的 YAML（{words.format(*found.groups())}）"
    return "不是有效的 YAML"
