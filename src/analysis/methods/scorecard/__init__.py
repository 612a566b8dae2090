"""The scorecard: every figure of a period, its change, and what stands behind the change."""
