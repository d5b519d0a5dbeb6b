"""A cassette for people: as a transcript, and as a picture."""

from bide_transports.cassette.shown.picture import picture
from bide_transports.cassette.shown.transcript import transcript

__all__ = ["picture", "transcript"]
