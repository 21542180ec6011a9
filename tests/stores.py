"""Kubo daemons of a test, and doubles of pinning services that answer as these document it, faults included."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from pathlib import Path
from typing import Any

from arbius_tui.domain.cid import cid
from arbius_tui.services.servers import free_port
from tests import parts
from tests.loopback import listening

# -- real nodes


@dataclass
class Daemon:
    """A Kubo daemon; `rpc` is its multiaddr, `gateway` its URL (empty without one)."""

    process: subprocess.Popen[str]
    rpc: str
    gateway: str

    def end(self) -> None:
        """End it as `kill` does."""
        self.process.terminate()
        self.process.wait()


@contextmanager
def kubo(
    folder: Path, *, profile: str = "", offline: bool = False, swarm: bool = False, gateway: bool = False,
    config: Mapping[str, Any] = {},
) -> Iterator[Daemon]:  # fmt: skip
    """A real node of our own on loopback, that knows nobody."""
    binary = parts.need("kubo")["binary"]
    port, served = free_port(), free_port()
    env = {**os.environ, "IPFS_PATH": str(folder)}
    settings = {
        "Addresses.API": f"/ip4/127.0.0.1/tcp/{port}",
        "Addresses.Gateway": f"/ip4/127.0.0.1/tcp/{served}" if gateway else "",
        "Addresses.Swarm": ["/ip4/127.0.0.1/tcp/0"] if swarm else [], "Bootstrap": [], "AutoConf.Enabled": False,
        "DNS.Resolvers": {}, "Routing.DelegatedRouters": [], "Ipns.DelegatedPublishers": [],
        "Discovery.MDNS.Enabled": False, "Swarm.DisableNatPortMap": True, "AutoTLS.Enabled": False, **config,
    }  # fmt: skip
    subprocess.run([binary, "init", "--profile=test"], env=env, check=True, capture_output=True)
    path = folder / "config"
    document = json.loads(path.read_text())
    for name, value in settings.items():
        *above, last = name.split(".")
        at = document
        for part in above:
            at = at.setdefault(part, {})
        at[last] = value
    path.write_text(json.dumps(document))
    if profile:
        subprocess.run([binary, "config", "profile", "apply", profile], env=env, check=True, capture_output=True)
    args = [binary, "daemon", *(["--offline"] if offline else [])]
    process = subprocess.Popen(args, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    daemon = Daemon(process, f"/ip4/127.0.0.1/tcp/{port}", f"http://127.0.0.1:{served}" if gateway else "")
    try:
        assert process.stdout
        assert any("Daemon is ready" in line for line in process.stdout)
        yield daemon
    finally:
        daemon.end()
        assert process.stdout
        process.stdout.close()


# -- HTTP


@dataclass
class Request:
    """What a service was asked."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def form(self) -> dict[str, Message]:
        """The fields of a multipart body by their names."""
        head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
        found = BytesParser().parsebytes(head + self.body)
        parts_ = found.get_payload()
        assert isinstance(parts_, list)
        return {str(part.get_param("name", header="content-disposition")): part for part in parts_}


Said = tuple[int, str, bytes, Mapping[str, str]]


def said(status: int, document: Any = None, **headers: str) -> Said:
    """An answer in JSON; bytes are sent as they are, as HTML if they begin with <."""
    if isinstance(document, bytes):
        return status, "text/html" if document.startswith(b"<") else "application/json", document, headers
    return status, "application/json", json.dumps(document).encode(), headers


HANG = said(-1)
CUT = said(-2, b'{"IpfsHash": "Qm')


@dataclass
class Service:
    """A double of an HTTP service. What is in `next` is said first, one answer a request; then `answer` decides."""

    token: str = "jwt-canary-7d21"
    next: list[Said] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    async def answer(self, request: Request) -> Said:
        """What the service says."""
        raise NotImplementedError

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, _, rest = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").partition("\r\n")
        pairs = (line.partition(": ") for line in rest.split("\r\n") if line)
        headers = {name.lower(): value for name, _, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        method, path, _ = first.split(" ")
        request = Request(method, path, headers, body)
        self.requests.append(request)
        status, kind, out, more = self.next.pop(0) if self.next else await self.judged(request)
        if status == -1:
            await reader.read()
            return
        length = 999 if status == -2 else len(out)
        lines = [f"HTTP/1.1 {200 if status == -2 else status} X", f"Content-Type: {kind}", f"Content-Length: {length}"]
        lines += ["Connection: close", *(f"{name.replace('_', '-')}: {value}" for name, value in more.items()), "", ""]
        writer.write("\r\n".join(lines).encode() + out)
        await writer.drain()

    async def judged(self, request: Request) -> Said:
        """The answer, if the token is right."""
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return said(401, {"error": {"reason": "INVALID_CREDENTIALS", "details": "Invalid/expired credentials"}})
        return await self.answer(request)


class PinataDouble(Service):
    """Pinata's `pinFileToIPFS` and `pinList`, as docs.pinata.cloud says."""

    def __init__(self) -> None:
        super().__init__()
        self.pins: dict[str, bytes] = {}

    async def answer(self, request: Request) -> Said:
        """Pin a file as CIDv0 only if that is asked for."""
        if (request.method, request.path) == ("POST", "/pinning/pinFileToIPFS"):
            form = request.form()
            data = form["file"].get_payload(decode=True)
            assert isinstance(data, bytes)
            assert json.loads(str(form["pinataOptions"].get_payload())) == {"cidVersion": 0}
            found = cid(data)
            again, self.pins[found] = found in self.pins, data
            stamp = "2026-11-22T22:00:00.000Z"
            return said(200, {"IpfsHash": found, "PinSize": len(data) + 11, "Timestamp": stamp, "isDuplicate": again})
        if request.method == "GET" and (wanted := re.search(r"^/data/pinList\?.*hashContains=(\w+)", request.path)):
            rows = [{"id": "1", "ipfs_pin_hash": pin, "size": 1} for pin in self.pins if pin == wanted[1]]
            return said(200, {"count": len(rows), "rows": rows})
        return said(404, {"error": {"reason": "NOT_FOUND", "details": request.path}})


class PsaDouble(Service):
    """The Pinning Service API 1.0.0. With `fetch` it really pins: the function gets the CID and its origins."""

    def __init__(self, fetch: Any = None, delegates: tuple[str, ...] = ("/ip4/127.0.0.1/tcp/9/p2p/12D3KooWX",)) -> None:
        super().__init__()
        self.pins: dict[str, dict[str, Any]] = {}
        self.fetch, self.delegates = fetch, list(delegates)
        self.steps = ["queued", "pinning", "pinned"]
        """States that the looks at a new pin give, one after the other."""

    async def answer(self, request: Request) -> Said:
        """POST /pins, GET /pins, GET /pins/{requestid}."""
        if (request.method, request.path) == ("POST", "/pins"):
            pin = json.loads(request.body)
            assert pin["cid"]
            assert len(pin.get("name", "")) <= 255
            assert len(pin.get("origins", [])) <= 20
            request_id = f"req-{len(self.pins) + 1}"
            self.pins[request_id] = {
                "requestid": request_id, "status": self.steps[0], "created": "2026-11-22T22:00:00Z", "pin": pin,
                "delegates": self.delegates, "info": {}, "left": self.steps[1:],
            }  # fmt: skip
            if self.fetch:
                await self.fetch(pin["cid"], pin.get("origins", []))
            return said(202, self.shown(request_id))
        if request.method == "GET" and (one := re.fullmatch(r"/pins/([\w-]+)", request.path)):
            if one[1] not in self.pins:
                return said(404, {"error": {"reason": "NOT_FOUND", "details": "The specified resource was not found"}})
            pin = self.pins[one[1]]
            pin["status"] = pin["left"].pop(0) if pin["left"] else pin["status"]
            return said(200, self.shown(one[1]))
        if request.method == "GET" and request.path.startswith("/pins?"):
            wanted = re.search(r"cid=(\w+)", request.path)
            assert wanted
            states = re.search(r"status=([\w,%]+)", request.path)
            known = (states[1] if states else "pinned").replace("%2C", ",").split(",")
            found = [
                self.shown(id) for id, pin in self.pins.items()
                if pin["pin"]["cid"] == wanted[1] and pin["status"] in known
            ]  # fmt: skip
            return said(200, {"count": len(found), "results": found})
        return said(404, {"error": {"reason": "NOT_FOUND", "details": request.path}})

    def shown(self, id: str) -> dict[str, Any]:
        """A PinStatus."""
        return {key: value for key, value in self.pins[id].items() if key != "left"}


@asynccontextmanager
async def serving(service: Service) -> AsyncIterator[str]:
    """The service on loopback; its URL."""
    async with listening(service) as address:
        yield f"http://{address}"
