"""Identities have one spelling; shards are stable for ever."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.core.identity import (
    IDENTITY_KINDS,
    Identity,
    parse_identity,
    shard_of_digest,
    shard_of_identity,
    shard_of_member,
)
from jifen.core.refusal import Refusal


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("phone:+86 138-0013-8000", "phone", "+8613800138000"),
        ("phone:(020) 7946.0123", "phone", "02079460123"),
        ("email: Ann@Example.ORG ", "email", "ann@example.org"),
        ("openid:oABC-1_2", "openid", "oABC-1_2"),
        ("external:a:b:c", "external", "a:b:c"),
        ("card: 8001 ", "card", "8001"),
    ],
)
def test_one_person_has_one_spelling(text: str, kind: str, value: str) -> None:
    """Otherwise the same phone would find two members."""
    assert parse_identity(text) == Identity(kind, value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "phone",
        "phone:",
        "phone:  ",
        "phone:12",
        "phone:" + "1" * 21,
        "phone:1+23",
        "phone:１２３４５",
        "fax:123",
        "Phone:12345",
        ":12345",
        "email:nobody",
        "email:@x",
        "email:x@",
        "email:a@b@c",
        "external:" + "x" * 257,
        "external:a\0b",
        "external:\ud800",
        "card:\x1b[2J",
    ],
)
def test_what_is_no_identity_is_refused_with_its_place(text: str) -> None:
    """Each with the same stable code and the caller's pointer."""
    refusal = parse_identity(text, "/subject")
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.pointer) == ("invalid_identity", "/subject")


@given(st.sampled_from(IDENTITY_KINDS), st.text(max_size=300))
def test_reading_again_what_was_read_changes_nothing(kind: str, value: str) -> None:
    """The stored spelling is a fixed point, and never unfit for storing."""
    identity = parse_identity(f"{kind}:{value}")
    if isinstance(identity, Identity):
        str(identity).encode()
        assert parse_identity(str(identity)) == identity


def test_shards_never_change() -> None:
    """Rows were stored under these numbers: another hash would lose them."""
    assert [shard_of_member(member, 64) for member in (1, 2, 100001, 100002, 2**62)] == [57, 50, 20, 14, 0]
    assert shard_of_identity(Identity("phone", "+8613800138000"), 64) == 44
    assert shard_of_digest(bytes.fromhex("ffffffff00000000"), 64) == 63
    assert shard_of_digest(bytes.fromhex("0041ffff"), 64) == 1


@given(st.integers(1, 2**63 - 1), st.integers(1, 4096))
def test_a_shard_is_within_its_range(member: int, shards: int) -> None:
    """For every number of shards that `jifen init` takes."""
    assert 0 <= shard_of_member(member, shards) < shards
    assert 0 <= shard_of_identity(Identity("external", str(member)), shards) < shards


def test_members_spread_over_the_shards() -> None:
    """Consecutive numbers land everywhere, evenly within a factor of two."""
    counts = [0] * 64
    for member in range(100_001, 100_001 + 6_400):
        counts[shard_of_member(member, 64)] += 1
    assert min(counts) >= 50
    assert max(counts) <= 200
