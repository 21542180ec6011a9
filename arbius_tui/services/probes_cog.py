"""Checks of cog: that it is Replicate's, its version, what that version needs, and the login to r8.im."""

from __future__ import annotations

import asyncio
import os

from arbius_tui.domain.cog_words import INSTALL, VERSION, stranger
from arbius_tui.domain.errors import Fix
from arbius_tui.domain.text import clean
from arbius_tui.services.cog import REGISTRY, file_user, helper_name, read_config
from arbius_tui.services.machine import Finding, Machine, docker_folder
from arbius_tui.services.model_size import model_of
from arbius_tui.services.probe_words import first, numbers, silent

KNOWN = (0, 23)
"""The newest cog that this wizard was made with."""
RUST, RUNNERS, NO_BUILDX = (0, 17), (0, 20), (0, 16)
"""Since when images have today's server (coglet), cog.yaml may say `run:`, and cog builds without buildx."""


async def cog(machine: Machine) -> Finding:
    """Debian's cog is a web browser, PyPI's cogapp a code generator; pip install cog brings no command at all."""
    path = machine.which("cog")
    if not path:
        fix = Fix("install Replicate's cog (pip install cog brings no command)", INSTALL)
        return Finding("FAIL", "not installed", fix)
    done = await machine.run("cog", "--version")
    if found := VERSION.search(done.stdout):
        return await aged(machine, found[1], path, done.text)
    if hung := silent(done, "cog --version"):
        return hung
    problem = stranger(path, done.text)
    return Finding("FAIL", f"{problem.what.removeprefix(f'{path} is ')}: {path}"[:160], problem.fix, done.text)


async def aged(machine: Machine, version: str, path: str, raw: str) -> Finding:
    """Whether this version is one that can be built with; `dev` is whatever its author made of it."""
    age, update = numbers(version), Fix("update it", INSTALL)
    if not age or RUNNERS <= age[:2] <= KNOWN:
        return Finding("ok", f"{version} {path}", raw=raw)
    if age[:2] > KNOWN:
        fix = Fix("nothing to do, unless a build ends in words that this wizard does not know")
        return Finding("warn", f"{version} is newer than this wizard was tried with (0.23)", fix, raw)
    config = await model_of(machine)
    if config and config.config.form == "run":
        return Finding("FAIL", f"{version} is too old: your cog.yaml says run:, known since 0.20", update, raw)
    if age < RUST:
        return Finding("warn", f"{version} builds the old Python server; today's is of 0.17 and later", update, raw)
    return Finding("warn", f"{version} is old: it does not know run: in a cog.yaml (0.20)", update, raw)


async def buildx(machine: Machine) -> Finding:
    """cog shelled out to it until 0.15; later ones speak to the daemon."""
    found = VERSION.search((await machine.run("cog", "--version")).stdout) if machine.which("cog") else None
    if not found:
        return Finding("wait", "(needs: cog)")
    age = numbers(found[1])
    if not age or age >= NO_BUILDX:
        return Finding("off", f"not needed: cog {found[1]} builds without")
    done = await machine.run("docker", "buildx", "version")
    if done.ok:
        return Finding("ok", first(done.text), raw=done.text)
    if done.ended == "late" and (hung := silent(done, "docker buildx version")):
        return hung
    return Finding("FAIL", f"cog {found[1]} needs it", Fix("update cog, which then needs none", INSTALL), done.text)


async def login(machine: Machine) -> Finding:
    """Who docker's configuration knows at r8.im; a password is neither shown nor asked of a helper."""
    try:
        config = await asyncio.to_thread(read_config, docker_folder() / "config.json")
    except ValueError:
        return Finding("wait", "(needs: docker config)")
    user, helper = file_user(config), helper_name(config)
    if helper and not user:
        program = f"docker-credential-{helper}"
        if not machine.which(program):
            return Finding("wait", "(needs: docker config)")
        done = await machine.run(program, "list")  # servers and user names, never a secret
        if hung := silent(done, f"{program} list"):
            return hung
        user = "?" if done.ok and REGISTRY in done.stdout else ""
    if user:
        return Finding("ok", clean(f"logged in to {REGISTRY}{f' as {user}' if user != '?' else ''}")[:80])
    who = f"root is not logged in to {REGISTRY}" if os.environ.get("SUDO_USER") else f"not logged in to {REGISTRY}"
    text = "log in when you want to publish; sudo looks into root's configuration, not yours"
    return Finding("warn", who, Fix(text if os.environ.get("SUDO_USER") else text.partition(";")[0], "cog login"))
