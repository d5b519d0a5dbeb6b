"""Cookies that a service wants back: which are taken, how long they are kept, and with which requests they go."""

from __future__ import annotations

import pytest

import bide
from bide.cookies import kept_cookies, told_cookies, with_cookies
from bide.dialect import Phase
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.declared import Declared
from bide.dialects.places import Sign
from bide.errors import InvalidToken
from bide.handles import links
from tests.laws import START

NOON = "Sun, 06 Nov 1994 12:00:00 GMT"
DIALECT = Declared(
    Declaration(
        name="sticky",
        base_url="https://api.sticky.example/v1",
        submit=Call("PUT", ("/jobs/{model}",), body={"...": "{input}"}),
        poll=Call("GET", ("{status}",)),
        fetch=Call("GET", ("{result}",)),
        links={"status": ("@location",), "result": ("result",)},
        cookies=("route-*",),
        status=("status",),
        phases={"done": Phase.SUCCEEDED},
        signs=(Sign(Phase.TRANSIENT, {"busy": ("true",)}, ("4xx", "5xx")),),
    )
)


def reply(status: int, *cookies: str, body: bytes = b"", location: str = "") -> bide.Response:
    lines = [("set-cookie", cookie) for cookie in cookies]
    return bide.Response(status, bide.Headers.of([*lines, *([("location", location)] if location else [])]), body)


def sent(job: bide.Job) -> str | None:
    assert isinstance(job, bide.Waiting)
    return dict(job.request.headers).get("cookie")


def submitting() -> bide.Submitting:
    return bide.submit(bide.Order("7", {}), dialect=DIALECT, now=START)


def polling(*cookies: str) -> bide.Polling:
    job = submitting().receive(reply(202, *cookies, location="/v1/jobs/7"), now=START)
    assert isinstance(job, bide.Polling)
    return job


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("route-a=west", ("route-a=west",)),
        (" route-a = west ; Path=/; HttpOnly", ("route-a=west",)),
        ("route-a=a=b==", ("route-a=a=b==",)),
        ("route-a=west; Max-Age=60", ("route-a=west",)),
        ("route-a=west; max-age=0", ("route-a=",)),
        ("route-a=west; Max-Age=00", ("route-a=",)),
        ("route-a=west; Max-Age=-1", ("route-a=",)),
        ("route-a=west; Max-Age=soon", ("route-a=west",)),
        ("route-a=west; Max-Age=", ("route-a=west",)),
        ("route-a=west; Expires=Thu, 01 Jan 1970 00:00:00 GMT", ("route-a=",)),
        (f"route-a=west; expires={NOON}", ("route-a=",)),
        ("route-a=west; Expires=Sun, 06 Nov 1994 12:00:01 GMT", ("route-a=west",)),
        ("route-a=west; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60", ("route-a=west",)),  # RFC 6265, 5.3
        ("route-a=west; Expires=never", ("route-a=west",)),
        ("route-a=", ("route-a=",)),
        ("session=5ec2e7", ()),
        ("route-a", ()),
        ("=west", ()),
        ("", ()),
        ("route-a=wést", ()),
        ("route-a=we\x00st", ()),
        (f"route-a={'w' * 4088}", (f"route-a={'w' * 4088}",)),
        (f"route-a={'w' * 4089}", ()),
    ],
)
def test_what_a_line_says(line: str, told: tuple[str, ...]) -> None:
    assert told_cookies([line], ("route-*",), date=NOON) == told


def test_without_a_date_the_end_of_a_cookie_is_long_ago_or_to_come() -> None:
    lines = [
        f"route-{number}=x; Expires={NOON[:12]}{year}{NOON[16:]}" for number, year in enumerate((1994, 2001, 2002))
    ]
    assert told_cookies(lines, ("*",), date=None) == ("route-0=", "route-1=x", "route-2=x")


def test_cookies_are_kept_and_changed_by_name() -> None:
    assert kept_cookies("", ["a=1", "b=2"]) == "a=1; b=2"
    assert kept_cookies("a=1; b=2", ["a=3", "c=4"]) == "b=2; a=3; c=4"
    assert kept_cookies("a=1; b=2", ["a=", "z="]) == "b=2"
    assert kept_cookies("a=1", ["a="]) == ""


def test_no_more_than_fifty_are_kept() -> None:
    many = kept_cookies("", [f"c{number}=x" for number in range(60)])
    assert many.count("=") == 50
    assert kept_cookies(many, ["c0=", "new=x"]).endswith("; new=x")
    assert kept_cookies(many, ["c0=y", "new=x"]).endswith("; c0=y")


def test_a_handle_without_cookies_is_as_before() -> None:
    assert with_cookies("job-7", ()) == "job-7"
    assert with_cookies("job-7", ("a=1",)) == '{"cookie":"a=1","id":"job-7"}'
    assert with_cookies('{"cookie":"a=1","id":"job-7"}', ("a=",)) == "job-7"


# -- a submission that is sent again ---------------------------------------------------------------------------------


def test_a_submission_that_is_sent_again_brings_the_cookie_of_its_refusal() -> None:
    first = submitting()
    assert sent(first) is None
    again = first.receive(reply(503, "route-a=west; Path=/", "session=5ec2e7"), now=START)
    assert isinstance(again, bide.Submitting)
    assert sent(again) == "route-a=west"
    assert "west" not in repr(again)
    assert bide.load(bide.dump(again), dialect=DIALECT) == again
    cut = again.receive(bide.NoResponse(bide.Cause.RESET, sent=False), now=START)
    assert sent(cut) == "route-a=west"


def test_the_job_that_is_made_then_goes_on_with_it() -> None:
    again = submitting().receive(reply(503, "route-a=west"), now=START)
    assert isinstance(again, bide.Submitting)
    known = again.receive(reply(202, "route-b=1", location="/v1/jobs/7"), now=START)
    assert sent(known) == "route-a=west; route-b=1"
    kept = again.receive(reply(202, location="/v1/jobs/7"), now=START)
    assert sent(kept) == "route-a=west"


def test_a_cookie_that_is_taken_back_goes_with_nothing_more() -> None:
    again = submitting().receive(reply(503, "route-a=west"), now=START)
    assert isinstance(again, bide.Submitting)
    known = again.receive(reply(202, "route-a=; Max-Age=0", location="/v1/jobs/7"), now=START)
    assert isinstance(known, bide.Polling)
    assert sent(known) is None
    assert known.handle == "https://api.sticky.example/v1/jobs/7"
    third = again.receive(reply(503, "route-a=; Max-Age=0"), now=START)
    assert sent(third) is None


def test_an_old_token_has_no_cookies() -> None:
    token = bide.dump(submitting())
    assert b'"cookies":""' in token.encode()
    assert bide.load(token.replace(',"cookies":""', ""), dialect=DIALECT) == submitting()


def test_a_redirect_of_the_submission_brings_its_cookie_along() -> None:
    led = submitting().receive(reply(307, "route-a=west", location="/v2/jobs/7"), now=START)
    assert isinstance(led, bide.Submitting)
    assert led.request.url == "https://api.sticky.example/v2/jobs/7"
    assert sent(led) == "route-a=west"


# -- a job in hand ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [404, 429, 500])
def test_a_look_that_is_refused_may_move_the_cookie(status: int) -> None:
    job = polling("route-a=west").receive(reply(status, "route-a=east"), now=START)
    assert isinstance(job, bide.Polling)
    assert sent(job) == "route-a=east"


def test_a_fetch_that_is_refused_may_move_the_cookie() -> None:
    done = polling("route-a=west").receive(reply(200, body=b'{"status": "done", "result": "/v1/r/7"}'), now=START)
    assert isinstance(done, bide.Fetching)
    assert sent(done) == "route-a=west"
    again = done.receive(reply(503, "route-a=east"), now=START)
    assert sent(again) == "route-a=east"


def test_a_foreign_host_has_no_say_in_it() -> None:
    away = polling("route-a=west").receive(
        reply(200, location="https://else.example/7", body=b'{"status": "running"}'), now=START
    )
    assert sent(away) is None
    assert isinstance(away, bide.Polling)
    job = away.receive(reply(500, "route-a=evil"), now=START)
    assert isinstance(job, bide.Polling)
    assert links(job.handle)["cookie"] == "route-a=west"


# -- what is declared to have come to nothing ------------------------------------------------------------------------


def test_a_declared_trouble_is_no_doubt_about_a_submission() -> None:
    keyless = Declared(
        Declaration(
            name="busy",
            base_url="https://api.busy.example",
            submit=Call("POST", ("/jobs",), body={"...": "{input}"}),
            poll=Call("GET", ("/jobs/{id}",)),
            id=("id",),
            signs=(Sign(Phase.TRANSIENT, {"error": ("busy",)}, ("503",), ("submit",)),),
        )
    )
    first = bide.submit(bide.Order("7", {}), dialect=keyless, now=START)
    again = first.receive(reply(503, body=b'{"error": "busy"}'), now=START)
    assert isinstance(again, bide.Submitting)
    assert isinstance(again.receive(reply(400), now=START), bide.Failed)
    unclear = first.receive(reply(503, body=b'{"error": "lost"}'), now=START)
    assert isinstance(unclear, bide.Abandoned)
    assert unclear.reason is bide.Reason.AMBIGUOUS
    lost = again.receive(bide.NoResponse(bide.Cause.TIMEOUT, sent=True), now=START)
    assert isinstance(lost, bide.Abandoned)


@pytest.mark.parametrize("job", [submitting().receive(reply(503, "route-1=a"), now=START), polling("route-1=a")])
def test_a_token_whose_cookies_no_request_can_send_is_refused(job: bide.Job) -> None:
    token = bide.dump(job)
    assert bide.load(token, dialect=DIALECT) == job
    with pytest.raises(InvalidToken, match="no request can send its cookies"):
        bide.load(token.replace("route-1=a", "route-1=\\u00e9"), dialect=DIALECT)
