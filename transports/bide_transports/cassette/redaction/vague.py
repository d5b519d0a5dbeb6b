"""Values under a name such as `auth` or `pin`: some are secrets, others a word, a small number or an address."""

from __future__ import annotations

import re

_FEWEST = 4  # characters of a secret under such a name
_WORDS = re.compile(r"(?:[A-Z]?[a-z]+|[A-Z]+)(?:[ +_-](?:[A-Z]?[a-z]+|[A-Z]+))*")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]{1,20}://[\w.:/\N{BULLET}-]*")
_SCHEMES = frozenset(
    {"oauth", "oauth1", "oauth2", "oauth20", "oauth21", "openid", "openidconnect", "oidc", "saml2", "mtls", "sigv4"}
    | {"apikey", "noauth", "basicauth", "bearertoken", "accesstoken", "hs256", "rs256", "es256"}
)


def is_plain(value: str) -> bool:
    """Whether a value under a name that may mean a secret is none."""
    value = value.strip()
    if len(value) < _FEWEST or _WORDS.fullmatch(value) or _ADDRESS.fullmatch(value):
        return True
    return re.sub(r"[^a-z0-9]", "", value.lower()) in _SCHEMES
