"""What the literature on customers repeats, set beside this company's own data."""
