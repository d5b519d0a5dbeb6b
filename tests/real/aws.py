"""The far side of moto: what the tests tell it to do, as an owner of that AWS account would."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from typing import Any
from uuid import uuid4

from bide.document import JSON

ERROR, CAUSE = "NoScene", "no such scene"


def scope(service: str) -> str:
    """The part of a signature that moto reads: which service, in which region. It checks no more of one."""
    return f"Credential=anyone/20260101/us-east-1/{service}/aws4_request,SignedHeaders=host,Signature=any"


class Account:
    """Sends calls to moto, none of them ours."""

    def __init__(self, port: int) -> None:
        self._port = port

    def call(self, service: str, target: str, body: JSON) -> dict[str, Any]:
        """The answer to one call."""
        headers = {
            "authorization": f"AWS4-HMAC-SHA256 {scope(service)}",
            "x-amz-target": target,
            "content-type": "application/x-amz-json-1.0",
        }
        content: dict[str, Any] = json.loads(self._post("/", body, headers))
        return content

    def run_state_machines(self) -> None:
        """Have moto carry out executions; it only files them otherwise."""
        self._tell("config", {"stepfunctions": {"execute_state_machine": True}})

    @contextmanager
    def slow_transcriptions(self, looks: int) -> Generator[None]:
        """Transcriptions that show each state to so many looks, and none at all to those before."""
        model: dict[str, JSON] = {"model_name": "transcribe::transcriptionjob"}
        self._tell("state-manager/set-transition", {**model, "transition": {"progression": "manual", "times": looks}})
        try:
            yield
        finally:
            self._tell("state-manager/unset-transition", model)

    def state_machine(self, definition: JSON) -> str:
        """The ARN of a new state machine."""
        body: JSON = {
            "name": f"machine-{uuid4()}",
            "definition": json.dumps(definition),
            "roleArn": "arn:aws:iam::123456789012:role/any",
        }
        arn: str = self.call("states", "AWSStepFunctions.CreateStateMachine", body)["stateMachineArn"]
        return arn

    def _tell(self, setting: str, body: JSON) -> None:
        self._post(f"/moto-api/{setting}", body, {"content-type": "application/json"})

    def _post(self, path: str, body: JSON, headers: dict[str, str]) -> bytes:
        with closing(HTTPConnection("127.0.0.1", self._port, timeout=60)) as connection:
            connection.request("POST", path, json.dumps(body), headers)
            answer = connection.getresponse()
            content = answer.read()
        assert answer.status < 300, content
        return content


def idle(account: Account) -> str:
    """The ARN of a state machine that does nothing for longer than any test lasts.

    Moto can stop such a one; stopping one that waits for its task ends as an error of moto's own.
    """
    return account.state_machine({"StartAt": "Idle", "States": {"Idle": {"Type": "Wait", "Seconds": 600, "End": True}}})


class Machine:
    """A state machine that is held until its task is done; then it fails unless the task found a scene."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._queue = account.call("sqs", "AmazonSQS.CreateQueue", {"QueueName": str(uuid4())})["QueueUrl"]
        self.arn = account.state_machine({"StartAt": "Held", "States": self._states()})

    def _states(self) -> JSON:
        held: JSON = {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "Parameters": {"QueueUrl": self._queue, "MessageBody": {"token.$": "$$.Task.Token"}},
            "Next": "Judged",
        }
        judged: JSON = {
            "Type": "Choice",
            "Choices": [{"Variable": "$.scene", "IsPresent": True, "Next": "Succeeded"}],
            "Default": "Failed",
        }
        failed: JSON = {"Type": "Fail", "Error": ERROR, "Cause": CAUSE}
        return {"Held": held, "Judged": judged, "Succeeded": {"Type": "Succeed"}, "Failed": failed}

    def done(self, output: JSON) -> None:
        """The task of the oldest held execution is done, with this output."""
        ask: JSON = {"QueueUrl": self._queue, "WaitTimeSeconds": 20}
        (message,) = self._account.call("sqs", "AmazonSQS.ReceiveMessage", ask)["Messages"]
        tell: JSON = {"taskToken": json.loads(message["Body"])["token"], "output": json.dumps(output)}
        self._account.call("states", "AWSStepFunctions.SendTaskSuccess", tell)
