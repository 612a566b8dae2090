"""What happens to each customer week by week: encounters, answers, orders, leaving."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from analysis.simulation.people import Floats, Ints, People
from analysis.simulation.programmes import (
    NEVER,
    Switches,
    draw_compensation,
    draw_gifts,
    draw_rollout,
)
from analysis.simulation.world import (
    DAYS_PER_WEEK,
    WEEKS_PER_MONTH,
    WEEKS_PER_QUARTER,
    Streams,
    World,
)

QUARTERS_PER_YEAR = 4
LATE_DELIVERY = "delivery"


@dataclass(slots=True)
class Log:
    """Events as they are recorded: one list of arrays per kind, a tuple of columns each."""

    encounters: list[tuple[np.ndarray, ...]] = field(default_factory=list)
    orders: list[tuple[np.ndarray, ...]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Histories:
    """What became of everybody.

    end_day: day number of leaving, NEVER while active.
    spend: customers × quarters, euro. active_at_opening: customers × quarters.
    gifts, gift_pool, compensated, compensation_pool: who was assigned what.
    call_back_day: day of the first decision on a call-back, NEVER without one; called: its arm.
    """

    end_day: Ints
    spend: Floats
    active_at_opening: np.ndarray
    gifts: np.ndarray
    gift_pool: np.ndarray
    compensated: np.ndarray
    compensation_pool: np.ndarray
    call_back_day: Ints
    called: np.ndarray
    rollout_day: Ints
    log: Log


def quarter_openings(world: World) -> Ints:
    """Day numbers on which the quarters open; the last entry closes the last quarter."""
    months = np.arange(
        np.datetime64(world.first_day, "M"), np.datetime64(world.last_day, "M") + 2, 3
    )
    return (months.astype("datetime64[D]") - np.datetime64(world.first_day, "D")).astype(int)


def monthly_hazard(world: World, people: People, tenure_days: Ints, satisfaction: Floats) -> Floats:
    """Hazard of leaving per month, given tenure, contract, segment and satisfaction."""
    early = tenure_days < world.monthly_contract_settles_months * 30.4375
    monthly = np.where(
        early,
        world.monthly_contract_hazard_early_per_month,
        world.monthly_contract_hazard_late_per_month,
    )
    base = np.where(people.monthly_contract, monthly, world.annual_contract_hazard_per_month)
    segment = np.take(world.segment_hazard_ratio, people.segment)
    return base * segment * world.csat_hazard_ratio ** (satisfaction - 3)


def live_through(
    world: World,
    people: People,
    streams: Streams,
    switches: Switches = Switches(),  # noqa: B008 -- frozen
    shifted_quarter: int = -1,
    record: bool = False,
) -> Histories:
    """Simulate all weeks.

    shifted_quarter: at the opening of this quarter everybody's satisfaction is one point higher
    than it was, until the next answer; everything else is drawn from the same numbers.
    """
    n = people.n
    openings = quarter_openings(world)
    quarters = len(openings) - 1
    log = Log()
    satisfaction = np.clip(
        np.rint(people.mean_satisfaction + world.satisfaction_noise * streams.of("noise").standard_normal(n)),
        1, 5,
    )  # fmt: skip
    shift = np.zeros(n)
    end_day = np.full(n, NEVER)
    spend = np.zeros((n, quarters))
    past_spend = np.zeros((n, world.weeks), dtype=np.float32)
    call_back_day, called = np.full(n, NEVER), np.zeros(n, dtype=bool)
    gift_pool, gifts = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    trial, arm = draw_compensation(world, streams, people)
    compensation_pool = np.zeros(n, dtype=bool)
    rollout_day = draw_rollout(world, streams)
    chat_from = rollout_day[people.area]
    gift_day, compensation_day = (
        world.day_number(d) for d in (world.gifts_on, world.compensation_on)
    )
    call_backs_from = world.day_number(world.call_backs_from)
    late_last_week = np.zeros(n, dtype=bool)
    employee_orientation = streams.of("orientation").standard_normal(world.employees)
    decided_gifts = decided_compensation = False

    for week in range(world.weeks):
        monday = week * DAYS_PER_WEEK + people.week_offset - DAYS_PER_WEEK + 1
        active = (people.start_day < monday) & (end_day == NEVER) & (monday < world.days)
        if shifted_quarter >= 0:
            opening = openings[shifted_quarter]
            shift[(monday >= opening) & (monday < opening + DAYS_PER_WEEK)] = 1.0

        # Encounters and the opinion they leave, from the day after the answer on.
        u = streams.of("encounter", week).random(n)
        met = active & (late_last_week | (u < world.encounters_per_week)) & (monday >= 0)
        touchpoint = streams.of("touchpoint", week).choice(
            len(world.touchpoints), n, p=world.touchpoint_shares
        )
        employee = (
            streams.of("employee", week).integers(0, world.employees // 4, n) * 4 + people.area % 4
        )
        push = np.take(world.touchpoint_on_satisfaction, touchpoint)
        push = np.where(late_last_week, world.late_on_satisfaction, push)
        noise = world.satisfaction_noise * streams.of("noise", week + 1).standard_normal(n)
        opinion = np.clip(
            np.rint(
                people.mean_satisfaction
                + push
                + world.orientation_on_satisfaction * employee_orientation[employee]
                + noise
            ),
            1, 5,
        )  # fmt: skip
        answer_share = np.take(world.csat_answer_share_by_segment, people.segment)
        answered = met & (streams.of("answer", week).random(n) < answer_share)
        satisfaction = np.where(answered, opinion, satisfaction)
        shift[answered & (monday >= (openings[shifted_quarter] if shifted_quarter >= 0 else 0))] = (
            0.0
        )
        if record and met.any():
            who = np.flatnonzero(met)
            log.encounters.append(
                (who, monday[who], np.where(late_last_week, -1, touchpoint)[who], employee[who],
                 np.where(answered, opinion, np.nan)[who])
            )  # fmt: skip

        # Decisions on programmes.
        if not decided_gifts and (monday >= gift_day).any():
            decided_gifts = True
            first = max(0, week - 53)
            gift_pool = (end_day >= gift_day) & (people.start_day < gift_day - 90)
            gifts = gift_pool & draw_gifts(streams, past_spend[:, first:].sum(axis=1).astype(float))
        if not decided_compensation and (monday >= compensation_day).any():
            decided_compensation = True
            compensation_pool = (
                trial & (end_day >= compensation_day) & (people.start_day < compensation_day - 30)
            )
        low = answered & (opinion <= 2) & (monday >= call_backs_from) & (call_back_day == NEVER)
        call_back_day[low] = monday[low] + 1
        called[low] = streams.of("call_back", week).random(n)[low] < world.call_backs_share

        # Money: expected spend is linear in satisfaction.
        felt = satisfaction + shift
        extra = np.zeros(n)
        if switches.live_chat:
            extra += world.live_chat_spend_per_quarter * (monday >= chat_from)
        if switches.loyalty_gifts:
            extra += world.gifts_spend_per_quarter * (gifts & (monday >= gift_day))
        if switches.compensation_budget:
            extra += world.compensation_spend_per_quarter * (
                compensation_pool & arm & (monday >= compensation_day)
            )
        if switches.call_backs:
            extra += world.call_backs_spend_per_quarter * (called & (monday >= call_back_day))
        season = 1.0 + 0.12 * np.cos(2 * np.pi * (week - 22) / 52.18)
        expected = (
            people.base_spend_per_quarter
            + world.spend_per_csat_point_per_quarter * (felt - 3)
            + extra
        )
        chance = np.clip(expected / WEEKS_PER_QUARTER / world.mean_order_value * season, 0, 0.95)
        ordered = active & (streams.of("order", week).random(n) < chance)
        day = monday + streams.of("day", week).integers(1, DAYS_PER_WEEK, n)
        ordered &= (day < world.days) & (day >= 0)
        spread = world.order_value_spread
        amount = np.round(
            world.mean_order_value
            * np.exp(spread * streams.of("amount", week).standard_normal(n) - spread**2 / 2), 2,
        )  # fmt: skip
        refund = (streams.of("refund", week).random(n) < 0.035) & ordered
        who = np.flatnonzero(ordered)
        quarter = np.searchsorted(openings, day[who], side="right") - 1
        np.add.at(spend, (who, quarter), amount[who])
        past_spend[who, week] = amount[who]
        late = ordered & (streams.of("late", week).random(n) < world.late_share)
        if record and len(who):
            log.orders.append((who, day[who], amount[who], late[who], refund[who]))
        late_last_week = late & (streams.of("delivery", week).random(n) < 0.35)

        # Leaving.
        hazard = monthly_hazard(world, people, monday - people.start_day, felt) / WEEKS_PER_MONTH
        leaves = (
            active & (streams.of("churn", week).random(n) < 1 - np.exp(-hazard)) & (monday >= 0)
        )
        # Who ordered this week leaves at its end, so that no order follows the leaving.
        leave_day = monday + DAYS_PER_WEEK - 1
        leaves &= leave_day < world.days
        end_day = np.where(leaves, leave_day, end_day)

    opens = openings[:-1]
    active_at_opening = (people.start_day[:, None] < opens) & (end_day[:, None] >= opens)
    return Histories(
        end_day, spend, active_at_opening, gifts, gift_pool, arm & compensation_pool,
        compensation_pool, call_back_day, called, rollout_day, log,
    )  # fmt: skip
