"""Other machines for a test, on loopback: a real Engine behind a TCP port, and a real sshd with a key of its own."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import parts
from tests.loopback import listening, relay


@asynccontextmanager
async def over_tcp(engine: str, host: str = "127.0.0.1") -> AsyncIterator[str]:
    """The Engine of a unix:// address at a tcp:// address, as long as this is open."""
    async with listening(relay(engine), host=host) as place:
        yield f"tcp://{place}"


Stopper = Callable[[], Awaitable[None]]


@asynccontextmanager
async def stoppable(engine: str, path: str) -> AsyncIterator[tuple[str, Stopper]]:
    """The Engine at a socket of its own, and what breaks every connection there, as when it is stopped."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(listening(relay(engine), path))
        yield f"unix://{path}", stack.aclose


@dataclass
class Sshd:
    """A running server: its port, and the folder that has a program `ssh` which knows it by the name `testbox`."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def path(self) -> str:
        """A PATH on which our ssh comes first."""
        return f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"


CLIENT = """\
Host testbox
  HostName 127.0.0.1
  Port {port}
  User {user}
  IdentityFile {folder}/client
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile {folder}/known
Host stranger
  HostName 127.0.0.1
  Port {port}
  IdentityFile {folder}/client
  IdentityAgent none
  UserKnownHostsFile {folder}/nobody
Host keyless
  HostName 127.0.0.1
  Port {port}
  IdentityFile {folder}/other
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile {folder}/known
Host closed
  HostName 127.0.0.1
  Port 9
"""

SERVER = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/allowed
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
PidFile none
{more}
"""


@contextmanager
def sshd(folder: Path, more: str = "") -> Iterator[Sshd]:
    """Start a server with keys of its own in this folder and end it; `more` are lines of its configuration."""
    program = parts.need("sshd")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True, mode=0o755)
    for name in ("host", "client", "other"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    shutil.copy(folder / "client.pub", folder / "allowed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kind, key, *_ = (folder / "host.pub").read_text().split()
    (folder / "known").write_text(f"[127.0.0.1]:{port} {kind} {key}\n")
    (folder / "sshd_config").write_text(SERVER.format(port=port, folder=folder, more=more))
    (folder / "ssh_config").write_text(CLIENT.format(port=port, folder=folder, user=getpass.getuser()))
    (folder / "bin").mkdir()
    ssh = folder / "bin" / "ssh"
    ssh.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F "{folder}/ssh_config" "$@"\n')
    ssh.chmod(0o755)
    argv = [program, "-D", "-e", "-f", str(folder / "sshd_config")]
    with (folder / "log").open("wb") as log, subprocess.Popen(argv, stdout=log, stderr=log) as process:
        try:
            wait_until_it_listens(port, process, folder / "log")
            yield Sshd(port, folder, process)
        finally:
            process.terminate()
            process.wait()


def wait_until_it_listens(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until the server takes connections; fails with its log when it ended."""
    while process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
            return
        time.sleep(0.02)
    pytest.fail(f"sshd ended:\n{log.read_text()}", pytrace=False)
