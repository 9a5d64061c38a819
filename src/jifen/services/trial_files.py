"""The files of `jifen rules try`: an event as JSON, a member's facts as JSON or YAML."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import ClassVar, Final

import msgspec

from jifen.core.errors import JifenError
from jifen.core.program import Program
from jifen.core.refusal import Refusal
from jifen.core.rules.facts import MemberFacts
from jifen.core.system_words import system_words
from jifen.services.chinese import chinese_of
from jifen.services.json_input import read_json
from jifen.services.trying import Trial, TriedMember, try_event
from jifen.services.typed_yaml import MAXIMUM_CHARACTERS, InvalidYaml, YamlFile

_ANY: Final = msgspec.json.Decoder()


class TrialFileUnreadable(JifenError):
    """A file of an event or a member that is not there or cannot be read."""

    code: ClassVar[str] = "trial_file_unreadable"


class InvalidTrial(JifenError):
    """An event or a member that rules cannot be tried with; `pointer` or `path` names the field."""

    code: ClassVar[str] = "invalid_trial"


def read_event_file(path: Path) -> bytes:
    """The bytes of an event file. Raises TrialFileUnreadable."""
    return _read(path)


def read_member_file(path: Path) -> MemberFacts:
    """What is known of a member, as JSON or YAML.

    Raises:
        TrialFileUnreadable: there is no such file, or it is not UTF-8 text.
        InvalidTrial: it does not hold the facts of a member.
    """
    raw = _read(path)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TrialFileUnreadable(
            f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8.",
            message_zh=f"{path} 不是 UTF-8 文本（第 {error.start} 字节）；请另存为 UTF-8。",
        ) from None
    try:
        return YamlFile(text).convert(TriedMember).facts
    except InvalidYaml as error:
        if path.suffix == ".json" and isinstance(refusal := read_json(_ANY, raw), Refusal):
            # Whoever writes JSON reads what is wrong with it as such.
            raise _named(refusal, path, path) from None
        zh, en = error.told(str(path))
        raise InvalidTrial(f"{en}.", message_zh=f"{zh}。", path=error.path, line=error.line) from None


def try_files(
    program: Program,
    event: Path,
    member: Path | None,
    *,
    at: datetime | None,
    now: datetime,
) -> Trial:
    """Try the event of one file on the member of another.

    Raises:
        TrialFileUnreadable: a file cannot be read.
        InvalidTrial: named after the file and the field at fault.
    """
    raw = read_event_file(event)
    facts = None if member is None else read_member_file(member)
    trial = try_event(program, raw, facts, at=at, now=now)
    if isinstance(trial, Refusal):
        raise _named(trial, event, member)
    return trial


def _named(refusal: Refusal, event: Path, member: Path | None) -> InvalidTrial:
    """The refusal as an error that names the file instead of the part of a body."""
    part, _, rest = (refusal.pointer or "").lstrip("/").partition("/")
    place = {"event": str(event), "member": str(member), "at": "--at"}.get(part, str(event))
    field = f"/{rest} " if rest else ""
    return InvalidTrial(
        f"{place}: {field}{refusal.message}",
        message_zh=f"{place}：{field}{chinese_of(refusal)}",
        code=refusal.code,
        pointer=f"/{rest}" if rest else None,
    )


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            # One more than may be there is enough to see that it is too long.
            content = file.read(MAXIMUM_CHARACTERS + 1)
    except FileNotFoundError:
        raise TrialFileUnreadable(f"There is no file {path}.", message_zh=f"没有文件 {path}。") from None
    except (OSError, ValueError) as error:
        zh, en = system_words(error)
        name = repr(str(path))
        raise TrialFileUnreadable(f"{name} cannot be read: {en}.", message_zh=f"{name}：{zh}。") from None
    if len(content) > MAXIMUM_CHARACTERS:
        en, zh = f"is longer than {MAXIMUM_CHARACTERS:,} bytes.", f"超过 {MAXIMUM_CHARACTERS:,} 字节。"
        raise TrialFileUnreadable(f"{path} {en}", message_zh=f"{path} {zh}")
    return content.removeprefix(b"\xef\xbb\xbf")
