"""Seeded draws of a programme's money from all that is uncertain about it at once.

Benefits are drawn jointly, by the covariance of the months' amounts; costs and margin can be given
a spread of their own. The seed is a digest of what the draw is about that has no unit (months,
customer-quarters), so that the same programme gives the same draws in any order, in any currency.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import normal_quantile
from analysis.methods.investment.cash_flows import (
    BenefitFlow,
    Costs,
    Floats,
    discount_factors,
    discounted_cost,
)

DRAWS = 2_000
FEWEST_DRAWS_EITHER_SIDE = 0.025


@dataclass(frozen=True, slots=True)
class Spreads:
    """How far costs and gross margin may be off, as a share of what is declared.

    Each is drawn from a normal distribution about what is declared, within ± this share in 95 of
    100 draws. Zero takes it as known.
    """

    cost: float = 0.0
    margin: float = 0.0


NO_SPREAD = 1e-12


@dataclass(frozen=True, slots=True)
class JointValue:
    """Net present value and return when effect, costs and margin are uncertain together.

    share_positive: of the draws, those with a net present value above zero.
    """

    net_present_value: Estimate
    return_on_investment: Estimate | None
    share_positive: float
    spreads: Spreads
    draws: int


def seed_of(flow: BenefitFlow, costs: Costs) -> int:
    """A seed from what is drawn: months, customer-quarters, customers; no money, no names."""
    digest = hashlib.sha256()
    digest.update(np.round(np.asarray(flow.months, dtype=float), 6).tobytes())
    digest.update(np.round(np.asarray(flow.unit_quarters, dtype=float), 6).tobytes())
    digest.update(f"{flow.n} {costs.months}".encode())
    return int.from_bytes(digest.digest()[:8], "big")


def draw_benefits(flow: BenefitFlow, generator: np.random.Generator, draws: int = DRAWS) -> Floats:
    """Amounts drawn from a normal distribution about their estimates, shape (draws, k).

    The spread is widened by critical / 1.96, so that the middle 95 % of the draws are the interval
    that few clusters call for. Raises CannotEstimate where no interval can be given.
    """
    if flow.covariance is None:
        raise CannotEstimate("there is no interval to draw from")
    largest = float(np.abs(np.diag(flow.covariance)).max(initial=0.0))
    if largest <= 0:
        return np.tile(flow.amounts, (draws, 1))
    values, vectors = np.linalg.eigh(flow.covariance / largest)
    # What rounding leaves of an eigenvalue of nought would be noise of its square root.
    values = np.where(values > NO_SPREAD * values.max(), values, 0.0)
    # The symmetric root is the only one that does not hang on the order and sign of eigenvectors, so
    # neither a change of currency nor the last bit of a covariance changes the draws.
    root = (vectors * np.sqrt(values * largest)) @ vectors.T
    half = generator.standard_normal((-(-draws // 2), len(flow.amounts)))
    noise = np.concatenate([half, -half])[:draws]
    return np.asarray(
        flow.amounts + noise @ root * (flow.critical / normal_quantile()), dtype=float
    )


def draw_net_values(
    flow: BenefitFlow,
    costs: Costs,
    rate_annual: float,
    spreads: Spreads | None = None,
    draws: int = DRAWS,
) -> tuple[Floats, Floats]:
    """Discounted benefits and costs in each draw, both of shape (draws,)."""
    spreads = spreads or Spreads()
    generator = np.random.default_rng(seed_of(flow, costs))
    factors = discount_factors(flow.months, rate_annual)
    benefits = draw_benefits(flow, generator, draws) @ factors
    off = generator.standard_normal((2, draws)) / normal_quantile()
    cost = discounted_cost(costs, rate_annual) * np.maximum(1 + spreads.cost * off[0], 0.0)
    return benefits * np.maximum(1 + spreads.margin * off[1], 0.0), cost


def joint_value(
    flow: BenefitFlow,
    costs: Costs,
    rate_annual: float,
    currency: str,
    spreads: Spreads,
    draws: int = DRAWS,
) -> JointValue:
    """Value a programme from draws of everything at once; intervals are the middle 95 %.

    Raises CannotEstimate where the effect has no interval.
    """
    benefits, cost = draw_net_values(flow, costs, rate_annual, spreads, draws)
    net = benefits - cost
    known = discounted_cost(costs, rate_annual)
    benefit = float(flow.amounts @ discount_factors(flow.months, rate_annual))
    method = "seeded draws of effect, costs and margin"

    def middle(values: Floats, value: float, unit: str) -> Estimate:
        low, high = np.quantile(values, [0.025, 0.975])
        return Estimate(value, float(low), float(high), unit, flow.n, method)

    ratio = None
    if known > 0 and (cost > 0).all():
        ratio = middle(net / cost, (benefit - known) / known, "ratio")
    worth = middle(net, benefit - known, currency)
    return JointValue(worth, ratio, float((net > 0).mean()), spreads, draws)
