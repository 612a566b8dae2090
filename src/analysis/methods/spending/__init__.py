"""Spend on satisfaction: rows, ladder, checks, shape, worth."""
