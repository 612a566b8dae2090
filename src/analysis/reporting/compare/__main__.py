"""`python -m analysis.reporting.compare`: FROM, TO, DATASET and SEGMENT from the environment."""

from __future__ import annotations

import json
import sys

from analysis.presentation.wording import message
from analysis.reporting.commands import parameter, parameters_of_a_report, run_command, shown
from analysis.reporting.compare.page import render_comparison
from analysis.reporting.compare.study import compare_periods, summarise
from analysis.reporting.compare.words import as_json
from analysis.reporting.layout import current_layout
from analysis.reporting.publish import only_build, publish


def _compare() -> int:
    layout = current_layout()
    dataset, _, segment = parameters_of_a_report()
    comparison, target = compare_periods(
        dataset, parameter("FROM"), parameter("TO"), segment, layout
    )
    numbers = json.dumps(as_json(comparison), ensure_ascii=False, indent=1, sort_keys=True)
    files = {
        "index.html": render_comparison(comparison).encode(),
        "comparison.json": (numbers + "\n").encode(),
    }
    with only_build(layout.build / "locks" / f"{target.parent.name}--{target.name}.lock"):
        publish(files, target)
    sys.stdout.write("\n".join([*summarise(comparison), shown(target / "index.html")]) + "\n")
    return 0


def main() -> int:
    """Compare the periods that FROM and TO name; give the exit status."""
    return run_command(_compare, message("the last comparison stands"))


if __name__ == "__main__":
    sys.exit(main())
