"""Whether each sign can be seen, and whether one says more than a reply can mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from bide.dialects import Asked, Phase
from bide.dialects.declaration import Declaration
from bide.dialects.lint.finding import Finding
from bide.dialects.places import ANY, NONE, Places, Sign

_CODE = re.compile(r"[1-5](?:xx|\d\d)", re.ASCII)
_WORDS = Sign(Phase.UNFINISHED, asked=("poll",))  # a reply that shows no sign, when its word is looked at


def of_signs(declaration: Declaration) -> Iterator[Finding]:
    """Each sign by itself, then before those that follow it."""
    for place, sign in _placed(declaration):
        yield from _never(place, sign, declaration)
        if sign.phase is Phase.SUCCEEDED and not sign.when:
            yield from _hasty(place, sign, declaration)
    yield from _covered(declaration)


def _placed(declaration: Declaration) -> Iterator[tuple[str, Sign]]:
    return ((f"signs[{number}]", sign) for number, sign in enumerate(declaration.signs))


def _never(place: str, sign: Sign, declaration: Declaration) -> Iterator[Finding]:
    for code in sign.http:
        if not _CODE.fullmatch(code):
            yield Finding(f"{place}.http", f'"{code}" is no status code', 'give three digits, or a class such as "2xx"')
    if not sign.http:
        yield Finding(f"{place}.http", "it counts in no reply", 'leave it out (then it is "2xx"), or give status codes')
    for where, words in sign.when.items():
        if not words:
            yield Finding(f'{place}.when["{where}"]', "no word is named: the sign is never seen", "name one, or *")
    if not set(sign.asked) & _requests(declaration):
        yield Finding(
            f"{place}.asked",
            f"it counts in replies to {' and '.join(sign.asked) or 'nothing'} only, and no such request is made",
            "name another request, or declare this one",
        )
    for link in sign.links:
        if link not in declaration.links:
            yield Finding(f"{place}.links", f'there is no link "{link}"', "name one of those in links, or declare it")


def _requests(declaration: Declaration) -> set[Asked]:
    requests: set[Asked] = {"poll"}
    if declaration.submit is not None:
        requests.add("submit")
    if declaration.fetch is not None:
        requests.add("fetch")
    if declaration.cancel is not None:
        requests |= {"cancel", "confirm"}
    return requests


def _hasty(place: str, sign: Sign, declaration: Declaration) -> Iterator[Finding]:
    if "202" in sign.http or "2xx" in sign.http:
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
    signs = declaration.signs
    for later, sign in enumerate(signs):
        earlier = next((number for number in range(later) if _covers(signs[number], sign)), None)
        if earlier is not None and sign.asked and sign.http:
            yield Finding(
                f"signs[{later}]",
                f"signs[{earlier}] is seen in every reply that shows this one, and comes first",
                "put the narrower one first, or remove one of them",
            )
    hiding = next((number for number, sign in enumerate(signs) if _covers(sign, _WORDS)), None)
    if hiding is not None and declaration.phases:
        yield Finding(
            "phases",
            f"signs[{hiding}] is seen in every 2xx reply to a poll: the words are never looked at",
            "say in its when which replies it means",
        )


def _covers(earlier: Sign, later: Sign) -> bool:
    """Whether every reply that shows the later sign shows the earlier one, too."""
    return (
        set(later.asked) <= set(earlier.asked)
        and (not earlier.links or (bool(later.links) and set(later.links) <= set(earlier.links)))
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
