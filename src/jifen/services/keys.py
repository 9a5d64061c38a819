"""API keys: made once, shown once, kept as a digest, checked without a round trip."""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final, NamedTuple

import msgspec

from jifen.core.errors import JifenError
from jifen.core.limits import MAXIMUM_TEXT
from jifen.core.redemption.checks import is_role
from jifen.core.text import unfit_text
from jifen.db.connection import Connection
from jifen.db.queries import load_queries

PREFIX = "jf"
SECRET_BYTES = 32
ID_BYTES = 5
#: Tokens that nobody issued cost one look into the database, but not more often than this.
SHORTEST_REFRESH_SECONDS = 0.25

_SQL = load_queries("reads")


class InvalidKeyName(JifenError):
    """The name of a key is empty, too long, or has control characters."""

    code = "invalid_key_name"


class InvalidRole(JifenError):
    """The name of a role has other characters than a-z, 0-9, _ and -, or is longer than 40 of them."""

    code = "invalid_role"


class UnknownKey(JifenError):
    """There is no key of this id, or it was revoked before."""

    code = "unknown_key"


class CreatedKey(NamedTuple):
    """A new key. `secret` (`jf_<id>_<secret>`) is what callers send; it cannot be shown again."""

    id: str
    secret: str


class KeyView(msgspec.Struct, frozen=True):
    """What may be shown of a key."""

    id: str
    name: str
    created_at: datetime
    revoked_at: datetime | None
    roles: list[str] = []


async def create_key(connection: Connection, name: str, roles: Sequence[str] = ()) -> CreatedKey:
    """Make a key with roles (what it may approve). Raises InvalidKeyName, InvalidRole."""
    wrong = [role for role in roles if not is_role(role)]
    if wrong:
        raise InvalidRole(f"{wrong[0]!r} is no role: write a-z, 0-9, _ and -, 1 to 40 characters.", role=wrong[0])
    if not name.strip() or len(name) > MAXIMUM_TEXT or unfit_text(name):
        raise InvalidKeyName(f"A key's name has 1 to {MAXIMUM_TEXT} characters, without control characters.")
    key_id, secret = secrets.token_hex(ID_BYTES), secrets.token_hex(SECRET_BYTES)
    await connection.execute(_SQL["add_key"], key_id, name, digest_secret(secret), datetime.now(UTC), list(roles))
    return CreatedKey(key_id, f"{PREFIX}_{key_id}_{secret}")


async def revoke_key(connection: Connection, key_id: str) -> None:
    """End a key; servers that run stop taking it within seconds. Raises UnknownKey."""
    if await connection.fetchval(_SQL["revoke_key"], key_id, datetime.now(UTC)) is None:
        raise UnknownKey(f"There is no valid key {key_id!r}; `jifen keys list` shows them.", id=key_id)


async def list_keys(connection: Connection) -> list[KeyView]:
    """All keys, oldest first."""
    rows = await connection.fetch(_SQL["list_keys"])
    return [KeyView(row["id"], row["name"], row["created_at"], row["revoked_at"], row["roles"]) for row in rows]


def digest_secret(secret: str) -> bytes:
    """What is stored of a secret. Fast hashing is right here: 256 random bits cannot be guessed."""
    return sha256(secret.encode()).digest()


class ValidKey(NamedTuple):
    """A key as it is checked: the digest of its secret, and what it may approve."""

    digest: bytes
    roles: tuple[str, ...] = ()


async def read_keys(connection: Connection) -> dict[str, ValidKey]:
    """All valid keys by id: with one statement, so that none is there without its roles."""
    rows = await connection.fetch(_SQL["valid_keys"])
    return {row["id"]: ValidKey(row["secret_digest"], tuple(row["roles"])) for row in rows}


_NO_KEY: Final = ValidKey(b"")


class KeyRing:
    """The valid keys in memory, so that checking one costs two microseconds."""

    def __init__(self, read: Callable[[], Awaitable[dict[str, ValidKey]]]) -> None:
        self._read = read
        self._keys: dict[str, ValidKey] = {}
        self._read_at_seconds = 0.0
        self._reading: asyncio.Task[None] | None = None

    def find(self, token: bytes) -> str | None:
        """The id of the key that this token belongs to, or None."""
        try:
            prefix, key_id, secret = token.decode("ascii").split("_")
        except ValueError:
            return None
        # The same work is done for an id that does not exist.
        is_valid = hmac.compare_digest(self._keys.get(key_id, _NO_KEY).digest, digest_secret(secret))
        return key_id if is_valid and prefix == PREFIX else None

    def roles_of(self, key_id: str) -> tuple[str, ...]:
        """What a key may approve."""
        return self._keys.get(key_id, _NO_KEY).roles

    async def find_fresh(self, token: bytes) -> str | None:
        """Like `find`, after a look into the database: the key may have been made a moment ago."""
        if not token.startswith(b"jf_"):
            return None
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_soon())
        await asyncio.shield(self._reading)
        return self.find(token)

    async def refresh(self) -> None:
        """Read all keys anew."""
        self._keys = await self._read()
        self._read_at_seconds = time.monotonic()

    async def _read_soon(self) -> None:
        try:
            await asyncio.sleep(max(0.0, self._read_at_seconds + SHORTEST_REFRESH_SECONDS - time.monotonic()))
            # Whoever comes from now on may have a key that this reading no longer sees.
            self._reading = None
            await self.refresh()
        finally:
            if self._reading is asyncio.current_task():
                self._reading = None
