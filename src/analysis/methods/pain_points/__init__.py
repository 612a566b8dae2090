"""Where it hurts: touchpoints, deliveries and the purchase path, and what it may be worth to mend."""
