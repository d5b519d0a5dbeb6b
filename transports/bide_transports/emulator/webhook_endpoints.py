"""The calls that manage webhook endpoints (modelroute-api.md, 14.1); each raises `Refused` to say no."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from bide.document import JSON, parse_object
from bide.messages import Response
from bide.urls import address, is_loopback
from bide_transports.emulator.deliveries import Deliveries, Endpoint
from bide_transports.emulator.replies import Refused, document, invalid, timestamp
from bide_transports.emulator.routes import Call
from bide_transports.emulator.variants import Variants


def answer(call: Call, deliveries: Deliveries, now: float) -> Response:
    """The reply to a call about endpoints."""
    variants = deliveries.variants
    if not call.handle:
        if call.method == "GET":
            listed: list[JSON] = [_listed(one, variants) for one in deliveries.endpoints.values()]
            return document(200, {"endpoints": listed})
        made = _made(_content(call), deliveries, now)
        deliveries.endpoints[made.id] = made
        return document(201, {**_shown(made, variants), "secret": made.secret})
    known = deliveries.endpoints.get(call.handle)
    if known is None:
        raise Refused(404, "WEBHOOK_NOT_FOUND", "no such endpoint")
    if call.method == "DELETE":
        del deliveries.endpoints[known.id]
        return Response(204)
    if call.method == "PATCH":
        changed = deliveries.endpoints[known.id] = replace(known, **_changes(_content(call)))
        return document(200, _shown(changed, variants))
    deliveries.test(known, now)
    return document(202, {"id": known.id})


def callback(body: bytes) -> str | None:
    """The `webhook_url` of a submission; raises `Refused` for one that is no address (modelroute-api.md, 4)."""
    url = (parse_object(body) or {}).get("webhook_url")
    return None if url is None else _address(url, "webhook_url")


def _content(call: Call) -> Mapping[str, JSON]:
    content = parse_object(call.body)
    if content is None:
        raise invalid("body", "INVALID_JSON", "the body is no JSON object")
    return content


def _made(content: Mapping[str, JSON], deliveries: Deliveries, now: float) -> Endpoint:
    url = _address(content.get("url"), "url")
    digest = hashlib.sha256(f"{deliveries.seed} endpoint {len(deliveries.endpoints)} {now}".encode()).digest()
    name = uuid.UUID(bytes=digest[:16], version=4)
    short = deliveries.variants.webhook_state == "status"
    fresh = Endpoint(f"wh_{name.hex[:12] if short else name}", url, f"whsec_{digest[8:].hex()}", now)
    return replace(fresh, **_changes(content), headers=_lines(content.get("headers")))


def _changes(content: Mapping[str, JSON]) -> dict[str, Any]:
    """What a body says about the fields that can be changed later."""
    changes: dict[str, Any] = {}
    if "events" in content:
        kinds = content["events"]
        if not isinstance(kinds, list) or not all(isinstance(kind, str) for kind in kinds):
            raise invalid("events", "INVALID", "events must be a list of texts")
        changes["events"] = tuple(cast("list[str]", kinds))
    if isinstance(content.get("description"), str):
        changes["description"] = content["description"]
    return changes


def _address(url: JSON, member: str) -> str:
    if not isinstance(url, str) or address(url) is None:
        raise invalid(member, "INVALID_URL", f"{member} must be an address")
    if not (url.lower().startswith("https:") or is_loopback(url)):
        raise invalid(member, "INVALID_URL", f"{member} must be https")  # or on this machine, for tests
    return url


def _lines(value: JSON) -> tuple[tuple[str, str], ...]:
    lines = value if isinstance(value, dict) else {}
    return tuple((name, text) for name, text in lines.items() if isinstance(text, str))


def _shown(endpoint: Endpoint, variants: Variants) -> dict[str, JSON]:
    """An endpoint in either shape (section 16 row 8); the secret is shown only once, at its making."""
    shown: dict[str, JSON] = {"id": endpoint.id, "url": endpoint.url, "events": list(endpoint.events)}
    if variants.webhook_state == "status":
        return shown | {"status": "active" if endpoint.active else "inactive"}
    created = timestamp(endpoint.created + variants.skew)
    return shown | {"description": endpoint.description, "is_active": endpoint.active, "created_at": created}


def _listed(endpoint: Endpoint, variants: Variants) -> dict[str, JSON]:
    success = None if endpoint.last_success is None else timestamp(endpoint.last_success + variants.skew)
    return _shown(endpoint, variants) | {"failure_count": endpoint.failures, "last_success": success}
