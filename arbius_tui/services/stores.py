"""All places of one run that a template can be pinned to, opened by name and closed together."""

from __future__ import annotations

from types import TracebackType

from arbius_tui.domain.secret import Secret
from arbius_tui.services.ipfs import KuboNode
from arbius_tui.services.ipfs_address import default_address, socket_of
from arbius_tui.services.pin_remote import Pinata, PinningService, store_of


class Stores:
    """Kubo nodes and pinning services. `token` is that of the services where any is named, else that of the nodes.

    Without `nodes` it is this machine's daemon, unless a service is named that takes the bytes themselves.
    """

    def __init__(self, nodes: tuple[str, ...] = (), remotes: tuple[str, ...] = (), token: Secret | None = None) -> None:
        named = [store_of(place, token) for place in remotes]
        fetches = any(isinstance(store, PinningService) for store in named)
        own = nodes or (() if named and not fetches else (default_address(),))
        self.nodes = [KuboNode(address, None if named else token) for address in own]
        self.nodes += [store for store in named if isinstance(store, KuboNode)]
        self.remotes = [store for store in named if not isinstance(store, KuboNode)]
        self._later: list[KuboNode | Pinata | PinningService] = []

    async def __aenter__(self) -> Stores:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        for store in (*self.nodes, *self.remotes, *self._later):
            await store.aclose()

    def open(self, place: str) -> KuboNode | Pinata | PinningService:
        """A store by what the author typed: the address of a Kubo RPC, or what `--remote` takes. BadInput else."""
        name = place.partition("=")[0].strip().lower()
        service = name in ("pinata", "psa", "filebase", "kubo")
        node = not service and (socket_of(place) or "://" not in place or ":5001" in place)
        store = KuboNode(place) if node else store_of(place)
        self._later.append(store)
        return store
