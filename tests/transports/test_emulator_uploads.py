"""The emulator's uploads, asked in memory: places, what the storage host lets in, and when a file may be used."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from bide.messages import Request, Response
from bide.ticket import Source
from bide.upload import Uploaded, Uploading, upload
from bide_transports.emulator import Broken, Drop, Fault, InMemory, Service, Variants, VirtualClock
from bide_transports.emulator.faults import Kind

T = 1893830400.0  # 2030-01-05T08:00:00Z
GIF = b"GIF89a" + bytes(20)
NEW = {"purpose": "INPUT"}
OLD = {"filename": "fox.gif", "content_type": "image/gif", "size_bytes": len(GIF)}


def api(service: Service, method: str, path: str, content: object = None, at: float = T) -> Response:
    body = b"" if content is None else json.dumps(content).encode()
    line = ("Authorization", f"Bearer {service.key}")
    return answer(service, Request(method, service.api_url + path, (line,), body), at)


def put(service: Service, url: str, body: bytes = GIF, at: float = T, method: str = "PUT", **lines: str) -> Response:
    named = {"content-length": str(len(body))} | {name.replace("_", "-"): value for name, value in lines.items()}
    return answer(
        service, Request(method, url, tuple((name, value) for name, value in named.items() if value), body), at
    )


def answer(service: Service, request: Request, at: float) -> Response:
    reply = service.handle(request, now=at)
    assert isinstance(reply, Response)
    return reply


def place(service: Service, content: object = NEW, at: float = T) -> tuple[str, str]:
    """The id and the address of a fresh place."""
    reply = api(service, "POST", "/v1/files/upload", content, at)
    assert reply.status == 200, reply.body
    document = json.loads(reply.body)
    assert document.keys() == {"file_id", "upload_url", "expires_at"}
    return document["file_id"], document["upload_url"]


def confirm(service: Service, file: object, at: float = T) -> Response:
    return api(service, "POST", "/v1/files/confirm", {"file_id": file}, at)


def refused(reply: Response) -> tuple[int, str, list[str]]:
    error: dict[str, Any] = json.loads(reply.body)["error"]
    return reply.status, error["code"], [detail["field"] for detail in error.get("details", [])]


def test_a_file_may_be_used_once_it_is_there_and_confirmed() -> None:
    service = Service()
    file, url = place(service)
    order = {"model": "flux", "input": {"images": [{"source": file}]}}
    nowhere = (400, "FILE_NOT_FOUND", list[str]())
    assert refused(confirm(service, file)) == nowhere
    assert put(service, url).status == 200
    assert refused(api(service, "POST", "/v1/executions", order)) == nowhere
    assert refused(api(service, "GET", f"/v1/files/{file}/download")) == nowhere
    assert (service.account.uploads, service.account.executions) == (1, 0)
    assert confirm(service, file).status == 200
    assert api(service, "POST", "/v1/executions", order).status == 202
    back = api(service, "GET", f"/v1/files/{file}/download")
    assert (back.body, back.headers.get("content-type")) == (GIF, "image/gif")
    assert [seen.kind for seen in service.account.seen][:3] == ["upload", "confirm", "put"]


def test_without_the_last_step_a_file_may_be_used_at_once() -> None:
    service = Service(variants=Variants(confirm=False, download="url"))
    file, url = place(service)
    assert put(service, url).status == 200
    assert confirm(service, file).status == 404
    located = json.loads(api(service, "GET", f"/v1/files/{file}/url").body)
    assert (located["content_type"], located["size_bytes"]) == ("image/gif", len(GIF))
    assert answer(service, Request("GET", located["url"]), T).body == GIF


@pytest.mark.parametrize(
    ("upload", "content", "fields"),
    [
        ("purpose", OLD, ["purpose"]),
        ("purpose", {"purpose": "FUN"}, ["purpose"]),
        ("particulars", NEW, ["filename"]),
        ("particulars", OLD | {"content_type": 7}, ["content_type"]),
        ("particulars", OLD | {"size_bytes": -1}, ["size_bytes"]),
        ("particulars", OLD | {"size_bytes": True}, ["size_bytes"]),
        ("particulars", OLD | {"size_bytes": 104_857_601}, ["size_bytes"]),
        ("either", {}, ["filename"]),
        ("either", {"purpose": None}, ["purpose"]),
        ("either", [], ["body"]),
    ],
)
def test_a_question_that_is_not_understood_is_refused_by_its_field(
    upload: Any, content: object, fields: list[str]
) -> None:
    service = Service(variants=Variants(upload=upload))
    reply = api(service, "POST", "/v1/files/upload", content)
    assert refused(reply) == (400, "INPUT_VALIDATION_ERROR", fields)


@pytest.mark.parametrize("content", [NEW, OLD, {"purpose": "UPLOAD", "region": "EU", "ttl_days": 30}])
def test_either_question_gets_a_place_of_its_own(content: object) -> None:
    service = Service()
    assert len({place(service, content) for _ in range(3)}) == 3
    assert place(Service(seed=1), content)[0] != place(Service(), content)[0] == place(Service(), content)[0]


def test_an_address_is_good_for_one_method_one_file_and_an_hour() -> None:
    service = Service(variants=Variants(skew=90.5))
    file, url = place(service)
    other, _ = place(service)
    assert put(service, url, at=T + 3599).status == 200
    for wrong in (
        put(service, url, at=T + 3600.5),
        put(service, url, method="GET"),
        put(service, url, method="POST"),
        put(service, url.replace(file, other)),
        put(service, url.replace("/u/", "/f/"), method="GET"),
        put(service, url.partition("?")[0]),
        put(service, url.replace("sig=", "sig=0")),
        put(Service(), url),
    ):
        assert wrong.status == 403
        assert b"AccessDenied" in wrong.body
    assert service.account.uploads == 1


def test_the_bytes_must_be_those_that_were_declared() -> None:
    service = Service()
    _, url = place(service, OLD)
    assert put(service, url, content_type="image/png").status == 403
    assert put(service, url).status == 403
    assert put(service, url, GIF[:-1], content_type="image/gif").status == 403
    assert put(service, url, content_type="image/gif").status == 200
    assert put(service, place(service)[1], content_length="", transfer_encoding="chunked").status == 411
    assert service.account.uploads == 1


def test_what_comes_again_takes_the_place_of_what_came() -> None:
    service = Service()
    file, url = place(service)
    assert put(service, url, b"one").headers.get("etag") != put(service, url, b"two").headers.get("etag")
    assert confirm(service, file).status == confirm(service, file).status == 200
    assert api(service, "GET", f"/v1/files/{file}/download").body == b"two"
    assert service.account.uploads == 2


@pytest.mark.parametrize("file", ["file_nowhere", None, 7, ["file_a"]])
def test_a_file_that_nobody_brought_cannot_be_confirmed(file: object) -> None:
    assert refused(confirm(Service(), file)) == (400, "FILE_NOT_FOUND", [])


def test_a_file_is_kept_as_long_as_any_other() -> None:
    service = Service(variants=Variants(retention=100, confirm=False))
    file, url = place(service)
    put(service, url)
    assert api(service, "GET", f"/v1/files/{file}/download", at=T + 99).status == 200
    assert api(service, "GET", f"/v1/files/{file}/download", at=T + 100).status == 400


def test_a_key_at_the_storage_host_is_noted() -> None:
    service = Service()
    _, url = place(service)
    put(service, url, authorization="Bearer x")
    assert service.account.credentials_at_storage == 1


@pytest.mark.parametrize("at", ["upload", "put", "confirm"])
def test_each_step_can_be_struck(at: Kind) -> None:
    service = Service(faults=[Fault(at, Drop("after"))])
    struck: list[str] = []

    def ask(request: Request) -> Response:
        reply = service.handle(request, now=T)
        if isinstance(reply, Broken):
            struck.append(service.account.seen[-1].kind)
            reply = service.handle(request, now=T)
        assert isinstance(reply, Response)
        return reply

    key = (("Authorization", f"Bearer {service.key}"),)
    asked = ask(Request("POST", f"{service.api_url}/v1/files/upload", key, json.dumps(NEW).encode()))
    document = json.loads(asked.body)
    assert ask(Request("PUT", document["upload_url"], (("Content-Length", "3"),), b"fox")).status == 200
    body = json.dumps({"file_id": document["file_id"]}).encode()
    assert ask(Request("POST", f"{service.api_url}/v1/files/confirm", key, body)).status == 200
    assert struck == [at]


@pytest.mark.parametrize("path", ["/v1/files/upload", "/v1/files/confirm"])
def test_other_methods_are_told_which_one_there_is(path: str) -> None:
    reply = api(Service(), "GET", path)
    assert (reply.status, reply.headers.get("allow")) == (405, "POST")


def test_a_whole_upload_goes_through_memory() -> None:
    service, clock = Service(), VirtualClock(T)
    network = InMemory(service, clock)
    state: object = upload(Source("fox.gif", len(GIF)), dialect=service.dialect, now=T)
    while isinstance(state, Uploading):
        request = replace(state.request, body=GIF) if state.carries_file else state.request
        state = state.receive(network.exchange(request), now=clock.now())
    assert isinstance(state, Uploaded)
    assert service.account.uploads == 1
