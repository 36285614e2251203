"""Suites that test system messages, and the verdicts on them."""
