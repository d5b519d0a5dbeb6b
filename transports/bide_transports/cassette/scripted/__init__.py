"""Cassettes made from a script: a service as a function of virtual time, and what may go wrong with it.

script = Script().submit(202).state(2.5, "PROCESSING").state(14.2, "COMPLETED")
fuzz(script)
"""

from bide_transports.cassette.scripted.fuzz import Failure, Fuzzed, fuzz
from bide_transports.cassette.scripted.script import Script
from bide_transports.cassette.scripted.staged import Stage

__all__ = ["Failure", "Fuzzed", "Script", "Stage", "fuzz"]
