"""ModelRoute's ways of speaking, each variant in section 16 of modelroute-api.md that concerns one job."""

from __future__ import annotations

import copy
import json
import math
import pickle
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any, cast

import pytest

from bide import Headers, ModelRoute, Order, Problem, Receipt, Request, Response, Result
from bide.dialect import Asked, Phase, Reading
from bide.dialects.declared import Declared
from bide.dialects.modelroute_replies import _files  # pyright: ignore[reportPrivateUsage]
from bide.document import JSON
from bide.errors import InvalidAddress, InvalidHandle, InvalidOrder, InvalidSetting
from bide.link import Storing
from tests.declarations import SOUND
from tests.laws import DIALECT, HANDLE, KEY

API = "https://api.modelroute.ai"
FILE = "file_aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
ASKED: tuple[Asked, ...] = ("submit", "poll", "fetch", "cancel")
SAMPLE_OUTPUT: dict[str, JSON] = {
    "execution_id": HANDLE,
    "status": "COMPLETED",
    "output": {"images": [{"file_id": FILE, "format": "png", "width": 640, "height": 480}]},
    "usage": {"input_tokens": 9, "output_tokens": 0},
    "cost": "0.100",
    "latency_ms": 5100,
}
SAMPLE_RESULT: dict[str, JSON] = {
    "id": HANDLE,
    "status": "COMPLETED",
    "result": {"file_id": FILE, "content_type": "image/png", "width": 640, "height": 480},
}


def read(document: JSON, *, status: int = 200, asked: Asked = "poll", handle: str | None = HANDLE) -> Reading:
    return DIALECT.read(Response(status, body=json.dumps(document).encode()), asked=asked, handle=handle)


def result(document: dict[str, JSON], asked: Asked = "poll") -> Result:
    found = read(document, asked=asked).result
    assert found is not None
    return found


def problem(document: JSON, *, status: int = 400) -> Problem:
    found = read(document, status=status).problem
    assert found is not None
    return found


def execution(status: JSON, **fields: JSON) -> dict[str, JSON]:
    return {"id": HANDLE, "status": status, **fields}


# Requests


def test_an_order_is_posted_whole() -> None:
    order = Order("flux-1.1-pro", {"prompt": "a fox"}, "key-1", {"run": 7}, "https://hooks.example/h")
    request = DIALECT.submit(order)
    assert (request.method, request.url) == ("POST", f"{API}/v1/executions")
    assert json.loads(request.body) == {
        "model": "flux-1.1-pro",
        "input": {"prompt": "a fox"},
        "metadata": {"run": 7},
        "webhook_url": "https://hooks.example/h",
    }
    assert dict(request.headers) == {
        "accept": "application/json",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "idempotency-key": "key-1",
    }
    assert request.credential
    assert request.repeatable


def test_an_order_says_nothing_it_was_not_given_and_its_input_is_untouched() -> None:
    request = DIALECT.submit(Order("seedance-video", {"source_image": FILE, "duration": 5}))
    assert json.loads(request.body) == {
        "model": "seedance-video",
        "input": {"source_image": FILE, "duration": 5},
    }
    assert "idempotency-key" not in dict(request.headers)
    assert not request.repeatable


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb", "clé", "\x00", " padded", "padded "])
def test_an_idempotency_key_that_cannot_stand_in_a_header_is_refused(key: str) -> None:
    with pytest.raises(InvalidOrder, match="idempotency key"):
        Order("flux-1.1-pro", {}, key)


@pytest.mark.parametrize("named", [{"model": "flux-\ud83e"}, {"webhook_url": "https://hooks.example/\udcff"}], ids=str)
def test_a_text_that_is_cut_within_a_character_is_refused_by_its_name(named: dict[str, Any]) -> None:
    with pytest.raises(InvalidOrder, match=rf"^{next(iter(named))} is .*half a surrogate pair"):
        replace(Order("flux-1.1-pro", {}), **named)


def test_an_order_names_its_model_and_holds_its_own_copy() -> None:
    with pytest.raises(InvalidOrder, match="name the model"):
        Order("", {})
    inner: list[JSON] = [1]
    order = Order("flux-1.1-pro", {"x": inner}, metadata={"y": inner})
    inner.append(2)
    assert (order.input, order.metadata) == ({"x": [1]}, {"y": [1]})


@pytest.mark.parametrize(
    ("request_", "method", "path"),
    [
        (DIALECT.poll(HANDLE), "GET", f"/v1/executions/{HANDLE}"),
        (DIALECT.fetch(HANDLE), "GET", f"/v1/executions/{HANDLE}/result"),
        (DIALECT.cancel(HANDLE), "POST", f"/v1/executions/{HANDLE}/cancel"),
        (DIALECT.locate(FILE), "GET", f"/v1/files/{FILE}/download"),
    ],
    ids=["poll", "fetch", "cancel", "locate"],
)
def test_the_paths_of_the_api(request_: Request, method: str, path: str) -> None:
    assert (request_.method, request_.url) == (method, API + path)
    assert request_.credential
    assert request_.repeatable
    assert ("accept-encoding", "identity") in request_.headers


@pytest.mark.parametrize("ask", [DIALECT.poll, DIALECT.fetch, DIALECT.cancel, DIALECT.locate, DIALECT.check])
def test_no_path_is_built_from_what_is_no_id(ask: Callable[[str], object]) -> None:
    with pytest.raises(InvalidHandle):
        ask("../keys")


def test_a_base_url_of_ones_own() -> None:
    dialect = ModelRoute("http://127.0.0.1:8080/api/")
    assert dialect.poll("exec_1").url == "http://127.0.0.1:8080/api/v1/executions/exec_1"
    assert (dialect.name, dialect.origin, dialect.cadence) == ("modelroute", "http://127.0.0.1:8080", False)
    with pytest.raises(InvalidAddress):
        ModelRoute("http://api.modelroute.ai")


@pytest.mark.parametrize("wrong", [None, 5, b"https://api.example.com", ["https://api.example.com"]], ids=str)
def test_a_base_url_that_is_no_text_is_told(wrong: Any) -> None:
    with pytest.raises(InvalidAddress, match=r"the base URL is .*: give a text"):
        ModelRoute(wrong)
    with pytest.raises(InvalidAddress, match=r"the base URL is .*: give a text"):
        Declared(replace(SOUND, base_url=wrong))


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        *(("lifetime", wrong) for wrong in ("60", -0.5, None, math.nan, True)),
        *(("storage_hosts", wrong) for wrong in ("files.acme.example", b"files", None, 7, [7], (None,), [""])),
        *(("storage_hosts", [wrong]) for wrong in ("https://files.acme.example", "files:443", "files/a", "fi les")),
        *(("private", wrong) for wrong in ("no", None, 1)),
    ],
    ids=str,
)
def test_a_setting_that_makes_no_sense_is_told_where_it_is_given(name: str, wrong: Any) -> None:
    with pytest.raises(InvalidSetting, match=rf"^{name} (is|holds) .*: give "):
        ModelRoute(**{name: wrong})


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        *(("key_lifetime", wrong) for wrong in ("60", -0.5, None, math.nan)),
        *((name, wrong) for name in ("private", "cadence") for wrong in ("no", None)),
        *((name, wrong) for name in ("name", "environment", "full") for wrong in (100, None)),
    ],
    ids=str,
)
def test_so_is_one_of_a_declaration(name: str, wrong: Any) -> None:
    with pytest.raises(InvalidSetting, match=rf"^{name} is .*: give "):
        Declared(replace(SOUND, **{name: wrong}))


def test_what_is_no_declaration_is_told() -> None:
    for wrong in (None, 5, "replicate", type(SOUND)):
        with pytest.raises(InvalidSetting, match="give a Declaration"):
            Declared(cast("Any", wrong))


def test_storage_hosts_are_any_names_and_addresses_of_hosts() -> None:
    dialect = ModelRoute(
        storage_hosts=cast("Any", iter(["Files.Acme.example", "192.0.2.7", "2001:db8::7"])), lifetime=7
    )
    assert dialect.storage_hosts == ("files.acme.example", "192.0.2.7", "2001:db8::7")


def test_the_key_is_a_bearer_token() -> None:
    assert DIALECT.authorization("sk_x") == ("authorization", "Bearer sk_x")


def test_above_a_hundred_a_day_the_vendor_advises_webhooks() -> None:
    advice = DIALECT.advice
    assert advice is not None
    assert advice.daily == 100
    assert "webhook" in advice.text


# Statuses (section 5; section 16 rows 4, 5, 23, 26)


@pytest.mark.parametrize(
    ("status", "phase"),
    [
        ("PENDING", Phase.UNFINISHED),
        ("PROCESSING", Phase.UNFINISHED),
        ("AWAITING_WEBHOOK", Phase.UNFINISHED),
        ("COMPLETED", Phase.SUCCEEDED),
        ("FAILED", Phase.FAILED),
        ("CANCELLED", Phase.CANCELLED),
        ("Canceled", Phase.CANCELLED),
        ("EXPIRED", Phase.EXPIRED),
        (" completed ", Phase.SUCCEEDED),
        ("COMPLETED_PARTLY", Phase.UNFINISHED),
        ("QUEUED_ON_MARS", Phase.UNFINISHED),
    ],
)
@pytest.mark.parametrize("asked", ASKED)
def test_a_status_is_terminal_only_if_it_is_known_to_be(asked: Asked, status: str, phase: Phase) -> None:
    reading = read(execution(status), asked=asked)
    assert (reading.phase, reading.handle, reading.status) == (phase, HANDLE, status)


@pytest.mark.parametrize("status", [None, "", 7, True, ["COMPLETED"], {"is": "COMPLETED"}])
def test_a_document_without_a_status_word_is_not_understood(status: JSON) -> None:
    assert read(execution(status)).phase is Phase.UNREADABLE


@pytest.mark.parametrize("http", [200, 201, 202, 203, 299])
def test_any_2xx_acknowledges_a_submission(http: int) -> None:
    assert read(execution("PENDING"), status=http, asked="submit", handle=None).phase is Phase.UNFINISHED


@pytest.mark.parametrize("body", [b"", b"<html>", b"null", b"[]", b'"COMPLETED"', b"[" * 100_000])
@pytest.mark.parametrize("asked", ASKED)
def test_a_body_that_is_no_object_is_not_understood(asked: Asked, body: bytes) -> None:
    reading = DIALECT.read(Response(200, body=body), asked=asked, handle=HANDLE)
    assert (reading.phase, reading.handle, reading.result) == (Phase.UNREADABLE, None, None)


def test_what_was_not_understood_is_shown_short_and_without_secrets() -> None:
    page = f"<html>log in with {KEY} at https://portal.example/?t=hush\n" + "x" * 5000
    excerpt = DIALECT.read(Response(200, body=page.encode()), asked="poll", handle=HANDLE).problem
    assert excerpt is not None
    assert excerpt.message.startswith("<html>log in with ")
    assert len(excerpt.message) <= 200
    assert not any(secret in excerpt.message for secret in (KEY, "hush", "\n"))


def test_a_message_of_the_service_is_kept_without_secrets() -> None:
    assert problem({"error": {"code": "X", "message": f"{KEY} is revoked"}}).message == "[redacted] is revoked"
    assert problem({"error": f"{KEY} is revoked"}).message == "[redacted] is revoked"
    detail = problem({"error": {"code": "X", "details": [{"field": "key", "code": "BAD", "message": KEY}]}})
    assert KEY not in str(detail)


# Whose reply it is (row 3)


@pytest.mark.parametrize("name", ["id", "execution_id"])
def test_the_id_goes_by_either_name(name: str) -> None:
    assert read({name: HANDLE, "status": "PENDING"}, asked="submit", handle=None).handle == HANDLE


@pytest.mark.parametrize("name", ["id", "execution_id"])
@pytest.mark.parametrize("asked", ["poll", "fetch", "cancel"])
def test_a_reply_about_another_execution_is_not_understood(asked: Asked, name: str) -> None:
    other: dict[str, JSON] = {name: "exec_other", "status": "COMPLETED", "output": {"text": "not yours"}}
    reading = read(other, asked=asked)
    assert (reading.phase, reading.handle, reading.result) == (Phase.UNREADABLE, None, None)


def test_a_reply_that_names_nobody_is_about_the_one_asked_for() -> None:
    assert read({"status": "PENDING"}).handle == HANDLE


@pytest.mark.parametrize("wrong", ["../up", "", 7, None, "a b", "x" * 257])
def test_an_id_that_cannot_be_asked_for_again_is_none(wrong: JSON) -> None:
    assert read({"id": wrong, "status": "PENDING"}, asked="submit", handle=None).handle is None
    assert (
        read({"id": wrong, "execution_id": HANDLE, "status": "PENDING"}, asked="submit", handle=None).handle == HANDLE
    )


# The result (rows 1, 2, 22)


def test_the_result_of_the_result_endpoint() -> None:
    found = result(SAMPLE_OUTPUT, "fetch")
    assert (found.handle, found.files, found.cost, found.latency) == (HANDLE, (FILE,), Decimal("0.100"), 5.1)
    assert found.output == SAMPLE_OUTPUT["output"]
    assert found.usage == {"input_tokens": 9, "output_tokens": 0}


def test_the_result_inside_the_execution() -> None:
    found = result(SAMPLE_RESULT)
    assert (found.handle, found.files, found.cost, found.latency, found.usage) == (HANDLE, (FILE,), None, None, None)
    assert found.output == SAMPLE_RESULT["result"]


@pytest.mark.parametrize("empty", [None, {}, [], ""])
def test_an_empty_output_does_not_hide_the_result(empty: JSON) -> None:
    found = result(SAMPLE_RESULT | {"output": empty})
    assert found.files == (FILE,)
    assert found.output == SAMPLE_RESULT["result"]


@pytest.mark.parametrize("asked", ["submit", "poll", "cancel"])
def test_completed_without_an_inline_result_is_still_to_be_fetched(asked: Asked) -> None:
    reading = read(execution("COMPLETED", output=None, result={}), asked=asked)
    assert (reading.phase, reading.result) == (Phase.SUCCEEDED, None)


def test_the_result_endpoint_may_leave_out_the_status() -> None:
    reading = read({"execution_id": HANDLE, "output": {"text": "a fox"}}, asked="fetch")
    assert reading.phase is Phase.SUCCEEDED
    assert reading.result is not None
    assert reading.result.output == {"text": "a fox"}
    assert read({"execution_id": HANDLE, "output": {"text": "a fox"}}, asked="poll").phase is Phase.UNREADABLE


def test_a_result_asked_for_too_early_is_not_yet() -> None:
    assert read(execution("PROCESSING"), asked="fetch").phase is Phase.UNFINISHED


def test_file_references_are_gathered_wherever_they_lie_once_and_in_order() -> None:
    output: JSON = {"video": {"clips": [["file_c"], {"x": "file_a"}]}, "text": "file_ in prose", "again": "file_c"}
    found = result(execution("COMPLETED", output=output, result={"file_id": "file_b"}, note="file_not_output"))
    assert found.files == ("file_c", "file_a", "file_b")


def test_a_file_reference_is_a_whole_text_and_no_name() -> None:
    output: JSON = {"file_name": "file_a", "told": 'it is "file_b"', "back\\": ["\\", "file_c", '"file_d', "file_e\\"]}
    assert result(execution("COMPLETED", output=output)).files == ("file_a", "file_c")


def test_file_references_are_found_however_deep_they_lie() -> None:
    output: JSON = "file_a"
    for _ in range(100_000):
        output = [output]
    assert list(_files(output)) == ["file_a"]


@pytest.mark.parametrize("ref", ["file_../../etc", "file_a/b", "file_a%2fb", "xfile_a", "FILE_a", "file_" + "a" * 300])
def test_what_is_no_file_reference_is_left_where_it_is(ref: str) -> None:
    found = result(execution("COMPLETED", output={"file_id": ref}))
    assert found.files == ()
    assert found.output == {"file_id": ref}


@pytest.mark.parametrize(("cost", "amount"), [("0.048", "0.048"), (0.1, "0.1"), (2, "2"), ("free", None), (True, None)])
def test_money_is_decimal_from_text_or_number(cost: JSON, amount: str | None) -> None:
    found = result(execution("COMPLETED", output={"text": "x"}, cost=cost))
    assert found.cost == (None if amount is None else Decimal(amount))


@pytest.mark.parametrize("latency", ["5100", None, True, [5100]])
def test_a_latency_that_is_no_number_is_none(latency: JSON) -> None:
    assert result(execution("COMPLETED", output={"text": "x"}, latency_ms=latency)).latency is None


def test_unknown_fields_are_kept() -> None:
    document: dict[str, JSON] = {**SAMPLE_OUTPUT, "provider_notes": {"seed": 7, "深い": ["é"]}, "version": 2}
    found = result(document, "fetch")
    assert dict(found.document) == document
    assert json.loads(found.raw) == document


def test_a_byte_order_mark_does_not_spoil_the_result() -> None:
    body = b"\xef\xbb\xbf" + json.dumps(SAMPLE_RESULT).encode()
    found = DIALECT.read(Response(200, body=body), asked="poll", handle=HANDLE).result
    assert found is not None
    assert dict(found.document) == SAMPLE_RESULT


def test_a_result_whose_text_was_spoilt_has_an_empty_document() -> None:
    assert dict(Result(HANDLE, raw="\ud800").document) == {}
    assert Result(HANDLE, raw="[1]").output is None


def test_what_a_result_says_is_plain_json_and_the_callers_own() -> None:
    found = result(SAMPLE_RESULT)
    before = json.dumps([found.document, found.output, found.usage])
    assert json.loads(before)[0] == found.document
    found.document["cost"] = "0"
    assert json.dumps([found.document, found.output, found.usage]) == before
    for twin in (copy.deepcopy(found), pickle.loads(pickle.dumps(found))):  # noqa: S301  our own bytes
        assert (twin, twin.document) == (found, found.document)


# Not yet: progress, expiry, receipt (sections 4 and 12; row 22, 25)


@pytest.mark.parametrize(
    ("progress", "fraction"),
    [(0, 0.0), (0.25, 0.25), (1, 1.0), (40, 0.4), (100, 1.0), (101, None), (-1, None), ("40", None), (True, None)],
)
def test_progress_is_a_fraction_or_a_percentage(progress: JSON, fraction: float | None) -> None:
    assert read(execution("PROCESSING", progress=progress)).progress == fraction


def test_the_receipt_of_a_submission() -> None:
    document = execution(
        "PENDING",
        hold_amount="0.120",
        estimated_cost="0.100",
        expires_at="2030-01-05T08:05:00Z",
        created_at="2030-01-05T08:00:00Z",
    )
    reading = read(document, status=202, asked="submit", handle=None)
    start = datetime(2030, 1, 5, 8, tzinfo=timezone.utc)
    assert reading.receipt == Receipt(Decimal("0.120"), Decimal("0.100"), start, start.replace(minute=5))
    assert reading.expires == "2030-01-05T08:05:00Z"
    assert read(document).receipt is None, "only the submission makes a promise"


def test_a_receipt_with_nothing_in_it() -> None:
    assert read(execution("PENDING"), asked="submit", handle=None).receipt == Receipt()


# Errors (section 9; rows 19 and 20)


def test_the_error_envelope() -> None:
    document: JSON = {
        "error": {
            "code": "INPUT_VALIDATION_ERROR",
            "message": "input is not acceptable",
            "retryable": False,
            "request_id": "req_5e6f7a8b",
            "details": [{"field": "input.duration", "code": "OUT_OF_RANGE", "message": "duration is too long"}, 7, {}],
        }
    }
    found = problem(document)
    assert found == Problem(
        "INPUT_VALIDATION_ERROR",
        "input is not acceptable",
        retryable=False,
        request_id="req_5e6f7a8b",
        details=(("input.duration", "OUT_OF_RANGE", "duration is too long"), ("", "", "")),
    )
    assert str(found).startswith("INPUT_VALIDATION_ERROR: input is not acceptable; input.duration (OUT_OF_RANGE)")
    assert str(found).endswith("request id req_5e6f7a8b")


@pytest.mark.parametrize(
    ("code", "retryable"),
    [
        ("INPUT_VALIDATION_ERROR", False),
        ("CONTENT_MODERATION_REJECTED", False),
        ("FILE_NOT_FOUND", False),
        ("FILE_FORMAT_UNSUPPORTED", False),
        ("INSUFFICIENT_BALANCE", False),
        ("RATE_LIMITED", True),
        ("MODEL_OVERLOADED", True),
        ("MODEL_UNAVAILABLE", True),
        ("GENERATION_TIMEOUT", True),
        ("GENERATION_FAILED", True),
        ("SERVICE_UNAVAILABLE", True),
        ("INTERNAL_ERROR", False),
        ("UNAUTHORIZED", None),
        ("SOMETHING_NEW", None),
    ],
)
def test_retryable_by_the_services_word_else_by_the_code(code: str, retryable: bool | None) -> None:
    assert problem({"error": {"code": code}}).retryable is retryable
    assert problem({"error": {"code": code, "retryable": "yes"}}).retryable is retryable
    for told in (True, False):
        assert problem({"error": {"code": code, "retryable": told}}).retryable is told


@pytest.mark.parametrize(
    ("document", "code", "message"),
    [
        (None, "HTTP_418", ""),
        ([], "HTTP_418", ""),
        ({}, "HTTP_418", ""),
        ({"error": "slow down"}, "HTTP_418", "slow down"),
        ({"error": None}, "HTTP_418", '{"error": null}'),
        ({"error": {}}, "HTTP_418", '{"error": {}}'),
        ({"error": {"code": 7, "message": 7, "request_id": 7, "details": 7}}, "HTTP_418", '{"error": {"code": 7,'),
        ({"error": {"message": "no"}}, "HTTP_418", "no"),
    ],
)
def test_an_error_without_its_envelope_is_named_by_its_status(document: JSON, code: str, message: str) -> None:
    told = problem(document, status=418)
    assert (told.code, told.message[: len(message) or None]) == (code, message)


def test_details_are_bounded() -> None:
    rows: list[JSON] = [{"field": "x"}] * 500
    assert problem({"error": {"code": "X", "details": rows}}).details == (("x", "", ""),) * 20


def test_a_failed_execution_carries_its_error() -> None:
    reading = read(execution("FAILED", error={"code": "GENERATION_FAILED", "message": "provider could not finish"}))
    assert reading.problem == Problem("GENERATION_FAILED", "provider could not finish", retryable=True)
    assert problem(execution("Failed"), status=200) == Problem("FAILED", json.dumps(execution("Failed")))
    assert read(execution("expired", error="too slow")).problem == Problem("EXPIRED", "too slow")


@pytest.mark.parametrize(
    ("http", "phase"),
    [
        (100, Phase.TRANSIENT),
        (302, Phase.REDIRECTED),
        (304, Phase.TRANSIENT),
        (400, Phase.REFUSED),
        (401, Phase.UNAUTHORISED),
        (402, Phase.UNPAID),
        (403, Phase.UNAUTHORISED),
        (404, Phase.MISSING),
        (405, Phase.REFUSED),
        (408, Phase.TRANSIENT),
        (409, Phase.CONFLICT),
        (410, Phase.GONE),
        (421, Phase.TRANSIENT),
        (422, Phase.REFUSED),
        (425, Phase.TRANSIENT),
        (429, Phase.LIMITED),
        (500, Phase.TRANSIENT),
        (503, Phase.TRANSIENT),
        (599, Phase.TRANSIENT),
        (999, Phase.TRANSIENT),
        (0, Phase.TRANSIENT),
    ],
)
@pytest.mark.parametrize("asked", ASKED)
def test_what_a_status_code_alone_says(asked: Asked, http: int, phase: Phase) -> None:
    assert read(None, status=http, asked=asked).phase is phase


@pytest.mark.parametrize(
    ("http", "code", "asked", "phase"),
    [
        (500, "GENERATION_FAILED", "submit", Phase.TRANSIENT),
        (500, "INTERNAL_ERROR", "submit", Phase.REFUSED),
        (500, "INTERNAL_ERROR", "poll", Phase.TRANSIENT),
        (500, "INTERNAL_ERROR", "fetch", Phase.TRANSIENT),
        (400, "MODEL_OVERLOADED", "submit", Phase.TRANSIENT),
        (400, "FILE_NOT_FOUND", "submit", Phase.REFUSED),
        (402, "MODEL_OVERLOADED", "submit", Phase.UNPAID),
    ],
)
def test_the_code_decides_where_the_status_cannot(http: int, code: str, asked: Asked, phase: Phase) -> None:
    assert read({"error": {"code": code}}, status=http, asked=asked).phase is phase


def test_a_completed_document_under_an_error_status_is_an_error() -> None:
    assert read(SAMPLE_RESULT, status=500).phase is Phase.TRANSIENT


# Files (section 13.3; row 11)

ADDRESS = "https://storage.modelroute.ai/f/abc?sig=xyz"
LINK: dict[str, JSON] = {"url": ADDRESS, "expires_at": "2030-01-05T09:00:00Z"}


def located(document: JSON, kind: str = "application/json", dialect: ModelRoute = DIALECT) -> Request | None:
    return dialect.located(Response(200, Headers.of([("Content-Type", kind)]), json.dumps(document).encode()))


@pytest.mark.parametrize("kind", ["application/json", "APPLICATION/JSON; charset=utf-8", "application/problem+json"])
def test_a_presigned_address_is_asked_without_a_credential(kind: str) -> None:
    link: dict[str, JSON] = {**LINK, "content_type": "image/png", "size_bytes": 34567}
    request = located(link, kind)
    assert request is not None
    assert (request.method, request.url, request.credential) == ("GET", ADDRESS, False)
    assert "authorization" not in dict(request.headers)


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        (LINK, "image/png"),
        (LINK, ""),
        ({"url": ADDRESS}, "application/json"),
        ({"expires_at": "2030-01-05T09:00:00Z"}, "application/json"),
        (LINK | {"url": 7}, "application/json"),
        ([LINK], "application/json"),
        ("text", "application/json"),
    ],
)
def test_anything_else_is_the_file_itself(document: JSON, kind: str) -> None:
    assert located(document, kind) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/f?sig=xyz",
        "http://storage.modelroute.ai/f?sig=xyz",
        "https://storage.modelroute.ai.evil.example/f",
        "https://storage.modelroute.ai@evil.example/f",
        "https://user@storage.modelroute.ai/f",
        "https://evil.example\\@storage.modelroute.ai/f",
        "http://127.0.0.1/latest",
        "http://169.254.169.254/latest",
        "https://localhost/f",
        "file:///etc/passwd",
        "//storage.modelroute.ai/f",
        "",
    ],
)
def test_an_address_elsewhere_is_refused_without_showing_its_signature(url: str) -> None:
    with pytest.raises(ValueError, match="not among its storage hosts") as caught:
        located({**LINK, "url": url})
    assert "sig=" not in str(caught.value)


def test_an_address_on_this_machine_is_for_a_service_on_this_machine() -> None:
    local = ModelRoute("http://127.0.0.1:8080")
    request = located({**LINK, "url": "http://localhost:9000/f?sig=1"}, dialect=local)
    assert request is not None
    assert request.url == "http://localhost:9000/f?sig=1"


def test_other_storage_hosts_can_be_allowed() -> None:
    dialect = ModelRoute(storage_hosts=("r2.example",))
    request = located({**LINK, "url": "https://R2.example/f"}, dialect=dialect)
    assert request is not None
    with pytest.raises(ValueError, match="storage hosts"):
        located(LINK, dialect=dialect)


def test_it_says_all_that_a_dialect_may_know_of_its_storage() -> None:
    assert isinstance(DIALECT, Storing)
    asked = DIALECT.elsewhere(FILE)
    assert asked is not None
    assert (asked.url, asked.credential) == (f"https://api.modelroute.ai/v1/files/{FILE}/url", True)
    with pytest.raises(InvalidHandle):
        DIALECT.elsewhere("../keys")
    stored = DIALECT.stored(ADDRESS)
    assert (stored.url, stored.credential) == (ADDRESS, False)
    with pytest.raises(ValueError, match="storage hosts"):
        DIALECT.stored("https://evil.example/f")


@pytest.mark.parametrize(
    ("document", "expires"),
    [(LINK, "2030-01-05T09:00:00Z"), (LINK | {"expires_at": 7}, None), ({}, None), ([], None)],
)
def test_an_address_is_good_until_it_says(document: JSON, expires: str | None) -> None:
    assert DIALECT.expires(Response(200, body=json.dumps(document).encode())) == expires
