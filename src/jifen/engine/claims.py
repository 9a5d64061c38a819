"""The keys that a batch claims, and what was answered to those that are claimed already."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from jifen.core.commands import Command
from jifen.core.ledger.values import Transaction
from jifen.engine.gathering import Gathering, Key
from jifen.engine.loading import FoundKey
from jifen.engine.references import Reference, key_conflict
from jifen.engine.submission import Answer, Outcome
from jifen.engine.writing import BatchRows

IsOwner = Callable[[Command, int], bool]


class Claims:
    """Which keys belong to what, of those that the database knows and those that this batch claims."""

    def __init__(self, known: Gathering) -> None:
        self._known = known
        self._new_keys: dict[bytes, FoundKey] = {}
        self._new_answers: dict[Reference, Answer] = {}
        #: Of the new keys those of commands that had been done before: no part of a transaction.
        self._repeating: set[bytes] = set()

    def claim(self, index: int, answer: Answer) -> None:
        """Keep the keys of a command with what it did, for ever."""
        for digest, payload in self._known.keys[index]:
            self._new_keys[digest] = FoundKey(payload, answer.member_id, answer.sequence)
            self._new_answers[answer.member_id, answer.sequence] = answer

    def claim_known(self, index: int, found: FoundKey) -> None:
        """A command that was answered by what it is about (an order's name, a member who is known) keeps its own key
        all the same: it cannot be used for something else afterwards (I-07)."""
        for digest, payload in self._known.keys[index][:1]:
            if digest not in self._known.found_keys and digest not in self._new_keys:
                self._new_keys[digest] = FoundKey(payload, found.member_id, found.sequence)
                self._repeating.add(digest)

    def remember(self, answer: Answer) -> Answer:
        """Keep what is answered to whoever asks about the same again."""
        self._new_answers[answer.member_id, answer.sequence] = answer
        return answer

    def answered(self, index: int, command: Command, is_owner: IsOwner) -> Outcome | None:
        """The first answer of a command that comes again, or the refusal of a key used for something else."""
        for position, (digest, payload) in enumerate(self._known.keys[index]):
            found = self._new_keys.get(digest) or self._known.found_keys.get(digest)
            if found is None:
                continue
            reference = (found.member_id, found.sequence)
            if found.payload != payload or (position == 1 and not is_owner(command, found.member_id)):
                return key_conflict(command, position, reference)
            self.claim_known(index, found)
            answer = self._new_answers.get(reference) or self._known.answers[reference]
            return msgspec.structs.replace(answer, duplicate=True)
        return None

    def owner_of(self, digest: bytes) -> int | None:
        """The member for whom this batch claimed a key."""
        found = self._new_keys.get(digest)
        return None if found is None else found.member_id

    def are_about(self, member: int) -> bool:
        """Whether this batch claimed a key for a member."""
        return any(claimed.member_id == member for claimed in self._new_keys.values())

    def add_to(self, rows: BatchRows, transactions: Sequence[Transaction]) -> None:
        """Write the transactions with their keys, and the keys of what is no transaction."""
        keys: dict[Reference, list[Key]] = {}
        written = {(transaction.member_id, transaction.sequence) for transaction in transactions}
        for digest, key in self._new_keys.items():
            if (key.member_id, key.sequence) in written and digest not in self._repeating:
                keys.setdefault((key.member_id, key.sequence), []).append((digest, key.payload))
            else:
                rows.add_key(digest, key.payload, key.member_id, key.sequence)
        for transaction in transactions:
            rows.add_transaction(transaction, keys.get((transaction.member_id, transaction.sequence), ()))
