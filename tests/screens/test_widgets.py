"""The shared widgets: what they draw, which keys they obey, and that no text from outside can do anything."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.content import Content
from textual.widgets import Input

from arbius_tui.domain.errors import Fix, Problem
from arbius_tui.widgets import frame, text, theme
from arbius_tui.widgets.fields import Field, Form
from arbius_tui.widgets.log import MOST, LogLines, LogTail
from arbius_tui.widgets.panes import Fact, Facts, ProblemPanel, Text
from arbius_tui.widgets.table import Table
from arbius_tui.widgets.text import Column, Row, widths

HOSTILE = [
    "bad [/foo] tag",
    "error at [/] here",
    "[@click=app.quit]free tokens[/]",
    "[type=missing, input_value={}, input_type=dict]",
    "\x1b]52;c;aGk=\x07clip",
    "\x1b[2Jgone\x1b[31mred",
    "right-to-left \u202eevil",
    "日本語のモデル名がとても長いので切られる",
    "👩‍👩‍👧‍👦 family 👍🏽",
    "line\nbreak\ttab",
    "\ud800 half",
    "",
]


class Bench(App[None]):
    """One widget on an empty screen."""

    CSS = "Table, Form, Facts, ProblemPanel, Text { height: auto; text-wrap: nowrap; text-overflow: clip; }"

    def __init__(self, *widgets: Any) -> None:
        super().__init__()
        self.shown = widgets
        self.heard: list[Any] = []
        self.register_theme(theme.DARK)
        self.theme = theme.DARK.name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(theme.DARK.variables)

    def compose(self) -> ComposeResult:
        yield from self.shown

    def on_table_row_highlighted(self, event: Table.RowHighlighted) -> None:
        self.heard.append(event.row.id)

    def on_form_changed(self, event: Form.Changed) -> None:
        self.heard.append((event.field.id, event.field.value))

    def on_form_submitted(self) -> None:
        self.heard.append("submitted")

    @property
    def lines(self) -> list[str]:
        return ["".join(part.text for part in strip) for strip in self.screen._compositor.render_strips()]


COLUMNS = [Column("#", 1, 2, right=True), Column("Name", 0, 0), Column("State", 5, 5)]


def rows(count: int) -> list[Row | str]:
    found: list[Row | str] = ["Group one"]
    for n in range(1, count + 1):
        found.append(Row(f"r{n}", (str(n), f"row {n}", "ok")))
        if n == 3:
            found.append("Group two")
    return found


@given(st.text(), st.integers(0, 40), st.booleans())
def test_a_fitted_text_has_exactly_its_cells(value: str, width: int, right: bool) -> None:
    assert cell_len(text.fit(value, width, right)) == width


@given(st.text(), st.integers(4, 40), st.integers(1, 4))
def test_wrapped_lines_never_exceed_their_room(value: str, width: int, most: int) -> None:
    lines = text.wrap(value, width, most)
    assert 1 <= len(lines) <= most
    assert all(cell_len(line) <= width for line in lines)


@pytest.mark.parametrize("value", HOSTILE)
def test_text_is_made_inert_and_stays_on_one_line(value: str) -> None:
    shown = text.words(("x ", "bold"), value).plain
    assert not any(char in shown for char in "\x1b\x07\n\t\u202e\ud800")
    assert "[/foo]" not in value or "[/foo]" in shown


@pytest.mark.parametrize("total", [20, 30, 40, 60, 80, 93, 120])
def test_columns_never_exceed_the_line(total: int) -> None:
    from tests.screens import demo

    for screen in demo.SCREENS.values():
        columns = getattr(screen, "columns", ())
        shown = [w for w in widths(columns, total) if w >= 0]
        if shown and total >= 60:
            assert sum(shown) + 2 * (len(shown) - 1) <= total - text.GUTTER - 1


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (60, 20), (20, 6), (3, 2)])
async def test_hostile_text_is_shown_as_it_is_and_breaks_nothing(size: tuple[int, int]) -> None:
    table = Table(COLUMNS, [Row(str(n), (str(n), value, "ok")) for n, value in enumerate(HOSTILE)], lead=1)
    problem = ProblemPanel()
    problem.show(Problem("x", HOSTILE[0], HOSTILE[7], Fix(HOSTILE[1], HOSTILE[2]), HOSTILE[4]))
    form = Form([Field(str(n), value, value, value, "ERROR", value) for n, value in enumerate(HOSTILE)])
    log = LogLines()
    for value in HOSTILE:
        log.feed(value)
    app = Bench(table, Facts([Fact(v, v, v) for v in HOSTILE]), problem, form, LogTail(log), Text([Content("[/x]")]))
    async with app.run_test(size=size) as pilot:
        await pilot.press("down", "up", "end")
        form.focus()
        await pilot.press("down", "tab", "up")
        assert all(cell_len(line) <= size[0] for line in app.lines)
        everything = "\n".join(app.lines)
        assert "\x1b" not in everything
        if size == (120, 40):
            assert "bad [/foo] tag" in everything
            assert "[@click=app.quit]free tokens[/]" in everything


async def test_the_cursor_walks_over_headings_and_tells_each_row() -> None:
    app = Bench(table := Table(COLUMNS, rows(9), lead=1))
    async with app.run_test() as pilot:
        assert table.row.id == "r1"
        await pilot.press("down", "down", "down", "up", "end", "home", "up")
        assert table.row.id == "r1"
        assert app.heard == ["r2", "r3", "r4", "r3", "r9", "r1"]


async def test_pages_and_digits() -> None:
    app = Bench(table := Table(COLUMNS, rows(30), lead=1))
    async with app.run_test(size=(60, 12)) as pilot:
        table.styles.height = "1fr"
        await pilot.pause()
        await pilot.press("pagedown")
        assert table.row.id == "r11"
        await pilot.press("1", "7")
        assert table.row.id == "r17"
        await pilot.press("up", "2")
        assert table.row.id == "r2"
        await pilot.press("pageup")
        assert table.row.id == "r1"
        assert "GROUP ONE" in app.lines[1], "the heading of the first row stays in view"


async def test_a_changed_row_is_one_painted_line() -> None:
    app = Bench(table := Table(COLUMNS, rows(9), lead=1))
    async with app.run_test() as pilot:
        table.go("r2")
        await pilot.pause()
        drawn = []
        table.brush.row, draw = lambda row, *rest: (drawn.append(row.id), draw(row, *rest))[1], table.brush.row
        table.update_row(Row("r5", ("5", "changed", "FAIL"), "FAIL"))
        await pilot.pause()
        assert drawn == ["r5"]
        assert any("changed" in line and "FAIL" in line for line in app.lines)


async def test_new_rows_keep_the_cursor_on_its_row() -> None:
    app = Bench(table := Table(COLUMNS, rows(9), lead=1))
    async with app.run_test() as pilot:
        table.go("r5")
        table.set_rows(list(reversed(rows(9))))
        await pilot.pause()
        assert table.row.id == "r5"
        table.set_rows([Row("new", ("1", "only", "ok"))])
        await pilot.pause()
        assert table.row.id == "new"
        table.set_rows([])
        await pilot.pause()
        assert table.row is None
        await pilot.press("down", "end", "3")


async def test_a_long_table_shows_where_it_stands() -> None:
    app = Bench(table := Table(COLUMNS, rows(60), lead=1))
    async with app.run_test(size=(60, 12)) as pilot:
        table.styles.height = "1fr"
        await pilot.pause()
        assert app.lines[1].endswith("┃")
        await pilot.press("end")
        await pilot.pause()
        assert not app.lines[1].endswith("┃")
        assert app.lines[11].endswith("┃")
        assert "row 60" in app.lines[11]


FIELDS = [
    Field("name", "name", "abc"),
    Field("flag", "flag", "no", kind="flag"),
    Field("type", "type", "int", kind="choice", options=("string", "int", "decimal")),
    Field("max", "max", "50", reason="too much", state="ERROR"),
]


async def test_a_form_is_walked_and_typed_with_one_input() -> None:
    app = Bench(form := Form(FIELDS))
    async with app.run_test() as pilot:
        form.focus()
        await pilot.press("d", "down", "space", "down", "d", "right", "down", "backspace", "backspace", "7")
        assert form.values == {"name": "abcd", "flag": "yes", "type": "string", "max": "7"}
        assert len(app.query(Input)) == 1
        await pilot.press("enter")
        assert app.heard[-1] == "submitted"
        await pilot.press("up", "up", "up")
        assert form.field.id == "name"
        assert form.input.value == "abcd"


async def test_a_reason_stands_under_its_field_and_takes_no_row_when_gone() -> None:
    app = Bench(form := Form(FIELDS))
    async with app.run_test() as pilot:
        assert form.size.height == 5
        form.update_field(Field("max", "max", "5", state="ok"))
        await pilot.pause()
        assert form.size.height == 4
        assert not any("too much" in line for line in app.lines)


async def test_nobody_is_trapped_in_a_form() -> None:
    app = Bench(form := Form(FIELDS[:2]), Table(COLUMNS, rows(3)))
    async with app.run_test() as pilot:
        form.focus()
        await pilot.press("tab", "tab")
        assert isinstance(app.focused, Table)
        await pilot.press("shift+tab")
        assert app.focused in (form, form.input)


async def test_a_programmed_value_is_no_change_by_the_author() -> None:
    app = Bench(form := Form(FIELDS))
    async with app.run_test() as pilot:
        form.focus()
        form.update_field(Field("name", "name", "set"))
        await pilot.pause()
        assert form.input.value == "set"
        assert app.heard == []


async def test_a_log_follows_its_end_until_the_reader_scrolls_up() -> None:
    app = Bench(tail := LogTail(lines := LogLines()))
    async with app.run_test(size=(40, 10)) as pilot:
        for n in range(100):
            lines.feed(f"line {n}")
        tail.flush()
        await pilot.pause()
        assert "line 99" in app.lines[-1]
        await pilot.press("pageup")
        await pilot.pause()
        before = app.lines[0]
        lines.feed("more")
        tail.flush()
        await pilot.pause()
        assert app.lines[0] == before
        await pilot.press("end")
        await pilot.pause()
        assert "more" in app.lines[-1]


def test_a_log_is_bounded_and_counts_what_it_dropped() -> None:
    lines = LogLines()
    lines.feed("\n".join(str(n) for n in range(MOST + 5)))
    assert len(lines.kept) == MOST
    assert lines.dropped == 5
    assert lines.find("20004", 0, 1) == MOST - 1
    assert lines.find("nowhere", 0, 1) == -1


async def test_search_goes_round_both_ways() -> None:
    app = Bench(tail := LogTail(lines := LogLines()))
    async with app.run_test(size=(40, 10)):
        lines.feed("a\nneedle 1\nb\nNEEDLE 2\nc")
        found = []
        for by in (1, 1, 1, -1):
            assert tail.search("needle", by)
            found.append(tail.at)
        assert found == [1, 3, 1, 3]
        assert not tail.search("absent")


@pytest.mark.parametrize(
    ("environ", "setting", "expected"),
    [
        ({"COLORTERM": "truecolor"}, "", "arbius-dark"),
        ({"TERM": "xterm-256color"}, "", "arbius-dark"),
        ({"TERM": "xterm"}, "", "arbius-ansi"),
        ({"TERM": "xterm-256color"}, "light", "arbius-light"),
        ({"TERM": "xterm-256color"}, "ansi", "arbius-ansi"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, "light", "arbius-mono"),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, "", "arbius-dark"),
    ],
)
def test_the_palette_follows_the_terminal(environ: dict[str, str], setting: str, expected: str) -> None:
    look = theme.choose(setting, environ)
    assert look.theme == expected
    assert look.ansi_color is (True if expected in ("arbius-mono", "arbius-ansi") else None)
    assert environ.get("NO_COLOR") != ""


def contrast(first: str, second: str) -> float:
    def light(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((light(first), light(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [theme.DARK, theme.LIGHT], ids=lambda p: p.name)
def test_every_text_can_be_read_on_every_ground(palette: Any) -> None:
    grounds = [palette.background, palette.surface, palette.panel, *(palette.variables[k] for k in ("select", "field"))]
    inks = [palette.foreground, palette.variables["muted"], palette.accent, palette.success, palette.warning]
    assert all(contrast(ink, ground) >= 4.5 for ink in [*inks, palette.error] for ground in grounds)
    assert contrast(palette.variables["on-accent"], palette.accent) >= 4.5
    assert contrast(palette.variables["on-alarm"], palette.warning) >= 4.5


def test_only_the_theme_names_colours() -> None:
    import re
    from pathlib import Path

    import arbius_tui

    root = Path(arbius_tui.__file__).parent
    named = [p for folder in ("widgets", "screens") for p in (root / folder).glob("*.py") if p.name != "theme.py"]
    hexes = re.compile(r"#[0-9A-Fa-f]{6}\b")
    assert [p.name for p in [*named, root / "app.tcss"] if hexes.search(p.read_text())] == []


def test_without_utf8_the_rules_are_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    text.glyphs.cache_clear()
    monkeypatch.setattr("locale.getpreferredencoding", lambda *_: "ANSI_X3.4-1968")
    try:
        drawn = frame.rule(40, "Title", "ok", "right").plain + frame.rule(40, "Title", active=True).plain
        assert (drawn + text.bar(3, 10)).isascii()
        assert "---" in drawn
        assert "===" in drawn
    finally:
        text.glyphs.cache_clear()


@pytest.mark.parametrize("width", [20, 40, 60, 80, 115])
@pytest.mark.parametrize("state", ["ok", "FAIL", "1 ERROR", "-"])
def test_the_strip_always_fits_and_never_loses_the_flag(width: int, state: str) -> None:
    strip = frame.StepStrip()
    strip.show([(f"Step number {n}", state) for n in range(1, 12)], 4, "CPU-ONLY")
    (line,) = strip.lines(width)
    assert line.cell_length <= width
    assert "CPU-ONLY" in line.plain
    assert "4" in line.plain


def test_neighbours_with_one_state_share_a_word() -> None:
    strip = frame.StepStrip()
    strip.show([("Name", "ok")] * 11, 4)
    (line,) = strip.lines(60)
    assert "1-3 ok" in line.plain
    assert "5-11" in line.plain or "6-11" in line.plain
