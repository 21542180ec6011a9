"""Run: a Cog server that answers. Adopt one that runs, find our own again, or start one; stop what we started."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from arbius_tui.domain import health as healths_of
from arbius_tui.domain import images, inputs
from arbius_tui.domain.errors import BadInput, Failure, NotReady
from arbius_tui.domain.events import Done, Event, Found, Line, Saved, Trouble
from arbius_tui.domain.images import Image
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Ask
from arbius_tui.domain.records import ModelRecord, RunRecord
from arbius_tui.services.ports import Builder, Containers, Gpus, Health, Prediction, Server, Services
from arbius_tui.steps.base import Step
from arbius_tui.steps.model import Fact, names

READY_LIMIT = 300.0
"""Seconds to wait for READY; cog's own default."""

WHOLE = 100_000
"""Lines of a container's log that are read when it is READY."""

SPENT = ("SETUP_FAILED", "DEFUNCT")
"""A server in this state never becomes READY."""


@dataclass(frozen=True, slots=True)
class HealthSeen:
    """A change of health, in the server's own word; `logs` is empty where the log comes as lines."""

    kind: ClassVar[str] = "health"
    id: str
    status: str
    logs: str
    cog: str
    url: str
    how: str = ""
    """How we came to the server: started, adopted, found again, still there."""
    words: str = ""
    """What the status means, for a person."""


@dataclass(frozen=True, slots=True)
class Came:
    """The server to use, how we came to it, and the image in its container."""

    server: Server
    how: str
    reference: str = ""
    image: Image | None = None


class Run(Step):
    """Bring a server to READY and remember it."""

    name = "run"

    def __init__(self, endpoint: str = "", image: str = "", gpus: Gpus | None = None) -> None:
        self.endpoint = endpoint.strip().rstrip("/")
        """A server to take, before all that is known or configured."""
        self.image = image.strip()
        """An image to start, in the same way."""
        self.gpus = gpus
        """The author's choice; None leaves it to the command line."""

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield each change of health; the server is remembered before it is ready, so that it is found again."""
        came = await self.server(journey, services)
        server = came.server
        yield Line(f"{came.how} {server.url}")
        record = await remembered(came, services, self.gpus or services.gpus)
        if before := journey.get(RunRecord):
            record = replace(record, tried=before.tried)
        yield Saved(record)
        for event in of_image(came, record):
            yield event
        cog = ""
        async with aclosing(self.health(came, services)) as events:
            async for event in events:
                if isinstance(event, Found) and isinstance(event.item, HealthSeen):
                    cog = event.item.cog or cog
                yield event
        listed = inputs.read(await services.predictions.schema(server.url))
        yield Found(Fact("inputs", "inputs", "ok", names(listed), "these become the template's inputs"))
        yield Saved(replace(record, cog=cog))
        yield Done(True, 0, of_run(record))

    async def health(self, came: Came, services: Services) -> AsyncGenerator[Event, None]:
        """Each change of health until READY, also the last one of a container that ended, and the lines of its log."""
        live, last = bool(came.server.container) and came.how == "started", ""
        try:
            async with aclosing(watched(came.server, services, live)) as events:
                async for now in events:
                    if isinstance(now, Health):
                        last = now.status
                        # The setup's log has come line by line, as it was written.
                        yield Found(seen(came.server, replace(now, logs="") if live else now, came.how))
                    else:
                        for text in now.splitlines():
                            yield Line(text, "log")
        except NotReady as failure:
            word = healths_of.ENDED.get(failure.problem.code, last)
            if word != last:
                yield Found(seen(came.server, Health(word), came.how))
            raise

    async def server(self, journey: Journey, services: Services) -> Came:
        """The server to use: one that is named, one that we know, else one that is started."""
        if self.endpoint:
            await services.predictions.health(self.endpoint)
            return Came(Server(self.endpoint), "adopted")
        known, model = journey.get(RunRecord), journey.get(ModelRecord)
        if named := self.image or services.image:
            return await contained(services, named, self.gpus)
        if known is not None and not known.container and (same := await still(known, services)):
            return same
        if services.endpoints:
            # A server that is said to run must answer now; only one that we started gets time to begin listening.
            await services.predictions.health(services.endpoints[0])
            return Came(Server(services.endpoints[0]), "adopted")
        reference = known.image if known is not None and known.container else model.image if model is not None else ""
        if reference:
            return await contained(services, reference, self.gpus)
        if not journey.model_dir:
            raise BadInput(
                "no-model",
                "there is no model to run",
                why="this step starts your model's server, or takes one that runs already",
                fix="name its image, arbius-tui run IMAGE, or a server that runs: --endpoint http://127.0.0.1:5000",
            )
        return Came(await services.servers.start(Path(journey.model_dir)), "started")


class Stop(Step):
    """End and remove what we started for this project."""

    name = "run"

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Say what was stopped, or that there was nothing; a server of the author's is left alone."""
        known = journey.get(RunRecord) or RunRecord()
        count = await stopped(known, services)
        foreign = bool(known.url) and not known.pid and not known.container
        if count:
            yield Found(seen(Server(known.url), Health("stopped"), ""))
            yield Line(f"stopped and removed {count} server{'s' if count > 1 else ''} of this project")
        else:
            yield Line("there is nothing to stop: no server that we started for this project runs")
        if foreign and not count:
            yield Line(f"{known.url} is yours and was left alone")
        result = {"stopped": count, "image": known.image, "container": known.container, "url": known.url}
        yield Done(True, 0, result, "ok" if foreign else "-")


async def stopped(known: RunRecord, services: Services) -> int:
    """End what is ours; how many servers there were."""
    count = 0
    if known.pid:
        process = Server(known.url, known.pid, started_by_us=True)
        count = int(await services.servers.alive(process))
        await services.servers.stop(process)
    if services.containers is None:
        return count
    try:
        return count + await services.containers.clear()
    except NotReady:
        if known.container:
            raise
        return count  # no Docker here, and no container was ever started


async def still(known: RunRecord, services: Services) -> Came | None:
    """The process or the endpoint that we remember, if it is still there."""
    again = Server(known.url, known.pid, started_by_us=bool(known.pid))
    if again.started_by_us:
        return Came(again, "found again") if await services.servers.alive(again) else None
    if not services.endpoints and known.url and await answers(services, known.url):
        return Came(again, "still there")
    return None


async def contained(services: Services, reference: str, gpus: Gpus | None = None) -> Came:
    """The container of this project if it runs this very image, also after a kill; else a new one in its place."""
    wanted = gpus or services.gpus
    boxes, builder = docker(services)
    image = await builder.image(reference)
    found = await boxes.find_again()
    if found is not None:
        state = await boxes.state(found)
        fits = state.image_id == image.id and wanted in ("auto", state.gpus)
        if fits and not await spent(services, found.url):
            return Came(found, "found again", reference, image)
    return Came(await boxes.start_image(reference, gpus=gpus), "started", reference, image)


def docker(services: Services) -> tuple[Containers, Builder]:
    """Docker's part of the world; BadInput in the rehearsal, which has none."""
    if services.containers is None or services.builder is None:
        raise BadInput(
            "rehearsal-docker",
            "the rehearsal runs without Docker and starts no image",
            why="it has to work on a machine that has nothing yet",
            fix="leave --network rehearsal out, or give the running server: --endpoint URL",
        )
    return services.containers, services.builder


async def remembered(came: Came, services: Services, gpus: Gpus) -> RunRecord:
    """The server as the journey keeps it. A process of ours has no graphics card; of an endpoint the author knows."""
    server = came.server
    if not server.container or services.containers is None:
        bare = server.started_by_us or gpus == "none"
        return RunRecord(server.url, server.pid, container=server.container, cpu_only=bare)
    state = await services.containers.state(server)
    return RunRecord(
        server.url,
        container=server.container,
        cpu_only=state.gpus == "none",
        image=came.reference,
        image_id=state.image_id,
        digest=came.image.digest(came.reference) if came.image else "",
    )


def of_image(came: Came, record: RunRecord) -> list[Event]:
    """What there is to say of the image and how it runs."""
    if (image := came.image) is None:
        return []
    port = record.url.rpartition(":")[2]
    box = f"{record.container[:12]}  port {port} of this machine, 5000 inside"
    facts = [
        Fact("image", "image", "ok", f"{record.image}  {image.id}", "what runs in the container"),
        Fact("container", "container", "ok", box, "found again by its label; `run stop` removes it"),
    ]
    if record.cpu_only:
        why = "miners run it on a GPU: bytes of a GPU cannot be proved here"
        facts.append(Fact("gpu", "GPU", "warn" if image.wants_gpu else "ok", "none: CPU-ONLY", why))
    else:
        facts.append(Fact("gpu", "GPU", "ok", "all of this machine", "as miners run it"))
    return [*map(Trouble, images.troubles(image)), *map(Found, facts)]


def of_run(record: RunRecord) -> Mapping[str, Any]:
    """What scripts read of a server that is READY. `gpus` is empty for one that was not started here."""
    known = record.container or record.pid or record.cpu_only
    return {
        "image": record.image,
        "image_id": record.image_id,
        "container": record.container,
        "url": record.url,
        "schema_from": "server",
        "gpus": ("none" if record.cpu_only else "all") if known else "",
        "cpu_only": record.cpu_only,
    }


async def watched(
    server: Server, services: Services, fresh: bool = False, limit: float = 0.0
) -> AsyncGenerator[Health | str, None]:
    """Each change of health until READY; between them, of a container that was just started, the lines of its log.

    The failure of a container or a process that ends meanwhile says why it ended.
    """
    healths = services.predictions.wait_ready(server.url, limit or READY_LIMIT)
    boxes = boxes_of(server, services) if server.container else None
    watching = (boxes or services.servers).while_running(server, healths)
    items: AsyncGenerator[Health | str, None] = with_log(watching, boxes, server) if fresh and boxes else watching
    async with aclosing(items):
        async for item in items:
            yield item


async def with_log(
    healths: AsyncGenerator[Health, None], boxes: Containers, server: Server
) -> AsyncGenerator[Health | str, None]:
    """The healths and, as they come, the lines of the log; none is lost when the server is READY before its log."""
    told = 0
    async with aclosing(both(healths, boxes.logs(server))) as items:
        async for item in items:
            told += isinstance(item, str)
            yield item
    with suppress(Failure):  # the server is READY: a log that cannot be read is no reason to stop
        async with aclosing(boxes.logs(server, follow=False, tail=WHOLE)) as lines:
            rest = [line async for line in lines][told:]
        for line in rest:
            yield line


async def both(
    healths: AsyncGenerator[Health, None], log: AsyncGenerator[str, None]
) -> AsyncGenerator[Health | str, None]:
    """What either brings, as it comes, until the healths end; a log that breaks off is no failure."""
    sources: tuple[AsyncGenerator[Health | str, None], ...] = (log, healths)
    coming: dict[asyncio.Future[Health | str], int] = {}
    try:
        coming = {asyncio.ensure_future(anext(source)): place for place, source in enumerate(sources)}
        while True:
            done, _ = await asyncio.wait(coming, return_when=asyncio.FIRST_COMPLETED)
            for task in sorted(done, key=lambda one: coming[one]):
                place = coming.pop(task)
                try:
                    item = task.result()
                except StopAsyncIteration:
                    if sources[place] is healths:
                        return
                    continue
                except Failure:
                    if sources[place] is healths:
                        raise
                    continue
                yield item
                coming[asyncio.ensure_future(anext(sources[place]))] = place
    finally:
        for task in coming:
            task.cancel()
        await asyncio.gather(*coming, return_exceptions=True)
        for source in sources:
            await source.aclose()


def server_of(record: RunRecord) -> Server:
    """The server that the journey remembers."""
    return Server(record.url, record.pid, record.container, bool(record.pid or record.container))


def moved(record: RunRecord, server: Server) -> RunRecord:
    """The same server where it is after a start of its own."""
    return replace(record, url=server.url, pid=server.pid, container=server.container)


async def awake(record: RunRecord, journey: Journey, services: Services) -> RunRecord:
    """The record of a server that runs: one that we started and that has ended since is started again."""
    server = server_of(record)
    if not server.started_by_us or await services.servers.alive(server):
        return record
    if record.image_id and services.containers is not None:
        gpus: Gpus = "none" if record.cpu_only else "all"
        server = await services.containers.start_image(record.image_id, gpus=gpus)
    elif journey.model_dir:
        server = await services.servers.start(Path(journey.model_dir))
    else:
        return record
    async for _ in watched(server, services):
        pass
    return moved(record, server)


def seen(server: Server, health: Health, how: str) -> HealthSeen:
    """A change of health as a finding."""
    words = healths_of.words(health.status)
    return HealthSeen("server", health.status, health.logs, health.cog, server.url, how, words)


async def asked(
    server: Server, services: Services, inputs: Mapping[str, Any], limit: float, folder: Path | None = None
) -> Prediction:
    """One prediction; when the container ends in the middle of it, the failure says so and why."""
    work = services.predictions.predict(server.url, inputs, limit, folder)
    if server.container and (boxes := boxes_of(server, services)) is not None:
        return await boxes.during(server, work)
    return await work


def boxes_of(server: Server, services: Services) -> Containers | None:
    """Who has the container of this server: another machine's Engine, or this machine's own."""
    if server.machine:
        return services.machines.of(server) if services.machines is not None else None
    return services.containers


async def answers(services: Services, url: str) -> bool:
    """Whether a Cog server answers there."""
    try:
        await services.predictions.health(url)
    except Failure:
        return False
    return True


async def spent(services: Services, url: str) -> bool:
    """Whether the server there says that it will never be READY; one that is still starting says nothing."""
    try:
        return (await services.predictions.health(url)).status in SPENT
    except Failure:
        return False
