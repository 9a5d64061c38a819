"""Tier sets as they are written."""

from __future__ import annotations

import pytest

from jifen.core.program import InvalidProgram
from jifen.core.tiers.document import CalendarYear, Downgrade, Lifetime, RollingMonths
from jifen.services.programs import parse_program, read_program_text

SET = """
rewards:
  - {id: lounge, kind: virtual, name: {zh: 贵宾厅, en: Lounge}, prices: [{points: 10}], hidden: true}
tier_sets:
  - id: level
    name: {zh: 会员等级, en: Level}
    period: {kind: rolling_months, months: 12}
    downgrade: {policy: one_step, review: monthly, day: 31, grace_days: 30}
    tiers:
      - {id: regular, name: {zh: 普通, en: Regular}}
      - id: gold
        name: {zh: 金卡, en: Gold}
        qualify: |-
          period.spent_cents >= 500000 ||
            period.earned.points >= 5000
        keep: period.spent_cents >= 400000
        benefits:
          coefficient: 1.5
          birthday_coefficient: 2
          discount_percent: 5.5
          early_access_hours: 24
          badge: gold.svg
          title: {zh: 金卡贵宾, en: Gold guest}
          own_contact: wecom:li
          opened_rewards: [lounge]
"""


def test_a_set_is_read() -> None:
    """Every field, in the words of the reference."""
    document = parse_program(read_program_text("starter") + SET)
    (level,) = document.tier_sets
    assert level.period == RollingMonths(12)
    assert level.downgrade == Downgrade("one_step", "monthly", 31, 30)
    assert [tier.id for tier in document.tiers] == ["regular", "gold"]
    assert level.tiers[1].benefits.opened_rewards == ["lounge"]
    assert [rule.id for rule in document.rules][-2:] == ["tier:level:gold", "tier:level:gold:birthday"]


def test_periods_by_their_kind() -> None:
    """A calendar year and a lifetime say nothing more."""
    text = read_program_text("starter") + SET
    year = text.replace("kind: rolling_months, months: 12", "kind: calendar_year")
    assert parse_program(year).tier_sets[0].period == CalendarYear()
    lifetime = text.replace("kind: rolling_months, months: 12", "kind: lifetime")
    assert parse_program(lifetime).tier_sets[0].period == Lifetime()


def test_a_wrong_condition_is_shown_with_line_and_column() -> None:
    """Of the file, and with what may have been meant."""
    text = read_program_text("starter") + SET.replace("period.earned.points", "period.earned.pionts")
    with pytest.raises(InvalidProgram, match=r"qualify is wrong: .*did you mean") as caught:
        parse_program(text)
    details = caught.value.details
    assert details["path"] == "$.tier_sets[0].tiers[1].qualify"
    line = text.splitlines()[int(str(details["line"])) - 1]
    assert line[int(str(details["column"])) - 1 :].startswith("period.earned.pionts")
