"""What the names that conditions read are called, in Chinese and English.

`docs/reference/rules.md` says what each of them holds; a test finds those that lack words.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from jifen.core.wording.values import Said


class Noun(NamedTuple):
    """What something is called, and of which kind its values are: `money` in minor units; `instant`, `year`, `month`,
    `weekday`, `day`, `hour` and `minute` of a clock; `number`, `truth`; `tier`, `reward`, `event` and `field:ID` are
    ids that the program has names for; `text` is any other text."""

    zh: str
    en: str
    kind: str = "text"


NOUNS: Final[dict[str, Noun]] = {
    "event.type": Noun("事件类型", "the type of event", "event"),
    "event.source": Noun("事件来源", "the source of the event"),
    "now": Noun("当时", "the time", "instant"),
    "now.year": Noun("当年", "this year", "year"),
    "now.month": Noun("当月", "this month", "month"),
    "now.day": Noun("当天日期", "the day of the month", "day"),
    "now.weekday": Noun("当天", "the weekday", "weekday"),
    "now.hour": Noun("当时", "the hour", "hour"),
    "now.minute": Noun("当时分钟", "the minute", "minute"),
    "order.total_cents": Noun("订单实付", "the total of the order", "money"),
    "order.quantity": Noun("订单件数", "the number of pieces in the order", "number"),
    "order.line_count": Noun("订单行数", "the number of lines in the order", "number"),
    "order.channel": Noun("订单渠道", "the channel of the order"),
    "order.store_id": Noun("订单门店", "the store of the order"),
    "order.currency": Noun("订单币种", "the currency of the order"),
    "line.line_id": Noun("行号", "the id of the line"),
    "line.sku": Noun("商品编码", "the SKU"),
    "line.name": Noun("商品名称", "the name of the product"),
    "line.category": Noun("类目", "the category"),
    "line.brand": Noun("品牌", "the brand"),
    "line.quantity": Noun("件数", "the number of pieces", "number"),
    "line.paid_cents": Noun("该行实付", "what is paid for the line", "money"),
    "member.tier": Noun("等级", "the tier", "tier"),
    "member.channel": Noun("注册渠道", "the channel of registration"),
    "member.registered_at": Noun("注册时间", "the time of registration", "instant"),
    "member.days_since_registration": Noun("注册天数", "the number of days since registration", "number"),
    "member.birthday_month": Noun("生日月份", "the month of the birthday", "month"),
    "member.birthday_day": Noun("生日日期", "the day of the birthday", "day"),
    "member.orders": Noun("订单数", "the number of orders", "number"),
    "member.spent_cents_month": Noun("当月消费", "the spending this month", "money"),
    "member.spent_cents_year": Noun("当年消费", "the spending this year", "money"),
    "member.spent_cents_total": Noun("累计消费", "the spending in all", "money"),
    "member.days_since_last_order": Noun("距上次订单的天数", "the number of days since the last order", "number"),
    "member.checkin_streak": Noun("连续签到天数", "the number of check-ins in a row", "number"),
    "period.spent_cents": Noun("定级周期内消费", "the spending in the period", "money"),
    "total.spent_cents": Noun("累计消费", "the spending in all", "money"),
    "period.orders": Noun("定级周期内订单数", "the number of orders in the period", "number"),
    "total.orders": Noun("累计订单数", "the number of orders in all", "number"),
    "redemption.points": Noun("兑换所用积分", "the number of points redeemed", "number"),
    "redemption.cash_cents": Noun("兑换所付现金", "the cash of the redemption", "money"),
    "redemption.reward": Noun("兑换品", "the reward", "reward"),
    "redemption.kind": Noun("兑换品种类", "the kind of reward"),
    "redemption.quantity": Noun("兑换件数", "the number of pieces redeemed", "number"),
    "event.data.channel": Noun("渠道", "the channel"),
    "event.data.content_id": Noun("内容编号", "the id of the content"),
    "event.data.platform": Noun("平台", "the platform"),
    "event.data.sku": Noun("商品编码", "the SKU"),
    "event.data.order_id": Noun("订单号", "the id of the order"),
    "event.data.rating": Noun("评分", "the rating", "number"),
    "event.data.length": Noun("字数", "the number of characters", "number"),
    "event.data.pictures": Noun("图片数", "the number of pictures", "number"),
    "event.data.survey_id": Noun("问卷编号", "the id of the survey"),
    "event.data.role": Noun("角色", "the role"),
    "event.data.other_member": Noun("对方会员", "the other member"),
}

#: Names that are counted, said with their number: Chinese; English of one, and of more.
MEASURES: Final[dict[str, tuple[str, str, str]]] = {
    "order.quantity": ("订单中{amount}件商品", "{amount} piece in the order", "{amount} pieces in the order"),
    "order.line_count": ("订单中{amount}行", "{amount} line in the order", "{amount} lines in the order"),
    "line.quantity": ("{amount}件", "{amount} piece", "{amount} pieces"),
    "member.orders": ("{amount}笔订单", "{amount} order", "{amount} orders"),
    "member.days_since_registration": (
        "注册{amount}天",
        "{amount} day since registration",
        "{amount} days since registration",
    ),
    "member.days_since_last_order": (
        "距上次订单{amount}天",
        "{amount} day since the last order",
        "{amount} days since the last order",
    ),
    "member.checkin_streak": ("连续签到{amount}天", "{amount} check-in in a row", "{amount} check-ins in a row"),
    "member.tags": ("{amount}个标签", "{amount} tag", "{amount} tags"),
    "member.segments": ("属于{amount}个分群", "{amount} segment", "{amount} segments"),
    "period.orders": ("定级周期内{amount}笔订单", "{amount} order in the period", "{amount} orders in the period"),
    "total.orders": ("累计{amount}笔订单", "{amount} order in all", "{amount} orders in all"),
    "redemption.quantity": ("兑换{amount}件", "{amount} piece redeemed", "{amount} pieces redeemed"),
    "event.data.length": ("{amount}字", "{amount} character", "{amount} characters"),
    "event.data.pictures": ("{amount}张图片", "{amount} picture", "{amount} pictures"),
}

#: What is said where a name of a truth is true, and where it is not.
TRUTHS: Final[dict[str, tuple[Said, Said]]] = {
    "member.is_birthday": (("当天是生日", "it is the birthday"), ("当天不是生日", "it is not the birthday")),
    "member.is_birthday_month": (
        ("当月是生日月", "it is the month of the birthday"),
        ("当月不是生日月", "it is not the month of the birthday"),
    ),
    "member.in_birthday_window": (
        ("在所选的生日期间内", "it is within the chosen birthday period"),
        ("不在所选的生日期间内", "it is not within the chosen birthday period"),
    ),
    "member.is_first_order": (
        ("此前没有订单", "there is no earlier order"),
        ("此前有过订单", "there is an earlier order"),
    ),
}


class ListWords(NamedTuple):
    """What is said of a list: that it has an element ({value}) or lacks it; that some, every or exactly one element
    meets a condition ({clause}); and what an element is called."""

    has: Said
    lacks: Said
    exists: Said
    all: Said
    exists_one: Said
    element: Noun


LISTS: Final[dict[str, ListWords]] = {
    "order.lines": ListWords(
        ("", ""),
        ("", ""),
        ("订单中有一行（{clause}）", "a line of the order fits ({clause})"),
        ("订单的每一行都符合（{clause}）", "every line of the order fits ({clause})"),
        ("订单中恰有一行（{clause}）", "exactly one line of the order fits ({clause})"),
        Noun("订单行", "the line"),
    ),
    "member.tags": ListWords(
        ("带有标签{value}", "the member has the tag {value}"),
        ("没有标签{value}", "the member does not have the tag {value}"),
        ("有一个标签符合（{clause}）", "a tag fits ({clause})"),
        ("每个标签都符合（{clause}）", "every tag fits ({clause})"),
        ("恰有一个标签符合（{clause}）", "exactly one tag fits ({clause})"),
        Noun("标签", "the tag"),
    ),
    "member.segments": ListWords(
        ("属于分群{value}", "the member is in the segment {value}"),
        ("不属于分群{value}", "the member is not in the segment {value}"),
        ("有一个分群符合（{clause}）", "a segment fits ({clause})"),
        ("每个分群都符合（{clause}）", "every segment fits ({clause})"),
        ("恰有一个分群符合（{clause}）", "exactly one segment fits ({clause})"),
        Noun("分群", "the segment"),
    ),
}
