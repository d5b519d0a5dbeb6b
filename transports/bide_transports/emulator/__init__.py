"""A ModelRoute service in a box, for tests, the docs and `bide demo`.

`InMemory` drives a `Service` in virtual time. To serve one on loopback, import `serve` from
`bide_transports.emulator.server`, which needs h11 and is therefore not imported here.
"""

from bide_transports.emulator.account import Account, Seen
from bide_transports.emulator.deliveries import Deliveries, Delivery, Endpoint, Sent
from bide_transports.emulator.execution import Execution, Plan, Status
from bide_transports.emulator.faults import (
    Broken,
    Dribble,
    Drop,
    Fault,
    Garbage,
    Hang,
    Late,
    Lost,
    Masked,
    Repeated,
    broken_down,
    html,
    too_many,
    unauthorised,
    unavailable,
)
from bide_transports.emulator.limits import Limit
from bide_transports.emulator.memory import InMemory, VirtualClock
from bide_transports.emulator.png import png
from bide_transports.emulator.service import Service
from bide_transports.emulator.variants import Variants

__all__ = [
    "Account",
    "Broken",
    "Deliveries",
    "Delivery",
    "Dribble",
    "Drop",
    "Endpoint",
    "Execution",
    "Fault",
    "Garbage",
    "Hang",
    "InMemory",
    "Late",
    "Limit",
    "Lost",
    "Masked",
    "Plan",
    "Repeated",
    "Seen",
    "Sent",
    "Service",
    "Status",
    "Variants",
    "VirtualClock",
    "broken_down",
    "html",
    "png",
    "too_many",
    "unauthorised",
    "unavailable",
]
