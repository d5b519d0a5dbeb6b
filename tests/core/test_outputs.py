"""Which texts of a result are files, and that none of them is dropped in silence."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bide
from bide.dialect import Phase
from bide.dialects.calls import Call, is_link
from bide.dialects.declaration import Declaration
from bide.dialects.declared import Declared
from bide.dialects.vendors import named, names
from bide.document import JSON
from bide.errors import InvalidHandle

API = "https://api.fox.example/v1"
FOX = Declared(
    Declaration(
        name="fox",
        base_url=API,
        poll=Call(urls=("/jobs/{id}",)),
        id=("id",),
        status=("status",),
        phases={"done": Phase.SUCCEEDED},
        output=("output",),
        files=("output",),
    )
)
BY_ID = Declared(replace(FOX.declaration, file=Call(urls=("/files/{file}/content",))))
EITHER = Declared(replace(FOX.declaration, file=Call(urls=("{file}", "/files/{file}/content"))))
PNG = "data:image/png;base64,iVBORw0KGgo="


def result(output: JSON, dialect: Declared = FOX) -> bide.Result:
    body = json.dumps({"id": "7", "status": "done", "output": output}).encode()
    reading = dialect.read(bide.Response(200, body=body), asked="poll", handle="7")
    assert reading.result is not None
    return reading.result


@pytest.mark.parametrize(
    ("output", "files"),
    [
        ("https://cdn.example/red fox.png", ["https://cdn.example/red%20fox.png"]),
        ("https://cdn.example/füchse.png", ["https://cdn.example/f%C3%BCchse.png"]),
        ("HTTPS://cdn.example/a", ["https://cdn.example/a"]),
        (" https://cdn.example/a ", ["https://cdn.example/a"]),
        (PNG, [PNG]),
        (["data:,fox", PNG, PNG], ["data:,fox", PNG]),
        ("data:text/plain,red fox", ["data:text/plain,red fox"]),
        ("//cdn.example/a", ["https://cdn.example/a"]),
        ("/files/7", ["https://api.fox.example/files/7"]),
        ("/files/red fox.png", ["https://api.fox.example/files/red%20fox.png"]),
        ("files/7", [f"{API}/jobs/files/7"]),
        ("files/red fox.png", [f"{API}/jobs/files/red%20fox.png"]),
        ("../files/7", [f"{API}/files/7"]),
        ("./7", [f"{API}/jobs/7"]),
        ("?part=2", [f"{API}/jobs/7?part=2"]),
        ("fox.png", [f"{API}/jobs/fox.png"]),
        ("fox.png?sig=1", [f"{API}/jobs/fox.png?sig=1"]),
        (["a/1.png", "", "b/2.png", "/c/3", ["../d/4"]], 4),
        ({"images": [{"url": "/files/1", "content_type": "image/png", "prompt": "/imagine"}]}, 1),
        ({"images": [{"imageUrl": "files/1", "media": "image/png"}], "download_link": "fox.gif"}, 2),
        ({"urls": ["files/1", "files/2"], "model": "acme/painter"}, 2),
        ({"image": "/files/1", "kind": "image/png", "size": 7}, 1),
        ({"image": "files/1.png", "name": "fox.png", "kind": "image/png"}, 1),
        ({"path": "/home/fox/out.png", "url": "https://cdn.example/1"}, ["https://cdn.example/1"]),
        ({"path": "/home/fox/out.png", "image": "https://cdn.example/1"}, ["https://cdn.example/1"]),
        ({"image": "https://cdn.example/red fox.png", "prompt": "see https://cdn.example/"}, 1),
        ({"image": "//cdn.example/1", "prompt": "https://cdn.example/2.png but in blue"}, 1),
    ],
)
def test_what_is_a_reference_to_a_file_is_taken(output: JSON, files: int | list[str]) -> None:
    taken = result(output)
    assert taken.refused == ()
    assert len(taken.files) == files if isinstance(files, int) else list(taken.files) == files
    for file in taken.files:
        assert file.startswith("data:") or FOX.locate(file).url == file


@pytest.mark.parametrize(
    "output",
    [
        "A fox.",
        "see https://cdn.example/a.png",
        "and / or",
        "N/A",
        "3.14",
        "e.g.",
        "data: none",
        "/imagine a fox",
        "? what",
        "// a comment",
        "note: this is text",
        ["The", " fox", ".", " and/or", "/", "fox.png"],
        ["A fox", "/files/7"],
        {"kind": "image/png", "model": "acme/painter-v1.5", "prompt": "a red fox. Or a/b"},
        {"images": ["none", "a/b.png"]},
        {"ratio": "16/9.5", "file": None, "url": "", "link": {}, "n": 7, "ok": True},
        7,
        True,
        None,
        "",
        " \n",
    ],
)
def test_what_is_no_reference_is_none(output: JSON) -> None:
    assert (result(output).files, result(output).refused) == ((), ())


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("http://cdn.example/a.png", "unencrypted"),
        ("https://10.0.0.7/a.png", "private network"),
        ("https://127.0.0.1/a.png", "this machine"),
        ("//host/a.png", "private network"),
        ("s3://bucket/a.png", "s3:"),
        ("gs://bucket/a b.png", "gs:"),
        ("ftp://cdn.example/a.png", "ftp:"),
        ("file:///etc/passwd", "file:"),
        ("https://fox:pw@cdn.example/a.png", "user information"),
        ("https://cdn.example/a\nb.png", "control characters"),
        ("https://straße.example/a.png", "cannot be read"),
        ("https://[::1/a.png", "cannot be read"),
        ("https:/cdn.example/a.png", "cannot be read"),
        ("arn:aws:s3:::bucket/a.png", "arn:"),
        ("data:image/png;base64,!", "cannot be decoded"),
        ("data:image/png;base64", "without a comma"),
    ],
)
def test_what_is_not_fetched_is_told(said: str, why: str) -> None:
    taken = result(["https://cdn.example/1.png", said])
    (refused,) = taken.refused
    assert taken.files == ("https://cdn.example/1.png",)
    assert refused.address == said
    assert why in refused.reason


def test_what_is_told_shows_no_signature() -> None:
    (refused,) = result("http://fox:pw@cdn.example/a.png?sig=5ec2e7").refused
    assert repr(refused).startswith("Refused('http://cdn.example/a.png', '")
    assert "5ec2e7" not in repr(result("http://cdn.example/a.png?sig=5ec2e7"))


def test_what_is_told_stands_in_a_token_and_an_older_token_has_nothing_of_it() -> None:
    job = bide.watch("7", dialect=FOX, now=1.0)
    body = json.dumps({"id": "7", "status": "done", "output": ["s3://b/1", "\ud800://x", "https://x.example/\ud800"]})
    done = job.receive(bide.Response(200, body=body.encode()), now=2.0)
    assert isinstance(done, bide.Completed)
    assert len(done.result.refused) == 2
    token = bide.dump(done)
    assert bide.load(token, dialect=FOX) == done
    older = json.loads(token)
    del older["job"]["result"]["refused"]
    again = bide.load(json.dumps(older), dialect=FOX)
    assert isinstance(again, bide.Completed)
    assert again.result == replace(done.result, refused=())


def test_ids_are_taken_whole_and_told_where_none_can_be_made_of_them() -> None:
    taken = result(["file-1", 42, {"id": "a b"}, "../up", "https://cdn.example/1"], BY_ID)
    assert taken.files == ("file-1", "42", "a b")
    assert [one.address for one in taken.refused] == ["../up", "https://cdn.example/1"]
    assert BY_ID.locate("42").url == f"{API}/files/42/content"


def test_where_both_may_stand_an_address_is_one_and_the_rest_are_ids() -> None:
    taken = result(["https://cdn.example/1", "file-7"], EITHER)
    assert taken.files == ("https://cdn.example/1", "file-7")
    assert EITHER.locate("file-7").url == f"{API}/files/file-7/content"


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=20) | st.sampled_from(["/a/1", "https://x.example/é", "s3://b/1"]),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(["url", "image", "prompt", "fileUrl"]), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_every_file_can_be_asked_for_and_every_refusal_says_why(output: JSON) -> None:
    for dialect in (FOX, BY_ID, EITHER):
        taken = result(output, dialect)
        for file in taken.files:
            assert file.startswith("data:") or dialect.locate(file).url
        assert all(one.reason for one in taken.refused)


BY_ADDRESS = [Declared(named(name)) for name in names() if named(name).files and is_link(named(name).file.urls[0])]
#: One address that may be asked, and some that must not be.
SAID = ["https://cdn.example/é 1.png?sig=1", PNG, "http://cdn.example/a", "s3://b/1", "https://10.0.0.1/a", "data:,"]


@given(st.sampled_from(BY_ADDRESS), st.lists(st.sampled_from(SAID) | st.text(max_size=9), min_size=1), st.data())
def test_no_built_in_declaration_drops_an_address(dialect: Declared, said: list[str], data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(dialect.declaration.files))
    document: JSON = {"several": list[JSON](said)}
    for key in reversed(place.split(".") if place else []):
        document = {key: document}
    body = json.dumps(document).encode()
    taken = dialect.read(bide.Response(200, body=body), asked="fetch", handle="7").result
    assert taken is not None
    told = {one.address for one in taken.refused}
    for one in {*said} & {*SAID}:
        assert (one in told) is (one in SAID[2:])
        assert one in told or one.replace("é ", "%C3%A9%20") in taken.files


def test_of_too_many_files_the_first_that_is_left_out_is_told() -> None:
    said = [f"https://cdn.example/{n}.png" for n in range(4002)]
    for dialect in (FOX, EITHER):
        told = result([*said, "no file", "https://cdn.example/1.png"], dialect)
        assert len(told.files) + len(told.refused) == 3001
        last = told.refused[-1]
        assert last.address == "https://cdn.example/3000.png"
        assert last.reason == "it is one of more than 3000 files: get it and those after it by hand"


def test_of_a_search_that_would_take_too_long_it_is_told_that_it_ended() -> None:
    said: list[JSON] = [{"a": f"{n}:b"} for n in range(10000)]
    told = result([*said, "https://cdn.example/1.png"])
    assert told.files == ()
    assert [one.address for one in told.refused] == [f"{API}/jobs/7"]
    assert "too many small parts" in told.refused[0].reason


@pytest.mark.parametrize(
    "part",
    [
        {"timestamp": [0.0, 0.5], "text": " Yes."},
        {"x": 1, "y": 2},
        [[1, 2], [3]],
        {"box": {"corners": [[0, 1], [2, 3]]}, "score": 0.5},
        [],
        {},
    ],
)
def test_however_many_parts_are_no_address_the_one_after_them_is_found(part: JSON) -> None:
    told = result([*[part] * 5000, {"url": "a.png"}, ["https://cdn.example/1.png"]])
    assert told.files == (f"{API}/jobs/a.png", "https://cdn.example/1.png")
    assert told.refused == ()


def test_what_lies_too_deep_for_a_quick_look_is_passed_all_the_same() -> None:
    deep: JSON = [[[[[[[[0]], [[1]]]]]]]]
    assert result([*[deep] * 500, "https://cdn.example/1.png"]).files == ("https://cdn.example/1.png",)


def test_an_object_of_many_members_is_searched_as_a_small_one_is() -> None:
    said: dict[str, JSON] = {f"n{n}": "a.png" for n in range(100)}
    assert result(said).files == ()
    assert result({**said, "file": "b.png"}).files == (f"{API}/jobs/b.png",)
    assert result({**said, "other": "//cdn.example/c"}).files == ("https://cdn.example/c",)


def test_what_holds_no_text_leads_to_none() -> None:
    outputs: list[JSON] = [[[]], [[[1]]], [{}, {"a": []}, {"a": {"b": 1}}], [[[["", " "]]]], {"a": "b", "url": 1}]
    for output in outputs:
        assert result(output).files == ()
    assert result([[["https://cdn.example/1"]], [], {"a": [{"url": "f.png"}]}]).files == (
        "https://cdn.example/1",
        f"{API}/jobs/f.png",
    )
    assert result([7, [0], [[False]], "x"], BY_ID).files == ("7", "0", "x")


def test_a_great_many_texts_are_read_in_no_time() -> None:
    deep: JSON = "https://cdn.example/1.png"
    for _ in range(50):
        deep = [deep]
    assert result(deep).files == ("https://cdn.example/1.png",)
    for text in (
        "a/" * 400_000,
        "/" * 800_000,
        "https://x.example/" + " " * 800_000,
        "a." * 400_000,
        "data:" * 200_000,
    ):
        result([text, {"url": text, "image": text}])


# How files are asked for

VERSION = ("acme-version", "2023-06-01")


def acme(*lines: tuple[str, str], file: Call = FOX.declaration.file) -> Declared:
    return Declared(replace(FOX.declaration, headers=(*lines, VERSION), file=file))


PLAIN = ("accept-encoding", "identity")
OWN = f"{API}/jobs/7/results"


@pytest.mark.parametrize(
    ("dialect", "lines"),
    [
        (acme(("accept", "application/json")), [("accept", "*/*"), VERSION, PLAIN]),
        (acme(("Accept", "application/vnd.acme+json")), [("accept", "*/*"), VERSION, PLAIN]),
        (acme(), [("accept", "*/*"), VERSION, PLAIN]),
        (acme(("accept", "text/csv")), [("accept", "text/csv"), VERSION, PLAIN]),
        (
            acme(("accept", "text/csv"), file=Call(urls=("{file}",), headers=(("accept", "image/*"), ("x-raw", "1")))),
            [("accept", "image/*"), VERSION, PLAIN, ("x-raw", "1")],
        ),
    ],
)
def test_a_file_at_the_api_is_asked_for_with_the_declared_lines(
    dialect: Declared, lines: list[tuple[str, str]]
) -> None:
    request = dialect.locate(OWN)
    assert list(request.headers) == lines
    assert request.credential
    assert dialect.locate("https://cdn.example/a.png").headers == (PLAIN,)


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("http://cdn.example/a?sig=5ec2e7", "is no file of fox: it would come unencrypted"),
        ("../up", "is no file of fox: it cannot stand in the address of one"),
    ],
)
def test_why_something_is_no_file_is_said(file: str, why: str) -> None:
    with pytest.raises(InvalidHandle, match=why) as caught:
        FOX.locate(file)
    assert "5ec2e7" not in str(caught.value)
