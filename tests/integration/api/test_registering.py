"""Members registered with all that is known of them, in one call or one event: all of it, or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import msgspec
import pytest

from jifen.core.program import EarningRule
from jifen.core.rules.document import Choice, LocalizedText, MemberField
from jifen.db.embedded import EmbeddedAddress
from tests.databases import DEFAULT_PROGRAM
from tests.integration.api.server import Server, balance, serving, unique, unique_phone

SIZE = LocalizedText(zh="尺码", en="Size")
PROGRAM = msgspec.structs.replace(
    DEFAULT_PROGRAM,
    earning=[
        *DEFAULT_PROGRAM.earning,
        EarningRule("welcome", "points", fixed=20, event="member.registered", when='member.fields.size == "L"'),
        EarningRule("app", "points", fixed=5, event="member.registered", when='member.channel == "app"'),
    ],
    fields=[
        MemberField("size", "string", SIZE, required=True, choices=[Choice("S", SIZE), Choice("L", SIZE)]),
        MemberField("member_card", "string", SIZE, schema={"pattern": "^[A-Z]{2}[0-9]{6}$"}),
        MemberField("children", "int", SIZE, schema={"maximum": 20}),
    ],
)


@pytest.fixture(scope="module")
def server(database_server: EmbeddedAddress) -> Iterator[Server]:
    """A server whose program declares fields and welcomes who registers."""
    with serving(database_server, PROGRAM) as server:
        yield server


PERSON = {
    "name": "韩梅梅",
    "gender": "female",
    "birthday": "1990-05-17",
    "channel": "app",
    "language": "zh-CN",
    "address": {"city": "杭州"},
    "fields": {"size": "L", "member_card": "AB123456", "children": 2},
    "tags": ["tea", "vip", "tea"],
}


def ids() -> tuple[str, str]:
    """A phone and a card that nobody has."""
    return unique_phone(), f"card:{unique('card')}"


def joined(*identities: str, **data: Any) -> dict[str, Any]:
    """An event of somebody who joined."""
    event = {"specversion": "1.0", "id": unique("join"), "source": "shop", "type": "member.registered"}
    return event | {"subject": identities[0], "data": {"identities": list(identities[1:])} | data}


def check(client: httpx.Client, member: str, phone: str) -> None:
    """All that PERSON says is known of the member; the phone was verified and the card was not; rules saw all of it."""
    view = client.get(f"/v1/members/{member}").json()
    person = view["person"]
    assert {name: person[name] for name in PERSON} == PERSON | {"tags": ["tea", "vip"]}
    assert person["missing_fields"] == []
    states = {each["identity"].partition(":")[0]: each for each in view["identity_states"]}
    assert states["phone"]["identity"] == phone
    assert states["phone"]["verified_at"] == view["recorded_at"]
    assert states["phone"]["verified_by"].startswith("key:")
    assert states["phone"]["added_at"] is None
    assert states["card"]["verified_at"] is None
    assert balance(client, member)["available"] == 25
    changes = client.get(f"/v1/members/{member}/changes").json()["changes"]
    assert sorted(each["kind"] for each in changes) == ["described", "identities_verified"]


def test_in_one_call(client: httpx.Client) -> None:
    """The same call again gives the same answer; with another key the identities are taken."""
    phone, card = ids()
    body = {"identities": [phone, card], "verified": [phone], "person": PERSON, "reason": "at the till"}
    headers = {"idempotency-key": unique("register")}
    first, again = (client.post("/v1/members", json=body, headers=headers) for _ in range(2))
    assert (first.status_code, first.json()["status"]) == (201, "applied")
    assert again.json() == first.json() | {"status": "duplicate"}
    check(client, first.json()["member_id"], phone)
    assert client.post("/v1/members", json=body).json()["code"] == "identity_taken"
    other = client.post("/v1/members", json=body | {"person": {}}, headers=headers)
    assert other.json()["code"] == "key_conflict"


def test_in_one_event(client: httpx.Client) -> None:
    """Told again, and by another event that says something else: the first answer, and nothing changes."""
    phone, card = ids()
    event = joined(phone, card, verified=[phone], person=PERSON)
    first, again = (client.post("/v1/events", json=event).json() for _ in range(2))
    assert first["status"] == "applied"
    assert again == first | {"status": "duplicate"}
    elsewhere = client.post("/v1/events", json=joined(phone, card, person={"name": "Somebody else"})).json()
    assert elsewhere | {"id": ""} == first | {"id": "", "status": "duplicate"}
    assert elsewhere["transaction_id"] == f"{first['member_id']}-1"
    check(client, first["member_id"], phone)


def test_by_many_at_once(client: httpx.Client) -> None:
    """Twenty events about one newcomer make one member, who is welcomed once, and all name the welcome."""
    phone, card = ids()
    events = [joined(phone, card, verified=[phone], person=PERSON) for _ in range(20)]
    with ThreadPoolExecutor(10) as crowd:
        results = list(crowd.map(lambda each: client.post("/v1/events", json=each).json(), events))
    assert sorted(each["status"] for each in results) == ["applied", *["duplicate"] * 19]
    assert len({each["transaction_id"] for each in results}) == 1
    check(client, results[0]["member_id"], phone)


def test_a_few_words_are_enough(client: httpx.Client) -> None:
    """Whatever is left out is not known; what the program requires is told to be missing."""
    for person in ({}, {"name": "Li Lei", "address": None, "gender": None, "birthday": None}):
        member = client.post("/v1/members", json={"identities": [ids()[0]], "person": person}).json()["member_id"]
        view = client.get(f"/v1/members/{member}").json()["person"]
        assert (view["name"], view["missing_fields"]) == (person.get("name", ""), ["size"])
        assert balance(client, member)["available"] == 0


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"person": {"fields": {"size": "XXL"}}}, "invalid_field", "/person/fields/size"),
    ({"person": {"fields": {"size": 5}}}, "invalid_field", "/person/fields/size"),
    ({"person": {"fields": {"member_card": "12"}}}, "invalid_field", "/person/fields/member_card"),
    ({"person": {"fields": {"children": 21}}}, "invalid_field", "/person/fields/children"),
    ({"person": {"fields": {"shoe": "L"}}}, "unknown_field", "/person/fields/shoe"),
    ({"person": {"fields": {"size": None}}}, "invalid_field", "/person/fields"),
    ({"person": {"birthday": "2001-02-29"}}, "invalid_field", "/person/birthday"),
    ({"person": {"birthday": "17.5.1990"}}, "invalid_field", "/person/birthday"),
    ({"person": {"gender": "x"}}, "invalid_field", "/person/gender"),
    ({"person": {"address": {"planet": "Mars"}}}, "unknown_field", "/person/address/planet"),
    ({"person": {"tier": "gold"}}, "unknown_field", "/person/tier"),
    ({"person": {"tags": [""]}}, "invalid_field", "/person/tags/0"),
    ({"verified": ["card:of-somebody-else"]}, "invalid_field", "/verified/0"),
    ({"verified": ["fax:1"]}, "invalid_identity", "/verified/0"),
]


@pytest.mark.parametrize(("data", "code", "pointer"), WRONG)
def test_nothing_is_done_by_halves(
    server: Server, client: httpx.Client, data: dict[str, Any], code: str, pointer: str
) -> None:
    """The refusal names the field, by whichever way it came; nobody is registered, and the identities remain free."""
    phone, card = ids()
    before = server.ledger()
    problem = client.post("/v1/members", json={"identities": [phone, card]} | data).json()
    assert (problem["code"], problem["pointer"]) == (code, pointer)
    problem = client.post("/v1/events", json=joined(phone, card, **data)).json()
    assert (problem["code"], problem["pointer"]) == (code, f"/data{pointer}")
    assert server.ledger() == before


def test_a_refusal_in_a_batch_is_nobody_elses(client: httpx.Client) -> None:
    """A newcomer who cannot be described, between two who can, and the same one mended."""
    names = [ids()[0] for _ in range(3)]
    good, bad = {"person": {"fields": {"size": "S"}}}, {"person": {"fields": {"size": "M"}}}
    events = [joined(name, **data) for name, data in zip((*names, names[1]), (good, bad, good, good), strict=True)]
    results = client.post("/v1/events", json=events).json()["results"]
    assert [each["status"] for each in results] == ["applied", "refused", "applied", "applied"]
    assert len({each["member_id"] for each in results}) == 4


def test_a_whole_number_with_a_point_is_an_integer(client: httpx.Client) -> None:
    """As JSON Schema has it, however it comes: registered, described, set; what is not whole is refused by its name."""
    phone, card = ids()
    body = {"identities": [phone], "person": {"fields": {"size": "L", "children": 2.0}}}
    member = client.post("/v1/members", json=body).json()["member_id"]

    def children() -> object:
        fields = client.get(f"/v1/members/{member}").json()["person"]["fields"]
        assert type(fields["children"]) is int
        return fields["children"]

    assert children() == 2
    assert client.post(f"/v1/members/{member}/person", json={"fields": {"children": 3.0}}).status_code == 200
    assert children() == 3
    assert client.post(f"/v1/members/{member}/profile", json={"fields": {"children": -0.0}}).status_code == 200
    assert children() == 0
    event = joined(card, person={"fields": {"size": "L", "children": 4.0}})
    member = client.post("/v1/events", json=event).json()["member_id"]
    assert children() == 4
    for fields in ({"children": 2.5}, {"children": -1e300}, {"children": True}, {"size": 2.0}):
        problem = client.post(f"/v1/members/{member}/person", json={"fields": fields}).json()
        assert (problem["code"], problem["pointer"]) == ("invalid_field", f"/fields/{next(iter(fields))}"), problem
