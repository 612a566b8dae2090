"""Writes the raw files of the data sets and, from the same rows, the tables they must give.

`python tests/datasets/make.py [folder]` writes beside this file, or into another folder. Each
`dataset.yml` is written by hand: it is what an analyst would write for these files.
"""

from __future__ import annotations

import sys
from pathlib import Path

import answers
import services
import shops

MADE = (
    shops.order_lines, answers.wide_survey, shops.experiment_arms, services.subscriptions,
    services.markets, shops.credit_notes, shops.regional_export, services.workbook,
    services.database, services.snapshot, answers.anonymous_reviews, shops.fiscal_years,
)  # fmt: skip

if __name__ == "__main__":
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    for make in MADE:
        make_into = root / make.__name__
        make_into.mkdir(parents=True, exist_ok=True)
        make(make_into)
