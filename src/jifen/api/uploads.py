"""POST /v1/imports: a form with a file, which goes to disk piece by piece; and the rejects as a file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Any, BinaryIO, Final, cast

from litestar.exceptions import HTTPException
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from jifen.api.drafts import Refused
from jifen.core.errors import JifenError
from jifen.core.refusal import Refusal, refusal_from
from jifen.core.text import unfit_text
from jifen.services.imports.kinds import kind_of
from jifen.services.imports.mapping import MAXIMUM_MAPPING_BYTES
from jifen.services.imports.proposals import Kind
from jifen.services.imports.reading import UnreadableFile
from jifen.services.uploads.imports import Upload
from jifen.services.uploads.meaning import mapping_text
from jifen.services.uploads.storage import Storage, UploadsUnusable, unusable

FORM_TYPE: Final = "multipart/form-data"
#: What such a form can be refused with.
UPLOAD_CODES: Final = (
    "malformed_form",
    "unsupported_media_type",
    "missing_field",
    "unknown_field",
    "invalid_field",
    "invalid_text",
    "invalid_parameter",
    "invalid_mapping",
    "import_file_unreadable",
    "import_too_large",
    "too_many_uploads",
    "uploads_unusable",
    "queue_full",
)
#: The fields of the form, and how long a text may be.
_TEXTS: Final = {"kind": 64, "mapping": MAXIMUM_MAPPING_BYTES}
_KINDS: Final = ("members", "orders", "balances")
#: So much beside the file: the other fields, and what stands between them.
OVERHEAD_BYTES: Final = 256 * 1024
#: What is gathered before it is written, out of the way of others.
_PIECE_BYTES: Final = 1 << 20
_LONGEST_NAME: Final = 200
#: So much is still read, and dropped, of a form that was refused.
DRAIN_BYTES: Final = 256 << 20
DRAIN_SECONDS: Final = 10.0
#: So many files come in at once to a worker process.
MOST_AT_ONCE: Final = 4


class Uploads:
    """Takes in forms with files."""

    def __init__(self, storage: Storage, limit_bytes: int) -> None:
        self.storage = storage
        self._limit_bytes = limit_bytes
        self._coming = 0

    async def receive(self, content_type: str, content_length: str | None, stream: AsyncIterator[bytes]) -> Upload:
        """The file of a form, stored, and what was said of it. Raises Refused; then nothing is stored."""
        try:
            return await self._receive(content_type, content_length, stream)
        except Refused:
            await _drain(stream)
            raise

    async def _receive(self, content_type: str, content_length: str | None, stream: AsyncIterator[bytes]) -> Upload:
        media_type, options = parse_options_header(content_type)
        boundary = options.get("boundary", "")
        if media_type != FORM_TYPE or not boundary or not boundary.isascii():
            message = f"Send a form with a file: {FORM_TYPE}, as `curl -F kind=members -F file=@members.csv` does."
            zh = f"请发送含文件的表单 {FORM_TYPE}，例如 `curl -F kind=members -F file=@members.csv`。"
            raise Refused(Refusal("unsupported_media_type", message, message_zh=zh))
        if content_length is not None and _number(content_length) > self._most_bytes:
            raise Refused(self._too_large())
        if self._coming >= MOST_AT_ONCE:
            raise Refused(Refusal("queue_full", "Several files are coming in already; send yours again in a moment."))
        self._coming += 1
        form = _Form(self.storage, self._limit_bytes)
        try:
            await self._read(form, boundary, stream)
            return form.finish()
        except BaseException:
            form.discard()
            raise
        finally:
            self._coming -= 1

    @property
    def _most_bytes(self) -> int:
        return self._limit_bytes + OVERHEAD_BYTES

    def _too_large(self) -> Refusal:
        return _too_large(self._limit_bytes)

    async def _read(self, form: _Form, boundary: str, stream: AsyncIterator[bytes]) -> None:
        read = 0
        try:
            with PushMultipartParser(boundary, max_segment_count=len(_TEXTS) + 2) as parser:
                async for chunk in stream:
                    read += len(chunk)
                    if read > self._most_bytes:
                        raise Refused(self._too_large())
                    if chunk:
                        for event in parser.parse(chunk):
                            await form.take(event)
        except MultipartError as error:
            message, zh = f"This is no form that can be read: {error}.", "请以 multipart/form-data 发送完整的表单。"
            raise Refused(Refusal("malformed_form", message, message_zh=zh)) from None
        except HTTPException:
            # Whoever sent it went away.
            message, zh = "The form was cut off; nothing was kept.", "表单没有传完；什么也没有保留。"
            raise Refused(Refusal("malformed_form", message, message_zh=zh)) from None
        except OSError as error:
            raise _not_stored(unusable(error)) from None


async def _drain(stream: AsyncIterator[bytes]) -> None:
    """Read on for a while: a sender who is cut off in the middle does not see the answer."""
    drained = 0
    with suppress(HTTPException, OSError, TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            async for chunk in stream:
                drained += len(chunk)
                if drained > DRAIN_BYTES:
                    return


class _Form:
    """A form as it comes: short texts, and one file."""

    def __init__(self, storage: Storage, limit_bytes: int) -> None:
        self._storage = storage
        self._limit_bytes = limit_bytes
        self._texts: dict[str, bytearray] = {}
        self._field = ""
        self._file: BinaryIO | None = None
        self._name = ""
        self._stored_as: str | None = None
        self._size_bytes = 0
        self._piece = bytearray()

    async def take(self, event: Any) -> None:
        """The beginning of a field, a piece of it, or (None) its end. Raises Refused, OSError."""
        if isinstance(event, MultipartSegment):
            self._begin(event)
        elif event is None:
            await self._end()
        elif self._field == "file":
            await self._add(event)
        else:
            text = self._texts[self._field]
            text += event
            if len(text) > _TEXTS[self._field]:
                most = _TEXTS[self._field]
                raise _invalid(self._field, f"It has more than {most} bytes.", f"超过 {most} 字节。")

    def finish(self) -> Upload:
        """What came, once it is complete. Raises Refused."""
        if self._stored_as is None:
            raise _missing("file")
        kind = self._kind()
        if kind is None:
            raise _missing("kind")
        if not self._size_bytes:
            raise Refused(Refusal("import_file_unreadable", "The file is empty.", "/file", message_zh="文件是空的。"))
        mapping = self._mapping(kind)
        self._check_table(self._stored_as)
        try:
            self._stored_as = self._storage.settle(self._stored_as)
        except OSError as error:
            raise _not_stored(unusable(error)) from None
        return Upload(kind, self._name, self._size_bytes, self._stored_as, mapping)

    def _check_table(self, stored_as: str) -> None:
        """What can be told of a file that is no table, by the name that its sender gives it. Raises Refused."""
        path = self._storage.path(stored_as)
        try:
            kind_of(path, self._name)
        except UnreadableFile as error:
            message = error.message.replace(str(path), self._name)
            zh = error.message_zh and error.message_zh.replace(str(path), self._name)
            raise Refused(Refusal(error.code, message, "/file", message_zh=zh)) from None

    def discard(self) -> None:
        """Keep nothing."""
        if self._file is not None:
            self._file.close()
        if self._stored_as is not None:
            self._storage.delete([self._stored_as])

    def _begin(self, segment: MultipartSegment) -> None:
        field = segment.name or ""
        shown = field[:40] if field.isprintable() else "?"
        if field != "file" and field not in _TEXTS:
            message = f"There is no field {shown!r} here; send kind, mapping and file."
            zh = f"{shown}；可用的：kind、mapping、file。"
            raise Refused(Refusal("unknown_field", message, f"/{shown}", message_zh=zh))
        if field in self._texts or (field == "file" and self._stored_as is not None):
            raise _invalid(field, "It is given twice.", "写了两次。")
        self._field = field
        if field != "file":
            self._texts[field] = bytearray()
            return
        # What was said before the file need not wait for all of it to be found wrong.
        kind = self._kind()
        if kind is not None and "mapping" in self._texts:
            self._mapping(kind)
        self._name = _shown_name(segment.filename or "")
        try:
            self._stored_as, self._file = self._storage.create()
        except UploadsUnusable as error:
            raise _not_stored(error) from None

    async def _add(self, piece: bytes) -> None:
        self._size_bytes += len(piece)
        if self._size_bytes > self._limit_bytes:
            raise Refused(_too_large(self._limit_bytes))
        self._piece += piece
        if len(self._piece) >= _PIECE_BYTES:
            await self._write()

    async def _end(self) -> None:
        if self._field == "file" and self._file is not None:
            await self._write()
            self._file.close()
            self._file = None

    async def _write(self) -> None:
        file = cast(BinaryIO, self._file)
        await asyncio.to_thread(file.write, bytes(self._piece))
        self._piece.clear()

    def _kind(self) -> Kind | None:
        text = self._text("kind")
        if text is None:
            return None
        if text not in _KINDS:
            raise _invalid("kind", f"Send one of {', '.join(_KINDS)}.", f"请填 {'、'.join(_KINDS)} 之一。")
        return cast(Kind, text)

    def _mapping(self, kind: Kind) -> str | None:
        try:
            return mapping_text(kind, self._text("mapping"))
        except JifenError as error:
            raise Refused(refusal_from(error, "/mapping")) from None

    def _text(self, field: str) -> str | None:
        raw = self._texts.get(field)
        if raw is None:
            return None
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise _invalid(field, "It is not text in UTF-8.", "不是 UTF-8 文本。") from None
        if reason := unfit_text(text):
            message, zh = f"The text contains {reason}, which cannot be stored.", "含有控制字符或不完整的字符。"
            raise Refused(Refusal("invalid_text", message, f"/{field}", message_zh=zh))
        return text


def _shown_name(name: str) -> str:
    """What the sender calls a file, for people: its last part, cut to a length. It never becomes part of a path."""
    last = PurePosixPath(name.replace("\\", "/")).name
    return "".join(letter for letter in last if letter.isprintable())[-_LONGEST_NAME:] or "file"


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _too_large(limit_bytes: int) -> Refusal:
    message = f"A file may have {limit_bytes:,} bytes at most; split it, or pack it with gzip."
    return Refusal("import_too_large", message, "/file", {"limit_bytes": limit_bytes})


def _not_stored(error: UploadsUnusable) -> Refused:
    return Refused(refusal_from(error))


def _missing(field: str) -> Refused:
    return Refused(Refusal("missing_field", f"The field {field!r} is missing.", f"/{field}", message_zh=f"{field}。"))


def _invalid(field: str, what: str, zh: str | None = None) -> Refused:
    return Refused(Refusal("invalid_field", what, f"/{field}", message_zh=zh))
