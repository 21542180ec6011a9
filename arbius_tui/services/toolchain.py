"""What is installed and running here: a table of checks, all asked at once, none waiting for another."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, replace

from arbius_tui.domain.errors import BadInput, Fix
from arbius_tui.domain.networks import Network
from arbius_tui.services import probes
from arbius_tui.services.ipfs import LOCAL
from arbius_tui.services.machine import Finding, Machine
from arbius_tui.services.ports import Check

Probe = Callable[[Machine], Awaitable[Finding]]

LIMIT = 3.0
"""Seconds that a check may take."""


@dataclass(frozen=True, slots=True)
class Row:
    """One check: its place on the screen, the steps that need it, what finds out, and why it matters."""

    id: str
    group: str
    title: str
    needed_by: tuple[str, ...]
    probe: Probe
    why: str


RUN, PUBLISH, PIN, REGISTER, WIRE_IN, WALLET = "run", "publish", "pin", "register", "wire_in", "wallet"
BUILDS = (RUN, PUBLISH)

ROWS = (
    Row("docker-daemon", "containers", "docker daemon", BUILDS, probes.docker_daemon,
        "cog builds your image with it, and the image runs in it"),
    Row("docker-version", "containers", "docker version", BUILDS, probes.docker_version,
        "an Engine before 23 fails in the last step of a cog build"),
    Row("docker-cli", "containers", "docker command", (), probes.docker_cli,
        "the commands that are shown to you use it"),
    Row("docker-config", "containers", "docker config", BUILDS, probes.docker_config,
        "a broken one makes cog take another base image without a word"),
    Row("nvidia-driver", "containers", "nvidia driver", (RUN,), probes.nvidia_driver,
        "a model made for a GPU is proved on a GPU"),
    Row("container-toolkit", "containers", "container toolkit", (RUN,), probes.container_toolkit,
        "it hands the GPU to a container"),
    Row("gpu-runtime", "containers", "gpu runtime", (RUN,), probes.gpu_runtime,
        "docker run --gpus all needs it"),
    Row("cog", "containers", "cog", BUILDS, probes.cog,
        "it makes an image of your model that miners can run"),
    Row("buildx", "containers", "docker buildx", BUILDS, probes.buildx,
        "cog before 0.16 builds with it"),
    Row("r8-login", "containers", "replicate login", (PUBLISH,), probes.replicate_login,
        "cog push needs it"),
    Row("kubo-binary", "ipfs", "kubo binary", (PIN,), probes.kubo_binary,
        "the daemon on this machine is started with it"),
    Row("kubo-repo", "ipfs", "kubo repository", (PIN,), probes.ipfs_repo,
        "the daemon keeps its blocks there"),
    Row("ipfs-daemon", "ipfs", "ipfs daemon", (PIN,), probes.ipfs_daemon,
        "miners fetch the template from it"),
    Row("import-profile", "ipfs", "import profile", (PIN,), probes.import_profile,
        "a newer profile gives a CID that the engine never computes"),
    Row("rpc", "chain", "rpc chain id", (REGISTER,), probes.rpc_chain,
        "the transaction is sent through it"),
    Row("rpc-second", "chain", "second rpc", (REGISTER,), probes.rpc_second,
        "one RPC alone can lie"),
    Row("engine-code", "chain", "engine contract", (REGISTER,), probes.engine_code,
        "the model is registered with it"),
    Row("engine-version", "chain", "engine version", (REGISTER,), probes.engine_version,
        "each version has its own errors"),
    Row("engine-paused", "chain", "engine paused", (REGISTER,), probes.engine_paused,
        "a paused engine registers nothing"),
    Row("keyring", "accounts", "system keyring", (WALLET,), probes.system_keyring,
        "it can keep the key that signs"),
    Row("git", "accounts", "git", (WIRE_IN,), probes.git,
        "the wire-in is a commit in a checkout of Arbius"),
    Row("github", "accounts", "github command", (WIRE_IN,), probes.github,
        "it opens the pull request"),
    Row("python", "host", "python", (), probes.python,
        "this wizard and cog's server run on it"),
    Row("disk", "host", "free disk", BUILDS, probes.disk,
        "images are large"),
    Row("memory", "host", "memory", (RUN,), probes.memory,
        "the model must fit"),
    Row("node", "host", "node", (WIRE_IN,), probes.node,
        "only a preview of the Arbius website wants it; the wizard does not"),
)  # fmt: skip
"""All checks of a real machine in the order of the screen."""


class Toolchain:
    """The checks of this machine for one network. Satisfies services.ports.Toolchain."""

    def __init__(
        self, network: Network, ipfs: str = LOCAL, docker: str = "", rows: tuple[Row, ...] = ROWS, limit: float = LIMIT
    ) -> None:
        self.network, self.ipfs, self.docker = network, ipfs, docker
        self.rows, self.limit = rows, limit

    async def checks(self, only: str | None = None) -> AsyncGenerator[Check, None]:
        """Every check, or those of one group or id: first as `wait`, then each again as it ends.

        BadInput (`no-such-check`) for a group that does not exist; never raises for a finding.
        """
        rows = chosen(self.rows, only)
        for row in rows:
            yield waiting(row)
        async with Machine(self.network, self.ipfs, self.docker) as machine:
            tasks = [asyncio.create_task(ended(row, machine, self.limit)) for row in rows]
            try:
                for next_one in asyncio.as_completed(tasks):
                    yield await next_one
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)


def chosen(rows: tuple[Row, ...], only: str | None) -> tuple[Row, ...]:
    """The rows of one group or with one id, in any case; all when nothing is named."""
    if not only:
        return rows
    found = tuple(row for row in rows if only.lower() in (row.group, row.id))
    if found:
        return found
    groups = ", ".join(dict.fromkeys(row.group for row in rows))
    raise BadInput("no-such-check", f"there is no group of checks named {only[:40]!r}", fix=f"one of: {groups}")


def waiting(row: Row) -> Check:
    """A check before it has an answer."""
    return Check(row.id, row.group, "wait", "", row.why, row.needed_by, title=row.title)


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
