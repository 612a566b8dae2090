"""The month that tenure is counted in."""

from __future__ import annotations

# A 48th of four years, leap day included.
DAYS_PER_MONTH = 30.4375
