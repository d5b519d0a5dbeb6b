"""How many requests the service still allowed, as its headers told it, over time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bide.dialect import Dialect
from bide.messages import Response
from bide.quota import read_quota
from bide_transports.cassette.files import in_order
from bide_transports.cassette.shown.drawing.axis import Scale
from bide_transports.cassette.shown.drawing.svg import element, label, title
from bide_transports.cassette.tape import Cassette, Heard
from bide_transports.cassette.wording import seconds

HEIGHT = 84.0  # pixels, with the room above and below
_TOP, _BOTTOM = 14.0, 70.0


@dataclass(frozen=True, slots=True)
class Left:
    """What one reply said: so many are left, of so many."""

    t: int
    remaining: int
    limit: int | None


def told(cassette: Cassette, dialect: Dialect | None) -> list[Left]:
    """What the replies say of the rate limit, in the order of their times."""
    return [*_told(cassette, None if dialect is None else dialect.quota)]


def top(left: list[Left]) -> int:
    """The most that was ever allowed."""
    return max((max(one.remaining, one.limit or 0) for one in left), default=0) or 1


def chart(left: list[Left], y: float, scale: Scale) -> str:
    """The curve, whose top is at `y`: between two replies the last one stands."""
    most = top(left)
    points = [(scale.x(one.t), round(y + _BOTTOM - (_BOTTOM - _TOP) * one.remaining / most, 1)) for one in left]
    line = f"M{points[0][0]} {points[0][1]}" + "".join(f"H{x}V{height}" for x, height in points[1:])
    edges = [element("path", d=f"M{scale.left} {y + at}h{scale.width}", class_="grid") for at in (_TOP, _BOTTOM)]
    dots = [_dot(one, x, height) for one, (x, height) in zip(left, points, strict=True)]
    return element("g", *edges, element("path", d=line, class_="curve"), *dots, class_="quota")


def names(left: list[Left], y: float, x: float) -> str:
    """What stands beside the curve."""
    most = label(str(top(left))[:12], x, y + _TOP + 4, class_="tick", text_anchor="end")
    none = label("0", x, y + _BOTTOM + 4, class_="tick", text_anchor="end")
    return label("requests left", 10, y + (_TOP + _BOTTOM) / 2 + 4) + most + none


def _dot(one: Left, x: float, y: float) -> str:
    of = "" if one.limit is None else f" of {one.limit}"
    told = title(f"{seconds(one.t)} {one.remaining}{of} left")
    return element("circle", told, cx=x, cy=y, r=2.2, class_="dot" if one.remaining else "dot spent")


def _told(cassette: Cassette, names: tuple[str, str, str] | None) -> Iterator[Left]:
    for event in in_order(cassette.events):
        if isinstance(event, Heard) and isinstance(event.reply, Response):
            quota = read_quota(event.reply.headers, now=cassette.head.now(event.t), names=names)
            if quota is not None and quota.remaining is not None:
                yield Left(event.t, quota.remaining, quota.limit)
