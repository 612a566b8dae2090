"""Spend on satisfaction at scale: the ladder against dummy variables and linearmodels.

A hundred thousand customers over twelve quarters are to take three seconds and one gigabyte; the
seconds are printed, the gigabyte is a limit. Slopes are compared; errors follow conventions of
their own (linearmodels counts customers' effects, statsmodels corrects for n − k).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import Comparison, Contender, Limit
from benchmarks.worker import forget_peak, peak

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PANEL = "panel.parquet"
QUARTERS = 12
UNIT = "EUR per customer-quarter"
MOST_BYTES = 1e9


def _uniform(salt: int, key: str = "i") -> str:
    """SQL of numbers in (0, 1), the same for the same row always."""
    return f"((hash({key} * 64 + {salt}) % 9007199254740992 + 0.5) / 9007199254740992)"


def _bell(salt: int, key: str = "i") -> str:
    """SQL of numbers that are nearly normal: the sum of twelve uniform ones."""
    parts = " + ".join(_uniform(salt + j, key) for j in range(12))
    return f"({parts} - 6)"


def make_panel(folder: Path, rows: int) -> None:
    """Customers × quarters as `frame_customer_periods` holds them, one row in twenty missing."""
    import duckdb

    key = "(i * 16 + q)"
    query = f"""
        WITH people AS (SELECT i, {_bell(1)} AS mood FROM range({max(rows // QUARTERS, 40)}) r(i)),
        scored AS (SELECT *, least(greatest(round(3.5 + 0.6 * mood + 0.9 * {_bell(20, key)}), 1), 5)
                AS score FROM people, range({QUARTERS}) s(q) WHERE {_uniform(60, key)} > 0.05),
        paid AS (SELECT *, greatest(50 + 20 * mood + 12 * score + 5 * (q % 4) + 60 * {_bell(40, key)}, 0)
                AS spend FROM scored)
        SELECT printf('C%06d', i) AS customer_id, printf('P%02d', q) AS period, q AS period_index,
            CAST(3 * q + i % 47 AS DOUBLE) AS tenure_months, {_uniform(61, key)} < 0.02 AS "left", spend,
            0.4::DOUBLE * spend AS margin, score AS csat_score, 30::DOUBLE AS csat_age_days,
            coalesce(lag(spend) OVER (PARTITION BY i ORDER BY q), 100::DOUBLE) AS previous_spend,
            ['private', 'family', 'business', 'public'][1 + i % 4] AS segment,
            ['search', 'referral', 'partner', 'shop'][1 + i // 4 % 4] AS acquisition_channel,
            ['North', 'East', 'South', 'West'][1 + i // 16 % 4] AS region
        FROM paid ORDER BY i, q"""
    with duckdb.connect(":memory:", config={"threads": 2}) as connection:
        connection.execute(f"COPY ({query}) TO '{folder / PANEL}' (FORMAT parquet)")


def load_frame(folder: Path) -> Any:
    """The panel as a notebook holds it."""
    import pandas as pd

    return pd.read_parquet(folder / PANEL)


def load_indexed(folder: Path) -> Any:
    """The panel with customers and periods as its index, as linearmodels wants it."""
    return load_frame(folder).set_index(["customer_id", "period_index"])


def ladder(frame: Any) -> Floats:
    """Ours: rows chosen and coded, four rungs for spend and for margin; slopes of spend.

    Raises MemoryError above a gigabyte.
    """
    from analysis.methods.spending.ladder import Rung, fit_ladders
    from analysis.methods.spending.rows import panel_rows

    before = forget_peak()
    spend, _ = fit_ladders(panel_rows(frame), UNIT)
    needed = peak() - before
    if needed > MOST_BYTES:
        raise MemoryError(f"the ladder needed {needed / 1e6:,.0f} MB")
    return np.array([rung.slope.value for rung in spend.rungs if isinstance(rung, Rung)])


def fixed_effects(frame: Any) -> Floats:
    """Ours: the defended rung alone."""
    from analysis.methods.spending.ladder import fit_rung
    from analysis.methods.spending.rows import panel_rows

    return np.array([fit_rung(panel_rows(frame), "fixed_effects", UNIT)[0].slope.value])


def _dummies(frame: Any, names: list[str]) -> Floats:
    import pandas as pd

    return pd.get_dummies(frame[names], columns=names, drop_first=True).to_numpy(float)


def _clustered_slope(outcome: Floats, design: Floats, customer: Ints) -> float:
    from statsmodels.regression.linear_model import OLS

    fit = OLS(outcome, design).fit(cov_type="cluster", cov_kwds={"groups": customer})
    return float(fit.params[0])


def _customers(frame: Any) -> Ints:
    _, codes = np.unique(frame["customer_id"].to_numpy(), return_inverse=True)
    return codes.astype(np.int64)


def ladder_by_dummies(frame: Any) -> Floats:
    """statsmodels with every dummy written down; customers' means taken out by groups of pandas."""
    customer = _customers(frame)
    spend, score = frame["spend"].to_numpy(float), frame["csat_score"].to_numpy(float)
    one = np.ones(len(frame))
    recorded = np.column_stack(
        [
            score, one, frame["tenure_months"],
            _dummies(frame, ["segment", "acquisition_channel", "region", "period"]),
        ]
    )  # fmt: skip
    more = np.column_stack([recorded, frame["previous_spend"]])
    slopes = [
        _clustered_slope(spend, design, customer)
        for design in (np.column_stack([score, one]), recorded, more)
    ]
    return np.array([*slopes, *fixed_effects_by_dummies(frame)])


def fixed_effects_by_dummies(frame: Any) -> Floats:
    """statsmodels on columns less their customers' means, a dummy for each quarter among them."""
    import pandas as pd

    customer = _customers(frame)
    columns = np.column_stack([frame["spend"], frame["csat_score"], _dummies(frame, ["period"])])
    means = pd.DataFrame(columns).groupby(customer).transform("mean").to_numpy()
    moved = columns - means
    return np.array([_clustered_slope(moved[:, 0], moved[:, 1:], customer)])


def fixed_effects_by_all_dummies(frame: Any) -> Floats:
    """statsmodels with a dummy for every customer and quarter."""
    design = np.column_stack(
        [frame["csat_score"], np.ones(len(frame)), _dummies(frame, ["period", "customer_id"])]
    )
    return np.array([_clustered_slope(frame["spend"].to_numpy(float), design, _customers(frame))])


def fixed_effects_by_linearmodels(frame: Any) -> Floats:
    """linearmodels' PanelOLS, errors clustered by customer."""
    from linearmodels.panel import PanelOLS

    model = PanelOLS(frame["spend"], frame[["csat_score"]], entity_effects=True, time_effects=True)
    fit = model.fit(cov_type="clustered", cluster_entity=True)
    return np.array([float(fit.params.iloc[0])])


HERE = "benchmarks.spending"
OURS = ("analysis.methods.spending.ladder", "pandas")
STATSMODELS = ("statsmodels.regression.linear_model", "pandas")

COMPARISONS = (
    Comparison(
        "spend-ladder",
        "the ladder of spend (ours: and of margin), to take 3 s and 1 GB",
        f"{HERE}:make_panel",
        100_000 * QUARTERS,
        (
            Contender("ours", f"{HERE}:ladder", f"{HERE}:load_frame", OURS),
            Contender(
                "statsmodels, dummies", f"{HERE}:ladder_by_dummies", f"{HERE}:load_frame",
                STATSMODELS, repeats=1,
            ),
        ),
        (Limit("statsmodels, dummies", time=1 / 2, memory=1.0),),
    ),
    Comparison(
        "spend-fixed-effects",
        "each customer against itself",
        f"{HERE}:make_panel",
        100_000 * QUARTERS,
        (
            Contender("ours", f"{HERE}:fixed_effects", f"{HERE}:load_frame", OURS),
            Contender(
                "statsmodels, demeaned", f"{HERE}:fixed_effects_by_dummies", f"{HERE}:load_frame",
                STATSMODELS, repeats=1,
            ),
            Contender(
                "linearmodels", f"{HERE}:fixed_effects_by_linearmodels", f"{HERE}:load_indexed",
                ("linearmodels.panel",), repeats=1,
            ),
        ),
        (Limit("statsmodels, demeaned", time=1.0, memory=1.0),),
    ),
    Comparison(
        "spend-customer-dummies",
        "each customer against itself, few enough for a dummy each",
        f"{HERE}:make_panel",
        300 * QUARTERS,
        (
            Contender("ours", f"{HERE}:fixed_effects", f"{HERE}:load_frame", OURS),
            Contender(
                "statsmodels, a dummy for each", f"{HERE}:fixed_effects_by_all_dummies",
                f"{HERE}:load_frame", STATSMODELS,
            ),
        ),
        (Limit("statsmodels, a dummy for each", time=1.0, memory=1.0),),
    ),
)  # fmt: skip
