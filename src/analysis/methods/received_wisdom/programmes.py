"""Did service investments pay: the return of each programme, as its study has it."""

from __future__ import annotations

from analysis.methods.estimate import CannotEstimate, NotEstimable
from analysis.methods.programme_effect.results import ProgrammeStudy
from analysis.methods.received_wisdom.reading import Reading
from analysis.methods.received_wisdom.recovery import as_sentence

# A return that doubles the money is one nobody should miss.
SMALLEST_RETURN = 1.0


def programme_return(study: ProgrammeStudy) -> Reading:
    """(Benefit − cost) / cost up to now; above zero it has paid. Raises CannotEstimate."""
    if isinstance(study.value, NotEstimable):
        raise CannotEstimate(as_sentence(study.value.reason))
    earned = study.value.return_on_investment
    if isinstance(earned, NotEstimable):
        raise CannotEstimate(as_sentence(earned.reason))
    asides = {"net present value": study.value.net_present_value}
    return Reading(earned, study.label, 0.0, 1, SMALLEST_RETURN, asides=asides)
