"""What the search for secrets goes by: words in names, and shapes of keys. It shares neither with the redactor."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator
from functools import lru_cache
from urllib.parse import parse_qsl, unquote

from bide_transports.cassette.redaction.randomness import is_drawn, is_named_random, looks_random
from bide_transports.cassette.redaction.vague import is_plain

SHORTEST = 6  # characters; the redactor replaces shorter values only where they are a whole field

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_LAST = frozenset(
    {"password", "passwd", "passphrase", "pwd", "secret", "secrets", "token", "credential", "credentials"}
    | {"authorization", "cookie", "cookies", "sig", "passcode", "jwt"}
)
_PAIRS = frozenset(
    {"apikey", "apikeys", "privatekey", "secretkey", "accesskey", "accountkey", "subscriptionkey", "signingkey"}
    | {"authkey", "connectionstring", "clientassertion", "amzsignature", "googsignature", "accesssignature"}
    | {"tossignature", "osssignature", "obssignature", "oauthsignature", "qsignature", "codeverifier"}
    | {"masterkey", "sharedkey", "encryptionkey", "sshkey", "keypem"}
)
_WHOLE = frozenset(("session", "sessionid", "jsessionid", "phpsessid", "sas"))
_LINKS = frozenset(
    {"key", "code", "state", "policy", "keypairid", "skoid", "sktid", "googleaccessid", "sign", "hm", "hdnea"}
    | {"hdnts", "hdntl", "qak", "sid"}
)
_SOMETIMES = frozenset(
    {"auth", "basicauth", "bearer", "otp", "totp", "pass", "userpass", "dbpass", "smtppass", "pin", "pincode", "pw"}
)
_OF_NO_USE = frozenset(("v", "ver", "rev"))  # names of a query that keep caches apart
_LONGEST_NAME = 80  # characters, the last of a name, that are looked at
_NUMERIC = ("password", "passwd", "passphrase", "passcode", "secret", "pwd")

_ASSIGNED = re.compile(
    r"(?<![\w.-])([A-Za-z_][\w.-]*)(?:\]?=[\"']?|\\{0,32}[\"']\s{0,4}[:=]\s{0,4}\\{0,32}[\"'])(#?[^\s\"'&;<>\\#]*)"
)
_PART = re.compile(r"[?#]|\\+u0026")
_ELEMENT = re.compile(r"<([\w:.-]+)>([^<>]+)</")
_LINK = re.compile(r"[?#]([^\s\"'<>]*)")
_SHAPE = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?P<worded>(?:sk|rk|pk|mr|whsec|gh[a-z]|github_pat|glpat|npm|hf|r8)[-_][\w+/=-]{12,})"
    r"|(?:gsk_|xai-|pplx-|shp[a-z]{2,3}_|do[a-z]_v1_)[A-Za-z0-9]{16,}|GOCSPX-[\w-]{12,}|hv[a-z]\.[\w-]{20,}"
    r"|xapp-[0-9]+-[\w-]{8,}|A(?:KIA|SIA)[A-Z0-9]{12,}|AIza[\w-]{20,}|ya29\.[\w-]{8,}|xox[a-z]-[\w-]{10,}|key_[0-9a-f]{40,}"
    r"|(?i:bearer|basic)\s{1,4}(?P<credential>[\w.~+/=-]{8,}))"
    r"|(?<![\w-])eyJ[\w-]{4,}\.[\w-]{4,}\."
    r"|/bot[0-9]{5,20}:[\w-]{20,}"
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
        return joined in self._secret or _sounds_secret(words) or (in_link and _signs(joined))

    def may_be_secret(self, name: str) -> bool:
        """Whether something called so is a secret unless it is a plain word."""
        joined = "".join(_words(name[-_LONGEST_NAME:]))
        return joined in _SOMETIMES and joined not in self._plain

    def is_numeric(self, name: str) -> bool:
        """Whether even a number under this secret name is one."""
        joined = "".join(_words(name))
        return joined in self._secret or joined.endswith(_NUMERIC)

    def names_secret(self, text: str, gone: str) -> bool:
        """Whether running text or a link in it names a secret and tells its value."""
        if any(
            self._is_told(name, value, gone, in_link=False)
            for name, value in (*_ASSIGNED.findall(text), *_ELEMENT.findall(text))
        ):
            return True
        return any(self._is_told(name, value, gone, in_link=True) for name, value in _queries(text))

    def _is_told(self, name: str, value: str, gone: str, *, in_link: bool) -> bool:
        if self.is_secret(name, in_link=in_link):
            return not is_harmless(value, gone)
        return self.may_be_secret(name) and not is_word(value, gone)


def draws(text: str, allowed: Container[str]) -> bool:
    """Whether a link in `text` has a long random value in its query under a name that does not explain it."""
    return any(
        is_drawn(value, allowed) and not is_named_random(name) and name.lower() not in _OF_NO_USE
        for name, value in _queries(text)
    )


def has_shape(text: str) -> bool:
    """Whether something in `text` has the shape of a key."""
    return any(_convinces(found) for found in _SHAPE.finditer(text))


def is_harmless(value: str, gone: str) -> bool:
    """Whether a value under a secret name is none: empty, or nothing but placeholders and the word of a scheme."""
    rest = "".join(value.replace(gone, " ").split()).strip(".,:!)]}\\").lower()
    return not rest or (gone in value and rest in _SCHEMES)


def is_word(value: str, gone: str) -> bool:
    """Whether a value under a name that may mean a secret is none."""
    rest = unquote(value.split("`")[0]).strip(".,:!)]}\\ ")
    return is_harmless(value, gone) or is_plain(rest)


def _queries(text: str) -> Iterator[tuple[str, str]]:
    """The members of all queries and fragments in `text`."""
    for query in _LINK.findall(text) if "=" in text else ():
        yield from parse_qsl(_PART.sub("&", query))


def _signs(name: str) -> bool:
    return name in _LINKS or name.endswith(("signature", "hmac"))


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
