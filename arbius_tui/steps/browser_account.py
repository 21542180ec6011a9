"""Use the account of a wallet in the author's browser, without a journey."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from arbius_tui.domain.events import Done, Event, Found
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Ask
from arbius_tui.services.ports import Account, Services
from arbius_tui.steps.account_ways import connected
from arbius_tui.steps.base import Step
from arbius_tui.steps.wallet import said


class ConnectBrowser(Step):
    """Remember the account that the author chooses on the wallet page, under this name or the wallet's own."""

    name = "wallet"

    def __init__(self, account: str = "") -> None:
        self.account = account

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield the page's address, what happens there, and the account."""
        found = []
        async for event in connected(services, self.account):
            yield event
            if isinstance(event, Found) and isinstance(event.item, Account):
                found.append(event.item)
        yield Done(True, 0, {"accounts": [said(account) for account in found]})
