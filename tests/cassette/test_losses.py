"""What another format has no place for is counted where a cassette is written in it."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from bide.messages import Cause, NoResponse, Request, Response
from bide_transports.cassette.files import save
from bide_transports.cassette.foreign.har_writing import write_har
from bide_transports.cassette.foreign.vcr import write_vcr
from bide_transports.cassette.tape import Cassette, Head, Heard, Omitted, Open, Send, Told
from bide_transports.cli import main

AT = "https://api.modelroute.ai"
FILE = Omitted(70_000, "0" * 64)
PUT, GET = Request("PUT", f"{AT}/v1/files/a"), Request("GET", f"{AT}/v1/files/b")
FILES = Cassette(
    Head(1893830400000, "modelroute", AT),
    (
        Open("file-a#1", 0),
        Send("file-a#1", 0, PUT, FILE),
        Heard("file-a#1", 5, Response(201)),
        Open("file-b#1", 10),
        Send("file-b#1", 10, GET),
        Heard("file-b#1", 15, NoResponse(Cause.RESET, sent=True), FILE, Response(200)),
        Send("file-b#1", 20, GET),
        Heard("file-b#1", 25, Response(206), FILE),
        Told("file-b#1", 30),
        Send("file-b#1", 40, GET),
    ),
)


def test_a_har_tells_what_it_has_no_place_for() -> None:
    assert json.loads(write_har(FILES))["log"]["comment"] == (
        "Lost: 1 requests that were cut short. Lost: 2 bodies that are not on the cassette. Lost: 1 files that were "
        "sent. Lost: 1 beginnings of files. Lost: 1 notices."
    )


def test_a_har_of_all_that_was_on_the_cassette_tells_nothing() -> None:
    whole = Cassette(FILES.head, (Open("a#1", 0), Send("a#1", 0, GET), Heard("a#1", 5, Response(200, body=b"x"))))
    assert "comment" not in json.loads(write_har(whole))["log"]


def test_a_recording_of_vcrpy_tells_of_files() -> None:
    told = [line for line in write_vcr(FILES).splitlines() if line.startswith("# Lost")]
    assert told == [
        "# Lost: 2 requests without a reply.",
        "# Lost: 1 replies that cannot be shown.",
        "# Lost: 1 files that were sent.",
        "# Lost: 1 beginnings of files.",
        "# Lost: 1 notices.",
    ]


def test_the_command_tells_of_what_a_har_has_lost(tmp_path: Path) -> None:
    path = tmp_path / "files.cassette.jsonl"
    save(FILES, path)
    ran = CliRunner().invoke(main, ["cassette", "convert", str(path), str(path.with_suffix(".har"))])
    assert ran.exit_code == 0
    assert "bide: Lost: 1 files that were sent.\n" in ran.stderr
