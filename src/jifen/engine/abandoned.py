"""Children of a process that may end at any time."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable


def when_abandoned(call: Callable[[], object]) -> None:
    """Call this, from another thread, as soon as whoever started this process is gone or has closed our input."""

    def watch() -> None:
        # Past the buffer of `sys.stdin`, whose lock would be held while the interpreter ends.
        while os.read(0, 4096):
            pass
        call()

    threading.Thread(target=watch, daemon=True).start()
