"""What the signs of a picture mean: only those that are in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bide_transports.cassette.shown.drawing.rows import ENDS, SIGNS, Palette, path
from bide_transports.cassette.shown.drawing.spans import REASONS, Row
from bide_transports.cassette.shown.drawing.svg import element, words
from bide_transports.cassette.wording import shortened

_MOST = 16  # words of a service
_REQUESTS = {
    "fine": "answered, as wide as it took",
    "refused": "answered with an error",
    "unheard": "no answer",
    "cut": "the recording ends here",
}
_REASONS = {kind: f"waits: {word}" for word, kind in REASONS.items()} | {"other": "waits for a reason of its own"}


def legend(rows: Sequence[Row], palette: Palette) -> str:
    """The list of all that is drawn in `rows`."""
    requests = {request.kind for row in rows for request in row.requests}
    waits = {wait.kind for row in rows for wait in row.waits}
    ends = {mark.word: mark.kind for row in rows for mark in row.marks if mark.word}
    marks = {mark.kind for row in rows for mark in row.marks}
    items = [*_words(rows, palette)]
    items += [_item(_wait(kind), told) for kind, told in _REASONS.items() if kind in waits]
    items += [_item(_request(kind), told) for kind, told in _REQUESTS.items() if kind in requests]
    items += [_item(_mark("open", "M10 3l6 4l-6 4z"), "a job is taken up")] * ("open" in marks)
    items += [_item(_mark("told", "M13 12l-5 -8h10z"), "a webhook tells of it")] * ("told" in marks)
    items += [
        _item(element("g", ENDS[kind](13, 7, 5), class_=f"mark {kind}"), f"the end: {shortened(word, 40)}")
        for word, kind in ends.items()
    ]
    return element("ul", *items, class_="legend")


def _words(rows: Sequence[Row], palette: Palette) -> Iterable[str]:
    """The service's own words, each as it was first said."""
    said: dict[str, str] = {}
    for band in (band for row in rows for band in row.bands):
        said.setdefault(band.word.lower(), band.word)
    for word in [*said.values()][:_MOST]:
        swatch = element("rect", x=0, y=1, width=26, height=12, class_=palette.of_word(word))
        yield _item(swatch, shortened(word, 40))
    if len(said) > _MOST:
        yield _item("", f"and {len(said) - _MOST} words more")


def _wait(kind: str) -> str:
    box = {"x": 0.5, "y": 2, "width": 25, "height": 10}
    return element("rect", **box, class_=f"wait w-{kind}", fill=f"url(#w-{kind})")


def _request(kind: str) -> str:
    bar = element("rect", x=11, y=0, width=4, height=14, class_="bar")
    return element("g", bar, SIGNS[kind](13, 7, 4), class_=f"request {kind}")


def _mark(kind: str, shape: str) -> str:
    return element("g", path(shape), class_=f"mark {kind}")


def _item(drawn: str, told: str) -> str:
    swatch = element("svg", drawn, width=26, height=14, aria_hidden="true") if drawn else ""
    return element("li", swatch, element("span", words(told)))
