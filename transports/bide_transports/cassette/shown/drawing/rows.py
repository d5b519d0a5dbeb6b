"""The lanes, one below the other: a band for what the service says, a strip for our waits, a bar for each request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bide_transports.cassette.shown.drawing.axis import Scale
from bide_transports.cassette.shown.drawing.spans import Band, Mark, Row, Span
from bide_transports.cassette.shown.drawing.svg import element, fitting, label, title, width_of

_NARROWEST = 2.0  # pixels of a request, however fast it was


@dataclass(frozen=True, slots=True)
class Heights:
    """The pixels of one row and of its parts, from its top: less for each lane where there are many."""

    row: float
    band: float
    strip: float
    text: bool = True

    @classmethod
    def of(cls, lanes: int) -> Heights:
        """For so many lanes; the words of a service are written only where there is room for them."""
        if lanes <= 12:
            return cls(46, 18, 10)
        return cls(36, 14, 7) if lanes <= 40 else cls(18, 6, 4, text=False)

    @property
    def waits(self) -> float:
        """Where the strip begins, below the band: a request crosses the strip alone, so no word is crossed out."""
        return 4 + self.band + 2 * self.beyond

    @property
    def beyond(self) -> float:
        """How far a request stands out of the strip, above and below."""
        return 3.0 if self.text else 1.0


@dataclass(frozen=True, slots=True)
class Palette:
    """The kinds in which the words of a service are drawn, in the order in which they came up."""

    kinds: dict[str, str]

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Palette:
        """A colour for each word; those that end a job have their own."""
        kinds: dict[str, str] = {}
        for band in (band for row in rows for band in row.bands):
            key = band.word.lower()
            if key not in kinds:
                taken = sum(kind.startswith("s") for kind in kinds.values())
                kinds[key] = band.kind or f"s{taken % 5}"
        return cls(kinds)

    def of_word(self, word: str) -> str:
        """How a word is drawn."""
        return self.kinds[word.lower()]


def lane(row: Row, y: float, scale: Scale, heights: Heights, palette: Palette) -> str:
    """One lane, whose top is at `y`."""
    parts = [
        *(_band(band, y, scale, heights, palette) for band in row.bands),
        *(_wait(wait, y, scale, heights) for wait in row.waits),
        *(_request(request, y, scale, heights) for request in row.requests),
        *_marks(row, y, scale, heights),
    ]
    return element("g", *parts, class_="lane")


def _band(band: Band, y: float, scale: Scale, heights: Heights, palette: Palette) -> str:
    x, end = scale.x(band.begin), scale.x(band.end)
    word = fitting(band.word, end - x - 14) if heights.text else ""
    box = element("rect", x=x, y=y + 4, width=max(end - x, 1.0), height=heights.band, class_=palette.of_word(band.word))
    text = label(word, x + 6, y + 4 + heights.band / 2 + 4, class_="word") if word else ""
    return element("g", title(*band.title), box, text, class_="band")


def _wait(wait: Span, y: float, scale: Scale, heights: Heights) -> str:
    x, end = scale.x(wait.begin), scale.x(wait.end)
    place = {"x": x, "y": y + heights.waits, "width": max(end - x, 0.5), "height": heights.strip}
    return element("rect", title(*wait.title), **place, class_=f"wait w-{wait.kind}", fill=f"url(#w-{wait.kind})")


def _request(request: Span, y: float, scale: Scale, heights: Heights) -> str:
    x, end = scale.x(request.begin), scale.x(request.end)
    top, high, wide = y + heights.waits - heights.beyond, heights.strip + 2 * heights.beyond, max(end - x, _NARROWEST)
    bar = element("rect", x=x, y=top, width=wide, height=high, class_="bar")
    sign = SIGNS[request.kind](x + wide / 2, top + high / 2, min(4.0, high / 2))
    return element("g", title(*request.title), bar, sign, class_=f"request {request.kind}")


def _marks(row: Row, y: float, scale: Scale, heights: Heights) -> list[str]:
    """Where the job was taken up, told of and ended; its end is written where nothing follows at once."""
    drawn: list[str] = []
    for mark, following in pairwise([*row.marks, None]):
        if mark is None:
            continue
        x, size = scale.x(mark.t), min(6.0, heights.row / 5)
        text = mark.word
        room = (scale.x(following.t) - x - 12) if following is not None else float("inf")
        if not heights.text or width_of(text) > room:
            text = ""
        told = label(text[:12], x + 12, y + 4 + heights.band / 2 + 4, class_="end") if text else ""
        sign = _sign(mark, x, y, size, heights)
        drawn.append(element("g", title(mark.title), sign, told, class_=f"mark {mark.kind}"))
    return drawn


def _sign(mark: Mark, x: float, y: float, size: float, heights: Heights) -> str:
    if mark.kind == "open":
        return path(f"M{x:.1f} {y + 1:.1f}l{size} {size / 2}l{-size} {size / 2}z")
    if mark.kind == "told":
        return path(f"M{x:.1f} {y + size + 2:.1f}l{-size / 1.5:.1f} {-size}h{size * 1.33:.1f}z")
    centre = y + 4 + heights.band / 2
    return ENDS[mark.kind](x + 1, centre, min(5.0, heights.row / 4))


def path(d: str) -> str:
    """A line or a shape."""
    return element("path", d=d)


def _nothing(x: float, y: float, size: float) -> str:  # noqa: ARG001  every sign is drawn alike
    return ""


def _diamond(x: float, y: float, size: float) -> str:
    return path(f"M{x:.1f} {y - size:.1f}l{size} {size}l{-size} {size}l{-size} {-size}z")


def _cross(x: float, y: float, size: float) -> str:
    a, b, c, d = x - size, y - size, x + size, y + size
    return element("path", d=f"M{a:.1f} {b:.1f}L{c:.1f} {d:.1f}M{a:.1f} {d:.1f}L{c:.1f} {b:.1f}", class_="stroke")


def _circle(x: float, y: float, size: float) -> str:
    return element("circle", cx=x, cy=y, r=size)


def _triangle(x: float, y: float, size: float) -> str:
    return path(f"M{x:.1f} {y - size:.1f}l{size} {2 * size}h{-2 * size}z")


def _square(x: float, y: float, size: float) -> str:
    return element("rect", x=x - size, y=y - size, width=2 * size, height=2 * size)


Sign = Callable[[float, float, float], str]
#: What stands on a request, by what came of it; and at the end of a lane.
SIGNS: dict[str, Sign] = {"fine": _nothing, "refused": _diamond, "unheard": _cross, "cut": _circle}
ENDS: dict[str, Sign] = {"good": _circle, "bad": _cross, "over": _square, "given-up": _triangle}
