"""Other machines' Docker Engines: the model's image as a container there, for the time of a test.

    unix:///path, tcp://127.0.0.1:port   the port opens on 127.0.0.1, which is here
    tcp://host:port                      it opens on that machine's addresses, and is reached at that host
    ssh://user@host                      it opens on 127.0.0.1 there, and is reached through the ssh connection

The image has to be there already. The container carries our labels and one of its machine, so that what a killed wizard
left is found again by the next start, and nothing else is ever removed.
"""

from __future__ import annotations

import asyncio
import hashlib
import shlex
from contextlib import AsyncExitStack
from dataclasses import replace
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from arbius_tui.domain.errors import Failure, NotReady
from arbius_tui.domain.places import engine as engine_place
from arbius_tui.domain.text import clean
from arbius_tui.services.containers import INSIDE, Binding, Containers, Wanted
from arbius_tui.services.containers_engine import LOOPBACK, Address, Engine, named
from arbius_tui.services.ports import Gpus, Server
from arbius_tui.services.servers import HOST
from arbius_tui.services.ssh import SshMachine, no_way

ANY = "0.0.0.0"  # noqa: S104 - on a machine that was named as tcp://, where nobody knows which of its addresses we see


class Elsewhere(Containers):
    """The containers of one project on one other machine."""

    def __init__(self, project: str, machine: str, where: Address, *, gpus: Gpus, ssh: SshMachine | None) -> None:
        super().__init__(project, gpus=gpus, engine=Engine(where))
        self.machine, self.ssh = machine, ssh
        kind, _, rest = where.url.partition("://")
        host = (urlsplit(f"//{rest}").hostname or "") if kind in ("tcp", "http", "https") else ""
        self.host = HOST if host in ("", *LOOPBACK) else host

    async def start_image(self, reference: str, *, gpus: Gpus | None = None, shm: str = "") -> Server:
        """As on this machine; NotReady `no-image` says how to bring the image there."""
        try:
            return await super().start_image(reference, gpus=gpus, shm=shm)
        except NotReady as failure:
            if failure.problem.code != "no-image":
                raise
            raise not_there(reference, self.machine) from None

    async def restart(self, server: Server) -> Server:
        """The same container with a new process; the Engine may give it another port."""
        again = await super().restart(server)
        return await self._reached(again) if again.container == server.container else again

    def _check_reach(self) -> None:
        """There is a way to every port here."""

    def _binding(self) -> Binding:
        """The Engine chooses the port: nobody here knows which are free there."""
        return (HOST if self.host == HOST else ANY), None

    async def _on_a_free_port(self, wanted: Wanted) -> Server:
        server = await super()._on_a_free_port(wanted)
        try:
            return await self._reached(server)
        except BaseException:
            await asyncio.shield(self.stop(server))
            raise

    async def _reached(self, server: Server) -> Server:
        """The same server at the URL where it is reached from here."""

        def published(api: Any) -> int:
            found = api.inspect_container(server.container)["NetworkSettings"]["Ports"]
            return int(found[f"{INSIDE}/tcp"][0]["HostPort"])

        try:
            port = await self.engine.call("find the model's port", published)
        except NotReady as failure:
            raise await self.trouble(server, was_ready=False) or failure from None
        if self.ssh is not None:
            port = await self.ssh.forward(port)
        host = f"[{self.host}]" if ":" in self.host else self.host
        return replace(server, url=f"http://{host}:{port}", machine=self.machine)


class Machines:
    """Implements `ports.Machines`. Connections are opened when a machine is first used, and closed with this."""

    def __init__(self, project: str, gpus: Gpus = "auto") -> None:
        self.project, self.gpus = project, gpus
        self._known: dict[str, Elsewhere] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Machines:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def start(self, machine: str, reference: str, *, gpus: Gpus | None = None) -> Server:
        """Start an image there. A Failure in words when the machine, its Engine or the image is not there."""
        boxes = await self._opened(machine)
        try:
            return await boxes.start_image(reference, gpus=gpus)
        except NotReady as failure:
            if failure.problem.code != "docker-unreachable":
                raise
            detail = failure.problem.detail
            raise (no_way(boxes.ssh.target, detail) if boxes.ssh else silent(failure, machine)) from None

    def of(self, server: Server) -> Elsewhere:
        """Whoever has this server's container."""
        return self._known[server.machine]

    async def image(self, server: Server) -> str:
        """The id of the image that runs in it; empty when nobody can say."""
        try:
            return (await self.of(server).state(server)).image_id
        except Failure:
            return ""

    async def _opened(self, machine: str) -> Elsewhere:
        found = self._known.get(machine)
        if found is not None and (found.ssh is None or found.ssh.alive):
            return found
        engine_place(machine)
        where = await asyncio.to_thread(named, machine)
        key, ssh = hashlib.sha256(machine.encode()).hexdigest()[:8], None
        if where.url.startswith("ssh://"):
            ssh = SshMachine(where.url)
            await ssh.open()
            self._stack.push_async_callback(ssh.aclose)
            where = Address(await ssh.engine(), where.how)
        boxes = Elsewhere(
            f"{self.project}@{key}", machine, replace(where, called=clean(machine)), gpus=self.gpus, ssh=ssh
        )
        self._known[machine] = boxes
        self._stack.push_async_callback(boxes.aclose)
        return boxes


def flag(machine: str) -> str:
    """How the docker command names this machine."""
    return f"{'-H' if '://' in machine else '--context'} {shlex.quote(clean(machine))}"


def silent(failure: NotReady, machine: str) -> NotReady:
    """An Engine elsewhere that does not answer; what mends this machine's own is no help there."""
    return NotReady(
        "docker-unreachable",
        failure.problem.what,
        why="the model's image is started by it",
        fix="see whether Docker runs there and listens at that address",
        command=f"docker {flag(machine)} info",
        detail=failure.problem.detail,
    )


def not_there(reference: str, machine: str) -> NotReady:
    """An image that another machine does not have."""
    image, at = clean(reference), clean(machine)
    return NotReady(
        "no-image",
        f"there is no image {image} on {at}",
        why="the model's server runs in it, and nothing is pulled or sent there unasked",
        fix="bring it there: this sends it from here; or push it to a registry here and pull it there",
        command=f"docker save {shlex.quote(image)} | docker {flag(machine)} load",
    )
