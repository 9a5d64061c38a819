"""Where a day is played: the program with what the day needs of it, and the ways to ask something of the engine."""

from __future__ import annotations

from typing import Final

import msgspec

from jifen.core.commands import Command, RegisterMember
from jifen.core.draws.odds import OpenDraw
from jifen.core.identity import Identity
from jifen.core.program import Program
from jifen.core.redemption.document import Reward
from jifen.core.refusal import Refusal
from jifen.core.tiers.document import TierLevel, TierSet
from jifen.core.wallets.document import Adjustments
from jifen.db.connection import Connection
from jifen.engine.loading import find_identities
from jifen.engine.submission import Answer, Outcome, Submission
from jifen.services.catalog import Catalog
from jifen.services.chinese import chinese_of
from jifen.services.demo.run import DemoRefused
from jifen.services.imports.people.sending import send
from jifen.services.imports.recording import Recorder

#: What the day needs of the program, by its name there.
VOUCHER: Final = "ten-yuan"
GIFT: Final = "earphones"
SALE: Final = "mug"
DRAW: Final = "lucky"
#: A day that was played before is found by its customer.
_MOST_DAYS: Final = 9_999


class Stage:
    """One day in one database."""

    def __init__(self, engine: Recorder, url: str, connection: Connection, catalog: Catalog, program: Program) -> None:
        self.engine = engine
        self.url = url
        self.connection = connection
        self.catalog = catalog
        self.program = program
        self.day = 0
        #: The customer of the day.
        self.member = 0

    @property
    def voucher(self) -> Reward:
        """The voucher that is redeemed."""
        return self.program.offers.rewards[VOUCHER].document

    @property
    def gift(self) -> Reward:
        """What nobody gets unless a second person agrees."""
        return self.program.offers.rewards[GIFT].document

    @property
    def sale(self) -> Reward:
        """What everybody wants."""
        return self.program.offers.rewards[SALE].document

    @property
    def draw(self) -> OpenDraw:
        """The lottery of the day."""
        return self.program.draws.by_id[DRAW]

    @property
    def adjustments(self) -> Adjustments:
        """What a person may give alone, and for which reasons."""
        policy = self.program.document.adjustments
        assert policy is not None, "looked at when the stage was set"
        return policy

    @property
    def tier(self) -> tuple[TierSet, TierLevel]:
        """The lowest tier that is reached by a condition, and its set."""
        found = _earned_tier(self.program)
        assert found is not None, "looked at when the stage was set"
        return found

    async def ask(
        self, who: str, key: str, command: Command, *, reason: str | None = None, roles: tuple[str, ...] = ()
    ) -> Outcome:
        """What the engine answers to somebody of the shop."""
        return (await send(self.engine, [self.submission(who, key, command, reason=reason, roles=roles)]))[0]

    def submission(
        self, who: str, key: str, command: Command, *, reason: str | None = None, roles: tuple[str, ...] = ()
    ) -> Submission:
        """A command of this day; `who` is the actor, `key` makes it unique in the day."""
        payload = msgspec.json.encode([type(command).__name__, command])
        return Submission(command, f"demo-day:{self.day}", key, payload, who, reason=reason, roles=roles)


def actor(name: str) -> str:
    """Somebody who works in the shop."""
    return f"jifen:demo:{name}"


async def set_stage(engine: Recorder, url: str, connection: Connection) -> Stage:
    """Find out what the program has, and begin the next day.

    Raises:
        DemoRefused: the program lacks something; nothing was done.
    """
    catalog = Catalog()
    await catalog.refresh(connection)
    program = await catalog.program(connection)
    missing = "a program" if program is None else _missing(program)
    if program is None or missing is not None:
        raise DemoRefused(
            f"The day is played with the program `demo`; here {missing} is missing. Use an empty data folder.",
            message_zh="这一天用积分计划 demo 来演，这里的计划与它不同；请用空的数据目录。",
            reason="program_differs",
        )
    stage = Stage(engine, url, connection, catalog, program)
    await _begin(stage)
    return stage


def _missing(program: Program) -> str | None:
    """What the day would need, in words; None: nothing."""
    document, rewards = program.document, program.offers.rewards
    voucher, gift, sale = rewards.get(VOUCHER), rewards.get(GIFT), rewards.get(SALE)
    if document.currency != "CNY":
        return "the currency CNY"
    if voucher is None or voucher.document.coupon is None or voucher.document.coupon.face != "fixed":
        return f"the reward {VOUCHER!r}, a coupon with a fixed amount,"
    if gift is None or gift.document.fulfilment != "shipping" or gift.document.stock != "counted":
        return f"the reward {GIFT!r}, with counted stock, to be shipped,"
    if not any(flow.when is not None for flow in document.approvals):
        return "an approval flow with a condition"
    if sale is None or sale.document.stock != "counted" or not sale.document.limits:
        return f"the reward {SALE!r}, with counted stock and a limit for each member,"
    if DRAW not in program.draws.by_id:
        return f"the lottery {DRAW!r}"
    if document.adjustments is None or not document.adjustments.reasons:
        return "a limit of corrections, with reasons,"
    return None if _earned_tier(program) is not None else "a tier with a condition"


def _earned_tier(program: Program) -> tuple[TierSet, TierLevel] | None:
    return next(
        ((tiers, each) for tiers in program.document.tier_sets for each in tiers.tiers if each.qualify is not None),
        None,
    )


async def _begin(stage: Stage) -> None:
    """Take the next number: whoever registers its customer first has the day, so that two never share one."""
    shards = stage.catalog.shards
    named = {Identity("external", f"demo-day-{day}"): day for day in range(1, _MOST_DAYS + 1)}
    known = {named[each] for each in await find_identities(stage.connection, list(named), shards, None)}
    for day in named.values():
        if day in known:
            continue
        stage.day = day
        customer = RegisterMember((Identity("external", f"demo-day-{day}"),), channel="store")
        outcome = await stage.ask(actor("till-1"), "customer", customer)
        if isinstance(outcome, Answer) and not outcome.duplicate:
            stage.member = outcome.member_id
            return
        if isinstance(outcome, Refusal) and outcome.code != "identity_taken":
            raise DemoRefused(
                f"The day cannot be played here: {outcome.message}",
                message_zh=chinese_of(outcome),
                reason=outcome.code,
            )
    raise DemoRefused(
        f"{_MOST_DAYS} days were played here; use an empty data folder.",
        message_zh=f"这里已演过 {_MOST_DAYS} 天；请用空的数据目录。",
        reason="too_many_days",
    )
