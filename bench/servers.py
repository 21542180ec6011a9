"""Servers that answer as Cog does, for measures that need more of them, or more bytes, than a real one gives here.

`servers.py COUNT DEFAULTS` serves on COUNT ports of loopback and prints their URLs. The inputs, or the defaults given
as a JSON object, say what a prediction is like: `mb` of output, `wait` seconds of work that is no work for this
machine's processor, as on a graphics card, and `rate` in MB/s at which the output comes (0: as fast as it goes). It is
run as a program and imports nothing of ours.
"""

from __future__ import annotations

import base64
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MB = 999_999
"""Bytes of one MB here: base64 of them needs no padding."""

BLOCK = base64.b64encode(bytes(range(256)) * 3906 + bytes(63))
PIECES = 12
PIECE = len(BLOCK) // PIECES
"""Characters that are sent at once; a line delivers its bytes evenly, too."""

HEAD, TAIL = b'{"output":"data:video/mp4;base64,', b'","status":"succeeded","logs":""}'
NUMBERS = {"mb": 1, "wait": 0, "rate": 0, "seed": 0}
HEALTH = {"status": "READY", "setup": {"status": "succeeded", "started_at": "2026-01-01T00:00:00Z", "logs": ""}}


class Model(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """The health, or the schema."""
        self.give(HEALTH if self.path == "/health-check" else schema() if self.path == "/openapi.json" else {})

    def do_POST(self) -> None:
        """A prediction."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["input"]
        wanted = {**NUMBERS, **asked}
        time.sleep(wanted["wait"])
        first = base64.b64encode(int(wanted["seed"]).to_bytes(9, "big"))
        self.start(len(HEAD) + len(first) + wanted["mb"] * len(BLOCK) + len(TAIL))
        self.wfile.write(HEAD + first)
        began = time.monotonic()
        for number in range(wanted["mb"] * PIECES):
            if wanted["rate"]:
                time.sleep(max(0.0, began + number / PIECES / wanted["rate"] - time.monotonic()))
            at = number % PIECES * PIECE
            self.wfile.write(BLOCK[at : at + PIECE])
        self.wfile.write(TAIL)

    def give(self, document: dict[str, Any]) -> None:
        """A small answer."""
        body = json.dumps(document).encode()
        self.start(len(body))
        self.wfile.write(body)

    def start(self, length: int) -> None:
        """The head of an answer."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(length))
        self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


def schema() -> dict[str, Any]:
    """The OpenAPI document, as much as is read of it."""
    inputs = {
        name: {"type": "integer" if name in ("mb", "seed") else "number", "default": value, "x-order": n}
        for n, (name, value) in enumerate(NUMBERS.items())
    }
    return {"components": {"schemas": {"Input": {"properties": inputs}, "Output": {"type": "string", "format": "uri"}}}}


class Quiet(ThreadingHTTPServer):
    """A server that says nothing of clients that have gone."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing."""


def main() -> None:
    """Serve until stdin ends."""
    NUMBERS.update(json.loads(sys.argv[2]))
    servers = [Quiet(("127.0.0.1", 0), Model) for _ in range(int(sys.argv[1]))]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(" ".join(f"http://127.0.0.1:{server.server_port}" for server in servers), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
