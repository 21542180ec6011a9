"""The audit of any model id: on chain, in its transaction, by its CID, at gateways, and in a checkout."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from arbius_tui.domain import cid as cids
from arbius_tui.domain.cid import block as block_of
from arbius_tui.domain.errors import PinFailed
from arbius_tui.domain.events import Found
from arbius_tui.services.listings import listings
from arbius_tui.steps.owner import Change, Owner
from arbius_tui.steps.verify import Row, Verify
from tests import parts
from tests.services.chains import anvil_process, put_engine
from tests.services.fault_proxy import FaultProxy
from tests.steps.registering import AUTHOR, TEMPLATE, Desk, codes, desk, end

CID = cids.cid(TEMPLATE)
OTHER_CID = cids.multihash(b"another template")


@pytest.fixture(scope="module")
def node() -> Iterator[str]:
    with anvil_process(parts.need("anvil")) as url:
        put_engine(url)
        yield url


class Somebody:
    """A gateway that has the block, or says that it has not."""

    def __init__(self, has: bool) -> None:
        self.id, self.has = "gateway somebody", has

    async def block(self, cid: str) -> bytes:
        if not self.has or cid != CID:
            raise PinFailed("gateway-absent", "somebody does not have it")
        return block_of(TEMPLATE)


async def audited(at: Desk, *gateways: Any, checkout: Path | None = None) -> tuple[Any, list[Row], list[str]]:
    """The result, the rows, and the codes of the problems."""
    at.walk.services = replace(at.walk.services, gateways=gateways, ipfs=())
    events = await at.run(Verify(at.predicted, checkout), name="verify")
    rows = [event.item for event in events if isinstance(event, Found) and isinstance(event.item, Row)]
    return end(events), rows, codes(events)


def repository(folder: Path, **params: str) -> Path:
    """A checkout with one file that lists the model, and one that only names it."""
    entry = {"id": Desk.predicted, "mineable": False, "contracts": {}, "params": params}
    (folder / "contract").mkdir(parents=True)
    (folder / "contract" / "config.json").write_text(json.dumps({"models": {"mine": entry}}, indent=2))
    (folder / "site.ts").write_text(f"// models\nexport const id = '{Desk.predicted.upper().replace('0X', '0x')}';\n")
    (folder / "node_modules").mkdir()
    (folder / "node_modules" / "x.json").write_text(json.dumps(entry))
    return folder


@pytest.mark.real
async def test_a_sound_model(node: str, tmp_path: Path) -> None:
    right = {"addr": AUTHOR.lower(), "fee": "3500000000000000", "rate": "0", "cid": cids.multihash(TEMPLATE)}
    async with desk(node, tmp_path) as at:
        assert end(await at.run()).ok
        done, rows, found = await audited(
            at, Somebody(False), Somebody(True), checkout=repository(tmp_path / "r", **right)
        )
        assert (done.ok, done.exit, found) == (True, 0, [])
        assert (done.result["matches"], done.result["bytes_found"], done.result["bytes"]) == (True, True, len(TEMPLATE))
        assert done.result["on_chain"]["cid"] == cids.multihash(TEMPLATE)
        assert {row.id: row.state for row in rows} == {
            "on-chain": "ok", "transaction": "ok", "id": "SAME", "CID": "SAME", "gateway": "SAME",
            "contract/config.json:4": "ok", "site.ts:2": "ok",
        }  # fmt: skip


@pytest.mark.real
async def test_a_listing_with_another_cid(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at:
        assert end(await at.run()).ok
        checkout = repository(tmp_path / "r", cid=OTHER_CID, fee="1")
        done, _, found = await audited(at, Somebody(True), checkout=checkout)
        assert (done.exit, found) == (3, ["listed-wrongly"])
        assert "contract/config.json:4" in done.result["problems"][0].what
        assert done.result["matches"] is False


@pytest.mark.real
async def test_what_its_addr_changed_since_is_no_fault_of_the_id(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at:
        assert end(await at.run()).ok
        assert end(await at.run(Owner(Change.parse("set-fee", at.predicted, ("1",))), name="owner")).ok
        done, _, found = await audited(at, Somebody(True))
        assert (done.exit, found) == (0, [])
        assert done.result["on_chain"]["fee_wei"] == str(10**18)


@pytest.mark.real
async def test_a_template_that_nobody_has_is_a_warning_when_the_chain_has_its_bytes(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at:
        assert end(await at.run()).ok
        done, _, found = await audited(at, Somebody(False))
        assert (done.exit, found, done.result["bytes_found"]) == (0, ["gateway-absent"], True)


@pytest.mark.real
async def test_an_rpc_without_history_and_no_gateway(node: str, tmp_path: Path) -> None:
    rules = ("eth_getLogs=error:-32000:block range is too wide",)
    async with FaultProxy(node, *rules) as proxy, desk(node, tmp_path, through=proxy.url) as at:
        assert end(await at.run()).ok
        done, _, found = await audited(at, Somebody(False))
        assert (done.exit, set(found)) == (6, {"registration-not-found", "gateway-absent"})
        assert done.result["bytes_found"] is False


@pytest.mark.real
async def test_no_such_model(node: str, tmp_path: Path) -> None:
    async with desk(node, tmp_path) as at:
        done, rows, found = await audited(at)
        assert (done.exit, found, rows[0].state) == (7, ["model-does-not-exist"], "FAIL")


def test_places_in_a_checkout(tmp_path: Path) -> None:
    found = listings(repository(tmp_path / "r", cid="Qm1", fee="7"), Desk.predicted)
    assert [(one.file, one.line, dict(one.says)) for one in sorted(found, key=lambda one: one.file)] == [
        ("contract/config.json", 4, {"fee": "7", "cid": "Qm1"}),
        ("site.ts", 2, {}),
    ]
