"""What is found in a condition is told by its line and column in the program's file, however it is written there."""

from __future__ import annotations

from typing import Final

import pytest

from jifen.analytics.proofs import CheckReport, FilePlace, check_program
from jifen.services.programs import parse_program_file
from jifen.services.publishing import report_on
from tests.unit.services.test_yaml_places import WRITTEN

_HEAD: Final = """name: {zh: 茶, en: Tea}
currency: CNY
time_zone: Asia/Shanghai
wallets:
  - {id: points, name: {zh: 积分, en: Points}}
catalog:
  channels: [app]
"""
_RULE: Final = """earning:
  - {id: first, wallet: points, fixed: 1}
  - id: base
    wallet: points
    fixed: 5
    when: """
#: Everything that conditions may belong to, each with one text that is in no catalog.
_EVERYWHERE: Final = """campaigns:
  - {id: plain, name: {zh: 春, en: Spring}}
  - {id: idle, name: {zh: 夏, en: Summer}, audience: 'member.channel == "campaign"'}
  - id: used
    name: {zh: 秋, en: Autumn}
    audience: >-
      member.orders > 1
      && member.channel == "used"
earning:
  - {id: first, wallet: points, fixed: 1}
  - id: second
    wallet: points
    campaign: used
    fixed: 2
    when: 'order.channel == "when"'
    lines: |
      line.quantity > 1 &&
        order.channel == "lines"
    audience: 'member.channel == "audience"'
  - {id: third, wallet: points, formula: 'order.channel == "formula" ? 1 : 2'}
tier_sets:
  - id: club
    name: {zh: 会员, en: Club}
    period: {kind: lifetime}
    tiers:
      - {id: silver, name: {zh: 银, en: Silver}, qualify: 'true', keep: 'true'}
      - {id: gold, name: {zh: 金, en: Gold}, qualify: 'total.orders > 1 && member.channel == "qualify"'}
rewards:
  - {id: cup, name: {zh: 杯, en: Cup}, kind: goods, prices: [{wallet: points, points: 9}]}
  - id: tea
    name: {zh: 茶, en: Tea}
    kind: goods
    for: 'member.channel == "reward"'
    prices:
      - {wallet: points, points: 9}
      - {wallet: points, points: 5, for: 'member.channel == "price"'}
"""


def _checked(text: str) -> CheckReport:
    document, file = parse_program_file(text)
    return check_program(document, locate=file.place_in)


def _place_of(text: str, part: str) -> tuple[int, int]:
    lines = text.replace("\r\n", "\n").split("\n")
    return next((number, line.index(part) + 1) for number, line in enumerate(lines, 1) if part in line)


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("written", [each for each in WRITTEN if each != "with a tag"])
def test_a_finding_points_into_the_file(written: str, ends: str) -> None:
    """In both languages and for programs that read it, in every way that YAML has to write a text."""
    condition = WRITTEN[written].replace("order.chanel", "order.channel").replace("app", "pap")
    text = (_HEAD + _RULE + condition).replace("\n", ends)
    found = next(each for each in _checked(text).findings if each.kind == "unknown_reference" and "pap" in each.message)
    line, column = _place_of(text, '\\"pap' if '\\"pap' in text else '"pap')
    assert found.place == FilePlace("$.earning[1].when", line, column)
    assert found.message_en.startswith(f"The when of base (line {line}, column {column} of the file) names ")
    assert found.message_zh.startswith(f"规则 base 的 when（文件第 {line} 行第 {column} 列）提到 ")


_PATHS: Final = {
    "campaign": "$.campaigns[1].audience",
    "used": "$.campaigns[2].audience",
    "when": "$.earning[1].when",
    "lines": "$.earning[1].lines",
    "audience": "$.earning[1].audience",
    "formula": "$.earning[2].formula",
    "qualify": "$.tier_sets[0].tiers[1].qualify",
    "reward": "$.rewards[1].for",
    "price": "$.rewards[1].prices[1].for",
}


@pytest.mark.parametrize("word", _PATHS)
def test_whatever_has_a_condition_is_found_in_the_file(word: str) -> None:
    """Rules, their campaigns, and all that stands beside rules."""
    text = _HEAD + _EVERYWHERE
    found = [each for each in _checked(text).findings if f"'{word}'" in each.message]
    assert [each.place for each in found] == [FilePlace(_PATHS[word], *_place_of(text, f'"{word}"'))]


def test_numbers_of_steps_have_their_place() -> None:
    """They are no conditions."""
    steps = "{rates: [{from_cents: 0, points: 1, per_cents: 100}, {from_cents: 500, points: 2, per_cents: 100}]}"
    text = f"{_HEAD}earning:\n  - {{id: base, wallet: points, steps: {steps}}}\n"
    (found,) = [each for each in _checked(text).findings if each.kind == "magnitude"]
    assert found.place == FilePlace("$.earning[0].steps.rates[1].from_cents", *_place_of(text, "500, points"))


def test_what_is_not_proven_points_into_the_file() -> None:
    """And so does the report that is kept with a draft, and one of a program without a file says where in the text."""
    text = f"{_HEAD}{_RULE}>\n      order.total_cents > 5 &&\n      order.store_id.matches('(?i)a')\n"
    document, file = parse_program_file(text)
    unproven = check_program(document, locate=file.place_in).not_proven[0]
    line, column = _place_of(text, "('(?i)")
    assert unproven.place == FilePlace("$.earning[1].when", line, column)
    assert f"when, line {line}, column {column} of the file: " in unproven.why_en
    assert f"when 文件第 {line} 行第 {column} 列：" in unproven.why_zh
    kept = report_on(text)["not_proven"][0]
    assert kept["place"] == {"path": "$.earning[1].when", "line": line, "column": column}
    without = check_program(document).not_proven[0]
    assert without.place == FilePlace("$.earning[1].when") and "when, line 1, column" in without.why_en
