"""Whether each request can be made of what is known when it is due."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from bide.dialects.calls import Call, gaps, is_link
from bide.dialects.declaration import Declaration
from bide.dialects.lint.finding import Finding, warning
from bide.errors import InvalidAddress
from bide.handles import COOKIE, ID, STATUS
from bide.urls import base, exposed, origin

_ORDER = frozenset({"model", "input", "input_json", "key", "metadata", "webhook"})
_METHOD = re.compile(r"[A-Z]+", re.ASCII)
_ADDRESS = re.compile(r"/|https?://|\{[a-z_]+\}", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Known:
    """What can fill a gap: whole addresses at the beginning of one, values anywhere else."""

    addresses: frozenset[str]
    values: frozenset[str]

    def missing(self, template: str) -> set[str]:
        """The gaps of an address that nothing fills."""
        link = sorted(gaps(template[: template.find("}") + 1])) if is_link(template) else []
        rest = gaps(template[template.find("}") + 1 :] if link else template)
        return {name for name in link if name not in self.addresses} | (rest - self.values)


def of_calls(declaration: Declaration) -> Iterator[Finding]:
    """The base URL, then each call, then the links that they should use."""
    try:
        base(declaration.base_url, keyless=declaration.authorization is None)
    except InvalidAddress as error:
        problem, _, advice = str(error).rpartition(": ")
        yield Finding("base_url", problem, advice)
    for place, call, known in _calls(declaration):
        yield from _form(place, call, keyless=declaration.authorization is None)
        yield from _addresses(place, call, known)
        yield from _values(place, call, known)
        yield from _foreign(place, call, declaration)
        if place != "submit":
            yield from _which(place, call)
    yield from _submission(declaration.submit)
    yield from _links(declaration)


def _calls(declaration: Declaration) -> Iterator[tuple[str, Call, _Known]]:
    """Each call that is made, with what is known then: a job is submitted here, or named by the caller."""
    links = {name for name, places in declaration.links.items() if places}
    watched = declaration.submit is None
    known = _Known(
        frozenset(links | ({STATUS} if watched else set())), frozenset({ID} if declaration.id or watched else set())
    )
    for place in ("poll", "fetch", "cancel"):
        call: Call | None = getattr(declaration, place)
        if call is not None:
            yield place, call, known
    if declaration.submit is not None:
        yield "submit", declaration.submit, _Known(frozenset(), _ORDER)
    yield "file", declaration.file, _Known(frozenset({"file"}), frozenset({"file"}))


def _form(place: str, call: Call, *, keyless: bool) -> Iterator[Finding]:
    if not _METHOD.fullmatch(call.method):
        yield Finding(f"{place}.method", f'"{call.method}" is no method', "give one in capitals, such as GET or POST")
    for number, url in enumerate(call.urls):
        where = f"{place}.urls[{number}]"
        if not _ADDRESS.match(url):
            yield Finding(where, "it is no address", 'begin it with "/" (after the base URL), with a link, or https://')
        elif "://" in url and origin(url) is None:
            yield Finding(where, "it is no plain address", "give scheme, host and path, without gaps in the host")
        elif exposed(url, keyless=keyless):
            yield Finding(where, "the request would go unencrypted", "use https")


def _addresses(place: str, call: Call, known: _Known) -> Iterator[Finding]:
    missing = [(url, sorted(known.missing(url))) for url in call.urls]
    if not missing:
        yield Finding(f"{place}.urls", "there is no address to send it to", "name one")
    elif all(names for _, names in missing):
        names = sorted({name for _, names in missing for name in names})
        yield Finding(f"{place}.urls", f"nothing fills {_named(names)}", _advice(place, call, names))
    else:
        yield from _alternatives(place, call, missing)


def _alternatives(place: str, call: Call, missing: list[tuple[str, list[str]]]) -> Iterator[Finding]:
    for number, (url, names) in enumerate(missing):
        where = f"{place}.urls[{number}]"
        if not {ID, STATUS}.issuperset(names):  # those two may come from a caller who watches a job of elsewhere
            yield warning(where, f"nothing fills {_named(names)}", _advice(place, call, names))
        elif not gaps(url) and url != call.urls[-1]:
            yield warning(where, "the addresses after it are never used", "put it last")


def _advice(place: str, call: Call, names: list[str]) -> str:
    if place == "submit":
        return f"what a submission knows is {_named(sorted(_ORDER))}"
    if place == "file":
        return "a file is known as {file}"
    if ID in names and any(is_link(url) and ID in gaps(url) for url in call.urls):
        return "{id} is no whole address: write the path before it, such as /jobs/{id}"
    if ID in names:
        return "say in id where the job's id stands in the reply"
    return f'say in links where the address stands, such as {{"{names[0]}": "@location"}}, and begin with the gap'


def _values(place: str, call: Call, known: _Known) -> Iterator[Finding]:
    inside = gaps("\n".join(call.urls))
    for name in sorted(call.gaps - inside - known.values - known.addresses - {COOKIE}):
        if name == "key":
            advice = "{key} is a submission's idempotency key; the caller's own key belongs into authorization"
        else:
            advice = _advice(place, call, [name])
        yield Finding(place, f"nothing fills {_named([name])}", advice)


def _which(place: str, call: Call) -> Iterator[Finding]:
    if not replace(call, urls=()).gaps:
        for number, url in enumerate(call.urls):
            if not gaps(url):
                what, gap = ("files", "{file}") if place == "file" else ("jobs", "{id}")
                yield Finding(f"{place}.urls[{number}]", f"it is the same for all {what}", f"name a gap such as {gap}")


def _foreign(place: str, call: Call, declaration: Declaration) -> Iterator[Finding]:
    home = origin(declaration.base_url)
    for number, url in enumerate(call.urls):
        if declaration.authorization is not None and origin(url) not in (None, home):
            yield warning(
                f"{place}.urls[{number}]",
                "it is at another origin than base_url, so it is asked without the key",
                "leave it if that is right; a key goes to one origin only",
            )


def _submission(call: Call | None) -> Iterator[Finding]:
    if call is None:
        return
    if not call.gaps & {"input", "input_json"}:
        yield Finding("submit", "the caller's input goes nowhere", 'name the gap {input}, such as {"...": "{input}"}')
    if "model" not in call.gaps:
        yield warning("submit", "the model that the caller names goes nowhere", "name the gap {model} where it belongs")
    if "key" not in call.gaps and call.method not in ("PUT", "DELETE"):
        yield warning(
            "submit",
            "it cannot be repeated: a submission whose reply is lost is never tried again",
            "if the service takes an idempotency key, name the gap {key} where it belongs",
        )


def _links(declaration: Declaration) -> Iterator[Finding]:
    calls = (declaration.poll, declaration.fetch, declaration.cancel)
    used = frozenset[str]().union(*(call.gaps for call in calls if call is not None))
    for name, places in declaration.links.items():
        if name in (ID, COOKIE):
            yield Finding(f"links.{name}", f"{name} is no name for a link", "call it after the call that uses it")
        elif name not in used:
            yield warning(f"links.{name}", "no call uses it", f"name the gap {{{name}}} in an address, or leave it out")
        if not places:
            yield Finding(f"links.{name}", "it stands nowhere", "name its place, or leave the link out")


def _named(names: list[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)
