"""The servers of a seed test: which there are, what is known of each, and how one on another machine comes and goes."""

from __future__ import annotations

import shlex
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from arbius_tui.domain import gpus
from arbius_tui.domain.errors import BadInput, Failure, Fix, NeedsInput, NotReady, Problem
from arbius_tui.domain.events import Event, Found, Line, Trouble
from arbius_tui.domain.gpus import Gpu, Said
from arbius_tui.domain.places import Place, place
from arbius_tui.domain.questions import Ask, Question
from arbius_tui.domain.records import RunRecord
from arbius_tui.domain.secret import Secret
from arbius_tui.domain.text import clean
from arbius_tui.services.ports import Health, Server, Services
from arbius_tui.services.tokens import PAGE
from arbius_tui.steps.run import boxes_of, server_of, watched
from arbius_tui.steps.seed_case import EndpointSeen
from arbius_tui.steps.seed_track import Track


@dataclass(frozen=True)
class Machines:
    """What was asked for beside the journey's own server.

    `also` are Docker Engines, or any places at all; None: those of the command line. `image` runs on the Engines;
    empty: the journey's own. `said` is what the author says of the GPUs of servers that cannot be asked.
    """

    also: Sequence[str] = ()
    image: str = ""
    said: Sequence[str] = ()

    def check(self, servers: Sequence[EndpointSeen]) -> tuple[Said, ...]:
        """What was said of GPUs; BadInput `gpu-flag` for a word that fits no server."""
        found = tuple(gpus.said(text) for text in self.said)
        gpus.check(found, [(server.id, server.url) for server in servers])
        return found


def servers(record: RunRecord, services: Services, also: Sequence[str]) -> Iterator[tuple[EndpointSeen, Server]]:
    """The journey's server and every other one that was named, each once; a container elsewhere is not there yet."""
    if not record.url:
        raise nothing_runs()
    own = place(record.url)
    yield (
        EndpointSeen(
            "1", record.url, record.gpu, "", record.cog, record.cpu_only, place=own.kind, image=record.image_id
        ),
        server_of(record),
    )
    named = [running(text) for text in services.endpoints if text.strip()] + [place(text) for text in also]
    for number, other in enumerate(dict.fromkeys(one for one in named if one != own), 2):
        yield EndpointSeen(str(number), other.where, place=other.kind), Server(url_of(other))


def running(text: str) -> Place:
    """A server that runs already; BadInput `bad-endpoint` for a Docker Engine."""
    found = place(text)
    if found.kind == "docker":
        raise BadInput(
            "bad-endpoint",
            f"{clean(text)[:80]} is no URL of a server",
            why="an endpoint is a model's server that runs already",
            fix="write it as http://127.0.0.1:5000; if it is a Docker Engine, name it as one",
            command=f"arbius-tui seed-test --docker {shlex.quote(clean(text)[:80])}",
        )
    return found


def nothing_runs() -> NotReady:
    """There is no server that the others could be compared with."""
    return NotReady(
        "no-server",
        "there is no server to test yet",
        why="the first server is what all others are compared with",
        fix="start the model's image here (--image IMAGE), or name a server that runs (--endpoint URL)",
        command="arbius-tui run IMAGE",
    )


def url_of(other: Place) -> str:
    """Where it answers; nowhere yet for a container that is to be started."""
    return "" if other.kind == "docker" else other.where


def image_for(record: RunRecord, services: Services, named: str, seen: Sequence[EndpointSeen]) -> str:
    """The image that is started on other machines; BadInput `no-image-named` when none is known and one is needed."""
    found = named or services.image or record.image
    if not found and any(server.place == "docker" for server in seen):
        raise BadInput(
            "no-image-named",
            "it is not known which image to start on the other machine",
            why="the model's server was taken as it runs, and its image was not named",
            fix="name the image: --image IMAGE",
        )
    return found


async def allowed(
    seen: Sequence[EndpointSeen], services: Services, ask: Ask, cases: int
) -> AsyncGenerator[Event, None]:
    """A word of what Replicate will bill, after asking for its token where there is none."""
    for server in seen:
        if server.place != "replicate":
            continue
        if services.hosted is None:
            raise BadInput(
                "rehearsal-replicate",
                "the rehearsal asks nobody outside",
                why="nothing leaves this machine in it",
                fix="leave --network rehearsal out",
            )
        if not await services.hosted.known():
            why = f"from {PAGE}; used until the wizard ends and written nowhere. `arbius-tui login --api` keeps one"
            services.hosted.give(await token(ask, why))
        yield Line(f"server {server.id}: Replicate runs {cases} predictions and bills them to the token's account")


async def token(ask: Ask, why: str) -> Secret:
    """The token, typed unseen; NeedsInput that says what else there is where nobody can type."""
    try:
        return await ask.secret(Question("replicate-api-token", "Replicate's API token", why))
    except NeedsInput:
        raise NeedsInput(
            "needs-input",
            "there is no API token for Replicate, and nobody to ask for it",
            why="its hosted models are asked with it, and billed to it",
            fix="name a file whose first line it is (--token-file F), or keep one in the keyring",
            command="arbius-tui login --api",
        ) from None


async def one_server(
    track: Track, tracks: Sequence[Track], services: Services, machines: Machines, limit: float
) -> AsyncGenerator[Event, None]:
    """A server's cases, after it has become READY; a container of the test's own is gone afterwards, come what may."""
    try:
        if track is not tracks[0]:
            async with aclosing(come(track, services, limit)) as events:
                async for event in events:
                    yield event
        if not track.gone:
            said = machines.check([other.endpoint for other in tracks])
            track.endpoint = await known(track, services, said, len(tracks) == 1)
            if problem := other_image(track.endpoint, tracks[0].endpoint):
                yield Trouble(problem)
        async with aclosing(track.run()) as events:
            async for event in events:
                yield event
        if problem := await leave(track, services):
            yield Trouble(problem)
    finally:
        await leave(track, services)


async def come(track: Track, services: Services, limit: float) -> AsyncGenerator[Event, None]:
    """Bring a server to READY, its container first; one that does not come is marked, and its cases are left out."""
    answered = False
    try:
        if track.endpoint.place == "docker":
            yield Found(replace(track.endpoint, state="run", why="its container is being started"))
            await started(track, services)
        yield Found(replace(track.endpoint, state="run", why="waiting until it is READY"))
        async with aclosing(watched(track.server, services, limit=limit)) as healths:
            async for now in healths:
                if isinstance(now, Health):
                    answered = True
                    track.endpoint = replace(track.endpoint, cog=now.cog or track.endpoint.cog)
    except Failure as failure:
        problem = failure.problem
        if track.server.machine and not answered and problem.code in SHUT:
            problem = shut_off(track, problem)
        track.gone = problem.what
        yield Trouble(replace(problem, severity="warn"))


SHUT = ("endpoint-unreachable", "timeout")


def shut_off(track: Track, problem: Problem) -> Problem:
    """A container that runs on another machine, at a port where nothing answers."""
    return Problem(
        "port-closed",
        f"the model runs on {track.endpoint.url}, and nothing answers at {track.server.url}",
        "its port opens on that machine's network; a firewall may be in between",
        Fix("let the port through, or name the machine as ssh://user@host: a tunnel needs no open port"),
        detail=problem.what,
    )


async def started(track: Track, services: Services) -> None:
    """A container of the test's own on another machine."""
    if services.machines is None:
        raise BadInput(
            "rehearsal-docker",
            "the rehearsal runs without Docker and starts no image",
            why="it has to work on a machine that has nothing yet",
            fix="leave --network rehearsal out",
        )
    track.server = await services.machines.start(track.endpoint.url, track.image)
    id = await services.machines.image(track.server)
    state = await services.machines.of(track.server).state(track.server)
    track.endpoint = replace(track.endpoint, image=id, cpu_only=state.gpus == "none")


async def known(track: Track, services: Services, said: Sequence[Said], alone: bool) -> EndpointSeen:
    """The server with its GPU and driver: what its container sees, else what Replicate or the author says."""
    seen, found = track.endpoint, Gpu()
    if track.server.container and (boxes := boxes_of(track.server, services)) is not None:
        found = await boxes.gpu(track.server)
        seen = replace(seen, cpu_only=seen.cpu_only and not found.name)
    elif seen.place == "replicate" and services.hosted is not None:
        found = Gpu(await services.hosted.hardware(seen.url))
        seen = replace(seen, image=(await services.predictions.health(seen.url)).since)
    if not found.name and not (track.server.container and seen.cpu_only):
        found = gpus.said_of(said, seen.id, seen.url, alone)
        seen = replace(seen, cpu_only=seen.cpu_only and not found.name)
    return replace(seen, gpu=found.name or seen.gpu, driver=found.driver or seen.driver)


def other_image(seen: EndpointSeen, first: EndpointSeen) -> Problem | None:
    """A word about an image that is not the first server's: what differs then need not be the machine."""
    if not seen.image or not first.image or {seen.place, first.place} - {"docker", "cog"} or seen.image == first.image:
        return None
    return Problem(
        "image-differs",
        f"server {seen.id} runs another image than server {first.id} ({seen.image[:19]}, {first.image[:19]})",
        "what differs between them may come from the image and not from the machine",
        severity="warn",
    )


async def leave(track: Track, services: Services) -> Problem | None:
    """Remove the container that the test started elsewhere; why it could not be, as a warning."""
    server = track.server
    if not server.machine:
        return None
    track.server = Server("")
    try:
        await services.servers.stop(server)
    except Failure as failure:
        found = failure.problem
        what = f"the container on {track.endpoint.url} could not be removed: {found.what}"
        return replace(found, what=what, why="the next test there removes it", severity="warn")
    return None
