"""Cassettes without secrets: a redactor for what is recorded, and a search for what it may have missed.

    redactor = Redactor(Rules(secrets=(key,)))
    redactor.url("/v1/jobs/j1?sig=5ec2e7")     # "/v1/jobs/j1?sig=redacted-sig-1"
    scan(cassette_text, rules)                 # a list of places, empty when nothing was found

Pure code over plain values: no I/O, no clock, no dice.
"""

from bide_transports.cassette.redaction.redactor import Redactor
from bide_transports.cassette.redaction.rules import STANDARD, Rules
from bide_transports.cassette.redaction.scan import Finding, scan

__all__ = ["STANDARD", "Finding", "Redactor", "Rules", "scan"]
