"""What a stranger's cassette, a full disk or an odd name can do: no more than be refused, in words."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from bide.messages import Headers, Request, Response
from bide_transports.cassette import files
from bide_transports.cassette.changing.moving import born_later, later
from bide_transports.cassette.changing.settle import settle
from bide_transports.cassette.divergence import ReplayDiverged
from bide_transports.cassette.files import Appending, load, loads, save, text_of
from bide_transports.cassette.foreign.har import read_har
from bide_transports.cassette.foreign.har_writing import write_har
from bide_transports.cassette.foreign.vcr import write_vcr
from bide_transports.cassette.recording import record
from bide_transports.cassette.replaying.playback import replay
from bide_transports.cassette.shown.picture import picture
from bide_transports.cassette.shown.transcript import transcript
from bide_transports.cassette.tape import Cassette, Heard, InvalidCassette, Send
from bide_transports.cassette.verify import verify
from bide_transports.requests import Client
from tests.cassette.replaying import DIALECT
from tests.cassette.scenes import RECORDED, SCENES, recorded

_NAME = "waits-as-long-as-it-is-told"


def _changed(line: int, **members: Any) -> bytes:
    """A recorded cassette with other members in one of its lines, and an end that fits."""
    lines = [json.loads(text) for text in (RECORDED / f"{_NAME}.cassette.jsonl").read_text().splitlines()[:-1]]
    lines[line] |= members
    whole = b"".join(json.dumps(one).encode() + b"\n" for one in lines)
    end = {"k": "end", "n": len(lines) - 1, "digest": f"sha256:{sha256(whole).hexdigest()}"}
    return whole + json.dumps(end).encode() + b"\n"


@pytest.mark.parametrize(
    ("line", "members", "says"),
    [
        (2, {"t": 10**400}, "t is beyond"),
        (2, {"t": -(10**15)}, "t is beyond"),
        (2, {"ms": 10**18}, "ms is beyond"),
        (2, {"floor": 10**18}, "floor is beyond"),
        (4, {"s": 99}, "a status from 100 to 999"),
        (4, {"s": -1}, "a status from 100 to 999"),
        (0, {"t0": "0001-01-01T00:00:00.000Z"}, "t0 is before 1970"),
        (0, {"t0": "9999-12-31T23:59:59.999Z"}, "too far away"),
    ],
)
def test_figures_that_nobody_can_reckon_with_are_refused(line: int, members: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidCassette, match=says):
        loads(_changed(line, **members))


@pytest.mark.parametrize("look", [transcript, picture, write_har, write_vcr, text_of])
def test_the_latest_instant_can_still_be_told(look: Callable[[Cassette], object]) -> None:
    cassette = loads(_changed(0, t0="5138-11-16T09:46:40.000Z"))
    late = tuple(replace(event, t=10**14) for event in cassette.events)
    assert look(loads(text_of(replace(cassette, events=late))))


@pytest.mark.parametrize("base", ["", "x", "https://[::1", "http://elsewhere.example", "https://u:p@api.example"])
def test_a_base_that_is_none_is_told(base: str) -> None:
    with pytest.raises(InvalidCassette, match="base cannot be asked"):
        verify(loads(_changed(0, base=base)))


def test_a_lane_that_nothing_opens_is_settled_as_it_is() -> None:
    cassette = loads((RECORDED / f"{_NAME}.cassette.jsonl").read_bytes())
    cut = replace(cassette, events=cassette.events[1:])
    assert settle(cut).events == cut.events


def test_an_address_that_is_none_is_exported_as_it_is() -> None:
    cassette = loads(_changed(3, u="https://[::1?a=b#c"))
    (first, *_) = json.loads(write_har(cassette))["log"]["entries"]
    assert first["request"]["queryString"] == [{"name": "a", "value": "b"}]


def test_half_a_surrogate_pair_is_no_yaml() -> None:
    events = (Send("a#1", 0, Request("GET", "\ud800")), Heard("a#1", 1, Response(200)))
    cassette = replace(loads(_changed(1)), events=events)
    try:
        assert "ud800" in write_vcr(cassette).lower()  # the slow dumper has a spelling for it
    except InvalidCassette as error:
        assert "surrogate" in str(error)  # noqa: PT017


def test_what_never_expires_does_so_later_as_well() -> None:
    never = Response(
        200, Headers.of([("Date", "Fri, 31 Dec 9999 23:59:59 GMT")]), b'{"expires_at":"9999-12-31T23:59:59Z"}'
    )
    assert later(never, 5000) == never
    assert born_later(never, 5000) == never


def test_an_archive_from_before_the_epoch_is_refused() -> None:
    entry = {"startedDateTime": "0001-01-01T00:00:00Z", "time": 1}
    request: dict[str, Any] = {"method": "GET", "url": f"{DIALECT.base_url}/v1/executions/e1", "headers": []}
    response: dict[str, Any] = {"status": 200, "headers": [], "content": {}}
    document: dict[str, Any] = {
        "log": {"version": "1.2", "entries": [entry | {"request": request, "response": response}]}
    }
    with pytest.raises(InvalidCassette, match="an instant such as"):
        read_har(json.dumps(document).encode(), dialect=DIALECT)


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_a_name_that_no_file_can_have_is_told(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidCassette, match="cannot be read"):
        load(tmp_path / name)
    with pytest.raises(InvalidCassette, match="cannot be written"):
        record(tmp_path / name)
    with pytest.raises(InvalidCassette, match="cannot be written"):
        save(loads(_changed(1)), tmp_path / name)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "large.cassette.jsonl"
    path.write_bytes(_changed(1))
    monkeypatch.setattr(files, "LARGEST_READ", path.stat().st_size)
    assert load(path).events
    monkeypatch.setattr(files, "LARGEST_READ", path.stat().st_size - 1)
    with pytest.raises(InvalidCassette, match="more than"):
        load(path)


class _Disk:
    """Has room for so many bytes, then writes what it can, and says no once."""

    def __init__(self, room: int) -> None:
        self.room, self.has_refused, self._write = room, False, os.write

    def write(self, fd: int, data: bytes) -> int:
        if self.has_refused or len(data) <= self.room:
            self.room -= len(data)
            return self._write(fd, data)
        if self.room > 0:
            written, self.room = self._write(fd, data[: self.room]), 0
            return written
        self.has_refused = True
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("room", [0, 100, 300, 1200, 3000])
def test_a_recording_that_the_disk_refused_once_gets_no_name(
    room: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, disk = tmp_path / "a.cassette.jsonl", _Disk(room)
    monkeypatch.setattr(os, "write", disk.write)
    with pytest.raises(InvalidCassette, match=r"No space left on device\): make room"), record(path) as tape:
        SCENES[_NAME].play(tape)
    assert disk.has_refused
    assert not path.exists()
    assert tape.cassette is None


def test_no_line_follows_one_that_stands_there_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = Appending(tmp_path / "a.cassette.jsonl")
    monkeypatch.setattr(os, "write", _Disk(3).write)
    for _ in range(2):
        with pytest.raises(InvalidCassette, match="No space left"):
            lines.append({"k": "told", "o": "a#1", "t": 1})
    with pytest.raises(InvalidCassette, match="No space left"):
        lines.close()
    assert lines.partial.read_bytes() == b'{"k'


def test_a_cassette_that_finds_no_room_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "write", _Disk(100).write)
    with pytest.raises(InvalidCassette, match="No space left"):
        save(loads(_changed(1)), tmp_path / "a.cassette.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_a_recording_is_private_whatever_was_left_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "a.cassette.jsonl"
    left = path.with_name(path.name + ".partial")
    left.write_text("of a recording that was copied here")
    left.chmod(0o644)
    tape = record(path)
    assert left.stat().st_mode & 0o777 == 0o600
    tape.close()


def test_a_cassette_is_never_written_through_a_link(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("precious")
    (tmp_path / "a.cassette.jsonl.partial").symlink_to(mine)
    with pytest.raises(InvalidCassette, match="cannot be written"):
        recorded("has-no-key", tmp_path / "a.cassette.jsonl")
    (tmp_path / "b.cassette.jsonl.new").symlink_to(mine)
    recorded("has-no-key", tmp_path / "b.cassette.jsonl")
    (tmp_path / "c.cassette.jsonl").symlink_to(mine)
    recorded("has-no-key", tmp_path / "c.cassette.jsonl")
    assert mine.read_text() == "precious"


def test_no_model_that_is_a_key_is_told_when_nothing_fits() -> None:
    key = "sk_" + "5ec2e7a1" * 8 + "_deadbeef"
    cassette = loads((RECORDED / f"{_NAME}.cassette.jsonl").read_bytes())
    client = Client(key, dialect=DIALECT, tape=replay(cassette))
    with pytest.raises(ReplayDiverged, match="a submission of owner/redacted-secret-1") as caught:
        client.run(f"owner/{key}", {"prompt": "a fox"})
    assert key not in str(caught.value)
