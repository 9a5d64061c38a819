"""`jifen households` as an operator calls it."""

from __future__ import annotations

from tests.integration.cli.support import ask, jifen, refused


def test_a_household_from_its_beginning_to_its_end(bare_database_url: str) -> None:
    """Begun, joined, shown in both languages, left; what goes wrong is told in one line and changes nothing."""
    url = ("--url", bare_database_url)
    ask("demo", "--members", "5", "--seed", "7", *url)
    found = ask("households", "found", "李家", "--head", "100001", "--member", "100002", *url)
    assert (found["name"], found["head_id"], found["member_ids"]) == ("李家", "100001", ["100001", "100002"])
    name = ask("members", "show", "100003", *url)["identities"][0]
    assert ask("households", "join", name, "--with", "100002", *url)["member_ids"] == ["100001", "100002", "100003"]
    assert "in_household" in refused(["households", "join", "100003", "--with", "100001", *url])
    assert "in_household" in refused(["households", "found", "x", "--head", "100004", "--member", "100003", *url])
    assert "named twice" in refused(["households", "found", "x", "--head", "100004", "--member", "100004", *url])
    assert "unknown_member" in refused(["households", "join", "9", "--with", "100001", *url])
    for blank in ("", "  ", "\u3000"):
        assert "more than blanks" in refused(["households", "found", blank, "--head", "100004", *url])
    for language, words in (("zh", "户主"), ("en", "available in all")):
        told = jifen("households", "show", "100002", "--lang", language, *url)
        assert told.returncode == 0, told.stderr
        assert "李家" in told.stdout
        assert words in told.stdout
    assert ask("households", "leave", "100001", *url) == {"member_id": "100001"}
    assert ask("households", "show", "100003", *url)["head_id"] == "100002"
    assert "no_household" in refused(["households", "show", "100001", *url])
    assert "no_household" in refused(["households", "leave", "100001", *url])
    assert ask("verify", *url)["is_clean"]
