"""What the search for secrets goes by: words in names, and shapes of keys. It shares neither with the redactor."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import parse_qsl

from bide_transports.cassette.redaction.randomness import looks_random

SHORTEST = 6  # characters; the redactor replaces shorter values only where they are a whole field

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_LAST = frozenset(
    {"password", "passwd", "passphrase", "pwd", "secret", "secrets", "token", "credential", "credentials"}
    | {"authorization", "cookie", "cookies", "sig"}
)
_PAIRS = frozenset(
    {"apikey", "apikeys", "privatekey", "secretkey", "accesskey", "accountkey", "subscriptionkey", "signingkey"}
    | {"authkey", "connectionstring", "clientassertion", "amzsignature", "googsignature", "accesssignature"}
)
_WHOLE = frozenset(("session", "sas"))
_LINKS = frozenset(("key", "code", "state", "signature", "policy", "keypairid", "skoid", "sktid", "googleaccessid"))
_LONGEST_NAME = 80  # characters, the last of a name, that are looked at
_NUMERIC = ("password", "passwd", "passphrase", "secret", "pwd")

_ASSIGNED = re.compile(
    r"(?<![\w.-])([A-Za-z_][\w.-]*)(?:\]?=[\"']?|\\{0,32}[\"']\s{0,4}[:=]\s{0,4}\\{0,32}[\"'])(#?[^\s\"'&;<>\\#]*)"
)
_PART = re.compile(r"[?#]|\\+u0026")
_ELEMENT = re.compile(r"<([\w:.-]+)>([^<>]+)</")
_LINK = re.compile(r"[?#]([^\s\"'<>]*)")
_SHAPE = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?P<worded>(?:sk|rk|pk|mr|whsec|gh[a-z]|github_pat|glpat|npm|hf|r8)[-_][\w+/=-]{12,})"
    r"|A(?:KIA|SIA)[A-Z0-9]{12,}|AIza[\w-]{20,}|ya29\.[\w-]{8,}|xox[a-z]-[\w-]{10,}|key_[0-9a-f]{40,}"
    r"|(?i:bearer|basic)\s{1,4}(?P<credential>[\w.~+/=-]{8,}))"
    r"|(?<![\w-])eyJ[\w-]{4,}\.[\w-]{4,}\."
    r"|BEGIN [A-Z ]{0,30}PRIVATE KEY"
    r"|[a-z]://(?P<user>[^/\s?#@\"'<>]{1,256})@"
)
_SCHEMES = frozenset(("bearer", "basic", "digest", "token", "key"))


class Judge:
    """Judges names by the words they are made of, as written in camelCase, snake_case or Header-Case."""

    def __init__(self, secret: Iterable[str], plain: Iterable[str]) -> None:
        self._secret, self._plain = frozenset(secret), frozenset(plain)

    def is_secret(self, name: str, *, in_link: bool = False) -> bool:
        """Whether something called so is a secret."""
        words = _words(name[-_LONGEST_NAME:])
        joined = "".join(words)
        if not words or joined in self._plain:
            return False
        return joined in self._secret or _sounds_secret(words) or (in_link and joined in _LINKS)

    def is_numeric(self, name: str) -> bool:
        """Whether even a number under this secret name is one."""
        joined = "".join(_words(name))
        return joined in self._secret or joined.endswith(_NUMERIC)

    def names_secret(self, text: str, gone: str) -> bool:
        """Whether running text or a link in it names a secret and tells its value."""
        if any(
            self.is_secret(name) and not is_harmless(value, gone)
            for name, value in (*_ASSIGNED.findall(text), *_ELEMENT.findall(text))
        ):
            return True
        return any(
            self.is_secret(name, in_link=True) and not is_harmless(value, gone)
            for query in (_LINK.findall(text) if "=" in text else ())
            for name, value in parse_qsl(_PART.sub("&", query))
        )


def has_shape(text: str) -> bool:
    """Whether something in `text` has the shape of a key."""
    return any(_convinces(found) for found in _SHAPE.finditer(text))


def is_harmless(value: str, gone: str) -> bool:
    """Whether a value under a secret name is none: empty, or nothing but placeholders and the word of a scheme."""
    rest = "".join(value.replace(gone, " ").split()).strip(".,:!)]}\\").lower()
    return not rest or (gone in value and rest in _SCHEMES)


def _convinces(found: re.Match[str]) -> bool:
    if word := found["worded"]:
        longest = max(re.split("[-_]", word), key=len)
        return looks_random(word) or len(longest) >= 30 or (len(longest) >= 8 and any(map(str.isdigit, longest)))
    if word := found["credential"]:
        return any(map(str.isdigit, word)) or (word != word.lower() and word[1:] != word[1:].lower())
    return not (user := found["user"]) or bool(user.strip("\N{BULLET}:"))


@lru_cache(maxsize=1024)
def _words(name: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _WORDS.findall(name))


def _sounds_secret(words: tuple[str, ...]) -> bool:
    last, pair = words[-1], "".join(words[-2:])
    joined = "".join(words)
    if last in _LAST or pair in _PAIRS or joined in _WHOLE or joined.endswith("accesskeyid"):
        return True
    return last.endswith(("password", "passwd", "secret", "token", "apikey", "credentials"))
