"""`python -m bench [--large] [--only a,b] [--seconds N]`: run the scenarios, print the table, keep the figures."""

from __future__ import annotations

import argparse
import sys
import traceback
from pathlib import Path

from bench.ground import ground_in, temporary_folder
from bench.loads import Run
from bench.machine import describe_machine
from bench.pieces import ROOT
from bench.results import (
    HEADINGS,
    HELD_AGAINST,
    Result,
    held_beside,
    judged,
    print_row,
    row,
    with_sample,
    write_results,
)
from bench.scenarios import LARGE, SCENARIOS
from jifen.core.errors import JifenError

RESULTS = ROOT / "bench" / "results"
#: A folder on a real disk: durable commits in memory would prove nothing.
DEFAULT_FOLDER = Path("/var/tmp")  # noqa: S108 - the folder made in it has a random name
ORDERS_PLACES = ("data/online_retail.csv.gz", "../shared/data/online_retail.csv.gz")


def main() -> int:
    """Run what was asked for. The exit code is 1 where something was wrong; being slow is not wrong."""
    arguments = _parser().parse_args()
    names = _chosen(arguments.only, arguments.large)
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown:
        print(f"There is no scenario {unknown[0]}; the scenarios are {', '.join(SCENARIOS)}.", file=sys.stderr)
        return 2
    results: dict[str, Result] = {}
    try:
        with temporary_folder(arguments.folder) as folder, ground_in(folder, is_large=arguments.large) as ground:
            machine = describe_machine(folder, ground.server_version())
            print(", ".join(f"{name} {value}" for name, value in machine.items() if name != "arguments"), flush=True)
            print_row(HEADINGS)
            run = Run(ground, folder, arguments.seconds, arguments.large, _orders_file(arguments.orders), results)
            for name in names:
                results[name] = judged(name, _measured(run, name, results), results)
                print_row(row(name, results[name]))
            # By the medians of the whole run.
            results = {name: judged(name, result, results) for name, result in results.items()}
    except JifenError as error:
        print(f"The benchmark cannot run: {error}", file=sys.stderr)
        return 2
    output = arguments.output or (
        None if arguments.only else RESULTS / f"{'large' if arguments.large else 'latest'}.json"
    )
    if output is not None:
        write_results(output, machine, results)
    return 1 if any(result.faults or result.verified is False for result in results.values()) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--large", action="store_true", help=f"run {', '.join(LARGE)} at five million members (long)")
    parser.add_argument("--only", default="", help="scenarios to run, with commas between; keeps no file")
    parser.add_argument("--seconds", type=int, default=10, help="how long each load is measured (default 10)")
    parser.add_argument(
        "--folder", type=Path, default=DEFAULT_FOLDER, help="where databases are made (default %(default)s)"
    )
    parser.add_argument("--orders", type=Path, help="the Online Retail file (csv.gz)")
    parser.add_argument("--output", type=Path, help="where the figures are kept")
    return parser


def _chosen(only: str, is_large: bool) -> list[str]:
    if only:
        return [name.strip() for name in only.split(",")]
    return list(LARGE) if is_large else list(SCENARIOS)


def _orders_file(named: Path | None) -> Path | None:
    places = [named] if named is not None else [ROOT / place for place in ORDERS_PLACES]
    return next((place.resolve() for place in places if place.is_file()), None)


def _measured(run: Run, name: str, results: dict[str, Result]) -> Result:
    """A scenario, held beside what it is held against, which is measured again each time."""
    other = HELD_AGAINST.get(name)
    if other is None or other not in results:
        return _run_one(run, name)
    result, again = _run_one(run, name), _run_one(run, other)
    held = held_beside(result, other, results[other], again)
    results[other] = with_sample(results[other], again)
    return held


def _run_one(run: Run, name: str) -> Result:
    """A scenario that breaks is a fault of its own and keeps no other from running."""
    try:
        return SCENARIOS[name](run)
    except Exception as error:
        traceback.print_exc()
        return Result(faults=[f"{type(error).__name__}: {error}"])


if __name__ == "__main__":
    sys.exit(main())
