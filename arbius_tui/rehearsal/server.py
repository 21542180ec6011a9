"""The example model's server: Cog's own HTTP server as a child process, with nothing but Python.

It outlives a wizard that is killed, so that the wizard finds it again. What was started is written into `server.json`
beside its log: the process number, its birth (a number alone may belong to somebody else by then), the folder and the
URL. `alive` recognises it by that, so the server of a killed wizard is adopted by asking; `start` always ends it first
and begins anew, because the model's files may have changed. One that nobody comes back for is ended by `keeper`. There
is one such file for each project, and the lock of the project keeps a second wizard away from it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import asdict, replace
from pathlib import Path

from arbius_tui.domain.errors import BadInput, NotReady
from arbius_tui.domain.text import clean
from arbius_tui.rehearsal.keeper import Remembered, remembered
from arbius_tui.services import files, model_folder, watching
from arbius_tui.services.containers_logs import reason
from arbius_tui.services.ports import Health, Server
from arbius_tui.services.process import Child, born, to_the_end
from arbius_tui.services.servers import HOST, free_port, not_ours

ATTEMPTS = 5
LOOK = 0.1
"""Seconds between two looks at a process that is watched."""

LISTENS_WITHIN = 60.0
"""Seconds until a server that has begun must listen; 0.3 here, more on a cold disk."""


def predictor(folder: Path) -> str:
    """What cog.yaml names as predictor, e.g. `predict.py:Predictor`; BadInput when there is no cog.yaml or no name."""
    if found := model_folder.read(folder).predictor:
        return found
    raise BadInput(
        "no-predictor",
        f"{folder / 'cog.yaml'} names no predictor",
        why="without it nobody knows which class to run",
        fix='add a line such as predict: "predict.py:Predictor"',
    )


class LocalServers:
    """Runs models with the Cog that is installed beside us; keeps the log and `server.json` in the folder `state`."""

    def __init__(self, state: Path, python: str = sys.executable) -> None:
        self.state, self.python = state, python
        self.log = state / "server.log"
        self.file = state / "server.json"
        self.child: Child | None = None
        self.keeper: Child | None = None

    async def start(self, folder: Path) -> Server:
        """Start the model's server on a free port of 127.0.0.1 and wait until it listens; an earlier one is ended.

        NotReady: `server-ended` when it ends before it listens (its last lines as detail), `server-silent` when it does
        not listen in time. Whether the model's setup succeeds is for Predictions to say.
        """
        stub = await asyncio.to_thread(predictor, folder)
        await self.aclose()
        await asyncio.to_thread(self.state.mkdir, parents=True, exist_ok=True)
        try:
            for _ in range(ATTEMPTS):
                port = free_port()
                server, child = self.spawn(folder, stub, port)
                if await self.listens(child, port):
                    return server
        except BaseException:
            await self.aclose()
            raise
        raise NotReady("port-taken", f"{ATTEMPTS} free ports were taken by others just before use", fix="try again")

    async def restart(self, server: Server) -> Server:
        """The same model in a new process, at another URL; NotReady (`not-ours`) for a server we did not start."""
        known = await asyncio.to_thread(self.remembered)
        if known is None or known.pid != server.pid:
            raise not_ours(server)
        return await self.start(Path(known.folder))

    async def stop(self, server: Server) -> None:
        """End it with its worker; nothing happens to a process that only has its number."""
        known = await asyncio.to_thread(self.remembered)
        if known is not None and known.pid == server.pid:
            await self.aclose()

    async def alive(self, server: Server) -> bool:
        """Whether this server runs and is ours, be it from a wizard that was killed."""
        known = await asyncio.to_thread(self.remembered)
        if known is None or known.pid != server.pid or known.url != server.url:
            return False
        if not await self.ours(known).alive():
            return False
        if known.owner != os.getpid():
            await asyncio.to_thread(self.remember, known)
        return True

    def while_running(self, server: Server, healths: AsyncIterator[Health]) -> AsyncGenerator[Health, None]:
        """The healths of a server, but for a process of ours that ends meanwhile: a NotReady then says why it ended."""
        return watching.while_running(healths, lambda: self.trouble(server), LOOK)

    async def trouble(self, server: Server) -> NotReady | None:
        """Why a server that we started cannot answer; None while its process runs, and for one that is not ours."""
        if not server.pid or not server.started_by_us:
            return None
        known = await asyncio.to_thread(self.remembered)
        same = known is not None and known.pid == server.pid
        process = self.ours(known) if known and same else Child(server.pid, await asyncio.to_thread(born, server.pid))
        if await process.alive():
            return None
        return await asyncio.to_thread(self.gone, process.code)

    async def aclose(self) -> None:
        """End whatever server of ours runs for this project, also one that an earlier wizard left."""
        await to_the_end(self._aclose())

    async def _aclose(self) -> None:
        known = await asyncio.to_thread(self.remembered)
        if known is not None:
            await self.ours(known).stop()
        if self.keeper is not None:
            await self.keeper.stop()
        self.child = self.keeper = None
        await asyncio.to_thread(self.file.unlink, missing_ok=True)

    def spawn(self, folder: Path, stub: str, port: int) -> tuple[Server, Child]:
        """Start the process and write down at once whose it is."""
        argv = [self.python, "-m", "cog.server.http", "--host", HOST]
        child = self.child = Child.start(argv, folder, self.environment(stub, port), self.log)
        url = f"http://{HOST}:{port}"
        self.remember(Remembered(url, str(folder), child.pid, child.born))
        watcher = [sys.executable, "-m", "arbius_tui.rehearsal.keeper", str(self.file)]
        self.keeper = Child.start(watcher, Path(__file__).parents[2], dict(os.environ), self.state / "keeper.log")
        return Server(url, pid=child.pid, started_by_us=True), child

    def environment(self, stub: str, port: int) -> dict[str, str]:
        """What the server needs to know; Cog starts its worker as `python`, so that must be ours on PATH."""
        path = os.pathsep.join([str(Path(self.python).parent), os.environ.get("PATH", os.defpath)])
        ours = {"PATH": path, "PORT": str(port), "COG_PREDICT_TYPE_STUB": stub, "LOG_FORMAT": "console"}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("COG_")}
        return kept | ours | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}

    async def listens(self, child: Child, port: int) -> bool:
        """Wait until our own server says that it listens; False when the port was taken in between."""
        deadline = time.monotonic() + LISTENS_WITHIN
        while await child.alive():
            # Somebody else may answer at the port: only the server's own word counts.
            if f"{HOST}:{port}" in await asyncio.to_thread(self.tail):
                return True
            if time.monotonic() > deadline:
                raise self.silent()
            await asyncio.sleep(0.02)
        if "Address already in use" in await asyncio.to_thread(self.tail):
            return False
        raise self.ended()

    def silent(self) -> NotReady:
        """The failure of a server that runs and does not listen."""
        return NotReady(
            "server-silent",
            f"the model's server does not listen after {LISTENS_WITHIN:.0f} s",
            fix=f"read its log: {self.log}",
            detail=self.tail(),
        )

    def ended(self) -> NotReady:
        """The failure of a server that is gone before it listened."""
        return NotReady(
            "server-ended",
            "the model's server ended before it listened",
            why="a model that cannot be started cannot be tested",
            fix=f"read its last lines; all of them are in {self.log}",
            detail=self.tail(),
        )

    def gone(self, code: int | None) -> NotReady:
        """The failure of a server that listened and ended before it was READY; no code for one of an earlier wizard."""
        said = self.tail()
        how = "" if code is None else f" (signal {-code})" if code < 0 else f" (exit code {code})"
        why = reason(said.splitlines())
        return NotReady(
            "server-ended",
            f"the model's server ended before it was ready{how}{f': {why}' if why else ''}",
            why="a process that runs no more answers nothing; an older Cog server ends when its setup fails",
            fix=f"mend what its last lines say, then start it again; all of them are in {self.log}",
            detail=said,
        )

    def tail(self) -> str:
        """The last 8 KiB of the log, clean."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(self.log.stat().st_size - 8192, 0))
                return clean(file.read().decode("utf-8", "replace"))
        except OSError:
            return ""

    def remembered(self) -> Remembered | None:
        """What `server.json` holds."""
        return remembered(self.file)

    def remember(self, known: Remembered) -> None:
        """Write a server down as ours."""
        owned = replace(known, owner=os.getpid(), owner_born=born(os.getpid()))
        files.write(self.file, json.dumps(asdict(owned)).encode())

    def ours(self, known: Remembered) -> Child:
        """The process that was written down: our own child, or the one of a wizard that was killed."""
        if self.child is not None and self.child.pid == known.pid:
            return self.child
        return Child(known.pid, known.born)
