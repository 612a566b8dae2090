"""Make the example company: `python -m analysis.simulation --to data/demo`."""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
import yaml

from analysis.simulation.journeys import live_through
from analysis.simulation.people import draw_people
from analysis.simulation.truth import Estimand, compute_truth
from analysis.simulation.world import Streams, World
from analysis.simulation.writing import write_tables

LEDGER_QUARTERS = 4


def settings_text(tables: dict[str, pd.DataFrame], world: World) -> str:
    """`dataset.yml` of the example company, its ledger in agreement with its orders."""
    transactions = tables["transactions"]
    quarter = pd.PeriodIndex(pd.to_datetime(transactions["occurred_on"]), freq="Q")
    revenue = transactions["amount"].astype(float).groupby(quarter.astype(str)).sum()
    ledger = ", ".join(f"{q}: {total:.2f}" for q, total in revenue.tail(LEDGER_QUARTERS).items())
    names = "\n".join(f"  {name}: {name}.csv" for name in tables)
    plain = "\n".join(
        f"  {name}: {{source: {name}}}" for name in tables if name not in ("customers", "surveys")
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
    parser.add_argument("--customers", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--replicates", type=int, default=8, help="of the truth; 0 leaves it out")
    parser.add_argument("--to", type=Path, required=True)
    options = parser.parse_args(arguments)
    world, streams = World(), Streams(options.seed)
    people = draw_people(world, streams, options.customers)
    histories = live_through(world, people, streams, record=True)
    tables = write_tables(options.to, world, people, streams, histories)
    (options.to / "dataset.yml").write_text(settings_text(tables, world), encoding="utf-8")
    if options.replicates:
        truth = compute_truth(world, options.seed, max(options.customers, 6000), options.replicates)
        write_truth(options.to / "truth.yml", truth, options.seed)


if __name__ == "__main__":
    main()
