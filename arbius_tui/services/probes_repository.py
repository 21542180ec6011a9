"""Checks for the wire-in: git and gh, and what only the preview of the Arbius website wants."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from arbius_tui.domain.errors import Fix
from arbius_tui.domain.text import clean
from arbius_tui.services.machine import Finding, Machine, json_file
from arbius_tui.services.probe_words import first, silent

UNNEEDED = "not installed; only the website's preview wants it"


async def git(machine: Machine) -> Finding:
    """The wire-in is a commit."""
    if not machine.which("git"):
        return Finding("warn", "not installed", Fix("install it", "sudo apt install git"))
    done = await machine.run("git", "--version")
    if hung := silent(done, "git --version"):
        return hung
    if done.ok:
        return Finding("ok", first(done.text).removeprefix("git version "), None, done.text)
    return Finding("warn", f"git says: {first(done.text)}", Fix("install it anew", "sudo apt install git"), done.text)


async def github(machine: Machine) -> Finding:
    """gh opens the pull request; the page does as well."""
    if not machine.which("gh"):
        fix = Fix("install it, or open the pull request on the page", "sudo apt install gh")
        return Finding("warn", "not installed; the pull request can be opened on the page", fix)
    done = await machine.run("gh", "auth", "status")
    if hung := silent(done, "gh auth status"):
        return hung
    if done.ok:
        return Finding("ok", first(done.text), raw=done.text)
    return Finding("warn", "not logged in", Fix("log in", "gh auth login"), done.text)


async def node(machine: Machine) -> Finding:
    """A version, or why it is not missed."""
    return await unneeded(machine, "node")


async def yarn(machine: Machine) -> Finding:
    """A version, or why it is not missed."""
    return await unneeded(machine, "yarn")


async def unneeded(machine: Machine, program: str) -> Finding:
    """A program that the wizard does without: its version where it is here; never a warning."""
    if not machine.which(program):
        return Finding("off", UNNEEDED)
    done = await machine.run(program, "--version")
    return Finding("ok", first(done.text), raw=done.text) if done.ok else Finding("off", f"{program} gives no version")


async def nvm(machine: Machine) -> Finding:
    """It is a function of the shell and not a program: its script is what can be found."""
    folder = Path(os.environ.get("NVM_DIR") or Path.home() / ".nvm")
    if not await asyncio.to_thread((folder / "nvm.sh").is_file):
        return Finding("off", UNNEEDED)
    version = (await asyncio.to_thread(json_file, folder / "package.json")).get("version")
    return Finding("ok", clean(f"{version if isinstance(version, str) else 'some version'} {folder}")[:120])
