"""Every error as HTTP shows it (RFC 9457): one table from code to status, one function from refusal to response."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from jifen.core.refusal import Refusal
from jifen.services.chinese import chinese_of

Language = Literal["zh", "en"]

PROBLEM_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 1


class ProblemKind(msgspec.Struct, frozen=True):
    """How a code is shown: its HTTP status and its title in both languages."""

    status: int
    title: str
    title_zh: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What went wrong. `code` is stable and meant for machines, `detail` is for people, `pointer` (RFC 6901) names the
    field at fault, `details` holds the values behind it. The codes are listed in docs/reference/errors.md."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    pointer: str | None = None
    details: dict[str, Any] | None = None


PROBLEMS: dict[str, ProblemKind] = {
    # The request
    "malformed_json": ProblemKind(400, "Malformed JSON", "JSON 格式错误"),
    "malformed_form": ProblemKind(400, "Malformed form", "表单格式错误"),
    "unauthorized": ProblemKind(401, "No valid API key", "缺少有效的 API 密钥"),
    "not_found": ProblemKind(404, "No such path", "路径不存在"),
    "method_not_allowed": ProblemKind(405, "Method not allowed", "不支持的请求方法"),
    "body_too_large": ProblemKind(413, "Body too large", "请求体过大"),
    "unsupported_media_type": ProblemKind(415, "Unsupported media type", "不支持的内容类型"),
    "invalid_field": ProblemKind(422, "Invalid field", "字段无效"),
    "missing_field": ProblemKind(422, "Missing field", "缺少字段"),
    "unknown_field": ProblemKind(422, "Unknown field", "未知字段"),
    "invalid_parameter": ProblemKind(422, "Invalid query parameter", "查询参数无效"),
    "invalid_text": ProblemKind(422, "Text that cannot be stored", "文本含有无法保存的字符"),
    "invalid_idempotency_key": ProblemKind(422, "Invalid Idempotency-Key", "幂等键无效"),
    "invalid_identity": ProblemKind(422, "Invalid identity", "身份标识无效"),
    "invalid_points": ProblemKind(422, "Invalid number of points", "积分数无效"),
    "too_many_events": ProblemKind(422, "Too many events", "事件过多"),
    "unknown_event_type": ProblemKind(422, "Unknown type of event", "未知的事件类型"),
    "data_too_large": ProblemKind(422, "Data too large", "事件数据过大"),
    "event_not_tried": ProblemKind(422, "Event cannot be tried", "此类事件不能试算"),
    "unknown_import": ProblemKind(404, "Unknown import", "导入不存在"),
    "no_rejects": ProblemKind(404, "No rejects", "没有未导入行文件"),
    "import_running": ProblemKind(409, "Import under way", "已有导入在进行"),
    "import_not_checked": ProblemKind(409, "File not checked", "文件未检查"),
    "import_over": ProblemKind(409, "Import is over", "导入已结束"),
    "too_many_uploads": ProblemKind(409, "Too many uploaded files", "已上传的文件过多"),
    "import_too_large": ProblemKind(413, "File too large", "文件过大"),
    "import_file_unreadable": ProblemKind(422, "File cannot be read", "文件无法读取"),
    "invalid_mapping": ProblemKind(422, "Invalid mapping", "列映射无效"),
    "unknown_backtest": ProblemKind(404, "Unknown backtest", "回测不存在"),
    "backtest_running": ProblemKind(409, "Backtest under way", "已有回测在进行"),
    "backtest_refused": ProblemKind(422, "Backtest refused", "无法回测"),
    "unknown_draft": ProblemKind(404, "Unknown draft", "草稿不存在"),
    "draft_published": ProblemKind(409, "Draft published already", "草稿已发布"),
    "draft_not_checked": ProblemKind(409, "Draft not checked", "草稿未检查"),
    "findings_not_accepted": ProblemKind(409, "Findings not accepted", "检查发现的问题未被接受"),
    "draft_outdated": ProblemKind(409, "Draft outdated", "草稿已过期"),
    "unknown_program_version": ProblemKind(404, "Unknown version of the program", "没有这个版本的积分计划"),
    "program_change_refused": ProblemKind(409, "Change of program refused", "积分计划变更被拒绝"),
    "invalid_program": ProblemKind(422, "Invalid program", "积分计划无效"),
    "unknown_segment": ProblemKind(404, "Unknown segment", "会员分群不存在"),
    "segment_exists": ProblemKind(409, "Segment exists", "会员分群已存在"),
    "segment_in_use": ProblemKind(409, "Segment in use", "会员分群正被使用"),
    "segment_not_a_list": ProblemKind(409, "Segment is not a list", "会员分群不是名单"),
    "segment_too_large": ProblemKind(422, "Segment too large for this condition", "分群条件涉及会员过多"),
    "invalid_segment": ProblemKind(422, "Invalid segment", "会员分群无效"),
    "invalid_condition": ProblemKind(422, "Invalid condition", "条件无效"),
    "reserved_source": ProblemKind(422, "Reserved source", "保留的事件来源"),
    "amount_too_large": ProblemKind(422, "Amount too large", "数额过大"),
    "instant_in_future": ProblemKind(422, "Instant in the future", "时间在未来"),
    "instant_in_past": ProblemKind(422, "Instant in the past", "时间已过去"),
    "instant_too_early": ProblemKind(422, "Instant too early", "时间过早"),
    "instant_too_far": ProblemKind(422, "Instant too far away", "时间过远"),
    # The order
    "currency_mismatch": ProblemKind(422, "Other currency than the program's", "币种与积分计划不一致"),
    "duplicate_line": ProblemKind(422, "Duplicate line", "订单行重复"),
    "unknown_line": ProblemKind(422, "Unknown line", "订单行不存在"),
    "unknown_order": ProblemKind(404, "Unknown order", "订单不存在"),
    "order_of_other_member": ProblemKind(409, "Order of another member", "订单属于其他会员"),
    "returned_too_much": ProblemKind(409, "Returned more than was bought", "退货数量超过购买数量"),
    "corrected_below_returned": ProblemKind(409, "Corrected below what was returned", "更正后少于已退数量"),
    "already_refunded": ProblemKind(409, "Already refunded", "订单已全部退款"),
    "points_already_spent": ProblemKind(409, "Points were spent already", "积分已被使用"),
    # Members, wallets, transactions, holds
    "unknown_member": ProblemKind(404, "Unknown member", "会员不存在"),
    "unknown_transaction": ProblemKind(404, "Unknown transaction", "积分流水不存在"),
    "unknown_hold": ProblemKind(404, "Unknown hold", "预占不存在"),
    "unknown_tier": ProblemKind(422, "Unknown tier", "等级不存在"),
    "unknown_tier_set": ProblemKind(422, "Unknown tier set", "等级体系不存在"),
    "tier_given": ProblemKind(409, "Another tier was given", "已有授予的等级"),
    "tier_below_earned": ProblemKind(409, "Lower than the tier that was earned", "低于已获得的等级"),
    "tier_not_granted": ProblemKind(409, "No tier was given", "没有授予的等级"),
    "payment_used": ProblemKind(409, "Payment used", "付款已使用"),
    "tier_not_paid": ProblemKind(422, "Not a paid tier", "不是付费等级"),
    "tier_not_settable": ProblemKind(409, "Tiers are worked out", "等级由系统评定"),
    "payment_missing": ProblemKind(422, "Payment missing", "缺少付款单号"),
    "unknown_recalculation": ProblemKind(404, "Unknown recalculation", "重新定级任务不存在"),
    "recalculation_outdated": ProblemKind(409, "Recalculation outdated", "重新定级已过时"),
    "recalculation_running": ProblemKind(409, "Recalculation under way", "已有重新定级在进行"),
    "unknown_wallet": ProblemKind(422, "Unknown wallet", "积分账户不存在"),
    "identity_taken": ProblemKind(409, "Identity taken", "身份标识已被使用"),
    "unknown_identity": ProblemKind(404, "Unknown identity", "身份标识不属于该会员"),
    "last_identity": ProblemKind(409, "Last identity", "最后一个身份标识"),
    "too_many_identities": ProblemKind(409, "Too many identities", "身份标识过多"),
    "field_required": ProblemKind(409, "Field required", "字段为必填"),
    "member_frozen": ProblemKind(409, "Member is frozen", "会员已冻结"),
    "member_closed": ProblemKind(409, "Member is closed", "会员已注销"),
    "member_anonymised": ProblemKind(409, "Member was anonymised", "会员已匿名化"),
    "member_merged": ProblemKind(409, "Member was merged", "会员已合并"),
    "unknown_merge": ProblemKind(404, "Unknown merge", "合并不存在"),
    "merge_undone": ProblemKind(409, "Merge undone already", "合并已撤销"),
    "in_household": ProblemKind(409, "In a household", "会员已在家庭中"),
    "no_household": ProblemKind(404, "In no household", "会员不在家庭中"),
    "household_full": ProblemKind(409, "Household is full", "家庭成员已满"),
    "holds_open": ProblemKind(409, "Holds are open", "有未结束的预占"),
    "same_member": ProblemKind(422, "Same member", "同一位会员"),
    "insufficient_points": ProblemKind(409, "Not enough points", "积分不足"),
    "balance_too_large": ProblemKind(409, "Balance too large", "余额超过上限"),
    "expiry_not_applicable": ProblemKind(422, "Expiry not applicable", "不能指定有效期"),
    "hold_exceeded": ProblemKind(409, "More than is held", "超过预占数量"),
    "hold_closed": ProblemKind(409, "Hold is closed", "预占已结束"),
    "already_reversed": ProblemKind(409, "Already reversed", "已冲正"),
    "not_reversible": ProblemKind(409, "Cannot be reversed", "不能冲正"),
    # Rewards, redemptions, coupons
    "unknown_reward": ProblemKind(404, "Unknown reward", "兑换品不存在"),
    "reward_retired": ProblemKind(409, "Reward retired", "兑换品已下架"),
    "reward_not_open": ProblemKind(409, "Reward not open", "不在兑换时间内"),
    "not_eligible": ProblemKind(403, "Not for this member", "会员不符合兑换条件"),
    "unknown_price": ProblemKind(422, "Unknown price", "没有这一档价格"),
    "price_changed": ProblemKind(409, "Price changed", "价格已变动"),
    "invalid_quantity": ProblemKind(422, "Invalid quantity", "数量无效"),
    "invalid_quote": ProblemKind(422, "Invalid quote", "报价无效"),
    "quote_mismatch": ProblemKind(422, "Quote for something else", "报价与兑换内容不符"),
    "quote_expired": ProblemKind(409, "Quote expired", "报价已过期"),
    "quote_used": ProblemKind(409, "Quote used", "报价已使用"),
    "limit_reached": ProblemKind(409, "Limit reached", "已达上限"),
    "order_needed": ProblemKind(422, "Order needed", "需要订单"),
    "order_not_needed": ProblemKind(422, "No order needed", "无需订单"),
    "order_not_found": ProblemKind(404, "No such order of this member", "该会员没有此订单"),
    "order_given_back": ProblemKind(409, "Order given back", "订单已全部退货"),
    "order_too_small": ProblemKind(409, "Order too small", "订单金额不足"),
    "order_limit_reached": ProblemKind(409, "Limit for the order reached", "该订单的换购已达上限"),
    "waiting_in_line": ProblemKind(503, "Waiting in line", "排队中"),
    "invalid_ticket": ProblemKind(422, "Invalid ticket", "排队凭证无效"),
    "captcha_needed": ProblemKind(422, "Captcha needed", "需要人机验证"),
    "invalid_captcha": ProblemKind(422, "Captcha not solved", "人机验证无效"),
    "captcha_mismatch": ProblemKind(422, "Captcha for something else", "人机验证与兑换内容不符"),
    "captcha_expired": ProblemKind(409, "Captcha expired", "人机验证已过期"),
    "captcha_used": ProblemKind(409, "Captcha used", "人机验证已使用"),
    "captcha_not_asked": ProblemKind(409, "No captcha asked for", "无需人机验证"),
    "sold_out": ProblemKind(409, "Sold out", "库存不足"),
    "invalid_stock": ProblemKind(422, "Invalid stock", "库存无效"),
    "invalid_codes": ProblemKind(422, "Invalid codes", "券码无效"),
    "unknown_redemption": ProblemKind(404, "Unknown redemption", "兑换单不存在"),
    "step_not_allowed": ProblemKind(409, "Step not allowed in this state", "当前状态不允许此操作"),
    "approval_by_requester": ProblemKind(403, "Approval by the requester", "申请人不能审批"),
    "already_agreed": ProblemKind(409, "Agreed before", "您已审批过"),
    "role_missing": ProblemKind(403, "Role missing", "缺少审批角色"),
    "delivery_incomplete": ProblemKind(422, "Delivery incomplete", "履约信息不全"),
    "unknown_coupon": ProblemKind(404, "Unknown coupon", "券码不存在"),
    "mistyped_coupon": ProblemKind(422, "Coupon code mistyped", "券码输入有误"),
    "coupon_used": ProblemKind(409, "Coupon used", "优惠券已核销"),
    "coupon_void": ProblemKind(409, "Coupon void", "优惠券已作废"),
    "coupon_expired": ProblemKind(409, "Coupon expired", "优惠券已过期"),
    "coupon_exceeded": ProblemKind(409, "More than the coupon has left", "超过券面余额"),
    "coupon_not_partly_usable": ProblemKind(409, "Coupon is used as a whole", "券不能分次使用"),
    "unknown_write_off": ProblemKind(404, "Unknown write-off", "没有此核销记录"),
    "write_off_needed": ProblemKind(422, "Which write-off is not said", "未指明核销记录"),
    # Lotteries
    "unknown_draw": ProblemKind(404, "Unknown draw", "抽奖活动不存在"),
    "draw_not_open": ProblemKind(409, "Draw not open", "不在抽奖时间内"),
    "no_round": ProblemKind(409, "No open round", "尚未开启抽奖轮次"),
    "round_open": ProblemKind(409, "Round is open", "已有进行中的抽奖轮次"),
    "unknown_round": ProblemKind(404, "Unknown round", "抽奖轮次不存在"),
    "ticket_needed": ProblemKind(422, "Lottery ticket needed", "需要抽奖券"),
    "not_a_ticket": ProblemKind(422, "Not a ticket of this draw", "不是该活动可用的抽奖券"),
    "ticket_used": ProblemKind(409, "Lottery ticket used", "抽奖券已使用"),
    # What a program says of its wallets
    "wallet_not_spendable": ProblemKind(409, "Wallet cannot be spent from", "该账户的积分不能使用"),
    "unknown_conversion": ProblemKind(422, "Unknown conversion", "转换规则不存在"),
    "not_a_whole_step": ProblemKind(422, "Not a whole step", "不是整数步长"),
    "below_least": ProblemKind(422, "Fewer than the least", "低于最少数量"),
    "above_most": ProblemKind(422, "More than the most", "超过最多数量"),
    "fee_exceeds_points": ProblemKind(409, "Fee leaves nothing", "手续费超过所得"),
    "gifts_not_allowed": ProblemKind(409, "Gifts not allowed from this wallet", "该账户不可转赠"),
    "cooling_down": ProblemKind(409, "Member too new", "新会员冷却期未满"),
    "no_bank": ProblemKind(409, "No points bank", "没有积分银行"),
    "not_expiring_soon": ProblemKind(409, "Points do not expire soon", "积分并非即将过期"),
    "insufficient_savings": ProblemKind(409, "Not enough savings", "储蓄积分不足"),
    "offset_not_allowed": ProblemKind(409, "Points cannot pay for this", "不能用积分抵现"),
    "offset_mismatch": ProblemKind(422, "Points and money do not match", "积分与抵扣金额不符"),
    "offset_too_large": ProblemKind(422, "Points pay more than allowed", "抵扣超过比例上限"),
    "hold_of_other_member": ProblemKind(409, "Hold of another member", "预占属于其他会员"),
    # What waits for a second person
    "reason_code_needed": ProblemKind(422, "Reason code needed", "缺少原因代码"),
    "unknown_reason_code": ProblemKind(422, "Unknown reason code", "原因代码不存在"),
    "approval_needed": ProblemKind(409, "Approval of a second person needed", "需要第二人复核"),
    "unknown_approval": ProblemKind(404, "Unknown request", "复核请求不存在"),
    "approval_decided": ProblemKind(409, "Decided already", "请求已处理"),
    "approval_lapsed": ProblemKind(409, "Request lapsed", "请求已失效"),
    "own_request": ProblemKind(403, "Own request", "不能复核自己的请求"),
    # Repetitions
    "key_conflict": ProblemKind(409, "Key used for something else", "幂等键已用于其他请求"),
    "order_conflict": ProblemKind(409, "Order recorded with other content", "订单已以不同内容记录"),
    "correction_conflict": ProblemKind(409, "Correction recorded with other content", "更正已以不同内容记录"),
    "refund_conflict": ProblemKind(409, "Refund recorded with other content", "退款已以不同内容记录"),
    # The service
    "internal": ProblemKind(500, "Internal error", "内部错误"),
    "no_program": ProblemKind(503, "No program yet", "尚无积分计划"),
    "queue_full": ProblemKind(503, "Queue full", "队列已满"),
    "stopping": ProblemKind(503, "Stopping", "服务正在停止"),
    "uploads_unusable": ProblemKind(503, "Files cannot be stored", "无法保存上传的文件"),
    "database_unavailable": ProblemKind(503, "Database unavailable", "数据库不可用"),
}

INTERNAL = Refusal("internal", "The request failed for a reason that is ours. It was logged.")
DATABASE_UNAVAILABLE = Refusal("database_unavailable", "The database cannot be reached; try again in a moment.")

_encode = msgspec.json.Encoder().encode
_CONTENT_TYPE = (b"content-type", PROBLEM_TYPE.encode())
_EXTRA_HEADERS: dict[int, list[tuple[bytes, bytes]]] = {
    401: [(b"www-authenticate", b'Bearer realm="jifen"')],
    503: [(b"retry-after", str(RETRY_AFTER_SECONDS).encode())],
}


_MOST_WISHES: Final = 10
"""So many languages of an `Accept-Language` are looked at."""


def language_wished(header: str) -> Language:
    """The one of both languages that an `Accept-Language` (RFC 9110) likes best; English where it names neither."""
    best: dict[str, float] = {}
    for wish in header.lower().split(",")[:_MOST_WISHES]:
        name, _, parameters = wish.strip().partition(";")
        weight = parameters.strip().removeprefix("q=")
        try:
            likes = float(weight) if weight else 1.0
        except ValueError:
            continue
        language = name.strip()[:2]
        best[language] = max(best.get(language, 0.0), likes)
    return "zh" if best.get("zh", 0.0) > best.get("en", 0.0) else "en"


def problem_of(refusal: Refusal, language: Language = "en") -> Problem:
    """The problem that a refusal is shown as."""
    kind = PROBLEMS[refusal.code]
    is_chinese = language == "zh"
    return Problem(
        f"/docs#error-{refusal.code}",
        kind.title_zh if is_chinese else kind.title,
        kind.status,
        chinese_of(refusal) if is_chinese else refusal.message,
        refusal.code,
        refusal.pointer,
        refusal.details or None,
    )


def problem_response(refusal: Refusal, language: Language = "en") -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Status, headers and body of the answer to a request that was refused."""
    problem = problem_of(refusal, language)
    headers = [_CONTENT_TYPE, (b"content-language", language.encode())]
    seconds = refusal.details.get("retry_after_seconds")
    if seconds is not None:
        headers.append((b"retry-after", str(seconds).encode()))
    else:
        headers += _EXTRA_HEADERS.get(problem.status, ())
    return (problem.status, headers, _encode(problem))
