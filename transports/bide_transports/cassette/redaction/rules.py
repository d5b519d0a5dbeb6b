"""What a redactor is told: known secrets, headers to keep, names that are secret here and names that are not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Of: TypeAlias = Literal["request", "response"]

LINKS = frozenset(("location", "operation-location", "content-location", "azure-asyncoperation"))
_KEPT = {
    "request": frozenset(
        ("content-type", "accept", "prefer", "if-none-match", "idempotency-key", "range", "if-range"),
    ),
    "response": LINKS
    | frozenset(("content-type", "retry-after", "retry-after-ms", "x-ms-retry-after-ms", "date", "etag"))
    | frozenset(("last-modified", "accept-ranges", "content-range", "link", "x-request-id")),
}
_KEPT_STARTS = {"request": (), "response": ("ratelimit", "x-ratelimit-")}
#: Credentials, and the length of a body that redaction changes.
_NEVER = frozenset(
    ("authorization", "proxy-authorization", "cookie", "cookie2", "set-cookie", "set-cookie2", "content-length")
)


@dataclass(frozen=True, slots=True)
class Rules:
    """What to redact beyond the standard, and what not.

    `secrets` are values to replace wherever they appear, in any encoding; of fewer than six characters, only where
    one is a whole field. `keep` names further headers to store; with `capture="all"` every header is stored but
    credentials, cookies and the length. `secret_names` are names of JSON, form, multipart and query members that
    hold secrets in this API, `plain_names` those that look so and hold none. `allow` are values that `scan` lets
    pass, such as long random ids. Names compare without case, `-` and `_`.
    """

    secrets: tuple[str, ...] = field(default=(), repr=False)
    keep: tuple[str, ...] = ()
    secret_names: tuple[str, ...] = ()
    plain_names: tuple[str, ...] = ()
    capture: Literal["allow", "all"] = "allow"
    allow: tuple[str, ...] = ()

    def keeps(self, header: str, of: Of) -> bool:
        """Whether a header, in lower case, is stored."""
        if header in _NEVER:
            return False
        asked = self.capture == "all" or any(name.lower() == header for name in self.keep)
        return asked or header in _KEPT[of] or header.startswith(_KEPT_STARTS[of])


STANDARD = Rules()
