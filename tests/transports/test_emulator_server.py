"""The service on loopback: what only real sockets can show."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Literal

import pytest
import requests

from bide_transports.emulator import Dribble, Drop, Fault, Garbage, Hang, Plan, Service, Variants, png, unavailable
from bide_transports.emulator.faults import Deed
from bide_transports.emulator.server import Emulator, serve

T = 1893830400.0
ORDER = {"model": "flux-1.1-pro", "input": {"prompt": "a quiet harbour"}}


class Hands:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.time = T
        self.read = threading.Event()

    def __call__(self) -> float:
        self.read.set()
        return self.time


@contextmanager
def dial(url: str) -> Generator[socket.socket]:
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as line:
        yield line


def get(emulator: Emulator, path: str = "/v1/executions", *lines: str) -> bytes:
    head = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {emulator.key}", *lines]
    return "\r\n".join([*head, "", ""]).encode()


def everything(line: socket.socket) -> bytes:
    """What comes until the server closes."""
    return b"".join(iter(lambda: line.recv(65536), b""))


def spoken(deed: Deed, path: str = "/v1/executions") -> tuple[bytes, Emulator]:
    """All bytes that come back for one request that is struck."""
    with serve(Service(faults=[Fault("any", deed)]), clock=Hands()) as emulator, dial(emulator.base_url) as line:
        line.sendall(get(emulator, path))
        return everything(line), emulator


@contextmanager
def session(emulator: Emulator) -> Generator[requests.Session]:
    with requests.Session() as client:
        client.trust_env = False
        client.headers["Authorization"] = f"Bearer {emulator.key}"
        yield client


def test_a_whole_run() -> None:
    clock = Hands()
    service = Service(default=Plan(duration=8), variants=Variants(download="url"))
    with serve(service, clock=clock) as emulator, session(emulator) as client:
        made = client.post(
            emulator.base_url + "/v1/executions", json=ORDER, headers={"Idempotency-Key": "k1"}, timeout=10
        )
        assert made.status_code == 202
        path = f"{emulator.base_url}/v1/executions/{made.json()['id']}"
        assert client.get(path, timeout=10).json()["status"] == "PENDING"
        clock.time = T + 8
        result = client.get(path + "/result", timeout=10).json()
        file = result["output"]["images"][0]["file_id"]
        located = client.get(f"{emulator.base_url}/v1/files/{file}/download", timeout=10).json()
        assert located["url"].startswith(emulator.storage_url + "/f/")
        fetched = requests.get(located["url"], timeout=10)
    assert fetched.content == png(file, 64, 48)
    assert [seen.kind for seen in emulator.account.seen] == ["submit", "poll", "result", "download", "storage"]
    assert emulator.account.credentials_at_storage == 0
    assert made.headers["Date"] == "Sat, 05 Jan 2030 08:00:00 GMT"


def test_the_two_origins_differ_and_each_serves_its_own() -> None:
    with serve() as emulator:
        assert emulator.base_url != emulator.storage_url
        assert requests.get(emulator.base_url + "/f/file_0", timeout=10).status_code == 401
        assert requests.get(emulator.storage_url + "/v1/executions", timeout=10).status_code == 403


def test_one_connection_serves_many_requests_even_sent_at_once() -> None:
    with serve() as emulator, dial(emulator.base_url) as line:
        line.sendall(get(emulator) * 2 + get(emulator, "/v1/executions", "Connection: close"))
        replies = everything(line)
    assert replies.count(b"HTTP/1.1 200 OK") == 3
    assert replies.count(b"connection: close") == 1
    assert emulator.account.requests == 3


def test_http_1_0_is_answered_and_closed() -> None:
    with serve() as emulator, dial(emulator.base_url) as line:
        line.sendall(b"GET /v1/executions HTTP/1.0\r\n\r\n")
        assert everything(line).startswith(b"HTTP/1.1 401 Unauthorized\r\n")


def test_head_has_no_body() -> None:
    with serve() as emulator, dial(emulator.base_url) as line:
        line.sendall(get(emulator, "/v1/executions", "Connection: close").replace(b"GET", b"HEAD"))
        head, _, body = everything(line).partition(b"\r\n\r\n")
    assert b"405" in head
    assert b"content-length" in head
    assert body == b""


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01 nonsense\r\n\r\n", 400),
        (b"GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 70_000, 431),
        (b"POST /v1/executions HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n" + b"x" * 1_048_577, 413),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 9_000_000, 413),
    ],
)
def test_requests_that_are_none(sent: bytes, status: int) -> None:
    with serve() as emulator, dial(emulator.base_url) as line:
        line.sendall(sent)
        assert line.recv(65536).startswith(f"HTTP/1.1 {status} ".encode())
    assert emulator.account.requests == 0


def test_a_body_in_chunks() -> None:
    def chunks() -> Iterator[bytes]:
        yield b'{"model":"m",'
        yield b'"input":{}}'

    with serve() as emulator, session(emulator) as client:
        assert client.post(emulator.base_url + "/v1/executions", data=chunks(), timeout=10).status_code == 202


def test_an_answer_in_place_of_the_service() -> None:
    with serve(Service(faults=[Fault("list", unavailable())])) as emulator, session(emulator) as client:
        statuses = [client.get(emulator.base_url + "/v1/executions", timeout=10).status_code for _ in range(2)]
    assert statuses == [503, 200]


@pytest.mark.parametrize("when", ["before", "after"])
def test_cut_without_a_byte_of_reply(when: Literal["before", "after"]) -> None:
    with serve(Service(faults=[Fault("submit", Drop(when))])) as emulator, session(emulator) as client:
        with pytest.raises(requests.ConnectionError):
            client.post(emulator.base_url + "/v1/executions", json=ORDER, headers={"Idempotency-Key": "k1"}, timeout=10)
        assert emulator.account.executions == (when == "after")
        client.post(emulator.base_url + "/v1/executions", json=ORDER, headers={"Idempotency-Key": "k1"}, timeout=10)
    assert emulator.account.executions == 1
    assert emulator.account.duplicates == (when == "after")


def test_cut_in_the_head() -> None:
    reply, _ = spoken(Drop("head"))
    assert reply.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\n\r\n" not in reply


def test_cut_mid_body() -> None:
    reply, _ = spoken(Drop("body"))
    head, _, body = reply.partition(b"\r\n\r\n")
    (length,) = (line for line in head.split(b"\r\n") if line.startswith(b"content-length: "))
    assert 0 < len(body) < int(length.split()[1])


def test_cut_with_a_reset() -> None:
    with pytest.raises(ConnectionResetError):
        spoken(Drop("after", reset=True))


def test_garbage() -> None:
    reply, _ = spoken(Garbage(b"\x00 hello"))
    assert reply == b"\x00 hello"


def test_a_dribble_is_the_whole_reply_and_the_connection_goes_on() -> None:
    service = Service(faults=[Fault("any", Dribble(0))])
    with serve(service) as emulator, dial(emulator.base_url) as line:
        line.sendall(get(emulator) + get(emulator, "/v1/executions", "Connection: close"))
        replies = everything(line)
    bodies = [json.loads(part.partition(b"\r\n\r\n")[2]) for part in replies.split(b"HTTP/1.1 ")[1:]]
    assert bodies == [{"executions": []}] * 2


def test_a_dribble_ends_with_the_emulator() -> None:
    with serve(Service(faults=[Fault("any", Dribble(3600))])) as emulator, dial(emulator.base_url) as line:
        line.sendall(get(emulator))
        assert line.recv(1) == b"H"
    assert not leftovers()


def test_a_hang_lasts_until_the_client_hangs_up() -> None:
    with serve(Service(faults=[Fault("any", Hang())])) as emulator, dial(emulator.base_url) as line:
        line.sendall(get(emulator))
        line.shutdown(socket.SHUT_WR)
        assert everything(line) == b""
    assert [seen.status for seen in emulator.account.seen] == [None]


def test_a_hang_ends_with_the_emulator() -> None:
    clock = Hands()
    with serve(Service(faults=[Fault("any", Hang())]), clock=clock) as emulator, dial(emulator.base_url) as line:
        line.sendall(get(emulator))
        assert clock.read.wait(10)
    assert not leftovers()


def test_closing_cuts_idle_connections_and_leaves_no_thread() -> None:
    with serve() as emulator, dial(emulator.base_url) as line, dial(emulator.storage_url):
        line.sendall(get(emulator))
        assert line.recv(65536).startswith(b"HTTP/1.1 200")
        assert leftovers()
    assert not leftovers()
    with pytest.raises(ConnectionRefusedError), dial(emulator.base_url):
        pass


def test_an_error_inside_the_context_closes_it_too() -> None:
    with pytest.raises(KeyError), serve():
        raise KeyError
    assert not leftovers()


def test_many_clients_at_once_lose_no_request() -> None:
    service = Service(plans={}, default=Plan(duration=0))
    failures = list[object]()

    def client(emulator: Emulator) -> None:
        with session(emulator) as connection:
            for _ in range(20):
                reply = connection.post(emulator.base_url + "/v1/executions", json=ORDER, timeout=10)
                if reply.status_code not in (202, 429):
                    failures.append(reply)

    with serve(service, clock=Hands()) as emulator:
        threads = [threading.Thread(target=client, args=(emulator,)) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not failures
    assert emulator.account.requests == 100
    assert (emulator.account.executions, emulator.account.limited) == (60, 40)


def leftovers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("emulator")]
