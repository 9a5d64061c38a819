"""What may have been meant."""

from __future__ import annotations

from jifen.core.nearest import asking, nearest, nearest_dotted


def test_the_most_alike_is_found() -> None:
    """Also where only the case differs; nothing where nothing is like it."""
    known = ["order.channel", "order.total_cents", "Member"]
    assert nearest("order.chanel", known) == "order.channel"
    assert nearest("MEMBER", known) == "Member"
    assert nearest("xyz", known) is None
    assert nearest("xyz", []) is None


def test_names_of_another_level_are_not_meant() -> None:
    """However alike their letters are; a wrong or missing beginning is."""
    known = ["event.type", "event.data.beans", "member.tier", "member.orders", "order.channel"]
    assert nearest_dotted("event.data.bean", known) == "event.data.beans"
    assert nearest_dotted("event.data.x", known) is None
    assert nearest_dotted("member.fields.tier", known) is None
    assert nearest_dotted("order.tier", known) is None
    assert nearest_dotted("membr.teir", known) == "member.tier"
    assert nearest_dotted("chanel", known) == "order.channel"
    assert nearest_dotted("xyz", known) is None


def test_it_is_asked_in_both_languages() -> None:
    """In place of the full stop, which would stand before a semicolon."""
    said = ("没有 point。", "There is no point.")
    assert asking(*said, "points") == ("没有 point；是否为 points？", "There is no point; did you mean points?")
    assert asking(*said, None) == said
