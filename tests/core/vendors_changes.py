"""Every way to get one entry of a declaration wrong: left out, or put where no reply has it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypeVar

from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.places import ABOUT_THE_JOB, Sign

T = TypeVar("T")
_PLACES = ("id", "cookies", "status", "wait_ms", "output", "files", "code", "message", "request_id")
_USUAL_FILE = Declaration("usual", "https://api.example").file
_CALLS = ("submit", "poll", "fetch", "cancel", "file")


def changes(declaration: Declaration) -> Iterator[tuple[str, Declaration]]:
    """Each change by its name, with the declaration that has it."""
    for name, changed in _members(declaration):
        yield name, replace(declaration, **changed)


def member(name: str) -> str:
    """The member of the declaration that the change of that name is made in."""
    return re.split(r"\W", name, maxsplit=1)[0]


def _members(declaration: Declaration) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in _PLACES:
        for place, left in _without_each(getattr(declaration, name)):
            yield f"{name}: {place}", {name: left}
    for link, places in declaration.links.items():
        for place, left in _without_each(places):
            yield f"links.{link}: {place}", {"links": {**declaration.links, link: left}}
    for word, phase in declaration.phases.items():
        left_ = {**declaration.phases, f"{word}!": phase}
        del left_[word]
        yield f"phases: {word}", {"phases": left_}
    for number, sign in enumerate(declaration.signs):
        for name, others in _of_sign(sign, declaration):
            signs = (*declaration.signs[:number], *others, *declaration.signs[number + 1 :])
            yield f"signs[{number}]{name} {sign}", {"signs": signs}
    for name in _CALLS:
        call: Call | None = getattr(declaration, name)
        for what, changed in _of_call(call) if call not in (None, _USUAL_FILE) else ():
            yield f"{name}.{what}", {name: changed}
    yield from _of_the_rest(declaration)


def _of_the_rest(declaration: Declaration) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "base_url", {"base_url": f"{declaration.base_url}/v9"}
    yield "authorization", {"authorization": ("x-key", "{key}")}
    for line, left in _without_each(declaration.headers):
        yield f"headers: {line}", {"headers": left}
    if declaration.progress is not None:
        yield "progress", {"progress": None}
        yield "full", {"full": "7"}
    if declaration.quota is not None:
        for number, name in enumerate(declaration.quota):
            yield f"quota: {name}", {"quota": tuple("x" if n == number else f for n, f in enumerate(declaration.quota))}


def _of_sign(sign: Sign, declaration: Declaration) -> Iterator[tuple[str, tuple[Sign, ...]]]:
    """The sign left out, each of its conditions left out, and each of its words and codes."""
    yield "", ()
    if sign.here:
        yield ".here", (replace(sign, here=False),)
    never = () if declaration.fetch else ("fetch",)
    for place, words in sign.when.items():
        yield (
            f".when: {place}",
            (replace(sign, when={name: word for name, word in sign.when.items() if name != place}),),
        )
        for word, left in _without_each(words):
            yield f".when.{place}: {word}", (replace(sign, when={**sign.when, place: left}),)
    for name in ("http", "asked", "links"):
        for word, left in _without_each(getattr(sign, name)):
            if left and word not in never and not (word in ABOUT_THE_JOB and set(ABOUT_THE_JOB) <= set(sign.asked)):
                changed: dict[str, Any] = {name: left}
                yield f".{name}: {word}", (replace(sign, **changed),)


def _of_call(call: Call) -> Iterator[tuple[str, Call]]:
    yield "method", replace(call, method="PATCH" if call.method != "PATCH" else "PUT")
    for url, left in _without_each(call.urls):
        yield f"urls: {url}", replace(call, urls=left or ("/nowhere",))
    for name in ("headers", "query"):
        for line, lines in _without_each(getattr(call, name)):
            changed: dict[str, Any] = {name: lines}
            yield f"{name}: {line}", replace(call, **changed)
    if call.body is not None:
        yield "content_type", replace(call, content_type="text/plain")
        yield "body", replace(call, body=None)
    if isinstance(call.body, dict):
        for member in call.body:
            yield f"body.{member}", replace(call, body={key: item for key, item in call.body.items() if key != member})


def _without_each(items: tuple[T, ...]) -> Iterator[tuple[T, tuple[T, ...]]]:
    return ((item, (*items[:number], *items[number + 1 :])) for number, item in enumerate(items))
