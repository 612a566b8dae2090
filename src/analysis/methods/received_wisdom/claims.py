"""The claims, as data: what is said, by whom, with which figure, and what would settle it.

Worded anew; figures are those printed in the articles named in `source`, most of which quote
others without saying how the figure was found.
"""

from __future__ import annotations

from dataclasses import dataclass

RETAILCRM = "RetailCRM 2025"
BAIN = "RetailCRM 2025, after Bain & Company"
COMMON = "Most introductions to customer-centricity"
COMMON_TWO = "Several introductions to customer-centricity"
MARKET_SURVEY = (
    "A survey of the market: opinions of buyers at large, which no company's records hold."
)


@dataclass(frozen=True, slots=True)
class Published:
    """A published figure, or range: `low` to `high` in `unit` ("share", "ratio")."""

    low: float
    high: float
    unit: str


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that everybody says.

    id: lower case with hyphens. said: the claim. source: who says so. published: its figure; None
    where it names none. measure: the figure of ours that is set beside it, in a few words.
    compared: the same in a sentence. settled_by: what would show it beyond doubt, a phrase. not_testable:
    why no company's records can show it, else "".
    """

    id: str
    said: str
    source: str
    published: Published | None
    measure: str
    compared: str
    settled_by: str
    not_testable: str = ""


PROFIT_LIFT = Published(0.25, 0.95, "share")
MONTHS_KEPT = (
    "Margin of active customers within the horizon, with the curve of staying raised: arithmetic, no "
    "evidence. The published figure is of profit, after fixed costs, and over whole lifetimes, so the "
    "comparison is of unlike things; the longer the horizon, the larger the gain."
)
RETENTION_TRIAL = "a trial of a retention offer, and fixed costs"

FIVE_POINTS = Claim(
    "retention-five-points",
    "Five points more retention lift profit",
    BAIN,
    PROFIT_LIFT,
    "added margin within the horizon",
    MONTHS_KEPT,
    RETENTION_TRIAL,
)
FIVE_PER_CENT = Claim(
    "retention-five-per-cent",
    "Five per cent more retention lift profit",
    BAIN,
    PROFIT_LIFT,
    "added margin within the horizon",
    MONTHS_KEPT,
    RETENTION_TRIAL,
)
REPEAT_BUYERS = Claim(
    "repeat-buyers-spend-more",
    "Repeat buyers spend more",
    RETAILCRM,
    Published(0.67, 0.67, "share"),
    "later half-year against the first, less one",
    "The same customers, months 31 to 36 against months 0 to 6; those still there, so survivors. "
    "Whatever changed for everybody meanwhile is in it.",
    "those who left as well, and what changed for all",
)
STAY = Claim(
    "satisfied-customers-stay",
    "Satisfied customers stay",
    COMMON,
    None,
    "hazard ratio per CSAT point",
    "Hazard of leaving per point of the last CSAT, same contract, segment and channel.",
    "an experiment that moves satisfaction",
)
SPEND = Claim(
    "satisfied-customers-spend",
    "Satisfied customers spend more",
    COMMON_TWO,
    None,
    "spend per CSAT point and period",
    "Spend per period and point of CSAT, each customer against itself.",
    "an experiment that moves satisfaction",
)
REFERRALS = Claim(
    "promoters-bring-customers",
    "Promoters bring customers",
    COMMON_TWO,
    None,
    "referrals, promoters over others",
    "New customers referred per year since the first NPS answer, promoters against all others.",
    "a referral offer drawn by lot among promoters and others",
)
PRICES = Claim(
    "loyal-customers-mind-price-less",
    "Loyal customers mind the price less",
    COMMON_TWO,
    None,
    "response to price, promoters less detractors",
    "How order size follows the price within customers, promoters less detractors.",
    "prices drawn by lot",
)
NEW_CUSTOMERS = Claim(
    "new-customers-are-less-loyal",
    "New customers are less loyal",
    COMMON_TWO,
    None,
    "rate of leaving, first year over later",
    "Rate of leaving in the first year as a customer against later years.",
    "nothing on record: customers settling, and the unsettled leaving first, look alike",
)
KEEPING = Claim(
    "keeping-costs-less",
    "Keeping a customer costs less than winning one",
    COMMON_TWO,
    None,
    "cost of winning over a year of keeping",
    "Cost of winning per customer won against the year's cost of service per customer kept. Both are "
    "averages: what one customer more would cost, won or kept, is another figure.",
    "the cost of one more customer kept, from a trial",
)
REPLIES = Claim(
    "fast-replies-satisfy",
    "Fast replies satisfy: half a minute, not a day",
    "An introduction to customer-centricity",
    None,
    "CSAT points per halving of the wait",
    "CSAT of the contact per halving of the time to the first reply, same touchpoint, channel and month.",
    "contacts put in the queue by lot",
)
EFFORT = Claim(
    "less-effort-satisfies",
    "Less effort satisfies",
    COMMON_TWO,
    None,
    "CSAT points per point of effort",
    "CSAT per point of effort (CES) of the same customer within a week.",
    "a process made easier for customers drawn by lot",
)
RECOVERED = Claim(
    "recovered-customers-spend-more",
    "Customers won back from dissatisfaction spend more",
    COMMON_TWO,
    None,
    "spend per half-year, won back less not",
    "Spend in the half-year after the next answer, good against not, among those whose first was low; "
    "same first score and same spend before.",
    "a recovery drawn by lot, since part of a low score is chance",
)
CALL_BACKS = Claim(
    "call-backs-make-customers-buy",
    "Dissatisfied customers who are called back buy more",
    "RetailCRM 2025, on Apple",
    None,
    "margin per quarter, called less not called",
    "Margin of those called back after a low score against those not.",
    "call-backs drawn by lot",
)
CHANNELS = Claim(
    "consistent-channels-build-trust",
    "The same quality in every channel builds trust",
    "RetailCRM 2025, on Epsom.pro",
    None,
    "NPS answer per point between channels",
    "Last NPS answer per point between the customer's best and worst channel, same mean CSAT.",
    "channels brought to one standard area by area",
)
CATEGORIES = Claim(
    "more-categories-hold",
    "Buying in more categories holds customers",
    COMMON_TWO,
    None,
    "hazard ratio per category",
    "Hazard of leaving after the first half-year per category bought in it, same number of orders.",
    "an offer of a further category drawn by lot",
)
PROGRAMMES = Claim(
    "service-investment-pays",
    "Service investment pays",
    "RetailCRM 2025, on an airline; the figure does not follow from its own numbers",
    Published(18.99, 18.99, "ratio"),
    "return per unit of cost",
    "Margin gained less cost, per unit of cost, as in the notebook on service investments.",
    "a control group drawn by lot",
)

OTHERS = (
    Claim(
        "automation-speeds-orders",
        "Automated processing of orders is several times as fast",
        "RetailCRM 2025, on BBQ-Sochi",
        Published(3.5, 3.5, "ratio"),
        "",
        "",
        "",
        "Needs handling times of orders before and after a change; no table holds them.",
    ),
    Claim(
        "service-matters-most",
        "Service matters more than price and product",
        RETAILCRM,
        Published(0.73, 0.73, "share"),
        "",
        "",
        "",
        MARKET_SURVEY,
    ),
    Claim(
        "companies-that-serve-well",
        "Share of companies that serve well",
        RETAILCRM,
        Published(0.49, 0.49, "share"),
        "",
        "",
        "",
        MARKET_SURVEY,
    ),
    Claim(
        "prefer-individual-approach",
        "Buyers prefer brands with an individual approach",
        "RetailCRM 2025, after Epsilon",
        Published(0.80, 0.80, "share"),
        "",
        "",
        "",
        MARKET_SURVEY,
    ),
    Claim(
        "trust-in-friends",
        "Buyers trust what friends recommend",
        "RetailCRM 2025, after Nielsen",
        Published(0.92, 0.92, "share"),
        "",
        "",
        "",
        MARKET_SURVEY,
    ),
)
