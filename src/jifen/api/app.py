"""The application that a worker process serves."""

from __future__ import annotations

import os

import jifen.log
from jifen.api.front import Front
from jifen.api.pages import create_pages
from jifen.api.runtime import Runtime
from jifen.core.errors import JifenError
from jifen.settings import Settings


class NoDatabaseUrl(JifenError):
    """The worker was started without being told where its database is."""

    code = "no_database_url"


def create_app() -> Front:
    """Make the application from the environment that the supervisor has prepared.

    Raises:
        InvalidSetting, NoDatabaseUrl: it was not prepared well.
    """
    settings = Settings.from_environment(os.environ)
    if settings.database_url is None:
        raise NoDatabaseUrl("JIFEN_DATABASE_URL is not set; `jifen serve` sets it for its workers.")
    jifen.log.configure(settings)
    runtime = Runtime(settings, settings.database_url)
    return Front(runtime, create_pages(runtime))
