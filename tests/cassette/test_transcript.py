"""The words in which people are told what is on a cassette: exact, stable, one line each, and harmless."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

import bide
from bide.dialect import Phase
from bide.dialects.declared import Declared
from bide.dialects.vendors import named, names
from bide.messages import Headers, Request, Response
from bide_transports.cassette.divergence import ReplayDiverged
from bide_transports.cassette.files import load
from bide_transports.cassette.shown.transcript import by_time, transcript
from bide_transports.cassette.tape import Cassette, Done, Event, Head, Heard, InvalidCassette, Open, Send, Wait
from bide_transports.cassette.verify import verify
from bide_transports.cassette.wording import Wording, excerpt, shortened
from bide_transports.cassette.words import Said, said
from tests.cassette.sample import HEAD, everything, hostile
from tests.cassette.scenes import RECORDED
from tests.declarations import SOUND

LIMITED = RECORDED / "is-limited-at-its-submission.cassette.jsonl"


def reply(body: bytes, status: int = 200, *headers: tuple[str, str]) -> Response:
    return Response(status, Headers.of(headers), body)


def test_a_transcript_tells_all_that_happened() -> None:
    lines = transcript(everything(), lanes=["render#1"]).splitlines()
    assert lines[:7] == [
        "acme at https://api.acme.example/v1, 2030-01-05T08:00:00.000Z, 10.800s",
        "by record, bide 1.2",
        "3 lanes, 11 exchanges: 1 Completed, 1 cut short, 1 no job",
        "redacted: 1 sig",
        "",
        "lane render#1: 10 exchanges, Completed",
        "    0.000s . the job is taken up (Submitting)",
    ]
    assert lines[8:13] == [
        '    0.000s > POST /jobs {"prompt":"a fox"}',
        "    0.040s < 429 SLOW_DOWN; retry-after: 3",
        "    0.040s . Submitting: wait 3000 ms (retry-after)",
        '    3.040s > POST /jobs {"prompt":"a fox"}',
        "    3.100s < 200 queued 40%",
    ]
    assert "    7.100s ! the connection was cut (may have arrived)" in lines
    assert "   10.600s * a webhook tells of it" in lines
    assert lines[-1] == "   10.800s . Completed: sha256:0123 with 2 files"


def test_lanes_come_one_after_the_other_or_all_by_time() -> None:
    cassette = everything()
    lanes = [line for line in transcript(cassette).splitlines() if line.startswith("lane ")]
    assert lanes == [
        "lane render#1: 10 exchanges, Completed",
        "lane render#2: no exchanges, cut short",
        "lane files: 1 exchange, no job",
    ]
    together = by_time(cassette).splitlines()[5:]
    assert len(together) == len(cassette.events)
    assert together[3:5] == [
        "    0.040s render#1 < 429 SLOW_DOWN; retry-after: 3",
        "    0.040s render#1 . Submitting: wait 3000 ms (retry-after)",
    ]
    assert "    0.300s files    > GET https://elsewhere.example/a.png?sig=redacted-sig-1" in together
    assert "    0.900s files    < 200 (70000 bytes, left out)" in together


def test_only_the_lanes_that_were_asked_for_are_told() -> None:
    assert "render#2" not in by_time(everything(), lanes=["files"])
    with pytest.raises(InvalidCassette, match=r"no lane 'nobody' on the cassette: it has render#1, render#2, files"):
        transcript(everything(), lanes=["nobody"])


@pytest.mark.parametrize("path", sorted(RECORDED.glob("*.jsonl")), ids=lambda path: path.name.partition(".")[0])
def test_each_event_is_one_line_in_the_order_of_steps(path: Path) -> None:
    cassette = load(path)
    wording = Wording.of(cassette.head)
    lines = transcript(cassette).splitlines()
    assert lines[lines.index("") + 2 :] == [wording.told(event) for event in cassette.events]


def test_a_transcript_does_not_depend_on_the_name_of_the_file() -> None:
    cassette = load(LIMITED)
    assert transcript(replace(cassette, name="/tmp/x9f3_jobs")) == transcript(cassette)  # noqa: S108  no file is there


def test_a_step_of_a_divergence_is_the_line_of_the_transcript() -> None:
    cassette = load(LIMITED)
    slower = tuple(
        replace(event, ms=3001) if isinstance(event, Wait) and event.ms == 3000 else event for event in cassette.events
    )
    with pytest.raises(ReplayDiverged) as caught:
        verify(replace(cassette, events=slower))
    told = transcript(replace(cassette, events=slower)).splitlines()[6:]
    message = str(caught.value)
    assert f"cassette (recorded): {told[caught.value.step].strip()}\n" in message
    assert "code (now)         : 0.040s . Submitting: wait 3000 ms (retry-after)\n" in message
    assert all(line in message for line in told[caught.value.step - 3 : caught.value.step])


def test_no_word_of_a_stranger_breaks_a_line_or_moves_the_cursor() -> None:
    cassette = hostile()
    for text in (transcript(cassette), by_time(cassette)):
        assert all(line.isprintable() for line in text.split("\n"))
    assert len(by_time(cassette).splitlines()) == 6 + len(cassette.events)
    with pytest.raises(ReplayDiverged) as caught:
        verify(
            replace(cassette, head=HEAD, events=(Done("\x1b[2J", 0, "\x1b"),)),
            dialect=Declared(replace(SOUND, name="acme")),
        )
    assert all(line.isprintable() for line in str(caught.value).split("\n"))


def test_a_time_that_has_passed_is_not_waited_for() -> None:
    assert Wording.of(HEAD).what(Wait("a", 7, "Polling", -6, -6, "pace")) == ". Polling: wait 0 ms (pace)"


def test_an_empty_cassette_says_so() -> None:
    assert transcript(Cassette(HEAD, ())).splitlines()[2:] == [
        "no lanes, no exchanges: nothing happened",
        "redacted: nothing",
    ]


def test_values_that_were_hidden_are_counted_once_a_lane() -> None:
    urls = ("https://x.example/?sig=redacted-sig-1", "https://x.example/?sig=redacted-sig-1&key=redacted-key-1")
    events = [Send(lane, 0, Request("GET", url)) for lane in ("a", "b") for url in urls]
    assert "redacted: 2 keys, 2 sigs\n" in transcript(Cassette(HEAD, tuple(events)))


def test_edits_are_told() -> None:
    edited = replace(HEAD, edits=("settled by time", "a 429 put in"))
    assert transcript(Cassette(edited, ())).splitlines()[-2:] == ["edited: settled by time", "edited: a 429 put in"]


@pytest.mark.parametrize(
    ("events", "end"),
    [
        ((Open("a", 0, {}), Done("a", 1, "Abandoned"), Open("a", 2, {}), Done("a", 3, "Completed")), "Completed"),
        ((Open("a", 0, {}), Done("a", 1, "Abandoned"), Open("a", 2, {})), "left"),
        ((Open("a", 0),), "no job"),
        ((Heard("a", 0, Response(200)),), "no job"),
        ((Open("a", 0, {}), Send("a", 0, Request("GET", "/"))), "cut short"),
        ((Open("a", 0, {}), Send("a", 0, Request("GET", "/")), Heard("a", 0, Response(200))), "left"),
    ],
)
def test_the_last_thing_that_became_of_a_job_is_its_end(events: tuple[Event, ...], end: str) -> None:
    assert f": 1 {end}\n" in transcript(Cassette(HEAD, events))


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://api.acme.example/v1/jobs/7", "/jobs/7"),
        ("https://api.acme.example:443/v1/jobs/7?a=b", "/jobs/7?a=b"),
        ("https://api.acme.example/v2/jobs", "/v2/jobs"),
        ("https://api.acme.example/v1x", "/v1x"),
        ("https://api.acme.example/v1", "/"),
        ("https://api.acme.example.evil.example/v1/jobs", "https://api.acme.example.evil.example/v1/jobs"),
        ("/jobs/7", "/jobs/7"),
        ("", ""),
    ],
)
def test_addresses_are_told_without_the_base(url: str, told: str) -> None:
    assert Wording.of(HEAD).address(url) == told


def test_long_things_are_shortened() -> None:
    assert shortened("render-of-the-fox#117", 12) == "render…x#117"
    assert excerpt(b"a" * 5000) == "a" * 100 + "… (5000 bytes)"
    assert excerpt(b"a\n  b\tc") == "a b c"
    assert excerpt(b"\x89PNG\0") == "(5 bytes)"
    assert excerpt("é".encode() * 900).startswith("é" * 100)
    assert len(Wording.of(HEAD).told(Send("a", 0, Request("GET", "https://x.example/" + "y" * 9000)))) < 200


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (b'{"status":"queued"}', 200, Said("queued")),
        (b'{"data":{"state":"RUNNING","percent":55}}', 200, Said("RUNNING", 0.55)),
        (b'{"status":"done"}', 200, Said("done", phase=Phase.SUCCEEDED)),
        (b'{"error":{"code":"NO_SUCH_JOB"},"status":404}', 404, Said(code="NO_SUCH_JOB")),
        (b'{"error":"over quota","status":"error"}', 429, Said(code="over quota")),
        (b'{"progress":101}', 200, Said()),
        (b"<html>", 502, Said()),
        (b"[1]", 200, Said()),
    ],
)
def test_replies_of_an_unknown_service_are_told_by_the_usual_names(body: bytes, status: int, told: Said) -> None:
    assert said(reply(body, status), None) == told


def test_the_dialect_knows_where_the_words_stand() -> None:
    declared = Declared(replace(SOUND, status=("@x-state",), phases={"all-good": Phase.SUCCEEDED}))
    answer = reply(b'{"status":"no word of the service"}', 200, ("x-state", "all-good"))
    assert said(answer, declared) == Said("all-good", phase=Phase.SUCCEEDED)
    wording = Wording.of(HEAD, declared)
    assert wording.what(Heard("a", 0, answer)) == "< 200 all-good"
    assert wording.what(Heard("a", 0, reply(b'{"status":1}'))) == '< 200 {"status":1}'


@pytest.mark.parametrize("name", ["modelroute", *names()])
def test_any_reply_can_be_told_in_any_dialect(name: str) -> None:
    dialect = bide.ModelRoute() if name == "modelroute" else Declared(named(name), "https://api.acme.example/v1")
    wording = Wording.of(HEAD, dialect)
    bodies = (b"", b"{}", b"[]", b'{"status":"x","error":{}}', b"\xff", b'{"id":7,"urls":3}')
    for body, status in product(bodies, (200, 202, 301, 404, 429, 503)):
        told = wording.told(Heard("a", 0, reply(body, status)))
        assert told.startswith(f"    0.000s < {status}"), body
        assert told.isprintable(), (body, status)


def test_a_base_that_is_no_address_hinders_nobody() -> None:
    head = Head(0, "modelroute", "http://not-encrypted.example")
    assert Wording.of(head).what(Heard("a", 0, reply(b'{"status":"on"}'))) == "< 200 on"
