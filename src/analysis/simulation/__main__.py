"""Make the example company: `python -m analysis.simulation --to data/demo`.

At any size: `--customers 1000000 --transactions 50000000 --format parquet --to FOLDER`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from analysis.errors import ParameterError
from analysis.simulation.blocks import (
    BLOCK_CUSTOMERS,
    WORLD_CUSTOMERS,
    make_blocks,
    scaled_world,
    world_with_transactions,
)
from analysis.simulation.cells import TextCells
from analysis.simulation.parquet import write_parquet
from analysis.simulation.truth import Estimand, compute_truth
from analysis.simulation.world import Streams, World
from analysis.simulation.writing import tables_of_company

LEDGER_QUARTERS = 4
# More customers make the estimands no truer, replicates do.
MOST_TRUTH_CUSTOMERS = BLOCK_CUSTOMERS
TABLES = (
    "customers", "transactions", "surveys", "contacts", "programmes", "rollout", "exposures",
    "orientation", "marketing", "journey", "decisions",
)  # fmt: skip


def settings_text(files: dict[str, str], revenue: np.ndarray, world: World) -> str:
    """`dataset.yml` of the example company, its ledger in agreement with its orders.

    files: file name or glob of each table. revenue: cents by quarter.
    """
    quarters = pd.period_range(world.first_day, world.last_day, freq="Q")
    by_quarter = list(zip(quarters, revenue, strict=True))[-LEDGER_QUARTERS:]
    ledger = ", ".join(f"{quarter}: {cents / 100:.2f}" for quarter, cents in by_quarter)
    names = "\n".join(f"  {name}: {_plain(files[name])}" for name in TABLES)
    plain = "\n".join(
        f"  {name}: {{source: {name}}}" for name in TABLES if name not in ("customers", "surveys")
    )
    return f"""\
# An invented company, made by `make demo-data`. What is true of it stands in truth.yml.
company: Example Home
currency: EUR
unit: customer
covers: {{from: {world.first_day}, to: {world.last_day}}}
economics: {{gross_margin: {world.gross_margin}, discount_rate_annual: 0.10, horizon_months: 24}}
churn: {{rule: contract}}
orientation: {{selling_items: [2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24]}}
reading: {{encoding: utf-8, delimiter: ",", decimal: ".", dates: ["%Y-%m-%d", "%Y-%m-%d %H:%M"]}}
targets: {{net-promoter-score: 25, retention: 0.97}}
control_totals: {{revenue: {{{ledger}}}}}
sources:
{names}
tables:
  customers:
    source: customers
    covariates: {{contract: category, age: number}}
  surveys:
    source: surveys
    scales: {{csat: [1, 5], nps: [0, 10]}}
{plain}
"""


def _plain(file: str) -> str:
    return f'"{file}"' if "*" in file else file


def write_csv(
    folder: Path, world: World, seed: int, customers: int
) -> tuple[dict[str, str], np.ndarray]:
    """Write a company's tables as CSV; give the file of each by name, and revenue by quarter."""
    cells = TextCells()
    [block] = make_blocks(world, seed, customers, cells, size=customers)
    tables = block.tables | tables_of_company(world, Streams(seed), block.won, block.gifts, cells)
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    return {name: f"{name}.csv" for name in tables}, block.revenue


def write_truth(path: Path, truth: dict[str, Estimand], seed: int) -> None:
    """Write `truth.yml`: what an honest analysis should find."""
    content = {
        "seed": seed,
        "estimands": {
            name: {
                "value": round(item.value, 6),
                "monte_carlo_error": round(item.monte_carlo_error, 6),
                "unit": item.unit,
                "definition": item.definition,
            }
            for name, item in sorted(truth.items())
        },
    }
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
    path.write_text(
        "# Made by `make demo-data`: estimands by counterfactual simulation.\n" + text, "utf-8"
    )


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and write the company's exports, settings and truth."""
    parser = argparse.ArgumentParser(prog="python -m analysis.simulation", description=__doc__)
    parser.add_argument("--customers", type=int, default=WORLD_CUSTOMERS)
    parser.add_argument(
        "--transactions", type=int, default=0,
        help="about so many orders and credit notes, smaller ones for the same spend; 0 leaves "
        "them at nine a customer",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--replicates", type=int, default=8, help="of the truth; 0 leaves it out")
    parser.add_argument(
        "--format", choices=("csv", "parquet"), default="csv", help="parquet is made in blocks"
    )
    parser.add_argument("--to", type=Path, required=True)
    options = parser.parse_args(arguments)
    if options.customers < 1:
        parser.error("--customers: at least one is needed")
    world = scaled_world(World(), options.customers)
    if options.transactions:
        try:
            world = world_with_transactions(world, options.transactions / options.customers)
        except ParameterError as error:
            parser.error(str(error))
    options.to.mkdir(parents=True, exist_ok=True)
    write = write_parquet if options.format == "parquet" else write_csv
    files, revenue = write(options.to, world, options.seed, options.customers)
    settings = settings_text(files, revenue, world)
    (options.to / "dataset.yml").write_text(settings, encoding="utf-8")
    if options.replicates:
        people = min(max(options.customers, WORLD_CUSTOMERS), MOST_TRUTH_CUSTOMERS)
        truth = compute_truth(world, options.seed, people, options.replicates)
        write_truth(options.to / "truth.yml", truth, options.seed)


if __name__ == "__main__":
    main()
