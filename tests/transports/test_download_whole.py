"""The files of a declared service over real sockets: each is fetched, decoded or told, and only the file is saved."""

from __future__ import annotations

from gzip import compress
from pathlib import Path

import pytest

import bide
from bide.dialect import Phase
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.declared import Declared
from bide.errors import SaveError
from bide_transports.emulator import Service, VirtualClock
from tests.faces import BY_BOTH, Kind, face, in_trio
from tests.hostile import Line, Server, field_of, head, read, send
from tests.reactions import Where, reacts
from tests.savers import KEY, SAVES, Save

BY_EACH = pytest.mark.parametrize("save", SAVES.values(), ids=SAVES)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(500)
PAGE = b"<!doctype html><title>One moment</title>"


def painter(url: str) -> Declared:
    return Declared(
        Declaration(
            name="painter",
            base_url=f"{url}/v1",
            submit=Call("POST", ("/jobs",), body={"input": "{input}"}),
            poll=Call(urls=("/jobs/{id}",)),
            headers=(("accept", "application/json"), ("painter-version", "2")),
            id=("id",),
            status=("status",),
            phases={"done": Phase.SUCCEEDED},
            output=("output",),
            files=("output",),
        )
    )


def whole(body: bytes, *lines: str) -> bytes:
    return head(f"Content-Length: {len(body)}", "Connection: close", *lines) + body


def result(url: str, *files: str) -> bide.Result:
    return bide.Result("7", tuple(f"{url}{file}" for file in files))


@reacts(
    Where.FILE,
    "200 with a page in place of the file",
    "no file: asked again, bounded; the journal keeps the job",
)
@BY_EACH
@pytest.mark.parametrize(
    "instead",
    [
        whole(PAGE, "Content-Type: text/html"),
        whole(PAGE),
        whole(b'{"error": "busy"}', "Content-Type: application/json"),
        whole(b""),
        head("Connection: close"),
        whole(PNG, "Content-Range: bytes 0-507/508").replace(b"200 OK", b"206 Partial Content"),
        whole(compress(PNG)[:-5], "Content-Encoding: gzip"),
        whole(PNG, "Content-Encoding: br"),
        head("Content-Length: 0", "Connection: close", status="HTTP/1.1 204 No Content"),
    ],
    ids=["page", "untyped page", "message", "empty", "nothing", "part", "torn gzip", "unknown coding", "204"],
)
def test_what_comes_in_place_of_a_file_once_is_not_saved(save: Save, instead: bytes, tmp_path: Path) -> None:
    with Server((read, send(instead)), (read, send(whole(PNG)))) as server:
        (path,) = save(result(server.url, "/fox.png"), tmp_path, dialect=painter(server.url), clock=VirtualClock())
    assert path.read_bytes() == PNG
    assert list(tmp_path.iterdir()) == [path]
    assert len(server.received) == 2


@BY_EACH
@pytest.mark.parametrize(
    ("instead", "name"),
    [
        (whole(b"upstream timed out", "Content-Type: text/plain"), "/fox.png"),
        (whole(b"<?xml version='1.0'?><Error><Code>SlowDown</Code></Error>", "Content-Type: application/xml"), "/7"),
        (whole(b'{"error": {"message": "busy"}}', "Content-Type: application/json"), "/7"),
        (whole(b"<script>location = '/sign-in'</script>"), "/7"),
        (whole(b" \r\n"), "/fox.png"),
    ],
    ids=["words", "storage error", "error", "part of a page", "blank"],
)
def test_an_error_that_comes_with_200_is_not_saved(save: Save, instead: bytes, name: str, tmp_path: Path) -> None:
    with Server((read, send(instead)), (read, send(whole(PNG)))) as server:
        (path,) = save(result(server.url, name), tmp_path, dialect=painter(server.url), clock=VirtualClock())
    assert path.read_bytes() == PNG
    assert list(tmp_path.iterdir()) == [path]


@BY_EACH
def test_a_page_in_place_of_the_rest_is_not_saved_behind_the_beginning(save: Save, tmp_path: Path) -> None:
    begun = head("Content-Length: 508", 'ETag: "1"', "Connection: close") + PNG[:100]
    place = ("Content-Range: bytes 100-507/508", 'ETag: "1"', "Content-Type: text/html")
    rest = whole(PAGE.ljust(408), *place).replace(b"200 OK", b"206 Partial Content")
    with Server((read, send(begun)), (read, send(rest)), (read, send(whole(PNG, 'ETag: "1"')))) as server:
        (path,) = save(result(server.url, "/fox.png"), tmp_path, dialect=painter(server.url), clock=VirtualClock())
    assert path.read_bytes() == PNG


@BY_EACH
def test_a_page_that_stays_is_told_and_nothing_is_left_of_it(save: Save, tmp_path: Path) -> None:
    patience = bide.Patience(failures=3)
    with (
        Server((read, send(whole(PAGE)))) as server,
        pytest.raises(
            SaveError,
            match="NOT_THE_FILE: a page came, and no name or declared type calls for one: <!doctype html>",
        ),
    ):
        save(
            result(server.url, "/fox.png"),
            tmp_path,
            dialect=painter(server.url),
            clock=VirtualClock(),
            patience=patience,
        )
    assert list(tmp_path.iterdir()) == []
    assert len(server.received) == 3


@reacts(
    Where.FILE,
    "`Content-Encoding` with words that are no codings (`aws-chunked`, `utf-8`, `none`)",
    "the bytes as they came",
)
@BY_EACH
@pytest.mark.parametrize("coding", ["none", "aws-chunked", "utf-8", "identity", "gzip, aws-chunked"])
def test_what_is_no_coding_changes_no_byte(save: Save, coding: str, tmp_path: Path) -> None:
    body = compress(PNG) if "gzip" in coding else PNG
    with Server((read, send(whole(body, f"Content-Encoding: {coding}")))) as server:
        (path,) = save(result(server.url, "/a"), tmp_path, dialect=painter(server.url), clock=VirtualClock())
    assert path.read_bytes() == PNG


@BY_EACH
def test_a_page_that_is_called_one_is_saved(save: Save, tmp_path: Path) -> None:
    with Server((read, send(whole(PAGE, "Content-Type: text/html")))) as server:
        (path,) = save(result(server.url, "/report.html"), tmp_path, dialect=painter(server.url), clock=VirtualClock())
    assert path.read_bytes() == PAGE


@BY_EACH
def test_the_declared_lines_go_to_the_api_and_nowhere_else(save: Save, tmp_path: Path) -> None:
    """Within its own origin a redirect is followed as the file was asked for first."""
    onward = head("Location: /v2/fox 7.png", "Content-Length: 0", "Connection: close", status="HTTP/1.1 307 On")
    with Server((read, send(whole(PNG)))) as cdn, Server((read, send(onward)), (read, send(whole(PNG)))) as server:
        files = bide.Result("7", (f"{server.url}/fox.png", f"{cdn.url}/fox.png"))
        paths = save(files, tmp_path, dialect=painter(server.url), clock=VirtualClock())
    assert [path.read_bytes() for path in paths] == [PNG, PNG]
    for request in server.received:
        said = [field_of(request, name) for name in ("painter-version", "accept", "authorization")]
        assert said == ["2", "*/*", f"Bearer {Service.key}"]
    assert server.received[-1].startswith(b"GET /v2/fox%207.png ")
    (away,) = cdn.received
    assert (field_of(away, "painter-version"), field_of(away, "authorization")) == (None, None)


@BY_EACH
def test_a_file_in_its_own_address_is_saved_and_nobody_asked(save: Save, tmp_path: Path) -> None:
    files = ("data:image/png;base64,iVBORw0KGgo=", "data:,red%20fox", "data:,blue%20fox")
    with Server((read, send(whole(PNG)))) as server:
        paths = save(bide.Result("7", files), tmp_path, dialect=painter(server.url), clock=VirtualClock())
        again = save(bide.Result("7", files), tmp_path, dialect=painter(server.url), clock=VirtualClock())
    assert [path.read_bytes() for path in paths] == [b"\x89PNG\r\n\x1a\n", b"red fox", b"blue fox"]
    assert [path.suffix for path in paths] == [".png", ".bin", ".bin"]
    assert again == paths
    assert set(tmp_path.iterdir()) == set(paths)
    assert server.received == []


@BY_EACH
def test_what_is_not_fetched_is_told_once_the_others_are_there(save: Save, tmp_path: Path) -> None:
    refused = (
        bide.Refused("s3://bucket/1.png?sig=5ec2e7", "only https is fetched"),
        bide.Refused("http://cdn.example/2.png", "it would come unencrypted"),
    )
    files = bide.Result("7", ("data:,fox", "data:image/png,"), refused=refused)
    with pytest.raises(
        SaveError, match=r"s3://bucket/1\.png was not fetched: only https is fetched; the whole"
    ) as caught:
        save(files, tmp_path, dialect=painter("https://api.painter.example"), clock=VirtualClock())
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert "data:image/png' is no file" in lines[0]
    assert "http://cdn.example/2.png was not fetched: it would come unencrypted" in lines[2]
    assert "5ec2e7" not in str(caught.value)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"fox"]


TWICE = bide.Patience(failures=2)


@reacts(
    Where.FILE,
    "a file that is gone, is a page, or cannot be fetched (`s3:`)",
    "told once the others are there; the journal keeps the job until `forget`",
)
@BY_BOTH
@pytest.mark.parametrize("output", ["s3://bucket/1.png", "%s/gone.png", "%s/page.png", "data:image/png;base64,!"])
@in_trio
async def test_the_journal_keeps_a_job_until_all_its_files_are_there(kind: Kind, output: str, tmp_path: Path) -> None:
    nowhere = head("Content-Length: 0", "Connection: close", status="HTTP/1.1 404 No")
    answers = [whole(b'{"id": "7", "status": "made"}'), b"", nowhere if "gone" in output else whole(PAGE)]

    def answer(line: Line) -> None:
        line.sock.sendall(answers[min(len(line.received), len(answers)) - 1])

    with Server((read, answer)) as server:
        address = output.replace("%s", server.url)
        answers[1] = whole(b'{"id": "7", "status": "done", "output": "%s"}' % address.encode())
        settings = {"dialect": painter(server.url), "journal": tmp_path / "jobs", "patience": TWICE}
        async with face(kind, KEY, VirtualClock(), **settings) as client:
            done = await client.run("any", {})
            with pytest.raises(SaveError):
                await client.save(done, tmp_path / "pictures")
            assert len(client.resume_all()) == 1
            client.forget(done)
            assert client.resume_all() == []
