"""What cannot be read in a journal is told with file and line, stays there, and keeps no other job from going on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import bide
from bide.errors import ForeignToken, InvalidToken, UnreadableEntry
from bide_transports.emulator import Plan, Service
from bide_transports.emulator.server import serve
from bide_transports.journal import Journal
from bide_transports.requests import Client
from tests.faces import BY_BOTH, Kind, face, in_trio
from tests.laws import DIALECT
from tests.reactions import Where, reacts
from tests.transports.cli_scene import AMPLE, ask
from tests.transports.test_journal import LARGE, acknowledged, churn, order

ELSEWHERE = bide.ModelRoute("https://other.example")
LATER = bide.dump(order(7)).replace('"bide":1', '"bide":2')
DAMAGED = bide.dump(order(8)).replace('"prompt"', '"prom').replace('"since"', '"sinse"')
FOREIGN = bide.dump(bide.watch("exec_9", dialect=ELSEWHERE, now=1e9))


def entry(name: str, token: str) -> bytes:
    return json.dumps({"job": name, "token": token}, separators=(",", ":")).encode() + b"\n"


UNREADABLE = {
    "a later version": (entry("k", LATER), "use the bide that wrote it"),
    "damaged": (entry("k", DAMAGED), "a later bide wrote the token, or it is damaged"),
    "cut": (entry("k", LATER[:60]), "cut short"),
    "another service's": (entry("k", FOREIGN), "belongs to modelroute at https://other.example"),
    "no entry": (b'{"other": 1}\n', "none of a journal's"),
    "no token": (b'{"job":"k","token":7}\n', "none of a journal's"),
    "a line within a line": (entry("k", LATER)[:40] + entry("n", LATER), "none of a journal's"),
    "no text": (b"\xff\x00\xfe\n", "none of a journal's"),
    "no end": (b"buy milk", "none of a journal's"),
}
unreadable = pytest.mark.parametrize(("line", "why"), UNREADABLE.values(), ids=UNREADABLE)


def spoilt(path: Path, line: bytes) -> bytes:
    """A journal of two jobs with a line between them, or behind them if it has no end."""
    with Journal(path) as journal:
        journal.record(order(1))
        journal.record(acknowledged(order(2)))
    lines = path.read_bytes().splitlines(keepends=True)
    lines.insert(1 if line.endswith(b"\n") else 2, line)
    path.write_bytes(b"".join(lines))
    return line.rstrip(b"\n")


@reacts(
    Where.HERE,
    "an entry of a journal that is damaged, of a later version, or another service's",
    "told with file and line, and left there; the other jobs go on",
)
@BY_BOTH
@unreadable
@in_trio
async def test_one_that_cannot_be_read_keeps_no_other_job(line: bytes, why: str, kind: Kind, tmp_path: Path) -> None:
    path = tmp_path / "jobs"
    text = spoilt(path, line)
    number = 2 if line.endswith(b"\n") else 3
    async with face(kind, "sk_any", None, journal=path) as client:
        with pytest.warns(UnreadableEntry, match=f"line {number} of the journal .*jobs stays there: .*{why}"):
            jobs = client.resume_all()
        assert [job.handle for job in jobs] == [None, "exec_1"]
        ((where, told),) = client.unreadable
        assert where == number
        assert isinstance(told, InvalidToken)
        for job in jobs:
            client.forget(job)
    assert text in path.read_bytes().split(b"\n")
    with Journal(path) as journal:
        journal.record(order(3))
        loaded, left = journal.load(DIALECT)
    assert (loaded, len(left)) == ([order(3)], 1)


@unreadable
def test_it_stays_when_the_journal_is_written_anew(line: bytes, why: str, tmp_path: Path) -> None:
    path = tmp_path / "jobs"
    text = spoilt(path, line)
    with Journal(path) as journal:
        journal.settle(order(1))
        journal.settle(acknowledged(order(2)))
        churn(journal)
        (left,) = journal.load(DIALECT)[1]
        assert path.stat().st_size < 2 * LARGE
        assert why in str(left.why)
    again = path.read_bytes()
    assert text in again.split(b"\n")
    with Journal(path) as journal:  # with nothing else in it, it is a journal all the same
        assert len(journal.load(DIALECT)[1]) == 1


def test_a_settled_job_is_no_trouble_whatever_its_token(tmp_path: Path) -> None:
    path = tmp_path / "jobs"
    spoilt(path, entry("k", DAMAGED))
    with path.open("ab") as file:
        file.write(b'{"job":"k","settled":true}\n')
    with Client("sk_any", journal=path) as client:
        assert len(client.resume_all()) == 2
        assert client.unreadable == ()


def test_a_journal_of_another_service_is_refused_and_others_are_not(tmp_path: Path) -> None:
    path = tmp_path / "jobs"
    with Journal(path) as journal:
        journal.record(order(1))
    with (
        Client("sk_any", dialect=ELSEWHERE, journal=path) as client,
        pytest.raises(ForeignToken, match=r"line 1 .*jobs"),
    ):
        client.resume_all()
    path.write_bytes(entry("k", DAMAGED))
    with Client("sk_any", journal=path) as client, pytest.warns(UnreadableEntry):
        assert client.resume_all() == []


def test_a_result_is_settled_that_was_only_taken_up(tmp_path: Path) -> None:
    path = tmp_path / "jobs"
    job = acknowledged(order(1))
    body = f'{{"id": "{job.handle}", "status": "COMPLETED", "output": {{"text": "hi"}}}}'.encode()
    with Journal(path) as journal:
        journal.record(job.receive(bide.Response(200, body=body), now=job.due))
    with Client("sk_any", journal=path) as client:
        (done,) = client.resume_all()
        assert isinstance(done, bide.Completed)
        client.forget(done.result)
        assert client.resume_all() == []


@pytest.mark.parametrize("words", [(), ("--json",)], ids=["people", "json"])
def test_the_command_tells_of_it_and_goes_on(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with serve(Service(default=Plan(duration=0.2), limit=AMPLE)) as emulator:
        answer = ask(emulator, "run", "one", "--journal", "jobs", "--pace", "0.05", "--deadline", "0.1")
        assert answer.exit_code == 4, answer.stderr
        path = Path("jobs")
        path.write_bytes(path.read_bytes() + b'{"job":"k"}\n')
        lines = len(path.read_bytes().splitlines())
        answer = ask(emulator, "resume", "--journal", "jobs", "--deadline", "60", *words)
        assert answer.exit_code == 4
        assert answer.stderr.count("of the journal jobs stays there: ") == 1
        assert '"COMPLETED"' in answer.stdout
        if words:
            first = json.loads(answer.stdout.splitlines()[0])
            assert (first["state"], first["journal"], first["line"]) == ("Unreadable", "jobs", lines)
        answer = ask(emulator, "resume", "--journal", "jobs")
        assert (answer.exit_code, "nothing is left" in answer.stderr) == (4, False)
        assert emulator.account.executions == 1
