"""From interval to verdict, by rules that are written down before any figure is seen.

With the published figure (or range) p and our interval:
not supported   our interval lies wholly on the other side of no difference; or it holds no
                difference, and excludes every difference that matters
cannot tell     it holds no difference, and a difference that matters as well
weaker          it lies on the claim's side, wholly below p
stronger        wholly above p
holds           it reaches p; without a published figure: it lies on the claim's side
What matters is declared beside each test. The interval decides, and not the power: a study that
would have seen a difference in four of five cases may still be the fifth (Hoenig & Heisey 2001).
What would have been seen so often is said beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from analysis.methods.estimate import NotEstimable
from analysis.methods.received_wisdom.claims import Published
from analysis.methods.received_wisdom.reading import Reading

Word = Literal["holds", "weaker", "stronger", "not supported", "cannot be tested here"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """word: the verdict. needs: what is missing, where it cannot be tested, as a sentence.

    detectable: the smallest figure that would have been told from none, where the verdict rests on
    that; else None.
    """

    word: Word
    needs: str = ""
    detectable: float | None = None


def judge(reading: Reading | NotEstimable, published: Published | None) -> Verdict:
    """The verdict on a claim."""
    if isinstance(reading, NotEstimable):
        return Verdict("cannot be tested here", reading.reason)
    low, high = reading.estimate.lower, reading.estimate.upper
    if low is None or high is None:
        return Verdict(
            "cannot be tested here", "Needs more customers: the figure bears no interval."
        )
    if reading.null is not None:
        ends, detectable = reading.interval(), reading.detectable
        assert ends is not None
        assert detectable is not None
        if ends[1] <= 0:
            return Verdict("not supported")
        if ends[0] <= 0:
            shown = reading.value_at(detectable)
            if ends[1] < reading.smallest:
                return Verdict("not supported", detectable=shown)
            return Verdict(
                "cannot be tested here",
                "Needs more customers: it may be nothing, or large enough to matter.",
                shown,
            )
    return Verdict("holds" if published is None else _beside(low, high, published))


def _beside(low: float, high: float, published: Published) -> Word:
    if high < published.low:
        return "weaker"
    if low > published.high:
        return "stronger"
    return "holds"
