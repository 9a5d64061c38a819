"""One data folder for each module, its server kept running meanwhile so that commands only join it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jifen.db.embedded import use
from tests.databases import fast_folder
from tests.integration.cli.support import jifen


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder with a database and the starter program."""
    folder = fast_folder(tmp_path_factory.mktemp("data"))
    with use(folder):
        done = jifen("init", "--data", folder)
        assert done.returncode == 0, done.stderr
        yield folder
