"""`make reports SEGMENTS=region`: a report for each value of a column, and a page that leads to them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.errors import ClienteleError, ParameterError
from analysis.intake.dataset import GROUPS
from analysis.intake.suggestions import did_you_mean, valid_names
from analysis.presentation.wording import message, message_for
from analysis.reporting.build import build_report
from analysis.reporting.commands import (
    EXIT_STATUS_OF_ERRORS,
    parameter,
    parameters_of_a_report,
    run_command,
    say,
    shown,
)
from analysis.reporting.first_screen import Tile, make_tile
from analysis.reporting.key import Run, plan_run
from analysis.reporting.layout import Layout, current_layout, slug
from analysis.reporting.page import page_environment
from analysis.reporting.publish import only_build, publish

MOST_VALUES = 200


@dataclass(frozen=True, slots=True)
class SegmentReport:
    """What became of the report of one value.

    folder: the report's, as a name beside this page's; empty where it failed. tiles: its key
    figures by id. reason: why there is none, in words.
    """

    value: str
    folder: str = ""
    tiles: dict[str, Tile] | None = None
    reason: str = ""


def columns_asked_for(text: str, run: Run) -> tuple[str, ...]:
    """The columns named in SEGMENTS, separated by commas.

    Raises ParameterError for one that customers cannot be split by.
    """
    import pyarrow.parquet as pq

    present = set(pq.read_schema(run.prepared / "customers.parquet").names)
    categories = [name for name, kind in run.settings.covariates.items() if kind == "category"]
    valid = [name for name in (*GROUPS, *categories) if name in present]
    asked = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not asked:
        raise ParameterError(
            f"segments: name a column to split by, as in SEGMENTS=region; valid are {valid_names(valid)}"
        )
    for name in asked:
        if name not in valid:
            raise ParameterError(
                f"segments: {name!r} is not a column to split by; {did_you_mean(name, valid)}"
            )
    return asked


def values_of(column: str, run: Run) -> list[str]:
    """The values that customers have in a column, in order.

    Raises ParameterError where there are none, or more than anybody would read.
    """
    import pyarrow.parquet as pq

    held = pq.read_table(run.prepared / "customers.parquet", columns=[column]).column(column)
    values = sorted({str(value) for value in held.unique().to_pylist() if value is not None})
    if not values:
        raise ParameterError(f"segments: {column} is empty for every {run.settings.unit}")
    if len(values) > MOST_VALUES:
        raise ParameterError(
            f"segments: {column} has {len(values)} values; at most {MOST_VALUES} reports are built "
            "at once: put values together under `values:` in dataset.yml"
        )
    return values


def build_segments(
    column: str,
    run: Run,
    layout: Layout,
    say: Callable[[str], None],
) -> tuple[Path, list[SegmentReport]]:
    """Build the report of every value, go on where one fails, and publish the page beside them.

    Gives the page's folder and what became of each. Raises ClienteleError only for what concerns
    all of them.
    """
    reports = []
    for value in values_of(column, run):
        try:
            folder, _ = build_report(run.dataset, run.period.label, f"{column}={value}", layout)
            reports.append(SegmentReport(value, folder.name, _tiles(folder)))
        except ClienteleError as error:
            say(f"{column}={value}: failed")
            reports.append(SegmentReport(value, reason=str(error)))
        except OSError as error:
            say(f"{column}={value}: failed")
            reports.append(SegmentReport(value, reason=error.strerror or message("unknown")))
    target = layout.reports / run.company / f"{run.period.label}-by-{slug(column)}"
    files = {"index.html": render_index(column, run, reports).encode()}
    with only_build(layout.build / "locks" / f"{run.company}--{target.name}.lock"):
        publish(files, target)
    return target, reports


def _tiles(folder: Path) -> dict[str, Tile]:
    numbers: dict[str, Any] = json.loads((folder / "numbers.json").read_text(encoding="utf-8"))
    tiles = [make_tile(metric) for metric in numbers["metrics"]]
    return {tile.id: tile for tile in tiles if tile}


def render_index(column: str, run: Run, reports: list[SegmentReport]) -> str:
    """The page that leads to the reports: key figures side by side, failures with their reason."""
    built = [report for report in reports if report.tiles is not None]
    names: dict[str, str] = {}
    for report in built:
        for tile in (report.tiles or {}).values():
            names.setdefault(tile.id, tile.name)
    page = page_environment().get_template("segments.html.j2")
    return (
        page.render(
            run=run,
            column=column,
            built=built,
            failed=[report for report in reports if report.reason],
            figures=names,
        )
        + "\n"
    )


def _build_all() -> int:
    layout = current_layout()
    dataset, period, _ = parameters_of_a_report()
    run = plan_run(dataset, period, "", layout)
    failed = 0
    for column in columns_asked_for(parameter("SEGMENTS"), run):
        target, reports = build_segments(column, run, layout, say)
        built = sum(not report.reason for report in reports)
        failed += len(reports) - built
        for report in reports:
            if report.reason:
                say(f"{column}={report.value}: {report.reason}")
        done = message_for("{count} report", "{count} reports", built)
        sys.stdout.write(f"{shown(target / 'index.html')}: {done}\n")
    return EXIT_STATUS_OF_ERRORS if failed else 0


def main() -> int:
    """Build the reports that DATASET, PERIOD and SEGMENTS name; give the exit status."""
    return run_command(_build_all, message("the last reports stand"))


if __name__ == "__main__":
    sys.exit(main())
