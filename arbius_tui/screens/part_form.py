"""The form of one part of a template. It tells what is typed; what becomes of it is the editor's business."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual import on
from textual.containers import Vertical, VerticalScroll
from textual.geometry import Region
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget

from arbius_tui.widgets.fields import Field, Form

PAUSE = 1.0
"""Seconds after the last key before a value that is half typed is judged; leaving the field judges it at once."""


class PartForm(Vertical):
    """Fields of a part. `typing` is the field that is typed in, its text, and whether it may be judged by now."""

    DEFAULT_CSS = """
    PartForm { height: 1fr; }
    PartForm VerticalScroll { height: 1fr; }
    PartForm Form { min-height: 100%; }
    """

    class Typed(Message):
        """A text in a field; texts of one `burst` are one step of the history."""

        def __init__(self, path: str, text: str, burst: str) -> None:
            super().__init__()
            self.path, self.text, self.burst = path, text, burst

    class Entered(Message):
        """The cursor stands on another field, or a text that was half typed may be judged."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.form = Form(wide=True)
        self.room = VerticalScroll(self.form, can_focus=False)
        self.timer: Timer | None = None
        self.visit = 0
        self.typing: tuple[str, str, bool] = ("", "", True)

    def compose(self) -> Iterable[Widget]:
        """The fields scroll."""
        yield self.room

    @property
    def at(self) -> str:
        """The id of the field under the cursor."""
        return self.form.field.id if self.form.field else ""

    def show(self, fields: Sequence[Field], at: str = "") -> None:
        """These fields; where they are the same ones as before only those that changed are drawn."""
        known = self.form.fields
        if [field.id for field in known] != [field.id for field in fields]:
            here = at or self.at
            self.form.set_fields(fields)
            if here in [field.id for field in fields]:
                self.form.go(here)
        else:
            for old, new in zip(list(known), fields, strict=True):
                if old != new:
                    self.form.update_field(new)
            if at and at != self.at:
                self.form.go(at)
        self.form.refresh()
        self.follow()

    def rest(self) -> None:
        """The text that was typed is settled: it may be judged, and what comes is another step."""
        self.visit += 1
        self.typing = ("", "", True)
        if self.timer:
            self.timer.stop()

    def went(self, path: str) -> None:
        """The text that is typed belongs to this field now: a new choice has got its number."""
        self.typing = (path, *self.typing[1:])

    @on(Form.Changed)
    def _changed(self, event: Form.Changed) -> None:
        """A key in a field. One that became wrong is judged after a pause, because it is half typed."""
        event.stop()
        if self.timer:
            self.timer.stop()
        field = event.field
        if field.kind == "text":
            self.typing = (field.id, field.value, False)
            self.timer = self.set_timer(PAUSE, self.pause)
        else:
            self.typing = ("", "", True)
        self.post_message(self.Typed(field.id, field.value, f"#{self.visit}"))

    def pause(self) -> None:
        """Nobody typed for a while."""
        self.typing = (*self.typing[:2], True)
        self.post_message(self.Entered())

    @on(Form.Moved)
    def _moved(self, event: Form.Moved) -> None:
        event.stop()
        if event.field.id == self.typing[0]:
            return  # the field that is typed in has another place now: a choice got its number
        self.rest()
        self.follow()
        self.post_message(self.Entered())

    def on_descendant_blur(self) -> None:
        """Whoever leaves the form is done with the field."""
        self.call_after_refresh(self.left)

    def left(self) -> None:
        """The keys went elsewhere."""
        if self.is_attached and not self.has_focus_within and self.typing[0]:
            self.rest()
            self.post_message(self.Entered())

    def on_resize(self) -> None:
        """The form has all the room there is; what is below the fields is drawn in what they leave."""
        self.form.room = self.size.height

    def follow(self) -> None:
        """The field under the cursor and its reason are in sight."""
        row = self.form.sheet.row_of(self.form.at)
        self.room.scroll_to_region(Region(0, row, 1, 2), animate=False, force=True, immediate=True)
