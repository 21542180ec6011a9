"""Model servers that the author runs: we find them and talk to them; only the author's own command restarts one."""

from __future__ import annotations

import shlex
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

from arbius_tui.domain.errors import BadInput, NotReady
from arbius_tui.domain.places import REPLICATE
from arbius_tui.services.ports import Health, Server
from arbius_tui.services.process import output

RESTART_LIMIT = 600.0
"""Seconds a restart command may take; `docker restart` of a big model takes its time."""


HOST = "127.0.0.1"
"""Where every server that we start listens."""


def free_port() -> int:
    """A port of HOST that nobody uses now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def restart_argv(command: str) -> tuple[str, ...]:
    """A restart command as the author typed it, split as a shell would; BadInput when it cannot be."""
    try:
        found = tuple(shlex.split(command))
    except ValueError as error:
        found, reason = (), str(error).lower()
    else:
        reason = "it is empty"
    if not found:
        raise BadInput(
            "restart-command",
            f"the restart command cannot be read: {reason}",
            fix="quote it, e.g. 'docker restart my-model'",
        )
    return found


class Endpoints:
    """Servers that run already, at URLs the author gave.

    `restart` is an argv that restarts one, or empty; `{url}` in it becomes the server's URL, and without that it is for
    the server at `first` alone.
    """

    def __init__(self, restart: tuple[str, ...] = (), first: str = "") -> None:
        self.command, self.first = restart, first.rstrip("/")

    async def start(self, folder: Path) -> Server:
        """Nothing is started here; NotReady (`no-endpoint`) says what to give."""
        raise NotReady(
            "no-endpoint",
            f"nothing here can start the model in {folder}",
            why="a wizard that was given an endpoint uses that and starts nothing",
            fix="start the model yourself and give its URL: --endpoint http://127.0.0.1:5000",
        )

    async def restart(self, server: Server) -> Server:
        """Run the author's restart command; NotReady: `not-ours` without one, `restart-failed` when it fails."""
        if server.url.startswith(REPLICATE):
            raise hosted_elsewhere(server)
        general = any("{url}" in word for word in self.command)
        if not self.command or not (general or not self.first or server.url == self.first):
            raise not_ours(server)
        argv = tuple(word.replace("{url}", server.url) for word in self.command)
        done = await output(argv, RESTART_LIMIT)
        if not done.ok:
            how = f"took longer than {RESTART_LIMIT:.0f} s" if done.ended == "late" else f"ended with code {done.code}"
            raise NotReady(
                "restart-failed",
                f"the restart command {how}: {shlex.join(argv)}",
                why="whether the bytes agree after a restart stays unknown",
                fix="run it by hand and look",
                detail=done.text,
            )
        return server

    async def stop(self, server: Server) -> None:
        """Nothing: it is the author's."""

    async def alive(self, server: Server) -> bool:
        """Never ours."""
        return False

    async def while_running(self, server: Server, healths: AsyncIterator[Health]) -> AsyncGenerator[Health, None]:
        """The healths as they are: what the author's server runs in is not ours to look at."""
        async for health in healths:
            yield health


def hosted_elsewhere(server: Server) -> NotReady:
    """What Replicate runs cannot be restarted by anybody but Replicate."""
    return NotReady(
        "not-ours",
        f"Replicate decides when {server.url.removeprefix(REPLICATE)} gets a new process",
        why="whether the bytes agree after a restart stays unknown there",
        fix="look at the restart on a server of your own",
    )


def not_ours(server: Server) -> NotReady:
    """A server that somebody else started is not ended by us."""
    return NotReady(
        "not-ours",
        f"{server.url} was not started by this wizard",
        why="a server of yours is never ended without your word",
        fix="give a command that restarts it: --restart-command",
    )
