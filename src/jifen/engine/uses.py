"""What a member used of caps: of each cap the running period on the account row, which is locked, read and changed with
every order anyway; what is over in the table `usages`.

The row is marked where anything of the member is in the table. And unless the marks say otherwise, what begins later
than what the row has of the same cap is not there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import groupby

import msgspec

from jifen.core.rules.caps import split_usage_name
from jifen.engine.marks import EARLIER_USES, OTHER_USES

#: Uses on an account row at most: of members who took part in many campaigns those whose periods began first go.
MOST_ON_ROW = 12

encode_uses = msgspec.json.Encoder(order="deterministic").encode
decode_uses = msgspec.json.Decoder(dict[str, int]).decode


def parted(uses: Mapping[str, int]) -> tuple[dict[str, int], dict[str, int], int]:
    """Which uses stay on the row, which go to the table, and the marks that then are set."""
    by_cap = groupby(sorted((*split_usage_name(name), name) for name in uses), key=lambda each: each[0])
    newest = [max(each) for _, each in by_cap]
    kept = sorted(newest, key=lambda each: each[1], reverse=True)[:MOST_ON_ROW]
    on_row = {name: uses[name] for _, _, name in kept}
    gone = {name: used for name, used in uses.items() if name not in on_row}
    marks = OTHER_USES if len(kept) < len(newest) else 0
    return on_row, gone, marks | EARLIER_USES if gone else marks


def may_be_in_table(name: str, on_row: Collection[str], marks: int) -> bool:
    """Whether a use that is not on the row has to be looked for."""
    if marks & OTHER_USES:
        return True
    if not marks & EARLIER_USES:
        return False
    cap, start = split_usage_name(name)
    return any(of == cap and later > start for of, later in map(split_usage_name, on_row))
