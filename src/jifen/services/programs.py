"""The program's file and its numbered versions: reading, applying, showing."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

import asyncpg
import msgspec

from jifen.core.errors import JifenError
from jifen.core.limits import MAXIMUM_CLOCK_SKEW
from jifen.core.program import InvalidProgram, Program, ProgramDocument, check_document
from jifen.core.rules.compiling import WrongCondition
from jifen.core.rules.faults import invalid
from jifen.core.system_words import system_words
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.engine.schemas import fault_of_schema
from jifen.services.typed_yaml import MAXIMUM_CHARACTERS, InvalidYaml, YamlFile

_SQL = load_queries("programs")
_decode = msgspec.json.Decoder(ProgramDocument).decode

#: How messages call a program that is no file.
THE_PROGRAM: Final = "The program"
THE_DRAFT: Final = "The draft"
#: So often another apply may come in between before this one gives up.
MAXIMUM_TRIES: Final = 5


class ProgramFileUnreadable(JifenError):
    """A program file that is not there or cannot be read."""

    code: ClassVar[str] = "program_file_unreadable"


class ProgramChangeRefused(JifenError):
    """A program that is right in itself, but may not follow the one before it."""

    code: ClassVar[str] = "program_change_refused"


class UnknownProgramVersion(JifenError):
    """There is no such version of the program, or no program at all."""

    code: ClassVar[str] = "unknown_program_version"


class AppliedProgram(msgspec.Struct, frozen=True):
    """What applying a file came to. `is_new` False: it says what the newest version says already."""

    version: int
    is_new: bool


class ProgramVersion(msgspec.Struct, frozen=True):
    """A published version: its content, the file it came from, and who applied it when."""

    version: int
    applied_at: datetime
    applied_by: str
    document: ProgramDocument
    source: str
    effective_at: datetime


class ProgramSummary(msgspec.Struct, frozen=True):
    """One line of the list of versions. `state`: it begins later; it holds now; it did until `ended_at`; or it was
    overtaken by a later version (at `ended_at`) before it began, and never will."""

    version: int
    applied_at: datetime
    applied_by: str
    name_zh: str
    name_en: str
    effective_at: datetime
    state: Literal["scheduled", "in_force", "superseded", "overtaken"]
    ended_at: datetime | None


def starter_names() -> list[str]:
    """The programs that come with jifen."""
    folder = files("jifen").joinpath("programs")
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def read_program_text(name_or_path: str) -> str:
    """The text of a program that comes with jifen (by its name), or of a file.

    Raises:
        ProgramFileUnreadable: there is no such file or name, or it is not UTF-8 text.
    """
    if name_or_path in starter_names():
        return files("jifen").joinpath("programs", f"{name_or_path}.yaml").read_text("utf-8")
    try:
        with open(Path(name_or_path), encoding="utf-8-sig") as file:
            # One more than may be there is enough to see that it is too long.
            return file.read(MAXIMUM_CHARACTERS + 1)
    except FileNotFoundError:
        zh, en = ("、".join(starter_names()), ", ".join(starter_names()))
        raise ProgramFileUnreadable(
            f"There is no program file {name_or_path}; name a file, or one of {en}.",
            message_zh=f"没有文件 {name_or_path}；请写文件名，或 {zh} 之一。",
        ) from None
    except UnicodeDecodeError as error:
        raise ProgramFileUnreadable(
            f"{name_or_path} is not UTF-8 text (byte {error.start}); save it as UTF-8.",
            message_zh=f"{name_or_path} 不是 UTF-8 文本（第 {error.start} 字节）；请另存为 UTF-8。",
        ) from None
    except (OSError, ValueError) as error:
        zh, en = system_words(error)
        raise ProgramFileUnreadable(
            f"{name_or_path!r} cannot be read: {en}.", message_zh=f"{name_or_path!r}：{zh}。"
        ) from None


def parse_program(text: str, name: str = THE_PROGRAM) -> ProgramDocument:
    """A program file's text as a checked document. `name` is how messages call the file.

    Raises:
        InvalidProgram: with `path` and `line` in its details, as far as they are known.
    """
    return parse_program_file(text, name)[0]


def parse_program_file(text: str, name: str = THE_PROGRAM) -> tuple[ProgramDocument, YamlFile]:
    """The same, with the file that still knows where everything stands. Raises InvalidProgram."""
    try:
        file = YamlFile(text)
        document = file.convert(ProgramDocument)
        check_document(document)
        _check_schemas(document)
    except InvalidYaml as error:
        zh, en = error.told(name, _in_chinese(name))
        raise InvalidProgram(f"{en}.", message_zh=f"{zh}。", path=error.path, line=error.line) from None
    except WrongCondition as error:
        raise _placed(name, error, file) from None
    except InvalidProgram as error:
        path = str(error.details.get("path", "$"))
        raise _located(name, error, path, file.line_of(path)) from None
    return document, file


def _located(name: str, error: InvalidProgram, path: str, line: int | None) -> InvalidProgram:
    zh, en = _in_chinese(name), name
    if line is not None:
        zh, en = f"{zh} 第 {line} 行", f"{en}, line {line}"
    return InvalidProgram(
        f"{en}: {error.message}", message_zh=f"{zh}：{error.message_zh or error.message}", path=path, line=line
    )


def _placed(name: str, error: WrongCondition, file: YamlFile) -> InvalidProgram:
    """The fault of a condition with its line and column in the file."""
    first = error.problems[0]
    place = file.place_in(error.path, first.line, first.column)
    if place is None:
        return _located(name, error, error.path, file.line_of(error.path))
    line, column = place
    zh, en = first.asked
    return InvalidProgram(
        f"{name}, line {line}, column {column}: {error.path} is wrong: {en}",
        message_zh=f"{_in_chinese(name)} 第 {line} 行第 {column} 列：{error.path} 有误：{zh}",
        path=error.path,
        line=line,
        column=column,
    )


def _in_chinese(name: str) -> str:
    return {THE_PROGRAM: "积分计划", THE_DRAFT: "草稿"}.get(name, name)


def _check_schemas(document: ProgramDocument) -> None:
    """Raises InvalidProgram."""
    events = [(f"$.events[{index}].schema", event.schema) for index, event in enumerate(document.events)]
    fields = [(f"$.fields[{index}].schema", field.schema) for index, field in enumerate(document.fields)]
    for path, schema in events + fields:
        fault = fault_of_schema(schema)
        if fault is not None:
            place, said = fault
            zh = f"不是 JSON Schema（2020-12）：{said.zh}"
            raise invalid(f"{path}{place}", f"is no JSON Schema (2020-12): {said.en}", zh)


class DraftOutdated(JifenError):
    """A draft made from an older version than the newest: publishing it would undo what was decided meanwhile."""

    code: ClassVar[str] = "draft_outdated"


async def refuse_outdated(connection: Connection, base_version: int) -> None:
    """Raise DraftOutdated where there is a newer version than the one from which a draft was made."""
    _check_up_to_date(base_version, await _newest(connection))


async def apply_program(
    connection: Connection,
    text: str,
    actor: str,
    name: str = THE_PROGRAM,
    *,
    effective_at: datetime | None = None,
    base_version: int | None = None,
    accepted: dict[str, Any] | None = None,
    overtakes: bool = False,
    draft_id: int | None = None,
) -> AppliedProgram:
    """Make the next version of the program from a file's text; nothing new where it says what the newest one says.

    It holds from `effective_at` on (None: at once); the first one may begin in the past, as nothing was rated before
    it. `base_version`: only while that is the newest one. `accepted`: what was decided about findings, kept with the
    version. `overtakes`: versions that would begin later never will, as this
    one is newer (the newest that has begun holds). `draft_id`: the draft that becomes this version, marked with it.

    Raises:
        InvalidProgram: the file is wrong.
        ProgramChangeRefused: a wallet, the currency or the time zone may not change any more, `effective_at` lies in
            the past, or before that of an earlier version that is not to be overtaken.
        DraftOutdated: there is a newer version than `base_version`.
    """
    document = parse_program(text, name)
    for _ in range(MAXIMUM_TRIES):
        newest = await _newest(connection)
        if base_version is not None:
            _check_up_to_date(base_version, newest)
        if newest is not None and newest.document == document:
            return AppliedProgram(newest.version, False)
        now = datetime.now(UTC)
        if newest is not None and effective_at is not None and effective_at < now - MAXIMUM_CLOCK_SKEW:
            raise ProgramChangeRefused(
                f"{effective_at:%Y-%m-%d %H:%M:%S} UTC is over: what happened since was rated already. Leave it out, "
                "or give a later instant.",
                message_zh=f"{effective_at:%Y-%m-%d %H:%M:%S} UTC 已过，此后发生的已经计算；请去掉它，或写更晚的时刻。",
                path="$.effective_at",
            )
        begins = _begins(effective_at, now, is_first=newest is None)
        if not overtakes and newest is not None:
            await _refuse_overtaking(connection, newest.version, begins, now)
        numbers = await _wallet_numbers(connection)
        await _check_change(connection, newest, document, numbers)
        version = newest.version + 1 if newest else 1
        try:
            await _write(connection, version, document, numbers, text, actor, begins, accepted, draft_id)
        except asyncpg.UniqueViolationError:
            # Somebody else applied a program just now: look again.
            continue
        return AppliedProgram(version, True)
    raise ProgramChangeRefused(
        "Others apply programs at this very moment; try again.", message_zh="此刻有人也在应用积分计划；请再试一次。"
    )


def _begins(effective_at: datetime | None, now: datetime, *, is_first: bool) -> datetime:
    if effective_at is None:
        return now
    return effective_at if is_first else max(effective_at, now)


async def _refuse_overtaking(connection: Connection, newest: int, begins: datetime, now: datetime) -> None:
    """Refuse a version that would keep another one from ever beginning. One that came behind `newest` meanwhile, and
    may begin a moment later than `now`, takes the number of this one, which is then looked at again."""
    for each in await program_versions(connection, now):
        if each.version <= newest and each.state == "scheduled" and each.effective_at > begins:
            raise ProgramChangeRefused(
                f"Version {each.version} is to begin at {each.effective_at:%Y-%m-%d %H:%M:%S} UTC; this one would "
                "overtake it, so that it never does. Say so (`overtake`, `--overtake`), or let this one begin later.",
                message_zh=f"版本 {each.version} 将于 {each.effective_at:%Y-%m-%d %H:%M:%S} UTC 生效，"
                "这个版本会取代它，使它不再生效；请明确说明（`overtake`、`--overtake`），或让这个版本更晚生效。",
                path="$.effective_at",
            )


async def current_program(connection: Connection) -> Program | None:
    """The version in force, ready for use; None where no program was applied yet."""
    row = await connection.fetchrow(_SQL["version_in_force"], datetime.now(UTC))
    newest = await _newest(connection) if row is None else _version_of(row)
    return None if newest is None else Program(newest.version, newest.document, await _wallet_numbers(connection))


async def program_version(connection: Connection, version: int | None = None) -> ProgramVersion:
    """A version by its number; None: the newest.

    Raises:
        UnknownProgramVersion: there is none.
    """
    if version is None:
        newest = await _newest(connection)
        if newest is None:
            raise UnknownProgramVersion("There is no program yet: apply one with `jifen program apply FILE`.")
        return newest
    row = await connection.fetchrow(_SQL["one_version"], version) if 0 < version < 2**31 else None
    if row is None:
        raise UnknownProgramVersion(
            f"There is no version {version} of the program; `jifen program list` shows all.", version=version
        )
    return _version_of(row)


async def program_versions(connection: Connection, now: datetime | None = None) -> list[ProgramSummary]:
    """All versions, oldest first, with what has become of each by now."""
    now = now or datetime.now(UTC)
    summaries: list[ProgramSummary] = []
    ends: datetime | None = None
    for row in reversed(await connection.fetch(_SQL["all_versions"])):
        begins, name = row["effective_at"], _decode(row["content"]).name
        state: Literal["scheduled", "in_force", "superseded", "overtaken"]
        if ends is not None and ends <= begins:
            state = "overtaken"
        elif begins > now:
            state = "scheduled"
        else:
            state = "in_force" if ends is None or ends > now else "superseded"
        ended_at = ends if state in ("superseded", "overtaken") else None
        about = (row["version"], row["applied_at"], row["applied_by"], name.zh, name.en, begins)
        summaries.append(ProgramSummary(*about, state, ended_at))
        ends = begins if ends is None else min(ends, begins)
    return summaries[::-1]


async def program_versions_from_now(connection: Connection) -> list[Program]:
    """The version in force and those that begin later, ready for use; none where no program was applied yet."""
    current = await current_program(connection)
    if current is None:
        return []
    rows = await connection.fetch(_SQL["versions_after"], current.version)
    numbers = await _wallet_numbers(connection)
    return [current, *(Program(row["version"], _decode(row["content"]), numbers) for row in rows)]


async def _newest(connection: Connection) -> ProgramVersion | None:
    row = await connection.fetchrow(_SQL["newest_version"])
    return None if row is None else _version_of(row)


def _check_up_to_date(base_version: int, newest: ProgramVersion | None) -> None:
    version = newest.version if newest else 0
    if base_version != version:
        raise DraftOutdated(
            f"The draft was made from version {base_version}, and there is version {version} now: see what changed, "
            "and publish a new draft made from that.",
            base_version=base_version,
        )


def _version_of(row: Any) -> ProgramVersion:
    return ProgramVersion(
        row["version"],
        row["applied_at"],
        row["applied_by"],
        _decode(row["content"]),
        row["source"],
        row["effective_at"],
    )


async def _wallet_numbers(connection: Connection) -> dict[str, int]:
    return {row["id"]: row["number"] for row in await connection.fetch("SELECT id, number FROM wallets")}


async def _check_change(
    connection: Connection, newest: ProgramVersion | None, document: ProgramDocument, numbers: dict[str, int]
) -> None:
    if newest is None:
        return
    before = newest.document
    gone = sorted(set(numbers) - {wallet.id for wallet in document.wallets})
    if gone:
        raise ProgramChangeRefused(
            f"$.wallets lacks {', '.join(gone)}: members may hold points there. Put the wallet back; a wallet that "
            "earns nothing does no harm.",
            message_zh=f"$.wallets 缺少 {'、'.join(gone)}：会员可能持有这些积分；请放回去，没有规则的账户并无妨碍。",
            path="$.wallets",
        )
    for field in ("currency", "time_zone"):
        was, becomes = getattr(before, field), getattr(document, field)
        if was != becomes and await connection.fetchval(_SQL["has_members"]):
            raise ProgramChangeRefused(
                f"$.{field} is {becomes!r} and was {was!r}: it cannot change once there are members.",
                message_zh=f"$.{field} 由 {was!r} 改为 {becomes!r}：有会员之后不能改变。",
                path=f"$.{field}",
            )


async def _write(
    connection: Connection,
    version: int,
    document: ProgramDocument,
    numbers: dict[str, int],
    text: str,
    actor: str,
    effective_at: datetime,
    accepted: dict[str, Any] | None,
    draft_id: int | None,
) -> None:
    content = msgspec.json.encode(document)
    fresh = [wallet.id for wallet in document.wallets if wallet.id not in numbers]
    first = max(numbers.values(), default=0) + 1
    await connection.execute(
        _SQL["write_version"],
        version,
        datetime.now(UTC),
        actor,
        sha256(content).digest(),
        content.decode(),
        text,
        fresh,
        list(range(first, first + len(fresh))),
        effective_at,
        None if accepted is None else msgspec.json.encode(accepted).decode(),
        draft_id,
    )
