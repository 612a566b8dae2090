"""What customers write, and the exports of the example company as CSV files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from analysis.simulation.journeys import Histories, quarter_openings
from analysis.simulation.people import People
from analysis.simulation.programmes import NEVER
from analysis.simulation.world import Streams, World

# Everybody is asked once a year, another fourth each quarter.
NPS_ROTATION = 4

COMMENTS: dict[tuple[str, bool], tuple[tuple[str, ...], tuple[str, ...]]] = {
    # (touchpoint, russian): (unhappy, happy)
    ("returns desk", False): (
        ("Refund took weeks", "Returns desk sent me away twice", "Parcel returned, no refund yet"),
        ("Return was easy this time", "Refund came quickly"),
    ),
    ("returns desk", True): (
        ("Возврат денег тянется неделями", "Пункт возврата отправил меня обратно", "Вернул товар, денег нет"),
        ("Возврат прошёл быстро", "Деньги вернули сразу"),
    ),
    ("delivery", False): (
        ("Delivery came late again", "Waited all day, late delivery"),
        ("Delivered on the day promised", "Friendly driver"),
    ),
    ("delivery", True): (
        ("Доставка опять опоздала", "Ждали весь день, доставка с опозданием"),
        ("Привезли вовремя", "Вежливый курьер"),
    ),
    ("", False): (
        ("Had to explain everything twice", "Nobody called me back", "Bill is hard to understand"),
        ("Quick and friendly help", "Problem solved at once", "Clear answer, thank you"),
    ),
    ("", True): (
        ("Пришлось объяснять дважды", "Никто не перезвонил", "Счёт непонятный"),
        ("Быстро и вежливо помогли", "Вопрос решили сразу", "Понятный ответ, спасибо"),
    ),
}  # fmt: skip


def _dates(world: World, days: np.ndarray) -> pd.Series:
    """Day numbers as ISO dates; NEVER and NaN as empty."""
    known = np.asarray(days) < NEVER
    # Whole days: pandas multiplies floats with gaps in memory it has not filled.
    stamps = np.datetime64(world.first_day, "D") + np.where(known, days, 0).astype(int)
    return pd.Series(pd.to_datetime(np.where(known, stamps, np.datetime64("NaT")))).dt.strftime(
        "%Y-%m-%d"
    )


def _ids(prefix: str, numbers: np.ndarray | range, width: int) -> list[str]:
    return [f"{prefix}{number:0{width}d}" for number in numbers]


def customers_table(world: World, people: People, histories: Histories) -> pd.DataFrame:
    """The customer table, those who came before the opening observed from it on."""
    days_seen = np.where(people.start_day < 0, 0, NEVER)
    reasons = np.where(people.monthly_contract, "competitor", "not renewed")
    left = histories.end_day < NEVER
    return pd.DataFrame(
        {
            "customer_id": _ids("C", range(people.n), 4),
            "started_on": _dates(world, people.start_day),
            "ended_on": _dates(world, histories.end_day),
            "end_reason": np.where(left, reasons, ""),
            "observed_from": _dates(world, days_seen),
            "segment": np.take(world.segments, people.segment),
            "region": np.take(world.regions, people.area % 4),
            "area": [f"A{area + 1:02d}" for area in people.area],
            "acquisition_channel": np.take(world.channels, people.channel),
            "acquisition_cost": people.acquisition_cost,
            "referred_by": [f"C{r:04d}" if r >= 0 else "" for r in people.referred_by],
            "contract": np.where(people.monthly_contract, "monthly", "yearly"),
            "age": people.age,
        }
    )


def transactions_table(world: World, streams: Streams, histories: Histories) -> pd.DataFrame:
    """Orders with promised and actual delivery, and credit notes on their own dates."""
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
    rows = rows.sort_values(["day", "who", "amount"], kind="stable", ignore_index=True)
    return pd.DataFrame(
        {
            "transaction_id": _ids("T", range(len(rows)), 5),
            "customer_id": _ids("C", rows["who"].to_numpy(), 4),
            "occurred_on": _dates(world, rows["day"].to_numpy()),
            "amount": rows["amount"].map("{:.2f}".format),
            "promised_on": _dates(world, rows["promised"].to_numpy()),
            "fulfilled_on": _dates(world, rows["delivered"].to_numpy()),
        }
    )


def _comments(
    streams: Streams, touchpoint: np.ndarray, russian: np.ndarray, rating: np.ndarray
) -> list[str]:
    rng = streams.of("writing", 1)
    writes, pick = rng.random(len(rating)) < 0.18, rng.integers(0, 1000, len(rating))
    comments = []
    for place, is_russian, score, speaks, number in zip(
        touchpoint, russian, rating, writes, pick, strict=True
    ):
        if not speaks or not (score <= 2 or score >= 4):
            comments.append("")
            continue
        place = place if (place, bool(is_russian)) in COMMENTS else ""
        unhappy, happy = COMMENTS[(place, bool(is_russian))]
        choice = unhappy if score <= 2 else happy
        comments.append(choice[number % len(choice)])
    return comments


def surveys_and_contacts(
    world: World, people: People, streams: Streams, histories: Histories
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
         "score": rating, "touchpoint": touchpoint, "employee_id": _ids("E", employee, 2),
         "comment": _comments(streams, touchpoint, people.russian[who], rating)}
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
                 "score": np.where(answers, nps, np.nan), "touchpoint": "", "employee_id": "", "comment": ""}
            )[active & asked]
        )  # fmt: skip
    surveys = pd.concat([csat, *waves], ignore_index=True)
    surveys = surveys[surveys["invited"] >= 0].sort_values(
        ["invited", "who", "instrument"], kind="stable", ignore_index=True
    )
    table = pd.DataFrame(
        {
            "response_id": _ids("S", range(len(surveys)), 5),
            "customer_id": _ids("C", surveys["who"].to_numpy(), 4),
            "instrument": surveys["instrument"],
            "invited_on": _dates(world, surveys["invited"].to_numpy()),
            "answered_on": _dates(world, surveys["answered"].to_numpy()),
            "score": surveys["score"].map(lambda x: "" if np.isnan(x) else f"{x:.0f}"),
            "touchpoint": surveys["touchpoint"],
            "employee_id": surveys["employee_id"],
            "comment": surveys["comment"],
        }
    )
    return table, _contacts(world, streams, who, day, touchpoint, employee, channel)


def _contacts(
    world: World,
    streams: Streams,
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
            "customer_id": _ids("C", who, 4),
            "opened_at": opened,
            "first_reply_at": replied,
            "resolved_at": resolved,
            "touchpoint": touchpoint,
            "channel": channel,
            "employee_id": _ids("E", employee, 2),
            "cost": np.round(rng.gamma(5, 1.4, len(who)), 2),
        }
    )[touchpoint != "delivery"]
    rows = rows.sort_values(["opened_at", "customer_id"], kind="stable", ignore_index=True)
    for name in ("first_reply_at", "resolved_at"):
        rows[name] = rows[name].where(rows[name] < close).dt.strftime("%Y-%m-%d %H:%M")
    rows["opened_at"] = rows["opened_at"].dt.strftime("%Y-%m-%d %H:%M")
    rows.insert(0, "contact_id", _ids("K", range(len(rows)), 5))
    return rows


def programme_tables(
    world: World, people: People, histories: Histories
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Programmes with their costs, the roll-out over areas, the assignments of customers."""
    gifts = int(histories.gifts.sum())
    programmes = pd.DataFrame(
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
    rollout = pd.DataFrame(
        {
            "programme_id": "live_chat",
            "area": [f"A{area + 1:02d}" for area in range(world.areas)],
            "starts_on": _dates(world, histories.rollout_day),
        }
    )

    def assigned(
        programme: str, pool: np.ndarray, treated: np.ndarray, day: np.ndarray
    ) -> pd.DataFrame:
        who = np.flatnonzero(pool)
        return pd.DataFrame(
            {
                "programme_id": programme,
                "customer_id": _ids("C", who, 4),
                "assigned_on": _dates(world, day[who]),
                "arm": np.where(treated[who], "treated", "control"),
            }
        )

    everyone = np.ones(people.n, dtype=int)
    exposures = pd.concat(
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
    return programmes, rollout, exposures


def orientation_table(world: World, streams: Streams) -> pd.DataFrame:
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
        sheet.insert(0, "employee_id", _ids("E", range(world.employees), 2))
        sheets.append(sheet)
    return pd.concat(sheets, ignore_index=True)


def marketing_and_journey(
    world: World, people: People, streams: Streams
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Advertising by month and channel, and the steps from visit to order."""
    months = pd.period_range(world.first_day, world.last_day, freq="M")
    starts = pd.Series(pd.Timestamp(world.first_day) + pd.to_timedelta(people.start_day, unit="D"))
    month_of_start = starts.dt.to_period("M")
    rng = streams.of("marketing")
    marketing, journey = [], []
    steps = (("visit", 0.42), ("basket", 0.61), ("checkout", 0.55), ("payment", 0.93))
    for month in months:
        won = month_of_start == month
        for code, channel in enumerate(world.channels):
            mine = np.asarray(won & (people.channel == code))
            cost = float(people.acquisition_cost[mine].sum()) * 0.8
            leads = int(mine.sum() * 4 + rng.integers(0, 12))
            marketing.append((f"{month}-01", channel, round(cost, 2), leads, int(mine.sum())))
        entered = int(15000 + rng.integers(-900, 900))
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


def write_tables(
    folder: Path, world: World, people: People, streams: Streams, histories: Histories
) -> dict[str, pd.DataFrame]:
    """Write all tables as CSV into a folder; give them back by name."""
    surveys, contacts = surveys_and_contacts(world, people, streams, histories)
    programmes, rollout, exposures = programme_tables(world, people, histories)
    marketing, journey = marketing_and_journey(world, people, streams)
    tables = {
        "customers": customers_table(world, people, histories),
        "transactions": transactions_table(world, streams, histories),
        "surveys": surveys,
        "contacts": contacts,
        "programmes": programmes,
        "rollout": rollout,
        "exposures": exposures,
        "orientation": orientation_table(world, streams),
        "marketing": marketing,
        "journey": journey,
        "decisions": decisions_table(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    return tables
