"""How a vendor signs its webhooks, as data; `bide.webhook` verifies them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Signature:
    """How a vendor signs its webhooks: which headers hold what, what is signed, and where the payload says what.

    * `signature`, `timestamp` and `id` are names of header fields. `signed` is a template of `{id}`, `{timestamp}`
      and `{body}`; `prefix` stands before each signature; `key` says how the secret's text becomes the key: as it
      is, or base64 after `whsec_`. `tolerance` (seconds) is how far the timestamp may lie from now, either way.
    * Where `timestamp` is the field of the signature, both stand in it (`t=1700000000,v1=5257…`), the time after
      `time_prefix`. Where it is empty no time is sent: an old notification cannot be told from a new one but by its id.
    * `job` is where the job's id or address stands, `kind` the word for what happened, `event` the event's own id
      (nowhere: in the header `id`), each as `bide.dialects.places` has it.
    """

    signature: str
    timestamp: str
    id: str = ""
    signed: str = "{timestamp}.{body}"
    prefix: str = ""
    coding: Literal["hex", "base64"] = "hex"
    key: Literal["text", "whsec"] = "text"
    tolerance: float = 300.0
    event: tuple[str, ...] = ()
    job: tuple[str, ...] = ("data.id",)
    kind: tuple[str, ...] = ("type",)
    time_prefix: str = "t="
