"""A member asks for a reward: who may have it, for how much, and what becomes of the points."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from jifen.core.calendar import local_day
from jifen.core.counted import counted
from jifen.core.decide.beside_order import check_order_beside
from jifen.core.decide.bound import bind
from jifen.core.decide.context import Decision, PastTransaction
from jifen.core.decide.eligibility import not_eligible
from jifen.core.decide.grant import grant
from jifen.core.decide.spend import check_available
from jifen.core.ledger.values import Kind, transaction_id
from jifen.core.program import Program, locally
from jifen.core.redemption.checks import MAXIMUM_PIECES
from jifen.core.redemption.commands import RedeemReward
from jifen.core.redemption.document import Reward
from jifen.core.redemption.machine import Step, next_state
from jifen.core.redemption.offers import Asker, OpenPrice, OpenReward, limit_names
from jifen.core.redemption.values import NO_STOCK, Approval, Redemption
from jifen.core.refusal import Refusal
from jifen.core.rules.facts import Moment
from jifen.core.trace import Dealings, Pooled
from jifen.core.wording.values import LOCALES, Said, any_of_words, chosen, glued, money_said


class Choice(msgspec.Struct, frozen=True, gc=False):
    """What was chosen: a wallet, the price of all pieces, the version that set it, and the quote that held it."""

    wallet: int
    points: int
    cash_cents: int
    version: int
    quote: str = ""


def redeem_reward(decision: Decision, command: RedeemReward, earned: PastTransaction | None) -> Refusal | None:
    """Bind or spend the points, take the stock, and let the redemption wait or pass. `earned`: the member's order that
    an add-on is taken with."""
    redemption = ask_for_reward(decision, command, earned)
    if isinstance(redemption, Refusal):
        return redemption
    if refusal := check_available(decision, redemption.wallet, redemption.points):
        return refusal
    decision.begin()
    book_redemption(decision, redemption)
    return None


def ask_for_reward(decision: Decision, command: RedeemReward, earned: PastTransaction | None) -> Redemption | Refusal:
    """The redemption where every one begins (held), or why the member cannot have the reward, whatever the points."""
    program, context = decision.program, decision.context
    reward = find_reward(program, command.reward)
    if isinstance(reward, Refusal):
        return reward
    if not 1 <= command.quantity <= MAXIMUM_PIECES:
        return Refusal("invalid_quantity", f"1 to {MAXIMUM_PIECES} pieces can be asked for at once.", "/quantity")
    asker = asker_of(decision, context.now)
    if refusal := check_eligible(program, reward, asker):
        return refusal
    if refusal := check_order_beside(reward.document, command, earned, program.document.currency):
        return refusal
    choice = _choose(decision, reward, asker, command)
    if isinstance(choice, Refusal):
        return choice
    counted = limits_of(decision, reward)
    refusal = check_limits(decision, counted, command.quantity) or check_stock(
        decision, reward.document, command.quantity
    )
    if refusal is not None:
        return refusal
    redemption = _begin(decision, reward.document, asker, choice, command.quantity, list(counted))
    if earned is None or command.order_id is None:
        return redemption
    order = transaction_id(earned.member_id, earned.sequence)
    return msgspec.structs.replace(redemption, order_id=command.order_id, order=order)


def find_reward(program: Program, reward_id: str) -> OpenReward | Refusal:
    """The reward of a program, unless it is retired."""
    reward = program.offers.rewards.get(reward_id)
    if reward is None:
        return unknown_reward(reward_id)
    if reward.document.retired:
        return Refusal("reward_retired", f"The reward {reward_id!r} is no longer given.", "/reward")
    return reward


def unknown_reward(reward_id: str) -> Refusal:
    """The program has no such reward, or none that this member gets to see."""
    return Refusal("unknown_reward", f"There is no reward {reward_id[:40]!r}.", "/reward")


def asker_of(decision: Decision, now: datetime) -> Asker:
    """What is known of the member, now."""
    zone, offers = decision.program.zone, decision.program.offers
    member = decision.member_facts(local_day(now, zone), decision.counters)
    if offers.reads_segments:
        member = decision.with_segments(member, offers.segments, now)
    return Asker(member, Moment(now, zone))


def check_eligible(program: Program, reward: OpenReward, asker: Asker) -> Refusal | None:
    """Refuse where the reward is not open, or not for this member; say what would be needed."""
    document = reward.document
    if not reward.is_for(asker):
        if document.hidden or not reward.is_shown_to(asker):
            return unknown_reward(document.id)
        assert reward.audience is not None
        refusal = not_eligible(program, document.name.en, "/reward", [reward.audience])
        return msgspec.structs.replace(refusal, details={"tier": asker.member.tier} | refusal.details)
    early = program.offers.early_for(asker)
    if not reward.is_open(asker.moment.instant, early):
        return not_open(program, reward, asker.moment.instant, early)
    return None


def not_open(program: Program, reward: OpenReward, now: datetime, early: timedelta) -> Refusal:
    """Not now; where it will be: from when on for this member, also as the clocks of the program's zone show it."""
    opens_at, name = reward.opens_at, reward.document.name.en
    if opens_at is not None:
        opens_at -= early
    if opens_at is None or now >= opens_at:
        return Refusal("reward_not_open", f"{name} is not open at this time.", "/reward")
    opens_locally = locally(program, opens_at)
    details: dict[str, object] = {"opens_at": opens_at.isoformat(), "opens_locally": opens_locally}
    return Refusal("reward_not_open", f"{name} opens at {opens_locally}.", "/reward", details)


def check_stock(decision: Decision, reward: Reward, quantity: int) -> Refusal | None:
    """Refuse more pieces than are left."""
    if reward.stock == "none":
        return None
    left = decision.supplies.stocks.get(reward.id, NO_STOCK).left
    pool = decision.supplies.pools.get(reward.id)
    if pool is not None:
        left = min(left, len(pool))
    if quantity <= left:
        return None
    message = (
        f"Of {reward.name.en} there is no more than {counted(left, 'pieces')}."
        if left
        else f"{reward.name.en} is sold out."
    )
    return Refusal("sold_out", message, "/quantity", {"left": left, "requested": quantity})


def _choose(decision: Decision, reward: OpenReward, asker: Asker, command: RedeemReward) -> Choice | Refusal:
    choice = _quoted(decision, command) if command.quote is not None else _rung(decision, reward, asker, command)
    if isinstance(choice, Refusal) or command.expected_points in (None, choice.points):
        return choice
    return Refusal(
        "price_changed",
        f"It costs {counted(choice.points, 'points')} now, not {command.expected_points:,}.",
        "/expected_points",
        {"points": choice.points, "cash_cents": choice.cash_cents},
    )


def _quoted(decision: Decision, command: RedeemReward) -> Choice | Refusal:
    quote = command.quote
    assert quote is not None
    meant = (quote.member_id, quote.reward, quote.quantity, quote.from_household)
    if meant != (decision.state.member_id, command.reward, command.quantity, command.from_household):
        whose = " with points of the household" if quote.from_household else ""
        message = f"The quote is for {quote.quantity} x {quote.reward} and member {quote.member_id}{whose}."
        return Refusal("quote_mismatch", message, "/quote")
    if quote.until <= decision.context.now:
        until = locally(decision.program, quote.until)
        details: dict[str, object] = {"until": quote.until.isoformat(), "until_locally": until}
        return Refusal("quote_expired", f"The quote held until {until}; ask for a new one.", "/quote", details)
    wallet = decision.wallet_number(quote.wallet)
    if isinstance(wallet, Refusal):
        return wallet
    quoted = Choice(wallet, quote.points, quote.cash_cents, quote.version, quote.nonce)
    if not _is_named_price(decision.program, command, quoted):
        message = (
            f"The quote is for {counted(quote.points, 'points')} in all, and another price was asked for: "
            f"leave one out."
        )
        zh = f"报价合计 {quote.points:,} 积分，与所指定的价格不符；请只写其一。"
        return Refusal("quote_mismatch", message, "/price" if command.points is None else "/points", message_zh=zh)
    return quoted


def _is_named_price(program: Program, command: RedeemReward, quoted: Choice) -> bool:
    """Whether a price that is named beside a quote is the quoted one. Since the program changed, the numbers of rungs
    may mean others."""
    if command.points is not None and command.points * command.quantity != quoted.points:
        return False
    if command.price is None or quoted.version != program.version:
        return True
    prices = program.offers.rewards[command.reward].prices
    if command.price >= len(prices):
        return False
    named = _price_of(prices[command.price], command.quantity, program)
    return msgspec.structs.replace(named, quote=quoted.quote) == quoted


def _price_of(rung: OpenPrice, quantity: int, program: Program) -> Choice:
    """What so many pieces cost at a rung."""
    price = rung.price
    return Choice(rung.wallet, price.points * quantity, price.cash_cents * quantity, program.version)


def _rung(decision: Decision, reward: OpenReward, asker: Asker, command: RedeemReward) -> Choice | Refusal:
    index = choose_price(decision.program, reward, asker, command.price, command.points)
    if isinstance(index, Refusal):
        return index
    return _price_of(reward.prices[index], command.quantity, decision.program)


def choose_price(
    program: Program, reward: OpenReward, asker: Asker, price: int | None, points: int | None
) -> int | Refusal:
    """The rung that is meant: by number, by its points, or the cheapest for the member (OpenReward.default_price)."""
    default = reward.default_price(asker)
    if default is None:
        return _not_at_this_price(program, reward, range(len(reward.prices)))
    if price is None and points is None:
        return default
    open_to = reward.prices_for(asker)
    meant = [
        index
        for index, each in enumerate(reward.prices)
        if price in (None, index) and points in (None, each.price.points)
    ]
    if not meant:
        return _no_such_price(program, reward, open_to, "/points" if price is None else "/price")
    allowed = [index for index in meant if index in open_to]
    if not allowed:
        return _not_at_this_price(program, reward, meant)
    return allowed[0]


def _not_at_this_price(program: Program, reward: OpenReward, rungs: Iterable[int]) -> Refusal:
    """Refuse where none of these rungs is for the member."""
    conditions = [each for rung in rungs if (each := reward.prices[rung].audience) is not None]
    return not_eligible(program, f"This price of {reward.document.name.en}", "/price", conditions)


def _no_such_price(program: Program, reward: OpenReward, open_to: Iterable[int], pointer: str) -> Refusal:
    """Refuse a rung that there is not, saying which ones are for the member."""
    name = reward.document.name
    shown = dict.fromkeys(_shown(reward.prices[rung], program) for rung in open_to)
    zh, en = (any_of_words([chosen(each, locale) for each in shown], locale) for locale in LOCALES)
    message = f"{name.en} has no such price; this member can have it for {en}."
    return Refusal("unknown_price", message, pointer, message_zh=glued("这位会员可用", zh, f"兑换「{name.zh}」。"))


def _shown(rung: OpenPrice, program: Program) -> Said:
    """A price in Chinese and in English."""
    price, wallet = rung.price, program.wallet_ids[rung.wallet]
    name = next(each.name for each in program.document.wallets if each.id == wallet)
    zh, en = f"{price.points:,} {name.zh}", f"{price.points:,} {name.en}"
    if not price.cash_cents:
        return zh, en
    in_zh, in_en = money_said(price.cash_cents, program.document.currency)
    return f"{zh}加 {in_zh}", f"{en} and {in_en}"


def limits_of(decision: Decision, reward: OpenReward) -> dict[str, int]:
    """Under which names of use the limits of a reward count today, and how many pieces each allows."""
    return limit_names(reward.document, local_day(decision.context.now, decision.program.zone))


def check_limits(decision: Decision, limits: dict[str, int], quantity: int) -> Refusal | None:
    """Refuse more pieces than a member may have in one of the periods."""
    for name, most in limits.items():
        used = decision.state.used.get(name, 0)
        if used + quantity > most:
            period = name.split("/")[2]
            each = "in all" if period == "lifetime" else f"a {period}"
            return Refusal(
                "limit_reached",
                f"A member may have {counted(most, 'pieces')} {each}; {used:,} taken.",
                "/quantity",
                {"most": most, "used": used, "period": period, "requested": quantity},
            )
    return None


def _begin(
    decision: Decision, reward: Reward, asker: Asker, choice: Choice, quantity: int, counted: list[str]
) -> Redemption:
    """The redemption where every one begins: held."""
    about: dict[str, Any] = {
        "redemption.points": choice.points,
        "redemption.cash_cents": choice.cash_cents,
        "redemption.reward": reward.id,
        "redemption.kind": reward.kind,
        "redemption.quantity": quantity,
    }
    flow = decision.program.offers.flow_for(reward, asker, about)
    is_from_pool = reward.stock == "codes"
    return Redemption(
        reward.id,
        reward.kind,
        quantity,
        choice.wallet,
        choice.points,
        "held",
        decision.context.actor,
        decision.context.now,
        choice.version,
        choice.cash_cents,
        approval=None if flow is None else Approval(flow.id, tuple(flow.steps), tuple(flow.delegations)),
        fulfilment=reward.fulfilment,
        terms=reward.coupon,
        reserved=decision.supplies.pools[reward.id][:quantity] if is_from_pool else (),
        is_from_pool=is_from_pool,
        counted=dict.fromkeys(counted, quantity),
        taken=0 if reward.stock == "none" else quantity,
        quote=choice.quote,
    )


def book_redemption(decision: Decision, redemption: Redemption, pooled: Pooled | None = None) -> Redemption:
    """Let a redemption wait, or pass at once, and close the transaction that has begun. `pooled`: who else pays."""
    journal, context = decision.journal, decision.context
    reward = decision.program.offers.rewards[redemption.reward].document
    if redemption.cash_cents:
        ends_at = context.now + timedelta(minutes=reward.payment_minutes)
        redemption = msgspec.structs.replace(advance(redemption, "ask_payment"), until=ends_at)
    elif redemption.approval is not None:
        redemption = ask_approval(redemption, context.now)
    else:
        redemption = advance(redemption, "pass")
    is_held = redemption.state != "approved"
    until = bind(decision, redemption.wallet, redemption.own_points, is_held=is_held)
    if redemption.points and not is_held:
        redemption = msgspec.structs.replace(redemption, spent_by=journal.sequence)
    if not is_held:
        redemption = grant(decision, redemption)
    decision.uses.update(redemption.counted)
    if redemption.taken:
        decision.taken[redemption.reward] = redemption.taken
    decision.redemptions[journal.sequence] = redemption
    decision.end(
        Kind.REDEEM,
        context.occurred_at,
        wallet=redemption.wallet,
        points=redemption.own_points,
        until=until,
        uses=redemption.counted,
        dealings=None if pooled is None else Dealings(pooled=pooled),
        taken=dict(decision.taken),
        redemption=redemption,
        is_answer=True,
    )
    return redemption


def advance(redemption: Redemption, step: Step) -> Redemption:
    """The redemption in the state to which a step leads that the caller knows to be allowed."""
    state = next_state(redemption.state, step)
    assert state is not None
    return msgspec.structs.replace(redemption, state=state)


def ask_approval(redemption: Redemption, now: datetime) -> Redemption:
    """The redemption waits for the first step of its flow."""
    approval = redemption.approval
    assert approval is not None
    hours = approval.steps[0].hours
    until = None if hours is None else now + timedelta(hours=hours)
    return msgspec.structs.replace(advance(redemption, "ask_approval"), until=until)
