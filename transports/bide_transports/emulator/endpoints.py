"""What each endpoint does, once a request was let in: the executions and their files."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import islice

from bide.document import parse_object
from bide.messages import Response
from bide_transports.emulator import documents, storage, webhook_endpoints
from bide_transports.emulator.account import Account
from bide_transports.emulator.deliveries import Deliveries
from bide_transports.emulator.execution import Execution, Plan, Status
from bide_transports.emulator.idempotency import Ledger
from bide_transports.emulator.replies import Refused, document, invalid
from bide_transports.emulator.routes import Call
from bide_transports.emulator.variants import Variants

_LISTED = 20


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The executions by id, and all that can be done with them. Every method raises `Refused` to say no."""

    plans: Mapping[str, Plan]
    default: Plan
    variants: Variants
    account: Account
    seed: int
    webhooks: Deliveries
    executions: dict[str, Execution] = field(default_factory=dict[str, Execution])
    owners: dict[str, str] = field(default_factory=dict[str, str])  # file id -> execution id
    ledger: Ledger = field(default_factory=Ledger)

    def answer(self, call: Call, storage_url: str, now: float) -> Response:
        """The reply of the API to a caller who may ask."""
        match call.kind:
            case "submit":
                return self._submit(call, now)
            case "list":
                return self._list(now)
            case "poll":
                return document(200, documents.status(self._visible(call.handle, now), self.variants, now))
            case "result":
                return self._result(call.handle, now)
            case "cancel":
                return self._cancel(call.handle, now)
            case "download" | "url":
                return self._download(call, storage_url, now)
            case "endpoint":
                return webhook_endpoints.answer(call, self.webhooks, now)
            case _ if call.allowed:
                raise Refused(405, "METHOD_NOT_ALLOWED", f"{call.method} is not known here")
            case _:
                raise _nowhere()

    def stored(self, call: Call, now: float) -> Response:
        """The reply of the storage origin."""
        # The signature covers the method, so any other than GET is as wrong as a bad signature.
        at = now + self.variants.skew
        if call.method != "GET" or not storage.admits(call.handle, call.query, self._secret, at):
            return storage.denied()
        found = self._stored(call.handle, now)
        if found is None:
            return storage.missing()
        return storage.file(_content(found), call.headers, found.ended + self.variants.skew)

    def _submit(self, call: Call, now: float) -> Response:
        key = call.headers.get("idempotency-key")
        known = self.ledger.recall(key, call.body, now)
        if known is not None:
            self.account.duplicates += 1
            return known
        model, callback = _model(call.body), webhook_endpoints.callback(call.body)
        execution = self._create(model, now)
        self.webhooks.watch(execution, callback)
        reply = document(self.variants.create_status, documents.created(execution, self.variants, now))
        self.ledger.keep(key, call.body, reply, now)
        return reply

    def _create(self, model: str, now: float) -> Execution:
        plan = self.plans.get(model, self.default)
        if self.variants.create_reply != "accepted":
            plan = replace(plan, duration=0.0)
        execution = Execution(self._name("exec"), self._name("file"), model, plan, now)
        self.executions[execution.id] = execution
        self.owners[execution.file_id] = execution.id
        self.account.executions += 1
        return execution

    def _name(self, kind: str) -> str:
        digest = hashlib.sha256(f"{self.seed} {kind} {len(self.executions)}".encode()).digest()
        return f"{kind}_{uuid.UUID(bytes=digest[:16], version=4)}"

    def _list(self, now: float) -> Response:
        if not self.variants.listing:
            raise _nowhere()
        newest = islice(reversed(self.executions.values()), _LISTED)
        return document(200, documents.listing(newest, self.variants, now))

    def _known(self, handle: str) -> Execution:
        execution = self.executions.get(handle)
        if execution is None:
            raise Refused(404, "EXECUTION_NOT_FOUND", "no such execution")
        return execution

    def _visible(self, handle: str, now: float) -> Execution:
        execution = self._known(handle)
        if now < execution.created + self.variants.visible_after:
            raise Refused(404, "EXECUTION_NOT_FOUND", "no such execution")
        return execution

    def _result(self, handle: str, now: float) -> Response:
        execution = self._visible(handle, now)
        if self.variants.result_at == "status":
            raise _nowhere()
        if execution.status(now) is not Status.COMPLETED:
            raise Refused(404, "RESULT_NOT_FOUND", "this execution has no result")
        return document(200, documents.result(execution, self.variants, now))

    def _cancel(self, handle: str, now: float) -> Response:
        execution = self._known(handle)
        if execution.status(now).terminal:
            raise Refused(409, "CONFLICT", f"this execution is already {execution.status(now).value}")
        self.executions[handle] = cancelled = execution.cancel(now)
        return document(200, documents.status(cancelled, self.variants, now))

    def _download(self, call: Call, storage_url: str, now: float) -> Response:
        if call.kind == "url" and not self.variants.url_endpoint:
            raise _nowhere()
        found = self._stored(call.handle, now)
        if found is None:
            raise Refused(400, "FILE_NOT_FOUND", "the file is unknown or has expired")
        if call.kind == "download" and self.variants.download == "bytes":
            return storage.file(_content(found), call.headers, found.ended + self.variants.skew)
        expires = int((now + self.variants.skew) // 1) + storage.LIFETIME
        url = storage.presign(storage_url, call.handle, expires, self._secret)
        return document(200, documents.presigned(url, expires, len(_content(found))))

    def _stored(self, file_id: str, now: float) -> Execution | None:
        """The run whose file this is, while the file is there."""
        execution = self.executions.get(self.owners.get(file_id, ""))
        if execution is None or execution.status(now) is not Status.COMPLETED:
            return None
        if now >= execution.ended + self.variants.retention:
            return None
        return execution

    @property
    def _secret(self) -> bytes:
        return f"storage {self.seed}".encode()


def _content(execution: Execution) -> bytes:
    return storage.picture(execution.file_id, execution.plan.width, execution.plan.height)


def _nowhere() -> Refused:
    return Refused(404, "NOT_FOUND", "there is nothing at this path")


def _model(body: bytes) -> str:
    """The model that a submission names; raises `Refused` when the body is none (modelroute-api.md, 4)."""
    content = parse_object(body)
    if content is None:
        raise invalid("body", "INVALID_JSON", "the body is no JSON object")
    model = content.get("model")
    if not isinstance(model, str) or not model:
        raise invalid("model", "REQUIRED", "name the model to run")
    if not isinstance(content.get("input"), dict):
        raise invalid("input", "REQUIRED", "input must be an object")
    return model
