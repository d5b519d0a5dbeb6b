"""Whether each request can be made of what is known when it is due."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from bide.dialects.calls import ORDER, Call, gaps, is_link, link_of, paths, strays
from bide.dialects.declaration import Declaration
from bide.dialects.lint.finding import Finding, warning
from bide.dialects.moments import MOMENT
from bide.faults import InvalidAddress
from bide.handles import COOKIE, ID, SEEN, STATUS
from bide.urls import base, exposed, origin

_METHOD = re.compile(r"[A-Z]+", re.ASCII)
_ADDRESS = re.compile(r"/|https?://|\{[a-z_][a-z0-9_]*\}", re.ASCII)
_WHOLE = frozenset({"input", "metadata"})  # what has members


@dataclass(frozen=True, slots=True)
class _Known:
    """What can fill a gap: whole addresses at the beginning of one, values anywhere else."""

    addresses: frozenset[str]
    values: frozenset[str]

    def missing(self, template: str) -> set[str]:
        """The gaps of an address that nothing fills: links begin it, or are parameters of it."""
        link = link_of(template)
        path, _, query = template[len(link) + 2 if link else 0 :].partition("?")
        lacking = self.lacking(path) | {gap for gap in self.lacking(query) if gap not in self.addresses}
        return lacking | ({link} - self.addresses if link else set())

    def lacking(self, template: str) -> set[str]:
        """The gaps that no value fills."""
        return {path for path in paths(template) if not self._has(path)}

    def _has(self, path: str) -> bool:
        name, _, member = path.partition(".")
        return name in self.values and (not member or name in _WHOLE)


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
            yield from _which(place, call, declaration)
    yield from _headers(declaration)
    if declaration.submit is not None:
        yield from _submission(declaration.submit, declaration.headers)
    yield from _links(declaration)


def _calls(declaration: Declaration) -> Iterator[tuple[str, Call, _Known]]:
    """Each call that is made, with what is known then: a job is submitted here, or named by the caller."""
    links = {name for name, places in declaration.links.items() if places}
    watched = declaration.submit is None
    values = {ID} if declaration.id or watched else set[str]()
    known = _Known(
        frozenset(links | ({STATUS} if watched else set())), frozenset(values if watched else values | ORDER)
    )
    for place in ("poll", "fetch", "reason", "cancel"):
        call: Call | None = getattr(declaration, place)
        if call is not None:
            yield place, call, known
    if declaration.submit is not None:
        yield "submit", declaration.submit, _Known(frozenset(), ORDER)
    yield "file", declaration.file, _Known(frozenset({"file"}), frozenset({"file"}))


def _form(place: str, call: Call, *, keyless: bool) -> Iterator[Finding]:
    if not _METHOD.fullmatch(call.method):
        yield Finding(f"{place}.method", f'"{call.method}" is no method', "give one in capitals, such as GET or POST")
    for number, url in enumerate(call.urls):
        where = f"{place}.urls[{number}]"
        if not _ADDRESS.match(url) and not strays(url):
            yield Finding(where, "it is no address", 'begin it with "/" (after the base URL), with a link, or https://')
        elif "://" in url and origin(url) is None:
            yield Finding(where, "it is no plain address", "give scheme, host and path, without gaps in the host")
        elif exposed(url, keyless=keyless):
            yield Finding(where, "the request would go unencrypted", "use https")
    for member, text in call.templates:
        yield from of_braces(f"{place}.{member}", text)


def of_braces(place: str, text: str) -> Iterator[Finding]:
    """What stands in braces in a template and is no gap."""
    for stray in dict.fromkeys(strays(text)):
        yield Finding(
            place,
            f'"{stray}" is no gap' if len(stray) > 1 else f'"{stray}" stands alone',
            "write {{ and }} for braces that are meant; a gap is a name such as {id}, or {input.size} for a member",
        )


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
            yield warning("unfilled", where, f"nothing fills {_named(names)}", _advice(place, call, names))
        elif not gaps(url) and url != call.urls[-1]:
            yield warning("unused-address", where, "the addresses after it are never used", "put it last")


def _advice(place: str, call: Call, names: list[str]) -> str:
    if place == "submit":
        return f"what a submission knows is {_named(sorted(ORDER))}"
    if place == "file":
        return "a file is known as {file}"
    if not MOMENT.isdisjoint(names):
        return "what differs between requests may stand in header lines, query and body"
    if ID in names and any(is_link(url) and ID in gaps(url) for url in call.urls):
        return "{id} is no whole address: write the path before it, such as /jobs/{id}"
    if ID in names:
        return "say in id where the job's id stands in the reply"
    return f'say in links where the address stands, such as {{"{names[0]}": "@location"}}, and begin with the gap'


def _values(place: str, call: Call, known: _Known) -> Iterator[Finding]:
    elsewhere = {path for member, text in call.templates if member != "urls" for path in known.lacking(text)}
    for name in sorted(elsewhere - known.addresses - {COOKIE} - (set() if place == "file" else MOMENT)):
        yield Finding(place, f"nothing fills {_named([name])}", _advice(place, call, [name]))


def _which(place: str, call: Call, declaration: Declaration) -> Iterator[Finding]:
    if replace(call, urls=()).gaps or declaration.cookies:
        return
    for number, url in enumerate(call.urls):
        if not gaps(url) and not strays(url):
            what, gap = ("files", "{file}") if place == "file" else ("jobs", "{id}")
            where, problem, advice = f"{place}.urls[{number}]", f"it is the same for all {what}", f"name a gap: {gap}"
            if place == "cancel":
                yield warning("one-for-all", where, problem, f"{advice}, or leave it if there is one job at a time")
            else:
                yield Finding(where, problem, advice)


def _foreign(place: str, call: Call, declaration: Declaration) -> Iterator[Finding]:
    home = origin(declaration.base_url)
    for number, url in enumerate(call.urls):
        if declaration.authorization is not None and origin(url) not in (None, home):
            yield warning(
                "without-key",
                f"{place}.urls[{number}]",
                "it is at another origin than base_url, so it is asked without the key",
                "leave it if that is right; a key goes to one origin only",
            )


def _headers(declaration: Declaration) -> Iterator[Finding]:
    """The header lines of all calls: one whose gap a call does not know is left out there."""
    known = MOMENT.union(*(known.values | known.addresses for _, _, known in _calls(declaration)))
    for name, value in declaration.headers:
        yield from of_braces("headers", value)
        for gap in sorted(path for path in paths(value) if path.partition(".")[0] not in known):
            yield Finding("headers", f"the gap {{{gap}}} in {name} is never filled", "put the line into a call")


def _submission(call: Call, headers: tuple[tuple[str, str], ...]) -> Iterator[Finding]:
    known = call.gaps.union(*(gaps(value) for _, value in headers))
    if not known & {"input", "input_json"}:
        yield warning(
            "no-input",
            "submit",
            "it takes no input: an order that has some is refused",
            'if the service takes any, name the gap {input} where it belongs, such as {"...": "{input}"}',
        )
    elif twice := sorted(_twice(call)):
        yield warning(
            "input-twice",
            "submit",
            f"{_named(twice)} is sent twice: by itself, and with the rest of {{input}}",
            "leave it if the service takes both; else name the members of the body one by one",
        )
    if "model" not in known:
        yield warning(
            "no-model", "submit", "the model that the caller names goes nowhere", "name {model} where it belongs"
        )
    yield from _repetition(call, has_key="key" in known)


def _repetition(call: Call, *, has_key: bool) -> Iterator[Finding]:
    if has_key or call.method == "DELETE" or call.repeatable is not None:
        return
    if call.method == "PUT":
        yield warning(
            "keyless-put",
            "submit",
            "without a key it is sent again all the same where its reply was lost, since it is a PUT",
            'leave it if the second finds what the first has made; if it makes another, say "repeatable": false',
        )
    else:
        yield warning(
            "no-key",
            "submit",
            "it cannot be repeated: a submission whose reply is lost is never tried again",
            "if the service takes an idempotency key, name the gap {key} where it belongs",
        )


def _twice(call: Call) -> set[str]:
    """The members of the input that go out by themselves, where the input goes out whole as well."""
    wanted = {path for _, text in call.templates for path in paths(text)}
    return {path for path in wanted if path.startswith("input.")} if "input" in wanted else set()


def _links(declaration: Declaration) -> Iterator[Finding]:
    calls = (declaration.poll, declaration.fetch, declaration.reason, declaration.cancel)
    used = frozenset[str]().union(*(call.gaps for call in calls if call is not None))
    for name, places in declaration.links.items():
        if name in (ID, COOKIE, SEEN, *ORDER, *MOMENT):
            yield Finding(f"links.{name}", f"{name} is no name for a link", "call it after the call that uses it")
        elif name not in used:
            yield warning(
                "unused-link",
                f"links.{name}",
                "no call uses it",
                f"name the gap {{{name}}} in an address, or remove it",
            )
        elif not places:
            yield warning("no-place", f"links.{name}", "it stands nowhere", "name its place, or leave the link out")


def _named(names: list[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)
