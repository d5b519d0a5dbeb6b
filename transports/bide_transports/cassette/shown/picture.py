"""A cassette as a picture: one page of HTML that needs no script and nothing from elsewhere, in light and in dark.

Lanes stand one below the other over time: what the service said of the job, why and how long we waited, each request
with the time it took. Below stands how many requests were left. The pointer on anything tells more of it.
"""

from __future__ import annotations

from bide.dialect import Dialect
from bide_transports.cassette.shown.drawing import quota
from bide_transports.cassette.shown.drawing.axis import Scale, length
from bide_transports.cassette.shown.drawing.legend import legend
from bide_transports.cassette.shown.drawing.quota import Left
from bide_transports.cassette.shown.drawing.rows import Heights, Palette, lane
from bide_transports.cassette.shown.drawing.spans import Row, row
from bide_transports.cassette.shown.drawing.style import patterns, sheet
from bide_transports.cassette.shown.drawing.svg import element, fitting, label, title, words
from bide_transports.cassette.shown.transcript import outcome, summary, transcript
from bide_transports.cassette.tape import Cassette
from bide_transports.cassette.wording import Wording

_NAMES = 240.0  # pixels of the lanes' names
_AXIS = 26.0  # pixels of the axis, above and below
_LEFT, _RIGHT = 14.0, 110.0  # pixels beside the plot; the words at the end of a lane stand at its right
_WIDTHS = (900.0, 2600.0)  # pixels of the plot: wider where many requests would stand on one another
_APART = 9.0  # pixels from one request to the next, if there is room
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def picture(cassette: Cassette, *, dialect: Dialect | None = None, notice: str = "") -> str:
    """The page. `notice` is said on top of it: what is wrong with the cassette.

    `dialect` is wanted for one that does not come with bide, or its replies are told by their usual names.
    """
    wording = Wording.of(cassette.head, dialect)
    rows = [row(name, events, wording) for name, events in cassette.lanes.items()]
    told = [element("p", words(line)) for line in summary(cassette)]
    warning = element("p", words(notice), class_="notice") if notice else ""
    if not rows:
        empty = element("p", "There is nothing on this cassette: nothing was sent while it was recorded.")
        return _page(cassette, *told, warning, empty)
    text = element("pre", _lines(transcript(cassette, dialect=dialect)))
    details = element("details", element("summary", "The same as text"), text)
    return _page(cassette, *told, warning, _board(cassette, rows, wording), details)


def _lines(text: str) -> str:
    """Text of several lines as markup."""
    return "\n".join(map(words, text.split("\n")))


def _page(cassette: Cassette, *body: str) -> str:
    name = f"{cassette.head.dialect} on a cassette"
    head = element(
        "head",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        title(name),
        element("style", sheet()),
    )
    return f"<!DOCTYPE html>\n{element('html', head, element('body', element('h1', words(name)), *body), lang='en')}\n"


def _board(cassette: Cassette, rows: list[Row], wording: Wording) -> str:
    """The legend, and beside one another the names, which stay, and the plot, which may be moved under them."""
    heights, palette, left = Heights.of(len(rows)), Palette.of(rows), quota.told(cassette, wording.dialect)
    scale = _scale(rows)
    under = _AXIS + heights.row * len(rows) + 6
    tall = under + (quota.HEIGHT if left else 0.0) + _AXIS
    board = element(
        "div",
        element("div", _names(cassette, rows, left, heights, under, tall), class_="names"),
        element("div", _plot(rows, left, scale, heights, palette, under, tall), class_="plot"),
        class_="board",
    )
    return legend(rows, palette) + board


def _scale(rows: list[Row]) -> Scale:
    marks = [mark.t for row in rows for mark in row.marks]
    begin = min([0, *marks, *(span.begin for row in rows for span in row.requests)])
    busiest = max(len(row.requests) for row in rows)
    width = min(max(_WIDTHS[0], busiest * _APART), _WIDTHS[1])
    return Scale(begin, max(begin + 1, *(row.end for row in rows)), _LEFT, width)


def _names(cassette: Cassette, rows: list[Row], left: list[Left], heights: Heights, under: float, tall: float) -> str:
    parts: list[str] = []
    for number, (one, events) in enumerate(zip(rows, cassette.lanes.values(), strict=True)):
        y, told = _AXIS + heights.row * number, outcome(events)
        name = fitting(one.name, _NAMES - 20) or "…"
        beside = label(name, 10, y + min(17.0, heights.row / 2 + 4), class_="name")
        below = label(fitting(told, _NAMES - 20), 10, y + 32, class_="faint") if heights.row > 40 else ""
        parts.append(_stripe(number, y, _NAMES, heights) + element("g", title(one.name, told), beside, below))
    beside = quota.names(left, under, _NAMES - 8) if left else ""
    return element("svg", *parts, beside, width=_NAMES, height=tall)


def _plot(
    rows: list[Row], left: list[Left], scale: Scale, heights: Heights, palette: Palette, under: float, tall: float
) -> str:
    width = scale.left + scale.width + _RIGHT
    stripes = [_stripe(number, _AXIS + heights.row * number, width, heights) for number in range(len(rows))]
    lanes = [lane(row, _AXIS + heights.row * n, scale, heights, palette) for n, row in enumerate(rows)]
    curve = quota.chart(left, under, scale) if left else ""
    axis = _axis(scale, tall)
    told = f"{len(rows)} lanes over {length(scale.end - scale.begin)}"
    return element(
        "svg", patterns(), *stripes, axis, *lanes, curve, width=width, height=tall, role="img", aria_label=told
    )


def _stripe(number: int, y: float, width: float, heights: Heights) -> str:
    return element("rect", x=0, y=y, width=width, height=heights.row, class_="stripe") if number % 2 else ""


def _axis(scale: Scale, tall: float) -> str:
    """The round instants, above and below, and a line through the lanes for each."""
    parts: list[str] = []
    for t in scale.ticks():
        x = scale.x(t)
        parts.append(element("path", d=f"M{x} {_AXIS}V{tall - _AXIS}", class_="grid"))
        parts += [label(length(t), x, y, class_="tick", text_anchor="middle") for y in (_AXIS - 9, tall - _AXIS + 16)]
    return element("g", *parts, class_="axis")
