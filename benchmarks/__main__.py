"""Measure and print: `python -m benchmarks [names] [--scale 0.1]`. Status 1 if a limit is not met."""

from __future__ import annotations

import argparse
import importlib
import sys

from benchmarks.harness import Comparison, make_data, measure_all
from benchmarks.tables import report

MODULES = (
    "benchmarks.survival",
    "benchmarks.spending",
    "benchmarks.programmes",
    "benchmarks.intake",
    "benchmarks.report",
)
INTRODUCTION = (
    "Each contender runs in a process of its own: the shortest of some calls, after imports and\n"
    "loading; memory is the peak of the first call above what the process held before it.\n"
    "Linear algebra has one thread. Ratios are another's to ours.\n\n"
)


def all_comparisons() -> dict[str, Comparison]:
    """The comparisons of all modules by name."""
    found = [c for name in MODULES for c in importlib.import_module(name).COMPARISONS]
    named = {comparison.name: comparison for comparison in found}
    assert len(named) == len(found), "two comparisons share a name"
    return named


def main(arguments: list[str] | None = None) -> int:
    """Run the comparisons named, or all; give the exit status."""
    named = all_comparisons()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(named))
    parser.add_argument(
        "--scale", type=float, default=1.0, help="share of the rows, for a quick look"
    )
    chosen = parser.parse_args(arguments)
    unknown = [name for name in chosen.names if name not in named]
    if unknown:
        parser.error(f"there is no {unknown[0]!r}; there are {', '.join(named)}")
    sys.stdout.write(INTRODUCTION)
    good = True
    for name in chosen.names or named:
        comparison = named[name]
        rows = max(round(comparison.rows * chosen.scale), 1)
        folder = make_data(comparison, rows)
        outcomes = measure_all(comparison, folder)
        told = report(comparison, outcomes, rows)
        sys.stdout.write(f"{told.text}\n")
        sys.stdout.flush()
        good = good and told.good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
