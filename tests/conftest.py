"""What every test shares: options, and an environment without the settings of whoever runs the tests."""

from __future__ import annotations

import os

import hypothesis
import pytest

# A slow machine is not a bug: no test has a time limit, hypothesis' own included.
hypothesis.settings.register_profile("jifen", deadline=None)
hypothesis.settings.load_profile("jifen")

for _name in [name for name in os.environ if name.startswith("JIFEN_")]:
    del os.environ[_name]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--rounds`, the length of the fault tests."""
    parser.addoption("--rounds", type=int, default=5, help="rounds of each fault test (default 5)")


@pytest.fixture(scope="session")
def rounds(request: pytest.FixtureRequest) -> int:
    """How many rounds a fault test runs."""
    count: int = request.config.getoption("--rounds")
    if count < 1:
        raise pytest.UsageError("--rounds must be at least 1")
    return count
