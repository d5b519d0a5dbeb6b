"""AWS Step Functions: executions of standard workflows, over the JSON 1.0 protocol.

Written from `source` and the pages beside it on StartExecution and StopExecution. The region, the signature and the
errors are as `aws_transcribe` says.

* The model is the ARN of the state machine. The idempotency key is the execution's name: started again under it, a
  running execution is found, not doubled; one that is over, or had another input, is `ExecutionAlreadyExists`.
  It may be the one whose reply was lost, so it never ends as failed.
* Input and output are texts that hold JSON.
* `ABORTED` is an execution that was stopped. `PENDING_REDRIVE` is "not yet".
"""

from bide.dialect import Phase
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.places import Sign
from bide.dialects.vendors.aws_transcribe import SIGNS

_TYPE = "application/x-amz-json-1.0"

DECLARATION = Declaration(
    name="aws-step-functions",
    base_url="https://states.us-east-1.amazonaws.com",
    source="https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html",
    submit=Call(
        "POST",
        ("/",),
        headers=(("x-amz-target", "AWSStepFunctions.StartExecution"),),
        body={"stateMachineArn": "{model}", "name": "{key}", "input": "{input_json}"},
        content_type=_TYPE,
    ),
    poll=Call(
        "POST",
        ("/",),
        headers=(("x-amz-target", "AWSStepFunctions.DescribeExecution"),),
        body={"executionArn": "{id}"},
        content_type=_TYPE,
    ),
    cancel=Call(
        "POST",
        ("/",),
        headers=(("x-amz-target", "AWSStepFunctions.StopExecution"),),
        body={"executionArn": "{id}"},
        content_type=_TYPE,
    ),
    authorization=("authorization", "AWS4-HMAC-SHA256 {key}"),
    id=("executionArn",),
    status=("status",),
    phases={
        "SUCCEEDED": Phase.SUCCEEDED,
        "FAILED": Phase.FAILED,
        "ABORTED": Phase.CANCELLED,
        "TIMED_OUT": Phase.EXPIRED,
    },
    signs=(
        *SIGNS,
        Sign(Phase.MISSING, {"__type": ("*ExecutionDoesNotExist",)}, ("400",)),
        Sign(Phase.CONFLICT, {"__type": ("*ExecutionAlreadyExists",)}, ("400",), ("submit",)),
    ),
    output=("output",),
    code=("error", "__type"),
    message=("cause", "message", "Message"),
    request_id=("@x-amzn-requestid",),
)
