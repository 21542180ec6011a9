"""The rehearsal's checks: its own parts, for real, and what a real run would need besides, marked `off`."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

from arbius_tui.domain.errors import Fix
from arbius_tui.domain.networks import NETWORKS
from arbius_tui.domain.text import size
from arbius_tui.services import probes
from arbius_tui.services.machine import Finding, Machine
from arbius_tui.services.toolchain import Probe, Row, Toolchain

INSTALL = Fix("install arbius-tui again; its rehearsal comes with it", "pip install --force-reinstall arbius-tui")
GOOD_DISK = 200 * 10**6
"""Bytes: the rehearsal writes a few MB."""


def packages(*names: str) -> Probe:
    """A check that these packages are installed; their versions are read, nothing is imported."""

    async def probe(machine: Machine) -> Finding:
        from importlib.metadata import PackageNotFoundError, version

        try:
            found = await asyncio.to_thread(lambda: [f"{name} {version(name)}" for name in names])
        except PackageNotFoundError as error:
            return Finding("FAIL", f"{error.name} is not installed", INSTALL)
        return Finding("ok", ", ".join(found))

    return probe


def writable(folder: Path) -> Probe:
    """A check that files can be made in this folder, or where it will be."""

    def look() -> Finding:
        place = next(above for above in (folder, *folder.parents) if above.exists())
        if place.is_dir() and os.access(place, os.W_OK | os.X_OK):
            return Finding("ok", str(folder))
        return Finding("FAIL", f"{place} cannot be written to", Fix("set XDG_STATE_HOME to a folder you can write to"))

    async def probe(machine: Machine) -> Finding:
        return await asyncio.to_thread(look)

    return probe


def room(folder: Path) -> Probe:
    """A check that a few MB fit."""

    def look() -> Finding:
        place = next(above for above in (folder, *folder.parents) if above.exists())
        free = shutil.disk_usage(place).free
        if free >= GOOD_DISK:
            return Finding("ok", f"{size(free)} free")
        return Finding("warn", f"{size(free)} free at {place}", Fix("free some space on that disk"))

    async def probe(machine: Machine) -> Finding:
        return await asyncio.to_thread(look)

    return probe


def unneeded(program: str, instead: str) -> Probe:
    """A row of the real machine that the rehearsal does without; says whether it is here, and asks it nothing."""

    async def probe(machine: Machine) -> Finding:
        here = "is installed" if machine.which(program) else "is not on PATH"
        return Finding("off", f"{instead}; {program} {here}")

    return probe


def rows(folder: Path) -> tuple[Row, ...]:
    """All checks of a rehearsal that lives in this folder."""
    server, chain = packages("cog", "coglet"), packages("eth-tester", "py-evm", "web3")
    return (
        Row("python", "rehearsal", "python", ("run",), probes.python,
            "the wizard and the model's server run on it"),
        Row("cog-server", "rehearsal", "cog server", ("run",), server,
            "the real HTTP server of Cog serves the model"),
        Row("chain", "rehearsal", "embedded chain", ("pin", "register"), chain,
            "our engine contract runs on it"),
        Row("blocks", "rehearsal", "block store", ("pin",), writable(folder),
            "the template is kept there"),
        Row("disk", "rehearsal", "free disk", ("run",), room(folder),
            "outputs and state are written"),
        Row("docker-daemon", "real run", "docker", (), unneeded("docker", "the model is served without a container"),
            "a real run builds and runs an image"),
        Row("cog", "real run", "cog", (), unneeded("cog", "nothing is built"),
            "a real run builds with it"),
        Row("gpu", "real run", "gpu", (), unneeded("nvidia-smi", "the example model runs on the CPU"),
            "a real model is proved on the GPU it is made for"),
        Row("ipfs-daemon", "real run", "ipfs", (), unneeded("ipfs", "blocks stay on this machine"),
            "a real template is pinned where others fetch it"),
        Row("git", "real run", "git", (), unneeded("git", "nothing is committed"),
            "a real wire-in is a commit"),
    )  # fmt: skip


class RehearsalToolchain(Toolchain):
    """The checks of the rehearsal in this folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(NETWORKS["rehearsal"], rows=rows(folder))
