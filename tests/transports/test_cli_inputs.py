"""`bide run -i`: texts, JSON, and local files, which are uploaded first; nothing is submitted before they are there."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bide import Request, Response
from bide_transports import requests
from bide_transports.cli import main
from bide_transports.emulator import Broken, Drop, Fault, Plan, Service, Variants, too_many
from bide_transports.emulator.server import Emulator, serve
from tests.transports.cli_scene import typed
from tests.transports.terminal import on_a_terminal

PHOTO = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4000
RUN = ("run", "flux-1.1-pro", "--pace", "0.05")


class Watched(Service):
    """A service that keeps the inputs of the jobs."""

    def __init__(self) -> None:
        super().__init__(default=Plan(duration=0.1, dispatched=0.02, handed_over=0.05))
        self.inputs: list[dict[str, Any]] = []

    def handle(self, request: Request, *, now: float) -> Response | Broken:
        if request.method == "POST" and request.url.endswith("/v1/executions"):
            self.inputs.append(json.loads(request.body)["input"])
        return super().handle(request, now=now)


@pytest.fixture
def service() -> Watched:
    return Watched()


@pytest.fixture
def emulator(service: Watched) -> Iterator[Emulator]:
    with serve(service) as running:
        yield running


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo.png").write_bytes(PHOTO)
    return tmp_path


def bide(emulator: Emulator, *words: str) -> Result:
    """What the command answers, asked in this process."""
    env = {"MODELROUTE_API_KEY": emulator.key}
    return CliRunner().invoke(main, [*RUN, *words, "--base-url", emulator.base_url], env=env)


def stored(emulator: Emulator, file: str) -> bytes:
    with requests.Client(emulator.key, dialect=emulator.dialect) as client:
        reply = client.exchange(emulator.dialect.locate(file))
    assert isinstance(reply, Response)
    return reply.body


def test_a_file_is_uploaded_and_its_reference_submitted(emulator: Emulator, service: Watched) -> None:
    answer = bide(emulator, "-i", "image=@photo.png", "-i", "prompt=a fox", "-i", "width:=512")
    assert answer.exit_code == 0, answer.stderr
    (given,) = service.inputs
    assert (given["prompt"], given["width"]) == ("a fox", 512)
    assert stored(emulator, given["image"]) == PHOTO
    assert [line.split()[2:] for line in answer.stderr.splitlines()[:4]] == [
        ["UPLOADING", "photo.png", "0%"],
        ["UPLOADING", "photo.png", "0%"],
        ["UPLOADING", "photo.png", "100%"],
        ["UPLOADED", "photo.png", "100%"],
    ]
    assert json.loads(answer.stdout)["status"] == "COMPLETED"
    assert emulator.account.credentials_at_storage == 0
    assert emulator.account.uploads == 1


def test_several_files_and_an_empty_one(emulator: Emulator, service: Watched, place: Path) -> None:
    (place / "mask").touch()
    assert bide(emulator, "-i", "image=@photo.png", "-i", f"mask=@{place / 'mask'}").exit_code == 0
    (given,) = service.inputs
    assert stored(emulator, given["image"]) == PHOTO
    assert stored(emulator, given["mask"]) == b""


def test_two_at_signs_are_a_text_with_one(emulator: Emulator, service: Watched) -> None:
    assert bide(emulator, "-i", "to=@@photo.png", "-i", "at=@@", "-i", "mail=a@b", "-i", 'q:="@x"').exit_code == 0
    assert service.inputs == [{"to": "@photo.png", "at": "@", "mail": "a@b", "q": "@x"}]
    assert emulator.account.uploads == 0


@pytest.mark.parametrize("name", ["nowhere.png", "", ".", "pipe"])
def test_a_name_that_is_no_file_is_a_wrong_call(emulator: Emulator, place: Path, name: str) -> None:
    os.mkfifo(place / "pipe")
    answer = bide(emulator, "-i", f"image=@{name}")
    assert answer.exit_code == 2
    assert f"{name!r} is no file: name one, or begin with @@" in " ".join(answer.stderr.split())
    assert emulator.account.requests == 0


def test_json_tells_of_each_file_that_is_there(emulator: Emulator, service: Watched) -> None:
    answer = bide(emulator, "-i", "image=@photo.png", "--json")
    assert answer.exit_code == 0, answer.stderr
    first, second = (json.loads(line) for line in answer.stdout.splitlines()[:2])
    assert first == {"state": "Uploaded", "input": "image", "path": "photo.png", "file": service.inputs[0]["image"]}
    assert second["state"] == "Submitting"
    assert "UPLOAD" not in answer.stderr


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_a_file_that_the_service_does_not_take_is_told_and_nothing_submitted(
    emulator: Emulator, words: tuple[str, ...]
) -> None:
    emulator.service.inject(Fault("put", Response(413)))
    answer = bide(emulator, "-i", "image=@photo.png", *words)
    assert answer.exit_code == 1
    assert "photo.png could not be uploaded: the service refuses the request (HTTP_413" in answer.stderr
    assert answer.stderr.endswith("; nothing was submitted\n")
    assert answer.stdout == ""
    assert emulator.account.executions == 0


def test_a_service_that_takes_no_files_is_a_wrong_call(emulator: Emulator) -> None:
    env = {"BIDE_API_KEY": "any"}
    words = [*RUN, "-i", "image=@photo.png", "--dialect", "replicate", "--base-url", emulator.base_url]
    answer = CliRunner().invoke(main, words, env=env)
    assert answer.exit_code == 2
    assert "takes no uploads" in answer.stderr


def test_trouble_is_waited_out_and_the_wait_told(place: Path) -> None:
    faults = [Fault("upload", too_many(0.1)), Fault("put", Drop("before"))]
    variants = Variants(upload="particulars", confirm=False)
    with serve(Service(default=Plan(duration=0.1), faults=faults, variants=variants)) as emulator:
        answer = bide(emulator, "-i", "image=@photo.png", "--save", "out")
    assert answer.exit_code == 0, answer.stderr
    assert "(retry-after)" in answer.stderr
    assert "(backoff)" in answer.stderr
    assert len(list((place / "out").iterdir())) == 1


def test_an_interrupt_submits_nothing(place: Path) -> None:
    with serve(Service(faults=[Fault("upload", too_many(300))])) as emulator:
        with typed(emulator, *RUN, "-i", "image=@photo.png") as running:
            running.until("next try in")
            running.interrupt()
            code, _, said = running.end()
        assert code == 130
        assert said == "".join(running.said) + "bide: interrupted; nothing was submitted\n"
        assert list(place.iterdir()) == [place / "photo.png"]
        assert emulator.account.executions == 0


def test_a_terminal_gets_a_live_line(emulator: Emulator, place: Path) -> None:
    (place / "[b]photo.png").write_bytes(PHOTO)
    words = [*RUN, "-i", "image=@[b]photo.png", "--base-url", emulator.base_url]
    code, _, shown = on_a_terminal(*words, env={"MODELROUTE_API_KEY": emulator.key})
    assert code == 0, shown
    assert b"UPLOADED  [b]photo.png  100%" in shown
    assert b"\x1b[" in shown


TEXTS = ["a fox", "512 foxes", "true fox", "", "a=b", "a:=1", "nan", "x{}", "foxes, [two]"]
LOOKS_LIKE_JSON = ["512", "-0.5", "1e3", "true", "null", '"fox"', "{}", '{"w": 1', "[1, 2]", "[red] fox", "NaN", " 7 "]


def test_a_text_is_sent_as_it_is_and_what_looks_like_json_is_told(emulator: Emulator, service: Watched) -> None:
    given = {f"input-{number}": text for number, text in enumerate(TEXTS + LOOKS_LIKE_JSON)}
    answer = bide(emulator, *(word for name, text in given.items() for word in ("-i", f"{name}={text}")))
    assert answer.exit_code == 0, answer.stderr
    assert service.inputs == [given]
    told = [line for line in answer.stderr.splitlines() if "is sent as a text, though it looks like JSON" in line]
    assert [line.split()[1] for line in told] == [name for name, text in given.items() if text in LOOKS_LIKE_JSON]
    assert told[0].endswith("give -i input-9:=512")
    assert told[-1].endswith("give -i 'input-20:= 7 '")


def test_json_is_sent_as_json_given_there_or_in_a_file(emulator: Emulator, service: Watched, place: Path) -> None:
    given: list[Any] = [512, -0.5, True, None, "a = b", "", [1, "x", [None]], {"w": 512, "a:=b": [{}]}]
    words = [word for number, value in enumerate(given) for word in ("-i", f"input-{number}:={json.dumps(value)}")]
    (place / "all.json").write_text("\ufeff" + json.dumps(given), "utf-8")
    answer = bide(emulator, *words, "-i", "all:=@all.json", "-i", "a:b=c")
    assert answer.exit_code == 0, answer.stderr
    assert service.inputs == [
        {f"input-{number}": value for number, value in enumerate(given)} | {"all": given, "a:b": "c"}
    ]
    assert "looks like JSON" not in answer.stderr
    assert emulator.account.uploads == 0


WRONG = [
    ("width:=51x", "width:=51x is no JSON"),
    ("width:=", "width:= is no JSON"),
    ("size:={'w': 1}", "is no JSON"),
    ("x:=NaN", "NaN is no number in JSON"),
    ('x:={"a": 1, "a": 2}', "a name stands twice in one object"),
    ("x:=" + "[" * 9999, "is no JSON"),
    ("x:=" + "9" * 9999, "is no JSON"),
    ("x:=@words", "is no JSON"),
    ("x:=@nowhere.json", "cannot be read (No such file or directory)"),
    ("x:=@pipe", "cannot be read (what lies there is no file)"),
    ("x:=@/dev/zero", "cannot be read (what lies there is no file)"),
    ("x:=@.", "cannot be read (Is a directory)"),
    ("x:=@photo.png", "cannot be read (it is no text in UTF-8)"),
    ("x:=@" + "a" * 999, "cannot be read (File name too long)"),
    ("x:=@a\0b", "cannot be read (no file has such a name)"),
    (":=1", "is no input"),
    ("=1", "is no input"),
    ("prompt", "is no input"),
    ("prompt:fox", "is no input"),
]


@pytest.mark.parametrize(("pair", "says"), WRONG, ids=[pair[:20] for pair, _ in WRONG])
def test_what_cannot_be_sent_is_a_wrong_call(emulator: Emulator, place: Path, pair: str, says: str) -> None:
    os.mkfifo(place / "pipe")
    (place / "words").write_text("a fox")
    answer = bide(emulator, "-i", pair)
    assert answer.exit_code == 2
    assert says in " ".join(answer.stderr.split())
    assert emulator.account.requests == 0


@pytest.mark.parametrize("again", ["prompt=a bus", "prompt:=1", "prompt=@photo.png", "prompt=a fox"])
def test_a_name_that_is_given_twice_is_a_wrong_call(emulator: Emulator, again: str) -> None:
    answer = bide(emulator, "-i", "prompt=a fox", "-i", again)
    assert answer.exit_code == 2
    assert "prompt is given twice" in answer.stderr
    assert emulator.account.requests == 0


@pytest.mark.parametrize("where", ["pipe", "photo.png", "photo.png/out"])
def test_a_place_that_cannot_hold_the_files_is_told_before_anything_is_sent(
    emulator: Emulator, place: Path, where: str
) -> None:
    os.mkfifo(place / "pipe")
    answer = bide(emulator, "--save", where)
    assert answer.exit_code == 2
    assert "nothing can be saved in" in answer.stderr
    assert "nothing was sent" in " ".join(answer.stderr.split())
    assert emulator.account.requests == 0


@pytest.mark.parametrize("option", ["--journal", "--cassette"])
@pytest.mark.parametrize("where", ["pipe", ".", "photo.png", "photo.png/x"])
def test_so_is_a_place_that_cannot_hold_a_journal_or_a_cassette(
    emulator: Emulator, place: Path, option: str, where: str
) -> None:
    os.mkfifo(place / "pipe")
    answer = bide(emulator, option, where)
    assert answer.exit_code == 2
    assert emulator.account.requests == 0
    assert (place / "photo.png").read_bytes() == PHOTO
