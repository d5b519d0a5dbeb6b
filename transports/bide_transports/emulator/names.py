"""Ids in the documented form, always the same for the same facts."""

from __future__ import annotations

import hashlib
import uuid


def name(kind: str, *facts: object) -> str:
    """An id such as `exec_...`, made from the facts alone."""
    digest = hashlib.sha256(" ".join(map(str, facts)).encode()).digest()
    return f"{kind}_{uuid.UUID(bytes=digest[:16], version=4)}"
