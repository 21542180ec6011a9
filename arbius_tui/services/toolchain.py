"""What is installed and running here: a table of checks, all asked at once; one that needs another waits for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from arbius_tui.domain.errors import BadInput, Fix
from arbius_tui.domain.networks import Network
from arbius_tui.services import (
    probes,
    probes_chain,
    probes_cog,
    probes_docker,
    probes_gpu,
    probes_ipfs,
    probes_repository,
    probes_room,
)
from arbius_tui.services.ipfs_address import LOCAL
from arbius_tui.services.machine import Finding, Machine
from arbius_tui.services.ports import Check, Subject

Probe = Callable[[Machine], Awaitable[Finding]]

LIMIT = 3.0
"""Seconds that a check may take."""

READY = ("ok", "warn")
"""States of a check that others can build on."""


@dataclass(frozen=True, slots=True)
class Row:
    """One check: its place on the screen, the steps that need it, what finds out, and why it matters.

    `needs` are ids of rows that must be ok (or warn) first; with `tries` the probe runs all the same, because it finds
    out something without them, and says by itself when it waits for them.
    """

    id: str
    group: str
    title: str
    needed_by: tuple[str, ...]
    probe: Probe
    why: str
    needs: tuple[str, ...] = ()
    tries: bool = False


RUN, PUBLISH, PIN, REGISTER, WIRE_IN, WALLET = "run", "publish", "pin", "register", "wire_in", "wallet"
BUILDS = (RUN, PUBLISH)
DAEMON, RPC = ("docker-daemon",), ("rpc",)
PREVIEW = "only a preview of the Arbius website wants it; the wizard itself needs neither node nor nvm nor yarn"

ROWS = (
    Row("docker-daemon", "containers", "docker daemon", BUILDS, probes_docker.daemon,
        "cog builds your image with it, and the image runs in it", ("docker-permission",), tries=True),
    Row("docker-permission", "containers", "docker permission", BUILDS, probes_docker.permission,
        "whoever may not open docker's socket can neither build nor run"),
    Row("docker-version", "containers", "docker version", BUILDS, probes_docker.version,
        "an Engine before 23 fails in the last step of a cog build", DAEMON),
    Row("docker-cli", "containers", "docker command", (), probes_docker.cli,
        "the commands that are shown to you use it"),
    Row("docker-config", "containers", "docker config", BUILDS, probes_docker.config,
        "a broken one makes cog take another base image without a word"),
    Row("nvidia-driver", "gpu", "nvidia driver", (RUN,), probes_gpu.driver,
        "a model made for a GPU is proved on a GPU"),
    Row("container-toolkit", "gpu", "container toolkit", (RUN,), probes_gpu.toolkit,
        "it hands the GPU to a container"),
    Row("gpu-runtime", "gpu", "gpu runtime", (RUN,), probes_gpu.runtime,
        "docker run --gpus all needs it", ("docker-daemon", "container-toolkit")),
    Row("cog", "cog", "cog", BUILDS, probes_cog.cog,
        "it makes an image of your model that miners can run"),
    Row("buildx", "cog", "docker buildx", BUILDS, probes_cog.buildx,
        "cog before 0.16 builds with it", ("cog",)),
    Row("r8-login", "cog", "replicate login", (PUBLISH,), probes_cog.login,
        "cog push needs it", ("docker-config",), tries=True),
    Row("kubo-binary", "ipfs", "kubo binary", (PIN,), probes_ipfs.binary,
        "the daemon on this machine is started with it"),
    Row("kubo-repo", "ipfs", "kubo repository", (PIN,), probes_ipfs.repository,
        "the daemon keeps its blocks there", ("kubo-binary",), tries=True),
    Row("ipfs-daemon", "ipfs", "ipfs daemon", (PIN,), probes_ipfs.daemon,
        "miners fetch the template from it"),
    Row("import-profile", "ipfs", "import profile", (PIN,), probes_ipfs.import_profile,
        "a newer profile gives a CID that the engine never computes", ("ipfs-daemon",), tries=True),
    Row("rpc", "chain", "rpc chain id", (REGISTER,), probes_chain.first,
        "the transaction is sent through it"),
    Row("rpc-second", "chain", "second rpc", (REGISTER,), probes_chain.second,
        "one RPC alone can lie"),
    Row("engine-code", "chain", "engine contract", (REGISTER,), probes_chain.engine_code,
        "the model is registered with it", RPC),
    Row("engine-version", "chain", "engine version", (REGISTER,), probes_chain.engine_version,
        "each version has its own errors", RPC),
    Row("engine-paused", "chain", "engine paused", (REGISTER,), probes_chain.engine_paused,
        "a paused engine registers nothing", RPC),
    Row("git", "repository", "git", (WIRE_IN,), probes_repository.git,
        "the wire-in is a commit in a checkout of Arbius"),
    Row("github", "repository", "github command", (WIRE_IN,), probes_repository.github,
        "it opens the pull request"),
    Row("node", "repository", "node", (WIRE_IN,), probes_repository.node, PREVIEW),
    Row("nvm", "repository", "nvm", (WIRE_IN,), probes_repository.nvm, PREVIEW),
    Row("yarn", "repository", "yarn", (WIRE_IN,), probes_repository.yarn, PREVIEW),
    Row("keyring", "accounts", "system keyring", (WALLET,), probes.system_keyring,
        "it can keep the key that signs"),
    Row("python", "host", "python", (), probes.python,
        "this wizard and cog's server run on it"),
    Row("disk", "host", "free disk", BUILDS, probes_room.disk,
        "an image and what is fetched for it must fit"),
    Row("memory", "host", "memory", (RUN,), probes_room.memory,
        "the model must fit"),
    Row("transfer", "host", "download, upload", BUILDS, probes_room.transfer,
        "a first build and a first push take as long as the line is slow"),
)  # fmt: skip
"""All checks of a real machine in the order of the screen."""


class Toolchain:
    """The checks of this machine for one network. Satisfies services.ports.Toolchain."""

    def __init__(
        self, network: Network, ipfs: str = LOCAL, docker: str = "", rows: tuple[Row, ...] = ROWS, limit: float = LIMIT
    ) -> None:
        self.network, self.ipfs, self.docker = network, ipfs, docker
        self.rows, self.limit = rows, limit

    async def checks(self, only: str | None = None, subject: Subject | None = None) -> AsyncGenerator[Check, None]:
        """Every check, or those of groups and ids: first as `wait`, then each again as it ends.

        What a chosen row needs is looked at too, unasked and unsaid. BadInput (`no-such-check`) for a name that no row
        and no group has; never raises for a finding.
        """
        rows = chosen(self.rows, only)
        for row in rows:
            yield waiting(row)
        async with Machine(self.network, self.ipfs, self.docker, subject) as machine:
            running = started(with_needs(self.rows, rows), machine, self.limit)
            tasks = [running[row.id] for row in rows]
            try:
                for next_one in asyncio.as_completed(tasks):
                    yield await next_one
            finally:
                for task in running.values():
                    task.cancel()
                await asyncio.gather(*running.values(), return_exceptions=True)


def chosen(rows: tuple[Row, ...], only: str | None) -> tuple[Row, ...]:
    """The rows of these groups or with these ids, in any case; all when nothing is named."""
    names = [name.strip().lower() for name in (only or "").split(",") if name.strip()]
    for name in names:
        if not any(name in (row.group, row.id) for row in rows):
            groups = ", ".join(dict.fromkeys(row.group for row in rows))
            raise BadInput("no-such-check", f"there is no group of checks named {name[:40]!r}", fix=f"one of: {groups}")
    return tuple(row for row in rows if not names or row.group in names or row.id in names)


def with_needs(rows: tuple[Row, ...], wanted: Iterable[Row]) -> tuple[Row, ...]:
    """These rows and all that they wait for, directly or not, in the order of the table."""
    table, ids = {row.id: row for row in rows}, set[str]()
    todo = [row.id for row in wanted]
    while todo:
        if (id := todo.pop()) in table and id not in ids:
            ids.add(id)
            todo += table[id].needs if not table[id].tries else ()
    return tuple(row for row in rows if row.id in ids)


def started(rows: tuple[Row, ...], machine: Machine, limit: float) -> dict[str, asyncio.Task[Check]]:
    """A task for each row; all run at once, and a row that needs others waits for theirs."""
    tasks: dict[str, asyncio.Task[Check]] = {}
    for row in rows:
        tasks[row.id] = asyncio.create_task(answered(row, tasks, machine, limit))
    return tasks


async def answered(row: Row, tasks: Mapping[str, asyncio.Task[Check]], machine: Machine, limit: float) -> Check:
    """A check with its answer; without what it needs its probe is not run."""
    await asyncio.sleep(0)  # until every row has its task
    for need in row.needs if not row.tries else ():
        before = await asyncio.shield(tasks[need])
        if before.state == "off":
            return replace(waiting(row), state="off", found=before.found)
        if before.state not in READY:
            return replace(waiting(row), found=f"(needs: {before.title})")
    return await ended(row, machine, limit)


def waiting(row: Row) -> Check:
    """A check before it has an answer."""
    return Check(row.id, row.group, "wait", "", row.why, row.needed_by, title=row.title, needs=row.needs)


async def ended(row: Row, machine: Machine, limit: float) -> Check:
    """A check with its answer, after at most `limit` seconds."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(limit):
            found = await row.probe(machine)
    except TimeoutError:
        found = Finding("warn", f"no answer in {limit:g} s", Fix("look why it hangs, then check again (F5)"))
    except Exception as error:  # a fault of ours in one check must not take the others with it
        found = Finding("warn", "this check itself failed", Fix("check again (F5)"), type(error).__name__)
    took = time.monotonic() - began
    return replace(
        waiting(row), state=found.state, found=found.found, fix=found.fix, raw=found.raw, seconds=round(took, 3)
    )
