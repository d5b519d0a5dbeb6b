"""Which members hold a secret, by their names: in documents and forms, and more of them in a URL."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from bide_transports.cassette.redaction.rules import Rules
from bide_transports.cassette.redaction.vague import is_plain

#: The kind under a name that holds a secret only where the value looks like one; see `weighed`.
VAGUE = "vague"

_EXACT = frozenset(
    {"session", "sessionid", "jsessionid", "phpsessid", "sas", "secretstring", "googleaccessid"}
    | {"xamzsignature", "xgoogsignature", "xtossignature", "xosssignature", "xobssignature", "qsignature"}
    | {"sharedaccesssignature", "oauthsignature"}
)
_VAGUE = frozenset(
    {"auth", "basicauth", "bearer", "otp", "totp", "pass", "userpass", "dbpass", "smtppass", "pin", "pincode", "pw"}
)
_ENDINGS = (
    *("password", "passwords", "passwd", "pwd", "passphrase", "secret", "secrets", "token", "apikey", "apikeys"),
    *("credential", "credentials", "authorization", "cookie", "cookies", "sig"),
    *("privatekey", "secretkey", "accesskey", "accesskeyid", "accountkey", "subscriptionkey", "signingkey", "authkey"),
    *("masterkey", "sharedkey", "encryptionkey", "sshkey", "privatekeypem", "passcode", "codeverifier", "jwt"),
    *("connectionstring", "clientassertion"),
)
_SIGNATURES = ("signature", "hmac")  # how names end that sign a form or a link
_IN_FORMS = frozenset(("policy",))  # what a signed upload form carries
_IN_LINKS = _IN_FORMS | frozenset(
    {"key", "code", "state", "keypairid", "skoid", "sktid", "qak", "sid"} | {"sign", "hm", "hdnea", "hdnts", "hdntl"}
)
_SIGNS = ("sig", "signature", "hmac", "sign", "hm", "hdnea", "hdnts", "hdntl")
_LONGEST = 80  # characters, the last of a name, that are looked at
_NUMERIC = ("password", "passwd", "passphrase", "passcode", "secret", "pwd")  # a number under such a name is one, too

#: Within a secret object, what tells about the secret and is none: never redacted by their names.
PLAIN = frozenset(
    {"id", "name", "location", "status", "state", "type", "kind", "object", "created", "updated", "expires", "ttl"}
    | {"createdat", "updatedat", "expiresat", "expiresin", "expiresafter", "lastused", "lastusedat", "tokentype"}
)


@lru_cache(maxsize=1024)
def plain(name: str) -> str:
    """`name` without case, `-`, `_` and all else that spellings differ in."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


class Names:
    """Names judged by the standard and by `rules`. Each question is answered by a kind, or None for no secret."""

    def __init__(self, rules: Rules) -> None:
        self._secret = _all(rules.secret_names)
        self._plain = _all(rules.plain_names)

    def in_document(self, name: str) -> str | None:
        """The kind of secret that a member of JSON holds."""
        return self._kind(name)

    def in_form(self, name: str) -> str | None:
        """The kind of secret that a field of a form holds."""
        return self._kind(name, _IN_FORMS, _SIGNATURES)

    def in_link(self, name: str) -> str | None:
        """The kind of secret that a member of a query or fragment holds."""
        return self._kind(name, _IN_LINKS, _SIGNATURES)

    def holds_numbers(self, name: str) -> bool:
        """Whether even a number under this secret name is a secret, not a count."""
        return plain(name) in self._secret or plain(name).endswith(_NUMERIC)

    def _kind(self, name: str, more: frozenset[str] = frozenset(), endings: tuple[str, ...] = ()) -> str | None:
        name = plain(name[-_LONGEST:])
        if name in self._plain:
            return None
        if name in self._secret or name in _EXACT or name in more or name.endswith((*_ENDINGS, *endings)):
            return "sig" if name.endswith(_SIGNS) else "secret"
        return VAGUE if name in _VAGUE else None


def weighed(kind: str | None, value: object) -> str | None:
    """The kind of secret that `value` is, when its name says `kind`: under a vague name most values are none."""
    if kind != VAGUE:
        return kind
    return None if not isinstance(value, str) or is_plain(value) else "secret"


def _all(names: Iterable[str]) -> frozenset[str]:
    return frozenset(map(plain, names))
