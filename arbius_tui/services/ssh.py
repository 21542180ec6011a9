"""A machine over ssh: one connection, through which its Docker Engine and the ports of its containers are reached.

The docker package would ask for passwords on our terminal, and run a command there for each of its connections, of
which ten are all that an ssh server allows. Here ssh never asks (BatchMode), and one connection carries everything
(ControlMaster): the Engine's socket and the ports are forwarded through it. It ends with this process: it runs `cat`
there, whose standard input is closed even by `kill -9`.
"""

from __future__ import annotations

import asyncio
import re
import shlex
import shutil
import tempfile
from asyncio.subprocess import Process
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from arbius_tui.domain.errors import BadInput, NotReady
from arbius_tui.domain.text import clean
from arbius_tui.services import process
from arbius_tui.services.servers import HOST, free_port

CONNECT_LIMIT, CALL_LIMIT = 30.0, 20.0
"""Seconds to connect and to log in, and for one command there."""

READY = b"arbius-tui connected\n"
ALONE = ("-o", "BatchMode=yes", "-o", "ConnectTimeout=15", "-T", "-a", "-x")
MASTER = (
    "-o", "ControlMaster=yes", "-o", "ControlPersist=no", "-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=4",
    "-o", "ClearAllForwardings=yes", "-o", "RemoteCommand=none", "-o", "RequestTTY=no",
)  # fmt: skip
SHARED = ("-F", "none", "-o", "ControlMaster=no", "-o", "ProxyCommand=false")
"""Of what goes through the connection that is there; without it ssh would open another one, to a name of the config."""

NAME = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.:%-]*")


@dataclass(frozen=True, slots=True)
class Target:
    """Who and where: `ssh://user@host:port/path`; the path is that of the Engine's socket there, usually empty."""

    host: str
    user: str = ""
    port: int = 0
    socket: str = ""

    @property
    def words(self) -> str:
        """As a person would type it after `ssh`."""
        port = f"-p {self.port} " if self.port else ""
        return f"{port}{self.user}@{self.host}" if self.user else f"{port}{self.host}"

    @property
    def argv(self) -> tuple[str, ...]:
        """The same for ssh itself; a host can never be taken for an option."""
        who = ("-l", self.user) if self.user else ()
        return (*who, *(("-p", str(self.port)) if self.port else ()), "--", self.host)


def target(url: str) -> Target:
    """The parts of an ssh URL; BadInput `bad-server`."""
    try:
        parts = urlsplit(url)
        found = Target(parts.hostname or "", parts.username or "", parts.port or 0, parts.path.rstrip("/"))
        good = parts.scheme == "ssh" and NAME.fullmatch(found.host) and not parts.password and not parts.query
    except ValueError:
        found, good = Target(""), None
    if not good or (found.user and not NAME.fullmatch(found.user)):
        raise BadInput(
            "bad-server",
            f"{clean(url)[:80]} is no machine to reach over ssh",
            why="its Docker Engine is spoken to through ssh",
            fix="write it as ssh://user@host; a password has no place in it: keys are used",
        )
    return found


class SshMachine:
    """One connection to one machine. Nothing is opened before `open`."""

    def __init__(self, url: str) -> None:
        self.target = target(url)
        self._stack = AsyncExitStack()
        self._folder = Path()
        self._master: Process | None = None
        self._saying: asyncio.Task[None] | None = None
        self._said = bytearray()

    async def open(self) -> None:
        """Connect and log in. NotReady `ssh-...` in words for every way in which that fails."""
        self._folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="arbius-"))
        self._stack.callback(shutil.rmtree, self._folder, ignore_errors=True)
        words = f"printf %s {shlex.quote(READY.decode())}; exec cat"
        argv = ("ssh", *ALONE, *MASTER, "-S", str(self._control), *self.target.argv, words)
        try:
            child = await self._stack.enter_async_context(process.running(argv, None, None, both=False))
            self._master = child
            self._saying = asyncio.create_task(process.keep(child, child.stderr, self._said))
            async with asyncio.timeout(CONNECT_LIMIT):
                line = await child.stdout.readline() if child.stdout else b""
                if line != READY:
                    await asyncio.wait({self._saying})
        except TimeoutError:
            line = b""
        except BaseException:
            await self.aclose()
            raise
        if line != READY:
            await self.aclose()
            raise refused(self.target, clean(self._said.decode("utf-8", "replace")).strip())

    @property
    def alive(self) -> bool:
        """Whether the connection is still there."""
        return self._master is not None and self._master.returncode is None

    @property
    def _control(self) -> Path:
        return self._folder / "ssh"

    async def engine(self) -> str:
        """The address of a socket here behind which the Engine there answers. NotReady when none does."""
        done = await self._docker("version --format '{{.Server.Version}}'")
        if not done.ok:
            raise no_engine(self.target, done)
        there = self.target.socket or await self._socket()
        mine = self._folder / "docker"
        await self._forward(f"{mine}:{there}")
        return f"unix://{mine}"

    async def _socket(self) -> str:
        """Where the docker command there finds its Engine."""
        done = await self._docker("context inspect --format '{{.Endpoints.docker.Host}}'")
        kind, _, path = done.stdout.strip().partition("://")
        if not done.ok or kind != "unix" or not path.startswith("/"):
            raise no_engine(self.target, done)
        return path

    async def forward(self, port: int) -> int:
        """A port of ours through which that port of 127.0.0.1 there is reached; NotReady `ssh-tunnel`."""
        mine = free_port()
        await self._forward(f"{HOST}:{mine}:{HOST}:{port}")
        return mine

    async def _forward(self, way: str) -> None:
        """Open a way through the connection, OURS:THEIRS."""
        argv = ("ssh", *ALONE, *SHARED, "-S", str(self._control), "-O", "forward", "-L", way, *self.target.argv)
        done = await process.output(argv, CALL_LIMIT)
        if not done.ok:
            raise no_way(self.target, done.text)

    async def aclose(self) -> None:
        """End the connection and all that goes through it."""
        if self._saying is not None:
            self._saying.cancel()
            await asyncio.gather(self._saying, return_exceptions=True)
        if self._master is not None and self._master.stdin is not None:
            self._master.stdin.close()
        await self._stack.aclose()

    async def _docker(self, words: str) -> process.Completed:
        """The docker command there."""
        at = f"--host {shlex.quote('unix://' + self.target.socket)} " if self.target.socket else ""
        words = f"docker {at}{words}"
        return await process.output(
            ("ssh", *ALONE, *SHARED, "-S", str(self._control), *self.target.argv, words), CALL_LIMIT
        )


def refused(where: Target, said: str) -> NotReady:
    """Why there is no connection."""
    for pattern, code, what, fix, command in REASONS:
        if re.search(pattern, said, re.IGNORECASE):
            words, who = where.words, f"{where.user}@{where.host}" if where.user else where.host
            return NotReady(
                code, what.format(words), why="its Docker Engine is reached through ssh, which asks nothing here",
                fix=fix, command=command.format(words=words, who=who, host=where.host) or None, detail=said,
            )  # fmt: skip
    return NotReady(
        "ssh-failed",
        f"there is no ssh connection to {where.words}",
        why="its Docker Engine is reached through ssh",
        fix="see what ssh itself says",
        command=f"ssh -o BatchMode=yes {where.words} docker version",
        detail=said or f"it was not there within {CONNECT_LIMIT:.0f} s",
    )


REASONS = (
    (r"host key verification failed|host key is known|authenticity of host", "ssh-host-key",
     "the host key of {} is not known here, or is another one", "look at it and accept it once by hand", "ssh {words}"),
    (r"permission denied|too many authentication failures|no supported authentication", "ssh-refused",
     "{} refuses our ssh keys", "let your key in there, or add it to ssh-agent; passwords are not asked for",
     "ssh-copy-id {who}"),
    (r"could not resolve|name or service not known", "ssh-unreachable",
     "nobody knows the machine of {}", "look at the name, and at Host in ~/.ssh/config", "ssh {words}"),
    (r"connection refused|timed out|no route to host|unreachable|connection closed|connection reset", "ssh-unreachable",
     "no ssh server answers at {}", "see whether the machine is up and its port for ssh is right", "ssh {words}"),
)  # fmt: skip
"""What ssh says, what it means, and what to do; the first that fits speaks."""


def no_way(where: Target, said: str) -> NotReady:
    """A machine that let us in and lets nothing through."""
    return NotReady(
        "ssh-tunnel",
        f"nothing comes through the ssh connection to {where.words}",
        why="its Docker Engine and the model's port are open on that machine only",
        fix="allow it there (AllowTcpForwarding and AllowStreamLocalForwarding in sshd_config) and see whether Docker "
        "still runs; or name the machine as tcp://host:port",
        command=f"ssh {where.words} docker version",
        detail=said,
    )


def no_engine(where: Target, done: process.Completed) -> NotReady:
    """No Docker Engine that this user may speak to on a machine that let us in."""
    if done.code == 127 or "not found" in done.text:
        what, fix = f"there is no docker command on {where.words}", "install Docker Engine there, with its command"
    elif "permission denied" in done.text.lower():
        what = f"the user of {where.words} may not speak to the Docker Engine there"
        fix = "put that user into the group docker there, and connect anew"
    else:
        what, fix = f"the Docker Engine of {where.words} does not answer", "start it there"
    return NotReady(
        "ssh-docker",
        what,
        why="the model's image is started by it",
        fix=fix,
        command=f"ssh {where.words} docker version",
        detail=done.text,
    )
