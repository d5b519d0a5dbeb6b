"""What of an order a declared submission can say, and why it cannot say all of it."""

from __future__ import annotations

from collections.abc import Iterable
from json import dumps
from typing import cast

from bide.dialects.calls import Call, paths, strays
from bide.dialects.places import keys
from bide.document import JSON
from bide.messages import Order


def homeless(order: Order, templates: Iterable[str]) -> list[str]:
    """The members of the input that a submission would leave out."""
    wanted = [keys(path) for text in templates for path in paths(text)]
    named = {path[1] for path in wanted if path[0] == "input" and len(path) > 1}
    whole = ("input",) in wanted or ("input_json",) in wanted
    return [name for name in order.input if not whole and name not in named]


def unfit(order: Order, call: Call, url: str | None) -> str:
    """Why no request can be made of an order."""
    addresses = " or ".join(call.urls)
    wrong = [stray for url in call.urls for stray in strays(url)]
    if wrong:
        return f"{wrong[0]} in {addresses} is no gap, so there is no address: mend the declaration"
    wanted = sorted(frozenset[str]().union(*map(paths, call.urls)))
    named = " or ".join(f"the model {order.model[:80]!r}" if path == "model" else f"{{{path}}}" for path in wanted)
    if url is None:
        return f"{named} cannot stand in {addresses}: give a text without empty parts and dots alone, or a figure"
    return "a header line would hold what none can: give printable ASCII for it"


def names_of(order: Order) -> dict[str, JSON]:
    """What the gaps of a submission are filled with."""
    names: dict[str, object] = {
        "model": order.model,
        "input": order.input,
        "input_json": dumps(order.input, separators=(",", ":")),
        "key": order.key,
        "metadata": order.metadata,
        "webhook": order.webhook_url,
    }
    return cast("dict[str, JSON]", names)  # an order's JSON is plain dicts and lists
