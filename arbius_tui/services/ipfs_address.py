"""Where a store of IPFS answers, as people write it, and the token that it wants."""

from __future__ import annotations

import base64
import ipaddress
import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.secret import Secret
from arbius_tui.domain.text import clean

LOCAL = "http://127.0.0.1:5001"
"""Where a Kubo daemon answers unless it was told otherwise."""

SOCKET = "/unix/"
"""How the multiaddr of a socket in the file system begins."""

MULTIADDR = re.compile(r"/(ip4|ip6|dns|dns4|dns6)/([^/]+)(?:/tcp/(\d+))?((?:/tls)?/https?)?/?")


def default_address() -> str:
    """Where the daemon of this machine says it answers: the file `api` in its repository, else Kubo's default."""
    home = Path(os.environ.get("IPFS_PATH") or Path.home() / ".ipfs")
    try:
        with (home / "api").open("rb") as file:
            text = file.read(300).decode("ascii").strip()
        socket_of(text) or endpoint(text)
    except (OSError, UnicodeDecodeError, BadInput):
        return LOCAL
    return text


def socket_of(address: str) -> str:
    """The path in `/unix/run/ipfs.sock` or `unix:///run/ipfs.sock`; empty for every other address."""
    text = address.strip()
    for start in (SOCKET, "unix:///"):
        if text.startswith(start) and text.isprintable() and len(text) > len(start):
            return "/" + text.removeprefix(start).lstrip("/")
    return ""


def endpoint(address: str) -> str:
    """`/ip4/127.0.0.1/tcp/5001`, `127.0.0.1:5001` or a URL -> base URL without /api/v0; BadInput (`ipfs-address`)."""
    text = address.strip()
    if multi := MULTIADDR.fullmatch(text):
        kind, host, port, scheme = multi.groups()
        secure = scheme in ("/https", "/tls/http", "/tls/https")
        if port or secure:
            at = f":{port}" if port else ""
            text = f"http{'s' if secure else ''}://{f'[{host}]' if kind == 'ip6' else host}{at}"
    elif "://" not in text:
        text = f"http://{text}"
    base = re.sub(r"(/api/v0)?/*$", "", text)
    if text.startswith("/") or not is_url(base):
        raise BadInput(
            "ipfs-address",
            f"{clean(address)[:80]!r} is no address of an IPFS node",
            fix="write it as http://127.0.0.1:5001 or /ip4/127.0.0.1/tcp/5001",
        )
    if "@" in urlsplit(base).netloc:
        raise BadInput(
            "ipfs-address",
            "the address of the IPFS node holds a password",
            why="an address is shown on screen, saved and printed",
            fix="put `basic:USER:PASSWORD` into a file and name it with --token-file",
        )
    return base


def is_url(text: str) -> bool:
    """Whether this is an http or https URL without a query, in plain ASCII."""
    try:
        parts = urlsplit(text)
        named = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False
    return named and not parts.query and not parts.fragment and text.isascii() and not re.search(r"\s", text)


def on_this_machine(base: str) -> bool:
    """Whether a URL is of this machine itself."""
    return nearness(base) == "machine"


def nearness(base: str) -> str:
    """`machine`, `network` (a private address or a name without dots), else `internet`."""
    host = (urlsplit(base).hostname or "").lower().rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return "machine"
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return "network" if "." not in host or host.endswith((".local", ".lan", ".internal")) else "internet"
    if address.is_loopback or address.is_unspecified:
        return "machine"
    return "network" if address.is_private or address.is_link_local else "internet"


def guarded(base: str, authorization: Secret | None) -> None:
    """BadInput (`ipfs-token-open`) for a token that would cross the internet in clear text."""
    if authorization is not None and base.startswith("http://") and nearness(base) == "internet":
        raise BadInput(
            "ipfs-token-open",
            f"a token for {urlsplit(base).netloc} would travel unencrypted",
            why="whoever reads it on the way can use it",
            fix="give its https:// address, or tunnel it: ssh -L 5001:127.0.0.1:5001 HOST, then --ipfs"
            " http://127.0.0.1:5001",
        )


def header(authorization: Secret) -> Secret:
    """The value of the HTTP header for a token; BadInput (`ipfs-token`) when it can be none."""
    value = credentials(authorization)
    if not len(value):
        raise BadInput(
            "ipfs-token",
            "the token for the IPFS node is empty or has characters that no token has",
            fix="the file holds the token alone, or bearer:TOKEN, or basic:USER:PASSWORD, in one line",
        )
    return value


def credentials(authorization: Secret) -> Secret:
    """`bearer:TOKEN`, `basic:USER:PASSWORD` (as in Kubo's API.Authorizations) or a token; empty for anything else."""
    text = authorization.reveal().strip()
    scheme, _, rest = text.partition(":")
    if scheme.lower() == "basic" and rest:
        value = "Basic " + base64.b64encode(rest.encode()).decode()
    elif scheme.lower() == "bearer" and rest:
        value = f"Bearer {rest.strip()}"
    else:
        value = text if text.lower().startswith(("bearer ", "basic ")) else f"Bearer {text}"
    return Secret(value if text and value.isascii() and value.isprintable() else "")
