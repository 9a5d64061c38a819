"""jifen (积分): a self-hosted loyalty points platform."""

from __future__ import annotations

from importlib.metadata import version

__version__ = version("jifen")
