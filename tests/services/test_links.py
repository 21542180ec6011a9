"""An output behind a link is hashed whole, and no server can send us where it has no business."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ipaddress
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from arbius_tui.domain.errors import Failure
from arbius_tui.services import links
from arbius_tui.services.links import REACH, zone, zone_of
from arbius_tui.services.predictions import CogPredictions
from tests.loopback import listening

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(100))
Replies = dict[str, bytes | Callable[[], bytes]]


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def answer(body: bytes, status: str = "200 OK", length: int | None = None, more: str = "") -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Type: image/png\r\nContent-Length: {size}\r\n{more}\r\n".encode() + body


def moved(where: str) -> bytes:
    return answer(b"", "302 Found", more=f"Location: {where}\r\n")


@asynccontextmanager
async def place(replies: Replies) -> AsyncIterator[tuple[str, CogPredictions, list[str]]]:
    """A server whose prediction is the reply at "" and whose files are the others; gives its URL and what was asked.

    The word HERE in a reply is its own URL.
    """
    asked: list[str] = []
    here = ""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, path, _ = head.split(" ", 2)
        if length := re.search(r"(?i)content-length: (\d+)", head):
            await reader.readexactly(int(length[1]))
        reply = replies.get("" if method == "POST" else path.lstrip("/"), answer(b"no", "404 Not Found"))
        data = reply() if callable(reply) else reply
        if method == "GET":
            asked.append(head)
        if method == "POST":
            data = answer(data.replace(b"HERE", here.encode()))
        writer.write(data.replace(b"HERE", here.encode()))
        await writer.drain()

    async with listening(handle) as address, CogPredictions() as predictions:
        here = f"http://{address}"
        yield here, predictions, asked


def done(output: Any) -> bytes:
    return json.dumps({"status": "succeeded", "output": output}).encode()


async def refused(output: Any, replies: Replies, *, code: str = "output-broken") -> str:
    """What is said of an output that is not hashed."""
    async with place({"": done(output), **replies}) as (url, predictions, _):
        with pytest.raises(Failure) as failure:
            await predictions.predict(url, {"seed": 1}, limit=60)
    assert failure.value.problem.code == code
    assert not re.search("[0-9a-f]{64}", repr(failure.value.problem))
    return failure.value.problem.what


async def test_what_lies_behind_a_link_is_the_output(tmp_path: Path) -> None:
    data = "data:image/png;base64," + base64.b64encode(b"inline").decode()
    output = {"b": ["HERE/one.png", data], "a": "HERE/two?signature=x"}
    async with place({"": done(output), "one.png": answer(PNG), "two?signature=x": answer(b"two")}) as (
        url,
        asks,
        asked,
    ):
        found = await asks.predict(url, {"seed": 1}, folder=tmp_path)
    assert [o.sha256 for o in found.outputs] == [sha(b"two"), sha(PNG), sha(b"inline")]
    assert [Path(o.path).read_bytes() for o in found.outputs] == [b"two", PNG, b"inline"]
    assert [o.filename for o in found.outputs] == ["out-1.png", "out-2.png", "out-3.png"]
    assert not list(tmp_path.glob("part-*"))
    assert all("authorization" not in head.lower() and "cookie" not in head.lower() for head in asked)


async def test_a_list_of_links_needs_no_schema_and_pieces_of_a_text_are_no_links() -> None:
    async with place({"": done(["HERE/1", "HERE/2"]), "1": answer(b"1"), "2": answer(b"2")}) as (url, asks, _):
        assert [o.sha256 for o in (await asks.predict(url, {})).outputs] == [sha(b"1"), sha(b"2")]
    async with place({"": done(["see ", "HERE/1", " there"])}) as (url, asks, asked):
        (text,) = (await asks.predict(url, {})).outputs
    assert text.sha256 == sha(f"see {url}/1 there".encode())
    assert [head for head in asked if head.startswith("GET /1")] == []


async def test_what_changes_between_two_predictions_has_two_hashes(tmp_path: Path) -> None:
    versions = iter([b"first", b"second"])
    async with place({"": done("HERE/x"), "x": lambda: answer(next(versions))}) as (url, asks, _):
        for name, wanted in (("1", b"first"), ("2", b"second")):
            (tmp_path / name).mkdir()
            (found,) = (await asks.predict(url, {"seed": 1}, folder=tmp_path / name)).outputs
            assert found.sha256 == sha(wanted) == sha(Path(found.path).read_bytes())


async def test_redirects_are_followed_a_few_times() -> None:
    chain: Replies = {str(n): moved(f"/{n + 1}") for n in range(9)}
    async with place({"": done("HERE/4"), **chain, "9": answer(PNG)}) as (url, asks, _):
        assert [o.sha256 for o in (await asks.predict(url, {})).outputs] == [sha(PNG)]
    assert "from one place to the next" in await refused("HERE/0", chain)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (answer(b"gone", "404 Not Found"), "HTTP 404"),
        (answer(b"", "304 Not Modified"), "HTTP 304"),
        (answer(PNG, "206 Partial Content"), "HTTP 206"),
        (answer(PNG, length=500), "broke off"),
        (b"HTTP/1.0 200 OK\r\n\r\n" + PNG, "how much there is"),
        (answer(PNG, more="Content-Encoding: gzip\r\n"), "compressed"),
        (b"", "broke off"),
        (b"HTTP/1.1 200 OK\r\n", "broke off"),
        (moved("file:///etc/passwd"), "never followed"),
        (moved("http://169.254.169.254/latest/meta-data/"), "may not send us"),
    ],
)
async def test_what_is_no_whole_file_has_no_hash(reply: bytes, said: str) -> None:
    assert said in await refused("HERE/x", {"x": reply})


@pytest.mark.parametrize("length", [10**10, 2000])
async def test_too_much_is_refused_when_it_is_announced_and_when_it_comes(
    length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + bytes(2000) + b"\r\n0\r\n\r\n"
    async with place({"": done("HERE/x"), "x": chunked if length == 2000 else answer(b"", length=length)}) as found:
        url, predictions, _ = found
        predictions.largest = 1000
        with pytest.raises(Failure) as failure:
            await predictions.predict(url, {})
    assert failure.value.problem.code == "output-too-big"


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ("file:///etc/passwd", "never followed"),
        ("s3://bucket/key", "never followed"),
        ("http:///nowhere", "never followed"),
        ("http://169.254.169.254/latest/meta-data/iam", "may not send us"),
        ("http://[fe80::1]/x", "may not send us"),
        ("http://[::ffff:169.254.169.254]/x", "may not send us"),
        ("http://0.0.0.0:80/x", "may not send us"),
        ("http://2852039166/x", "may not send us"),
        ("http://127.0.0.1:99999/x", ""),
        ("http://127.0.0.1:1/x?token=secret", "broke off"),
    ],
)
@pytest.mark.parametrize("wrap", [lambda link: link, lambda link: {"image": [link]}])
async def test_a_link_that_leads_astray_is_not_followed(link: str, said: str, wrap: Callable[[str], Any]) -> None:
    what = await refused(wrap(link), {})
    assert said in what
    assert "secret" not in what


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("8.8.8.8", "public"), ("2606:4700::1111", "public"), ("127.0.0.1", "loopback"), ("::1", "loopback"),
        ("10.1.2.3", "private"), ("172.31.0.1", "private"), ("192.168.1.1", "private"), ("fd12::1", "private"),
        ("169.254.169.254", "forbidden"), ("::ffff:169.254.169.254", "forbidden"), ("fd00:ec2::254", "forbidden"),
        ("192.0.0.192", "forbidden"), ("100.100.100.200", "forbidden"), ("0.0.0.0", "forbidden"),
        ("224.0.0.1", "forbidden"), ("2002:7f00:1::", "forbidden"), ("64:ff9b::a9fe:a9fe", "forbidden"),
        ("::ffff:127.0.0.1", "loopback"), ("::", "forbidden"), ("255.255.255.255", "forbidden"),
    ],
)  # fmt: skip
def test_every_address_has_its_zone(address: str, kind: str) -> None:
    assert zone_of(ipaddress.ip_address(address)) == kind


@pytest.mark.parametrize(
    ("home", "followed"),
    [
        ("http://127.0.0.1:1", True),
        ("http://10.0.0.7", False),
        ("https://8.8.8.8", False),
        ("http://100.64.0.1", False),
    ],
)
async def test_only_a_server_on_this_machine_may_send_us_to_this_machine(home: str, followed: bool) -> None:
    assert ("loopback" in REACH[await zone(home)]) is followed
    assert ("private" in REACH[await zone(home)]) is (followed or "10." in home)
    assert "public" in REACH[await zone(home)]
    assert all("forbidden" not in reach for reach in REACH.values())


async def test_a_server_elsewhere_is_told_that_it_may_not(monkeypatch: pytest.MonkeyPatch) -> None:
    async def elsewhere(url: str) -> links.Zone:
        return "public"

    monkeypatch.setattr(links, "zone", elsewhere)
    assert "may not send us" in await refused("HERE/x", {"x": answer(PNG)})
