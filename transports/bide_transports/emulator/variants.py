"""The documentation disagrees with itself: every way the service may turn out to speak, as a switch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from bide_transports.emulator.execution import Status


@dataclass(frozen=True, slots=True)
class Variants:
    """Which side of each inconsistency this service takes (modelroute-api.md, 16); times are in seconds.

    The defaults are what most pages show.
    """

    create_status: int = 202  # row 4
    # Row 5: a run that is over when the create reply goes out, and whether that reply holds the result.
    create_reply: Literal["accepted", "finished", "finished with result"] = "accepted"
    created_at: bool = True  # row 22
    visible_after: float = 0.0  # reading a run answers 404 for this long after its submission

    lower_case: bool = False  # status words in lower case
    unknown_status: str | None = None  # the word said instead of PROCESSING (row 26)
    extra_fields: bool = False  # fields that no page mentions

    # Row 1: at /result, or inside the status with /result answering 404.
    result_at: Literal["result", "status"] = "result"
    result_shape: Literal["images", "file"] = "images"  # row 2
    result_id: Literal["execution_id", "id"] = "execution_id"  # row 3
    usage: bool = True  # row 22

    upload: Literal["either", "purpose", "particulars"] = "either"  # row 13: which way of asking it understands
    confirm: bool = True  # row 14: whether it wants to be told that a file's bytes are there
    download: Literal["bytes", "url"] = "bytes"  # row 11
    url_endpoint: bool = True  # row 12
    retention: float = math.inf  # row 17: how long after its run a file is kept
    listing: bool = True  # row 28

    webhook_payload: Literal["overview", "short"] = "overview"  # rows 6 and 7
    webhook_state: Literal["is_active", "status"] = "is_active"  # row 8
    webhook_retries: Literal["docs", "blog"] = "docs"  # row 10: after 2, 4, 8, 16, 30 or 1, 5, 15, 30 minutes

    reset: Literal["seconds", "milliseconds", "delta", "none"] = "seconds"  # row 18: X-RateLimit-Reset
    retry_after: Literal["seconds", "date", "none"] = "seconds"  # row 18: on a 429
    request_id: bool = True  # row 20
    skew: float = 0.0  # how far the service's clock is ahead of `now`

    def word(self, status: Status) -> str:
        """`status` as this service spells it."""
        text = status.value
        if status is Status.PROCESSING and self.unknown_status is not None:
            text = self.unknown_status
        return text.lower() if self.lower_case else text
