"""The token of a store: given for this run, else what the keyring keeps for this place. Never an argument or a log."""

from __future__ import annotations

from arbius_tui.domain.errors import NotReady
from arbius_tui.domain.secret import Secret
from arbius_tui.services.tokens import SERVICE
from arbius_tui.services.vault_keyring import BACKENDS, allowed_backend, ask_keyring

LONGEST = 4096
"""Characters of a token at most; Pinata's JWTs have some 700."""


class StoreToken:
    """The token of the store at `place` (its base URL). `limit` is in seconds for each word with the keyring."""

    def __init__(self, place: str, given: Secret | None = None, limit: float = 20) -> None:
        self.place, self.limit = place, limit
        self._given = given

    @property
    def given(self) -> Secret | None:
        """The one in use."""
        return self._given

    def give(self, token: Secret) -> None:
        """Use this one as long as this process runs."""
        self._given = token

    async def remembered(self) -> Secret | None:
        """What the keyring has for this place; None also where no keyring works: then the author is asked."""

        def fetch() -> Secret | None:
            found = allowed_backend().get_password(SERVICE, self.place)
            return Secret(found) if found and len(found) <= LONGEST else None

        try:
            return await ask_keyring(fetch, self.limit)
        except NotReady:
            return None

    async def keep(self) -> str:
        """Put the token in use into the keyring, read it back; the keyring's name. NotReady where that fails."""
        token = self._given or Secret("")

        def store() -> str:
            backend = allowed_backend()
            backend.set_password(SERVICE, self.place, token.reveal())
            if backend.get_password(SERVICE, self.place) != token.reveal():
                raise NotReady(
                    "keyring-lost",
                    "the keyring did not keep the token",
                    why="it would be asked for again, or lost",
                    fix="name a file with --token-file",
                )
            return BACKENDS[type(backend).__module__]

        return await ask_keyring(store, self.limit)
