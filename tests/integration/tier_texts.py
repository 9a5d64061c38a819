"""The starter program with tiers, as its author writes it."""

from __future__ import annotations

from jifen.services.programs import read_program_text


def program_text(silver_cents: int = 100_000, policy: str = "to_earned") -> str:
    """Regular, silver and gold by what was spent in a calendar year; plus for a fee."""
    return f"""{read_program_text("starter")}
rewards:
  - {{id: lounge, kind: virtual, name: {{zh: 贵宾厅, en: Lounge}}, prices: [{{points: 10}}], hidden: true}}
tier_sets:
  - id: level
    name: {{zh: 会员等级, en: Level}}
    period: {{kind: calendar_year}}
    downgrade: {{policy: {policy}}}
    tiers:
      - {{id: regular, name: {{zh: 普通会员, en: Regular}}}}
      - id: silver
        name: {{zh: 银卡, en: Silver}}
        qualify: period.spent_cents >= {silver_cents}
        benefits: {{coefficient: 1.2, opened_rewards: [lounge]}}
      - {{id: gold, name: {{zh: 金卡, en: Gold}}, qualify: "period.spent_cents >= 500000 && period.orders >= 2"}}
      - {{id: plus, name: {{zh: 付费会员, en: Plus}}, by: paid, valid_months: 12}}
"""
