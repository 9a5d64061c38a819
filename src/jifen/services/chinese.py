"""What refusals and errors say in Chinese.

By their code, with the values behind them. `{message}` stands for the particulars, where only they say what is wrong
and where: in Chinese if whoever refused said them so. Of several texts, the first counts whose values are all there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from jifen.core.errors import JifenError
from jifen.core.refusal import Refusal

_NAMED: Final = re.compile(r"{(\w+)}")
#: Numbers by the names of which something is called, and that are not how many there are of it.
_CALLED: Final = re.compile(r"(?:^|_)(?:id|version|pid|port|member|into|found|needed)$")
STATES: Final = {
    "held": "已预占",
    "waiting_for_payment": "待付款",
    "waiting_for_approval": "待审批",
    "approved": "已通过",
    "fulfilled": "已履约",
    "written_off": "已核销",
    "returned": "已退回",
    "rejected": "已驳回",
    "cancelled": "已取消",
    "expired": "已过期",
}
"""Where a redemption stands (jifen.core.redemption.machine)."""
_VALUES: Final = {
    "day": "日",
    "week": "周",
    "month": "月",
    "year": "年",
    "lifetime": "终身",
    "points": "积分",
    "count": "次数",
    "member": "会员",
    "giver": "赠方",
    "receiver": "收方",
    "others": "家庭其他成员",
    **STATES,
    "lapsed": "已失效",
}
"""Words of the program that stand among the values."""
STEPS: Final = {
    "redeem": "申请",
    "ask_payment": "请求付款",
    "ask_approval": "提交审批",
    "pass": "通过",
    "pay": "付款",
    "agree": "一人同意",
    "approve": "审批通过",
    "reject": "驳回",
    "cancel": "取消",
    "expire": "超时",
    "fulfil": "履约",
    "use": "部分核销",
    "write_off": "核销",
    "cancel_write_off": "撤销核销",
    "return": "退回",
}
"""What can be done to a redemption (jifen.core.redemption.machine), beginning with asking for it."""
_WORDS: Final = {"step": STEPS, "allowed": STEPS}
"""By the names of values, those that have words of their own."""

NO_PROGRAM: Final = "还没有积分计划：请用 `jifen program apply FILE` 应用一个。"

REFUSALS: Final[dict[str, tuple[str, ...]]] = {
    # The request
    "malformed_json": ("内容不是有效的 JSON：{message}",),
    "unauthorized": ("缺少有效的 API 密钥：请发送 `Authorization: Bearer jf_...`，用 `jifen keys create` 新建密钥。",),
    "not_found": ("这个路径下什么也没有；全部路径见 /docs。",),
    "method_not_allowed": ("该路径只接受 {allowed}。", "该路径不支持这种请求方法。"),
    "body_too_large": ("请求体最多 {limit_bytes} 字节。", "请求体过大。"),
    "unsupported_media_type": ("不支持这种内容类型：{message}",),
    "invalid_field": ("生日须在 {earliest} 至今日（{latest}）之间。", "字段无效：{message}"),
    "missing_field": ("缺少字段：{message}",),
    "unknown_field": ("没有这个字段：{message}",),
    "invalid_parameter": ("查询参数 {parameter} 无效：{message}", "查询参数无效：{message}"),
    "invalid_text": ("文本无法保存：{message}",),
    "invalid_idempotency_key": ("Idempotency-Key 须为 1 至 256 个可打印的 ASCII 字符。",),
    "invalid_identity": ("身份标识无效：{message}",),
    "invalid_points": ("积分数无效：{message}",),
    "too_many_events": ("一次最多 {limit} 个事件，这里有 {events} 个。", "一次调用的事件过多。"),
    "unknown_event_type": ("没有这种事件类型：{message}",),
    "data_too_large": ("事件的数据最多 16,384 字节。",),
    "event_not_tried": ("退款和更正不能试算；请用余下的商品行试算 order.completed。",),
    "unknown_backtest": ("没有这个编号的回测；只保留最近五十次。",),
    "backtest_running": ("已有回测正在进行；请等它结束，或停止它。",),
    "backtest_refused": ("无法回测：{message}",),
    "unknown_draft": ("没有草稿 {draft_id}；`jifen program drafts` 列出全部草稿。", "没有这个编号的草稿。"),
    "draft_published": ("草稿 {draft_id} 已发布，不能再改；请新建草稿。", "草稿已发布。"),
    "draft_not_checked": ("草稿 {draft_id} 还没有检查；请先检查。", "草稿还没有检查。"),
    "findings_not_accepted": ("规则检查发现了问题，请修正，或写明理由接受：{message}",),
    "draft_outdated": (
        "草稿依据的是版本 {base_version}，其间已有新版本；请看看改了什么，再从最新版本新建草稿。",
        "草稿所依据的版本已不是最新版本。",
    ),
    "unknown_program_version": ("没有版本 {version} 的积分计划；`jifen program list` 列出全部版本。", NO_PROGRAM),
    "program_change_refused": ("积分计划不能这样修改：{message}",),
    "invalid_program": ("积分计划无效：{message}",),
    "unknown_segment": ("没有会员分群 {segment_id}。", "没有这个会员分群。"),
    "segment_exists": ("会员分群 {segment_id} 已存在。", "会员分群已存在。"),
    "segment_in_use": ("会员分群 {segment_id} 正被使用：{used_by}；请先修改它们。", "会员分群正被使用。"),
    "segment_not_a_list": ("{segment_id} 是按条件的会员分群，只有名单可以加入会员。", "这个会员分群不是名单。"),
    "segment_too_large": (
        "条件中的 {left_out} 不能写成 SQL，需要逐个查看的会员过多；请再加一个条件，或用 `jifen segments count`。",
        "分群条件涉及的会员过多。",
    ),
    "invalid_segment": ("会员分群无效：{message}",),
    "invalid_condition": ("条件无效：{message}",),
    "reserved_source": ("这个事件来源是 jifen 自己使用的；请写您自己系统的名称。",),
    "amount_too_large": ("数额过大：{message}",),
    "instant_in_future": ("时间在未来；请检查时钟和时区。",),
    "instant_in_past": ("时间已过；请写将来的时间。",),
    "instant_too_early": ("时间早于 1970 年；请检查时钟。",),
    "instant_too_far": ("时间过远：{message}",),
    # The order
    "currency_mismatch": ("币种与积分计划不一致：{message}",),
    "duplicate_line": ("订单中有两行的 line_id 相同。",),
    "unknown_line": ("订单中没有这一行：{message}",),
    "unknown_order": ("没有入账过订单 {order_id}；请先发送订单。", "没有入账过这个订单；请先发送订单。"),
    "order_of_other_member": ("该订单属于另一位会员。",),
    "returned_too_much": ("退货数量超过可退数量：还可退 {remaining}，而退 {returned}。", "退货数量超过可退数量。"),
    "corrected_below_returned": ("订单行 {line_id} 已退 {returned} 件，更正后不能更少。", "更正后少于已退数量。"),
    "already_refunded": ("该订单此前已全部退款。",),
    "points_already_spent": (
        "应收回 {due} 积分，其中 {missing} 已被使用，积分计划拒绝这样的退款。",
        "应收回的积分已被使用。",
    ),
    # Members, wallets, transactions, holds
    "unknown_member": ("没有会员 {member}。", "没有这位会员；请检查会员号或身份标识。"),
    "unknown_transaction": ("没有这笔流水；请检查编号（会员号-序号）。",),
    "unknown_hold": ("没有预占 {hold_id}。", "没有这笔预占；请检查编号。"),
    "unknown_tier": ("没有这个等级：{message}",),
    "unknown_tier_set": ("没有这个等级体系：{message}",),
    "tier_given": (
        "会员已有授予的等级 {given}（到 {until_locally}），不能由 {tier} 取代；如确有必要，请先收回。",
        "会员已有授予的等级 {given}（长期），不能由 {tier} 取代；如确有必要，请先收回。",
        "会员已有授予的等级。",
    ),
    "tier_below_earned": ("会员已获得更高的等级 {earned}，不能授予 {tier}。", "会员已获得更高的等级。"),
    "tier_not_granted": ("会员没有可以收回的授予等级。",),
    "payment_used": ("这笔付款已由 {transaction_id} 计入；一笔付款只算一次。", "这笔付款已经计入过。"),
    "tier_not_paid": ("该等级不是付费等级；请去掉付款信息。",),
    "tier_not_settable": ("等级由积分计划自动评定，不能写在资料中；请授予等级。",),
    "payment_missing": ("授予付费等级须写付款单号。",),
    "unknown_recalculation": ("没有这个编号的重新定级，或它已经结束；请重新发起。",),
    "recalculation_outdated": (
        "这次重新定级按积分计划第 {program_version} 版开始，该版已不再生效；请重新发起。",
        "重新定级开始后已有新版积分计划生效；请重新发起。",
    ),
    "recalculation_running": ("已有重新定级正在进行；请等它结束，或停止它。",),
    "unknown_wallet": ("没有这个积分账户：{message}",),
    "identity_taken": ("该身份标识已属于会员 {member_id}。", "该身份标识已被使用。"),
    "unknown_identity": ("该身份标识不属于这位会员。",),
    "last_identity": ("这是最后一个身份标识；请先添加另一个。",),
    "too_many_identities": ("会员的身份标识不能超过 20 个。",),
    "field_required": ("字段为必填，可以修改，不能清除：{message}",),
    "member_frozen": ("会员 {member_id} 已冻结；解冻之前不能这样做。", "会员已冻结；解冻之前不能这样做。"),
    "member_closed": ("会员已注销；不能再有新的变动。",),
    "member_anonymised": ("会员的个人资料已清除，只留下账目。",),
    "member_merged": ("会员已并入 {into}；请使用那个会员号。", "会员已合并。"),
    "unknown_merge": ("没有这笔合并；请检查编号（会员号-序号）。",),
    "merge_undone": ("该合并此前已撤销。",),
    "in_household": ("会员 {member_id} 已在家庭 {household_id} 中；请先退出。", "会员已在家庭中；请先退出。"),
    "no_household": ("会员 {member_id} 不在任何家庭中。", "会员不在任何家庭中。"),
    "household_full": ("一个家庭最多 {most} 位会员。", "家庭成员已满。"),
    "holds_open": (
        "还有 {held} 积分被预占；请先扣减或释放预占，并完成、驳回或取消用到它的兑换（含家庭兑换）。",
        "兑换单 {redemption_id} 还未结束；请先完成、驳回或取消它。",
        "还有未结束的预占。",
    ),
    "same_member": ("会员 {member_id} 写了两次；每人（含户主）只写一次。", "双方是同一位会员。"),
    "insufficient_points": (
        "积分不足：需要 {requested}，可用 {available}，还差 {missing} 积分。",
        "积分不足，还差 {missing} 积分。",
        "积分不足。",
    ),
    "balance_too_large": ("余额将超过上限；请检查数量。",),
    "expiry_not_applicable": ("只有增加积分时才能写有效期。",),
    "hold_exceeded": ("要核销 {requested}，而预占只有 {held}。", "超过预占数量。"),
    "hold_closed": ("预占已核销、已释放或已过期。",),
    "already_reversed": ("该流水此前已冲正。",),
    "not_reversible": ("这类流水不能冲正：{message}",),
    # Rewards, redemptions, coupons
    "unknown_reward": ("没有兑换品 {reward}。", "没有这个兑换品。"),
    "reward_retired": ("该兑换品已下架。",),
    "reward_not_open": ("尚未开放，{opens_locally} 起可以兑换。", "不在兑换时间内。"),
    "not_eligible": ("不适用于这位会员，需要满足：{needs}。", "不适用于这位会员。"),
    "unknown_price": ("没有这一档价格：{message}",),
    "price_changed": ("价格已变动：现在需要 {points} 积分。", "价格已变动。"),
    "invalid_quantity": ("一次可兑换 1 至 100 件。",),
    "invalid_quote": ("这不是本系统给出的报价；请用 POST /v1/quotes 报价。",),
    "quote_mismatch": ("报价与这次兑换的会员、兑换品、数量或价格不符；请重新报价。",),
    "quote_expired": ("报价有效至 {until_locally}；请重新报价。", "报价已过期。"),
    "quote_used": ("报价已由 {transaction_id} 使用，只能兑换一次；请重新报价。", "报价已经用过；请重新报价。"),
    "limit_reached": (
        "已达上限：一年所得积分的 {share_percent}% 可以储蓄，今年共 {most}，还剩 {left}。",
        "已达上限：{whose}按{period}计最多使用{of}的 {most} 积分，还剩 {left}。",
        "已达上限：{whose}按{period}计最多 {most}（{limit}），还剩 {left}。",
        "已达上限：按{period}计最多 {most}（{limit}），还剩 {left}。",
        "已达上限：按{period}计最多 {most} 件，已有 {used} 件，这次要 {requested} 件。",
        "已达上限：{message}",
    ),
    "order_needed": ("换购须随订单：请在 order_id 写明订单号。",),
    "order_not_needed": ("该兑换品不是换购品：请去掉 order_id。",),
    "order_not_found": ("该会员没有订单 {order_id}；请先登记订单。", "该会员没有这个订单。"),
    "order_given_back": ("订单 {order_id} 已全部退货；请随其他订单换购。", "订单已全部退货。"),
    "order_too_small": ("订单金额不足：{message}",),
    "order_limit_reached": (
        "每笔订单最多换购 {most} 件；订单 {order_id} 已换购 {taken} 件，这次要 {requested} 件。",
        "该订单的换购已达上限。",
    ),
    "waiting_in_line": ("排队中，前面还有 {before} 人；请在 {retry_after_seconds} 秒后带上排队凭证重发。", "排队中。"),
    "invalid_ticket": ("排队凭证不是给这位会员和这个兑换品的。",),
    "captcha_needed": (
        "{reward} 需要人机验证：请用 GET /v1/rewards/{reward}/captcha 为该会员和一个 Idempotency-Key 取题，"
        "再以同一幂等键兑换，并把答案放进请求头 Jifen-Captcha。",
        "需要人机验证。",
    ),
    "invalid_captcha": ("这不是本系统所出题目的答案；请以这次兑换的 Idempotency-Key 取新题并解出。",),
    "captcha_mismatch": ("这道题是为另一位会员或另一个兑换品解的；请以这次兑换的 Idempotency-Key 取新题并解出。",),
    "captcha_expired": (
        "人机验证已超过 10 分钟；请以这次兑换的 Idempotency-Key 取新题并解出。此前以该键完成的兑换会得到原来的结果。",
    ),
    "captcha_used": (
        "这道题是为另一个 Idempotency-Key 解的，只能用于那一次兑换；请以这次兑换的 Idempotency-Key 取新题并解出。",
    ),
    "captcha_not_asked": ("{reward} 无需人机验证，直接兑换即可。", "无需人机验证，直接兑换即可。"),
    "sold_out": ("库存不足：只剩 {left} 件，而要 {requested} 件。", "库存不足。"),
    "invalid_stock": ("库存无效：{message}",),
    "invalid_codes": ("券码无效：{message}",),
    "unknown_redemption": ("没有这张兑换单；请检查编号。",),
    "step_not_allowed": (
        "兑换单的状态为{state}，不能进行「{step}」；可以进行：{allowed}。",
        "兑换单的状态为{state}，不能进行「{step}」。",
        "当前状态不允许这一步。",
    ),
    "approval_by_requester": ("申请人不能审批自己的兑换，换一个同名密钥也不行。",),
    "already_agreed": ("您已经同意过这张兑换单；现在须由他人审批。",),
    "role_missing": ("这一步须由 {roles} 审批。", "缺少审批角色。"),
    "delivery_incomplete": ("履约信息不全，还缺：{missing}。", "履约信息不全。"),
    "unknown_coupon": ("没有这个券码。",),
    "mistyped_coupon": ("券码输入有误，校验字符不符；请重新输入。",),
    "coupon_used": ("优惠券已核销；如系误操作，请先撤销核销。",),
    "coupon_void": ("优惠券已作废（兑换单{state}）。", "优惠券已作废。"),
    "coupon_expired": ("优惠券有效至 {until_locally}。", "优惠券已过期。"),
    "coupon_exceeded": ("超过券面余额：{message}",),
    "coupon_not_partly_usable": ("此券只能一次用完：{message}", "此券只能一次用完；请省略金额。"),
    "unknown_write_off": ("优惠券没有核销过，或不是由那笔流水核销的。",),
    "write_off_needed": (
        "优惠券有多笔核销：{write_offs}；请在 write_off 写明撤销哪一笔。",
        "优惠券有多笔核销；请写明撤销哪一笔。",
    ),
    # Lotteries
    "unknown_draw": ("没有抽奖活动 {draw}，或它已下架。", "没有这个抽奖活动，或它已下架。"),
    "draw_not_open": ("不在抽奖时间内。",),
    "no_round": ("还没有进行中的抽奖轮次；请先开启一轮。",),
    "round_open": ("抽奖活动 {draw} 已有进行中的轮次；请先揭示它的种子。", "已有进行中的抽奖轮次。"),
    "unknown_round": ("没有这个抽奖轮次，或没有进行中的轮次。",),
    "ticket_needed": ("该抽奖活动须用抽奖券；请先兑换 {reward}。", "该抽奖活动须用抽奖券。"),
    "not_a_ticket": ("这不是该会员可用于此抽奖活动的抽奖券。",),
    "ticket_used": ("抽奖券已使用。",),
    # What a program says of its wallets
    "wallet_not_spendable": ("积分账户 {wallet} 的积分只能获得，不能使用。", "该账户的积分不能使用。"),
    "unknown_conversion": ("没有这条转换规则：{message}",),
    "not_a_whole_step": ("须为 {step} 的整数倍，例如 {below} 或 {above}。", "须为步长的整数倍：{message}"),
    "below_least": ("至少 {least}，这里是 {requested}。", "低于最少数量。"),
    "above_most": ("最多 {most}，这里是 {requested}。", "超过最多数量。"),
    "fee_exceeds_points": ("手续费 {fee} 不低于所得 {gross}；请多转换一些。", "手续费超过所得。"),
    "gifts_not_allowed": ("积分账户 {wallet} 的积分不可转赠。", "该账户的积分不可转赠。"),
    "cooling_down": ("入会不久，{allowed_locally} 起才可以转赠。", "新会员冷却期未满。"),
    "no_bank": ("积分计划没有积分银行。",),
    "not_expiring_soon": (
        "只有 {window_days} 天内到期的积分可以储蓄，现有 {expiring}。",
        "只有即将过期的积分可以储蓄。",
    ),
    "insufficient_savings": ("储蓄积分不足：要 {requested}，只有 {saved}，还差 {missing}。", "储蓄积分不足。"),
    "offset_not_allowed": ("该订单不能用积分抵现。",),
    "offset_mismatch": ("积分与抵扣金额不符：{message}",),
    "offset_too_large": ("抵扣超过比例上限：{message}",),
    "hold_of_other_member": ("该预占属于另一位会员。",),
    # What waits for a second person
    "reason_code_needed": ("调整须写原因代码，可用：{known}。", "缺少原因代码。"),
    "unknown_reason_code": ("没有这个原因代码，可用：{known}。", "没有这个原因代码。"),
    "approval_needed": ("超过 {limit} 积分，须由第二人复核。", "须由第二人复核。"),
    "unknown_approval": ("没有这个编号的复核请求。",),
    "approval_decided": ("复核请求 {approval_id} 此前已处理（{state}）。", "该请求此前已处理。"),
    "approval_lapsed": ("复核请求 {approval_id} 等待过久，已失效；请重新申请。", "该请求已失效。"),
    "own_request": ("申请人不能复核自己的请求。",),
    # Imports
    "malformed_form": ("表单无法读取：{message}",),
    "import_too_large": ("文件过大；请拆分文件，或用 gzip 压缩。",),
    "import_file_unreadable": ("文件无法读取：{message}",),
    "invalid_mapping": ("列映射无效：{message}",),
    "too_many_uploads": ("等待导入的文件过多；请删除不需要的。",),
    "unknown_import": ("没有这个编号的导入。",),
    "import_not_checked": ("文件还没有用这份列映射检查过；请先检查。",),
    "import_running": ("已有导入正在进行；请等它结束，或停止它。",),
    "import_over": ("导入已结束，或文件已删除；请重新上传。",),
    "no_rejects": ("没有未导入行的文件：尚未检查，或已经删除。",),
    "uploads_unusable": ("无法保存上传的文件：{message}",),
    # Repetitions
    "key_conflict": ("该幂等键已用于其他内容；新命令请用新键，重试请原样重发。",),
    "order_conflict": ("该编号的订单已以不同内容入账；变动请以退款或更正发送。",),
    "correction_conflict": ("该编号的更正已以不同内容入账。",),
    "refund_conflict": ("该编号的退款已以不同内容入账。",),
    # The service
    "internal": ("jifen 自身出了问题，已记入日志。",),
    "no_program": (NO_PROGRAM,),
    "queue_full": ("等待的命令过多；请稍后以同一幂等键重发。",),
    "stopping": ("服务即将停止；请稍后以同一幂等键重发。",),
    "database_unavailable": ("无法连接数据库；请稍后以同一幂等键重发，只会执行一次。",),
}

ERRORS: Final[dict[str, tuple[str, ...]]] = {
    "invalid_role": ("{role} 不能作为角色：须为 a-z、0-9、_、-，1 至 40 个字符。", "角色无效。"),
    "address_not_usable": ("无法监听这个地址：{message}",),
    "backtest_failed": ("回测的一个进程提前结束；请查看上面的信息。",),
    "backup_damaged": ("备份已损坏：{message}",),
    "backup_failed": ("备份没有做成：{message}",),
    "backup_target_exists": ("备份的目标处已有内容：{message}",),
    "data_folder_in_use": (
        "数据目录正被进程 {pid} 使用；请停止它，或用 --data 指定其他目录。",
        "数据目录正被使用：{message}",
    ),
    "data_folder_incomplete": ("数据目录不完整：{message}",),
    "database_newer": (
        "数据库由更新版本的 jifen 升级过（结构版本 {found}）；请安装那个版本。",
        "数据库来自更新版本的 jifen。",
    ),
    "database_role_missing": ("数据库缺少应用角色，而所有者无权创建：{message}",),
    "database_unreachable": ("无法连接数据库：{message}",),
    "demo_refused": ("这里不能建立演示商店：{message}",),
    "report_not_written": ("无法写入报告：{message}",),
    "template_not_written": ("模板没有写成文件：{message}",),
    "unknown_template": ("没有这个模板：{message}",),
    "evaluation_failed": ("条件无法计算：{message}",),
    "disk_full": ("磁盘空间不足：{message}",),
    "embedded_server": ("内置的 PostgreSQL 无法运行：{message}",),
    "import_columns_missing": ("文件表头与映射不符：{message}",),
    "import_query_failed": ("查询未能执行：{message}",),
    "import_query_interrupted": ("查询的行没有读完整，一行也没有导入；请再运行一次同样的导入：{message}",),
    "import_interrupted": ("导入中途停止，已入账的保留；请再运行一次，会接着导入。",),
    "invalid_day": ("{option} 不是日期；请写成 2026-01-31。", "日期无效。"),
    "invalid_instant": ("{option} 不是可用的时间：{message}", "时间无效。"),
    "invalid_key_name": ("密钥名称须为 1 至 256 个字符，不含控制字符。",),
    "invalid_trial": ("不能用于试算：{message}",),
    "migration_failed": ("数据库结构升级失败，什么都没有改变：{message}",),
    "no_benchmarks": ("性能测试在源代码中，不在安装包中；请在源代码目录运行 `make bench`。",),
    "no_database": (
        "{data} 中没有数据库；请用 `jifen init` 或 `jifen serve` 新建，或用 --data 指定其他目录。",
        "没有数据库。",
    ),
    "no_database_url": ("没有设置 JIFEN_DATABASE_URL；`jifen serve` 会为工作进程设置它。",),
    "not_a_backup": ("不是可用的备份：{message}",),
    "not_a_data_folder": ("不是 jifen 的数据目录，未作任何改动：{message}",),
    "not_permitted": ("没有所需的权限：{message}",),
    "other_postgresql_version": (
        "数据来自 PostgreSQL {found}，本 jifen 带的是 {needed}：{message}",
        "PostgreSQL 版本不同：{message}",
    ),
    "port_in_use": ("端口 {port} 已被占用；请停止那个程序，或用 --port 另选。", "端口已被占用。"),
    "postgresql_binaries_missing": ("PostgreSQL 程序缺失或不能运行：{message}",),
    "postgresql_too_old": ("PostgreSQL 版本过低：{message}",),
    "program_file_unreadable": ("计划文件无法读取：{message}",),
    "rejects_file_unwritable": ("无法写入拒收文件：{message}",),
    "replication_not_permitted": ("数据库角色无权复制服务器；请授予 REPLICATION，或在服务器上做备份。",),
    "restore_failed": ("恢复失败，目录仍和之前一样是空的：{message}",),
    "restore_needs_folder": ("备份只能恢复到数据目录；请用 --data 指定目录，不要用 --url。",),
    "restore_target_not_empty": ("数据目录中已有数据库，未作任何改动；请用 --data 指定新目录。",),
    "server_did_not_start": ("PostgreSQL 没有启动：{message}",),
    "setting_invalid": ("设置无效：{message}",),
    "shards_fixed": ("分片数在建立数据库时选定：{message}",),
    "trial_file_unreadable": ("文件无法读取：{message}",),
    "unknown_key": ("没有 id 为 {id} 的有效密钥；`jifen keys list` 列出密钥。", "没有这个密钥。"),
}


def chinese_of(said: Refusal | JifenError) -> str:
    """What a refusal or error says in Chinese."""
    return in_chinese(said.code, said.message, said.details, said.message_zh)


def in_chinese(code: str, message: str, details: Mapping[str, object], message_zh: str | None = None) -> str:
    """The same by its parts. `message`: what it says in English; `message_zh`: that in Chinese, where it was said."""
    message = message if message_zh is None else message_zh
    for text in REFUSALS.get(code) or ERRORS.get(code) or ("{message}",):
        names = _NAMED.findall(text)
        if all(name == "message" or details.get(name) not in (None, []) for name in names):
            return filled_in(text, {**details, "message": message})
    return message


def filled_in(text: str, details: Mapping[str, object]) -> str:
    """A Chinese text with the values of a refusal or error in their places."""
    return text.format(**{name: _told(name, details[name]) for name in _NAMED.findall(text)})


def _told(name: str, value: object) -> str:
    if isinstance(value, int) and not _CALLED.search(name):
        return f"{value:,}"
    return _shown(value, _WORDS.get(name, _VALUES))


def _shown(value: object, words: Mapping[str, str]) -> str:
    if isinstance(value, dict):
        value = value.get("zh", value)
    if isinstance(value, list | tuple | set | frozenset):
        return "、".join(_shown(each, words) for each in value)
    if isinstance(value, datetime):
        return value.isoformat()
    return words.get(value, value) if isinstance(value, str) else str(value)
