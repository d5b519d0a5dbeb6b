"""The command with another service than ModelRoute: a declared one, that listens on this machine."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner, Result

import bide
from bide.dialect import Phase
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.declared import Declared
from bide.dialects.vendors import named, names
from bide.dialects.written import read, write
from bide_transports.cli import main
from tests.declarations import SOUND

KEY = "key-0123456789"
SIGNATURE = "sig=c2lnbmF0dXJl"
PACE = ("--pace", "0.05")


@dataclass(frozen=True)
class Answer:
    """One reply of the vendor's."""

    body: object = None
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Asked:
    """One request, as the vendor got it."""

    line: str
    key: str | None
    body: bytes


@dataclass
class Vendor:
    """What it answers to each request, in turn (the last one again and again), and what it was asked."""

    base_url: str
    answers: dict[str, list[Answer]] = field(default_factory=dict[str, list[Answer]])
    asked: list[Asked] = field(default_factory=list[Asked])

    def says(self, request: str, *answers: Answer) -> None:
        self.answers[request] = list(answers)

    def next(self, request: str) -> Answer:
        answers = self.answers.get(request.partition("?")[0], [Answer({"error": {"message": "unknown"}}, 404)])
        return answers.pop(0) if len(answers) > 1 else answers[0]


@contextmanager
def listening() -> Generator[Vendor]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            request = f"{self.command} {self.path}"
            length = int(self.headers.get("content-length") or 0)
            running.asked.append(Asked(request, self.headers.get("authorization"), self.rfile.read(length)))
            reply = running.next(request)
            self.send_response(reply.status)
            for name, value in reply.headers:
                self.send_header(name, value)
            self.send_header("content-length", str(len(reply.content)))
            self.end_headers()
            self.wfile.write(reply.content)

        do_GET = do_POST = do_DELETE = answer  # noqa: N815  the names that http.server looks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        running = Vendor(f"http://127.0.0.1:{server.server_port}/v1")
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield running
        finally:
            server.shutdown()
            thread.join()


def declaration(vendor: Vendor) -> Declaration:
    return Declaration(
        name="acme",
        base_url=vendor.base_url,
        source="https://docs.acme.example",
        submit=Call("POST", ("/jobs",), (("idempotency-key", "{key}"),), body={"model": "{model}", "...": "{input}"}),
        poll=Call("GET", ("{status}", "/jobs/{id}")),
        cancel=Call("DELETE", ("{status}", "/jobs/{id}")),
        id=("id",),
        links={"status": ("@location",)},
        status=("status", "0.status", "@x-status"),
        phases={"done": Phase.SUCCEEDED, "error": Phase.FAILED, "stopped": Phase.CANCELLED},
        output=("output",),
        files=("output",),
        message=("error.message",),
    )


@pytest.fixture
def vendor(place: Path) -> Iterator[Vendor]:
    """A vendor whose job `7` is done at the third look, and its declaration in `acme.json`."""
    with listening() as running:
        file = f"{running.base_url}/files/fox.txt"
        location = ("location", f"/v1/jobs/7?{SIGNATURE}")
        running.says("POST /v1/jobs", Answer({"id": "7", "status": "new"}, 202, (location, ("retry-after", "0"))))
        working, done = Answer({"id": "7", "status": "working"}), Answer({"id": "7", "status": "done", "output": file})
        running.says("GET /v1/jobs/7", working, working, done)
        running.says("GET /v1/jobs/slow", Answer({"status": "working"}))
        running.says("GET /v1/files/fox.txt", Answer(b"a fox", headers=(("content-type", "text/plain"),)))
        (place / "acme.json").write_text(write(declaration(running)))
        yield running


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for variable in ("MODELROUTE_API_KEY", "BIDE_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


def command(*words: str, **env: str) -> Result:
    return CliRunner().invoke(main, words, env=env or {"BIDE_API_KEY": KEY})


def acme(*words: str) -> Result:
    return command(*words, "--dialect", "acme.json")


def tokens(place: Path) -> list[Path]:
    return sorted(place.glob("bide-*.json"))


def advised(answer: Result) -> list[str]:
    """The words of the command that the last line on stderr advises."""
    words = shlex.split(answer.stderr.splitlines()[-1].rpartition(": ")[2])
    assert words[0] == "bide"
    return words[1:]


# --dialect


def test_run_speaks_a_declared_dialect(vendor: Vendor) -> None:
    answer = acme("run", "fox", "-i", "prompt=a fox", *PACE)
    assert answer.exit_code == 0, answer.stderr
    assert json.loads(answer.stdout)["status"] == "done"
    assert json.loads(vendor.asked[0].body) == {"model": "fox", "prompt": "a fox"}
    assert [asked.key for asked in vendor.asked] == [f"Bearer {KEY}"] * 4
    assert SIGNATURE not in answer.stdout + answer.stderr


def test_run_saves_the_files(vendor: Vendor, place: Path) -> None:
    answer = acme("run", "fox", *PACE, "--save", "out")
    assert answer.exit_code == 0, answer.stderr
    (path,) = answer.stdout.splitlines()
    assert (place / path).read_bytes() == b"a fox"
    assert vendor.asked[-1].line == "GET /v1/files/fox.txt"


def test_a_dialect_that_is_built_in_is_known_by_its_name(vendor: Vendor) -> None:
    vendor.says("GET /v1/jobs/7", Answer({"status": "Succeeded", "id": "7"}))
    answer = command("wait", f"{vendor.base_url}/jobs/7", "--dialect", "azure-arm", "--base-url", vendor.base_url)
    assert answer.exit_code == 0, answer.stderr
    assert json.loads(answer.stdout) == {"status": "Succeeded", "id": "7"}


def test_wait_takes_an_id_or_an_address(vendor: Vendor) -> None:
    for handle in ("7", f"{vendor.base_url}/jobs/7?{SIGNATURE}"):
        answer = acme("wait", handle, *PACE)
        assert answer.exit_code == 0, answer.stderr
        assert SIGNATURE not in answer.stdout + answer.stderr
    assert {asked.line for asked in vendor.asked} == {"GET /v1/jobs/7", f"GET /v1/jobs/7?{SIGNATURE}"}


def test_a_base_url_overrides_the_declared_one(vendor: Vendor) -> None:
    with listening() as other:
        other.says("GET /v1/jobs/8", Answer({"status": "done"}))
        assert acme("wait", "8", "--base-url", other.base_url).exit_code == 0
        assert [asked.key for asked in other.asked] == [f"Bearer {KEY}"]
    assert vendor.asked == []


def test_an_address_at_another_origin_is_asked_without_the_key_and_that_is_told(vendor: Vendor) -> None:
    with listening() as other:
        other.says("GET /v1/jobs/8", Answer({"status": "done"}))
        answer = acme("wait", f"{other.base_url}/jobs/8?{SIGNATURE}")
        assert answer.exit_code == 0
        assert [asked.key for asked in other.asked] == [None]
    home = vendor.base_url.removesuffix("/v1")
    assert f"bide: {other.base_url}/jobs/8 is not at {home}: it is asked without the key" in answer.stderr
    assert SIGNATURE not in answer.stderr


def test_nothing_is_told_of_the_key_where_none_is_wanted(vendor: Vendor, place: Path) -> None:
    (place / "acme.json").write_text(write(replace(declaration(vendor), authorization=None)))
    with listening() as other:
        other.says("GET /v1/jobs/8", Answer({"status": "done"}))
        for address in (f"{other.base_url}/jobs/8", "7"):
            answer = command("wait", address, *PACE, "--dialect", "acme.json", NOTHING="")
            assert answer.exit_code == 0, answer.stderr
            assert "without the key" not in answer.stderr
        assert {asked.key for asked in (*vendor.asked, *other.asked)} == {None}


def test_without_a_key_nothing_is_sent(vendor: Vendor) -> None:
    answer = command("wait", "7", "--dialect", "acme.json", MODELROUTE_API_KEY=KEY)
    assert answer.exit_code == 2
    assert "set BIDE_API_KEY" in answer.stderr
    assert vendor.asked == []


def test_the_key_may_come_from_a_file_that_the_advice_names(vendor: Vendor, place: Path) -> None:
    (place / "the key").write_text(KEY)
    words = ("wait", "slow", *PACE, "--deadline", "0.1", "--dialect", "acme.json", "--key-file", "the key")
    answer = command(*words, NOTHING="")
    assert answer.exit_code == 4
    assert advised(answer) == ["resume", "bide-slow.json", "--dialect", "acme.json", "--key-file", "the key"]
    vendor.says("GET /v1/jobs/slow", Answer({"status": "done"}))
    assert command(*advised(answer), NOTHING="").exit_code == 0


def test_a_job_that_failed_tells_why(vendor: Vendor) -> None:
    vendor.says("GET /v1/jobs/7", Answer({"status": "error", "error": {"message": "no foxes here"}}))
    answer = acme("wait", "7")
    assert answer.exit_code == 1
    assert "7 failed: ERROR: no foxes here" in answer.stderr


# Tokens


def test_a_token_of_an_address_has_a_safe_name_and_resumes_as_advised(vendor: Vendor, place: Path) -> None:
    vendor.says("GET /v1/jobs/a%2Fb", Answer({"status": "working"}))
    addresses = [f"{vendor.base_url}/jobs/a%2Fb?{SIGNATURE}{number}" for number in range(2)]
    answers = [acme("wait", address, *PACE, "--deadline", "0.1") for address in addresses]
    assert [answer.exit_code for answer in answers] == [4, 4]
    assert len(tokens(place)) == 2, "two jobs, two tokens"
    assert {advised(answer)[1] for answer in answers} == {token.name for token in tokens(place)}
    for answer in answers:
        name = advised(answer)[1]
        assert name.startswith("bide-a-2Fb-")
        assert len(name) < 40
        assert advised(answer) == ["resume", name, "--dialect", "acme.json"]
        assert SIGNATURE not in answer.stderr
    vendor.says("GET /v1/jobs/a%2Fb", Answer({"status": "done"}))
    assert command(*advised(answers[0])).exit_code == 0


@pytest.mark.parametrize("key", ["../../evil", "x" * 200, "..", "con/../../", "/"])
def test_a_token_of_a_submission_has_a_safe_name(vendor: Vendor, place: Path, key: str) -> None:
    dialect = Declared(declaration(vendor))
    job = bide.submit(bide.Order("fox", {}, key), dialect=dialect, now=time.time())
    (place / "token").write_text(bide.dump(job))
    vendor.says("POST /v1/jobs", Answer({}, 503))
    answer = acme("resume", "token", "--deadline", "0.1")
    assert answer.exit_code == 4
    (token,) = tokens(place)
    assert bide.load(token.read_text(), dialect=dialect).past.requests > 0
    assert len(token.name) < 70


def test_an_id_too_long_for_a_file_name_gets_a_shorter_one(vendor: Vendor, place: Path) -> None:
    vendor.says(f"GET /v1/jobs/{'x' * 250}", Answer({"status": "working"}))
    assert acme("wait", "x" * 250, *PACE, "--deadline", "0.1").exit_code == 4
    (token,) = tokens(place)
    assert len(token.name) < 70


def test_a_token_is_refused_by_another_dialect(vendor: Vendor, place: Path) -> None:
    assert acme("wait", "slow", *PACE, "--deadline", "0.1").exit_code == 4
    answer = command("resume", tokens(place)[0].name, MODELROUTE_API_KEY=KEY)
    assert answer.exit_code == 2
    assert "the token belongs to acme" in answer.stderr
    assert vendor.asked


@pytest.mark.usefixtures("vendor")
def test_json_tells_of_the_token_last(place: Path) -> None:
    answer = acme("wait", "slow", *PACE, "--deadline", "0.1", "--json")
    assert json.loads(answer.stdout.splitlines()[-1]) == {
        "state": "Kept",
        "job": "slow",
        "token": tokens(place)[0].name,
    }


# Cancelling


def test_cancel_tells_that_it_worked(vendor: Vendor) -> None:
    vendor.says("DELETE /v1/jobs/7", Answer({"status": "stopped"}))
    answer = acme("cancel", "7")
    assert answer.exit_code == 3
    assert "7 was cancelled" in answer.stderr


def test_a_refused_cancellation_names_the_way_on(vendor: Vendor, place: Path) -> None:
    vendor.says("DELETE /v1/jobs/slow", Answer({"error": {"message": "no"}}, 409))
    answer = acme("cancel", "slow")
    assert answer.exit_code == 1
    assert advised(answer) == ["wait", "slow", "--dialect", "acme.json"]
    assert tokens(place) == []


def test_a_refused_cancellation_at_an_address_leaves_a_token(vendor: Vendor, place: Path) -> None:
    vendor.says("DELETE /v1/jobs/slow", Answer({"error": {"message": "no"}}, 409))
    answer = acme("cancel", f"{vendor.base_url}/jobs/slow?{SIGNATURE}")
    assert answer.exit_code == 1
    assert "did not take the cancellation of http" in answer.stderr
    assert SIGNATURE not in answer.stdout + answer.stderr
    assert advised(answer) == ["resume", tokens(place)[0].name, "--dialect", "acme.json"]


@pytest.mark.parametrize(("words", "member"), [(("run", "m"), "submit"), (("cancel", "7"), "cancel")])
def test_what_is_not_declared_is_a_usage_error(
    vendor: Vendor, place: Path, words: tuple[str, ...], member: str
) -> None:
    (place / "acme.json").write_text(write(replace(declaration(vendor), submit=None, cancel=None)))
    answer = acme(*words)
    assert answer.exit_code == 2, member
    assert "acme" in answer.stderr
    assert vendor.asked == []


# Results


def test_a_result_that_is_no_object_is_printed_as_it_is(vendor: Vendor) -> None:
    vendor.says("GET /v1/jobs/7", Answer([{"status": "done"}, 2]))
    assert json.loads(acme("wait", "7").stdout) == [{"status": "done"}, 2]
    documents = [json.loads(line) for line in acme("wait", "7", "--json").stdout.splitlines()]
    assert documents[-1]["result"] == [{"status": "done"}, 2]


@pytest.mark.parametrize("body", [None, 0, "", []])
def test_an_empty_result_is_printed_as_it_is(vendor: Vendor, body: object) -> None:
    vendor.says("GET /v1/jobs/7", Answer(body, headers=(("x-status", "done"),)))
    assert json.loads(acme("wait", "7").stdout) == body


def test_a_result_that_is_a_file_is_told_and_can_be_saved(vendor: Vendor, place: Path) -> None:
    vendor.says("GET /v1/jobs/7", Answer(b"\x89PNG\r\n", headers=(("x-status", "done"),)))
    address = f"{vendor.base_url}/jobs/7?{SIGNATURE}"
    answer = acme("wait", address)
    assert answer.exit_code == 0
    assert "the result is a file and no document: save it with --save DIR" in answer.stderr
    assert answer.stdout == f"{vendor.base_url}/jobs/7\n"
    saved = acme("wait", address, "--save", "out")
    assert (place / saved.stdout.strip()).read_bytes() == b"\x89PNG\r\n"


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_file_that_is_refused_is_asked_for_under_a_fresh_address(vendor: Vendor, place: Path, status: int) -> None:
    with listening() as storage:
        old, new = f"{storage.base_url}/fox.txt", f"{vendor.base_url}/files/fox.txt"
        storage.says("GET /v1/fox.txt", Answer(b"<Error>expired</Error>", status))
        vendor.says("GET /v1/jobs/7", *(Answer({"id": "7", "status": "done", "output": one}) for one in (old, new)))
        answer = acme("wait", "7", *PACE, "--save", "out")
    assert answer.exit_code == 4
    (token,) = tokens(place)
    assert json.loads(token.read_text())["job"]["is"] == "Completed"
    assert advised(answer)[:2] == ["wait", "7"]
    again = command(*advised(answer))
    assert (again.exit_code, (place / again.stdout.strip()).read_bytes()) == (0, b"a fox")


def test_a_result_that_is_a_part_of_a_list_is_told(vendor: Vendor, place: Path) -> None:
    (place / "acme.json").write_text(write(replace(declaration(vendor), next=("nextLink",))))
    vendor.says("GET /v1/jobs/7", Answer({"status": "done", "value": [1], "nextLink": f"/v1/jobs/7/more?{SIGNATURE}"}))
    answer = acme("wait", "7")
    assert answer.exit_code == 0
    assert json.loads(answer.stdout)["value"] == [1]
    assert f"is a part of a list, which goes on at {vendor.base_url}/jobs/7/more\n" in answer.stderr
    assert SIGNATURE not in answer.stderr


def test_a_result_without_files_is_printed(vendor: Vendor) -> None:
    vendor.says("GET /v1/jobs/7", Answer({"status": "done"}))
    answer = acme("wait", f"{vendor.base_url}/jobs/7?{SIGNATURE}", "--save", "out")
    assert json.loads(answer.stdout) == {"status": "done"}
    assert f"{vendor.base_url}/jobs/7 has no files to be saved: its result is printed\n" in answer.stderr


def test_json_shows_no_more_of_an_address_than_people_see(vendor: Vendor) -> None:
    answer = acme("wait", f"{vendor.base_url}/jobs/7?{SIGNATURE}", *PACE, "--json")
    documents = [json.loads(line) for line in answer.stdout.splitlines()]
    assert {document["id"] for document in documents} == {f"{vendor.base_url}/jobs/7"}
    assert SIGNATURE not in answer.stdout + answer.stderr


# bide dialect


def test_list_names_all_that_is_built_in() -> None:
    lines = command("dialect", "list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(names())
    assert all(line.endswith(named(name).base_url) for line, name in zip(lines, names(), strict=True))
    documents = [json.loads(line) for line in command("dialect", "list", "--json").stdout.splitlines()]
    assert documents == [
        {"name": name, "base_url": named(name).base_url, "source": named(name).source} for name in names()
    ]


def test_show_prints_what_can_be_read_again(place: Path) -> None:
    assert read(command("dialect", "show", names()[0]).stdout) == named(names()[0])
    (place / "mine.json").write_text(write(SOUND))
    assert read(command("dialect", "show", "mine.json").stdout) == SOUND


def test_a_file_does_not_hide_what_is_built_in(place: Path) -> None:
    (place / names()[0]).write_text(write(SOUND))
    assert read(command("dialect", "show", names()[0]).stdout) == named(names()[0])
    assert read(command("dialect", "show", f"./{names()[0]}").stdout) == SOUND


@pytest.mark.parametrize("name", names())
def test_check_finds_no_error_in_what_is_built_in(name: str) -> None:
    answer = command("dialect", "check", name)
    assert answer.exit_code == 0, answer.stdout
    assert ": no errors, " in answer.stderr


def test_check_has_nothing_to_say_of_a_sound_file(place: Path) -> None:
    (place / "mine.json").write_text(write(SOUND))
    answer = command("dialect", "check", "mine.json")
    assert (answer.exit_code, answer.stdout) == (0, "")
    assert answer.stderr == "bide: acme: no errors, no warnings\n"


def test_check_tells_errors_first_each_with_advice(place: Path) -> None:
    (place / "mine.json").write_text(write(replace(SOUND, source="", status=(), quota=("X y", "y", "z"))))
    answer = command("dialect", "check", "mine.json")
    assert answer.exit_code == 1
    lines = answer.stdout.splitlines()
    assert [line.split() for line in lines[::3]] == [
        ["error", "quota"],
        ["error", "phases"],
        ["warning", "source", "(no-source)"],
        ["warning", "cancel", "(no-cancelled)"],
        ["warning", "phases", "(no-status)"],
    ]
    assert lines[1:3] == [
        '         "X y" is no header field',
        "         such as x-ratelimit-remaining",
    ]
    assert answer.stderr == "bide: acme: 2 errors, 3 warnings\n"


def test_check_speaks_json(place: Path) -> None:
    (place / "mine.json").write_text(write(replace(SOUND, source="", base_url="http://acme.example")))
    answer = command("dialect", "check", "mine.json", "--json")
    assert answer.exit_code == 1
    error, warning = (json.loads(line) for line in answer.stdout.splitlines())
    assert error == {
        "severity": "error",
        "place": "base_url",
        "problem": "http://acme.example would send the key unencrypted",
        "advice": "use https",
    }
    assert (warning["severity"], warning["place"], warning["code"]) == ("warning", "source", "no-source")


def test_a_warning_that_is_accepted_in_the_file_is_not_told(place: Path) -> None:
    (place / "mine.json").write_text(write(replace(SOUND, source="", accepted=("no-source",))))
    answer = command("dialect", "check", "mine.json")
    assert (answer.exit_code, answer.stdout, answer.stderr) == (0, "", "bide: acme: no errors, no warnings\n")


def test_a_file_may_extend_what_is_built_in(place: Path) -> None:
    (place / "mine.json").write_text(
        json.dumps({"extends": "azure-arm", "name": "mine", "submit": {"method": "PATCH"}})
    )
    shown = read(command("dialect", "show", "mine.json").stdout)
    assert shown.submit is not None
    assert (shown.name, shown.submit.method, shown.poll) == ("mine", "PATCH", named("azure-arm").poll)
    (place / "mine.json").write_text(json.dumps({"extends": "azure-amr"}))
    answer = command("dialect", "check", "mine.json")
    assert answer.exit_code == 2
    assert 'extends: "azure-amr" does not come with bide: did you mean "azure-arm"?' in " ".join(answer.stderr.split())


def test_a_strangers_declaration_cannot_move_the_cursor(place: Path) -> None:
    (place / "mine.json").write_text(write(replace(SOUND, phases={**SOUND.phases, "\x1b[2J*\n": Phase.FAILED})))
    answer = command("dialect", "check", "mine.json")
    assert answer.exit_code == 1
    assert "\x1b" not in answer.stdout
    assert len(answer.stdout.splitlines()) % 3 == 0


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no file that can be read"),
        ("", "mine.json: line 1, column 1: this is no JSON"),
        ("\ufffe", "mine.json: line 1, column 1: this is no JSON"),
        ('{"name": "x"}', "mine.json: base_url is missing: give a text"),
        (
            '{"name": "x", "base_url": "y", "signz": []}',
            'mine.json: signz: there is no such member: did you mean "signs"?',
        ),
    ],
)
@pytest.mark.parametrize("words", [("dialect", "check", "mine.json"), ("dialect", "show", "mine.json"), ("wait", "7")])
def test_what_cannot_be_read_is_a_usage_error(
    place: Path, words: tuple[str, ...], content: str | None, says: str
) -> None:
    if content is not None:
        (place / "mine.json").write_text(content, "utf-8")
    answer = command(*words, *(() if words[0] == "dialect" else ("--dialect", "mine.json")))
    assert answer.exit_code == 2
    assert says in " ".join(answer.stderr.split())
    assert answer.stdout == ""


@pytest.mark.parametrize("name", [".", "no\0where", "x" * 5000])
def test_what_is_no_file_lists_what_is_built_in(name: str) -> None:
    answer = command("dialect", "check", name)
    assert answer.exit_code == 2
    assert names()[0] in answer.stderr


@pytest.mark.parametrize(
    ("env", "key"),
    [
        ({"ACME_KEY": KEY}, KEY),
        ({"ACME_KEY": KEY, "BIDE_API_KEY": "another"}, KEY),
        ({"ACME_KEY": " ", "BIDE_API_KEY": KEY}, KEY),
        ({"ACME_KEY": ""}, None),
    ],
)
def test_the_key_is_in_the_variable_that_the_declaration_names(
    vendor: Vendor, place: Path, env: dict[str, str], key: str | None
) -> None:
    (place / "acme.json").write_text(write(replace(declaration(vendor), environment="ACME_KEY")))
    vendor.says("GET /v1/jobs/8", Answer({"id": "8", "status": "done", "output": "a fox"}))
    answer = command("wait", "8", *PACE, "--dialect", "acme.json", **env)
    if key is None:
        assert answer.exit_code == 2
        assert "set ACME_KEY or BIDE_API_KEY" in answer.stderr
        assert vendor.asked == []
    else:
        assert answer.exit_code == 0, answer.stderr
        assert {asked.key for asked in vendor.asked} == {f"Bearer {key}"}


def test_the_usual_service_goes_by_its_name_as_well() -> None:
    answer = command("wait", "exec_1", "--dialect", "modelroute")
    assert answer.exit_code == 2
    assert "set MODELROUTE_API_KEY" in answer.stderr
