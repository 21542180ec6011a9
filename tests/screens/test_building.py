"""The Model screen while it builds: a scripted builder, real keys, real logs, and how each state looks."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from textual.pilot import Pilot

from arbius_tui.app import ArbiusApp
from arbius_tui.domain.build_log import BuildLog
from arbius_tui.domain.cog_words import Doctor
from arbius_tui.domain.errors import BadInput, NotReady, Problem
from arbius_tui.domain.images import Image
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.records import ModelRecord
from arbius_tui.domain.secret import Secret
from arbius_tui.rehearsal.example import example_model
from arbius_tui.screens.building import NOTHING_LEFT
from arbius_tui.screens.pages import LogPage
from arbius_tui.services import log_search
from arbius_tui.services.cog_build import BuildEvent, Built, LogLines, Noticed, Standing, StepsChanged
from arbius_tui.services.memory_store import MemoryStore
from arbius_tui.steps.base import Walk
from arbius_tui.widgets import log as logs
from tests.domain.test_build_log import printed
from tests.real.images import labels
from tests.screens import test_steps_a as steps
from tests.screens.still import still

copied = steps.copied
ID = f"sha256:{'ab' * 32}"
OTHER_BASE = Problem("base-image-fallback", "cog builds on another base image than its own", "bytes may differ",
                     severity="warn")  # fmt: skip
WRONG = BadInput("step-failed", "a command of the build failed with exit code 3: pip install nothing==99",
                 why="no image was made", fix="read what it printed; F3 has all of it",
                 detail="ERROR: No matching distribution found for nothing==99")  # fmt: skip


def image(**more: Any) -> Image:
    inputs = {"prompt": {"type": "string", "x-order": 0}, "seed": {"type": "integer", "x-order": 1, "default": 0}}
    openapi = {"components": {"schemas": {"Input": {"properties": inputs}}}}
    found = {"tags": ("cog-m:latest",), "size": 224_000_000, "platform": "linux/amd64", "cog_version": "0.23.1",
             "labels": labels(example_model()), "openapi": openapi}  # fmt: skip
    return Image(ID, **{**found, **more})


class Scripted:
    """A builder that plays these events; an Event waits until it is set, a Failure is raised."""

    def __init__(self, log: Path, script: Sequence[BuildEvent | Exception | asyncio.Event] = ()) -> None:
        self.log, self.script, self.ended = log, script, False
        self.known: dict[str, Image] = {"cog-m": image()}
        self.asked: list[tuple[str, str]] = []

    async def build(self, folder: Path, tag: str, dockerfile: str = "") -> AsyncGenerator[BuildEvent, None]:
        self.asked.append((tag, dockerfile))
        try:
            for event in self.script:
                if isinstance(event, Exception):
                    raise event
                if isinstance(event, asyncio.Event):
                    await event.wait()
                else:
                    yield event
        finally:
            self.ended = True

    async def image(self, reference: str) -> Image:
        if reference not in self.known:
            raise NotReady("no-image", f"there is no image {reference}", fix="build it, or pull it")
        return self.known[reference]

    async def images(self) -> tuple[Image, ...]:
        return tuple(found for found in self.known.values() if found.labelled)

    async def doctor(self, folder: Path) -> Doctor:
        old = Problem("deprecated-field", "old names", severity="warn")
        return Doctor("cog doctor has 1 finding", (old,))

    async def login(self, token: Secret) -> str:
        return "alice"


def played(name: str) -> list[BuildEvent]:
    """The events of a recorded build, in a few batches."""
    log, lines, told = BuildLog(), printed(name), list[BuildEvent]()
    for start in range(0, len(lines), 40):
        changed = log.feed(lines[start : start + 40])
        told += [LogLines(tuple(lines[start : start + 40])), StepsChanged(changed, *log.progress)]
    return [Standing(0, "BuildKit builds the image"), *told]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model with nothing wrong in it."""
    place = tmp_path / "m"
    place.mkdir()
    for name in ("cog.yaml", "predict.py", "requirements.txt"):
        if (example_model() / name).exists():
            (place / name).write_bytes((example_model() / name).read_bytes())
    return place


def on(folder: Path | str, builder: Scripted) -> ArbiusApp:
    """The wizard at Model with this builder."""
    start = Journey("my-sdxl", "one", str(folder), "model", saved_at="2026-01-02T12:41:07")

    async def open_walk() -> Walk:
        services: Any = SimpleNamespace(builder=builder, containers=object())
        return Walk(MemoryStore(start), services)

    app = ArbiusApp(open_walk, start, palette="dark", log_dir=Path(os.environ["HOME"]))
    app.session.clock = lambda: 0.0
    return app


async def began(pilot: Pilot[Any], key: str = "b") -> None:
    """Press the key and take the default of what is asked."""
    await steps.quiet(pilot)
    await pilot.press(key)
    await steps.until(pilot, lambda: steps.asking(pilot.app))
    await pilot.press("enter")
    if key == "d":
        app: Any = pilot.app
        await steps.until(pilot, lambda: "What shall the image be called?" in steps.shown(app))
        await pilot.press("enter")


def command(app: Any) -> str:
    """What F2 shows; on a screen the folder of a test is too long."""
    return str(app.screen.command())


def good(log: Path) -> list[BuildEvent | Exception | asyncio.Event]:
    return [*played("e26-build-cogbase"), Noticed(OTHER_BASE), Built("cog-m", 3.9, log, (OTHER_BASE,))]


@pytest.mark.parametrize("size", steps.SIZES)
async def test_building_is_next_shows_its_image_and_then_the_next_step_is_next(
    size: tuple[int, int], folder: Path, tmp_path: Path, copied: list[str]
) -> None:
    builder = Scripted(tmp_path / "build.log", good(tmp_path / "build.log"))
    app = on(folder, builder)
    async with app.run_test(size=size) as pilot:
        await steps.quiet(pilot)
        assert steps.keys_row(app).split()[:2] == ["b", "build"]
        await began(pilot)
        await steps.quiet(pilot)
        assert builder.asked == [("cog-m", "")]
        text = steps.shown(app)
        for said in ("224 MB", ID[:20], "cog 0.23.1", "prompt, seed", "another base image", "built  after"):
            assert said in text, said
        assert steps.keys_row(app).split()[:2] == ["F10", "next"]
        record = app.session.journey.get(ModelRecord)
        assert record
        assert (record.image, record.image_id, record.built) == ("cog-m", ID, "cog-m")
        await pilot.press("down", "f4")
        await steps.until(pilot, lambda: copied)
        assert copied == [ID]
        assert command(app) == f"arbius-tui build {folder} -t cog-m"
        await pilot.press("escape")
        await steps.quiet(pilot)
        await steps.until(pilot, lambda: f"cog-m  {ID}"[:30] in steps.shown(app))
        assert "there is no image of this model yet" not in steps.shown(app)
        assert steps.keys_row(app).split()[:2] == ["F10", "next"]
        await pilot.press("v")
        await steps.until(pilot, lambda: "224 MB" in steps.shown(app))


async def test_a_dockerfile_is_asked_for_and_named_by_f2(folder: Path, tmp_path: Path) -> None:
    builder = Scripted(tmp_path / "build.log", good(tmp_path / "build.log"))
    app = on(folder, builder)
    async with app.run_test(size=(120, 40)) as pilot:
        await began(pilot, "d")
        await steps.quiet(pilot)
        assert builder.asked == [("cog-m", "Dockerfile")]
        assert command(app) == f"arbius-tui build {folder} -t cog-m --dockerfile Dockerfile"


@pytest.mark.parametrize("size", steps.SIZES)
async def test_a_failed_build_is_the_panel_with_the_log_above(
    size: tuple[int, int], folder: Path, tmp_path: Path, copied: list[str]
) -> None:
    builder = Scripted(tmp_path / "build.log", [*played("fail-bad-requirement"), WRONG])
    app = on(folder, builder)
    async with app.run_test(size=size) as pilot:
        await began(pilot)
        await steps.quiet(pilot)
        text = steps.shown(app)
        assert "FAIL      a command of the build failed" in text
        assert "raw       ERROR: No matching distribution" in text
        assert "no image  after" in text
        assert any(" FAIL " in row and row.lstrip(" 0123456789│").startswith(">") for row in text.splitlines())
        assert steps.keys_row(app).split()[:2] == ["b", "build"]
        assert app.session.journey.state("model") == "FAIL"
        await pilot.press("escape")
        await steps.quiet(pilot)
        await steps.until(pilot, lambda: "what      there is no image" in steps.shown(app))
        assert app.session.journey.state("model") == "ok", "what was read is as good as before"


@pytest.mark.parametrize("key", ["x", "ctrl+c"])
async def test_cancelling_ends_the_builder_and_says_that_nothing_is_left(
    key: str, folder: Path, tmp_path: Path
) -> None:
    builder = Scripted(tmp_path / "build.log", [*played("cancel-int"), asyncio.Event()])
    app = on(folder, builder)
    async with app.run_test(size=(80, 24)) as pilot:
        await began(pilot)
        await steps.until(pilot, lambda: "tick 2" in steps.shown(app))
        text = steps.shown(app)
        assert "BuildKit builds the image  5 of 8 steps" in text
        assert " run " in text.splitlines()[1]
        assert steps.keys_row(app).split()[:2] == ["x", "cancel"]
        await pilot.press(key)
        await steps.quiet(pilot)
        assert builder.ended
        assert NOTHING_LEFT in steps.shown(app)
        screen: Any = app.screen
        assert {step.state for step in screen.view.steps.values()} <= {"ok", "cached", "off"}
        assert app.session.journey.state("model") == "ok", "as before the build"
        assert steps.keys_row(app).split()[:2] == ["b", "build"]


async def test_a_build_that_waits_for_another_says_so(folder: Path, tmp_path: Path) -> None:
    gate = asyncio.Event()
    waits = Standing(0, "another build of this folder runs; cog lets it go first (.cog/cog.lock)", waits=True)
    app = on(folder, Scripted(tmp_path / "build.log", [waits, gate, *good(tmp_path / "build.log")]))
    async with app.run_test(size=(80, 24)) as pilot:
        await began(pilot)
        await steps.until(pilot, lambda: "run  another build of this folder runs" in steps.shown(app))
        gate.set()
        await steps.quiet(pilot)
        assert "224 MB" in steps.shown(app)


async def test_going_back_from_the_name_is_no_build(folder: Path, tmp_path: Path) -> None:
    builder = Scripted(tmp_path / "build.log")
    app = on(folder, builder)
    async with app.run_test(size=(80, 24)) as pilot:
        await steps.quiet(pilot)
        await pilot.press("b")
        await steps.until(pilot, lambda: steps.asking(app))
        await pilot.press("escape")
        await steps.quiet(pilot)
        await steps.until(pilot, lambda: "there is no image of this model yet" in steps.shown(app))
        assert not builder.asked
        assert app.session.journey.state("model") == "ok"


async def test_an_image_that_exists_is_chosen_and_a_strange_one_is_refused(folder: Path, tmp_path: Path) -> None:
    builder = Scripted(tmp_path / "build.log")
    builder.known["postgres"] = Image("sha256:" + "1" * 64, ("postgres:16",), 1, command=("postgres",))
    app = on(folder, builder)
    async with app.run_test(size=(120, 40)) as pilot:
        builder.known["cog-m:latest"] = builder.known["cog-m"]
        await began(pilot, "i")
        await steps.quiet(pilot)
        assert "taken  after" in steps.shown(app)
        record = app.session.journey.get(ModelRecord)
        assert record
        assert (record.image, record.built, record.inputs) == ("cog-m:latest", "", ("prompt", "seed"))
        await pilot.press("i")
        await steps.until(pilot, lambda: steps.asking(app))
        await pilot.press("end", "enter")
        await steps.until(pilot, lambda: steps.asking(app) and "its name or id" in steps.shown(app))
        await pilot.press(*"postgres", "enter")
        await steps.quiet(pilot)
        assert "is not an image of Cog's" in steps.shown(app)
        record = app.session.journey.get(ModelRecord)
        assert record
        assert record.image == "cog-m:latest", "what was known stays"


async def test_without_a_folder_an_image_will_do(tmp_path: Path) -> None:
    builder = Scripted(tmp_path / "build.log")
    builder.known["cog-m:latest"] = builder.known["cog-m"]
    app = on("", builder)
    async with app.run_test(size=(80, 24)) as pilot:
        await steps.quiet(pilot)
        assert "use an image of Cog's that exists" in steps.shown(app)
        await began(pilot, "i")
        await steps.quiet(pilot)
        record = app.session.journey.get(ModelRecord)
        assert record
        assert record.image == "cog-m:latest"
        assert app.session.journey.state("model") == "ok"


async def test_what_cog_doctor_finds_is_a_row(folder: Path, tmp_path: Path) -> None:
    app = on(folder, Scripted(tmp_path / "build.log"))
    async with app.run_test(size=(120, 40)) as pilot:
        await steps.quiet(pilot)
        await pilot.press("o")
        await steps.quiet(pilot)
        await steps.until(pilot, lambda: "cog doctor has 1 finding" in steps.shown(app))
        assert "FINDINGS" in steps.shown(app)
        assert command(app) == f"arbius-tui model {folder} --doctor"


# -- the log


async def test_the_log_is_searched_also_where_only_the_file_has_it(
    folder: Path, tmp_path: Path, copied: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "MOST", 100)
    monkeypatch.setattr(log_search, "AROUND", 20)
    lines = [f"#1 0.{n} line {n:04}{' ERROR: half' if n == 70 else ''}" for n in range(400)]
    log = tmp_path / "build.log"
    log.write_text("\n".join(lines) + "\n")
    script: list[Any] = [LogLines(tuple(lines[start : start + 50])) for start in range(0, 400, 50)]
    app = on(folder, Scripted(log, [*script, WRONG]))
    async with app.run_test(size=(80, 24)) as pilot:
        await began(pilot)
        await steps.quiet(pilot)
        screen: Any = app.screen
        assert len(screen.log_lines.kept) == 100
        await pilot.press("slash")
        await steps.until(pilot, lambda: isinstance(app.screen, LogPage) and app.screen.input.has_focus)
        await pilot.press(*"LINE 0033", "enter")
        await steps.until(pilot, lambda: "> #1 0.33 line 0033" in steps.shown(app))
        assert "line 34 of" in steps.shown(app)
        await pilot.press("e")
        await steps.until(pilot, lambda: "no line" in steps.shown(app) or "line 71 of" in steps.shown(app))
        await pilot.press("l")
        await steps.until(pilot, lambda: "older ones only in the file" in steps.shown(app))
        await pilot.press("e")
        await steps.until(pilot, lambda: "line 71 of" in steps.shown(app))
        assert "> #1 0.70 line 0070 ERROR: half" in steps.shown(app)
        await pilot.press("f4")
        await steps.until(pilot, lambda: copied)
        assert copied == [str(log)]


def test_the_lines_on_screen_are_bounded_in_number_and_in_characters() -> None:
    lines = logs.LogLines()
    for start in range(0, 30_000, 250):
        lines.feed("\n".join(f"line {n}" for n in range(start, start + 250)))
    assert (len(lines.kept), lines.dropped) == (logs.MOST, 10_000)
    assert lines.kept[-1][0] == "line 29999"
    for _ in range(2_000):
        lines.feed("x" * 20_000)
    assert sum(len(text) for text, _ in lines.kept) == lines.chars <= logs.ROOM
    assert max(len(text) for text, _ in lines.kept) <= logs.LONGEST + 3
    assert lines.dropped + len(lines.kept) == 32_000


# -- how it looks


def states(log: Path) -> dict[str, tuple[list[Any], Callable[[str], bool]]]:
    """Each state: what the builder plays, and the text that is there when it is."""
    return {
        "building": ([*played("cancel-int"), asyncio.Event()], lambda text: "tick 2" in text),
        "failed": ([*played("fail-bad-requirement"), WRONG], lambda text: "no image  after" in text),
        "built": (good(log), lambda text: "built  after" in text),
    }


@pytest.mark.parametrize("size", steps.SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("name", ["building", "failed", "built", "cancelled"])
def test_the_look(name: str, size: tuple[int, int], folder: Path, snap_compare: Any) -> None:
    log = Path("/state/arbius-tui/my-sdxl/build.log")
    script, there = states(log)["building" if name == "cancelled" else name]
    app = on(folder, Scripted(log, script))

    async def ready(pilot: Pilot[Any]) -> None:
        await began(pilot)
        await steps.until(pilot, lambda: there(steps.shown(app)))
        if name == "cancelled":
            await pilot.press("x")
            await steps.quiet(pilot)
        screen: Any = app.screen
        await steps.until(pilot, lambda: not screen.view.tail._due)
        if name == "building":
            screen.clock.stop()
            screen.view.ticker.stop()
        await still(pilot)

    assert snap_compare(app, terminal_size=size, run_before=ready)
