"""An approved redemption gets what it is for: coupon codes, or nothing that anybody has to bring."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from jifen.core.calendar import local_day, start_of_day
from jifen.core.decide.context import Decision
from jifen.core.redemption.document import CouponTerms
from jifen.core.redemption.machine import next_state
from jifen.core.redemption.values import Coupon, Redemption


def grant(decision: Decision, redemption: Redemption) -> Redemption:
    """Issue the codes of a coupon; what needs no delivery is fulfilled at once; everything else waits for it."""
    terms = redemption.terms
    if terms is not None:
        codes = redemption.reserved or decision.fresh_codes(redemption.quantity)
        assert len(codes) == redemption.quantity, "whoever decides brings the codes"
        until = _valid_until(decision, terms)
        coupons = tuple(_coupon(code, terms, until) for code in codes)
        return msgspec.structs.replace(redemption, coupons=coupons, reserved=())
    if redemption.fulfilment != "none" or redemption.reward in decision.program.draws.tickets:
        # Tickets are used by drawing.
        return redemption
    state = next_state(redemption.state, "fulfil")
    assert state is not None
    return msgspec.structs.replace(redemption, state=state)


def _coupon(code: str, terms: CouponTerms, until: datetime | None) -> Coupon:
    return Coupon(
        code, terms.face, terms.cents, terms.percent, terms.cents, until, is_partly_usable=terms.is_partly_usable
    )


def _valid_until(decision: Decision, terms: CouponTerms) -> datetime | None:
    """The end of the last local day on which a coupon issued now is valid."""
    if terms.valid_days is None:
        return None
    zone = decision.program.zone
    return start_of_day(local_day(decision.context.now, zone) + timedelta(days=terms.valid_days + 1), zone)
