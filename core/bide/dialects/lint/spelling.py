"""Whether places, field names and figures are written as they must be."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bide.dialects.calls import paths
from bide.dialects.declaration import Declaration
from bide.dialects.hearing import ASKED_ADDRESS
from bide.dialects.lint.calls import of_braces
from bide.dialects.lint.finding import Finding, warning
from bide.dialects.places import ALL, TEXT, Places, is_many, keys
from bide.document import READERS
from bide.signature import Signature

_FIELD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)  # a field name (RFC 9110, 5.6.2)
_FIGURE = re.compile(r"-?[0-9]+(?:\.[0-9]*)?", re.ASCII)
_PLACES = ("id", "status", "wait_ms", "output", "files", "code", "message", "request_id", "next", "expires")


def of_spelling(declaration: Declaration) -> Iterator[Finding]:
    """What is written wrongly, whatever it is meant to say."""
    if not declaration.name.strip():
        yield Finding("name", "it is empty", "give a short one: the jobs that are kept on disk carry it")
    if not declaration.source.strip():
        yield warning("no-source", "source", "nobody can look up whether this is right", "name the page of the API")
    for place, text in _places(declaration):
        yield from _place(place, text)
    for place, text in _numbered("output", declaration.output):
        if text[:1] in ("@", "#") or keys(text)[:1] == (TEXT,):
            yield Finding(place, f'"{text}" is not in the body as JSON', "name keys of the body")
    for place, text in _numbered("status", declaration.status):
        if text[:1] != "@" and any(step.isdigit() for step in keys(text)):
            yield warning(
                "one-item", place, "the other items of that list count for nothing", "write * for all of them"
            )
    yield from _fields(declaration)
    yield from _progress(declaration)
    if not declaration.key_lifetime > 0:
        yield Finding("key_lifetime", "no key would ever be recognised", "give seconds, or send no {key}")
    if declaration.webhook is not None:
        yield from _webhook(declaration.webhook)


def _places(declaration: Declaration) -> Iterator[tuple[str, str]]:
    """Every place in a reply that is named, with where it is."""
    for member in _PLACES:
        yield from _numbered(member, getattr(declaration, member))
    for name, texts in declaration.links.items():
        yield from ((place, text) for place, text in _numbered(f"links.{name}", texts) if text != ASKED_ADDRESS)
    for number, sign in enumerate(declaration.signs):
        yield from ((f"signs[{number}].when", text) for text in sign.when)
    if declaration.progress is not None:
        yield "progress", declaration.progress
        if not _FIGURE.fullmatch(declaration.full):
            yield "full", declaration.full
    if declaration.webhook is not None:
        for member in ("event", "job", "kind"):
            yield from _numbered(f"webhook.{member}", getattr(declaration.webhook, member))


def _numbered(member: str, texts: Places) -> Iterator[tuple[str, str]]:
    return ((f"{member}[{number}]", text) for number, text in enumerate(texts))


def _place(where: str, place: str) -> Iterator[Finding]:
    if place == ASKED_ADDRESS:
        yield Finding(where, f'"{place}" is the address that was asked', "use it in links, or name a place")
    elif place[:1] == "@" and not _FIELD.fullmatch(place[1:].partition("|")[0]):
        yield Finding(where, f'"{place}" names no header field', "name one, such as @location")
    else:
        name, bar, reading = place.partition("|")
        yield from _steps(where, place, keys(bar + reading if name[:1] == "@" else place))


def _steps(where: str, place: str, steps: tuple[str, ...]) -> Iterator[Finding]:
    if not all(step and step == step.strip() for step in steps):
        yield Finding(where, f'"{place}" has an empty key or spaces', "write keys with a dot between, such as urls.get")
    known = {f"|{name}" for name in READERS}
    for number, step in enumerate(steps):
        if step[:1] == "|" and step not in known and (number or step != TEXT):
            yield Finding(where, f'"{step}" reads nothing', f"give one of {', '.join(sorted(known))}, or {TEXT} first")
    if ALL in steps and not (steps[-1] == ALL and is_many(place) and where.startswith("signs[")):
        yield Finding(where, f'"{ALL}" ends the place of items in a sign', "such as jobs.*.state|all in its when")


def _fields(declaration: Declaration) -> Iterator[Finding]:
    """Names and values of header fields, as HTTP has them."""
    calls = {name: getattr(declaration, name) for name in ("submit", "poll", "fetch", "reason", "cancel", "file")}
    lines = [("headers", line) for line in declaration.headers]
    lines += [(f"{name}.headers", line) for name, call in calls.items() if call is not None for line in call.headers]
    if declaration.authorization is not None:
        lines.append(("authorization", declaration.authorization))
    for place, (name, value) in lines:
        if not _FIELD.fullmatch(name) or not (value.isascii() and value.isprintable()):
            yield Finding(place, f'"{name}" is no header line', "give a name without spaces, and printable ASCII")
    for name in declaration.quota or ():
        if not _FIELD.fullmatch(name):
            yield Finding("quota", f'"{name}" is no header field', "such as x-ratelimit-remaining")
    for name in declaration.cookies:
        if not _FIELD.fullmatch(name):
            yield Finding("cookies", f'"{name}" is no name of a cookie', "name it as Set-Cookie does, before the =")


def _progress(declaration: Declaration) -> Iterator[Finding]:
    figure = _FIGURE.fullmatch(declaration.full)
    if declaration.progress is None and declaration.full != "100":
        yield warning(
            "no-progress", "full", "it is what progress is measured by, and there is none", "name the place of progress"
        )
    elif not declaration.full or (figure is not None and float(declaration.full) <= 0):
        yield Finding(
            "full", "no progress can be measured by it", 'give what it is when all is done, such as "100" or "1"'
        )


def _webhook(webhook: Signature) -> Iterator[Finding]:
    named = paths(webhook.signed)
    for place, name, wanted in (
        ("signature", webhook.signature, True),
        ("timestamp", webhook.timestamp, "timestamp" in named or bool(webhook.timestamp)),
        ("id", webhook.id, "id" in named or bool(webhook.id)),
    ):
        if wanted and not _FIELD.fullmatch(name):
            yield Finding(f"webhook.{place}", "the header that holds it is missing", "name it as the vendor does")
    if not webhook.job:
        yield Finding("webhook.job", "nothing says which job it is about", "name the place of its id or its address")
    if "body" not in named:
        yield Finding(
            "webhook.signed", "the body is not signed: anybody could send another", "name {body} where it is signed"
        )
    yield from of_braces("webhook.signed", webhook.signed)
    for name in sorted(named - {"id", "timestamp", "body"}):
        yield Finding("webhook.signed", f"nothing fills {{{name}}}", "it knows {id}, {timestamp} and {body}")
    if "timestamp" not in named:
        yield warning(
            "timeless",
            "webhook.signed",
            "the time is not signed: an old notification can be sent again",
            "leave it if the vendor does not sign it",
        )
    if not webhook.tolerance > 0:
        yield Finding("webhook.tolerance", "every notification would be too old", "give seconds, such as 300")
