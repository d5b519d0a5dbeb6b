"""Both clients by one face, for tests of what they have in common: the one for trio is run to the end of each call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import trio

from bide_transports import requests as by_requests
from bide_transports import trio as by_trio


def over_requests(settings: dict[str, Any], use: str, *given: Any, **named: Any) -> Any:
    """What the method `use` of a client with these settings gives, each state of it where it follows a job."""
    with by_requests.Client(settings.get("key"), **_others(settings)) as client:
        answer = getattr(client, use)(*given, **named)
        return list(answer) if use == "follow" else answer


def over_trio(settings: dict[str, Any], use: str, *given: Any, **named: Any) -> Any:
    """The same by the client for trio."""

    async def main() -> Any:
        async with by_trio.Client(settings.get("key"), **_others(settings)) as client:
            answer = getattr(client, use)(*given, **named)
            if isinstance(answer, by_trio.Following):
                return [state async for state in answer]
            return await answer if hasattr(answer, "__await__") else answer

    return trio.run(main)


def _others(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name != "key"}


Call = Callable[..., Any]
OVER_EACH = pytest.mark.parametrize("call", [over_requests, over_trio])
