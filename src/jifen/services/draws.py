"""Lotteries as the outside sees them: the prizes with their odds, what a member lacks, and the proof of every draw."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

import msgspec

from jifen.core.calendar import local_day
from jifen.core.decide import Context
from jifen.core.decide.context import Decision
from jifen.core.decide.draw import check_may_draw, unknown_draw
from jifen.core.decide.spend import check_available
from jifen.core.draws.chance import pick
from jifen.core.draws.document import Pity
from jifen.core.draws.odds import OpenDraw, OpenPrize
from jifen.core.draws.values import Drawn, Round
from jifen.core.identity import shard_of_name
from jifen.core.ledger.values import transaction_id
from jifen.core.program import Program
from jifen.core.redemption.document import RewardLimit
from jifen.core.redemption.values import Supplies
from jifen.core.refusal import Refusal
from jifen.core.rules.caps import OpenCap, usage_name
from jifen.core.rules.document import LocalizedText
from jifen.core.trace import decode_trace
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.engine.known import load_known
from jifen.engine.places import Places
from jifen.engine.segments import SegmentLibrary
from jifen.services.catalog import NO_PROGRAM, Catalog
from jifen.services.drawn import DrawnView, view_of_drawn
from jifen.services.members import READER, unknown_member
from jifen.services.rewards import Lack, lack_in_chinese, member_as_asked, words_of
from jifen.services.rounds import RoundView, view_of_round

_SQL = load_queries("draws")
#: How the points are worked out, for whoever does it again.
ALGORITHM: Final = (
    'int(HMAC-SHA256(seed, "number:attempt") as hexadecimal, first 13 digits); attempt = 0, 1, 2 ... until the value '
    "is below 16^13 - 16^13 % total; point = value % total"
)
_LACKS_ZH: Final = {
    "draw_not_open": "不在抽奖时间内",
    "no_round": "尚未公布种子哈希",
    "not_eligible": "须满足：{needs}",
    "limit_reached": "已达抽奖次数上限（{most} 次）",
    "insufficient_points": "还差 {missing} 积分",
}


class PrizeView(msgspec.Struct, frozen=True):
    """A prize: its odds are `weight` of the draw's `total`. `left`, `left_today`: how many can still be given (null: no
    limit)."""

    prize_id: str
    name: LocalizedText
    weight: int
    points: int
    wallet: str | None
    reward: str | None
    left: int | None
    left_today: int | None


class DrawView(msgspec.Struct, frozen=True):
    """A lottery. `round`: the open one (null: nobody can draw); `otherwise`: the prize that is given where what was
    drawn cannot be; `needs`: the condition in words. For a member: `lacks` (empty: it can be drawn) and `misses` in a
    row."""

    draw_id: str
    name: LocalizedText
    wallet: str
    points: int
    ticket: str | None
    opens_at: datetime | None
    closes_at: datetime | None
    condition: str | None
    needs: LocalizedText | None
    limits: list[RewardLimit]
    total: int
    prizes: list[PrizeView]
    otherwise: str
    pity: Pity | None
    retired: bool
    round: RoundView | None
    lacks: list[Lack] | None
    misses: int | None


class DrawList(msgspec.Struct, frozen=True):
    """The lotteries, in the order of the program."""

    draws: list[DrawView]


class Share(msgspec.Struct, frozen=True):
    """The points of a prize: from `first` on, below `after`."""

    prize: str
    first: int
    after: int


class Odds(msgspec.Struct, frozen=True):
    """The odds of a version of the program."""

    program_version: int
    total: int
    shares: list[Share]


class ProvenDraw(DrawnView, frozen=True):
    """A draw with when it was and by which odds. `is_right`: the point follows from the seed, and what was hit from the
    point (null: the seed is not revealed yet). The transaction is named where a member was asked about."""

    program_version: int
    drawn_at: datetime
    is_right: bool | None
    transaction_id: str | None


class Proof(msgspec.Struct, frozen=True):
    """A round with what was drawn, in order, so that anybody can work it out again: that the commitment is the SHA-256
    of the seed, and each point as `algorithm` says. `next_cursor` asks for the next page; null: this is the last."""

    draw_id: str
    round: RoundView
    algorithm: str
    odds: list[Odds]
    drawn: list[ProvenDraw]
    next_cursor: str | None


async def list_draws(
    connection: Connection, catalog: Catalog, member_id: int | None, now: datetime, *, with_all: bool = False
) -> DrawList | Refusal:
    """The lotteries; for a member with what is missing. `with_all`: retired ones too. Needs a snapshot."""
    program = await catalog.program(connection)
    if program is None:
        return NO_PROGRAM
    hall = await _enter(connection, catalog, program, member_id, now)
    if isinstance(hall, Refusal):
        return hall
    return DrawList(
        [_view(hall, each) for each in program.draws.by_id.values() if with_all or not each.document.retired]
    )


async def find_draw_view(
    connection: Connection, catalog: Catalog, draw_id: str, member_id: int | None, now: datetime
) -> DrawView | Refusal:
    """One lottery. Needs a snapshot."""
    program = await catalog.program(connection)
    if program is None:
        return NO_PROGRAM
    draw = program.draws.by_id.get(draw_id)
    if draw is None:
        return msgspec.structs.replace(unknown_draw(draw_id), pointer=None)
    hall = await _enter(connection, catalog, program, member_id, now)
    return hall if isinstance(hall, Refusal) else _view(hall, draw)


class _Hall(msgspec.Struct, frozen=True):
    """A program's lotteries as they stand, seen by a member or by nobody in particular."""

    program: Program
    day: date
    rounds: dict[str, RoundView]
    used: dict[str, int]
    decision: Decision | None


async def _enter(
    connection: Connection, catalog: Catalog, program: Program, member_id: int | None, now: datetime
) -> _Hall | Refusal:
    day = local_day(now, program.zone)
    rounds = {row["draw"]: view_of_round(row) for row in await connection.fetch(_SQL["open_rounds"])}
    names = [name for each in program.draws.by_id.values() for name in each.shared_names(day)]
    shards = [shard_of_name(name, catalog.shards) for name in names]
    used = {row["name"]: row["used"] for row in await connection.fetch(_SQL["used"], shards, names)}
    if member_id is None:
        return _Hall(program, day, rounds, used, None)
    state = await member_as_asked(connection, catalog, program, member_id, now)
    if state is None:
        return unknown_member(str(member_id))
    states = {member_id: state}
    if program.draws.reads_segments:
        await load_known(connection, states, Places(), catalog.shards, lists=[member_id])
    version, asked = program.version, program.draws.segments
    segments = (await SegmentLibrary().load(connection, {version: asked}, {version: program})).get(version)
    # Nothing is drawn here, so that no seed is needed.
    supplies = Supplies(rounds={each.draw: Round(each.round, b"", each.drawn) for each in rounds.values()})
    context = Context(now, now, READER, "", READER)
    decision = Decision(program, context, states[member_id], used, segments=segments, supplies=supplies)
    return _Hall(program, day, rounds, used, decision)


def _view(hall: _Hall, draw: OpenDraw) -> DrawView:
    document, names, decision = draw.document, hall.program.wallet_ids, hall.decision
    return DrawView(
        document.id,
        document.name,
        names[draw.price_wallet],
        draw.price_points,
        document.ticket,
        draw.window.since,
        draw.window.until,
        document.audience,
        words_of(hall.program, draw.audience),
        document.limits,
        draw.total,
        [_prize(hall, each) for each in draw.prizes.values()],
        document.otherwise,
        document.pity,
        document.retired,
        hall.rounds.get(document.id),
        None if decision is None else _lacks(decision, draw),
        None if decision is None else decision.state.used.get(draw.misses, 0),
    )


def _prize(hall: _Hall, prize: OpenPrize) -> PrizeView:
    document = prize.document
    shared = {cap.cap.period: _left(hall, cap) for cap in prize.caps if cap.is_shared}
    return PrizeView(
        document.id,
        document.name,
        document.weight,
        document.points,
        hall.program.wallet_ids[prize.wallet] if document.points else None,
        document.reward,
        shared.get("lifetime"),
        shared.get("day"),
    )


def _left(hall: _Hall, cap: OpenCap) -> int:
    return max(cap.cap.most - hall.used.get(usage_name(cap, hall.day), 0), 0)


def _lacks(decision: Decision, draw: OpenDraw) -> list[Lack]:
    """Everything for which drawing would be refused now."""
    found = [check_may_draw(decision, draw)]
    if draw.price_points:
        found.append(check_available(decision, draw.price_wallet, draw.price_points))
    return [Lack(each.code, lack_in_chinese(each, _LACKS_ZH), each.message) for each in found if each is not None]


# --- proofs ---


async def prove(
    connection: Connection,
    catalog: Catalog,
    draw_id: str,
    *,
    number: int | None = None,
    member_id: int | None = None,
    after: int = 0,
    limit: int = 200,
) -> Proof | Refusal:
    """A round (None: the newest) with what was drawn in it, by everybody or by a member. Needs a snapshot."""
    shard = shard_of_name(draw_id, catalog.shards)
    row = await connection.fetchrow(_SQL["round"], shard, draw_id, number)
    if row is None:
        which = "no round" if number is None else f"no round {number}"
        return Refusal("unknown_round", f"There is {which} of a draw {draw_id[:40]!r}.")
    found = view_of_round(row)
    rows = await connection.fetch(_SQL["drawn"], shard, draw_id, found.round, after, limit + 1, member_id)
    shown = rows[:limit]
    draws: dict[int, OpenDraw] = {}
    for version in sorted({each["program_version"] for each in shown}):
        program = await catalog.program(connection, version)
        assert program is not None, "what was drawn has its version"
        draws[version] = program.draws.by_id[draw_id]
    return Proof(
        draw_id,
        found,
        ALGORITHM,
        [_odds(version, draw) for version, draw in draws.items()],
        [_proven(catalog, each, found, draws, with_name=member_id is not None) for each in shown],
        str(shown[-1]["number"]) if len(rows) > limit else None,
    )


def _odds(version: int, draw: OpenDraw) -> Odds:
    shares, first = [], 0
    for each in draw.document.prizes:
        shares.append(Share(each.id, first, first + each.weight))
        first += each.weight
    return Odds(version, draw.total, shares)


def _proven(catalog: Catalog, row: Any, found: RoundView, draws: dict[int, OpenDraw], *, with_name: bool) -> ProvenDraw:
    drawn = decode_trace(row["trace"]).drawn
    assert drawn is not None
    view = msgspec.structs.asdict(view_of_drawn(row["member_id"], drawn, catalog.wallet_ids))
    if not with_name:
        # Everybody may see what was drawn, not by whom.
        view |= {"ticket": None, "redemption_id": None}
    is_right = None if found.seed is None else follows(bytes.fromhex(found.seed), drawn, draws[row["program_version"]])
    name = transaction_id(row["member_id"], row["sequence"]) if with_name else None
    return ProvenDraw(
        **view,
        program_version=row["program_version"],
        drawn_at=row["recorded_at"],
        is_right=is_right,
        transaction_id=name,
    )


def follows(seed: bytes, drawn: Drawn, draw: OpenDraw) -> bool:
    """Whether a draw follows from the seed of its round and the odds of its version (I-24)."""
    picked, document = pick(seed, drawn.number, draw.total), draw.document
    if drawn.is_pity:
        expected = None if document.pity is None else document.pity.prize
    else:
        expected = drawn.hit if drawn.short is None else document.otherwise
    return (
        (picked.point, picked.attempt, draw.total) == (drawn.point, drawn.attempt, drawn.total)
        and draw.prize_at(picked.point).document.id == drawn.hit
        and drawn.prize == expected
    )
