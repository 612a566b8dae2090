"""Who the customers are: what is recorded of them, and the trait that is not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.simulation.world import Streams, World

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class People:
    """One entry per customer; codes index the tuples of the world.

    start_day: day number of the start, negative before the first day covered.
    trait: the unrecorded trait that moves satisfaction and spend, standard normal.
    base_spend_per_quarter: expected spend at a satisfaction of three, in euro.
    week_offset: weekday on which the customer's weeks begin, so that days are spread.
    """

    segment: Ints
    area: Ints
    channel: Ints
    monthly_contract: NDArray[np.bool_]
    russian: NDArray[np.bool_]
    age: Ints
    start_day: Ints
    trait: Floats
    mean_satisfaction: Floats
    base_spend_per_quarter: Floats
    week_offset: Ints
    referred_by: Ints
    acquisition_cost: Floats

    @property
    def n(self) -> int:
        return len(self.segment)


def draw_people(world: World, streams: Streams, customers: int) -> People:
    """Draw the customers; those who started earlier are the ones still there at the opening."""
    rng = streams.of("people")
    segment = rng.choice(len(world.segments), customers, p=world.segment_shares)
    area = rng.integers(0, world.areas, customers)
    channel = rng.choice(len(world.channels), customers, p=(0.4, 0.2, 0.25, 0.15))
    monthly = rng.random(customers) < world.monthly_contract_share
    before = rng.random(customers) < world.share_started_before
    # Losses thin the early starters out: tenure at the opening falls off.
    earlier = -1 - np.minimum(rng.exponential(520, customers), 1800).astype(int)
    later = rng.integers(0, world.days - 30, customers)
    start_day = np.where(before, earlier, later)
    trait = rng.standard_normal(customers)
    base = (
        np.take(world.segment_spend_per_quarter, segment) + world.trait_on_spend_per_quarter * trait
    )
    referred = np.where((channel == 1), rng.integers(0, customers, customers), -1)
    return People(
        segment=segment,
        area=area,
        channel=channel,
        monthly_contract=monthly,
        russian=rng.random(customers) < 0.45,
        age=np.clip(rng.normal(46, 14, customers), 18, 90).astype(int),
        start_day=start_day,
        trait=trait,
        mean_satisfaction=world.mean_satisfaction + world.trait_on_satisfaction * trait,
        base_spend_per_quarter=np.maximum(base, 36.0),
        week_offset=rng.integers(0, 7, customers),
        referred_by=np.where(referred == np.arange(customers), -1, referred),
        acquisition_cost=np.round(rng.gamma(4, np.take((14, 5, 11, 18), channel)), 2),
    )
