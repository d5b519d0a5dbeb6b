"""Amazon Transcribe and Step Functions, as their documentation, and moto, have them answer."""

from __future__ import annotations

import bide
from bide.document import JSON
from tests.core.vendors_scene import CANCEL, Scene, Vendor, answer, scene

# -- what AWS's JSON protocols have in common --------------------------------------------------------------------------

_SIGNED = {"accept": "application/json", "authorization": "AWS4-HMAC-SHA256 KEY"}
_NAMESPACE = "com.amazonaws.transcribe#"


def _error(kind: str, message: str = "no") -> bide.Response:
    return answer(400, {"__type": kind, "message": message}, x_amzn_requestid="r-1")


def _errors(accepted: bide.Response) -> tuple[Scene, ...]:
    limits = ("ThrottlingException", "Throttling", "TooManyRequestsException", f"{_NAMESPACE}LimitExceededException")
    slow = ("SlowDown", "RequestThrottledException:http://internal.amazon.com/coral/")
    keys = ("AccessDeniedException", "UnrecognizedClientException", "IncompleteSignature", "InvalidSignatureException")
    return (
        *(scene(f"400 {kind}", accepted, _error(kind), state=bide.Polling, limited=1) for kind in (*limits, *slow)),
        *(
            scene(f"400 {kind}", accepted, _error(kind), state=bide.Abandoned, reason=bide.Reason.UNAUTHORISED)
            for kind in keys
        ),
        scene("a server's error", accepted, answer(500, {"__type": "InternalFailureException"}), failures=1),
        scene(
            "refused",
            _error("ValidationException", "wrong"),
            state=bide.Failed,
            code="ValidationException",
            message="wrong",
            request_id="r-1",
        ),
        scene("refused in capitals", answer(400, {"__type": "X", "Message": "wrong"}), message="wrong"),
        scene("another service", answer(200, b"<ListAllMyBucketsResult/>"), handle=None),
    )


# -- Amazon Transcribe: https://docs.aws.amazon.com/transcribe/latest/APIReference/API_GetTranscriptionJob.html --------

_TRANSCRIBE = "POST https://transcribe.us-east-1.amazonaws.com/"
_TEXT = "https://s3.us-east-1.amazonaws.com/bucket/interview.json"
_REDACTED = "https://s3.us-east-1.amazonaws.com/bucket/redacted-interview.json"
_SUBTITLES = "https://s3.us-east-1.amazonaws.com/bucket/interview.srt"


def _transcription(status: str = "", name: str = "interview-7", **members: JSON) -> bide.Response:
    said: dict[str, JSON] = {"TranscriptionJobStatus": status} if status else {}
    return answer(200, {"TranscriptionJob": {"TranscriptionJobName": name, **said, **members}})


_TRANSCRIPT: JSON = {"TranscriptFileUri": _TEXT, "RedactedTranscriptFileUri": _REDACTED}
_NOT_FOUND = "The requested job couldn't be found. Check the job name and try your request again."

TRANSCRIBE = Vendor(
    "aws-transcribe",
    bide.Order("interview-7", {"LanguageCode": "en-US", "Media": {"MediaFileUri": "s3://b/k.mp3"}}, "key-1"),
    accepted=_transcription(),
    running=_transcription("IN_PROGRESS"),
    done=_transcription("COMPLETED", Transcript=_TRANSCRIPT),
    other=_transcription("COMPLETED", "interview-8", Transcript=_TRANSCRIPT),
    scenes=(
        *_errors(_transcription()),
        scene(
            "start",
            next=_TRANSCRIBE,
            headers={
                **_SIGNED,
                "content-type": "application/x-amz-json-1.1",
                "x-amz-target": "Transcribe.StartTranscriptionJob",
            },
            body={
                "TranscriptionJobName": "interview-7",
                "LanguageCode": "en-US",
                "Media": {"MediaFileUri": "s3://b/k.mp3"},
            },
            repeatable=False,
        ),
        scene(
            "started",
            _transcription(),
            state=bide.Polling,
            handle="interview-7",
            next=_TRANSCRIBE,
            headers={
                **_SIGNED,
                "content-type": "application/x-amz-json-1.1",
                "x-amz-target": "Transcribe.GetTranscriptionJob",
            },
            body={"TranscriptionJobName": "interview-7"},
        ),
        scene("not begun", _transcription(), _transcription(), state=bide.Polling, failures=0),
        scene("queued", _transcription(), _transcription("QUEUED"), state=bide.Polling, status="QUEUED"),
        scene("in progress", _transcription(), _transcription("IN_PROGRESS"), state=bide.Polling, status="IN_PROGRESS"),
        scene(
            "completed",
            _transcription(),
            _transcription("COMPLETED", Transcript=_TRANSCRIPT, Subtitles={"SubtitleFileUris": [_SUBTITLES]}),
            state=bide.Completed,
            output=_TRANSCRIPT,
            files=(_TEXT, _REDACTED, _SUBTITLES),
        ),
        scene(
            "failed",
            _transcription(),
            _transcription("FAILED", FailureReason="The media format is wrong"),
            state=bide.Failed,
            code="FAILED",
            message="The media format is wrong",
        ),
        *(
            scene(
                f"name taken ({code})",
                answer(code, {"__type": "ConflictException", "Message": "The job name already exists."}),
                state=bide.Failed,
                code="ConflictException",
            )
            for code in (400, 409)
        ),
        scene("unknown", _error("NotFoundException"), watch="interview-7", state=bide.Lost),
        scene("unknown, in other words", _error("BadRequestException", _NOT_FOUND), watch="i-7", state=bide.Lost),
        scene(
            "unknown, in capitals",
            answer(400, {"__type": "BadRequestException", "Message": _NOT_FOUND}),
            watch="i-7",
            state=bide.Lost,
        ),
        scene(
            "a request that is wrong",
            _error("BadRequestException", "bad name"),
            watch="i-7",
            state=bide.Abandoned,
            reason=bide.Reason.REFUSED,
        ),
        *(
            scene(
                f"some other error about what couldn't be found, in {member}",
                answer(400, {"__type": "ValidationException", member: _NOT_FOUND}),
                watch="i-7",
                state=bide.Abandoned,
            )
            for member in ("message", "Message")
        ),
        scene(
            "an answer of something else", _transcription(), answer(200, {"Jobs": []}), state=bide.Polling, failures=1
        ),
    ),
)

# -- Step Functions: https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html ---------

_STATES = "POST https://states.us-east-1.amazonaws.com/"
_MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:order"
_EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:order:key-1"
_STARTED = answer(200, {"executionArn": _EXECUTION, "startDate": 1795459052.221})
_STOPPED = answer(200, {"stopDate": 1795459060.1})


def _execution(status: str, **members: JSON) -> bide.Response:
    return answer(200, {"executionArn": _EXECUTION, "stateMachineArn": _MACHINE, "status": status, **members})


def _target(operation: str) -> dict[str, str]:
    kind = {"content-type": "application/x-amz-json-1.0"}
    return {**_SIGNED, **kind, "x-amz-target": f"AWSStepFunctions.{operation}"}


STEP_FUNCTIONS = Vendor(
    "aws-step-functions",
    bide.Order(_MACHINE, {"s": 1, "name": "ä"}, "key-1"),
    accepted=_STARTED,
    running=_execution("RUNNING"),
    done=_execution("SUCCEEDED", output='{"answer": 42}'),
    other=answer(200, {"executionArn": f"{_EXECUTION}1", "status": "SUCCEEDED", "output": "{}"}),
    scenes=(
        *_errors(_STARTED)[:-1],
        scene(
            "start",
            next=_STATES,
            headers=_target("StartExecution"),
            body={"stateMachineArn": _MACHINE, "name": "key-1", "input": '{"s":1,"name":"\\u00e4"}'},
            repeatable=True,
        ),
        scene(
            "started",
            _STARTED,
            state=bide.Polling,
            handle=_EXECUTION,
            next=_STATES,
            headers=_target("DescribeExecution"),
            body={"executionArn": _EXECUTION},
        ),
        scene("running", _STARTED, _execution("RUNNING"), state=bide.Polling, status="RUNNING"),
        scene("to be redriven", _STARTED, _execution("PENDING_REDRIVE"), state=bide.Polling, failures=0),
        scene(
            "succeeded",
            _STARTED,
            _execution("SUCCEEDED", output='{"answer": 42}'),
            state=bide.Completed,
            output='{"answer": 42}',
            place=("output",),
            files=(),
        ),
        scene(
            "failed",
            _STARTED,
            _execution("FAILED", error="Boom", cause="no scene"),
            state=bide.Failed,
            code="Boom",
            message="no scene",
        ),
        scene("timed out", _STARTED, _execution("TIMED_OUT"), state=bide.Expired, code="TIMED_OUT"),
        scene("aborted", _STARTED, _execution("ABORTED"), state=bide.Cancelled),
        scene(
            "stop", _STARTED, CANCEL, next=_STATES, headers=_target("StopExecution"), body={"executionArn": _EXECUTION}
        ),
        scene("stopped", _STARTED, CANCEL, _STOPPED, state=bide.Cancelling, headers=_target("DescribeExecution")),
        scene("stopped, and so aborted", _STARTED, CANCEL, _STOPPED, _execution("ABORTED"), state=bide.Cancelled),
        scene("name taken", _error("ExecutionAlreadyExists"), state=bide.Submitting, failures=1),
        scene("unknown", _error("ExecutionDoesNotExist"), watch=_EXECUTION, state=bide.Lost),
        scene("a request that is wrong", _error("InvalidArn"), watch="arn", reason=bide.Reason.REFUSED),
        scene("too many at once", _error("ExecutionLimitExceeded"), state=bide.Submitting, limited=1),
        scene("another service", answer(200, b"<ListAllMyBucketsResult/>"), reason=bide.Reason.UNFOLLOWABLE),
    ),
)
