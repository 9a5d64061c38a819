"""The garbage collector of a process that does little else than deciding commands."""

from __future__ import annotations

import gc

#: Objects made, less objects freed, before the collector looks at the young ones (Python's own: 700).
COLLECTOR_THRESHOLD = 20_000


def calm_collector() -> None:
    """Commands make no cycles, and what was imported stays: neither is worth searching again and again (measured:
    a twentieth of a worker's time). For a whole process; call it when everything is set up."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECTOR_THRESHOLD, 20, 50)
