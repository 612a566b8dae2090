"""The economics of customer-centricity: satisfaction, churn, spend and the return on service."""

from importlib.metadata import version

__version__ = version("clientele")
