"""Cassettes made from a script: a service as a function of virtual time, and what may go wrong with it."""
