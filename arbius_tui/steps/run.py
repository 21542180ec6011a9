"""Run: a Cog server that answers. Adopt one that runs, find our own again, or start one."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from arbius_tui.domain import inputs
from arbius_tui.domain.errors import BadInput, Failure
from arbius_tui.domain.events import Done, Event, Found, Line, Saved
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Ask
from arbius_tui.domain.records import RunRecord
from arbius_tui.services.ports import Health, Server, Services
from arbius_tui.steps.base import Step
from arbius_tui.steps.model import Fact, names

READY_LIMIT = 300.0
"""Seconds to wait for READY; cog's own default."""


@dataclass(frozen=True, slots=True)
class HealthSeen:
    """A change of health, in the server's own word."""

    kind: ClassVar[str] = "health"
    id: str
    status: str
    logs: str
    cog: str
    url: str
    how: str = ""
    """How we came to the server: started, adopted, found again, still there."""


class Run(Step):
    """Bring a server to READY and remember it."""

    name = "run"

    def __init__(self, endpoint: str = "") -> None:
        self.endpoint = endpoint.strip().rstrip("/")
        """A server to take, before all that is known or configured."""

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield each change of health; the server is remembered before it is ready, so that it is found again."""
        server, how = await self.server(journey, services)
        yield Line(f"{how} {server.url}")
        record = remembered(server)
        yield Saved(record)
        cog = ""
        async for health in services.predictions.wait_ready(server.url, READY_LIMIT):
            cog = health.cog or cog
            yield Found(seen(server, health, how))
        document = await services.predictions.schema(server.url)
        listed = inputs.read(document)
        yield Found(Fact("inputs", "inputs", "ok", names(listed), "these become the template's inputs"))
        yield Saved(replace(record, cog=cog))
        result = {"image": "", "image_id": "", "container": server.container, "url": server.url}
        yield Done(True, 0, {**result, "schema_from": "server"})

    async def server(self, journey: Journey, services: Services) -> tuple[Server, str]:
        """The server to use, and how we came to it."""
        if self.endpoint:
            await services.predictions.health(self.endpoint)
            return Server(self.endpoint), "adopted"
        known = journey.get(RunRecord)
        if known is not None:
            again = Server(known.url, known.pid, known.container, bool(known.pid or known.container))
            if again.started_by_us and await services.servers.alive(again):
                return again, "found again"
            if not again.started_by_us and not services.endpoints and await answers(services, known.url):
                return again, "still there"
        if services.endpoints:
            # A server that is said to run must answer now; only one that we started gets time to begin listening.
            await services.predictions.health(services.endpoints[0])
            return Server(services.endpoints[0]), "adopted"
        if not journey.model_dir:
            raise BadInput(
                "no-model",
                "there is no model to run",
                why="this step starts your model's server, or takes one that runs already",
                fix="start with the model's folder, or name a server: --endpoint http://127.0.0.1:5000",
            )
        return await services.servers.start(Path(journey.model_dir)), "started"


def remembered(server: Server) -> RunRecord:
    """The server as the journey keeps it. What we start has no graphics card yet; of an endpoint nobody knows."""
    return RunRecord(url=server.url, pid=server.pid, container=server.container, cpu_only=server.started_by_us)


async def awake(record: RunRecord, journey: Journey, services: Services) -> RunRecord:
    """The record of a server that runs: one that we started and that has ended since is started again."""
    server = Server(record.url, record.pid, record.container, bool(record.pid or record.container))
    if not server.started_by_us or await services.servers.alive(server) or not journey.model_dir:
        return record
    server = await services.servers.start(Path(journey.model_dir))
    async for _ in services.predictions.wait_ready(server.url, READY_LIMIT):
        pass
    return replace(record, url=server.url, pid=server.pid, container=server.container)


def seen(server: Server, health: Health, how: str) -> HealthSeen:
    """A change of health as a finding."""
    return HealthSeen("server", health.status, health.logs, health.cog, server.url, how)


async def answers(services: Services, url: str) -> bool:
    """Whether a Cog server answers there."""
    try:
        await services.predictions.health(url)
    except Failure:
        return False
    return True
