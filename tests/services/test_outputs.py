"""Outputs are hashed as they are, whatever their shape, and however the bytes arrive."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from arbius_tui.services.outputs import Broken, NoOutput, Sieve, media, outputs, settled
from arbius_tui.services.ports import Output

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def url(data: bytes, mime: str = "image/png") -> str:
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def sieved(text: bytes, step: int = 7) -> Sieve:
    sieve = Sieve()
    for at in range(0, len(text), step):
        sieve.feed(text[at : at + step])
    return sieve


def read(value: Any, *, step: int = 7, pieces: bool = True) -> tuple[tuple[Output, ...], str]:
    sieve = sieved(json.dumps({"output": value}).encode(), step)
    return outputs(sieve.end()["output"], sieve.payloads, pieces=pieces)


@pytest.mark.parametrize(
    ("value", "names", "shape"),
    [
        (url(PNG), ["out-1.png"], "string"),
        ([url(PNG)], ["out-1.png"], "list of 1"),
        ([url(PNG), url(b"RIFF....WAVE", "audio/x-wav")], ["out-1.png", "out-2.wav"], "list of 2"),
        ({"z": url(PNG), "a": url(b"x", "video/mp4")}, ["out-1.mp4", "out-2.png"], "object of 2"),
        ({"image": url(PNG), "score": 0.5}, ["out-1.png", "out-2.json"], "object of 2"),
        ({"deep": [{"image": url(PNG)}], "none": None}, ["out-1.png"], "object of 2"),
        (url(b"x", "None"), ["out-1.bin"], "string"),
        (url(PNG, "None"), ["out-1.png"], "string"),
        (url(b"x", "IMAGE/JPEG;charset=x"), ["out-1.jpg"], "string"),
        (url(b"x", "../../etc/x"), ["out-1.bin"], "string"),
        ("a text", ["out-1.txt"], "text"),
        (["tok0 ", "tok1 "], ["out-1.txt"], "text in 2 pieces"),
        (12, ["out-1.json"], "value"),
        (False, ["out-1.json"], "value"),
        ([1, 2], ["out-1.json"], "list of 2"),
    ],
)
def test_each_shape_has_its_names_and_words(value: Any, names: list[str], shape: str) -> None:
    found, words = read(value)
    assert [output.filename for output in found] == names
    assert words == shape


def test_the_decoded_bytes_are_hashed_and_not_the_text_around_them() -> None:
    found, _ = read(url(PNG))
    assert found == (Output("out-1.png", "image/png", len(PNG), sha(PNG), PNG),)


def test_text_is_hashed_as_it_is_and_pieces_as_one() -> None:
    assert read("é ✓")[0][0].sha256 == sha("é ✓".encode())
    assert read(["ab", "c"])[0] == read(["a", "bc"])[0] == read("abc")[0]
    assert [output.sha256 for output in read(["ab", "c"], pieces=False)[0]] == [sha(b"ab"), sha(b"c")]


def test_what_is_no_file_in_an_object_counts_too() -> None:
    first, second = read({"image": url(PNG), "score": 0.5})[0]
    assert first.sha256 == sha(PNG)
    assert second.sha256 == sha(b'{"image":"out-1.png","score":0.5}')
    assert read({"score": 0.5, "image": url(PNG)}) == read({"image": url(PNG), "score": 0.5})


@pytest.mark.parametrize("value", [None, [], {}, "", [""], [None], {"a": []}, url(b""), [url(PNG), url(b"")]])
def test_nothing_has_no_hash(value: Any) -> None:
    with pytest.raises(NoOutput):
        read(value)


@pytest.mark.parametrize(
    "value",
    [
        "data:image/png;base64,@@@@",
        "data:image/png;base64,iVBORw0KGgo",
        "data:image/png;base64,AAA=AAAA",
        "data:image/png;base64,AA==AAAA",
        "data:image/png;base64,AA\nAA",
        "data:image/png;base64,#0",
        "https://replicate.delivery/x/out-0.png",
        "http://127.0.0.1/out-0.png",
    ],
)
def test_a_damaged_output_or_a_link_has_no_hash(value: str) -> None:
    with pytest.raises(Broken):
        read(value)
    with pytest.raises(Broken):
        read([url(PNG), value], pieces=False)


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"output":"data:image/png;base64,AAAA', b'{"a":"b', b'{"a":"b\\', b"<html>"]
)
def test_an_answer_that_ends_early_has_no_hash(body: bytes) -> None:
    with pytest.raises(Broken):
        sieved(body).end()


def test_nesting_without_end_is_broken_and_no_crash() -> None:
    with pytest.raises(Broken, match="nested"):
        sieved(b"[" * 200_000 + b"]" * 200_000, 65536)
    with pytest.raises(Broken, match="nested"):
        sieved(b'{"a":[' * 100_000, 65536)
    assert sieved(b"[" + b"[0]," * 50_000 + b"0]", 65536).end()[-1] == 0


def test_a_forged_mark_is_no_file() -> None:
    sieve = sieved(b'{"output":"d\\u0061ta:image/png;base64,#7"}')
    with pytest.raises(Broken):
        outputs(sieve.end()["output"], sieve.payloads)


def test_escapes_inside_of_base64_are_read_as_json_means_them() -> None:
    data = bytes(range(256)) * 3
    text = json.dumps({"output": url(data)}).encode().replace(b"/", b"\\/").replace(b"+", b"\\u002b")
    for step in (1, 2, 5, 64, 10_000):
        sieve = sieved(text, step)
        assert outputs(sieve.end()["output"], sieve.payloads)[0][0].sha256 == sha(data)


def test_text_beyond_the_bound_is_refused_while_it_comes() -> None:
    sieve = Sieve(keep=1000)
    for _ in range(18):
        sieve.feed(b'"' + b"x" * 50 + b'",')
    with pytest.raises(Broken, match="besides its files"):
        sieve.feed(b'"' + b"x" * 150 + b'",')


def test_a_file_of_any_size_is_kept_nowhere() -> None:
    sieve = Sieve(keep=1000)
    sieve.feed(b'{"output":"data:video/mp4;base64,')
    for _ in range(64):
        sieve.feed(base64.b64encode(bytes(48 * 1024)))
    sieve.feed(b'"}')
    found, _ = outputs(sieve.end()["output"], sieve.payloads)
    assert found[0].bytes == 64 * 48 * 1024
    assert found[0].sha256 == sha(bytes(64 * 48 * 1024))
    assert len(sieve.kept) < 100


FILES = st.binary(min_size=1, max_size=300).map(url)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=30)
    | FILES
    | st.text('data:;base64,\\"é', max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES, st.data(), st.booleans())
@example("data:", None, True)
def test_the_pieces_of_an_answer_do_not_matter(value: Any, data: Any, ascii_only: bool) -> None:
    text = json.dumps({"output": value}, ensure_ascii=ascii_only).encode()
    step = data.draw(st.integers(1, 40)) if data else 3

    def attempt(size: int) -> object:
        try:
            sieve = sieved(text, size)
            return outputs(sieve.end()["output"], sieve.payloads)
        except (Broken, NoOutput) as failure:
            return type(failure), str(failure)

    assert attempt(step) == attempt(len(text))


@given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=4), st.integers(1, 50))
def test_every_file_is_hashed_in_its_order(files: list[bytes], step: int) -> None:
    found, shape = read([url(data) for data in files], step=step)
    assert [output.sha256 for output in found] == [sha(data) for data in files]
    assert shape == f"list of {len(files)}"


@pytest.mark.parametrize(
    ("declared", "head", "kind"),
    [
        ("audio/x-wav", b"", "audio/wav"),
        ("None", b"glTF", "model/gltf-binary"),
        ("application/octet-stream", b"\x1aE\xdf\xa3", "video/webm"),
        ("application/x-strange", b"\x89PNG\r\n\x1a\n", "application/x-strange"),
        ("", b"", "application/octet-stream"),
        ("\x1b[31m/x", b"", "application/octet-stream"),
    ],
)
def test_the_media_type_is_the_same_whatever_the_server_calls_it(declared: str, head: bytes, kind: str) -> None:
    assert media(declared, head) == kind


# Kept


def kept(value: Any, folder: Path, *, pieces: bool = True, step: int = 7) -> tuple[Output, ...]:
    """The outputs of an answer that lie in a folder."""
    sieve, text = Sieve(folder=folder), json.dumps(value).encode()
    for at in range(0, len(text), step):
        sieve.feed(text[at : at + step])
    return settled(sieve.end(), sieve, folder, pieces=pieces)


@pytest.mark.parametrize(
    ("value", "files"),
    [
        (url(b"one"), {"out-1.png": b"one"}),
        ([url(b"one"), url(b"two", "video/mp4")], {"out-1.png": b"one", "out-2.mp4": b"two"}),
        ({"b": url(b"b"), "a": url(b"a"), "n": 1}, {"out-1.png": b"a", "out-2.png": b"b", "out-3.json": None}),
        (["te", "xt"], {"out-1.txt": b"text"}),
        ("text \u00e9", {"out-1.txt": "text \u00e9".encode()}),
        (12, {"out-1.json": b"12"}),
    ],
)
def test_each_output_lies_under_its_own_name(value: Any, files: dict[str, bytes | None], tmp_path: Path) -> None:
    found = kept(value, tmp_path)
    assert [output.filename for output in found] == list(files)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(files)
    for output, data in zip(found, files.values(), strict=True):
        there = Path(output.path).read_bytes()
        assert there == data or data is None
        assert (len(there), sha(there)) == (output.bytes, output.sha256)


def test_texts_of_their_own_are_files_of_their_own(tmp_path: Path) -> None:
    assert [output.filename for output in kept(["a", "b"], tmp_path, pieces=False)] == ["out-1.txt", "out-2.txt"]
    assert (tmp_path / "out-2.txt").read_text() == "b"


@given(files=st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=4), step=st.integers(1, 50))
def test_what_is_kept_is_what_was_hashed(
    files: list[bytes], step: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("kept")
    for output, data in zip(kept([url(data) for data in files], folder, step=step), files, strict=True):
        assert Path(output.path).read_bytes() == data
        assert output.sha256 == sha(data)
