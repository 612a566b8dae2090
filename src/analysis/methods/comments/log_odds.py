"""Weighted log-odds with an informative Dirichlet prior (Monroe, Colaresi & Quinn 2008).

A customer, not a word, is the unit: each counts once for a term however often it is repeated, so
that the variance rests on independent people. The prior is what both groups write together, and
weighs as much as a tenth of all customers: it keeps a word that one group never used finite, and
pulls rare words towards no difference.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.methods.regression import Floats, Ints

PRIOR_WEIGHT = 0.1


@dataclass(frozen=True, slots=True)
class LogOdds:
    """By term: log of the ratio of odds, its standard error, and their ratio z."""

    value: Floats
    standard_error: Floats

    @property
    def z(self) -> Floats:
        return self.value / self.standard_error


def weighted_log_odds(
    first: Ints, second: Ints, first_customers: int, second_customers: int, prior: Floats
) -> LogOdds:
    """Odds of using each term in the first group over those in the second, logarithm.

    first, second: customers who used each term (terms). first_customers, second_customers: all
    who wrote. prior: the prior's pseudo-customers as (using each term, all), 2 × terms.
    Formula: equations 15–16 and 22 of the paper with the complement's variance kept, since a word
    can be used by a large part of a group.
    """
    using, everyone = prior
    log_odds, variance = [], []
    for count, customers in ((first, first_customers), (second, second_customers)):
        inside = count + using
        outside = customers + everyone - inside
        log_odds.append(np.log(inside) - np.log(outside))
        variance.append(1 / inside + 1 / outside)
    return LogOdds(log_odds[0] - log_odds[1], np.sqrt(variance[0] + variance[1]))


def pooled_prior(first: Ints, second: Ints, first_customers: int, second_customers: int) -> Floats:
    """The prior from both groups together, weighing PRIOR_WEIGHT of all customers (2 × terms).

    Half a customer is added to either side, so that a term which everybody used has odds.
    """
    customers = first_customers + second_customers
    weight = PRIOR_WEIGHT * customers
    share = (first + second + 0.5) / (customers + 1)
    return np.vstack([weight * share, np.full(len(first), weight)])
