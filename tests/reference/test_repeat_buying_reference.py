"""BG/NBD and Gamma-Gamma give the published figures on CDNOW; see lifetime_value/README.md."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.methods.lifetime_value.purchase_value import (
    GammaGamma,
    fit_gamma_gamma,
    value_against_frequency,
)
from analysis.methods.lifetime_value.repeat_buying import BgNbd, fit_bg_nbd

CDNOW = Path(__file__).parent / "lifetime_value/cdnow.csv"


@cache
def cdnow() -> pd.DataFrame:
    return pd.read_csv(CDNOW, dtype={"customer_id": str})


@cache
def model() -> BgNbd:
    data = cdnow()
    return fit_bg_nbd(data["frequency"], data["recency"], data["age"])


@cache
def amounts() -> GammaGamma:
    return fit_gamma_gamma(cdnow()["frequency"], cdnow()["mean_value"])


def test_bg_nbd_equals_the_paper() -> None:
    # Printed to this many places; the values must round to what is printed.
    fit = model()
    assert fit.n == 2357
    assert fit.r == pytest.approx(0.2426, abs=5e-5)
    assert fit.alpha == pytest.approx(4.4135, abs=5e-5)
    assert fit.a == pytest.approx(0.7929, abs=5e-5)
    assert fit.b == pytest.approx(2.4258, abs=5e-5)
    assert fit.log_likelihood == pytest.approx(-9582.43, abs=5e-3)


def test_the_worked_customer_equals_the_authors_note() -> None:
    assert model().expected_purchases(39, 2, 30.43, 38.86)[0] == pytest.approx(1.226, abs=5e-4)


def test_gamma_gamma_equals_the_note() -> None:
    fit = amounts()
    assert fit.n == 946
    assert fit.p == pytest.approx(6.25, abs=5e-3)
    assert fit.q == pytest.approx(3.74, abs=5e-3)
    # Printed as 15.44; the maximum lies at 15.4477, and the likelihood is flat between the two.
    assert fit.v == pytest.approx(15.44, abs=1e-2)


def test_everybodys_mean_amount_lies_where_the_printed_parameters_put_it() -> None:
    everybody = amounts().expected_value(0, np.nan)[0]
    assert everybody == pytest.approx(6.25 * 15.44 / (3.74 - 1), rel=2e-3)
    # More purchases draw the expectation towards the customer's own mean.
    one, many = amounts().expected_value([1, 20], [100, 100])
    assert everybody < one < many < 100


def test_the_correlation_that_the_model_takes_for_nought() -> None:
    found = value_against_frequency(cdnow())
    assert found.value == pytest.approx(0.1138, abs=1e-3)
    assert found.lower < found.value < found.upper
    assert found.n == 946
