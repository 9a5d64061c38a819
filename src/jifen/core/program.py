"""The program: what a merchant decides about points. A published version never changes.

`ProgramDocument` is the shape of the file that a person writes; `Program` is the same, checked and ready for use.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from jifen.core.alarms import Alarms, check_alarms
from jifen.core.calendar import Expiry, NeverExpires, days_later, expires_at
from jifen.core.draws.checks import check_draws
from jifen.core.draws.document import Draw
from jifen.core.draws.odds import Draws
from jifen.core.identity import is_region
from jifen.core.ledger.values import LotTerms
from jifen.core.limits import MAXIMUM_AMOUNT, MAXIMUM_HOUSEHOLD, MAXIMUM_WALLETS
from jifen.core.redemption.checks import check_rewards
from jifen.core.redemption.document import ApprovalFlow, Reward
from jifen.core.redemption.offers import Offers
from jifen.core.rules.book import EventBook, compile_rules
from jifen.core.rules.campaigns import open_campaigns
from jifen.core.rules.caps import open_caps
from jifen.core.rules.checks import check_campaigns, check_caps, check_declared, check_percent, check_rules
from jifen.core.rules.document import (
    Campaign,
    Cap,
    Catalog,
    EarningRule,
    EventType,
    Group,
    LocalizedText,
    MemberField,
    Ratio,
    Tier,
)
from jifen.core.rules.faults import InvalidProgram, check_ids, check_number, check_range, check_text, invalid
from jifen.core.rules.multiply import CoefficientPolicy
from jifen.core.segments.facts import SegmentVocabulary
from jifen.core.tiers.benefits import rules_of_tiers
from jifen.core.tiers.checks import check_opened, check_tier_sets, opened_rewards
from jifen.core.tiers.document import TierSet
from jifen.core.tiers.sets import OpenTierSet, open_tier_sets
from jifen.core.wallets.checks import check_adjustments, check_bank, check_conversions, check_gifts, check_offset
from jifen.core.wallets.document import Adjustments, Bank, Conversion, Gifts, OffsetPolicy, WalletKind

__all__ = [
    "EarningRule",
    "InvalidProgram",
    "LocalizedText",
    "Program",
    "ProgramDocument",
    "Ratio",
    "Wallet",
    "WalletValue",
    "check_document",
    "terms_of_award",
]

_CURRENCY = re.compile(r"[A-Z]{3}")


class WalletValue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What points are worth: so many `points` cost the merchant so many `cents` (minor units)."""

    points: int
    cents: int


class Wallet(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One kind of unit that members hold. `value` is what its points cost, for budgets of money and for proofs.

    Points of a `qualifying` wallet (growth value) are earned, expire and are taken back, but never spent.
    """

    id: str
    name: LocalizedText
    value: WalletValue | None = None
    kind: WalletKind = "spendable"


class RefundPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of points that a refund takes back but that are no longer there.

    `debt`: owed, and paid by the next points that come in; `forgive`: let go; `refuse`: the refund is refused.
    """

    spent_points: Literal["debt", "forgive", "refuse"] = "debt"


class ReturnPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of points that return to a lot (cancelled spend, released hold) which expired meanwhile.

    `expire`: they return and expire at once; `grace`: they stay valid for `grace_days` more;
    `new_lot`: they are valid as if earned now.
    """

    expired_lots: Literal["expire", "grace", "new_lot"] = "expire"
    grace_days: int = 0


class HoldPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long a hold binds points when whoever places it does not say."""

    minutes: int = 30


class MemberPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What becomes of members who are frozen or leave, and what their households may do.

    `frozen`: whether frozen members go on earning. `closed_points`: whether closing a membership takes its points.
    `dormant_days`: after so many days without activity a member counts as dormant.
    `most_in_household`: so many members a household has at most. `daily_from_household`: so many points a day each
    member may take from the others' wallets; None: no limit.
    """

    frozen: Literal["earn", "refuse"] = "earn"
    closed_points: Literal["forfeit", "keep"] = "forfeit"
    dormant_days: int = 180
    most_in_household: int = 8
    daily_from_household: int | None = None


class ProgramDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The program file, as its author writes it (docs/reference/program.md).

    `most_reward_percent`: no order may earn points worth more than this share of what was paid; `rules check` proves
    it. `phone_region`: the country (ISO 3166-1 alpha-2) whose phone numbers need no country code; with it, all
    spellings of one number find one member.
    """

    name: LocalizedText
    currency: str
    time_zone: str
    wallets: list[Wallet]
    earning: list[EarningRule]
    register_unknown_members: bool = True
    refunds: RefundPolicy = RefundPolicy()
    returns: ReturnPolicy = ReturnPolicy()
    holds: HoldPolicy = HoldPolicy()
    coefficients: CoefficientPolicy = "product"
    groups: list[Group] = []
    campaigns: list[Campaign] = []
    budgets: list[Cap] = []
    fields: list[MemberField] = []
    events: list[EventType] = []
    catalog: Catalog = Catalog()
    most_reward_percent: Decimal | None = None
    alarms: Alarms = Alarms()
    members: MemberPolicy = MemberPolicy()
    tier_sets: list[TierSet] = []
    rewards: list[Reward] = []
    approvals: list[ApprovalFlow] = []
    conversions: list[Conversion] = []
    gifts: Gifts | None = None
    bank: Bank | None = None
    adjustments: Adjustments | None = None
    offset: OffsetPolicy | None = None
    draws: list[Draw] = []
    phone_region: str | None = None

    @property
    def rules(self) -> list[EarningRule]:
        """The rules, with those that the benefits of tiers stand for."""
        return [*self.earning, *rules_of_tiers(self.tier_sets, self.wallets[0].id)] if self.tier_sets else self.earning

    @property
    def tiers(self) -> list[Tier]:
        """The tiers that `member.tier` can be: those of the first tier set, and of the catalog."""
        tiers = {each.id: Tier(each.id, each.name) for tier_set in self.tier_sets[:1] for each in tier_set.tiers}
        return [*tiers.values(), *(each for each in self.catalog.tiers if each.id not in tiers)]


class Program:
    """A checked version of a program, with everything looked up that commands need often. Treat it as frozen."""

    __slots__ = (
        "books",
        "campaigns",
        "conversion_limits",
        "conversions",
        "counts_months",
        "default_wallet",
        "document",
        "draws",
        "expiry_of_wallet",
        "fields",
        "gift_limits",
        "household_limits",
        "offers",
        "qualifying",
        "receiver_limits",
        "rules",
        "rules_ask",
        "segment_vocabulary",
        "tier_sets",
        "tiers",
        "tiers_ask_profiles",
        "values",
        "version",
        "wallet_ids",
        "wallet_numbers",
        "zone",
    )

    def __init__(self, version: int, document: ProgramDocument, wallet_numbers: dict[str, int]) -> None:
        """Raises InvalidProgram where a condition or window is wrong."""
        self.version = version
        self.document = document
        self.zone = ZoneInfo(document.time_zone)
        self.wallet_numbers = {wallet.id: wallet_numbers[wallet.id] for wallet in document.wallets}
        self.wallet_ids = {number: wallet for wallet, number in wallet_numbers.items()}
        #: The number of the wallet that is meant where a command names none: the first of the file.
        self.default_wallet = self.wallet_numbers[document.wallets[0].id]
        #: What points are worth, by wallet: (points, cents).
        self.values = {
            wallet.id: (wallet.value.points, wallet.value.cents)
            for wallet in document.wallets
            if wallet.value is not None
        }
        #: What is declared of members, by the field's id, and the tiers that they can have.
        self.fields = {field.id: field for field in document.fields}
        self.tiers = document.tiers
        tier_sets = [each.id for each in document.tier_sets]
        self.campaigns = open_campaigns(document.campaigns, document.fields, tier_sets, self.zone)
        rules = document.rules
        self.rules = {rule.id: rule for rule in rules}
        #: The rules by the type of event they wait for.
        self.books: dict[str, EventBook] = compile_rules(
            rules,
            wallets=self.wallet_numbers,
            values=self.values,
            campaigns=self.campaigns,
            groups=document.groups,
            budgets=document.budgets,
            fields=document.fields,
            events=document.events,
            zone=self.zone,
            tier_sets=tier_sets,
        )
        self.tier_sets: tuple[OpenTierSet, ...] = open_tier_sets(
            document.tier_sets, self.wallet_numbers, document.fields, self.zone
        )
        #: Whether tiers look back over months, and whether they ask for what is said of a member.
        self.counts_months = any(each.counts_months for each in self.tier_sets)
        self.tiers_ask_profiles = any(each.needs_member for each in self.tier_sets)
        #: Whether any rule wants to know something of the member or of what was used of caps.
        self.rules_ask = any(book.needs_member or book.has_caps for book in self.books.values())
        #: What conditions of segments can name.
        self.segment_vocabulary = SegmentVocabulary(
            document.fields, self.wallet_numbers, [each.id for each in document.tier_sets]
        )
        #: The rewards and approval flows.
        self.offers = Offers(
            document.rewards, document.approvals, self.wallet_numbers, document.fields, self.zone, document.tier_sets
        )
        #: The lotteries.
        self.draws = Draws(
            document.draws, self.wallet_numbers, self.values, document.fields, self.zone, document.tier_sets
        )
        # Points that no rule awarded (adjustments, new lots for returned points) live as long as earned ones.
        self.expiry_of_wallet: dict[int, Expiry] = dict.fromkeys(self.wallet_numbers.values(), NeverExpires())
        for rule in sorted(document.earning, key=lambda each: (each.priority, each.id), reverse=True):
            if rule.coefficient is None:
                self.expiry_of_wallet[self.wallet_numbers[rule.wallet]] = rule.expiry

        #: The wallets whose points can only be earned.
        self.qualifying = {self.wallet_numbers[wallet.id] for wallet in document.wallets if wallet.kind == "qualifying"}
        self.conversions = {each.id: each for each in document.conversions}
        self.conversion_limits = {
            each.id: open_caps(f"convert:{each.id}", each.limits) for each in document.conversions
        }
        gifts = document.gifts or Gifts()
        self.gift_limits = open_caps("gifts", gifts.limits)
        daily = document.members.daily_from_household
        daily_cap = [] if daily is None else [Cap(limit="points", period="day", most=daily)]
        self.household_limits = open_caps("household", daily_cap)
        self.receiver_limits = open_caps("gifts:received", gifts.receiver_limits)


def locally(program: Program, instant: datetime) -> str:
    """An instant as the clocks of the program's zone show it, to the minute, with the zone."""
    return f"{instant.astimezone(program.zone):%Y-%m-%d %H:%M} ({program.document.time_zone})"


def terms_of_award(program: Program, rule: EarningRule, occurred_at: datetime) -> LotTerms:
    """The terms of the lot that an award of this rule opens, for an event of this instant.

    Both the end of the pending period and the expiry count from when the event happened, however late it arrives. Where
    a yearly date comes before the end of the pending period, the next one counts: no points end before they begin.
    """
    until = expires_at(rule.expiry, occurred_at, program.zone)
    if not rule.pending_days:
        return LotTerms(occurred_at, occurred_at, until)
    effective_at = days_later(occurred_at, rule.pending_days, program.zone)
    if until <= effective_at:
        until = expires_at(rule.expiry, effective_at, program.zone)
    return LotTerms(occurred_at, effective_at, until)


def check_document(document: ProgramDocument) -> None:
    """Raise InvalidProgram for the first thing in a program file that makes no sense, naming the field."""
    if not _CURRENCY.fullmatch(document.currency):
        raise invalid(
            "$.currency",
            f"is {document.currency!r}; write an ISO 4217 code such as CNY",
            f"是 {document.currency!r}；请写 ISO 4217 代码，例如 CNY",
        )
    try:
        ZoneInfo(document.time_zone)
    except (KeyError, ValueError, OSError):
        raise invalid(
            "$.time_zone",
            f"is {document.time_zone!r}; write an IANA zone such as Asia/Shanghai",
            f"是 {document.time_zone!r}；请写 IANA 时区，例如 Asia/Shanghai",
        ) from None
    check_text("$.name", document.name)
    if document.phone_region is not None and not is_region(document.phone_region):
        raise invalid(
            "$.phone_region",
            f"is {document.phone_region!r}; write an ISO 3166-1 code such as CN",
            f"是 {document.phone_region!r}；请写 ISO 3166-1 代码，例如 CN",
        )
    _check_wallets(document.wallets)
    check_ids("$.groups", [group.id for group in document.groups])
    check_campaigns(document.campaigns)
    check_caps("$.budgets", document.budgets)
    if any(cap.per == "member" or cap.period in ("event", "campaign") for cap in document.budgets):
        raise invalid(
            "$.budgets",
            "are for the whole program: write per: program, and a period other than event or campaign",
            "用于整个计划：请写 per: program，周期不能是 event 或 campaign",
        )
    check_declared(document.fields, document.events, document.catalog)
    check_rules(document.earning, {wallet.id for wallet in document.wallets}, document.campaigns, document.groups)
    check_tier_sets(document.tier_sets)
    if document.most_reward_percent is not None:
        check_percent("$.most_reward_percent", document.most_reward_percent)
    check_alarms(document.alarms, {wallet.id for wallet in document.wallets})
    check_range("$.returns.grace_days", document.returns.grace_days, 0, 3660)
    if document.returns.expired_lots == "grace" and document.returns.grace_days == 0:
        raise invalid(
            "$.returns.grace_days", "is 0; the policy grace needs at least 1 day", "是 0；grace 至少需要 1 天"
        )
    check_range("$.holds.minutes", document.holds.minutes, 1, 366 * 24 * 60)
    check_range("$.members.dormant_days", document.members.dormant_days, 1, 36_600)
    check_range("$.members.most_in_household", document.members.most_in_household, 2, MAXIMUM_HOUSEHOLD)
    if document.members.daily_from_household is not None:
        check_range("$.members.daily_from_household", document.members.daily_from_household, 0, MAXIMUM_AMOUNT)
    kinds = {wallet.id: wallet.kind for wallet in document.wallets}
    check_rewards(document.rewards, document.approvals, kinds, opened_rewards(document.tier_sets))
    check_opened(document.tier_sets, [reward.id for reward in document.rewards])
    _check_dealings(document)
    # Conditions and windows are found right or wrong as they are compiled.
    Program(0, document, {wallet.id: number for number, wallet in enumerate(document.wallets, start=1)})


def _check_dealings(document: ProgramDocument) -> None:
    kinds = {wallet.id: wallet.kind for wallet in document.wallets}
    check_conversions(document.conversions, kinds)
    if document.gifts is not None:
        check_gifts(document.gifts, kinds)
    if document.bank is not None:
        check_bank(document.bank, kinds)
    if document.adjustments is not None:
        check_adjustments(document.adjustments)
    if document.offset is not None:
        check_offset(document.offset, kinds)
    values = {each.id: (each.value.points, each.value.cents) for each in document.wallets if each.value is not None}
    check_draws(document.draws, document.rewards, kinds, values)


def _check_wallets(wallets: list[Wallet]) -> None:
    check_number("$.wallets", wallets, MAXIMUM_WALLETS, least=1)
    check_ids("$.wallets", [wallet.id for wallet in wallets])
    for index, wallet in enumerate(wallets):
        check_text(f"$.wallets[{index}].name", wallet.name)
        if wallet.value is not None:
            check_range(f"$.wallets[{index}].value.points", wallet.value.points, 1, 10**9)
            check_range(f"$.wallets[{index}].value.cents", wallet.value.cents, 1, MAXIMUM_AMOUNT)
