"""Stock of rewards and pools of codes: set by hand, each change once, with its reason."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count
from typing import Final, NamedTuple

import asyncpg
import msgspec

from jifen.core.counted import counted
from jifen.core.errors import JifenError
from jifen.core.identity import shard_of_digest, shard_of_name
from jifen.core.program import Program
from jifen.core.redemption.codes import LONGEST_CODE, canonical_code, digest_code
from jifen.core.redemption.document import Reward
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.engine.submission import digest_key, digest_payload
from jifen.services.imports.cells import clean, unquoted
from jifen.services.json_faults import fault_of_json

_SQL = load_queries("redemption_reads")
MAXIMUM_PIECES_IN_STOCK: Final = 10**12
#: So many codes can be added at once.
MAXIMUM_CODES: Final = 10_000


class UnknownReward(JifenError):
    """The program in force has no such reward."""

    code = "unknown_reward"


class InvalidStock(JifenError):
    """Stock that no reward can have, or a reward without stock."""

    code = "invalid_stock"


class InvalidCodes(JifenError):
    """Codes that cannot be taken into a pool."""

    code = "invalid_codes"


class StockKeyUsed(JifenError):
    """The key of this change was used for another one."""

    code = "key_conflict"


class StockView(msgspec.Struct, frozen=True):
    """Stock of a reward: pieces that there ever were, how many redemptions have taken, what is left."""

    reward: str
    pieces: int
    taken: int
    left: int


class FileCodes(NamedTuple):
    """Codes as a file says them, not looked at yet, and the line of each, from 1."""

    codes: list[str]
    lines: list[int]

    @classmethod
    def of(cls, found: Iterable[tuple[int, str]]) -> FileCodes:
        """From pairs of a line and its code."""
        numbered = list(found)
        return cls([code for _, code in numbered], [line for line, _ in numbered])


class CodesView(msgspec.Struct, frozen=True):
    """What became of codes for a pool: `added`, `known` before (here or in another pool); and the pool's stock."""

    reward: str
    added: int
    known: int
    pieces: int


async def set_stock(
    connection: Connection,
    program: Program | None,
    shards: int,
    reward_id: str,
    *,
    key: str,
    actor: str,
    reason: str | None,
    pieces: int | None = None,
    add: int | None = None,
) -> StockView:
    """Say how many pieces there ever were (`pieces`), or that there are more or fewer (`add`). It may be fewer than are
    taken: then the reward is sold out until it recovers. The same key again changes nothing.

    Raises:
        UnknownReward, InvalidStock, StockKeyUsed
    """
    reward = _reward(program, reward_id)
    if reward.stock != "counted":
        raise InvalidStock(
            f"The stock of {reward_id!r} is {reward.stock}; only counted stock is set.",
            message_zh=f"{reward_id!r} 的库存方式是 {reward.stock}；只有 counted 才能设定。",
            reward=reward_id,
        )
    if (pieces is None) == (add is None):
        message = "Say either `pieces` (how many there ever were) or `add` (how many more)."
        raise InvalidStock(message, message_zh="请写 `pieces`（总数）或 `add`（增加多少），二者之一。")
    number = pieces if pieces is not None else add
    if number is None or abs(number) > MAXIMUM_PIECES_IN_STOCK or (pieces is not None and pieces < 0):
        message = f"Stock lies between 0 and {MAXIMUM_PIECES_IN_STOCK} pieces."
        raise InvalidStock(message, message_zh=f"库存须为 0 至 {MAXIMUM_PIECES_IN_STOCK} 件。")
    shard = shard_of_name(reward_id, shards)
    digest = digest_key("stock", reward_id, key)
    payload = digest_payload(msgspec.json.encode((pieces, add, reason)))
    for _ in range(2):
        try:
            row = await connection.fetchrow(
                _SQL["set_stock"], shard, reward_id, pieces, add, digest, payload, actor, reason, datetime.now(UTC)
            )
        except asyncpg.CheckViolationError:
            message, zh = (
                f"There are fewer than {counted(-(add or 0), 'pieces')} of {reward_id!r}.",
                f"不足 {-(add or 0)} 件。",
            )
            raise InvalidStock(message, message_zh=zh) from None
        except asyncpg.UniqueViolationError:
            # The same change was made at this very moment.
            row = None
        if row is not None:
            return _view(reward_id, row["pieces"], row["taken"])
        known = await connection.fetchrow(_SQL["stock_change"], shard, reward_id, digest)
        if known is not None:
            if known["payload_digest"] != payload:
                raise StockKeyUsed("This key was used before for another change of stock; use a new one.")
            return _view(reward_id, known["pieces"], known["taken"])
    message = "Others change this stock at this very moment; try again."
    raise InvalidStock(message, message_zh="此刻有人也在修改库存；请再试一次。")


async def add_codes(
    connection: Connection,
    program: Program | None,
    shards: int,
    reward_id: str,
    codes: Sequence[str] | FileCodes,
    *,
    actor: str,
    reason: str | None,
    most: int | None = MAXIMUM_CODES,
) -> CodesView:
    """Put codes of a merchant's own into the pool of a reward, behind those that are there. Known ones are left out, so
    sending a file twice does no harm. `most`: how many are taken; None: however many, all looked at before the first
    is added, so that the same file completes what ended midway.

    Raises:
        UnknownReward, InvalidStock, InvalidCodes
    """
    reward = _reward(program, reward_id)
    if reward.stock != "codes":
        raise InvalidStock(
            f"The stock of {reward_id!r} is {reward.stock}; codes need `stock: codes`.",
            message_zh=f"{reward_id!r} 的库存方式是 {reward.stock}；券码需要 `stock: codes`。",
            reward=reward_id,
        )
    lines: Sequence[int | None]
    codes, lines = codes if isinstance(codes, FileCodes) else (codes, [None] * len(codes))
    wanted = list(dict.fromkeys(map(_checked, codes, count(1), lines)))
    if not codes or (most is not None and len(codes) > most):
        message = f"There are {len(codes)} codes; send 1 to {MAXIMUM_CODES} at once."
        raise InvalidCodes(message, message_zh=f"有 {len(codes)} 个；一次 1 至 {MAXIMUM_CODES} 个。")
    added = pieces = 0
    for start in range(0, len(wanted), MAXIMUM_CODES):
        part = wanted[start : start + MAXIMUM_CODES]
        digests = [digest_code(code) for code in part]
        now = datetime.now(UTC)
        name = sha256(b"".join(digests) + now.isoformat().encode()).digest()
        row = await connection.fetchrow(
            _SQL["add_codes"],
            shard_of_name(reward_id, shards),
            reward_id,
            [shard_of_digest(digest, shards) for digest in digests],
            digests,
            part,
            name[:16],
            name[:8],
            actor,
            now,
            reason,
        )
        added, pieces = added + row["added"], row["pieces"]
    return CodesView(reward_id, added, len(codes) - added, pieces)


async def owners_of_sold_out(connection: Connection, shards: int, reward: str, most: int) -> frozenset[int] | None:
    """Who ever asked for a reward of which nothing is left, with success; None where some is left, or where those are
    more than `most`."""
    row = await connection.fetchrow(_SQL["sold_out"], shard_of_name(reward, shards), reward, most + 1)
    return None if row is None or len(row["owners"]) > most else frozenset(row["owners"])


def read_codes(text: str) -> FileCodes:
    """The codes in the text of a file: JSON lines (a text, or an object with `code`), or CSV, where the column `code`
    counts, else the first.

    Raises:
        InvalidCodes: with the line at fault.
    """
    # Only line breaks break lines: `str.splitlines` would make two codes of one with a control character in it.
    lines = text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    first = next((line.lstrip() for line in lines if line.strip()), "")
    if first[:1] in ('"', "{") and _is_json(first):
        return FileCodes.of((number, _json_code(number, line)) for number, line in enumerate(lines, 1) if line.strip())
    return FileCodes.of(_csv_codes(lines))


def _csv_codes(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The line on which each row begins, and its code."""
    reader = csv.reader(f"{line}\n" for line in lines)
    column, begins, is_first = 0, 1, True
    try:
        for row in reader:
            number, begins = begins, reader.line_num + 1
            if not any(cell.strip() for cell in row):
                continue
            if is_first:
                is_first = False
                heading = [cell.strip().lower() for cell in row]
                if "code" in heading:
                    column = heading.index("code")
                    continue
            yield number, unquoted(clean(row[column])) if column < len(row) else ""
    except csv.Error:
        message, zh = f"Line {begins} is no line of CSV.", f"第 {begins} 行不是 CSV。"
        raise InvalidCodes(message, message_zh=zh, line=begins) from None


def _is_json(line: str) -> bool:
    try:
        return isinstance(json.loads(line), str | dict)
    except ValueError:
        return False


def _json_code(number: int, line: str) -> str:
    try:
        value = json.loads(line)
    except ValueError as error:
        _, column, (zh, en) = fault_of_json(line.encode(), str(error))
        message = f"This is not JSON: line {number}, column {column}: {en}."
        zh = f"第 {number} 行第 {column} 列：{zh}。"
        raise InvalidCodes(message, message_zh=zh, line=number) from None
    code = value.get("code") if isinstance(value, dict) else value
    if not isinstance(code, str):
        message = f"Line {number} has no code: write a text, or an object with `code`."
        zh = f"第 {number} 行没有券码：请写文本，或带 `code` 的对象。"
        raise InvalidCodes(message, message_zh=zh, line=number)
    return code


def _checked(text: str, number: int, line: int | None) -> str:
    """The code as it is kept. `number`: its place, from 1; `line`: that in the file, where it came in one."""
    code = canonical_code(text)
    # What cannot be seen nobody types at the till; a blank in a code is two codes, or a cell with more than a code.
    if not code or len(code) > LONGEST_CODE or not code.isprintable() or " " in code or "/" in code:
        what = f"a code has 1 to {LONGEST_CODE} characters that are seen, without blanks, tabs and /"
        zh = f"（{text[:20]!r}）：须为 1 至 {LONGEST_CODE} 个可见字符，不含空格、制表符、控制字符和 /。"
        where, where_zh = (f"Code {number}", f"第 {number} 个") if line is None else (f"Line {line}", f"第 {line} 行")
        place = {"code": number} if line is None else {"line": line}
        message = f"{where} ({text[:20]!r}) cannot be taken: {what}."
        raise InvalidCodes(message, message_zh=f"{where_zh}{zh}", **place)
    return code


def _reward(program: Program | None, reward_id: str) -> Reward:
    reward = None if program is None else program.offers.rewards.get(reward_id)
    if reward is None:
        raise UnknownReward(f"There is no reward {reward_id[:40]!r}.", reward=reward_id[:40])
    return reward.document


def _view(reward_id: str, pieces: int, taken: int) -> StockView:
    return StockView(reward_id, pieces, taken, max(pieces - taken, 0))
