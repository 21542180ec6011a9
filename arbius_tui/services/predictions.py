"""Cog's HTTP server, of every generation: health, schema, one prediction at a time, its outputs hashed as they come.

Three generations answer in three ways: FastAPI with pydantic 1 up to 0.9, with pydantic 2 up to 0.16, and the Rust
coglet since 0.17. What differs is settled here and in `replies`. Run against 0.9.26, 0.16.12 and 0.23.1.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

from arbius_tui.domain.errors import Failure, NotReady
from arbius_tui.domain.text import clean
from arbius_tui.services import replies
from arbius_tui.services.cog_http import SMALL, CogHttp, announced, read
from arbius_tui.services.containers_logs import reason
from arbius_tui.services.links import Links
from arbius_tui.services.notes import tell
from arbius_tui.services.outputs import Broken, NoOutput, Sieve, are_texts, outputs, settled
from arbius_tui.services.ports import Health, Prediction

PROBE_LIMIT = 2.0
"""Seconds for a health request; an old server answers none while it predicts."""

SCHEMA_LIMIT = 10.0
POLL = (0.05, 0.25)
"""Seconds between two looks at the health, at first and later."""

SILENCE = 3.0
"""Seconds without an answer after which a server that had answered is given up."""

GONE = ("endpoint-unreachable", "endpoint-lost")

RETRY = (0.005, 0.05, 0.5)
"""Seconds before a prediction is sent again after 409: at first, while it may be spurious at most, later."""

SPURIOUS = 2.0
"""Seconds of 409 after which a server is really busy; a coglet's spurious ones are over within 0.1 s."""

LARGEST = 2 * 1024 * 1024 * 1024
STATUSES = frozenset({"UNKNOWN", "STARTING", "READY", "BUSY", "SETUP_FAILED", "DEFUNCT", "UNHEALTHY"})
TWICE = re.compile(r"^(?:worker )?(?:setup failed: )+", re.IGNORECASE)
"""How a coglet begins the reason, in words that have been said."""

BEYOND_HELP = {
    "SETUP_FAILED": ("setup-failed", "the model's setup failed", "mend the model's setup(); its own words are below"),
    "DEFUNCT": ("server-broken", "the model's server has ended its work", "restart it"),
    "UNHEALTHY": ("server-broken", "the model's process is gone, and its server with it", "restart it"),
}
HEALTH_WORDS = {
    "UNKNOWN": "nothing is known yet",
    "STARTING": "the model is being set up",
    "READY": "ready",
    "BUSY": "busy with a prediction",
    **{status: what for status, (_, what, _) in BEYOND_HELP.items()},
}
"""Each health of a server for a person."""


class CogPredictions:
    """Implements `ports.Predictions`; an answer of more than `largest` bytes is refused."""

    def __init__(self, largest: int = LARGEST) -> None:
        self.largest = largest
        self.http = CogHttp()
        self.turn = asyncio.Lock()
        """One piece of one answer in a turn of the event loop: however many servers send, the screen waits for one."""

    async def __aenter__(self) -> CogPredictions:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self.http.aclose()

    async def health(self, url: str) -> Health:
        """What /health-check says; NotReady: `endpoint-unreachable`, `timeout`, `not-a-cog-server`, `server-error`."""
        reply = await self.http.get(url, "/health-check", PROBE_LIMIT)
        status, setup = reply.get("status"), reply.get("setup")
        if status not in STATUSES:
            raise replies.not_cog(url, "its health has no status")
        log = replies.tail(setup.get("logs")) if isinstance(setup, dict) else ""
        version = reply.get("version")
        cog = str(version.get("python_sdk") or version.get("coglet") or "") if isinstance(version, dict) else ""
        if not cog and status == "READY":
            cog = await self._older(url)
        since = clean(str(setup.get("started_at") or "")) if isinstance(setup, dict) else ""
        return Health(str(status), log, clean(cog), since)

    async def _older(self, url: str) -> str:
        """The version that a 0.16 tells at its root; 0.9 tells it nowhere."""
        try:
            return str((await self.http.get(url, "/", PROBE_LIMIT)).get("cog_version") or "")
        except Failure:
            return ""

    async def wait_ready(self, url: str, limit: float) -> AsyncGenerator[Health, None]:
        """Each change of health until READY; the log of the setup comes with it.

        NotReady: `setup-failed`, `server-broken`, `endpoint-lost` (it had answered and does no more),
        `not-a-cog-server`, and after `limit` seconds `endpoint-unreachable` or `timeout`.
        """
        began = heard = time.monotonic()
        last, delay, failure = None, POLL[0], None
        while True:
            try:
                health, failure = await self.health(url), None
            except NotReady as error:
                if error.problem.code == "not-a-cog-server":
                    raise
                failure = error
            else:
                heard = time.monotonic()
                if health != last:
                    yield health
                last = health
                if health.status == "READY":
                    return
                if health.status in BEYOND_HELP:
                    raise beyond_help(health)
            now = time.monotonic()
            if failure and last and failure.problem.code in GONE and now - heard > SILENCE:
                raise ended(url, last)
            if now - began > limit:
                raise failure or overdue(url, limit, last)
            await asyncio.sleep(delay)
            delay = min(delay * 1.5, POLL[1])

    async def schema(self, url: str) -> dict[str, Any]:
        """The OpenAPI document of the model; NotReady `no-schema` when the server has none."""
        try:
            found = await self.http.get(url, "/openapi.json", SCHEMA_LIMIT)
        except NotReady as failure:
            if failure.problem.code != "not-ready":
                raise
            raise no_schema(url, failure.problem.detail) from None
        if not isinstance(found.get("components"), dict):
            raise replies.not_cog(url, "its schema has no components")
        return found

    async def predict(
        self, url: str, inputs: Mapping[str, Any], limit: float = 600, folder: Path | None = None
    ) -> Prediction:
        """Run once and hash what is really there; the codes of the failures are those of `replies`.

        With a `folder`, which exists and is empty, the outputs lie there as files under their names afterwards.

        A new server says 409 for a moment after each answer, so that is sent again without a word; a server that is
        really busy is waited for, all within `limit` seconds, and that is told (`notes.tell`).
        """
        body = json.dumps({"input": dict(inputs)}).encode()
        try:
            async with asyncio.timeout(limit):
                began = first = time.monotonic()
                delay, told = RETRY[0], False
                while (found := await self._attempt(url, body, began, folder)) is None:
                    await asyncio.sleep(delay)
                    began = time.monotonic()
                    if began - first > SPURIOUS:
                        told = await self._busy(url, told)
                    delay = min(delay * 2, RETRY[1] if began - first < SPURIOUS else RETRY[2])
                return found
        except TimeoutError:
            raise replies.late(url, limit) from None

    async def _attempt(self, url: str, body: bytes, began: float, folder: Path | None) -> Prediction | None:
        """One prediction; None when the server has no room for it now."""
        async with self.http.request("POST", url, "/predictions", None, body) as response:
            if response.status_code == 409:
                return None
            if response.status_code not in (200, 201, 202):
                raise replies.refused(response.status_code, await read(response, SMALL), url)
            announced(response, self.largest)
            sieve, size = Sieve(folder=folder), 0
            try:
                async for data in response.aiter_bytes():
                    size += len(data)
                    if size > self.largest:
                        raise replies.too_big(size, self.largest)
                    async with self.turn:
                        sieve.feed(data)
                        await asyncio.sleep(0)
                return await self._judge(url, sieve, time.monotonic() - began)
            except Broken as error:
                if not sieve.kept.lstrip().startswith(b"{"):
                    raise replies.not_cog(url, "its answer is " + ("no JSON object" if size else "empty")) from None
                raise replies.broken(str(error)) from None
            except OSError as error:
                raise replies.unwritten(folder, error) from None
            finally:
                sieve.close()

    async def _judge(self, url: str, sieve: Sieve, seconds: float) -> Prediction:
        """A complete answer as a prediction, or as the failure that it is."""
        reply = sieve.end()
        status = reply.get("status") if isinstance(reply, dict) else None
        if status in ("failed", "canceled"):
            raise replies.unsuccessful(reply)
        if status != "succeeded":
            raise replies.not_cog(url, "its answer has no status" if status is None else "the prediction is not over")
        value, log = reply.get("output"), replies.tail(reply.get("logs"))
        pieces = await self._in_pieces(url, value)
        value = await Links(self.http, url, self.largest).fetched(value, sieve, pieces=pieces)
        return prediction(value, sieve, seconds, log, pieces=pieces)

    async def _in_pieces(self, url: str, value: Any) -> bool:
        """Whether a list of strings is one text in pieces; the schema knows. Without a schema it is."""
        if not are_texts(value):
            return True
        try:
            return in_pieces(value, await self.schema(url))
        except Failure:
            return True

    async def _busy(self, url: str, told: bool) -> bool:
        """Say once what keeps a server busy. A coglet whose worker is gone says 409 for ever; its health knows."""
        try:
            health = await self.health(url)
        except Failure:
            return told
        if health.status in BEYOND_HELP:
            raise beyond_help(health)
        if not told and health.status != "READY":
            tell(f"{replies.shown(url)} is waited for: {HEALTH_WORDS[health.status]}")
        return told or health.status != "READY"


def prediction(value: Any, sieve: Sieve, seconds: float, log: str, *, pieces: bool) -> Prediction:
    """A document's `output` as a prediction, its files under their names where the sieve has a folder.

    NotReady `no-output` when there is nothing to hash; Broken, and an OSError, as they come.
    """
    try:
        found, shape = outputs(value, sieve.payloads, pieces=pieces)
        if sieve.folder:
            found = settled(value, sieve, sieve.folder, pieces=pieces)
    except NoOutput as error:
        raise replies.no_output(str(error), log) from None
    return Prediction(found, seconds, shape, log)


def in_pieces(value: Any, document: Mapping[str, Any]) -> bool:
    """Whether a list of strings is one text in pieces, by the model's document."""
    parts = document.get("components")
    schemas = parts.get("schemas") if isinstance(parts, dict) else None
    output = schemas.get("Output") if isinstance(schemas, dict) else None
    if not are_texts(value) or not isinstance(output, dict) or output.get("type") != "array":
        return True
    return output.get("x-cog-array-display") == "concatenate"


def beyond_help(health: Health) -> NotReady:
    """A server that will not become ready any more; of a setup that failed with the exception's own words."""
    code, what, fix = BEYOND_HELP[health.status]
    if code == "setup-failed" and (said := reason(health.logs.splitlines())):
        what = f"{what}: {TWICE.sub('', said)}"
    return NotReady(code, what, why="it cannot predict", fix=fix, detail=health.logs)


def ended(url: str, last: Health) -> NotReady:
    """A server that answered and is gone; an old Cog ends by itself after a setup that failed."""
    return NotReady(
        "endpoint-lost",
        f"the server at {replies.shown(url)} ended before it was ready",
        why="a model whose setup fails ends an old Cog server",
        fix="look at the server's own log",
        detail=last.logs,
    )


def overdue(url: str, limit: float, last: Health | None) -> NotReady:
    """A server that answers, and is not ready in time."""
    state = HEALTH_WORDS[last.status] if last else HEALTH_WORDS["UNKNOWN"]
    return NotReady(
        "timeout",
        f"the model at {replies.shown(url)} is not ready after {limit:.0f} s: {state}",
        why="it cannot predict before",
        fix="look at its log; a worker that cannot start at all stays in this state for ever",
        detail=last.logs if last else "",
    )


def no_schema(url: str, said: str) -> NotReady:
    """A coglet serves the schema that `cog build` wrote, or none."""
    return NotReady(
        "no-schema",
        f"the server at {replies.shown(url)} has no schema of the model",
        why="the template is drafted from it, and without it nothing checks an input",
        fix="start the server in a folder that has .cog/openapi_schema.json, as cog build makes it",
        detail=said,
    )
