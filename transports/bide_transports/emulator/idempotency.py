"""Which submissions were answered already: the same key gives the same reply, and no second run."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from bide.messages import Response
from bide_transports.emulator.replies import Refused

HELD = 24 * 3600.0  # seconds; the real lifetime is not documented (modelroute-api.md, 15)


@dataclass(frozen=True, slots=True)
class _Kept:
    at: float
    digest: bytes
    reply: Response


class Ledger:
    """Replies to submissions by idempotency key, each held for `HELD` seconds."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def recall(self, key: str | None, body: bytes, now: float) -> Response | None:
        """The reply given before under `key`, or None; raises `Refused` (422) when the body was another."""
        kept = self._kept.get(key) if key is not None else None
        if kept is None or now >= kept.at + HELD:
            return None
        if kept.digest != _digest(body):
            raise Refused(422, "IDEMPOTENCY_KEY_REUSED", "this idempotency key was used with another body")
        return kept.reply

    def keep(self, key: str | None, body: bytes, reply: Response, now: float) -> None:
        """Remembers the reply, if the submission had a key."""
        if key is not None:
            self._kept[key] = _Kept(now, _digest(body), reply)


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()
