"""Identities that find a member, and the hash that says in which shard something lives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Final

import msgspec

from jifen.core.limits import MAXIMUM_TEXT
from jifen.core.refusal import Refusal
from jifen.core.text import unfit_text

IDENTITY_KINDS = ("phone", "email", "openid", "unionid", "card", "external")
_PHONE_PUNCTUATION = re.compile(r"[\s().\-]")
_PHONE = re.compile(r"\+?[0-9]{3,20}")
_CHINA: Final = "CN"
#: A mobile number in China, with or without the country's code.
_CHINESE_MOBILE: Final = re.compile(r"(?:\+86|0086|86)?(1[3-9][0-9]{9})")
_NO_DIGIT: Final = re.compile("[^0-9]")


class Identity(msgspec.Struct, frozen=True, gc=False):
    """A key that finds a member: a kind and a value in the one spelling that is stored and compared."""

    kind: str
    value: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"

    @classmethod
    def of(cls, text: str) -> Identity:
        """The identity that `str` has made this text of."""
        kind, _, value = text.partition(":")
        return cls(kind, value)


#: A member as a command names it: by number, or by an identity that the engine looks up.
MemberReference = int | Identity


def parse_identity(text: str, pointer: str | None = None) -> Identity | Refusal:
    """Read `kind:value`, bringing the value into its one spelling (phone digits, e-mail in lower case)."""
    kind, colon, value = text.partition(":")
    value = value.strip()
    if not colon or kind not in IDENTITY_KINDS:
        message = f"Write an identity as kind:value with one of the kinds {', '.join(IDENTITY_KINDS)}."
        zh = f"请写成 种类:值，种类有 {'、'.join(IDENTITY_KINDS)}。"
        return Refusal("invalid_identity", message, pointer, message_zh=zh)
    if not value or len(value) > MAXIMUM_TEXT or unfit_text(value):
        return Refusal(
            "invalid_identity",
            f"The value of an identity has 1 to {MAXIMUM_TEXT} characters, without control characters.",
            pointer,
            message_zh=f"值须为 1 至 {MAXIMUM_TEXT} 个字符，不含控制字符。",
        )
    if kind == "email":
        value = value.lower()
        if value.count("@") != 1 or value.startswith("@") or value.endswith("@"):
            message = "An e-mail address has one @ with something on both sides."
            return Refusal("invalid_identity", message, pointer, message_zh="邮箱须含一个 @，两边都有内容。")
    elif kind == "phone":
        value = _PHONE_PUNCTUATION.sub("", value)
        if not _PHONE.fullmatch(value):
            message = "A phone number has 3 to 20 digits, with + in front if need be."
            return Refusal("invalid_identity", message, pointer, message_zh="电话号码为 3 至 20 位数字，前面可有 +。")
    return Identity(kind, value)


def in_full(identity: Identity, region: str | None) -> Identity:
    """The identity in the spelling in which it is stored from now on: a phone number of a program with a region as
    E.164 has it, with the country's code. What no numbering plan knows (short or invented numbers) stays as it is."""
    if region is None or identity.kind != "phone":
        return identity
    value = _number_in_full(identity.value, region)
    return identity if value == identity.value else Identity("phone", value)


def spellings(identity: Identity, region: str | None) -> tuple[Identity, ...]:
    """The spellings under which an identity may be stored, in the order in which they count: as it was given, in full,
    and those in which it may have come before the program had a region."""
    if region is None or identity.kind != "phone":
        return (identity,)
    return tuple(Identity("phone", value) for value in _number_spellings(identity.value, region))


def find_spelled(identity: Identity, stored: Mapping[Identity, int], region: str | None) -> int | None:
    """Whom an identity finds among those that are stored."""
    as_given = stored.get(identity)
    if as_given is not None or region is None:
        return as_given
    return next((stored[spelled] for spelled in spellings(identity, region) if spelled in stored), None)


def is_region(region: str) -> bool:
    """Whether there is a numbering plan for a region (ISO 3166-1 alpha-2)."""
    import phonenumbers

    return region in phonenumbers.SUPPORTED_REGIONS


def _number_in_full(value: str, region: str) -> str:
    # Nearly all numbers of Chinese programs are of this form, told a hundred times faster than by the library.
    if region == _CHINA and (mobile := _CHINESE_MOBILE.fullmatch(value)):
        return f"+86{mobile[1]}"
    return _written(value, region)[0]


@lru_cache(maxsize=8_192)
def _number_spellings(value: str, region: str) -> tuple[str, ...]:
    if region == _CHINA and (mobile := _CHINESE_MOBILE.fullmatch(value)):
        plain = mobile[1]
        return tuple(dict.fromkeys((value, f"+86{plain}", plain, f"86{plain}", f"0086{plain}")))
    return tuple(dict.fromkeys((value, *_numbers_by_plan(value, region))))


def _numbers_by_plan(value: str, region: str) -> tuple[str, ...]:
    """A number in full, and the other spellings that stand for the same number in this region."""
    full, *others = _written(value, region)
    return (full, *(other for other in others if _written(other, region)[0] == full))


@lru_cache(maxsize=8_192)
def _written(value: str, region: str) -> tuple[str, ...]:
    """By the numbering plans of Google's libphonenumber (ITU-T E.164)."""
    import phonenumbers

    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return (value,)
    if not phonenumbers.is_valid_number(number):
        return (value,)
    full = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    digits = (phonenumbers.national_significant_number(number), _NO_DIGIT.sub("", national))
    return tuple(dict.fromkeys((full, full[1:], f"00{full[1:]}", *digits)))


def shard_of_member(member_id: int, shards: int) -> int:
    """The shard of everything that belongs to one member: a multiplicative hash (Knuth, TAOCP 6.4), stable for ever."""
    return ((member_id * 0x9E3779B97F4A7C15) >> 32 & 0x7FFFFFFF) % shards


def shard_of_identity(identity: Identity, shards: int) -> int:
    """The shard of the look-up row of an identity."""
    return shard_of_name(str(identity), shards)


def shard_of_name(name: str, shards: int) -> int:
    """The shard of what all members share under a name."""
    return int.from_bytes(sha256(name.encode()).digest()[:4], "big") % shards


def shard_of_digest(digest: bytes, shards: int) -> int:
    """The shard of the look-up row of an idempotency key, from the key's own digest."""
    return (digest[0] * 256 + digest[1]) % shards
