"""Points of one wallet become points of another, exactly."""

from __future__ import annotations

from jifen.core.counted import counted
from jifen.core.decide.context import Decision
from jifen.core.decide.earn import check_room
from jifen.core.decide.limits import use_limits
from jifen.core.decide.spend import check_available, check_points
from jifen.core.ledger.values import Bucket, Kind
from jifen.core.refusal import Refusal
from jifen.core.rounding import divide
from jifen.core.trace import Converted, Dealings
from jifen.core.wallets.commands import ConvertPoints
from jifen.core.wallets.document import Conversion


def convert_points(decision: Decision, command: ConvertPoints) -> Refusal | None:
    """Take points, and open one lot of what they come to, with terms as if earned in its wallet now."""
    program, context, points = decision.program, decision.context, command.points
    conversion = program.conversions.get(command.conversion)
    if conversion is None:
        known = program.conversions
        message = f"There is no conversion {command.conversion!r}; the program has {', '.join(known) or 'none'}."
        zh = f"{command.conversion!r}；积分计划的转换规则：{'、'.join(known) or '无'}。"
        return Refusal("unknown_conversion", message, "/conversion", message_zh=zh)
    source, target = program.wallet_numbers[conversion.source], program.wallet_numbers[conversion.target]
    if refusal := check_points(points) or _check_steps(conversion, points) or check_available(decision, source, points):
        return refusal
    converted = convert(conversion, points, target)
    if converted.got < 1:
        message = f"The fee of {counted(converted.fee, 'points')} leaves nothing of the {converted.gross} that arrive."
        return Refusal("fee_exceeds_points", message, "/points", {"gross": converted.gross, "fee": converted.fee})
    if refusal := check_room(decision, target, converted.got):
        return refusal
    uses = use_limits(decision, program.conversion_limits[conversion.id], points, "member")
    if isinstance(uses, Refusal):
        return uses
    decision.begin()
    decision.journal.take(source, Bucket.SPENT, points)
    terms = decision.new_terms(target, context.occurred_at)
    decision.journal.open_lot(target, Bucket.ISSUED, converted.got, terms, pending=False)
    decision.end(
        Kind.CONVERT,
        context.occurred_at,
        wallet=source,
        points=points,
        uses=uses,
        dealings=Dealings(converted=converted),
        is_answer=True,
    )
    return None


def convert(conversion: Conversion, points: int, target: int) -> Converted:
    """What whole steps of points come to: `points x get / give`, which has no remainder, less the fee."""
    gross, remainder = divmod(points * conversion.get, conversion.give)
    assert remainder == 0, "steps come to whole points"
    fee = fee_of(conversion, gross)
    return Converted(conversion.id, target, gross, fee, gross - fee)


def fee_of(conversion: Conversion, gross: int) -> int:
    """What is kept of so many points that arrive."""
    if conversion.fee_percent is None:
        return conversion.fee_points
    numerator, denominator = conversion.fee_percent.as_integer_ratio()
    return divide(gross * numerator, 100 * denominator, conversion.fee_rounding)


def _check_steps(conversion: Conversion, points: int) -> Refusal | None:
    step, least = conversion.step_points, conversion.least_points
    if points < least:
        message = f"At least {counted(least, 'points')} can be converted at once."
        return Refusal("below_least", message, "/points", {"least": least, "requested": points})
    if points % step:
        below = points - points % step
        return Refusal(
            "not_a_whole_step",
            f"Points are converted in steps of {step}: {below} or {below + step}, not {points}.",
            "/points",
            {"step": step, "below": below, "above": below + step},
        )
    return None
