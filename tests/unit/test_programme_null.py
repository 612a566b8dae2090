"""A programme that does nothing, given in several waves to customers who leave all the time."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.intake.dataset import open_dataset
from analysis.intake.programme_frames import assignment_outcomes
from analysis.methods.estimate import Estimate
from analysis.methods.programme_effect.study import Terms, study_programmes

SETTINGS = """\
company: Null
currency: EUR
covers: {from: 2023-07-01, to: 2026-06-30}
economics: {gross_margin: 0.5}
churn: {rule: contract}
sources: {customers: customers.csv, transactions: transactions.csv, programmes: programmes.csv,
  exposures: exposures.csv}
tables: {customers: {}, transactions: {}, programmes: {}, exposures: {}}
"""
WAVES = ("2024-07-01", "2024-10-01", "2025-01-01", "2025-04-01", "2025-07-01", "2025-10-01")


def write_company(folder: Path, seed: int, n: int = 1500) -> None:
    """Customers who order monthly; 7 % leave a quarter; a fifth of the rest get it each wave."""
    rng = np.random.default_rng(seed)
    first, last = np.datetime64("2023-07-01"), np.datetime64("2026-06-30")
    end = first + np.ceil(rng.exponential(91 / 0.07, n)).astype(int)
    level = rng.gamma(4, 10, n)
    customers = pd.DataFrame(
        {
            "customer_id": [f"C{i:05d}" for i in range(n)],
            "started_on": first - rng.integers(1, 700, n),
            "ended_on": np.where(end <= last, end.astype(str), ""),
        }
    )
    months = []
    for month in range(36):
        day = (first.astype("datetime64[M]") + month).astype("datetime64[D]")
        days = day + rng.integers(0, 28, n)
        amount = np.round(level * rng.gamma(4, 0.25, n) + 0.01, 2)
        orders = pd.DataFrame(
            {"customer_id": customers["customer_id"], "occurred_on": days, "amount": amount}
        )
        months.append(orders[days <= end])
    orders = pd.concat(months, ignore_index=True)
    orders.insert(0, "transaction_id", [f"T{i}" for i in range(len(orders))])
    given = np.zeros(n, dtype=bool)
    waves = []
    for wave in WAVES:
        chance = np.clip(0.2 * level / 40, 0, 0.8)
        picked = (end >= np.datetime64(wave)) & ~given & (rng.random(n) < chance)
        given |= picked
        ids = customers["customer_id"][picked]
        waves.append(
            pd.DataFrame({"programme_id": "gift", "customer_id": ids, "assigned_on": wave})
        )
    folder.mkdir()
    (folder / "dataset.yml").write_text(SETTINGS, encoding="utf-8")
    programme = "programme_id,name,starts_on,upfront_cost\ngift,Gift,2024-07-01,1000\n"
    (folder / "programmes.csv").write_text(programme, encoding="utf-8")
    customers.to_csv(folder / "customers.csv", index=False)
    orders.to_csv(folder / "transactions.csv", index=False)
    pd.concat(waves).to_csv(folder / "exposures.csv", index=False)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_waves_invent_no_difference(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLIENTELE_BUILD_FOLDER", str(tmp_path / "build"))
    write_company(tmp_path / "null", seed)
    data = open_dataset(tmp_path / "null", "2026Q2")
    terms = Terms(dt.date(2026, 6, 30), "EUR", 0.1)
    (study,) = study_programmes(data.table("programmes"), {}, assignment_outcomes(data), terms)
    assert study.label == "association"
    assert isinstance(study.effect, Estimate)
    assert study.effect.lower is not None
    assert study.effect.upper is not None
    assert study.effect.lower < 0 < study.effect.upper
    # A quarter of this company's margin is about 60: the interval is narrow enough to tell.
    assert study.effect.upper - study.effect.lower < 12
