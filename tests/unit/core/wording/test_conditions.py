"""Conditions in words, both languages."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.core.wording.conditions import condition_in_words, localized_condition
from tests.unit.core.conditions.expressions import Expressions
from tests.unit.core.conditions.shop import VOCABULARY
from tests.unit.core.wording.club import CLUB, compiled

TABLE = [
    (
        'member.orders >= 3 && member.tier != "regular"',
        "至少 3 笔订单，且等级不是普通会员",
        "at least 3 orders, and the tier is not Regular",
    ),
    ('member.tier == "gold" || member.tier in ["black"]', "等级是金卡或黑卡", "the tier is Gold or Black"),
    (
        '(member.tier == "gold" || "black" == member.tier) && (member.orders > 1 || member.is_birthday)',
        "等级是金卡或黑卡，且（超过 1 笔订单，或当天是生日）",
        "the tier is Gold or Black, and (more than 1 order, or it is the birthday)",
    ),
    ('!(member.tier in ["gold", "black"])', "等级不是金卡或黑卡", "the tier is not Gold or Black"),
    ('member.tier == ""', "等级为空", "the tier is empty"),
    ('member.tiers.level == "gold"', "「会员等级」中的等级是金卡", "the tier in “Level” is Gold"),
    (
        "order.total_cents >= 10000 && member.is_first_order",
        "订单实付至少 100.00 元，且此前没有订单",
        "the total of the order is at least CNY 100.00, and there is no earlier order",
    ),
    (
        "10000 < order.total_cents + 500",
        "订单实付 + 5.00 元超过 100.00 元",
        "the total of the order + CNY 5.00 is more than CNY 100.00",
    ),
    ("order.total_cents * 2 > 300", "订单实付 × 2 超过 3.00 元", "the total of the order × 2 is more than CNY 3.00"),
    (
        "line.paid_cents >= 1500 * line.quantity",
        "该行实付至少 15.00 元 × 件数",
        "what is paid for the line is at least CNY 15.00 × the number of pieces",
    ),
    (
        '(now - member.registered_at).getHours() > 1 || now < timestamp("2026-11-11T00:00:30Z")',
        '`(now - member.registered_at).getHours()` 超过 1，或当时早于 `timestamp("2026-11-11T00:00:30Z")`',
        "`(now - member.registered_at).getHours()` is more than 1, or the time is earlier than "
        '`timestamp("2026-11-11T00:00:30Z")`',
    ),
    ("member.fields.children == now.month", "「children」是当月", "“children” is this month"),
    ("order.total_cents / 100 >= 50", "`order.total_cents / 100` 至少 50", "`order.total_cents / 100` is at least 50"),
    ("member.orders % 10 == 9", "订单数 ÷ 10 的余数等于 9", "the remainder of the number of orders ÷ 10 is 9"),
    ("member.orders > 0", "至少 1 笔订单", "at least 1 order"),
    ("!(member.checkin_streak < 7)", "连续签到至少 7 天", "at least 7 check-ins in a row"),
    ("member.days_since_last_order >= 0", "此前有过订单", "there is an earlier order"),
    ("member.days_since_last_order == -1", "此前没有订单", "there is no earlier order"),
    ("member.days_since_last_order > 180", "距上次订单超过 180 天", "more than 180 days since the last order"),
    (
        '"vip" in member.tags && !("big" in member.segments)',
        "带有标签「vip」，且不属于分群「big」",
        "the member has the tag “vip”, and the member is not in the segment “big”",
    ),
    (
        "now.weekday in [6, 7] || now.month == 11",
        "当天是周六或周日，或当月是 11 月",
        "the weekday is Saturday or Sunday, or this month is November",
    ),
    (
        "now.hour >= 18 && (now.day == 1 || member.is_birthday)",
        "当时不早于 18 点，且（当天日期是 1 日，或当天是生日）",
        "the hour is 18:00 or later, and (the day of the month is 1, or it is the birthday)",
    ),
    (
        'now < timestamp("2026-11-11T00:00:00+08:00")',
        "当时早于 2026年11月11日 00:00",
        "the time is earlier than 2026-11-11 00:00",
    ),
    (
        'now - member.registered_at >= duration("24h30m")',
        "当时 - 注册时间至少 24 小时 30 分钟",
        "the time - the time of registration is at least 24 hours 30 minutes",
    ),
    (
        'member.registered_at.getFullYear("Asia/Shanghai") == 2025',
        "注册时间的年份是 2025 年",
        "the year of the time of registration is 2025",
    ),
    (
        "member.registered_at.getFullYear() == 2025",
        "注册时间的年份（UTC）是 2025 年",
        "the year of the time of registration (UTC) is 2025",
    ),
    (
        'order.lines.exists(each, each.category == "cup" && each.quantity >= 4)',
        "订单中有一行（类目是「cup」，且至少 4 件）",
        "a line of the order fits (the category is “cup”, and at least 4 pieces)",
    ),
    (
        "!order.lines.all(each, each.paid_cents > 100)",
        "并非（订单的每一行都符合（该行实付超过 1.00 元））",
        "not (every line of the order fits (what is paid for the line is more than CNY 1.00))",
    ),
    (
        'member.tags.exists_one(each, each.startsWith("vip"))',
        "恰有一个标签符合（标签以「vip」开头）",
        "exactly one tag fits (the tag starts with “vip”)",
    ),
    (
        "size(member.tags) >= 2 && order.lines.size() == 1",
        "至少 2 个标签，且订单中正好 1 行",
        "at least 2 tags, and exactly 1 line in the order",
    ),
    (
        "order.lines.exists(a, order.lines.exists(b, a.sku != b.sku))",
        "条件 `order.lines.exists(a, order.lines.exists(b, a.sku != b.sku))` 成立",
        "the condition `order.lines.exists(a, order.lines.exists(b, a.sku != b.sku))` holds",
    ),
    (
        'line.category != "tea" && !line.sku.contains("X")',
        "类目不是「tea」，且商品编码不含「X」",
        "the category is not “tea”, and the SKU does not contain “X”",
    ),
    (
        'member.fields.`fav-tea` in ["oolong", "green"] && member.fields.company',
        "「最爱的茶」是乌龙或「green」，且「企业客户」为「是」",
        "“Favourite tea” is Oolong or “green”, and “Company” is “yes”",
    ),
    (
        "member.fields.company == false && member.fields.children != 0",
        "「企业客户」为「否」，且「children」不等于 0",
        "“Company” is “no”, and “children” is not 0",
    ),
    (
        "balance.points >= 1000 || period.earned.points > 6000",
        "可用的积分至少 1,000，或定级周期内获得的积分超过 6,000",
        "the balance of Points is at least 1,000, or the number of Points earned in the period is more than 6,000",
    ),
    (
        "event.data.nights >= 2 && event.data.length > 3 && event.data.paid_cents >= 5000 && event.data.late",
        "「nights」至少 2，且「length」超过 3，且「paid_cents」至少 50.00 元，且「late」为「是」",
        "“nights” is at least 2, and “length” is more than 3, and “paid_cents” is at least CNY 50.00, "
        "and “late” is “yes”",
    ),
    ('event.type == "stay.ended"', "事件类型是退房", "the type of event is Stay"),
    (
        "event.data.pictures >= 1 && event.data.rating == 5",
        "至少 1 张图片，且评分等于 5",
        "at least 1 picture, and the rating is 5",
    ),
    (
        'redemption.reward == "spa" && redemption.cash_cents > 0',
        "兑换品是水疗，且兑换所付现金超过 0.00 元",
        "the reward is Spa, and the cash of the redemption is more than CNY 0.00",
    ),
    (
        "order.total_cents >= (member.is_birthday ? 5000 : 10000)",
        "订单实付至少（（当天是生日）时 50.00 元，否则 100.00 元）",
        "the total of the order is at least (CNY 50.00 if (it is the birthday), else CNY 100.00)",
    ),
    (
        "member.is_birthday ? member.orders > 1 : true",
        "（当天是生日）时超过 1 笔订单，否则始终成立",
        "more than 1 order if (it is the birthday), else this always holds",
    ),
    ("member.birthday_month == now.month", "生日月份是当月", "the month of the birthday is this month"),
    ("now.getMonth() == 0", "`now.getMonth()` 等于 0", "`now.getMonth()` is 0"),
    (
        "member.is_birthday == member.fields.company",
        "条件 `member.is_birthday == member.fields.company` 成立",
        "the condition `member.is_birthday == member.fields.company` holds",
    ),
]


@pytest.mark.parametrize(("source", "zh", "en"), TABLE, ids=[source for source, _, _ in TABLE])
def test_a_condition_reads_well(source: str, zh: str, en: str) -> None:
    """By the program's names, in its currency and time zone."""
    said = localized_condition(CLUB, compiled(source))
    assert (said.zh, said.en) == (zh, en)


@given(st.randoms(use_true_random=False))
def test_every_condition_can_be_said(random: Random) -> None:
    """Whatever type-checks; also over names that there are no words for."""
    condition = VOCABULARY.compile(Expressions(random).truth(4, {}))
    for said in (condition_in_words(CLUB, condition, "zh"), condition_in_words(CLUB, condition, "en")):
        assert said and said.count("（") == said.count("）") and "{" not in said
