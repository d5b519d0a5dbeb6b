"""Scenes with a vendor: what it answers as documented, played through the real machine, and what must come of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import bide
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.declared import Declared
from bide.document import JSON
from tests.laws import START

CANCEL = "cancel"  # a step of a scene: the caller asks for the end
READ = {"accept": "application/json", "authorization": "Bearer KEY"}  # what most vendors want of a request
POST = {**READ, "content-type": "application/json"}  # and of one with a body
PAGE = b"<!doctype html><html><body>Sign in to the network</body></html>"


@dataclass(frozen=True, slots=True)
class Scene:
    """The replies to one job, in order, and what is then known of it; `watch` is its handle if it was not submitted.

    With `via` the result is fetched from that address instead of the declared one.
    """

    title: str
    script: tuple[bide.Response | str, ...]
    told: Mapping[str, object]
    watch: str = ""
    via: str = ""


@dataclass(frozen=True, slots=True)
class Vendor:
    """One vendor's scenes, and its usual replies for what must hold with all of them.

    `accepted` and `running` are unfinished, `done` is the good end, `other` is `done` of another job. `taken_at` is
    `accepted` and `moved_to` is `running` with the job at some address; None where a job has no address of its own.
    """

    name: str
    order: bide.Order
    accepted: bide.Response
    running: bide.Response
    done: bide.Response
    scenes: tuple[Scene, ...]
    other: bide.Response | None = None
    taken_at: Callable[[str], bide.Response] | None = None
    moved_to: Callable[[str], bide.Response] | None = None


def answer(status: int, document: JSON | bytes = None, **headers: str) -> bide.Response:
    """A reply: bytes as they are, anything else as JSON; header names with `_` for `-`."""
    lines = [(name.replace("_", "-"), value) for name, value in headers.items()]
    if document is None:
        return bide.Response(status, bide.Headers.of([*lines, ("content-length", "0")]))
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    kind = "text/html" if body is PAGE else "application/json"
    return bide.Response(status, bide.Headers.of([("content-type", kind), *lines]), body)


def scene(title: str, *script: bide.Response | str, watch: str = "", via: str = "", **told: object) -> Scene:
    """A scene after which each of `told` holds (see `known`)."""
    return Scene(title, script, told, watch, via)


def played(scene: Scene, vendor: Vendor, declaration: Declaration) -> bide.Job:
    """The job at the end of the scene; all of it happens at START."""
    dialect = Declared(replace(declaration, fetch=Call("GET", (scene.via,))) if scene.via else declaration)
    job: bide.Job = (
        bide.watch(scene.watch, dialect=dialect, now=START)
        if scene.watch
        else bide.submit(vendor.order, dialect=dialect, now=START)
    )
    for step in scene.script:
        if isinstance(step, str):
            assert isinstance(job, bide.Polling)
            job = bide.cancel(job, now=START)
        else:
            assert isinstance(job, bide.Waiting), f"it is over already: {job}"
            job = job.receive(step, now=START)
    return job


def known(job: bide.Job) -> dict[str, object]:
    """All that can be told of a job, by name."""
    facts: dict[str, object] = {"state": type(job), "handle": job.handle}
    facts |= {name: getattr(job.past, name) for name in ("status", "progress", "failures", "missing", "limited")}
    if job.past.quota is not None:
        facts["limit"] = job.past.quota.limit
    if isinstance(job, bide.Waiting):
        facts |= _asked(job.request, job.terms.dialect)
        facts |= {"wait": round(job.due - START, 3), "why": job.why}
    if isinstance(job, bide.Completed):
        facts |= {"output": job.result.output, "place": job.result.place, "files": job.result.files}
        requests = [job.terms.dialect.locate(file) for file in job.result.files]
        facts["file"] = [f"{request.method} {request.url}" for request in requests]
    if isinstance(job, bide.Abandoned):
        facts["reason"] = job.reason
    problem = getattr(job, "problem", None)
    if isinstance(problem, bide.Problem):
        facts |= {"code": problem.code, "message": problem.message, "request_id": problem.request_id}
    return facts


def _asked(request: bide.Request, dialect: bide.Dialect) -> dict[str, object]:
    lines = (*request.headers, *bide.credential_for(request, dialect, bide.Secret("KEY")))
    plain = {name: value for name, value in lines if name != "accept-encoding"}
    return {
        "next": f"{request.method} {request.url}",
        "headers": plain,
        "body": json.loads(request.body) if request.body else None,
        "repeatable": request.repeatable,
    }
