"""Checks of IPFS: Kubo's program, its repository, its daemon, and the import profile, which decides its CIDs."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from shlex import quote
from typing import Any

from arbius_tui.domain.errors import Failure, Fix
from arbius_tui.domain.import_profile import effect
from arbius_tui.domain.text import clean
from arbius_tui.services.ipfs import KuboNode
from arbius_tui.services.machine import PATIENCE, Finding, Machine
from arbius_tui.services.probe_words import first, silent


async def binary(machine: Machine) -> Finding:
    """A daemon elsewhere does as well."""
    if not machine.which("ipfs"):
        fix = Fix("install Kubo, or name a node elsewhere with --ipfs: https://docs.ipfs.tech/install/command-line/")
        return Finding("warn", "not installed", fix)
    done = await machine.run("ipfs", "--version")
    if hung := silent(done, "ipfs --version"):
        return hung
    version = first(done.text).removeprefix("ipfs version ")
    if done.ok:
        return Finding("ok", version, None, done.text)
    return Finding("warn", f"ipfs says: {version}", Fix("install Kubo anew: https://dist.ipfs.tech"), done.text)


def home() -> Path:
    """Where Kubo keeps its repository."""
    return Path(os.environ.get("IPFS_PATH") or Path.home() / ".ipfs")


def settings() -> dict[str, Any] | None:
    """The repository's configuration, None where there is no repository; ValueError for one that is no JSON."""
    try:
        found = json.loads((home() / "config").read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, RecursionError) as error:
        raise ValueError(str(error)) from None
    if not isinstance(found, dict):
        raise ValueError("it is no object")  # noqa: TRY004 - the same fault as other JSON that is no configuration
    return found


async def repository(machine: Machine) -> Finding:
    """`ipfs init` makes it; the daemon does not start without."""
    place = clean(str(home()))
    try:
        found = await asyncio.to_thread(settings)
    except ValueError as error:
        config = quote(str(home() / "config"))
        fix = Fix("mend the file; the daemon cannot start with it", f'"${{EDITOR:-nano}}" {config}')
        return Finding("FAIL", f"{place}/config cannot be read", fix, clean(str(error))[:2000])
    if found is not None:
        return Finding("ok", place)
    if not machine.which("ipfs"):
        return Finding("wait", "(needs: kubo binary)")
    return Finding("warn", f"none at {place}", Fix("make one", "ipfs init"))


async def daemon(machine: Machine) -> Finding:
    """Without it nothing is stored where others can fetch it."""
    try:
        async with KuboNode(machine.ipfs, limit=PATIENCE) as node:
            version, (_, addresses) = await asyncio.gather(node.version(), node.identity())
    except Failure as failure:
        problem = failure.problem
        off = problem.code == "ipfs-unreachable"
        what = "off: what is added here nobody can fetch" if off else problem.what
        return Finding("FAIL", what, problem.fix or Fix("start it", "ipfs daemon"),
                       "\n".join(part for part in (problem.what, problem.detail) if part))  # fmt: skip
    if addresses:
        return Finding("ok", clean(f"{version} at {machine.ipfs}"))
    fix = Fix("start it without --offline", "ipfs daemon")
    return Finding("warn", f"{version}, offline: it stores, and nobody can fetch", fix)


async def import_profile(machine: Machine) -> Finding:
    """What plain `ipfs add` would do; the wizard sends every option and does not depend on it."""
    try:
        async with KuboNode(machine.ipfs, limit=PATIENCE) as node:
            found = await node.config("Import")
    except Failure:
        try:
            found = (await asyncio.to_thread(settings) or {}).get("Import")
        except ValueError:
            found = None
        if found is None:
            return Finding("wait", "(needs: ipfs daemon)")
    raw = clean(json.dumps(found))[:2000]
    does = effect(found if isinstance(found, dict) else {})
    if not does.changes:
        return Finding("ok", "as the engine computes: plain `ipfs add` gives Qm..", raw=raw)
    fix = Fix(
        "nothing to do: the wizard sends all options itself; by hand, send them too",
        "ipfs add --cid-version=0 --raw-leaves=false --chunker=size-262144 --hash=sha2-256 FILE",
    )
    return Finding("warn", clean(f"{does.name}: plain `ipfs add` gives {does.gives}; handled here"), fix,
                   clean("\n".join([*does.changes, raw])))  # fmt: skip
