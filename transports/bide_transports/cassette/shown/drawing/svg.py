"""SVG and HTML as text: every text and every attribute is escaped here, and nowhere else."""

from __future__ import annotations

from html import escape
from unicodedata import east_asian_width

from bide_transports.cassette.wording import plain, shortened

_CHARACTER = 7.8  # pixels at the most that a usual character is wide, in the widest of the usual fonts
_WIDE = 12.0  # likewise one of East Asia
_FEWEST = 7  # characters of a text that is shortened


def element(name: str, *inner: str, **attributes: str | float) -> str:
    """An element; `inner` is markup, `class_` is written `class`, and `_` in names of attributes `-`."""
    told = "".join(f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"' for key, value in attributes.items())
    return f"<{name}{told}>{''.join(inner)}</{name}>"


def words(text: str) -> str:
    """`text` as markup that shows it."""
    return escape(plain(text))


def title(*lines: str) -> str:
    """What is shown when the pointer rests on the element around it."""
    return element("title", "\n".join(map(words, lines)))


def label(text: str, x: float, y: float, **attributes: str | float) -> str:
    """Text in a picture."""
    return element("text", words(text), x=x, y=y, **attributes)


def width_of(text: str) -> float:
    """Pixels that `text` takes at the most."""
    return sum(_WIDE if east_asian_width(c) in "WF" else _CHARACTER for c in text)


def fitting(text: str, width: float) -> str:
    """`text`, shortened where it may be wider than `width` pixels; the empty text where little of it would be left."""
    most = min(len(text), int(max(width, 0.0) / _CHARACTER) + 1)
    while most > _FEWEST and width_of(shortened(text, most)) > width:
        most -= 1
    return shortened(text, most) if width_of(shortened(text, most)) <= width else ""


def _value(value: str | float) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else escape(plain(str(value)))
