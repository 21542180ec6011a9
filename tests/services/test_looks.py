"""What a look before signing makes of its answers, and of engines and nodes that have less to say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import encode

from arbius_tui.domain.engine import WHOLE
from arbius_tui.domain.networks import NETWORKS, Network
from arbius_tui.rehearsal.chain import REHEARSAL
from arbius_tui.services.looks import NODE_INTERFACE, Looked, Looking
from arbius_tui.services.ports import Request, Share
from arbius_tui.services.rpc import Rpc
from arbius_tui.steps.register import Register
from tests import parts
from tests.rehearsal.engine_world import deploy, v5
from tests.services.chains import anvil_process, put_engine
from tests.steps.registering import AUTHOR, Desk, codes, desk, end

ID = "0x" + "ab" * 32
REQUEST = Request(AUTHOR, "registerModel", "0x4ff03efa")
MINER = "0x1111111111111111111111111111111111111111"


class Silent:
    """A provider that nobody asks here."""

    async def make_request(self, method: Any, params: Any) -> Any:
        raise AssertionError(method)


def looking(network: Network = REHEARSAL, fee: bool = True) -> Looking:
    return Looking(Rpc(Silent(), 1, 1), network, REQUEST, ID, fee)


def word(value: int) -> str:
    return f"0x{value:064x}"


def test_ten_questions_and_not_one_more() -> None:
    assert len(looking().questions()) == 10
    assert len(looking(fee=False).questions()) == 8


def test_arbitrum_is_asked_for_the_part_that_pays_ethereum() -> None:
    method, call, _ = looking(NETWORKS["one"]).questions()["parts"]
    assert (method, call["to"], call["data"][:10]) == ("eth_call", NODE_INTERFACE, "0xc94e6eeb")
    parts_ = "0x" + encode(["uint64", "uint64", "uint256", "uint256"], [200_000, 30_000, 10**7, 10**9]).hex()
    assert Looked(looking(), {"parts": parts_}).l1_gas() == 30_000
    assert Looked(looking(), {"parts": "0x"}).l1_gas() == 0
    assert Looked(looking(), {}).l1_gas() == 0


@pytest.mark.parametrize(
    ("answers", "share"),
    [
        ({"share": word(WHOLE), "own": word(0)}, Share(WHOLE)),
        ({"share": word(WHOLE), "own": word(1), "override": word(WHOLE // 4)}, Share(WHOLE // 4, own=True)),
        ({"share": "0x", "own": "0x"}, Share(0)),
    ],
)
def test_who_gets_the_fee(answers: dict[str, str], share: Share) -> None:
    assert Looked(looking(), answers).share() == share


@pytest.fixture(scope="module")
def node() -> Iterator[str]:
    with anvil_process(parts.need("anvil")) as url:
        put_engine(url)
        yield url


@pytest.mark.real
async def test_an_engine_of_version_five(node: str, tmp_path: Path) -> None:
    from web3 import Web3

    older = replace(REHEARSAL, engine=deploy(Web3(Web3.HTTPProvider(node)), v5()).address)
    async with desk(node, tmp_path, network=older) as at:
        assert codes(await at.run(Register((MINER,)))) == ["no-allow-lists"]
        done = end(await at.run())
        assert (done.ok, done.result["model_id"]) == (True, Desk.predicted)
        assert done.result["engine"] == older.engine
