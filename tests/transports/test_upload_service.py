"""Uploads end to end: whatever the service does, the file is there whole in the end, or the caller knows why not."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

import bide
from bide.dialects.declared import Declared
from bide.dialects.vendors import named
from bide.errors import InvalidSetting, NotOffered, UploadError
from bide.upload import Upload, Uploaded, Uploading
from bide_transports.emulator import (
    Drop,
    Fault,
    Garbage,
    Hang,
    Masked,
    Plan,
    Service,
    Variants,
    VirtualClock,
    broken_down,
    html,
    too_many,
    unauthorised,
    unavailable,
)
from bide_transports.emulator.faults import Deed
from bide_transports.emulator.replies import Refused, problem
from bide_transports.emulator.server import Emulator, serve
from bide_transports.emulator.storage import denied
from bide_transports.requests import Client
from tests.savers import Stopped
from tests.senders import SENDS, Send

BY_EACH = pytest.mark.parametrize("send", SENDS.values(), ids=SENDS)
PHOTO = b"\x89PNG\r\n\x1a\n" + bytes(range(251)) * 4000
MASK = b"GIF89a" + bytes(90_000)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    path.write_bytes(PHOTO)
    return path


@contextmanager
def service(*faults: Fault, variants: Variants = Variants()) -> Generator[tuple[Emulator, VirtualClock]]:
    clock = VirtualClock()
    with serve(Service(default=Plan(duration=5), variants=variants, faults=faults), clock=clock.now) as emulator:
        yield emulator, clock


def kinds(emulator: Emulator) -> list[str]:
    return [f"{seen.kind} {seen.status}" for seen in emulator.account.seen]


def come_back(emulator: Emulator, clock: VirtualClock, file: str, directory: Path) -> bytes:
    """The bytes of an uploaded file, once a job has taken it as its input."""
    with Client(emulator.key, dialect=emulator.dialect, clock=clock) as client:
        client.run("flux-1.1-pro", {"image": file})
        (path,) = client.save(bide.Result("exec_1", (file,)), directory / "back")
    return path.read_bytes()


def opened() -> set[str]:
    """What this process has open; a descriptor that a server's thread closes meanwhile is not open."""
    names = set[str]()
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            names.add(str(descriptor.readlink()))
    return names


# What the service asks for


@BY_EACH
@pytest.mark.parametrize("content", [PHOTO, MASK, b"", b"x"], ids=["large", "small", "empty", "one byte"])
def test_a_file_is_uploaded_used_and_downloaded(send: Send, content: bytes, tmp_path: Path) -> None:
    (tmp_path / "given").write_bytes(content)
    told = Variants() if content else Variants(download="url")  # with its size: an empty file must be said to be empty
    with service(variants=told) as (emulator, clock):
        file = send(tmp_path / "given", dialect=emulator.dialect, clock=clock)
        assert kinds(emulator) == ["upload 200", "put 200", "confirm 200"]
        assert come_back(emulator, clock, file, tmp_path) == content
    assert emulator.account.uploads == 1
    assert emulator.account.credentials_at_storage == 0
    assert [seen.credential for seen in emulator.account.seen[:3]] == [True, False, True]
    assert [seen.origin for seen in emulator.account.seen[:3]] == ["api", "storage", "api"]


@BY_EACH
@pytest.mark.parametrize("shape", ["either", "purpose", "particulars"])
@pytest.mark.parametrize("confirm", [True, False])
def test_either_way_of_asking_is_found(send: Send, shape: str, confirm: bool, photo: Path, tmp_path: Path) -> None:
    with service(variants=Variants(upload=shape, confirm=confirm)) as (emulator, clock):  # type: ignore[arg-type]
        file = send(photo, dialect=emulator.dialect, clock=clock)
        asked = ["upload 400", "upload 200"] if shape == "particulars" else ["upload 200"]
        assert kinds(emulator) == [*asked, "put 200", "confirm 200" if confirm else "confirm 404"]
        assert come_back(emulator, clock, file, tmp_path) == PHOTO
    assert emulator.account.credentials_at_storage == 0


@BY_EACH
@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("photo.png", None, "image/png"),
        ("photo.PNG", None, "image/png"),
        ("noend", None, "application/octet-stream"),
        ("layers.tar.gz", None, "application/octet-stream"),
        ("photo.png", "image/x-mine", "image/x-mine"),
        (os.fsdecode(b"gr\xf6\xdfe.png"), None, "image/png"),
    ],
)
def test_the_media_type_is_told_from_the_name_or_given(
    send: Send, name: str, given: str | None, told: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(MASK)
    with service(variants=Variants(upload="particulars", download="url")) as (emulator, clock):
        file = send(tmp_path / name, dialect=emulator.dialect, clock=clock, content_type=given)
        with Client(emulator.key, dialect=emulator.dialect, clock=clock) as client:
            answer = client.exchange(emulator.dialect.locate(file))
    assert isinstance(answer, bide.Response)
    assert f'"content_type":"{told}","size_bytes":{len(MASK)}'.encode() in answer.body


@BY_EACH
def test_what_can_stand_in_no_header_is_no_media_type(send: Send, photo: Path) -> None:
    with service() as (emulator, clock), pytest.raises(InvalidSetting, match="give a media type"):
        send(photo, dialect=emulator.dialect, clock=clock, content_type="image/png\r\nx-evil: 1")
    assert emulator.account.requests == 0


@BY_EACH
def test_a_service_that_takes_no_files_says_so(send: Send, photo: Path) -> None:
    dialect = Declared(named("replicate"))
    with pytest.raises(NotOffered, match="takes no uploads"):
        send(photo, dialect=dialect, clock=VirtualClock())


# What goes wrong on the way

IN_TIME = bide.Patience(timeout=0.3, transfer=0.3)
TROUBLE: list[Deed] = [
    Drop("before"),
    Drop("before", reset=True),
    Drop("after"),
    Drop("head"),
    Garbage(),
    Masked(html(504)),
    too_many(30),
    too_many(None),
    unavailable(),
    broken_down(),
    bide.Response(408),
]


@BY_EACH
@pytest.mark.parametrize("at", ["upload", "put", "confirm"])
@pytest.mark.parametrize("deed", TROUBLE, ids=str)
def test_trouble_on_the_way_is_waited_out(send: Send, at: str, deed: Deed, photo: Path, tmp_path: Path) -> None:
    with service(Fault(at, deed), Fault(at, deed, nth=3)) as (emulator, clock):  # type: ignore[arg-type]
        file = send(photo, dialect=emulator.dialect, clock=clock)
        assert come_back(emulator, clock, file, tmp_path) == PHOTO
    assert emulator.account.early == ()
    assert emulator.account.credentials_at_storage == 0
    assert emulator.account.executions == 1


@BY_EACH
@pytest.mark.parametrize("at", ["upload", "put", "confirm"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_host_that_says_nothing_is_asked_again(send: Send, at: str, when: str, photo: Path, tmp_path: Path) -> None:
    with service(Fault(at, Hang(when))) as (emulator, clock):  # type: ignore[arg-type]
        file = send(photo, dialect=emulator.dialect, clock=clock, patience=IN_TIME)
        assert come_back(emulator, clock, file, tmp_path) == PHOTO


@BY_EACH
@pytest.mark.parametrize("reply", [denied(), bide.Response(404), bide.Response(410)], ids=lambda one: str(one.status))
def test_an_address_that_is_refused_is_replaced_by_a_fresh_one(send: Send, reply: bide.Response, photo: Path) -> None:
    with service(Fault("put", reply, times=2)) as (emulator, clock):
        send(photo, dialect=emulator.dialect, clock=clock)
    no = f"put {reply.status}"
    assert kinds(emulator) == ["upload 200", no, "upload 200", no, "upload 200", "put 200", "confirm 200"]
    assert len({seen.path for seen in emulator.account.seen if seen.kind == "put"}) == 3


@BY_EACH
def test_an_address_that_has_expired_is_replaced_by_a_fresh_one(send: Send, photo: Path) -> None:
    """The clock stands an hour later once the address is there."""
    with service() as (emulator, clock):
        late: list[Upload] = []

        def note(state: Upload) -> None:
            if isinstance(state, Uploading) and state.step == "put" and not late:
                late.append(state)
                clock.sleep_until(clock.now() + 3600)

        send(photo, dialect=emulator.dialect, clock=clock, note=note, patience=bide.Patience(deadline=9999))
    assert kinds(emulator) == ["upload 200", "put 403", "upload 200", "put 200", "confirm 200"]


@BY_EACH
def test_the_quota_is_waited_for(send: Send, photo: Path) -> None:
    with service(Fault("upload", too_many(300))) as (emulator, clock):
        began = clock.now()
        send(photo, dialect=emulator.dialect, clock=clock)
        assert clock.now() - began >= 300
    assert kinds(emulator)[:2] == ["upload 429", "upload 200"]
    assert emulator.account.early == ()


@BY_EACH
@pytest.mark.parametrize(
    ("fault", "says", "puts"),
    [
        (
            Fault("confirm", problem(Refused(400, "FILE_FORMAT_UNSUPPORTED", "no fox"))),
            "FILE_FORMAT_UNSUPPORTED: no",
            1,
        ),
        (Fault("upload", problem(Refused(402, "INSUFFICIENT_BALANCE", "poor"))), "top up the account", 0),
        (Fault("upload", unauthorised()), "check the key", 0),
        (Fault("upload", bide.Response(404)), "the service refuses the request", 0),
        (Fault("upload", html(), times=99), r"check that the base URL is the API's own", 0),
        (Fault("put", bide.Response(413)), "the storage host takes no file of this size", 1),
        (Fault("put", denied(), times=99), r"too many requests in a row went wrong \(HTTP_403\); upload it again", 20),
        (Fault("confirm", Drop(), times=99), r"\(the connection was cut\)", 1),
    ],
)
def test_a_file_that_cannot_be_had_there_is_told_with_the_reason(
    send: Send, fault: Fault, says: str, puts: int, photo: Path
) -> None:
    with service(fault) as (emulator, clock), pytest.raises(UploadError, match=says) as caught:
        send(photo, dialect=emulator.dialect, clock=clock)
    assert str(caught.value).startswith(f"{photo} could not be uploaded: ")
    assert "sig=" not in str(caught.value)
    assert [seen.kind for seen in emulator.account.seen].count("put") == puts
    assert emulator.account.executions == 0


@BY_EACH
def test_the_deadline_ends_it(send: Send, photo: Path) -> None:
    with service(Fault("put", unavailable(), times=99)) as (emulator, clock):
        began = clock.now()
        with pytest.raises(UploadError, match=r"the deadline passed .*; upload it again with a later deadline"):
            send(photo, dialect=emulator.dialect, clock=clock, patience=bide.Patience(deadline=60))
        assert clock.now() - began == 60


# How far it is


@BY_EACH
def test_each_state_is_told_and_every_256_kib(send: Send, photo: Path) -> None:
    told: list[Upload] = []
    with service(Fault("put", Drop("before"))) as (emulator, clock):
        file = send(photo, dialect=emulator.dialect, clock=clock, note=told.append)
    steps = [(type(state).__name__, state.step if isinstance(state, Uploading) else "") for state in told]
    assert list(dict.fromkeys(steps)) == [
        ("Uploading", "ask"),
        ("Uploading", "put"),
        ("Uploading", "confirm"),
        ("Uploaded", ""),
    ]
    assert {state.size for state in told} == {len(PHOTO)}
    sent = [state.sent for state in told]
    assert sent.count(0) >= 3, "a second try begins anew"
    growing = sent[len(sent) - sent[::-1].index(0) :]
    assert growing == sorted(growing)
    assert len(growing) >= len(PHOTO) // 2**18
    last = told[-1]
    assert isinstance(last, Uploaded)
    assert (last.file, last.sent) == (file, len(PHOTO))


# What becomes of the file meanwhile


def once(step: str, least: int, deed: Callable[[], object]) -> Callable[[Upload], None]:
    """Does the deed once, at the first state at this step with so many bytes sent."""
    done: list[Upload] = []

    def note(state: Upload) -> None:
        if not done and isinstance(state, Uploading) and state.step == step and state.sent >= least:
            done.append(state)
            deed()

    return note


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"other")
    os.utime(path, ns=(1, 1))


CHANGES: dict[str, Callable[[Path], object]] = {
    "longer": append,
    "shorter": lambda path: os.truncate(path, 300_000),
    "empty": lambda path: os.truncate(path, 0),
    "another": overwrite,
}


@BY_EACH
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize(("step", "least"), [("ask", 0), ("put", 0), ("put", 2**18)])
def test_a_file_that_changes_meanwhile_is_given_up(
    send: Send, change: Callable[[Path], object], step: str, least: int, photo: Path
) -> None:
    with service() as (emulator, clock):
        with pytest.raises(
            UploadError, match=r"photo\.png changed while it was uploaded: upload it again once nothing"
        ):
            send(photo, dialect=emulator.dialect, clock=clock, note=once(step, least, lambda: change(photo)))
        assert "confirm 200" not in kinds(emulator)
        send(photo, dialect=emulator.dialect, clock=clock)


@BY_EACH
def test_a_file_that_changes_between_two_tries_is_given_up(send: Send, photo: Path) -> None:
    states: list[Upload] = []

    def note(state: Upload) -> None:
        states.append(state)
        if state.past.failures:
            append(photo)

    with service(Fault("put", unavailable())) as (emulator, clock), pytest.raises(UploadError, match="changed while"):
        send(photo, dialect=emulator.dialect, clock=clock, note=note)
    assert kinds(emulator) == ["upload 200", "put 503"]


@BY_EACH
@pytest.mark.parametrize("least", [0, 2**18])
def test_a_file_that_is_removed_or_replaced_meanwhile_arrives_as_it_was(
    send: Send, least: int, photo: Path, tmp_path: Path
) -> None:
    def replace() -> None:
        photo.unlink()
        photo.write_bytes(MASK)

    with service() as (emulator, clock):
        file = send(photo, dialect=emulator.dialect, clock=clock, note=once("put", least, replace))
        assert come_back(emulator, clock, file, tmp_path) == PHOTO


@BY_EACH
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nowhere", "there is no such file: check the name"),
        ("photo.png/inside", "there is no such file: check the name"),
        (".", "it is a directory: pack it into one file first"),
        ("pipe", "it is no regular file: copy what it gives into one first"),
        ("loop", "it cannot be read"),
        ("/dev/null", "it is no regular file"),
        ("/proc/self/mem", "it cannot be read"),
        ("/proc/version", "it is no regular file"),
        ("nul\0l", "it cannot be read"),
    ],
)
def test_what_is_no_file_is_refused_and_nothing_sent(
    send: Send, name: str, says: str, photo: Path, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with service() as (emulator, clock), pytest.raises(UploadError, match=says) as caught:
        send(tmp_path / name, dialect=emulator.dialect, clock=clock)
    assert str(tmp_path / name) in str(caught.value)
    assert emulator.account.requests == 0
    assert not any(one.startswith(str(tmp_path)) for one in opened())
    assert photo.read_bytes() == PHOTO


@BY_EACH
def test_a_link_to_a_file_is_followed(send: Send, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "link.png").symlink_to(photo)
    with service() as (emulator, clock):
        file = send(tmp_path / "link.png", dialect=emulator.dialect, clock=clock)
        assert come_back(emulator, clock, file, tmp_path) == PHOTO


@BY_EACH
@pytest.mark.parametrize(("step", "least"), [("ask", 0), ("put", 0), ("put", 2**18), ("confirm", 0)])
def test_a_note_that_fails_leaves_nothing_open(send: Send, step: str, least: int, photo: Path) -> None:
    def stop() -> None:
        raise Stopped

    with service() as (emulator, clock):
        with pytest.raises(Stopped):
            send(photo, dialect=emulator.dialect, clock=clock, note=once(step, least, stop))
        assert str(photo) not in opened()
