"""Programmes at scale: the example company's portfolio, and a million customers in a draw or a roll-out.

The portfolio with a thousand draws is to take five seconds, a million customers a minute and four
gigabytes; the seconds are printed, the gigabytes are a limit. The draw is compared with statsmodels
on the same design, which gives the effect and nothing else.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.paths import PROJECT_ROOT
from benchmarks.harness import Comparison, Contender, Limit
from benchmarks.worker import forget_peak, peak

Floats = NDArray[np.float64]

OUTCOMES, ROLLOUT = "outcomes.parquet", "rollout.parquet"
MOST_BYTES = 4e9
DRAWS = 1_000
DRAWN = ("call_backs", "compensation_budget")
AREAS, BEFORE, AFTER = 60, 4, 4
QUARTERS = BEFORE + AFTER
PROGRAMME = {
    "programme_id": "one", "name": "One", "starts_on": "2025-07-01", "upfront_cost": 1e6,
    "monthly_cost": 1e4, "assignment": "random",
}  # fmt: skip


def make_nothing(folder: Path, rows: int) -> None:
    """The example company is there already."""


def make_outcomes(folder: Path, rows: int) -> None:
    """Customers in a draw, four quarters followed, as `experiment_outcomes` gives them."""
    import pandas as pd

    rng = np.random.default_rng(8)
    past = rng.gamma(4, 40, rows)
    arm = rng.random(rows) < 0.5
    quarters = {
        f"margin_after_{quarter}": 0.25 * past + 3 * arm + rng.normal(0, 30, rows)
        for quarter in range(1, 5)
    }
    frame = pd.DataFrame(
        {
            "customer_id": [f"C{i:07d}" for i in range(rows)],
            "wave": pd.Timestamp("2025-07-01"), "assigned_on": pd.Timestamp("2025-07-01"),
            "arm": np.where(arm, "treated", "control"), "recorded": True, "quarters": 4,
            "margin_per_quarter": np.mean(list(quarters.values()), axis=0), **quarters,
            "margin_quarter_before": past / 4 + rng.normal(0, 10, rows),
            "margin_year_before": past, "tenure_months": rng.uniform(1, 60, rows),
            "segment": rng.choice(["private", "family", "business", "public"], rows),
            "region": rng.choice(["North", "East", "South", "West"], rows),
            "csat_score": rng.integers(1, 6, rows).astype(float),
        }
    )  # fmt: skip
    frame.to_parquet(folder / OUTCOMES)


def make_rollout(folder: Path, rows: int) -> None:
    """Customers of sixty areas, half of which are reached at two dates, eight quarters each."""
    import pandas as pd

    rng = np.random.default_rng(9)
    area = np.arange(rows) % AREAS
    start = np.where(area < 15, 0, np.where(area < 30, 2, 99))
    time = np.arange(-BEFORE, AFTER)
    margin = rng.normal(50, 10, (rows, 1)) + rng.normal(0, 20, (rows, QUARTERS))
    margin += rng.normal(0, 2, (AREAS, QUARTERS))[area] + 4.0 * (time >= start[:, None])
    parts = []
    for own, day in ((0, "2025-01-01"), (2, "2025-07-01")):
        untouched = (start[:, None] == own) | ((start[:, None] > own) & (time < start[:, None]))
        who, when = np.nonzero(untouched)
        parts.append(
            pd.DataFrame(
                {
                    "starts_on": pd.Timestamp(day), "customer_id": who, "area": area[who],
                    "treated": start[who] == own, "never": start[who] == 99,
                    "quarter": time[when] - own, "margin": margin[who, when],
                }
            )
        )  # fmt: skip
    pd.concat(parts, ignore_index=True).to_parquet(folder / ROLLOUT)


def load_demo(folder: Path) -> Any:
    """Tables and frames of the example company, and what turns effects into money."""
    from analysis.intake.dataset import open_dataset
    from analysis.intake.programme_frames import assignment_outcomes, rollout_panels
    from analysis.methods.programme_effect.study import Terms

    data = open_dataset(PROJECT_ROOT / "data" / "demo", "2026Q2")
    terms = Terms(data.period.last_day, data.currency, data.settings.economics.discount_rate_annual)
    return data.table("programmes"), rollout_panels(data), assignment_outcomes(data), terms


def portfolio(given: Any) -> Floats:
    """Ours: every programme studied and valued, each from a thousand joint draws.

    Gives the effects of the two draws.
    """
    from analysis.methods.estimate import Estimate
    from analysis.methods.investment import InvestmentValue
    from analysis.methods.investment.uncertainty import Spreads, joint_value
    from analysis.methods.programme_effect.study import study_programmes

    effects = {}
    for study in study_programmes(*given):
        value = study.value
        if isinstance(value, InvestmentValue) and isinstance(study.effect, Estimate):
            joint_value(value.flow, value.costs, value.rate_annual, "EUR", Spreads(0.1, 0.1), DRAWS)
            effects[study.programme_id] = study.effect.value
    return np.array([effects[name] for name in DRAWN])


def by_resampling(given: Any) -> Floats:
    """What is usual: the two draws alone, their customers drawn anew a thousand times."""
    from analysis.methods.programme_effect.assigned_depth import recorded_covariates

    rng = np.random.default_rng(1)
    effects = []
    for name in DRAWN:
        frame = given[2][name]
        frame = frame[frame["quarters"] > 0].reset_index(drop=True)
        arm = (frame["arm"] != "control").to_numpy(float)
        design = np.column_stack([np.ones(len(arm)), arm, recorded_covariates(frame).matrix])
        root = np.sqrt(frame["quarters"].to_numpy(float))
        weighted, outcome = design * root[:, None], root * frame["margin_per_quarter"].to_numpy()
        effects.append(np.linalg.lstsq(weighted, outcome, rcond=None)[0][1])
        for _ in range(DRAWS):
            rows = rng.integers(0, len(arm), len(arm))
            np.linalg.lstsq(weighted[rows], outcome[rows], rcond=None)
    return np.array(effects)


def load_outcomes(folder: Path) -> Any:
    """The draw as a notebook holds it."""
    import pandas as pd

    return pd.read_parquet(folder / OUTCOMES)


def load_rollout(folder: Path) -> Any:
    """The roll-out as a notebook holds it."""
    import pandas as pd

    return pd.read_parquet(folder / ROLLOUT)


def _studied(frame: Any, is_rollout: bool) -> Floats:
    from analysis.methods.estimate import Estimate
    from analysis.methods.programme_effect.study import Terms, study_programme

    before = forget_peak()
    terms = Terms(dt.date(2026, 6, 30), "EUR", 0.1)
    rollout, outcomes = (frame, None) if is_rollout else (None, frame)
    study = study_programme(PROGRAMME, rollout, outcomes, terms)
    needed = peak() - before
    if needed > MOST_BYTES:
        raise MemoryError(f"the study needed {needed / 1e6:,.0f} MB")
    assert isinstance(study.effect, Estimate)
    return np.array([study.effect.value])


def study_draw(frame: Any) -> Floats:
    """Ours: the whole study of a draw, with balance, doubly robust figure and quarters."""
    return _studied(frame, is_rollout=False)


def study_rollout(frame: Any) -> Floats:
    """Ours: the whole study of a roll-out, with event study, other controls and honest trends."""
    return _studied(frame, is_rollout=True)


def rollout_by_pandas(frame: Any) -> Floats:
    """The effect alone: means of changes by start date and quarter, without any error."""
    total = weight = 0.0
    for _, rows in frame.groupby("starts_on"):
        wide = rows.pivot(index="customer_id", columns="quarter", values="margin")
        treated = rows.drop_duplicates("customer_id").set_index("customer_id")["treated"]
        arm = treated.reindex(wide.index).to_numpy(bool)
        base = wide[[-4, -3, -2, -1]].mean(axis=1)
        for quarter in (q for q in wide.columns if q >= 0):
            change = wide[quarter] - base
            known = change.notna().to_numpy()
            mine = int((known & arm).sum())
            total += mine * float(change[known & arm].mean() - change[known & ~arm].mean())
            weight += mine
    return np.array([total / weight])


def draw_by_statsmodels(frame: Any) -> Floats:
    """The effect alone: statsmodels on the same covariates, with HC1 errors."""
    from statsmodels.regression.linear_model import OLS

    from analysis.methods.programme_effect.assigned_depth import recorded_covariates

    arm = (frame["arm"] == "treated").to_numpy(float)
    matrix = recorded_covariates(frame).matrix
    design = np.column_stack([np.ones(len(arm)), arm, matrix])
    fit = OLS(frame["margin_per_quarter"].to_numpy(float), design).fit(cov_type="HC1")
    return np.array([float(fit.params[1])])


COMPARISONS = (
    Comparison(
        name="portfolio",
        title="The example company's programmes, studied and valued from a thousand draws each",
        make_data="benchmarks.programmes:make_nothing",
        rows=1,
        contenders=(
            Contender(
                "ours", "benchmarks.programmes:portfolio", "benchmarks.programmes:load_demo",
                ("analysis.methods.programme_effect.study", "scipy.special"),
            ),
            Contender(
                "customers drawn anew, the draws alone", "benchmarks.programmes:by_resampling",
                "benchmarks.programmes:load_demo",
                ("analysis.methods.programme_effect.assigned_depth",),
                1,
            ),
        ),
        limits=(Limit("customers drawn anew, the draws alone", time=1.0),),
    ),
    Comparison(
        name="draw",
        title="A draw among a million customers, the whole study against one regression",
        make_data="benchmarks.programmes:make_outcomes",
        rows=1_000_000,
        contenders=(
            Contender(
                "ours, the whole study", "benchmarks.programmes:study_draw",
                "benchmarks.programmes:load_outcomes",
                ("analysis.methods.programme_effect.study", "scipy.special"),
                1,
            ),
            Contender(
                "statsmodels, the effect alone", "benchmarks.programmes:draw_by_statsmodels",
                "benchmarks.programmes:load_outcomes",
                ("statsmodels.regression.linear_model", "scipy.special"),
                1,
            ),
        ),
    ),
    Comparison(
        name="rollout",
        title="A roll-out over sixty areas with a million customers, the whole study",
        make_data="benchmarks.programmes:make_rollout",
        rows=1_000_000,
        contenders=(
            Contender(
                "ours, the whole study", "benchmarks.programmes:study_rollout",
                "benchmarks.programmes:load_rollout",
                ("analysis.methods.programme_effect.study", "scipy.special"),
                1,
            ),
            Contender(
                "pandas, the effect alone", "benchmarks.programmes:rollout_by_pandas",
                "benchmarks.programmes:load_rollout", ("pandas",), 1,
            ),
        ),
    ),
)  # fmt: skip
