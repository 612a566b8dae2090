"""Alpha equals base R, the mixed model equals R's nlme; see orientation/make_references.R."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.methods.orientation.random_intercept import RandomIntercept, fit_random_intercept
from analysis.methods.orientation.reliability import Alpha, cronbach_alpha
from analysis.methods.orientation.sheets import Sheets, read_sheets
from analysis.methods.regression import Floats

HERE = Path(__file__).parent / "orientation"
NAMES = ("(Intercept)", "orientation", "touchpointphone", "touchpointshop", "tenure")


@pytest.fixture(scope="module")
def golden() -> dict[str, float]:
    return dict(pd.read_csv(HERE / "golden.csv").itertuples(index=False))


@pytest.fixture(scope="module")
def sheets() -> Sheets:
    table = pd.read_csv(HERE / "sheets.csv")
    table["employee_id"] = table.pop("employee").map("E{:02d}".format)
    return read_sheets(table)


@pytest.fixture(scope="module")
def served() -> pd.DataFrame:
    return pd.read_csv(HERE / "served.csv")


@pytest.fixture(scope="module")
def orientation(sheets: Sheets, served: pd.DataFrame) -> Floats:
    scores = (sheets.overall - sheets.overall.mean()) / sheets.overall.std(ddof=1)
    return scores[served["employee"].to_numpy() - 1]


@pytest.fixture(scope="module")
def alphas(sheets: Sheets) -> dict[str, Alpha]:
    of_selling = sheets.key.selling
    return {
        "customer": cronbach_alpha(sheets.items[:, ~of_selling]),
        "selling": cronbach_alpha(sheets.items[:, of_selling]),
        "overall": cronbach_alpha(sheets.items),
    }


@pytest.mark.parametrize("name", ["customer", "selling", "overall"])
def test_alpha_and_its_interval(
    name: str, alphas: dict[str, Alpha], golden: dict[str, float]
) -> None:
    found = alphas[name]
    assert found.alpha.value == pytest.approx(golden[name], rel=1e-12)
    assert found.alpha.lower == pytest.approx(golden[f"{name}_lower"], rel=1e-10)
    assert found.alpha.upper == pytest.approx(golden[f"{name}_upper"], rel=1e-10)
    assert found.rest_correlations[2] == pytest.approx(golden[f"{name}_rest_3"], rel=1e-10)


def test_scores(sheets: Sheets, golden: dict[str, float]) -> None:
    assert sheets.overall.mean() == pytest.approx(golden["mean"], rel=1e-12)
    assert sheets.overall.std(ddof=1) == pytest.approx(golden["spread"], rel=1e-12)


def fit(served: pd.DataFrame, orientation: Floats, method: str) -> RandomIntercept:
    touchpoint = served["touchpoint"].to_numpy()
    design = np.column_stack(
        [
            np.ones(len(served)), orientation, touchpoint == "phone", touchpoint == "shop",
            served["tenure"],
        ]
    ).astype(float)  # fmt: skip
    codes = served["employee"].to_numpy() - 1
    return fit_random_intercept(served["score"].to_numpy(), design, NAMES, codes, method)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["REML", "ML"])
def test_mixed_model(
    method: str, served: pd.DataFrame, orientation: Floats, golden: dict[str, float]
) -> None:
    found = fit(served, orientation, method)
    for place, name in enumerate(NAMES):
        wanted, error = golden[f"{method}_{name}"], golden[f"{method}_{name}_error"]
        assert found.coefficients[place] == pytest.approx(wanted, rel=1e-5, abs=1e-7)
        assert found.standard_errors[place] == pytest.approx(error, rel=1e-5)
    assert found.within_sd == pytest.approx(golden[f"{method}_within"], rel=1e-5)
    assert found.between_sd == pytest.approx(golden[f"{method}_between"], rel=1e-5)
    assert found.log_likelihood == pytest.approx(golden[f"{method}_log_likelihood"], rel=1e-7)


def test_without_levels_of_their_own_it_is_least_squares(
    served: pd.DataFrame, orientation: Floats, golden: dict[str, float]
) -> None:
    design = np.column_stack([np.ones(len(served)), orientation, served["tenure"]])
    codes = served["employee"].to_numpy() - 1
    found = fit_random_intercept(
        served["even"].to_numpy(), design, ("constant", "orientation", "tenure"), codes
    )
    assert found.between_sd == 0
    assert found.coefficients[1] == pytest.approx(golden["even_orientation"], rel=1e-10)
    assert found.standard_errors[1] == pytest.approx(golden["even_orientation_error"], rel=1e-10)
