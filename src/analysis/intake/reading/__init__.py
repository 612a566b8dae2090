"""Raw files and databases into tables of the engine, by declaration and never by guess."""

from __future__ import annotations

from analysis.intake.reading.naming import quoted
from analysis.intake.reading.refusals import MOST_EXAMPLES
from analysis.intake.reading.sources import load_source

__all__ = ["MOST_EXAMPLES", "load_source", "quoted"]
