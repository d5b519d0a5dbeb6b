"""The exceptions on which all of bide stands: wrong calls, and what a disk or a sender gets wrong.

`bide.errors` draws the whole tree, with those that carry a job (`bide.outcome`).
"""

from __future__ import annotations

from enum import Enum
from typing import Any


def carried(error: BaseException) -> tuple[Any, ...]:
    """How an exception is pickled and copied with all its attributes, whatever its `__init__` takes.

    An exception is made anew from its `args` otherwise, which need not be what its class is called with.
    """
    return _made, (type(error), *error.args), vars(error)


def _made(kind: type[BaseException], *args: object) -> BaseException:
    return kind.__new__(kind, *args)


class BideError(Exception):
    """Base of all errors raised on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        return carried(self)


class CallerError(BideError, ValueError):
    """The call is wrong; nothing was sent."""


class InvalidOrder(CallerError):
    """The submission cannot be sent as it is."""


class InvalidHandle(CallerError):
    """What was given for a job is none, or its id cannot stand in a path."""


class InvalidAddress(CallerError):
    """The base URL is none, or would send in the clear what must not go so."""


class InvalidKey(CallerError):
    """The API key is missing, or cannot stand in a header."""


class InvalidSetting(CallerError):
    """A pace, a limit or another argument makes no sense."""


class InvalidDeclaration(CallerError):
    """A declared dialect cannot be read."""


class NotOffered(CallerError):
    """The service offers no such call, or none that is declared."""


class InvalidToken(CallerError):
    """A saved job cannot be read, or belongs to another service."""


class ForeignToken(InvalidToken):
    """A saved job belongs to another service, or to another address of it."""


class Flaw(Enum):
    """Why a notification is not believed. The value is the wording people read."""

    UNSIGNED = "it is not signed"
    WRONG_SIGNATURE = "no signature fits"
    STALE = "it is too old"
    FROM_THE_FUTURE = "it is from the future"
    NOT_UNDERSTOOD = "it cannot be understood"


class InvalidWebhook(BideError):
    """A notification that must not be believed, or one that cannot be understood."""

    def __init__(self, message: str, kind: Flaw = Flaw.NOT_UNDERSTOOD) -> None:
        super().__init__(message)
        self.kind = kind


class UploadError(BideError):
    """A file could not be uploaded; nothing was paid for."""


class SaveError(BideError):
    """A file could not be saved; the result is still at the service."""


class UnreadableEntry(UserWarning):
    """An entry of a journal cannot be taken up: it stays there, and all other jobs are taken up."""


class PollingAdvice(UserWarning):
    """The vendor advises against polling as many jobs as this client does."""
