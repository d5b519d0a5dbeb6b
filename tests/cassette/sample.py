"""A cassette made by hand, with everything that can be on one; and texts of a stranger who means harm."""

from __future__ import annotations

from bide.messages import Cause, Headers, NoResponse, Request, Response
from bide.pace import Why
from bide_transports.cassette.tape import Cassette, Done, Event, Head, Heard, Omitted, Open, Send, Told, Wait

HEAD = Head(1893830400000, "acme", "https://api.acme.example/v1", "record", "bide 1.2")
HOSTILE = "</title></script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&\n\r\x1b[2J\u202e\ud800 --> ]]>"
_ASK = Request("GET", "https://api.acme.example/v1/jobs/7?page=2")


def _told(lane: str, t: int, word: str, *, left: int = 5, status: int = 200) -> Heard:
    headers = Headers.of([("x-ratelimit-limit", "10"), ("x-ratelimit-remaining", str(left))])
    return Heard(lane, t, Response(status, headers, f'{{"status":"{word}","progress":40}}'.encode()))


def everything() -> Cassette:
    """Three lanes: one that completes after every kind of trouble and wait, one that is cut, one without a job."""
    whys = [why.value for why in Why]
    order = Request("POST", "https://api.acme.example/v1/jobs", body=b'{"prompt":"a fox"}')
    limited = Response(429, Headers.of([("Retry-After", "3")]), b'{"error":{"code":"SLOW_DOWN"}}')
    events: list[Event] = [
        Open("render#1", 0, {"job": {"is": "Submitting"}}),
        Wait("render#1", 0, "Submitting", 0, 0, "at once"),
        Send("render#1", 0, order),
        Heard("render#1", 40, limited),
        Wait("render#1", 40, "Submitting", 3000, 3000, "retry-after"),
        Send("render#1", 3040, order),
        _told("render#1", 3100, "queued"),
    ]
    for number, why in enumerate(whys):
        t = 3100 + 1000 * number
        reply = Heard("render#1", t + 1000, NoResponse(Cause.RESET, sent=True)) if number == 3 else None
        events += [
            Wait("render#1", t, "Polling", 900, 0, why),
            Send("render#1", t + 900, _ASK),
            reply or _told("render#1", t + 1000, "running", left=7 - number),
        ]
    end = 3100 + 1000 * len(whys)
    events += [
        Wait("render#1", end, "Polling", 5000, 0, "pace"),
        Told("render#1", end + 500),
        Wait("render#1", end + 500, "Polling", 100, 0, "notice"),
        Send("render#1", end + 600, _ASK),
        _told("render#1", end + 700, "succeeded"),
        Done("render#1", end + 700, "Completed", "sha256:0123", ("a.png", "b.png")),
        Open("render#2", 100, {"job": {"is": "Polling"}}),
        Wait("render#2", 100, "Polling", 400, 0, "pace"),
        Send("render#2", 500, _ASK),
        Open("files", 200),
        Send("files", 300, Request("GET", "https://elsewhere.example/a.png?sig=redacted-sig-1")),
        Heard("files", 900, Response(200), Omitted(70000, "0" * 64)),
    ]
    return Cassette(HEAD, tuple(sorted(events, key=lambda event: event.t)), "sample.cassette.jsonl")


def hostile() -> Cassette:
    """A stranger's words wherever a cassette holds any."""
    body = f'{{"status":{_quoted(HOSTILE)}}}'.encode("utf-8", "replace")
    events = (
        Open(HOSTILE, 0, {"job": {"is": HOSTILE}}),
        Wait(HOSTILE, 0, HOSTILE, 50, 0, HOSTILE),
        Send(HOSTILE, 50, Request(HOSTILE, HOSTILE, body=body)),
        Heard(HOSTILE, 90, Response(200, Headers.of([("location", HOSTILE)]), body)),
        Heard(HOSTILE, 91, Response(500, body=HOSTILE.encode("utf-8", "replace"))),
        Done(HOSTILE, 95, HOSTILE, HOSTILE, (HOSTILE,)),
    )
    return Cassette(Head(0, HOSTILE, HOSTILE, HOSTILE, HOSTILE, (HOSTILE,)), events, HOSTILE)


def _quoted(text: str) -> str:
    printable = "".join(c if c.isprintable() else " " for c in text)
    return '"' + printable.replace("\\", "\\\\").replace('"', '\\"') + '"'
