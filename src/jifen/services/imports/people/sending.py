"""Groups of commands into the engine, which may be busy with others."""

from __future__ import annotations

import asyncio
from typing import Final

from jifen.core.refusal import Refusal
from jifen.engine.engine import QueueFull
from jifen.engine.submission import Outcome, Submission
from jifen.services.imports.recording import ImportInterrupted, Recorder

#: So many rows go together.
GROUP: Final = 400
IN_FLIGHT: Final = 4
_PAUSES: Final = 600
_PAUSE_SECONDS: Final = 0.1


async def send(engine: Recorder, submissions: list[Submission]) -> list[Outcome]:
    """The outcomes of a group; a full queue is waited for.

    Raises:
        ImportInterrupted: the database went away, or others kept the engine busy for a minute.
    """
    if not submissions:
        return []
    for _ in range(_PAUSES):
        try:
            outcomes = await engine.submit_group(submissions)
        except QueueFull:
            await asyncio.sleep(_PAUSE_SECONDS)
            continue
        if any(isinstance(outcome, Refusal) and outcome.code == "database_unavailable" for outcome in outcomes):
            raise ImportInterrupted("The database cannot be reached any more; run the same import again to go on.")
        return outcomes
    raise ImportInterrupted("The engine has been too busy for a minute; run the same import again to go on.")
