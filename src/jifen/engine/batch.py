"""One batch: look up, lock and load, decide one command after another, write, commit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from jifen.core.ledger.journal import NotLoaded
from jifen.core.refusal import Refusal
from jifen.db.connection import Connection
from jifen.engine.deciding import Deciding
from jifen.engine.gathering import Gathering, Surroundings
from jifen.engine.submission import Outcome, Submission


class Batch:
    """The work on one batch, from submissions to outcomes. `outcomes[i]` is None where a command must wait for the
    next batch, because it refers to what this one has just changed.

    Hardly any command comes twice, and each claims its keys as it is written; so a batch decides first and looks keys
    up only where a command was refused, which may be because it was done before. If a key turns out to be claimed as it
    is written, the database refuses the batch as a whole, and it is tried again with `look_first`.
    """

    def __init__(
        self,
        surroundings: Surroundings,
        submissions: Sequence[Submission],
        clock: Callable[[], datetime],
        *,
        look_first: bool,
    ) -> None:
        self._surroundings = surroundings
        self._submissions = submissions
        self._known = Gathering(surroundings, submissions, clock)
        self._look_first = look_first
        self._fresh_ids: list[int] = []
        self.outcomes: list[Outcome | None] = [None] * len(submissions)
        #: From here on a lost connection leaves open whether the batch was committed.
        self.commit_was_sent = False

    async def run(self, connection: Connection) -> None:
        """Do it all, within a transaction of its own. Raises what the database raises; then nothing was changed,
        unless the connection broke after `commit_was_sent`."""
        known = self._known
        await known.find_linked(connection, look_for_merged=self._look_first)
        transaction = connection.transaction()
        await transaction.start()
        try:
            await known.lock(connection)
            if self._look_first:
                await known.look_up_keys(connection, range(len(self._submissions)))
            if known.program is None:
                refusal = Refusal("no_program", "There is no program yet: apply one with `jifen program apply FILE`.")
                self.outcomes = [refusal] * len(self._submissions)
            else:
                await known.load(connection)
                decided = await self._decide(connection)
                if await self._were_done_before(connection, decided):
                    decided = await self._decide(connection)
                await decided.write()
                self.outcomes = decided.outcomes
        except BaseException:
            if not connection.is_closed():
                await transaction.rollback()
            raise
        self.commit_was_sent = True
        await transaction.commit()

    async def _decide(self, connection: Connection) -> Deciding:
        """Decide every command in turn. If one needs more than was loaded, load it and start over.

        The first time only the member in question is loaded with everything, the second time all are: three passes
        at most, however many members need it (an import of old orders whose points have expired since).
        """
        for attempt in range(3):
            deciding = Deciding(self._surroundings, self._submissions, self._known, connection, self._fresh_ids)
            try:
                await deciding.run()
            except NotLoaded as missing:
                incomplete = [missing.member_id] if attempt == 0 else sorted(self._known.states)
                await self._known.load_more(connection, incomplete)
            else:
                return deciding
        raise AssertionError("members that were loaded with everything are still not complete")

    async def _were_done_before(self, connection: Connection, decided: Deciding) -> bool:
        """A command that was refused may have been done before: then the answer is what it was answered then."""
        if self._look_first:
            return False
        refused = [index for index, outcome in enumerate(decided.outcomes) if isinstance(outcome, Refusal)]
        if not await self._known.look_up_keys(connection, refused):
            return False
        await self._known.look_up_keys(connection, range(len(self._submissions)))
        return True

    @property
    def had_repetitions(self) -> bool:
        """Whether a command had come before."""
        return bool(self._known.found_keys)
