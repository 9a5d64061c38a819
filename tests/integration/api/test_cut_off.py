"""Requests that arrive in part, and what a caller without a key can do about an unclear answer."""

from __future__ import annotations

import socket

import pytest

from tests.integration.api.server import running_server

WAIT_SECONDS = 3.0


@pytest.mark.parametrize("length", [b"Content-Length: 14\r\n", b"Transfer-Encoding: chunked\r\n"])
def test_a_body_that_never_arrives_does_nothing(database_url: str, length: bytes) -> None:
    """A capture without a body means "all of it"; a capture whose body was cut off means nothing at all, and its key
    is still free for the caller's next try."""
    with running_server(database_url) as server, server.client() as client:
        member = client.post("/v1/members", json={"identities": ["external:a"]}).json()["member_id"]
        client.post(f"/v1/members/{member}/adjust", json={"points": 100})
        hold = client.post("/v1/holds", json={"member_id": member, "points": 100}).json()["hold_id"]
        head = (
            f"POST /v1/holds/{hold}/capture HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.key}\r\n"
            "Content-Type: application/json\r\nIdempotency-Key: cut\r\n"
        )
        for close_all in (True, False):
            with socket.create_connection(("127.0.0.1", server.port)) as connection:
                connection.sendall(head.encode() + length + b"\r\n")
                if not close_all:
                    connection.shutdown(socket.SHUT_WR)
                    connection.settimeout(WAIT_SECONDS)
                    assert not connection.recv(65_536).startswith(b"HTTP/1.1 200")
        held = client.get(f"/v1/members/{member}/balances").json()["balances"]["points"]["held"]
        assert held == 100
        done = client.post(f"/v1/holds/{hold}/capture", json={"points": 10}, headers={"Idempotency-Key": "cut"})
        assert (done.status_code, done.json()["points"]) == (200, 10)


def test_a_refusal_names_the_key_that_was_made(database_url: str) -> None:
    """Whoever is told to send a command again with the same key must know that key, also if jifen made it."""
    with running_server(database_url) as server, server.client() as client:
        member = client.post("/v1/members", json={"identities": ["external:b"]}).json()["member_id"]
        refused = client.post(f"/v1/members/{member}/spend", json={"points": 5})
        assert (refused.status_code, len(refused.headers["idempotency-key"])) == (409, 36)
        own = client.post(f"/v1/members/{member}/spend", json={"points": 5}, headers={"Idempotency-Key": "mine"})
        assert "idempotency-key" not in own.headers
