"""Model: every model of ours with its findings, the shape that scripts rely on, the lines of text, hostile files."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from arbius_tui.domain.events import Done, Event, Found, Saved, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.records import ModelRecord
from arbius_tui.plain import lines
from arbius_tui.plain.faces import JsonFace, TextFace
from arbius_tui.rehearsal.example import example_model
from arbius_tui.services.memory_store import MemoryStore
from arbius_tui.services.scaffold import scaffold
from arbius_tui.steps.base import Walk
from arbius_tui.steps.model import Fact, FindingSeen, as_json
from tests.steps.conftest import collect, end
from tests.test_cli import run

MODELS = Path(__file__).parents[1] / "models"
FOUND = {
    "big": ("warn", ["output-shape"]),
    "crash": ("FAIL", ["seed-ignored", "output-shape"]),
    "dict": ("warn", ["output-shape"]),
    "files": ("warn", ["output-shape"]),
    "finestamp": ("FAIL", ["time-in-output", "output-shape"]),
    "hashseed": ("FAIL", ["hash-randomisation", "output-shape"]),
    "iter": ("FAIL", ["seed-ignored", "output-shape"]),
    "largeseed": ("FAIL", ["unseeded-randomness", "output-shape"]),
    "leak": ("warn", ["output-shape"]),
    "metauuid": ("FAIL", ["unseeded-randomness", "output-shape"]),
    "mimes": ("warn", ["no-seed", "output-shape"]),
    "narrow": ("warn", ["output-shape"]),
    "nondet": ("FAIL", ["unseeded-randomness", "output-shape"]),
    "npseed": ("FAIL", ["seed-over-32-bits", "output-shape"]),
    "seedignored": ("FAIL", ["seed-ignored", "output-shape"]),
    "setupfail": ("warn", ["no-seed", "output-shape"]),
    "shapes": ("warn", ["output-shape"]),
    "slow": ("warn", ["output-shape"]),
    "slowsetup": ("warn", ["no-seed", "output-shape"]),
    "stamp": ("FAIL", ["time-in-output", "output-shape"]),
    "stateful": ("FAIL", ["state-between-predictions", "output-shape"]),
    "text": ("warn", ["output-shape"]),
    "types": ("warn", ["no-seed", "output-shape"]),
    "zeroseed": ("warn", ["output-shape", "seed-zero"]),
}
HOSTILE = """from cog import BasePredictor, Input, Path

class Predictor(BasePredictor):
    def predict(self, seed: int = Input(default=0), text: str = Input(
        default="\x1b]0;stolen\x07[@click=app.quit]x[/]", choices=["\u202eabc", "\x1b[2J"])) -> Path:
        # \x1b]52;c;cm0gLXJmIH4=\x07 \u202e beside the line that the patch changes
        Path("/tmp/o").write_text(f"{seed}{text}")
        return Path("/tmp/o")
"""
STEERING = {"\x1b", "\x07", "\u202e", "\x9b"}


def walk_on(folder: Path | str) -> Walk:
    """The step reads files only: no service is needed."""
    services: Any = SimpleNamespace(builder=None)
    return Walk(MemoryStore(Journey("demo", "one", str(folder))), services)


def found(events: list[Event]) -> list[FindingSeen]:
    return [e.item for e in events if isinstance(e, Found) and isinstance(e.item, FindingSeen)]


def facts(events: list[Event]) -> dict[str, Fact]:
    return {e.item.id: e.item for e in events if isinstance(e, Found) and isinstance(e.item, Fact)}


def model(folder: Path, predictor: str, config: str = 'predict: "predict.py:Predictor"\n') -> Path:
    (folder / "cog.yaml").write_text(config, "utf-8")
    (folder / "predict.py").write_text(predictor, "utf-8")
    return folder


def shown(events: list[Event]) -> tuple[str, str]:
    """The same events as text (both streams) and as JSON lines."""
    text, machine = io.StringIO(), io.StringIO()
    for face in (TextFace(text, text, text), JsonFace(machine)):
        for event in events:
            face.show("model", event)
    return text.getvalue(), machine.getvalue()


@pytest.mark.parametrize("name", sorted(path.name for path in MODELS.iterdir() if (path / "cog.yaml").is_file()))
async def test_every_model_of_ours_has_the_findings_it_was_written_for(name: str) -> None:
    state, codes = FOUND[name]
    walk = walk_on(MODELS / name)
    events = await collect(walk, "model")
    seen, done = found(events), end(events)
    assert [one.code for one in seen] == codes
    assert len({one.id for one in seen}) == len(seen)
    assert [f["code"] for f in done.result["findings"]] == codes
    assert (done.ok, done.exit, done.state, walk.journey.state("model")) == (True, 0, state, state)
    assert facts(events)["findings"].state == state
    told = [e.problem.code for e in events if isinstance(e, Trouble)]
    assert told == [*codes, "no-image-here"]


async def test_the_example_and_a_new_model_have_none_and_that_is_said_calmly(tmp_path: Path) -> None:
    scaffold(tmp_path / "new")
    for folder in (example_model(), tmp_path / "new"):
        events = await collect(walk_on(folder), "model")
        assert found(events) == []
        assert end(events).state == "ok"
        assert facts(events)["findings"].found.startswith("none so far")
        assert facts(events)["seed"].found == "integer, default 0, 0 to no most, used"


async def test_what_is_saved_and_what_scripts_read() -> None:
    events = await collect(walk_on(MODELS / "big"), "model")
    (record,) = [e.change for e in events if isinstance(e, Saved)]
    assert record == ModelRecord(str(MODELS / "big"), "predict.py:Predictor", ("mb", "seed", "ext"))
    result = end(events).result
    assert list(result) == ["config", "inputs", "seed", "findings"]
    assert set(result["inputs"][0]) == {"name", "type", "default", "min", "max", "choices", "order"}
    assert result["seed"] == {
        "present": True, "type": "integer", "default": 0, "min": None, "max": None, "used": True
    }  # fmt: skip
    (finding,) = result["findings"]
    assert set(finding) == {"code", "severity", "what", "why", "fix", "detail", "path", "file", "line", "patch"}
    assert (finding["path"], finding["file"], finding["line"]) == ("predict.py:6", "predict.py", 6)
    assert finding["patch"].startswith("--- a/predict.py\n+++ b/predict.py\n")


async def test_reading_again_forgets_nothing_else_and_heals_a_damaged_record() -> None:
    walk = walk_on(MODELS / "big")
    await collect(walk, "model")
    before = walk.journey.records["model"]
    walk.journey = replace(walk.journey, records={"model": {"folder": [1], "inputs": 5}})
    events = await collect(walk, "model")
    assert end(events).ok
    assert walk.journey.records["model"] == before


async def test_the_lines_of_a_finding_say_where_why_and_the_whole_patch() -> None:
    text, _ = shown(await collect(walk_on(MODELS / "big"), "model"))
    assert "  warn  the output is one file, not a list of one (predict.py:6)\n    why  " in text
    assert "  a patch for output-shape (predict.py:6)\n    patch  --- a/predict.py\n" in text
    assert "    patch  +        return [p]\n" in text
    assert "the rehearsal builds no image" in text


def test_a_note_is_said_once_and_in_full() -> None:
    note = FindingSeen("a", "info", "not-followed", "too deep", "so it is not known", None, "predict.py", 0)
    assert lines.text("model", Found(note)) == ["  note  too deep (predict.py)", "    why  so it is not known"]


async def test_a_source_that_wants_to_steer_the_terminal_is_only_text(tmp_path: Path) -> None:
    config = 'predict: "predict.py:Predictor"\nbuild:\n  "\\e]0;x\\a\\u202E": 1\n  system_packages: ["\\e[2J"]\n'
    events = await collect(walk_on(model(tmp_path, HOSTILE, config)), "model")
    text, machine = shown(events)
    assert not STEERING & set(text)
    assert machine.isascii()
    assert not STEERING & set(machine)
    assert not any(STEERING & set(f.found + f.title) for f in facts(events).values())
    assert not any(STEERING & set(f"{s.id}{s.what}{s.why}{s.fix}{s.file}") for s in found(events))
    patches = [one.patch for one in found(events) if one.patch]
    assert any("\x1b]52" in patch for patch in patches), "a patch has to fit the file byte for byte"


@pytest.mark.parametrize("config", [
    "", "[", "- a", "a: &a [*a]", "a: &a {b: *a}", "predict: 5", 'predict: "predict.py:Nobody"',
    'predict: "gone.py:Predictor"', "a: .nan\nb: .inf\nc: 2001-01-01\n? [x, y]\n: z", "a: " + "9" * 9000,
    "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)),
    "a: " + "[" * 300 + "]" * 300,
])  # fmt: skip
async def test_no_config_keeps_the_reading_from_its_end(config: str, tmp_path: Path) -> None:
    events = await collect(walk_on(model(tmp_path, "class Predictor: pass\n", config)), "model")
    _, machine = shown(events)
    done = json.loads(machine.splitlines()[-1])
    assert (done["event"], done["ok"], done["exit"]) == ("done", True, 0)
    assert done["result"]["findings"]
    assert len(machine) < 2_000_000


def test_values_that_json_does_not_have_become_text() -> None:
    endless: list[Any] = [1]
    endless.append(endless)
    data = {1: float("inf"), "n": 10**5000, "t": (True, None, 2.5), "e": endless}
    written = json.loads(json.dumps(as_json(data), allow_nan=False))
    assert (written["1"], written["t"], written["n"][:2]) == ("inf", [True, None, 2.5], "0x")
    assert "..." in json.dumps(written["e"])


@pytest.mark.parametrize(("files", "code"), [({}, "no-cog-yaml"), (None, "no-such-folder")])
async def test_a_folder_that_cannot_be_read_is_a_failure(
    files: dict[str, str] | None, code: str, tmp_path: Path
) -> None:
    events = await collect(walk_on(tmp_path if files is not None else tmp_path / "nowhere"), "model")
    assert [e.problem.code for e in events if isinstance(e, Trouble)] == [code]
    assert end(events) == Done(False, 2)


async def test_files_that_were_not_read_are_named(tmp_path: Path) -> None:
    scaffold(tmp_path / "new")
    (tmp_path / "new" / "weights.py").write_text("#" * 1_000_001)
    events = await collect(walk_on(tmp_path / "new"), "model")
    assert "weights.py" in facts(events)["left-out"].found


def test_a_new_model_from_the_command_line(tmp_path: Path) -> None:
    made = run("model", "new", str(tmp_path / "mine"))
    assert made.returncode == 0
    names = ["cog.yaml", "predict.py", "requirements.txt", ".dockerignore"]
    assert made.stdout.splitlines() == [str(tmp_path / "mine" / name) for name in names]
    again = run("model", "new", str(tmp_path / "mine"))
    assert (again.returncode, again.stdout) == (2, "")
    assert "is not empty" in again.stderr
    assert "fix" in again.stderr
    read = run("model", str(tmp_path / "mine"), "--json")
    assert json.loads(read.stdout.splitlines()[-1])["result"]["findings"] == []
    as_data = run("model", "new", str(tmp_path / "other"), "--json")
    (line,) = as_data.stdout.splitlines()
    assert json.loads(line)["result"] == {
        "folder": str(tmp_path / "other"), "files": [str(tmp_path / "other" / name) for name in names]
    }  # fmt: skip


def test_new_needs_a_folder_and_a_folder_named_new_can_be_read(tmp_path: Path) -> None:
    alone = run("model", "new", cwd=tmp_path)
    assert (alone.returncode, list(tmp_path.iterdir())) == (2, [])
    assert "arbius-tui model new DIR" in alone.stderr
    assert run("model", "here", "there", cwd=tmp_path).returncode == 2
    assert run("model", "new", "new", cwd=tmp_path).returncode == 0
    assert run("model", "./new", cwd=tmp_path).returncode == 0
