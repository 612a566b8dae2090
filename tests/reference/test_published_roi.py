"""Published returns, reckoned again from their own numbers."""

from __future__ import annotations

import pytest

from analysis.methods.estimate import CannotEstimate
from analysis.methods.investment import net_present_value
from analysis.methods.investment.published import (
    AIRLINE,
    PublishedClaim,
    check_published_return,
)


def test_the_airline_s_return_does_not_follow_from_its_own_numbers() -> None:
    """Spends 3 M, a tenth of customers spend a tenth more, 55 M of revenue; published 18.99."""
    check = check_published_return(AIRLINE, gross_margin=0.38)
    assert not check.follows
    assert round(check.return_on_revenue, 2) == 17.33, "(55 − 3) / 3, on revenue"
    assert round(check.return_on_margin, 2) == 5.97, "at a margin of 38 %"
    assert check.revenue_implied == pytest.approx(5_500), "millions, behind 1 % more"
    assert round(check.break_even_margin, 3) == 0.055


def test_a_margin_of_five_and_a_half_per_cent_just_pays() -> None:
    assert check_published_return(AIRLINE, 3 / 55).return_on_margin == pytest.approx(0)
    assert check_published_return(AIRLINE, 0.05).return_on_margin < 0


@pytest.mark.parametrize("published", [17.33, 17.3, 5.97])
def test_a_return_that_follows_is_accepted(published: float) -> None:
    claim = PublishedClaim(3.0, 55.0, 0.1, 0.1, published)
    assert check_published_return(claim, 0.38).follows


def test_a_claim_without_cost_or_gain_cannot_be_reckoned() -> None:
    with pytest.raises(CannotEstimate, match="no cost"):
        check_published_return(PublishedClaim(0.0, 55.0, 0.1, 0.1, 18.99), 0.38)
    with pytest.raises(CannotEstimate, match="spends more"):
        check_published_return(PublishedClaim(3.0, 55.0, 0.0, 0.1, 18.99), 0.38)


def test_flows_at_year_ends_are_discounted_as_in_the_textbook() -> None:
    """0; 4,224,000; 8,719,488 at the ends of years 1–3 at 10 % are worth 10,041,989."""
    value = net_present_value([12, 24, 36], [0, 4_224_000, 8_719_488], 0.10)
    assert round(value) == 10_041_989
