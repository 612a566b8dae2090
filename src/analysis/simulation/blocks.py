"""A company of any size, in blocks of customers: the memory needed is that of one block.

Blocks have a fixed size and random streams of their own, so the company is the same however many
are made at once. A company that fits one block is made as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.errors import ParameterError
from analysis.simulation.cells import TextCells
from analysis.simulation.journeys import live_through
from analysis.simulation.people import draw_people
from analysis.simulation.world import Streams, World
from analysis.simulation.writing import (
    Won,
    customers_won,
    tables_of_customers,
    transaction_rows,
)

BLOCK_CUSTOMERS = 16_384
# The company whose fixed costs, staff and visits the world describes.
WORLD_CUSTOMERS = 6_000
PILOT_CUSTOMERS, PILOT_ROUNDS, PILOT_SEED = 2_048, 4, 1
CLOSE_ENOUGH, TOO_FAR = 0.01, 0.05
LEAST_ORDER_VALUE = 1.0


@dataclass(frozen=True, slots=True)
class Block:
    """Tables of some customers, with what has to be added up over blocks.

    revenue: cents by quarter. gifts: customers who were given one.
    """

    tables: dict[str, pd.DataFrame]
    revenue: np.ndarray
    won: Won
    gifts: int


def scaled_world(world: World, customers: int) -> World:
    """The world of a company of this size: what is fixed in money, heads or visits grows with it.

    Areas stay as many, and what is planted per customer stays as it is; so does a small company.
    """
    if customers <= WORLD_CUSTOMERS:
        return world
    ratio = customers / WORLD_CUSTOMERS
    return replace(
        world,
        employees=max(4, 4 * round(world.employees * ratio / 4)),
        visits_per_month=max(100, round(world.visits_per_month * ratio)),
        live_chat_upfront_cost=round(world.live_chat_upfront_cost * ratio, 2),
        live_chat_monthly_cost=round(world.live_chat_monthly_cost * ratio, 2),
        compensation_monthly_cost=round(world.compensation_monthly_cost * ratio, 2),
        call_backs_monthly_cost=round(world.call_backs_monthly_cost * ratio, 2),
    )


def world_with_transactions(world: World, transactions_per_customer: float) -> World:
    """The same world with as many orders and credit notes per customer, each as much smaller.

    Spend per quarter, and with it everything planted in it, stays as it is; so does the number of
    late deliveries, which move satisfaction. Found by trial on a small company. Raises
    ParameterError for more than an order a week can give, or orders below a euro.
    """
    streams = Streams(PILOT_SEED)
    people = draw_people(world, streams, PILOT_CUSTOMERS)
    fitted = world
    for _ in range(PILOT_ROUNDS):
        histories = live_through(fitted, people, streams, record=True)
        found = len(transaction_rows(fitted, streams, histories)) / PILOT_CUSTOMERS
        if abs(found / transactions_per_customer - 1) < CLOSE_ENOUGH:
            return fitted
        value = round(fitted.mean_order_value * found / transactions_per_customer, 2)
        if value < LEAST_ORDER_VALUE:
            break
        # Fewer late deliveries an order, as many a customer.
        late_share = min(1.0, world.late_share * value / world.mean_order_value)
        fitted = replace(fitted, mean_order_value=value, late_share=late_share)
    if value < LEAST_ORDER_VALUE or abs(found / transactions_per_customer - 1) > TOO_FAR:
        raise ParameterError(
            f"--transactions: {transactions_per_customer:.0f} per customer cannot be reached with an "
            "order a week at most; ask for fewer"
        )
    return fitted


def make_blocks(
    world: World, seed: int, customers: int, cells: TextCells, size: int = BLOCK_CUSTOMERS
) -> Iterator[Block]:
    """The company's customers block after block, in the order of their ids."""
    for number, first in enumerate(range(0, customers, size)):
        streams = Streams(seed, number)
        people = draw_people(world, streams, min(size, customers - first))
        histories = live_through(world, people, streams, record=True)
        cells.first_customer = first
        tables, revenue = tables_of_customers(world, people, streams, histories, cells)
        yield Block(tables, revenue, customers_won(world, people), int(histories.gifts.sum()))
