"""A form drawn as lines; one Input lies over the field that has the cursor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from rich.cells import cell_len
from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import DescendantBlur, DescendantFocus, Focus, Key
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import Reactive
from textual.widget import Widget
from textual.widgets import Input

from arbius_tui.widgets.drawn import Drawn
from arbius_tui.widgets.text import GAP, GUTTER, KEY, Cell, fit, glyphs, inert, state_style, words, wrap

Kind = Literal["text", "choice", "flag", "secret", "fixed"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `says` stands beside it, `state` at its right end, `reason` under it when it is wrong.

    A `flag` is `yes` or `no`; a `choice` takes one of `options`; a `fixed` one can be read, not changed.
    """

    id: str
    label: str
    value: str = ""
    says: str = ""
    state: str = ""
    reason: str = ""
    kind: Kind = "text"
    options: tuple[str, ...] = ()


def editor(value: str = "", *, password: bool = False, max_length: int = 0) -> OneLine:
    """A bare Input of one row: no border, and a caret that does not blink."""
    made = OneLine(inert(value), compact=True, password=password, max_length=max_length, select_on_focus=False)
    made.cursor_blink = False
    return made


class OneLine(Input):
    """An Input whose text may grow without a layout of the screen: it is always one row of a fixed width."""

    virtual_size: Reactive[Size] = Reactive(Size(0, 0), layout=False)
    WALK: ClassVar[dict[str, int]] = {"down": 1, "up": -1}
    TAB: ClassVar[dict[str, int]] = {"tab": 1, "shift+tab": -1}

    def on_key(self, event: Key) -> None:
        """Keys that leave the field, in turn with those that are typed: a fast hand types where it went."""
        form, key = self.parent, event.key
        if not isinstance(form, Form) or key not in (*self.WALK, *self.TAB, "backspace"):
            return
        event.stop()
        event.prevent_default()
        if key in self.WALK:
            form.action_walk(self.WALK[key])
        elif key in self.TAB:
            form.action_tab(self.TAB[key])
        else:
            self.action_delete_left()

    def show(self, value: str, *, end: bool) -> None:
        """Another text, without a word to anybody; the caret at its end, or its beginning in sight."""
        if self.value != value:
            with self.prevent(Input.Changed):
                self.value = value
            self.turn(end=end)

    @property
    def _value(self) -> Text:
        """What is drawn: as many characters as there are, each of which can steer no terminal."""
        if self.password or self.value.isprintable():
            return super()._value
        drawn = "".join(letter if letter.isprintable() else glyphs().unsaid for letter in self.value)
        return Text(drawn, no_wrap=True, overflow="ignore", end="")

    def turn(self, *, end: bool) -> None:
        """The caret to the end, ready to type, or to the beginning: without the focus a long value shows that."""
        self.cursor_position = len(self.value) if end else 0


class Sheet:
    """Draws the fields of a form in `width` cells."""

    NOTE, STATE = 11, 7

    def __init__(self, *, wide: bool = False) -> None:
        self.fields: list[Field] = []
        self.width = self.longest = 0
        self.wide = wide
        """Whether a field that nothing stands beside takes that room, too."""

    def measure(self) -> None:
        """The longest label, found once: each row of a frame asks for it."""
        self.longest = max((cell_len(inert(f.label)) for f in self.fields), default=0) + 1

    @property
    def label_room(self) -> int:
        """Cells of a label: 12, more for longer ones where there is room."""
        return max(12, min(self.longest, self.width // 4))

    @property
    def note_room(self) -> int:
        """Cells of what the model says; none on a small screen."""
        return self.NOTE if self.width >= 50 else 0

    @property
    def room(self) -> int:
        """Cells between the brackets."""
        rest = self.width - GUTTER - self.label_room - self.STATE - GAP - 3
        return max(6, rest - (self.note_room + GAP if self.note_room else 0))

    def room_of(self, field: Field) -> int:
        """Cells between the brackets of this field."""
        beside = self.note_room + GAP if self.wide and self.note_room and not field.says else 0
        return self.room + beside

    def reasons(self, field: Field) -> list[str]:
        """The lines under a field that is wrong."""
        return wrap(field.reason, self.width - GUTTER - self.label_room - 2, 3) if field.reason else []

    def row_of(self, place: int) -> int:
        """The row of a field."""
        return sum(1 + len(self.reasons(field)) for field in self.fields[:place])

    def lines(self, field: Field, here: bool, focused: bool) -> Iterable[Content]:
        """A field and its reason; `here` has the cursor, `focused` also the keys."""
        mark = (">" if here else " ", KEY if focused else "$muted")
        label = (fit(field.label, self.label_room), "bold" if focused else "$muted")
        row: list[Cell] = [mark, " ", label, *self.box(field, focused), " " * GAP]
        if self.note_room and self.room_of(field) == self.room:
            row += [(fit(field.says, self.note_room), "$muted"), " " * GAP]
        yield words(*row, (fit(field.state, self.STATE, right=True), state_style(field.state)))
        for reason in self.reasons(field):
            yield words(" " * (GUTTER + self.label_room + 1), (reason, state_style(field.state)))

    def box(self, field: Field, focused: bool) -> list[Cell]:
        """The brackets with the value between them; they survive every palette."""
        edge, room = KEY if focused else "$muted", self.room_of(field)
        if field.kind == "flag":
            return [(fit("[x] yes" if field.value == "yes" else "[ ] no", room + 2), "bold" if focused else "")]
        if field.kind == "fixed":
            return [fit(f" {field.value}", room + 2)]
        value = "*" * len(field.value) if field.kind == "secret" else field.value
        end = "v" if field.kind == "choice" else ""
        ground = "on $select" if focused and field.kind == "choice" else ""
        return [("[", edge), (fit(value, room - len(end)) + end, ground), ("]", edge)]


def turns(field: Field) -> tuple[str, ...]:
    """What a flag or a choice is turned through."""
    return ("no", "yes") if field.kind == "flag" else field.options if field.kind == "choice" else ()


def option_after(field: Field, letter: str) -> str:
    """The next option of a choice that begins with this letter; empty for none."""
    if field.kind != "choice" or not letter.isalnum():
        return ""
    start = field.options.index(field.value) + 1 if field.value in field.options else 0
    order = (*field.options[start:], *field.options[:start])
    return next((option for option in order if option.lower().startswith(letter.lower())), "")


class Told(Message):
    """What a form tells: about which field, and which one had the cursor before."""

    def __init__(self, form: Form, field: Field, left: Field) -> None:
        super().__init__()
        self.form, self.field, self.left = form, field, left

    @property
    def control(self) -> Form:
        """The form, for `@on` selectors."""
        return self.form


class Form(Drawn, can_focus=True):
    """Fields below one another. Up, Down, Tab and Enter walk them; Space and arrows change a flag or a choice.

    `room` are rows that it has in any case: fewer fields are no layout. `tail` draws (width, rows) below the fields.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,enter", "walk(1)", "next field", id="form.next", show=False),
        Binding("up", "walk(-1)", "field before", id="form.before", show=False),
        Binding("tab", "tab(1)", "next field", id="form.tab", show=False),
        Binding("shift+tab", "tab(-1)", "field before", id="form.backtab", show=False),
        Binding("space,right", "turn(1)", "change a choice", id="form.turn", show=False),
        Binding("left", "turn(-1)", "change a choice back", id="form.turnback", show=False),
    ]

    class Changed(Told):
        """A field has another value."""

    class Moved(Told):
        """The cursor left the field `left` and stands on `field`."""

    class Submitted(Told):
        """Enter on the last field."""

    def __init__(self, fields: Sequence[Field] = (), *, wide: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self.sheet = Sheet(wide=wide)
        self.fields = list(fields)
        self.at = self.room = 0
        self.input = editor()
        self.input.display = False
        self.tail: Callable[[int, int], Iterable[Content]] = lambda width, room: ()

    def compose(self) -> Iterable[Widget]:
        """The editor."""
        yield self.input

    @property
    def fields(self) -> list[Field]:
        """The fields in their order."""
        return self.sheet.fields

    @fields.setter
    def fields(self, fields: list[Field]) -> None:
        self.sheet.fields = fields
        self.sheet.measure()

    @property
    def rows(self) -> int:
        """Rows of all fields and their reasons, at least `room`."""
        return max(self.room, self.sheet.row_of(len(self.fields)))

    @property
    def field(self) -> Field | None:
        """The field that has the cursor."""
        return self.fields[self.at] if self.at < len(self.fields) else None

    @property
    def values(self) -> dict[str, str]:
        """The value of each field by its id."""
        return {field.id: field.value for field in self.fields}

    def set_fields(self, fields: Sequence[Field]) -> None:
        """Other fields; the cursor stays on the one with the same id."""
        here = self.field.id if self.field else ""
        rows = self.rows
        self.fields = list(fields)
        self.at = next((n for n, f in enumerate(fields) if f.id == here), 0)
        self.lay()
        self.refresh(layout=self.rows != rows)

    def update_field(self, field: Field) -> None:
        """The field with this id, changed. Layout only when its reason takes other rows than before."""
        place = next((n for n, f in enumerate(self.fields) if f.id == field.id), None)
        if place is None:
            return
        moved, rows = self.fields[place].reason != field.reason, self.rows
        self.fields[place] = field
        self.sheet.measure()
        if place == self.at or moved:
            self.lay()
        self.refresh(layout=self.rows != rows)

    def go(self, id: str) -> None:
        """The cursor to the field with this id, ready to type."""
        self.step_to(next((n for n, f in enumerate(self.fields) if f.id == id), self.at))

    def step_to(self, place: int) -> None:
        """The cursor to this field; whoever had the focus in the form still has it."""
        left = self.field
        self.at = min(max(place, 0), max(0, len(self.fields) - 1))
        self.lay()
        self.refresh()
        if self.has_focus or self.input.has_focus:
            self.take_focus()
        if left and self.field and left.id != self.field.id:
            self.post_message(self.Moved(self, self.field, left))

    def take_focus(self) -> None:
        """Focus for the editor, or for the form itself on a field that is not typed."""
        (self.input if self.input.display else self).focus()

    def lay(self) -> None:
        """The editor over its field, with its value."""
        field = self.field
        typed = field is not None and field.kind in ("text", "secret")
        self.input.display = typed
        if field is None or not typed:
            return
        self.input.password = field.kind == "secret"
        self.input.show(field.value, end=self.has_keys)
        self.input.styles.offset = (GUTTER + self.sheet.label_room + 1, self.sheet.row_of(self.at))
        self.input.styles.width = self.sheet.room_of(field)
        if self.has_focus:
            self.input.focus()

    def on_resize(self) -> None:
        """Another width, another place for the editor."""
        self.sheet.width = self.size.width
        self.lay()

    def on_focus(self, _: Focus) -> None:
        """Focus goes on to the editor where there is something to type, unless it has left again meanwhile."""
        if self.input.display and self.screen.focused is self:
            self.screen.set_focus(self.input)
        self.refresh()

    @property
    def has_keys(self) -> bool:
        """Whether what is typed comes here."""
        return self.is_attached and self.screen.focused in (self, self.input)

    def on_descendant_focus(self, _: DescendantFocus | DescendantBlur) -> None:
        """The mark, the brackets and the caret show where typing goes."""
        self.input.turn(end=self.has_keys)
        self.refresh()

    on_descendant_blur = on_descendant_focus

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if (field := self.field) and self.input.display and field.value != event.value:
            self.change(replace(field, value=event.value))

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_walk(1, submit=True)

    def change(self, field: Field) -> None:
        """The field under the cursor has another value."""
        self.fields[self.at] = field
        self.refresh()
        self.post_message(self.Changed(self, field, field))

    def action_walk(self, by: int, submit: bool = False) -> None:
        """To the next field; Enter on the last one submits."""
        if submit and self.field and self.at == len(self.fields) - 1:
            self.post_message(self.Submitted(self, self.field, self.field))
        self.step_to(self.at + by)

    def action_tab(self, by: int) -> None:
        """To the next field, and out of the form at its ends: nobody is trapped."""
        if 0 <= self.at + by < len(self.fields):
            self.step_to(self.at + by)
        else:
            self.screen.set_focus(self.input if by > 0 and self.input.display else self)
            (self.screen.focus_next if by > 0 else self.screen.focus_previous)()

    def action_turn(self, by: int) -> None:
        """Another value for a flag or a choice."""
        field = self.field
        if field and (options := turns(field)):
            here = options.index(field.value) if field.value in options else -1
            self.change(replace(field, value=options[(here + by) % len(options)]))

    def on_key(self, event: Key) -> None:
        """A letter chooses the next option that begins with it."""
        field = self.field
        if field and self.has_focus and (option := option_after(field, event.character or "")):
            event.stop()
            self.change(replace(field, value=option))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """One row for each field and each line of a reason."""
        self.sheet.width = width
        return self.rows

    def watch_has_focus(self, has_focus: bool) -> None:
        """The mark shows where typing goes."""
        super().watch_has_focus(has_focus)
        self.scroll_to_region(Region(0, self.sheet.row_of(self.at), 1, 1), animate=False)

    def drawn(self, width: int) -> Iterable[Content]:
        """Label, field, what the model says, state; the reason below; then whatever the tail says."""
        focused, lines = self.has_focus or self.input.has_focus, list[Content]()
        for place, field in enumerate(self.fields):
            lines += self.sheet.lines(field, place == self.at, place == self.at and focused)
        return [*lines, *self.tail(width, max(0, self.size.height - len(lines)))]
