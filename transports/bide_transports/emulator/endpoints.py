"""What each endpoint does, once a request was let in: the executions and their files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import islice

from bide.document import JSON, parse_object, strings
from bide.messages import Response
from bide_transports.emulator import documents, storage, webhook_endpoints
from bide_transports.emulator.account import Account
from bide_transports.emulator.deliveries import Deliveries
from bide_transports.emulator.execution import Execution, Plan, Status
from bide_transports.emulator.idempotency import Ledger
from bide_transports.emulator.names import name
from bide_transports.emulator.replies import Refused, document, invalid, nowhere
from bide_transports.emulator.routes import Call
from bide_transports.emulator.uploads import Uploads
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
    uploads: Uploads
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
            case "upload":
                return self.uploads.ask(call, storage_url, now)
            case "confirm":
                return self.uploads.confirm(call)
            case "endpoint":
                return webhook_endpoints.answer(call, self.webhooks, now)
            case _ if call.allowed:
                raise Refused(405, "METHOD_NOT_ALLOWED", f"{call.method} is not known here")
            case _:
                raise nowhere()

    def stored(self, call: Call, now: float) -> Response:
        """The reply of the storage origin."""
        if not storage.admits(call.method, call.handle, call.query, self.seed, now + self.variants.skew):
            return storage.denied()
        if call.kind == "put":
            return self.uploads.put(call, now)
        found = self._stored(call.handle, now)
        return storage.missing() if found is None else self._sent(found, call)

    def _submit(self, call: Call, now: float) -> Response:
        key = call.headers.get("idempotency-key")
        known = self.ledger.recall(key, call.body, now)
        if known is not None:
            self.account.duplicates += 1
            return known
        (model, given), callback = _order(call.body), webhook_endpoints.callback(call.body)
        if any(self._stored(file, now) is None for file in strings(given) if file.startswith("file_")):
            raise Refused(400, "FILE_NOT_FOUND", "the input names a file that is not here")
        execution = self._create(model, now)
        self.webhooks.watch(execution, callback)
        reply = document(self.variants.create_status, documents.created(execution, self.variants, now))
        self.ledger.keep(key, call.body, reply, now)
        return reply

    def _create(self, model: str, now: float) -> Execution:
        plan = self.plans.get(model, self.default)
        if self.variants.create_reply != "accepted":
            plan = replace(plan, duration=0.0)
        made = len(self.executions)
        exec_id, file_id = (name(kind, self.seed, kind, made) for kind in ("exec", "file"))
        execution = Execution(exec_id, file_id, model, plan, now)
        self.executions[execution.id] = execution
        self.owners[execution.file_id] = execution.id
        self.account.executions += 1
        return execution

    def _list(self, now: float) -> Response:
        if not self.variants.listing:
            raise nowhere()
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
            raise nowhere()
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
            raise nowhere()
        found = self._stored(call.handle, now)
        if found is None:
            raise Refused(400, "FILE_NOT_FOUND", "the file is unknown or has expired")
        if call.kind == "download" and self.variants.download == "bytes":
            return self._sent(found, call)
        expires = storage.expiry(now + self.variants.skew)
        url = storage.presign(storage_url, call.handle, expires, self.seed)
        return document(200, documents.presigned(url, expires, found.content_type, len(found.content)))

    def _stored(self, file_id: str, now: float) -> storage.Stored | None:
        """The file of a run, or one that was uploaded, while it is there."""
        found, execution = self.uploads.file(file_id), self.executions.get(self.owners.get(file_id, ""))
        if execution is not None and execution.status(now) is Status.COMPLETED:
            found = storage.Stored(_picture(execution), "image/png", execution.ended)
        return None if found is None or now >= found.modified + self.variants.retention else found

    def _sent(self, found: storage.Stored, call: Call) -> Response:
        return storage.file(found.content, call.headers, found.modified + self.variants.skew, found.content_type)


def _picture(execution: Execution) -> bytes:
    return storage.picture(execution.file_id, execution.plan.width, execution.plan.height)


def _order(body: bytes) -> tuple[str, JSON]:
    """The model and the input of a submission; raises `Refused` when the body is none (modelroute-api.md, 4)."""
    content = parse_object(body)
    if content is None:
        raise invalid("body", "INVALID_JSON", "the body is no JSON object")
    model = content.get("model")
    if not isinstance(model, str) or not model:
        raise invalid("model", "REQUIRED", "name the model to run")
    given = content.get("input")
    if not isinstance(given, dict):
        raise invalid("input", "REQUIRED", "input must be an object")
    return model, given
