"""What does not fit a type is told in Chinese, whatever msgspec finds."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
import pytest

from jifen.services.misfits import misfit_in_chinese

Meta = msgspec.Meta


class One(msgspec.Struct, tag_field="kind", tag="one", forbid_unknown_fields=True):
    """One of two."""

    size: int


class Two(msgspec.Struct, tag_field="kind", tag="two"):
    """The other."""


CASES: list[tuple[Any, str, str]] = [
    (int, '"5"', "须为整数，这里是文本"),
    (int, "1.5", "须为整数，这里是小数"),
    (bool | int | str, "null", "须为真假值或整数或文本，这里是空值"),
    (list[int], "{}", "须为列表，这里是对象"),
    (Literal["month", "year"], '"week"', "'week' 不在可用的值之中"),
    (Annotated[str, Meta(min_length=1)], '""', "须为文本，至少 1 个字符"),
    (Annotated[str, Meta(max_length=2)], '"abc"', "须为文本，至多 2 个字符"),
    (Annotated[list[int], Meta(max_length=1)], "[1, 2]", "须为列表，至多 1 项"),
    (Annotated[int, Meta(ge=1)], "0", "须为整数，至少 1"),
    (Annotated[float, Meta(lt=5)], "5.0", "须为数字，小于 5.0"),
    (tuple[int, int], "[1]", "须为列表，正好 2 项"),
    (Annotated[str, Meta(pattern="^a+$")], '"b"', "须为文本，符合 ^a+$"),
    (datetime, '"soon"', "不是 RFC 3339 的时间，例如 2026-11-11T00:00:00+08:00"),
    (Annotated[datetime, Meta(tz=True)], '"2026-11-11T00:00:00"', "时间须带时区"),
    (date, '"2026"', "不是日期，例如 2026-11-11"),
    (Decimal, '"x"', "不是数字"),
    (float, "1e999", "数值超出范围"),
    (One | Two, '{"kind": "three"}', "'three' 不在可用的值之中"),
    (One | Two, '{"kind": "one"}', "缺少字段 size"),
    (One | Two, '{"kind": "one", "size": 1, "colour": 2}', "没有字段 colour"),
    (bytes, '"*"', "内容不符（Invalid base64 encoded string）"),
]


@pytest.mark.parametrize(("kind", "text", "said"), CASES)
def test_what_does_not_fit_is_told(kind: Any, text: str, said: str) -> None:
    """By the very messages of the version of msgspec that is installed."""
    with pytest.raises(msgspec.ValidationError) as raised:
        msgspec.json.decode(text.encode(), type=kind)
    assert misfit_in_chinese(re.sub(r" - at `.*`$", "", str(raised.value))) == said
