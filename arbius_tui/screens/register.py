"""Register on screen: every value beside its source, the typed confirmation, and the transaction on its way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget

from arbius_tui.domain.events import Found, Saved, Started
from arbius_tui.domain.records import OwnerRecord, RegisterRecord
from arbius_tui.domain.text import amount, exact_bytes, grouped, short
from arbius_tui.screens.findings import place
from arbius_tui.screens.register_ways import WaysScreen
from arbius_tui.screens.tabled import texts, whole
from arbius_tui.steps.base import LOCKED, locked
from arbius_tui.widgets.frame import Rule
from arbius_tui.widgets.panes import Empty, Fact, Facts, why
from arbius_tui.widgets.text import Column, Row, words

if TYPE_CHECKING:
    # With its first row; the step's module loads the chain's errors.
    from arbius_tui.steps.reviews import Review

WHY = {
    "call": "the one function of the engine that registers a model",
    "engine": "the contract that receives the call",
    "chain": "a model exists on this chain only",
    "from": "this account signs and pays; the model id depends on its address",
    "addr": "the owner gets the fees and may change fee, addr and allow list",
    "fee": "what each task pays the owner, in AIUS, not in ETH",
    "bytes": "the engine hashes exactly these; one byte more is another model",
    "CID": "the hash of the bytes, by which miners fetch the template",
    "model id": "a hash of sender, addr, fee and CID; tasks name the model by it",
    "simulate": "the engine ran the call without keeping it and returned this",
    "cost": "the most that it can take from the account; the rest stays there",
    "allow": "only these miners may solve its tasks; a list is given now or never, and ending it is for good",
    "now": "what the engine has now",
    "becomes": "what it will have",
    "tx": "journaled before it was sent: found again, never sent twice",
    "event": "the engine's own word in the mined block; it must be the predicted id",
}
"""What each row of the review means."""
TX = {
    "unsigned": ("wait", "unsigned file"),
    "handed": ("run", "your wallet has it"),
    "cancelled": ("off", "cancelled"),
    "signed": ("run", "journaled"),
    "sent": ("run", "sent, pending"),
    "mined": ("ok", "mined"),
    "already": ("ok", "there before"),
    "failed": ("FAIL", "mined, failed"),
}
"""State word and words of a transaction."""


class RegisterScreen(WaysScreen):
    """The last look, and the one transaction."""

    step = "register"
    why = (
        "This is the one step that cannot be undone. It sends one transaction to the engine contract; from then on "
        "the model id stands for exactly these bytes of the template, on this chain, for ever.\n"
        "So everything is shown first, each value beside what it was checked against, and the call is simulated. "
        "Nothing is sent before you have typed the end of the model id. The signed transaction is written to the "
        "journal before it goes out: if this program dies at any moment, it finds the transaction again and never "
        "sends a second one. A model that is registered already is found first, and nothing is sent."
    )
    columns: ClassVar[Sequence[Column]] = (
        Column("What", 8, 8),
        Column("Will be sent", 42, 46),
        Column("State", 5, 5),
        Column("Checked against", 0, 0),
    )
    room = 4
    hints = (
        "register.run", "register.list", "register.unsigned", "register.signed", "register.owner", "register.hurry",
        "register.cancel", "register.calldata",
    )  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "run", "review", id="register.run", tooltip="look at everything again; nothing is sent by it"),
    ]

    def nothing(self) -> Empty:
        """Before the first look."""
        if locked("register", self.session.journey):
            return Empty(
                f"Locked: {LOCKED}.",
                [("Ctrl+G 4", "see why, mend it and run the seed test again")],
                "A registration cannot be undone, and its tasks could not be mined.",
            )
        verb = "rehearsed" if self.session.rehearsal else "sent"
        return Empty(
            "The model is not registered yet.",
            [
                ("Enter", f"review every value; nothing is {verb} before you confirm it"),
                ("w", "the same, with a list of the miners that alone may solve it"),
                ("u", "the same, into a file for another device; i takes it back"),
            ],
            "What is registered stays: the template, its CID and the model id.",
        )

    def body(self) -> Iterable[Widget]:
        """At 120 the long values in full below the table, also while the confirmation is asked."""
        yield from super().body()
        self.full = Facts()
        with Vertical(classes="roomy"):
            yield Rule("In full")
            yield self.full

    def recall(self) -> None:
        """What was signed, sent or mined before; a transaction under way is followed at once."""
        self.rows = {}
        self.call = None
        self.old = False
        saved = self.saved_record()
        if not texts(saved, "model_id")[0]:
            return
        self.show_record(saved)
        self.table.go("event" if "event" in self.rows else "tx")
        if saved.get("state") == "sent":
            self.action_run()

    def take(self, review: Review) -> None:
        """A row of the review as it stands now."""
        self.rows[review.id] = review
        state = "FAIL" if review.state == "FAIL" else ""
        label = (review.id if review.id != "event" else "event id", "$muted")
        self.put(Row(review.id, (label, (review.value, "$ink"), review.state, (review.against, "$ink")), state))
        self.show_full()

    def show_full(self) -> None:
        """The values that are cut in the table."""
        wanted = [("id", "model id"), ("CID", "CID"), ("addr", "addr"), ("miners", "allow"), ("fee", "fee"),
                  ("cost", "cost"), ("chain", "chain"), ("tx", "tx")]  # fmt: skip
        self.full.show(
            [Fact(label, self.rows[id].full) for label, id in wanted if id in self.rows and self.rows[id].full]
        )

    def show_record(self, saved: Mapping[str, Any]) -> None:
        """The rows of a registration that was signed before."""
        for review in rows_of(saved, self.saved_record("template"), self.session.chain):
            self.take(review)
        self.transaction(saved)

    def transaction(self, saved: Mapping[str, Any]) -> None:
        """The transaction and, once it is mined, the id in the engine's own event."""
        from arbius_tui.steps.reviews import Review

        state, tx_hash, mined, model_id = texts(saved, "state", "tx_hash", "mined_id", "model_id")
        word, said = TX.get(state, ("-", state))
        block = whole(saved.get("block"))
        place = f"block {grouped(block)}" if block else f"nonce {whole(saved.get('nonce'))}"
        if tx_hash:
            self.take(Review("tx", f"{short(tx_hash)}  {place}", word, said, tx_hash))
        elif state == "already":
            self.take(Review("tx", "none: it is registered already", "ok", "models(id)"))
        if mined:
            same = mined == model_id
            self.take(Review("event", short(mined), "SAME" if same else "FAIL", "as predicted", mined))

    def on_started(self, event: Started) -> None:
        """What stands there is of an earlier run, until the first row of this one comes."""
        self.old = True
        super().on_started(event)

    def on_found(self, event: Found) -> None:
        """A row of the review; the transaction comes with what is saved."""
        from arbius_tui.steps.reviews import Review

        super().on_found(event)
        if isinstance(event.item, Review):
            if self.old:
                self.old = False
                self.rows.clear()
                self.table.set_rows([])
            self.take(event.item)
            self.refresh_status()

    def on_saved(self, event: Saved) -> None:
        """Signed, sent, mined: the rows follow what is on disk."""
        if isinstance(event.change, OwnerRecord):
            self.transaction({**event.change.public(), "mined_id": ""})
            self.table.go("tx" if "tx" in self.rows else self.table.row.id if self.table.row else "")
            self.refresh_status()
        if isinstance(event.change, RegisterRecord):
            record = event.change.public()
            if self.old or not self.rows:
                self.show_record(record)
            else:
                self.transaction(record)
            self.table.go("event" if record["mined_id"] else "tx")
            self.refresh_status()

    def row_of(self, problem: object) -> str:
        """What goes wrong on the way belongs to the transaction, once there is one."""
        return "tx" if "tx" in self.rows and not self.old else ""

    def present(self, id: str) -> None:
        """What this row means, and its value in full."""
        row = self.rows[id]
        facts = [why(WHY.get(id, ""))]
        value = row.full or row.value
        # A model id takes the whole line at 80.
        facts += [Fact("value", value, "F4 copy" if len(value) < 56 else ""), Fact("checked", row.against)]
        self.pane.show(TITLE.get(id, id), row.state, place(self.table), facts)

    def status(self) -> Content:
        """Ready, on its way, or registered."""
        if self.handed is not None:
            return super().status()
        if self.running and self.ask.pane is not None and "cost" in self.rows and not self.old:
            return words(("READY  ", "bold $success"), f"1 transaction, {self.rows['cost'].value}")
        if self.running:
            return super().status()
        said = {
            "mined": "registered",
            "already": "registered before, nothing was sent",
            "handed": "your wallet has it; Enter looks whether it was sent",
            "unsigned": "written for another device; i takes the signed file, Enter reviews again",
            "cancelled": "cancelled; Enter reviews again",
            "sent": "sent, not seen mined yet; Enter looks for it and never sends another",
            "signed": "signed, not seen sent yet; Enter looks for it and sends the same bytes",
        }.get(self.record_state, "")
        if not said:
            return super().status()
        word = "ok" if self.finished else "wait"
        return words((word, "$success" if word == "ok" else "$muted"), f"  {said}")

    def aside(self) -> Content:
        """Whether anything was sent."""
        if self.running and self.ask.pane is None:
            return super().aside()
        id = self.rows.get("model id")
        if self.finished and id:
            return words(("model id  ", "$muted"), id.value)
        return words(("nothing sent yet", "$muted")) if self.rows and not self.record_state else Content("")

    def on_stopped(self) -> None:
        """The author went back."""
        self.say("stopped; nothing was sent, Enter reviews again" if not self.record_state else "stopped")

    def copy_text(self) -> str:
        """The value of the row in full."""
        row = self.rows.get(self.table.row.id) if self.table.row else None
        return (row.full or row.value) if row else ""


TITLE = {"tx": "transaction", "event": "id in the engine's event", "addr": "addr, the owner"}
"""Rows with a longer name in the finding."""


def rows_of(saved: Mapping[str, Any], template: Mapping[str, Any], chain: str) -> list[Review]:
    """The review of a registration that was saved: what was sent, by what is on disk."""
    from arbius_tui.steps.reviews import Review

    engine, sender, addr, cid, id, fee = texts(saved, "engine", "sender", "addr", "cid", "model_id", "fee_wei")
    (path,) = texts(template, "path")
    rows = [Review("call", "registerModel(addr, fee, template)", "ok", "journal")]
    rows.append(Review("engine", engine, "ok", "journal", engine))
    rows.append(Review("chain", chain, "ok", f"id {whole(saved.get('chain_id'))}"))
    rows.append(Review("from", short(sender), "ok", "journal", sender))
    owns = "owns fee and settings" if addr == sender else "not the sender"
    rows.append(Review("addr", f"{short(addr)}  {owns}", "ok", "journal", addr))
    wei = int(fee) if fee.isdigit() else 0
    rows.append(Review("fee", f"{amount(wei, 'AIUS')} a task  {wei} wei", "ok", "AIUS, not ETH"))
    if path:
        bulk = exact_bytes(whole(template.get("bytes")))
        rows.append(Review("bytes", f"{path.rpartition('/')[2]}  {bulk}", "ok", "journal", path))
    rows.append(Review("CID", short(cid), "SAME", "journal", cid))
    rows.append(Review("model id", short(id), "SAME", "journal", id))
    cost = texts(saved, "cost_wei")[0]
    if cost.isdigit() and int(cost):
        rows.append(Review("cost", amount(int(cost), "ETH"), "ok", f"gas {grouped(whole(saved.get('gas_used')))}"))
    return rows
