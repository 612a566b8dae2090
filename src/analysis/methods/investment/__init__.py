"""What a service investment is worth, and what to do with it."""

from analysis.methods.investment.cash_flows import (
    BenefitFlow,
    Costs,
    discount_factors,
    discounted_cost,
    net_present_value,
    payback_months,
    return_on_investment,
)
from analysis.methods.investment.value import InvestmentValue, value_investment

__all__ = [
    "BenefitFlow",
    "Costs",
    "InvestmentValue",
    "discount_factors",
    "discounted_cost",
    "net_present_value",
    "payback_months",
    "return_on_investment",
    "value_investment",
]
