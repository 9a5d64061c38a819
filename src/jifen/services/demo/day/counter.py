"""At the counter: a customer buys, a draft of the tiers is tried, an apology made, a gift sent, and two tills want one
voucher."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import Final

import msgspec

from jifen.core.commands import AdjustPoints, RecordOrder
from jifen.core.members.commands import DescribePerson
from jifen.core.orders import Order, OrderLine
from jifen.core.program import Program, ProgramDocument
from jifen.core.redemption.agreeing import open_roles
from jifen.core.redemption.commands import ApproveRedemption, FulfilRedemption, RedeemReward, WriteOffCoupon
from jifen.core.redemption.values import Redemption
from jifen.core.refusal import Refusal
from jifen.core.rules.document import LocalizedText
from jifen.core.tiers.document import TierLevel, TierSet
from jifen.core.trace import Trace
from jifen.core.wallets.commands import DecideApproval
from jifen.core.wording.conditions import localized_condition
from jifen.engine.submission import Answer, Outcome
from jifen.services.demo.day.acts import Apology, Gift, Move, Preview, Purchase, Voucher
from jifen.services.demo.day.stage import Stage, actor
from jifen.services.stock import set_stock
from jifen.services.tiers.preview import preview_tiers

PAID_CENTS: Final = 260_000
#: So many points more than one person may give: enough for what she takes later in the day.
_MORE_POINTS: Final = 6_000
_NAME: Final = "李梅"
#: What no tier at all is called.
_NONE: Final = LocalizedText("无", "none")


async def buy(stage: Stage) -> Purchase:
    """The customer says who she is, and buys for so much that she would rise under the draft."""
    till = actor("till-1")
    said = {"name": _NAME, "gender": "female", "birthday": "1990-05-17"}
    await stage.ask(till, "describe", DescribePerson(stage.member, said))
    line = OrderLine("1", 2, PAID_CENTS, "HO036", "四件套 Bed linen, 4 pieces", "home")
    order = Order(f"demo-day-{stage.day}-1", "CNY", [line], "store", "上海静安店")
    outcome = await stage.ask(till, "order", RecordOrder(stage.member, order))
    trace = _trace(outcome)
    points = 0 if trace is None else sum(award.points for award in trace.awards)
    pending = _pending(trace)
    return Purchase(
        member_id=str(stage.member),
        paid_cents=PAID_CENTS,
        points=points,
        pending=pending,
        is_right=points > 0,
    )


async def preview(stage: Stage) -> Preview:
    """Who would move if one tier asked for two thirds of what it asks for now."""
    tiers, tier = stage.tier
    assert tier.qualify is not None
    draft = re.sub(r"[0-9]+", lambda found: str(int(found.group()) * 2 // 3), tier.qualify, count=1)
    document = _with_condition(stage.program.document, tiers, tier, draft)
    found = await preview_tiers(stage.connection, document, datetime.now(UTC), limit=0)
    names = {each.id: each.name for each in tiers.tiers}
    moves = [
        Move(each.was, each.tier, names.get(each.was, _NONE), names.get(each.tier, _NONE), each.members)
        for each in found.moves or []
    ]
    members, moving = found.members or 0, found.moving or 0
    return Preview(
        tier=tier.name,
        condition=tier.qualify,
        asks=_asks(stage.program, tiers.id, tier.id),
        draft=draft,
        draft_asks=_asks(Program(0, document, stage.program.wallet_numbers), tiers.id, tier.id),
        members=members,
        moving=moving,
        moves=moves,
        is_right=moving <= members and sum(each.members for each in moves) == moving,
    )


async def apologise(stage: Stage) -> Apology:
    """The clerk asks for more than one person may give; the clerk cannot agree to it, the manager does."""
    clerk, manager, limit = actor("clerk"), actor("manager"), stage.adjustments.limit_points
    codes = [each.code for each in stage.adjustments.reasons]
    points = limit + _MORE_POINTS
    command = AdjustPoints(stage.member, None, points, reason_code="damaged" if "damaged" in codes else codes[0])
    asked = await stage.ask(clerk, "apology", command, reason="四件套破损 The linen was torn")
    request = -asked.sequence if isinstance(asked, Answer) else 0
    own = await stage.ask(clerk, "apology-own", DecideApproval(request, is_approved=True))
    agreed = await stage.ask(
        manager, "apology-agreed", DecideApproval(request, is_approved=True), reason="已看照片 Seen the photo"
    )
    trace = _trace(agreed)
    available = _available(trace)
    return Apology(
        points=points,
        limit_points=limit,
        asked_by=clerk,
        own_refusal=_code(own),
        approved_by=manager,
        available=available,
        is_right=request > 0 and _code(own) == "own_request" and trace is not None and trace.points == points,
    )


async def send_gift(stage: Stage) -> Gift:
    """The customer wants something dear: the clerk asks for it, cannot agree to it, the manager does, and it is
    shipped."""
    clerk, manager, reward, member = actor("clerk"), actor("manager"), stage.gift, stage.member
    await set_stock(
        stage.connection,
        stage.program,
        stage.catalog.shards,
        reward.id,
        key=f"demo-day:{stage.day}",
        actor=manager,
        reason="到货 Delivered",
        add=1,
    )
    asked = await stage.ask(clerk, "gift", RedeemReward(member, reward.id))
    waiting = _redemption(asked)
    approval = None if waiting is None else waiting.approval
    request = asked.sequence if isinstance(asked, Answer) else 0
    roles = () if approval is None else tuple(open_roles(approval))
    agree = ApproveRedemption(member, request)
    own = await stage.ask(clerk, "gift-own", agree, roles=roles)
    agreed = await stage.ask(manager, "gift-agreed", agree, roles=roles)
    parcel = {"carrier": "SF", "number": f"SF{stage.day:012}"}
    sent = await stage.ask(actor("warehouse"), "gift-sent", FulfilRedemption(member, request, parcel))
    fulfilled = _redemption(sent)
    states = [None if each is None else each.state for each in (waiting, _redemption(agreed), fulfilled)]
    flow = None if approval is None else stage.program.offers.flows[approval.flow]
    condition = None if flow is None else flow.condition
    return Gift(
        reward=reward.name,
        points=0 if waiting is None else waiting.points,
        condition="" if condition is None else condition.source,
        asks=_NONE if condition is None else localized_condition(stage.program, condition),
        asked_by=clerk,
        waited_for=", ".join(roles),
        own_refusal=_code(own),
        approved_by=manager,
        delivery={} if fulfilled is None else dict(fulfilled.delivery),
        available=_available(_trace(agreed)),
        is_right=states == ["waiting_for_approval", "approved", "fulfilled"]
        and _code(own) == "approval_by_requester"
        and fulfilled is not None
        and fulfilled.delivery == parcel,
    )


async def use_voucher(stage: Stage) -> Voucher:
    """The customer takes a voucher, and shows its code at two tills at once: one of them takes it."""
    reward = stage.voucher
    redeemed = await stage.ask(actor("till-1"), "voucher", RedeemReward(stage.member, reward.id))
    redemption = _redemption(redeemed)
    code = redemption.coupons[0].code if redemption is not None and redemption.coupons else ""
    stores = {"till-1": "上海静安店", "till-2": "杭州西湖店"}
    outcomes = await asyncio.gather(
        *(
            stage.ask(actor(till), f"write-off-{till}", WriteOffCoupon(code, None, store))
            for till, store in stores.items()
        )
    )
    used = [store for store, each in zip(stores.values(), outcomes, strict=True) if isinstance(each, Answer)]
    refused = [
        (store, each.code) for store, each in zip(stores.values(), outcomes, strict=True) if isinstance(each, Refusal)
    ]
    refused_at, refusal = refused[0] if refused else ("", "")
    return Voucher(
        reward=reward.name,
        points=0 if redemption is None else redemption.points,
        code=code,
        cents=reward.coupon.cents if reward.coupon is not None else 0,
        used_at=used[0] if used else "",
        refused_at=refused_at,
        refusal=refusal,
        is_right=(len(used), refusal) == (1, "coupon_used"),
    )


def _asks(program: Program, tier_set: str, tier: str) -> LocalizedText:
    """What a tier asks for, in words."""
    found = next(each for each in program.tier_sets if each.id == tier_set)
    condition = found.tiers[found.rank_of(tier)].qualify
    return _NONE if condition is None else localized_condition(program, condition)


def _with_condition(document: ProgramDocument, tiers: TierSet, tier: TierLevel, condition: str) -> ProgramDocument:
    """The program with another condition of one tier. Its own `keep` may be no harder than that."""
    replace = msgspec.structs.replace
    changed = replace(tiers, tiers=[replace(each, qualify=condition) if each is tier else each for each in tiers.tiers])
    return replace(document, tier_sets=[changed if each is tiers else each for each in document.tier_sets])


def _trace(outcome: Outcome) -> Trace | None:
    return outcome.trace if isinstance(outcome, Answer) else None


def _redemption(outcome: Outcome) -> Redemption | None:
    trace = _trace(outcome)
    return None if trace is None else trace.redemption


def _code(outcome: Outcome) -> str:
    return outcome.code if isinstance(outcome, Refusal) else ""


def _available(trace: Trace | None) -> int:
    return 0 if trace is None else sum(each.available for each in trace.left)


def _pending(trace: Trace | None) -> int:
    return 0 if trace is None else sum(each.pending for each in trace.left)
