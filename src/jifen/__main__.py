"""`python -m jifen` is the `jifen` command."""

from __future__ import annotations

from jifen.cli.main import run

if __name__ == "__main__":
    run()
