"""Recordings of other tools: read, sorted into jobs, and written."""

from bide_transports.cassette.foreign.har import read_har
from bide_transports.cassette.foreign.har_writing import write_har
from bide_transports.cassette.foreign.vcr import read_vcr, write_vcr

__all__ = ["read_har", "read_vcr", "write_har", "write_vcr"]
