"""Texts made up to be found again: in the result, in the problem, or where they must never be."""

from __future__ import annotations

from typing import Final

from bide.messages import Response

KEY: Final = "sk_" + "5ec2e7" * 8  # in a shape that is known for a secret
SIGNATURE: Final = "5191a7042e"
ANSWER: Final = "the-whole-answer"
OTHER_ANSWER: Final = "an-answer-to-another"
PARTIAL_ANSWER: Final = "half-an-answer"
CODE: Final = "OUT_OF_INK"
REQUEST_ID: Final = "request-4713"
MESSAGE: Final = "the ink ran out"
UNHEARD: Final = "BIDE_UNHEARD_OF"
JOB: Final = "job-4711"
OTHER_JOB: Final = "job-4712"
FILE: Final = b"\x89PNG\r\n\x1a\n, four thousand seven hundred and eleven pixels"


def holds(reply: Response, text: str) -> bool:
    """Whether a reply has this text anywhere."""
    return text.encode() in reply.body or any(text in value for _, value in reply.headers)
