"""What tells the command to end: Ctrl-C, SIGTERM, and SIGHUP when the terminal goes away."""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType
from typing import Any

from bide.faults import carried

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class Told(KeyboardInterrupt):
    """A signal has come. `code` is the exit code that shells know it by."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.code = 128 + number
        self.by_hand = number == signal.SIGINT

    def __reduce__(self) -> tuple[Any, ...]:
        return carried(self)


class Signals:
    """Raises `Told` for a signal, and for a later one only if `heed` was called in between."""

    def __init__(self) -> None:
        self.told = 0
        self._heeds = True

    def handle(self, number: int, _: FrameType | None) -> None:
        """What Python calls when one has come."""
        if self._heeds:
            self._heeds = False
            self.told += 1
            raise Told(number)

    def heed(self) -> None:
        """Raise the next one, too."""
        self._heeds = True

    def ignore(self) -> None:
        """Raise none from now on: what is done now must be done whole."""
        self._heeds = False


@contextmanager
def told() -> Generator[Signals]:
    """The signals, for as long as this lasts; those that are ignored, as under nohup, stay ignored.

    After one was raised the process is about to end, and Ctrl-C stays without effect.
    """
    signals = Signals()
    earlier = {number: signal.signal(number, signals.handle) for number in _free()}
    try:
        yield signals
    finally:
        for number, handler in earlier.items():
            is_over = number == signal.SIGINT and signals.told
            signal.signal(number, signal.SIG_IGN if is_over else handler)


def _free() -> list[int]:
    """The signals that nobody else handles; none outside the main thread, where none can be handled."""
    if current_thread() is not main_thread():
        return []
    numbers = [number for name in _NAMES if (number := getattr(signal, name, None)) is not None]
    return [n for n in numbers if signal.getsignal(n) in (signal.SIG_DFL, signal.default_int_handler)]
