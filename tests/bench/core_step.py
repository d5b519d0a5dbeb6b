"""A core step (`request`, then `receive` of a typical poll, its JSON included) against one exchange by requests."""

from __future__ import annotations

from time import perf_counter

import requests

import bide
from bide_transports.requests import exchange
from tests.bench.measure import Figure, paired, server

_STEPS, _EXCHANGES = 2000, 100


def measure() -> list[Figure]:
    """Wall time of both, since an exchange waits for the server too."""
    with server(1e5) as (base_url, key), requests.Session() as session:
        dialect = bide.ModelRoute(base_url)
        credential = (("authorization", f"Bearer {key}"),)
        job: bide.Job = bide.submit(bide.Order("flux-1.1-pro", {}, "k"), dialect=dialect, now=1.8e9)
        while not isinstance(job, bide.Polling) or job.past.polls < 4:
            assert isinstance(job, bide.Waiting)
            job = job.receive(exchange(job.request, session=session, credential=credential), now=job.due)
        polling, url = job, job.request.url
        reply = exchange(job.request, session=session, credential=credential)
        headers = dict(credential)

        def steps() -> float:
            start = perf_counter()
            for _ in range(_STEPS):
                assert polling.request.url == url
                polling.receive(reply, now=polling.due)
            return (perf_counter() - start) / _STEPS

        def exchanges() -> float:
            start = perf_counter()
            for _ in range(_EXCHANGES):
                session.get(url, headers=headers, timeout=30).json()
            return (perf_counter() - start) / _EXCHANGES

        step, other, ratio = paired(steps, exchanges, 15)
    return [Figure(f"core step {step * 1e6:.1f} µs / requests exchange {other * 1e6:.0f} µs", ratio * 100, 2.0, "%")]
