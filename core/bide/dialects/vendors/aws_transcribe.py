"""Amazon Transcribe's batch jobs, over the JSON 1.1 protocol: every call is a POST to the same address.

Written from `source`, and https://docs.aws.amazon.com/transcribe/latest/APIReference/CommonErrors.html.

* The model is the name that the job shall have, new in the account: a job whose start got no reply is watched by it.
  A name that is taken may be that job's, so it ends as ambiguous, not as failed.
* The region is in the address: `Declared(DECLARATION, base_url="https://transcribe.eu-west-1.amazonaws.com")`.
* Requests are signed one by one (Signature Version 4), which is left to what sends them. The key given here stands in
  `Authorization` after the name of the algorithm, as it is: `Credential=…,SignedHeaders=…,Signature=…`.
* Most errors are a 400, throttling included; `__type` tells them apart, with or without a namespace before its name.
* A job without a status yet is not done. Deleting a job is no cancellation.
"""

from bide.dialect import Phase
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.places import Sign

_TYPE = "application/x-amz-json-1.1"
_STATUS, _NAME = "TranscriptionJob.TranscriptionJobStatus", "TranscriptionJob.TranscriptionJobName"

#: Errors that are a 400 in AWS's JSON protocols, and mean something else than a wrong request.
SIGNS = (
    Sign(Phase.LIMITED, {"__type": ("*Throttl*", "*LimitExceeded*", "*TooManyRequests*", "*SlowDown*")}, ("400",)),
    Sign(
        Phase.UNAUTHORISED,
        {"__type": ("*AccessDenied*", "*UnrecognizedClient*", "*IncompleteSignature*", "*InvalidSignature*")},
        ("400",),
    ),
)

DECLARATION = Declaration(
    name="aws-transcribe",
    base_url="https://transcribe.us-east-1.amazonaws.com",
    source="https://docs.aws.amazon.com/transcribe/latest/APIReference/API_GetTranscriptionJob.html",
    submit=Call(
        "POST",
        ("/",),
        headers=(("x-amz-target", "Transcribe.StartTranscriptionJob"),),
        body={"TranscriptionJobName": "{model}", "...": "{input}"},
        content_type=_TYPE,
    ),
    poll=Call(
        "POST",
        ("/",),
        headers=(("x-amz-target", "Transcribe.GetTranscriptionJob"),),
        body={"TranscriptionJobName": "{id}"},
        content_type=_TYPE,
    ),
    authorization=("authorization", "AWS4-HMAC-SHA256 {key}"),
    id=(_NAME,),
    status=(_STATUS,),
    phases={"COMPLETED": Phase.SUCCEEDED, "FAILED": Phase.FAILED},
    signs=(
        *SIGNS,
        Sign(Phase.MISSING, {"__type": ("*NotFoundException",)}, ("400",)),
        Sign(Phase.MISSING, {"__type": ("*BadRequestException",), "message": ("*couldn't be found*",)}, ("400",)),
        Sign(Phase.MISSING, {"__type": ("*BadRequestException",), "Message": ("*couldn't be found*",)}, ("400",)),
        Sign(Phase.UNFINISHED, {_NAME: ("*",), _STATUS: ("!",)}),
    ),
    output=("TranscriptionJob.Transcript",),
    files=("TranscriptionJob.Transcript", "TranscriptionJob.Subtitles.SubtitleFileUris"),
    code=("__type",),
    message=("TranscriptionJob.FailureReason", "message", "Message"),
    request_id=("@x-amzn-requestid",),
)
