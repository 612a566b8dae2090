"""Who is given which service programme, and when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.simulation.people import Floats, Ints, People
from analysis.simulation.world import Streams, World

NEVER = 10**6


@dataclass(frozen=True, slots=True)
class Switches:
    """Which programmes work. Off means without consequence; what is drawn stays the same.

    Assignments that look at past spend may differ a little: that belongs to the total effect.
    """

    live_chat: bool = True
    loyalty_gifts: bool = True
    compensation_budget: bool = True
    call_backs: bool = True


def draw_rollout(world: World, streams: Streams) -> Ints:
    """First day (number) of the live chat in each area; NEVER where it was not introduced."""
    order = streams.of("rollout").permutation(world.areas)
    starts = np.full(world.areas, NEVER)
    for wave, day in enumerate(world.live_chat_waves):
        chosen = order[
            wave * world.live_chat_areas_per_wave : (wave + 1) * world.live_chat_areas_per_wave
        ]
        starts[chosen] = world.day_number(day)
    return starts


def gift_probability(past_spend: Floats) -> Floats:
    """Probability of a gift, rising with recorded spend of the past year (euro)."""
    chance = 1 / (1 + np.exp(-(past_spend - 520.0) / 170.0))
    return np.clip(chance, 0.05, 0.95)


def draw_gifts(streams: Streams, past_spend: Floats) -> np.ndarray:
    """Who gets a gift, given recorded spend."""
    return streams.of("gift").random(len(past_spend)) < gift_probability(past_spend)


def draw_compensation(
    world: World, streams: Streams, people: People
) -> tuple[np.ndarray, np.ndarray]:
    """Who is in the trial of the compensation budget, and who is treated in it: chance decides."""
    draws = streams.of("compensation").random((2, people.n))
    return draws[0] < world.compensation_customers_share, draws[1] < 0.5
