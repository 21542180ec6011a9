"""A real Cog server of a model, and a gate in front of it that counts predictions and can hold one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from arbius_tui.services.servers import free_port

PATIENCE = 120.0


@contextmanager
def cog_server(model: Path, python: str = sys.executable) -> Iterator[str]:
    """The URL of a server of this model, READY; it ends with its worker."""
    port = free_port()
    own = {"PORT": str(port), "COG_PREDICT_TYPE_STUB": "predict.py:Predictor", "PYTHONDONTWRITEBYTECODE": "1"}
    path = os.pathsep.join([str(Path(python).parent), os.environ["PATH"]])
    argv = [python, "-m", "cog.server.http", "--host", "127.0.0.1"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        argv, cwd=model, env={**os.environ, **own, "PATH": path}, stdout=quiet, stderr=quiet
    ) as child:
        try:
            wait_ready(f"http://127.0.0.1:{port}", child)
            yield f"http://127.0.0.1:{port}"
        finally:
            child.terminate()
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()


def wait_ready(url: str, child: subprocess.Popen[bytes]) -> None:
    """Ask until it is READY; AssertionError when it ended or the time is up."""
    tries = threading.Event()
    for _ in range(int(PATIENCE / 0.1)):
        assert child.poll() is None, "the server ended"
        with suppress(OSError, ValueError), urllib.request.urlopen(f"{url}/health-check", timeout=5) as reply:
            if json.load(reply)["status"] == "READY":
                return
        tries.wait(0.1)
    raise AssertionError("the server is not READY")


class Gate:
    """Passes everything on. Predictions after `hold_after` answered ones are held until `let_go`, then mostly dropped.

    `answered` are the inputs of the predictions that the server really answered, in their order.
    """

    def __init__(self, target: str, hold_after: int | None = None) -> None:
        self.target, self.hold_after = target, hold_after
        self.answered: list[dict[str, Any]] = []
        self.drop = True
        self.reached, self.open = threading.Event(), threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"gate": self}))
        self.server.daemon_threads = False
        self.thread = threading.Thread(target=self.server.serve_forever)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> Gate:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.open.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def let_go(self, drop: bool = True) -> None:
        """Hold nothing any more; what was held is dropped, or passed on."""
        self.hold_after, self.drop = None, drop
        self.open.set()


class Handler(BaseHTTPRequestHandler):
    """One request, passed on or held."""

    gate: Gate

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Pass it on."""
        self.passed(None)

    def do_POST(self) -> None:
        """Pass it on, unless this is the one to hold."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.gate.hold_after is not None and len(self.gate.answered) >= self.gate.hold_after:
            self.gate.reached.set()
            self.gate.open.wait(PATIENCE)
            if self.gate.drop:
                self.close_connection = True
                return
        self.passed(body)

    def passed(self, body: bytes | None) -> None:
        """Ask the real server, and give back what it said."""
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.gate.target + self.path, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as reply:
                status, data = reply.status, reply.read()
        except urllib.error.HTTPError as error:
            with error:
                status, data = error.code, error.read()
        if body is not None and status == 200:
            self.gate.answered.append(json.loads(body)["input"])
        with suppress(OSError):
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
