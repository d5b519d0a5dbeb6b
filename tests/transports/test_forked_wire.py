"""Connections in a process that was forked off: they are the parent's, and nothing of the child's goes over them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile import GOOD, Server, read, send
from tests.reactions import Where, reacts

PROGRAM = """
import os, sys
import requests, trio
from bide.messages import Request
from bide_transports.requests_exchange import exchange as by_requests, own_session
from bide_transports.trio_pool import Pool, exchange as by_trio

kind, url = sys.argv[1:]
session = own_session() if kind == "requests" else requests.Session()
pool = Pool(idle=float("inf"))

def ask(who):
    request = Request("GET", f"{url}/{who}", timeout=20.0)
    if kind == "trio":
        return trio.run(lambda: by_trio(request, pool=pool))
    return by_requests(request, session=session)

assert ask("parent").status == 200
child = os.fork()
if child == 0:
    os._exit(0 if [ask("child").status for _ in range(2)] == [200, 200] else 1)
assert os.waitpid(child, 0)[1] == 0
assert ask("parent").status == 200
"""


@reacts(
    Where.HERE,
    "a process that is forked off with a client in it",
    "opens connections of its own; with a journal, it is refused before anything is sent",
)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks there")
@pytest.mark.parametrize("kind", ["requests", "a session of the caller's", "trio"])
def test_a_forked_child_opens_connections_of_its_own(kind: str) -> None:
    with Server((read, send(GOOD)) * 2) as server:
        run = [sys.executable, "-B", "-c", PROGRAM, kind, server.url]
        subprocess.run(run, check=True, cwd=Path(__file__).parents[2], timeout=120)
    asked = [one.split(b" ")[1] for one in server.received]
    assert asked == [b"/parent", b"/child", b"/child", b"/parent"]
    assert server.connections == 2
