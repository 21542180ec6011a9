"""`arbius-tui pin` as a process: what scripts read, the exit code, and a token that shows itself nowhere."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from arbius_tui import cli
from arbius_tui.domain.cid import cid
from tests import parts
from tests.stores import PinataDouble, PsaDouble, kubo, said, serving

GUIDE = json.loads((Path(__file__).parents[1] / "assets" / "guide-example.json").read_bytes())
NOBODY = "http://127.0.0.1:9"
QUIET = ("--rpc", NOBODY, "--chain-id", "31337")
"""Nothing outside of this machine is asked."""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "t.json"
    path.write_text(json.dumps({**GUIDE, "meta": {**GUIDE["meta"], "title": secrets.token_hex(8)}}) + "\n")
    return path


async def ran(home: Path, *arguments: str) -> tuple[int, list[dict[str, Any]], str]:
    """The exit code, the lines of JSON, and everything that was printed."""
    folders = {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("STATE", "CONFIG", "DATA", "CACHE")}
    env = {**os.environ, **folders, "IPFS_PATH": str(home / "no-ipfs"),
           "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}  # fmt: skip
    code = "import sys; from arbius_tui.entry import run; sys.exit(run(sys.argv[1:]))"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, *arguments, "--json", *QUIET,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=env,
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode or 0, [json.loads(line) for line in out.splitlines()], (out + err).decode()


def problems(lines: list[Mapping[str, Any]]) -> list[str]:
    return [line["code"] for line in lines if line["event"] == "problem" and line["step"] == "pin"]


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.real
async def test_a_node_and_another_ones_gateway(template: Path, tmp_path: Path) -> None:
    nodes = parts.need("kubo")
    gateway = nodes["gateway2"]
    code, lines, _ = await ran(tmp_path, "pin", str(template), "--ipfs", nodes["rpc1"], "--gateway", gateway)
    done = lines[-1]
    assert (code, done["event"], done["ok"], done["exit"]) == (0, "done", True, 0)
    expected, result = cid(template.read_bytes()), done["result"]
    assert (result["cid"], result["bytes"], result["fetchable"]) == (expected, template.stat().st_size, True)
    (store,) = result["stores"]
    assert {"id", "kind", "cid", "pinned", "announced"} <= store.keys()
    assert (store["kind"], store["cid"], store["pinned"], store["announced"]) == ("kubo", expected, True, True)
    assert [(row["url"], row["state"]) for row in result["gateways"]] == [(gateway, "ok")]
    ways = [line for line in lines if line["event"] == "found" and line.get("kind") == "way"]
    assert [way["state"] for way in ways if way["id"] == "others"] == ["ok"]


@pytest.mark.real
async def test_an_offline_node_by_its_multiaddr_with_its_token(template: Path, tmp_path: Path) -> None:
    canary = "tok-canary-77aa12"
    users = {"tui": {"AuthSecret": f"bearer:{canary}", "AllowedPaths": ["/api/v0"]}}
    token = tmp_path / "token"
    token.write_text(f"bearer:{canary}\n")
    with kubo(tmp_path / "repo", offline=True, config={"API.Authorizations": users}) as daemon:
        code, lines, _ = await ran(tmp_path / "home", "pin", str(template), "--ipfs", daemon.rpc)
        assert (code, problems(lines)[-1]) == (6, "ipfs-refused")
        more = ("--ipfs", daemon.rpc, "--token-file", str(token))
        code, lines, printed = await ran(tmp_path / "home", "pin", str(template), *more)
    assert (code, problems(lines)[-1]) == (6, "nobody-can-fetch")
    (store,) = lines[-1]["result"]["stores"]
    assert (store["pinned"], store["announced"]) == (True, False)
    assert canary not in printed
    assert canary.encode() not in everything_in(tmp_path / "home")


async def test_no_daemon(template: Path, tmp_path: Path) -> None:
    code, lines, _ = await ran(tmp_path, "pin", str(template), "--ipfs", NOBODY)
    assert code == 6
    failed = next(line for line in lines if line.get("code") == "ipfs-unreachable")
    assert failed["fix"]["command"] == "ipfs daemon"
    assert lines[-1]["result"]["cid"] == cid(template.read_bytes())
    assert lines[-1]["result"]["stores"] == []


async def test_a_service_and_its_token(template: Path, tmp_path: Path) -> None:
    double, token = PinataDouble(), tmp_path / "token"
    token.write_text(double.token)
    async with serving(double) as base:
        code, lines, _ = await ran(tmp_path / "home", "pin", str(template), "--remote", f"pinata={base}")
        assert (code, problems(lines)[-1]) == (6, "pin-no-token")
        flags = ("--remote", f"pinata={base}", "--token-file", str(token))
        code, lines, printed = await ran(tmp_path / "home", "pin", str(template), *flags)
        assert code == 0
        assert [row["kind"] for row in lines[-1]["result"]["stores"]] == ["pinata"]
        assert not lines[-1]["result"]["fetchable"]
        double.next = [said(200, {"IpfsHash": cid(template.read_bytes()[:-1])})]
        code, lines, more = await ran(tmp_path / "home", "pin", str(template), *flags)
        assert (code, problems(lines)[-1]) == (6, "cid-mismatch")
        assert "without its final newline" in more
    assert double.token not in printed + more
    assert double.token.encode() not in everything_in(tmp_path / "home")


@pytest.mark.real
async def test_a_pinning_service_fetches_from_the_node(template: Path, tmp_path: Path) -> None:
    double, token = PsaDouble(), tmp_path / "token"
    double.steps = ["pinned"]
    token.write_text(double.token)
    node = parts.need("kubo")["rpc1"]
    async with serving(double) as base:
        flags = ("--ipfs", node, "--remote", base, "--token-file", str(token))
        code, lines, _ = await ran(tmp_path, "pin", str(template), *flags)
    assert code == 0
    assert [row["kind"] for row in lines[-1]["result"]["stores"]] == ["kubo", "psa"]


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (("--ipfs", "ftp://x"), "ipfs-address"),
        (("--remote", "pinatta"), "pin-place"),
        (("--gateway", "ftp://x"), "ipfs-address"),
        (("--token-file", "no-such-file"), "password-file"),
        (("--remote", "psa=http://pins.example.com", "--token-file", "token"), "ipfs-token-open"),
        (("--network", "rehearsal", "--remote", "pinata"), "usage"),
    ],
)
def test_wrong_flags_are_sentences(
    flags: tuple[str, ...], code: str, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("token").write_text("tok")
    assert cli.run_cli(["pin", str(template), "--json", *flags, *QUIET]) == 2
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert code in [line.get("code") for line in lines]
