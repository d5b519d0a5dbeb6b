"""A process with a client that forks: what its children are told and what becomes of the journal, as JSON on stdout."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from inspect import isawaitable
from pathlib import Path
from typing import Any, TypeAlias

import trio

import bide
from bide_transports import requests as by_requests
from bide_transports import trio as by_trio
from bide_transports.journal import Journal
from bide_transports.part_files import PartFiles

Client: TypeAlias = by_requests.Client | by_trio.Client
KINDS: dict[str, Callable[..., Client]] = {"requests": by_requests.Client, "trio": by_trio.Client}


async def call(function: Callable[..., Any], *arguments: Any) -> Any:
    """What `function` returns, awaited where it is to be."""
    answer = function(*arguments)
    return await answer if isawaitable(answer) else answer


async def in_a_child(function: Callable[..., Any], *arguments: Any) -> str:
    """What came of it in a process that is forked off, in words; nothing else is run there."""
    heard, told = os.pipe()
    if os.fork() == 0:
        try:
            words = repr(await call(function, *arguments))
        except BaseException as error:  # noqa: BLE001  told
            words = f"{type(error).__name__}: {error}"
        os.write(told, words.encode())
        os._exit(0)
    os.close(told)
    with os.fdopen(heard) as pipe:
        return pipe.read()


@contextmanager
def lingering(first: Callable[[], object] | None = None) -> Generator[None]:
    """A forked child that does nothing, and lives until this is left.

    With `first` it is a child's child: of one that has done this, and was killed then.
    """
    (bell, ringer), (heard, told) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ringer)
        if first is not None:
            first()
            if os.fork():
                os.kill(os.getpid(), signal.SIGKILL)
        os.write(told, b"!")
        os.read(bell, 1)
        os._exit(0)
    if first is not None:
        os.waitpid(child, 0)
    os.read(heard, 1)  # it is there
    try:
        yield
    finally:
        for end in (ringer, bell, heard, told):
            os.close(end)
        if first is None:
            os.waitpid(child, 0)


async def tell(kind: str, base_url: str, key: str, place: Path) -> dict[str, object]:
    """All that is told of one client."""

    def opened(name: str) -> Client:
        return KINDS[kind](key, dialect=bide.ModelRoute(base_url), journal=place / name)

    client = opened("jobs")
    job = await call(client.submit, "m", {"by": "parent"})
    result = await call(client.wait, job)
    (place / "note.txt").write_text("a fox")
    calls: dict[str, tuple[Any, ...]] = {
        "submit": (client.submit, "m", {"by": "child"}),
        "wait": (client.wait, job),
        "save": (client.save, result, place / "pictures"),
        "upload": (client.upload, place / "note.txt"),
        "resume_all": (client.resume_all,),
        "forget": (client.forget, job),
        "own": (opened, "of-the-child"),
        "same": (opened, "jobs"),
    }
    told = {name: await in_a_child(*words) for name, words in calls.items()}
    await call(client.submit, "m", {"by": "parent, later"})
    close = client.close if isinstance(client, by_requests.Client) else client.aclose
    told["close"] = await in_a_child(close)
    told["same, after a child has closed it"] = await in_a_child(opened, "jobs")
    with lingering():
        await call(close)
        kept = len(opened("jobs").resume_all())
    with lingering(lambda: Journal(place / "killed")):
        Journal(place / "killed").close()
    return {"told": told, "kept": kept, "parts": await of_part_files(place)}


async def of_part_files(place: Path) -> dict[str, object]:
    """The same of the parts of a file that is being saved."""
    files = PartFiles(place, "fox")
    files.append(b"a fo")
    files.remember("a token")
    told = {
        "append": await in_a_child(files.append, b"ul"),
        "restart": await in_a_child(files.restart),
        "remember": await in_a_child(files.remember, "another"),
        "close": await in_a_child(lambda: files.close(keep=False)),
        "open": await in_a_child(PartFiles, place, "fox"),
    }
    files.append(b"x")
    with lingering():
        files.close(keep=True)
        again = PartFiles(place, "fox")
        told["left"] = f"{again.token} of {again.beginning(16).decode()}"
        again.close(keep=False)
    return {**told, "names": sorted(path.name for path in place.glob("fox*"))}


if __name__ == "__main__":
    name, base_url, key, place = sys.argv[1:]
    sys.stdout.write(json.dumps(trio.run(tell, name, base_url, key, Path(place))))
