"""The service of a soak, in a process of its own: something goes wrong with it many times a second.

Prints its address and key; at the end of stdin, what it saw.
"""

from __future__ import annotations

import json
import random
import sys
from threading import Event, Thread

from bide_transports.emulator import (
    Dribble,
    Drop,
    Fault,
    Garbage,
    Hang,
    Limit,
    Plan,
    Service,
    Variants,
    broken_down,
    html,
    too_many,
    unavailable,
)
from bide_transports.emulator.faults import Deed, Kind
from bide_transports.emulator.server import serve

DEEDS: tuple[Deed, ...] = (
    *(Drop(when, reset) for when in ("before", "after", "head", "body") for reset in (False, True)),
    *(Garbage(), Dribble(0.5), Hang("before"), Hang("after"), too_many(1), too_many(None), unavailable()),
)
#: A page or a final no in place of a submission's reply ends the job as it must, so they strike elsewhere only.
PLACES: tuple[tuple[Kind, tuple[Deed, ...]], ...] = (
    ("submit", DEEDS),
    *((kind, (*DEEDS, html(), html(502), broken_down())) for kind in ("poll", "result", "download", "storage")),
)


def harass(service: Service, over: Event) -> None:
    """Strike one request in twelve, of whatever kind."""
    dice, struck = random.Random(7), 0  # noqa: S311  no secret
    while not over.wait(0.02):
        for _ in range(service.account.requests // 12 - struck):
            kind, deeds = dice.choice(PLACES)
            service.inject(Fault(kind, dice.choice(deeds)))
            struck += 1


def main() -> None:
    """Serve until stdin ends."""
    plans = {f"of {seconds} s": Plan(duration=seconds) for seconds in range(1, 9)}
    service = Service(plans=plans, limit=Limit(10**9, 60), variants=Variants(download="url"))
    over = Event()
    with serve(service) as emulator:
        trouble = Thread(target=harass, args=(service, over), daemon=True)
        trouble.start()
        print(json.dumps({"base_url": emulator.base_url, "key": emulator.key}), flush=True)
        sys.stdin.read()
        over.set()
        trouble.join()
    account = emulator.account
    saw = {
        "requests": account.requests,
        "executions": account.executions,
        "sent_again": account.duplicates,
        "key_at_storage": account.credentials_at_storage,
    }
    print(json.dumps(saw), flush=True)


if __name__ == "__main__":
    main()
