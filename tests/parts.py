"""The parts that run outside this process, and where to find each: `need("anvil")` gives it or skips the test.

A test that needs a part asks for it here and nowhere else. A missing part skips the test with a sentence that says
which part and how to get it; with ARBIUS_REQUIRE_PARTS=1 (as in .ci/run) it fails instead, so that nothing is skipped
unseen.

Where a part is looked for, in this order: a variable ARBIUS_PART_<NAME> (tests/real/parts.sh prints them), the folder
that tests/real/parts.sh fills, and PATH.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Literal, overload
from urllib.parse import urlsplit

import pytest

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "arbius-tui-parts"
CACHE = Path(os.environ.setdefault("ARBIUS_PART_CACHE", str(CACHE)))
"""Read once at import and handed to the workers of xdist: the tests themselves run with a HOME of their own."""

REAL = Path(__file__).parent / "real"
INSTALL = "`tests/real/parts.sh install` gets it (Debian, as root)"
UP = '`tests/real/parts.sh install && eval "$(tests/real/parts.sh up DIR)"` brings it up (Debian, as root)'

KuboNodes = dict[str, str]
"""rpc1, gateway1, rpc2, gateway2: URLs of two nodes that know each other; binary: the path of ipfs."""

Name = Literal[
    "anvil", "kubo", "docker", "docker-old", "keyring", "tmux", "chromium", "node", "solc", "cog-old", "cog-mid",
    "sshd", "clef",
]  # fmt: skip


class Missing(Exception):
    """A part is not there. The message is a sentence without its subject: what is needed, and how to get it."""


@overload
def need(name: Literal["kubo"]) -> KuboNodes: ...
@overload
def need(
    name: Literal[
        "anvil",
        "docker",
        "docker-old",
        "keyring",
        "tmux",
        "chromium",
        "node",
        "solc",
        "cog-old",
        "cog-mid",
        "sshd",
        "clef",
    ],
) -> str: ...
def need(name: Name) -> str | KuboNodes:
    """The part of this name: a path, for "docker" and "docker-old" (20.10) a DOCKER_HOST, for "kubo" a dict.

    Skips or fails the test without it.

    "node" and "solc" both give the folder of the npm package solc (with node on PATH); "cog-old" and "cog-mid" the
    Python of an environment that has cog 0.9.26 and 0.16.12; "keyring" a script that runs a command with a private
    keyring; "sshd" the program of OpenSSH's server, which a test starts for itself (tests/real/machines.py).
    """
    try:
        return PARTS[name]()
    except Missing as missing:
        sentence = f"needs {missing}"
    if os.environ.get("ARBIUS_REQUIRE_PARTS") == "1":
        pytest.fail(f"{sentence}. ARBIUS_REQUIRE_PARTS=1 is set, so this is no skip", pytrace=False)
    pytest.skip(sentence)


def _variable(name: str) -> str:
    return os.environ.get("ARBIUS_PART_" + name.upper().replace("-", "_"), "")


def _file(name: str, default: Path, what: str, how: str = INSTALL) -> str:
    """A file or folder that must exist: from its variable, else at its place in the cache."""
    path = Path(_variable(name) or default)
    if not path.exists():
        raise Missing(f"{what}; {how}")
    return str(path)


def _program(name: str, what: str, how: str, *commands: str) -> str:
    """A program from its variable, else the first of these commands on PATH."""
    found = _variable(name) or next(filter(None, map(shutil.which, commands)), None)
    if not found:
        raise Missing(f"{what}; {how}")
    return found


def _listens(url: str) -> bool:
    """Does something accept connections at this http:// or unix:// address? Waits 2 s at most."""
    parts = urlsplit(url)
    try:
        if parts.scheme == "unix":
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(2)
                client.connect(parts.path)
        else:
            socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 80), timeout=2).close()
    except OSError:
        return False
    return True


def _anvil() -> str:
    packages = CACHE / "anvil/node_modules"
    itself = next(
        packages.glob("@foundry-rs/anvil-*/bin/anvil"), packages / ".bin/anvil"
    )  # without its launcher in node
    return _file("anvil", itself, "anvil (a real Ethereum node)")


def _kubo() -> KuboNodes:
    nodes = {key: _variable("kubo_" + key) for key in ("rpc1", "gateway1", "rpc2", "gateway2")}
    if not all(nodes.values()) or not all(map(_listens, nodes.values())):
        raise Missing(f"two running Kubo nodes; {UP}")
    return {**nodes, "binary": _file("kubo", CACHE / "kubo-0.42.0/ipfs", "Kubo")}


def _docker() -> str:
    host = _variable("docker") or os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    if not _listens(host.replace("tcp://", "http://")):
        raise Missing(f"a running Docker Engine; start yours, or {UP}")
    return host


def _docker_old() -> str:
    host = _variable("docker-old")
    if not host or not _listens(host):
        raise Missing(f"a running Docker Engine 20.10; {UP}")
    return host


def _keyring() -> str:
    if not all(map(shutil.which, ("gnome-keyring-daemon", "dbus-run-session", "secret-tool"))):
        raise Missing("gnome-keyring, dbus and secret-tool; `sudo apt install gnome-keyring dbus libsecret-tools`")
    return _file("keyring", REAL / "with_secret_service.sh", "the script that starts a private keyring")


def _sshd() -> str:
    """It lies beside the folders of PATH: in /usr/sbin, and users have /usr/bin."""
    beside = [str(Path(folder).parent / "sbin") for folder in os.environ.get("PATH", "").split(os.pathsep)]
    found = shutil.which("sshd", path=os.pathsep.join(beside))
    return found or _program("sshd", "OpenSSH's server", "`sudo apt install openssh-server`", "sshd")


def _solc() -> str:
    if not shutil.which("node"):
        raise Missing("Node.js; `sudo apt install nodejs npm` or `brew install node`")
    return _file("solc", CACHE / "solc/node_modules/solc", "the Solidity compiler (npm package solc)")


def _cog(name: str, version: str) -> str:
    return _file(name, CACHE / f"cog-{version}/bin/python", f"an environment with cog {version}")


PARTS: dict[Name, Callable[[], str | KuboNodes]] = {
    "anvil": _anvil,
    "kubo": _kubo,
    "docker": _docker,
    "docker-old": _docker_old,
    "keyring": _keyring,
    "tmux": lambda: _program("tmux", "tmux", "`sudo apt install tmux` or `brew install tmux`", "tmux"),
    "chromium": lambda: _program(
        "chromium", "Chromium", "`sudo apt install chromium`", "chromium", "chromium-browser", "google-chrome"
    ),
    "node": _solc,
    "solc": _solc,
    "sshd": _sshd,
    "clef": lambda: _file("clef", CACHE / "clef-1.16.7/clef", "Clef (geth's own signer)"),
    "cog-old": lambda: _cog("cog-old", "0.9.26"),
    "cog-mid": lambda: _cog("cog-mid", "0.16.12"),
}
"""How to find each part; it raises Missing when it is not there."""
