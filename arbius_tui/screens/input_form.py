"""The fields of a model's inputs: by type, with default and bounds; what is wrong is kept and said after a pause."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from textual import on
from textual.containers import Vertical, VerticalScroll
from textual.geometry import Region
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget

from arbius_tui.domain import typed_inputs
from arbius_tui.domain.inputs import ModelInput
from arbius_tui.domain.typed_inputs import Wrong
from arbius_tui.screens.findings import FactBlock
from arbius_tui.widgets.fields import Field, Form
from arbius_tui.widgets.panes import Fact

PAUSE = 1.0
"""Seconds after the last key before a wrong value is said; leaving the field says it at once."""


class InputForm(Vertical):
    """A form over what its field is about. `texts` are the values as typed, `wrong` what keeps them from being sent."""

    DEFAULT_CSS = """
    InputForm { height: 1fr; }
    InputForm VerticalScroll { height: 1fr; }
    """

    class Judged(Message):
        """A field became wrong, or right again."""

    class Paused(Message):
        """Nobody typed for a while."""

    def __init__(self, id: str | None = None, empty: str = "") -> None:
        super().__init__(id=id)
        self.empty = empty
        """What an empty field means, where it is the same for all."""
        self.notes: dict[str, str] = {}
        """What there is to know of a field beside the model's own words."""
        self.known: dict[str, ModelInput] = {}
        self.form, self.about = Form(), FactBlock(2)
        self.room = VerticalScroll(self.form, can_focus=False)
        self.timer: Timer | None = None

    def compose(self) -> Iterable[Widget]:
        """The fields scroll, what is said of one stays."""
        yield self.room
        yield self.about

    def show(self, known: Sequence[ModelInput], typed: Mapping[str, str]) -> None:
        """The fields of these inputs, with what was typed before or the model's defaults."""
        self.known = {item.name: item for item in known}
        self.form.set_fields([field_of(item, typed.get(item.name)) for item in known])
        self.tell()

    @property
    def texts(self) -> dict[str, str]:
        """The values as they were typed."""
        return self.form.values

    def open_texts(self) -> dict[str, str]:
        """The same without secrets."""
        return {name: text for name, text in self.texts.items() if self.known[name].type != "secret"}

    def flags(self) -> list[str]:
        """What differs from the model's defaults, as words of a command."""
        found: list[str] = []
        for name, item in self.known.items():
            text = self.texts.get(name, "")
            if item.type == "secret" and text:
                found += ["-i", f"{name}=@FILE"]
            elif text != (typed_inputs.shown(item) if item.has_default else ""):
                found += ["-i", f"{name}={text}"]
        return found

    @property
    def wrong(self) -> dict[str, str]:
        """What is valid, for each field that holds nothing valid."""
        found = {name: self.problem(name, text) for name, text in self.texts.items()}
        return {name: said for name, said in found.items() if said}

    def problem(self, name: str, text: str) -> str:
        """What is valid instead of this text; empty when it is."""
        try:
            typed_inputs.parse(self.known[name], text)
        except Wrong as error:
            return str(error)
        return ""

    def judge(self, field: Field) -> None:
        """Show whether this field is wrong."""
        said = self.problem(field.id, field.value)
        judged = replace(field, state="ERROR" if said else "", reason=said)
        if judged != field:
            self.form.update_field(judged)
            self.post_message(self.Judged())

    def check(self) -> bool:
        """Show every field that is wrong and go to the first; whether all is well."""
        for field in list(self.form.fields):
            self.judge(field)
        if first := next(iter(self.wrong), ""):
            self.form.go(first)
        return not first

    @on(Form.Changed)
    def _changed(self, event: Form.Changed) -> None:
        """A field that became right is so at once; one that became wrong gets a pause, because it is half typed."""
        if self.timer:
            self.timer.stop()
        if event.field.state and not self.problem(event.field.id, event.field.value):
            self.judge(event.field)
        if event.field.kind == "text" or not event.field.state:
            self.timer = self.set_timer(PAUSE, self.pause)

    def pause(self) -> None:
        """Nobody typed for a while."""
        if field := self.form.field:
            self.judge(field)
        self.post_message(self.Paused())

    @on(Form.Moved)
    def _moved(self, event: Form.Moved) -> None:
        """The field that was left is judged; the one that is entered is explained."""
        if self.timer:
            self.timer.stop()
        left = next((field for field in self.form.fields if field.id == event.left.id), None)
        if left:
            self.judge(left)
        self.tell()
        self.follow()

    def on_descendant_focus(self) -> None:
        """The focus came to the form as a whole: the field under the cursor is what counts."""
        self.call_after_refresh(self.follow)

    def follow(self) -> None:
        """The field under the cursor and its reason are in sight."""
        row = self.form.sheet.row_of(self.form.at)
        self.room.scroll_to_region(Region(0, row, 1, 2), animate=False, force=True, immediate=True)

    @property
    def rows(self) -> int:
        """Rows that all fields and what is said of one need."""
        return self.form.sheet.row_of(len(self.form.fields)) + self.about.room

    def tell(self) -> None:
        """What the field under the cursor is, in the model's own words, and what it takes."""
        field = self.form.field
        item = self.known.get(field.id) if field else None
        if item is None:
            self.about.show([Fact("takes", ("nothing: this model has no inputs", "$muted"))])
            return
        typed = field is not None and field.kind == "text" and not typed_inputs.needed(item)
        left_out = "the model's own default" if item.has_default else "it is left out"
        left_out = f"; empty: {self.empty or left_out}"
        empty = left_out if typed and item.type != "string" else ""
        said = item.description or ("miners set it for every task" if item.name == "seed" else "-")
        said = self.notes.get(item.name) or said
        self.about.show([Fact("about", (said, "$muted")), Fact("takes", (typed_inputs.takes(item) + empty, "$muted"))])


def field_of(item: ModelInput, typed: str | None) -> Field:
    """The field of an input."""
    value = typed_inputs.shown(item) if typed is None else typed
    label = f"{item.name} *" if typed_inputs.needed(item) else item.name
    bounds = typed_inputs.bounds(item)
    says = (bounds.removeprefix("from ") if " to " in bounds else bounds) or item.type
    if item.choices:
        options = tuple(typed_inputs.written(choice) for choice in item.choices)
        free = () if typed_inputs.needed(item) or item.has_default else ("",)
        return Field(item.name, label, value, "choice", kind="choice", options=(*free, *options))
    if item.type == "boolean":
        if item.has_default or typed_inputs.needed(item):
            return Field(item.name, label, value, "yes or no", kind="flag")
        return Field(item.name, label, value, "yes or no", kind="choice", options=("", "yes", "no"))
    return Field(item.name, label, value, says, kind="secret" if item.type == "secret" else "text")
