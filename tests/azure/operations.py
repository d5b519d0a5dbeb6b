"""The long-running operations of the server's own description, and how each ends according to it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

End: TypeAlias = Literal["succeeds", "fails", "is cancelled", "is refused", "is not understood"]


@dataclass(frozen=True)
class Operation:
    """One operation: what to send, and what comes of it.

    `via` is where its result lies after its end, in the description's words; the empty text where it leaves that to
    the method. `members` are those that its result may have; None where any result, or none, is right.
    """

    name: str
    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    via: str
    ends: End
    members: frozenset[str] | None
    is_list: bool
    at_once: bool


def operations(description: Path) -> list[Operation]:
    """All operations of a swagger file, in its order."""
    swagger = json.loads(description.read_text("utf-8-sig"))
    return [
        _operation(method.upper(), path, operation, swagger["definitions"])
        for path, methods in swagger["paths"].items()
        for method, operation in methods.items()
    ]


def _operation(method: str, path: str, operation: Any, definitions: Any) -> Operation:
    told = operation["description"]
    required = re.match(r"(x-ms-client-request-id) = (\S+) is required", told)
    via = operation.get("x-ms-long-running-operation-options", {}).get("final-state-via", "")
    schema = _schema(operation["responses"])
    item = schema.get("items", schema)
    has_result = method != "DELETE" and via != "azure-async-operation" and "$ref" in item
    return Operation(
        operation["operationId"],
        method,
        path,
        (required.groups(),) if required else (),  # type: ignore[arg-type]
        via,
        _end(operation["operationId"], path, told),
        frozenset(_members(item["$ref"], definitions)) if has_result else None,
        schema.get("type") == "array",
        "not have any subsequent calls" in told,
    )


def _end(name: str, path: str, told: str) -> End:
    """How it ends: the groups are those that succeed in the end, and those that are sad."""
    if name.startswith("LROSADs_") and "indicating success" not in told:
        return "is refused" if "/nonretryerror/" in path else "is not understood"
    state = re.search(r"/(failed|canceled)\b", path)
    return "succeeds" if state is None else "fails" if state[1] == "failed" else "is cancelled"


def _schema(responses: Any) -> Any:
    """That of the result: of the last answer, where there is a word on it, or else of the first one."""
    schemas: list[Any] = [responses.get(code, {}).get("schema") for code in ("200", "201", "202")]
    nothing: Any = {}
    return next((schema for schema in schemas if schema), nothing)


def _members(reference: str, definitions: Any) -> set[str]:
    definition = definitions[reference.rpartition("/")[2]]
    inherited = (_members(base["$ref"], definitions) for base in definition.get("allOf", ()))
    return set(definition.get("properties", ())).union(*inherited)
