"""The report of members who may be one person, over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx

from tests.integration.api.server import unique


def person(client: httpx.Client, identities: list[str], **said: Any) -> str:
    """A member with a card and these identities, of whom this is known."""
    card = f"card:{unique('')}"
    member = client.post("/v1/members", json={"identities": [card, *identities]}).json()["member_id"]
    if said:
        answer = client.post(f"/v1/members/{member}/person", json=said)
        assert answer.status_code == 200, answer.text
    return str(member)


def found(client: httpx.Client, *members: str, **query: Any) -> dict[tuple[str, str], tuple[int, list[str]]]:
    """The pairs among these members, with score and reasons."""
    answer = client.get("/v1/members/duplicates", params={"limit": 1000, **query})
    assert answer.status_code == 200, answer.text
    return {
        (each["member_id"], each["other_id"]): (each["score"], each["reasons"])
        for each in answer.json()["duplicates"]
        if each["member_id"] in members and each["other_id"] in members
    }


def test_phones_in_another_spelling_and_mailboxes(client: httpx.Client) -> None:
    """With or without the country's code; what follows a plus sign, and dots at Gmail, lead to the same mailbox."""
    phone = f"137{uuid4().int % 10**8:08d}"
    one = person(client, [f"phone:{phone}", f"email:li.lei.{phone}@gmail.com"])
    two = person(client, [f"phone:+86 {phone}"])
    three = person(client, [f"phone:0086-{phone}", f"email:lilei{phone}+shop@gmail.com"])
    assert found(client, one, two, three) == {
        (one, two): (90, ["phone"]),
        (one, three): (98, ["email", "phone"]),
        (two, three): (90, ["phone"]),
    }
    client.post(f"/v1/members/{one}/merge", json={"from": two, "reason": "same phone"})
    client.post(f"/v1/members/{three}/freeze", json={})
    assert set(found(client, one, two, three)) == {(one, three)}
    client.post(f"/v1/members/{three}/unfreeze", json={})
    client.post(f"/v1/members/{three}/close", json={})
    assert not found(client, one, two, three)


def test_names_and_birthdays(client: httpx.Client) -> None:
    """The same in any spelling, or similar; the same name born on another day is somebody else."""
    one = person(client, [], name="Lei LI", birthday="1971-02-03")
    two = person(client, [], name="li, léi", birthday="1971-02-03")
    three = person(client, [], name="Lei Lin", birthday="1971-02-03")
    other = person(client, [], name="Lei LI", birthday="1971-02-04")
    nameless = person(client, [], birthday="1971-02-03")
    members = (one, two, three, other, nameless)
    similar = (60, ["similar_name_and_birthday"])
    expected = {(one, two): (80, ["name_and_birthday"]), (one, three): similar, (two, three): similar}
    assert found(client, *members) == expected
    assert set(found(client, *members, percent=61)) == {(one, two)}


def test_whom_somebody_parted_are_two(client: httpx.Client) -> None:
    """A merge that was undone is not proposed again."""
    one, two = (person(client, [], name="孙悟空", birthday="1961-02-03") for _ in range(2))
    assert found(client, one, two)
    merge = client.post(f"/v1/members/{one}/merge", json={"from": two}).json()["transaction_id"]
    client.post(f"/v1/merges/{merge}/undo", json={"reason": "twins"})
    assert not found(client, one, two)


def test_pages_and_wrong_cursors(client: httpx.Client) -> None:
    """Each page goes on where the one before ended, and nothing comes twice."""
    members = [person(client, [], name="白骨精", birthday="1951-02-03") for _ in range(4)]
    seen: list[tuple[str, str]] = []
    cursor: str | None = None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = client.get("/v1/members/duplicates", params=query).json()
        seen += [(each["member_id"], each["other_id"]) for each in page["duplicates"]]
        cursor = page.get("next_cursor")
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == page["total"]
    assert sum(one in members and other in members for one, other in seen) == 6
    problem = client.get("/v1/members/duplicates", params={"cursor": "x"})
    assert (problem.status_code, problem.json()["code"]) == (422, "invalid_parameter")
