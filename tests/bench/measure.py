"""How the benchmarks measure: rounds of A and B in turn, and the median of the ratios of neighbours."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from statistics import median
from time import process_time

_SERVER = """
import itertools, sys
from bide_transports.emulator import Limit, Plan, Service
from bide_transports.emulator.server import serve
ticks = itertools.count(1_800_000_000)
plan = Plan(duration=float(sys.argv[1]), dispatched=1, handed_over=2, expires_after=1e6)
service = Service(default=plan, limit=Limit(10**9, 1e9))
with serve(service, clock=lambda: float(next(ticks))) as emulator:
    print(emulator.base_url, emulator.key, flush=True)
    sys.stdin.read()
"""

_BARE = """
import socket, sys, threading
body = b'{"id":"exec_a832a12b-bb97-4364-8dc2-391f9c8fa6da","status":"AWAITING_WEBHOOK"}'
reply = b"\\r\\n".join([
    b"HTTP/1.1 200 OK", b"Content-Type: application/json", b"Date: Fri, 15 Jan 2027 08:00:10 GMT",
    b"Content-Length: %d" % len(body), b"X-RateLimit-Limit: 60", b"X-RateLimit-Remaining: 59",
    b"X-RateLimit-Reset: 1800000060", b"", body,
])
def attend(line):
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    asked = b""
    while more := line.recv(65536):
        asked += more
        while b"\\r\\n\\r\\n" in asked:
            asked = asked.partition(b"\\r\\n\\r\\n")[2]
            line.sendall(reply)
def accept():
    while True:
        threading.Thread(target=attend, args=listener.accept()[:1], daemon=True).start()
listener = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=accept, daemon=True).start()
print(f"http://127.0.0.1:{listener.getsockname()[1]}", "sk_bare", flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class Figure:
    """One figure: what it compares, its value, and the target it is held against."""

    says: str
    value: float
    target: float
    unit: str = "x"
    at_least: bool = False

    def __str__(self) -> str:
        kept = self.value >= self.target if self.at_least else self.value <= self.target
        bound = f"at {'least' if self.at_least else 'most'} {self.target:g}, {'kept' if kept else 'MISSED'}"
        return f"{self.value:9.3f} {self.unit:6} (target: {bound})  {self.says}"


def paired(a: Callable[[], float], b: Callable[[], float], rounds: int) -> tuple[float, float, float]:
    """The medians of `a` and of `b`, and the median of their ratio pair by pair, after one round to warm up."""
    pairs = [(a(), b()) for _ in range(rounds + 1)][1:]
    return median(x for x, _ in pairs), median(y for _, y in pairs), median(x / y for x, y in pairs)


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of this process that `work` takes."""
    gc.collect()
    start = process_time()
    work()
    return process_time() - start


def server(duration: float) -> AbstractContextManager[tuple[str, str]]:
    """The emulator in a process of its own: base URL and key. Its clock moves one second with each request."""
    return served_by(_SERVER, str(duration))


def bare_server() -> AbstractContextManager[tuple[str, str]]:
    """A socket that answers every GET with the same bytes, in a process of its own: base URL and key."""
    return served_by(_BARE)


@contextmanager
def served_by(program: str, *words: str) -> Generator[tuple[str, str]]:
    """The base URL and the key that this Python `program` prints; it lives until its stdin is closed."""
    with subprocess.Popen(
        [sys.executable, "-c", program, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        base_url, key = child.stdout.readline().split()
        yield base_url, key
        child.stdin.close()
