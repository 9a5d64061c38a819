"""Several events in one call: each is done or refused by itself."""

from __future__ import annotations

from jifen.api.answers import refused_event
from jifen.api.bodies import EventResult
from jifen.api.problems import Language
from jifen.core.program import Program
from jifen.core.refusal import Refusal
from jifen.engine.submission import Submission
from jifen.services.events import name_of_event, read_event, split_batch, submission_of_event


def is_batch(raw: bytes) -> bool:
    """Whether this JSON is a list."""
    return raw.lstrip()[:1] == b"["


def read_batch(
    raw: bytes, actor: str, program: Program | None, language: Language
) -> list[Submission | EventResult] | Refusal:
    """What each event of a list asks for, in their order; of those that cannot be read, why not."""
    pieces = split_batch(raw)
    if isinstance(pieces, Refusal):
        return pieces
    return [_read(piece, actor, program, language) for piece in pieces]


def _read(piece: bytes, actor: str, program: Program | None, language: Language) -> Submission | EventResult:
    event = read_event(piece)
    if isinstance(event, Refusal):
        return refused_event(*name_of_event(piece), event, language)
    submission = submission_of_event(event, actor, program)
    if isinstance(submission, Refusal):
        return refused_event(event.id, event.source, submission, language)
    return submission
