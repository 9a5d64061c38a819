"""What may be said of a member."""

from __future__ import annotations

import msgspec
import pytest

from jifen.core.decide.profile import check_profile
from jifen.core.program import LocalizedText
from jifen.core.rules.document import Catalog, MemberField, Tier
from jifen.core.rules.standing import Profile
from tests.model.programs import make_document, make_program

DOCUMENT = msgspec.structs.replace(
    make_document(),
    catalog=Catalog(tiers=[Tier("gold", LocalizedText("金", "Gold"))]),
    fields=[MemberField("size", "int"), MemberField("vegan", "bool"), MemberField("shop", "string")],
)


@pytest.mark.parametrize(
    "profile",
    [
        Profile(),
        Profile(tier="gold", birthday="02-29", birthday_window_from="2026-05-01"),
        Profile(fields={"size": 2**63 - 1}),
        Profile(fields={"size": -(2**63)}),
        Profile(birthday="1990-12-31", fields={"size": 42, "vegan": False, "shop": "Nanjing Road"}),
    ],
)
def test_right_profiles(profile: Profile) -> None:
    """Known tiers and fields, days that exist; nothing at all is fine too."""
    assert check_profile(make_program(DOCUMENT), profile) is None


@pytest.mark.parametrize(
    ("profile", "code", "pointer"),
    [
        (Profile(tier="golf"), "unknown_tier", "/tier"),
        (Profile(birthday="1990-02-30"), "invalid_field", "/birthday"),
        (Profile(birthday="yesterday"), "invalid_field", "/birthday"),
        (Profile(birthday="W01-1"), "invalid_field", "/birthday"),
        (Profile(birthday_window_from="2026-W01-1"), "invalid_field", "/birthday_window_from"),
        (Profile(birthday_window_from="05-01"), "invalid_field", "/birthday_window_from"),
        (Profile(fields={"shoe": 1}), "unknown_field", "/fields/shoe"),
        (Profile(fields={"size": True}), "invalid_field", "/fields/size"),
        (Profile(fields={"size": 2**63}), "invalid_field", "/fields/size"),
        (Profile(fields={"size": -(2**63) - 1}), "invalid_field", "/fields/size"),
        (Profile(fields={"vegan": 1}), "invalid_field", "/fields/vegan"),
    ],
)
def test_wrong_profiles(profile: Profile, code: str, pointer: str) -> None:
    """Each is refused with the field at fault."""
    refusal = check_profile(make_program(DOCUMENT), profile)
    assert refusal is not None
    assert (refusal.code, refusal.pointer) == (code, pointer)


def test_without_a_catalog_any_tier_goes() -> None:
    """Who lists no tiers has them elsewhere."""
    assert check_profile(make_program(), Profile(tier="platinum")) is None
