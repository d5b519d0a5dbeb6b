"""Cassettes made from others: decided anew, or with something else happening in them."""
