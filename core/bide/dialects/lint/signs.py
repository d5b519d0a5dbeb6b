"""Whether each sign can be seen, and whether one says more than a reply can mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase

from bide.dialect import Asked, Phase
from bide.dialects.declaration import Declaration
from bide.dialects.lint.finding import Finding, warning
from bide.dialects.places import ANY, NONE, Places, Sign
from bide.handles import STATUS

_CODE = re.compile(r"[1-5](?:xx|\d\d)", re.ASCII)
_WORDS = Sign(Phase.UNFINISHED, asked=("poll",))  # a reply that shows no sign, when its word is looked at


def of_signs(declaration: Declaration) -> Iterator[Finding]:
    """Each sign by itself, then before those that follow it."""
    for number, sign in enumerate(declaration.signs):
        yield from _never(f"signs[{number}]", sign)
        yield from _unused(f"signs[{number}]", sign, declaration)
        if sign.phase is Phase.SUCCEEDED and not sign.when:
            yield from _hasty(number, sign, declaration)
    yield from _covered(declaration)


def seen(declaration: Declaration) -> Iterator[tuple[int, Sign]]:
    """The signs that some reply can show, each with its number."""
    for number, sign in enumerate(declaration.signs):
        if not any(_unused("", sign, declaration)) and _cover(declaration, sign, number) is None:
            yield number, sign


def hides_words(declaration: Declaration) -> int | None:
    """The number of a sign that is seen in every 2xx reply to a poll, so that no word is looked at."""
    return _cover(declaration, _WORDS, len(declaration.signs))


def _cover(declaration: Declaration, sign: Sign, before: int) -> int | None:
    """The number of an earlier sign that is seen wherever this one is."""
    return next((number for number in range(before) if _covers(declaration.signs[number], sign)), None)


def _never(place: str, sign: Sign) -> Iterator[Finding]:
    for code in sign.http:
        if not _CODE.fullmatch(code):
            yield Finding(f"{place}.http", f'"{code}" is no status code', 'give three digits, or a class such as "2xx"')
    if not sign.http:
        yield Finding(f"{place}.http", "it counts in no reply", 'leave it out (then it is "2xx"), or give status codes')
    for where, words in sign.when.items():
        if not words:
            yield Finding(f'{place}.when["{where}"]', "no word is named: the sign is never seen", "name one, or *")
    if not sign.asked:
        yield Finding(f"{place}.asked", "it counts in replies to nothing only", "leave it out, or name a request")


def _unused(place: str, sign: Sign, declaration: Declaration) -> Iterator[Finding]:
    """What a sign asks for that this declaration does not have: left over, where it was made from another."""
    if sign.asked and not set(sign.asked) & _requests(declaration):
        yield warning(
            "unused-sign",
            f"{place}.asked",
            f"it counts in replies to {' and '.join(sign.asked)} only, and no such request is made",
            "name another request, declare this one, or remove the sign",
        )
    if sign.links and not set(sign.links) & _linked(declaration):
        named = " and ".join(f'"{link}"' for link in sign.links)
        yield warning("unused-sign", f"{place}.links", f"there is no link {named}", "declare it in links, or remove it")
    if sign.after and not declaration.status:
        yield warning("unused-sign", f"{place}.after", "no word is read that it could come after", "name it in status")


def _linked(declaration: Declaration) -> set[str]:
    """The links that there may be; those of a job that is only watched are the caller's."""
    return {*declaration.links, *({STATUS} if declaration.submit is None else ())}


def _requests(declaration: Declaration) -> set[Asked]:
    requests: set[Asked] = {"poll"}
    if declaration.submit is not None:
        requests.add("submit")
    if declaration.fetch is not None:
        requests.add("fetch")
    if declaration.reason is not None:
        requests.add("reason")
    if declaration.cancel is not None:
        requests |= {"cancel", "confirm"}
    return requests


def _hasty(number: int, sign: Sign, declaration: Declaration) -> Iterator[Finding]:
    place, accepted = f"signs[{number}]", replace(sign, http=("202",))
    if ("202" in sign.http or "2xx" in sign.http) and _cover(declaration, accepted, number) is None:
        yield Finding(
            f"{place}.http",
            "202 means that the job was accepted, and here that it succeeded",
            'name the codes that mean it is done, such as ["200", "204"], or what the body says in when',
        )
    if "cancel" in sign.asked and declaration.cancel is not None:
        yield Finding(
            f"{place}.asked",
            "a cancellation that is taken would read as success",
            'name the requests whose replies it counts in, such as ["poll", "confirm"]',
        )


def _covered(declaration: Declaration) -> Iterator[Finding]:
    for later, sign in enumerate(declaration.signs):
        earlier = _cover(declaration, sign, later)
        if earlier is not None and sign.asked and sign.http:
            yield warning(
                "hidden-sign",
                f"signs[{later}]",
                f"signs[{earlier}] is seen in every reply that shows this one, and comes first",
                "leave it if the first one replaces it; else put the narrower one first",
            )
    hiding = hides_words(declaration)
    if hiding is not None and declaration.phases:
        yield warning(
            "hidden-words",
            "phases",
            f"signs[{hiding}] is seen in every 2xx reply to a poll: the words are never looked at",
            "say in its when which replies it means, or remove the words",
        )


def _covers(earlier: Sign, later: Sign) -> bool:
    """Whether every reply that shows the later sign shows the earlier one, too."""
    return (
        set(later.asked) <= set(earlier.asked)
        and (not earlier.links or (bool(later.links) and set(later.links) <= set(earlier.links)))
        and (not earlier.after or (bool(later.after) and set(later.after) <= set(earlier.after)))
        and all(any(code in (one, f"{one[:1]}xx") for code in earlier.http) for one in later.http)
        and all(_implied(words, later.when.get(place, ())) for place, words in earlier.when.items())
    )


def _implied(wide: Places, narrow: Places) -> bool:
    return bool(narrow) and all(any(_contains(pattern.lower(), word.lower()) for pattern in wide) for word in narrow)


def _contains(pattern: str, word: str) -> bool:
    """Whether whatever the word fits, the pattern fits as well; no rather than a guess."""
    if NONE in (pattern, word) or pattern == word:
        return pattern == word
    if pattern == ANY:
        return not fnmatchcase("", word) and not fnmatchcase("false", word)  # what may stand for nothing
    return word != ANY and fnmatchcase(word, pattern.replace("[", "[[]").replace("?", "[?]"))
