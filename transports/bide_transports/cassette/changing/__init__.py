"""Cassettes made from others: decided anew, with something else happening in them, or under another policy.

edited(cassette, insert(429, retry_after=7, at=3.0), skew(server_ms=90_000))
"""

from bide_transports.cassette.changing.edits import (
    corrupt,
    delay,
    drop_connection,
    duplicate,
    edited,
    insert,
    lose_submit_reply,
    outage,
    replace_reply,
    truncate_body,
)
from bide_transports.cassette.changing.edits_of_time import cut, expire_link, flap, skew, step_wall, stuck, suspend
from bide_transports.cassette.changing.flow import Comparison, Cost, compare, flow
from bide_transports.cassette.changing.settle import settle

__all__ = [
    "Comparison",
    "Cost",
    "compare",
    "corrupt",
    "cut",
    "delay",
    "drop_connection",
    "duplicate",
    "edited",
    "expire_link",
    "flap",
    "flow",
    "insert",
    "lose_submit_reply",
    "outage",
    "replace_reply",
    "settle",
    "skew",
    "step_wall",
    "stuck",
    "suspend",
    "truncate_body",
]
