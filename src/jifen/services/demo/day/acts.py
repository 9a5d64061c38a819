"""What happens in the course of a day, act by act, in figures. `is_right`: it came out exactly as it had to."""

from __future__ import annotations

import msgspec

from jifen.core.rules.document import LocalizedText
from jifen.services.demo.run import DemoSummary


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """Members come over from an old system, in a dirty workbook whose faults are known, and then their balances.
    `reasons`: rows that were not taken, by the code of the reason. `file_points` of the balances are booked
    (`ledger_points`) or rejected."""

    rows: int
    registered: int
    repeated: int
    rejected: int
    reasons: dict[str, int]
    balances: int
    file_points: int
    ledger_points: int
    rejected_points: int
    is_right: bool


class Purchase(msgspec.Struct, frozen=True, kw_only=True):
    """A customer buys; the points wait until they can be spent."""

    member_id: str
    paid_cents: int
    points: int
    pending: int
    is_right: bool


class Move(msgspec.Struct, frozen=True):
    """So many members would go from one tier to another (empty: none at all)."""

    was: str
    tier: str
    was_name: LocalizedText
    tier_name: LocalizedText
    members: int


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """A draft of the tiers asks less of one of them. Nobody is moved by asking who would move. `asks` and `draft_asks`:
    the conditions in words."""

    tier: LocalizedText
    condition: str
    asks: LocalizedText
    draft: str
    draft_asks: LocalizedText
    members: int
    moving: int
    moves: list[Move]
    is_right: bool


class Apology(msgspec.Struct, frozen=True, kw_only=True):
    """More points than one person may give alone. `own_refusal`: what whoever asked is told when they agree to it
    themselves; `available`: what the member has once a second person has agreed."""

    points: int
    limit_points: int
    asked_by: str
    own_refusal: str
    approved_by: str
    available: int
    is_right: bool


class Gift(msgspec.Struct, frozen=True, kw_only=True):
    """A gift from the catalogue that costs more points than pass at once: `condition` says from when on somebody must
    agree, `asks` says it in words. `own_refusal`: what whoever asked is told when they agree to it themselves;
    `delivery`: how it was sent; `available`: what the member has left."""

    reward: LocalizedText
    points: int
    condition: str
    asks: LocalizedText
    asked_by: str
    waited_for: str
    own_refusal: str
    approved_by: str
    delivery: dict[str, str]
    available: int
    is_right: bool


class Voucher(msgspec.Struct, frozen=True, kw_only=True):
    """A voucher, and two tills that want it at the same moment. `refusal`: what the second one is told."""

    reward: LocalizedText
    points: int
    code: str
    cents: int
    used_at: str
    refused_at: str
    refusal: str
    is_right: bool


class Sale(msgspec.Struct, frozen=True, kw_only=True):
    """Hundreds want one of a few pieces at once, and each asks twice with the same key. `repeated` requests got the
    first answer again; `left`: pieces in stock afterwards."""

    reward: LocalizedText
    pieces: int
    buyers: int
    requests: int
    sold: int
    repeated: int
    sold_out: int
    left: int
    seconds: float
    requests_per_second: float
    is_right: bool


class PrizeGiven(msgspec.Struct, frozen=True):
    """How often a prize was given."""

    prize: str
    name: LocalizedText
    times: int


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """A round of a lottery begins: the hash of its seed is published before anybody draws."""

    name: LocalizedText
    round: int
    commitment: str
    is_right: bool


class Lottery(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody draws, and the seed is revealed, from which all draws are worked out again. `points`: what was won;
    `fits`: the hash of the seed is the one that was published."""

    draws: int
    prizes: list[PrizeGiven]
    points: int
    seed: str
    fits: bool
    recomputed: int
    is_right: bool


class Evening(msgspec.Struct, frozen=True, kw_only=True):
    """`jifen verify`: what was looked at, and how many findings there are of each kind."""

    members: int
    transactions: int
    movements: int
    duration_ms: int
    findings: dict[str, int]
    is_right: bool


Act = Arrival | Purchase | Preview | Apology | Gift | Voucher | Sale | Opening | Lottery | Evening


class DayReport(msgspec.Struct, kw_only=True):
    """The whole day. `day`: the first, second ... that was played in this database; `shop`: what the shop is made of,
    where it was made just before; `is_right`: all acts are."""

    day: int
    is_right: bool
    arrival: Arrival
    purchase: Purchase
    preview: Preview
    apology: Apology
    gift: Gift
    voucher: Voucher
    sale: Sale
    opening: Opening
    lottery: Lottery
    evening: Evening
    seconds: float
    shop: DemoSummary | None = None
