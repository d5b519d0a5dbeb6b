"""The service in memory: every answer at every instant, without a clock."""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import replace
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, Literal, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bide.messages import Cause, Headers, NoResponse, Request, Response
from bide_transports.emulator import (
    Account,
    Broken,
    Dribble,
    Drop,
    Execution,
    Fault,
    Garbage,
    Hang,
    InMemory,
    Limit,
    Masked,
    Plan,
    Seen,
    Service,
    Status,
    Variants,
    VirtualClock,
    broken_down,
    html,
    png,
    too_many,
    unauthorised,
    unavailable,
)
from bide_transports.emulator.execution import Outcome
from bide_transports.emulator.faults import Deed, Kind, Wire

T = 1893830400.0  # 2030-01-05T08:00:00Z, on a minute
ORDER = b'{"model":"flux-1.1-pro","input":{"prompt":"a quiet harbour"}}'
EIGHTHS = st.integers(-720, 720).map(lambda n: n / 8)  # exact in binary, so that no sum is rounded
TERMINAL = {"COMPLETED", "FAILED", "CANCELLED", "EXPIRED"}


def ask(
    service: Service,
    method: str,
    path: str,
    at: float = T,
    *,
    body: bytes = b"",
    key: str | None = None,
    credential: str | None = Service.key,
) -> Response:
    answer = service.handle(call(service, method, path, body=body, key=key, credential=credential), now=at)
    assert isinstance(answer, Response)
    return answer


def call(
    service: Service,
    method: str,
    path: str,
    *,
    body: bytes = b"",
    key: str | None = None,
    credential: str | None = Service.key,
) -> Request:
    url = path if path.startswith("https:") else service.api_url + path
    headers = [] if credential is None else [("Authorization", f"Bearer {credential}")]
    headers += [] if key is None else [("Idempotency-Key", key)]
    return Request(method, url, tuple(headers), body)


def read(response: Response) -> Any:
    assert response.headers.get("content-type") == "application/json"
    return json.loads(response.body)


def code(response: Response) -> tuple[int, str]:
    return response.status, read(response)["error"]["code"]


def submit(service: Service, at: float = T, **fields: Any) -> str:
    return str(read(ask(service, "POST", "/v1/executions", at, body=ORDER, **fields))["id"])


def status(service: Service, handle: str, at: float) -> str:
    return str(read(ask(service, "GET", f"/v1/executions/{handle}", at))["status"])


def completed(**variants: Any) -> tuple[Service, str, str]:
    """A service, the id of a run that is over at `T`, and the id of its file."""
    service = Service(default=Plan(duration=5.1), variants=Variants(**variants))
    handle = submit(service, T - 10)
    return service, handle, service.executions[handle].file_id


class TestExecution:
    @pytest.mark.parametrize(
        ("age", "expected"),
        [
            (0, "PENDING"),
            (0.999, "PENDING"),
            (1, "PROCESSING"),
            (4, "AWAITING_WEBHOOK"),
            (9.999, "AWAITING_WEBHOOK"),
            (10, "COMPLETED"),
            (1e6, "COMPLETED"),
        ],
    )
    def test_status_follows_the_plan(self, age: float, expected: str) -> None:
        service = Service()
        assert status(service, submit(service), T + age) == expected

    @pytest.mark.parametrize(
        ("plan", "last"),
        [
            (Plan(duration=8), (8, Status.COMPLETED)),
            (Plan(duration=8, outcome=Status.FAILED), (8, Status.FAILED)),
            (Plan(duration=8, outcome=Status.CANCELLED), (8, Status.CANCELLED)),
            (Plan(duration=8, outcome=Status.EXPIRED, expires_after=60), (60, Status.EXPIRED)),
            (Plan(duration=61, expires_after=60), (60, Status.EXPIRED)),
            (Plan(duration=float("inf")), (300, Status.EXPIRED)),
        ],
    )
    def test_the_end_of_a_plan(self, plan: Plan, last: tuple[float, Status]) -> None:
        assert plan.last == last
        run = Execution("exec_1", "file_1", "m", plan, T)
        assert not run.status(T + last[0] - 0.001).terminal
        assert run.status(T + last[0]) is last[1]

    @given(st.floats(0, 400), st.floats(0, 400), st.floats(0, 400), st.sampled_from(get_args(Outcome)))
    def test_a_terminal_status_never_changes(self, first: float, wait: float, cancel: float, outcome: Outcome) -> None:
        run = Execution("exec_1", "file_1", "m", Plan(duration=200, outcome=outcome), T).cancel(T + cancel)
        before, after = run.status(T + first), run.status(T + first + wait)
        assert after is before or not before.terminal
        assert cancel < run.plan.last[0] or run.cancelled is None

    def test_plans_go_by_model(self) -> None:
        service = Service(plans={"flux-1.1-pro": Plan(duration=2)}, default=Plan(duration=20))
        other = read(ask(service, "POST", "/v1/executions", body=b'{"model":"seedance-video","input":{}}'))["id"]
        assert status(service, submit(service), T + 3) == "COMPLETED"
        assert status(service, other, T + 3) == "PROCESSING"

    def test_cancel(self) -> None:
        service = Service()
        handle = submit(service)
        reply = ask(service, "POST", f"/v1/executions/{handle}/cancel", T + 5)
        assert (reply.status, read(reply)["status"]) == (200, "CANCELLED")
        assert status(service, handle, T + 60) == "CANCELLED"
        assert code(ask(service, "POST", f"/v1/executions/{handle}/cancel", T + 60)) == (409, "CONFLICT")

    def test_a_run_that_completed_first_cannot_be_cancelled(self) -> None:
        service, handle, _ = completed()
        assert code(ask(service, "POST", f"/v1/executions/{handle}/cancel")) == (409, "CONFLICT")
        assert status(service, handle, T + 1) == "COMPLETED"


class TestDocuments:
    def test_create(self) -> None:
        service = Service()
        reply = ask(service, "POST", "/v1/executions", body=ORDER)
        (handle,) = service.executions
        assert reply.status == 202
        assert read(reply) == {
            "id": handle,
            "status": "PENDING",
            "model": "flux-1.1-pro",
            "hold_amount": "0.048",
            "estimated_cost": "0.040",
            "expires_at": "2030-01-05T08:05:00Z",
            "created_at": "2030-01-05T08:00:00Z",
        }

    def test_status_says_no_more_than_the_sample(self) -> None:
        service, handle, _ = completed()
        assert read(ask(service, "GET", f"/v1/executions/{handle}")) == {"id": handle, "status": "COMPLETED"}

    def test_result(self) -> None:
        service, handle, file = completed()
        assert read(ask(service, "GET", f"/v1/executions/{handle}/result")) == {
            "execution_id": handle,
            "status": "COMPLETED",
            "output": {"images": [{"file_id": file, "format": "png", "width": 64, "height": 48}]},
            "usage": {"input_tokens": 9, "output_tokens": 0},
            "cost": "0.040",
            "latency_ms": 5100,
        }

    def test_result_inline_in_the_other_shape(self) -> None:
        service, handle, file = completed(result_at="status", result_shape="file")
        assert read(ask(service, "GET", f"/v1/executions/{handle}")) == {
            "id": handle,
            "status": "COMPLETED",
            "result": {"file_id": file, "content_type": "image/png", "width": 64, "height": 48},
        }
        assert code(ask(service, "GET", f"/v1/executions/{handle}/result")) == (404, "NOT_FOUND")

    def test_no_result_inline_before_the_end(self) -> None:
        service = Service(variants=Variants(result_at="status"))
        handle = submit(service)
        assert read(ask(service, "GET", f"/v1/executions/{handle}")) == {"id": handle, "status": "PENDING"}

    def test_failure(self) -> None:
        service = Service(default=Plan(duration=1, outcome=Status.FAILED, error_code="MODEL_OVERLOADED"))
        handle = submit(service)
        failed = read(ask(service, "GET", f"/v1/executions/{handle}", T + 1))
        assert failed == {
            "id": handle,
            "status": "FAILED",
            "error": {"code": "MODEL_OVERLOADED", "message": "the provider could not finish"},
        }
        assert code(ask(service, "GET", f"/v1/executions/{handle}/result", T + 1)) == (404, "RESULT_NOT_FOUND")

    def test_no_result_before_the_end(self) -> None:
        service = Service()
        handle = submit(service)
        assert code(ask(service, "GET", f"/v1/executions/{handle}/result", T + 9)) == (404, "RESULT_NOT_FOUND")

    def test_listing_is_newest_first(self) -> None:
        service = Service()
        handles = [submit(service, T + n) for n in range(22)]
        listed = read(ask(service, "GET", "/v1/executions", T + 30))["executions"]
        assert [one["id"] for one in listed] == handles[:1:-1]

    def test_ids_are_always_the_same_and_depend_on_the_seed(self) -> None:
        def ids(seed: int) -> list[str]:
            service = Service(seed=seed)
            for _ in range(3):
                submit(service)
            return [name for run in service.executions.values() for name in (run.id, run.file_id)]

        assert ids(0) == ids(0)
        assert len({*ids(0), *ids(1)}) == 12
        assert all(len(name.partition("_")[2].split("-")) == 5 for name in ids(0))


class TestVariants:
    @pytest.mark.parametrize(
        ("reply", "shown"),
        [("finished", set[str]()), ("finished with result", {"output", "usage", "cost", "latency_ms"})],
    )
    def test_a_run_over_at_once(self, reply: Literal["finished", "finished with result"], shown: set[str]) -> None:
        service = Service(variants=Variants(create_reply=reply, create_status=200))
        made = ask(service, "POST", "/v1/executions", body=ORDER)
        content = read(made)
        assert (made.status, content["status"]) == (200, "COMPLETED")
        assert shown == content.keys() & {"output", "usage", "cost", "latency_ms"}
        assert ask(service, "GET", f"/v1/executions/{content['id']}/result").status == 200

    def test_without_optional_fields(self) -> None:
        service = Service(variants=Variants(created_at=False, usage=False, request_id=False, result_id="id"))
        made = read(ask(service, "POST", "/v1/executions", body=ORDER))
        result = read(ask(service, "GET", f"/v1/executions/{made['id']}/result", T + 10))
        assert "created_at" not in made
        assert "usage" not in result
        assert result["id"] == made["id"]
        assert "request_id" not in read(ask(service, "GET", "/v1/nowhere"))["error"]

    def test_visible_after(self) -> None:
        service = Service(variants=Variants(visible_after=2))
        path = f"/v1/executions/{submit(service)}"
        assert code(ask(service, "GET", path, T + 1.999)) == (404, "EXECUTION_NOT_FOUND")
        assert ask(service, "GET", path, T + 2).status == 200

    def test_words(self) -> None:
        service = Service(variants=Variants(lower_case=True, unknown_status="WARMING_UP"))
        handle = submit(service)
        seen = [status(service, handle, T + age) for age in (0, 1, 4, 10)]
        assert seen == ["pending", "warming_up", "awaiting_webhook", "completed"]

    def test_extra_fields(self) -> None:
        service, handle, _ = completed(extra_fields=True)
        documents = [
            ask(service, "POST", "/v1/executions", body=ORDER),
            ask(service, "GET", f"/v1/executions/{handle}"),
            ask(service, "GET", f"/v1/executions/{handle}/result"),
        ]
        assert all("x_trace" in read(one) for one in documents)

    def test_skew_shifts_every_time_the_service_tells(self) -> None:
        service = Service(variants=Variants(skew=-3600, retry_after="date"), limit=Limit(1))
        made = ask(service, "POST", "/v1/executions", body=ORDER)
        limited = ask(service, "GET", "/v1/executions", T + 1)
        assert read(made)["created_at"] == "2030-01-05T07:00:00Z"
        assert read(made)["expires_at"] == "2030-01-05T07:05:00Z"
        assert made.headers.get("date") == "Sat, 05 Jan 2030 07:00:00 GMT"
        assert made.headers.get("x-ratelimit-reset") == str(int(T) + 60 - 3600)
        assert limited.headers.get("retry-after") == "Sat, 05 Jan 2030 07:01:00 GMT"
        assert [seen.told for seen in service.account.seen] == [T + 60, T + 60]

    def test_no_listing_and_no_url_endpoint(self) -> None:
        service, _, file = completed(listing=False, url_endpoint=False)
        assert code(ask(service, "GET", "/v1/executions")) == (404, "NOT_FOUND")
        assert code(ask(service, "GET", f"/v1/files/{file}/url")) == (404, "NOT_FOUND")


class TestRefusals:
    @pytest.mark.parametrize("credential", [None, "sk_wrong", ""])
    def test_without_the_key(self, credential: str | None) -> None:
        service = Service()
        reply = ask(service, "GET", "/v1/executions", credential=credential)
        assert code(reply) == (401, "UNAUTHORIZED")
        assert reply.headers.get("x-ratelimit-remaining") == "59"

    @pytest.mark.parametrize(
        ("method", "path", "expected"),
        [
            ("GET", "/v1/nowhere", (404, "NOT_FOUND")),
            ("GET", "/", (404, "NOT_FOUND")),
            ("GET", "/v1/executions/exec_0", (404, "EXECUTION_NOT_FOUND")),
            ("POST", "/v1/executions/exec_0/cancel", (404, "EXECUTION_NOT_FOUND")),
            ("DELETE", "/v1/executions", (405, "METHOD_NOT_ALLOWED")),
            ("GET", "/v1/executions/exec_0/cancel", (405, "METHOD_NOT_ALLOWED")),
            ("GET", "/v1/files/file_0/download", (400, "FILE_NOT_FOUND")),
        ],
    )
    def test_wrong_addresses(self, method: str, path: str, expected: tuple[int, str]) -> None:
        assert code(ask(Service(), method, path)) == expected

    def test_a_wrong_method_is_told_the_right_ones(self) -> None:
        assert ask(Service(), "PUT", "/v1/executions").headers.get("allow") == "POST, GET"

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            (b"{", "body"),
            (b"[]", "body"),
            (b"[" * 100_000, "body"),
            (b'{"input":{}}', "model"),
            (b'{"model":7,"input":{}}', "model"),
            (b'{"model":"m"}', "input"),
            (b'{"model":"m","input":[]}', "input"),
        ],
    )
    def test_a_body_that_is_none(self, body: bytes, field: str) -> None:
        service = Service()
        reply = ask(service, "POST", "/v1/executions", body=body)
        error = read(reply)["error"]
        assert (reply.status, error["code"], error["retryable"]) == (400, "INPUT_VALIDATION_ERROR", False)
        assert [detail["field"] for detail in error["details"]] == [field]
        assert error["request_id"].startswith("req_")
        assert service.account.executions == 0

    def test_another_origin_is_the_callers_mistake(self) -> None:
        with pytest.raises(ValueError, match="neither"):
            Service().handle(Request("GET", "https://api.modelroute.test.evil.example/v1/executions"), now=T)


class TestLimit:
    def test_counts_down_and_refuses(self) -> None:
        service = Service(limit=Limit(2, 60))
        replies = [ask(service, "GET", "/v1/executions", T + n) for n in (1, 2, 3.5, 60)]
        assert [reply.status for reply in replies] == [200, 200, 429, 200]
        assert [reply.headers.get("x-ratelimit-remaining") for reply in replies] == ["1", "0", "0", "1"]
        assert {reply.headers.get("x-ratelimit-limit") for reply in replies} == {"2"}
        assert replies[2].headers.get("x-ratelimit-reset") == str(int(T) + 60)
        assert replies[2].headers.get("retry-after") == "57"
        assert read(replies[2])["error"]["code"] == "RATE_LIMITED"
        assert read(replies[2])["error"]["retryable"] is True

    def test_a_window_that_begins_with_the_first_request(self) -> None:
        service = Service(limit=Limit(1, 60, aligned=False))
        statuses = [ask(service, "GET", "/v1/executions", T + n).status for n in (30.5, 90.4, 90.5)]
        assert statuses == [200, 429, 200]
        assert ask(service, "GET", "/v1/executions", T + 91).headers.get("retry-after") == "60"

    @pytest.mark.parametrize(
        ("style", "expected"),
        [
            ("seconds", "1893830491"),
            ("milliseconds", "1893830490500"),
            ("delta", "50"),
            ("none", None),
        ],
    )
    def test_reset_styles(
        self, style: Literal["seconds", "milliseconds", "delta", "none"], expected: str | None
    ) -> None:
        service = Service(limit=Limit(9, 60, aligned=False), variants=Variants(reset=style))
        ask(service, "GET", "/v1/executions", T + 30.5)
        assert ask(service, "GET", "/v1/executions", T + 41).headers.get("x-ratelimit-reset") == expected

    @given(EIGHTHS, st.sampled_from(["seconds", "date"]), EIGHTHS, st.booleans())
    def test_who_waits_as_told_is_let_in(
        self, first: float, style: Literal["seconds", "date"], skew: float, aligned: bool
    ) -> None:
        service = Service(limit=Limit(1, 7.5, aligned), variants=Variants(retry_after=style, skew=skew))
        ask(service, "GET", "/v1/executions", T + first)
        limited = ask(service, "GET", "/v1/executions", T + first)
        told = service.account.seen[-1].told
        assert limited.status == 429
        assert told is not None
        assert ask(service, "GET", "/v1/executions", told).status == 200
        assert service.account.early == (service.account.seen[1],)

    def test_no_hint(self) -> None:
        service = Service(limit=Limit(1), variants=Variants(retry_after="none", reset="none"))
        replies = [ask(service, "GET", "/v1/executions", T + n) for n in range(3)]
        assert [reply.status for reply in replies] == [200, 429, 429]
        assert replies[1].headers.get("retry-after") is None
        assert service.account.early == ()
        assert service.account.limited == 2

    def test_strangers_do_not_use_up_the_callers_window(self) -> None:
        service = Service(limit=Limit(1))
        ask(service, "GET", "/v1/executions", credential=None)
        assert code(ask(service, "GET", "/v1/executions", credential=None)) == (429, "RATE_LIMITED")
        assert ask(service, "GET", "/v1/executions").status == 200


class TestIdempotency:
    def test_the_same_key_gives_the_same_reply(self) -> None:
        service = Service()
        first = ask(service, "POST", "/v1/executions", body=ORDER, key="k1")
        again = ask(service, "POST", "/v1/executions", T + 30, body=ORDER, key="k1")
        assert (again.status, again.body) == (first.status, first.body)
        assert again.headers.get("date") != first.headers.get("date")
        assert (service.account.executions, service.account.duplicates) == (1, 1)

    def test_without_a_key_every_submission_is_a_run(self) -> None:
        service = Service()
        assert submit(service) != submit(service)
        assert (service.account.executions, service.account.duplicates) == (2, 0)

    def test_another_body_under_the_same_key(self) -> None:
        service = Service()
        submit(service, key="k1")
        other = ask(service, "POST", "/v1/executions", body=b'{"model":"m","input":{}}', key="k1")
        assert code(other) == (422, "IDEMPOTENCY_KEY_REUSED")
        assert service.account.executions == 1

    def test_a_refusal_is_not_remembered(self) -> None:
        service = Service()
        ask(service, "POST", "/v1/executions", body=b"{}", key="k1")
        assert submit(service, key="k1")

    def test_held_for_a_day(self) -> None:
        service = Service()
        first = submit(service, key="k1")
        assert submit(service, T + 86399, key="k1") == first
        assert submit(service, T + 86400, key="k1") != first


class TestFiles:
    def test_bytes(self) -> None:
        service, _, file = completed()
        reply = ask(service, "GET", f"/v1/files/{file}/download")
        assert (reply.status, reply.headers.get("content-type")) == (200, "image/png")
        assert reply.body == png(file, 64, 48)
        assert reply.headers.get("content-length") == str(len(reply.body))
        assert reply.headers.get("x-ratelimit-remaining") is not None

    def test_presigned(self) -> None:
        service, _, file = completed(download="url")
        located = read(ask(service, "GET", f"/v1/files/{file}/download"))
        assert located == read(ask(service, "GET", f"/v1/files/{file}/url"))
        assert located["expires_at"] == "2030-01-05T09:00:00Z"
        assert located["content_type"] == "image/png"
        fetched = ask(service, "GET", located["url"], credential=None)
        assert fetched.body == png(file, 64, 48)
        assert located["size_bytes"] == len(fetched.body)
        assert fetched.headers.get("x-ratelimit-limit") is None

    @pytest.mark.parametrize("skew", [0, 7200, -7200])
    def test_a_presigned_url_is_good_for_an_hour(self, skew: float) -> None:
        service, _, file = completed(skew=skew)
        url = read(ask(service, "GET", f"/v1/files/{file}/url"))["url"]
        assert ask(service, "GET", url, T + 3599, credential=None).status == 200
        assert ask(service, "GET", url, T + 3600, credential=None).status == 403

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("sig=", "sig=0"),
            ("sig=", "sig=%C3%A9"),
            ("expires=", "expires=9"),
            ("expires=", "expires=x"),
            ("expires=", "expires=" + "9" * 5000),
            ("/file_", "/file_0"),
            ("?", "#"),
        ],
    )
    def test_a_changed_url_opens_nothing(self, old: str, new: str) -> None:
        service, _, file = completed()
        url = read(ask(service, "GET", f"/v1/files/{file}/url"))["url"]
        denied = ask(service, "GET", url.replace(old, new), credential=None)
        assert (denied.status, denied.headers.get("content-type")) == (403, "application/xml")

    def test_the_signature_covers_the_method(self) -> None:
        service, _, file = completed()
        url = read(ask(service, "GET", f"/v1/files/{file}/url"))["url"]
        assert ask(service, "HEAD", url, credential=None).status == 403

    def test_a_file_is_there_only_once_its_run_completed(self) -> None:
        service = Service()
        file = service.executions[submit(service)].file_id
        assert code(ask(service, "GET", f"/v1/files/{file}/download", T + 9)) == (400, "FILE_NOT_FOUND")
        assert ask(service, "GET", f"/v1/files/{file}/download", T + 10).status == 200

    def test_retention(self) -> None:
        service, _, file = completed(retention=60)
        url = read(ask(service, "GET", f"/v1/files/{file}/url"))["url"]
        assert ask(service, "GET", url, T + 55, credential=None).status == 200
        assert ask(service, "GET", url, T + 56, credential=None).status == 404
        assert code(ask(service, "GET", f"/v1/files/{file}/download", T + 56)) == (400, "FILE_NOT_FOUND")

    @given(st.text(max_size=9), st.integers(1, 70), st.integers(1, 40))
    def test_pictures_are_real(self, name: str, width: int, height: int) -> None:
        picture = png(name, width, height)
        chunks = dict[bytes, bytes]()
        assert picture.startswith(b"\x89PNG\r\n\x1a\n")
        place = 8
        while place < len(picture):
            (size,) = struct.unpack_from(">I", picture, place)
            kind, data = picture[place + 4 : place + 8], picture[place + 8 : place + 8 + size]
            assert struct.unpack_from(">I", picture, place + 8 + size) == (zlib.crc32(kind + data),)
            chunks[kind] = data
            place += 12 + size
        rows = zlib.decompress(chunks[b"IDAT"])
        assert [*chunks] == [b"IHDR", b"IDAT", b"IEND"]
        assert struct.unpack(">2I5B", chunks[b"IHDR"]) == (width, height, 8, 2, 0, 0, 0)
        assert len(rows) == height * (1 + 3 * width)
        assert set(rows[:: 1 + 3 * width]) <= {0, 2}

    def test_each_file_has_its_own_picture(self) -> None:
        assert png("file_a", 8, 8) != png("file_b", 8, 8)


class TestFaults:
    @pytest.mark.parametrize(
        ("answer", "expected"),
        [(too_many(), 429), (unavailable(), 503), (unauthorised(), 401), (broken_down(), 500), (html(), 200)],
    )
    def test_answers_in_place_of_the_service(self, answer: Response, expected: int) -> None:
        service = Service(faults=[Fault("submit", answer)])
        reply = ask(service, "POST", "/v1/executions", body=ORDER)
        assert (reply.status, reply.body) == (expected, answer.body)
        assert reply.headers.get("date") == "Sat, 05 Jan 2030 08:00:00 GMT"
        assert reply.headers.get("content-length") == str(len(answer.body))
        assert service.account.executions == 0

    def test_headers_of_a_given_answer_stay_as_they_are(self) -> None:
        hostile = Response(429, Headers.of([("Retry-After", "３０"), ("Date", "now"), ("Content-Length", "-1")]))
        reply = ask(Service(faults=[Fault("any", hostile)]), "GET", "/v1/executions")
        assert [*reply.headers] == [("retry-after", "３０"), ("date", "now"), ("content-length", "-1")]
        assert too_many(None).headers.get("retry-after") is None

    def test_masked_is_processed(self) -> None:
        service = Service(faults=[Fault("submit", Masked(html(504)))])
        assert ask(service, "POST", "/v1/executions", body=ORDER, key="k1").status == 504
        assert service.account.executions == 1
        submit(service, key="k1")
        assert (service.account.executions, service.account.duplicates) == (1, 1)

    @pytest.mark.parametrize(
        ("wire", "processed"),
        [
            (Drop("before"), False),
            (Hang("before"), False),
            (Drop("after"), True),
            (Drop("head"), True),
            (Drop("body"), True),
            (Hang("after"), True),
            (Garbage(), True),
            (Dribble(), True),
        ],
    )
    def test_faults_on_the_wire(self, wire: Wire, processed: bool) -> None:
        service = Service(faults=[Fault("submit", wire)])
        answer = service.handle(call(service, "POST", "/v1/executions", body=ORDER), now=T)
        assert isinstance(answer, Broken)
        assert answer.wire == wire
        assert (answer.reply is not None) is processed
        assert service.account.executions == processed
        assert service.account.seen[0].status is None

    def test_nth_and_times(self) -> None:
        service = Service(faults=[Fault("list", unavailable(), nth=2, times=2)])
        statuses = list[int]()
        for n in range(5):
            ask(service, "GET", "/v1/executions/exec_0", T + n)  # another kind does not count
            statuses.append(ask(service, "GET", "/v1/executions", T + n).status)
        assert statuses == [200, 503, 503, 200, 200]

    def test_every_fault_counts_and_the_first_has_its_way(self) -> None:
        service = Service(faults=[Fault("any", unavailable()), Fault("list", broken_down(), times=2)])
        assert [ask(service, "GET", "/v1/executions").status for _ in range(3)] == [503, 500, 200]

    def test_injected_later_counts_from_then_on(self) -> None:
        service = Service()
        ask(service, "GET", "/v1/executions")
        service.inject(Fault("list", unavailable()))
        assert ask(service, "GET", "/v1/executions").status == 503

    @pytest.mark.parametrize(
        ("kind", "method", "path"),
        [
            ("submit", "POST", "/v1/executions"),
            ("list", "GET", "/v1/executions"),
            ("poll", "GET", "/v1/executions/x"),
            ("result", "GET", "/v1/executions/x/result"),
            ("cancel", "POST", "/v1/executions/x/cancel"),
            ("download", "GET", "/v1/files/x/download"),
            ("url", "GET", "/v1/files/x/url"),
            ("storage", "GET", "https://storage.modelroute.test/f/x"),
            ("unknown", "PATCH", "/v2"),
        ],
    )
    def test_every_kind_of_request_can_be_struck(self, kind: Kind, method: str, path: str) -> None:
        service = Service(faults=[Fault(kind, html(299))])
        assert ask(service, method, path).status == 299
        assert service.account.seen[0].kind == kind


class TestAccount:
    def test_what_was_seen(self) -> None:
        service, handle, file = completed()
        submit(service, key="k1")
        url = read(ask(service, "GET", f"/v1/files/{file}/url"))["url"]
        ask(service, "GET", url)
        ask(service, "GET", url, credential=None)
        _, made, _, stray, clean = service.account.seen
        assert (made.kind, made.method, made.path, made.key) == ("submit", "POST", "/v1/executions", "k1")
        assert (made.status, made.remaining, made.credential, made.at) == (202, 59, True, T)
        assert (stray.origin, stray.credential, clean.credential) == ("storage", True, False)
        assert stray.path == f"/f/{file}"
        assert service.account.credentials_at_storage == 1
        assert service.account.requests == 5
        assert handle in service.executions

    @pytest.mark.parametrize("name", ["Authorization", "X-Api-Key", "Cookie", "proxy-authorization"])
    def test_anything_like_a_credential_counts(self, name: str) -> None:
        service = Service()
        service.handle(Request("GET", service.storage_url + "/f/file_0", ((name, "s3cr3t"),)), now=T)
        assert service.account.credentials_at_storage == 1

    def test_it_keeps_no_secret(self) -> None:
        service, _, file = completed()
        url = read(ask(service, "GET", f"/v1/files/{file}/url"))["url"]
        ask(service, "GET", url)
        kept = repr(service.account.seen)
        assert service.key not in kept
        assert "sig=" not in kept

    @pytest.mark.parametrize(("wait", "early"), [(56.9, 1), (56.9995, 0), (57, 0)])
    def test_early_after_a_429(self, wait: float, early: int) -> None:
        service = Service(limit=Limit(1), variants=Variants(reset="none"))
        for at in (T, T + 3, T + 3 + wait):
            ask(service, "GET", "/v1/executions", at)
        assert len(service.account.early) == early

    def test_early_after_the_last_of_a_window(self) -> None:
        service = Service(limit=Limit(2))
        for after in (0, 10, 59, 60):
            ask(service, "GET", "/v1/executions", T + after)
        assert [seen.at for seen in service.account.early] == [T + 59]

    def test_another_hint_binds_its_own_path_only(self) -> None:
        busy = Response(503, too_many(30).headers, b"")
        service = Service(faults=[Fault("poll", busy)])
        for path, after in (("a", 0), ("b", 1), ("a", 29), ("a", 30)):
            ask(service, "GET", f"/v1/executions/{path}", T + after)
        assert [seen.at for seen in service.account.early] == [T + 29]

    @pytest.mark.parametrize("hint", ["-1", "soon", "３０", "Sat, 05 Jan 99999 08:00:00 GMT", ""])
    def test_a_hint_nobody_can_read_binds_nobody(self, hint: str) -> None:
        service = Service(faults=[Fault("any", too_many(hint))])
        ask(service, "GET", "/v1/executions")
        ask(service, "GET", "/v1/executions")
        assert service.account.early == ()

    def test_a_lost_reply_told_nothing(self) -> None:
        service = Service(limit=Limit(1), faults=[Fault("any", Drop("after"))])
        request = call(service, "GET", "/v1/executions")
        service.handle(request, now=T)
        service.handle(request, now=T + 1)
        assert service.account.early == ()
        assert service.account.limited == 1

    def test_headers_that_a_proxy_kept_back_told_nothing(self) -> None:
        service = Service(limit=Limit(1), faults=[Fault("any", Masked(unavailable()))])
        ask(service, "GET", "/v1/executions")
        ask(service, "GET", "/v1/executions", T + 1)
        assert [seen.remaining for seen in service.account.seen] == [None, 0]
        assert service.account.early == ()

    def test_storage_knows_no_limit(self) -> None:
        account = Account()
        seen = Seen(T, "api", "poll", "GET", "/v1", None, True, 429, 0, T + 9)
        account.seen += [seen, replace(seen, at=T + 1, origin="storage", kind="storage", told=None)]
        assert account.early == ()


class TestInMemory:
    def test_the_clock_moves_only_forward(self) -> None:
        clock = VirtualClock(T)
        clock.sleep_until(T + 5)
        clock.sleep_until(T)
        assert clock.now() == T + 5
        with pytest.raises(ValueError, match="no instant"):
            clock.sleep_until(float("inf"))

    def test_starts_on_the_day_of_the_samples(self) -> None:
        assert datetime.fromtimestamp(VirtualClock().now(), timezone.utc) == datetime(
            2030, 1, 5, 8, tzinfo=timezone.utc
        )

    def test_an_exchange_takes_the_latency_and_arrives_half_way(self) -> None:
        network = InMemory(Service(), VirtualClock(T), latency=0.5)
        reply = network.exchange(Request("GET", network.service.api_url + "/v1/executions", credential=True))
        assert isinstance(reply, Response)
        assert reply.status == 200
        assert network.service.account.seen[0].at == T + 0.25
        assert network.clock.now() == T + 0.5

    def test_the_credential_goes_to_the_api_alone_and_only_when_asked_for(self) -> None:
        network = InMemory(Service())
        for base in (network.service.api_url, network.service.storage_url):
            for wanted in (True, False):
                network.exchange(Request("GET", base + "/f/x", credential=wanted))
        assert [seen.credential for seen in network.service.account.seen] == [True, False, False, False]

    def test_an_unknown_host(self) -> None:
        network = InMemory(Service())
        reply = network.exchange(Request("GET", "https://elsewhere.example/", credential=True))
        assert isinstance(reply, NoResponse)
        assert (reply.cause, reply.sent) == (Cause.UNRESOLVED, False)

    @pytest.mark.parametrize(
        ("deed", "cause", "seconds"),
        [
            (Drop("before"), Cause.RESET, 1),
            (Drop("after"), Cause.RESET, 1),
            (Drop("head"), Cause.RESET, 1),
            (Drop("body", reset=True), Cause.RESET, 1),
            (Garbage(), Cause.PROTOCOL, 1),
            (Hang(), Cause.TIMEOUT, 7),
            (Dribble(1), Cause.TIMEOUT, 7),
            (html(), None, 1),
        ],
    )
    def test_faults_as_a_transport_sees_them(self, deed: Deed, cause: Cause | None, seconds: float) -> None:
        network = InMemory(Service(faults=[Fault("any", deed)]), VirtualClock(T), latency=1)
        reply = network.exchange(Request("GET", network.service.api_url + "/v1/executions", timeout=7))
        assert network.clock.now() == T + seconds
        assert (reply.cause if isinstance(reply, NoResponse) else None) is cause
        assert not isinstance(reply, NoResponse) or reply.sent

    def test_a_slow_dribble_that_still_ends_in_time(self) -> None:
        network = InMemory(Service(faults=[Fault("any", Dribble(0.01))]), VirtualClock(T))
        reply = network.exchange(Request("GET", network.service.api_url + "/v1/executions", credential=True))
        assert isinstance(reply, Response)
        assert reply.status == 200
        assert 0.01 * len(reply.body) < network.clock.now() - T < 30

    def test_latency_beyond_the_timeout(self) -> None:
        network = InMemory(Service(), VirtualClock(T), latency=3)
        reply = network.exchange(Request("GET", network.service.api_url + "/v1/executions", timeout=2))
        assert isinstance(reply, NoResponse)
        assert reply.cause is Cause.TIMEOUT
        assert network.clock.now() == T + 2

    def test_a_reply_larger_than_allowed(self) -> None:
        network = InMemory(Service())
        reply = network.exchange(Request("GET", network.service.api_url + "/v1/executions", largest=10))
        assert isinstance(reply, NoResponse)
        assert reply.cause is Cause.TOO_LARGE

    def test_a_lost_reply_and_its_repetition_are_one_run(self) -> None:
        network = InMemory(Service(faults=[Fault("submit", Drop("after"), times=3)]))
        request = Request(
            "POST", network.service.api_url + "/v1/executions", (("idempotency-key", "k1"),), ORDER, credential=True
        )
        replies = [network.exchange(request) for _ in range(4)]
        assert [isinstance(reply, Response) for reply in replies] == [False, False, False, True]
        assert (network.service.account.executions, network.service.account.duplicates) == (1, 3)

    def test_a_patient_client_of_many_runs_is_never_early(self) -> None:
        """A thousand runs, one at a time under one limit, by a client that does what the headers say."""
        network = InMemory(Service(limit=Limit(100, 10), default=Plan(duration=30)), latency=0.005)
        service, clock = network.service, network.clock
        waiting = [Request("POST", service.api_url + "/v1/executions", body=ORDER, credential=True)] * 1000
        while waiting:
            request = waiting.pop(0)
            reply = network.exchange(request)
            assert isinstance(reply, Response)
            content = read(reply)
            if content["status"] not in TERMINAL:
                path = f"/v1/executions/{content['id']}"
                waiting.append(Request("GET", service.api_url + path, credential=True))
            if reply.headers.get("x-ratelimit-remaining") == "0":
                date = parsedate_to_datetime(reply.headers.get("date") or "").timestamp()
                clock.sleep_until(clock.now() + float(reply.headers.get("x-ratelimit-reset") or 0) - date)
        assert {run.status(clock.now()) for run in service.executions.values()} == {Status.COMPLETED}
        assert (service.account.executions, service.account.limited, service.account.early) == (1000, 0, ())
