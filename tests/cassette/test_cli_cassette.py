"""`bide cassette` as people and programs meet it: what it prints where, what it leaves behind, and its exit codes."""

from __future__ import annotations

import json
import shutil
import webbrowser
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bide.dialects.written import write
from bide.messages import Response
from bide_transports.cassette.files import load, save, text_of
from bide_transports.cassette.foreign.formats import kind_of
from bide_transports.cassette.shown.transcript import by_time, transcript
from bide_transports.cassette.tape import Cassette, Done, Heard, InvalidCassette, Open, Wait
from bide_transports.cli import main
from bide_transports.cli_cassette_files import under_way
from tests.cassette.sample import HEAD, HOSTILE, everything
from tests.cassette.scenes import RECORDED
from tests.declarations import SOUND

LIMITED = RECORDED / "is-limited-at-its-submission.cassette.jsonl"
FOREIGN = RECORDED / "fails-with-200.cassette.jsonl"
AT = "https://api.modelroute.test"
SECRET = "sk_live_51H8zQ2vT9xLmN4pR7wYc3BdF"


def bide(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["cassette", *map(str, words)])


def documents(answer: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in answer.stdout.splitlines()]


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    """A cassette of one's own."""
    return Path(shutil.copy(LIMITED, tmp_path / "jobs.cassette.jsonl"))


@pytest.fixture
def cut(jobs: Path) -> Path:
    """One without its end."""
    jobs.write_bytes(b"".join(jobs.read_bytes().splitlines(keepends=True)[:-1]))
    return jobs


@pytest.fixture
def edited(jobs: Path) -> Path:
    """One in which somebody has changed what the service said."""
    jobs.write_text(jobs.read_text().replace('"retry-after":"3"', '"retry-after":"5"'))
    return jobs


@pytest.fixture
def diverging(tmp_path: Path) -> Path:
    """A whole one, made by a core that decided otherwise."""
    path = tmp_path / "older.cassette.jsonl"
    cassette = load(LIMITED)
    events = (
        replace(event, ms=2999) if isinstance(event, Wait) and event.ms == 3000 else event for event in cassette.events
    )
    save(replace(cassette, events=tuple(events)), path)
    return path


def test_show_prints_the_transcript_alone() -> None:
    answer = bide("show", LIMITED)
    assert (answer.exit_code, answer.stdout, answer.stderr) == (0, transcript(load(LIMITED)), "")


def test_show_by_time_and_by_lane(tmp_path: Path) -> None:
    path = tmp_path / "x.cassette.jsonl"
    save(everything(), path)
    assert bide("show", "--by-time", path).stdout == by_time(everything())
    assert bide("show", "--lane", "files", path).stdout == transcript(everything(), lanes=["files"])
    answer = bide("show", "--lane", "nobody", path)
    assert answer.exit_code == 2
    assert answer.stderr == "bide: there is no lane 'nobody' on the cassette: it has render#1, render#2, files\n"


def test_show_names_the_files_where_there_are_several(jobs: Path) -> None:
    answer = bide("show", jobs, FOREIGN)
    assert answer.stdout == f"== {jobs}\n{transcript(load(jobs))}== {FOREIGN}\n{transcript(load(FOREIGN))}"
    assert bide("show", jobs.parent).stdout.startswith(f"== {jobs}\n")


def test_show_prints_events_for_programs() -> None:
    events = documents(bide("show", "--json", LIMITED))
    assert len(events) == len(load(LIMITED).events)
    assert events[3] | {"h": {}, "b": {}} == {
        "file": str(LIMITED),
        "line": 5,
        "told": "< 429 RATE_LIMITED; retry-after: 3",
        "k": "recv",
        "o": "flux-1.1-pro-5297#1",
        "t": 40,
        "s": 429,
        "h": {},
        "b": {},
    }
    assert documents(bide("show", "--json", "--lane", "flux-1.1-pro-5297#1", LIMITED)) == events


def test_a_cassette_without_its_end_is_shown_and_said_to_be_so(cut: Path) -> None:
    answer = bide("show", cut)
    assert answer.exit_code == 0
    assert answer.stdout == transcript(load(LIMITED))
    assert answer.stderr == f"bide: {cut} has no end: it was cut short; `bide cassette settle {cut}` closes it\n"


def test_what_cannot_be_read_is_named_and_the_others_are_shown(jobs: Path, tmp_path: Path) -> None:
    torn, empty = tmp_path / "torn.cassette.jsonl", tmp_path / "empty.cassette.jsonl"
    torn.write_bytes(jobs.read_bytes().replace(b'"k":"done"', b'"k":"dome"'))
    empty.touch()
    answer = bide("show", torn, empty, jobs)
    assert answer.exit_code == 2
    assert answer.stdout == f"== {jobs}\n{transcript(load(jobs))}"
    assert f"bide: {torn}:42 is no line of a cassette: there is no kind of line called 'dome'" in answer.stderr
    assert f"bide: {empty} is empty: record it anew\n" in answer.stderr


def test_a_file_that_is_not_there_is_a_call_that_makes_no_sense(tmp_path: Path) -> None:
    for command in ("show", "verify", "scan", "settle", "timeline"):
        answer = bide(command, tmp_path / "nowhere")
        assert answer.exit_code == 2
        assert "nowhere" in answer.stderr
    answer = bide("verify", tmp_path)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert answer.stderr == f"bide: there is no cassette in {tmp_path}: their names end in .cassette.jsonl\n"


def test_verify_counts_what_it_compared() -> None:
    answer = bide("verify", RECORDED)
    paths = [*RECORDED.glob("*.jsonl")]
    events = [event for path in paths for event in load(path).events]
    heard = sum(type(event).__name__ == "Heard" for event in events)
    assert answer.exit_code == 0
    assert answer.stdout.startswith(f"{len(paths)} cassettes verified: {len(paths)} lanes, {heard} exchanges, ")
    assert answer.stderr == ""


def test_verify_for_programs(diverging: Path, cut: Path) -> None:
    answer = bide("verify", "--json", LIMITED, diverging, cut)
    fine, older, unread = documents(answer)
    assert answer.exit_code == 2
    assert fine == {"file": str(LIMITED), "ok": True, "lanes": 1, "exchanges": 13, "decisions": 14}
    assert (older["ok"], older["lane"], older["step"]) == (False, "flux-1.1-pro-5297#1", 4)
    assert older["path"] == f"{diverging}:6"
    assert unread["ok"] is False
    assert "has no end" in unread["error"]


def test_a_divergence_is_told_on_stderr_with_both_sides_and_the_next_step(diverging: Path) -> None:
    answer = bide("verify", diverging)
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert answer.stderr.startswith("bide: replay diverged at step 5 of ")
    assert "cassette (recorded): 0.040s . Submitting: wait 2999 ms (retry-after)\n" in answer.stderr
    assert "code (now)         : 0.040s . Submitting: wait 3000 ms (retry-after)\n" in answer.stderr
    assert f"bide cassette settle {diverging}" in answer.stderr
    assert bide("verify", "--strict", "wire", diverging).exit_code == 0


def test_scan_tells_the_place_and_never_the_value(jobs: Path) -> None:
    clean = bide("scan", FOREIGN)
    assert (clean.exit_code, clean.stdout, clean.stderr) == (0, "", "")
    jobs.write_text(jobs.read_text().replace("a fox waiting for a bus", f"use {SECRET}"))
    answer = bide("scan", jobs)
    assert answer.exit_code == 1
    assert f"{jobs}:4: $.b.input.prompt: pattern\n" in answer.stdout
    assert "may hold a secret: give the recording rules that hide it" in answer.stderr
    assert SECRET not in answer.output
    findings = documents(bide("scan", "--json", jobs))
    assert {"file": str(jobs), "line": 4, "path": "$.b.input.prompt", "kind": "pattern"} in findings


def test_scan_reads_what_a_recording_has_left_and_what_is_no_cassette(jobs: Path) -> None:
    partial = jobs.rename(jobs.with_name("jobs.cassette.jsonl.partial"))
    partial.write_bytes(b"\xff\xfe " + SECRET.encode())
    assert f"{partial}:1: $: pattern\n" in bide("scan", partial.parent).stdout


def test_scan_knows_what_it_is_told(jobs: Path, tmp_path: Path) -> None:
    word = "a fox waiting for a bus"
    known, places = tmp_path / "secrets", bide("scan", jobs).stdout.count("\n")
    known.write_text("waiting\n")
    assert f"{jobs}:4: $.b.input.prompt: known\n" in bide("scan", "--secret-file", known, jobs).stdout
    jobs.write_text(jobs.read_text().replace(word, "Zq8vK2mX9rT4wL7nB3cY6hJ1pD5sF0gA"))
    assert bide("scan", jobs).stdout.count("\n") > places
    assert bide("scan", jobs, "--allow", "Zq8vK2mX9rT4wL7nB3cY6hJ1pD5sF0gA").stdout.count("\n") == places


def test_settle_writes_anew_and_shows_what_changed(edited: Path) -> None:
    before = edited.read_bytes()
    check = bide("settle", "--check", edited)
    assert (check.exit_code, edited.read_bytes()) == (1, before)
    assert check.stdout.endswith(f"{edited}: would be settled\n")

    answer = bide("settle", edited)
    assert answer.exit_code == 0
    assert answer.stdout == check.stdout.replace("would be settled", "settled")
    assert "\n-    0.040s . Submitting: wait 3000 ms (retry-after)\n" in answer.stdout
    assert "\n+    0.040s . Submitting: wait 5000 ms (retry-after)\n" in answer.stdout
    assert bide("verify", edited).exit_code == 0
    assert [path.name for path in edited.parent.iterdir()] == [edited.name]

    again = bide("settle", "--check", edited)
    assert (again.exit_code, again.stdout) == (0, f"{edited}: nothing to settle\n")


def test_settle_closes_a_recording_that_was_cut_short(cut: Path) -> None:
    assert bide("verify", cut).exit_code == 2
    assert bide("settle", cut).stdout == f"{cut}: settled\n"
    assert cut.read_bytes() == LIMITED.read_bytes()


def test_settle_for_programs(edited: Path) -> None:
    (check,) = documents(bide("settle", "--check", "--json", edited))
    assert (check["ok"], check["changed"]) == (False, True)
    assert "+    0.040s . Submitting: wait 5000 ms (retry-after)" in check["diff"]
    (done,) = documents(bide("settle", "--json", edited))
    assert (done["ok"], done["changed"], done["diff"]) == (True, True, check["diff"])
    assert documents(bide("settle", "--json", edited)) == [
        {"file": str(edited), "ok": True, "changed": False, "diff": []}
    ]


def test_settle_keeps_bodies_however_large_they_are(jobs: Path) -> None:
    large = json.dumps({"error": {"code": "RATE_LIMITED", "message": "x" * 100_000}}, separators=(",", ":"))
    cassette = load(jobs)
    events = (
        replace(event, reply=replace(event.reply, body=large.encode()))
        if isinstance(event, Heard) and isinstance(event.reply, Response) and event.reply.status == 429
        else event
        for event in cassette.events
    )
    jobs.write_bytes(text_of(replace(cassette, events=tuple(events))))
    assert bide("settle", jobs).stdout == f"{jobs}: nothing to settle\n"
    assert "x" * 100_000 in jobs.read_text()


def test_a_timeline_is_a_page_beside_the_cassette(jobs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    page = jobs.with_name("jobs.cassette.html")
    assert bide("timeline", jobs).stdout == f"{page}\n"
    assert page.read_text("utf-8").startswith("<!DOCTYPE html>\n")
    assert opened == []
    answer = bide("timeline", jobs, "-o", jobs.with_name("x.html"), "--open")
    assert (answer.exit_code, answer.stdout) == (0, f"{jobs.with_name('x.html')}\n")
    assert opened == [jobs.with_name("x.html").as_uri()]


def test_a_timeline_of_what_was_cut_short_says_so(cut: Path) -> None:
    bide("timeline", cut)
    assert "has no end: it was cut short" in cut.with_suffix(".html").read_text("utf-8")


def test_a_timeline_that_cannot_be_made_leaves_nothing(jobs: Path) -> None:
    answer = bide("timeline", jobs, "-o", jobs.parent / "nowhere" / "x.html")
    assert answer.exit_code == 2
    assert "cannot be written (No such file or directory): choose another place" in answer.stderr
    jobs.write_text("{}\n")
    answer = bide("timeline", jobs)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert not jobs.with_suffix(".html").exists()


def test_a_har_and_back(jobs: Path) -> None:
    har, back = jobs.with_suffix(".har"), jobs.with_name("back.cassette.jsonl")
    assert bide("convert", jobs, har).stdout == f"{har}\n"
    assert json.loads(har.read_text("utf-8"))["log"]["version"] == "1.2"
    done = load(jobs).events[-1]
    assert isinstance(done, Done)
    answer = bide("convert", har, back, "--base-url", AT, "--allow", done.files[0])
    assert (answer.exit_code, answer.stdout) == (0, f"{back}\n")
    assert bide("verify", back).exit_code == 0
    assert [event.t for event in load(back).events] == [event.t for event in load(jobs).events]


def test_a_recording_of_vcrpy_and_back(tmp_path: Path) -> None:
    yaml, back = tmp_path / "jobs.yaml", tmp_path / "back.cassette.jsonl"
    answer = bide("convert", FOREIGN, yaml)
    assert (answer.exit_code, answer.stdout) == (0, f"{yaml}\n")
    assert "Lost: " in answer.stderr
    answer = bide("convert", yaml, back, "--dialect", "replicate")
    assert answer.exit_code == 0, answer.stderr
    assert bide("verify", back).exit_code == 0
    assert load(back).head.dialect == "replicate"


def test_a_conversion_replaces_nothing_unasked(jobs: Path) -> None:
    har = jobs.with_suffix(".har")
    har.write_text("mine")
    answer = bide("convert", jobs, har)
    assert (answer.exit_code, har.read_text()) == (2, "mine")
    assert answer.stderr == f"bide: {har} is there already: replace it with --overwrite\n"
    assert bide("convert", jobs, har, "--overwrite").exit_code == 0


def test_a_kind_is_told_by_name_or_contents_or_option(jobs: Path, tmp_path: Path) -> None:
    answer = bide("convert", jobs, tmp_path / "x.json")
    assert answer.exit_code == 2
    assert "the name 'x.json' does not tell what kind of recording it is: one of cassette, vcr, har" in answer.stderr
    assert bide("convert", jobs, tmp_path / "x.json", "--to", "har").exit_code == 0
    assert kind_of(tmp_path / "x.json") == "har"
    plain, other = tmp_path / "plain", tmp_path / "other.json"
    shutil.copy(jobs, plain)
    other.write_text('{"interactions":[],"version":1}')
    assert (kind_of(plain), kind_of(other), kind_of(tmp_path / "X.YML")) == ("cassette", "vcr", "vcr")
    other.write_text("[]")
    with pytest.raises(InvalidCassette, match="does not tell"):
        kind_of(other)
    with pytest.raises(InvalidCassette, match="cannot be read"):
        kind_of(tmp_path / "none")


def test_a_dialect_of_ones_own_is_named(tmp_path: Path) -> None:
    path, declaration = tmp_path / "x.cassette.jsonl", tmp_path / "acme.json"
    save(Cassette(HEAD, (Open("a", 0),)), path)
    declaration.write_text(write(replace(SOUND, name="acme")))
    for command in ("verify", "settle"):
        answer = bide(command, path)
        assert answer.exit_code == 2
        assert answer.stderr == (
            "bide: the cassette speaks 'acme', which does not come with bide: name it with --dialect\n"
        )
        assert bide(command, path, "--dialect", declaration).exit_code == 0
    for command in ("show", "timeline"):
        assert bide(command, path).exit_code == bide(command, path, "--dialect", declaration).exit_code == 0
        assert bide(command, path, "--dialect", "nothing-like-it").exit_code == 2


def test_hostile_words_do_not_reach_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "x.cassette.jsonl"
    path.write_text('{"cassette":1,"t0":"2030-01-05T08:00:00Z","dialect":"a","base":"b"}\n{"k":"\\u001b[2J"}\n')
    for command in ("show", "verify", "settle", "timeline"):
        answer = bide(command, path)
        assert answer.exit_code == 2
        assert answer.output.replace("\n", "").isprintable()
    path.write_text(json.dumps({HOSTILE: SECRET}) + "\n")
    assert bide("scan", path).output.replace("\n", "").isprintable()


def test_what_takes_long_says_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    seconds = iter(range(100))
    paths = [Path(str(number)) for number in range(6)]
    assert [*under_way(paths, lambda: float(next(seconds)))] == paths
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == ["bide: 1 of 6 cassettes", "bide: 3 of 6 cassettes", "bide: 5 of 6 cassettes"]
