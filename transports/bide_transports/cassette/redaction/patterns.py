"""Secrets that show by their own shape, whatever they are called.

Each shape is linear: it begins with fixed letters, and either takes a run to its end or gives up within a few steps.
The key of the ModelRoute API is `sk_`, 64 hex digits, `_` and 8 more (modelroute-api.md, 3); its webhook secret
begins with `whsec_` (14.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bide_transports.cassette.redaction.placeholders import Edit, Hide, gaps

#: A token begins where no letter or digit goes before: `risk-...` holds no `sk-...`. An escape is no letter.
_EDGE = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=\\u[0-9A-Fa-f]{4})|(?<=%[0-9A-Fa-f]{2}))"
_SHAPES = (
    r"(?P<worded>(?:sk|rk|pk|mr)[-_][A-Za-z0-9_-]{12,})",
    r"gh[pousr]_[A-Za-z0-9]{20,}",
    r"github_pat_[A-Za-z0-9_]{20,}",
    r"A(?:KIA|SIA)[A-Z0-9]{12,}",
    r"AIza[A-Za-z0-9_-]{20,}",
    r"ya29\.[A-Za-z0-9._-]{10,}",
    r"xox[baprs]-[A-Za-z0-9-]{10,}",
    r"r8_[A-Za-z0-9]{20,}",
    r"hf_[A-Za-z0-9]{20,}",
    r"glpat-[A-Za-z0-9_-]{16,}",
    r"npm_[A-Za-z0-9]{20,}",
    r"whsec_[A-Za-z0-9+/=_-]{8,}",
    r"key_[0-9a-f]{64,}",
    r"(?:gsk_|xai-|pplx-|shp(?:at|ca|pa|ss)_|do[por]_v1_)[A-Za-z0-9]{20,}",
    r"GOCSPX-[A-Za-z0-9_-]{16,}",
    r"hv[sb]\.[A-Za-z0-9_-]{20,}",
    r"xapp-[0-9]-[A-Za-z0-9-]{10,}",
)
_JWT = r"eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*"
_GLUED = re.compile("|".join((*_SHAPES, _JWT)))  # to a placeholder, which is an edge, too
_TOKEN = re.compile(f"{_EDGE}(?:{'|'.join(_SHAPES)})")
#: It may begin anew at each dash of a long word, so first is seen whether there is an end to it.
_JWT_WITHIN = re.compile(
    rf"(?<![A-Za-z0-9_-])(?=[A-Za-z0-9_-]{{8,}}\.[A-Za-z0-9_-]{{5,}}\.)[A-Za-z0-9_-]*?{_EDGE}(?P<jwt>{_JWT})"
)
_LETTERS = re.compile(
    r"(?:sk|rk|pk|mr)[-_]|gh[pousr]_|github_pat_|A(?:KIA|SIA)|AIza|ya29|xox|r8_|hf_|glpat|npm_|whsec_|key_|eyJ"
    r"|gsk_|xai-|pplx-|shp|_v1_|GOCSPX|hv[sb]\.|xapp-"
)
_LABELLED = re.compile(  # the words before it stay
    r"(?:AccountKey|SharedAccessKey)=(?P<key>[^;&\s\"'<>\\]+)"
    r"|(?i:bearer|basic)\s{1,4}(?P<credential>[A-Za-z0-9._~+/=-]{8,})"
    r"|hooks\.slack\.com/[a-z]{1,20}/(?P<hook>[^?#\s\"'<>\\]+)"
    r"|discord(?:app)?\.com/api/webhooks/(?P<webhook>[^?#\s\"'<>\\]+)"
    r"|/bot(?P<bot>[0-9]{5,20}(?::|%3[Aa])[A-Za-z0-9_-]{20,})"
    r"|://(?P<user>[^/?#\s@\"'<>\\]{1,256})@"
)
_PEM = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY[A-Z ]{0,10}-----(?:[^-]|-(?!----))*(?:-----END[A-Z0-9 ]{0,45}-----)?"
)
_SEGMENT = re.compile(r"[A-Za-z0-9]{8,}")
_DIGIT = re.compile(r"[0-9]")
_UNLIKE_A_WORD = re.compile(r"[0-9]|[a-z][A-Z]")


def shaped(text: str, hide: Hide) -> Iterator[Edit]:
    """Edits for all tokens, then labelled values or PEM blocks, that no edit before them covers."""
    has_pem = "-----BEGIN" in text
    for start, end in gaps(text):
        found = [*_tokens(text, start, end), *_labelled(text, start, end)]
        if has_pem:
            found += (block.span() for block in _PEM.finditer(text, start, end))
        for first, last in _apart(found):
            yield first, last, hide(text[first:last], "secret")


def _tokens(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    if _LETTERS.search(text, start, end) is None:
        return
    glued = _GLUED.match(text, start, end) if start else None
    for found in (*((glued,) if glued else ()), *_TOKEN.finditer(text, start, end)):
        if found["worded"] is None or any(map(_DIGIT.search, _SEGMENT.findall(found[0], 3))):
            yield found.span()
    if text.find("eyJ", start, end) >= 0:
        for found in _JWT_WITHIN.finditer(text[start:end]):  # for what it looks back at, a placeholder is no word
            yield start + found.start("jwt"), start + found.end("jwt")


def _labelled(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for found in _LABELLED.finditer(text, start, end):
        name = found.lastgroup or ""
        if name != "credential" or _UNLIKE_A_WORD.search(found[name]):
            yield found.span(name)


def _apart(spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Spans in order; those that overlap as the one that covers them."""
    start = end = -1
    for first, last in sorted(spans):
        if first >= end:
            if end > 0:
                yield start, end
            start, end = first, last
        end = max(end, last)
    if end > 0:
        yield start, end
