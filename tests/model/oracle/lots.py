"""Points as plain dictionaries: nothing clever, none of the project's own steps.

A lot is never deleted and knows where each of its points went; everything else is looked up in the lots.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from jifen.core.program import ProgramDocument
from tests.model.closed_form import NEVER, slow_expires_at, slow_start_of_day

Plain = dict[str, Any]
#: Earned when, valid from when, until when.
Terms = tuple[datetime, datetime, datetime]
#: Points of a lot.
Part = tuple[Plain, int]
WALLETS = ("points", "growth")
PLACES = ("pending", "free", "held", "saved", "spent", "expired", "reversed", "adjusted", "moved", "repaid")


class Refused(Exception):
    """A command that the oracle does not do, with the code it expects."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def new_wallet(name: str, owner: int) -> Plain:
    """A wallet in which nothing was ever. `came`: what the present command brought."""
    return {"name": name, "owner": owner, "lots": [], "holds": [], "deposits": [], "debt": 0, "flows": {}, "came": []}


def new_member(number: int, registered_at: datetime | None) -> Plain:
    """A member without history. `book` holds what each transaction was, by its sequence; `used` what was used of
    limits; `earned` when how much was earned; `into` who survived a merge."""
    return {
        "number": number,
        "registered_at": registered_at,
        "wallets": {name: new_wallet(name, number) for name in WALLETS},
        "sequence": 0,
        "book": {},
        "used": {},
        "earned": [],
        "status": "active",
        "into": None,
        "household": None,
        "redemptions": {},
    }


def flow(wallet: Plain, bucket: str, points: int) -> None:
    """Count what went into (or, negative, came out of) a bucket of the program's side."""
    wallet["flows"][bucket] = wallet["flows"].get(bucket, 0) + points


def available(wallet: Plain) -> int:
    """The points that can be spent."""
    return sum(lot["free"] for lot in wallet["lots"])


def bound(wallet: Plain) -> int:
    """The points that stand in holds and savings: not spent yet."""
    return sum(lot["held"] + lot["saved"] for lot in wallet["lots"])


def in_order(lots: Iterable[Plain]) -> list[Plain]:
    """As they are spent: soonest-expiring, then oldest, then first opened."""
    return sorted(lots, key=lambda each: (each["expires"], each["earned"], each["number"]))


def next_sequence(member: Plain, kind: str, **facts: Any) -> int:
    """Write the next line of the member's book."""
    member["sequence"] += 1
    member["book"][member["sequence"]] = {"kind": kind, "is_reversed": False, **facts}
    return int(member["sequence"])


def drop(items: list[Plain], one: Plain) -> None:
    """Take out this very one: what refers to each other in circles is not to be compared."""
    items[:] = [each for each in items if each is not one]


# --- points come in ---


def open_lot(
    wallet: Plain, points: int, terms: Terms, *, pending: bool = False, stands_for: Plain | None = None
) -> Plain:
    """A lot of points. `stands_for`: the lot of a merged member that these points are of."""
    earned, effective, expires = terms
    lot: Plain = dict.fromkeys(PLACES, 0)
    lot |= {"earned": earned, "effective": effective, "expires": expires, "number": len(wallet["lots"])}
    lot |= {"issued": points, "forgiven": 0, "owner": wallet["owner"], "stands_for": stands_for, "heirs": []}
    if stands_for is not None:
        stands_for["heirs"].append(lot)
    wallet["lots"].append(lot)
    arrive(wallet, lot, points, pending=pending)
    return lot


def arrive(wallet: Plain, lot: Plain, points: int, *, pending: bool = False) -> None:
    """Points come into a lot, new or old; free ones pay debt first."""
    wallet["came"].append((lot, points))
    lot["pending" if pending else "free"] += points
    if not pending:
        repay(wallet, lot)


def terms_of(lot: Plain) -> Terms:
    """When its points were earned, from when and until when they are valid."""
    return (lot["earned"], lot["effective"], lot["expires"])


def repay(wallet: Plain, lot: Plain) -> None:
    """Free points pay debt first."""
    part = min(wallet["debt"], lot["free"])
    wallet["debt"] -= part
    lot["free"] -= part
    lot["repaid"] += part


def give_back(document: ProgramDocument, wallet: Plain, place: str, parts: list[Part], when: datetime) -> int:
    """Points return to their lots, or to new ones where those have expired and the program says so. How many stay gone,
    because a refund had forgiven them as spent."""
    zone = ZoneInfo(document.time_zone)
    policy = document.returns.expired_lots
    gone = 0
    for lot, whole in parts:
        part = whole
        if place in ("spent", "adjusted"):
            # What a refund forgave of this lot stays gone, now that it was not spent after all.
            kept = min(whole, lot["forgiven"])
            lot["forgiven"] -= kept
            lot[place] -= kept
            lot["reversed"] += kept
            flow(wallet, "reversed", kept)
            part -= kept
            gone += kept
        if not part:
            continue
        if lot["expires"] > when or policy == "expire":
            lot[place] -= part
            arrive(wallet, lot, part, pending=lot["effective"] > when)
            continue
        if policy == "grace":
            last_day = when.astimezone(zone).date() + timedelta(days=document.returns.grace_days)
            terms = (lot["earned"], when, slow_start_of_day(last_day + timedelta(days=1), zone))
        else:
            terms = (when, when, expiry_of(document, wallet["name"], when))
        # The old lot's points stay where they went; the new lot stands for them from now on.
        if place == "held":
            lot["held"] -= part
            lot["spent"] += part
        open_lot(wallet, part, terms)
    return gone


def expiry_of(document: ProgramDocument, wallet: str, when: datetime) -> datetime:
    """Until when points earned in a wallet at an instant are valid."""
    for rule in document.earning:
        if rule.wallet == wallet:
            return slow_expires_at(rule.expiry, when, ZoneInfo(document.time_zone))
    return NEVER


# --- points go out ---


def take(wallet: Plain, place: str, points: int) -> list[Part]:
    """Move free points elsewhere."""
    parts = []
    for lot in in_order(wallet["lots"]):
        part = min(points, lot["free"])
        if part:
            lot["free"] -= part
            lot[place] += part
            points -= part
            parts.append((lot, part))
    assert points == 0
    return parts


def split(parts: list[Part], points: int) -> tuple[list[Part], list[Part]]:
    """The first so many points, and the rest."""
    first, rest = [], []
    for lot, part in parts:
        taken = min(points, part)
        points -= taken
        if taken:
            first.append((lot, taken))
        if part > taken:
            rest.append((lot, part - taken))
    return first, rest


def pass_parts(parts: Iterable[Part], place: str, to: str) -> None:
    """Points of lots that are no member's to spend go from one place to another."""
    for lot, part in parts:
        lot[place] -= part
        lot[to] += part


def take_savings(wallet: Plain, to: str, points: int, only: Plain | None = None) -> list[tuple[Plain, int, datetime]]:
    """Take what is saved, what expires first; up to so many points, of one lot alone if it is named. Lot, points, and
    until when they were saved."""
    taken = []
    for deposit in sorted(wallet["deposits"], key=lambda each: (each["until"], each["number"])):
        kept = []
        for lot, saved in deposit["parts"]:
            part = min(points, saved) if only is None or lot is only else 0
            points -= part
            if part:
                pass_parts([(lot, part)], "saved", to)
                taken.append((lot, part, deposit["until"]))
            if part < saved:
                kept.append((lot, saved - part))
        deposit["parts"] = kept
    wallet["deposits"] = [deposit for deposit in wallet["deposits"] if deposit["parts"]]
    return taken


def take_back(
    wallet: Plain,
    origin: Plain | None,
    points: int,
    policy: str,
    *,
    heirs: Iterable[Plain] = (),
    bound_above: int = 0,
    may_forgive: bool = True,
) -> tuple[int, int]:
    """A refund: from the lot of origin, from what of it has expired, from other lots, then by policy. How many points
    came from the lot, and how many from others.

    `heirs`: lots of those who survived the member, which stand for the lot of origin; `bound_above`: what is in their
    holds and savings.
    """
    left = points
    if origin is not None:
        for place in ("pending", "free"):
            part = min(left, origin[place])
            pass_parts([(origin, part)], place, "reversed")
            left -= part
        left -= sum(part for _, part, _ in take_savings(wallet, "reversed", left, origin))
    from_lot = points - left
    for lot in [] if origin is None else [origin, *heirs]:
        part = min(left, lot["expired"])
        pass_parts([(lot, part)], "expired", "reversed")
        left -= part
        flow(wallet, "expired", -part)
    others = min(left, available(wallet))
    take(wallet, "reversed", others)
    left -= others
    if left and policy == "refuse":
        raise Refused("points_already_spent")
    # Bound points are not spent: what of them does not pay for older debt is owed under every policy.
    not_spent = max(bound(wallet) + bound_above - wallet["debt"], 0)
    owed = left if policy == "debt" or not may_forgive else min(left, not_spent)
    wallet["debt"] += owed
    if origin is not None:
        origin["forgiven"] += left - owed
    flow(wallet, "reversed", points - left + owed)
    return from_lot, others


def forfeit_all(wallet: Plain) -> list[Part]:
    """All that there is goes: what waits, what is saved, what is free."""
    parts = [(lot, lot["pending"]) for lot in in_order(wallet["lots"]) if lot["pending"]]
    pass_parts(parts, "pending", "adjusted")
    saved = sum(lot["saved"] for lot in wallet["lots"])
    parts += [(lot, part) for lot, part, _ in take_savings(wallet, "adjusted", saved)]
    return parts + take(wallet, "adjusted", available(wallet))


def forfeit_what_came(wallet: Plain) -> list[Part]:
    """Of each lot goes as much as came into it, as far as it is still there."""
    came: dict[int, Part] = {}
    for lot, part in wallet["came"]:
        came[lot["number"]] = (lot, part + came.get(lot["number"], (lot, 0))[1])
    parts = []
    for lot, most in came.values():
        place = "pending" if lot["pending"] else "free"
        part = min(most, lot[place])
        pass_parts([(lot, part)], place, "adjusted")
        parts += [(lot, part)] if part else []
    return parts


# --- time ---


def due_instants(wallet: Plain) -> list[datetime]:
    """When something happens by itself."""
    return (
        [lot["effective"] for lot in wallet["lots"] if lot["pending"]]
        + [lot["expires"] for lot in wallet["lots"] if lot["free"]]
        + [hold["ends"] for hold in wallet["holds"]]
        + [deposit["until"] for deposit in wallet["deposits"]]
    )


def pass_time(document: ProgramDocument, member: Plain, now: datetime) -> None:
    """Let everything happen that is due by now, instant by instant, wallet by wallet."""
    for wallet in member["wallets"].values():
        while (instant := min(due_instants(wallet), default=NEVER)) <= now:
            happen(document, member, wallet, instant)


def happen(document: ProgramDocument, member: Plain, wallet: Plain, instant: datetime) -> None:
    """What one instant brings: lots mature, then holds end, then lots expire, then savings."""
    maturing = [lot for lot in wallet["lots"] if lot["pending"] and lot["effective"] <= instant]
    if maturing:
        next_sequence(member, "mature")
    for lot in in_order(maturing):
        lot["free"], lot["pending"] = lot["pending"], 0
        repay(wallet, lot)
    for hold in [each for each in wallet["holds"] if each["ends"] <= instant]:
        next_sequence(member, "hold_expire")
        drop(wallet["holds"], hold)
        give_back(document, wallet, "held", hold["parts"], instant)
    expiring = [lot for lot in wallet["lots"] if lot["free"] and lot["expires"] <= instant]
    if expiring:
        next_sequence(member, "expire")
    for lot in expiring:
        flow(wallet, "expired", lot["free"])
        pass_parts([(lot, lot["free"])], "free", "expired")
    for deposit in [each for each in wallet["deposits"] if each["until"] <= instant]:
        next_sequence(member, "expire")
        flow(wallet, "expired", sum(part for _, part in deposit["parts"]))
        pass_parts(deposit["parts"], "saved", "expired")
        drop(wallet["deposits"], deposit)


# --- looking ---


def check_lots(wallet: Plain) -> None:
    """Every point of every lot is somewhere, once; debt and free points never stand side by side."""
    for lot in wallet["lots"]:
        assert lot["issued"] == sum(lot[place] for place in PLACES)
        assert all(lot[place] >= 0 for place in PLACES)
    for group, place in (("holds", "held"), ("deposits", "saved")):
        parts = [part for each in wallet[group] for _, part in each["parts"]]
        assert all(part > 0 for part in parts)
        assert sum(parts) == sum(lot[place] for lot in wallet["lots"])
    assert wallet["debt"] == 0 or available(wallet) == 0


def view_of(wallet: Plain) -> dict[str, Any]:
    """Buckets, lots in spending order, open holds, savings, and what went to the program's side."""
    lots = in_order(wallet["lots"])

    def shown(place: str) -> list[tuple[int, datetime, datetime, datetime]]:
        return [(lot[place], *terms_of(lot)) for lot in lots if lot[place]]

    def sums(group: str, until: str) -> list[tuple[int, datetime]]:
        return [(sum(part for _, part in each["parts"]), each[until]) for each in wallet[group]]

    return {
        "available": available(wallet),
        "pending": sum(lot["pending"] for lot in lots),
        "held": sum(lot["held"] for lot in lots),
        "saved": sum(lot["saved"] for lot in lots),
        "debt": wallet["debt"],
        "free_lots": shown("free"),
        "pending_lots": shown("pending"),
        "holds": sums("holds", "ends"),
        "savings": sums("deposits", "until"),
        "flows": {bucket: points for bucket, points in wallet["flows"].items() if points},
    }
