"""kill -9 at each point between review and receipt: never two models, never two nonces, never a lost receipt."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from arbius_tui.domain.secret import Secret
from arbius_tui.rehearsal.chain import REHEARSAL
from arbius_tui.services.store import ProjectStore
from arbius_tui.services.vault_keystore import KeystoreVault
from tests import parts
from tests.services.chains import AUTHOR_KEY, ETHER, anvil_process, ask, put_engine
from tests.steps.registering import AUTHOR, TEMPLATE, Desk, records

pytestmark = pytest.mark.real

PREDICTED = Desk.predicted
SEND = "eth_sendRawTransaction"


@pytest.fixture(scope="module")
def node() -> Iterator[str]:
    with anvil_process(parts.need("anvil")) as url:
        put_engine(url)
        ask(url, "anvil_setBalance", AUTHOR, hex(ETHER))
        yield url


class Home:
    """A machine on which the journey stands before step 9."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.state = folder / "state" / "arbius-tui" / "demo"
        self.env = {
            **os.environ, "HOME": str(folder), "XDG_STATE_HOME": str(folder / "state"),
            "XDG_DATA_HOME": str(folder / "data"), "XDG_CONFIG_HOME": str(folder / "config"),
            "OWN": AUTHOR, "TAIL": PREDICTED[-4:], "PASSWORD_FILE": str(folder / "password"),
        }  # fmt: skip
        folder.mkdir()
        (folder / "password").write_text("a password\n")
        vault = KeystoreVault(folder / "data" / "arbius-tui" / "keys", scrypt_n=2)
        asyncio.run(vault.add("author", Secret(AUTHOR_KEY.hex()), Secret("a password")))
        with ProjectStore.open(self.state, "demo", "sepolia") as store:
            for record in records(folder / "template.json", TEMPLATE):
                store.apply(record)

    def run(self, **env: str) -> tuple[int, list[dict[str, Any]]]:
        """Step 9 in a process of its own: its exit code and its events."""
        argv = [sys.executable, "-m", "tests.stories.crashing", self.url]
        done = subprocess.run(argv, capture_output=True, text=True, env={**self.env, **env}, timeout=60, check=False)
        whole = done.stdout[: done.stdout.rfind("\n") + 1]
        return done.returncode, [json.loads(line) for line in whole.splitlines()]

    def journaled(self) -> list[dict[str, Any]]:
        """What the journal says of the registration, in its order."""
        text = (self.state / "journal.jsonl").read_text()
        lines = [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
        return [line["change"] for line in lines if line["step"] == "register"]


def models(url: str) -> list[str]:
    logs = ask(url, "eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest", "address": REHEARSAL.engine})
    return [log["topics"][1] for log in logs]


def ended_well(home: Home, events: list[dict[str, Any]], code: int) -> None:
    """One model, one nonce, one hash in the journal, and the receipt that the chain has."""
    assert code == 0, events[-3:]
    result = events[-1]["result"]
    assert models(home.url) == [PREDICTED]
    assert int(ask(home.url, "eth_getTransactionCount", AUTHOR, "latest"), 16) == 1
    journal = home.journaled()
    assert len({change["tx_hash"] for change in journal}) == 1
    assert {change["nonce"] for change in journal} == {0}
    receipt = ask(home.url, "eth_getTransactionReceipt", journal[-1]["tx_hash"])
    assert (journal[-1]["state"], journal[-1]["mined_id"]) == ("mined", PREDICTED)
    assert (result["tx_hash"], result["block"]) == (receipt["transactionHash"], int(receipt["blockNumber"], 16))
    assert result["gas_used"] == int(receipt["gasUsed"], 16)


def words(events: list[dict[str, Any]]) -> list[str]:
    return [event["text"] for event in events if event["event"] == "line"]


def test_every_point_between_review_and_receipt(node: str, tmp_path: Path) -> None:
    clean = ask(node, "evm_snapshot")
    first = Home(tmp_path / "whole", node)
    code, events = first.run(CRASH_POINTS=str(tmp_path / "points"))
    ended_well(first, events, code)
    points = (tmp_path / "points").read_text().splitlines()
    assert f"before {SEND}" in points
    assert f"after {SEND}" in points
    assert points.index("after append journal.jsonl") < points.index(f"before {SEND}")
    for number, name in enumerate(points):
        ask(node, "evm_revert", clean)
        clean = ask(node, "evm_snapshot")
        home = Home(tmp_path / str(number), node)
        code, _ = home.run(CRASH_AT=str(number))
        assert code == -signal.SIGKILL, name
        before = home.journaled()
        was = before[-1]["state"] if before else ""
        sent = models(node) == [PREDICTED]
        assert sent == (number > points.index(f"before {SEND}")), name
        assert not sent or before, f"{name}: sent before it was journaled"
        code, events = home.run()
        ended_well(home, events, code)
        told = "\n".join(words(events))
        if was in ("signed", "sent"):
            assert f"found the transaction of an earlier run: {before[-1]['tx_hash']}" in told, name
            assert ("sending the same bytes" in told) == (not sent), name
        else:
            assert "earlier run" not in told, name
    ask(node, "evm_revert", clean)


def test_killed_while_it_waits_for_a_block(node: str, tmp_path: Path) -> None:
    clean = ask(node, "evm_snapshot")
    home = Home(tmp_path / "again", node)
    ask(node, "evm_setAutomine", False)
    try:
        code, _ = home.run(CRASH_ON=f"after {SEND}")
        assert code == -signal.SIGKILL
        assert models(node) == []
        ask(node, "evm_setIntervalMining", 1)
        code, events = home.run()
        ended_well(home, events, code)
        assert "sending the same bytes" not in "\n".join(words(events))
    finally:
        ask(node, "evm_setIntervalMining", 0)
        ask(node, "evm_setAutomine", True)
        ask(node, "evm_revert", clean)
