"""Recordings of other tools, made here: by vcrpy against our emulator, and written down by hand as the tools would."""

from __future__ import annotations

import itertools
from importlib import import_module
from json import dumps
from pathlib import Path
from typing import Any

import requests

import bide
from bide_transports.cassette.tape import Cassette, Done, Event, Heard, Open, Send, Wait
from bide_transports.emulator import Plan, Service
from bide_transports.emulator.server import serve

vcr: Any = import_module("vcr")
BASE = "https://api.modelroute.test"
DIALECT = bide.ModelRoute(BASE)
ID = "exec_a832a12b-bb97-4364-8dc2-391f9c8fa6da"
ORDER = {"model": "flux-1.1-pro", "input": {"prompt": "a fox"}}
Documents = list[dict[str, Any]]


def drive(base_url: str, key: str, jobs: int = 1) -> Documents:
    """What a plain client of requests does: submit, look until it is done, fetch; and ask for something else, too."""
    said: Documents = []
    with requests.Session() as session:
        session.headers["authorization"] = f"Bearer {key}"
        for _ in range(jobs):
            said.append(session.post(f"{base_url}/v1/executions", json=ORDER, timeout=30).json())
            url = f"{base_url}/v1/executions/{said[-1]['id']}"
            while said[-1]["status"] != "COMPLETED":
                said.append(session.get(url, timeout=30).json())
            said.append(session.get(f"{url}/result", timeout=30).json())
        said.append(session.get(f"{base_url}/v1/nowhere", timeout=30).json())
    return said


def recorded_by_vcrpy(path: Path, jobs: int = 1, serializer: str = "yaml") -> tuple[str, str, Documents]:
    """A cassette of vcrpy at `path`: the service's address, the key, and what came back."""
    ticks = itertools.count(1_800_000_000)
    service = Service(default=Plan(duration=6, dispatched=1, handed_over=2))
    with serve(service, clock=lambda: float(next(ticks))) as emulator:
        with vcr.use_cassette(str(path), serializer=serializer):
            said = drive(emulator.base_url, emulator.key, jobs)
        return emulator.base_url, emulator.key, said


def request(method: str = "POST", path: str = "/v1/executions", body: object = None, **headers: str) -> dict[str, Any]:
    """A request as vcrpy writes it."""
    lists = {name.replace("_", "-"): [value] for name, value in headers.items()}
    return {"method": method, "uri": BASE + path, "body": body and dumps(body), "headers": lists}


def response(document: object, code: int = 200, date: str | None = None, **headers: str) -> dict[str, Any]:
    """A reply as vcrpy writes it."""
    fields = {"content-type": ["application/json"], **({} if date is None else {"date": [date]})}
    fields |= {name.replace("_", "-"): [value] for name, value in headers.items()}
    status = {"code": code, "message": "OK"}
    return {"status": status, "headers": fields, "body": {"string": document if _is_raw(document) else dumps(document)}}


def _is_raw(document: object) -> bool:
    return isinstance(document, str | bytes)


def cassette_of(*pairs: tuple[dict[str, Any], dict[str, Any]]) -> bytes:
    """A cassette of vcrpy as JSON."""
    interactions = [{"request": asked, "response": answered} for asked, answered in pairs]
    return dumps({"interactions": interactions, "version": 1}).encode()


def submitted(job: str = ID, **headers: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A submission and its acknowledgement."""
    return request(body=ORDER, **headers), response({"id": job, "status": "PENDING"}, 202)


def looked(status: str, job: str = ID, date: str | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """A look at a job."""
    return request("GET", f"/v1/executions/{job}"), response({"id": job, "status": status}, date=date)


def fetched(job: str = ID) -> tuple[dict[str, Any], dict[str, Any]]:
    """A result and how it was asked for."""
    result = {"execution_id": job, "status": "COMPLETED", "output": {"text": "a fox"}}
    return request("GET", f"/v1/executions/{job}/result"), response(result)


def entry(method: str, path: str, at: str, took: float, code: int, document: object, **more: Any) -> dict[str, Any]:
    """An exchange as a browser writes it into a HAR file; `at` is the time of the day, `more` are further members."""
    text = dumps(document)
    content = {"size": len(text), "mimeType": "application/json", "text": text}
    headers = [{"name": "Content-Type", "value": "application/json"}]
    asked: dict[str, Any] = {"method": method, "url": BASE + path, "headers": [{"name": ":path", "value": path}]}
    answered = {"status": code, "statusText": "", "headers": headers, "content": content}
    whole = {"startedDateTime": f"2026-11-23T{at}Z", "time": took, "request": asked, "response": answered}
    return {**whole, **more}


def archive_of(*entries: dict[str, Any], creator: str = "WebInspector") -> bytes:
    """A HAR file."""
    log = {"version": "1.2", "creator": {"name": creator, "version": "1"}, "entries": list(entries)}
    return dumps({"log": log}).encode()


def kinds(events: tuple[Event, ...]) -> str:
    """A lane in letters: Open, Wait, Send, Heard, Done."""
    letters: dict[type, str] = {Open: "O", Wait: "W", Send: "S", Heard: "H", Done: "D"}
    return "".join(letters[type(event)] for event in events)


def end_of(cassette: Cassette, lane: str | None = None) -> str:
    """How the first lane, or the one of this name, ended."""
    events = cassette.lanes[lane] if lane else next(iter(cassette.lanes.values()))
    last = events[-1]
    return last.state if isinstance(last, Done | Wait) else ""
