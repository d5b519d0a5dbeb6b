"""Cassettes: jobs recorded with their inputs *and* their decisions, verified and replayed without a network."""
