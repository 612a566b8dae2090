"""Two periods side by side, and what was presented beside what is computed now."""
