"""What holds for all tests: none of them fails because the machine is busy, or hangs because of how it was started."""

from __future__ import annotations

import gc
import signal

from hypothesis import HealthCheck, settings

from tests.sampling import WHOLE

# A busy machine makes the generation of whole lives slow; that is no fault of a law.
# By default the examples are the same ones each time; a long run looks for new ones.
settings.register_profile(
    "some", deadline=None, max_examples=25, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("all", settings.get_profile("some"), max_examples=500, derandomize=False)
settings.load_profile("all" if WHOLE else "some")

# A shell lets what it starts in the background ignore interrupts, and nohup the end of the terminal: the commands
# under test would inherit that.
for name in ("SIGINT", "SIGHUP"):
    number = getattr(signal, name, None)
    if number is not None and signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL)


def pytest_collection_finish() -> None:
    """The collected tests stay to the end: no later search for garbage need go through them."""
    gc.collect()
    gc.freeze()
