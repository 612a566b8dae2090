"""What is true of the example company: estimands by counterfactual simulation.

The same random numbers run twice, once with a programme or a raised score and once without;
several replicates of the whole company give the Monte-Carlo error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analysis.simulation.journeys import Histories, live_through, quarter_openings
from analysis.simulation.people import People, draw_people
from analysis.simulation.programmes import NEVER, Switches
from analysis.simulation.world import Streams, World


@dataclass(frozen=True, slots=True)
class Estimand:
    """A true value, its Monte-Carlo standard error, unit and definition."""

    value: float
    monte_carlo_error: float
    unit: str
    definition: str


PER_QUARTER = "EUR per customer-quarter"


def _spend_per_point(world: World, people: People, streams: Streams, base: Histories) -> float:
    """Extra spend in a quarter if satisfaction is one point higher at its opening."""
    quarters = base.spend.shape[1]
    gains, weights = [], []
    for quarter in range(quarters):
        raised = live_through(world, people, streams, shifted_quarter=quarter)
        who = base.active_at_opening[:, quarter]
        gains.append((raised.spend[who, quarter] - base.spend[who, quarter]).mean())
        weights.append(who.sum())
    return float(np.average(gains, weights=weights))


def _programme_gain(
    world: World,
    people: People,
    streams: Streams,
    base: Histories,
    off: Switches,
    treated_from: np.ndarray,
) -> float:
    """Margin per customer-quarter gained by the treated, zeros after leaving.

    treated_from: first treated day of each customer, NEVER for the others; customers active on
    that day count, with every quarter that opens on it or later.
    """
    without = live_through(world, people, streams, off)
    opens = quarter_openings(world)[:-1]
    active = (people.start_day < treated_from) & (base.end_day >= treated_from)
    counted = (active & (treated_from < NEVER))[:, None] & (opens >= treated_from[:, None])
    gain = (base.spend - without.spend) * world.gross_margin
    return float(gain[counted].sum() / counted.sum())


def _naive_gift_difference(world: World, base: Histories) -> float:
    """Margin per quarter of those given a gift less those not given one, as it stands."""
    first = int(np.searchsorted(quarter_openings(world), world.day_number(world.gifts_on)))
    margin = base.spend[:, first:].mean(axis=1) * world.gross_margin
    return float(margin[base.gifts].mean() - margin[base.gift_pool & ~base.gifts].mean())


def compute_truth(
    world: World, seed: int, customers: int, replicates: int = 8
) -> dict[str, Estimand]:
    """All estimands of the planted facts, averaged over replicates of the company."""
    draws: dict[str, list[float]] = {}
    for replicate in range(replicates):
        streams = Streams(seed + 7919 * (replicate + 1))
        people = draw_people(world, streams, customers)
        base = live_through(world, people, streams)
        day: Callable[..., int] = world.day_number
        gifts_from = np.where(base.gifts, day(world.gifts_on), NEVER)
        trial_from = np.where(base.compensated, day(world.compensation_on), NEVER)
        called_from = np.where(base.called, base.call_back_day, NEVER)
        values = {
            "spend_per_csat_point": _spend_per_point(world, people, streams, base),
            "live_chat_margin_per_customer_quarter": _programme_gain(
                world, people, streams, base, Switches(live_chat=False),
                base.rollout_day[people.area],
            ),
            "loyalty_gifts_margin_per_customer_quarter": _programme_gain(
                world, people, streams, base, Switches(loyalty_gifts=False), gifts_from
            ),
            "loyalty_gifts_naive_difference": _naive_gift_difference(world, base),
            "compensation_margin_per_customer_quarter": _programme_gain(
                world, people, streams, base, Switches(compensation_budget=False), trial_from
            ),
            "call_backs_margin_per_customer_quarter": _programme_gain(
                world, people, streams, base, Switches(call_backs=False), called_from
            ),
        }  # fmt: skip
        for name, value in values.items():
            draws.setdefault(name, []).append(value)
    definitions = {
        "spend_per_csat_point": "Spend in a quarter if CSAT is one point higher when the quarter "
        "opens and until the next answer, customers active at the opening, zeros included, less "
        "spend as it was",
        "live_chat_margin_per_customer_quarter": "Margin with the live chat less without it, per "
        "customer and whole quarter from the start in the area on, customers active at the start, "
        "zeros after leaving",
        "loyalty_gifts_margin_per_customer_quarter": "Margin with the gift less without it, those "
        "given one, per whole quarter from 2025-01-01 on, zeros after leaving",
        "loyalty_gifts_naive_difference": "Margin per quarter from 2025-01-01 on of those given a "
        "gift less that of the others in the pool, as it stands",
        "compensation_margin_per_customer_quarter": "Margin with the budget less without it, the "
        "treated arm, per whole quarter from 2025-07-01 on, zeros after leaving",
        "call_backs_margin_per_customer_quarter": "Margin with the call less without it, those "
        "called, per whole quarter that opens after the call, zeros after leaving",
    }
    truth = {
        name: Estimand(
            float(np.mean(values)),
            float(np.std(values, ddof=1) / np.sqrt(len(values))),
            PER_QUARTER,
            definitions[name],
        )
        for name, values in draws.items()
    }
    truth["churn_hazard_ratio_per_csat_point"] = Estimand(
        world.csat_hazard_ratio, 0.0, "hazard ratio",
        "Hazard of leaving at one point more CSAT, same segment, contract and tenure",
    )  # fmt: skip
    return truth
