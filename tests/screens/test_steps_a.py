"""Checks, Model, Run, Publish, Wire-in and After: real keys on the real rehearsal, and pictures of scripted data."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from textual.binding import Binding
from textual.pilot import Pilot

from arbius_tui.app import ArbiusApp
from arbius_tui.domain.errors import Fix, NotReady, Problem
from arbius_tui.domain.events import Done, Found, Line, Saved, Trouble
from arbius_tui.domain.journey import Journey, Place
from arbius_tui.domain.records import ChecksRecord, RegisterRecord, RunRecord
from arbius_tui.rehearsal.example import example_model
from arbius_tui.rehearsal.world import open_rehearsal
from arbius_tui.screens import clipboard, load
from arbius_tui.screens.base import StepScreen
from arbius_tui.services.memory_store import MemoryStore
from arbius_tui.services.ports import Check, CheckState, Services
from arbius_tui.steps.after import Status
from arbius_tui.steps.base import Walk
from arbius_tui.steps.model import Fact, FindingSeen, no_image
from arbius_tui.steps.run import HealthSeen
from tests.screens.demo import Scripted
from tests.screens.still import still
from tests.steps.conftest import Author, collect

SIZES = [(80, 24), (120, 40)]
ID = "0x4b4361ec84746a3e1b680555d4d762f7df1f7f2bc3d1f112e112a117f783a92d"
CID = "Qmeygu6J1yFcJud2w9prrFqEKm9S6HNeQp4etCi15iepHN"
TX = "0x" + "ab" * 32


@pytest.fixture(autouse=True)
def own_surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("NO_COLOR", raising=False)
    yield
    os.environ.pop("NO_COLOR", None)


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What went to the clipboard."""
    texts: list[str] = []

    async def copy(text: str, osc52: Callable[[str], None]) -> str:
        texts.append(text)
        return "copied"

    monkeypatch.setattr(clipboard, "copy", copy)
    return texts


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    async with open_rehearsal(tmp_path / "rehearsal") as found:
        yield found


def real(services: Any, at: str = "checks", journey: Journey | None = None) -> ArbiusApp:
    """The wizard on the embedded world."""
    start = replace(journey or Journey("demo", "rehearsal", str(example_model())), at=at)

    async def open_walk() -> Walk:
        return Walk(MemoryStore(start), services)

    return ArbiusApp(open_walk, start, palette="dark", log_dir=Path(os.environ["HOME"]))


def shown(app: ArbiusApp) -> str:
    return "\n".join("".join(part.text for part in strip) for strip in app.screen._compositor.render_strips())


async def until(pilot: Pilot[Any], condition: Callable[[], Any]) -> None:
    """Wait for a condition; the limit only ends a broken test."""
    async with asyncio.timeout(60):
        while not condition():
            await pilot.pause()
    await pilot.pause()


async def quiet(pilot: Pilot[Any]) -> None:
    """Until the step that is shown has ended or waits for an answer."""
    app: Any = pilot.app
    await until(pilot, app.session.settled.is_set)
    await until(pilot, lambda: not app.screen.running or app.screen.ask.pane is not None)
    for _ in range(3):
        await pilot.pause()


def asking(app: Any) -> bool:
    """Whether a question is open."""
    return app.screen.ask.pane is not None


def keys_row(app: ArbiusApp) -> str:
    return shown(app).splitlines()[-2]


# Checks


async def test_the_rehearsals_checks_fill_the_table_in_groups(services: Services, copied: list[str]) -> None:
    app = real(services)
    async with app.run_test(size=(80, 24)) as pilot:
        await quiet(pilot)
        text = shown(app)
        assert "REHEARSAL\n" in "\n".join(row.rstrip() for row in text.splitlines())
        assert "REAL RUN" in text
        row = next(row for row in text.splitlines() if "embedded chain" in row)
        assert " ok " in row
        assert row.rstrip().endswith("7 9"), "the steps that need it, by number"
        assert app.session.journey.state("checks") == "ok"
        assert "no step is held up" in text
        assert keys_row(app).split()[:2] == ["F10", "next"], "nothing to mend: the next step is the next key"
        await pilot.press("j")
        await until(pilot, lambda: copied)
        states = {check["id"]: check["state"] for check in json.loads(copied[0])}
        assert states == app.session.journey.records["checks"]["states"]


async def test_rows_are_chosen_by_a_text_and_esc_shows_all_again(services: Services) -> None:
    app = real(services)
    async with app.run_test() as pilot:
        await quiet(pilot)
        await pilot.press("slash")
        await until(pilot, lambda: asking(app))
        await pilot.press(*"chain", "enter")
        await until(pilot, lambda: "block store" not in shown(app))
        assert "embedded chain" in shown(app)
        assert "/chain" in shown(app).splitlines()[-3]
        await pilot.press("f")
        await until(pilot, lambda: "no row has chain" in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: "block store" in shown(app))
        assert app.step == "checks"


async def never() -> Any:
    """Services that do not open."""
    await asyncio.Event().wait()


async def test_the_words_of_the_last_time_are_there_before_the_services() -> None:
    start = Journey("demo", at="checks").having(ChecksRecord({"docker-daemon": "FAIL", "git": "ok"}, ""))
    app = ArbiusApp(never, start, palette="dark", log_dir=Path(os.environ["HOME"]))
    async with app.run_test() as pilot:
        await pilot.pause()
        assert "docker daemon" in shown(app)
        assert "1 FAIL" in shown(app)


class Fixable:
    """A machine on which one file is missing, and docker too."""

    def __init__(self, file: Path, command: str = "") -> None:
        self.file, self.command = file, command or f"touch {file}"

    async def checks(self, only: str | None = None, subject: object = None) -> Any:
        state: CheckState = "ok" if self.file.exists() else "FAIL"
        start = Fix("start it", "sudo systemctl start docker")
        rows = [
            Check("python", "host", "ok", "3.12 [/x] [@click=app.quit]", "all runs on it", title="python"),
            Check("file", "host", state, "the file", "a step reads it", ("run",), Fix("make it", self.command)),
            Check("docker", "containers", "FAIL", "down", "it builds", ("run", "publish"), start, "raw one\nraw two"),
        ]
        rows = [row for row in rows if only in (None, row.id)]
        for row in rows:
            yield replace(row, state="wait")
        for row in rows:
            yield row


def fixable(tmp_path: Path, command: str = "") -> ArbiusApp:
    return real(SimpleNamespace(toolchain=Fixable(tmp_path / "made", command)))


async def test_enter_runs_the_fix_after_asking_and_looks_again(tmp_path: Path) -> None:
    app = fixable(tmp_path)
    async with app.run_test() as pilot:
        await quiet(pilot)
        screen: Any = app.screen
        assert screen.table.row.id == "file", "the cursor goes to what failed"
        assert keys_row(app).split()[:2] == ["Enter", "fix"]
        assert "Enter run" in shown(app)
        await pilot.press("enter")
        await until(pilot, lambda: screen.ask.pane)
        assert "touch" in shown(app)
        await pilot.press("escape")
        await quiet(pilot)
        assert not (tmp_path / "made").exists()
        assert app.session.journey.state("checks") == "FAIL"
        await pilot.press("enter")
        await until(pilot, lambda: screen.ask.pane)
        await pilot.press("y")
        await quiet(pilot)
        assert (tmp_path / "made").exists()
        assert screen.table.row.state == "ok"
        assert any("exit code 0" in text for text, _ in screen.log_lines.kept)


async def test_a_fix_that_fails_says_so_until_the_author_looks_elsewhere(tmp_path: Path) -> None:
    app = fixable(tmp_path, "false")
    async with app.run_test() as pilot:
        await quiet(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: asking(app))
        await pilot.press("y")
        await quiet(pilot)
        assert "false ended with exit code 1" in shown(app)
        await pilot.press("down")
        await until(pilot, lambda: "exit code 1" not in shown(app))
        assert "sudo systemctl start docker" in shown(app)


async def test_what_needs_a_password_asks_first_and_wants_the_terminal(tmp_path: Path) -> None:
    app = fixable(tmp_path)
    async with app.run_test() as pilot:
        await quiet(pilot)
        await pilot.press("down")
        await until(pilot, lambda: "sudo systemctl start docker" in shown(app))
        assert keys_row(app).split()[:2] == ["Enter", "fix"]
        await pilot.press("enter")
        await until(pilot, lambda: asking(app))
        assert "it gets the terminal, to ask for a password" in shown(app)
        await pilot.press("y")
        await quiet(pilot)
        assert "there is no terminal to hand over" in shown(app), "a test has none; tests/stories has one"


async def test_what_only_the_author_can_run_is_copied(tmp_path: Path, copied: list[str]) -> None:
    app = fixable(tmp_path, "ipfs daemon")
    async with app.run_test() as pilot:
        await quiet(pilot)
        assert keys_row(app).split()[:2] == ["F4", "copy"]
        await pilot.press("enter")
        await until(pilot, lambda: copied)
        assert copied == ["ipfs daemon"]
        assert not asking(app)
        assert "run it, then r" in shown(app)


async def test_f2_is_the_command_that_mends_the_row(tmp_path: Path) -> None:
    app = fixable(tmp_path)
    async with app.run_test() as pilot:
        await quiet(pilot)
        await pilot.press("f2")
        await until(pilot, lambda: "arbius-tui check --fix file" in shown(app))
        await pilot.press("escape", "home")
        await pilot.press("f2")
        await until(pilot, lambda: "arbius-tui check" in shown(app) and "--fix" not in shown(app))


class Daemon(Fixable):
    """The file is the daemon; another row needs it."""

    async def checks(self, only: str | None = None, subject: object = None) -> Any:
        up = self.file.exists()
        rows = [
            Check("daemon", "containers", "ok" if up else "FAIL", "x", "it builds", ("run",), title="docker daemon"),
            Check("version", "containers", "ok" if up else "wait", "26.1" if up else "(needs: docker daemon)",
                  "it must be new", ("run",), title="docker version", needs=("daemon",)),
        ]  # fmt: skip
        rows = [row for row in rows if only is None or row.id in only.split(",")]
        for row in rows:
            yield replace(row, state="wait", found="")
        for row in rows:
            yield row


async def test_a_row_that_waits_says_for_what_and_runs_by_itself(tmp_path: Path) -> None:
    app = real(SimpleNamespace(toolchain=Daemon(tmp_path / "made")))
    async with app.run_test() as pilot:
        await quiet(pilot)
        screen: Any = app.screen
        await pilot.press("down")
        await until(pilot, lambda: "waits" in shown(app))
        assert "needs: docker daemon; it runs by itself when that is ok" in shown(app)
        await pilot.press("up")
        (tmp_path / "made").touch()
        await pilot.press("r")
        await quiet(pilot)
        assert {id: check.state for id, check in screen.list.checks.items()} == {"daemon": "ok", "version": "ok"}
        assert "26.1" in shown(app)


async def test_g_opens_the_guide_as_it_fares_today(services: Services) -> None:
    app = real(services)
    async with app.run_test(size=(80, 24)) as pilot:
        await quiet(pilot)
        await pilot.press("g")
        await until(pilot, lambda: "The published guide, today" in shown(app))
        assert "SOFTWARE REQUIREMENTS" in shown(app)
        assert "instead   install nvidia-container-toolkit" in shown(app)
        assert ".." not in "".join(shown(app).splitlines()[:-2]), "nothing is cut at 80"
        await pilot.press("end")
        await until(pilot, lambda: "GENERATE INTERFACE" in shown(app) or "one hand-written Go file" in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: "REAL RUN" in shown(app))


async def test_one_row_is_looked_at_again_and_the_cursor_stays(tmp_path: Path) -> None:
    app = fixable(tmp_path)
    async with app.run_test() as pilot:
        await quiet(pilot)
        await pilot.press("down")
        (tmp_path / "made").touch()
        await pilot.press("r")
        await quiet(pilot)
        screen: Any = app.screen
        assert screen.table.row.id == "docker"
        assert screen.list.checks["file"].state == "FAIL", "only the row under the cursor was asked"
        await pilot.press("f5")
        await quiet(pilot)
        assert screen.list.checks["file"].state == "ok"
        assert screen.table.row.id == "docker"


async def test_a_failure_holds_up_only_the_steps_that_need_it(tmp_path: Path) -> None:
    app = fixable(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await quiet(pilot)
        await pilot.press("end")
        await until(pilot, lambda: "raw two" in shown(app))
        text = shown(app)
        assert "open now  2 Model  6 Template  8 Wallet" in text
        assert "What it unlocks" in text
        assert "open without it: 2 Model  6 Template" in text


async def test_text_from_outside_is_never_markup(tmp_path: Path) -> None:
    app = fixable(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await quiet(pilot)
        await pilot.press("home")
        await until(pilot, lambda: "[/x] [@click=app.quit]" in shown(app))


# Model, Run, Publish


async def test_model_shows_the_folder_and_says_calmly_that_the_rehearsal_builds_nothing(
    services: Services, copied: list[str]
) -> None:
    app = real(services, "model")
    async with app.run_test() as pilot:
        await quiet(pilot)
        text = shown(app)
        assert "predict.py:Predictor" in text
        assert "the rehearsal builds no image" in text
        assert "FAIL" not in text
        assert keys_row(app).split()[:2] == ["F10", "next"]
        await pilot.press("f4")
        await until(pilot, lambda: copied)
        assert copied == [str(example_model())]
        for key in ("b", "d", "i"):
            await pilot.press(key)
            await quiet(pilot)
            assert "the rehearsal builds no image: it runs without Docker" in shown(app).splitlines()[-3]
            assert app.session.journey.state("model") == "ok"
        await pilot.press("f2")
        await until(pilot, lambda: "arbius-tui model" in shown(app))


async def test_model_without_a_folder_says_what_to_do(services: Services) -> None:
    app = real(services, "model", Journey("demo", "rehearsal"))
    async with app.run_test() as pilot:
        await quiet(pilot)
        assert "No model's folder was given." in shown(app)
        assert app.session.journey.state("model") == "-", "looking is not failing"
        await pilot.press("f5")
        await quiet(pilot)
        assert "no model's folder was given" in shown(app)


async def test_run_starts_the_server_finds_it_again_and_takes_one_by_url(services: Services, copied: list[str]) -> None:
    app = real(services, "run")
    async with app.run_test() as pilot:
        await quiet(pilot)
        assert "No server yet." in shown(app)
        await pilot.press("enter")
        await until(pilot, lambda: app.session.journey.state("run") == "ok")
        await quiet(pilot)
        screen: Any = app.screen
        assert "READY" in shown(app)
        assert "CPU-ONLY: to rehearse with, no proof for GPU miners" in shown(app)
        assert screen.seen.how == "started"
        assert keys_row(app).split()[:2] == ["F10", "next"]
        url = screen.url
        await pilot.press("f4")
        await until(pilot, lambda: copied)
        assert copied == [url]
        await pilot.press("f5")
        await until(pilot, lambda: screen.seen and screen.seen.how == "found again" and not screen.running)
        assert screen.url == url
        assert "found again, READY" in shown(app)
        await pilot.press("e")
        await until(pilot, lambda: screen.ask.pane)
        screen.ask.pane.input.value = "not a url"
        await pilot.press("enter")
        await until(pilot, lambda: screen.has_class("-problem"))
        assert app.session.journey.state("run") == "FAIL"
        assert screen.url == url, "what was known is still there"
        await pilot.press("e")
        await until(pilot, lambda: screen.ask.pane)
        screen.ask.pane.input.value = url
        await pilot.press("enter")
        await until(pilot, lambda: screen.seen and screen.seen.how == "adopted" and not screen.running)
        assert app.session.journey.state("run") == "ok"


async def test_run_shows_at_once_what_was_saved() -> None:
    saved = Journey("demo", "rehearsal", at="run").having(RunRecord("http://127.0.0.1:9", 0, "0.16.12"))
    app = real(SimpleNamespace(), "run", saved)
    async with app.run_test() as pilot:
        await quiet(pilot)
        text = shown(app)
        assert "http://127.0.0.1:9" in text
        assert "0.16.12" in text
        assert "F5 asks whether it still runs" in text


async def test_publish_names_the_command_that_pushes(services: Services, copied: list[str]) -> None:
    app = real(services, "publish")
    async with app.run_test() as pilot:
        await quiet(pilot)
        assert "not built yet" in shown(app)
        await pilot.press("f4")
        await until(pilot, lambda: copied)
        assert copied == ["arbius-tui login && cog push r8.im/OWNER/NAME"]


# Wire-in and After


@pytest.mark.parametrize("step", ["wire_in", "after"])
async def test_before_the_registration_enter_leads_there(step: str, services: Services) -> None:
    app = real(services, step)
    async with app.run_test() as pilot:
        await quiet(pilot)
        assert "No model is registered yet." in shown(app)
        assert app.session.journey.state(step) == "-"
        await pilot.press("enter")
        await until(pilot, lambda: app.step == "register")


async def test_the_end_of_a_real_rehearsal(services: Services, copied: list[str]) -> None:
    walk = Walk(MemoryStore(Journey("demo", "rehearsal", str(example_model()))), services)
    for step in ("run", "seed_test", "template", "pin", "wallet", "register"):
        await collect(walk, step, Author())
    record = walk.journey.get(RegisterRecord)
    assert record
    app = real(services, "wire_in", walk.journey)
    async with app.run_test() as pilot:
        await quiet(pilot)
        await pilot.press("f4")
        await until(pilot, lambda: copied)
        assert json.loads(copied.pop())["demo"]["id"] == record.model_id
        assert record.model_id in shown(app)
        await pilot.press("f10")
        await until(pilot, lambda: app.step == "after" and app.session.journey.state("after") == "ok")
        await quiet(pilot)
        text = shown(app)
        assert "The journey is complete" in text
        assert "arbius-tui DIR" in text
        assert record.model_id in text, "in full in the finding"
        await pilot.press("f4")
        await until(pilot, lambda: copied)
        assert copied.pop() == record.model_id
        await pilot.press("down", "f4")
        await until(pilot, lambda: copied)
        assert copied[0].startswith(record.tx_hash)


# Every screen

OURS = ("checks", "model", "run", "publish", "wire_in", "after")


@pytest.mark.parametrize("step", OURS)
async def test_help_names_each_key_once_and_says_why(step: str) -> None:
    screen = load(step)
    assert len(screen.why) > 100
    ids = [binding.id for binding in screen.BINDINGS if isinstance(binding, Binding)]
    assert len(ids) == len(set(ids))


# Pictures

CHECKS = [
    Check("docker-daemon", "containers", "FAIL", "does not answer", "cog builds your image", ("run", "publish"),
          Fix("start it", "sudo systemctl start docker"), "Cannot connect to the daemon", 0.024, "docker daemon"),
    Check("gpu-runtime", "gpu", "wait", "(needs: docker daemon)", "docker run needs it", ("run",), None,
          "", 0.0, "gpu runtime", ("docker-daemon",)),
    Check("cog", "cog", "ok", "0.22.0  /usr/local/bin/cog", "it makes an image", ("run",), None, "cog 0.22.0",
          0.118, "cog"),
    Check("kubo", "ipfs", "warn", "not installed", "the daemon is started with it", ("pin",),
          Fix("install Kubo, or name a node elsewhere with --ipfs"), "", 0.0, "kubo binary"),
    Check("rpc", "chain", "off", "no network", "the transaction is sent through it", ("register",), None, "", 0.3,
          "rpc chain id"),
]  # fmt: skip
FACTS = [
    Fact("folder", "folder", "ok", "~/models/my-sdxl", "the folder that is looked at; nothing is written into it"),
    Fact("cog-yaml", "cog.yaml", "ok", "python 3.11, wants a GPU", "cog builds the image from it"),
    Fact("predictor", "predictor", "ok", "predict.py:Predictor", "the class whose method miners call"),
    Fact("inputs", "inputs", "ok", "prompt, width, height, seed", "these become the template's inputs"),
    Fact("seed", "seed", "ok", "integer, no default, 0 to no most, used", "miners set it for every task"),
    Fact("findings", "findings", "ok", "none so far; the proof is step 4 Seed test", "what would make bytes differ"),
]
WRONG = [
    FindingSeen(
        "a",
        "error",
        "seed-ignored",
        "the seed has no effect on the output",
        "every seed gives the same bytes",
        Fix("seed the generators that the output depends on"),
        "predict.py",
        31,
    ),
    FindingSeen(
        "b",
        "warn",
        "output-shape",
        "the output is one file, not a list of one",
        "the published miner and gobius want a list of exactly one; kasumi-3 takes both",
        Fix("return a list with exactly one file"),
        "predict.py",
        44,
        "--- a/predict.py\n+++ b/predict.py\n@@ -43,4 +43,4 @@\n         image = self.pipe(prompt).images[0]\n"
        "         image.save(path)\n-        return path\n+        return [path]\n \n",
    ),
]
AFTER = [
    Status("on-chain", "on chain", "ok", ID, "miners and the website find the model by this id"),
    Status("transaction", "transaction", "ok", f"{TX} in block 391,204,118", "the proof of when it was registered"),
    Status("template", "template file", "warn", "my-sdxl.json has changed since", "its bytes are the CID"),
    Status("retrievable", "template block", "ok", f"{CID} in kubo 127.0.0.1:5001", "miners read it by its CID"),
]
ENTRY = json.dumps({"my_sdxl": {"id": ID, "mineable": False, "contracts": {}, "params": {"addr": "0x52", "fee": "0"}}},
                   indent=2).splitlines()  # fmt: skip
DOWN = NotReady("model-failed", "the model's setup() failed", why="it cannot predict", fix="read the log",
                detail="ValueError: no weights")  # fmt: skip
SCRIPTS: dict[str, tuple[str, Sequence[Any]]] = {
    "checks": ("checks", [*(Found(replace(c, state="wait")) for c in CHECKS), *map(Found, CHECKS),
                          Done(False, 3, {}, "FAIL")]),
    "model": ("model", [*map(Found, FACTS), Trouble(no_image("/m")), Done(True)]),
    "model-findings": ("model", [*map(Found, [*FACTS[:5], replace(FACTS[5], state="FAIL", found="1 error, 1 warning")]),
                                 *map(Found, WRONG), Trouble(no_image("/m")), Done(True, state="FAIL")]),
    "no-model": ("model", []),
    "run": ("run", [Line("started http://127.0.0.1:5000"),
                    Found(HealthSeen("server", "STARTING", "loading weights", "", "http://127.0.0.1:5000", "started")),
                    Found(HealthSeen("server", "READY", "loading weights\nwarm", "0.23.1", "http://127.0.0.1:5000",
                                     "started")),
                    Found(FACTS[3]), Saved(RunRecord("http://127.0.0.1:5000", 1, "0.23.1", cpu_only=True)),
                    Done(True)]),
    "run-failed": ("run", [Found(HealthSeen("server", "SETUP_FAILED", "Traceback\nValueError: no weights", "0.23.1",
                                            "http://127.0.0.1:5000", "started")), DOWN]),
    "no-run": ("run", []),
    "publish": ("publish", [Found(FACTS[0]), Trouble(Problem("not-built-yet", "pushing is not built", "others try it",
                                                             Fix("push by hand", "cog push r8.im/OWNER/NAME"),
                                                             severity="info")), Done(True, state="off")]),
    "wire_in": ("wire_in", [*map(Line, ENTRY), Done(True, state="off")]),
    "no-wire_in": ("wire_in", []),
    "after": ("after", [*map(Found, AFTER), Done(True)]),
}  # fmt: skip


def scripted(name: str, palette: str = "dark") -> ArbiusApp:
    """The real screen of a step on invented data; nothing in it depends on the time or the place."""
    step, script = SCRIPTS[name]
    base = load(step)
    screen = type(base.__name__, (base,), {"work": lambda self: Scripted(script)})
    start = Journey("my-sdxl", "one", "" if name == "no-model" else "/m", step, {}, {}, "2026-01-02T12:41:07")
    if step == "after" or name == "wire_in":
        start = start.having(RegisterRecord("mined", ID, ID, CID, tx_hash=TX))
    start = start.having(Place(at=step, states=dict.fromkeys(("model", "wallet"), "ok")))

    def screens(wanted: str) -> type[StepScreen]:
        return screen if wanted == step else load(wanted)

    async def open_walk() -> Walk:
        services: Any = SimpleNamespace(builder=None)
        return Walk(MemoryStore(start), services)

    app = ArbiusApp(open_walk, start, palette=palette, screens=screens, log_dir=Path(os.environ["HOME"]))
    app.session.clock = lambda: 0.0
    return app


PICTURES = WeakKeyDictionary[ArbiusApp, str]()


async def ready(pilot: Pilot[Any]) -> None:
    """Started by hand where it does not start by itself, and at its end."""
    await quiet(pilot)
    app: Any = pilot.app
    if PICTURES[app] == "model-findings":
        await pilot.press("end")
        await pilot.pause()
    if isinstance(app.screen, load("run")) and SCRIPTS[PICTURES[app]][1]:
        await pilot.press("enter")
        await quiet(pilot)
        await until(pilot, lambda: not app.screen.tail._due)
    await still(pilot)


def picture(name: str, palette: str = "dark") -> ArbiusApp:
    app = scripted(name, palette)
    PICTURES[app] = name
    return app


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("name", SCRIPTS)
def test_the_look(name: str, size: tuple[int, int], snap_compare: Any) -> None:
    assert snap_compare(picture(name), terminal_size=size, run_before=ready)


@pytest.mark.parametrize("palette", ["light", "ansi", "mono"])
@pytest.mark.parametrize("name", ["checks", "run"])
def test_the_look_in_other_palettes(name: str, palette: str, snap_compare: Any) -> None:
    assert snap_compare(picture(name, palette), terminal_size=(80, 24), run_before=ready)
