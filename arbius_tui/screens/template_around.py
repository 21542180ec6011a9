"""What stands around a template that is edited: the model's own word, other versions of the file, another editor."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import work as worker

from arbius_tui.domain.errors import Failure, Problem
from arbius_tui.domain.events import Done, Found, Line
from arbius_tui.domain.questions import Question
from arbius_tui.screens.editing import editor, lend
from arbius_tui.screens.session import Session
from arbius_tui.screens.tabled import texts
from arbius_tui.screens.template_file import FilePane
from arbius_tui.screens.template_keys import TemplateKeys
from arbius_tui.steps.base import TITLES
from arbius_tui.widgets.pane import Cancelled

if TYPE_CHECKING:
    # With the first template; they load pydantic.
    from arbius_tui.steps.template_versions import ModelSays, Registrant


class TemplateAround(TemplateKeys):
    """Looks at the running model and at other versions; lends the file to the author's own editor."""

    pane_of_file: FilePane
    saved_document: Mapping[str, Any] | None = None

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.model: ModelSays | None = None
        self.registrant: Registrant | None = None
        self.left: dict[str, str] = {}
        self.opened = ""

    def draw(self, at: str = "") -> None:
        """Hook: everything that the template decides."""

    def open_file(self, path: str, outside: str = "") -> None:
        """Hook: open the file with its history."""

    def refused(self, problem: Problem) -> None:
        """Hook: a file that cannot be read or written."""

    @property
    def path(self) -> str:
        """Where the file lies, once that is known."""
        return self.opened or texts(self.saved_record(), "path")[0]

    def copy_text(self) -> str:
        """The CID in full."""
        return self.editing.template.cid if self.editing else texts(self.saved_record(), "cid")[0]

    @worker(group="around", exclusive=True, exit_on_error=False)
    async def look_around(self) -> None:
        """The model's own word, and who will register."""
        from arbius_tui.steps.template_versions import ModelSays, Registrant, Surroundings

        walk = await self.session.opened()
        async with aclosing(walk.beside(Surroundings(), self.ask)) as events:
            async for event in events:
                match event:
                    case Found(ModelSays() as said):
                        self.model = said
                    case Found(Registrant() as who):
                        self.registrant = who
        if self.editing:
            self.take(self.editing)

    def names(self) -> set[str]:
        """The variables that the template has."""
        from arbius_tui.domain.template_edits import rows

        found = rows(self.editing, "input") if self.editing else []
        return {str(row.get("variable")) for row in found if isinstance(row, Mapping)}

    def missing(self) -> dict[str, Any]:
        """Rows of what the model has and the template lacks, by name."""
        if self.model is None:
            return {}
        known = self.names()
        return {name: row for name, row in (self.model.model.rows if self.model else {}).items() if name not in known}

    def left_out(self) -> dict[str, str]:
        """What is not in the template, and its word in the outline."""
        if not self.left and self.model is None:
            return {}
        known = self.names()
        out = {**self.left, **(self.model.model.left_out if self.model else {})}
        found = {name: "miner" if name == "seed" else "off" for name in out if name not in known}
        return found | dict.fromkeys(self.missing(), "+ add")

    def left_reason(self, name: str) -> str:
        """Why an input of the model is not in the template."""
        out = {**self.left, **(self.model.model.left_out if self.model else {})}
        return out.get(name, "the model has it, the template does not: a task cannot set it")

    def model_id(self) -> str:
        """The id that registering these bytes would give; empty while the sender is not known."""
        if self.registrant is None or self.editing is None:
            return ""
        from arbius_tui.domain.engine import model_id

        who = self.registrant
        return model_id(who.sender, who.addr, int(who.fee_wei), self.editing.template.multihash)

    # --- other versions

    @worker(group="version", exclusive=True, exit_on_error=False)
    async def action_base(self) -> None:
        """Compare with the next version that there is: as saved, as in git, as registered."""
        from arbius_tui.domain.template import Template
        from arbius_tui.steps.template_versions import OtherVersion, Version

        order = {"saved": "git", "git HEAD": "chain"}
        which = order.get(self.pane_of_file.base_name, "")
        walk = await self.session.opened()
        said = ""
        while which:
            try:
                async with aclosing(walk.beside(OtherVersion(Path(self.path), which), self.ask)) as events:
                    async for event in events:
                        if isinstance(event, Found) and isinstance(event.item, Version):
                            document = Template.read(event.item.text.encode()).document
                            self.compare(document, event.item.name, said)
                            return
            except Failure as failure:
                said += f"{'; ' if said else ''}{failure.problem.what}"
            which = "chain" if which == "git" else ""
        self.compare(self.saved_document, "saved", said)

    def compare(self, document: Mapping[str, Any] | None, name: str, said: str = "") -> None:
        """The file is compared with this version now."""
        self.pane_of_file.compare(document, name)
        self.draw()
        self.say(f"compared with {name}{'; ' + said if said else ''}")

    async def action_save(self) -> None:
        """A checkpoint: from here on differences are counted."""
        if self.editing:
            self.saved_document = self.editing.template.document
            if self.pane_of_file.base_name == "saved":
                self.pane_of_file.compare(self.saved_document, "saved")
                self.draw()
        await super().action_save()

    # --- the author's own editor

    def action_edit(self) -> None:
        """Open the file in the author's editor, then take it back."""
        command = editor()
        busy = next(
            (TITLES.get(name, name) for name, state in self.session.journey.states.items() if state == "run"), ""
        )
        if not self.path:
            self.say("there is no file yet; Enter drafts one")
        elif not command:
            self.say(f"$EDITOR is not set; edit {self.path} and press F5")
        elif busy:
            # The editor holds up everything here; a prediction would run into its time limit.
            self.say(f"{busy} is running; it would stand still while the editor is open")
        elif trouble := lend(self.app, [*command, self.path]):
            self.say(trouble)
        else:
            self.take_back(f"edited in {Path(command[0]).name}")

    @worker(group="pane", exclusive=True, exit_on_error=False)
    async def take_back(self, name: str) -> None:
        """What the editor left; of a broken file both versions are kept, and the author says which counts."""
        from arbius_tui.steps.template_versions import TakeBack

        before = self.editing.template.data if self.editing else b""
        follow = "leave"
        try:
            walk = await self.session.opened()
            async with aclosing(walk.beside(TakeBack(Path(self.path), before), self.ask)) as events:
                async for event in events:
                    if isinstance(event, Done):
                        follow = str(event.result.get("next"))
                    elif isinstance(event, Line):
                        self.say(event.text)
        except Cancelled:
            pass
        except Failure as failure:
            self.refused(failure.problem)
            return
        if follow == "edit":
            self.call_later(self.action_edit)
        else:
            self.open_file(self.path, name)

    # --- rows that are shown or taken in

    def action_include(self) -> None:
        """The input under the cursor, or all that the model has and the template lacks."""
        from arbius_tui.domain import template_edits as edits

        found = self.missing()
        name = self.here.removeprefix("left/")
        rows = {name: found[name]} if name in found else {} if self.here.startswith("left/") else found
        if not rows:
            self.say("this one stays out: the reason stands beside it" if self.here.startswith("left/")
                     else "the model has nothing that is missing here")  # fmt: skip
            return
        title = f"import {name}" if name in rows else f"import {len(rows)} from model"
        patch = [("add", "/input/-", dict(row)) for row in rows.values()]
        count = len(edits.rows(self.editing, "input")) if self.editing else 0
        self.do(lambda editing: edits.patch_of(editing, title, patch), f"input/{count}")

    @worker(group="pane", exclusive=True, exit_on_error=False)
    async def action_filter(self) -> None:
        """Only rows with a text."""
        from arbius_tui.widgets.ask import FieldPane

        question = Question("filter", "Show only rows with this text", "an empty answer shows all", self.needle)
        try:
            self.needle = await self.ask.put(FieldPane(question))
        except Cancelled:
            return
        if self.editing:
            self.take(self.editing)
