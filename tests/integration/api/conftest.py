"""One server for all tests of the API; each test uses members and keys of its own."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from jifen.db.embedded import EmbeddedAddress
from tests.databases import WITH_PROGRAM, fresh_database
from tests.integration.api.server import Server, running_server


@pytest.fixture(scope="session")
def server(database_server: EmbeddedAddress) -> Iterator[Server]:
    """A server with one worker on a database with the default program."""
    with fresh_database(database_server, WITH_PROGRAM) as url, running_server(url) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    """A client with a valid key."""
    with server.client() as client:
        yield client
