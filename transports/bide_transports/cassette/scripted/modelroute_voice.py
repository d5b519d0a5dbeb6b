"""ModelRoute's way of speaking, for scripts: the documents that modelroute-api.md shows, in any words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import bide
from bide.dialect import Phase
from bide.dialects.modelroute import ModelRoute
from bide.document import JSON
from bide.messages import Request, Response
from bide_transports.testing.voice import NotApplicable, Question, Record, Said, json_reply

_FILE: Final = "file_1"
WORDS: Final = {
    Phase.UNFINISHED: "PROCESSING",
    Phase.SUCCEEDED: "COMPLETED",
    Phase.FAILED: "FAILED",
    Phase.CANCELLED: "CANCELLED",
    Phase.EXPIRED: "EXPIRED",
}
_REFUSALS = {Phase.CONFLICT: (409, "CONFLICT"), Phase.MISSING: (404, "EXECUTION_NOT_FOUND")}


@dataclass(frozen=True, slots=True)
class ModelRouteVoice:
    """modelroute-api.md, 4 to 7, 9 and 13. The emulator says only what is documented; this says any status word."""

    dialect: ModelRoute = bide.ModelRoute()

    def request(self, question: Question, record: Record) -> Request:
        """As the dialect makes it."""
        match question:
            case "submit":
                return self.dialect.submit(record.order)
            case "fetch":
                return self.dialect.fetch(record.id)
            case "cancel":
                return self.dialect.cancel(record.id)
            case "file":
                return self.dialect.locate(_FILE)
            case _:
                return self.dialect.poll(record.id)

    def reply(self, said: Said) -> Response:
        """The document for this, or the refusal."""
        if said.phase in _REFUSALS:
            status, code = _REFUSALS[said.phase]
            return json_reply(status, {"error": {"code": code, "message": said.message}})
        if said.phase not in WORDS:
            raise NotApplicable(f"modelroute has no reply of its own for {said.phase.value!r}")
        if said.asked == "fetch" and said.phase is Phase.UNFINISHED:
            return json_reply(404, {"error": {"code": "RESULT_NOT_FOUND", "message": "there is no result"}})
        document: dict[str, JSON] = {"id": said.id, "status": said.word or WORDS[said.phase]}
        if said.progress is not None:
            document["progress"] = said.progress
        if said.answer and said.asked == "fetch":
            document["output"] = {"images": [{"file_id": _FILE}], "text": said.answer}
        if said.message:
            document["error"] = {"code": "GENERATION_FAILED", "message": said.message, "retryable": True}
        return json_reply(202 if said.asked == "submit" else 200, document)
