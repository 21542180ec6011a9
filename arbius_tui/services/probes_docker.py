"""Checks of docker: the command, the socket and who may open it, the Engine behind it, and docker's configuration.

No Engine, a stopped one, one that this user may not speak to, and one that hangs are four faults with four fixes.
"""

from __future__ import annotations

import asyncio
import errno
import getpass
import grp
import json
import os
import pwd
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any
from urllib.parse import urlsplit

from arbius_tui.domain.errors import Fix
from arbius_tui.domain.text import clean
from arbius_tui.services.machine import PATIENCE, Finding, Machine, Reply, docker_folder
from arbius_tui.services.probe_words import field, first, numbers, silent, word

INSTALL = "curl -fsSL https://get.docker.com | sudo sh"
NO_ACCESS = (errno.EACCES, errno.EPERM)
HELPERS = {
    "pass": "sudo apt install golang-docker-credential-helpers",
    "secretservice": "sudo apt install golang-docker-credential-helpers",
    "ecr-login": "sudo apt install amazon-ecr-credential-helper",
}
"""Credential helpers that Debian and Ubuntu package."""
STARTED_BY = {
    "/.colima/": "colima start", "/.orbstack/": "open -a OrbStack", "/.rd/": "rdctl start",
} | ({} if sys.platform == "darwin" else {"/.docker/desktop/": "systemctl --user start docker-desktop"})  # fmt: skip
"""What starts the Engine whose socket lies there."""
ASKED_BY_A_BUILD = ("r8.im", "docker.io", "https://index.docker.io/v1/", "ghcr.io")
"""Registries that cog asks while it builds or pushes."""


async def cli(machine: Machine) -> Finding:
    """Only people need it: cog and the wizard speak to the daemon themselves."""
    if not machine.which("docker"):
        fix = Fix("it comes with Docker Engine: https://docs.docker.com/engine/install/")
        return Finding("warn", "not installed; only people need it", fix)
    done = await machine.run("docker", "--version")
    if hung := silent(done, "docker --version"):
        return hung
    if done.ok:
        return Finding("ok", first(done.text), None, done.text)
    return Finding("warn", f"docker says: {first(done.text)}", Fix("install it anew", INSTALL), done.text)


async def permission(machine: Machine) -> Finding:
    """Whether this user may open the socket: by the group, as root, or because it is the user's own."""
    socket = machine.docker_socket
    if socket is None:
        return Finding("off", "no socket of this machine is used, so no group is asked")
    reply = await machine.docker("/version")
    if reply.number in NO_ACCESS:
        return await asyncio.to_thread(forbidden, socket, reply.fault)
    if not reply.reached and reply.number and reply.number != errno.ECONNREFUSED:
        return Finding("off", "no socket yet, so nobody to be let in")
    return Finding("ok", await asyncio.to_thread(allowed, socket))


def allowed(socket: Path) -> str:
    """Why this user may open it."""
    owner = owner_of(socket)
    if os.geteuid() == 0:
        return "root may"
    if owner.uid == os.geteuid():
        return "the socket is this user's own (rootless)"
    return f"this user is in the group {owner.group}"


@dataclass(frozen=True, slots=True)
class Owner:
    """Who owns a socket; `members` are those that the group's list names today, `mode` its permission bits."""

    uid: int = -1
    gid: int = -1
    group: str = "docker"
    members: tuple[str, ...] = ()
    mode: int = 0o660


def owner_of(socket: Path) -> Owner:
    """The owner of a socket; docker's usual one where it cannot be seen."""
    try:
        found = socket.stat()
    except OSError:
        return Owner()
    try:
        group = grp.getgrgid(found.st_gid)
    except KeyError:
        return Owner(found.st_uid, found.st_gid, str(found.st_gid), (), found.st_mode & 0o777)
    return Owner(found.st_uid, found.st_gid, clean(group.gr_name), tuple(group.gr_mem), found.st_mode & 0o777)


def forbidden(socket: Path, fault: str) -> Finding:
    """Four reasons why the socket does not open, each with its own fix."""
    owner, user, raw = owner_of(socket), user_name(), f"{socket}: {fault}"
    in_list = user in owner.members or primary_group(user) == owner.gid
    in_session = owner.gid in (*os.getgroups(), os.getegid())
    if owner.gid == 0 or owner.group == "root":
        command = f"sudo groupadd -f docker && sudo usermod -aG docker {quote(user)} && sudo systemctl restart docker"
        fix = Fix("make the group docker, join it, restart docker, then log in again; or start this with sudo", command)
        return Finding("FAIL", "only root may: the socket belongs to no group docker", fix, raw)
    if in_session:
        fix = Fix("give the group its rights back; a restart of docker does it for good", f"sudo chmod 660 {socket}")
        return Finding("FAIL", f"the socket's mode {owner.mode:o} shuts the group {owner.group} out", fix, raw)
    if in_list:
        fix = Fix("log out and in again, or start this wizard from a shell that knows the group",
                  f"newgrp {quote(owner.group)}")  # fmt: skip
        return Finding("FAIL", f"this user is in the group {owner.group}, but this session began before", fix, raw)
    command = f"sudo usermod -aG {quote(owner.group)} {quote(user)}"
    text = "join the group, then log out and in again (its members are as good as root); or start this with sudo"
    return Finding("FAIL", f"this user is not in the group {owner.group}", Fix(text, command), raw)


def user_name() -> str:
    """Who this process runs as, also after `su` without a login."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return getpass.getuser()


def primary_group(user: str) -> int:
    """A user's first group, -1 for a user that is in no list."""
    try:
        return pwd.getpwnam(user).pw_gid
    except KeyError:
        return -1


async def daemon(machine: Machine) -> Finding:
    """Whether an Engine answers, and which; if not, which of the reasons it is."""
    if problem := machine.docker_fault:
        return Finding("FAIL", problem.what, problem.fix, problem.detail)
    kind, place = machine.docker_kind, shown(machine.docker_at.url)
    if not kind:
        fix = Fix("unset it, or write e.g. unix:///var/run/docker.sock", "unset DOCKER_HOST")
        return Finding("FAIL", f"{machine.docker_at.how}: {place!r} is no address of a Docker Engine", fix)
    if kind == "ssh":
        return Finding("off", f"{place} is another machine: not asked from here; `docker version` asks it")
    reply = await machine.docker("/version")
    if reply.fault:
        return absent(machine, reply, place)
    if not isinstance(field(reply, "Version"), str):
        fix = Fix("look which address is used, and what listens there", "docker context ls")
        return Finding("FAIL", f"what answers at {place} is no Docker Engine", fix, json.dumps(reply.value)[:2000])
    info = await machine.docker("/info")
    return engine(reply, info, place)


def engine(reply: Reply, info: Reply, place: str) -> Finding:
    """An Engine that answers: its version and what is special about it."""
    raw = json.dumps(reply.value)[:2000]
    parts = field(reply, "Components")
    names = [str(part.get("Name")) for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    if any("podman" in name.lower() for name in names):
        fix = Fix("install Docker Engine; nobody has seen cog build with Podman", INSTALL)
        return Finding("warn", f"Podman {word(reply, 'Version')} answers in docker's place at {place}", fix, raw)
    special = [text for text, there in (
        ("rootless", "rootless" in str(field(info, "SecurityOptions"))),
        ("Docker Desktop", "Docker Desktop" in str(field(info, "OperatingSystem"))),
        ("snap", snapped(info)),
    ) if there]  # fmt: skip
    return Finding("ok", f"{word(reply, 'Version')} at {', '.join([place, *special])}", raw=raw)


def snapped(info: Reply) -> bool:
    """Whether docker is a snap, which is shut off from the host's GPU and folders."""
    return str(field(info, "DockerRootDir")).startswith("/var/snap/docker")


def absent(machine: Machine, reply: Reply, place: str) -> Finding:
    """Why nobody answers as an Engine."""
    raw = f"{place}: {reply.fault}"
    if reply.number in NO_ACCESS:
        return Finding("wait", "(needs: docker permission)", raw=raw)
    if reply.late:
        return Finding("FAIL", f"hangs: no answer in {PATIENCE:g} s", Fix("restart it", restart(machine)), raw)
    if machine.docker_socket is None:
        fix = Fix("start docker there, or unset DOCKER_HOST to use the one of this machine", "unset DOCKER_HOST")
        return Finding("FAIL", f"nobody answers at {place}", fix, raw)
    if reply.reached:
        return Finding("FAIL", f"answers, but only with an error: {reply.fault}"[:80],
                       Fix("restart it", restart(machine)), raw)  # fmt: skip
    return unserved(machine, reply, place, raw)


def unserved(machine: Machine, reply: Reply, place: str, raw: str) -> Finding:
    """A socket with nobody behind it, no socket although docker is installed, or no docker."""
    if reply.number == errno.ECONNREFUSED:
        return Finding("FAIL", f"stopped: nobody is behind {place}", Fix("start it", start(machine)), raw)
    if machine.which("dockerd") or machine.which("docker") or sys.platform == "darwin":
        return Finding("FAIL", f"not running: there is no {place}", Fix("start it", start(machine)), raw)
    fix = Fix("install Docker Engine 23 or later; its installer starts it", INSTALL)
    return Finding("FAIL", f"not installed: there is no {place}", fix, raw)


def start(machine: Machine) -> str:
    """What starts docker on this kind of machine."""
    socket, program = str(machine.docker_socket), os.path.realpath(machine.which("docker") or "/")
    if own := next((command for part, command in STARTED_BY.items() if part in socket), ""):
        return own
    if sys.platform == "darwin":
        return "open -a Docker"
    if socket.startswith("/run/user/"):
        return "systemctl --user start docker"
    if "/snap" in program:
        return "sudo snap start docker"
    return "sudo systemctl start docker" if Path("/run/systemd/system").exists() else "sudo service docker start"


def restart(machine: Machine) -> str:
    """What starts it anew; its containers end with it."""
    return re.sub(r"\bstart\b", "restart", start(machine))


async def version(machine: Machine) -> Finding:
    """An Engine before 23 fails in the last step of a cog build (seen with 20.10)."""
    reply = await machine.docker("/version")
    if reply.fault:
        return Finding("wait", "(needs: docker daemon)")
    found, processor = word(reply, "Version"), word(reply, "Arch")
    if "podman" in str(field(reply, "Components")).lower():
        return Finding("off", f"Podman {found}: docker's own versions say nothing here")
    if numbers(found) < (23,):
        found = f"{found} is too old" if numbers(found) else "it gives no version"
        fix = Fix("install Docker Engine 23 or later", INSTALL)
        return Finding("FAIL", f"{found}: a cog build cannot end on it", fix)
    if processor in ("arm64", "aarch64"):
        fix = Fix("build on a machine with an amd64 processor; miners run linux/amd64")
        return Finding("warn", f"{found} on {processor}: cog's images are linux/amd64, emulated here", fix)
    return Finding("ok", found)


async def config(machine: Machine) -> Finding:
    """A broken one, or one that names a helper that is not there, makes builds take another base image silently."""
    from arbius_tui.services.cog import read_config

    path = docker_folder() / "config.json"
    if not await asyncio.to_thread(path.exists):
        return Finding("off", "no file; docker does without")
    try:
        found = await asyncio.to_thread(read_config, path)
    except ValueError as error:
        place = quote(str(path))
        fix = Fix("mend it or move it away first: cog login overwrites a broken one", f"mv {place} {place}.broken")
        return Finding("FAIL", "its config.json cannot be read", fix, clean(f"{path}: {error}")[:2000])
    return helpers(machine, path, found)


def helpers(machine: Machine, path: Path, found: Mapping[str, Any]) -> Finding:
    """Whether the credential helpers that it names are installed: the one for all registries, and those of some."""
    own = found.get("credHelpers")
    named = {"every registry": found.get("credsStore"), **(own if isinstance(own, dict) else {})}
    missing = {str(where): str(name) for where, name in named.items() if name and not installed(machine, name)}
    if not missing:
        return Finding("ok", clean(f"{path} is whole"))
    bad = next((where for where in missing if where in ("every registry", *ASKED_BY_A_BUILD)), next(iter(missing)))
    name = clean(missing[bad])[:40]
    text = f"install docker-credential-{name}, or take its line out of {path}"
    command = HELPERS.get(name, f'"${{EDITOR:-nano}}" {quote(str(path))}')
    asked = bad in ("every registry", *ASKED_BY_A_BUILD)
    where = "" if bad == "every registry" else f" for {clean(bad)[:40]}"
    words = f"names the helper {name}{where}, which is not installed"
    return Finding("FAIL" if asked else "warn", words, Fix(clean(text), command))


def installed(machine: Machine, name: object) -> bool:
    """Whether a credential helper of this name is on PATH; a name with a slash is none."""
    return bool(re.fullmatch(r"[\w.-]+", str(name))) and bool(machine.which(f"docker-credential-{name}"))


def shown(address: str) -> str:
    """An address as it may be shown: a socket's path, else kind, host and port, never a user's password."""
    if address.startswith("unix://"):
        return clean(address.removeprefix("unix://"))
    if "@" not in address:
        return clean(address)[:80]
    kind, _, rest = address.partition("://")
    return clean(f"{kind}://{urlsplit(f'//{rest}').hostname or '?'}")
