"""The program that the benchmarks run: a plain retail shop."""

from __future__ import annotations

import msgspec
import yaml

from jifen.core.program import Program, ProgramDocument

CURRENCY = "CNY"
WALLET = "points"

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


def first_version() -> Program:
    """The program as it is in a new database: version 1, its wallet with the number 1."""
    return Program(1, msgspec.convert(yaml.safe_load(TEXT), ProgramDocument), {WALLET: 1})
