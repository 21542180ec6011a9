"""The whole program against every answer that is no success: not one hash on stdout, in the report or on disk."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import json
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.loopback import listening
from tests.stories.conftest import PROGRAM

HEX = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4
FILE = b"data:image/png;base64," + base64.b64encode(PNG)
HEALTH = {"status": "READY", "setup": {"status": "succeeded", "started_at": "2026-01-01T00:00:00Z"}}
SCHEMA = {"components": {"schemas": {"Input": {"properties": {"seed": {"type": "integer", "default": 0}}}}}}
GOOD = 999_999
"""The seed of the one case that succeeds: its hash shows that the search finds one."""

DRIP = 1_000_000
"""The seed of an answer that never ends."""


def said(body: bytes, status: int = 200, length: int | None = None, mime: str = "application/json") -> bytes:
    size = len(body) if length is None else length
    return b"HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (status, mime.encode(), size) + body


def reply(status: str, output: bytes = b'"' + FILE + b'"', more: bytes = b"") -> bytes:
    return b'{"output":' + output + b',"status":"' + status.encode() + b'"' + more + b"}"


OK = reply("succeeded")
NO_SUCCESS = {
    "failed": said(reply("failed", more=b',"error":"boom"')),
    "failed without an error": said(reply("failed")),
    "canceled": said(reply("canceled")),
    "processing": said(reply("processing"), 202),
    "starting": said(reply("starting"), 201),
    "an unknown status": said(reply("great")),
    "no status": said(b'{"output":"' + FILE + b'"}'),
    "status is a number": said(b'{"status":200,"output":"' + FILE + b'"}'),
    "output null": said(reply("succeeded", b"null")),
    "output empty": said(reply("succeeded", b'""')),
    "an empty list": said(reply("succeeded", b"[]")),
    "an empty file": said(reply("succeeded", b'"data:image/png;base64,"')),
    "one empty file of two": said(reply("succeeded", b'["' + FILE + b'","data:image/png;base64,"]')),
    "422": said(b'{"detail":[{"loc":["body","input","seed"],"msg":"bad"}],"output":"' + FILE + b'"}', 422),
    "422 with a success in it": said(OK, 422),
    "500 text": said(b"Internal Server Error", 500, mime="text/plain"),
    "500 with a success in it": said(OK, 500),
    "503": said(OK, 503),
    "401": said(OK, 401),
    "204": said(b"", 204),
    "206": said(OK, 206),
    "redirect": said(OK, 302).replace(b"Content-Type", b"Location: /predictions/x\r\nContent-Type"),
    "dropped at once": b"",
    "dropped in the head": said(OK)[:30],
    "dropped after the head": said(OK)[: said(OK).index(b"{")],
    "dropped in the base64": said(OK)[:500],
    "dropped before the last byte": said(OK)[:-1],
    "an empty body": said(b""),
    "HTML": said(b"<html><img src='" + FILE + b"'></html>", mime="text/html"),
    "truncated JSON": said(OK[:-3]),
    "JSON and then more": said(OK + b"x"),
    "two answers": said(OK + OK),
    "a list": said(b"[" + OK + b"]"),
    "base64 cut": said(reply("succeeded", b'"' + FILE[:-3] + b'"')),
    "base64 invalid": said(reply("succeeded", b'"' + FILE[:-8] + b'@@@@AAAA"')),
    "base64 of another alphabet": said(reply("succeeded", b'"data:image/png;base64,--__"')),
    "base64 with an escape that is none": said(reply("succeeded", b'"data:image/png;base64,AA\\q"')),
    "base64 with a lone surrogate": said(reply("succeeded", b'"data:image/png;base64,\\ud800"')),
    "10 GB announced": said(OK, length=10_000_000_000),
    "a length too long": said(OK, length=len(OK) + 1),
    "a length too short": said(OK, length=len(OK) - 1),
    "two lengths": said(OK).replace(b"Content-Length", b"Content-Length: 7\r\nContent-Length"),
    "HTTP/1.0 that closes early": b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + OK[:-20],
    "chunks that end early": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s" % (len(OK), OK[:-1]),
    "gzip cut": said(gzip.compress(OK, mtime=0)[:-20]).replace(b"\r\n", b"\r\nContent-Encoding: gzip\r\n", 1),
    "gzip that is none": said(OK).replace(b"\r\n", b"\r\nContent-Encoding: gzip\r\n", 1),
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "a link that leads nowhere": said(reply("succeeded", b'"http://127.0.0.1:1/out.png"')),
    "a link to a file": said(reply("succeeded", b'"file:///etc/hostname"')),
    "a link to the metadata": said(reply("succeeded", b'["http://169.254.169.254/latest/meta-data"]')),
    "a forged mark": said(reply("succeeded", b'["' + FILE + b'","\\u0064ata:image/png;base64,#0"]')),
    "nested too deep": said(reply("succeeded", b"[" * 5000 + b"]" * 5000)),
    "the worker crashed": said(reply("failed", more=b',"error":"Worker crashed"')),
}  # fmt: skip
"""The last one ends the server, and is the last for that."""


@asynccontextmanager
async def server(dripping: asyncio.Event) -> AsyncIterator[str]:
    """A server that answers by the seed it is asked for; its URL."""
    answers = list(NO_SUCCESS.values())

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"GET"):
            writer.write(said(json.dumps(HEALTH if b"/health-check" in head else SCHEMA).encode()))
            return await writer.drain()
        length = re.search(rb"(?i)content-length: (\d+)", head)
        assert length is not None
        seed = json.loads(await reader.readexactly(int(length[1])))["input"]["seed"]
        if seed == DRIP:
            writer.write(said(OK, length=10**9))
            while True:
                await writer.drain()
                dripping.set()
                await asyncio.sleep(0.05)
                writer.write(b" ")
        writer.write(said(OK) if seed == GOOD else answers[seed])
        await writer.drain()

    async with listening(handle) as address:
        yield f"http://{address}"


async def program(*arguments: str, home: Path) -> asyncio.subprocess.Process:
    """The installed command, with everything it keeps in this folder."""
    home.mkdir(exist_ok=True)
    kinds = {f"XDG_{kind}_HOME": str(home / kind.lower()) for kind in ("CONFIG", "CACHE", "DATA", "STATE")}
    return await asyncio.create_subprocess_exec(
        PROGRAM, *arguments, "--no-input", cwd=home, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "HOME": str(home), "TMPDIR": str(home), **kinds},
    )  # fmt: skip


def listed(path: Path, seeds: dict[str, int]) -> Path:
    """A file of cases."""
    path.write_text(json.dumps({"cases": [{"id": name, "seed": seed} for name, seed in seeds.items()]}))
    return path


def hashes(home: Path, printed: bytes) -> set[str]:
    """Every hash that was printed or lies in a file that the program wrote, also as a file's name."""
    files = [path for path in home.rglob("*") if path.is_file()]
    texts = [printed, *(path.read_bytes() for path in files), *(str(path).encode() for path in files)]
    return {found.decode() for text in texts for found in HEX.findall(text)}


@pytest.mark.parametrize("face", ["--json", "--plain"])
async def test_no_answer_but_a_success_has_a_hash(face: str, tmp_path: Path) -> None:
    wanted = {hashlib.sha256(PNG).hexdigest()}
    seeds = {"good": GOOD, **{name: number for number, name in enumerate(NO_SUCCESS)}}
    cases, home = listed(tmp_path / "cases.json", seeds), tmp_path / "home"
    async with server(asyncio.Event()) as url:
        done = await program("run", "--endpoint", url, "--project", "x", home=home)
        await done.communicate()
        assert done.returncode == 0
        command = ("seed-test", "--project", "x", "--cases", str(cases), "--report", str(home / "report"), face)
        done = await program(*command, home=home)
        printed, _ = await done.communicate()
    assert done.returncode == 4, printed[-3000:]
    report = json.loads((home / "report" / "seed-test.json").read_text())
    statuses = {case["id"]: case["status"] for case in report["cases"]}
    assert statuses == {name: "succeeded" if name == "good" else "failed" for name in seeds}
    assert hashes(home, printed) == wanted
    assert b"Traceback" not in printed


async def test_an_answer_that_never_ends_leaves_no_hash_behind(tmp_path: Path) -> None:
    dripping, home = asyncio.Event(), tmp_path / "home"
    cases = listed(tmp_path / "cases.json", {"drip": DRIP})
    async with server(dripping) as url:
        done = await program("run", "--endpoint", url, "--project", "x", home=home)
        await done.communicate()
        done = await program("seed-test", "--project", "x", "--cases", str(cases), "--json", home=home)
        asked = asyncio.create_task(done.communicate())
        await dripping.wait()
        done.send_signal(signal.SIGINT)
        printed, _ = await asked
    assert done.returncode == 130
    assert hashes(home, printed) == set()
