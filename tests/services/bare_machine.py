"""A machine with nothing on it, and what a test puts there: programs on PATH, an Engine on a socket, a chain."""

from __future__ import annotations

import asyncio
import json
import stat
from contextlib import asynccontextmanager
from dataclasses import replace

from arbius_tui.domain.networks import NETWORKS
from arbius_tui.services.ports import Subject
from arbius_tui.services.toolchain import Toolchain
from tests.loopback import listening

DEAF = "http://127.0.0.1:9"
"""The discard port on loopback: nobody listens."""


def network(*rpcs: str):
    return replace(NETWORKS["one"], rpcs=rpcs or (DEAF, DEAF))


def toolchain(*rpcs: str, **more) -> Toolchain:
    return Toolchain(network(*rpcs), **{"ipfs": DEAF, **more})


async def rows_of(chain: Toolchain, only: str | None = None, subject: Subject | None = None):
    """(the rows as they were first said, the last word on each by id)"""
    said = [check async for check in chain.checks(only, subject)]
    count = len({check.id for check in said})
    assert len(said) == 2 * count
    return said[:count], {check.id: check for check in said[count:]}


async def finding(id: str, *rpcs: str, **more):
    return (await rows_of(toolchain(*rpcs, **more), id))[1][id]


def program(folder, name: str, script: str) -> None:
    """Put a program on PATH; `script` is plain sh without anything else on PATH."""
    path = folder / "bin" / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@asynccontextmanager
async def serving(answer, *, path: str = ""):
    """An HTTP server on loopback or on a socket; `answer(path, body)` gives an object, text, or (status, text)."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := (await reader.readuntil(b"\r\n\r\n")).decode():
            length = next(
                (int(h.split(":")[1]) for h in head.lower().split("\r\n") if h.startswith("content-length")), 0
            )
            said = answer(head.split(" ")[1], await reader.readexactly(length))
            status, text = said if isinstance(said, tuple) else (200, said)
            body = (text if isinstance(text, str) else json.dumps(text)).encode()
            writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()

    async with listening(talk, path) as address:
        yield "" if path else f"http://{address}"


def engine(folder, answers):
    """A Docker Engine on the socket of this test."""
    return serving(lambda path, body: answers.get(path, (404, "{}")), path=str(folder / "docker.sock"))


class Chain:
    """A node's JSON-RPC with one engine."""

    def __init__(self, chain_id: int = 42161, code: str = "0x60", version: int = 6, paused: int = 0) -> None:
        self.chain_id, self.code, self.version, self.paused = chain_id, code, version, paused
        self.head = 391_204_118

    def __call__(self, path: str, body: bytes):
        call = json.loads(body)
        data = call["params"][0]["data"] if call["method"] == "eth_call" else ""
        results = {
            "eth_chainId": hex(self.chain_id), "eth_blockNumber": hex(self.head), "eth_getCode": self.code,
            "eth_call": f"0x{self.version if data == '0x54fd4d50' else self.paused:064x}",
        }  # fmt: skip
        return {"jsonrpc": "2.0", "id": call["id"], "result": results[call["method"]]}
