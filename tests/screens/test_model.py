"""The Model screen on real folders: findings are rows, the patch of one is shown and copied, nothing steers."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from arbius_tui.app import ArbiusApp
from arbius_tui.domain.journey import Journey
from arbius_tui.rehearsal.example import example_model
from arbius_tui.screens.reading import focused, pasted, shortened
from arbius_tui.services.memory_store import MemoryStore
from arbius_tui.steps.base import Walk
from tests.screens import test_steps_a as steps
from tests.steps.test_model import HOSTILE, MODELS, STEERING, model

copied = steps.copied


def on(folder: Path) -> ArbiusApp:
    """The wizard at Model, which needs no service."""
    start = Journey("demo", "one", str(folder), at="model")

    async def open_walk() -> Walk:
        services: Any = SimpleNamespace(builder=object())
        return Walk(MemoryStore(start), services)

    return ArbiusApp(open_walk, start, palette="dark", log_dir=Path(os.environ["HOME"]))


@pytest.mark.parametrize("size", steps.SIZES)
async def test_a_finding_is_a_row_with_its_place_and_its_patch_is_copied(
    size: tuple[int, int], copied: list[str]
) -> None:
    app = on(MODELS / "big")
    async with app.run_test(size=size) as pilot:
        await steps.quiet(pilot)
        assert "there is no image of this model yet" in steps.shown(app)
        await pilot.press("end")
        await steps.until(pilot, lambda: "+        return" in steps.shown(app) or "-> list[Path]" in steps.shown(app))
        text = steps.shown(app)
        assert "FINDINGS" in text
        assert "output-shape  predict.py:6  warn" in text
        assert "return a list with exactly one file" in text
        assert "-> list[Path]:" in text, "what changes is shown, although its line is longer than the screen"
        await pilot.press("f4")
        await steps.until(pilot, lambda: copied)
        assert copied[0].startswith("--- a/predict.py\n")
        assert copied[0].endswith("+        return [p]\n")
        await pilot.press("home")
        await steps.until(pilot, lambda: "there is no image of this model yet" in steps.shown(app))
        assert app.session.journey.state("model") == "warn"


async def test_an_error_in_the_source_is_a_row_and_no_panel(copied: list[str]) -> None:
    app = on(MODELS / "crash")
    async with app.run_test(size=(80, 24)) as pilot:
        await steps.quiet(pilot)
        screen: Any = app.screen
        assert not screen.has_class("-problem")
        assert app.session.journey.state("model") == "FAIL"
        await pilot.press("end", "up")
        await steps.until(pilot, lambda: "seed-ignored  predict.py:6  FAIL" in steps.shown(app))
        await pilot.press("f4")
        await steps.until(pilot, lambda: copied)
        assert copied[0].startswith("seed the generators"), "without a patch the words of the fix"


async def test_rows_of_an_earlier_reading_go(tmp_path: Path) -> None:
    app = on(model(tmp_path, (MODELS / "crash" / "predict.py").read_text()))
    async with app.run_test(size=(80, 24)) as pilot:
        await steps.quiet(pilot)
        await pilot.press("end")
        await steps.until(pilot, lambda: "FINDINGS" in steps.shown(app))
        model(tmp_path, (example_model() / "predict.py").read_text())
        (tmp_path / "cog.yaml").write_bytes((example_model() / "cog.yaml").read_bytes())
        for file in example_model().glob("*.txt"):
            (tmp_path / file.name).write_bytes(file.read_bytes())
        await pilot.press("f5")
        await steps.until(pilot, lambda: "none so far" in steps.shown(app))
        await steps.quiet(pilot)
        assert "FINDINGS" not in steps.shown(app)


async def test_a_folder_that_is_gone_is_the_panel(tmp_path: Path) -> None:
    app = on(tmp_path / "gone")
    async with app.run_test(size=(80, 24)) as pilot:
        await steps.quiet(pilot)
        assert "is not a folder" in steps.shown(app)
        assert app.screen.has_class("-problem")


@pytest.mark.parametrize("size", steps.SIZES)
async def test_a_hostile_predictor_is_only_text(size: tuple[int, int], tmp_path: Path, copied: list[str]) -> None:
    app = on(model(tmp_path, HOSTILE))
    async with app.run_test(size=size) as pilot:
        await steps.quiet(pilot)
        screen: Any = app.screen
        for place in range(len(screen.table.rows.order)):
            await pilot.press("home", *["down"] * place)
            await steps.quiet(pilot)
            assert not STEERING & set(steps.shown(app))
            if screen.here and screen.here.patch:
                copied.clear()
                await pilot.press("f4")
                await steps.until(pilot, lambda: copied)
                assert not STEERING & set(copied[0])
                return
    raise AssertionError("no finding has a patch")


def test_a_patch_is_pasted_as_it_is_unless_something_hides_in_it() -> None:
    assert pasted("-a\r\n+b\r\n") == "-a\r\n+b\r\n"
    assert pasted("-a\x1b[2J\n+b\n") == "-a\n+b\n"


def test_a_patch_without_room_shows_what_changes() -> None:
    patch = "--- a/p\n+++ b/p\n@@ -1,3 +1,3 @@\n one\n-two\n+zwei\n three\n"
    assert shortened(patch, 9) == patch.splitlines()
    assert shortened(patch, 4) == ["@@ -1,3 +1,3 @@", "-two", "+zwei"]
    assert shortened(patch, 2) == ["@@ -1,3 +1,3 @@", "  .. 7 lines in all"]
    old, new = "-" + "x" * 60 + " one", "+" + "x" * 60 + " two"
    assert [
        text.endswith(word) and len(text) < 30
        for text, word in zip(focused([old, new], 40), ("one", "two"), strict=True)
    ]
    assert focused(["-a", "+b"], 40) == ["-a", "+b"]
