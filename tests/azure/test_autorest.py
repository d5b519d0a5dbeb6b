"""Long-running operations at AutoRest's test server with the built-in declarations; it judges from its side, too."""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import requests

import bide
from bide.dialects.calls import Call
from bide.dialects.declared import Declared
from bide.dialects.vendors import named
from bide_transports.bounded import BoundedAdapter
from bide_transports.emulator import VirtualClock
from bide_transports.requests import Client
from tests.azure.operations import End, Operation, operations
from tests.azure.server import AutoRest

PACKAGE = Path(os.environ.get("BIDE_AZURE", ""))
OPERATIONS = operations(PACKAGE / "swagger/lro.json")
DECLARATIONS = {
    "PUT": "azure-arm",
    "PATCH": "azure-arm-patch",
    "POST": "azure-arm-action",
    "DELETE": "azure-arm-delete",
}
LINKS = {"azure-async-operation": "{status}", "location": "{location}"}  # the word for each final-state-via
KINDS: dict[End, tuple[type, ...]] = {
    "succeeds": (bide.Completed,),
    "fails": (bide.Failed,),
    "is cancelled": (bide.Cancelled,),
    "is refused": (bide.Failed, bide.Abandoned),
    "is not understood": (bide.Failed, bide.Lost, bide.Abandoned),
}
MOST_REQUESTS = 450
OTHER_DESCRIPTIONS = {  # long-running operations that are not in this file
    "LROConstantParameterizedGet",
    "LROConstantParameterizedPost",
    "LROParameterizedEndpoint",
    "PagingMultipleLRO",
}


class Noting(BoundedAdapter):
    """Keeps a list of the requests."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        response = super().send(request, *args, **kwargs)
        self.sent.append(f"{request.method} {request.path_url} {response.status_code}")
        return response


@dataclass(frozen=True)
class Ended:
    """The last state of an operation, and the requests on the way."""

    job: bide.Job
    sent: list[str]


def run(operation: Operation, url: str) -> Ended:
    """The operation from its submission to its end, with the declaration for its method."""
    declaration = named(DECLARATIONS[operation.method])
    if operation.via:
        declaration = replace(declaration, fetch=Call("GET", (LINKS[operation.via],)))
    declaration = replace(declaration, headers=(*declaration.headers, *operation.headers))
    session, noting = requests.Session(), Noting()
    session.trust_env = False
    session.mount("http://", noting)
    dialect = Declared(declaration, base_url=url)
    with session, Client("none", dialect=dialect, session=session, clock=VirtualClock()) as client:
        (*_, job) = client.follow(client.prepare(operation.path.removeprefix("/"), {}))
    return Ended(job, noting.sent)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[AutoRest]:
    with AutoRest(PACKAGE, tmp_path_factory.mktemp("autorest")) as server:
        yield server


@pytest.fixture(scope="module")
def ends(server: AutoRest) -> dict[str, Ended]:
    """All operations, run one after the other."""
    return {operation.name: run(operation, server.url) for operation in OPERATIONS}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_an_operation_ends_as_described(operation: Operation, ends: dict[str, Ended]) -> None:
    ended = ends[operation.name]
    conversation = "\n".join(ended.sent)
    assert isinstance(ended.job, KINDS[operation.ends]), conversation
    if isinstance(ended.job, bide.Completed) and operation.members and not ended.sent[-1].endswith(" 204"):
        output = ended.job.result.output
        assert isinstance(output, list) is operation.is_list, conversation
        for resource in output if isinstance(output, list) else [output]:
            assert isinstance(resource, dict), conversation
            assert resource.keys() & operation.members, conversation
            assert "status" not in resource, conversation  # that would be the operation, not what came of it
    if operation.at_once:
        assert len(ended.sent) == 1, conversation
    if operation.ends == "is refused":
        refused = [line for line in ended.sent if line.endswith(" 400")]
        assert refused == ended.sent[-1:], conversation


def test_the_server_saw_every_conversation_that_it_waits_for(
    server: AutoRest, ends: dict[str, Ended], capsys: pytest.CaptureFixture[str]
) -> None:
    keys = {key: count for key, count in server.report().items() if "LRO" in key or key.startswith("CustomHeader")}
    missing = {key for key, count in keys.items() if not count}
    requests_sent = sum(len(ended.sent) for ended in ends.values())
    with capsys.disabled():
        print(f"\n{len(keys) - len(missing)} of {len(keys)} conversations, {requests_sent} requests")  # noqa: T201
    assert len(keys) == 87
    assert missing == OTHER_DESCRIPTIONS
    assert requests_sent <= MOST_REQUESTS
