"""Identities have one spelling; shards are stable for ever."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.core.identity import (
    IDENTITY_KINDS,
    Identity,
    find_spelled,
    in_full,
    is_region,
    parse_identity,
    shard_of_digest,
    shard_of_identity,
    shard_of_member,
    spellings,
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


# --- phones in full ---

SAME = ("+8613900000000", "13900000000", "8613900000000", "008613900000000", "+86013900000000", "013900000000")


def phone(value: str) -> Identity:
    """A phone as it is written."""
    return Identity("phone", value)


@pytest.mark.parametrize(
    ("region", "written", "full"),
    [
        *(("CN", value, "+8613900000000") for value in SAME),
        ("CN", "01012345678", "+861012345678"),
        ("CN", "+861012345678", "+861012345678"),
        ("CN", "+14155552671", "+14155552671"),
        ("CN", "0014155552671", "+14155552671"),
        ("CN", "19900000000", "+8619900000000"),
        ("GB", "07911123456", "+447911123456"),
        ("GB", "+8613900000000", "+8613900000000"),
        ("IT", "0612345678", "+390612345678"),
        ("US", "4155552671", "+14155552671"),
        # What no numbering plan knows stays as it is.
        ("CN", "95588", "95588"),
        ("CN", "+865123412345678", "+865123412345678"),
        ("CN", "12345678901", "12345678901"),
        ("US", "13900000000", "13900000000"),
        ("CN", "000", "000"),
        (None, "13900000000", "13900000000"),
    ],
)
def test_phones_in_full(region: str | None, written: str, full: str) -> None:
    """By the numbering plan of the program's region; what is in full already stays so."""
    assert in_full(phone(written), region) == phone(full)
    assert in_full(phone(full), region) == phone(full)


@pytest.mark.parametrize("value", SAME)
def test_every_spelling_leads_to_every_other(value: str) -> None:
    """As it was written first: whoever was found by exactly this goes on being found."""
    found = spellings(phone(value), "CN")
    assert (found[0], phone("+8613900000000") in found[:2]) == (phone(value), True)
    assert set(map(phone, SAME[:4])) <= set(found)
    for stored in SAME[:4]:
        assert find_spelled(phone(value), {phone(stored): 7}, "CN") == 7
    assert find_spelled(phone(value), {phone("13900000001"): 7}, "CN") is None


def test_two_members_stay_two() -> None:
    """Where two spellings find two, each finds its own, and a third the one that is stored in full."""
    stored = {phone("13900000000"): 1, phone("+8613900000000"): 2}
    assert [find_spelled(phone(value), stored, "CN") for value in SAME[:3]] == [2, 1, 2]


@given(st.sampled_from(["CN", "GB", "IT", "US", "DE", "JP"]), st.from_regex(r"\+?[0-9]{3,20}", fullmatch=True))
def test_spellings_agree(region: str, value: str) -> None:
    """Whatever stands for a number is the same number, and in full it is so for good."""
    full = in_full(phone(value), region)
    assert in_full(full, region) == full
    assert {in_full(each, region) for each in spellings(phone(value), region)} == {full}


def test_only_phones_have_spellings() -> None:
    """A card with the digits of a phone is a card."""
    card = Identity("card", "13900000000")
    assert (in_full(card, "CN"), spellings(card, "CN")) == (card, (card,))
    assert spellings(phone("13900000000"), None) == (phone("13900000000"),)


def test_regions() -> None:
    """Those that have a numbering plan."""
    assert [is_region(each) for each in ("CN", "GB", "cn", "XX", "")] == [True, True, False, False, False]
