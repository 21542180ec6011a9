"""A registered model's template by its id alone, with the command as a user types it: a real anvil, real Kubo nodes."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from arbius_tui.domain.cid import cid
from arbius_tui.rehearsal.chain import REHEARSAL
from arbius_tui.services.ipfs import KuboNode
from tests import parts
from tests.services.chains import ETHER, Stage, anvil_stage
from tests.services.fault_proxy import FaultProxy

pytestmark = pytest.mark.real

EXE = str(Path(sys.executable).parent / "arbius-tui")
GUIDE = Path(__file__).parents[2] / "assets" / "guide-example.json"
CLOSED = "http://127.0.0.1:9"
BLIND = "eth_getLogs=error:-32005:block range too large"


@pytest.fixture
async def stage(anvil: str) -> AsyncIterator[Stage]:
    async with anvil_stage(anvil) as found:
        await found.fund(found.author, ETHER)
        yield found


@pytest.fixture
def template() -> bytes:
    """The guide's example, as it was registered."""
    return (json.dumps(json.loads(GUIDE.read_text()), separators=(",", ":"), ensure_ascii=False) + "\n").encode()


async def registered(stage: Stage, template: bytes, **changes: Any) -> str:
    receipt = await stage.chain.receipt(
        await stage.send(await stage.chain.quote(stage.registration(template, **changes))), 10
    )
    assert receipt is not None
    return receipt.model_id


async def draft(folder: Path, model_id: str, rpc: str, *more: str) -> tuple[int, dict[str, Any], list[dict[str, Any]]]:
    """The exit code, the result and the events of the command."""
    argv = [EXE, "template", "draft", "--from-id", model_id, "--rpc", rpc, "--engine", REHEARSAL.engine]
    argv += ["--chain-id", str(REHEARSAL.chain_id), "-o", "got.json", "--json", "--no-input", *more]
    argv += [] if "--gateway" in more else ["--gateway", CLOSED]
    done = await asyncio.to_thread(subprocess.run, argv, capture_output=True, text=True, timeout=120, cwd=folder)
    assert "Traceback" not in done.stdout + done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, events[-1]["result"], events


async def test_the_bytes_come_from_the_calldata_and_the_id_proves_them(
    anvil: str, stage: Stage, template: bytes, tmp_path: Path
) -> None:
    model_id = await registered(stage, template)
    code, result, events = await draft(tmp_path, model_id, anvil)
    assert code in (0, 5), "what lint says of the guide's example decides it"
    assert (tmp_path / "got.json").read_bytes() == template
    assert result["cid"] == "Qmeygu6J1yFcJud2w9prrFqEKm9S6HNeQp4etCi15iepHN"
    proof = next(e for e in events if e.get("kind") == "fact" and e["id"] == "proof")
    assert (proof["state"], proof["found"]) == ("ok", model_id)


async def test_every_rpc_is_asked_until_one_names_the_transaction(
    anvil: str, stage: Stage, template: bytes, tmp_path: Path
) -> None:
    unique = template.replace(b'"version":1', b'"version":3')
    model_id = await registered(stage, unique)
    async with FaultProxy(anvil, BLIND) as blind:
        code, _, events = await draft(tmp_path, model_id, CLOSED, "--rpc", blind.url, "--rpc", anvil)
        host = blind.url.rpartition("/")[2]
    assert code in (0, 5)
    assert (tmp_path / "got.json").read_bytes() == unique
    rpcs = [e for e in events if e.get("kind") == "fact" and e["title"] == "rpc"]
    assert [(fact["state"], fact["why"].rpartition("/")[2]) for fact in rpcs] == [
        ("warn", "127.0.0.1:9"), ("warn", host),
    ]  # fmt: skip
    assert "cannot be reached" in rpcs[0]["found"]
    assert "which transaction registered" in rpcs[1]["found"]
    assert {fact["state"] for fact in events if fact.get("kind") == "fact" and fact["id"] == "proof"} == {"ok"}


async def test_where_no_rpc_can_say_all_of_them_are_named(
    anvil: str, stage: Stage, template: bytes, tmp_path: Path
) -> None:
    model_id = await registered(stage, template.replace(b'"version":1', b'"version":4'))
    async with FaultProxy(anvil, BLIND) as one, FaultProxy(anvil, BLIND) as two:
        code, _, events = await draft(tmp_path, model_id, one.url, "--rpc", two.url, "--rpc", CLOSED, "--ipfs", CLOSED)
        (problem,) = [e for e in events if e["event"] == "problem"]
        assert (code, problem["code"]) == (6, "template-unreachable")
        assert all(url in problem["detail"] for url in (one.url, two.url, CLOSED))
    code, _, events = await draft(tmp_path, model_id, CLOSED, "--rpc", "http://127.0.0.1:10")
    (problem,) = [e for e in events if e["event"] == "problem"]
    assert (code, problem["code"]) == (3, "rpc-unreachable")
    assert all(url in problem["detail"] for url in (CLOSED, "http://127.0.0.1:10"))
    code, _, events = await draft(tmp_path, "0x" + "cd" * 32, anvil, "--rpc", CLOSED)
    (problem,) = [e for e in events if e["event"] == "problem"]
    assert (code, problem["code"]) == (7, "model-unknown")
    assert CLOSED in problem["detail"]


@pytest.mark.parametrize(
    "way",
    [
        lambda nodes: ("--ipfs", nodes["rpc2"]),
        lambda nodes: (
            "--ipfs",
            "http://127.0.0.1:9",
            "--gateway",
            "http://127.0.0.1:9",
            "--gateway",
            nodes["gateway1"],
        ),
    ],
    ids=["another node", "a gateway"],
)
async def test_where_the_transaction_is_not_found_the_bytes_come_by_their_cid(
    way: Callable[[dict[str, str]], tuple[str, ...]], anvil: str, stage: Stage, template: bytes, tmp_path: Path
) -> None:
    nodes = parts.need("kubo")
    unique = template.replace(b'"version":1', b'"version":2')
    model_id = await registered(stage, unique)
    async with KuboNode(nodes["rpc1"]) as node, FaultProxy(anvil, BLIND) as proxy:
        await node.pin(unique, "t.json")
        code, result, events = await draft(tmp_path, model_id, proxy.url, *way(nodes))
    assert code in (0, 5)
    assert (tmp_path / "got.json").read_bytes() == unique
    assert result["cid"] == cid(unique)
    proof = next(e for e in events if e.get("kind") == "fact" and e["id"] == "proof")
    assert proof["state"] == "ok", "its owner registered it: the id proves the CID"


async def test_a_cid_that_only_the_rpc_vouches_for_is_said_to_be_so(
    anvil: str, stage: Stage, template: bytes, tmp_path: Path
) -> None:
    nodes = parts.need("kubo")
    model_id = await registered(stage, template, addr="0x" + "00" * 19 + "01")
    async with KuboNode(nodes["rpc1"]) as node, FaultProxy(anvil, BLIND) as proxy:
        await node.pin(template, "t.json")
        _, _, events = await draft(tmp_path, model_id, proxy.url, "--ipfs", nodes["rpc1"])
    proof = next(e for e in events if e.get("kind") == "fact" and e["id"] == "proof")
    assert proof["state"] == "warn"


async def test_nothing_is_written_of_what_nobody_can_give_or_of_another_model(
    anvil: str, stage: Stage, template: bytes, tmp_path: Path
) -> None:
    model_id = await registered(stage, template)
    async with FaultProxy(anvil, BLIND) as proxy:
        code, _, events = await draft(tmp_path, model_id, proxy.url, "--ipfs", CLOSED)
    assert (code, [e["code"] for e in events if e["event"] == "problem"]) == (6, ["template-unreachable"])
    changed = "eth_getTransactionByHash=swap:7b226d657461:7b226d657462"
    async with FaultProxy(anvil, changed) as proxy:
        code, _, events = await draft(tmp_path, model_id, proxy.url)
    assert (code, [e["code"] for e in events if e["event"] == "problem"]) == (7, ["registration-differs"])
    code, _, events = await draft(tmp_path, "0x" + "cd" * 32, anvil)
    assert (code, [e["code"] for e in events if e["event"] == "problem"]) == (7, ["model-unknown"])
    assert list(tmp_path.iterdir()) == []
