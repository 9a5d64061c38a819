"""The catalogue of rewards: what there is, what it costs whom, what is missing, and quotes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Final, Literal

import msgspec

from jifen.core.conditions import Condition
from jifen.core.decide import Context
from jifen.core.decide.context import Decision
from jifen.core.decide.redeem import (
    asker_of,
    check_eligible,
    check_limits,
    check_stock,
    choose_price,
    find_reward,
    limits_of,
    unknown_reward,
)
from jifen.core.decide.spend import check_available
from jifen.core.identity import shard_of_member
from jifen.core.ledger.values import MemberState, MemberStatus
from jifen.core.members.life import check_life
from jifen.core.program import Program
from jifen.core.redemption.document import (
    Captcha,
    CouponTerms,
    FulfilmentKind,
    Reward,
    RewardKind,
    RewardLimit,
    terms_of_add_on,
)
from jifen.core.redemption.offers import Asker, OpenReward
from jifen.core.redemption.quotes import QUOTE_MINUTES, Quote, write_quote
from jifen.core.redemption.values import Stock, Supplies
from jifen.core.refusal import Refusal
from jifen.core.rules.document import LocalizedText
from jifen.core.wording.conditions import localized_condition
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.engine.known import load_known
from jifen.engine.loading import load_all_usages, with_beside
from jifen.engine.places import Places
from jifen.engine.segments import SegmentLibrary
from jifen.services.catalog import NO_PROGRAM, Catalog
from jifen.services.chinese import chinese_of, filled_in
from jifen.services.households import find_household
from jifen.services.members import READER, settled_state, unknown_member

_SQL = load_queries("redemption_reads")
#: How lacks are told in Chinese, by their code: every refusal that one piece can meet. Placeholders are the details of
#: the refusal.
LACKS_ZH: Final = {
    "unknown_reward": "对该会员不可见",
    "member_frozen": "会员已冻结，解冻后可兑",
    "member_closed": "会员已注销",
    "member_anonymised": "会员已匿名化",
    "member_merged": "会员已并入 {into}",
    "insufficient_points": "还差 {missing} 积分",
    "not_eligible": "须满足：{needs}",
    "sold_out": "库存不足，剩余 {left} 件",
    "limit_reached": "已达限兑数量（{most} 件），已兑 {used} 件",
    "reward_not_open": "不在兑换时间内",
    "reward_retired": "已下架",
}


class PriceView(msgspec.Struct, frozen=True):
    """A rung of the ladder. `needs`: its condition in words; `is_open`: the member may take it; `is_default`: it is
    taken where no rung is named, and `lacks` are about it (null: no member was named)."""

    price: int
    wallet: str
    points: int
    cash_cents: int
    condition: str | None
    needs: LocalizedText | None
    is_open: bool | None
    is_default: bool | None


class Lack(msgspec.Struct, frozen=True):
    """Something that a member lacks for a reward. `code` is that of the refusal which redeeming it would give."""

    code: str
    zh: str
    en: str


class AddOnTermsView(msgspec.Struct, frozen=True):
    """So many pieces with each order, of which at least `from_cents` (minor units) were paid."""

    most: int
    from_cents: int


class RewardView(msgspec.Struct, frozen=True):
    """A reward. `needs`: its condition in words; `left`: pieces in stock (null: without end); `captcha`: how much work
    must be done for it (null: none); `add_on`: with which orders it can be taken (null: it needs none); `lacks`: why
    the member cannot have it now, whatever the order (null: no member was named; empty: it can be redeemed)."""

    reward_id: str
    kind: RewardKind
    name: LocalizedText
    description: LocalizedText | None
    pictures: list[str]
    category: str | None
    prices: list[PriceView]
    opens_at: datetime | None
    closes_at: datetime | None
    condition: str | None
    needs: LocalizedText | None
    hidden: bool
    limits: list[RewardLimit]
    left: int | None
    coupon: CouponTerms | None
    fulfilment: FulfilmentKind
    retired: bool
    captcha: Captcha | None
    add_on: AddOnTermsView | None
    lacks: list[Lack] | None


class RewardList(msgspec.Struct, frozen=True):
    """The rewards, in the order of the program."""

    rewards: list[RewardView]


class QuoteView(msgspec.Struct, frozen=True):
    """A price that is held until an instant: redeem with `quote`. Nothing is reserved. `available`: what there is now
    to pay with, the member's own points or (`from` the household) those of all who may spend."""

    quote: str
    reward: str
    quantity: int
    wallet: str
    points: int
    cash_cents: int
    version: int
    until: datetime
    from_: Literal["member", "household"] = msgspec.field(name="from")
    available: int


Audience = Literal["all", "member"]


async def list_rewards(
    connection: Connection, catalog: Catalog, member_id: int | None, now: datetime, *, with_all: bool = False
) -> RewardList | Refusal:
    """The rewards that a member gets to see, with what is missing; without a member those that are not hidden.
    `with_all`: hidden and retired ones too. Needs a snapshot."""
    program = await catalog.program(connection)
    if program is None:
        return NO_PROGRAM
    shop = await _enter(connection, catalog, program, member_id, now)
    if isinstance(shop, Refusal):
        return shop
    views = [_view(shop, each) for each in program.offers.rewards.values() if with_all or _is_shown(shop, each)]
    return RewardList(views)


async def find_reward_view(
    connection: Connection, catalog: Catalog, reward_id: str, member_id: int | None, now: datetime
) -> RewardView | Refusal:
    """One reward; a hidden one only for whom it opens. Needs a snapshot."""
    program = await catalog.program(connection)
    if program is None:
        return NO_PROGRAM
    shop = await _enter(connection, catalog, program, member_id, now)
    if isinstance(shop, Refusal):
        return shop
    reward = program.offers.rewards.get(reward_id)
    if reward is None or not _is_known(shop, reward):
        return msgspec.structs.replace(unknown_reward(reward_id), pointer=None)
    return _view(shop, reward)


async def make_quote(
    connection: Connection,
    catalog: Catalog,
    member_id: int,
    reward_id: str,
    quantity: int,
    price: int | None,
    points: int | None,
    now: datetime,
    *,
    from_household: bool = False,
) -> QuoteView | Refusal:
    """The price of a reward for a member, held for a while and for one redemption. Pure: nothing is written. Needs a
    snapshot."""
    program = await catalog.program(connection)
    if program is None:
        return NO_PROGRAM
    shop = await _enter(connection, catalog, program, member_id, now)
    if isinstance(shop, Refusal):
        return shop
    reward = find_reward(program, reward_id)
    if isinstance(reward, Refusal):
        return reward
    assert shop.asker is not None
    refusal = check_eligible(program, reward, shop.asker)
    if refusal is not None:
        return refusal
    index = choose_price(program, reward, shop.asker, price, points)
    if isinstance(index, Refusal):
        return index
    rung = reward.prices[index]
    assert shop.decision is not None
    available = shop.decision.journal.look(rung.wallet).available
    if from_household:
        household = await find_household(connection, catalog, member_id, now)
        if isinstance(household, Refusal):
            return household
        available = household.available[program.wallet_ids[rung.wallet]]
    quote = Quote(
        member_id,
        reward_id,
        quantity,
        program.wallet_ids[rung.wallet],
        rung.price.points * quantity,
        rung.price.cash_cents * quantity,
        program.version,
        (now + timedelta(minutes=QUOTE_MINUTES)).replace(microsecond=0),
        token_urlsafe(),
        from_household,
    )
    text = write_quote(quote, catalog.quote_secret)
    return QuoteView(
        text,
        reward_id,
        quantity,
        quote.wallet,
        quote.points,
        quote.cash_cents,
        quote.version,
        quote.until,
        "household" if from_household else "member",
        available,
    )


class _Shop(msgspec.Struct, frozen=True):
    """A program's rewards with the stock at hand, seen by a member or by nobody in particular."""

    program: Program
    stocks: dict[str, Stock]
    decision: Decision | None
    asker: Asker | None


async def _enter(
    connection: Connection, catalog: Catalog, program: Program, member_id: int | None, now: datetime
) -> _Shop | Refusal:
    stocks = await read_stocks(connection)
    if member_id is None:
        return _Shop(program, stocks, None, None)
    state = await member_as_asked(connection, catalog, program, member_id, now)
    if state is None:
        return unknown_member(str(member_id))
    context = Context(now, now, READER, "", READER)
    version, asked = program.version, program.offers.segments
    segments = (await SegmentLibrary().load(connection, {version: asked}, {version: program})).get(version)
    decision = Decision(program, context, state, supplies=Supplies(stocks), segments=segments)
    return _Shop(program, stocks, decision, asker_of(decision, now))


async def read_stocks(connection: Connection) -> dict[str, Stock]:
    """The stock of all rewards that ever had any."""
    rows = await connection.fetch(_SQL["stocks"])
    return {row["reward"]: Stock(row["pieces"], row["taken"]) for row in rows}


async def member_as_asked(
    connection: Connection, catalog: Catalog, program: Program, member_id: int, now: datetime
) -> MemberState | None:
    """A member with everything that redeeming asks for: points, profile, counters, uses of limits."""
    state = await settled_state(connection, catalog, program, member_id, now)
    if state is None:
        return None
    shard = shard_of_member(member_id, catalog.shards)
    beside = await connection.fetchrow(_SQL["counters"], shard, member_id)
    states = {member_id: with_beside(state, beside["counters"], beside["uses"])}
    await load_all_usages(connection, states, Places(), catalog.shards)
    asked = [member_id]
    await load_known(
        connection,
        states,
        Places(),
        catalog.shards,
        profiles=asked,
        standings=asked if program.tier_sets else (),
        lists=asked if program.offers.reads_segments else (),
    )
    life = await connection.fetchrow(_SQL["life"], shard, member_id)
    status = MemberStatus[life["status"].upper()]
    return msgspec.structs.replace(states[member_id], status=status, merged_into=life["merged_into"])


def _is_shown(shop: _Shop, reward: OpenReward) -> bool:
    document = reward.document
    if shop.asker is None and (document.hidden or reward.opened_to):
        return False
    return not document.retired and _is_known(shop, reward)


def _is_known(shop: _Shop, reward: OpenReward) -> bool:
    """Whether the member gets to know that there is such a reward; whoever asks for nobody in particular, of any."""
    if shop.asker is None:
        return True
    return reward.is_shown_to(shop.asker) and (not reward.document.hidden or reward.is_for(shop.asker))


def _view(shop: _Shop, reward: OpenReward) -> RewardView:
    document, names = reward.document, shop.program.wallet_ids
    asker = shop.asker
    open_to = None if asker is None else reward.prices_for(asker)
    default = None if asker is None else reward.default_price(asker)
    prices = [
        PriceView(
            index,
            names[each.wallet],
            each.price.points,
            each.price.cash_cents,
            each.price.audience,
            words_of(shop.program, each.audience),
            None if open_to is None else index in open_to,
            None if asker is None else index == default,
        )
        for index, each in enumerate(reward.prices)
    ]
    return RewardView(
        document.id,
        document.kind,
        document.name,
        document.description,
        document.pictures,
        document.category,
        prices,
        reward.window.since,
        reward.window.until,
        document.audience,
        words_of(shop.program, reward.audience),
        document.hidden,
        document.limits,
        None if document.stock == "none" else shop.stocks.get(document.id, Stock()).left,
        document.coupon,
        document.fulfilment,
        document.retired,
        document.captcha,
        _add_on(document),
        None if shop.decision is None else [_lack(each) for each in _refusals(shop, reward)],
    )


def words_of(program: Program, condition: Condition | None) -> LocalizedText | None:
    """A condition in words, where there is one."""
    return None if condition is None else localized_condition(program, condition)


def _add_on(reward: Reward) -> AddOnTermsView | None:
    terms = terms_of_add_on(reward)
    return None if terms is None else AddOnTermsView(terms.most, terms.from_cents)


def _refusals(shop: _Shop, reward: OpenReward) -> list[Refusal]:
    """Everything for which one piece would be refused now."""
    decision, asker = shop.decision, shop.asker
    assert decision is not None and asker is not None
    document = reward.document
    found: list[Refusal | None] = [
        check_life(shop.program, decision.state, "spend"),
        Refusal("reward_retired", f"The reward {document.id!r} is no longer given.") if document.retired else None,
        check_eligible(shop.program, reward, asker),
        check_limits(decision, limits_of(decision, reward), 1),
        check_stock(decision, document, 1),
    ]
    index = choose_price(shop.program, reward, asker, None, None)
    if isinstance(index, Refusal):
        found.append(index)
    else:
        rung = reward.prices[index]
        found.append(check_available(decision, rung.wallet, rung.price.points))
    return [each for each in found if each is not None]


def _lack(refusal: Refusal) -> Lack:
    return Lack(refusal.code, lack_in_chinese(refusal, LACKS_ZH), refusal.message)


def lack_in_chinese(refusal: Refusal, texts: Mapping[str, str]) -> str:
    """What a member lacks, as part of a list, by the texts of each code."""
    if "opens_locally" in refusal.details:
        return chinese_of(refusal).removesuffix("。")
    return filled_in(texts[refusal.code], {"left": 0} | refusal.details)
