"""Every kind of transaction in words: what a shop clerk and a member read (`services/explanations`)."""

from __future__ import annotations

import msgspec
import pytest

from jifen.core.commands import CorrectOrder, RecordEvent, RecordOrder
from jifen.core.ledger.values import Kind
from jifen.core.orders import Order, OrderCorrection, OrderLine
from jifen.core.program import RefundPolicy
from jifen.core.trace import decode_trace
from jifen.services.explanations.explanation import Explanation, explain
from jifen.services.explanations.told import Told
from jifen.services.programs import parse_program
from tests.model.programs import make_document_of_many_terms, make_program
from tests.unit.core.shop import ALICE, BOB, Shop
from tests.unit.services.explanations.scenes import ELEVEN, PROGRAM, document, shop, told, told_at

TEA = OrderLine("1", 2, 118_050, name="龙井 250g", category="tea")


def buy(here: Shop, *lines: OrderLine, order_id: str = "1001") -> Told:
    """An order of Alice, as it is told."""
    outcome = here.do(RecordOrder(ALICE, Order(order_id, "CNY", list(lines))))
    earned = told(here, outcome)
    here.shell.orders[order_id] = (ALICE, earned.sequence)
    return earned


def outcomes(explanation: Explanation) -> dict[str, str]:
    """What became of each rule."""
    return {each.rule: each.outcome for each in explanation.rules}


def test_a_member_reads_what_an_order_gave_and_why() -> None:
    """The multiplied base with its campaign, what a cap cut, when points can be used and until when."""
    explained = explain(buy(shop(), TEA, OrderLine("2", 1, 50_000)), "zh", "member")
    assert explained.title == "获得 3,100 积分、168 成长值"
    assert explained.lines == [
        "您于 2026年11月11日 10:00 消费 1,680.50 元（订单 1001）。",
        "「消费积分」：按实付 1,680.50 元得 3,000 积分。",
        "您在「双十一」活动获得双倍积分。",
        "您因「茶叶 1.5 倍」获得 1.5 倍积分（限指定商品）。",
        "以上倍数相乘。",
        "「消费积分」每位会员每月最多 3,000 积分，本次少得 1,541 积分。",
        "「首单礼」：得 100 积分。",
        "消费奖励：按实付 1,680.50 元得 168 成长值。",
        "3,000 积分立即可用，有效期至 2027年11月30日（含当日）。",
        "100 积分立即可用，永久有效。",
        "168 成长值将于 2026年11月18日 10:00 生效，永久有效。",
        "此次变动后：可用 3,100 积分、待生效 168 成长值。",
    ]
    assert [each.rule for each in explained.rules] == ["base", "double", "tea", "first-gift", "growth"]
    assert explained.is_reproduced is None


def test_a_member_reads_the_same_in_english() -> None:
    """Sentence by sentence."""
    explained = explain(buy(shop(), TEA), "en", "member")
    assert explained.title == "3,100 Points, 118 Growth earned"
    assert "In the campaign “Double Eleven” you got double Points." in explained.lines
    assert "“Tea 1.5 times” gave you 1.5 times the Points on selected goods." in explained.lines
    assert "118 Growth can be spent from 2026-11-18 10:00 on and never expire." in explained.lines


def test_an_operator_reads_of_every_rule_and_why_not() -> None:
    """Rated again on what was kept, which comes to what was booked."""
    explained = explain(buy(shop(), TEA, OrderLine("2", 1, 50_000)), "zh", "operator")
    assert explained.is_reproduced is True
    assert "用保存的事实重新计算，结果与入账一致。" in explained.lines
    assert "规则所见的会员情况：此前没有订单。" in explained.lines
    words = {each.rule: each.words for each in explained.rules}
    assert words == {
        "base": "符合：实付 1,680.50 元，每 1.00 元得 1 积分，倍数「双十一双倍」×2、「茶叶 1.5 倍」×1.5 相乘，"
        "得 3,000 积分；超出上限的 1,541 积分不计（每位会员每月最多 3,000 积分）。",
        "first-gift": "符合：每次 100 积分，得 100 积分。",
        "growth": "符合：实付 1,680.50 元，每 10.00 元得 1 成长值，得 168 成长值。",
        "double": "符合：相应积分乘以 2。",
        "tea": "符合：相应积分乘以 1.5。",
        "any-gift": "符合，但同组「gifts」只取最高的一条：「首单礼」。",
        "gold-gift": "会员不在适用范围内，需要满足：等级是「gold」。",
        "night": "不在有效时间内（每周五、周六；22:00-02:00）。",
    }


def test_what_does_not_match_says_so() -> None:
    """A line that is missing, a condition, nothing to multiply, less than one point, a cap that is used up."""
    here = shop()
    buy(here, OrderLine("1", 1, 10_000_000))
    explained = explain(buy(here, OrderLine("1", 1, 50), order_id="2"), "zh", "operator")
    assert outcomes(explained) == {
        "base": "capped",
        "growth": "zero",
        "double": "multiplied",
        "any-gift": "condition",
        "first-gift": "condition",
        "gold-gift": "audience",
        "night": "outside_window",
        "tea": "no_line",
    }
    words = {each.rule: each.words for each in explained.rules}
    assert words["tea"] == "没有符合的商品行：类目是「tea」。"
    assert words["first-gift"] == "不符合条件：此前没有订单。"
    assert words["growth"].endswith("不足 1 分，不计。")
    assert "已达上限，1 积分全部不计（每位会员每月最多 3,000 积分）" in words["base"]
    assert any(
        line.startswith("计算前上限已用：「消费积分」 每位会员每月最多 3,000 积分，已用 3,000")
        for line in explained.lines
    )
    assert any("此前订单 1 笔、本月已消费 100,000.00 元" in line for line in explained.lines)


def test_a_rule_that_failed_is_named() -> None:
    """It gave nothing; the operator learns why, the member just that nothing was earned."""
    here = shop()
    here.do(RecordEvent(ALICE, "member.checked_in", {}))
    event = told(here, here.do(RecordEvent(ALICE, "content.shared", {"content_id": "1", "platform": "wechat"})))
    explained = explain(event, "zh", "operator")
    (failed,) = explained.failed
    assert failed.rule == "share"
    assert failed.words == "无法计算，不给积分：公式 '10 / (member.checkin_streak - 1)' 中除数为零。"
    assert outcomes(explained) == {"share": "failed"}
    member = explain(event, "zh", "member")
    assert (member.title, member.failed, member.rules) == ("本次没有获得积分", [], [])
    assert member.lines[0] == "您于 2026年11月11日 10:00 分享了内容。"


def test_the_part_of_a_rule_that_failed_is_named() -> None:
    """Its audience, also that of its campaign, line filter, condition or formula; a formula may give too little."""
    rules = """campaigns:
  - id: spring
    name: {zh: 春季, en: Spring}
    audience: 2 / member.orders > 1
earning:
  - {id: a, wallet: points, fixed: 1, audience: 1 / member.orders > 1}
  - {id: b, wallet: points, fixed: 1, campaign: spring}
  - {id: c, wallet: points, fixed: 1, lines: 1 / (line.quantity - 1) > 1}
  - {id: d, wallet: points, fixed: 1, when: 3 / member.orders > 1}
  - {id: e, wallet: points, formula: 4 / member.orders}
  - {id: f, wallet: points, formula: 0 - 1234}
"""
    text = PROGRAM[: PROGRAM.index("campaigns:")] + rules
    event = buy(Shop(parse_program(text), ELEVEN), OrderLine("1", 1, 100))
    assert [each.words for each in explain(event, "zh", "operator").failed] == [
        "无法计算，不给积分：人群条件 '1 / member.orders > 1' 中除数为零。",
        "无法计算，不给积分：人群条件 '2 / member.orders > 1' 中除数为零。",
        "无法计算，不给积分：商品行条件 '1 / (line.quantity - 1) > 1' 中除数为零。",
        "无法计算，不给积分：条件 '3 / member.orders > 1' 中除数为零。",
        "无法计算，不给积分：公式 '4 / member.orders' 中除数为零。",
        "无法计算，不给积分：公式得出 -1,234；一次奖励须为 0 至 1,000,000,000,000,000 积分。",
    ]
    start = "Could not be worked out and gives nothing: "
    assert [each.words.removeprefix(start) for each in explain(event, "en", "operator").failed] == [
        "a number in the audience '1 / member.orders > 1' is divided by zero.",
        "a number in the audience '2 / member.orders > 1' is divided by zero.",
        "a number in the line filter '1 / (line.quantity - 1) > 1' is divided by zero.",
        "a number in the condition '3 / member.orders > 1' is divided by zero.",
        "a number in the formula '4 / member.orders' is divided by zero.",
        "the formula gives -1,234; an award has 0 to 1,000,000,000,000,000 points.",
    ]


def test_events_beyond_orders_have_words() -> None:
    """Also those for which there is no rule."""
    here = shop()
    checked_in = told(here, here.do(RecordEvent(ALICE, "member.checked_in", {})))
    assert explain(checked_in, "en", "member").lines[:2] == [
        "On 2026-11-11 10:00 you checked in.",
        "“Check-in”: 2 Points.",
    ]
    again = explain(told(here, here.do(RecordEvent(ALICE, "member.checked_in", {}))), "zh", "member")
    assert again.lines[1] == "「签到」每位会员每天最多 1 次，本次少得 2 积分。"
    other = told(here, here.do(RecordEvent(ALICE, "app.installed", {"platform": "ios"})))
    explained = explain(other, "zh", "operator")
    assert "没有规则针对这类事件。" in explained.lines
    assert (explained.rules, explained.is_reproduced) == ([], True)


@pytest.mark.parametrize(
    ("name", "zh", "en"),
    [
        ("    name: {zh: 上完一课, en: a lesson}\n", "完成「上完一课」", "you completed “a lesson”"),
        # The type is a word of machines.
        ("", "参加了一次活动", "you took part in an activity"),
    ],
)
def test_a_declared_event_is_told_by_its_name(name: str, zh: str, en: str) -> None:
    """Members never read the type; operators read both."""
    declared = f"events:\n  - type: lesson.completed\n{name}earning:"
    here = Shop(document(**{"earning:": declared, "event: content.shared": "event: lesson.completed"}), ELEVEN)
    lesson = told(here, here.do(RecordEvent(ALICE, "lesson.completed", {})))
    lines = [explain(lesson, "zh", "member").lines, explain(lesson, "en", "member").lines]
    assert zh in lines[0][0] and en in lines[1][0]
    assert "lesson.completed" not in str(lines)
    operator = explain(lesson, "zh", "operator").lines[0]
    assert "lesson.completed" in operator and ("「上完一课」" in operator) == bool(name)


def test_a_trace_that_does_not_fit_is_said_to() -> None:
    """Whoever changed a version behind our back is found out: the words do not paper over it."""
    earned = buy(shop(), TEA)
    other = make_program(
        document(**{"points: 1, per_cents: 100}": "points: 2, per_cents: 100}", "most: 3000": "most: 9000"})
    )
    explained = explain(msgspec.structs.replace(earned, program=other), "zh", "operator")
    assert explained.is_reproduced is False
    assert any(line.startswith("注意：") and "入账 3,100 积分" in line and "重算" in line for line in explained.lines)


# --- taking back ---


def test_a_refund_says_what_was_returned_kept_and_owed() -> None:
    """Of the lots of origin first; what was spent is owed."""
    here = shop()
    buy(here, TEA, OrderLine("2", 1, 50_000))
    part = told(here, here.refund("1001", (1, 1)))
    explained = explain(part, "zh", "member")
    assert explained.title == "退货，收回 230 积分、59 成长值"
    assert explained.lines == [
        "订单 1001 退货：「龙井 250g」1 件。",
        "从该笔获得的积分中收回 230 积分。",
        "从该笔获得的积分中收回 59 成长值。",
        "该订单您仍保留 2,870 积分、109 成长值。",
        "此次变动后：可用 2,870 积分、待生效 109 成长值。",
    ]
    operator = explain(part, "zh", "operator")
    assert operator.is_reproduced is True
    assert outcomes(operator)["base"] == "awarded"
    assert any(line.startswith("现按 2 行、实付合计 1,090.25 元重新计算") for line in operator.lines)
    assert "该订单会员仍保留 2,870 积分、109 成长值。" in operator.lines
    here.spend(2_000)
    rest = explain(told(here, here.refund("1001")), "zh", "member")
    assert rest.lines[:3] == [
        "订单 1001 退货：「龙井 250g」1 件、商品行「2」1 件。",
        "订单 1001 已全部退货。",
        "应收回 2,870 积分：从该笔获得的积分中收回 870 积分；尚欠 2,000 积分，将由今后获得的积分偿还。",
    ]
    assert "该订单不再有积分。" in rest.lines
    paid = explain(told(here, here.adjust(50)), "zh", "member")
    assert "其中 50 积分用于偿还欠分。" in paid.lines
    assert paid.lines[-1] == "此次变动后：欠分 1,950 积分。"


def test_a_refund_says_what_is_let_go_and_what_had_expired() -> None:
    """Forgiven and expired points are not taken, and the title does not count them."""
    here = shop(refunds=RefundPolicy("forgive"))
    buy(here, OrderLine("1", 1, 10_000))
    here.spend(250)
    explained = explain(told(here, here.refund("1001")), "en", "member")
    assert explained.title == "Refund: 50 Points, 10 Growth taken back"
    assert "To be taken back were 300 Points: 50 Points are taken from what was earned then; 250 Points were spent and are let go." in explained.lines  # fmt: skip  # noqa: E501
    later = shop()
    buy(later, OrderLine("1", 1, 10_000))
    later.later(days=500)
    gone = explain(told(later, later.refund("1001")), "zh", "member")
    assert any("200 积分此前已过期，不再扣减" in line for line in gone.lines)
    assert gone.title == "退货，收回 100 积分、10 成长值"


def test_a_correction_says_what_the_order_comes_to_now() -> None:
    """More or less than before, rated by the version of its own time."""
    here = shop()
    buy(here, OrderLine("1", 1, 10_000))
    correction = OrderCorrection("1001", "c1", "CNY", [OrderLine("1", 1, 20_000)])
    outcome = here.do(CorrectOrder(ALICE, correction))
    corrected = told(here, outcome)
    assert corrected.kind is Kind.CORRECT
    explained = explain(corrected, "zh", "member")
    assert explained.title == "订单更正，增加 200 积分、10 成长值"
    assert explained.lines[0] == "订单 1001 已更正，现在实付合计 200.00 元。"
    assert "该订单您仍保留 500 积分、20 成长值。" in explained.lines
    assert explain(corrected, "zh", "operator").is_reproduced is True


def test_a_correction_that_gives_on_other_terms_says_what_went_and_what_came() -> None:
    """A comfort for small orders goes, a gift for large ones comes and waits."""
    here = Shop(make_document_of_many_terms())
    here.earn("o1", (1, 5_000))
    corrected = told(here, here.correct("o1", (1, 20_000)))
    explained = explain(corrected, "zh", "member")
    assert explained.title == "订单更正，收回 70 积分、增加 690 积分、9 成长值"
    assert "从该笔获得的积分中收回 70 积分。" in explained.lines
    assert "按现在的订单重新计算，您多得 690 积分。" in explained.lines
    english = explain(corrected, "en", "member")
    assert "The order as it stands now earns more: 690 Points were added." in english.lines


def test_a_correction_says_what_a_cap_cut() -> None:
    """Nobody wonders where the rest is."""
    here = shop()
    buy(here, OrderLine("1", 1, 10_000))
    correction = OrderCorrection("1001", "c1", "CNY", [OrderLine("1", 1, 1_000_000)])
    corrected = told(here, here.do(CorrectOrder(ALICE, correction)))
    assert [(award.rule, award.points) for award in corrected.trace.capped] == [("base", 3_000)]
    assert any("每月最多 3,000 积分" in line and "少得" in line for line in explain(corrected, "zh", "member").lines)
    assert any("so 17,000 Points less" in line for line in explain(corrected, "en", "member").lines)


def test_cancelled_spends_and_undone_adjustments() -> None:
    """Each says what came back, and what refunds had let go stays gone."""
    here = shop(refunds=RefundPolicy("forgive"))
    buy(here, OrderLine("1", 1, 10_000))
    spent = told(here, here.spend(250))
    here.refund("1001")
    cancelled = explain(told(here, here.reverse(spent.sequence)), "zh", "member")
    assert cancelled.title.startswith("取消使用，退还")
    assert any(line.startswith("另有 250 积分不再退还") for line in cancelled.lines)
    up = told(here, here.adjust(70))
    undone = explain(told(here, here.reverse(up.sequence)), "zh", "member")
    assert undone.lines[:2] == ["2026年11月11日 10:00 增加的积分已被撤销。", "从该笔获得的积分中收回 70 积分。"]
    here.adjust(70)
    down = told(here, here.adjust(-20))
    assert explain(down, "en", "member").lines[0] == "The shop removed 20 Points."
    back = explain(told(here, here.reverse(down.sequence)), "zh", "operator")
    assert back.title == "撤销扣减，退还 20 积分"
    assert any(line.startswith("涉及批次：") for line in back.lines)


def test_an_event_that_was_reversed() -> None:
    """All that it gave is taken back; there is no order of which something remains."""
    here = shop()
    event = told(here, here.do(RecordEvent(ALICE, "member.checked_in", {})))
    explained = explain(told(here, here.reverse(event.sequence)), "zh", "operator")
    assert explained.title == "冲正，收回 2 积分"
    assert "2026年11月11日 10:00 获得的积分已被冲正。" in explained.lines
    assert explained.is_reproduced is None


# --- the other kinds ---


def test_spends_holds_and_transfers() -> None:
    """The member is spoken to, the operator told of the member."""
    here = shop()
    buy(here, TEA)
    spend = told(here, here.spend(120))
    assert explain(spend, "zh", "member").lines[0] == "您于 2026年11月11日 10:00 使用了 120 积分。"
    operator = explain(spend, "zh", "operator").lines
    assert "会员于 2026年11月11日 10:00 使用了 120 积分。" in operator
    assert "涉及批次：7-1-0 的 120 积分，有效期至 2027年11月30日（含当日）。" in operator
    hold = told(here, here.hold(30))
    assert explain(hold, "zh", "member").lines[0].startswith("30 积分已为您预占至 2026年11月11日 10:30")
    capture = told(here, here.capture(hold.sequence, 10))
    assert explain(capture, "zh", "member").title == "核销预占的 10 积分"
    assert "对应流水 7-3（预占，2026年11月11日 10:00）。" in explain(capture, "zh", "operator").lines
    release = told(here, here.release(hold.sequence))
    assert explain(release, "zh", "member").lines[0] == "预占的 20 积分未使用，已退还。"
    given = told(here, here.give(20))
    assert explain(given, "zh", "member").lines[0] == "您转赠给另一位会员 20 积分。"
    received = told_at(here, 1, BOB)
    assert explain(received, "zh", "member").lines[0] == "另一位会员转赠给您 20 积分，有效期与转出前相同。"
    assert "对方流水 7-6。" in explain(received, "zh", "operator").lines


def test_what_time_does() -> None:
    """Points become valid and expire, holds end."""
    here = shop()
    buy(here, TEA)
    here.hold(30)
    here.later(days=8)
    here.settle()
    here.later(days=600)
    here.settle()
    by_kind = {each.kind: told_at(here, each.sequence) for each in here.shell.transactions[ALICE]}
    assert explain(by_kind[Kind.HOLD_EXPIRE], "zh", "member").title == "预占到期，释放 30 积分"
    mature = explain(by_kind[Kind.MATURE], "zh", "member")
    assert mature.title == "118 成长值已生效"
    assert "118 成长值现在可以使用，永久有效。" in mature.lines
    expired = explain(by_kind[Kind.EXPIRE], "zh", "member")
    assert expired.title == "3,000 积分已过期"
    assert expired.lines[0] == "3,000 积分有效期已过，未使用，自 2027年12月1日 00:00 起失效。"


@pytest.mark.parametrize("locale", ["zh", "en"])
@pytest.mark.parametrize("reader", ["operator", "member"])
def test_every_transaction_of_a_long_story_has_words(locale: str, reader: str) -> None:
    """No kind fails, no placeholder is left, and a member never reads an id of a rule."""
    here = shop()
    buy(here, TEA, OrderLine("2", 3, 50_000))
    here.do(RecordEvent(ALICE, "member.checked_in", {}))
    here.hold(30)
    here.give(20)
    here.refund("1001", (2, 1))
    here.spend(100)
    here.reverse(6)
    here.adjust(-10)
    here.later(days=900)
    here.settle()
    for transaction in here.shell.transactions[ALICE]:
        explained = explain(told_at(here, transaction.sequence), locale, reader)  # type: ignore[arg-type]
        assert decode_trace(transaction.trace).balances
        text = "\n".join([explained.title, *explained.lines, *(each.words for each in explained.rules)])
        assert "{" not in text
        if reader == "member":
            assert "first-gift" not in text
        if locale == "en":
            plain = text.replace("龙井", "")
            assert not any("\u4e00" <= character <= "\u9fff" for character in plain)
