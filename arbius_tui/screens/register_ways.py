"""What Register does besides a plain review: lists, files of another device, later changes, what waits, calldata."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from arbius_tui.domain.events import Found
from arbius_tui.domain.text import amount, grouped
from arbius_tui.screens.handing import HandingScreen
from arbius_tui.screens.tabled import TableScreen, texts
from arbius_tui.widgets.text import words

if TYPE_CHECKING:
    from arbius_tui.steps.base import Step
    from arbius_tui.steps.reviews import Calldata, Review


class WaysScreen(TableScreen, HandingScreen):
    """The other ways through the step, each with its key where it leads somewhere."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "with('list')", "allow list", id="register.list", tooltip="review it with a list of miners"),
        Binding(
            "u",
            "with('unsigned')",
            "unsigned",
            id="register.unsigned",
            tooltip="write a file that another device signs",
        ),
        Binding("i", "with('signed')", "signed", id="register.signed", tooltip="send what the other device signed"),
        Binding("o", "with('owner')", "owner", id="register.owner", tooltip="change fee, addr or allow list later"),
        Binding("s", "with('speed-up')", "speed up", id="register.hurry", tooltip="pay more for what waits"),
        Binding("k", "with('cancel')", "cancel it", id="register.cancel", tooltip="nothing in its place, same nonce"),
        Binding("f6", "calldata", "calldata", id="register.calldata", tooltip="the call, decoded and as bytes"),
    ]
    way = ""
    """What runs now, if it is no plain review: list, unsigned, signed, owner, speed-up, cancel."""
    call: Calldata | None = None
    rows: dict[str, Review]
    """The review as it stands on the screen, by the id of the row."""

    def command(self) -> str:
        """The same without a screen."""
        (path,) = texts(self.saved_record("template"), "path")
        (name,) = texts(self.saved_record("wallet"), "name")
        saved = self.saved_record()
        id = self.rows["model id"].full if "model id" in self.rows else ""
        wei = texts(saved, "fee_wei")[0]
        fee = amount(int(wei), "") if wei.isdigit() else self.fee
        own = texts(self.saved_record("wallet"), "address")[0]
        addr = self.rows["addr"].full if "addr" in self.rows else ""
        more = ["--addr", addr] if addr and own and addr != own else []
        more += ["--allow-list", "FILE"] if "allow" in self.rows else []
        tail = ("--confirm", id[-4:] or "TAIL")
        return self.shell(
            "register", "--template", path or "FILE", "--from", name or "NAME", "--fee", fee, *more, *tail
        )

    @property
    def fee(self) -> str:
        """The fee of the review in AIUS."""
        row = self.rows.get("fee")
        return row.value.split()[0] if row else "0"

    @property
    def record_state(self) -> str:
        """How far the registration is: signed, sent, mined, already, failed, or empty."""
        return texts(self.saved_record(), "state")[0]

    def on_found(self, event: Found) -> None:
        """The call as bytes; what a wallet of somebody else's wants has a pane of its own."""
        from arbius_tui.steps.reviews import Calldata

        if isinstance(event.item, Calldata):
            self.call = event.item
        super().on_found(event)

    def action_with(self, way: str) -> None:
        """Run the step in another way than Enter does."""
        if self.ask.pane is None and not self.running:
            self.way = way
            self.action_run()

    def end(self) -> None:
        """The next Enter reviews."""
        self.way = ""
        super().end()

    def runs(self) -> str:
        """A later change has no state word in the journey."""
        return "owner" if self.way == "owner" else self.step

    def work(self) -> Step | None:
        """The step in the way that was asked for."""
        return made(self.way, texts(self.saved_record(), "model_id")[0]) if self.way else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Each way where it leads somewhere."""
        if action == "calldata":
            return self.call is not None
        if action == "with":
            return not self.running and parameters[0] in ways(self.record_state)
        return super().check_action(action, parameters)

    def action_calldata(self) -> None:
        """What the transaction says to the engine, in words and as bytes."""
        from arbius_tui.screens.pages import ReadingPage

        if self.call is not None:
            self.app.push_screen(ReadingPage("Calldata", self.call.function.partition("(")[0], decoded(self.call)))


def ways(state: str) -> tuple[str, ...]:
    """The other ways that the step can go from here."""
    if state in ("signed", "sent"):
        return ("speed-up", "cancel")
    if state == "handed":
        return ()
    return ("owner",) if state in ("mined", "already") else ("list", "unsigned", "signed")


def made(way: str, model_id: str) -> Step | None:
    """The step in one of these ways."""
    from arbius_tui.steps.hurry import Hurry
    from arbius_tui.steps.owner import Owner
    from arbius_tui.steps.register import Register

    match way:
        case "list":
            return Register(listing=True)
        case "unsigned" | "signed":
            return Register(filed=way)
        case "owner":
            return Owner(of=model_id)
        case "speed-up" | "cancel":
            return Hurry("cancel" if way == "cancel" else "speed-up")
    return None


def decoded(call: Calldata) -> list[Content]:
    """A call to be read: each argument, then the bytes in words of 32."""
    rows = [words("  ", (f"{name:<10}", "$muted"), value) for name, value in call.arguments]
    body = call.data[10:]
    found = [body[at : at + 64] for at in range(0, min(len(body), 64 * MOST_WORDS), 64)]
    more = len(body) // 64 - len(found)
    said = [words("  ", (f"and {grouped(more)} more of 32 bytes; F2 has the command that prints them", "$muted"))]
    head = words(
        "  ", ("selector  ", "$muted"), call.data[:10], (f"  {grouped((len(call.data) - 2) // 2)} B", "$muted")
    )
    return [*rows, Content(""), head, *(words("  ", row) for row in found), *(said if more > 0 else [])]


MOST_WORDS = 400
"""Lines of calldata that are shown."""
