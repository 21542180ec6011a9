"""A double of Replicate's HTTP API on loopback, written from its documentation; the service itself is not reachable.

https://replicate.com/docs/reference/http: a prediction is created (201, `starting`), looked at until its status is
`succeeded`, `failed` or `canceled`, and can be cancelled; files in outputs are links; errors are objects with `title`,
`detail` and `status`, a 429 has `retry_after` in its body and in the header.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

TOKEN = "r8_ThisIsADoubleAndNoToken00000000000000"
VERSION = "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa"
SCHEMA: dict[str, Any] = {
    "components": {
        "schemas": {
            "Input": {
                "type": "object",
                "required": ["prompt"],
                "properties": {
                    "prompt": {"type": "string", "x-order": 0, "title": "Prompt"},
                    "seed": {"type": "integer", "x-order": 1, "title": "Seed", "default": 0},
                },
            },
            "Output": {"type": "string", "format": "uri"},
        }
    }
}


@dataclass
class File:
    """Something that an output links to."""

    data: bytes
    mime: str = "image/png"


@dataclass
class Replicate:
    """What it answers. `refuse` gives a status, a body and headers in place of the answer to `METHOD path`."""

    model: Callable[[Mapping[str, Any]], Any]
    base: str = ""
    looks: int = 1
    """How often a prediction is looked at before it is over; -1: it never is."""
    refuse: Callable[[str], tuple[int, Any, dict[str, str]] | None] = lambda what: None
    schema: dict[str, Any] = field(default_factory=lambda: SCHEMA)
    version: dict[str, Any] | None = field(default_factory=dict)
    """More of the version; None: the model has none."""
    created: asyncio.Event = field(default_factory=asyncio.Event)
    looked: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    predictions: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)

    @property
    def canceled(self) -> list[str]:
        return [id for id, one in self.predictions.items() if one["status"] == "canceled"]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        what = f"{request.method} {request.path}"
        self.asked.append(what)
        self.headers.append(request.headers)
        if (no := self.refuse(what)) is not None:
            status, body, headers = no
            if isinstance(body, str):
                return web.Response(status=status, text=body, headers=headers)
            return web.json_response(body, status=status, headers=headers)
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            detail = "You did not pass a valid authentication token"
            return web.json_response({"title": "Unauthenticated", "detail": detail, "status": 401}, status=401)
        return await self.known(request)

    async def known(self, request: web.Request) -> web.StreamResponse:
        parts = request.path.strip("/").split("/")
        version = None if self.version is None else {"id": VERSION, "cog_version": "0.16.8", **self.version}
        document = None if version is None else {"openapi_schema": self.schema, **version}
        match request.method, parts:
            case "GET", ["v1", "account"]:
                return web.json_response({"type": "user", "username": "somebody"})
            case "GET", ["v1", "models", "owner", "name"]:
                return web.json_response({"owner": "owner", "name": "name", "latest_version": document})
            case "GET", ["v1", "models", "owner", "name", "versions", id] if id == VERSION:
                return web.json_response(document)
            case "GET", ["files", name]:
                return web.Response(body=self.files[name].data, content_type=self.files[name].mime)
            case _, ["v1", "predictions", *_]:
                return await self.predicted(request, parts[2:])
        detail = "The requested resource could not be found."
        return web.json_response({"title": "Not found", "detail": detail, "status": 404}, status=404)

    async def predicted(self, request: web.Request, parts: list[str]) -> web.StreamResponse:
        """What the part of the API that is about predictions answers."""
        if not parts:
            made = self.create(await request.json())
            self.created.set()
            return web.json_response(made, status=201)
        id, *more = parts
        if more:
            if self.predictions[id]["status"] in ("starting", "processing"):
                self.predictions[id]["status"] = "canceled"
            return web.json_response(self.predictions[id])
        self.looked.set()
        return web.json_response(self.look(id))

    def create(self, body: Mapping[str, Any]) -> dict[str, Any]:
        assert body["version"] == VERSION
        id = f"prediction{len(self.predictions)}"
        urls = {"get": f"{self.base}/v1/predictions/{id}", "cancel": f"{self.base}/v1/predictions/{id}/cancel"}
        made = {"id": id, "version": VERSION, "input": body["input"], "status": "starting", "output": None,
                "error": None, "logs": "", "urls": urls, "looks": self.looks}  # fmt: skip
        self.predictions[id] = made
        return {key: value for key, value in made.items() if key != "looks"}

    def look(self, id: str) -> dict[str, Any]:
        one = self.predictions[id]
        if one["status"] in ("starting", "processing"):
            one["status"] = "processing"
            if one["looks"] == 0:
                try:
                    one.update(status="succeeded", output=self.linked(self.model(one["input"])))
                    one["metrics"] = {"predict_time": 0.25}
                except ValueError as error:
                    one.update(status="failed", error=str(error), logs=f"Traceback\nValueError: {error}")
            one["looks"] -= 1
        return {key: value for key, value in one.items() if key != "looks"}

    def linked(self, value: Any) -> Any:
        if isinstance(value, File):
            name = f"file{len(self.files)}"
            self.files[name] = value
            return f"{self.base}/files/{name}"
        if isinstance(value, list):
            return [self.linked(item) for item in value]
        if isinstance(value, dict):
            return {key: self.linked(item) for key, item in value.items()}
        return value


@asynccontextmanager
async def replicate(model: Callable[[Mapping[str, Any]], Any], **more: Any) -> AsyncIterator[Replicate]:
    """A running double whose predictions are what `model` makes of the inputs; a ValueError is a failed one."""
    double = Replicate(model, **more)
    app = web.Application(client_max_size=1 << 24)
    app.router.add_route("*", "/{path:.*}", double.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        double.base = f"http://{host}:{port}"
        yield double
    finally:
        await runner.cleanup()
