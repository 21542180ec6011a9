"""What stands around a template that is edited: the model's own word, and other versions of the file."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import work as worker

from arbius_tui.domain.errors import Failure
from arbius_tui.domain.events import Found
from arbius_tui.domain.questions import Question
from arbius_tui.screens.session import Session
from arbius_tui.screens.tabled import texts
from arbius_tui.screens.template_file import FilePane
from arbius_tui.screens.template_keys import TemplateKeys
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

    @worker(group="filter", exclusive=True, exit_on_error=False)
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
