"""Recordings of other tools: read, sorted into jobs, and written."""
