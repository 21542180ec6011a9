from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbius_tui.domain.calldata_rows import rows
from arbius_tui.domain.engine import NOBODY, call_data, register_calldata
from arbius_tui.domain.networks import NETWORKS
from arbius_tui.domain.wallet_page import REPORTS, WORDS, Report, Task, report, task_json, words
from tests.domain.test_cid import qwen

ONE = NETWORKS["one"]
AUTHOR = "0x1298F8A91B046d7fCBd5454cd3331Ba6f4feA168"
OTHER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
ID = "0x" + "ab" * 32


def transaction(data: str, **changes: Any) -> dict[str, Any]:
    return {"chainId": ONE.chain_id, "to": ONE.engine, "value": 0, "data": data, **changes}


def shown(data: str, **changes: Any) -> dict[str, str]:
    return dict(rows(transaction(data, **changes), AUTHOR, ONE))


def test_a_registration_is_read_from_its_calldata_with_the_id_of_the_real_chain() -> None:
    found = shown(register_calldata(AUTHOR, 7_000_000_000_000_000, qwen()), gas=200_000, maxFeePerGas=20_000_000)
    assert found == {
        "call": "registerModel",
        "model id": "0x89c39001e3b23d2092bd998b62f07b523d23deb55e1627048b4ed47a4a38d5cc",
        "template": f"467 B, sha256 {hashlib.sha256(qwen()).hexdigest()}",
        "owner": f"{AUTHOR}, you",
        "fee": "0.007 AIUS a task",
        "contract": f"{ONE.engine}, Arbius's engine",
        "network": "Arbitrum One (chain 42161)",
        "from": AUTHOR,
        "value": "nothing but the network fee",
        "cost": "at most about 0.000004 ETH; your wallet makes its own estimate",
    }


def test_what_is_unusual_is_said() -> None:
    found = shown(register_calldata(NOBODY, 0, b"{}", [OTHER] * 8), to=OTHER, value=10**18)
    assert found["call"] == "registerModelWithAllowList"
    assert found["owner"] == f"{NOBODY}, so nobody can ever manage it"
    assert found["contract"] == OTHER
    assert found["value"] == "1 ETH besides the fee of the network"
    assert found["allow list"].endswith(" and 2 more")
    assert shown(register_calldata(AUTHOR, 0, b"{}", []))["allow list"] == "nobody"


@pytest.mark.parametrize(
    ("name", "arguments", "wanted"),
    [
        ("setModelFee", (bytes.fromhex(ID[2:]), 35 * 10**14), {"model id": ID, "fee": "0.0035 AIUS a task"}),
        ("setModelAddr", (bytes.fromhex(ID[2:]), OTHER), {"model id": ID, "owner": OTHER}),
        ("addToModelAllowList", (bytes.fromhex(ID[2:]), [OTHER]), {"model id": ID, "solvers": OTHER}),
        ("disableModelAllowList", (bytes.fromhex(ID[2:]),), {"model id": ID}),
    ],
)
def test_the_owners_later_actions_are_read_too(name: str, arguments: Any, wanted: dict[str, str]) -> None:
    assert shown(call_data(name, *arguments)).items() >= {"call": name, **wanted}.items()


@pytest.mark.parametrize("data", ["0x", "0x12", "0xdeadbeef", register_calldata(AUTHOR, 0, b"{}")[:-80]])
def test_calldata_that_is_none_is_shown_as_it_is(data: str) -> None:
    assert shown(data)["call"]


@given(st.binary(max_size=200))
def test_no_calldata_breaks_the_review(data: bytes) -> None:
    assert all(label and value for label, value in rows(transaction("0x" + data.hex()), AUTHOR, ONE))


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["kind", "text", "hash", "chain"]), inner)
    ),
)


@given(json_like)
def test_whatever_a_page_says_becomes_one_line_that_can_be_printed(message: Any) -> None:
    said = report(message)
    if said is None:
        return
    task = Task(ONE, AUTHOR)
    for kind in (said.kind, *WORDS):
        line = words(Report(kind, said.wallet, said.address, said.tx_hash, said.chain_id, said.text), task)
        assert "\n" not in line
        assert "\x1b" not in line


def test_every_report_has_words() -> None:
    assert set(WORDS) >= REPORTS


def test_braces_in_a_wallets_words_are_only_text() -> None:
    assert "{account.__class__}" in words(Report("failed", "{0}", text="{account.__class__}"), Task(ONE, AUTHOR))


def test_a_task_has_no_gas_no_nonce_and_no_fees() -> None:
    task = Task(ONE, AUTHOR, transaction("0x12", gas=1, nonce=7, maxFeePerGas=9), (("call", "x"),), ("https://rpc",))
    found = json.loads(json.dumps(task_json(task, asked=False)))
    assert found["transaction"] == {
        "from": AUTHOR, "to": ONE.engine, "data": "0x12", "value": "0x0", "chainId": "0xa4b1",
    }  # fmt: skip
    assert found["chain"] == {
        "chainId": "0xa4b1",
        "chainName": "Arbitrum One",
        "nativeCurrency": {"name": "Ether", "symbol": "ETH", "decimals": 18},
        "rpcUrls": ["https://rpc"],
        "blockExplorerUrls": ["https://arbiscan.io"],
    }
    assert "transaction" not in task_json(Task(ONE), asked=False)
