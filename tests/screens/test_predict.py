"""Trying a prediction on screen: real keys on the real rehearsal, the form, the picture, and the keys of Run."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from PIL import Image
from rich.style import Style
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from arbius_tui.app import ArbiusApp
from arbius_tui.domain.errors import NotReady
from arbius_tui.domain.events import Done, Event, Found, Line, Saved
from arbius_tui.domain.inputs import ModelInput
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.records import RunRecord
from arbius_tui.rehearsal.world import open_rehearsal
from arbius_tui.screens import clipboard, load, opening
from arbius_tui.screens.predict import PredictScreen
from arbius_tui.screens.server_facts import docker_command, run_command
from arbius_tui.services.memory_store import MemoryStore
from arbius_tui.services.ports import Services
from arbius_tui.steps.base import Walk
from arbius_tui.steps.model import Fact
from arbius_tui.steps.predict import InputsSeen, OutputSeen, Predicted
from arbius_tui.steps.run import HealthSeen
from arbius_tui.widgets import preview, theme
from arbius_tui.widgets.preview import Pixels, Preview, Undrawable, decoded, fitting, halves, letters
from tests.screens.demo import Scripted
from tests.screens.still import still
from tests.screens.test_steps_a import quiet, real, shown, until

SIZES = [(80, 24), (120, 40)]


@pytest.fixture(autouse=True)
def own_surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("NO_COLOR", raising=False)
    yield
    os.environ.pop("NO_COLOR", None)


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    async with open_rehearsal(tmp_path / "rehearsal") as found:
        yield found


async def opened(pilot: Pilot[Any]) -> PredictScreen:
    """The form of a server that was just started."""
    app: Any = pilot.app
    await quiet(pilot)
    await pilot.press("enter")
    await until(pilot, lambda: app.session.journey.state("run") == "ok")
    await quiet(pilot)
    await pilot.press("p")
    await until(pilot, lambda: isinstance(app.screen, PredictScreen) and not app.screen.reading)
    await quiet(pilot)
    found = app.screen
    assert isinstance(found, PredictScreen)
    return found


def row_of(app: ArbiusApp, label: str) -> str:
    return next(row for row in shown(app).splitlines() if label in row)


# The whole way


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
async def test_a_prediction_is_tried_with_keys_only(
    size: tuple[int, int], services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []

    async def copy(text: str, osc52: Callable[[str], None]) -> str:
        copied.append(text)
        return "copied"

    monkeypatch.setattr(clipboard, "copy", copy)
    app = real(services, "run")
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot)
        assert "prompt *" in shown(app)
        assert "1 to 50" in row_of(app, "num_inference_steps")
        await pilot.press(*"a [b]cat", "down", "right", "right")
        assert screen.inputs.texts["width"] == "256"
        await pilot.press("f5")
        await until(pilot, lambda: screen.output.whole and not screen.running)
        await until(pilot, lambda: screen.output.preview.pixels)
        (output,) = screen.output.outputs
        data = Path(output.path).read_bytes()
        assert hashlib.sha256(data).hexdigest() == output.sha256
        text = shown(app)
        assert output.sha256 in text
        assert "256 x 64" in text
        assert "▀" in text
        await pilot.press("f4")
        await until(pilot, lambda: copied)
        assert copied == [output.sha256]
        await pilot.press("f2")
        await until(pilot, lambda: screen.ask.pane)
        assert "arbius-tui predict --network rehearsal -i" in shown(app)
        assert screen.command() == "arbius-tui predict --network rehearsal -i 'prompt=a [b]cat' -i width=256"
        await pilot.press("escape")
        await until(pilot, lambda: screen.ask.pane is None)
        await pilot.press("e")
        await until(pilot, lambda: screen.inputs.form.has_focus or screen.inputs.form.input.has_focus)
        assert "prompt *" in shown(app)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, PredictScreen))
        assert app.session.journey.state("run") == "ok"
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, PredictScreen) and not app.screen.reading)
        again: Any = app.screen
        assert again.inputs.texts["prompt"] == "a [b]cat", "what was typed is there again"


async def test_enter_on_the_last_field_predicts(services: Services) -> None:
    app = real(services, "run")
    async with app.run_test() as pilot:
        screen = await opened(pilot)
        await pilot.press("x", *["enter"] * 7)
        await until(pilot, lambda: screen.output.whole)
        assert screen.output.whole
        assert screen.output.whole.inputs["prompt"] == "x"


async def test_what_is_wrong_is_kept_said_after_leaving_and_never_traps(services: Services) -> None:
    app = real(services, "run")
    async with app.run_test() as pilot:
        screen = await opened(pilot)
        await pilot.press("x", "down", "down", "down", "0")
        assert screen.inputs.texts["num_inference_steps"] == "100"
        assert "ERROR" not in shown(app), "still being typed"
        await pilot.press("shift+tab")
        await until(pilot, lambda: "ERROR" in row_of(app, "num_inference_steps"))
        assert "a whole number from 1 to 50" in shown(app)
        assert "1 ERROR" in shown(app).splitlines()[-3]
        await pilot.press("f5")
        await pilot.pause()
        assert screen.output.outputs == []
        assert not screen.running
        assert "nothing was sent: num_inference_steps must be valid first" in shown(app)
        await pilot.press("backspace")
        await until(pilot, lambda: "ERROR" not in row_of(app, "num_inference_steps"))
        await pilot.press("0", "escape")
        await until(pilot, lambda: not isinstance(app.screen, PredictScreen))


async def test_a_pause_says_what_is_wrong(services: Services) -> None:
    app = real(services, "run")
    async with app.run_test() as pilot:
        await opened(pilot)
        await pilot.press("down", "down", "down", "0")
        await until(pilot, lambda: "ERROR" in row_of(app, "num_inference_steps"))


async def test_an_input_that_is_needed_is_asked_for(services: Services) -> None:
    app = real(services, "run")
    async with app.run_test() as pilot:
        screen = await opened(pilot)
        await pilot.press("f5")
        await until(pilot, lambda: "it is needed" in shown(app))
        assert screen.inputs.form.field
        assert screen.inputs.form.field.id == "prompt"


class Slow:
    """A server that answers when it is told to."""

    def __init__(self, real: Any) -> None:
        self.real, self.gate, self.asked = real, asyncio.Event(), asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    async def predict(self, *arguments: Any, **more: Any) -> Any:
        self.asked.set()
        await self.gate.wait()
        return await self.real.predict(*arguments, **more)


async def test_what_runs_is_cancelled_by_x_and_nothing_is_shown_that_is_not_so(services: Services) -> None:
    slow = Slow(services.predictions)
    app = real(replace(services, predictions=slow), "run")
    async with app.run_test() as pilot:
        screen = await opened(pilot)
        await pilot.press("x", "f5")
        await until(pilot, slow.asked.is_set)
        assert "predicting" in shown(app)
        assert "x cancel" in shown(app)
        await pilot.press("x")
        await until(pilot, lambda: not screen.running)
        assert "cancelled; nothing is kept" in shown(app)
        assert screen.output.outputs == []
        assert app.session.journey.state("run") == "ok", "the server is as it was"
        slow.gate.set()
        await pilot.press("f5")
        await until(pilot, lambda: screen.output.whole)


async def test_the_prediction_that_runs_ends_with_the_wizard(services: Services) -> None:
    slow = Slow(services.predictions)
    app = real(replace(services, predictions=slow), "run")
    async with app.run_test() as pilot:
        screen = await opened(pilot)
        await pilot.press("x", "f5")
        await until(pilot, slow.asked.is_set)
        (job,) = [job for one in app.made for job in one.jobs()]
        await pilot.press("ctrl+q")
    assert job.is_cancelled
    assert screen.output.outputs == []


async def test_without_a_server_there_is_no_key_for_it(services: Services) -> None:
    app = real(services, "run")
    async with app.run_test() as pilot:
        await quiet(pilot)
        await pilot.press("p")
        await pilot.pause()
        assert not isinstance(app.screen, PredictScreen)


async def test_the_server_is_stopped_and_started_again(services: Services) -> None:
    app = real(services, "run")
    async with app.run_test() as pilot:
        await quiet(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: app.session.journey.state("run") == "ok")
        await quiet(pilot)
        await pilot.press("s")
        await until(pilot, lambda: app.session.journey.state("run") == "-")
        await quiet(pilot)
        assert "stopped" in row_of(app, "health")
        assert "Enter start" in " ".join(shown(app).splitlines()[-2].split())
        await pilot.press("enter")
        await until(pilot, lambda: app.session.journey.state("run") == "ok")


async def test_an_image_is_asked_for_by_name(services: Services) -> None:
    app = real(services, "run")
    async with app.run_test() as pilot:
        await quiet(pilot)
        await pilot.press("i")
        screen: Any = app.screen
        await until(pilot, lambda: screen.ask.pane)
        await pilot.press(*"my-model", "enter")
        await until(pilot, lambda: screen.has_class("-problem"))
        assert "the rehearsal runs without Docker" in shown(app)


# What is said in words


SAVED = {
    "url": "http://127.0.0.1:41231", "container": "ab12" * 16, "image": "cog-my-sdxl",
    "image_id": "sha256:" + "cd" * 32, "cpu_only": True,
}  # fmt: skip


def test_the_command_of_each_way_to_a_server() -> None:
    assert run_command(SAVED, False, "") == "arbius-tui run cog-my-sdxl --gpus none"
    assert run_command({**SAVED, "cpu_only": False}, False, "") == "arbius-tui run cog-my-sdxl"
    assert run_command({"url": "http://h:1"}, False, "") == "arbius-tui run --endpoint http://h:1"
    assert run_command({}, False, "http://127.0.0.1:5000") == "arbius-tui run --endpoint http://127.0.0.1:5000"
    assert run_command(SAVED, True, "") == "arbius-tui run --network rehearsal"
    assert docker_command(SAVED) == "docker run -d -p 127.0.0.1:41231:5000 --shm-size 6g cog-my-sdxl"
    assert "--gpus all" in docker_command({**SAVED, "cpu_only": False})
    assert docker_command({"url": "http://h:1"}) == ""


async def test_a_file_is_opened_by_the_desktop_or_its_place_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "a.png")
    assert await opening.open_file(path, {}) == f"no desktop here; it is {path}"
    assert await opening.open_file(path, {"DISPLAY": ":0", "SSH_TTY": "/dev/pts/1"}) == f"no desktop here; it is {path}"
    program = tmp_path / "xdg-open"
    program.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(opening.sys, "platform", "linux")
    program.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    assert await opening.open_file(path, {"DISPLAY": ":0"}) == "opened"
    assert (tmp_path / "opened").read_text().strip() == path
    program.write_text("#!/bin/sh\nexit 3\n")
    assert await opening.open_file(path, {"WAYLAND_DISPLAY": "w"}) == f"{program} ended with 3; it is {path}"


# The picture


def picture(path: Path, size: tuple[int, int] = (40, 20), mode: str = "RGB") -> Path:
    """Red at the left, blue at the right."""
    made = Image.new(mode, size)
    width, height = size
    values = [(255, 0, 0, 255) if x < width // 2 else (0, 0, 255, 255) for _ in range(height) for x in range(width)]
    rgba = Image.new("RGBA", size)
    rgba.putdata(values)
    made = rgba.convert(mode)
    made.save(path)
    return path


@pytest.mark.parametrize(
    ("size", "room", "wanted"),
    [((64, 64), (77, 13), (26, 26)), ((512, 256), (40, 20), (40, 20)), ((8, 8), (77, 13), (8, 8)),
     ((1, 5000), (40, 20), (1, 40))],
)  # fmt: skip
def test_a_picture_keeps_its_shape_and_is_never_made_larger(
    size: tuple[int, int], room: tuple[int, int], wanted: tuple[int, int]
) -> None:
    assert fitting(*size, *room) == wanted


@pytest.mark.parametrize(
    ("ending", "mode"), [("png", "RGBA"), ("png", "P"), ("jpg", "RGB"), ("webp", "RGBA"), ("gif", "P")]
)
def test_two_pixels_are_one_cell(ending: str, mode: str, tmp_path: Path) -> None:
    pixels = decoded(picture(tmp_path / f"a.{ending}", mode=mode), 10, 10, colour=True)
    assert (pixels.width, pixels.height) == (10, 5)
    first, last = halves(pixels, 0)[0], halves(pixels, 0)[-1]
    assert first.text == last.text == "▀"
    assert first.style
    assert last.style
    assert first.style.color
    assert last.style.bgcolor
    red, blue = first.style.color.triplet, last.style.bgcolor.triplet
    assert red
    assert blue
    assert (red.red > 200, red.blue < 60) == (True, True)
    assert (blue.blue > 200, blue.red < 60) == (True, True)
    assert halves(pixels, 4)[0].style != halves(pixels, 2)[0].style, "black below an odd last row"
    assert halves(pixels, 6) == []


def test_letters_are_lighter_for_lighter_pixels() -> None:
    (segment,) = letters(Pixels(3, 1, bytes([0, 128, 255])), 0, Style())
    assert segment.text == " +@"
    assert letters(Pixels(3, 1, bytes(3)), 1, Style()) == []


def test_what_is_clear_is_drawn_on_black(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 4), (255, 255, 255, 0)).save(tmp_path / "a.png")
    assert set(decoded(tmp_path / "a.png", 10, 10, colour=True).data) == {0}


def test_a_picture_that_cannot_be_read_or_is_too_big_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = picture(tmp_path / "a.png")
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(Undrawable, match="cannot be read"):
        decoded(path, 10, 10, colour=True)
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(Undrawable, match="cannot be read"):
        decoded(path, 10, 10, colour=True)
    monkeypatch.setattr(preview, "MOST_PIXELS", 100)
    with pytest.raises(Undrawable, match="40 x 20 pixels are too many"):
        decoded(picture(tmp_path / "b.png"), 10, 10, colour=True)


class Showing(App[None]):
    """A preview alone."""

    def __init__(self, name: str) -> None:
        super().__init__()
        for known in theme.THEMES:
            self.register_theme(known)
        self.theme = name

    def compose(self) -> ComposeResult:
        self.preview = Preview()
        yield self.preview


def drawn(app: App[Any]) -> str:
    return "\n".join("".join(part.text for part in strip) for strip in app.screen._compositor.render_strips())


@pytest.mark.parametrize(("name", "sign"), [("arbius-dark", "▀"), ("arbius-light", "▀"), ("arbius-mono", ".")])
async def test_the_palette_decides_how_it_is_drawn_and_a_new_size_draws_it_anew(
    name: str, sign: str, tmp_path: Path
) -> None:
    app = Showing(name)
    async with app.run_test(size=(30, 10)) as pilot:
        app.preview.show(str(picture(tmp_path / "a.png", (400, 200))))
        await until(pilot, lambda: app.preview.pixels)
        assert sign in drawn(app)
        before = app.preview.pixels
        await pilot.resize_terminal(60, 20)
        await until(pilot, lambda: app.preview.pixels and before and app.preview.pixels.width > before.width)
        app.preview.say(["[b]text[/b] \x1b[31m"])
        await until(pilot, lambda: "[b]text[/b]" in drawn(app))


# Pictures of what needs a card, a minute or a broken model

URL = "http://127.0.0.1:41231"
KNOWN = (
    ModelInput("prompt", "string", 0, True, description="What the picture shows"),
    ModelInput("image", "file", 1, False, description="Start from this picture"),
    ModelInput("width", "integer", 2, False, 512, True, choices=(512, 768, 1024)),
    ModelInput("steps", "integer", 3, False, 30, True, 1, 50, description="Denoising steps"),
    ModelInput("guidance_scale", "number", 4, False, 7.5, True, 1, 20),
    ModelInput("tiling", "boolean", 5, False, False, True),
    ModelInput("api_token", "secret", 6, False),
    ModelInput("seed", "integer", 7, False),
)
RECORD = RunRecord(URL, container="ab12" * 16, image="cog-my-sdxl", image_id="sha256:" + "cd" * 32, cog="0.23.1")
LOG = [Line(f"loading shard {n} of 4", "log") for n in range(1, 4)]


async def for_ever() -> None:
    await asyncio.Event().wait()


def health(status: str, words: str) -> Found:
    return Found(HealthSeen("server", status, "", "0.23.1", URL, "started", words))


STARTING = [Line(f"started {URL}"), Saved(RECORD), health("STARTING", "it loads the model"), *LOG]
KILLED = NotReady("container-killed", "the model's container was killed from outside (signal 9)",
                  why="somebody ran docker kill or docker stop, or the machine had no memory left for it",
                  fix="start the model again", command="docker logs arbius-tui-my-sdxl",
                  detail="loading shard 3 of 4")  # fmt: skip
FAILED = NotReady("setup-failed", "the model's setup failed: RuntimeError: weights not found",
                  why="it cannot predict", fix="mend the model's setup(); its own words are below",
                  detail="RuntimeError: weights not found")  # fmt: skip
OUTPUTS = [
    Found(OutputSeen("out-1.txt", "out-1.txt", "text/plain", 27, "9f2c61d0" * 8, text="a cat sat\non the mat\n",
                     path="/state/tried/out-1.txt")),
    Found(OutputSeen("out-2.mp4", "out-2.mp4", "video/mp4", 1_310_720, "41b7e902" * 8, duration=4.2,
                     path="/state/tried/out-2.mp4")),
    Found(Predicted("prediction", URL, {}, 41.2, "list of 2", "QmT1a7Kd1CEQ7UQrU84R6Z6TV5qqKeiP4LGTZrtnSjx9Zq", True)),
]  # fmt: skip
MODEL_SAYS = NotReady("model-failed", "the model failed: ValueError: Seed must be between 0 and 2**32 - 1",
                      why="without an output there is nothing to hash, and nothing is proved",
                      fix="mend the model; its own words are below", detail="ValueError: Seed must be ..")  # fmt: skip
RUNS: dict[str, Sequence[Any]] = {
    "starting": [*STARTING, for_ever],
    "killed": [*STARTING, health("exited", "its container has ended"), KILLED],
    "setup-failed": [*STARTING, health("SETUP_FAILED", "setup() raised an error"), FAILED],
    "ready": [*STARTING, health("READY", "it waits for work"),
              Found(Fact("inputs", "inputs", "ok", "prompt, image, width", "")), Done(True)],
    "stopped": [Saved(RECORD), health("stopped", "it was stopped"), Line("stopped and removed 1 server"),
                Done(True, state="-")],
}  # fmt: skip
TRIES: dict[str, Sequence[Event | Exception | Callable[[], Any]]] = {
    "form": [Done(True)],
    "form-wrong": [Done(True)],
    "predicting": [for_ever],
    "result": [*OUTPUTS, Done(True)],
    "failed": [MODEL_SAYS],
}
PICTURES = WeakKeyDictionary[ArbiusApp, str]()


def scripted(name: str, palette: str) -> ArbiusApp:
    """The real screens on invented data."""
    base = load("run")
    script = RUNS.get(name, RUNS["ready"])
    screen = type("RunScreen", (base,), {"work": lambda self: Scripted(script)})
    start = Journey("my-sdxl", "one", "/m", "run", {"checks": "ok", "model": "ok"}, {}, "2026-01-02T12:41:07")

    async def open_walk() -> Walk:
        services: Any = SimpleNamespace()
        return Walk(MemoryStore(start), services)

    app = ArbiusApp(open_walk, start, palette=palette, log_dir=Path(os.environ["HOME"]),
                    screens=lambda step: screen if step == "run" else load(step))  # fmt: skip
    app.session.clock = lambda: 0.0
    PICTURES[app] = name
    return app


async def stage(pilot: Pilot[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the picture of this name can be taken."""
    app: Any = pilot.app
    name = PICTURES[app]
    await quiet(pilot)
    await pilot.press("enter")
    await until(pilot, lambda: app.screen.health == "STARTING" or not app.screen.running)
    if name not in TRIES:
        if name != "starting":
            await quiet(pilot)
        await until(pilot, lambda: not app.screen.tail._due)
        return
    await quiet(pilot)

    def work(self: PredictScreen) -> Scripted:
        read = [Found(InputsSeen("inputs", KNOWN, {"prompt": "a cat"})), Done(True)]
        return Scripted(read if self.reading else TRIES[name])

    monkeypatch.setattr(PredictScreen, "work", work)
    await pilot.press("p")
    await until(pilot, lambda: isinstance(app.screen, PredictScreen) and not app.screen.reading)
    await quiet(pilot)
    if name.startswith("form"):
        await pilot.press("down", "down", "down", *(["9", "tab"] if name == "form-wrong" else []))
        return
    await pilot.press("f5")
    await until(pilot, lambda: name == "predicting" or not app.screen.running)


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("name", [*RUNS, *TRIES])
def test_the_look(name: str, size: tuple[int, int], snap_compare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def ready(pilot: Pilot[Any]) -> None:
        await stage(pilot, monkeypatch)
        await still(pilot)

    assert snap_compare(scripted(name, "dark"), terminal_size=size, run_before=ready)


@pytest.mark.parametrize("palette", ["light", "ansi", "mono"])
@pytest.mark.parametrize("name", ["ready", "form-wrong", "result"])
def test_the_look_in_other_palettes(
    name: str, palette: str, snap_compare: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ready(pilot: Pilot[Any]) -> None:
        await stage(pilot, monkeypatch)
        await still(pilot)

    assert snap_compare(scripted(name, palette), terminal_size=(80, 24), run_before=ready)


async def test_what_became_of_the_server_meanwhile_is_seen_on_its_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRIES, "gone", [health("exited", "its container has ended"), KILLED])
    app = scripted("gone", "dark")
    async with app.run_test() as pilot:
        await stage(pilot, monkeypatch)
        assert "killed from outside (signal 9)" in shown(app)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen.editing)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, PredictScreen))
        assert "exited" in row_of(app, "health")
        assert "its container has ended and answers nothing" in shown(app)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (60, 20)])
async def test_in_a_long_form_the_field_under_the_cursor_is_in_sight(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    many = tuple(replace(one, name=f"{one.name}_{n}", order=10 * n + one.order) for n in range(3) for one in KNOWN)
    monkeypatch.setattr(sys.modules[__name__], "KNOWN", many)
    app = scripted("form", "dark")
    async with app.run_test(size=size) as pilot:
        await stage(pilot, monkeypatch)
        screen: Any = app.screen
        for keys in (["down"] * 24, ["tab"], ["shift+tab"] * 3, ["up"] * 24):
            await pilot.press(*keys)
            await quiet(pilot)
            await until(pilot, lambda: f"> {screen.inputs.form.field.id[:8]}" in shown(app))
            assert "takes" in shown(app)
        await pilot.press("f5")
        await until(pilot, lambda: "prompt_0" in shown(app) and "it is needed: any text" in shown(app))
