"""The picture of a cassette as a browser draws it: nothing on top of another, nothing outside, in light and in dark."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from bide_transports.cassette.files import load
from bide_transports.cassette.shown.picture import picture
from bide_transports.cassette.tape import Cassette
from tests.browser.chromium import as_it_is, measured
from tests.cassette.sample import HEAD, everything, hostile
from tests.cassette.scenes import RECORDED

_BOXES = """
const svg = document.querySelectorAll('.board svg');
const box = one => { const r = one.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]; };
const of = (root, what) => [...root.querySelectorAll(what)].map(one => ({
    box: box(one), text: one.textContent, title: one.querySelector('title')?.textContent ?? '' }));
return {
    names: {box: box(svg[0]), texts: of(svg[0], 'text')},
    plot: {box: box(svg[1]), texts: of(svg[1], 'text'),
        drawn: of(svg[1], '.request, .wait, .mark, .dot, .band > rect')},
    titled: of(svg[1], '.request, .wait, .mark, .dot, .band'),
    columns: [...document.querySelectorAll('.names, .plot')].map(box),
    board: box(document.querySelector('.board')),
    page: [document.documentElement.scrollWidth, window.innerWidth],
};
"""
_COLOURS = """
const of = (what, name) => getComputedStyle(document.querySelector(what))[name];
return [of('body', 'backgroundColor'), of('body', 'color'), of('.board text', 'fill'), of('.band rect', 'fill'),
    of('.band text', 'fill'), of('.request .bar', 'fill')];
"""


def many(lanes: int) -> Cassette:
    """Recordings of all kinds side by side, each a little later than the one before."""
    short = [path for path in sorted(RECORDED.glob("*.jsonl")) if path.stat().st_size < 60_000]
    cassettes = [load(path) for path in short]
    ours = [cassette for cassette in cassettes if cassette.head.dialect == "modelroute"]
    events = [
        replace(event, lane=f"a-job-with-a-rather-long-name-number-{n}#1", t=event.t + 700 * n)
        for n in range(lanes)
        for event in ours[n % len(ours)].events
    ]
    return Cassette(ours[0].head, tuple(events))


def overlap(one: list[float], other: list[float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def inside(one: list[float], frame: list[float], slack: float = 1.0) -> bool:
    left, top, right, bottom = one
    return (
        left >= frame[0] - slack
        and top >= frame[1] - slack
        and right <= frame[2] + slack
        and bottom <= frame[3] + slack
    )


def check(boxes: dict[str, Any]) -> None:
    for part in (boxes["names"], boxes["plot"]):
        texts = [text for text in part["texts"] if text["text"]]
        for text in texts:
            assert inside(text["box"], part["box"]), text
        for one, other in combinations(texts, 2):
            assert not overlap(one["box"], other["box"]), (one, other)
    for drawn in boxes["plot"]["drawn"]:
        assert inside(drawn["box"], boxes["plot"]["box"]), drawn
    assert all(one["title"] for one in boxes["titled"])
    names, plot = boxes["columns"]
    assert names[2] <= plot[0] + 1
    assert inside(plot, boxes["board"])
    assert boxes["page"][0] <= boxes["page"][1]


@pytest.mark.parametrize("lanes", [1, 12, 30, 100])
def test_labels_never_overlap_and_nothing_leaves_the_plot(lanes: int, tmp_path: Path) -> None:
    boxes = measured(picture(many(lanes)), _BOXES, tmp_path)
    check(boxes)
    assert len(boxes["names"]["texts"]) >= lanes


@pytest.mark.parametrize("cassette", [everything(), replace(hostile(), head=HEAD)], ids=["everything", "hostile"])
def test_every_kind_of_thing_has_its_place(cassette: Cassette, tmp_path: Path) -> None:
    check(measured(picture(cassette), _BOXES, tmp_path))


@pytest.mark.parametrize(
    "name", ["a-job-of-two-hours", "is-refused", "hears-nothing-for-half-a-minute", "is-paced-by-the-service"]
)
def test_from_milliseconds_to_hours(name: str, tmp_path: Path) -> None:
    check(measured(picture(load(RECORDED / f"{name}.cassette.jsonl")), _BOXES, tmp_path))


def test_a_request_stands_where_its_time_is(tmp_path: Path) -> None:
    boxes = measured(picture(everything()), _BOXES, tmp_path)
    ticks = {text["text"]: sum(text["box"][::2]) / 2 for text in boxes["plot"]["texts"]}
    webhook = next(one for one in boxes["titled"] if one["title"].endswith("a webhook tells of it"))
    second = (ticks["10 s"] - ticks["2 s"]) / 8
    assert sum(webhook["box"][::2]) / 2 == pytest.approx(ticks["10 s"] + 0.6 * second, abs=2)


def test_dark_is_dark_and_can_be_read(tmp_path: Path) -> None:
    for folder in ("light", "dark"):
        (tmp_path / folder).mkdir()
    light = [_brightness(one) for one in measured(picture(everything()), _COLOURS, tmp_path / "light")]
    dark = [_brightness(one) for one in measured(picture(everything()), _COLOURS, tmp_path / "dark", dark=True)]
    assert light[0] > 0.9 > 0.3 > max(light[1], light[2])
    assert dark[0] < 0.1 < 0.7 < min(dark[1], dark[2])
    for _, _, _, band, word, _ in (light, dark):
        assert abs(band - word) > 0.4
    for page, *_, request in (light, dark):
        assert abs(page - request) > 0.4


def test_what_a_stranger_says_is_not_run(tmp_path: Path) -> None:
    page = picture(hostile(), notice="<script>document.title='run'</script>")
    after = as_it_is(page, tmp_path)
    assert "<title>run</title>" not in after
    assert re.findall(r"<(script|img)\b", after) == []
    assert after.count("<svg") == page.count("<svg")


def test_the_policy_of_the_page_forbids_what_would_get_into_it(tmp_path: Path) -> None:
    page = picture(everything()).replace("<h1>", "<script>document.title='run'</script><h1>")
    assert "<title>run</title>" not in as_it_is(page, tmp_path)
    assert "<title>run</title>" in as_it_is(page.replace("default-src 'none'", ""), tmp_path)


def test_the_text_can_be_unfolded(tmp_path: Path) -> None:
    script = """
        const details = document.querySelector('details'), closed = details.offsetHeight;
        details.open = true;
        return [closed, details.offsetHeight, details.querySelector('pre').textContent];
    """
    closed, opened, text = measured(picture(everything()), script, tmp_path)
    assert opened > closed + 300
    assert "a webhook tells of it" in text


def _brightness(colour: str) -> float:
    red, green, blue = (int(figure) for figure in re.findall(r"\d+", colour)[:3])
    return (0.299 * red + 0.587 * green + 0.114 * blue) / 255
