"""What the core decided, as a cassette has it: the wait before the next request, or the end of the job."""

from __future__ import annotations

from hashlib import sha256
from json import dumps

import bide
from bide.document import parse
from bide_transports.cassette.tape import Decision, Done, Head, Wait


def decision(job: bide.Job, lane: str, t: int, head: Head) -> Decision:
    """What `job`, reached at `t`, says is next."""
    if isinstance(job, bide.Waiting):
        return Wait(lane, t, type(job).__name__, head.t(job.due) - t, head.t(job.not_before) - t, job.why.value)
    return Done(lane, t, type(job).__name__, _says(job), _files(job))


def _says(job: bide.Finished) -> str:
    match job:
        case bide.Completed(result=result):
            document = dumps(parse(result.raw.encode("utf-8", "surrogatepass")), sort_keys=True)
            return f"sha256:{sha256(document.encode()).hexdigest()[:16]}"
        case bide.Abandoned(reason=reason):
            return reason.value
        case bide.Lost(problem=problem):
            return "" if problem is None else problem.code
        case _:
            return job.problem.code


def _files(job: bide.Finished) -> tuple[str, ...]:
    return job.result.files if isinstance(job, bide.Completed) else ()
