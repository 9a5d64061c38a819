"""Traces as JSON."""

from __future__ import annotations

from jifen.core.ledger.values import Balances
from jifen.core.trace import Trace, decode_trace, encode_trace


def test_what_is_saved_is_told_only_where_something_is() -> None:
    """`jifen verify` compares balances as text: everybody else's are five numbers, as they always were."""
    trace = Trace([Balances(1, 100, 0, 0, 0), Balances(2, 0, 0, 0, 0, 50), Balances(30, 0, 0, 0, 0)], wallet=1)
    assert encode_trace(trace).startswith(b'{"balances":[[1,100,0,0,0],[2,0,0,0,0,50],[30,0,0,0,0]],"wallet":1')
    assert decode_trace(encode_trace(trace)) == trace
    assert decode_trace(encode_trace(Trace([]))) == Trace([])
