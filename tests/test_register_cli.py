"""`register`, `owner` and `verify` as processes: what scripts rely on, and the exit codes."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from arbius_tui.domain.secret import Secret
from arbius_tui.domain.transaction_files import read_unsigned
from arbius_tui.rehearsal.chain import REHEARSAL
from arbius_tui.services.vault_keystore import KeystoreVault
from tests import parts
from tests.services.chains import AUTHOR_KEY, ETHER, anvil_process, ask, put_engine, sign
from tests.services.fault_proxy import FaultProxy
from tests.steps.registering import AUTHOR, TEMPLATE, Desk

pytestmark = pytest.mark.real

PROGRAM = str(Path(sys.executable).parent / "arbius-tui")
MINER = "0x1111111111111111111111111111111111111111"
TAIL = Desk.predicted[-4:]


@pytest.fixture(scope="module")
def node() -> Iterator[str]:
    with anvil_process(parts.need("anvil")) as url:
        put_engine(url)
        yield url


class Machine:
    """A home with a template and an account, and the deployment that all commands name."""

    def __init__(self, folder: Path, node: str, kubo: str) -> None:
        self.folder, self.node, self.kubo = folder, node, kubo
        self.template, password = folder / "t.json", folder / "password"
        self.template.write_bytes(TEMPLATE)
        password.write_text("a password\n")
        vault = KeystoreVault(folder / "data" / "arbius-tui" / "keys", scrypt_n=2)
        asyncio.run(vault.add("author", Secret(AUTHOR_KEY.hex()), Secret("a password")))
        ask(node, "anvil_setBalance", AUTHOR, hex(ETHER))
        self.password = ("--password-file", str(password))

    def run(self, *words: str, rpc: str = "", network: str = "sepolia", more: tuple[str, ...] = ()) -> tuple[int, Any]:
        """The exit code, and all events."""
        there = ("--network", network, "--chain-id", str(REHEARSAL.chain_id), "--engine", REHEARSAL.engine)
        env = {**os.environ, "HOME": str(self.folder)}
        env |= {f"XDG_{kind}_HOME": str(self.folder / kind.lower()) for kind in ("STATE", "DATA", "CONFIG", "CACHE")}
        argv = [PROGRAM, *words, "--json", *there, "--rpc", rpc or self.node, *more]
        done = subprocess.run(argv, capture_output=True, text=True, env=env, cwd=self.folder, timeout=120, check=False)
        events = [json.loads(line) for line in done.stdout.splitlines()]
        assert events[-1]["event"] == "done", done.stderr
        assert events[-1]["exit"] == done.returncode
        return done.returncode, events

    def register(self, *more: str, rpc: str = "", confirm: str = TAIL) -> tuple[int, Any]:
        words = ("register", "--template", str(self.template), "--from", "author", "--fee", "0.0035")
        return self.run(*words, "--confirm", confirm, "--ipfs", self.kubo, *self.password, *more, rpc=rpc)


@pytest.fixture
def machine(node: str, tmp_path: Path) -> Iterator[Machine]:
    snapshot = ask(node, "evm_snapshot")
    yield Machine(tmp_path, node, parts.need("kubo")["rpc1"])
    ask(node, "evm_revert", snapshot)


def codes(events: Any) -> list[str]:
    return [event["code"] for event in events if event["event"] == "problem" and event["severity"] == "error"]


def test_registered_with_a_list_changed_and_audited(machine: Machine) -> None:
    miners = machine.folder / "miners.txt"
    miners.write_text(f"# friends\n{MINER.lower()}\n")
    code, events = machine.register("--allow-list", str(miners))
    result = events[-1]["result"]
    assert code == 0, codes(events)
    assert set(result) >= {
        "model_id", "cid", "sender", "addr", "fee_wei", "chain_id", "engine", "already", "tx_hash", "block", "gas_used",
        "cost_wei", "unsigned", "entry",
    }  # fmt: skip
    assert (result["model_id"], result["already"], result["allow_list"]) == (Desk.predicted, False, [MINER])
    assert "raw" not in json.dumps(events)

    code, events = machine.register("--allow-list", str(miners))
    assert (code, events[-1]["result"]["already"]) == (0, True)

    owner = ("--from", "author", "--confirm", TAIL, *machine.password)
    for words in (("set-fee", Desk.predicted, "0.007"), ("allow", Desk.predicted, AUTHOR), ("open", Desk.predicted)):
        code, events = machine.run("owner", *words, more=owner)
        assert (code, events[-1]["result"].get("state")) == (0, "mined"), codes(events)
    code, events = machine.run("owner", "open", Desk.predicted, more=owner)
    assert (code, codes(events)) == (9, ["allow-list-not-enabled"])

    where = ("--ipfs", machine.kubo, "--gateway", parts.need("kubo")["gateway1"])
    code, events = machine.run("verify", Desk.predicted, more=where)
    result = events[-1]["result"]
    assert (code, result["matches"], result["bytes_found"]) == (0, True, True), codes(events)
    assert result["on_chain"]["fee_wei"] == "7000000000000000"
    code, events = machine.run("verify", "0x" + "ab" * 32, more=where)
    assert (code, codes(events)) == (7, ["model-does-not-exist"])


def test_out_and_back_in_files(machine: Machine) -> None:
    out, back = machine.folder / "out.json", machine.folder / "back"
    code, events = machine.register("--unsigned", str(out))
    assert (code, events[-1]["result"]["unsigned"]) == (0, str(out))
    back.write_text(sign(read_unsigned(out.read_bytes()).transaction())[0])
    code, events = machine.register("--signed", str(back))
    assert (code, events[-1]["result"]["state"]) == (0, "mined"), codes(events)


def test_every_exit_code(machine: Machine) -> None:
    assert machine.register(confirm="zzzz")[0] == 2
    words = ("register", "--template", str(machine.template), "--from", "author", "--fee", "0.0035", "--no-input")
    code, events = machine.run(*words, "--ipfs", machine.kubo, *machine.password)
    assert (code, codes(events)) == (10, ["needs-input"])
    ask(machine.node, "anvil_setBalance", AUTHOR, "0x0")
    code, events = machine.register()
    assert (code, codes(events)) == (8, ["insufficient-funds"])
    ask(machine.node, "anvil_setBalance", AUTHOR, hex(ETHER))

    async def through(rule: str) -> tuple[int, Any]:
        async with FaultProxy(machine.node, rule) as proxy:
            return await asyncio.to_thread(machine.register, rpc=proxy.url)

    code, events = asyncio.run(through("eth_estimateGas=error:3:execution reverted: model already registered"))
    assert (code, codes(events)) == (9, ["already-registered"])
    code, _ = machine.run("register", "--speed-up")
    assert code == 2
    code, events = machine.run("owner", "set-fee", "0x12", "1")
    assert (code, codes(events)) == (2, ["model-id"])
    assert int(ask(machine.node, "eth_getTransactionCount", AUTHOR, "latest"), 16) == 0


def test_what_is_under_way_ends_first_whatever_ipfs_says(machine: Machine) -> None:
    ask(machine.node, "evm_setAutomine", False)

    async def cut() -> tuple[int, Any]:
        rule = "eth_sendRawTransaction=status:429*1"
        async with FaultProxy(machine.node, rule) as proxy:
            return await asyncio.to_thread(machine.register, rpc=proxy.url)

    code, events = asyncio.run(cut())
    ask(machine.node, "evm_setAutomine", True)
    assert (code, codes(events)) == (3, ["rpc-busy"])
    machine.kubo = "http://127.0.0.1:9"
    code, events = machine.register()
    assert (code, events[-1]["result"]["state"]) == (0, "mined"), codes(events)
