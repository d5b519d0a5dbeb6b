"""What may happen to a job of any vendor, and what must come of it: the same in memory and over sockets."""

from __future__ import annotations

import bide
from bide.dialect import Phase
from bide.messages import Headers, Response
from bide_transports.emulator.faults import Drop, html
from bide_transports.testing.scenario import Scenario, Turn

UNFINISHED, DONE = Turn(), Turn(Phase.SUCCEEDED)
CUT = Turn(instead=Drop("head"))
_IN_7 = (("Retry-After", "7"),)
_NOTHING = Turn(
    instead=Response(202, Headers.of([("Content-Type", "application/json"), ("Content-Length", "2")]), b"{}")
)
_ADDRESS = "name the place of the status address in `links` as 'status', and let `poll` ask at '{status}' first"
_HTTP = "a status code of HTTP is no news of the job: give no sign for all of 4xx or 5xx, name the codes that are"
_CADENCE = (
    "let `cadence` be true only if Retry-After on a 2xx reply is the vendor's own pace, and `wait_ms` be its place"
)

SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        "every sign and word",
        advice="put the narrower sign before the wider one, and no word of `phases` under a sign",
        words=True,
    ),
    Scenario(
        "completed",
        advice="give the vendor's word for success in `phases`, or a sign; `id` or `links` must hold what `poll` needs",
        looks=(UNFINISHED, UNFINISHED, DONE),
        required=True,
    ),
    Scenario(
        "completed at submission",
        advice="a reply to a submission may tell the end already: let its sign count for 'submit'",
        submissions=(DONE,),
    ),
    Scenario(
        "result in the job",
        advice="`output` is the place of the output in the reply that says that the job is done",
        inline=True,
    ),
    Scenario(
        "failed",
        (bide.Failed,),
        "give the vendor's word for a failure in `phases`, or a sign before the one for success, and the places of "
        "`code` and `message`",
        looks=(UNFINISHED, Turn(Phase.FAILED)),
        required=True,
    ),
    Scenario(
        "failed at submission",
        (bide.Failed,),
        "a reply to a submission may tell the end already: let the sign for a failure count for 'submit'",
        submissions=(Turn(Phase.FAILED),),
    ),
    Scenario(
        "cancelled by the service",
        (bide.Cancelled,),
        "give the vendor's word for it in `phases`, in the vendor's spelling (one l or two)",
        looks=(UNFINISHED, Turn(Phase.CANCELLED)),
    ),
    Scenario(
        "expired",
        (bide.Expired,),
        "give the vendor's word for it in `phases`, or a sign",
        looks=(UNFINISHED, Turn(Phase.EXPIRED)),
    ),
    Scenario(
        "cancelled by us",
        (bide.Cancelled,),
        "`cancel` must reach the job, and the look after it must tell: give a sign for 'confirm'",
        looks=(UNFINISHED,),
        cancels=(UNFINISHED,),
    ),
    Scenario(
        "cancelled by us at once",
        (bide.Cancelled,),
        "the reply to `cancel` tells the end: let its sign count for 'cancel'",
        looks=(UNFINISHED,),
        cancels=(Turn(Phase.CANCELLED),),
    ),
    Scenario(
        "cancelled too late",
        advice="a job that was faster than its cancellation has a result: let the sign for success count for 'confirm'",
        looks=(UNFINISHED,),
        cancels=(UNFINISHED,),
        confirmations=(DONE,),
    ),
    Scenario(
        "unknown status word",
        advice="an unknown word means 'not yet': give no sign that any word fits",
        looks=(Turn(unheard=True), DONE),
    ),
    Scenario(
        "progress",
        advice="`progress` is the place of a figure, out of `full`",
        looks=(Turn(progress=0.25), Turn(progress=0.5), DONE),
    ),
    Scenario(
        "partial output",
        advice="output that is there says nothing of the end: let the sign for success ask for the vendor's word",
        looks=(Turn(partial=True), DONE),
    ),
    Scenario(
        "result elsewhere",
        advice="`fetch` must ask where the job says that its result is: give its link in `links`",
        apart=True,
    ),
    Scenario(
        "result not ready",
        advice="a reply to `fetch` is the result unless a sign with asked=('fetch',) says that it is not yet",
        fetches=(Turn(partial=True), DONE),
        apart=True,
    ),
    Scenario(
        "failure in place of the result",
        (bide.Failed,),
        "a reply to `fetch` is the result unless a sign with asked=('fetch',) says that the job failed",
        fetches=(Turn(Phase.FAILED),),
        apart=True,
    ),
    Scenario(
        "result refused",
        (bide.Abandoned,),
        "a refusal is neither the result nor 'not yet': let the sign for that ask for more than a status code",
        fetches=(Turn(Phase.REFUSED),),
        reason=bide.Reason.REFUSED,
        apart=True,
    ),
    Scenario(
        "submission refused",
        (bide.Failed,),
        "a submission that is wrong stays so: let no sign take a refusal for trouble that may pass",
        submissions=(Turn(Phase.REFUSED),),
    ),
    Scenario(
        "nothing to follow",
        (bide.Abandoned,),
        "a submission that tells neither id nor address is not done: give no sign for success by 2xx alone",
        submissions=(_NOTHING,),
        followable=False,
    ),
    Scenario("relative status address", advice=_ADDRESS, submissions=(Turn(address="relative"),)),
    Scenario("status address moves", advice=_ADDRESS, looks=(Turn(address="moved"), UNFINISHED, DONE)),
    Scenario(
        "status address moves to another origin", advice=_ADDRESS, looks=(Turn(address="elsewhere"), UNFINISHED, DONE)
    ),
    Scenario(
        "Retry-After: 0 means now",
        advice=_CADENCE,
        looks=(Turn(headers=(("Retry-After", "0"),), next_in=0.05), DONE),
        paced=True,
    ),
    Scenario(
        "Retry-After is the pace",
        advice=_CADENCE,
        submissions=(Turn(headers=(("Retry-After", "11"),), next_in=11),),
        looks=(Turn(headers=_IN_7, next_in=7), Turn(headers=(("Retry-After", "3"),), next_in=3), DONE),
        paced=True,
    ),
    Scenario(
        "Retry-After is not the pace",
        advice="the vendor sends Retry-After with every reply, whatever quota is left: let `cadence` be false",
        looks=(Turn(headers=(("Retry-After", "50"),), left=9, next_in=2), DONE),
        paced=False,
    ),
    Scenario("hint in milliseconds", advice=_CADENCE, looks=(Turn(wait=2.5, next_in=2.5), DONE)),
    Scenario(
        "rate limit spent",
        advice="name the vendor's fields of limit, remaining and reset in `quota`",
        looks=(Turn(left=0, next_in=30), DONE),
    ),
    Scenario("429 on a look", advice=_HTTP, looks=(UNFINISHED, Turn(Phase.LIMITED, headers=_IN_7, next_in=7), DONE)),
    Scenario(
        "429 that sounds like a failure",
        advice="a refusal says nothing of the job, whatever its body says: put a sign for LIMITED by 429 first",
        looks=(UNFINISHED, Turn(Phase.FAILED, headers=_IN_7, code=429, next_in=7), DONE),
    ),
    Scenario(
        "429 on the submission", advice=_HTTP, submissions=(Turn(Phase.LIMITED, headers=_IN_7, next_in=7), UNFINISHED)
    ),
    Scenario("503 on a look", advice=_HTTP, looks=(UNFINISHED, Turn(Phase.TRANSIENT), Turn(Phase.TRANSIENT), DONE)),
    Scenario("404 for a while", advice=_HTTP, looks=(UNFINISHED, Turn(Phase.MISSING), UNFINISHED, DONE)),
    Scenario("404 for good", (bide.Lost,), _HTTP, looks=(UNFINISHED, Turn(Phase.MISSING))),
    Scenario(
        "401 on a look",
        (bide.Abandoned,),
        _HTTP,
        looks=(UNFINISHED, Turn(Phase.UNAUTHORISED)),
        reason=bide.Reason.UNAUTHORISED,
    ),
    Scenario(
        "401 that sounds like a failure",
        (bide.Abandoned,),
        "a refusal says nothing of the job, whatever its body says: put a sign for UNAUTHORISED by 401 and 403 first",
        looks=(UNFINISHED, Turn(Phase.FAILED, code=401)),
        reason=bide.Reason.UNAUTHORISED,
    ),
    Scenario("connection cut on a look", looks=(UNFINISHED, CUT, CUT, DONE)),
    Scenario(
        "connection cut on the submission",
        advice="only a submission that carries {key}, or a PUT, is taken once however often it comes",
        submissions=(CUT, UNFINISHED),
        repeatable=True,
    ),
    Scenario(
        "connection cut on a submission without a key",
        (bide.Abandoned,),
        "a submission that may create a second job must not be sent twice: give {key} only where the vendor heeds it",
        submissions=(CUT, UNFINISHED),
        reason=bide.Reason.AMBIGUOUS,
        keyed=False,
        repeatable=False,
    ),
    Scenario(
        "a page for people is no answer",
        advice="a sign with nothing but a status code takes any page for an answer: let `when` name what only the "
        "vendor's reply has, such as {'@content-type': ('application/json*',)}",
        looks=(UNFINISHED, Turn(instead=html()), DONE),
    ),
    Scenario(
        "a gateway's page is no failure",
        advice="a 5xx from a proxy in between may pass: let the sign for a failure ask for more than a status code",
        looks=(UNFINISHED, Turn(instead=html(500)), Turn(instead=html(502)), DONE),
    ),
    Scenario(
        "a reply about another job",
        advice="name the place of the job's id in `id`, so that a reply mixed up by a cache is not believed",
        looks=(UNFINISHED, Turn(Phase.SUCCEEDED, another=True), DONE),
    ),
    Scenario(
        "a worker that never ends",
        (bide.Abandoned,),
        "a job that is not over must read as 'not yet' every time",
        looks=(UNFINISHED,),
        reason=bide.Reason.DEADLINE,
    ),
    Scenario(
        "files",
        advice="name the places of the files in `files`, and how one is had in `file`",
        files=True,
    ),
)
