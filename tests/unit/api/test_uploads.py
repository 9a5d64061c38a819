"""Forms with a file, in whatever pieces they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from litestar.exceptions import InternalServerException

from jifen.api.drafts import Refused
from jifen.api.uploads import MOST_AT_ONCE, OVERHEAD_BYTES, Uploads
from jifen.services.uploads.imports import Upload
from jifen.services.uploads.storage import Storage

TYPE = "multipart/form-data; boundary=----edge"
MAPPING = "{name: {zh: 会员, en: M}, source: crm, columns: {identities: {phone: 手机号}}}"
LIMIT_BYTES = 3_000_000


def form(*fields: tuple[str, str | None, bytes]) -> bytes:
    """A form of (name, name of a file, content)."""
    parts = []
    for name, file_name, content in fields:
        named = "" if file_name is None else f'; filename="{file_name}"'
        head = f'------edge\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'
        parts.append(head.encode() + content + b"\r\n")
    return b"".join(parts) + b"------edge--\r\n"


def receive(uploads: Uploads, pieces: Iterable[bytes], content_length: str | None = None) -> Upload:
    """What comes of a form that arrives in pieces."""

    async def stream() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece
        yield b""

    return asyncio.run(uploads.receive(TYPE, content_length, stream()))


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    """A folder of its own."""
    return Uploads(Storage(tmp_path / "uploads"), LIMIT_BYTES)


def refused(uploads: Uploads, content: bytes, content_length: str | None = None) -> str:
    """The code with which a form is refused; nothing of it is kept."""
    with pytest.raises(Refused) as found:
        receive(uploads, [content], content_length)
    assert not uploads.storage.folder.exists() or list(uploads.storage.folder.iterdir()) == []
    return found.value.refusal.code


@given(content=st.binary(min_size=1, max_size=400), sizes=st.lists(st.integers(1, 40), min_size=1), first=st.booleans())
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_does_not_matter_how_a_form_is_cut(uploads: Uploads, content: bytes, sizes: list[int], first: bool) -> None:
    """The same bytes in any pieces, the fields in any order, line breaks and halves of edges in the file."""
    content = b"id\n" + content.replace(b"\x00", b"\r\n------edg") + b"\r"
    # Whoever sends a form sees to it that its edge is not in what is sent (RFC 2046, 5.1.1).
    assume(b"\r\n------edge" not in content)
    texts = [("kind", None, b"members"), ("mapping", "m.yaml", MAPPING.encode())]
    file = ("file", "会员.csv", content)
    whole = form(file, *texts) if first else form(*texts, file)
    pieces: list[bytes] = []
    at = 0
    while at < len(whole):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(whole[at : at + size])
        at += size
    found = receive(uploads, pieces)
    path = uploads.storage.path(found.stored_as)
    assert path.read_bytes() == content
    assert found == Upload("members", "会员.csv", len(content), found.stored_as, MAPPING)
    assert path.stat().st_mode & 0o777 == 0o600
    path.unlink()


def test_a_form_that_is_cut_off_is_not_taken(uploads: Uploads) -> None:
    """Wherever it ends too early."""
    whole = form(("kind", None, b"members"), ("file", "a.csv", b"a\n1\n"))
    for length in range(1, len(whole) - 4):
        assert refused(uploads, whole[:length]) == "malformed_form"


def test_the_sender_goes_away(uploads: Uploads) -> None:
    """Nothing is kept, and the place is free again."""

    async def stream() -> AsyncIterator[bytes]:
        yield form(("file", "a.csv", b"a" * 2_000_000))[:1_500_000]
        raise InternalServerException("client disconnected prematurely")

    async def come() -> None:
        await uploads.receive(TYPE, None, stream())

    for _ in range(MOST_AT_ONCE + 1):
        with pytest.raises(Refused) as found:
            asyncio.run(come())
        assert found.value.refusal.code == "malformed_form"
    assert list(uploads.storage.folder.iterdir()) == []


def test_so_many_at_once(uploads: Uploads) -> None:
    """Who comes beyond them is asked to come again."""

    async def stream(ready: asyncio.Event) -> AsyncIterator[bytes]:
        yield form(("kind", None, b"members"))[:40]
        await ready.wait()

    async def come() -> str:
        ready = asyncio.Event()
        tasks = [asyncio.create_task(uploads.receive(TYPE, None, stream(ready))) for _ in range(MOST_AT_ONCE)]
        await asyncio.sleep(0.05)
        try:
            await uploads.receive(TYPE, None, stream(ready))
        except Refused as found:
            return found.refusal.code
        finally:
            ready.set()
            await asyncio.gather(*tasks, return_exceptions=True)
        return "taken"

    assert asyncio.run(come()) == "queue_full"


def test_limits(uploads: Uploads) -> None:
    """Of the file, of all that is sent, of texts, of how many fields there are."""
    kind = ("kind", None, b"members")
    just = form(kind, ("file", "a", b"a" * LIMIT_BYTES))
    assert receive(uploads, [just], str(len(just))).file_bytes == LIMIT_BYTES
    for stored in uploads.storage.folder.iterdir():
        stored.unlink()
    assert refused(uploads, form(kind, ("file", "a", b"a" * (LIMIT_BYTES + 1)))) == "import_too_large"
    assert refused(uploads, b"", str(LIMIT_BYTES + OVERHEAD_BYTES + 1)) == "import_too_large"
    assert refused(uploads, b"\r\n" * (LIMIT_BYTES // 2 + OVERHEAD_BYTES)) == "import_too_large"
    assert refused(uploads, form(("kind", None, b"m" * 70), ("file", "a", b"a"))) == "invalid_field"
    assert refused(uploads, form(kind, kind)) == "invalid_field"
    assert refused(uploads, form(("file", "a", b"a"), ("file", "a", b"a"), kind)) == "invalid_field"
    assert refused(uploads, form(("kind", None, b"\xff"), ("file", "a", b"a"))) == "invalid_field"
    assert refused(uploads, form(("x\x07/" * 30, None, b""))) == "unknown_field"


def test_what_is_wrong_before_the_file_is_told_before_it_comes(uploads: Uploads) -> None:
    """A mapping that cannot be is refused while the file has only begun."""
    wrong = form(("kind", None, b"members"), ("mapping", None, b"a: 1"), ("file", "a.csv", b"a" * 1_000))[:400]
    assert refused(uploads, wrong) == "invalid_mapping"
