"""The example company's parameters: every planted fact is one number here."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import numpy as np

DAYS_PER_WEEK = 7
WEEKS_PER_MONTH = 365.25 / 12 / DAYS_PER_WEEK
WEEKS_PER_QUARTER = 3 * WEEKS_PER_MONTH


@dataclass(frozen=True, slots=True)
class World:
    """What is planted. Money in euro, rates per the unit in the name."""

    first_day: dt.date = dt.date(2023, 7, 1)
    last_day: dt.date = dt.date(2026, 6, 30)
    segments: tuple[str, ...] = ("private", "family", "business", "public")
    segment_shares: tuple[float, ...] = (0.45, 0.30, 0.18, 0.07)
    segment_spend_per_quarter: tuple[float, ...] = (105.0, 125.0, 160.0, 140.0)
    segment_hazard_ratio: tuple[float, ...] = (1.0, 0.9, 0.8, 0.7)
    regions: tuple[str, ...] = ("North", "East", "South", "West")
    areas: int = 48
    employees: int = 40
    channels: tuple[str, ...] = ("search", "referral", "partner", "shop")
    share_started_before: float = 0.55
    gross_margin: float = 0.38

    # Satisfied customers would have spent more anyway: one trait moves both.
    trait_on_satisfaction: float = 0.55
    trait_on_spend_per_quarter: float = 28.0
    spend_per_csat_point_per_quarter: float = 12.0
    mean_order_value: float = 120.0
    order_value_spread: float = 0.45  # standard deviation of the logarithm

    mean_satisfaction: float = 3.55
    satisfaction_noise: float = 0.85
    encounters_per_week: float = 0.0205
    touchpoints: tuple[str, ...] = ("support", "billing", "returns desk", "installation")
    touchpoint_shares: tuple[float, ...] = (0.40, 0.25, 0.20, 0.15)
    touchpoint_on_satisfaction: tuple[float, ...] = (0.15, 0.05, -1.10, 0.20)
    late_share: float = 0.10
    late_on_satisfaction: float = -1.20
    orientation_on_satisfaction: float = 0.25

    # Answering CSAT depends on recorded columns only; answering NPS also on the score.
    csat_answer_share_by_segment: tuple[float, ...] = (0.55, 0.65, 0.50, 0.70)
    nps_answer_share_base: float = 0.22
    nps_answer_share_per_point: float = 0.035

    csat_hazard_ratio: float = 0.75
    monthly_contract_share: float = 0.55
    # The monthly contract is risky early and settles; the yearly one is even.
    monthly_contract_hazard_early_per_month: float = 0.040
    monthly_contract_hazard_late_per_month: float = 0.011
    monthly_contract_settles_months: float = 9.0
    annual_contract_hazard_per_month: float = 0.010

    live_chat_waves: tuple[dt.date, ...] = (
        dt.date(2024, 10, 1), dt.date(2025, 4, 1), dt.date(2025, 10, 1),
    )  # fmt: skip
    live_chat_areas_per_wave: int = 12
    live_chat_spend_per_quarter: float = 16.0
    live_chat_upfront_cost: float = 14000.0
    live_chat_monthly_cost: float = 700.0

    gifts_on: dt.date = dt.date(2025, 1, 1)
    gifts_spend_per_quarter: float = 3.0
    gift_unit_cost: float = 38.0

    compensation_on: dt.date = dt.date(2025, 7, 1)
    compensation_customers_share: float = 0.8
    compensation_spend_per_quarter: float = 9.0
    compensation_monthly_cost: float = 450.0

    call_backs_from: dt.date = dt.date(2024, 7, 1)
    call_backs_share: float = 0.5
    call_backs_spend_per_quarter: float = 0.0
    call_backs_monthly_cost: float = 250.0

    visits_per_month: int = 15000

    @property
    def days(self) -> int:
        return (self.last_day - self.first_day).days + 1

    @property
    def weeks(self) -> int:
        return self.days // DAYS_PER_WEEK + 1

    def day_number(self, day: dt.date) -> int:
        """Days since the first day covered."""
        return (day - self.first_day).days


# One stream of random numbers for each purpose, so that switching a programme off, or shifting
# a score, changes nothing but its consequences.
PURPOSES = (
    "people", "encounter", "touchpoint", "noise", "answer", "order", "amount", "churn", "late",
    "gift", "compensation", "call_back", "nps", "rollout", "writing", "contact", "refund",
    "orientation", "marketing", "employee", "day", "nps_noise", "delivery",
)  # fmt: skip


# What is drawn once for the company, whichever block of customers is looked at.
OF_THE_COMPANY = ("rollout", "orientation", "marketing")


@dataclass(frozen=True, slots=True)
class Streams:
    """Independent random streams by purpose and step, all from one seed.

    block: number of the block of customers. The generator's key is seed and block together, so
    blocks are independent of each other; what belongs to the company is the same in all.
    """

    seed: int
    block: int = 0
    _numbers: dict[str, int] = field(
        default_factory=lambda: {name: i for i, name in enumerate(PURPOSES)}
    )

    def of(self, purpose: str, step: int = 0) -> np.random.Generator:
        """The stream of a purpose at a step; asking twice gives the same numbers."""
        block = 0 if purpose in OF_THE_COMPANY else self.block
        return np.random.Generator(
            np.random.Philox(
                key=self.seed + (block << 64), counter=[0, 0, self._numbers[purpose], step]
            )
        )
