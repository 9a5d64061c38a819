"""What is wrong with a condition is told by its line and column in the file, however the condition is written there."""

from __future__ import annotations

import pytest

from jifen.core.program import InvalidProgram
from jifen.services.programs import parse_program
from jifen.services.typed_yaml import YamlFile

_BEFORE = """name: {zh: 茶, en: Tea}
currency: CNY
time_zone: Asia/Shanghai
wallets:
  - {id: points, name: {zh: 积分, en: Points}}
earning:
  - id: base
    wallet: points
    fixed: 5
    when: """
#: Conditions as they may be written; each has one wrong name, `order.chanel`.
WRITTEN = {
    "plain": 'order.total_cents > 5 && order.chanel == "app"\n',
    "plain, in lines": 'order.total_cents > 5\n      && order.total_cents < 9\n\n      && order.chanel == "app"\n',
    "single quotes": "'order.store_id == \"it''s\" || order.chanel == \"app\"'\n",
    "single quotes, in lines": "'order.store_id == \"it''s\"\n\n      ||\n      order.chanel == \"app\"'\n",
    "double quotes": '"order.store_id == \\"\\u8336\\t\\x41\\" || order.chanel == \\"app\\""\n',
    "double quotes, in lines": (
        '"order.total_cents > 5\n      && order.total_ce\\\n      nts < 9 &&\\n order.chanel == \\"app\\""\n'
    ),
    "literal": '|\n      order.total_cents > 5\n        && order.chanel == "app"\n',
    "literal, with a comment": '|-  # the channel\n      order.total_cents > 5 &&\n\n      order.chanel == "app"\n',
    "folded": '>\n      order.total_cents > 5\n      && order.chanel == "app"\n',
    "folded, without the end": (
        '>-\n      order.total_cents > 5\n\n      && order.store_id == "茶" &&\n        order.chanel == "app"\n'
    ),
    "folded, indented by a number": '>2-\n      order.total_cents > 5 &&\n      order.chanel == "app"\n',
    "with a tag": '!!str "order.total_cents > 5 && order.chanel == 5"\n',
}


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("written", WRITTEN)
def test_the_place_is_that_in_the_file(written: str, ends: str) -> None:
    """Also where a line begins in the condition, and not in the file, or the other way round."""
    text = (_BEFORE + WRITTEN[written]).replace("\n", ends)
    line, column = _place_of(text, "order.chanel")
    with pytest.raises(InvalidProgram) as raised:
        parse_program(text, "tea.yaml")
    error = raised.value
    # The dot before the name that does not exist, or the name.
    assert error.details["line"] == line and error.details["column"] in (column, column + len("order"))
    place = f"line {line}, column {error.details['column']}"
    assert error.message.startswith(f"tea.yaml, {place}: $.earning[0].when is wrong: ")
    assert error.message_zh is not None and error.message_zh.startswith(f"tea.yaml 第 {line} 行第 ")
    assert "order.channel" in error.message


def _place_of(text: str, part: str) -> tuple[int, int]:
    lines = text.replace("\r\n", "\n").split("\n")
    return next((number, line.index(part) + 1) for number, line in enumerate(lines, 1) if part in line)


def test_a_fault_of_grammar_points_behind_what_is_there() -> None:
    """Where something is missing at the end, that is behind the last character, in the last line."""
    with pytest.raises(InvalidProgram) as raised:
        parse_program(_BEFORE + ">-\n      order.total_cents > 5\n      &&\n")
    assert (raised.value.details["line"], raised.value.details["column"]) == (12, 9)


def test_every_visible_character_has_its_own_place() -> None:
    """In each way of writing, also the last; and what is no text of the file has none."""
    for written in WRITTEN.values():
        file = YamlFile(_BEFORE + written)
        document = file.convert(dict)
        condition = document["earning"][0]["when"]
        places = []
        for number, line in enumerate(condition.split("\n"), 1):
            places += [
                file.place_in("$.earning[0].when", number, at) for at, each in enumerate(line, 1) if each.strip()
            ]
        assert None not in places and len(set(places)) == len(places) and places == sorted(places)  # type: ignore[type-var]
    assert file.place_in("$.earning[0].lines", 1, 1) is None
    assert file.place_in("$.earning", 1, 1) is None
