"""A hash is that of the whole output or there is none, whatever the output is and however its bytes come in."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbius_tui.domain.errors import Failure
from arbius_tui.services.outputs import Broken, NoOutput, Sieve, outputs
from arbius_tui.services.predictions import CogPredictions
from tests.loopback import listening

SHA256 = re.compile(r"[0-9a-f]{64}")


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def url(data: bytes, mime: str = "image/png") -> str:
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


# What an output is, said as plainly as it can be, with everything in memory


def plainly(value: Any) -> list[bytes]:
    """The bytes of each output of a value whose lists of strings are pieces of one text."""
    files: list[bytes] = []

    def walk(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: walk(part[key]) for key in sorted(part)}
        if isinstance(part, list):
            return [walk(item) for item in part]
        if isinstance(part, str) and part.startswith("data:image/png;base64,"):
            files.append(base64.b64decode(part.partition(",")[2], validate=True))
            return f"out-{len(files)}.png"
        return part

    def empty(part: Any) -> bool:
        if isinstance(part, dict | list):
            return all(empty(item) for item in (part.values() if isinstance(part, dict) else part))
        return part is None or (isinstance(part, str) and part.startswith("data:image/png;base64,"))

    rest = walk(value)
    if isinstance(value, list) and value and not files and all(isinstance(part, str) for part in value):
        return ["".join(value).encode()]
    if empty(value):
        return files
    if isinstance(rest, str):
        return [*files, rest.encode()]
    return [*files, json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()]


FILES = st.binary(max_size=400).map(url)
TEXTS = st.text(max_size=30).filter(lambda text: not re.match(r"data:|\w+://", text))
NUMBERS = st.integers() | st.floats(-1e9, 1e9)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS | FILES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def replies(draw: st.DrawFn) -> tuple[Any, bytes]:
    """An output, and an answer with it as some server may write it."""
    value = draw(VALUES)
    document = {"id": "x", "output": value, "status": "succeeded", "logs": draw(st.text(max_size=20))}
    text = json.dumps(document, ensure_ascii=draw(st.booleans()), indent=draw(st.none() | st.integers(0, 2)))
    if draw(st.booleans()):
        text = text.replace("/", "\\/")
    if draw(st.booleans()):
        text = text.replace("=", "\\u003D").replace("+", "\\u002b")
    return value, text.encode()


def in_pieces(body: bytes, cuts: list[int]) -> Sieve:
    sieve, at = Sieve(), 0
    for cut in sorted(cut % (len(body) + 1) for cut in cuts):
        sieve.feed(body[at:cut])
        at = cut
    sieve.feed(body[at:])
    return sieve


@given(replies(), st.lists(st.integers(0, 10_000), max_size=12))
def test_whatever_the_output_and_however_it_is_cut_each_hash_is_that_of_its_bytes(
    reply: tuple[Any, bytes], cuts: list[int]
) -> None:
    value, body = reply
    wanted = plainly(value)
    sieve = in_pieces(body, cuts)
    output = sieve.end()["output"]
    if not wanted or not all(wanted):
        with pytest.raises(NoOutput):
            outputs(output, sieve.payloads)
        return
    found, _ = outputs(output, sieve.payloads)
    assert [(one.bytes, one.sha256) for one in found] == [(len(data), sha(data)) for data in wanted]


@given(replies(), st.integers(0, 10_000), st.lists(st.integers(0, 10_000), max_size=4))
def test_an_answer_that_is_cut_anywhere_has_no_hash(reply: tuple[Any, bytes], end: int, cuts: list[int]) -> None:
    _, body = reply
    with pytest.raises(Broken):
        in_pieces(body[: end % len(body)], cuts).end()


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("data:,a%20text", b"a text"),
        ("data:text/plain,a text, too", b"a text, too"),
        ("data:text/plain;charset=utf-8,%C3%A9", "é".encode()),
        (
            "data:image/svg+xml;utf8,<svg xmlns='http://www.w3.org/2000/svg'/>",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        ),
        ("DATA:image/png;BASE64,AAAA", bytes(3)),
        ("data:image/png;name=" + "x" * 300 + ";base64,AAAA", bytes(3)),
    ],
)
def test_a_data_url_of_every_spelling_is_decoded(text: str, data: bytes) -> None:
    for body in (json.dumps(text), json.dumps(text).replace("a", "\\u0061")):
        sieve = in_pieces(b'{"output":' + body.encode() + b"}", [9, 20])
        (found,) = outputs(sieve.end()["output"], sieve.payloads)[0]
        assert (found.bytes, found.sha256) == (len(data), sha(data))


@pytest.mark.parametrize(
    "text", ["-_-_", "AA\nAA", "AA AA", "AAA", "A===", "AA=A", "\U00010000", "\ud800", "AAAA%3D", "é000", "AAAA\x00"]
)
@pytest.mark.parametrize("hidden", [False, True])
def test_base64_of_another_kind_has_no_hash(text: str, hidden: bool) -> None:
    body = json.dumps({"output": "data:image/png;base64," + text})
    with pytest.raises(Broken):
        in_pieces((body.replace("data:", "\\u0064ata:") if hidden else body).encode(), [25, 31]).end()


@pytest.mark.parametrize("text", ["AA\\q", "AA\\", "AA\\u12", "AA\\uzzzz", "AA\\ud800\\udc00"])
def test_an_escape_that_is_none_has_no_hash(text: str) -> None:
    body = b'{"output":"data:image/png;base64,' + text.encode() + b'"}'
    for step in (1, 3, 100):
        with pytest.raises(Broken):
            in_pieces(body, list(range(0, len(body), step))).end()


@given(st.binary(min_size=1, max_size=200), st.data())
def test_base64_with_one_wrong_character_is_never_that_of_the_right_one(data: bytes, draw: Any) -> None:
    good = base64.b64encode(data).decode()
    at = draw.draw(st.integers(0, len(good) - 1))
    bad = good[:at] + draw.draw(st.characters(codec="utf-8")) + good[at + 1 :]
    try:
        wanted = base64.b64decode(bad, validate=True)
        assert base64.b64encode(wanted).decode().rstrip("=")[:-1] == bad.rstrip("=")[:-1]
    except (ValueError, AssertionError):
        wanted = b""
    sieve = Sieve()
    try:
        sieve.feed(json.dumps({"output": f"data:image/png;base64,{bad}"}).encode())
        (found,) = outputs(sieve.end()["output"], sieve.payloads)[0]
    except (Broken, NoOutput):
        return
    assert found.sha256 == sha(wanted)


WORDS = [
    b'{"output":',
    b'"data:image/png;base64,',
    b'"data:,',
    b"AAAA",
    b"AA==",
    b'"',
    b"\\",
    b"u0064",
    b"ud800",
    b"[",
    b"]",
]
WORDS += [b"}", b",", b"null", b"1e999", b"NaN", b"\xff", b"\x00", b"\xef\xbb\xbf", b" ", b"https://x", b"#"]


@given(st.lists(st.sampled_from(WORDS), max_size=14).map(b"".join), st.integers(1, 9))
def test_no_answer_is_more_than_broken(body: bytes, step: int) -> None:
    try:
        document = in_pieces(body, list(range(0, len(body), step)))
        value = document.end()
        outputs(value["output"] if isinstance(value, dict) else None, document.payloads)
    except (Broken, NoOutput, KeyError):
        return
    assert json.loads(body)["output"] is not None


# The same over HTTP


PNG = b"\x89PNG" + bytes(range(200))
GOOD = json.dumps({"status": "succeeded", "output": url(PNG), "logs": "made"}).encode()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


async def read_request(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    if length := re.search(rb"(?i)content-length: (\d+)", head):
        await reader.readexactly(int(length[1]))


@asynccontextmanager
async def answering(
    write: Callable[[asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[Callable[..., Awaitable[list[str]]]]:
    """A function that asks a server for a prediction, and gives the hashes."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await write(writer)

    async with listening(handle) as where, CogPredictions() as predictions:

        async def ask(limit: float = 60) -> list[str]:
            return [o.sha256 for o in (await predictions.predict(f"http://{where}", {"seed": 1}, limit)).outputs]

        yield ask


def in_chunks(body: bytes, size: int) -> bytes:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


WHOLE = {
    "announced": HEAD + b"Content-Length: %d\r\n\r\n" % len(GOOD) + GOOD,
    "kept alive": HEAD + b"Connection: keep-alive\r\nContent-Length: %d\r\n\r\n" % len(GOOD) + GOOD,
    "chunked": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + in_chunks(GOOD, 7),
    "until it closes": HEAD.replace(b"1.1", b"1.0") + b"\r\n" + GOOD,
    "compressed": HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(gzip.compress(GOOD, mtime=0))
    + gzip.compress(GOOD, mtime=0),
}  # fmt: skip


@pytest.mark.parametrize("how", WHOLE)
async def test_an_answer_is_hashed_whole_and_not_when_it_breaks_off_at_any_byte(how: str) -> None:
    whole, end = WHOLE[how], 0

    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(whole[:end])
        await writer.drain()

    async with answering(write) as ask:
        end = len(whole)
        assert await ask() == [sha(PNG)]
        # What is left out by these last bytes is the end of the transport and not of the answer.
        left_out = {"chunked": 5, "compressed": 8}.get(how, 0)
        for end in range(len(whole) - left_out - 1, -1, -3):
            with pytest.raises(Failure) as failure:
                await ask()
            assert not SHA256.search(repr(failure.value.problem)), end


async def test_a_server_that_drips_for_ever_ends_with_the_time_limit() -> None:
    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Content-Length: 1000000000\r\n\r\n" + GOOD[:-200])
        while True:
            writer.write(b"A" * 4)
            await writer.drain()
            await asyncio.sleep(0.01)

    async with answering(write) as ask:
        with pytest.raises(Failure) as failure:
            await ask(limit=0.5)
    assert failure.value.problem.code == "timeout"


@pytest.mark.parametrize("length", [str(10**10), "5", "-1", "x", "207, 208"])
async def test_a_size_that_is_announced_wrongly_has_no_hash(length: str) -> None:
    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + f"Content-Length: {length}\r\n\r\n".encode() + GOOD)
        await writer.drain()

    async with answering(write) as ask:
        with pytest.raises(Failure):
            await ask()
