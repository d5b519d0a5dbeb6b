"""Cassettes of vcrpy: read into ours, verified and replayed; ours written so that vcrpy replays them."""

from __future__ import annotations

import gzip
import sys
import zlib
from base64 import b64encode
from json import dumps, loads
from pathlib import Path
from typing import Any

import pytest

import bide
from bide.dialects.declared import Declared
from bide.dialects.vendors import named
from bide.messages import Cause, NoResponse, Response
from bide_transports.cassette import files
from bide_transports.cassette.foreign.importing import START
from bide_transports.cassette.foreign.vcr import read_vcr, write_vcr
from bide_transports.cassette.redaction import Rules
from bide_transports.cassette.replaying.playback import replay
from bide_transports.cassette.tape import Cassette, Done, Heard, InvalidCassette, Send, Wait
from bide_transports.cassette.tokens import dialect_of
from bide_transports.cassette.verify import verify
from bide_transports.requests import Client
from tests.cassette.foreign_files import (
    DIALECT,
    ID,
    ORDER,
    cassette_of,
    drive,
    end_of,
    fetched,
    kinds,
    looked,
    recorded_by_vcrpy,
    request,
    response,
    submitted,
    vcr,
)

RECORDED = sorted((Path(__file__).parent / "recorded").glob("*.jsonl"))


def _read(*pairs: tuple[dict[str, Any], dict[str, Any]], **how: Any) -> Cassette:
    cassette = read_vcr(cassette_of(*pairs), dialect=DIALECT, **how)
    verify(files.loads(files.text_of(cassette)))
    return cassette


def _replies(cassette: Cassette) -> list[Response]:
    return [one.reply for one in cassette.events if isinstance(one, Heard) and isinstance(one.reply, Response)]


def _bodies(cassette: Cassette) -> list[bytes]:
    return [reply.body for reply in _replies(cassette)]


@pytest.mark.parametrize("serializer", ["yaml", "json"])
def test_a_recording_of_vcrpy_becomes_a_cassette_that_verifies(tmp_path: Path, serializer: str) -> None:
    path = tmp_path / f"job.{serializer}"
    base_url, key, said = recorded_by_vcrpy(path, jobs=2, serializer=serializer)
    cassette = read_vcr(path, dialect=bide.ModelRoute(base_url))
    assert key in path.read_text()
    assert key not in files.text_of(cassette).decode()
    assert cassette.head.by == "vcrpy"
    assert verify(cassette).exchanges == len(said)
    first, second, other = cassette.lanes
    assert [end_of(cassette, lane) for lane in (first, second)] == ["Completed", "Completed"]
    assert (kinds(cassette.lanes[first])[:5], kinds(cassette.lanes[other])) == ("OWSHW", "OSH")
    assert [loads(body) for body in _bodies(cassette)] == said
    assert all(event.request.credential for event in cassette.events if isinstance(event, Send))


def test_a_recording_of_vcrpy_replays_in_a_client(tmp_path: Path) -> None:
    base_url, _, said = recorded_by_vcrpy(tmp_path / "job.yaml")
    dialect = bide.ModelRoute(base_url)
    cassette = read_vcr(tmp_path / "job.yaml", dialect=dialect, pace=bide.Growing(), patience=bide.Patience())
    with replay(cassette) as tape, Client("another-key", dialect=dialect, tape=tape) as client:
        result = client.run(ORDER["model"], ORDER["input"])  # type: ignore[arg-type]
    assert loads(result.raw) == said[-2]
    assert len(tape.waits()) == len(said) - 2  # without what comes after the submission and the end


def test_a_cassette_of_ours_replays_in_vcrpy(tmp_path: Path) -> None:
    base_url, key, said = recorded_by_vcrpy(tmp_path / "theirs.yaml", jobs=2)
    cassette = read_vcr(tmp_path / "theirs.yaml", dialect=bide.ModelRoute(base_url))
    (tmp_path / "ours.yaml").write_text(write_vcr(cassette))
    settings = {"record_mode": "none", "allow_playback_repeats": False}
    with vcr.use_cassette(str(tmp_path / "ours.yaml"), **settings) as played:
        assert drive(base_url, key, jobs=2) == said
        assert played.all_played


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name.partition(".")[0])
def test_replies_survive_the_way_to_vcrpy_and_back(path: Path) -> None:
    cassette = files.load(path)
    text = write_vcr(cassette)
    again = read_vcr(text.encode(), dialect=dialect_of(cassette.head))
    assert [(reply.status, reply.body) for reply in _replies(again)] == [
        (reply.status, reply.body) for reply in _replies(cassette)
    ]
    silent = sum(isinstance(event, Heard) and isinstance(event.reply, NoResponse) for event in cassette.events)
    assert (f"# Lost: {silent} requests without a reply." in text) is (silent > 0)
    waits = sum(isinstance(event, Wait) for event in cassette.events)
    assert f"# Lost: {waits} waits." in text


def test_what_is_no_reply_of_200_to_599_is_left_out_and_counted() -> None:
    cassette = _read(submitted(), (looked("")[0], response({}, 599)))
    lane = next(iter(cassette.lanes))
    fails = Heard(lane, 9, NoResponse(Cause.RESET, sent=True))
    early = Heard(lane, 9, Response(103))
    send = next(event for event in cassette.events if isinstance(event, Send))
    text = write_vcr(Cassette(cassette.head, (*cassette.events, send, fails, send, early, send)))
    assert text.count("- request:") == 2
    assert "# Lost: 2 requests without a reply." in text
    assert "# Lost: 1 replies that cannot be shown." in text


def test_without_any_date_the_times_are_those_of_the_core() -> None:
    cassette = _read(submitted(), looked("RUNNING"), looked("COMPLETED"), fetched(), pace=bide.Every(4))
    assert cassette.head.t0 == START
    assert [event.t for event in cassette.events if isinstance(event, Send)] == [0, 4000, 8000, 8000]
    assert end_of(cassette) == "Completed"


def test_dates_give_the_seconds_and_the_pace() -> None:
    dates = ["Mon, 23 Nov 2026 13:33:28 GMT", "Mon, 23 Nov 2026 13:33:31 GMT", "Mon, 23 Nov 2026 13:33:36 GMT"]
    cassette = _read(submitted(), *(looked("RUNNING", date=date) for date in dates))
    assert cassette.head.t0 == 1795440808000
    waits = [event for event in cassette.events if isinstance(event, Wait)]
    assert {wait.ms for wait in waits if wait.why == "pace"} == {4000}  # the mean of three and five seconds
    assert all(event.t >= 0 for event in cassette.events)


def test_requests_that_are_not_what_the_core_asks_stand_apart() -> None:
    late, models = looked("COMPLETED"), (request("GET", "/v1/models"), response([]))
    cassette = _read(models, submitted(), looked("COMPLETED"), late, fetched(), late)
    job, other = cassette.lanes.values()
    assert (kinds(job), kinds(other)) == ("OWSHWSHWSHD", "OSHSHSH")


def test_a_job_submitted_elsewhere_is_watched() -> None:
    cassette = _read(looked("RUNNING"), looked("COMPLETED"), fetched())
    assert list(cassette.lanes) == [f"{ID}#1"]
    assert end_of(cassette) == "Completed"


def test_a_cancellation_is_the_callers_own() -> None:
    cancelled = request("POST", f"/v1/executions/{ID}/cancel"), response({"id": ID, "status": "CANCELLED"})
    cassette = _read(submitted(), looked("RUNNING"), cancelled)
    assert kinds(next(iter(cassette.lanes.values()))) == "OWSHWSHWOWSHD"
    assert end_of(cassette) == "Cancelled"


def test_a_submission_sent_again_is_the_same_job_and_another_is_another() -> None:
    busy = request(body=ORDER, idempotency_key="a-key-of-the-order"), response({}, 429, retry_after="1")
    kept = submitted(idempotency_key="a-key-of-the-order")
    other = submitted("exec_2", idempotency_key="another-key-of-an-order")
    cassette = _read(busy, kept, other, looked("COMPLETED"), looked("FAILED", "exec_2"))
    assert [kinds(events) for events in cassette.lanes.values()] == ["OWSHWSHWSHW", "OWSHWSHD"]
    assert "a-key-of-the-order" not in files.text_of(cassette).decode()


def test_a_job_that_goes_on_without_bide_ends_where_the_core_ends_it() -> None:
    refused = request("GET", f"/v1/executions/{ID}"), response({}, 401)
    cassette = _read(submitted(), refused, looked("COMPLETED"))
    first, other = cassette.lanes.values()
    assert isinstance(first[-1], Done)
    assert (first[-1].state, kinds(other)) == ("Abandoned", "OSH")


@pytest.mark.parametrize("vendor", ["replicate", "aws-step-functions", "google-lro"])
def test_any_dialect_knows_its_own_jobs(vendor: str) -> None:
    dialect = Declared(named(vendor))
    asked = dialect.submit(bide.Order("model-1", {"prompt": "a fox"}))
    headers = {name: [value] for name, value in asked.headers}
    whole = {"method": asked.method, "uri": asked.url, "body": asked.body.decode(), "headers": headers}
    reply = response({"id": "p1", "name": "operations/p1", "executionArn": "arn:p1", "status": "starting"}, 201)
    cassette = read_vcr(cassette_of((whole, reply)), dialect=dialect)
    assert kinds(next(iter(cassette.lanes.values()))) == "OWSHW"
    assert end_of(cassette) == "Polling"


@pytest.mark.parametrize("vendor", ["runway", "google-lro"])
def test_where_any_address_may_be_a_submission_the_reply_tells(vendor: str) -> None:
    base = named(vendor).base_url
    asked: dict[str, Any] = {"method": "POST", "uri": f"{base}/anything", "body": "{}", "headers": {}}
    cassette = read_vcr(cassette_of((asked, response({"greeting": "hello"}))), dialect=Declared(named(vendor)))
    assert list(cassette.lanes) == ["other#1"]


_JSON = dumps({"id": ID, "status": "RUNNING"}).encode()


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(_JSON)),
        ("gzip", _JSON),  # unpacked already, whatever the header says
        ("gzip", gzip.compress(_JSON[:9]) + gzip.compress(_JSON[9:])),
        ("x-gzip, identity", gzip.compress(_JSON)),
        ("deflate", zlib.compress(_JSON)),
        ("deflate", _JSON),
        ("br", _JSON),
        ("deflate, gzip", gzip.compress(zlib.compress(_JSON))),
    ],
    ids=range(8),  # the bytes of gzip hold the time
)
def test_packed_bodies_are_read_either_way(coding: str, body: bytes) -> None:
    packed = b64encode(body).decode()
    text = f"""
interactions:
- request: {{method: GET, uri: '{DIALECT.base_url}/v1/executions/{ID}', body: null, headers: {{}}}}
  response:
    status: {{code: 200, message: OK}}
    headers: {{Content-Encoding: ['{coding}'], Content-Length: ['{len(body)}']}}
    body: {{string: !!binary {packed}}}
version: 1
"""
    cassette = read_vcr(text.encode(), dialect=DIALECT)
    assert list(cassette.lanes) == [f"{ID}#1"]
    assert _bodies(cassette) == [_JSON]


@pytest.mark.parametrize("coding", ["br", "zstd"])
def test_what_cannot_be_unpacked_is_no_reply_to_a_job(coding: str) -> None:
    asked, _ = looked("RUNNING")
    broken = response(None, content_encoding=coding)
    broken["body"] = {"base64_string": b64encode(b"\x8b\x02\x80\xff").decode()}
    elsewhere = request("GET", "/v1/models"), broken
    assert _bodies(_read(submitted(), elsewhere))[1] == b""
    with pytest.raises(InvalidCassette, match=rf"interactions\[1\].*packed as '{coding}'"):
        _read(submitted(), (asked, broken))


def test_binary_and_text_bodies_go_both_ways() -> None:
    elsewhere = response("", content_type="image/png")
    elsewhere["body"] = {"base64_string": b64encode(b"\x89PNG\xff\xfe").decode()}
    upload = request("PUT", "/v1/files", content_type="text/plain")
    upload["body"] = "grüße\r\n\tund mehr\x07"
    cassette = _read((request("GET", "/v1/files/1"), elsewhere), (upload, response("☃ \ud83d\ude00")))
    assert _bodies(cassette) == [b"\x89PNG\xff\xfe", "☃ 😀".encode()]
    again = read_vcr(write_vcr(cassette).encode(), dialect=DIALECT)
    assert _bodies(again) == _bodies(cassette)
    assert [event for event in again.events if isinstance(event, Send)][1].request.body == upload["body"].encode()


def test_no_credential_comes_through() -> None:
    key, session, password = "key-4711-of-somebody", "session-0815-of-somebody", "swordfish-of-somebody"
    asked, answered = looked("RUNNING")
    asked["headers"] = {"Authorization": [f"Bearer {key}"], "X-Api-Key": key, "Cookie": [f"sid={session}; a=b"]}
    basic = ["Basic " + b64encode(b"me:passphrase-of-somebody").decode(), "Basic ?"]
    asked["headers"]["Proxy-Authorization"] = basic
    asked["uri"] = asked["uri"].replace("https://", f"https://me:{password}@")
    answered["headers"]["set-cookie"] = [f"sid={session}; Path=/"]
    shown = {
        "key": key,
        "hint": f"you are {key}",
        "session": session,
        "words": "passphrase-of-somebody",
        "basic": b64encode(f"me:{password}".encode()).decode(),
    }
    account = request("GET", f"/v1/account?who={key}"), response(shown)
    cassette = _read(submitted(), (asked, answered), account)
    text = files.text_of(cassette).decode()
    assert not [secret for secret in (key, session, password, "passphrase", basic[0]) if secret in text]
    assert kinds(next(iter(cassette.lanes.values()))) == "OWSHWSHW"
    sent = [event.request for event in cassette.events if isinstance(event, Send)]
    assert all(name not in ("authorization", "x-api-key", "cookie") for one in sent for name, _ in one.headers)


def test_a_signed_address_still_leads_to_the_job_without_its_signature() -> None:
    dialect, signature = Declared(named("azure-core")), "5ec2e7c0ffee5ec2e7c0ffee"
    url = f"{dialect.base_url}/jobs/1?sig={signature}"
    asked: dict[str, Any] = {"method": "POST", "uri": f"{dialect.base_url}/analyse", "body": '{"a": 1}', "headers": {}}
    taken = response({}, 202, operation_location=url)
    look: dict[str, Any] = {"method": "GET", "uri": url, "body": None, "headers": {}}
    running, done = response({"status": "running"}), response({"status": "succeeded", "result": {"a": 2}})
    cassette = read_vcr(cassette_of((asked, taken), (look, running), (look, done)), dialect=dialect)
    assert [kinds(events) for events in cassette.lanes.values()] == ["OWSHWSHWSHD"]
    assert end_of(cassette) == "Completed"
    assert signature not in files.text_of(cassette).decode()


def test_a_packed_upload_that_holds_a_secret_is_left_empty() -> None:
    key = "key-4711-of-somebody"
    upload = request("PUT", "/v1/files", authorization=f"Bearer {key}")
    text = f"""
interactions:
- request:
    {{method: PUT, uri: '{upload["uri"]}', headers: {dumps(upload["headers"])},
      body: !!binary {b64encode(gzip.compress(key.encode())).decode()}}}
  response: {{status: {{code: 200}}, headers: {{}}, body: null}}
"""
    (sent,) = [one for one in read_vcr(text.encode(), dialect=DIALECT).events if isinstance(one, Send)]
    assert (sent.request.body, sent.request.credential) == (b"", True)


def test_redaction_that_hides_what_decides_is_refused() -> None:
    with pytest.raises(InvalidCassette, match=r"interactions\[1\].*redaction"):
        _read(submitted(), looked("COMPLETED"), rules=Rules(secrets=("COMPLETED",)))


def test_what_looks_like_a_secret_in_the_end_is_refused() -> None:
    said = request("GET", "/v1/account"), response({"note": "Zk3vQ9xT7bLw2RmP8sYc5HdN1gJf4KaE6uXo0iVq"})
    with pytest.raises(InvalidCassette, match=r"1 secrets would stand in the cassette of the recording: line 4"):
        _read(said)


def test_rules_hide_what_is_theirs() -> None:
    said = request("GET", "/v1/account"), response({"hint": "somebody-else"})
    text = files.text_of(_read(said, rules=Rules(secrets=("somebody-else",)))).decode()
    assert "somebody-else" not in text


def test_yaml_wants_pyyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    cassette = _read(submitted())
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert _read(submitted()) == cassette  # JSON does not
    with pytest.raises(InvalidCassette, match="pip install 'bide"):
        read_vcr(b"interactions: []", dialect=DIALECT)
    with pytest.raises(InvalidCassette, match="PyYAML"):
        write_vcr(cassette)
