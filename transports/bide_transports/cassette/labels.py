"""What a lane is called, and what makes two submissions the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast
from zlib import crc32

import bide
from bide.document import JSON
from bide.file_names import file_name
from bide.handles import shown
from bide_transports.cassette.redacting import Cleaner

FILE = "file-"  # what the names of files' lanes begin with


def label_of(job: bide.Job, cleaner: Cleaner) -> str:
    """The name of a job's lane: equal orders and handles have equal ones, in whatever order tasks begin them."""
    if isinstance(job, bide.Submitting):
        asked = order_in(cleaner.token(job)) or {}
        return f"{_word(str(asked['model']))}-{crc32(repr(asked).encode()) & 0xFFFF:04x}"
    handle = cleaner.redactor.text(shown(job.handle or "job"))
    return _word(handle.rstrip("/").rpartition("/")[2])


def file_label_of(file: str, cleaner: Cleaner) -> str:
    """The name of a file's lane, without what may be another the next time."""
    return f"{FILE}{file_name(cleaner.reference(file).partition('?')[0])}"


def order_in(token: Mapping[str, JSON]) -> dict[str, JSON] | None:
    """What is asked for in the token of a submission, without the key, which is new each time; None in any other."""
    job = cast("Mapping[str, JSON]", token["job"])
    order = job.get("order")
    return {name: value for name, value in order.items() if name != "key"} if isinstance(order, dict) else None


def _word(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text)[:60].strip("-") or "job"
