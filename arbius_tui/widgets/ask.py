"""Questions of a step, asked in place of the finding: keys only, no window over the table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Key
from textual.geometry import Size
from textual.widget import Widget
from textual.widgets import Input

from arbius_tui.domain.questions import Choice, Confirm, Consent, Question
from arbius_tui.widgets.fields import editor
from arbius_tui.widgets.frame import Lines, Rule, rule
from arbius_tui.widgets.pane import Pane
from arbius_tui.widgets.panes import Fact, Facts, fact_line
from arbius_tui.widgets.table import Table
from arbius_tui.widgets.text import GUTTER, KEY, LABEL, Column, Row, cut, fit, state_style, words


class Notice(Pane, Lines, can_focus=True):
    """A title and facts; Esc closes it. Also the base of the mild question."""

    hints: Sequence[str] = ("Esc close", "F4 copy")

    def __init__(self, title: str, facts: Sequence[Fact], right: str = "", copied: str = "") -> None:
        super().__init__()
        self.title, self.facts, self.right, self.copied = title, facts, right, copied

    def lines(self, width: int) -> Iterable[Content]:
        """Heavy title while it has the focus."""
        yield rule(width, self.title, "", self.right, active=self.has_focus)
        yield from (fact_line(fact, width) for fact in self.facts)


class ConsentPane(Notice):
    """Yes or no to something mild: what it changes and how to undo it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "say('yes')", "yes", id="ask.yes"),
        Binding("n", "say('no')", "no", id="ask.no"),
    ]
    hints = ("y yes", "Esc no", "F4 copy", "F2 command")

    def __init__(self, question: Consent) -> None:
        said = [("why", question.why), ("changes", question.changes), ("undo", question.undo)]
        facts = [Fact(label, text) for label, text in said if text] or [Fact("answer")]
        facts[0] = Fact(facts[0].label, facts[0].value, "y yes  Esc no")
        super().__init__(question.text, facts, copied=question.text)

    def action_say(self, word: str) -> None:
        """The answer."""
        self.reply(word)

    def escape(self) -> None:
        """Esc is a no."""
        self.reply("no")


class ChoicePane(Pane):
    """One of a few: arrows or a digit, then Enter."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "take", "take it", id="ask.take")]
    hints = ("Enter take", "Esc back")

    def __init__(self, question: Choice) -> None:
        super().__init__()
        rows = [Row(value, (str(n), label), "") for n, (value, label) in enumerate(question.options, 1)]
        self.question = question
        self.table = Table([Column("", 2, 2, right=True), Column(question.why, 0, 0)], rows, lead=1)
        if question.default is not None:
            self.table.go(question.default)

    def compose(self) -> ComposeResult:
        """The question over its options."""
        yield Rule(self.question.text, active=True)
        yield self.table

    def target(self) -> Widget:
        """The options."""
        return self.table

    def action_take(self) -> None:
        """The option under the cursor."""
        if row := self.table.row:
            self.reply(row.id)


class Prompt(Widget):
    """One row: `> label [value ] note`, with an Input laid between the brackets. `room` 0 takes what is left."""

    def __init__(self, label: str, input: Input, room: int = 0, gap: int = 0) -> None:
        super().__init__()
        self.label, self.input, self.fixed, self.gap = label, input, room, gap
        self.note, self.tone = "", "$muted"

    def compose(self) -> ComposeResult:
        """The editor."""
        yield self.input

    @property
    def start(self) -> int:
        """The cell after the opening bracket."""
        long = max(LABEL, len(self.label) + self.gap)
        return GUTTER + min(long, max(0, self.size.width - self.fixed - 8 - GUTTER)) + 1

    @property
    def room(self) -> int:
        """Cells between the brackets."""
        return self.fixed or max(4, self.size.width - self.start - 24)

    def on_resize(self) -> None:
        """The editor lies between the brackets."""
        self.input.styles.offset = (self.start, 0)
        self.input.styles.width = self.room

    def on_descendant_focus(self) -> None:
        """The brackets show where typing goes."""
        self.refresh()

    on_descendant_blur = on_descendant_focus

    def show(self, note: str, tone: str = "$muted") -> None:
        """A word behind the field."""
        self.note, self.tone = note, tone
        self.refresh()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """One row."""
        return 1

    def render(self) -> Content:
        """The row without what is typed."""
        tone = KEY if self.input.has_focus else "$muted"
        label = fit(self.label, self.start - GUTTER - 1)
        note = cut(self.note, self.size.width - self.start - self.room - 3)
        return words((">", tone), " ", (label, "bold"), ("[", tone), " " * self.room, ("]  ", tone), (note, self.tone))


AT_ONCE = 8
"""More characters than this at one time were pasted, not typed."""


class FieldPane(Pane):
    """An answer that is typed. A password shows how many characters came, never which."""

    hints = ("Enter use", "Esc back")

    def __init__(self, question: Question, *, secret: bool = False) -> None:
        super().__init__()
        self.question, self.secret = question, secret
        self.input = editor("" if secret else question.default or "", password=secret)
        kind = "key" if question.id == "key" else "token" if question.id.endswith("token") else "password"
        self.prompt = Prompt(kind if secret else "answer", self.input)
        self.pasted, self.before = False, 0

    def compose(self) -> ComposeResult:
        """The question, why it is asked, the field."""
        yield Rule(self.question.text, active=True)
        if self.question.why:
            yield Facts([Fact("why", self.question.why)])
        yield self.prompt

    def target(self) -> Widget:
        """The field."""
        return self.input

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.pasted = self.pasted or len(event.value) - self.before > AT_ONCE
        self.before = len(event.value)
        self.prompt.show(f"{len(event.value)} characters" if self.secret else "")

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        value = event.value
        if self.secret:
            event.value = ""
            with self.input.prevent(Input.Changed):
                self.input.clear()
        if value or (not self.secret and self.question.default is not None):
            self.reply(value)
        else:
            self.prompt.show("nothing typed yet", state_style("warn"))


class ConfirmPane(Pane):
    """Something that cannot be undone: the author types the end of what will be there for good."""

    hints = ("Esc back",)
    filled = False

    def __init__(self, question: Confirm) -> None:
        super().__init__()
        self.question = question
        self.input = editor(max_length=len(question.expected))
        self.prompt = Prompt(question.text, self.input, len(question.expected) + 1, gap=2)
        self.prompt.note = f"{len(question.expected)} to go"

    def compose(self) -> ComposeResult:
        """What is fixed, what can change later, what is safe, then the one field."""
        said = self.question
        facts = [("fixed", (said.fixed, "bold")), ("later", (said.later, "")), ("safe", (said.safe, ""))]
        yield Rule("Cannot be undone", "", said.why, active=True, tone="$warning")
        yield Facts([Fact(label, value) for label, value in facts if value[0]])
        yield self.prompt

    def target(self) -> Widget:
        """The field."""
        return self.input

    def matches(self, typed: str) -> bool:
        """Whether this is what was asked for; the case of hex does not matter."""
        return typed.strip().lower() == self.question.expected.lower()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        left = len(self.question.expected) - len(event.value)
        if self.matches(event.value):
            self.prompt.show("matches", "$success")
            self.show_keys((f"Enter {self.question.verb}", "Esc back"))
            return
        self.prompt.show(f"{left} to go" if left else "does not match", "$muted" if left else "bold $error")
        self.show_keys(("Esc back",), filled=False)

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        if self.matches(event.value):
            self.reply(self.question.expected)
            return
        with self.input.prevent(Input.Changed):
            self.input.clear()
        self.prompt.show("does not match, nothing sent", "bold $error")
        self.show_keys(("Esc back",), filled=False)


class GoToPane(Pane, Lines, can_focus=True):
    """Which step: a digit goes there at once; after a 1 a second digit, Enter or a pause decides."""

    hints = ("1-9 go", "Esc close")
    PAUSE = 0.8

    def __init__(self, steps: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.steps, self.typed = steps, ""

    def lines(self, width: int) -> Iterable[Content]:
        """All steps, in as many columns as fit, downwards."""
        yield rule(width, "Go to step", "", self.typed + "_", active=self.has_focus)
        across = max(1, min(4, (width - GUTTER) // 26))
        deep = -(-len(self.steps) // across)
        for row in range(deep):
            yield words("  ", *(part for n in range(row, len(self.steps), deep) for part in self.entry(n)))

    def entry(self, index: int) -> tuple[tuple[str, str], ...]:
        """Number, name, state."""
        name, state = self.steps[index]
        return (f"{index + 1:>2}  ", KEY), (fit(name, 11), "$ink"), (fit(state, 9), state_style(state))

    def on_key(self, event: Key) -> None:
        """Enter goes to the number that was typed; the digits are keys of the screen."""
        if event.key == "enter" and self.typed:
            event.stop()
            self.reply(self.typed)

    def type(self, digit: str) -> None:
        """One more digit; done when no longer number is possible."""
        number = int(self.typed + digit)
        if not 0 < number <= len(self.steps):
            return
        self.typed = str(number)
        self.refresh()
        if number * 10 > len(self.steps):
            self.reply(self.typed)
        else:
            self.set_timer(self.PAUSE, self.settle)

    def settle(self) -> None:
        """Nothing more was typed."""
        if self.typed:
            self.reply(self.typed)
