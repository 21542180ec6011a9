"""Gateways: a real one, and everything that one may say; only a block with the right hash is given out."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from arbius_tui.domain.cid import block, cid, content
from arbius_tui.domain.errors import BadInput, PinFailed
from arbius_tui.services.gateways import Gateway, first
from arbius_tui.services.ipfs import KuboNode
from tests import parts
from tests.loopback import listening

DATA = b'{"meta":{},"input":[],"output":[]}\n'
WANTED = cid(DATA)


def answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


class Said:
    """A gateway that says this and remembers what it was asked."""

    def __init__(self, *answers: bytes) -> None:
        self.answers, self.heard = list(answers), list[str]()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.heard.append((await reader.readuntil(b"\r\n\r\n")).decode())
            writer.write(self.answers.pop(0))
            await writer.drain()
        finally:
            writer.close()


async def test_a_block_is_asked_for_raw_and_its_hash_is_checked() -> None:
    said = Said(answer(block(DATA)))
    async with listening(said) as where:
        found = await Gateway(f"http://{where}").block(WANTED)
    assert content(found) == DATA
    assert said.heard[0].startswith(f"GET /ipfs/{WANTED}?format=raw HTTP/1.1\r\n")
    assert "accept: application/vnd.ipld.raw" in said.heard[0].lower()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (answer(b"<html>", "200 OK", "Content-Type: text/html"), "cid-mismatch"),
        (answer(block(b"other")), "cid-mismatch"),
        (answer(b"\x1b[2Jnot here", "504 Gateway Timeout"), "gateway-absent"),
        (answer(b"x" * (3 << 20)), "gateway-absent"),
        (answer(b"", "302 Found", "Location: http://127.0.0.1:9/"), "gateway-unreachable"),
        (b"no HTTP", "gateway-unreachable"),
        (b"", "gateway-unreachable"),
    ],
)
async def test_anything_else_is_a_failure_in_words(body: bytes, code: str) -> None:
    async with listening(Said(body)) as where:
        with pytest.raises(PinFailed) as failure:
            await Gateway(f"http://{where}").block(WANTED)
    assert failure.value.problem.code == code
    assert "\x1b" not in failure.value.problem.detail + failure.value.problem.what


async def test_a_redirect_to_its_own_name_for_the_cid_is_followed() -> None:
    there, here = Said(answer(block(DATA))), Said()
    async with listening(there) as target, listening(here) as start:
        here.answers.append(answer(b"", "301 Moved", f"Location: http://{target}/"))
        assert content(await Gateway(f"http://{start}").block(WANTED)) == DATA


async def test_the_first_good_block_wins_and_the_others_are_given_up() -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read()
        finally:
            writer.close()

    async with (
        listening(hang) as slow,
        listening(Said(answer(b"other"))) as wrong,
        listening(Said(answer(block(DATA)))) as good,
    ):
        asked = [Gateway(f"http://{where}") for where in (slow, wrong, good)]
        place, found = await first(asked, WANTED)
    assert (place, content(found)) == (f"gateway {good}", DATA)


async def test_nobody_has_it() -> None:
    with pytest.raises(PinFailed) as failure:
        await first([Gateway("http://127.0.0.1:9"), Gateway("http://127.0.0.1:9", 0.001)], WANTED)
    assert failure.value.problem.what.count("127.0.0.1:9") == 2
    with pytest.raises(PinFailed):
        await first([], WANTED)


async def test_only_a_cidv0_and_an_address_are_taken() -> None:
    with pytest.raises(BadInput):
        await Gateway("http://127.0.0.1:9").block("bafkreibth7m62")
    with pytest.raises(BadInput):
        Gateway("ftp://example.org")


@pytest.mark.real
async def test_a_real_gateway() -> None:
    nodes = parts.need("kubo")
    data = DATA + b" "
    async with KuboNode(nodes["rpc1"]) as node:
        await node.pin(data, "t.json")
    assert content(await Gateway(nodes["gateway1"]).block(cid(data))) == data


async def test_a_gateway_that_gives_the_file_is_as_good_as_one_that_gives_the_block() -> None:
    async with listening(Said(answer(DATA))) as where:
        assert await Gateway(f"http://{where}").block(WANTED) == block(DATA)


async def test_a_gateway_that_is_still_looking_is_asked_again() -> None:
    late = answer(b"", "504 Gateway Timeout")
    async with listening(Said(late, answer(b"", "429 X", "Retry-After: 0.01"), answer(block(DATA)))) as where:
        assert content(await Gateway(f"http://{where}", tries=3, pause=0).block(WANTED)) == DATA
    async with listening(Said(late, late)) as where:
        with pytest.raises(PinFailed) as failure:
            await Gateway(f"http://{where}", tries=2, pause=0).block(WANTED)
    assert failure.value.problem.code == "gateway-absent"


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (answer(b"slow down", "429 Too Many"), "gateway-busy", "fewer calls"),
        (answer(b"<html>no", "200 OK", "Content-Type: text/html; charset=utf-8"), "cid-mismatch", "web page"),
        (answer(block(DATA)).replace(b"Content-Length: 4", b"Content-Length: 9"), "gateway-unreachable", "answer"),
        (answer(b"", "302 Found", "Location: ftp://x/"), "gateway-unreachable", "do not go there"),
    ],
)
async def test_what_was_wrong_is_said(body: bytes, code: str, words: str) -> None:
    async with listening(Said(body)) as where:
        with pytest.raises(PinFailed) as failure:
            await Gateway(f"http://{where}").block(WANTED)
    assert failure.value.problem.code == code
    assert words in failure.value.problem.what


async def test_a_gateway_that_sends_us_round_in_a_circle_is_left() -> None:
    loop = answer(b"", "302 Found", f"Location: /ipfs/{WANTED}")
    async with listening(Said(*[loop] * 9)) as where:
        with pytest.raises(PinFailed) as failure:
            await Gateway(f"http://{where}").block(WANTED)
    assert "more than 5 times" in failure.value.problem.what


def test_a_gateway_elsewhere_cannot_send_us_to_this_machine() -> None:
    far = Gateway("https://gateway.example")
    for target in ("http://127.0.0.1:8080/ipfs/x", "http://localhost:8080/", "http://[::1]/", "http://0.0.0.0/"):
        with pytest.raises(PinFailed):
            far._onward("https://gateway.example/ipfs/x", target)
    assert far._onward("https://gateway.example/ipfs/x", "https://x.ipfs.gateway.example/") is not None


@pytest.mark.real
async def test_only_the_gateway_of_a_node_has_at_once_what_the_node_has() -> None:
    nodes = parts.need("kubo")
    async with KuboNode(nodes["rpc1"]) as node:
        probe = await node.probe(secrets.token_bytes(32))
        assert await Gateway(nodes["gateway1"]).cached(probe)
        assert not await Gateway(nodes["gateway2"]).cached(probe)
        await node.forget(probe)
        assert not await Gateway(nodes["gateway1"]).cached(probe)
