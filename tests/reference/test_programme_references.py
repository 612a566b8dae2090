"""Programme effects against R and against the published figures of two well-known studies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.methods.programme_effect.experiment import arm_difference
from analysis.methods.programme_effect.staggered import (
    GroupTimeEffects,
    by_group,
    dynamic,
    group_time_effects,
    stack_panel,
)

FOLDER = Path(__file__).parent / "programmes"

# did 2.1 for R, minimum wages and teen employment, no covariates, varying base.
PUBLISHED = {
    "never": {
        "2004": (-0.0105, -0.0704, -0.1373, -0.1008),
        "2006": (-0.0046, -0.0412),
        "2007": (-0.0261,),
        "dynamic": (-0.0772, 0.0200),
        "group": -0.0310,
    },
    "not yet": {
        "2004": (-0.0194, -0.0783, -0.1363, -0.1008),
        "2006": (0.0047, -0.0412),
        "2007": (-0.0261,),
        "dynamic": (-0.0774, 0.0196),
        "group": -0.0305,
    },
}


@pytest.fixture(scope="module")
def nsw() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "nsw.csv")


@pytest.fixture(scope="module", params=["never", "not yet"])
def minimum_wage(request: pytest.FixtureRequest) -> tuple[str, GroupTimeEffects]:
    panel = pd.read_csv(FOLDER / "mpdta.csv")
    stack = stack_panel(panel, "county", "year", "first_treated", "lemp")
    return request.param, group_time_effects(stack, request.param, base="varying")


def covariates(nsw: pd.DataFrame) -> pd.DataFrame:
    names = ["age", "educ", "black", "hisp", "nodegree", "re74", "re75"]
    return nsw[names].assign(age_squared=nsw["age"] ** 2)


@pytest.mark.parametrize("model", ["difference", "adjusted"])
def test_training_experiment_equals_r(nsw: pd.DataFrame, model: str) -> None:
    expected = pd.read_csv(FOLDER / "nsw_expected.csv").set_index("model").loc[model]
    given = covariates(nsw) if model == "adjusted" else None
    found = arm_difference(nsw["re78"], nsw["treat"], given)
    assert found.value == pytest.approx(expected["estimate"], rel=1e-8)
    assert found.classical_error == pytest.approx(expected["classical"], rel=1e-8)
    assert found.robust_error == pytest.approx(expected["hc1"], rel=1e-8)


def test_training_experiment_equals_published_figures(nsw: pd.DataFrame) -> None:
    plain = arm_difference(nsw["re78"], nsw["treat"])
    adjusted = arm_difference(nsw["re78"], nsw["treat"], covariates(nsw))
    assert (round(plain.value, 2), round(plain.classical_error, 2)) == (1794.34, 632.85)
    assert round(plain.robust_error, 2) == 670.82
    assert round(adjusted.value, 1) == 1672.2
    assert (plain.treated, plain.control) == (185, 260)


def test_small_integers_do_not_overflow(nsw: pd.DataFrame) -> None:
    small = nsw.astype(dict.fromkeys(("age", "educ", "treat"), np.int8))
    given = covariates(nsw).to_numpy()
    assert arm_difference(small["re78"], small["treat"], given).value == pytest.approx(
        arm_difference(nsw["re78"], nsw["treat"], given).value, rel=1e-12
    )


def test_group_time_effects_equal_r(minimum_wage: tuple[str, GroupTimeEffects]) -> None:
    controls, effects = minimum_wage
    table = pd.read_csv(FOLDER / "mpdta_expected.csv")
    expected = table[table["controls"] == controls].set_index("quantity")
    for cell, influence in zip(effects.cells, effects.influence, strict=True):
        if cell.event_time < 0:
            continue
        row = expected.loc[f"{cell.cohort} {cell.cohort + cell.event_time}"]
        assert cell.effect == pytest.approx(row["value"], abs=1e-8)
        assert np.sqrt(influence @ influence) == pytest.approx(row["se"], rel=1e-7)
    for name, found in (("dynamic", dynamic(effects)), ("group", by_group(effects))):
        assert found.value == pytest.approx(expected.loc[name, "value"], abs=1e-8)
        assert found.standard_error == pytest.approx(expected.loc[name, "se"], rel=1e-7)


def test_group_time_effects_equal_published_figures(
    minimum_wage: tuple[str, GroupTimeEffects],
) -> None:
    controls, effects = minimum_wage
    published = PUBLISHED[controls]
    for year in ("2004", "2006", "2007"):
        cells = [c for c in effects.cells if c.cohort == int(year) and c.event_time >= 0]
        assert tuple(round(cell.effect, 4) for cell in cells) == published[year]
    found = dynamic(effects)
    assert (round(found.value, 4), round(found.standard_error, 4)) == published["dynamic"]
    assert round(by_group(effects).value, 4) == published["group"]
