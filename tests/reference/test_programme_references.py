"""Programme effects against R and against the published figures of two well-known studies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.methods.programme_effect.cutoff import regression_discontinuity
from analysis.methods.programme_effect.experiment import arm_difference, fast_arm_difference
from analysis.methods.programme_effect.honest_trends import relative_magnitudes
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


def test_many_outcomes_by_normal_equations_give_the_same(nsw: pd.DataFrame) -> None:
    arm = nsw["treat"].to_numpy(float)
    given = covariates(nsw).to_numpy(float)
    standard = (given - given.mean(axis=0)) / given.std(axis=0)
    design = np.column_stack([np.ones(len(arm)), arm, standard])
    slow = arm_difference(nsw["re78"], arm, standard)
    fast = fast_arm_difference(design, nsw["re78"], np.ones(len(arm)))
    assert fast.value == pytest.approx(slow.value, rel=1e-7)
    assert fast.robust_error == pytest.approx(slow.robust_error, rel=1e-7)


def test_percentage_of_the_experiment_by_hand(nsw: pd.DataFrame) -> None:
    """Without covariates it is a ratio of two means, whose delta-method error is elementary."""
    one, other = (nsw.loc[nsw["treat"] == side, "re78"] for side in (1, 0))
    found = arm_difference(nsw["re78"], nsw["treat"]).relative()
    assert found.value == pytest.approx(one.mean() / other.mean() - 1, rel=1e-10)
    variance = one.var(ddof=0) / len(one) / other.mean() ** 2
    variance += (one.mean() / other.mean() ** 2) ** 2 * other.var(ddof=0) / len(other)
    half = (found.upper - found.lower) / 2
    n = len(nsw)
    assert half == pytest.approx(1.96533 * np.sqrt(variance * n / (n - 1)), rel=1e-4)


@pytest.fixture(scope="module")
def threshold() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "threshold.csv")


def test_jump_at_a_threshold_equals_r(threshold: pd.DataFrame) -> None:
    expected = pd.read_csv(FOLDER / "threshold_expected.csv").set_index("degree")
    found = regression_discontinuity(threshold["outcome"], threshold["number"], 0.0, bandwidth=30.0)
    assert found.linear == pytest.approx(expected.loc[1, "jump"], rel=1e-8)
    assert found.value == pytest.approx(expected.loc[2, "jump"], rel=1e-8)
    assert found.standard_error == pytest.approx(expected.loc[2, "se"], rel=1e-8)
    assert (found.below, found.above) == (expected.loc[2, "below"], expected.loc[2, "above"])


def test_threshold_agrees_with_a_port_of_rdrobust(threshold: pd.DataFrame) -> None:
    """Bias-corrected with equal bandwidths; its own bandwidth is not far from ours."""
    port = pytest.importorskip("diff_diff._rdrobust_port")
    y, x = threshold["outcome"].to_numpy(), threshold["number"].to_numpy()
    ours = regression_discontinuity(y, x, 0.0, bandwidth=30.0)
    theirs = port.rdrobust_fit(y, x, 0.0, 30.0, 30.0, 30.0, 30.0)
    assert ours.linear == pytest.approx(theirs.tau_cl, rel=1e-8)
    assert ours.value == pytest.approx(theirs.tau_bc, rel=1e-8)
    assert ours.standard_error == pytest.approx(theirs.se_rb, rel=0.15)  # theirs: neighbours
    chosen = regression_discontinuity(y, x, 0.0).bandwidth
    assert 0.4 < chosen / port.rdbwselect(y, x).bws["mserd"][0] < 2.5


def test_bounds_on_other_trends_agree_with_diff_diff() -> None:
    """With nothing uncertain the interval is the identified set of Rambachan and Roth."""
    honest = pytest.importorskip("diff_diff.honest_did")
    before, after = np.array([0.8, -0.5, 0.4]), np.array([2.0, 2.5, 3.5])
    weights = np.array([0.5, 0.3, 0.2])
    changes = np.diff([*before, 0.0])
    carried = float(weights @ [1, 2, 3])
    for ratio in (0.5, 1.0, 2.0):
        none = np.zeros(4), changes, np.zeros((3, 4)), carried, 2.0, ratio
        found = relative_magnitudes(float(weights @ after), *none)
        theirs = honest._solve_rm_bounds_union(before, after, weights, 3, ratio)
        assert found == pytest.approx(theirs, abs=1e-9)
