"""What a caller gives a client, checked before anything is sent: each mistake is named, with what to give instead."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable
from inspect import iscoroutinefunction
from pathlib import Path

import bide
from bide.errors import InvalidHandle, InvalidKey, InvalidSetting
from bide.secret import Secret


def to_secret(key: object, dialect: bide.Dialect) -> Secret | None:
    """The caller's key, or without one that of the dialect's environment variable; None where none is to be sent.

    Raises `InvalidKey` for what is no key, and where there is none though the service wants one.
    """
    if isinstance(key, Secret):
        return key.checked()
    if isinstance(key, str):
        return Secret(key)
    if isinstance(key, bide.NoKey) or (key is None and not dialect.wants_key):
        return None
    if key is None:
        return _from_environment(dialect)
    raise InvalidKey(f"the API key is a {type(key).__name__}: give it as a text, or None to take the environment's")


def _from_environment(dialect: bide.Dialect) -> Secret:
    variable = dialect.environment
    if not os.environ.get(variable, "").strip():
        place = f"give Client(key), or set {variable}" if variable else "give Client(key, ...)"
        raise InvalidKey(
            f"there is no API key, and {dialect.name} wants one: {place}; "
            "bide.NoKey() in its place sends none, where a proxy or your own session adds it"
        )
    try:
        return Secret(os.environ[variable].strip())
    except InvalidKey as error:
        raise InvalidKey(f"{variable}: {error}") from None


def to_path(name: str, value: object) -> Path:
    """`value` as a path; raises `InvalidSetting` for whatever is none."""
    if not isinstance(value, str | Path):
        raise InvalidSetting(f"{name} is {value!r:.60}: give a path, as a text or a pathlib.Path")
    if value == "":
        raise InvalidSetting(f"{name} is empty: give a path, such as '.' for the current directory")
    return Path(value)


def to_place(name: str, value: object) -> Path:
    """`value` as a path where something can be written; raises `InvalidSetting`."""
    path = to_path(name, value)
    if "\0" in str(path):
        raise InvalidSetting(f"{name} is {value!r:.60}: give a path without the character NUL")
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        raise InvalidSetting(
            f"{name} is {value!r:.60}: give a path of characters that a file's name can have"
        ) from None
    return path


def to_result(value: object) -> bide.Result:
    """`value`, if it is a result; raises `InvalidHandle`."""
    if isinstance(value, bide.Result):
        return value
    what = f"a {type(value).__name__}" if value is not None else "None"
    raise InvalidHandle(
        f"{what} is no result: give what `run`, `wait` or `result` returned, or the result of a Completed"
    )


def check_kind(name: str, value: object, kind: type, advice: str) -> None:
    """Raise `InvalidSetting` unless `value` is None or of this kind."""
    if value is not None and not isinstance(value, kind):
        raise InvalidSetting(f"{name} is {value!r:.60}: give {advice}")


def check_note(value: object, what: str) -> None:
    """Raise `InvalidSetting` unless `value` can be called with the state of such a transfer."""
    if not callable(value):
        raise InvalidSetting(f"note is {value!r:.60}: give a function that takes the state of {what}, or leave it out")


def check_methods(name: str, value: object, methods: Iterable[str], advice: str) -> None:
    """Raise `InvalidSetting` unless `value` is None or has these methods; a class has none that could be called."""
    lacks = [method for method in methods if not callable(getattr(value, method, None))]
    if value is not None and (lacks or isinstance(value, type)):
        raise InvalidSetting(f"{name} is {value!r:.60}: give {advice}")


def check_clock(value: object, *, awaits: bool) -> None:
    """Raise `InvalidSetting` unless `value` is None or a clock for a driver that `awaits`, or for one that blocks."""
    methods = ("now", "sleep_until", "wake") if awaits else ("now", "sleep_until")
    advice = "a TrioClock" if awaits else "a clock that blocks, with now() and sleep_until(due)"
    check_methods("clock", value, methods, advice)
    if not awaits and iscoroutinefunction(getattr(value, "sleep_until", None)):
        raise InvalidSetting(f"clock is {value!r:.60}: give {advice}")


def check_tls(value: object) -> None:
    """Raise `InvalidSetting` unless `value` is None or the trust of a client: an `ssl.SSLContext` that can connect."""
    advice = "an ssl.SSLContext for clients, such as ssl.create_default_context()"
    check_kind("tls", value, ssl.SSLContext, advice)
    if isinstance(value, ssl.SSLContext) and value.protocol is ssl.PROTOCOL_TLS_SERVER:
        raise InvalidSetting(f"tls is for servers: give {advice}")


def check_media_type(value: object) -> None:
    """Raise `InvalidSetting` unless `value` is None or can stand in a `Content-Type` line."""
    if value is not None and not (isinstance(value, str) and "/" in value and value.isascii() and value.isprintable()):
        raise InvalidSetting(f"content_type is {value!r:.60}: give a media type such as 'image/png'")
