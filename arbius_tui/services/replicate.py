"""A model as Replicate hosts it: `replicate:owner/name[:version]` as a server of the test, through Replicate's API.

A prediction is created, looked at until it is over, and cancelled when nobody waits for it any more, because it is
billed. Its files are links to replicate.delivery and are hashed as they come. Which hardware runs it the API says only
sometimes. From the documentation of the API (https://replicate.com/docs/reference/http), not run against the service.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from arbius_tui.domain.errors import Failure, NotReady
from arbius_tui.domain.places import hosted
from arbius_tui.domain.text import clean
from arbius_tui.services import notes, replicate_words, replies
from arbius_tui.services.cog_http import announced, poured
from arbius_tui.services.outputs import LINK, Broken, Sieve
from arbius_tui.services.ports import Health, Prediction
from arbius_tui.services.predictions import LARGEST, in_pieces, prediction
from arbius_tui.services.replicate_http import ReplicateHttp
from arbius_tui.services.tokens import ReplicateToken

API = "https://api.replicate.com"
DELIVERY = "replicate.delivery"
"""Where files of predictions lie, and on its subdomains."""

OVER = frozenset({"succeeded", "failed", "canceled", "aborted"})
POLL = (0.5, 3.0)
"""Seconds between two looks at a prediction, at first and later."""

COLD = 900.0
"""Seconds that a model may take to start; they are not the prediction's own."""

HICCUPS = 5
"""Looks at a prediction that may fail one after the other."""

SETTLE, FILE_LIMIT = 10.0, 600.0
TRANSIENT = ("replicate-broken", "endpoint-lost", "replicate-unreachable")


@dataclass(frozen=True, slots=True)
class Version:
    """What runs: the model, the version's id, its Cog, its document, and its hardware where the API says it."""

    model: str
    id: str
    cog: str
    document: Mapping[str, Any]
    hardware: str = ""


class ReplicatePredictions:
    """Implements `ports.Predictions` and `ports.Hosted`; URLs are `replicate:owner/name[:version]`.

    `base` is where the API is, for a test; `largest` are the bytes that an output may have.
    """

    def __init__(self, token: ReplicateToken, base: str = "", largest: int = LARGEST) -> None:
        self.token, self.largest = token, largest
        self.http = ReplicateHttp(base or API, token)
        self._versions: dict[str, Version] = {}

    async def __aenter__(self) -> ReplicatePredictions:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def known(self) -> bool:
        """Whether there is a token."""
        return await self.token.known()

    def give(self, token: Any) -> None:
        """Use this token as long as this process runs."""
        self.token.give(token)

    async def keep(self) -> str:
        """Put the token into the keyring; the keyring's name."""
        return await self.token.keep()

    async def account(self) -> str:
        """Whose token it is."""
        found = await self.http.ask("GET", "/v1/account", "the account of this token")
        return clean(str(found.get("username") or "somebody"))

    async def hardware(self, url: str) -> str:
        """What the API says it runs on; usually nothing."""
        return (await self.version(url)).hardware

    async def health(self, url: str) -> Health:
        """READY for a version that is there; its id is what tells it from another one."""
        found = await self.version(url)
        return Health("READY", cog=found.cog, since=found.id)

    async def wait_ready(self, url: str, limit: float) -> AsyncGenerator[Health, None]:
        """READY at once: a model that is not warm is started by its first prediction."""
        yield await self.health(url)

    async def schema(self, url: str) -> dict[str, Any]:
        """The OpenAPI document of the version."""
        return dict((await self.version(url)).document)

    async def version(self, url: str) -> Version:
        """The version that this URL means; the latest one is looked up once, so that all cases run on the same."""
        if url not in self._versions:
            asked = hosted(url)
            model = f"{asked.owner}/{asked.name}"
            path = f"/v1/models/{model}" + (f"/versions/{asked.version}" if asked.version else "")
            found = await self.http.ask("GET", path, f"{model}:{asked.version[:12]}" if asked.version else model)
            self._versions[url] = version_of(found if asked.version else found.get("latest_version"), model, found)
        return self._versions[url]

    async def predict(
        self, url: str, inputs: Mapping[str, Any], limit: float = 600, folder: Path | None = None
    ) -> Prediction:
        """Run once; `limit` is for the prediction itself, a model that starts first has its own time."""
        version = await self.version(url)
        id = await self._create(version, inputs, limit)
        began = time.monotonic()
        try:
            reply = await self._over(version, id, limit)
        except BaseException:
            await asyncio.shield(self._cancel(id))
            raise
        if reply.get("status") != "succeeded":
            status = "canceled" if reply.get("status") == "aborted" else reply.get("status")
            raise replies.unsuccessful({**reply, "status": status})
        return await self._fetched(version, id, folder, time.monotonic() - began)

    async def _create(self, version: Version, inputs: Mapping[str, Any], limit: float) -> str:
        """Make a prediction; its id. One that was made while nobody waited any more is cancelled."""
        body = {"version": version.id, "input": dict(inputs)}
        more = {"Cancel-After": f"{int(COLD + limit)}s"}  # for the case that this process dies
        making = asyncio.ensure_future(self.http.ask("POST", "/v1/predictions", version.model, body, more))
        try:
            made = await asyncio.shield(making)
        except asyncio.CancelledError:
            await asyncio.wait({making}, timeout=SETTLE)
            if making.done() and not making.cancelled() and making.exception() is None:
                with suppress(NotReady):
                    await asyncio.shield(self._cancel(id_of(making.result())))
            making.cancel()
            await asyncio.gather(making, return_exceptions=True)
            raise
        return id_of(made)

    async def _over(self, version: Version, id: str, limit: float) -> dict[str, Any]:
        """The prediction when it is over."""
        began, works, delay, faults, told = time.monotonic(), 0.0, POLL[0], 0, False
        while True:
            try:
                reply = await self.http.ask("GET", f"/v1/predictions/{id}", "this prediction")
                faults = 0
            except NotReady as failure:
                faults += 1
                if failure.problem.code not in TRANSIENT or faults >= HICCUPS:
                    raise
                reply = {}
            now, status = time.monotonic(), reply.get("status")
            if status in OVER:
                return reply
            if status == "processing":
                works = works or now
            elif not works and not told and now - began > SETTLE:
                told = True
                notes.tell(f"Replicate starts {version.model}; a cold start may take minutes")
            if now - (works or began) > (limit if works else COLD):
                raise replicate_words.late(version.model, limit if works else COLD)
            await asyncio.sleep(delay)
            delay = min(delay * 1.5, POLL[1])

    async def _cancel(self, id: str) -> None:
        """End a prediction that nobody waits for; one that is over is let be."""
        with suppress(Failure, TimeoutError):
            async with asyncio.timeout(SETTLE):
                await self.http.ask("POST", f"/v1/predictions/{id}/cancel", "this prediction")

    async def _fetched(self, version: Version, id: str, folder: Path | None, seconds: float) -> Prediction:
        """The outputs of a prediction that succeeded, hashed as they come."""
        sieve = Sieve(folder=folder)
        try:
            async with asyncio.timeout(FILE_LIMIT):
                async with self.http.request("GET", f"/v1/predictions/{id}", FILE_LIMIT) as response:
                    announced(response, self.largest)
                    async for data in response.aiter_bytes():
                        sieve.feed(data)
                reply = sieve.end()
                if response.status_code != 200 or not isinstance(reply, dict) or reply.get("status") != "succeeded":
                    raise replicate_words.refused(response.status_code, json.dumps(reply).encode(), "this prediction")
                value = await self._with_files(reply.get("output"), sieve)
            return judged(value, sieve, reply, version, seconds)
        except TimeoutError:
            raise replicate_words.lost(f"its files did not come within {FILE_LIMIT:.0f} s") from None
        except Broken as error:
            raise replies.broken(str(error)) from None
        except OSError as error:
            raise replies.unwritten(folder, error) from None
        finally:
            sieve.close()

    async def _with_files(self, value: Any, sieve: Sieve) -> Any:
        """The output with every link to a file fetched, and the mark of a file in its place."""
        if isinstance(value, dict):
            return {key: await self._with_files(value[key], sieve) for key in sorted(value)}
        if isinstance(value, list):
            return [await self._with_files(item, sieve) for item in value]
        if not isinstance(value, str) or not LINK.match(value) or not self._holds_files(value):
            return value
        return await self._file(value, sieve)

    async def _file(self, url: str, sieve: Sieve) -> str:
        """Hash a file as it comes; the mark that stands for it."""
        async with self.http.request("GET", url, 60) as response:
            if response.status_code != 200:
                raise replies.broken(f"a file of it is not there any more (HTTP {response.status_code})")
            return await poured(response, response.aiter_bytes(), sieve, self.largest)

    def _holds_files(self, url: str) -> bool:
        """Whether Replicate keeps files there; a link to anywhere else is a text, and proves nothing."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        host = parts.hostname or ""
        delivered = parts.scheme == "https" and (host == DELIVERY or host.endswith(f".{DELIVERY}"))
        return delivered or self.http.owns(url)


def version_of(found: Any, model: str, answer: Mapping[str, Any]) -> Version:
    """A version out of an answer; NotReady `replicate-no-version`."""
    document = found.get("openapi_schema") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(document, dict) or not isinstance(found.get("id"), str):
        raise replicate_words.no_version(model)
    hardware = next((one["hardware"] for one in (found, answer) if isinstance(one.get("hardware"), str)), "")
    return Version(model, found["id"], clean(str(found.get("cog_version") or "")), document, clean(hardware)[:80])


def id_of(made: Mapping[str, Any]) -> str:
    """The id of a prediction; it becomes a part of a path."""
    id = made.get("id")
    if not isinstance(id, str) or not id.isalnum():
        raise replicate_words.strange("a prediction without an id")
    return id


def judged(value: Any, sieve: Sieve, reply: Mapping[str, Any], version: Version, seconds: float) -> Prediction:
    """The prediction, with its own time where Replicate says it."""
    log, metrics = replies.tail(reply.get("logs")), reply.get("metrics")
    took = metrics.get("predict_time") if isinstance(metrics, dict) else None
    seconds = float(took) if isinstance(took, int | float) else seconds
    return prediction(value, sieve, seconds, log, pieces=in_pieces(value, version.document))
