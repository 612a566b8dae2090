"""`make notebooks`: execute the committed notebooks in place, as nbval will compare them."""

from __future__ import annotations

import sys

from analysis.errors import ClienteleError
from analysis.reporting.execute import refresh_in_place
from analysis.reporting.layout import current_layout
from analysis.reporting.notebooks import notebook_paths


def main() -> int:
    """Refresh all notebooks, or those whose names are given; give the exit status."""
    chosen = set(sys.argv[1:])
    paths = notebook_paths(current_layout().notebooks)
    try:
        refresh_in_place([p for p in paths if not chosen or p.stem in chosen or p.name in chosen])
    except ClienteleError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
