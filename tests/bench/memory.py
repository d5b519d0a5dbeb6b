"""Bytes that one waiting job keeps alive, after a submission, four polls and a 429, replies from the emulator."""

from __future__ import annotations

import gc
import tracemalloc
from uuid import uuid4

import bide
from bide_transports.emulator import Fault, InMemory, Limit, Plan, Service, too_many
from tests.bench.measure import Figure

_JOBS = 2000


def measure() -> list[Figure]:
    """Only what the job itself holds: the service's own records are made and counted before."""
    service = Service(default=Plan(duration=1e5, expires_after=1e6), limit=Limit(10**9, 60))
    service.inject(Fault("poll", too_many(1), nth=3))
    network, dialect = InMemory(service, latency=0.1), bide.ModelRoute(service.api_url)
    replies = [_course(network, dialect) for _ in range(_JOBS)]
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    jobs = [_relive(course, dialect) for course in replies]
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert all(isinstance(job, bide.Polling) for job in jobs)
    return [Figure(f"{_JOBS} jobs in Polling", (after - before) / _JOBS, 1536, "bytes")]


def _course(network: InMemory, dialect: bide.Dialect) -> list[tuple[bide.Reply, float]]:
    job: bide.Job = bide.submit(bide.Order("flux-1.1-pro", {}, "key"), dialect=dialect, now=network.clock.now())
    course: list[tuple[bide.Reply, float]] = []
    for _ in range(6):
        assert isinstance(job, bide.Waiting)
        network.clock.sleep_until(job.due)
        course.append((network.exchange(job.request), network.clock.now()))
        job = job.receive(course[-1][0], now=course[-1][1])
    return course


def _relive(course: list[tuple[bide.Reply, float]], dialect: bide.Dialect) -> bide.Job:
    order = bide.Order("flux-1.1-pro", {}, str(uuid4()))
    job: bide.Job = bide.submit(order, dialect=dialect, now=course[0][1])
    for reply, now in course:
        assert isinstance(job, bide.Waiting)
        job = job.receive(reply, now=now + 0.0)
    return job
