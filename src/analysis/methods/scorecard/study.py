"""The whole scorecard of a period: figures, movements, and what stands behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analysis.disclosure import Disclosure
from analysis.errors import SettingsError
from analysis.methods.estimate import Metric, NotEstimable, attempt
from analysis.methods.intervals import holm
from analysis.methods.revenue_split import (
    Reconciliation,
    RevenueFactors,
    RevenueSplit,
    reconcile,
    revenue_factors,
    rounded_factors,
    split_revenue_change,
)
from analysis.methods.scorecard.answers import AnswerCount, Answers, count_answers, recommend_vote
from analysis.methods.scorecard.customer_value import MarginConcentration, margin_concentration
from analysis.methods.scorecard.customers import CustomerFlow, count_flow
from analysis.methods.scorecard.ledger import Ledger, make_ledger
from analysis.methods.scorecard.level import Level, ReportPeriod, change_p_value
from analysis.methods.scorecard.maturity import STAGES, Maturity, read_maturity
from analysis.methods.scorecard.measures import TREND_PERIODS, Measure, Tables, measures
from analysis.methods.scorecard.mix import MixSplit, published_mix, split_by_mix
from analysis.methods.scorecard.nonresponse import (
    WeightedScore,
    find_candidates,
    published_score,
    weigh_score,
)
from analysis.methods.scorecard.rounding import publishable
from analysis.methods.scorecard.segments import SegmentReading, flag_segments
from analysis.methods.scorecard.taker import LastMeasured, Taker, money_step

if TYPE_CHECKING:
    import pandas as pd

KEY_FIGURES = (
    "net-promoter-score", "csat-top-two", "retention", "revenue", "average-order-value",
)  # fmt: skip
# What stands in, in this order, for a usual key figure that the exports never bear.
STAND_INS = (
    "customer-satisfaction-index", "customer-effort-score", "gross-margin", "on-time-delivery",
    "first-reply-hours", "orders-per-customer",
)  # fmt: skip
MIX_COLUMN = "segment"
SEGMENT_COLUMNS = ("segment", "region")


@dataclass(frozen=True, slots=True)
class Movement:
    """Whether a key figure moved. p_adjusted: for all key figures looked at (Holm)."""

    id: str
    p_value: float
    p_adjusted: float


@dataclass(frozen=True, slots=True)
class Scorecard:
    """All that notebook 01 shows. metrics: key figures first, in order, then the others.

    families, definitions: by figure. competitors: their published levels, where declared.
    split_…: exact parts of revenue's change, from counts as they may be published.
    reconciliations: revenue of this period (or why there is none), then those before it.
    margin_reconciliation: margin, where totals of it are declared. flow: customers, adding up.
    mixes: key figures' change on the period before. weighted: raw and weighted scores.
    """

    period: str
    previous: str
    year_before: str
    metrics: tuple[Metric, ...]
    families: Mapping[str, str]
    definitions: Mapping[str, str]
    competitors: Mapping[str, float]
    key_figures: tuple[str, ...]
    movements: tuple[Movement, ...]
    last_measured: tuple[LastMeasured, ...]
    answers: tuple[AnswerCount | NotEstimable, ...]
    flow: CustomerFlow | NotEstimable
    split_on_previous: RevenueSplit | NotEstimable
    split_on_year: RevenueSplit | NotEstimable
    reconciliation: Reconciliation | NotEstimable
    reconciliations: tuple[Reconciliation, ...]
    margin_reconciliation: Reconciliation | NotEstimable | None
    weighted: tuple[WeightedScore | NotEstimable, ...]
    mixes: tuple[tuple[str, MixSplit], ...]
    mix_reason: NotEstimable | None
    segments: SegmentReading
    concentration: MarginConcentration | NotEstimable
    maturity: Maturity

    def metric(self, id: str) -> Metric:
        """The metric with this id."""
        return next(metric for metric in self.metrics if metric.id == id)


def _check_ids(found: Iterable[Measure], settings: Any) -> None:
    """Raise SettingsError for a declared figure that does not exist, or an unknown stage."""
    known = {measure.id for measure in found}
    declared: dict[str, Iterable[str]] = {
        "key_figures": settings.key_figures,
        "targets": settings.targets,
        "competitors": settings.competitors,
        **{f"maturity.{stage}": asked for stage, asked in settings.maturity.items()},
    }
    for place, ids in declared.items():
        unknown = [id for id in ids if id not in known]
        if unknown:
            raise SettingsError(
                f"{place}: there is no figure {', '.join(map(repr, unknown))}; "
                f"valid are {', '.join(sorted(known))}"
            )
    stages = [stage for stage in settings.maturity if stage not in STAGES]
    if stages:
        raise SettingsError(
            f"maturity: there is no stage {', '.join(map(repr, stages))}; "
            f"valid are {', '.join(STAGES)}"
        )


def _choose_key(
    found: tuple[Measure, ...], declared: tuple[str, ...], taker: Taker, period: ReportPeriod
) -> tuple[str, ...]:
    """The declared key figures; else the usual five, those never measured replaced."""
    if declared:
        return tuple(dict.fromkeys(declared))
    by_id = {measure.id: measure for measure in found}

    def borne(id: str) -> bool:
        past = (period.shifted(-back) for back in range(TREND_PERIODS))
        return any(isinstance(taker.take(by_id[id], when), Level) for when in past)

    bears = [id for id in KEY_FIGURES if borne(id)]
    if len(bears) < len(KEY_FIGURES):
        bears += [id for id in STAND_INS if borne(id)][: len(KEY_FIGURES) - len(bears)]
    # Nothing at all: the usual ones, each with the reason why it is missing.
    return tuple(bears) or KEY_FIGURES


def _movements(
    taker: Taker, key_measures: list[Measure], period: ReportPeriod
) -> tuple[Movement, ...]:
    tested: list[tuple[str, float]] = []
    for measure in key_measures:
        levels = taker.take(measure, period), taker.take(measure, period.previous)
        p_value = attempt(change_p_value, *levels)
        if not isinstance(p_value, NotEstimable):
            tested.append((measure.id, p_value))
    adjusted = holm([p for _, p in tested])
    return tuple(Movement(id, p, float(q)) for (id, p), q in zip(tested, adjusted, strict=True))


def _groups(customers: pd.DataFrame, column: str) -> dict[str, str]:
    if column not in customers.columns:
        return {}
    known = customers[customers[column].notna()]
    return dict(zip(known["customer_id"].astype(str), known[column].astype(str), strict=True))


def _mixes(
    taker: Taker,
    chosen: list[Measure],
    group_of: Mapping[str, str],
    period: ReportPeriod,
    disclosure: Disclosure,
) -> tuple[tuple[tuple[str, MixSplit], ...], NotEstimable | None]:
    if not group_of:
        return (), NotEstimable("The customers carry no segment, so the mix cannot be looked at.")
    found, reason = [], None
    for measure in chosen:
        levels = taker.take(measure, period), taker.take(measure, period.previous)
        split = attempt(split_by_mix, *levels, group_of)
        if isinstance(split, MixSplit):
            assert isinstance(levels[0], Level)
            size = levels[0].estimate.value
            found.append((measure.id, published_mix(split, size, disclosure)))
        elif "segment" in split.reason:
            reason = split
    nothing = NotEstimable("No key figure has two levels that could be split by segment.")
    return tuple(found), None if found else reason or nothing


def _weighted(
    tables: Tables, answers: Answers, money: Ledger, taker: Taker, found: Mapping[str, Measure], settings: Any,
    disclosure: Disclosure, period: ReportPeriod,
) -> tuple[WeightedScore | NotEstimable, ...]:  # fmt: skip
    """NPS and CSAT among those invited, raw and weighted."""
    csat = settings.scales.get("csat", (1.0, 5.0))
    asked = (
        ("net-promoter-score", "nps", lambda x: 100 * recommend_vote(x), "points", (-100.0, 100.0)),
        ("csat-top-two", "csat", lambda x: (x >= csat[1] - 1).astype(float), "share", (0.0, 1.0)),
    )
    scores: list[WeightedScore | NotEstimable] = []
    for id, instrument, value_of, unit, scale in asked:
        level = taker.take(found[id], period)
        before = taker.take(found[id], period.previous)
        threshold, which = settings.targets.get(id), "target"
        if threshold is None and isinstance(before, Level):
            threshold, which = publishable(before.estimate, disclosure).value, "before"
        candidates: Any = level
        if isinstance(level, Level):
            candidates = attempt(
                find_candidates, answers, instrument, tables.customers, money.rows,
                tables.contacts, period,
            )  # fmt: skip
        name = found[id].name
        score = (
            candidates
            if isinstance(candidates, NotEstimable)
            else attempt(weigh_score, id, name, candidates, value_of, unit, scale, threshold, which)
        )
        scores.append(published_score(score, disclosure))
    return tuple(scores)


def study_scorecard(
    period: ReportPeriod,
    tables: Tables,
    settings: Any,
    disclosure: Disclosure,
    segment: str = "",
) -> Scorecard:
    """All that notebook 01 shows, from the tables as of the period's end.

    settings: currency, scales, targets, competitors, key_figures, maturity, importance,
    control_totals, covers, churn, economics of the data set. segment: not empty if the tables are
    of a part of the customers only; control totals are of all, so none is compared then. Raises
    SettingsError for a declared figure that does not exist.
    """
    covered_from = settings.covers.first if settings.covers else None
    taker = Taker(covered_from, disclosure)
    money = Ledger(
        make_ledger(tables.transactions, tables.periods, settings.economics.gross_margin)
    )
    asked = Answers(tables.surveys)
    found = measures(tables, asked, money, settings, period, part=bool(segment))
    _check_ids(found, settings)
    by_id = {measure.id: measure for measure in found}
    keys = _choose_key(found, tuple(settings.key_figures), taker, period)
    key_measures = [by_id[key] for key in keys]
    chosen = key_measures + [m for m in found if m.id not in keys]
    metrics = tuple(taker.metric(m, period, settings.targets.get(m.id)) for m in chosen)

    def factors(which: ReportPeriod) -> RevenueFactors | NotEstimable:
        level = taker.take(by_id["revenue"], which)
        if isinstance(level, NotEstimable):
            return level
        exact = attempt(revenue_factors, money.within(which))
        return attempt(rounded_factors, exact, disclosure, money_step(level))

    def checked(which: ReportPeriod, what: str = "revenue") -> Reconciliation | NotEstimable:
        if segment:
            return NotEstimable("Control totals are of all customers; none is compared here.")
        level = taker.take(by_id[what if what == "revenue" else "gross-margin"], which)
        if isinstance(level, NotEstimable):
            return level
        column = "amount" if what == "revenue" else "margin"
        declared = settings.control_totals.get(what, {})
        found = attempt(reconcile, which.label, money.within(which)[column], declared, what)
        if isinstance(found, NotEstimable) or not disclosure.enabled:
            return found
        return found.in_steps_of(money_step(level))

    past = [checked(period.shifted(-back)) for back in range(1, TREND_PERIODS)]
    mixes, mix_reason = _mixes(
        taker, key_measures, _groups(tables.customers, MIX_COLUMN), period, disclosure
    )
    groups = {name: _groups(tables.customers, name) for name in SEGMENT_COLUMNS}
    levels = [(m.id, m.name, taker.take(m, period)) for m in key_measures]
    earlier = [taker.last_measured(measure, period) for measure in key_measures]
    return Scorecard(
        period=period.label,
        previous=period.previous.label,
        year_before=period.year_before.label,
        metrics=metrics,
        families={m.id: m.family for m in found},
        definitions={m.id: m.definition for m in found},
        competitors=dict(settings.competitors),
        key_figures=keys,
        movements=_movements(taker, key_measures, period),
        last_measured=tuple(last for last in earlier if last),
        answers=tuple(attempt(count_answers, asked, i, period) for i in ("csat", "nps")),
        flow=attempt(count_flow, tables.lifetimes, tables.customers, settings.churn.rule, period),
        split_on_previous=attempt(split_revenue_change, factors(period.previous), factors(period)),
        split_on_year=attempt(split_revenue_change, factors(period.year_before), factors(period)),
        reconciliation=checked(period),
        reconciliations=tuple(r for r in past if isinstance(r, Reconciliation)),
        margin_reconciliation=(
            checked(period, "margin") if "margin" in settings.control_totals else None
        ),
        weighted=_weighted(tables, asked, money, taker, by_id, settings, disclosure, period),
        mixes=mixes,
        mix_reason=mix_reason,
        segments=flag_segments(
            [(id, name, level) for id, name, level in levels if isinstance(level, Level)],
            {name: group for name, group in groups.items() if group},
            disclosure,
        ),
        concentration=attempt(
            margin_concentration, money, tables.contacts, covered_from, period, disclosure
        ),
        maturity=read_maturity({m.id: m for m in metrics}, settings.maturity),
    )
