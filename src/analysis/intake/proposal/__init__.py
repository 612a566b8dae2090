"""A first `dataset.yml` from a look at the files: guesses with their reasons, for a person to confirm."""
