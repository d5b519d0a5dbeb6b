"""Whether every end of a job can be told from the replies, and whether each word can be heard."""

from __future__ import annotations

from collections.abc import Iterator

from bide.dialect import Asked, Phase
from bide.dialects.declaration import Declaration
from bide.dialects.lint.finding import Finding, warning
from bide.dialects.lint.signs import hides_words, seen
from bide.dialects.places import ANY

_ANY_CALL: tuple[Asked, ...] = ("submit", "poll", "fetch", "cancel", "confirm")


def of_phases(declaration: Declaration) -> Iterator[Finding]:
    """The ends of a job, and the words for them."""
    yield from _ends(declaration)
    if declaration.phases and not declaration.status:
        yield warning(
            "no-status",
            "phases",
            "there are words, but no place to read them from",
            "name it in status, or remove them",
        )
    yield from _words(declaration)


def _ends(declaration: Declaration) -> Iterator[Finding]:
    if not _leads_to(Phase.SUCCEEDED, declaration, ("poll",)):
        yield Finding(
            "phases",
            "no word, and no sign in the reply to a poll, leads to succeeded: no job would ever complete",
            "name the word that means it is done, or add a sign",
        )
    if not _leads_to(Phase.FAILED, declaration, _ANY_CALL):
        yield warning(
            "no-failure",
            "phases",
            "no word and no sign leads to failed: a job that failed would be polled until the deadline",
            "name the word that means it failed, or add a sign such as an error in the body; leave it if none can fail",
        )
    if declaration.cancel is not None and not _leads_to(Phase.CANCELLED, declaration, ("poll", "cancel", "confirm")):
        yield warning(
            "no-cancelled",
            "cancel",
            "it is offered, but no word and no sign leads to cancelled: nobody would learn that it worked",
            'name the word, or add a sign to the look afterwards, such as {"asked": "confirm", "http": "404"}',
        )


def _leads_to(phase: Phase, declaration: Declaration, asked: tuple[Asked, ...]) -> bool:
    """Whether a reply to one of these requests can say so, as far as the declaration tells."""
    spoken = bool(declaration.status) and phase in declaration.phases.values() and hides_words(declaration) is None
    signs = (sign for _, sign in seen(declaration))
    return spoken or any(sign.phase is phase and not set(asked).isdisjoint(sign.asked) for sign in signs)


def _words(declaration: Declaration) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for word in declaration.phases:
        place = f'phases["{word}"]'
        if word.lower() in seen:
            yield Finding(
                place, f'it is the same word as "{seen[word.lower()]}": case makes no difference', "keep one of them"
            )
        if word != word.strip() or not word:
            yield Finding(place, "no reply holds this word: spaces around it are dropped", "leave the spaces out")
        if ANY in word:
            yield Finding(
                place,
                "* stands for itself here: no reply will hold it",
                "list the words one by one, or write a sign, where * stands for any text",
            )
        seen.setdefault(word.lower(), word)
