"""What changed between two programs, in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import msgspec
import pytest

from jifen.core.program import EarningRule, ProgramDocument, Ratio
from jifen.core.rules.document import Cap
from jifen.services.program_changes import LISTS, changes_between, in_words
from jifen.services.program_words import FIELDS, ProgramWords
from jifen.services.programs import parse_program
from tests.model.programs import make_document


def test_equal_programs_differ_in_nothing() -> None:
    """Nor do programs whose rules stand in another order."""
    rules = [EarningRule("a", "points", Ratio(1, 100)), EarningRule("b", "points", fixed=5)]
    document = msgspec.structs.replace(make_document(), earning=rules)
    assert changes_between(document, document) == []
    assert changes_between(document, msgspec.structs.replace(document, earning=rules[::-1])) == []


def test_every_kind_of_change_is_told() -> None:
    """New, gone, set, taken away and changed, each in both languages and with its path."""
    before = msgspec.structs.replace(
        make_document(),
        earning=[
            EarningRule("a", "points", Ratio(1, 100), when="order.total_cents > 5"),
            EarningRule("b", "points", fixed=5),
        ],
    )
    after = msgspec.structs.replace(
        before,
        earning=[
            EarningRule("a", "points", Ratio(2, 100), caps=[Cap("count", 1)]),
            EarningRule("c", "points", fixed=7),
        ],
        coefficients="best",
    )
    changes = changes_between(before, after)
    assert in_words(changes, lambda zh, _: zh) == [
        "删除规则 b：触发事件 order.completed，积分账户 points，固定积分 5",
        "新增规则 c：触发事件 order.completed，积分账户 points，固定积分 7",
        "规则 a：上限设为 每位会员终身最多 1 次",
        "规则 a：比例由 每 1.00 元得 1 积分 改为 每 1.00 元得 2 积分",
        "规则 a：取消条件（原为 订单实付超过 0.05 元（order.total_cents > 5））",
        "积分计划：系数合并方式由 相乘（默认） 改为 取最高",
    ]
    assert [change.path for change in changes][2] == "$.earning[id=a].caps"
    assert in_words(changes, lambda _, en: en)[:2] == [
        "The rule b is gone: event order.completed, wallet points, fixed points 5",
        "The rule c is new: event order.completed, wallet points, fixed points 7",
    ]


PROGRAM = """
name: {zh: 店, en: Shop}
currency: CNY
time_zone: Asia/Shanghai
wallets:
  - {id: points, name: {zh: 积分, en: Points}, value: {points: 100, cents: 100}}
earning:
  - id: base
    name: {zh: 消费积分, en: Purchase points}
    wallet: points
    steps: {rates: [{from_cents: 0, points: 1, per_cents: 100}, {from_cents: 50000, points: 2, per_cents: 100}]}
    window: {weekdays: [mon, tue], hours: ["09:00-21:00"]}
    expiry: {policy: rolling, months: 12}
    caps: [{limit: points, most: 500, period: month}, {limit: count, most: 1, per: program, period: day}]
events:
  - type: lesson.completed
    name: {zh: 上完一课, en: a lesson}
    schema: {type: object, properties: {minutes: {type: integer, maximum: 600}}}
catalog: {categories: [tea, cup]}
tier_sets:
  - id: level
    name: {zh: 等级, en: Level}
    tiers:
      - {id: plain, name: {zh: 普卡, en: Plain}}
      - {id: gold, name: {zh: 金卡, en: Gold}, qualify: total.orders >= 10, benefits: {coefficient: 1.5}}
rewards:
  - {id: mug, name: {zh: 马克杯, en: Mug}, kind: goods, prices: [{points: 100}, {points: 50, cash_cents: 990}]}
"""


@pytest.mark.parametrize(
    ("good", "bad", "zh", "en"),
    [
        (
            "from_cents: 50000",
            "from_cents: 80000",
            [
                "规则 base「消费积分」：阶梯的各档去掉 500.00 元起每 1.00 元得 2 积分",
                "规则 base「消费积分」：阶梯的各档增加 800.00 元起每 1.00 元得 2 积分",
            ],
            "Of the rule base (“Purchase points”) the rates of the steps gained from CNY 800.00 2 points per CNY 1.00",
        ),
        (
            "weekdays: [mon, tue]",
            "weekdays: [mon, sun]",
            ["规则 base「消费积分」：时间窗口的星期去掉 周二", "规则 base「消费积分」：时间窗口的星期增加 周日"],
            "Of the rule base (“Purchase points”) the weekdays of the window gained Sunday",
        ),
        (
            "months: 12",
            "months: 24",
            ["规则 base「消费积分」：有效期的月数由 12 改为 24"],
            "Of the rule base (“Purchase points”) the months of the expiry changed from 12 to 24",
        ),
        (
            "{policy: rolling, months: 12}",
            "{policy: yearly, month: 12, day: 31}",
            ["规则 base「消费积分」：有效期由 方式 滚动，月数 12，截至 当天 改为 方式 每年，月 12，日 31，顺延年数 0"],
            None,
        ),
        (
            "most: 500",
            "most: 800",
            [
                "规则 base「消费积分」：上限去掉 每位会员每月最多 500 积分",
                "规则 base「消费积分」：上限增加 每位会员每月最多 800 积分",
            ],
            "Of the rule base (“Purchase points”) the caps gained at most 800 points for each member per month",
        ),
        (
            "zh: 消费积分",
            "zh: 购物积分",
            ["规则 base「购物积分」：名称由 「消费积分」 改为 「购物积分」"],
            None,
        ),
        (
            "maximum: 600",
            "maximum: 900",
            ["事件类型 lesson.completed「上完一课」：数据格式 properties minutes maximum由 600 改为 900"],
            "Of the type of event lesson.completed (“a lesson”) the schema properties minutes maximum changed from "
            "600 to "
            "900",
        ),
        ("[tea, cup]", "[tea, pot]", ["积分计划：目录的类目去掉 cup", "积分计划：目录的类目增加 pot"], None),
        (
            "coefficient: 1.5",
            "coefficient: 2",
            ["等级体系 level「等级」的等级 gold「金卡」：权益的系数由 1.5 改为 2"],
            "Of the tier gold (“Gold”) of the tier set level (“Level”) the coefficient of the benefits changed from "
            "1.5 to "
            "2",
        ),
        (
            "cash_cents: 990",
            "cash_cents: 1990",
            [
                "兑换品 mug「马克杯」：价格去掉 积分 50，现金 9.90 元",
                "兑换品 mug「马克杯」：价格增加 积分 50，现金 19.90 元",
            ],
            "Of the reward mug (“Mug”) the prices gained points 50, cash CNY 19.90",
        ),
        (
            "- {id: mug",
            "- {id: cup",
            [
                "删除兑换品 mug「马克杯」：种类 实物，价格 积分 100；积分 50，现金 9.90 元",
                "新增兑换品 cup「马克杯」：种类 实物，价格 积分 100；积分 50，现金 9.90 元",
            ],
            "The reward cup (“Mug”) is new: kind goods, prices points 100; points 50, cash CNY 9.90",
        ),
    ],
)
def test_structures_are_told_part_by_part(good: str, bad: str, zh: list[str], en: str | None) -> None:
    """With the names of things, whole, and without a brace."""
    assert good in PROGRAM
    changes = changes_between(parse_program(PROGRAM), parse_program(PROGRAM.replace(good, bad, 1)))
    assert in_words(changes, lambda zh, _: zh) == zh
    told = in_words(changes, lambda _, en: en)
    assert en is None or told[-1] == en
    assert not re.search(r"[{}\[\]…]", " ".join([*zh, *told]))


@pytest.mark.parametrize(
    ("good", "bad", "zh", "en"),
    [
        (
            "catalog:",
            "holds: {minutes: 60}\ncatalog:",
            "积分计划：预占政策的分钟数由 30（默认） 改为 60",
            "Of the program the minutes of the hold policy changed from 30 (the default) to 60",
        ),
        # What is said, and is the default: nothing changed.
        ("catalog:", "holds: {minutes: 30}\nreturns: {expired_lots: expire}\ncatalog:", None, None),
        (
            "kind: goods",
            "kind: goods, hidden: true, stock: counted, for: member.orders > 0",
            "兑换品 mug「马克杯」：库存由 不限（默认） 改为 计数",
            "Of the reward mug (“Mug”) the stock changed from unlimited (the default) to counted",
        ),
        (
            "benefits: {coefficient: 1.5}",
            "benefits: {coefficient: 1.5, early_access_hours: 24}",
            "等级体系 level「等级」的等级 gold「金卡」：权益的提前小时数由 0（默认） 改为 24",
            "Of the tier gold (“Gold”) of the tier set level (“Level”) the hours of early access of the benefits "
            "changed from 0 "
            "(the default) to 24",
        ),
        (
            "    tiers:\n",
            "    period: {kind: rolling_months, months: 12}\n    tiers:\n",
            "等级体系 level「等级」：定级周期由 种类 终身（默认） 改为 种类 滚动月数，月数 12",
            "Of the tier set level (“Level”) the period changed from kind lifetime (the default) to kind rolling "
            "months, months 12",
        ),
        (
            "    expiry: {policy: rolling, months: 12}\n",
            "",
            "规则 base「消费积分」：有效期由 方式 滚动，月数 12，截至 当天 改为 方式 永不（默认）",
            "Of the rule base (“Purchase points”) the expiry changed from policy rolling, months 12, until the day to "
            "policy never (the default)",
        ),
        # What has no default had none.
        (
            "events:\n",
            "gifts: {wallets: [points]}\nevents:\n",
            "积分计划：转赠设为 积分账户 points",
            "Of the program the gifts is now wallets points (it had none)",
        ),
    ],
)
def test_a_default_is_called_one_wherever_it_stands(good: str, bad: str, zh: str | None, en: str | None) -> None:
    """Also within policies, tiers and rewards, and in both directions."""
    assert good in PROGRAM
    before, after = parse_program(PROGRAM), parse_program(PROGRAM.replace(good, bad, 1))
    changes = changes_between(before, after)
    if zh is None or en is None:
        assert changes == []
        return
    assert zh in in_words(changes, lambda zh, _: zh)
    assert en in in_words(changes, lambda _, en: en)
    assert not any("had none" in each.en and "default" in each.en for each in changes)
    assert len(changes_between(after, before)) == len(changes)


def test_every_word_of_a_file_has_words() -> None:
    """What a field can be one of is never shown as the file writes it, but for types and what caps limit."""
    told = ProgramWords("CNY", dict)
    bare = {
        (field, value) for field, value in choices_of(ProgramDocument, set()) if told.value(field, value)[0] == value
    }
    assert {field for field, _ in bare} == {"limit", "type"}


def choices_of(kind: Any, seen: set[type], field: str = "") -> Iterator[tuple[str, str]]:
    """The fields that are one of several words, with each of these."""
    if get_origin(kind) is Literal:
        yield from ((field, value) for value in get_args(kind))
        return
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind not in seen:
        seen.add(kind)
        for each in msgspec.structs.fields(kind):
            yield from choices_of(each.type, seen, each.encode_name)
    for part in get_args(kind):
        yield from choices_of(part, seen, field)


def test_every_field_has_words() -> None:
    """Of everything that a program file can say."""
    seen: set[type] = set()

    def fields_of(kind: Any) -> Iterator[str]:
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind not in seen:
            seen.add(kind)
            for field in msgspec.structs.fields(kind):
                yield field.encode_name
                yield from fields_of(field.type)
        for part in get_args(kind):
            yield from fields_of(part)

    unnamed = {"id", "zh", "en", "code"}
    assert set(fields_of(ProgramDocument)) - FIELDS.keys() - LISTS.keys() - unnamed == set()


def test_nothing_is_cut() -> None:
    """A condition is shown from its beginning to its end."""
    condition = " || ".join(f"order.total_cents == {number}" for number in range(25))
    before = msgspec.structs.replace(make_document(), earning=[EarningRule("a", "points", fixed=5)])
    after = msgspec.structs.replace(before, earning=[EarningRule("a", "points", fixed=5, when=condition)])
    (change,) = changes_between(before, after)
    assert change.zh.endswith(f"（{condition}）")


def test_amounts_are_in_the_currency_of_their_own_program() -> None:
    """Where that changes, what was is told in the old one."""
    rule = EarningRule("a", "points", Ratio(1, 100), when="order.total_cents > 500")
    before = msgspec.structs.replace(make_document(), earning=[rule])
    dearer = msgspec.structs.replace(rule, ratio=Ratio(1, 200), when="order.total_cents > 700")
    after = msgspec.structs.replace(before, currency="USD", earning=[dearer])
    said = in_words(changes_between(before, after), lambda _, en: en)
    assert "Of the rule a the ratio changed from 1 point per CNY 1.00 to 1 point per USD 2.00" in said
    assert any("CNY 5.00" in each and "USD 7.00" in each for each in said)
