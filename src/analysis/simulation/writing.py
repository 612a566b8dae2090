"""The exports of the example company, table by table; cells as text or typed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.simulation.cells import TextCells
from analysis.simulation.comments import write_comments
from analysis.simulation.journeys import Histories, quarter_openings
from analysis.simulation.people import People
from analysis.simulation.programmes import NEVER, draw_rollout
from analysis.simulation.world import Streams, World

# Everybody is asked once a year, another fourth each quarter.
NPS_ROTATION = 4


def area_names(world: World) -> np.ndarray:
    """The service areas' names by their code."""
    return np.array([f"A{area + 1:02d}" for area in range(world.areas)], dtype=object)


def customers_table(
    world: World, people: People, histories: Histories, cells: TextCells
) -> pd.DataFrame:
    """The customer table, those who came before the opening observed from it on."""
    days_seen = np.where(people.start_day < 0, 0, NEVER)
    reasons = np.where(people.monthly_contract, "competitor", "not renewed")
    left = histories.end_day < NEVER
    return pd.DataFrame(
        {
            "customer_id": cells.customers(np.arange(people.n)),
            "started_on": cells.dates(world, people.start_day),
            "ended_on": cells.dates(world, histories.end_day),
            "end_reason": np.where(left, reasons, ""),
            "observed_from": cells.dates(world, days_seen),
            "segment": np.take(world.segments, people.segment),
            "region": np.take(world.regions, people.area % 4),
            "area": area_names(world)[people.area],
            "acquisition_channel": np.take(world.channels, people.channel),
            "acquisition_cost": people.acquisition_cost,
            "referred_by": cells.customers(people.referred_by),
            "contract": np.where(people.monthly_contract, "monthly", "yearly"),
            "age": people.age,
        }
    )


def transaction_rows(world: World, streams: Streams, histories: Histories) -> pd.DataFrame:
    """Orders with promised and actual delivery, and credit notes on their own dates, as numbers."""
    who, day, amount, late, refund = (
        np.concatenate(part) for part in zip(*histories.log.orders, strict=True)
    )
    rng = streams.of("writing")
    transit = rng.integers(2, 5, len(who))
    delay = np.where(late, rng.integers(1, 8, len(who)), -rng.integers(0, 2, len(who)))
    delivered = day + transit + delay
    orders = pd.DataFrame(
        {"who": who, "day": day, "amount": amount, "promised": day + transit,
         "delivered": np.where(delivered < world.days, delivered, NEVER)}
    )  # fmt: skip
    back_day = day + rng.integers(6, 20, len(who))
    credited = refund & (back_day < np.minimum(histories.end_day[who], world.days))
    share = rng.choice((0.25, 0.5, 1.0), len(who))
    credits_ = pd.DataFrame(
        {"who": who, "day": back_day, "amount": -np.round(amount * share, 2), "promised": NEVER,
         "delivered": NEVER}
    )[credited]  # fmt: skip
    rows = pd.concat([orders, credits_], ignore_index=True)
    return rows.sort_values(["day", "who", "amount"], kind="stable", ignore_index=True)


def transactions_table(world: World, rows: pd.DataFrame, cells: TextCells) -> pd.DataFrame:
    """The order table of `transaction_rows`."""
    return pd.DataFrame(
        {
            "transaction_id": cells.fresh_ids("T", len(rows)),
            "customer_id": cells.customers(rows["who"].to_numpy()),
            "occurred_on": cells.dates(world, rows["day"].to_numpy()),
            "amount": cells.money(rows["amount"]),
            "promised_on": cells.dates(world, rows["promised"].to_numpy()),
            "fulfilled_on": cells.dates(world, rows["delivered"].to_numpy()),
        }
    )


def surveys_and_contacts(
    world: World, people: People, streams: Streams, histories: Histories, cells: TextCells
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """CSAT after each encounter, NPS for a fourth of the customers each quarter; the contacts."""
    who, day, touch, employee, rating = (
        np.concatenate(part) for part in zip(*histories.log.encounters, strict=True)
    )
    names = np.append(np.array(world.touchpoints, dtype=object), "delivery")
    touchpoint = names[touch]
    rng = streams.of("contact")
    channel = rng.choice(("phone", "mail", "chat"), len(who), p=(0.5, 0.3, 0.2))
    csat = pd.DataFrame(
        {"who": who, "instrument": "csat", "invited": day, "answered": np.where(np.isnan(rating), NEVER, day),
         "score": rating, "touchpoint": touchpoint, "employee": employee,
         "comment": write_comments(streams, touchpoint, people.russian[who], rating)}
    )  # fmt: skip
    waves = []
    for wave, first in enumerate(quarter_openings(world)[:-1]):
        invited = first + streams.of("nps", wave).integers(0, 60, people.n)
        asked = np.arange(people.n) % NPS_ROTATION == wave % NPS_ROTATION
        active = (
            (people.start_day < invited)
            & (histories.end_day > invited)
            & (invited < world.days - 8)
        )
        last = (
            csat[csat["score"].notna() & (csat["invited"] < first)].groupby("who")["score"].last()
        )
        felt = (
            last.reindex(np.arange(people.n)).fillna(pd.Series(people.mean_satisfaction)).to_numpy()
        )
        noise = streams.of("nps_noise", wave).standard_normal(people.n)
        nps = np.clip(np.rint(2.1 * felt + 0.3 + 1.3 * noise), 0, 10)
        chance = world.nps_answer_share_base + world.nps_answer_share_per_point * nps
        answers = streams.of("nps", 1000 + wave).random(people.n) < chance
        delay = streams.of("nps", 2000 + wave).integers(0, 8, people.n)
        waves.append(
            pd.DataFrame(
                {"who": np.arange(people.n), "instrument": "nps", "invited": invited,
                 "answered": np.where(answers, invited + delay, NEVER),
                 "score": np.where(answers, nps, np.nan), "touchpoint": "", "employee": -1, "comment": ""}
            )[active & asked]
        )  # fmt: skip
    surveys = pd.concat([csat, *waves], ignore_index=True)
    surveys = surveys[surveys["invited"] >= 0].sort_values(
        ["invited", "who", "instrument"], kind="stable", ignore_index=True
    )
    table = pd.DataFrame(
        {
            "response_id": cells.fresh_ids("S", len(surveys)),
            "customer_id": cells.customers(surveys["who"].to_numpy()),
            "instrument": surveys["instrument"],
            "invited_on": cells.dates(world, surveys["invited"].to_numpy()),
            "answered_on": cells.dates(world, surveys["answered"].to_numpy()),
            "score": cells.whole(surveys["score"]),
            "touchpoint": surveys["touchpoint"],
            "employee_id": cells.ids("E", surveys["employee"].to_numpy()),
            "comment": surveys["comment"],
        }
    )
    return table, _contacts(world, streams, cells, who, day, touchpoint, employee, channel)


def _contacts(
    world: World,
    streams: Streams,
    cells: TextCells,
    who: np.ndarray,
    day: np.ndarray,
    touchpoint: np.ndarray,
    employee: np.ndarray,
    channel: np.ndarray,
) -> pd.DataFrame:
    rng = streams.of("contact", 1)
    minute = rng.integers(8 * 60, 18 * 60, len(who))
    slow = np.where(touchpoint == "returns desk", 9.0, 3.0)
    opened = (
        pd.Timestamp(world.first_day)
        + pd.to_timedelta(day, unit="D")
        + pd.to_timedelta(minute, unit="m")
    )
    replied = opened + pd.to_timedelta(np.rint(rng.exponential(slow * 20)).astype(int), unit="m")
    resolved = replied + pd.to_timedelta(np.rint(rng.exponential(slow * 90)).astype(int), unit="m")
    close = pd.Timestamp(world.last_day) + pd.Timedelta(days=1)
    rows = pd.DataFrame(
        {
            "customer_id": who,
            "opened_at": opened,
            "first_reply_at": replied,
            "resolved_at": resolved,
            "touchpoint": touchpoint,
            "channel": channel,
            "employee_id": employee,
            "cost": np.round(rng.gamma(5, 1.4, len(who)), 2),
        }
    )[touchpoint != "delivery"]
    rows = rows.sort_values(["opened_at", "customer_id"], kind="stable", ignore_index=True)
    for name in ("first_reply_at", "resolved_at"):
        rows[name] = cells.moments(rows[name].where(rows[name] < close))
    rows["opened_at"] = cells.moments(rows["opened_at"])
    rows["customer_id"] = cells.customers(rows["customer_id"].to_numpy())
    rows["employee_id"] = cells.ids("E", rows["employee_id"].to_numpy())
    rows.insert(0, "contact_id", cells.fresh_ids("K", len(rows)))
    return rows


def programmes_table(world: World, gifts: int) -> pd.DataFrame:
    """Programmes with their costs; gifts: how many customers were given one."""
    return pd.DataFrame(
        [
            ("live_chat", "Live chat", world.live_chat_waves[0],
             world.live_chat_upfront_cost, world.live_chat_monthly_cost, "area"),
            ("loyalty_gifts", "Loyalty gifts", world.gifts_on, round(gifts * world.gift_unit_cost, 2), 0,
             "selected"),
            ("compensation_budget", "Compensation budget", world.compensation_on, 0,
             world.compensation_monthly_cost, "random"),
            # There is capacity for some only, and the lot decides.
            ("call_backs", "Call-backs after low scores", world.call_backs_from, 0,
             world.call_backs_monthly_cost, "random"),
        ],
        columns=[
            "programme_id", "name", "starts_on", "upfront_cost", "monthly_cost", "assignment",
        ],
    )  # fmt: skip


def rollout_table(world: World, streams: Streams, cells: TextCells) -> pd.DataFrame:
    """The roll-out over areas."""
    return pd.DataFrame(
        {
            "programme_id": "live_chat",
            "area": area_names(world),
            "starts_on": cells.dates(world, draw_rollout(world, streams)),
        }
    )


def exposures_table(
    world: World, people: People, histories: Histories, cells: TextCells
) -> pd.DataFrame:
    """The assignments of customers to programmes."""

    def assigned(
        programme: str, pool: np.ndarray, treated: np.ndarray, day: np.ndarray
    ) -> pd.DataFrame:
        who = np.flatnonzero(pool)
        return pd.DataFrame(
            {
                "programme_id": programme,
                "customer_id": cells.customers(who),
                "assigned_on": cells.dates(world, day[who]),
                "arm": np.where(treated[who], "treated", "control"),
            }
        )

    everyone = np.ones(people.n, dtype=int)
    return pd.concat(
        [
            assigned("loyalty_gifts", histories.gift_pool, histories.gifts,
                     everyone * world.day_number(world.gifts_on)),
            assigned("compensation_budget", histories.compensation_pool, histories.compensated,
                     everyone * world.day_number(world.compensation_on)),
            assigned("call_backs", (histories.call_back_day < world.days), histories.called,
                     histories.call_back_day),
        ],
        ignore_index=True,
    )  # fmt: skip


def orientation_table(world: World, streams: Streams, cells: TextCells) -> pd.DataFrame:
    """One SOCO sheet per employee and year; even statements are selling-oriented."""
    orientation = streams.of("orientation").standard_normal(world.employees)
    sheets = []
    for year in range(3):
        noise = streams.of("orientation", year + 1).standard_normal((world.employees, 24))
        sign = np.where(np.arange(24) % 2 == 0, 1.0, -1.0)
        level = 6.2 * (sign > 0) + 4.2 * (sign < 0)
        items = np.clip(np.rint(level + 1.1 * sign * orientation[:, None] + 1.2 * noise), 1, 9)
        sheet = pd.DataFrame(items.astype(int), columns=[f"item_{i:02d}" for i in range(1, 25)])
        sheet.insert(0, "answered_on", f"{2023 + year}-11-15")
        sheet.insert(0, "employee_id", cells.ids("E", range(world.employees)))
        sheets.append(sheet)
    return pd.concat(sheets, ignore_index=True)


@dataclass(frozen=True, slots=True)
class Won:
    """New customers, and what winning them cost (euro), by month and channel."""

    customers: np.ndarray
    cost: np.ndarray

    def __add__(self, other: Won) -> Won:
        return Won(self.customers + other.customers, self.cost + other.cost)


def customers_won(world: World, people: People) -> Won:
    """Customers who started in each month covered, by channel."""
    months = pd.period_range(world.first_day, world.last_day, freq="M")
    starts = pd.Series(pd.Timestamp(world.first_day) + pd.to_timedelta(people.start_day, unit="D"))
    month_of_start = starts.dt.to_period("M")
    count = np.zeros((len(months), len(world.channels)), dtype=int)
    cost = np.zeros(count.shape)
    for row, month in enumerate(months):
        won = np.asarray(month_of_start == month)
        for code in range(len(world.channels)):
            mine = won & (people.channel == code)
            count[row, code] = mine.sum()
            cost[row, code] = people.acquisition_cost[mine].sum()
    return Won(count, cost)


def marketing_and_journey(
    world: World, won: Won, streams: Streams
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Advertising by month and channel, and the steps from visit to order."""
    months = pd.period_range(world.first_day, world.last_day, freq="M")
    rng = streams.of("marketing")
    marketing, journey = [], []
    steps = (("visit", 0.42), ("basket", 0.61), ("checkout", 0.55), ("payment", 0.93))
    spread = world.visits_per_month * 6 // 100
    for row, month in enumerate(months):
        for code, channel in enumerate(world.channels):
            mine = int(won.customers[row, code])
            cost = float(won.cost[row, code]) * 0.8
            leads = int(mine * 4 + rng.integers(0, 12))
            marketing.append((f"{month}-01", channel, round(cost, 2), leads, mine))
        entered = int(world.visits_per_month + rng.integers(-spread, spread))
        for step, share in steps:
            completed = int(rng.binomial(entered, share))
            journey.append((f"{month}-01", step, entered, completed))
            entered = completed
    return (
        pd.DataFrame(marketing, columns=["month", "channel", "cost", "leads", "new_customers"]),
        pd.DataFrame(journey, columns=["month", "step", "entered", "completed"]),
    )


def decisions_table() -> pd.DataFrame:
    """What the last review decided."""
    return pd.DataFrame(
        [
            ("programme-live-chat", "2026-04-14", "Keep the live chat; decide on the remaining areas",
             "Head of service", "2026-07-15", "open"),
            ("programme-loyalty-gifts", "2026-04-14", "No further gifts until a trial with chance deciding",
             "Head of marketing", "2026-06-30", "done"),
        ],
        columns=["finding_id", "decided_on", "action", "owner_role", "due_on", "status"],
    )  # fmt: skip


def revenue_by_quarter(world: World, rows: pd.DataFrame) -> np.ndarray:
    """Revenue of each quarter covered, in whole cents."""
    quarter = np.searchsorted(quarter_openings(world), rows["day"].to_numpy(), side="right") - 1
    cents = np.rint(rows["amount"].to_numpy() * 100)
    return np.bincount(quarter, cents, len(quarter_openings(world)) - 1).astype(np.int64)


def tables_of_customers(
    world: World, people: People, streams: Streams, histories: Histories, cells: TextCells
) -> tuple[dict[str, pd.DataFrame], np.ndarray]:
    """The tables with a row for something of a customer's, and revenue by quarter in cents."""
    rows = transaction_rows(world, streams, histories)
    surveys, contacts = surveys_and_contacts(world, people, streams, histories, cells)
    tables = {
        "customers": customers_table(world, people, histories, cells),
        "transactions": transactions_table(world, rows, cells),
        "surveys": surveys,
        "contacts": contacts,
        "exposures": exposures_table(world, people, histories, cells),
    }
    return tables, revenue_by_quarter(world, rows)


def tables_of_company(
    world: World, streams: Streams, won: Won, gifts: int, cells: TextCells
) -> dict[str, pd.DataFrame]:
    """The tables that the company keeps once; gifts: how many customers were given one."""
    marketing, journey = marketing_and_journey(world, won, streams)
    return {
        "programmes": programmes_table(world, gifts),
        "rollout": rollout_table(world, streams, cells),
        "orientation": orientation_table(world, streams, cells),
        "marketing": marketing,
        "journey": journey,
        "decisions": decisions_table(),
    }
