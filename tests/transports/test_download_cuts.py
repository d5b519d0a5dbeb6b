"""Files over lines that are cut, links that expire, processes that end: whole at last, and no byte sent in vain."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from gzip import compress
from itertools import pairwise
from pathlib import Path
from threading import Event

import pytest
import trio

import bide
from bide.dialects.declaration import Declaration
from bide.dialects.declared import Declared
from bide.document import parse_object
from bide.download import Download, Downloaded
from bide.errors import SaveError
from bide_transports import requests as over_requests
from bide_transports.emulator import Drop, Fault, Variants, VirtualClock, too_many
from bide_transports.emulator.faults import Kind
from bide_transports.emulator.server import Emulator
from bide_transports.emulator.storage import denied
from bide_transports.trio import Client
from tests.core.download_scene import TwoWays
from tests.drivers import TrioVirtualClock
from tests.hostile import Server, field_of, head, read, reply, send, tell, wait_for
from tests.reactions import Where, reacts
from tests.sampling import WHOLE
from tests.savers import KEY, SAVES, Save, Until, content, done, stopped

ALWAYS = 10**9
BY_EACH = pytest.mark.parametrize("save", SAVES.values(), ids=SAVES)
RESULT = bide.Result("exec_1", ("file_1",))
PNG = b"\x89PNG\r\n\x1a\n"


def bytes_sent(emulator: Emulator) -> int:
    """What went out in bodies, from whichever origin."""
    return sum(emulator.account.sent.values())


@reacts(
    Where.FILE,
    "a download that is cut",
    "the rest is asked for (`Range`, `If-Range`), and no byte comes twice",
)
@BY_EACH
@pytest.mark.parametrize("at", ["storage", "download"])
@pytest.mark.parametrize("k", [1_000_000, 65_536, 39_999, *([8_191] if WHOLE else [])])
def test_a_server_that_closes_after_every_kth_byte(save: Save, at: Kind, k: int, tmp_path: Path) -> None:
    variants = Variants(download="url" if at == "storage" else "bytes")
    with done(Fault(at, Drop("body", after=k), times=ALWAYS), variants=variants) as (emulator, clock, result):
        before = bytes_sent(emulator)
        (path,) = save(result, tmp_path, dialect=emulator.dialect, clock=clock)
    whole = content(result.files[0])
    assert path.read_bytes() == whole
    assert list(tmp_path.iterdir()) == [path]
    overhead = 1000 if at == "storage" else 0  # the address
    assert bytes_sent(emulator) - before <= len(whole) + overhead, "no byte was sent twice"
    assert sum(seen.kind == at for seen in emulator.account.seen) == -(-len(whole) // k)
    assert emulator.account.credentials_at_storage == 0


@BY_EACH
def test_a_server_that_resets_the_line_takes_nothing_back_that_has_come(save: Save, tmp_path: Path) -> None:
    with done(Fault("storage", Drop("body", reset=True, after=300_000), times=ALWAYS)) as (emulator, clock, result):
        told = Until()
        (path,) = save(result, tmp_path, dialect=emulator.dialect, clock=clock, note=told)
    assert path.read_bytes() == content(result.files[0])
    received = [state.received for state in told.states]
    assert received == sorted(received)
    assert emulator.account.credentials_at_storage == 0


@BY_EACH
@pytest.mark.parametrize("download", ["url", "bytes"])
def test_another_client_goes_on_where_one_was_stopped(save: Save, download: str, tmp_path: Path) -> None:
    with done(variants=Variants(download=download)) as (emulator, clock, result):  # type: ignore[arg-type]
        kept = stopped(save, result, tmp_path, dialect=emulator.dialect, clock=clock, at=2_000_000)
        after = Until()
        (path,) = save(result, tmp_path, dialect=emulator.dialect, clock=clock, note=after)
    assert path.read_bytes() == content(result.files[0])
    assert list(tmp_path.iterdir()) == [path]
    assert after.states[0].received == kept
    assert emulator.account.seen[-1].status == 206
    assert emulator.account.credentials_at_storage == 0


@reacts(
    Where.FILE,
    "403 from a storage host: the link has expired",
    "the service is asked for a new link, bounded",
)
@BY_EACH
def test_a_link_that_expires_on_the_way_is_replaced_and_the_rest_fetched(save: Save, tmp_path: Path) -> None:
    faults = [
        Fault("storage", Drop("body", after=2_000_000)),
        Fault("storage", too_many(7200), nth=2),  # two hours: the link has one
        Fault("storage", Drop("body", after=1_000_000), nth=3),
        Fault("storage", denied(), nth=4),
    ]
    with done(*faults) as (emulator, clock, result):
        knowing, patience = TwoWays(emulator.base_url), bide.Patience(deadline=9000)
        (path,) = save(result, tmp_path, dialect=knowing, clock=clock, patience=patience)
    assert path.read_bytes() == content(result.files[0])
    account = emulator.account
    asked = [seen.kind for seen in account.seen if seen.kind in ("download", "storage")]
    # It is not asked at all when its hour is over, and once in vain when it is refused before.
    assert asked == ["download", "storage", "storage", "download", "storage", "storage", "download", "storage"]
    assert account.sent["storage"] < len(content(result.files[0])) + 1000
    assert account.credentials_at_storage == 0


def address_of(file: str, emulator: Emulator, clock: VirtualClock) -> str:
    """A presigned address of a file."""
    with over_requests.Client(emulator.key, dialect=emulator.dialect, clock=clock) as client:
        answer = client.exchange(emulator.dialect.locate(file))
    assert isinstance(answer, bide.Response)
    url = (parse_object(answer.body) or {})["url"]
    assert isinstance(url, str)
    return url


@BY_EACH
def test_a_service_without_the_one_way_is_asked_in_the_other(save: Save, tmp_path: Path) -> None:
    nowhere = Fault("download", bide.Response(405), times=ALWAYS)
    with done(nowhere, side=64) as (emulator, clock, result):
        (path,) = save(result, tmp_path, dialect=TwoWays(emulator.base_url), clock=clock)
    assert path.read_bytes() == content(result.files[0], 64)
    asked = [seen.kind for seen in emulator.account.seen if seen.kind in ("download", "url", "storage")]
    assert asked == ["download", "url", "storage"]


@BY_EACH
def test_a_file_known_by_its_address_is_gone_on_with_too(save: Save, tmp_path: Path) -> None:
    """A later result gives another signature with the same address, and the part is still found."""
    with done(Fault("storage", Drop("body", after=700_000), times=ALWAYS)) as (emulator, clock, result):
        # On loopback only the API's own origin may be named, so the storage is declared to be it.
        plain = Declared(Declaration(name="plain", base_url=emulator.storage_url, authorization=None))
        first = bide.Result("exec_1", (address_of(result.files[0], emulator, clock),))
        kept = stopped(save, first, tmp_path, dialect=plain, clock=clock, at=1_500_000)
        clock.sleep_until(clock.now() + 10)
        second = bide.Result("exec_1", (address_of(result.files[0], emulator, clock),))
        assert first != second
        after = Until()
        (path,) = save(second, tmp_path, dialect=plain, clock=clock, note=after)
    assert path.read_bytes() == content(result.files[0])
    assert path.name.startswith(result.files[0])
    assert after.states[0].received == kept
    assert emulator.account.credentials_at_storage == 0


@reacts(
    Where.FILE,
    "an address that has expired, and nobody to give a new one",
    "told; what came is kept, to be gone on with",
)
@BY_EACH
def test_an_address_that_has_expired_is_told_and_what_came_is_kept(save: Save, tmp_path: Path) -> None:
    faults = [Fault("storage", Drop("body", after=700_000)), Fault("storage", denied(), nth=2)]
    with done(*faults) as (emulator, clock, result):
        plain = Declared(Declaration(name="plain", base_url=emulator.storage_url, authorization=None))
        named = bide.Result("exec_1", (address_of(result.files[0], emulator, clock),))
        with pytest.raises(SaveError, match="700000 bytes that came are kept") as caught:
            save(named, tmp_path, dialect=plain, clock=clock)
    assert "sig=" not in str(caught.value)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".part"]


# Servers of other kinds

FIRST, SECOND = PNG + bytes(300_000), b"\xff\xd8\xff" + b"a" * 250_000


def ranged(body: bytes, first: int, *lines: str) -> bytes:
    place = f"Content-Range: bytes {first}-{len(body) - 1}/{len(body)}"
    return (
        head(f"Content-Length: {len(body) - first}", place, *lines, status="HTTP/1.1 206 Partial Content")
        + body[first:]
    )


CUT = head(f"Content-Length: {len(FIRST)}", 'ETag: "1"') + FIRST[:200_000]
ANEW = head(f"Content-Length: {len(SECOND)}", 'ETag: "2"') + SECOND


@reacts(
    Where.FILE,
    "200, 416 or another `ETag` in place of the rest",
    "begun anew",
)
@reacts(
    Where.FILE,
    "an address that is signed for one method",
    "asked by `GET` alone, also about its size; never by `HEAD`",
)
@BY_EACH
@pytest.mark.parametrize(
    ("answers", "whole", "ranges"),
    [
        ([CUT, ranged(FIRST, 200_000, 'ETag: "1"')], FIRST, [None, "bytes=200000-"]),
        ([CUT, ANEW], SECOND, [None, "bytes=200000-"]),
        ([CUT, ranged(SECOND, 200_000, 'ETag: "2"'), ANEW], SECOND, [None, "bytes=200000-", None]),
        ([CUT, ranged(SECOND, 200_000, 'ETag: "1"'), ANEW], SECOND, [None, "bytes=200000-", None]),
        ([CUT, ranged(FIRST, 100_000, 'ETag: "1"'), ANEW], SECOND, [None, "bytes=200000-", None]),
        ([CUT, ranged(FIRST, 200_000), ANEW], SECOND, [None, "bytes=200000-", None]),
        ([CUT.replace(b'"1"', b'W/"1"'), ANEW], SECOND, [None, None]),
        (
            [CUT, head("Content-Length: 0", "Content-Range: bytes */9", status="HTTP/1.1 416 No"), ANEW],
            SECOND,
            [None, "bytes=200000-", None],
        ),
    ],
    ids=["the rest", "anew", "another version", "another size", "another place", "unnamed", "weak", "shrunk"],
)
def test_bytes_of_two_versions_never_meet(
    save: Save, answers: list[bytes], whole: bytes, ranges: list[str | None], tmp_path: Path
) -> None:
    with Server(*[(read, send(one)) for one in answers]) as server:
        (path,) = save(RESULT, tmp_path, dialect=bide.ModelRoute(server.url), clock=VirtualClock())
    assert path.read_bytes() == whole
    assert [field_of(request, "range") for request in server.received] == ranges
    assert {request.partition(b" ")[0] for request in server.received} == {b"GET"}
    assert list(tmp_path.iterdir()) == [path]


@BY_EACH
def test_chunks_that_are_cut_are_gone_on_with(save: Save, tmp_path: Path) -> None:
    piece = b"c350\r\n" + FIRST[:50_000] + b"\r\n"
    begun = head("Transfer-Encoding: chunked", 'ETag: "1"') + piece + piece[:20_000]
    with Server((read, send(begun)), (read, send(b"")), (read, send(ANEW))) as server:
        (path,) = save(RESULT, tmp_path, dialect=bide.ModelRoute(server.url), clock=VirtualClock())
    assert path.read_bytes() == SECOND
    asked = [field_of(request, "range") for request in server.received]
    assert asked[0] is None
    assert asked[1] == asked[2]
    assert 50_000 <= int((asked[1] or "").removeprefix("bytes=").removesuffix("-")) <= 70_000


@BY_EACH
def test_a_compressed_file_is_begun_anew(save: Save, tmp_path: Path) -> None:
    coded = compress(SECOND)
    lines = (f"Content-Length: {len(coded)}", "Content-Encoding: gzip", 'ETag: "1"')
    with Server((read, send(head(*lines) + coded[:100])), (read, send(head(*lines) + coded))) as server:
        (path,) = save(RESULT, tmp_path, dialect=bide.ModelRoute(server.url), clock=VirtualClock())
    assert path.read_bytes() == SECOND
    assert [field_of(request, "range") for request in server.received] == [None, None]


@reacts(
    Where.FILE,
    "a digest that does not fit",
    "no file",
)
@BY_EACH
@pytest.mark.parametrize(
    "line",
    [
        "Repr-Digest: sha-256=:{sha256}:",
        "Content-Digest: sha-512=:{sha512}:",
        "Digest: SHA-256={sha256}",
        "x-amz-checksum-sha256: {sha256}",
        "x-amz-checksum-sha1: {sha1}",
        "Content-MD5: {md5}",
        "x-goog-hash: crc32c=n03x6A==\r\nx-goog-hash: md5={md5}",
    ],
)
@pytest.mark.parametrize("right", [True, False])
def test_a_digest_that_was_told_is_checked(save: Save, line: str, right: bool, tmp_path: Path) -> None:
    hashed = {name: hashlib.new(name, FIRST if right else SECOND) for name in ("sha256", "sha512", "sha1", "md5")}
    told = line.format(**{name: b64encode(one.digest()).decode() for name, one in hashed.items()})
    answer = head(f"Content-Length: {len(FIRST)}", told) + FIRST
    with Server((read, send(answer))) as server:
        if right:
            (path,) = save(RESULT, tmp_path, dialect=bide.ModelRoute(server.url), clock=VirtualClock())
            assert path.read_bytes() == FIRST
        else:
            with pytest.raises(SaveError, match="WRONG_DIGEST"):
                save(RESULT, tmp_path, dialect=bide.ModelRoute(server.url), clock=VirtualClock())
            assert list(tmp_path.iterdir()) == []
    assert len(server.received) == (1 if right else 3)


@BY_EACH
def test_a_digest_is_that_of_the_beginning_and_the_rest_together(save: Save, tmp_path: Path) -> None:
    told = f"Repr-Digest: sha-256=:{b64encode(hashlib.sha256(FIRST).digest()).decode()}:"
    begun = CUT.replace(b"\r\n\r\n", f"\r\n{told}\r\n\r\n".encode(), 1)
    with Server((read, send(begun)), (read, send(ranged(FIRST, 200_000, 'ETag: "1"', told)))) as server:
        (path,) = save(RESULT, tmp_path, dialect=bide.ModelRoute(server.url), clock=VirtualClock())
    assert path.read_bytes() == FIRST


@BY_EACH
def test_a_body_that_never_ends_takes_no_more_of_the_disk_than_was_announced(save: Save, tmp_path: Path) -> None:
    sizes: list[int] = []

    def note(_: Download) -> None:
        sizes.extend(path.stat().st_size for path in tmp_path.glob("*.part"))

    address = {"url": "", "expires_at": "2030-01-05T09:00:00Z", "size_bytes": 1_000_000}
    with Server((read, send(head(status="HTTP/1.0 200 OK") + bytes(3_000_000)))) as storage:
        located = reply(json.dumps(address | {"url": f"{storage.url}/f?sig=1"}).encode())
        with (
            Server([step for _ in range(9) for step in (read, send(located))]) as server,
            pytest.raises(SaveError, match="WRONG_SIZE"),
        ):
            save(RESULT, tmp_path, dialect=bide.ModelRoute(server.url), clock=VirtualClock(), note=note)
    assert 0 < max(sizes) <= 1_000_000
    assert list(tmp_path.iterdir()) == []


@reacts(Where.FILE, "a storage host that redirects within itself", "followed, without a credential")
@BY_EACH
def test_redirects_of_the_storage_host_are_followed_without_a_credential(save: Save, tmp_path: Path) -> None:
    onward = head("Location: /g?sig=2", "Content-Length: 0", status="HTTP/1.1 307 On")
    with Server((read, send(onward), read, send(ANEW))) as storage:
        address = {"url": f"{storage.url}/f?sig=1", "expires_at": "2030-01-05T09:00:00Z"}
        with Server((read, send(reply(json.dumps(address).encode())))) as server:
            (path,) = save(RESULT, tmp_path, dialect=bide.ModelRoute(server.url), clock=VirtualClock())
    assert path.read_bytes() == SECOND
    assert storage.received[-1].startswith(b"GET /g?sig=2 ")
    assert {field_of(request, "authorization") for request in storage.received} == {None}


@reacts(Where.FILE, "a storage host that redirects for ever", "three times in a row; asked again, bounded, and told")
@BY_EACH
def test_redirects_of_the_storage_host_are_few(save: Save, tmp_path: Path) -> None:
    onward = head("Location: /g?sig=2", "Content-Length: 0", status="HTTP/1.1 307 On")
    with Server([step for _ in range(40) for step in (read, send(onward))]) as storage:
        address = {"url": f"{storage.url}/f?sig=1", "expires_at": "2030-01-05T09:00:00Z"}
        with (
            Server([step for _ in range(9) for step in (read, send(reply(json.dumps(address).encode())))]) as server,
            pytest.raises(SaveError, match="leads on and on: ask the service for another one") as caught,
        ):
            save(RESULT, tmp_path, dialect=bide.ModelRoute(server.url), clock=VirtualClock())
    assert "sig=" not in str(caught.value)
    assert [one.split()[1] for one in storage.received[:4]] == [b"/f?sig=1", *[b"/g?sig=2"] * 3]
    assert len(storage.received) < 10
    assert list(tmp_path.iterdir()) == []


@reacts(
    Where.FILE,
    "a storage host that redirects to a host that may not be asked",
    "not followed; nothing that it sends is saved",
)
@BY_EACH
def test_a_redirect_to_another_host_is_not_followed(save: Save, tmp_path: Path) -> None:
    onward = head("Location: https://evil.example/f?sig=2", "Content-Length: 0", status="HTTP/1.1 302 On")
    with Server((read, send(onward))) as storage:
        address = {"url": f"{storage.url}/f?sig=1", "expires_at": "2030-01-05T09:00:00Z"}
        with (
            Server((read, send(reply(json.dumps(address).encode())))) as server,
            pytest.raises(SaveError, match=r"evil\.example") as caught,
        ):
            save(RESULT, tmp_path, dialect=bide.ModelRoute(server.url), clock=VirtualClock())
    assert "sig=" not in str(caught.value)


# Several files, and how far they are


@BY_EACH
def test_each_state_and_every_quarter_of_a_megabyte_is_told(save: Save, tmp_path: Path) -> None:
    told = Until()
    with done(Fault("storage", Drop("body", after=3_000_000))) as (emulator, clock, result):
        save(result, tmp_path, dialect=emulator.dialect, clock=clock, note=told)
    received = [state.received for state in told.states]
    assert received == sorted(received)
    assert all(0 <= later - sooner <= 256 * 1024 + 65536 for sooner, later in pairwise(received))
    sizes = {state.size for state in told.states}
    assert sizes == {None, len(content(result.files[0]))}
    assert isinstance(told.states[-1], Downloaded)
    assert received[-1] == told.states[-1].size


@BY_EACH
def test_one_file_that_cannot_be_had_does_not_keep_the_others(save: Save, tmp_path: Path) -> None:
    with done(files=2, side=64) as (emulator, clock, result):
        there, also = result.files
        lacking = bide.Result("exec_1", (there, "file_gone", "../keys", also))
        with pytest.raises(SaveError, match="FILE_NOT_FOUND") as caught:
            save(lacking, tmp_path, dialect=emulator.dialect, clock=clock)
    assert "must not be asked for" in str(caught.value)
    assert {path.name for path in tmp_path.iterdir()} == {f"{there}.png", f"{also}.png"}


def test_several_files_come_at_once_over_trio(tmp_path: Path) -> None:
    second = Event()
    scripts = ((read, wait_for(second), send(ANEW)), (read, tell(second), send(ANEW)))

    async def main(url: str) -> list[Path]:
        clock = TrioVirtualClock(VirtualClock())
        async with Client(KEY, dialect=bide.ModelRoute(url), clock=clock) as client:
            return await client.save(bide.Result("exec_1", ("file_1", "file_2")), tmp_path)

    with Server(*scripts) as server:
        paths = trio.run(main, server.url)
    assert [path.name for path in paths] == ["file_1.jpg", "file_2.jpg"], "in the order of the result"


def test_a_great_many_files_over_trio(tmp_path: Path) -> None:
    files = tuple(f"file_{count}" for count in range(100))

    async def main(url: str) -> list[Path]:
        clock = TrioVirtualClock(VirtualClock())
        async with Client(KEY, dialect=bide.ModelRoute(url), clock=clock) as client:
            return await client.save(bide.Result("exec_1", files), tmp_path)

    with Server([step for _ in range(100) for step in (read, send(head("Content-Length: 1") + b"x"))]) as server:
        paths = trio.run(main, server.url)
    assert [path.stem for path in paths] == list(files)
    assert server.connections <= 8, "the pool's bound"
