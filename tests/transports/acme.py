"""A service that says what a script wants, on real sockets, with either client in front of it."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import bide
from bide.dialect import Phase
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.declared import Declared
from bide_transports.emulator import VirtualClock
from tests.faces import Face, Kind, face
from tests.hostile import Script, Server, read, reply, send

KEY = "sk_" + "0" * 64
SUBMIT = Call("POST", ("/jobs",), (("idempotency-key", "{key}"),), body="{input}")
ACME = Declaration(
    name="acme",
    base_url="https://api.acme.example",
    submit=SUBMIT,
    poll=Call("GET", ("{status}", "/jobs/{id}")),
    cancel=Call("POST", ("/jobs/{id}/cancel",)),
    id=("id",),
    links={"status": ("@location",)},
    status=("status",),
    phases={"done": Phase.SUCCEEDED, "error": Phase.FAILED, "stopped": Phase.CANCELLED},
    output=("output",),
    message=("message",),
)
KEYLESS = replace(ACME, submit=replace(SUBMIT, headers=()))
FETCHED = replace(ACME, fetch=Call("GET", ("/jobs/{id}/result",)), output=("",))
PACE = bide.Every(10.0)


def said(status: str = "queued", *lines: str, http: str = "200 OK", **members: object) -> bytes:
    """A reply of the service about its job 7."""
    return reply(json.dumps({"id": "7", "status": status, **members}).encode(), *lines, status=http)


def no(http: str, *lines: str, body: bytes = b"{}") -> bytes:
    """A reply that is none about a job."""
    return reply(body, *lines, status=http)


def talk(*replies: bytes) -> Script:
    """A connection on which requests are answered so, one after the other."""
    return [step for one in replies for step in (read, send(one))]


QUEUED, DONE = said(), said("done", output="a fox")
TOO_MANY = "429 Too Many Requests"


@asynccontextmanager
async def acme(
    kind: Kind, *scripts: Script, declaration: Declaration = ACME, clock: VirtualClock | None = None, **settings: Any
) -> AsyncGenerator[tuple[Server, Face]]:
    """A server whose n-th connection goes by the n-th script, and a client of its service."""
    with Server(*scripts) as server:
        settings = {"pace": PACE, "dialect": Declared(declaration, server.url), **settings}
        async with face(kind, KEY, clock or VirtualClock(), **settings) as client:
            yield server, client


async def end(client: Face, job: str | bide.Job) -> bide.Job:
    """The last state of a job; nothing is raised for it."""
    *_, last = [state async for state in client.follow(job)]
    return last


def order(client: Face) -> bide.Submitting:
    return client.prepare("m", {"prompt": "a fox"})


def asked(server: Server) -> list[str]:
    """Method and target of each request."""
    return [b" ".join(one.split(b" ", 2)[:2]).decode() for one in server.received]


def is_done(job: bide.Job) -> bool:
    return isinstance(job, bide.Completed) and job.result.output == "a fox"


def why(job: bide.Job) -> bide.Reason:
    assert isinstance(job, bide.Abandoned), job
    return job.reason
