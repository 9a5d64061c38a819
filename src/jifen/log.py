"""Logging: structlog for jifen's own lines, and the same look for what libraries log. Secrets are hidden in both."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import Final, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from jifen.settings import HIDDEN, Settings, hide_passwords

DEPTH_LIMIT: Final = 8

_SECRET_KEY: Final = re.compile(r"passw|secret|authorization|api_?key|token|cookie|credential|private_?key")
_BEARER: Final = re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=:-]+", re.IGNORECASE)


def hide_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """structlog processor: hide values under secret-sounding keys, and passwords and bearer keys inside texts."""
    return {key: _hide(key, value, DEPTH_LIMIT) for key, value in event.items()}


def _hide(key: object, value: object, depth: int) -> object:
    if isinstance(key, str) and _SECRET_KEY.search(key.lower().replace("-", "_")):
        return HIDDEN
    if isinstance(value, bool | int | float | None):
        return value
    if depth == 0:
        return "[too deep]"
    if isinstance(value, Mapping):
        return {_hide_text(str(inner)): _hide(inner, item, depth - 1) for inner, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_hide(None, item, depth - 1) for item in value]
    # Anything else is shown by its repr anyway; made here, so that it cannot carry a secret past this point.
    return _hide_text(value if isinstance(value, str) else repr(value))


def _hide_text(text: str) -> str:
    return _BEARER.sub(rf"\1 {HIDDEN}", hide_passwords(text))


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Send all logging to the stream (standard error by default) at the level and in the format of the settings.

    Calling it again replaces the earlier set-up.
    """
    target = sys.stderr if stream is None else stream
    level: int = logging.getLevelNamesMapping()[settings.log_level.upper()]
    # Exceptions become text before secrets are hidden: tracebacks quote connection strings.
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    after: list[Processor] = [hide_secrets, _renderer(settings, target)]
    structlog.configure(
        processors=[*before, *after],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=target),
        cache_logger_on_first_use=False,
    )
    _configure_libraries(level, target, before, after)


def _renderer(settings: Settings, target: TextIO) -> Processor:
    if settings.log_format == "json":
        return structlog.processors.JSONRenderer(sort_keys=True)
    return structlog.dev.ConsoleRenderer(
        colors=target.isatty(), exception_formatter=structlog.dev.plain_traceback, sort_keys=True
    )


def _configure_libraries(level: int, target: TextIO, before: list[Processor], after: list[Processor]) -> None:
    """Let what libraries write through the standard `logging` take the same way."""
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *after],
        )
    )
    root = logging.getLogger()
    for earlier in [each for each in root.handlers if isinstance(each.formatter, structlog.stdlib.ProcessorFormatter)]:
        root.removeHandler(earlier)
    root.addHandler(handler)
    root.setLevel(level)
