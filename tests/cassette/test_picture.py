"""The picture of a cassette, as markup: what is drawn where, in which way, and that nobody else writes in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bide.messages import Cause, Headers, NoResponse, Request, Response
from bide.pace import Why
from bide_transports.cassette.files import load
from bide_transports.cassette.shown.drawing.axis import Scale, length
from bide_transports.cassette.shown.drawing.quota import Left, told
from bide_transports.cassette.shown.drawing.rows import Heights, Palette
from bide_transports.cassette.shown.drawing.spans import REASONS, row
from bide_transports.cassette.shown.drawing.style import PATTERNS
from bide_transports.cassette.shown.drawing.svg import element, fitting, width_of
from bide_transports.cassette.shown.picture import picture
from bide_transports.cassette.tape import Cassette, Done, Event, Heard, Open, Send, Wait
from bide_transports.cassette.wording import Wording
from tests.cassette.sample import HEAD, HOSTILE, everything, hostile
from tests.cassette.scenes import RECORDED

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000
WORDING = Wording.of(HEAD)


class Page(HTMLParser):
    """The tags of a page, with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def drawn(cassette: Cassette) -> list[ET.Element]:
    """The pictures in the page: the legend's first, then the names, then the plot."""
    return [ET.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", picture(cassette), re.DOTALL)]  # noqa: S314  ours


def of_class(root: ET.Element, name: str) -> list[ET.Element]:
    return [one for one in root.iter() if name in (one.get("class") or "").split()]


def titles(elements: list[ET.Element]) -> list[str]:
    return [one.findtext("title", "") for one in elements]


def spans(cassette: Cassette, lane: str) -> list[tuple[str, int, int]]:
    return [(wait.kind, wait.begin, wait.end) for wait in row(lane, cassette.lanes[lane], WORDING).waits]


def test_a_page_needs_nothing_from_elsewhere_and_no_script() -> None:
    page = Page(picture(everything()))
    used = {tag for tag, _ in page.tags}
    assert not used & {"script", "link", "img", "iframe", "object", "use", "image", "a", "form"}
    for _, attributes in page.tags:
        assert not {name for name in attributes if name.startswith("on") or name in ("href", "src", "xlink:href")}
        assert (attributes.get("fill") or "url(#").startswith("url(#")
    policy = next(a["content"] for tag, a in page.tags if tag == "meta" and "http-equiv" in a)
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"
    assert "@media (prefers-color-scheme: dark)" in picture(everything())


def test_what_a_stranger_says_is_shown_and_never_markup() -> None:
    harmless = Page(picture(replace(hostile(), head=HEAD)))
    page = Page(picture(hostile(), notice=HOSTILE))
    assert {tag for tag, _ in page.tags} - {"p"} == {tag for tag, _ in harmless.tags} - {"p"}
    assert all(name.isascii() and "<" not in name for _, attributes in page.tags for name in attributes)
    assert "<script>alert(1)</script>" in "".join(page.text)
    assert all(c.isprintable() or c == "\n" for c in picture(hostile()))
    picture(hostile()).encode()


def test_a_word_never_becomes_a_class_or_an_address() -> None:
    page = Page(picture(hostile()))
    classes = {name for _, attributes in page.tags for name in (attributes.get("class") or "").split()}
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in classes)
    assert all(re.fullmatch(r"url\(#w-[a-z-]+\)", a["fill"] or "") for _, a in page.tags if "fill" in a)


def test_every_wait_is_drawn_in_the_way_of_its_reason() -> None:
    *_, plot = drawn(everything())
    kinds = {(one.get("class") or "").removeprefix("wait w-") for one in of_class(plot, "wait")}
    assert kinds == set(REASONS.values())
    assert {one.get("id") for one in plot.iter("pattern")} == {f"w-{kind}" for kind in PATTERNS}
    shapes = [shape for _, shape, _ in PATTERNS.values()]
    assert len(set(shapes)) == len(shapes)
    assert set(REASONS) == {why.value for why in Why}


def test_a_wait_ends_when_something_comes_between() -> None:
    cassette = everything()
    assert spans(cassette, "render#1")[-2:] == [("pace", 10100, 10600), ("notice", 10600, 10700)]
    assert spans(cassette, "render#2") == [("pace", 100, 500)]
    alone = Cassette(HEAD, (Wait("a", 5, "Polling", 20, 0, "of its own"), Wait("b", 5, "Polling", 0, 0, "at once")))
    assert spans(alone, "a") == [("other", 5, 25)]
    assert spans(alone, "b") == []


def test_requests_are_as_wide_as_they_took_and_look_like_what_came_of_them() -> None:
    requests = row("render#1", everything().lanes["render#1"], WORDING).requests
    assert [(one.kind, one.end - one.begin) for one in requests[:3]] == [("refused", 40), ("fine", 60), ("fine", 100)]
    assert [one.kind for one in requests].count("unheard") == 1
    assert requests[0].title == (
        '0.000s > POST /jobs {"prompt":"a fox"}',
        "0.040s < 429 SLOW_DOWN; retry-after: 3",
        "after 40 ms",
    )
    (cut,) = row("render#2", everything().lanes["render#2"], WORDING).requests
    assert (cut.kind, cut.begin, cut.end) == ("cut", 500, 500)
    assert cut.title[1] == "nothing came back: the recording ends here"


def test_the_words_of_the_service_are_bands_until_the_next_word() -> None:
    bands = row("render#1", everything().lanes["render#1"], WORDING).bands
    assert [(band.word, band.kind, band.begin, band.end) for band in bands] == [
        ("queued", "", 3100, 4100),
        ("running", "", 4100, 10800),
        ("succeeded", "good", 10800, 10800),
    ]


def test_a_word_has_one_colour_in_all_lanes_and_the_last_ones_have_their_own() -> None:
    words = [("a", "queued"), ("a", "Done"), ("b", "RUNNING"), ("b", "queued"), ("b", "error"), ("b", "running")]
    events = [
        Heard(lane, t, Response(200, body=f'{{"status":"{word}"}}'.encode())) for t, (lane, word) in enumerate(words)
    ]
    rows = [row(name, lane, WORDING) for name, lane in Cassette(HEAD, tuple(events)).lanes.items()]
    assert Palette.of(rows).kinds == {"queued": "s0", "done": "good", "running": "s1", "error": "bad"}


def test_everything_has_a_title_that_tells_more() -> None:
    *_, names, plot = drawn(everything())
    for name in ("band", "wait", "request", "mark", "dot"):
        found = titles(of_class(plot, name))
        assert found
        assert all(found)
    assert "10.600s * a webhook tells of it" in titles(of_class(plot, "told"))
    assert "10.800s . Completed: sha256:0123 with 2 files" in titles(of_class(plot, "mark"))
    assert "render#1\n10 exchanges, Completed" in [one.findtext("title") for one in names.iter("g")]


def test_the_end_is_written_beside_its_sign() -> None:
    *_, plot = drawn(everything())
    (end,) = of_class(plot, "end")
    assert end.text == "Completed"


def test_the_legend_tells_what_is_in_the_picture_and_nothing_else() -> None:
    def told(cassette: Cassette) -> str:
        return " ".join(re.findall(r"<span>(.*?)</span>", picture(cassette)))

    whole, one = told(everything()), told(load(RECORDED / "is-refused.cassette.jsonl"))
    for word in ("queued", "running", *(f"waits: {why.value}" for why in Why), "no answer", "a webhook tells of it"):
        assert word in whole
    assert one == "answered with an error a job is taken up the end: Failed"


def test_the_quota_is_read_off_the_headers_of_any_lane() -> None:
    assert told(everything(), None)[:2] == [Left(3100, 5, 10), Left(4100, 7, 10)]
    *_, plot = drawn(everything())
    curve, *dots = [*of_class(plot, "curve"), *of_class(plot, "dot")]
    assert "3.100s 5 of 10 left" in titles(dots)
    assert (curve.get("d") or "").startswith("M")
    spent = Heard("a", 5, Response(429, Headers.of([("RateLimit-Remaining", "0")])))
    assert len(of_class(drawn(Cassette(HEAD, (spent,)))[-1], "spent")) == 1
    assert "requests left" not in picture(load(RECORDED / "is-paced-by-the-service.cassette.jsonl"))


@pytest.mark.parametrize("events", [(), (Open("a", 0),)], ids=["no event", "one event"])
def test_an_empty_cassette_has_a_page_too(events: tuple[Event, ...]) -> None:
    page = picture(Cassette(HEAD, events))
    assert ("There is nothing on this cassette" in page) is (events == ())


def test_what_is_wrong_with_a_cassette_is_said_on_top() -> None:
    page = picture(everything(), notice="it has no end & was cut short")
    assert '<p class="notice">it has no end &amp; was cut short</p>' in page


def test_a_cassette_in_disorder_is_drawn_all_the_same() -> None:
    events: list[Event] = [
        Heard("a", 10**15, Response(200, body=b'{"status":"x"}')),
        Done("a", -50, "Completed"),
        Wait("a", 7, "Polling", -900, 0, "pace"),
        Send("a", -10, Request("GET", "/")),
        Send("a", -20, Request("GET", "/")),
        Heard("a", -90, NoResponse(Cause.RESET, sent=False)),
        Heard("a", 3, Response(503)),
        Open("", 0, {"job": 5}),
    ]
    *_, plot = drawn(Cassette(HEAD, tuple(events)))
    width = float(plot.get("width") or 0)
    for one in plot.iter("rect"):
        assert 0 <= float(one.get("x") or -1) <= width
        assert float(one.get("width") or -1) > 0


@pytest.mark.parametrize("path", sorted(RECORDED.glob("*.jsonl")), ids=lambda path: path.name.partition(".")[0])
def test_every_recording_can_be_drawn(path: Path) -> None:
    cassette = load(path)
    *_, plot = drawn(cassette)
    assert len(of_class(plot, "request")) == sum(isinstance(event, Send) for event in cassette.events)
    assert len(of_class(plot, "lane")) == len(cassette.lanes)


def test_a_picture_is_the_same_each_time() -> None:
    assert picture(everything()) == picture(everything())


@pytest.mark.parametrize(
    ("whole", "step"),
    [
        (7, 1),
        (40, 5),
        (900, 100),
        (5 * SECOND, SECOND),
        (3 * MINUTE, 30 * SECOND),
        (2 * HOUR, 15 * MINUTE),
        (DAY, 3 * HOUR),
        (30 * DAY, 5 * DAY),
        (4000 * DAY, 500 * DAY),
    ],
)
def test_ticks_are_round_and_apart(whole: int, step: int) -> None:
    scale = Scale(0, whole, 10.0, 900.0)
    ticks = scale.ticks()
    assert ticks.step == step
    assert ticks[0] == 0
    assert all(scale.x(after) - scale.x(before) >= 95 for before, after in pairwise(ticks))


@pytest.mark.parametrize("whole", [1, 2, 3, 59_999, 10**15])
def test_there_are_always_ticks(whole: int) -> None:
    assert 1 <= len(Scale(0, whole, 0.0, 900.0).ticks()) <= 11


@pytest.mark.parametrize(
    ("t", "words"),
    [
        (0, "0"),
        (250, "250 ms"),
        (1500, "1.5 s"),
        (30 * SECOND, "30 s"),
        (MINUTE, "1 min"),
        (90 * SECOND, "1 min 30 s"),
        (90 * MINUTE, "1 h 30 min"),
        (2 * HOUR, "2 h"),
        (36 * HOUR, "1 d 12 h"),
        (-5 * SECOND, "-5 s"),
        (-90 * MINUTE, "-1 h 30 min"),
    ],
)
def test_instants_are_told_in_the_units_that_fit(t: int, words: str) -> None:
    assert length(t) == words


def test_what_lies_outside_stands_at_the_edge() -> None:
    scale = Scale(0, 100, 10.0, 50.0)
    assert [scale.x(t) for t in (-5, 0, 50, 100, 10**12)] == [10.0, 10.0, 35.0, 60.0, 60.0]


def test_text_is_shortened_to_its_room() -> None:
    assert fitting("AWAITING_WEBHOOK", 200) == "AWAITING_WEBHOOK"
    assert fitting("AWAITING_WEBHOOK", 90) == "AWAIT…BHOOK"
    assert fitting("AWAITING_WEBHOOK", 30) == ""
    assert fitting("", 30) == ""
    assert width_of(fitting("日本語の長い名前の仕事", 100)) <= 100
    assert len(fitting("x" * 1_000_000, 100)) == 12


def test_attributes_are_escaped() -> None:
    assert element("g", class_='"><b>', stroke_width=1.25) == '<g class="&quot;&gt;&lt;b&gt;" stroke-width="1.2"></g>'


def _heights() -> Iterator[Heights]:
    return map(Heights.of, (1, 12, 13, 40, 41, 100))


def test_rows_get_lower_the_more_there_are_and_hold_what_is_in_them() -> None:
    for heights in _heights():
        assert heights.waits + heights.strip + heights.beyond <= heights.row
        assert 4 + heights.band <= heights.waits - heights.beyond
    assert [heights.row for heights in _heights()] == [46, 46, 36, 36, 18, 18]
