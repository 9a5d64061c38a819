"""An independent, deliberately simple ledger: plain dictionaries, nothing clever, none of the project's own steps.

A lot is never deleted and knows where each of its points went; everything else is looked up in the lots.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from jifen.core.program import ProgramDocument
from tests.model.closed_form import PlainLine, points_kept, slow_expires_at, slow_start_of_day

Plain = dict[str, Any]
WALLETS = ("points", "growth")
PLACES = ("pending", "free", "held", "spent", "expired", "reversed", "adjusted", "given", "repaid")


class Refused(Exception):
    """A command that the oracle does not do, with the code it expects."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def new_member() -> Plain:
    """A member without history. `book` holds what each transaction was, by its sequence."""
    wallets = {name: {"lots": [], "holds": [], "debt": 0, "flows": {}} for name in WALLETS}
    return {"wallets": wallets, "sequence": 0, "book": {}}


def flow(wallet: Plain, bucket: str, points: int) -> None:
    """Count what went into (or, negative, came out of) a bucket of the program's side."""
    wallet["flows"][bucket] = wallet["flows"].get(bucket, 0) + points


def available(wallet: Plain) -> int:
    """The points that can be spent."""
    return sum(lot["free"] for lot in wallet["lots"])


def next_sequence(member: Plain, kind: str, **facts: Any) -> int:
    """Write the next line of the member's book."""
    member["sequence"] += 1
    member["book"][member["sequence"]] = {"kind": kind, "is_reversed": False, **facts}
    return int(member["sequence"])


def open_lot(wallet: Plain, points: int, terms: tuple[datetime, datetime, datetime], now: datetime | None) -> Plain:
    """A lot of points; pending if `now` is given and they are not yet effective."""
    earned, effective, expires = terms
    lot: Plain = dict.fromkeys(PLACES, 0)
    lot |= {"earned": earned, "effective": effective, "expires": expires, "number": len(wallet["lots"])}
    lot |= {"issued": points, "forgiven": 0}
    wallet["lots"].append(lot)
    if now is not None and effective > now:
        lot["pending"] = points
    else:
        lot["free"] = points
        repay(wallet, lot)
    return lot


def repay(wallet: Plain, lot: Plain) -> None:
    """Free points pay debt first."""
    part = min(wallet["debt"], lot["free"])
    wallet["debt"] -= part
    lot["free"] -= part
    lot["repaid"] += part


def take(wallet: Plain, place: str, points: int) -> list[tuple[Plain, int]]:
    """Move free points elsewhere: soonest-expiring, then oldest, then first opened."""
    parts = []
    for lot in sorted(wallet["lots"], key=lambda each: (each["expires"], each["earned"], each["number"])):
        part = min(points, lot["free"])
        if part:
            lot["free"] -= part
            lot[place] += part
            points -= part
            parts.append((lot, part))
    assert points == 0
    return parts


def give_back(
    document: ProgramDocument, wallet: Plain, place: str, parts: list[tuple[Plain, int]], when: datetime
) -> None:
    """Points return to their lots, or to new ones where those have expired and the program says so."""
    zone = ZoneInfo(document.time_zone)
    policy = document.returns.expired_lots
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
        if not part:
            continue
        if lot["expires"] > when or policy == "expire":
            lot[place] -= part
            lot["free"] += part
            repay(wallet, lot)
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
        open_lot(wallet, part, terms, None)


def expiry_of(document: ProgramDocument, wallet: str, when: datetime) -> datetime:
    """Until when points earned in a wallet at an instant are valid."""
    for rule in document.earning:
        if rule.wallet == wallet:
            return slow_expires_at(rule.expiry, when, ZoneInfo(document.time_zone))
    return datetime(9999, 1, 1, tzinfo=when.tzinfo)


def due_instants(wallet: Plain) -> list[datetime]:
    """When something happens by itself."""
    return (
        [lot["effective"] for lot in wallet["lots"] if lot["pending"]]
        + [lot["expires"] for lot in wallet["lots"] if lot["free"]]
        + [hold["ends"] for hold in wallet["holds"]]
    )


def pass_time(document: ProgramDocument, member: Plain, now: datetime) -> None:
    """Let everything happen that is due by now, instant by instant, wallet by wallet."""
    for name in WALLETS:
        wallet = member["wallets"][name]
        wallet["name"] = name
        while (instant := min(due_instants(wallet), default=now + timedelta(1))) <= now:
            happen(document, member, wallet, instant)


def happen(document: ProgramDocument, member: Plain, wallet: Plain, instant: datetime) -> None:
    """What one instant brings: lots mature, then holds end, then lots expire."""
    maturing = [lot for lot in wallet["lots"] if lot["pending"] and lot["effective"] <= instant]
    if maturing:
        next_sequence(member, "mature")
    for lot in maturing:
        lot["free"], lot["pending"] = lot["pending"], 0
        repay(wallet, lot)
    for hold in [each for each in wallet["holds"] if each["ends"] <= instant]:
        next_sequence(member, "hold_expire")
        wallet["holds"].remove(hold)
        give_back(document, wallet, "held", hold["parts"], instant)
    expiring = [lot for lot in wallet["lots"] if lot["free"] and lot["expires"] <= instant]
    if expiring:
        next_sequence(member, "expire")
    for lot in expiring:
        flow(wallet, "expired", lot["free"])
        lot["expired"] += lot["free"]
        lot["free"] = 0


def take_back(wallet: Plain, origin: Plain | None, points: int, policy: str) -> None:
    """A refund: from the lot of origin, from what of it has expired, from other lots, then by policy."""
    left = points
    if origin is not None:
        for place in ("pending", "free", "expired"):
            part = min(left, origin[place])
            origin[place] -= part
            origin["reversed"] += part
            left -= part
            if place == "expired":
                flow(wallet, "expired", -part)
    others = min(left, available(wallet))
    take(wallet, "reversed", others)
    left -= others
    if left and policy == "refuse":
        raise Refused("points_already_spent")
    # Held points are not spent: what stands in holds and does not pay for older debt is owed under every policy.
    held = sum(lot["held"] for lot in wallet["lots"])
    owed = left if policy == "debt" else min(left, max(held - wallet["debt"], 0))
    wallet["debt"] += owed
    if origin is not None:
        origin["forgiven"] += left - owed
    flow(wallet, "reversed", points - left + owed)


def order_due(order: Plain, asked: list[tuple[int, int]] | None) -> int:
    """How many points a refund takes back; counts the pieces as returned."""
    lines: list[PlainLine] = order["lines"]
    left = [quantity - gone for (quantity, _), gone in zip(lines, order["returned"], strict=True)]
    if not any(left):
        raise Refused("already_refunded")
    before = points_kept(order["rule"], lines, order["returned"])
    for line, quantity in asked or list(enumerate(left)):
        if not 0 <= line < len(lines):
            raise Refused("unknown_line")
        order["returned"][line] += quantity
        if order["returned"][line] > lines[line][0]:
            raise Refused("returned_too_much")
    return before - points_kept(order["rule"], lines, order["returned"])


def check_lots(wallet: Plain) -> None:
    """Every point of every lot is somewhere, once; debt and free points never stand side by side."""
    for lot in wallet["lots"]:
        assert lot["issued"] == sum(lot[place] for place in PLACES)
        assert all(lot[place] >= 0 for place in PLACES)
    for hold in wallet["holds"]:
        assert sum(part for _, part in hold["parts"]) > 0
    assert wallet["debt"] == 0 or available(wallet) == 0
