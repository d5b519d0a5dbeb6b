"""Receive signed webhooks in any framework: one call takes the request and says what to answer.

    mailbox = Mailbox(secret)
    answer = mailbox.receive(request.method, request.headers, request.body)  # the raw bytes, before any JSON
    if answer.notice:
        client.notify(answer.notice)
    return answer.text, answer.status

`bide_transports.trio_webhooks` and `bide_transports.webhook_server` are servers that do just this, for applications
that have none. Needs no third-party package.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import NamedTuple, TypeAlias

import bide
from bide.errors import Flaw, InvalidWebhook
from bide.webhook import Delivered, Lines, Secrets, Signature, held, verify

LARGEST = 1024 * 1024  # bytes of a body; a notice has a few hundred

_STATUS = {
    Flaw.UNSIGNED: 401,
    Flaw.WRONG_SIGNATURE: 401,
    Flaw.STALE: 400,
    Flaw.FROM_THE_FUTURE: 400,
    Flaw.NOT_UNDERSTOOD: 202,  # it is the service's own, and would be no better sent again
}


class Answer(NamedTuple):
    """What to answer, at once, and the notice to act on afterwards; None where there is nothing new.

    `text` (plain text, one line) says why; it tells a stranger nothing. `flaw` is why a request was not believed.
    """

    status: int
    text: str
    notice: bide.Notice | None = None
    flaw: Flaw | None = None


#: What takes a request of this method, with these headers and this body: `Mailbox.receive`, or a wrapper of it.
Receive: TypeAlias = Callable[[str, bide.Headers, bytes], Answer]
#: What a new notice is given to, such as `Client.notify`; it must not block, and must not raise.
Deliver: TypeAlias = Callable[[bide.Notice], object]


class Mailbox:
    """Where webhooks arrive: each is verified, and told once. Safe to use from many threads.

    All of `secrets` are tried: while one replaces the other, give both. `signature` is how they sign, if not as
    `dialect` says. `now` gives seconds since the epoch. Raises `InvalidKey` for a secret that is none, and
    `NotOffered` where the service signs nothing.
    """

    def __init__(
        self,
        secrets: Secrets,
        *,
        dialect: bide.Dialect = bide.ModelRoute(),
        signature: Signature | None = None,
        delivered: Delivered | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        secrets = self._secrets = held(secrets)
        self._signature = signature or dialect.webhook
        self._delivered = Delivered() if delivered is None else delivered
        self._now, self._lock = now, Lock()
        with suppress(InvalidWebhook):  # of course; a secret that is none is told here, not at the first request
            verify({}, b"", secrets=self._secrets, signature=self._signature, now=0.0)

    def receive(self, method: str, headers: Lines, body: bytes) -> Answer:
        """What to answer to a request; never raises for what strangers send, and never waits.

        2xx for what the service sent, new or not, so that it is not sent again; 4xx for all else.
        """
        if method.upper() != "POST":
            return Answer(405, "only POST is taken here")
        if len(body) > LARGEST:
            return Answer(413, "the body is too large")
        now = self._now()
        try:
            notice = verify(headers, body, secrets=self._secrets, signature=self._signature, now=now)
        except InvalidWebhook as error:
            return Answer(_STATUS[error.kind], error.kind.value, flaw=error.kind)
        with self._lock:
            new = self._delivered.is_new(notice, now=now)
        return Answer(200, "taken", notice) if new else Answer(200, "taken before")
