"""Everything has a limit. Past it: a clear refusal, never a silent cut."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

#: The largest amount of money (minor units) or points in one command. Sums of 9,000 of these still fit 64 bits.
MAXIMUM_AMOUNT = 10**15
#: The largest balance of a bucket: leaves room below 2**63 for every single command.
MAXIMUM_BALANCE = 4 * 10**18
MAXIMUM_QUANTITY = 10**9
MAXIMUM_LINES = 1_000
MAXIMUM_EVENTS = 1_000
MAXIMUM_TEXT = 256
MAXIMUM_REASON = 1_000
MAXIMUM_IDENTITIES = 20
MAXIMUM_WALLETS = 32
MAXIMUM_HOUSEHOLD = 50
#: So many times in a row a survivor of a merge may be merged into another.
MAXIMUM_MERGES_IN_A_ROW = 16
#: How far the clock of a till may run ahead of ours.
MAXIMUM_CLOCK_SKEW = timedelta(minutes=5)
EARLIEST_INSTANT = datetime(1970, 1, 1, tzinfo=UTC)
#: Stands for "at no time": later than every instant that can be entered.
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
#: A hold may not bind points for longer than this.
MAXIMUM_HOLD = timedelta(days=366)
