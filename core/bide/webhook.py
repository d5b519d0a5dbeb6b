"""A signed notification: who sent it, which job it is about, and whether it has come before.

    notice = verify(headers, body, secrets=secret, signature=dialect.webhook, now=now)
    if delivered.is_new(notice, now=now):
        job = bide.notice(job, notice, now=now)

The signature is checked over the bytes as they came, before anything in them is read. What a notice says is
never proof all the same: it makes a job look now, and the look is what counts. So one that is lost costs no more
than a later look, and one that comes twice no more than a look too many.
"""

from __future__ import annotations

import hmac
import re
from binascii import a2b_base64, b2a_base64
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, cast

from bide.dialects.places import Facts
from bide.document import is_writable, moment, text
from bide.faults import Flaw, InvalidKey, InvalidSetting, InvalidWebhook, NotOffered
from bide.messages import Headers, Notice, Response
from bide.pace import positive
from bide.secret import Secret
from bide.signature import Signature

__all__ = ["Delivered", "Lines", "Secrets", "Signature", "verify"]

#: Header lines as a framework has them: a mapping, or pairs of name and value.
Lines: TypeAlias = "Headers | Mapping[str, str] | Iterable[tuple[str, str]]"
Secrets: TypeAlias = "Secret | str | Iterable[Secret | str]"

_GAP = re.compile(r"(\{(?:id|timestamp|body)\})")
_FIGURE = re.compile(r"[0-9]{1,13}(?:\.[0-9]{1,9})?", re.ASCII)
_MILLISECONDS = 1e11  # a figure from here on counts milliseconds: as seconds it lies 3,000 years ahead
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?", re.ASCII)
_WHSEC = "whsec_"
_MOST = 16  # signatures in one request; a service that changes its secret sends two


def verify(headers: Lines, body: bytes, *, secrets: Secrets, signature: Signature | None, now: float) -> Notice:
    """The notice in a webhook request; raises `InvalidWebhook`, whose `kind` says why, for what is none.

    `body` is the request's body as it came: JSON that was read and written anew is signed by nobody. Each of
    `secrets` may have signed it: give the old and the new one while they change. `now` is in seconds since the
    epoch. Raises `InvalidKey` for a secret that is none, `NotOffered` where the service signs nothing.
    """
    if signature is None:
        raise NotOffered("this service signs no webhooks, or none are declared: poll instead")
    secrets = held(secrets)  # no local of a frame that raises shows one
    _check_secrets(secrets, signature.key)
    fields = Headers.of(cast("Mapping[str, str]", headers).items() if isinstance(headers, Mapping) else headers)
    stamp = _check_signature(fields, body, secrets, signature)
    if signature.timestamp:
        _check_time(stamp, signature, now)
    return _read(fields, body, signature)


@dataclass(slots=True)
class Delivered:
    """The events that have come, by id: each for `keep` seconds, `most` of them at once, the oldest forgotten first.

    Services send again for a day what was not answered in time. One forgotten too early makes a job look once
    more than it need, so a restart may begin with an empty one. Raises `InvalidSetting`.
    """

    keep: float = 2 * 86400.0
    most: int = 65536
    _since: OrderedDict[str, float] = field(default_factory=OrderedDict[str, float], init=False, repr=False)

    def __post_init__(self) -> None:
        positive("keep", self.keep)
        if self.most < 1:
            raise InvalidSetting(f"most is {self.most}: give 1 or more")

    def __len__(self) -> int:
        return len(self._since)

    def is_new(self, notice: Notice, *, now: float) -> bool:
        """Whether this event has not come before; from now on it has. One without an id is always new."""
        while self._since and now - next(iter(self._since.values())) > self.keep:
            self._since.popitem(last=False)
        if not notice.id:
            return True
        if notice.id in self._since:
            return False
        self._since[notice.id] = now
        if len(self._since) > self.most:
            self._since.popitem(last=False)
        return True


def held(secrets: Secrets) -> tuple[Secret, ...]:
    """Each of `secrets`, out of sight; raises `InvalidKey` for what is no text."""
    is_one = isinstance(secrets, Secret | str) or not isinstance(cast("object", secrets), Iterable)
    each = (secrets,) if is_one else secrets
    hidden = tuple(map(Secret.hidden, cast("Iterable[object]", each)))
    del secrets, each
    found = [secret for secret in hidden if isinstance(secret, Secret)]
    if len(found) < len(hidden):
        raise InvalidKey("a webhook secret is no text: give the one that was shown when the endpoint was made")
    return tuple(found)


def _check_secrets(secrets: tuple[Secret, ...], kind: Literal["text", "whsec"]) -> None:
    """Raise `InvalidKey` unless each can sign; no message tells any of them."""
    if not secrets:
        raise InvalidKey("there is no webhook secret: give the one that was shown when the endpoint was made")
    if not all(_key(secret, "text") for secret in secrets):
        raise InvalidKey("a webhook secret is empty, has space around it or is no text: copy it again, whole")
    if not all(_key(secret, kind) for secret in secrets):
        raise InvalidKey("a webhook secret is not whsec_ and base64 after it: copy it again, whole")


def _key(secret: Secret, kind: Literal["text", "whsec"]) -> bytes:
    """The bytes that sign; none for a secret that is none. It raises nothing, so that no traceback shows them."""
    value = secret.reveal()
    if not is_writable(value) or value != value.strip():
        return b""
    if kind == "text":
        return value.encode()
    value = value.removeprefix(_WHSEC)
    if not _BASE64.fullmatch(value):
        return b""
    return a2b_base64(value.rstrip("=") + "=" * (-len(value.rstrip("=")) % 4))


def _check_signature(headers: Headers, body: bytes, secrets: tuple[Secret, ...], signature: Signature) -> str:
    """The timestamp that was signed together with the body; the empty text where none is sent."""
    stamp, given = _stamp_and_signatures(headers, signature)
    event = headers.get(signature.id.lower())
    if not given or stamp is None or (event is None and "{id}" in signature.signed):
        time = f"{signature.time_prefix} in it" if _is_inside(signature) else signature.timestamp
        names = (signature.signature, time, signature.id if "{id}" in signature.signed else "")
        wanted = " and ".join(name for name in names if name)
        raise InvalidWebhook(
            f"{Flaw.UNSIGNED.value}: it wants {wanted}. Either the service did not send it, or a proxy left it out",
            Flaw.UNSIGNED,
        )
    parts = {"{timestamp}": _bytes(stamp), "{id}": _bytes(event or ""), "{body}": body}
    message = b"".join(parts.get(piece, piece.encode()) for piece in _GAP.split(signature.signed))
    if not _is_signed(message, [_bytes(one) for one in given[:_MOST]], secrets, signature):
        raise InvalidWebhook(
            f"{Flaw.WRONG_SIGNATURE.value}: if the service did send it, then the secret is another endpoint's, or "
            "the body was changed on its way here (give the raw bytes, not JSON written anew)",
            Flaw.WRONG_SIGNATURE,
        )
    return stamp


def _stamp_and_signatures(headers: Headers, signature: Signature) -> tuple[str | None, list[str]]:
    """The time that was sent, None where it is missing, and the signatures: one of them must fit."""
    lines = " ".join(headers.every(signature.signature.lower()))
    inside = _is_inside(signature)
    words = re.split(r"[,;\s]+", lines) if inside else lines.split()
    stamps = [word for word in words if inside and word.startswith(signature.time_prefix)]
    signatures = [word for word in words if word and word.startswith(signature.prefix) and word not in stamps]
    given = [word.removeprefix(signature.prefix) for word in signatures]
    if inside:
        return (stamps[0].removeprefix(signature.time_prefix) if stamps else None), given
    return (headers.get(signature.timestamp.lower()) if signature.timestamp else ""), given


def _is_inside(signature: Signature) -> bool:
    """Whether the time stands in the field of the signature."""
    return signature.timestamp.lower() == signature.signature.lower()


def _is_signed(message: bytes, given: list[bytes], secrets: tuple[Secret, ...], signature: Signature) -> bool:
    """Whether one of the secrets made one of the signatures: all are compared, each in constant time."""
    found, coding = False, signature.coding
    for secret in secrets:
        digest = hmac.digest(_key(secret, signature.key), message, "sha256")
        made = digest.hex().encode() if coding == "hex" else b2a_base64(digest, newline=False)
        for one in given:
            found |= hmac.compare_digest(made, one.lower() if coding == "hex" else one)
    return found


def _bytes(word: str) -> bytes:
    return word.encode("utf-8", "surrogatepass")


def _check_time(stamp: str, signature: Signature, now: float) -> None:
    at = _instant(stamp)
    if at is None:
        raise InvalidWebhook(
            f"{Flaw.NOT_UNDERSTOOD.value}: it is signed, but {signature.timestamp} holds no instant that is known: "
            "look whether the declaration is right",
            Flaw.NOT_UNDERSTOOD,
        )
    if not abs(now - at) <= signature.tolerance:
        flaw = Flaw.STALE if now > at else Flaw.FROM_THE_FUTURE
        raise InvalidWebhook(
            f"{flaw.value}: signed {abs(now - at):.0f} s {'ago' if flaw is Flaw.STALE else 'ahead'}, and "
            f"{signature.tolerance:g} s are tolerated. If it is no old one sent again, set this machine's clock",
            flaw,
        )


def _instant(stamp: str) -> float | None:
    """Seconds since the epoch, from a figure of seconds or milliseconds, or an ISO 8601 text."""
    if _FIGURE.fullmatch(stamp):
        figure = float(stamp)
        return figure / 1000 if figure >= _MILLISECONDS else figure
    written = moment(stamp)
    return None if written is None else written.timestamp()


def _read(headers: Headers, body: bytes, signature: Signature) -> Notice:
    """What the payload says, once its sender is known."""
    facts = Facts(Response(200, headers, body))
    job = facts.first(signature.job)
    if job is None:
        raise InvalidWebhook(
            f"{Flaw.NOT_UNDERSTOOD.value}: it is signed, but names no job at {' or '.join(signature.job)}; if it "
            "is about something else, leave it",
            Flaw.NOT_UNDERSTOOD,
        )
    event = facts.first(signature.event) or headers.get(signature.id.lower())
    return Notice(text(event) or "", job, text(facts.first(signature.kind)) or "")
