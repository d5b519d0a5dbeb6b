"""Saving a result's files, with either client, from loopback sockets onto a real disk: judged by both."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from pathlib import Path

import pytest

import bide
from bide.errors import SaveError
from bide_transports.emulator import Drop, Fault, Variants, VirtualClock, png
from bide_transports.emulator.faults import Kind as At
from bide_transports.emulator.server import Emulator
from tests.faces import BY_BOTH, Face, Kind, face, house, in_trio
from tests.hostile import Server, field_of, head, read, reply, send
from tests.reactions import Where, reacts
from tests.transports.clients import FOX, KEY, two_hosts
from tests.transports.disk import file_size_limit


@asynccontextmanager
async def finished(
    kind: Kind, *faults: Fault, variants: Variants = Variants()
) -> AsyncGenerator[tuple[Emulator, Face, bide.Result]]:
    """A client whose job is over, and its result."""
    async with house(kind, *faults, variants=variants) as (emulator, client):
        yield emulator, client, await client.run("good", FOX)


@asynccontextmanager
async def unsaved(
    kind: Kind, directory: Path, match: str, under: AbstractContextManager[None] = nullcontext()
) -> AsyncGenerator[str]:
    """Saving into `directory` is refused with `match`, and leaves nothing behind that was not there."""
    async with finished(kind) as (_, client, result):
        name = result.files[0]
        yield name
        before = {path: path.lstat().st_size for path in directory.parent.rglob("*")}
        with pytest.raises(SaveError, match=match) as caught, under:
            await client.save(result, directory)
        assert {path: path.lstat().st_size for path in directory.parent.rglob("*")} == before
    assert name in str(caught.value)
    assert "save again" in str(caught.value)
    assert "stays at the service" in str(caught.value)


@reacts(
    Where.SECRET,
    "a file at another host, and cookies with each reply",
    "fetched without the key; no cookie is kept or sent",
)
@BY_BOTH
@in_trio
async def test_the_storage_host_gets_no_credential_and_no_cookie(kind: Kind, tmp_path: Path) -> None:
    with two_hosts(cookie="track=1; Path=/") as (server, storage):
        async with face(kind, KEY, VirtualClock(), dialect=bide.ModelRoute(server.url)) as client:
            await client.save(await client.run("good", FOX), tmp_path)
    (fetched,) = storage.received
    assert fetched.startswith(b"GET /f?sig=secret HTTP/1.1\r\n")
    assert [field_of(fetched, name) for name in ("authorization", "cookie", "x-api-key")] == [None] * 3
    assert KEY.encode() not in fetched
    asked = [*server.received, fetched]
    assert {field_of(request, "authorization") for request in server.received} == {f"Bearer {KEY}"}
    assert {field_of(request, "cookie") for request in asked} == {None}
    assert {(field_of(request, "user-agent") or "").split()[0] for request in asked} == {"bide"}


@BY_BOTH
@in_trio
async def test_netrc_is_never_looked_into(kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("default login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with two_hosts() as (server, storage):
        async with face(kind, KEY, VirtualClock(), dialect=bide.ModelRoute(server.url)) as client:
            await client.save(await client.run("good", FOX), tmp_path)
    assert field_of(storage.received[0], "authorization") is None
    assert {field_of(request, "authorization") for request in server.received} == {f"Bearer {KEY}"}


@BY_BOTH
@in_trio
async def test_a_presigned_address_elsewhere_is_not_followed(kind: Kind, tmp_path: Path) -> None:
    place = b'{"url":"https://storage.evil.example/f?sig=secret","expires_at":"2030-01-05T09:00:00Z"}'
    with Server((read, send(reply(place)))) as server:
        async with face(kind, KEY, VirtualClock(), dialect=bide.ModelRoute(server.url)) as client:
            with pytest.raises(SaveError, match=r"storage\.evil\.example") as caught:
                await client.save(bide.Result("exec_1", ("file_1",)), tmp_path)
    assert "sig=" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@BY_BOTH
@pytest.mark.parametrize("download", ["bytes", "url"])
@in_trio
async def test_save(kind: Kind, download: str, tmp_path: Path) -> None:
    target = tmp_path / "new" / "pictures"
    async with finished(kind, variants=Variants(download=download)) as (_, client, result):  # type: ignore[arg-type]
        (path,) = await client.save(result, target)
    assert path == target / f"{result.files[0]}.png"
    assert path.read_bytes() == png(result.files[0], 64, 48)
    assert list(target.iterdir()) == [path]


@BY_BOTH
@pytest.mark.parametrize("at", ["download", "storage"])
@pytest.mark.parametrize("when", ["before", "after", "head", "body"])
@in_trio
async def test_a_transfer_that_is_cut_begins_anew(kind: Kind, at: At, when: str, tmp_path: Path) -> None:
    variants = Variants(download="url" if at == "storage" else "bytes")
    drop = Fault(at, Drop(when, reset=when == "after"), times=2)  # type: ignore[arg-type]
    async with finished(kind, drop, variants=variants) as (_, client, result):
        (path,) = await client.save(result, str(tmp_path))
    assert path.read_bytes() == png(result.files[0], 64, 48)


@BY_BOTH
@in_trio
async def test_a_file_that_is_gone(kind: Kind, tmp_path: Path) -> None:
    async with finished(kind, variants=Variants(retention=0)) as (_, client, result):
        with pytest.raises(SaveError, match="could not be had"):
            await client.save(result, tmp_path)
    assert list(tmp_path.iterdir()) == []


@BY_BOTH
@in_trio
async def test_a_file_that_is_there_is_not_replaced(kind: Kind, tmp_path: Path) -> None:
    async with finished(kind) as (emulator, client, result):
        (there,) = (tmp_path / f"{name}.png" for name in result.files)
        there.write_bytes(b"mine")
        with pytest.raises(SaveError, match="already there: move it away"):
            await client.save(result, tmp_path)
        assert there.read_bytes() == b"mine"
        there.unlink()
        sent = emulator.account.sent["storage"]
        assert await client.save(result, tmp_path) == [there]  # what came the first time was kept
    assert there.read_bytes() == png(result.files[0], 64, 48)
    assert list(tmp_path.iterdir()) == [there]
    assert emulator.account.sent["storage"] == sent


@BY_BOTH
@in_trio
async def test_a_leftover_of_an_earlier_try_is_written_over(kind: Kind, tmp_path: Path) -> None:
    async with finished(kind) as (_, client, result):
        (tmp_path / f"{result.files[0]}.part").write_bytes(bytes(1_000_000))
        (path,) = await client.save(result, tmp_path)
    assert path.read_bytes() == png(result.files[0], 64, 48)
    assert list(tmp_path.iterdir()) == [path]


@BY_BOTH
@in_trio
async def test_a_link_in_place_of_the_part_is_not_followed(kind: Kind, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"mine")
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    async with unsaved(kind, pictures, "symbolic link") as name:
        (pictures / f"{name}.part").symlink_to(precious)
    assert precious.read_bytes() == b"mine"


@BY_BOTH
@in_trio
async def test_a_pipe_in_place_of_the_part_does_not_hold_us(kind: Kind, tmp_path: Path) -> None:
    async with unsaved(kind, tmp_path, "could not be saved") as name:
        os.mkfifo(tmp_path / f"{name}.part")


@BY_BOTH
@in_trio
async def test_a_file_in_place_of_the_directory(kind: Kind, tmp_path: Path) -> None:
    (tmp_path / "pictures").write_bytes(b"mine")
    async with unsaved(kind, tmp_path / "pictures", "move it away|choose another"):
        pass
    async with unsaved(kind, tmp_path / "pictures" / "today", "not a directory: choose another"):
        pass


@BY_BOTH
@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs a place where not even root may write")
@in_trio
async def test_a_directory_that_may_not_be_written_to(kind: Kind, tmp_path: Path) -> None:
    (tmp_path / "pictures").symlink_to("/sys/kernel", target_is_directory=True)
    async with unsaved(kind, tmp_path / "pictures", "choose another"):
        pass


@BY_BOTH
@pytest.mark.parametrize("size", [0, 100])
@in_trio
async def test_a_disk_that_takes_no_more(kind: Kind, size: int, tmp_path: Path) -> None:
    async with unsaved(kind, tmp_path, "the disk refused", under=file_size_limit(size)):
        pass


@BY_BOTH
@in_trio
async def test_a_large_file_is_streamed_and_nothing_of_a_cut_one_is_left(kind: Kind, tmp_path: Path) -> None:
    first, second = b"\x89PNG\r\n\x1a\n" + bytes(3_000_000), b"\xff\xd8\xff" + bytes(range(256)) * 40_000
    cut = head(f"Content-Length: {len(first)}") + first[:2_000_000]
    whole = head(f"Content-Length: {len(second)}") + second
    patience = bide.Patience(largest=65536)  # which is no bound for files
    with Server((read, send(cut)), (read, send(whole))) as server:
        settings = {"dialect": bide.ModelRoute(server.url), "patience": patience}
        async with face(kind, KEY, VirtualClock(), **settings) as client:
            (path,) = await client.save(bide.Result("exec_1", ("file_1",)), tmp_path)
    assert path.name == "file_1.jpg"
    assert path.read_bytes() == second
