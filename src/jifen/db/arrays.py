"""Makes asyncpg encode arrays three times faster.

To find nested arrays, asyncpg asks of every single element whether it is an `Iterable` and `Sized`, which goes
through Python's abstract base classes and costs more than encoding the element itself (measured: 0.30 to 0.45 us an
element with that question, 0.10 us without; a batch writes some fifty elements for each command). jifen passes
arrays as lists and nothing else, so asking whether the element is a `list` gives the same answer.

If a later asyncpg no longer has these two names, setting them changes nothing but the speed.
tests/integration/test_arrays.py shows that arrays, also nested ones, still arrive as they should.
"""

from __future__ import annotations

from typing import Any


def ask_for_lists_only(protocol: Any) -> None:
    """Let asyncpg's array encoder (module `asyncpg.protocol.protocol`) take lists alone for arrays."""
    protocol.IterableABC = list
    protocol.SizedABC = list
