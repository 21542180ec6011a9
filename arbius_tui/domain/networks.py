"""The chains that have, or had, an Arbius Engine; addresses as in the configuration files of the Arbius repository."""

from __future__ import annotations

from dataclasses import dataclass

from arbius_tui.domain.errors import BadInput

ONE_ENGINE = "0x9b51Ef044d3486A1fB0A2D55A6e0CeeAdd323E66"
"""The engine's proxy on Arbitrum One; it did not change from V4 to V6. The rehearsal has its engine there, too."""

ONE_AIUS = "0x4a24B101728e07A52053c13FB4dB2BcF490CAbc3"
SEPOLIA_AIUS = "0x8D9753e0af7ed426c63c7D6f0424d83f257C7821"
NOVA_AIUS = "0x8AFE4055Ebc86Bd2AFB3940c0095C9aca511d852"


@dataclass(frozen=True, slots=True)
class Network:
    """A chain with an Engine. `token` is AIUS there; `legacy`: nothing new is registered; `rehearsal`: play money."""

    key: str
    title: str
    chain_id: int
    engine: str
    token: str
    rpcs: tuple[str, ...] = ()
    explorer: str = ""
    bridge: str = ""
    """The official page that brings ETH here; a fixed link, never from outside."""
    minted: bool = False
    """Whether AIUS is play money there: its contract lets anybody mint it (`mint(address,uint256)`)."""
    legacy: bool = False
    rehearsal: bool = False

    def transaction_url(self, tx_hash: str) -> str:
        """Where a person can look at a transaction, empty where no explorer knows it."""
        return f"{self.explorer}/tx/{tx_hash}" if self.explorer else ""

    def address_url(self, address: str) -> str:
        """Where a person can look at an account or a contract, empty where no explorer knows it."""
        return f"{self.explorer}/address/{address}" if self.explorer else ""


NETWORKS: dict[str, Network] = {
    "one": Network(
        key="one",
        title="Arbitrum One",
        chain_id=42161,
        engine=ONE_ENGINE,
        token=ONE_AIUS,
        rpcs=("https://arb1.arbitrum.io/rpc", "https://arbitrum.llamarpc.com"),
        explorer="https://arbiscan.io",
        bridge="https://bridge.arbitrum.io/?destinationChain=arbitrum-one&sourceChain=ethereum",
    ),
    "sepolia": Network(
        key="sepolia",
        title="Arbitrum Sepolia",
        chain_id=421614,
        engine="0xBb388FACEffd52941a789610a931CeaDb043B885",
        token=SEPOLIA_AIUS,
        rpcs=("https://sepolia-rollup.arbitrum.io/rpc", "https://arbitrum-sepolia.public.blastapi.io"),
        explorer="https://sepolia.arbiscan.io",
        bridge="https://bridge.arbitrum.io/?destinationChain=arbitrum-sepolia&sourceChain=sepolia",
        minted=True,
    ),
    "nova": Network(
        key="nova",
        title="Arbitrum Nova",
        chain_id=42170,
        engine="0x3BF6050327Fa280Ee1B5F3e8Fd5EA2EfE8A6472a",
        token=NOVA_AIUS,
        rpcs=("https://nova.arbitrum.io/rpc",),
        explorer="https://nova.arbiscan.io",
        legacy=True,
    ),
    "rehearsal": Network(
        key="rehearsal",
        title="Rehearsal",
        chain_id=31337,
        engine=ONE_ENGINE,
        token=ONE_AIUS,
        rehearsal=True,
    ),
}
"""All networks by key, the live one first."""

CHAIN_TITLES = {
    1: "Ethereum",
    10: "OP Mainnet",
    56: "BNB Chain",
    137: "Polygon",
    1337: "a local development chain",
    8453: "Base",
    31337: "a local development chain",
    42161: "Arbitrum One",
    42170: "Arbitrum Nova",
    421613: "Arbitrum Goerli, which is switched off",
    421614: "Arbitrum Sepolia",
    11155111: "Sepolia of Ethereum",
}
"""Names of chains that an RPC may turn out to serve."""


def chain_title(chain_id: int) -> str:
    """A chain's name and id as it is shown, e.g. `Ethereum (1)`."""
    title = CHAIN_TITLES.get(chain_id)
    return f"{title} ({chain_id})" if title else f"chain {chain_id}"


def network(key: str) -> Network:
    """The network of this key; BadInput `network` for any other."""
    try:
        return NETWORKS[key]
    except KeyError:
        raise BadInput(
            "network",
            f"there is no network {key!r}",
            why="the chain id, the engine's address and the RPC belong together and come from this name",
            fix=f"take one of {', '.join(NETWORKS)}",
        ) from None


def for_registration(key: str) -> Network:
    """The network of this key, if models are still registered there; BadInput `network-legacy` if not."""
    found = network(key)
    if found.legacy:
        raise BadInput(
            "network-legacy",
            f"nothing new is registered on {found.title}",
            why="Arbius moved to Arbitrum One in 2024; on Nova no miner would see the model. Guides that say "
            "`--network nova` are older than that",
            fix="register on `one`, or try it first on `sepolia` or in the rehearsal",
        )
    return found
