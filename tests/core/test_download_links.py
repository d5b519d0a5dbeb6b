"""Addresses of files: one way to ask or the other, redirects followed with care, links renewed before they expire."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given

import bide
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.declared import Declared
from bide.download import Downloaded, Downloading, Undelivered, download
from tests.core.download_scene import CUT, FILE, LINK, TAG, TwoWays, answer, in_json
from tests.laws import START, addresses

NOW = "Mon, 23 Nov 2026 13:33:27 GMT"

TWO_WAYS = TwoWays()
BY_ID = Declared(Declaration(name="by-id", base_url="https://api.plain.example", file=Call("GET", ("/files/{file}",))))


def address(expires: str = "2026-11-23T13:43:27Z", date: str = NOW) -> bide.Response:
    return in_json({"url": LINK, "expires_at": expires, "size_bytes": 9}, date=date)


BYTES = answer(200, etag=TAG, content_length="9")


def went(*replies: bide.Reply, file: Downloading | None = None, dialect: bide.Dialect = TWO_WAYS) -> Downloading:
    state = file or download(FILE, dialect=dialect, now=START)
    for reply in replies:
        after = state.receive(reply, received=state.received, now=state.due)
        assert isinstance(after, Downloading), after
        state = after
    return state


def refused(reply: bide.Reply, file: Downloading) -> bide.Problem:
    end = file.receive(reply, received=file.received, now=file.due)
    assert isinstance(end, Undelivered)
    assert (end.reason, end.last.link) == (bide.Reason.REFUSED, None)
    assert end.problem is not None
    return end.problem


# Two ways to ask


@pytest.mark.parametrize("status", [404, 405])
def test_the_other_way_is_tried_where_the_first_leads_nowhere(status: int) -> None:
    file = went(answer(status))
    assert file.request.url == f"https://api.modelroute.ai/v1/files/{FILE}/url"
    assert (file.request.credential, file.due) == (True, START)
    linked = went(address(), file=file)
    assert linked.request.url == LINK
    again = went(answer(403), file=linked)
    assert again.request.url.endswith("/url"), "what worked once is asked again"


def test_the_other_way_is_not_tried_after_the_deadline() -> None:
    file = download(FILE, dialect=TWO_WAYS, now=START, patience=bide.Patience(deadline=10))
    assert went(answer(404), file=file).elsewhere
    end = file.receive(answer(404), received=0, now=START + 10)
    assert isinstance(end, Undelivered)


@pytest.mark.parametrize("status", [404, 405, 410])
def test_a_file_that_neither_way_leads_to_is_not_there(status: int) -> None:
    first = went(answer(404))
    assert refused(answer(status), first).code == f"HTTP_{status}"


def test_the_second_way_gives_addresses_and_no_files_in_json() -> None:
    second = went(answer(404))
    file = went(in_json({"url": LINK}), file=second)
    assert (file.request, file.why) == (second.request, bide.Why.BACKOFF)
    assert isinstance(second.receive(BYTES, received=9, now=START), Downloaded)
    foreign = in_json({"url": "https://evil.example/?sig=xyz", "expires_at": ""})
    assert refused(foreign, second).code == "FOREIGN_ADDRESS"


def test_a_service_with_one_way_is_asked_in_no_other() -> None:
    assert refused(answer(404), download("file_1", dialect=BY_ID, now=START)).code == "HTTP_404"


# Links that end


def test_a_link_is_replaced_before_it_is_asked_in_vain() -> None:
    """Ten minutes by the server's clock are ten minutes by ours, however wrong either is."""
    far = "Mon, 23 Nov 2026 20:00:00 GMT"
    file = went(address("2026-11-23T20:10:00Z", far))
    assert file.link is not None
    assert file.link.expires == START + 600
    late = file.receive(answer(503, retry_after="599"), received=0, now=START)
    assert isinstance(late, Downloading)
    assert late.request.url == LINK
    too_late = file.receive(answer(503, retry_after="600"), received=0, now=START)
    assert isinstance(too_late, Downloading)
    assert (too_late.link, too_late.due) == (None, START + 600)


def test_without_a_date_the_own_clock_must_do() -> None:
    file = went(in_json({"url": LINK, "expires_at": "2026-11-23T13:43:27Z"}))
    assert file.link is not None
    assert file.link.expires == START + 600


def test_a_link_that_never_ends_is_asked_as_often_as_needed() -> None:
    file = went(in_json({"url": LINK, "expires_at": "soon"}), answer(503, retry_after="3000"))
    assert file.request.url == LINK


def test_what_has_come_belongs_to_the_fresh_link_too() -> None:
    file = went(address())
    heard = file.heard(BYTES)
    assert heard is not None
    cut = heard.receive(CUT, received=5, now=START)
    assert isinstance(cut, Downloading)
    renewed = went(answer(403), file=cut)
    assert ("range", "bytes=5-") not in renewed.request.headers, "the bytes did not come from the service itself"
    again = went(address(), file=renewed)
    assert again.request.headers[-2:] == (("range", "bytes=5-"), ("if-range", TAG))


def test_links_that_always_fail_end_it() -> None:
    """An address is no file: that the service answers well does not make up for what the storage host says."""
    file: Downloading | Downloaded | Undelivered = download(FILE, dialect=TWO_WAYS, now=START)
    count = 0
    while isinstance(file, Downloading):
        count += 1
        file = file.receive(answer(403) if file.link else address(), received=0, now=file.due)
    assert isinstance(file, Undelivered)
    assert file.reason is bide.Reason.FAILURES
    assert count == 2 * bide.Patience().failures


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_of_the_storage_host_is_followed_without_anything_secret(status: int) -> None:
    start = went(address())
    file = went(answer(status, location="/g/def?sig=2"), file=start)
    assert (file.request.url, file.due) == ("https://storage.modelroute.ai/g/def?sig=2", START)
    assert not file.request.credential
    assert file.request.headers == (("accept-encoding", "identity"),)
    assert file.size == 9
    assert file.past.failures == 0


def test_three_redirects_are_followed_and_no_fourth() -> None:
    on = [answer(302, location=f"/{count}") for count in range(4)]
    third = went(address(), *on[:3])
    assert third.request.url.endswith("/2")
    file = went(on[3], file=third)
    assert (file.request.url, file.why) == (third.request.url, bide.Why.BACKOFF)


def test_as_many_redirects_are_followed_from_an_address_that_the_caller_has() -> None:
    on = [answer(302, location=f"https://cdn.example/{count}") for count in range(4)]
    third = went(*on[:3], file=download(PICTURE, dialect=PLAIN, now=START))
    assert third.request.url == "https://cdn.example/2"
    assert went(on[3], file=third).request == third.request


def test_a_fresh_link_may_be_redirected_anew() -> None:
    on = answer(302, location="/1")
    file = went(address(), on, on, on, answer(403), address(), on)
    assert file.link is not None
    assert file.link.hops == 1


@pytest.mark.parametrize("status", [300, 304, 302])
def test_a_redirect_to_nowhere_is_trouble(status: int) -> None:
    headers = {} if status == 302 else {"location": "/1"}
    file = went(address(), answer(status, b"", **headers))
    assert (file.request.url, file.why) == (LINK, bide.Why.BACKOFF)


ELSEWHERE = [
    "https://evil.example/f",
    "http://storage.modelroute.ai/f",
    "https://storage.modelroute.ai.evil.example/f",
    "https://user@storage.modelroute.ai/f",
    "//evil.example/f",
    "https://127.0.0.1/f",
    "https://[",
    "file:///etc/passwd",
    "https://storage.modelroute.ai/\x7f",
    "https://api.modelroute.ai/v1/files/x/download",
]


@pytest.mark.parametrize("place", ELSEWHERE)
def test_a_redirect_elsewhere_is_not_followed(place: str) -> None:
    problem = refused(answer(302, location=place + "?sig=xyz"), went(address()))
    assert problem.code == "FOREIGN_ADDRESS"
    assert "sig=" not in str(problem)


def test_the_service_may_redirect_to_its_storage_too() -> None:
    file = went(answer(302, location=LINK + "#there"))
    assert (file.request.url, file.request.credential, file.size) == (LINK, False, None)
    assert refused(answer(307, location="https://files.modelroute.ai/1"), went()).code == "FOREIGN_ADDRESS"


def test_a_service_that_moves_its_files_is_followed_within_its_own_origin_as_it_was_asked_first() -> None:
    versioned = (("accept", "application/json"), ("acme-version", "2"))
    acme = Declared(replace(BY_ID.declaration, headers=versioned))
    start = download("file_1", dialect=acme, now=START)
    file = went(answer(307, location="/v2/files/file 1"), file=start)
    assert file.request == replace(start.request, url="https://api.plain.example/v2/files/file%201")
    assert file.is_at_home
    limited = went(answer(429, x_ratelimit_remaining="0", x_ratelimit_reset="50"), file=file)
    assert limited.past.quota is not None
    away = went(answer(302, location="https://cdn.example/1"), file=went(answer(302, location="/1"), file=at_home()))
    assert (away.request.credential, away.is_at_home) == (False, False)
    assert away.request.headers == (("accept-encoding", "identity"),)
    assert went(answer(302, location="/1"), address()).request.url == LINK
    assert refused(answer(404), went(answer(302, location="/1"), file=start)).code == "HTTP_404"


def at_home() -> Downloading:
    return download("https://api.plain.example/v1/files/1", dialect=PLAIN, now=START)


@pytest.mark.parametrize("start", [at_home, went])
def test_an_address_that_leads_on_for_ever_is_tried_once_more_and_no_third_time(
    start: Callable[[], Downloading],
) -> None:
    file: Downloading | Downloaded | Undelivered = start()
    count = 0
    while isinstance(file, Downloading):
        count += 1
        file = file.receive(answer(302, location=f"/{count}"), received=0, now=file.due)
    assert isinstance(file, Undelivered)
    assert count == 5, "three redirects, one too many, and that one again"
    assert (file.reason, str(file.problem)) == (
        bide.Reason.NOT_UNDERSTOOD,
        "TOO_MANY_REDIRECTS: the file's address leads on and on: ask the service for another one",
    )


PLAIN = Declared(Declaration(name="plain", base_url="https://api.plain.example/v1"))
PICTURE = "https://cdn.plain.example/out-0.png?sig=5ec2e7"


def test_a_file_known_by_its_address_may_lead_on_to_another_public_one() -> None:
    start = download(PICTURE, dialect=PLAIN, now=START)
    file = went(answer(302, location="https://eu.cdn.example/1?sig=2"), file=start)
    assert (file.request.url, file.request.credential) == ("https://eu.cdn.example/1?sig=2", False)
    for place in ("http://eu.cdn.example/1", "https://localhost/1", "https://10.0.0.1/1"):
        assert refused(answer(302, location=place), start).code == "FOREIGN_ADDRESS"


def test_an_address_that_leads_back_to_the_service_is_asked_as_any_other() -> None:
    start = download(PICTURE, dialect=PLAIN, now=START)
    file = went(answer(302, location="https://api.plain.example/v1/files/1"), file=start)
    assert not file.request.credential
    limited = went(answer(429, x_ratelimit_remaining="0", x_ratelimit_reset="50"), file=file)
    assert limited.past.quota is None
    assert went(answer(403), file=file).link is None


def test_where_the_dialect_does_not_say_an_id_leads_to_the_host_it_led_to() -> None:
    start = download("file_1", dialect=BY_ID, now=START)
    assert refused(answer(302, location="https://cdn.example/1"), start).code == "FOREIGN_ADDRESS"


@given(addresses)
def test_no_redirect_leads_into_a_private_network_or_loses_its_encryption(place: str) -> None:
    start = download(PICTURE, dialect=PLAIN, now=START)
    after = start.receive(answer(302, location=place), received=0, now=START)
    if isinstance(after, Downloading) and after.link is not None:
        assert after.request.url.startswith("https://")
        assert "127.0.0.1" not in after.request.url
        assert not after.request.credential


# Files known by their address


def test_a_file_elsewhere_is_asked_for_without_the_key() -> None:
    assert not download(PICTURE, dialect=PLAIN, now=START).request.credential
    at_home = "https://api.plain.example/v1/files/1"
    assert download(at_home, dialect=PLAIN, now=START).request.credential
    keyless = Declared(Declaration(name="plain", base_url="https://api.plain.example/v1", authorization=None))
    assert not download(at_home, dialect=keyless, now=START).request.credential


def test_a_host_elsewhere_has_no_say_in_the_quota_and_is_not_held_back_by_it() -> None:
    quota = bide.Quota(60, 0, START + 9)
    file = download(PICTURE, dialect=PLAIN, now=START, quota=quota)
    assert file.due == START
    limited = went(answer(429, x_ratelimit_remaining="0", x_ratelimit_reset="50"), file=file)
    assert (limited.past.quota, limited.due) == (None, START + 50)
    assert download("https://api.plain.example/v1/files/1", dialect=PLAIN, now=START, quota=quota).due == START + 9


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
def test_an_address_that_has_expired_is_told_as_such(status: int) -> None:
    problem = refused(answer(status), download(PICTURE, dialect=PLAIN, now=START))
    assert problem.code == f"HTTP_{status}"
    assert "get the result again" in str(problem)


@pytest.mark.parametrize("status", [408, 425, 500, 503])
def test_trouble_elsewhere_is_waited_out(status: int) -> None:
    start = download(PICTURE, dialect=PLAIN, now=START)
    file = went(answer(status), file=start)
    assert (file.request, file.why) == (start.request, bide.Why.BACKOFF)


def test_the_rest_is_asked_for_at_the_address_itself() -> None:
    start = download(PICTURE, dialect=PLAIN, now=START)
    heard = start.heard(BYTES)
    assert heard is not None
    file = heard.receive(CUT, received=5, now=START)
    assert isinstance(file, Downloading)
    assert file.request.url == PICTURE
    assert file.request.headers[-2:] == (("range", "bytes=5-"), ("if-range", TAG))
    rest = answer(206, content_range="bytes 5-8/9", etag=TAG)
    assert isinstance(file.receive(rest, received=9, now=START), Downloaded)


def test_no_signature_is_shown() -> None:
    start = download(PICTURE, dialect=PLAIN, now=START)
    end = start.receive(answer(403), received=0, now=START)
    done = start.receive(BYTES, received=9, now=START)
    linked = went(address())
    for state in (start, end, done, linked):
        assert "sig=" not in repr(state)
