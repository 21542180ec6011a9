"""A registration on anvil with instant blocks: the whole command, its memory, its calls, and the time that is waited.

The command is `arbius-tui register --json` in a process of its own, with Kubo for the pin; its account lies in a
keystore as `arbius-tui wallet new` writes it. Calls are counted by a proxy before the node.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from arbius_tui.domain.secret import Secret
from arbius_tui.rehearsal.chain import REHEARSAL
from arbius_tui.services.vault_keystore import KeystoreVault
from bench.probe import private, scratch
from bench.report import Row
from tests import parts
from tests.services.chains import AUTHOR_KEY, ETHER, anvil_process, ask, put_engine
from tests.services.fault_proxy import FaultProxy
from tests.steps.registering import AUTHOR, TEMPLATE, Desk

ROUNDS = 7
OURS = str(Path(sys.executable).parent / "arbius-tui")
SECONDS, MEMORY, CALLS, WAITED = 1.6, 160.0, 14, 0.5
"""The targets: seconds and MiB of the process, JSON-RPC calls, and seconds from confirmation to verified receipt."""


def measure(rounds: int = ROUNDS) -> list[Row]:
    """All rows; none without anvil and Kubo."""
    try:
        binary, nodes = parts.PARTS["anvil"](), parts.PARTS["kubo"]()
    except parts.Missing as missing:
        return [Row("registration on anvil", f"not measured: {missing}")]
    kubo = nodes["rpc1"] if isinstance(nodes, dict) else str(nodes)
    with scratch() as home, anvil_process(str(binary)) as node:
        put_engine(node)
        prepare(Path(home))
        clean = ask(node, "evm_snapshot")
        found: list[tuple[float, float, float]] = []
        for _ in range(rounds + 1):
            ask(node, "anvil_setBalance", AUTHOR, hex(ETHER))
            found.append(registered(home, node, kubo))
            ask(node, "evm_revert", clean)
            clean = ask(node, "evm_snapshot")
            forget(Path(home))
        ask(node, "anvil_setBalance", AUTHOR, hex(ETHER))
        calls, requests = asyncio.run(counted(home, node, kubo))
    return rows(found[1:], calls, requests)


def rows(found: list[tuple[float, float, float]], calls: int, requests: int) -> list[Row]:
    """The figures beside their targets."""
    seconds, memory, waited = (list(each) for each in zip(*found, strict=True))
    return [
        row("`register --json`, the process, s", seconds, SECONDS, "{:.2f}"),
        row("its memory, MiB", memory, MEMORY, "{:.0f}"),
        row("from confirmation to verified receipt, s", waited, WAITED, "{:.3f}"),
        Row("its JSON-RPC calls, pin and wallet included", f"{calls} in {requests} requests", target=f"{CALLS}",
            met=calls <= CALLS),
    ]  # fmt: skip


def row(name: str, values: list[float], target: float, form: str) -> Row:
    """Median and range."""
    middle, least, most = statistics.median(values), min(values), max(values)
    text = f"{form.format(middle)} [{form.format(least)}-{form.format(most)}]"
    return Row(name, text, target=f"{target:g}", met=middle <= target)


def prepare(home: Path) -> None:
    """A template, and an account whose keystore is opened quickly."""
    (home / "t.json").write_bytes(TEMPLATE)
    (home / "password").write_text("a password\n")
    keys = Path(private(str(home))["XDG_DATA_HOME"]) / "arbius-tui" / "keys"
    vault = KeystoreVault(keys)
    asyncio.run(vault.add("author", Secret(AUTHOR_KEY.hex()), Secret("a password")))


def forget(home: Path) -> None:
    """The journey begins anew."""
    for path in home.rglob("journal.jsonl"):
        path.unlink()
    for path in home.rglob("state.json"):
        path.unlink()


def command(home: str, node: str, kubo: str) -> list[str]:
    """The whole registration without a question."""
    deployment = ("--network", "sepolia", "--engine", REHEARSAL.engine, "--chain-id", str(REHEARSAL.chain_id))
    return [
        OURS, "register", "--template", f"{home}/t.json", "--from", "author", "--fee", "0.0035",
        "--confirm", Desk.predicted[-4:], "--rpc", node, *deployment, "--ipfs", kubo, "--json",
        "--password-file", f"{home}/password", "--project", "bench",
    ]  # fmt: skip


def registered(home: str, node: str, kubo: str) -> tuple[float, float, float]:
    """Seconds and MiB of the process, and seconds from the review's last word to the end."""
    env = {**os.environ, **private(home)}
    began = time.perf_counter()
    child = subprocess.Popen(command(home, node, kubo), stdout=subprocess.PIPE, text=True, env=env, cwd=home)
    assert child.stdout is not None
    events = [json.loads(line) for line in child.stdout]
    _, status, usage = os.wait4(child.pid, 0)
    took = time.perf_counter() - began
    child.stdout.close()
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode or events[-1]["result"].get("state") != "mined":
        raise SystemExit(f"bench: not registered: {events[-3:]}")
    reviewed = [at(event) for event in events if event.get("kind") in ("review", "calldata")][-1]
    scale = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return took, usage.ru_maxrss / scale, at(events[-1]) - reviewed


def at(event: dict[str, Any]) -> float:
    """Seconds of an event's own clock."""
    return datetime.fromisoformat(event["at"].replace("Z", "+00:00")).timestamp()


async def counted(home: str, node: str, kubo: str) -> tuple[int, int]:
    """JSON-RPC calls and HTTP requests of one registration."""
    async with FaultProxy(node) as proxy:
        child = await asyncio.create_subprocess_exec(
            *command(home, proxy.url, kubo), stdout=asyncio.subprocess.DEVNULL, env={**os.environ, **private(home)},
            cwd=home,
        )  # fmt: skip
        if await child.wait():
            raise SystemExit("bench: not registered through the proxy")
        return sum(len(seen.names) - 1 for seen in proxy.seen), len(proxy.seen)


if __name__ == "__main__":
    from bench.report import table

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print(table(measure(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)))
