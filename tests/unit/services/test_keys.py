"""The key ring: what it lets in, and when it looks into the database."""

from __future__ import annotations

import asyncio

from jifen.services.keys import KeyRing, ValidKey, digest_secret


class Store:
    """Stands for the table of keys, and counts how often it is read."""

    def __init__(self) -> None:
        self.keys: dict[str, ValidKey] = {}
        self.reads = 0

    async def read(self) -> dict[str, ValidKey]:
        """All valid keys."""
        self.reads += 1
        return dict(self.keys)


async def test_a_key_is_found_by_its_whole_secret_only() -> None:
    """Neither by its id, nor by a part of the secret, nor by another prefix."""
    store = Store()
    store.keys["ab"] = ValidKey(digest_secret("secret"))
    ring = KeyRing(store.read)
    await ring.refresh()
    assert ring.find(b"jf_ab_secret") == "ab"
    for token in (
        b"",
        b"jf_ab_",
        b"jf_ab_secre",
        b"xx_ab_secret",
        b"jf_cd_secret",
        b"jf_ab_secret_",
        b"jf_\xff_secret",
    ):
        assert ring.find(token) is None


async def test_many_unknown_keys_cost_few_looks() -> None:
    """Guessing does not become a load on the database."""
    store = Store()
    ring = KeyRing(store.read)
    await ring.refresh()
    found = await asyncio.gather(*(ring.find_fresh(f"jf_x{number}_y".encode()) for number in range(200)))
    assert found == [None] * 200
    assert store.reads == 2
    assert await ring.find_fresh(b"not even a key") is None
    assert store.reads == 2


async def test_a_key_made_a_moment_ago_is_found() -> None:
    """With its roles, in the same look. And a revoked one is not, after the next look."""
    store = Store()
    ring = KeyRing(store.read)
    await ring.refresh()
    store.keys["ab"] = ValidKey(digest_secret("secret"), ("clerk",))
    assert ring.find(b"jf_ab_secret") is None
    assert await ring.find_fresh(b"jf_ab_secret") == "ab"
    assert (ring.roles_of("ab"), ring.roles_of("cd")) == (("clerk",), ())
    del store.keys["ab"]
    await ring.refresh()
    assert ring.find(b"jf_ab_secret") is None


async def test_a_failing_database_is_said_and_forgotten() -> None:
    """Whoever waits gets the error; the next one looks again."""
    store = Store()
    is_broken = True

    async def read() -> dict[str, ValidKey]:
        if is_broken:
            raise ConnectionError
        return await store.read()

    ring = KeyRing(read)
    store.keys["ab"] = ValidKey(digest_secret("secret"))
    failures = await asyncio.gather(*(ring.find_fresh(b"jf_ab_secret") for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in failures] == [ConnectionError] * 3
    is_broken = False
    assert await ring.find_fresh(b"jf_ab_secret") == "ab"
