"""A cassette for people: as a transcript, and as a picture."""
