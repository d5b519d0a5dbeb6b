"""The colours, in light and in dark, and the patterns by which waits are told apart without any colour."""

from __future__ import annotations

from bide_transports.cassette.shown.drawing.svg import element

PATTERNS = {
    "pace": (6, "M1.5 3a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z", True),
    "retry-after": (6, "M-1 7L7 -1M-1 1L1 -1M5 7L7 5", False),
    "quota": (6, "M0 3H6M3 0V6", False),
    "backoff": (5, "M1.5 0V5", False),
    "notice": (4, "M0 2H4", False),
    "last-look": (6, "M0 0H6V6H0z", True),
    "at-once": (8, "M0 4L4 0L8 4", False),
    "other": (8, "M4 2V6M2 4H6", False),
}
_LIGHT = {
    "page": "#ffffff", "ink": "#1b2530", "faint": "#5c6875", "grid": "#e2e6eb", "stripe": "#f6f8fa",
    "s0": "#b3cdf2", "s1": "#99d9cf", "s2": "#d0c0f3", "s3": "#f1d79e", "s4": "#c6df9f",
    "good": "#8fd8a0", "bad": "#f4aaa4", "over": "#cbd1d8",
    "fine": "#34495e", "refused": "#b45309", "unheard": "#c81e1e", "cut": "#7c2d92",
    "pace": "#7b8794", "retry-after": "#c2570c", "quota": "#7c3aed", "backoff": "#c81e1e", "notice": "#0f766e",
    "last-look": "#1d4ed8", "at-once": "#7b8794", "other": "#7b8794",
    "end-good": "#15803d", "end-bad": "#b91c1c", "end-over": "#57606a", "end-given-up": "#b45309",
    "told": "#0f766e", "line": "#1d4ed8",
}  # fmt: skip
_DARK = {
    "page": "#12171d", "ink": "#e6ecf2", "faint": "#98a5b3", "grid": "#2a333d", "stripe": "#171d24",
    "s0": "#2d4f80", "s1": "#1d615a", "s2": "#50418c", "s3": "#6b5220", "s4": "#475f2a",
    "good": "#246b3a", "bad": "#863430", "over": "#4b545f",
    "fine": "#b9c7d6", "refused": "#f59e4b", "unheard": "#ff7b72", "cut": "#d8a6ea",
    "pace": "#8b98a6", "retry-after": "#f59e4b", "quota": "#b794f6", "backoff": "#ff7b72", "notice": "#4fd1c0",
    "last-look": "#7aa7ff", "at-once": "#8b98a6", "other": "#8b98a6",
    "end-good": "#56d364", "end-bad": "#ff7b72", "end-over": "#a3adb8", "end-given-up": "#f59e4b",
    "told": "#4fd1c0", "line": "#7aa7ff",
}  # fmt: skip
_BANDS = ("s0", "s1", "s2", "s3", "s4", "good", "bad", "over")
_ENDS = ("good", "bad", "over", "given-up")
_REQUESTS = ("fine", "refused", "unheard", "cut")
_RULES = """
body { margin: 1.5rem; background: var(--page); color: var(--ink); font: 14px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.25rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
p { margin: .15rem 0; overflow-wrap: anywhere; }
.notice { border-left: 4px solid var(--refused); padding: .3rem .7rem; margin: .6rem 0; }
.legend { display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; margin: .9rem 0; padding: 0; list-style: none; }
.legend li { display: flex; align-items: center; gap: .4rem; overflow-wrap: anywhere; }
.legend svg { flex: none; }
.board { display: flex; border: 1px solid var(--grid); border-radius: 6px; overflow: hidden; }
.names { flex: none; border-right: 1px solid var(--grid); }
.plot { overflow-x: auto; }
svg { display: block; font: 12px system-ui, sans-serif; fill: var(--ink); }
.faint, .tick { fill: var(--faint); font-size: 11px; }
.word, .end { font-size: 11px; pointer-events: none; }
.grid { stroke: var(--grid); stroke-width: 1; fill: none; }
.stripe { fill: var(--stripe); }
.wait { stroke-width: .7; }
.bar { opacity: .8; }
.stroke { fill: none; stroke-width: 2; }
.cut .bar { opacity: .35; }
.curve { fill: none; stroke: var(--line); stroke-width: 1.6; }
.dot { fill: var(--line); }
.dot.spent { fill: var(--unheard); }
.open path { fill: var(--faint); }
.told path { fill: var(--told); }
pre { overflow-x: auto; font-size: 12px; }
summary { cursor: pointer; margin-top: 1rem; }
"""


def sheet() -> str:
    """The style sheet of the page."""
    rules = [
        ":root { color-scheme: light dark; " + _variables(_LIGHT) + " }",
        "@media (prefers-color-scheme: dark) { :root { " + _variables(_DARK) + " } }",
        _RULES,
        *(f".{kind} {{ fill: var(--{kind}); }}" for kind in _BANDS),
        *(f".request.{kind} {{ fill: var(--{kind}); stroke: none; }}" for kind in _REQUESTS),
        *(f".request.{kind} .stroke {{ stroke: var(--{kind}); }}" for kind in _REQUESTS),
        *(f".mark.{kind} {{ fill: var(--end-{kind}); }}" for kind in _ENDS),
        *(f".mark.{kind} .stroke {{ stroke: var(--end-{kind}); }}" for kind in _ENDS),
        *(f".w-{kind} {{ stroke: var(--{kind}); }}" for kind in PATTERNS),
        *(f".p-{kind} {{ fill: var(--{kind}); stroke: none; }}" for kind, (_, _, solid) in PATTERNS.items() if solid),
        *(
            f".p-{kind} {{ fill: none; stroke: var(--{kind}); stroke-width: 1.4; }}"
            for kind, (_, _, solid) in PATTERNS.items()
            if not solid
        ),
    ]
    return "\n".join(rules)


def patterns() -> str:
    """What waits are filled with, to stand in one picture of a page and be used in all."""
    drawn = [
        element(
            "pattern",
            element("path", d=d, class_=f"p-{kind}"),
            id=f"w-{kind}",
            width=size,
            height=size,
            patternUnits="userSpaceOnUse",
        )
        for kind, (size, d, _) in PATTERNS.items()
    ]
    return element("defs", *drawn)


def _variables(colours: dict[str, str]) -> str:
    return " ".join(f"--{name}: {colour};" for name, colour in colours.items())
