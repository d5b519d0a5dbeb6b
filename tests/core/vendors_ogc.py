"""OGC API – Processes: https://docs.ogc.org/is/18-062r2/18-062r2.html, and pygeoapi."""

from __future__ import annotations

import bide
from bide.document import JSON
from tests.core.vendors_scene import CANCEL, Vendor, answer, scene

_OGC = "https://demo.pygeoapi.io/master"
_JOB = f"{_OGC}/jobs/7d14"
_NO_SUCH_JOB: JSON = {"type": "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/no-such-job"}
_NOT_READY: JSON = {
    "type": "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/result-not-ready",
    "title": "Too early",
    "status": 404,
}
_ECHO: JSON = {"id": "echo", "value": "hello"}


def _info(status: str, **members: JSON) -> dict[str, JSON]:
    return {"type": "process", "processID": "buffer", "jobID": "7d14", "status": status, **members}


_CREATED = answer(201, _info("accepted"), location=_JOB, preference_applied="respond-async")
_RUNNING = answer(200, _info("running", progress=40))
_SUCCESSFUL = answer(200, _info("successful", progress=100, message="Job complete"))
_DISMISSED = answer(200, _info("dismissed", message="Job dismissed", progress=100))
_TO_FETCH = (_CREATED, _SUCCESSFUL)

OGC = Vendor(
    "ogc-processes",
    bide.Order("buffer", {"distance": 5}, "key-1"),
    accepted=_CREATED,
    running=_RUNNING,
    done=_SUCCESSFUL,
    other=answer(200, {**_info("successful"), "jobID": "7d15"}),
    taken_at=lambda url: answer(201, _info("accepted"), location=url),
    moved_to=lambda url: answer(200, _info("running"), location=url),
    scenes=(
        scene(
            "execute",
            next=f"POST {_OGC}/processes/buffer/execution",
            headers={
                "accept": "application/json",
                "content-type": "application/json",
                "prefer": "respond-async",
                "authorization": "Bearer KEY",
            },
            body={"inputs": {"distance": 5}},
            repeatable=False,
        ),
        scene("accepted", _CREATED, state=bide.Polling, status="accepted", next=f"GET {_JOB}"),
        scene("accepted without a word", answer(201, b"null", location=_JOB), state=bide.Polling, next=f"GET {_JOB}"),
        scene("accepted by id alone", answer(201, _info("accepted")), next=f"GET {_JOB}"),
        scene(
            "created, in the draft of 2.0",
            answer(201, {"id": "7d14", "status": "created"}, location=_JOB),
            next=f"GET {_JOB}",
        ),
        scene(
            "created, and named alone",
            answer(201, {"id": "7d14", "status": "accepted", "type": "process"}),
            next=f"GET {_JOB}",
        ),
        scene("running", _CREATED, _RUNNING, state=bide.Polling, progress=0.4),
        scene("successful", *_TO_FETCH, state=bide.Fetching, next=f"GET {_JOB}/results", wait=0.0),
        scene("fetched", *_TO_FETCH, answer(200, _ECHO), state=bide.Completed, output=_ECHO, files=()),
        scene("successful, by id", _SUCCESSFUL, watch="7d14", next=f"GET {_JOB}/results"),
        scene("fetched too early", *_TO_FETCH, answer(404, _NOT_READY), state=bide.Fetching, missing=0, failures=0),
        scene(
            "fetched too early, from pygeoapi",
            *_TO_FETCH,
            answer(404, {"code": "ResultNotReady", "type": "ResultNotReady"}),
            state=bide.Fetching,
            missing=0,
        ),
        scene("fetched, and told to wait", *_TO_FETCH, _RUNNING, state=bide.Fetching, failures=0),
        scene("fetched, and not begun", *_TO_FETCH, answer(200, _info("accepted")), state=bide.Fetching, failures=0),
        scene(
            "an output called status",
            *_TO_FETCH,
            answer(200, {"status": "running", "n": 1}),
            state=bide.Completed,
            output={"status": "running", "n": 1},
        ),
        scene("fetched, and gone", *_TO_FETCH, answer(404, _NO_SUCH_JOB), state=bide.Fetching, missing=1),
        scene("accepted with a 200", answer(200, _info("accepted"), location=_JOB), state=bide.Polling),
        scene("no document at once", answer(200, b"null"), state=bide.Abandoned, reason=bide.Reason.UNFOLLOWABLE),
        scene("an output called type", *_TO_FETCH, answer(200, {"type": "process"}), state=bide.Completed),
        scene("dismiss without a word", answer(201, b"null", location=_JOB), _RUNNING, CANCEL, next=f"DELETE {_JOB}"),
        scene("run at once", answer(200, {"n": 1}), state=bide.Completed, output={"n": 1}, handle=""),
        scene(
            "run at once, and kept", answer(200, _ECHO, location=_JOB), state=bide.Fetching, next=f"GET {_JOB}/results"
        ),
        scene(
            "failed at once",
            answer(400, {"code": "X", "description": "no scene"}),
            state=bide.Failed,
            message="no scene",
        ),
        scene(
            "failed",
            _CREATED,
            answer(200, _info("failed", message="no such scene", progress=5)),
            state=bide.Failed,
            code="FAILED",
            message="no such scene",
        ),
        scene(
            "failed, in the draft of 2.0",
            _CREATED,
            answer(200, _info("failed", message="failed", exception={"type": "urn:x", "detail": "no scene"})),
            code="urn:x",
            message="no scene",
        ),
        scene(
            "no such process",
            answer(404, {"code": "NoSuchProcess", "type": "NoSuchProcess", "description": "unknown"}),
            state=bide.Failed,
            code="NoSuchProcess",
            message="unknown",
        ),
        scene("in the standard's words", answer(404, {"title": "No process", "detail": "buffer"}), message="buffer"),
        scene("by its title alone", answer(404, {"title": "No process"}), message="No process"),
        scene("dismissed by another", _CREATED, _DISMISSED, state=bide.Cancelled),
        scene("dismiss", _CREATED, _RUNNING, CANCEL, next=f"DELETE {_JOB}", body=None),
        scene("dismiss by id", _RUNNING, CANCEL, watch="7d14", next=f"DELETE {_JOB}"),
        scene("dismissed", _CREATED, _RUNNING, CANCEL, _DISMISSED, state=bide.Cancelled, message="Job dismissed"),
        scene(
            "dismissed, and gone",
            _CREATED,
            _RUNNING,
            CANCEL,
            answer(200, b""),
            answer(404, _NO_SUCH_JOB),
            state=bide.Cancelled,
        ),
        scene(
            "dismissed for good",
            _CREATED,
            _RUNNING,
            CANCEL,
            answer(200, b""),
            answer(410, _NO_SUCH_JOB),
            state=bide.Cancelled,
        ),
        scene("gone for good", _CREATED, answer(410, _NO_SUCH_JOB), state=bide.Lost),
        scene(
            "dismissal not offered", _CREATED, _RUNNING, CANCEL, answer(405), _CREATED, state=bide.Polling, failures=0
        ),
        scene(
            "dismissal not implemented",
            _CREATED,
            _RUNNING,
            CANCEL,
            answer(501),
            _CREATED,
            state=bide.Polling,
            failures=0,
        ),
        scene("unknown", answer(404, _NO_SUCH_JOB), watch="7d14", state=bide.Lost),
    ),
)
