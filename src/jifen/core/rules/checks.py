"""What of the rules of a program file makes no sense in itself, told with the field's path.

Whether conditions are well typed is found when they are compiled (`book`), and whether rules do what their author
wants is proven separately: these checks are about single fields and the names they use.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from jifen.core.calendar import Expiry, RollingExpiry, YearlyExpiry
from jifen.core.limits import MAXIMUM_AMOUNT
from jifen.core.rules.caps import open_caps
from jifen.core.rules.document import (
    ORDER_COMPLETED,
    Campaign,
    Cap,
    Catalog,
    Coefficient,
    EarningRule,
    EventType,
    Fixed,
    Group,
    MemberField,
    Step,
)
from jifen.core.rules.facts import BUILT_IN_EVENTS
from jifen.core.rules.faults import check_ids, check_number, check_range, check_text, invalid, unknown

MAXIMUM_RULES = 2_000
MAXIMUM_CAPS = 8
MAXIMUM_STEPS = 50
MAXIMUM_LISTED = 100_000
MAXIMUM_CHOICES = 500
_EVENT_TYPE = re.compile(r"[a-z][a-z0-9_]{0,39}(\.[a-z][a-z0-9_]{0,39}){1,3}")
_PROPERTY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
#: Words that CEL keeps for itself.
_CEL_WORDS = frozenset(
    [
        "as",
        "break",
        "const",
        "continue",
        "else",
        "false",
        "for",
        "function",
        "if",
        "import",
        "in",
        "let",
        "loop",
        "namespace",
        "null",
        "package",
        "return",
        "true",
        "var",
        "void",
        "while",
    ]
)
#: Types of events that are no occasion to earn.
_RESERVED = (ORDER_COMPLETED, "order.refunded", "order.corrected", *BUILT_IN_EVENTS)


def check_rules(
    rules: Sequence[EarningRule], wallets: set[str], campaigns: Sequence[Campaign], groups: Sequence[Group]
) -> None:
    """Raise InvalidProgram for the first field of a rule that makes no sense."""
    check_number("$.earning", rules, MAXIMUM_RULES, least=1)
    check_ids("$.earning", [rule.id for rule in rules])
    by_id = {rule.id: rule for rule in rules}
    for index, rule in enumerate(rules):
        path = f"$.earning[{index}]"
        if rule.wallet not in wallets:
            raise unknown(f"{path}.wallet", rule.wallet, wallets, "积分账户", "wallets")
        _check_named(f"{path}.campaign", rule.campaign, [each.id for each in campaigns], "活动", "campaigns")
        _check_named(f"{path}.group", rule.group, [each.id for each in groups], "规则组", "groups")
        if rule.name is not None:
            check_text(f"{path}.name", rule.name)
        check_range(f"{path}.priority", rule.priority, -(10**6), 10**6)
        _check_award(path, rule, by_id)
        check_expiry(path, rule.expiry, rule.pending_days)
        check_caps(f"{path}.caps", rule.caps)
        if rule.coefficient is not None and any(each.budgets for each in campaigns if each.id == rule.campaign):
            raise invalid(
                f"{path}.campaign",
                "has budgets, which a coefficient does not draw on; give the extra points by a rule with a ratio",
                "有预算，而倍数不占用预算；请用带 ratio 的规则给出多送的积分",
            )
        if rule.campaign is None and any(cap.period == "campaign" for cap in rule.caps):
            raise invalid(
                f"{path}.caps", "counts by campaign, but the rule belongs to none", "按活动计数，但规则不属于任何活动"
            )


def _check_named(path: str, name: str | None, known: Sequence[str], what_zh: str, what_en: str) -> None:
    if name is not None and name not in known:
        raise unknown(path, name, known, what_zh, what_en)


def _check_award(path: str, rule: EarningRule, by_id: dict[str, EarningRule]) -> None:
    awards = rule.awards
    if len(awards) != 1:
        en, zh = ", ".join(awards) or "none", "、".join(awards) or "一个也没有"
        raise invalid(
            path,
            f"must have one of ratio, fixed, steps, progressive, coefficient and formula, not {en}",
            f"须恰好写 ratio、fixed、steps、progressive、coefficient、formula 之一，这里是：{zh}",
        )
    is_order = rule.event == ORDER_COMPLETED
    if not is_order and (awards[0] in ("ratio", "steps", "progressive") or rule.basis == "line"):
        raise invalid(
            path,
            f"rates money, but {rule.event} has none; give fixed points or a formula",
            f"按金额计算，但 {rule.event} 没有金额；请写固定积分或公式",
        )
    if rule.ratio is not None:
        check_range(f"{path}.ratio.points", rule.ratio.points, 0, 10**9)
        check_range(f"{path}.ratio.per_cents", rule.ratio.per_cents, 1, MAXIMUM_AMOUNT)
    if rule.fixed is not None:
        fixed = Fixed(rule.fixed) if isinstance(rule.fixed, int) else rule.fixed
        check_range(f"{path}.fixed", fixed.points, 0, 10**9)
        if not is_order and fixed.per != "event":
            raise invalid(
                f"{path}.fixed.per",
                f"is {fixed.per}, but {rule.event} has no lines",
                f"是 {fixed.per}，但 {rule.event} 没有商品行",
            )
    if rule.steps is not None:
        _check_steps(f"{path}.steps.rates", rule.steps.rates)
    if rule.progressive is not None:
        _check_steps(f"{path}.progressive.rates", rule.progressive.rates)
    if rule.formula is not None and (rule.basis == "line" or rule.lines is not None):
        raise invalid(
            f"{path}.formula",
            "is worked out for the event as a whole: leave out lines and basis",
            "针对整个事件计算：请去掉 lines 和 basis",
        )
    if rule.coefficient is not None:
        _check_coefficient(path, rule, rule.coefficient, by_id)


def _check_steps(path: str, rates: Sequence[Step]) -> None:
    check_number(path, rates, MAXIMUM_STEPS, least=1)
    for index, step in enumerate(rates):
        check_range(f"{path}[{index}].from_cents", step.from_cents, 0, MAXIMUM_AMOUNT)
        check_range(f"{path}[{index}].points", step.points, 0, 10**6)
        check_range(f"{path}[{index}].per_cents", step.per_cents, 1, 10**9)
        if index and step.from_cents <= rates[index - 1].from_cents:
            raise invalid(f"{path}[{index}].from_cents", "must be above that of the step before it", "须大于前一档")


def _check_coefficient(path: str, rule: EarningRule, coefficient: Coefficient, by_id: dict[str, EarningRule]) -> None:
    times = coefficient.times
    if not times.is_finite() or not 0 <= times <= 1000 or times != round(times, 6):
        raise invalid(
            f"{path}.coefficient.times",
            f"is {times}; write 0 to 1000 with at most six decimals",
            f"是 {times}；须为 0 至 1000，最多六位小数",
        )
    if rule.caps:
        raise invalid(
            f"{path}.caps",
            "are on a coefficient, which gives nothing itself; cap the rules it multiplies",
            "写在倍数上，而倍数本身不给积分；请给它作用的规则设上限",
        )
    for index, named in enumerate(coefficient.of):
        base = by_id.get(named)
        place = f"{path}.coefficient.of[{index}]"
        if base is None:
            raise unknown(place, named, by_id, "规则", "rules")
        if base.coefficient is not None:
            raise invalid(
                place,
                f"is {named!r}, a coefficient itself: rules cannot multiply each other in a circle",
                f"是 {named!r}，它本身是倍数：规则不能循环相乘",
            )
        if base.event != rule.event or base.wallet != rule.wallet:
            raise invalid(
                place,
                f"is {named!r}, which waits for another event or fills another wallet",
                f"是 {named!r}，它等待另一种事件，或计入另一个积分账户",
            )


def check_expiry(path: str, expiry: Expiry, pending_days: int) -> None:
    """Raise InvalidProgram for an expiry (`expiry` below the path) that makes no sense, or comes too early."""
    check_range(f"{path}.pending_days", pending_days, 0, 3660)
    if isinstance(expiry, RollingExpiry):
        check_range(f"{path}.expiry.months", expiry.months, 1, 1200)
        # The shortest months there are: points must be spendable before they expire.
        check_range(f"{path}.pending_days", pending_days, 0, 28 * expiry.months - 1)
    if isinstance(expiry, YearlyExpiry):
        check_range(f"{path}.expiry.month", expiry.month, 1, 12)
        check_range(f"{path}.expiry.extra_years", expiry.extra_years, 0, 100)
        longest = 29 if expiry.month == 2 else 30 if expiry.month in (4, 6, 9, 11) else 31
        check_range(f"{path}.expiry.day", expiry.day, 1, longest)


def check_caps(path: str, caps: Sequence[Cap]) -> None:
    """Raise InvalidProgram for a cap that makes no sense, or stands twice."""
    check_number(path, caps, MAXIMUM_CAPS)
    keys = [each.key for each in open_caps("", caps)]
    for index, cap in enumerate(caps):
        check_range(f"{path}[{index}].most", cap.most, 0, MAXIMUM_AMOUNT)
        if keys.index(keys[index]) != index:
            raise invalid(f"{path}[{index}]", "limits the same a second time", "与前面的上限限制相同")


def check_campaigns(campaigns: Sequence[Campaign]) -> None:
    """Raise InvalidProgram for a campaign that makes no sense in itself."""
    check_ids("$.campaigns", [each.id for each in campaigns])
    for index, campaign in enumerate(campaigns):
        check_text(f"$.campaigns[{index}].name", campaign.name)
        check_caps(f"$.campaigns[{index}].budgets", campaign.budgets)


def check_declared(fields: Sequence[MemberField], events: Sequence[EventType], catalog: Catalog) -> None:
    """Raise InvalidProgram for what the operator declares wrongly: fields, types of events, the catalog."""
    check_ids("$.fields", [each.id for each in fields])
    for index, field in enumerate(fields):
        _check_field(f"$.fields[{index}]", field)
    seen: set[str] = set()
    for index, event in enumerate(events):
        path = f"$.events[{index}].type"
        if not _EVENT_TYPE.fullmatch(event.type):
            raise invalid(
                path,
                f"is {event.type!r}; write words with dots between, such as visit.recorded",
                f"是 {event.type!r}；请写用点分隔的英文单词，例如 visit.recorded",
            )
        if event.type in _RESERVED or event.type in seen:
            raise invalid(path, f"is {event.type!r}, which is taken", f"是 {event.type!r}，它已被使用")
        seen.add(event.type)
        _check_schema(f"$.events[{index}].schema", event.schema)
        if event.name is not None:
            check_text(f"$.events[{index}].name", event.name)
    check_ids("$.catalog.tiers", [each.id for each in catalog.tiers])
    for name in ("skus", "categories", "brands", "channels", "stores", "tags", "segments"):
        listed: list[str] = getattr(catalog, name)
        check_number(f"$.catalog.{name}", listed, MAXIMUM_LISTED)


_KINDS = {"bool": bool, "int": int, "string": str}


def _check_field(path: str, field: MemberField) -> None:
    if field.name is not None:
        check_text(f"{path}.name", field.name)
    check_number(f"{path}.choices", field.choices, MAXIMUM_CHOICES)
    values = [choice.value for choice in field.choices]
    for index, choice in enumerate(field.choices):
        place = f"{path}.choices[{index}]"
        if type(choice.value) is not _KINDS[field.type]:
            raise invalid(
                f"{place}.value",
                f"is {choice.value!r}; {field.id} is of type {field.type}",
                f"是 {choice.value!r}；{field.id} 的类型是 {field.type}",
            )
        if values.index(choice.value) != index:
            raise invalid(
                f"{place}.value",
                f"is {choice.value!r}, which stands there before",
                f"是 {choice.value!r}，前面已经有了",
            )
        if choice.name is not None:
            check_text(f"{place}.name", choice.name)


def _check_schema(path: str, schema: dict[str, Any]) -> None:
    """The part of a JSON Schema that conditions read; whether it is one as a whole is found where files are read."""
    properties = schema.get("properties", {})
    if not isinstance(properties, dict):
        raise invalid(f"{path}.properties", "must be an object of properties by name", "须为按名称列出属性的对象")
    for name in properties:
        if not _PROPERTY.fullmatch(name) or name in _CEL_WORDS:
            raise invalid(
                f"{path}.properties",
                f"has {name!r}; conditions can read names of letters, digits and _",
                f"中有 {name!r}；条件只能读取由字母、数字和 _ 组成的名称",
            )


def check_percent(path: str, percent: Decimal) -> None:
    """Raise InvalidProgram for a share that no one can mean."""
    if not percent.is_finite() or not 0 < percent <= 1000 or percent != round(percent, 4):
        raise invalid(
            path,
            f"is {percent}; write a percentage above 0, with at most four decimals",
            f"是 {percent}；须为大于 0 的百分比，最多四位小数",
        )
