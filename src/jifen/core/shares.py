"""A whole number shared by weights, exactly: the method of largest remainders (Hamilton)."""

from __future__ import annotations

from collections.abc import Sequence


def share_out(total: int, weights: Sequence[int]) -> list[int]:
    """Parts that add up to the total, each its weight's share rounded down or up. The largest remainders are rounded
    up, of equal ones the first. Where nothing has weight, all weigh the same."""
    weighed = weights if any(weights) else [1] * len(weights)
    whole = sum(weighed)
    parts = [total * weight // whole for weight in weighed]
    by_remainder = sorted(range(len(weighed)), key=lambda index: -(total * weighed[index] % whole))
    for index in by_remainder[: total - sum(parts)]:
        parts[index] += 1
    return parts
