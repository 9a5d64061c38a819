"""Identities that find a member, and the hash that says in which shard something lives."""

from __future__ import annotations

import re
from hashlib import sha256

import msgspec

from jifen.core.limits import MAXIMUM_TEXT
from jifen.core.refusal import Refusal
from jifen.core.text import unfit_text

IDENTITY_KINDS = ("phone", "email", "openid", "unionid", "card", "external")
_PHONE_PUNCTUATION = re.compile(r"[\s().\-]")
_PHONE = re.compile(r"\+?[0-9]{3,20}")


class Identity(msgspec.Struct, frozen=True, gc=False):
    """A key that finds a member: a kind and a value in the one spelling that is stored and compared."""

    kind: str
    value: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


#: A member as a command names it: by number, or by an identity that the engine looks up.
MemberReference = int | Identity


def parse_identity(text: str, pointer: str | None = None) -> Identity | Refusal:
    """Read `kind:value`, bringing the value into its one spelling (phone digits, e-mail in lower case)."""
    kind, colon, value = text.partition(":")
    value = value.strip()
    if not colon or kind not in IDENTITY_KINDS:
        kinds = ", ".join(IDENTITY_KINDS)
        return Refusal("invalid_identity", f"Write an identity as kind:value with one of the kinds {kinds}.", pointer)
    if not value or len(value) > MAXIMUM_TEXT or unfit_text(value):
        return Refusal(
            "invalid_identity",
            f"The value of an identity has 1 to {MAXIMUM_TEXT} characters, without control characters.",
            pointer,
        )
    if kind == "email":
        value = value.lower()
        if value.count("@") != 1 or value.startswith("@") or value.endswith("@"):
            return Refusal("invalid_identity", "An e-mail address has one @ with something on both sides.", pointer)
    elif kind == "phone":
        value = _PHONE_PUNCTUATION.sub("", value)
        if not _PHONE.fullmatch(value):
            return Refusal(
                "invalid_identity", "A phone number has 3 to 20 digits, with + in front if need be.", pointer
            )
    return Identity(kind, value)


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
