"""What files are called on disk, and how their endings are told."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bide.file_names import file_name, file_names, suffix
from bide.urls import is_id


@pytest.mark.parametrize(
    ("head", "ending"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", ".png"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0", ".jpg"),
        (b"GIF89a", ".gif"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", ".webp"),
        (b"RIFF\x24\0\0\0WAVEfmt ", ".wav"),
        (b"\0\0\0\x20ftypisom", ".mp4"),
        (b"\x1a\x45\xdf\xa3\x9f", ".webm"),
        (b"ID3\x04", ".mp3"),
        (b"OggS\0", ".ogg"),
        (b"%PDF-1.7", ".pdf"),
        (b"PK\x03\x04", ".zip"),
        (b"", ".bin"),
        (b"\x89PNG", ".bin"),
        (b"<svg/>", ".bin"),
        (b"../../evil.sh", ".bin"),
        (b"xRIFF\x24\0\0\0WEBP", ".bin"),
    ],
)
def test_the_first_bytes_decide_the_ending(head: bytes, ending: str) -> None:
    assert suffix(head) == ending


@pytest.mark.parametrize(
    ("file", "stem"),
    [
        ("https://cdn.example/a/out-0.png?sig=1", "out-0"),
        ("https://cdn.example/", "cdn"),
        ("https://cdn.example/a b;c.tar.gz", "a-b-c"),
        ("https://cdn.example/.../..%2F..%2Fetc", "file"),
        ("https://cdn.example/" + "x" * 300, "x" * 60),
        ("https://user:word@cdn.example", "cdn"),
    ],
)
def test_a_file_has_a_name_of_its_own_on_disk(file: str, stem: str) -> None:
    assert re.fullmatch(re.escape(stem) + r"-[0-9a-f]{8}", file_name(file))
    assert file_name("file_1-a") == "file_1-a"


def test_files_of_one_name_at_different_places_do_not_collide() -> None:
    assert file_name("https://x.example/a/out.png") != file_name("https://x.example/b/out.png")
    assert file_name("https://x.example/a/out.png?sig=1") == file_name("https://x.example/a/out.png?sig=2")


def test_files_of_one_name_that_their_queries_tell_apart_do_not_collide() -> None:
    one = "https://x.example/download?file=1&sig=5ec2e7"
    assert file_name(one) != file_name("https://x.example/download?file=2&sig=5ec2e7")
    assert file_name(one) == file_name("https://x.example/download?file=1&sig=another#top")
    assert file_name("https://x.example/a/Out.png").lower() != file_name("https://x.example/a/out.png").lower()


@pytest.mark.parametrize(
    "signature",
    [
        "X-Amz-Algorithm=AWS4&X-Amz-Credential=a&X-Amz-Date={n}&X-Amz-Expires=60&X-Amz-SignedHeaders=h&X-Amz-Signature={n}",
        "X-Goog-Algorithm=G&X-Goog-Credential=a&X-Goog-Date={n}&X-Goog-Expires=60&X-Goog-Signature={n}",
        "AWSAccessKeyId=a&Expires={n}&Signature={n}",
        "sv=2024&st={n}&se={n}&sr=b&sp=r&spr=https&skoid=a&sktid=b&skt={n}&ske={n}&sks=b&skv=2&sig={n}",
        "Policy={n}&Signature={n}&Key-Pair-Id=K",
        "q-sign-algorithm=sha1&q-ak=a&q-sign-time={n}&q-signature={n}",
        "token={n}&exp={n}",
    ],
)
def test_a_fresh_signature_changes_no_name(signature: str) -> None:
    first, second = (f"https://x.example/a/out.png?{signature.format(n=n)}" for n in (1, 2))
    assert file_name(first) == file_name(second) == file_name("https://x.example/a/out.png")


def test_a_file_in_its_own_address_is_called_by_what_it_holds() -> None:
    one, other = (file_name(f"data:image/png;base64,iVBORw0K/?a.b/{end}") for end in "Aa")
    assert re.fullmatch(r"data-[0-9a-f]{8}", one)
    assert one != other


@pytest.mark.parametrize("file", ["CON", "nul", "Lpt1", "x" * 101, "y" * 256])
def test_an_id_that_no_file_can_be_called_by_gets_a_name_that_one_can(file: str) -> None:
    assert re.fullmatch(re.escape(file[:60]) + r"-[0-9a-f]{8}", file_name(file))


def test_long_addresses_that_differ_at_their_end_do_not_collide() -> None:
    far = "https://x.example/" + "a" * 300
    assert file_name(far + "/1/out.png") != file_name(far + "/2/out.png")


def test_files_of_one_result_never_share_a_name() -> None:
    one = "https://x.example/download?sig="
    name = file_name(one)
    assert file_names([one + "1", one + "2", one + "3", "file_1"]) == [name, f"{name}-2", f"{name}-3", "file_1"]
    assert file_names(["a", "A", "a-2"]) == ["a", "A-2", "a-2-2"], "some file systems know no case"
    assert file_names([]) == []


@given(st.lists(st.text(max_size=30) | st.from_regex(r"https://x[.]example/[!-~]{0,300}", fullmatch=True), max_size=5))
def test_no_name_leads_out_of_its_directory(files: list[str]) -> None:
    names = file_names(files)
    assert len({name.lower() for name in names}) == len(files)
    for name in names:
        assert is_id(name)
        assert len(name) <= 110
