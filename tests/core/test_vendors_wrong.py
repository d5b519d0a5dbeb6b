"""What the vendors' own clients get wrong, tried on each of the declarations that come with bide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bide
from bide.dialect import Asked, Phase
from bide.dialects.declared import Declared
from bide.dialects.vendors import named
from bide.errors import NotOffered
from bide.handles import ID, links
from bide.urls import origin
from tests.core.vendors_all import VENDORS
from tests.core.vendors_scene import PAGE, Vendor, answer
from tests.laws import START, responses

ELSEWHERE = "https://elsewhere.example/jobs/7?sig=1"
KEY = bide.Secret("KEY")
REPEATABLE = ("azure-arm", "azure-arm-delete", "azure-core-put", "azure-core-delete", "aws-step-functions")
each_vendor = pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
with_addresses = pytest.mark.parametrize(
    "vendor", [vendor for vendor in VENDORS if vendor.moved_to], ids=lambda vendor: vendor.name
)


def submitting(vendor: Vendor) -> bide.Submitting:
    return bide.submit(vendor.order, dialect=Declared(named(vendor.name)), now=START)


def polling(vendor: Vendor) -> bide.Polling:
    job = submitting(vendor).receive(vendor.accepted, now=START)
    assert isinstance(job, bide.Polling)
    return job


def fetching(vendor: Vendor) -> bide.Fetching | None:
    """The job whose result is still to be had; None where it came with the job."""
    job = polling(vendor).receive(vendor.done, now=START)
    assert isinstance(job, bide.Fetching | bide.Completed)
    return job if isinstance(job, bide.Fetching) else None


def confirming(vendor: Vendor) -> bide.Cancelling | None:
    """The job whose cancellation was taken; None where there is none."""
    seen = polling(vendor).receive(vendor.running, now=START)
    assert isinstance(seen, bide.Polling)
    try:
        job = bide.cancel(seen, now=START).receive(answer(202, {}), now=START)
    except NotOffered:
        return None
    assert isinstance(job, bide.Cancelling)
    return job


def at(address: Callable[[str], bide.Response] | None, url: str) -> bide.Response:
    assert address is not None
    return address(url)


def added(response: bide.Response, **lines: str) -> bide.Response:
    pairs = [*response.headers, *((name.replace("_", "-"), value) for name, value in lines.items())]
    kept = [pair for number, pair in enumerate(pairs) if pair[0] not in {later[0] for later in pairs[number + 1 :]}]
    return replace(response, headers=bide.Headers.of(kept))


@each_vendor
@pytest.mark.parametrize("body", [None, b"{}", b"null", b"[]", b'{"status": "running"}', b'{"done": false}', PAGE])
def test_202_without_any_address_is_no_success(vendor: Vendor, body: bytes | None) -> None:
    job = submitting(vendor).receive(answer(202, body), now=START)
    if isinstance(job, bide.Abandoned):
        assert job.reason is bide.Reason.UNFOLLOWABLE
    else:  # a resource that was sent is known by its own address
        assert isinstance(job, bide.Polling)
        assert submitting(vendor).request.method in ("PUT", "PATCH")
        assert job.request.url == submitting(vendor).request.url


@with_addresses
@pytest.mark.parametrize("said", ["/over/there/7?sig=1", "7?sig=1", "//elsewhere.example/7"])
def test_a_relative_address_is_resolved(vendor: Vendor, said: str) -> None:
    first = submitting(vendor)
    job = first.receive(at(vendor.taken_at, said), now=START)
    assert isinstance(job, bide.Polling)
    assert job.request.url == resolved(said, first.request.url)
    again = job.receive(at(vendor.moved_to, "next"), now=START)
    assert isinstance(again, bide.Polling)
    assert again.request.url == f"{resolved(said, first.request.url).partition('?')[0].rpartition('/')[0]}/next"


def resolved(said: str, asked: str) -> str:
    home = str(origin(asked)).removesuffix(":443")
    if said.startswith("//"):
        return f"https:{said}"
    return f"{home}{said}" if said.startswith("/") else f"{asked.partition('?')[0].rpartition('/')[0]}/{said}"


@with_addresses
def test_a_job_that_moves_is_followed_without_the_key(vendor: Vendor) -> None:
    home = polling(vendor)
    dialect = home.terms.dialect
    assert bide.credential_for(home.request, dialect, KEY)
    away = home.receive(at(vendor.moved_to, ELSEWHERE), now=START)
    assert isinstance(away, bide.Polling)
    assert away.request.url == ELSEWHERE
    assert bide.credential_for(away.request, dialect, KEY) == ()
    assert "KEY" not in repr(away.request.headers)
    back = away.receive(at(vendor.moved_to, home.request.url), now=START)
    assert isinstance(back, bide.Polling)
    assert back.request == home.request


@with_addresses
@pytest.mark.parametrize(
    "said", ["http://elsewhere.example/7", "https://127.0.0.1/7", "https://a@b.example/7", "ftp://x/7"]
)
def test_an_address_that_must_not_be_asked_changes_nothing(vendor: Vendor, said: str) -> None:
    home = polling(vendor)
    job = home.receive(at(vendor.moved_to, said), now=START)
    assert isinstance(job, bide.Polling)
    assert job.request == home.request


@with_addresses
def test_the_same_host_with_its_port_is_at_home(vendor: Vendor) -> None:
    home = polling(vendor)
    host = str(origin(home.request.url))
    job = home.receive(at(vendor.moved_to, f"{host}/jobs/7"), now=START)
    assert isinstance(job, bide.Polling)
    assert job.request.url == f"{host}/jobs/7"
    assert host.endswith(":443")
    assert bide.credential_for(job.request, job.terms.dialect, KEY)


@each_vendor
@pytest.mark.parametrize(("said", "wait"), [("0", 0.05), ("7", 7.0)])
def test_the_service_says_when_to_look_again(vendor: Vendor, said: str, wait: float) -> None:
    first = submitting(vendor).receive(added(vendor.accepted, retry_after=said), now=START)
    again = polling(vendor).receive(added(vendor.running, retry_after=said), now=START)
    for job in (first, again):
        assert isinstance(job, bide.Polling)
        assert round(job.due - START, 3) == wait
        assert job.why is bide.Why.RETRY_AFTER


@each_vendor
def test_an_unfinished_body_is_never_a_result(vendor: Vendor) -> None:
    job = polling(vendor).receive(vendor.running, now=START)
    assert isinstance(job, bide.Polling)
    fetched = fetching(vendor)
    for early in (vendor.running, answer(202), answer(202, {"n": 1})) if fetched else ():
        again = fetched and fetched.receive(early, now=START)
        assert isinstance(again, bide.Fetching)


@each_vendor
def test_a_body_about_another_job_is_not_understood(vendor: Vendor) -> None:
    job = polling(vendor)
    assert (vendor.other is None) == (ID not in links(job.handle))
    if vendor.other is not None and named(vendor.name).poll.says_id(dict(links(job.handle))):
        after = job.receive(vendor.other, now=START)
        assert isinstance(after, bide.Polling)
        assert (after.handle, after.past.failures) == (job.handle, 1)


@each_vendor
def test_a_page_in_place_of_the_api_is_not_understood(vendor: Vendor) -> None:
    first = submitting(vendor)
    after = first.receive(answer(200, PAGE), now=START)
    assert isinstance(after, bide.Abandoned)
    assert after.reason is bide.Reason.UNFOLLOWABLE
    for job in (polling(vendor), fetching(vendor), confirming(vendor)):
        if job is not None:
            again = job.receive(answer(200, PAGE), now=START)
            assert type(again) is type(job)
            assert again.past.failures == 1


@each_vendor
def test_what_status_codes_alone_say(vendor: Vendor) -> None:
    job = polling(vendor)
    for code in (401, 403):
        refused = job.receive(answer(code, {}), now=START)
        assert isinstance(refused, bide.Abandoned)
        assert refused.reason is bide.Reason.UNAUTHORISED
    for code, count in ((429, "limited"), (500, "failures"), (503, "failures"), (302, "failures"), (404, "missing")):
        after = job.receive(answer(code, {}, retry_after="3"), now=START)
        assert isinstance(after, bide.Polling)
        assert getattr(after.past, count) == 1
        assert round(after.due - START, 3) >= 3.0
    assert isinstance(job.receive(answer(410, {}), now=START), bide.Lost)


@each_vendor
def test_a_lost_reply_never_makes_two_jobs(vendor: Vendor) -> None:
    first = submitting(vendor)
    after = first.receive(bide.NoResponse(bide.Cause.RESET, sent=True), now=START)
    assert isinstance(after, bide.Submitting if first.request.repeatable else bide.Abandoned)
    assert first.request.repeatable is (vendor.name in REPEATABLE)
    if vendor.name == "aws-step-functions":
        keyless = bide.submit(bide.Order(vendor.order.model, {}), dialect=first.terms.dialect, now=START)
        assert not keyless.request.repeatable


@given(responses, st.sampled_from(VENDORS), st.sampled_from(["submit", "poll", "fetch", "cancel", "confirm"]))
def test_reading_is_total(reply: bide.Response, vendor: Vendor, asked: Asked) -> None:
    handle, order = (None, vendor.order) if asked == "submit" else (polling(vendor).handle, None)
    dialect = Declared(named(vendor.name))
    reading = dialect.read(reply, asked=asked, handle=handle, order=order)
    assert isinstance(reading.phase, Phase)
    assert reading.handle is None or dialect.check(reading.handle)
