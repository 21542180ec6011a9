"""The frame around a step: real keys on the real base screen, with scripted steps."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual import constants
from textual.pilot import Pilot

from arbius_tui.app import ArbiusApp
from arbius_tui.domain.errors import NotReady
from arbius_tui.domain.events import Done, Line
from arbius_tui.domain.journey import STEPS, Journey
from arbius_tui.domain.secret import Secret
from arbius_tui.screens import clipboard
from arbius_tui.screens.pages import HelpPage, LogPage
from arbius_tui.steps.base import Walk
from arbius_tui.widgets.pane import Cancelled
from arbius_tui.widgets.table import Table
from tests.screens import demo


@pytest.fixture(autouse=True)
def own_surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("NO_COLOR", "WAYLAND_DISPLAY", "DISPLAY", "SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"):
        monkeypatch.delenv(name, raising=False)
    yield
    os.environ.pop("NO_COLOR", None)


def lines(app: ArbiusApp) -> list[str]:
    return ["".join(part.text for part in strip) for strip in app.screen._compositor.render_strips()]


def shown(app: ArbiusApp) -> str:
    return "\n".join(lines(app))


async def settle(pilot: Pilot[Any]) -> None:
    """Until nothing is under way, however slow the machine."""
    for _ in range(3):
        await pilot.pause()


async def until(pilot: Pilot[Any], condition: Any) -> None:
    """Wait for a condition; the limit only ends a broken test."""
    async with asyncio.timeout(20):
        while not condition():
            await pilot.pause()


def play(name: str, *script: Any) -> type[demo.Demo]:
    return type("Played", (demo.SCREENS[name],), {"script": script})


def app_of(screen: type[demo.Demo], tmp_path: Path, **more: Any) -> ArbiusApp:
    def screens(step: str) -> type[demo.Demo]:
        return screen if step == screen.step else type("Other", (demo.Demo,), {"step": step, "auto_run": False})

    name = next(name for name, known in demo.SCREENS.items() if issubclass(screen, known))
    return demo.app(name, log_dir=tmp_path, **{"screens": screens, **more})


async def test_the_first_frame_is_there_before_the_services(tmp_path: Path) -> None:
    opened = asyncio.Event()
    start = demo.journey("checks")

    async def open_walk() -> Walk:
        await opened.wait()
        return Walk(demo.MemoryStore(start), None)

    app = ArbiusApp(open_walk, start, log_dir=tmp_path, palette="dark", screens=lambda _: demo.Checks)
    async with app.run_test() as pilot:
        await settle(pilot)
        assert "my-sdxl" in lines(app)[0]
        assert "docker daemon" in shown(app)
        await pilot.press("down")
        assert app.screen.table.row.id == "nvidia runtime", "keys work while the services open"
        assert app.screen.running
        opened.set()
        await until(pilot, lambda: not app.screen.running)
        assert app.session.journey.state("checks") == "FAIL"
        assert "1 Checks  FAIL" in lines(app)[1]


async def test_services_that_do_not_open_are_said_in_words(tmp_path: Path) -> None:
    async def open_walk() -> Walk:
        raise NotReady(
            "rpc-down", "no RPC answers", why="nothing can be read", fix="check the network", command="ping x"
        )

    app = app_of(demo.Checks, tmp_path)
    app.open_walk = open_walk
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.screen.has_class("-problem"))
        await settle(pilot)
        assert "no RPC answers" in shown(app)
        assert "ping x" in shown(app)


async def test_steps_are_walked_with_keys_and_escape_returns(tmp_path: Path) -> None:
    app = app_of(demo.Checks, tmp_path)
    async with app.run_test() as pilot:
        await settle(pilot)
        for keys, step in [
            (["f10"], "model"),
            (["f10"], "run"),
            (["ctrl+g", "9"], "register"),
            (["escape"], "run"),
            (["ctrl+g", "1", "1"], "after"),
            (["f10"], "after"),
            (["ctrl+g", "1", "0"], "wire_in"),
            (["ctrl+g", "1", "enter"], "checks"),
            (["ctrl+g", "escape"], "checks"),
        ]:
            await pilot.press(*keys)
            await until(pilot, lambda step=step: app.step == step and app.screen.ask.pane is None)
            assert app.session.walk.journey.at == step
            await settle(pilot)


async def test_escape_on_the_first_step_neither_quits_nor_hides_the_way_out(tmp_path: Path) -> None:
    app = app_of(demo.EmptyStep, tmp_path)
    async with app.run_test() as pilot:
        await settle(pilot)
        for _ in range(8):
            await pilot.press("escape")
            await settle(pilot)
        assert app.step == "checks"
        assert "Ctrl+Q quits" in shown(app)
        assert app.is_running


async def test_help_lists_every_key_and_the_reason(tmp_path: Path) -> None:
    app = app_of(demo.Checks, tmp_path)
    async with app.run_test(size=(80, 60)) as pilot:
        await settle(pilot)
        for key in ("f1", "question_mark"):
            await pilot.press(key)
            await settle(pilot)
            assert isinstance(app.screen, HelpPage)
            text = shown(app)
            assert "These are the tools" in text
            for part in ("Enter", "run the command that mends this row", "F10", "the next step", "^G", "PgDn"):
                assert part in text
            await pilot.press("escape")
            await settle(pilot)
            assert app.step == "checks"


async def test_keys_can_be_remapped_and_the_footer_follows(tmp_path: Path) -> None:
    app = app_of(demo.Checks, tmp_path, keymap={"frame.next": "f9", "checks.recheck": "w"})
    async with app.run_test() as pilot:
        await settle(pilot)
        assert "F9 next" in lines(app)[-1]
        assert "w recheck" in lines(app)[-2]
        await pilot.press("f10")
        await settle(pilot)
        assert app.step == "checks"
        await pilot.press("f9")
        await until(pilot, lambda: app.step == "model")


async def test_a_mild_question_takes_the_place_of_the_finding(tmp_path: Path) -> None:
    for key, answer in (("y", "yes"), ("escape", "no"), ("n", "no")):
        app = app_of(demo.AskStep, tmp_path)
        async with app.run_test() as pilot:
            await until(pilot, lambda app=app: app.screen.ask.pane)
            await settle(pilot)
            assert "Run `sudo systemctl start docker`?" in shown(app)
            assert "docker daemon" in shown(app), "the table stays readable"
            assert lines(app)[-2].startswith("  y  yes")
            await pilot.press(key)
            await until(pilot, lambda app=app: not app.screen.running)
            assert app.screen.played.answers == [answer]
            assert isinstance(app.focused, Table)


async def test_a_severe_question_wants_the_tail_typed(tmp_path: Path) -> None:
    app = app_of(demo.Register, tmp_path)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.screen.ask.pane)
        await settle(pilot)
        assert "4 to go" in shown(app)
        assert "Enter" not in lines(app)[-2]
        await pilot.press("4", "0", "f")
        await settle(pilot)
        assert "1 to go" in shown(app)
        await pilot.press("enter")
        await settle(pilot)
        assert "nothing sent" in shown(app)
        assert app.screen.played.answers == []
        await pilot.press(*"40f3", "enter")
        await settle(pilot)
        assert app.screen.played.answers == []
        await pilot.press(*"40f2")
        await settle(pilot)
        assert "matches" in shown(app)
        assert lines(app)[-2].startswith("  Enter  send")
        await pilot.press("enter")
        await until(pilot, lambda: not app.screen.running)
        assert app.screen.played.answers == ["40f2"]
        assert app.session.journey.state("register") == "ok"


async def test_going_back_from_a_question_ends_the_step_calmly(tmp_path: Path) -> None:
    app = app_of(demo.Register, tmp_path)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.screen.ask.pane)
        await pilot.press("4", "escape")
        await until(pilot, lambda: not app.screen.running)
        await settle(pilot)
        assert app.step == "register"
        assert app.session.journey.state("register") == "-"
        assert "nothing is lost" in shown(app)
        assert not app.screen.has_class("-problem")


async def test_a_choice_a_name_and_a_password(tmp_path: Path) -> None:
    app = app_of(demo.Questions, tmp_path)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.screen.ask.pane)
        await pilot.press("down", "up", "2", "enter")
        await until(pilot, lambda: "called" in shown(app))
        await pilot.press("2", "enter")
        await until(pilot, lambda: "A password" in shown(app))
        await pilot.press("enter")
        await settle(pilot)
        assert "nothing typed yet" in shown(app)
        await pilot.press(*"hunter2?q")
        await settle(pilot)
        assert "9 characters" in shown(app)
        assert "hunter" not in shown(app)
        field = app.screen.ask.pane.input
        await pilot.press("enter")
        await until(pilot, lambda: not app.screen.running)
        choice, name, secret = app.screen.played.answers
        assert (choice, name) == ("have", "author2")
        assert isinstance(secret, Secret)
        assert secret.reveal() == "hunter2?q"
        assert field.value == ""


async def test_no_password_is_asked_for_while_keys_are_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "LOG_FILE", str(tmp_path / "keys.log"))
    screen = play("questions", demo.Questions.script[2])
    app = app_of(screen, tmp_path)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.screen.has_class("-problem"))
        await settle(pilot)
        assert "no password is asked for" in shown(app)
        assert app.screen.played.answers == []


async def test_a_failure_becomes_a_panel_and_f4_copies_its_fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied = []

    async def remember(text: str, *_: Any) -> str:
        copied.append(text)
        return "copied by wl-copy"

    monkeypatch.setattr(clipboard, "copy", remember)
    app = app_of(demo.Broken, tmp_path)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.screen.has_class("-problem"))
        await settle(pilot)
        text = shown(app)
        for part in ("FAIL", "Kubo does not answer", "only a running daemon", "ipfs daemon --init", "ECONNREFUSED"):
            assert part in text
        await pilot.press("f4")
        await until(pilot, lambda: copied)
        await settle(pilot)
        assert copied == ["ipfs daemon --init"]
        assert "copied by wl-copy" in shown(app)
        assert app.session.journey.state("pin") == "FAIL"


async def test_a_fault_of_ours_is_words_and_a_file_but_no_traceback(tmp_path: Path) -> None:
    app = app_of(play("checks", ZeroDivisionError("[/foo] division \x1b[31mby zero")), tmp_path / "new")
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.screen.has_class("-problem"))
        await settle(pilot)
        assert "Something broke in arbius-tui" in shown(app)
        assert "Traceback" not in shown(app)
        assert app.screen.panel.problem.code == "internal"
        log = tmp_path / "new" / "crash.log"
        assert "ZeroDivisionError" in log.read_text()
        assert stat.S_IMODE(log.stat().st_mode) == 0o600
        assert app.session.journey.state("checks") == "FAIL"
        await pilot.press("f5")
        await settle(pilot)
        assert app.is_running


async def test_ctrl_c_stops_the_job_and_then_says_how_to_quit(tmp_path: Path) -> None:
    ended = []

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    app = app_of(play("checks", Line("started"), forever), tmp_path)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.screen.running and app.session.journey.state("checks") == "run")
        await settle(pilot)
        assert lines(app)[-2].startswith("  x cancel")
        await pilot.press("ctrl+c")
        await until(pilot, lambda: not app.screen.running)
        assert ended
        assert app.session.journey.state("checks") == "FAIL"  # as it was before
        await settle(pilot)
        assert "x cancel" not in shown(app)
        await pilot.press("ctrl+c")
        await settle(pilot)
        assert "Ctrl+Q quits" in shown(app)
        await pilot.press("f5")
        await until(pilot, lambda: app.screen.running)
        await pilot.press("x")
        await until(pilot, lambda: not app.screen.running)


async def test_quitting_ends_the_running_step_first(tmp_path: Path) -> None:
    ended = []

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    app = app_of(play("checks", forever), tmp_path)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.screen.running and app.session.walk)
        await settle(pilot)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: not app.is_running)
    assert ended
    assert app.return_code == 0
    assert app.session.walk.journey.state("checks") == "FAIL"


async def test_the_log_keeps_everything_and_can_be_searched(tmp_path: Path) -> None:
    app = app_of(demo.Running, tmp_path)
    async with app.run_test() as pilot:
        await until(pilot, lambda: not app.screen.running)
        await pilot.press("f3")
        await settle(pilot)
        assert isinstance(app.screen, LogPage)
        await pilot.press("slash", *"package-7", "enter")
        await settle(pilot)
        assert "line 7 of 40" in shown(app)
        await pilot.press("slash", *"zzz", "enter")
        await settle(pilot)
        assert "no line has zzz" in shown(app)
        assert "[@click=app.quit]x[/]" in shown(app)
        await pilot.press("escape")
        await settle(pilot)
        assert app.screen.step == "model"


async def test_f2_shows_the_command_and_escape_closes_it(tmp_path: Path) -> None:
    app = app_of(demo.Seed, tmp_path)
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("f2")
        await until(pilot, lambda: app.screen.ask.pane)
        await settle(pilot)
        assert "arbius-tui seed-test" in shown(app)
        assert app.screen.copied() == "arbius-tui seed-test"
        await pilot.press("escape")
        await until(pilot, lambda: app.screen.ask.pane is None)
        assert app.step == "seed_test"


async def test_saving_says_so(tmp_path: Path) -> None:
    app = app_of(demo.EmptyStep, tmp_path)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.session.walk)
        await pilot.press("ctrl+s")
        await settle(pilot)
        assert "checkpoint: saved" in shown(app)


@pytest.mark.parametrize("name", list(demo.SCREENS))
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (60, 20), (40, 10), (10, 4), (200, 12)])
async def test_every_screen_survives_every_size(name: str, size: tuple[int, int]) -> None:
    app = demo.app(name)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.resize_terminal(*size)
        await settle(pilot)
        assert len(lines(app)) == size[1]
        assert all(len(line) <= size[0] for line in lines(app))
        await pilot.press("down", "up")
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        assert "F1 help" in lines(app)[-1]


@pytest.mark.parametrize("name", list(demo.SCREENS))
async def test_text_starts_on_the_grid_and_the_last_column_is_free(name: str) -> None:
    app = demo.app(name)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await until(pilot, lambda: app.screen.ask.pane or not app.screen.running)
        await settle(pilot)
        for line in lines(app)[2:21]:
            assert line[0] in " >▌"
            assert line[1] == " "
            assert line[-1] in " ┃"


async def test_the_copy_goes_to_the_terminal_over_ssh(tmp_path: Path) -> None:
    sent: list[str] = []
    said = await clipboard.copy("text", sent.append, {"SSH_TTY": "/dev/pts/1", "DISPLAY": ":0"})
    assert sent == ["text"]
    assert "OSC 52" in said


async def test_the_copy_goes_to_a_native_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "wl-copy"
    tool.write_text(f"#!/bin/sh\ncat > {tmp_path}/got\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    said = await clipboard.copy("a 'text'\n", lambda _: None, {"WAYLAND_DISPLAY": "wayland-0"})
    assert said == "copied by wl-copy"
    assert (tmp_path / "got").read_text() == "a 'text'\n"


async def test_without_a_clipboard_the_copy_is_a_private_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    said = await clipboard.copy("text", lambda _: None, {})
    path = Path(said.rpartition(" ")[2])
    assert path.read_text() == "text"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.unlink()


def test_going_back_is_a_cancellation() -> None:
    """So that a step's `except Exception` does not swallow it, and the walk saves that the step is open."""
    assert issubclass(Cancelled, asyncio.CancelledError)
    assert not issubclass(Cancelled, Exception)


CRASH = """
import asyncio, sys
from pathlib import Path
from tests.screens import demo

class Crash(demo.Demo):
    auto_run = False
    def body(self):
        password = "hunter2"
        raise ZeroDivisionError("[/foo] " + str(len(password)))
        yield

app = demo.app("checks", log_dir=Path(sys.argv[1]), screens=lambda step: Crash)
app.run(headless=True)
sys.exit(app.return_code)
"""


def test_a_crash_of_the_app_prints_no_values_and_exits_with_1(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", CRASH, str(tmp_path)], capture_output=True, text=True, cwd=root, timeout=60
    )
    assert done.returncode == 1
    assert "Something broke in arbius-tui" in done.stderr
    assert "hunter2" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    assert "ZeroDivisionError" in (tmp_path / "crash.log").read_text()
    assert "hunter2" not in (tmp_path / "crash.log").read_text().replace('password = "hunter2"', "")


def test_every_step_has_a_place_for_its_screen() -> None:
    from arbius_tui.screens import MODULES

    assert tuple(MODULES) == STEPS


def test_a_journey_without_saves_has_no_time() -> None:
    app = demo.app("checks")
    app.session.journey = Journey("x")
    assert app.session.saved == ""
    assert app.session.chain == "Arbitrum One 42161"
    assert not app.session.rehearsal


async def test_done_without_ok_is_said_by_the_strip(tmp_path: Path) -> None:
    app = app_of(play("empty", Done(False, 5)), tmp_path)
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("f5")
        await until(pilot, lambda: app.session.journey.state("template") == "FAIL")
        await settle(pilot)
        assert "6 Template  FAIL" in lines(app)[1]


async def test_prefetch_comes_after_the_first_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sys.modules.pop("this", None)
    monkeypatch.setattr("arbius_tui.app.QUIET", 0.05)
    app = app_of(demo.EmptyStep, tmp_path, prefetch=("this",))
    async with app.run_test() as pilot:
        await until(pilot, lambda: "this" in sys.modules)
        assert app.session.walk is not None
