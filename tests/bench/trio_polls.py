"""Polls per second over trio: ours against httpx on trio, a hand-written trio and h11 loop, and aiohttp.

A poll is the GET, its JSON, and what follows: for ours the whole step of the machine, for the others the status
compared. All send the same headers over one kept-alive connection to a server in another process: a bare one that
answers at once, and the emulator, which takes more of the time for itself than a client does.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from time import perf_counter

import aiohttp
import h11
import httpx
import trio

import bide
from bide.urls import Address, address
from bide_transports.trio import Pool, exchange
from tests.bench.measure import Figure, bare_server, paired, server

_POLLS = 400
_ROUNDS = 15


def measure() -> list[Figure]:
    """A ratio above 1 means that ours makes more polls."""
    with bare_server() as (base_url, key):
        figures = _figures("a bare server", _job(base_url, "exec_a832a12b-bb97-4364-8dc2-391f9c8fa6da"), key)
    with server(1e6) as (base_url, key):
        return figures + _figures("the emulator", _submitted(base_url, key), key)


def _figures(at: str, job: bide.Polling, key: str) -> list[Figure]:
    authorization, place = job.terms.dialect.authorization(key), address(job.request.url)
    assert place is not None
    headers = [("user-agent", "bide h11"), *job.request.headers, authorization]

    def ours() -> float:
        return trio.run(_ours, job, authorization)

    rivals: dict[str, tuple[Callable[[], float], float]] = {
        "httpx on trio": (lambda: trio.run(_httpx, job.request.url, dict(headers)), 2.2),
        "a hand-written trio and h11 loop": (lambda: trio.run(_by_hand, place, headers), 0.85),
        "aiohttp, whose parser is C": (lambda: asyncio.run(_aiohttp(job.request.url, dict(headers))), 1.0),
    }
    return [_figure(f"{name}, at {at}", ours, rival, target) for name, (rival, target) in rivals.items()]


def _figure(name: str, ours: Callable[[], float], rival: Callable[[], float], target: float) -> Figure:
    mine, other, ratio = paired(rival, ours, _ROUNDS)
    says = f"ours {_POLLS / other:.0f} polls a second / {_POLLS / mine:.0f} of {name}"
    return Figure(says, ratio, target, at_least=True)


def _job(base_url: str, handle: str) -> bide.Polling:
    job = bide.watch(handle, dialect=bide.ModelRoute(base_url), now=1.8e9)
    assert isinstance(job, bide.Polling)
    return job


def _submitted(base_url: str, key: str) -> bide.Polling:
    dialect = bide.ModelRoute(base_url)

    async def submit() -> bide.Job:
        job = bide.submit(bide.Order("flux-1.1-pro", {}, "key"), dialect=dialect, now=1.8e9)
        async with Pool() as pool:
            reply = await exchange(job.request, pool=pool, credential=(dialect.authorization(key),))
        return job.receive(reply, now=1.8e9)

    job = trio.run(submit)
    assert isinstance(job, bide.Polling)
    return job


async def _ours(job: bide.Polling, authorization: tuple[str, str]) -> float:
    async with Pool() as pool:
        await exchange(job.request, pool=pool, credential=(authorization,))
        start = perf_counter()
        for _ in range(_POLLS):
            reply = await exchange(job.request, pool=pool, credential=(authorization,))
            after = job.receive(reply, now=job.due)
            assert isinstance(after, bide.Polling)
        return perf_counter() - start


async def _httpx(url: str, headers: dict[str, str]) -> float:
    async with httpx.AsyncClient() as client:
        await client.get(url, headers=headers)
        start = perf_counter()
        for _ in range(_POLLS):
            response = await client.get(url, headers=headers)
            assert response.json()["status"] != "COMPLETED"
        return perf_counter() - start


async def _by_hand(place: Address, headers: list[tuple[str, str]]) -> float:
    stream = await trio.open_tcp_stream(place.host, place.port)
    connection = h11.Connection(h11.CLIENT)
    lines = [("host", place.authority), *headers]
    async with stream:
        await _get(stream, connection, place.target, lines)
        start = perf_counter()
        for _ in range(_POLLS):
            assert json.loads(await _get(stream, connection, place.target, lines))["status"] != "COMPLETED"
        return perf_counter() - start


async def _get(
    stream: trio.SocketStream, connection: h11.Connection, target: str, lines: list[tuple[str, str]]
) -> bytes:
    request = connection.send(h11.Request(method="GET", target=target, headers=lines)) or b""
    await stream.send_all(request + (connection.send(h11.EndOfMessage()) or b""))
    body = b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(bytes(await stream.receive_some(65536)))
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            connection.start_next_cycle()
            return body


async def _aiohttp(url: str, headers: dict[str, str]) -> float:
    async with aiohttp.ClientSession() as session:
        async with session.get(url, headers=headers) as response:
            await response.json()
        start = perf_counter()
        for _ in range(_POLLS):
            async with session.get(url, headers=headers) as response:
                assert (await response.json())["status"] != "COMPLETED"
        return perf_counter() - start
