"""A model's image as a running container: started on a free port of 127.0.0.1, found again after a crash, watched.

Never by `cog serve` or `cog run`: they rebuild the image without its labels, ignore signals and leave containers
behind (run with cog 0.22). A container of ours carries labels with the project, the session, its URL and whether it got
GPUs; by them it is found again, and nothing without them is ever stopped or removed.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TypeAlias

from arbius_tui.domain import images
from arbius_tui.domain.errors import BadInput, Failure, NotReady
from arbius_tui.domain.images import Image
from arbius_tui.domain.text import clean
from arbius_tui.services import containers_state
from arbius_tui.services.containers_engine import Engine
from arbius_tui.services.containers_images import Images
from arbius_tui.services.containers_state import LABEL, MISSING, PROJECT, ContainerState
from arbius_tui.services.containers_watch import Watcher
from arbius_tui.services.ports import Server
from arbius_tui.services.servers import HOST, free_port

INSIDE = 5000
"""The port that Cog listens on in the container."""

ATTEMPTS = 5
SHM = "6g"
"""Shared memory, as cog itself gives; docker's own 64 MB are too few for torch."""

GRACE = 3
"""Seconds from the polite signal to the other one. Cog obeys the first only between predictions (docker waits 10)."""

START_LIMIT = 120.0
LOG_SIZE = {"max-size": "20m", "max-file": "2"}

Gpus = Literal["all", "none", "auto"]
Binding: TypeAlias = tuple[str, int | None]
"""The address and the port of the Engine's machine at which a container is reached."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A container to be made."""

    image: Image
    gpus: str
    shm: str


class Containers(Watcher):
    """Implements `ports.ModelServers` for images. `project` tells the containers of one project from all others.

    `image` is what `start(folder)` runs; empty: the name that `cog build` gives the folder's image. `gpus`: `all` (a
    Failure when there are none), `none` (CPU-ONLY), or `auto` (all when docker can, else none: see `state().gpus`).
    """

    def __init__(
        self, project: str, *, image: str = "", gpus: Gpus = "auto", shm: str = SHM, engine: Engine | None = None
    ) -> None:
        super().__init__(project, engine or Engine())
        self.image, self.gpus, self.shm = image, gpus, shm
        self.images = Images(self.engine)
        self.session = secrets.token_hex(4)

    async def __aenter__(self) -> Containers:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections; a container that runs goes on, so that the next wizard finds it."""
        await self.engine.aclose()

    async def start(self, folder: Path) -> Server:
        """Start the image of the model in this folder; see `start_image`."""
        return await self.start_image(self.image or usual(folder))

    async def start_image(self, reference: str, *, gpus: Gpus | None = None, shm: str = "") -> Server:
        """Start an image on a free port; whatever ran for this project is removed first. READY is Predictions' word.

        BadInput: `not-cog-image`. NotReady: `no-image`, `docker-remote`, `no-gpu-runtime`, `gpu-broken`, `disk-full`,
        ... as `docker_errors` has them. Whatever goes wrong, and when cancelled, no container is left behind.
        """
        image = await self.images.inspect(reference)
        if not image.is_cog:
            raise refused(image)
        self._check_reach()
        await self.clear()
        choice = gpus or self.gpus
        try:
            return await self._on_a_free_port(Wanted(image, "none" if choice == "none" else "all", shm or self.shm))
        except NotReady as failure:
            if choice != "auto" or failure.problem.code != "no-gpu-runtime":
                raise
        return await self._on_a_free_port(Wanted(image, "none", shm or self.shm))

    def _check_reach(self) -> None:
        """NotReady when a port that a container opens could not be reached from here."""
        if not self.engine.where.here:
            raise elsewhere(self.engine.where.url)

    def _binding(self) -> Binding:
        """Where the port of the next container opens; no port means that the Engine chooses one."""
        return HOST, free_port()

    async def _on_a_free_port(self, wanted: Wanted) -> Server:
        names = [self.name, *(f"{self.name}-{secrets.token_hex(3)}" for _ in range(ATTEMPTS))]
        taken: NotReady | None = None
        for _ in range(ATTEMPTS):
            try:
                return await self._made(wanted, names[0], self._binding())
            except NotReady as failure:
                if failure.problem.code == "name-taken":
                    names.pop(0)
                elif failure.problem.code != "port-taken":
                    raise
                taken = failure
        raise taken or NotReady("port-taken", "no port is free")

    async def _made(self, wanted: Wanted, name: str, binding: Binding) -> Server:
        """Make a container and start it; on any failure it is removed again: docker leaves it with its name taken."""
        url = f"http://{HOST}:{binding[1]}" if binding[1] else ""
        labels = {PROJECT: self.project, f"{LABEL}session": self.session, f"{LABEL}url": url}
        settings = (wanted, name, binding, {**labels, f"{LABEL}gpus": wanted.gpus})
        try:
            made = await self.engine.call(
                "make a container", lambda api: create(api, *settings), START_LIMIT, settle=True
            )
            await self.engine.call("start the container", lambda api: api.start(made), START_LIMIT, settle=True)
        except BaseException:
            # By label: cancelled in the middle, nobody was told the id of what was made.
            with suppress(Failure):
                await asyncio.shield(self.clear())
            raise
        return Server(url, container=made, started_by_us=True)

    async def find_again(self) -> Server | None:
        """The newest container of this project that runs, e.g. after the wizard was killed."""
        for found in await self._all():
            if found.status == "running" and found.url:
                return Server(found.url, container=found.id, started_by_us=True)
        return None

    async def restart(self, server: Server) -> Server:
        """The same container with a new process, at the same URL; at another one when its port was taken meanwhile.

        NotReady: `not-ours`, `container-missing`. In the middle of a prediction it is ended after 3 s.
        """
        found = await self._own(server)
        if found.status == "paused":
            await self.engine.call("let it go on", lambda api: api.unpause(found.id), settle=True)
        try:
            await self.engine.call(
                "restart the container", lambda api: api.restart(found.id, timeout=GRACE), START_LIMIT, settle=True
            )
        except NotReady as failure:
            if failure.problem.code != "port-taken":
                raise
            return await self.start_image(found.image_id, gpus="all" if found.gpus == "all" else "none")
        return server

    async def stop(self, server: Server) -> None:
        """End and remove it; nothing happens to a container that is not ours or that is gone."""
        if server.container and (await self.state(server)).ours:
            await self._remove(server.container)

    async def alive(self, server: Server) -> bool:
        """Whether the container that we remember is ours and runs, and answers at that URL."""
        if not server.container:
            return False
        found = await self.state(server)
        return found.ours and found.status == "running" and found.url == server.url

    async def clear(self) -> int:
        """Remove every container of this project, also those of a killed wizard; how many there were."""
        found = await self._all()
        for one in found:
            await self._remove(one.id)
        return len(found)

    async def _own(self, server: Server) -> ContainerState:
        found = await self.state(server)
        if found.status == MISSING:
            raise containers_state.verdict(found, [], was_ready=True) or gone_before(server)
        if not found.ours:
            raise gone_before(server)
        return found

    async def _all(self) -> list[ContainerState]:
        """Every container of this project, newest first."""

        def found(api: Any) -> list[Any]:
            listed = api.containers(all=True, filters={"label": f"{PROJECT}={self.project}"})
            return [one["Id"] for one in sorted(listed, key=lambda one: one.get("Created", 0), reverse=True)]

        ids = await self.engine.call("list containers", found)
        states = [await self.state(Server("", container=one)) for one in ids]
        return [state for state in states if state.ours]

    async def _remove(self, container: str) -> None:
        try:
            await self.engine.call(
                "remove the container", lambda api: api.remove_container(container, v=True, force=True), 60, settle=True
            )
        except NotReady as failure:
            if failure.problem.code != "container-missing":
                raise

    @property
    def name(self) -> str:
        """The name under which a person finds it in `docker ps`."""
        word = re.sub(r"[^a-z0-9_.-]+", "-", self.project.lower()).strip("-._")[:40]
        return f"arbius-tui-{word or 'model'}"


def create(api: Any, wanted: Wanted, name: str, binding: Binding, labels: dict[str, str]) -> str:
    """Make the container; its id. PORT is set because an image may name another one in its environment."""
    from docker.types import DeviceRequest, LogConfig

    host = api.create_host_config(
        port_bindings={INSIDE: binding},
        shm_size=wanted.shm,
        device_requests=[DeviceRequest(count=-1, capabilities=[["gpu"]])] if wanted.gpus == "all" else None,
        log_config=LogConfig(type="json-file", config=LOG_SIZE),
    )
    made = api.create_container(
        wanted.image.id, name=name, ports=[INSIDE], labels=labels, host_config=host, environment={"PORT": str(INSIDE)}
    )
    return str(made["Id"])


def usual(folder: Path) -> str:
    """The image that `cog build` makes of this folder when no other name is given."""
    return images.default_name(folder.absolute().name)


def project_key(name: str, state: Path) -> str:
    """The label of a project: its name and where its journey lies, so that two of the same name stay apart."""
    return f"{clean(name)[:60]}-{hashlib.sha256(str(state.resolve()).encode()).hexdigest()[:8]}"


def refused(image: Image) -> BadInput:
    """An image that is none of Cog's is not started."""
    problem = images.not_cog(image)
    fix = "build it with cog, or start cog.server.http in your Dockerfile's CMD"
    return BadInput(problem.code, problem.what, why=problem.why, fix=fix, detail=problem.detail)


def elsewhere(url: str) -> NotReady:
    """A container on another machine would open its port there."""
    return NotReady(
        "docker-remote",
        f"the Docker Engine is on another machine ({clean(url)})",
        why="the model's port would open on 127.0.0.1 there, where this wizard does not reach it",
        fix="start the model there, reach its port through ssh -L, and give its URL: --endpoint",
    )


def gone_before(server: Server) -> NotReady:
    """A container that somebody else started is not ended by us."""
    return NotReady(
        "not-ours",
        f"the container {server.container[:12]} was not started by this wizard",
        why="a container of yours is never ended without your word",
        fix="restart it yourself, or give a command for it: --restart-command",
    )
