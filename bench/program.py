"""The program that the benchmarks run: a plain retail shop."""

from __future__ import annotations

import msgspec
import yaml

from jifen.core.program import Program, ProgramDocument

CURRENCY = "CNY"
WALLET = "points"
VOUCHER, APPROVED_REWARD, FLASH_REWARD = "voucher", "gift", "flash"

TEXT = f"""
name: {{zh: 基准测试, en: Benchmark}}
currency: {CURRENCY}
time_zone: Asia/Shanghai
wallets:
  - id: {WALLET}
    name: {{zh: 积分, en: Points}}
earning:
  - id: base
    wallet: {WALLET}
    ratio: {{points: 1, per_cents: 100}}
    rounding: floor
    expiry: {{policy: rolling, months: 12, until: month_end}}
"""

#: The same shop with rewards: a coupon that is given at once, one that somebody must approve, and few of a thing.
WITH_REWARDS = f"""{TEXT}
approvals:
  - id: clerk
    steps: [{{roles: [clerk], hours: 24}}]
rewards:
  - id: {VOUCHER}
    kind: coupon
    name: {{zh: 5 元券, en: 5 yuan off}}
    prices: [{{points: 100}}]
    coupon: {{face: fixed, cents: 500, valid_days: 30}}
    limits: [{{most: 5, period: day}}]
  - id: {APPROVED_REWARD}
    kind: coupon
    name: {{zh: 50 元券, en: 50 yuan off}}
    prices: [{{points: 1000}}]
    coupon: {{face: fixed, cents: 5000, valid_days: 30}}
    limits: [{{most: 5, period: day}}]
    approval: clerk
  - id: {FLASH_REWARD}
    kind: goods
    name: {{zh: 花瓶, en: Vase}}
    prices: [{{points: 1}}]
    stock: counted
    limits: [{{most: 1, period: lifetime}}]
"""
#: The same, where whoever wants the few must have solved a captcha.
WITH_CAPTCHA = f"{WITH_REWARDS}    captcha: easy\n"


def first_version() -> Program:
    """The program as it is in a new database: version 1, its wallet with the number 1."""
    return Program(1, msgspec.convert(yaml.safe_load(TEXT), ProgramDocument), {WALLET: 1})
