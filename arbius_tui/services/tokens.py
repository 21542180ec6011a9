"""Replicate's API token: given for this run, else from the keyring. Never an argument, an environment or a log."""

from __future__ import annotations

import re

from arbius_tui.domain.errors import BadInput, NotReady
from arbius_tui.domain.secret import Secret
from arbius_tui.services.vault_keyring import BACKENDS, allowed_backend, ask_keyring

SERVICE, NAME = "arbius-tui tokens", "replicate.com"
"""Where the keyring has it; the keys of accounts are elsewhere, so no account can have its name."""

TOKEN = re.compile(r"[\x21-\x7e]{8,200}")
PAGE = "https://replicate.com/account/api-tokens"


class ReplicateToken:
    """Implements the token's part of `ports.Hosted`. `limit` is in seconds for each word with the keyring."""

    def __init__(self, given: Secret | None = None, limit: float = 60) -> None:
        self._given = given
        self._limit = limit
        self._asked = False

    def give(self, token: Secret) -> None:
        """Use this one as long as this process runs; BadInput for what can be none."""
        if not TOKEN.fullmatch(token.reveal().strip()):
            raise BadInput(
                "replicate-token",
                "this is no API token of Replicate",
                why="its hosted models are asked with it, and billed to it",
                fix=f"copy one from {PAGE}; it begins with r8_",
            )
        self._given = Secret(token.reveal().strip())

    async def known(self) -> bool:
        """Whether there is one; a keyring that does not work has none."""
        try:
            await self.get()
        except NotReady:
            return False
        return True

    async def get(self) -> Secret:
        """The token; NotReady `replicate-no-token`. The keyring is asked once."""
        if self._given is None and not self._asked:
            self._asked = True
            detail = ""
            try:
                self._given = await ask_keyring(fetched, self._limit)
            except NotReady as failure:
                detail = failure.problem.what
            if detail:
                raise missing(detail)
        if self._given is None:
            raise missing("")
        return self._given

    async def keep(self) -> str:
        """Put the token that was given into the keyring; the keyring's name."""
        token = await self.get()

        def store() -> str:
            backend = allowed_backend()
            backend.set_password(SERVICE, NAME, token.reveal())
            return BACKENDS[type(backend).__module__]

        return await ask_keyring(store, self._limit)


def fetched() -> Secret | None:
    """The token in the keyring."""
    found = allowed_backend().get_password(SERVICE, NAME)
    return Secret(found) if found and TOKEN.fullmatch(found) else None


def missing(detail: str) -> NotReady:
    """There is no token."""
    return NotReady(
        "replicate-no-token",
        "there is no API token for Replicate",
        why="its hosted models are asked with it, and billed to it",
        fix=f"copy one from {PAGE} and keep it in the keyring (typed unseen), or name a file with --token-file",
        command="arbius-tui login --api",
        detail=detail,
    )
