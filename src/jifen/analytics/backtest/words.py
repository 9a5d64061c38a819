"""Words of the report's page in Chinese and English, by the names that the data has."""

from __future__ import annotations

from typing import Final

Words = dict[str, tuple[str, str]]

KINDS: Final[Words] = {
    "earn": ("获取", "earn"),
    "spend": ("消耗", "spend"),
    "hold": ("预占", "hold"),
    "capture": ("核销", "capture"),
    "release": ("释放", "release"),
    "reverse": ("冲正", "reverse"),
    "correct": ("更正", "correct"),
    "adjust": ("调整", "adjust"),
    "transfer": ("转赠", "transfer"),
    "redeem": ("兑换", "redeem"),
    "step": ("兑换进展", "step of a redemption"),
    "merge": ("会员合并", "merge of members"),
}
LIMITS: Final[Words] = {
    "points": ("积分", "points"),
    "count": ("次数", "count"),
    "cost_cents": ("成本（分）", "cost (cents)"),
}
PERIODS: Final[Words] = {
    "event": ("每次事件", "an event"),
    "day": ("每日", "a day"),
    "week": ("每周", "a week"),
    "month": ("每月", "a month"),
    "year": ("每年", "a year"),
    "campaign": ("整个活动", "a campaign"),
    "lifetime": ("终身", "for ever"),
}
OWNERS: Final[Words] = {
    "member": ("每会员", "a member"),
    "program": ("全体", "all members"),
    "rule": ("规则", "rule"),
    "campaign": ("活动", "campaign"),
    "whole-program": ("整个计划", "the program"),
}
REFUSALS: Final[Words] = {
    "insufficient_points": ("积分不足", "not enough points"),
    "follows_refused": ("所依据的流水已被拒绝", "what it refers to was refused"),
    "points_already_spent": ("积分已被使用", "points were spent already"),
    "hold_closed": ("预占已结束", "hold is closed"),
    "hold_exceeded": ("超过预占数量", "more than is held"),
    "already_refunded": ("订单已全部退款", "already refunded"),
    "already_reversed": ("已冲正", "already reversed"),
    "instant_in_past": ("时间已过去", "instant in the past"),
    "balance_too_large": ("余额超过上限", "balance too large"),
    "amount_too_large": ("数额过大", "amount too large"),
}
CHECKS: Final[Words] = {
    "issued": ("发放", "issued"),
    "taken_back": ("退款收回", "taken back"),
    "spent_and_adjusted": ("消耗与调整", "spent and adjusted"),
}
