"""Wallet on screen: the accounts, which one signs, and what it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from arbius_tui.domain.events import Found, Saved, Started, Trouble, plain
from arbius_tui.domain.questions import Choice, Question
from arbius_tui.domain.records import WalletRecord
from arbius_tui.domain.text import amount
from arbius_tui.screens.findings import place
from arbius_tui.screens.session import Session
from arbius_tui.screens.tabled import TableScreen, texts
from arbius_tui.widgets.dock import Dock
from arbius_tui.widgets.panes import Empty, Fact, why
from arbius_tui.widgets.text import Column, Row, state_style, words

KEPT = {
    "keystore": "encrypted in a file of yours; each signature asks for its password",
    "keyring": "in this system's own keyring; it asks you when it is locked",
    "rehearsal": "made for this rehearsal and worth nothing on any other chain",
    "watch": "not here: this account can look, and another device signs",
    "foundry": "in Foundry's own keystore, which is only read; each signature asks for its password",
    "geth": "in geth's own keystore, which is only read; each signature asks for its password",
    "brownie": "in Brownie's own keystore, which is only read; each signature asks for its password",
    "ape": "in Ape's own keystore, which is only read; each signature asks for its password",
    "signer": "in Clef; it asks you in its own window for each signature",
    "frame": "in Frame, which signs and sends; it asks you in its own window",
    "browser": "in your browser's wallet, which signs and sends; it asks you there",
}
"""Where the key of an account is, by the kind of its vault."""

NEXT = {
    "watch": "Register writes a file for the other device, and takes it back signed",
    "frame": "Register hands the transaction over, and follows what was sent",
    "browser": "Register opens a page in your browser, and follows what was sent",
}
"""What Register does with an account that does not sign here."""


@dataclass(frozen=True)
class Known:
    """An account in the table."""

    name: str
    address: str
    vault: str
    chosen: bool = False

    @property
    def id(self) -> str:
        """What its row is found by."""
        return f"{self.vault}/{self.name}"


class WalletScreen(TableScreen):
    """Choose the account that signs, or make one."""

    step = "wallet"
    why = (
        "Registering a model is a transaction, and an account signs it. An account is a key and the address that "
        "follows from it; the key never leaves its vault and is never shown.\n"
        "The model id is a hash of the sender's address, the owner's address, the fee and the template: another "
        "account gives another id. The owner (you, unless you say otherwise) may change the fee and the allow list "
        "later, and gets the fees. Sending costs a little ETH on the chain where the engine is."
    )
    columns: ClassVar[Sequence[Column]] = (
        Column("Account", 0, 0),
        Column("Address", 42, 42),
        Column("Kept in", 9, 10),
        Column("", 5, 5),
    )
    room: ClassVar[int] = 7
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "run", "choose", id="wallet.run", tooltip="choose the account that signs, or make a new one"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        if session.rehearsal:
            self.ask = QuickDock(id="dock")

    def nothing(self) -> Empty:
        """Before the first choice."""
        rehearsal = self.session.rehearsal
        does = "make a throw-away key, worth nothing" if rehearsal else "choose one: yours, a new key, your wallet's"
        return Empty(
            "No account signs yet.",
            [("Enter", does)],
            "The model id depends on the address that signs, for good.",
        )

    def recall(self) -> None:
        """The account that was chosen."""
        self.accounts: dict[str, Known] = {}
        self.has: dict[str, Any] = {}
        self.lacks, self.kept = "", False
        name, address, kind = texts(self.saved_record(), "name", "address", "kind")
        if address:
            self.take(Known(name, address, kind, chosen=True))

    def take(self, account: Known) -> None:
        """An account as it stands now."""
        self.accounts[account.id] = account
        mark = ("signs", "$success") if account.chosen else ""
        self.put(Row(account.id, (account.name, (account.address, "$ink"), (account.vault, "$muted"), mark), ""))

    def on_started(self, event: Started) -> None:
        """Balances are old now."""
        self.has, self.lacks, self.kept = {}, "", False
        super().on_started(event)

    def on_trouble(self, event: Trouble) -> None:
        """What the chosen account lacks, or why nobody knows; files that are of no use stand in the log."""
        super().on_trouble(event)
        if event.problem.severity == "warn" and self.chosen is not None and self.running and self.kept:
            self.lacks = event.problem.what
            self.explain(self.chosen.id)

    def on_found(self, event: Found) -> None:
        """An account, or what the chosen one has."""
        found = plain(event.item)
        if event.item.kind == "account":
            account = Known(found["name"], found["address"], found["vault"])
            if account.id not in self.accounts:
                self.take(account)
        elif event.item.kind == "money":
            self.has = found
            if self.table.row:
                self.present(self.table.row.id)
        self.refresh_status()

    def on_saved(self, event: Saved) -> None:
        """The one that signs."""
        if isinstance(chosen := event.change, WalletRecord):
            self.kept = True
            for account in list(self.accounts.values()):
                mine = (account.name, account.vault) == (chosen.name, chosen.kind)
                self.take(Known(account.name, account.address, account.vault, mine))
                if mine:
                    self.table.go(account.id)

    @property
    def chosen(self) -> Known | None:
        """The account that signs."""
        return next((account for account in self.accounts.values() if account.chosen), None)

    def present(self, id: str) -> None:
        """Why this address matters, where its key is, what it has."""
        account = self.accounts[id]
        facts = [why("the model id depends on it: another account gives another id")]
        address = account.address or "Enter, then its password tells"
        facts += [Fact("address", address, "F4 copy"), Fact("key", KEPT.get(account.vault, account.vault))]
        if account.chosen:
            facts += self.money()
        if self.cleared and account.chosen:
            facts.append(Fact("notice", self.cleared))
        if after := NEXT.get(account.vault):
            facts.append(Fact("then", after))
        self.pane.show(account.name, "", place(self.table), facts)

    def money(self) -> list[Fact]:
        """What the chosen account has and lacks, and the official pages that help."""
        if not self.has:
            return [Fact("has", (self.lacks or "F5 asks the chain", "$muted"))]
        facts = [Fact("has", str(self.has["text"]))]
        if int(self.has["short_wei"]):
            facts.append(Fact("short", (f"{amount(int(self.has['short_wei']), 'ETH')}, exactly", "$warning")))
        if self.has["bridge"] and (int(self.has["short_wei"]) or not int(self.has["balance_wei"])):
            facts.append(Fact("bridge", str(self.has["bridge"])))
        if self.has["faucet"]:
            facts.append(Fact("faucet", f"test AIUS, free to mint: {self.has['faucet']}"))
        return facts

    def status(self) -> Content:
        """Who signs."""
        if self.chosen is None or self.running:
            return super().status()
        count = len(self.accounts)
        if self.lacks:
            return words(("warn", state_style("warn")), f"  {self.chosen.name} signs  {self.lacks}")
        parts = ("ok", "$success"), f"  {self.chosen.name} signs", (f"  {count} account{'s' * (count > 1)}", "$muted")
        return words(*parts)

    def aside(self) -> Content:
        """What it has."""
        return super().aside() if self.running else words((str(self.has.get("text", "")), "$muted"))

    def command(self) -> str:
        """The same without a screen."""
        return self.shell("wallet", "list")

    def copy_text(self) -> str:
        """The address under the cursor."""
        account = self.accounts.get(self.table.row.id) if self.table.row else None
        return account.address if account else ""


class QuickDock(Dock):
    """Asks only where there is a choice, so that in the rehearsal one Enter makes the throw-away key."""

    async def __call__(self, question: Question) -> str:
        """The author's answer, or the only one there is."""
        only = question.id == "account-name" or (isinstance(question, Choice) and len(question.options) == 1)
        return question.rehearsal if only and question.rehearsal is not None else await super().__call__(question)
