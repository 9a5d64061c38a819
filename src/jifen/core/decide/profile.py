"""What is said of a member: checked against what the program knows of tiers and fields."""

from __future__ import annotations

from datetime import date
from typing import Final

from jifen.core.integers import is_integer, no_integer
from jifen.core.members.birthday import check_birthday, check_day, no_such_day, read_day
from jifen.core.program import Program
from jifen.core.refusal import Refusal
from jifen.core.rules.standing import Profile

_KINDS: Final = {"bool": bool, "string": str}


def check_said(program: Program, profile: Profile, today: date) -> Refusal | None:
    """Refuse what nobody may say of a member: what rules could not read, a birthday that nobody has, and a tier where
    the program works it out."""
    if profile.tier and program.tier_sets:
        message = "The program works tiers out itself; to give one, call POST /v1/members/{member_id}/tier."
        return Refusal("tier_not_settable", message, "/tier")
    refusal = None if profile.birthday is None else check_birthday(profile.birthday, today)
    return refusal or check_profile(program, profile)


def check_profile(program: Program, profile: Profile) -> Refusal | None:
    """Refuse a profile that rules could not read: an unknown tier or field, a day that does not exist."""
    tiers = [tier.id for tier in program.tiers]
    if profile.tier and tiers and profile.tier not in tiers:
        message = f"There is no tier {profile.tier!r}; known are {', '.join(tiers)}."
        return Refusal("unknown_tier", message, "/tier", message_zh=f"{profile.tier!r}；有 {'、'.join(tiers)}。")
    if profile.birthday is not None and (refusal := check_day(profile.birthday)):
        return refusal
    begin = profile.birthday_window_from
    if begin is not None and len(begin) == 10 and read_day(begin) is None:
        return no_such_day(begin, "/birthday_window_from")
    if begin is not None and len(begin) != 10:
        message, zh = "Write the day as YYYY-MM-DD.", "日期请写成 YYYY-MM-DD。"
        return Refusal("invalid_field", message, "/birthday_window_from", message_zh=zh)
    fields = program.fields
    for name, value in profile.fields.items():
        if name not in fields:
            message = f"Members have no field {name!r}; known are {', '.join(fields) or 'none'}."
            zh = f"{name!r}；会员的字段：{'、'.join(fields) or '无'}。"
            return Refusal("unknown_field", message, f"/fields/{name}", message_zh=zh)
        kind = fields[name].type
        if kind == "int":
            if not is_integer(value):
                return no_integer(name, f"/fields/{name}")
        elif type(value) is not _KINDS[kind]:
            message, zh = f"{name} must be of type {kind}.", f"{name} 的类型须为 {kind}。"
            return Refusal("invalid_field", message, f"/fields/{name}", message_zh=zh)
    return None
