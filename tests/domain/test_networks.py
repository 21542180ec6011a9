"""The networks are what the Arbius repository's configuration says."""

from __future__ import annotations

import pytest

from arbius_tui.domain.engine import checksum
from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.networks import NETWORKS, chain_title, for_registration, network


def test_chain_ids_and_engines() -> None:
    table = {n.key: (n.chain_id, n.engine) for n in NETWORKS.values()}
    assert table == {
        "one": (42161, "0x9b51Ef044d3486A1fB0A2D55A6e0CeeAdd323E66"),
        "sepolia": (421614, "0xBb388FACEffd52941a789610a931CeaDb043B885"),
        "nova": (42170, "0x3BF6050327Fa280Ee1B5F3e8Fd5EA2EfE8A6472a"),
        "rehearsal": (31337, "0x9b51Ef044d3486A1fB0A2D55A6e0CeeAdd323E66"),
    }


@pytest.mark.parametrize("key", sorted(NETWORKS))
def test_every_network_is_whole(key: str) -> None:
    found = network(key)
    assert found.key == key
    assert found.engine == checksum(found.engine)
    assert found.token == checksum(found.token)
    assert all(url.startswith("https://") for url in found.rpcs)
    assert bool(found.rpcs) != found.rehearsal
    assert bool(found.explorer) != found.rehearsal


def test_an_unknown_network_names_the_known_ones() -> None:
    with pytest.raises(BadInput) as caught:
        network("mainnet")
    assert caught.value.problem.code == "network"
    assert caught.value.problem.fix is not None
    assert "one, sepolia, nova, rehearsal" in caught.value.problem.fix.text


def test_nothing_new_is_registered_on_nova() -> None:
    with pytest.raises(BadInput) as caught:
        for_registration("nova")
    assert caught.value.problem.code == "network-legacy"
    assert "Arbitrum One" in caught.value.problem.why
    assert [key for key in NETWORKS if key != "nova"] == [for_registration(k).key for k in NETWORKS if k != "nova"]


def test_where_to_look() -> None:
    assert network("one").transaction_url("0xab") == "https://arbiscan.io/tx/0xab"
    assert network("sepolia").address_url("0xcd") == "https://sepolia.arbiscan.io/address/0xcd"
    assert network("rehearsal").transaction_url("0xab") == network("rehearsal").address_url("0xcd") == ""


def test_chains_have_names() -> None:
    assert chain_title(1) == "Ethereum (1)"
    assert chain_title(42161) == "Arbitrum One (42161)"
    assert chain_title(777) == "chain 777"
