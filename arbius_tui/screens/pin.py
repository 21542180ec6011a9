"""Pin on screen: the ways to the CID, each on its own, and who can fetch the template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from arbius_tui.domain.errors import Problem
from arbius_tui.domain.events import Done, Found, Started
from arbius_tui.domain.text import short
from arbius_tui.screens.findings import place
from arbius_tui.screens.session import Session
from arbius_tui.screens.tabled import TableScreen, texts
from arbius_tui.widgets.panes import Empty, Fact, why
from arbius_tui.widgets.text import Column, Row, counts, words

if TYPE_CHECKING:
    # With its first row; the first frame does without.
    from arbius_tui.domain.events import Trouble
    from arbius_tui.steps.base import Step
    from arbius_tui.steps.pin_ways import Way

MEANING = {
    "computed": "the bytes of the file, hashed here as IPFS hashes them",
    "engine": "the engine hashes the bytes itself; the model id contains this CID",
    "others": "true only when somebody else found the block, fetched it, and its hash was right",
    "gateway": "a gateway is not believed: what it gives is hashed here",
    "fetch": "another node was asked before it was given the block: it can only have it from yours",
    "pinata": "a pinning service: it keeps the template online; what it says is compared",
    "psa": "a pinning service: it fetched the block from your node; that it has it is its own word",
}
STORED = "stored, read back and hashed again; miners fetch it by this CID"
SAME = Fact("SAME", "this way gave the CID that was computed here from your file")


class PinScreen(TableScreen):
    """The same CID on every way, and the block where others can fetch it."""

    step = "pin"
    why = (
        "The engine does not keep your template. It keeps its CID: a hash of its bytes, in the form that IPFS uses. "
        "Whoever wants the template asks IPFS for that CID, and miners ignore a model whose template they cannot "
        "read.\n"
        "So the CID is computed in ways that know nothing of one another: here, by the engine contract, and by the "
        "node that stores it. SAME means that this way gave the CID that was computed here. One that differs ends "
        "the step, because a wrong CID would be registered for good."
    )
    room = 6
    columns: ClassVar[Sequence[Column]] = (
        Column("Way", 18, 22),
        Column("State", 5, 5),
        Column("CID", 14, 14),
        Column("Note", 0, 0),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "run", "pin", id="pin.run", tooltip="compute, ask the engine, store and read back"),
        Binding("o", "elsewhere", "other place", id="pin.elsewhere", tooltip="also pin to a service or another node"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.adding = False
        self.heard: list[str] = []
        """Ways that this run took, in their order."""

    def nothing(self) -> Empty:
        """Before the first run."""
        return Empty(
            "The template is pinned nowhere yet.",
            [
                ("Enter", "compute its CID, ask the engine, store it, see who else can fetch it"),
                *([] if self.session.rehearsal else [("o", "do that, and pin it to a service or another node, too")]),
            ],
            "Miners must be able to fetch it, and its CID becomes part of the model id.",
        )

    def recall(self) -> None:
        """What was found before."""
        from arbius_tui.steps.pin_ways import remembered

        self.ways: dict[str, Way] = {}
        for way in remembered(self.saved_record()):
            self.take(way)

    def take(self, way: Way) -> None:
        """A way as it stands now."""
        self.ways[way.id] = way
        self.put(drawn(way))

    def on_started(self, event: Started) -> None:
        """Every way is open again."""
        super().on_started(event)
        self.heard.clear()
        for way in list(self.ways.values()):
            self.take(replace(way, state="wait", cid="", note="", more=()))

    def on_found(self, event: Found) -> None:
        """A way began or ended."""
        from arbius_tui.steps.pin_ways import Way

        if isinstance(event.item, Way):
            if event.item.id not in self.heard:
                self.heard.append(event.item.id)
            self.take(event.item)
            self.refresh_status()

    def on_done(self, event: Done) -> None:
        """All rows are there now; a way of an earlier run that this one did not take is gone."""
        super().on_done(event)
        if self.heard:
            self.ways = {id: self.ways[id] for id in self.heard}
            self.table.set_rows([drawn(way) for way in self.ways.values()])
        if self.table.row:
            self.explain(self.table.row.id)

    def work(self) -> Step | None:
        """The step, with a place more when the author asked for one."""
        if not self.adding:
            return None
        from arbius_tui.steps.pin import Pin

        self.adding = False
        return Pin(elsewhere=True)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The rehearsal has no other place."""
        if action == "elsewhere":
            return not self.running and not self.session.rehearsal
        return super().check_action(action, parameters)

    def action_elsewhere(self) -> None:
        """Pin once more, to a further place that is asked for."""
        self.adding = True
        self.action_run()

    def on_trouble(self, event: Trouble) -> None:
        """What only warns waits in its row: the cursor stays where it is."""
        super().on_trouble(event)
        if event.problem.severity == "warn" and (id := self.row_of(event.problem)):
            self.problems.setdefault(id, event.problem)

    def row_of(self, problem: Problem) -> str:
        """The way that these words are about; what no way failed with is about whether others can fetch it."""
        named = [way for way in self.ways.values() if way.state in ("FAIL", "warn") and way.note]
        for way in named:
            if way.note == problem.what or problem.what.endswith(f": {way.note}"):
                return way.id
        failed = [way.id for way in named if way.state == "FAIL"]
        return "others" if "others" in self.ways else failed[-1] if failed else ""

    def present(self, id: str) -> None:
        """What this way shows."""
        way = self.ways[id]
        facts = [why(MEANING.get(id.partition(" ")[0], STORED))]
        facts += [Fact("CID", way.cid, "F4 copy")] if way.cid else []
        facts += [Fact("note", way.note)] if way.note else []
        facts += [Fact("" if number else "also", text) for number, text in enumerate(way.more)]
        self.pane.show(way.title, way.state, place(self.table), [*facts, SAME] if way.state == "SAME" else facts)

    def status(self) -> Content:
        """How many ways agree."""
        if self.has_class("-empty"):
            return super().status()
        states = [way.state for way in self.ways.values()]
        return counts(*((states.count(word), word) for word in ("SAME", "ok", "warn", "FAIL", "wait", "off")))

    def aside(self) -> Content:
        """Whether others can fetch it."""
        saved = self.saved_record()
        if self.running or not saved or self.has_class("-empty"):
            return super().aside()
        if self.session.rehearsal:
            return words(("rehearsal: the block stays on this machine", "$muted"))
        told = bool(saved.get("fetchable"))
        return words(("others can fetch it", "$muted") if told else ("nobody else can fetch it yet", "bold $warning"))

    def command(self) -> str:
        """The same without a screen."""
        (path,) = texts(self.saved_record("template"), "path")
        return self.shell("pin", path or "FILE", *flags(self.saved_record()))

    def copy_text(self) -> str:
        """The full CID."""
        way = self.ways.get(self.table.row.id) if self.table.row else None
        return way.cid if way else ""


def drawn(way: Way) -> Row:
    """A way as a row of the table."""
    cells = (way.title, way.state, short(way.cid), way.note)
    return Row(way.id, cells, "" if way.state in ("SAME", "ok") else way.state)


def flags(saved: Mapping[str, Any]) -> list[str]:
    """The places of the last run as flags of `pin`; what is there by default needs none."""
    found: list[str] = []
    rows = saved.get("stores")
    for row in rows if isinstance(rows, list | tuple) else ():
        sort, where = texts(row, "sort", "where")
        if sort == "kubo" and where != "http://127.0.0.1:5001":
            found += ["--ipfs", where]
        elif sort in ("pinata", "psa"):
            found += ["--remote", f"{sort}={where}"]
    rows = saved.get("gateways")
    urls = [texts(row, "url")[0] for row in rows] if isinstance(rows, list | tuple) else []
    usual = ("https://ipfs.arbius.org", "https://ipfs.io")
    return found + [part for url in urls if url not in usual for part in ("--gateway", url)]
