"""The words for what a program says: its fields, the values that they can have, and structures of these."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from jifen.core.counted import counted
from jifen.core.wording.failures import PARTS
from jifen.core.wording.values import Said, money_said

FIELDS: Final[dict[str, tuple[str, str]]] = {
    **PARTS,
    "name": ("名称", "name"),
    "ratio": ("比例", "ratio"),
    "fixed": ("固定积分", "fixed points"),
    "steps": ("阶梯", "steps"),
    "progressive": ("累进", "progressive rates"),
    "coefficient": ("系数", "coefficient"),
    "basis": ("计算范围", "basis"),
    "rounding": ("取整", "rounding"),
    "pending_days": ("待生效天数", "pending days"),
    "expiry": ("有效期", "expiry"),
    "event": ("触发事件", "event"),
    "window": ("时间窗口", "window"),
    "group": ("规则组", "group"),
    "priority": ("优先级", "priority"),
    "caps": ("上限", "caps"),
    "campaign": ("活动", "campaign"),
    "wallet": ("积分账户", "wallet"),
    "budgets": ("预算", "budgets"),
    "value": ("价值", "value"),
    "pick": ("取法", "way of picking"),
    "schema": ("数据格式", "schema"),
    "type": ("类型", "type"),
    "currency": ("币种", "currency"),
    "time_zone": ("时区", "time zone"),
    "phone_region": ("电话号码的国家", "country of phone numbers"),
    "register_unknown_members": ("自动注册", "registration of unknown members"),
    "refunds": ("退款政策", "refund policy"),
    "returns": ("退回政策", "return policy"),
    "holds": ("预占政策", "hold policy"),
    "coefficients": ("系数合并方式", "combination of coefficients"),
    "catalog": ("目录", "catalog"),
    "alarms": ("预警", "alarms"),
    "members": ("会员政策", "policy on members"),
    "choices": ("可选值", "choices"),
    "required": ("必填", "requirement"),
    "period": ("定级周期", "period"),
    "order": ("等级顺序", "order of tiers"),
    "qualify": ("定级条件", "condition"),
    "keep": ("保级条件", "condition for keeping it"),
    "by": ("获得方式", "way to get it"),
    "valid_months": ("有效月数", "months of validity"),
    "benefits": ("权益", "benefits"),
    "downgrade": ("降级方式", "way of falling"),
    "tiers": ("等级", "tiers"),
    "prizes": ("奖项", "prizes"),
    "otherwise": ("替代奖项", "prize given otherwise"),
    "price": ("价格", "price"),
    "ticket": ("抽奖券", "ticket"),
    "pity": ("保底", "pity rule"),
    "limits": ("次数上限", "limits"),
    "budget_cents": ("预算", "budget"),
    "daily_budget_cents": ("每日预算", "budget of a day"),
    "for": PARTS["audience"],
    "retired": ("下架", "retirement"),
    "most_reward_percent": ("最高回馈率", "highest reward rate"),
    "points": ("积分", "points"),
    "per_cents": ("每多少分", "cents for which"),
    "from_cents": ("起始金额", "amount from which it holds"),
    "rates": ("各档", "rates"),
    "kind": ("种类", "kind"),
    "times": ("倍数", "multiplier"),
    "of": ("作用的规则", "rules that it multiplies"),
    "per": ("按", "what it is for"),
    "from": ("开始", "start"),
    "to": ("结束", "end"),
    "weekdays": ("星期", "weekdays"),
    "hours": ("时段", "hours"),
    "days_of_month": ("每月日子", "days of the month"),
    "yearly": ("每年日子", "days of the year"),
    "limit": ("限制对象", "what is limited"),
    "most": ("最多", "most"),
    "policy": ("方式", "policy"),
    "months": ("月数", "months"),
    "until": ("截至", "until"),
    "month": ("月", "month"),
    "day": ("日", "day"),
    "extra_years": ("顺延年数", "extra years"),
    "spent_points": ("已用积分", "points that were spent"),
    "expired_lots": ("已过期批次", "lots that expired"),
    "grace_days": ("宽限天数", "days of grace"),
    "minutes": ("分钟数", "minutes"),
    "frozen": ("冻结会员", "frozen members"),
    "closed_points": ("注销时的积分", "points of closed members"),
    "dormant_days": ("沉睡天数", "days until dormant"),
    "most_in_household": ("家庭人数上限", "most members of a household"),
    "daily_from_household": ("每日家庭用量", "daily limit from the household"),
    "skus": ("商品", "SKUs"),
    "categories": ("类目", "categories"),
    "brands": ("品牌", "brands"),
    "channels": ("渠道", "channels"),
    "stores": ("门店", "stores"),
    "tags": ("标签", "tags"),
    "segments": ("分群", "segments"),
    "issuance": ("发放预警", "alarms of issue"),
    "budget_percent": ("预算预警比例", "share of budgets at which it rings"),
    "most_points": ("最多积分", "most points"),
    "most_percent": ("最高比例", "highest share"),
    "least_percent": ("最低比例", "lowest share"),
    "usual_periods": ("参照周期数", "periods compared with"),
    "review": ("复核时间", "time of review"),
    "birthday_coefficient": ("生日系数", "coefficient on birthdays"),
    "discount_percent": ("折扣", "discount"),
    "early_access_hours": ("提前小时数", "hours of early access"),
    "badge": ("徽章", "badge"),
    "title": ("头衔", "title"),
    "own_contact": ("专属客服", "own contact"),
    "opened_rewards": ("开放的兑换品", "rewards that it opens"),
    "prices": ("价格", "prices"),
    "cash_cents": ("现金", "cash"),
    "description": ("说明", "description"),
    "pictures": ("图片", "pictures"),
    "category": ("类目", "category"),
    "hidden": ("隐藏", "hiding"),
    "captcha": ("人机验证", "captcha"),
    "stock": ("库存", "stock"),
    "coupon": ("优惠券", "coupon"),
    "add_on": ("换购", "add-on"),
    "approval": ("审批流", "approval flow"),
    "fulfilment": ("履约方式", "way of delivery"),
    "payment_minutes": ("付款时限（分钟）", "minutes for payment"),
    "face": ("面值种类", "kind of face value"),
    "cents": ("金额", "amount"),
    "percent": ("百分比", "percentage"),
    "valid_days": ("有效天数", "days of validity"),
    "is_partly_usable": ("可分次使用", "use in parts"),
    "roles": ("角色", "roles"),
    "needs": ("需要", "what is needed"),
    "on_timeout": ("超时处理", "what happens in the end"),
    "delegations": ("委托", "delegations"),
    "role": ("角色", "role"),
    "weight": ("权重", "weight"),
    "reward": ("兑换品", "reward"),
    "cost_cents": ("成本", "cost"),
    "daily": ("每日数量", "number a day"),
    "per_member": ("每人数量", "number for each member"),
    "after": ("次数", "after how many"),
    "prize": ("奖项", "prize"),
    "source": ("转出账户", "source"),
    "target": ("转入账户", "target"),
    "give": ("付出", "points given"),
    "get": ("得到", "points got"),
    "step": ("步长", "step"),
    "least": ("最少", "least"),
    "fee_percent": ("手续费比例", "fee in percent"),
    "fee_points": ("手续费", "fee in points"),
    "fee_rounding": ("手续费取整", "rounding of the fee"),
    "receiver_limits": ("接收上限", "limits of receivers"),
    "cooling_days": ("冷却天数", "cooling days"),
    "receiver_cooling_days": ("接收冷却天数", "cooling days of receivers"),
    "wallets": ("积分账户", "wallets"),
    "share_percent": ("比例", "share"),
    "window_days": ("到期前天数", "days before they expire"),
    "limit_points": ("复核额度", "limit for review"),
    "reasons": ("原因", "reasons"),
    "lapse_days": ("失效天数", "days until it lapses"),
    "step_points": ("步长", "step"),
    "least_points": ("最少积分", "least points"),
    "gifts": ("转赠", "gifts"),
    "bank": ("积分银行", "points bank"),
    "adjustments": ("调整", "adjustments"),
    "offset": ("积分抵现", "paying with points"),
}

#: Values that are words of the program file.
VALUES: Final[dict[str, Said]] = {
    "goods": ("实物", "goods"),
    "coupon": ("券", "coupon"),
    "service": ("服务", "service"),
    "virtual": ("虚拟权益", "virtual right"),
    "lottery_ticket": ("抽奖券", "lottery ticket"),
    "donation": ("公益捐赠", "donation"),
    "add_on": ("换购", "add-on"),
    "order": ("整单", "order"),
    "line": ("每行", "line"),
    "event": ("每次", "event"),
    "unit": ("每件", "unit"),
    "floor": ("向下取整", "down"),
    "ceil": ("向上取整", "up"),
    "half_up": ("四舍五入", "half up"),
    "half_even": ("银行家舍入", "half to even"),
    "sum": ("全部相加", "all"),
    "best": ("取最高", "the best"),
    "first": ("取优先级最高", "the first"),
    "product": ("相乘", "product"),
    "sum_of_extras": ("多出部分相加", "sum of extras"),
    "whole": ("整额按档", "whole"),
    "marginal": ("分段计算", "marginal"),
    "debt": ("记为欠分", "debt"),
    "forgive": ("免除", "forgive"),
    "refuse": ("拒绝", "refuse"),
    "never": ("永不", "never"),
    "rolling": ("滚动", "rolling"),
    "yearly": ("每年", "yearly"),
    "expire": ("过期", "expire"),
    "grace": ("宽限", "grace"),
    "new_lot": ("新批次", "a new lot"),
    "month_end": ("月末", "the end of the month"),
    "spendable": ("可用", "spendable"),
    "qualifying": ("只定级", "qualifying"),
    "mon": ("周一", "Monday"),
    "tue": ("周二", "Tuesday"),
    "wed": ("周三", "Wednesday"),
    "thu": ("周四", "Thursday"),
    "fri": ("周五", "Friday"),
    "sat": ("周六", "Saturday"),
    "sun": ("周日", "Sunday"),
    "day": ("每天", "day"),
    "week": ("每周", "week"),
    "month": ("每月", "month"),
    "year": ("每年", "year"),
    "campaign": ("活动期间", "campaign"),
    "lifetime": ("终身", "lifetime"),
    "member": ("每位会员", "each member"),
    "program": ("全部会员", "all members"),
    "calendar_year": ("自然年", "calendar year"),
    "rolling_months": ("滚动月数", "rolling months"),
    "to_earned": ("降到应得等级", "to the tier earned"),
    "one_step": ("降一级", "one step"),
    "period_end": ("周期末", "end of the period"),
    "monthly": ("每月", "monthly"),
    "earned": ("达标获得", "earned"),
    "earn": ("继续获得", "go on earning"),
    "forfeit": ("没收", "forfeit"),
    "keep": ("保留", "keep"),
    "easy": ("容易", "easy"),
    "normal": ("中等", "normal"),
    "hard": ("困难", "hard"),
    "manual": ("人工授予", "given by hand"),
    "invited": ("邀请授予", "given by invitation"),
    "paid": ("付费获得", "paid for"),
    "none": ("无", "none"),
    "counted": ("计数", "counted"),
    "codes": ("自有券码池", "own codes"),
    "fixed": ("固定金额", "a fixed amount"),
    "percent": ("百分比", "a percentage"),
    "voucher": ("兑换券", "voucher"),
    "shipping": ("配送", "shipping"),
    "booking": ("预约", "booking"),
    "digital": ("数字内容", "digital"),
    "any": ("任一角色", "any of the roles"),
    "all": ("所有角色", "all of the roles"),
    "approve": ("通过", "approval"),
}
#: What a word means of one field alone.
_OWN_VALUES: Final[dict[tuple[str, str], Said]] = {
    ("until", "day"): ("当天", "the day"),
    ("stock", "none"): ("不限", "unlimited"),
}
#: The fields whose values are such words; texts of others are shown as they are.
_OF_WORDS: Final = frozenset(
    [
        *(
            "basis",
            "rounding",
            "fee_rounding",
            "pick",
            "coefficients",
            "kind",
            "spent_points",
            "policy",
            "expired_lots",
        ),
        *("until", "weekdays", "period", "per", "limit", "review", "by", "frozen", "closed_points", "captcha"),
        *("stock", "face", "fulfilment", "needs", "on_timeout"),
    ]
)
_UNITS: Final[dict[str, Said]] = {
    "points": (" 积分", " points"),
    "count": (" 次", " times"),
}
#: The fields whose values are conditions.
CONDITIONS: Final = frozenset(["when", "audience", "lines", "for", "qualify", "keep"])


def field_in_words(field: str) -> Said:
    """The name of a field, else the field itself."""
    return FIELDS.get(field, (field, field))


def is_whole(value: dict[str, Any]) -> bool:
    """Whether a structure is told as a whole, because its parts say little alone: names, rates, caps."""
    return value.keys() in ({"zh", "en"}, {"limit", "most", "per", "period"}) or "per_cents" in value


class ProgramWords:
    """Says values of a program: amounts in its currency, and what its conditions ask for. `conditions` finds that by
    their text; it is asked once a condition is to be told, as it takes time to work out."""

    def __init__(self, currency: str, conditions: Callable[[], Mapping[str, Said]]) -> None:
        self._currency = currency
        self._conditions = cache(conditions)

    def value(self, field: str, value: Any) -> Said:
        """A value of a field, whole. Structures are told part by part, names in the language of the reader."""
        if isinstance(value, dict):
            return self.structure(value)
        if isinstance(value, list):
            parts = [self.value(field, each) for each in value]
            between = ("；", "; ") if any(isinstance(each, dict) for each in value) else ("、", ", ")
            return (between[0].join(zh for zh, _ in parts) or "无", between[1].join(en for _, en in parts) or "none")
        if isinstance(value, bool):
            return ("是", "yes") if value else ("否", "no")
        if isinstance(value, str):
            return self._text(field, value)
        if field.endswith("cents") and isinstance(value, int):
            return self._money(value)
        return ("无", "none") if value is None else (str(value), str(value))

    def structure(self, value: dict[str, Any]) -> Said:
        """A structure part by part; some have words of their own."""
        match value:
            case {"zh": str(zh), "en": str(en)}:
                return f"「{zh}」", f"“{en}”"
            case {"points": points, "per_cents": per}:
                amount, since = self._money(per), value.get("from_cents")
                zh, en = f"每 {amount[0]}得 {points} 积分", f"{counted(points, 'points')} per {amount[1]}"
                if since is None:
                    return zh, en
                least = self._money(since)
                return f"{least[0]}起{zh}", f"from {least[1]} {en}"
            case {"limit": limit, "most": most, "per": per, "period": period} if limit in (*_UNITS, "cost_cents"):
                who, when = VALUES[per], VALUES[period]
                amount = self._limited(limit, most)
                return f"{who[0]}{when[0]}最多 {amount[0]}", f"at most {amount[1]} for {who[1]} per {when[1]}"
        parts = [(field_in_words(field), self.value(field, each)) for field, each in value.items()]
        zh = "，".join(f"{name[0]} {said[0]}" for name, said in parts)
        return zh, ", ".join(f"{name[1]} {said[1]}" for name, said in parts)

    def _text(self, field: str, value: str) -> Said:
        if field in CONDITIONS and (said := self._conditions().get(value)):
            zh, en = said
            return f"{zh}（{value}）", f"{en} ({value})"
        if field not in _OF_WORDS:
            return value, value
        return _OWN_VALUES.get((field, value)) or VALUES.get(value, (value, value))

    def _limited(self, limit: str, most: int) -> Said:
        if limit == "cost_cents":
            zh, en = self._money(most)
            return f"{zh}成本", f"a cost of {en}"
        unit = _UNITS[limit]
        return f"{most:,}{unit[0]}", f"{most:,}{unit[1]}"

    def _money(self, cents: int) -> Said:
        return money_said(cents, self._currency)
