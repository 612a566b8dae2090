"""Where well-kept libraries are right, ours say the same: lifelines and statsmodels.

Their warnings about their own dependencies are not ours to fail on.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.methods.regression import fit_least_squares
from analysis.methods.survival.cox import fit_cox
from analysis.methods.survival.nonparametric import kaplan_meier, log_rank

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

HERE = Path(__file__).parent / "survival"


@pytest.fixture(scope="module")
def rossi() -> pd.DataFrame:
    return pd.read_csv(HERE / "rossi.csv")


def test_cox_agrees_with_lifelines(rossi: pd.DataFrame) -> None:
    from lifelines import CoxPHFitter

    theirs = CoxPHFitter().fit(rossi, "week", "arrest")
    names = tuple(theirs.params_.index)
    stop = rossi["week"].to_numpy(float)
    ours = fit_cox(
        np.zeros(len(stop)),
        stop,
        (rossi["arrest"] == 1).to_numpy(),
        rossi[list(names)].to_numpy(float),
        names,
    )
    assert ours.coefficients == pytest.approx(theirs.params_.to_numpy(), abs=1e-5)
    assert ours.standard_errors == pytest.approx(theirs.standard_errors_.to_numpy(), abs=1e-5)


def test_kaplan_meier_and_log_rank_agree_with_lifelines(rossi: pd.DataFrame) -> None:
    from lifelines import KaplanMeierFitter
    from lifelines.statistics import logrank_test

    stop, ended = rossi["week"].to_numpy(float), (rossi["arrest"] == 1).to_numpy()
    curve = kaplan_meier(np.zeros(len(stop)), stop, ended)
    theirs = KaplanMeierFitter().fit(stop, ended)
    assert curve.survival == pytest.approx(theirs.predict(curve.times).to_numpy(), abs=1e-10)
    treated = (rossi["fin"] == 1).to_numpy()
    test = log_rank(np.zeros(len(stop)), stop, ended, treated.astype(np.int64))
    other = logrank_test(stop[treated], stop[~treated], ended[treated], ended[~treated])
    assert test.statistic == pytest.approx(other.test_statistic, abs=1e-10)


def test_least_squares_agrees_with_statsmodels() -> None:
    import statsmodels.api as sm

    rng = np.random.default_rng(3)
    cluster = np.repeat(np.arange(40), 5)
    x = np.column_stack([np.ones(200), rng.normal(size=(200, 2))])
    y = x @ [1.0, 0.5, -0.2] + rng.normal(size=40)[cluster] + rng.normal(size=200)
    for kind in ("HC0", "HC1", "HC3"):
        ours = fit_least_squares(y, x, ("constant", "a", "b"), kind)  # type: ignore[arg-type]
        theirs = sm.OLS(y, x).fit(cov_type=kind)
        assert ours.standard_errors == pytest.approx(theirs.bse, rel=1e-9)
    ours = fit_least_squares(y, x, ("constant", "a", "b"), "cluster", cluster)
    theirs = sm.OLS(y, x).fit(
        cov_type="cluster", cov_kwds={"groups": cluster, "use_correction": False}
    )
    assert ours.standard_errors == pytest.approx(theirs.bse * np.sqrt(40 / 39), rel=1e-9)
