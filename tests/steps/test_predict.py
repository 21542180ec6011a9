"""One prediction: inputs by the model's schema, outputs kept or not, on real Cog servers and in a real container."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from arbius_tui.domain import cid
from arbius_tui.domain.errors import NeedsInput
from arbius_tui.domain.events import Event, Found, Line, Trouble
from arbius_tui.domain.inputs import ModelInput
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Question
from arbius_tui.domain.records import RunRecord
from arbius_tui.domain.secret import Secret
from arbius_tui.plain.faces import JsonFace, TextFace
from arbius_tui.rehearsal.example import example_model
from arbius_tui.services.memory_store import MemoryStore
from arbius_tui.services.ports import Health, Prediction, Server, Services
from arbius_tui.steps.base import Walk
from arbius_tui.steps.predict import InputsSeen, OutputSeen, Predict, Predicted, ReadInputs, answered
from arbius_tui.steps.run import HealthSeen
from tests.services.test_predictions import EXAMPLE_1337, GENERATIONS, ready
from tests.steps.conftest import Author, collect, end

EXE = str(Path(sys.executable).parent / "arbius-tui")


def problems(events: list[Event]) -> list[str]:
    return [event.problem.code for event in events if isinstance(event, Trouble)]


def items(events: list[Event], kind: type) -> list[Any]:
    return [event.item for event in events if isinstance(event, Found) and isinstance(event.item, kind)]


def said(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, Line) and not event.source]


async def tried(walk: Walk, *pairs: str, author: Author | None = None, **more: Any) -> list[Event]:
    return await collect(walk, "run", author, Predict(pairs, **more))


@asynccontextmanager
async def at(folder: str | Path, services: Services, state: Path, generation: str = "0.23") -> AsyncIterator[Walk]:
    """A walk whose server is this model on a real Cog server."""
    async with ready(folder, state, generation) as (url, _):
        yield Walk(MemoryStore(Journey("demo", "one").having(RunRecord(url))), services)


# -- on real servers of three generations


@GENERATIONS
async def test_a_picture_is_decoded_hashed_measured_and_kept(
    generation: str, services: Services, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    async with at(example_model(), services, tmp_path / "server", generation) as walk:
        events = await tried(walk, "prompt=arbius test cat", "seed=1337", out=out)
    assert problems(events) == []
    (seen,) = items(events, OutputSeen)
    assert (seen.filename, seen.mime, seen.sha256) == ("out-1.png", "image/png", EXAMPLE_1337)
    assert (seen.width, seen.height, seen.path) == (64, 64, str(out / "out-1.png"))
    data = (out / "out-1.png").read_bytes()
    assert hashlib.sha256(data).hexdigest() == EXAMPLE_1337
    result = end(events).result
    assert result["outputs"][0] == {
        "filename": "out-1.png", "mime": "image/png", "bytes": len(data), "sha256": EXAMPLE_1337,
        "width": 64, "height": 64, "path": str(out / "out-1.png"),
    }  # fmt: skip
    assert result["folder_cid"] == cid.folder_cid({"out-1.png": data})
    assert result["inputs"] == {
        "prompt": "arbius test cat", "width": 64, "height": 64, "num_inference_steps": 10, "guidance_scale": 4,
        "scheduler": "euler", "seed": 1337,
    }  # fmt: skip
    assert [path.name for path in out.iterdir()] == ["out-1.png"]
    assert walk.journey.state("run") == "ok"


@GENERATIONS
async def test_a_text_is_shown_and_written(generation: str, services: Services, tmp_path: Path) -> None:
    async with at("text", services, tmp_path / "server", generation) as walk:
        events = await tried(walk, "prompt=hi", out=tmp_path / "out")
    (seen,) = items(events, OutputSeen)
    assert (seen.mime, seen.filename) == ("text/plain", "out-1.txt")
    assert (tmp_path / "out/out-1.txt").read_text() == seen.text
    assert seen.text.startswith("hi -> ")


async def test_several_files_lie_in_the_order_of_their_names(services: Services, tmp_path: Path) -> None:
    async with at("mimes", services, tmp_path / "server") as walk:
        events = await tried(walk, "exts=png,mp4,wav,txt,glb", out=tmp_path / "out")
    names = [seen.filename for seen in items(events, OutputSeen)]
    assert names == ["out-1.png", "out-2.mp4", "out-3.wav", "out-4.txt", "out-5.bin"] or names[:4] == [
        "out-1.png", "out-2.mp4", "out-3.wav", "out-4.txt",
    ]  # fmt: skip
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(names)
    assert {path.read_bytes() for path in (tmp_path / "out").iterdir()} == {b"x"}


async def test_a_file_and_values_of_an_object_are_all_kept(services: Services, tmp_path: Path) -> None:
    async with at("dict", services, tmp_path / "server") as walk:
        events = await tried(walk, "seed=7", out=tmp_path / "out")
    assert problems(events) == []
    assert (tmp_path / "out/out-1.png").read_bytes() == b"\x89PNG\x07"
    rest = json.loads((tmp_path / "out/out-2.json").read_text())
    assert rest["caption"] == "hi"


async def test_a_big_output_goes_to_disk_as_it_comes(services: Services, tmp_path: Path) -> None:
    async with at("big", services, tmp_path / "server") as walk:
        events = await tried(walk, "mb=80", "seed=3", out=tmp_path / "out")
    (seen,) = items(events, OutputSeen)
    data = (tmp_path / "out" / seen.filename).read_bytes()
    assert (seen.bytes, seen.sha256) == (80 * 1024 * 1024, hashlib.sha256(data).hexdigest())
    assert end(events).result["folder_cid"] == cid.folder_cid({seen.filename: data})


async def test_a_model_that_raises_has_its_words_and_leaves_no_file(services: Services, tmp_path: Path) -> None:
    async with at("crash", services, tmp_path / "server") as walk:
        events = await tried(walk, "mode=raise", out=tmp_path / "out")
        assert (problems(events), end(events).exit) == (["model-failed"], 3)
        assert items(events, OutputSeen) == []
        assert list((tmp_path / "out").iterdir()) == []
        assert walk.journey.state("run") == "ok", "the server runs on"
        assert end(await tried(walk, "mode=ok", out=tmp_path / "out")).ok


async def test_a_prediction_that_is_cancelled_leaves_nothing(services: Services, tmp_path: Path) -> None:
    out = tmp_path / "out"
    async with at("crash", services, tmp_path / "server") as walk:
        record = walk.journey.get(RunRecord)
        assert record
        task = asyncio.create_task(tried(walk, "mode=ok", "secs=60", out=out))
        for _ in range(2000):
            if (await services.predictions.health(record.url)).status == "BUSY":
                break
        assert [path.name[:12] for path in out.iterdir()] == [".arbius-tui-"]
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert list(out.iterdir()) == []
        assert walk.journey.state("run") == "-", "as it was before"
        assert end(await tried(walk, "mode=ok", out=out)).ok, "a new server is free at once"


async def test_the_form_keeps_the_last_try_and_no_secret(services: Services, tmp_path: Path) -> None:
    async with at("text", services, tmp_path / "server") as walk:
        for prompt in ("one", "two"):
            events = await collect(walk, "run", None, Predict(texts={"prompt": prompt, "seed": ""}, keep=True))
            (seen,) = items(events, OutputSeen)
            assert Path(seen.path).read_text().startswith(prompt)
        assert services.state
        assert [path.name for path in (services.state / "tried").iterdir()] == ["out-1.txt"]
        (read,) = items(await collect(walk, "run", None, ReadInputs()), InputsSeen)
        assert read.typed == {"prompt": "two", "seed": ""}
        assert [item.name for item in read.inputs] == ["prompt", "seed"]


# -- inputs


WRONG = {
    "unknown": (["promt=x"], "input-wrong", "did you mean prompt?"),
    "twice": (["prompt=x", "prompt=y"], "input-wrong", "given twice"),
    "no value": (["prompt"], "input-wrong", "write NAME=VALUE"),
    "bounds": (["prompt=x", "num_inference_steps=51"], "input-wrong", "a whole number from 1 to 50"),
    "choice": (["prompt=x", "width=65"], "input-wrong", "one of 64, 128, 256"),
    "type": (["prompt=x", "seed=abc"], "input-wrong", "seed: a whole number from 0"),
}


@pytest.mark.parametrize("case", WRONG)
async def test_a_wrong_input_is_refused_before_it_is_sent(case: str, walk: Walk) -> None:
    await collect(walk, "run")
    pairs, code, says = WRONG[case]
    events = await tried(walk, *pairs)
    assert (problems(events), end(events).exit) == ([code], 2)
    assert says in next(event.problem.what for event in events if isinstance(event, Trouble))
    assert not any(text.startswith("predicting") for text in said(events))
    assert walk.journey.state("run") == "ok"


class Fake:
    """A server that takes what a schema says and gives a text; remembers what it was asked."""

    def __init__(self, properties: dict[str, Any], required: list[str]) -> None:
        schema = {"properties": properties, "required": required}
        self.document = {"components": {"schemas": {"Input": schema}}}
        self.asked: dict[str, Any] = {}

    async def health(self, url: str) -> Health:
        return Health("READY")

    async def schema(self, url: str) -> dict[str, Any]:
        return self.document

    async def wait_ready(self, url: str, limit: float) -> AsyncGenerator[Health, None]:
        yield Health("READY")

    async def predict(self, url: str, inputs: Any, limit: float = 0, folder: Path | None = None) -> Prediction:
        self.asked = dict(inputs)
        return Prediction((), 0.1)


def faked(services: Services, properties: dict[str, Any], required: list[str]) -> tuple[Walk, Fake]:
    fake = Fake(properties, required)
    known = Journey("demo", "one").having(RunRecord("http://127.0.0.1:9"))
    return Walk(MemoryStore(known), replace(services, predictions=fake)), fake


async def test_a_file_goes_as_a_data_url_and_is_not_shown(services: Services, tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    data = io.BytesIO()
    Image.effect_noise((40, 40), 90).save(data, "PNG")
    picture.write_bytes(data.getvalue())
    walk, fake = faked(services, {"image": {"type": "string", "format": "uri"}}, ["image"])
    events = await tried(walk, f"image=@{picture}")
    assert fake.asked["image"] == "data:image/png;base64," + base64.b64encode(data.getvalue()).decode()
    assert end(events).result["inputs"]["image"].startswith("data:image/png;base64,.. (")
    assert problems(await tried(walk, f"image=@{tmp_path}/none.png")) == ["cannot-read"]
    await tried(walk, "image=https://example.org/a.png")
    assert fake.asked["image"] == "https://example.org/a.png"


async def test_a_secret_comes_from_a_file_and_is_never_shown(services: Services, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("hunter2\nmore")
    walk, fake = faked(services, {"token": {"type": "string", "format": "password"}}, ["token"])
    events = await tried(walk, f"token=@{tmp_path}/token")
    assert fake.asked == {"token": "hunter2"}
    assert end(events).result["inputs"] == {"token": "<secret>"}
    assert "hunter2" not in repr(events)
    refused = await tried(walk, "token=hunter3")
    assert problems(refused) == ["input-wrong"]
    assert "hunter3" not in repr(refused)
    await tried(walk)
    assert fake.asked == {"token": "a password"}, "asked for"
    events = await collect(walk, "run", None, Predict(texts={"token": "hunter4"}, keep=True))
    assert fake.asked == {"token": "hunter4"}
    assert "hunter4" not in repr(walk.journey.records)
    assert "hunter4" not in repr(events)


async def test_a_seed_is_always_sent_and_what_has_no_default_is_asked(services: Services) -> None:
    properties = {
        "prompt": {"type": "string", "x-order": 0},
        "seed": {"type": "integer", "x-order": 1},
        "size": {"type": "integer", "enum": [64, 128], "x-order": 2},
        "negative": {"type": "string", "x-order": 3},
    }
    walk, fake = faked(services, properties, ["prompt", "size"])
    author = Author(**{"input.prompt": "a cat", "input.size": "128"})
    events = await tried(walk, author=author)
    assert fake.asked == {"prompt": "a cat", "seed": 33111, "size": 128}
    assert [question.id for question in author.asked] == ["input.prompt", "input.size"]
    assert "seed 33111, the guide's own" in " ".join(said(events))


async def test_without_an_answer_it_ends_with_ten_and_names_the_flag(services: Services) -> None:
    class Nobody(Author):
        async def __call__(self, question: Question) -> str:
            raise NeedsInput("needs-input", "nobody")

        async def secret(self, question: Question) -> Secret:
            raise NeedsInput("needs-input", "nobody")

    walk, _ = faked(services, {"prompt": {"type": "string"}}, ["prompt"])
    events = await tried(walk, author=Nobody())
    assert (problems(events), end(events).exit) == (["needs-input"], 10)
    (problem,) = [event.problem for event in events if isinstance(event, Trouble)]
    assert problem.fix
    assert "-i prompt=VALUE" in problem.fix.text


async def test_a_wrong_answer_is_asked_again_but_the_same_one_not_for_ever() -> None:
    steps = ModelInput("steps", "integer", 0, True, min=1, max=50)
    answers = iter(["0", "x", "7"])

    class Trying(Author):
        async def __call__(self, question: Question) -> str:
            self.asked.append(question)
            return next(answers)

    author = Trying()
    assert await answered(steps, author) == 7
    assert "'0' is none: a whole number from 1 to 50" in author.asked[1].why
    with pytest.raises(ValueError, match="a whole number from 1 to 50"):
        await answered(steps, Author(**{"input.steps": "99"}))


# -- the server


async def test_without_a_server_there_is_nobody_to_ask(services: Services) -> None:
    walk = Walk(MemoryStore(Journey("demo", "one")), services)
    for step in (Predict(), ReadInputs()):
        events = await collect(walk, "run", None, step)
        assert (problems(events), end(events).exit) == (["no-server"], 2)


async def test_a_server_that_is_away_is_said_at_once(services: Services) -> None:
    walk = Walk(MemoryStore(Journey("demo", "one")), services)
    events = await tried(walk, endpoint="http://127.0.0.1:1/")
    assert (problems(events), end(events).exit) == (["endpoint-unreachable"], 3)
    assert end(events).result == {"url": "http://127.0.0.1:1", "outputs": []}


async def test_a_server_that_still_starts_is_waited_for(services: Services, tmp_path: Path) -> None:
    from tests.services.test_predictions import model

    async with model("slowsetup", tmp_path / "server") as (url, _):
        walk = Walk(MemoryStore(Journey("demo", "one")), services)
        events = await tried(walk, endpoint=url)
    assert [seen.status for seen in items(events, HealthSeen)] == ["STARTING", "READY"]
    assert problems(events) == ["no-schema"], "this model was never built by cog"


async def test_the_rehearsals_server_that_ended_is_started_again(walk: Walk) -> None:
    await collect(walk, "run")
    record = walk.journey.get(RunRecord)
    assert record
    os.kill(record.pid, 9)
    for _ in range(2000):
        if not await walk.services.servers.alive(Server(record.url, record.pid, started_by_us=True)):
            break
    events = await tried(walk, "prompt=a cat")
    assert said(events)[0] == "the server had ended and was started again"
    assert end(events).ok
    (whole,) = items(events, Predicted)
    assert whole.cpu_only
    assert end(events).result["cpu_only"] is True


async def test_outputs_that_are_there_are_refused_before_anything_is_asked(services: Services, tmp_path: Path) -> None:
    (tmp_path / "out-3.png").write_text("old")
    walk = Walk(MemoryStore(Journey("demo", "one")), services)
    events = await tried(walk, endpoint="http://127.0.0.1:1", out=tmp_path)
    assert (problems(events), end(events).exit) == (["output-exists"], 2)


async def test_every_face_says_the_same(walk: Walk) -> None:
    await collect(walk, "run")
    events = await tried(walk, "prompt=a cat", "seed=1")
    text, lines = io.StringIO(), io.StringIO()
    for face in (TextFace(text, text, text), JsonFace(lines)):
        for event in events:
            face.show("run", event)
    (seen,) = items(events, OutputSeen)
    assert f"out-1.png  image/png  {seen.bytes:,} B  64 x 64 pixels  sha256 {seen.sha256}" in text.getvalue()
    assert "CPU-ONLY" in text.getvalue()
    found = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [line["kind"] for line in found if line["event"] == "found"] == ["output", "prediction"]
    assert seen.path == "", "nothing was kept"


# -- as a user types it


@pytest.fixture
def folder() -> Any:
    """A folder whose name no other test's journey has."""
    made = Path(tempfile.mkdtemp(prefix=f"model-{secrets.token_hex(3)}-"))
    yield made
    shutil.rmtree(made)


def typed(folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([EXE, "predict", *argv], capture_output=True, text=True, timeout=120, cwd=folder)
    assert "Traceback" not in done.stdout + done.stderr
    return done


async def test_the_command_predicts_at_an_endpoint(folder: Path, tmp_path: Path) -> None:
    async with ready("text", tmp_path) as (url, _):
        run = asyncio.to_thread
        done = await run(typed, folder, "--endpoint", url, "-i", "prompt=hi", "-o", "out", "--json", "--no-input")
        assert done.returncode == 0, done.stdout
        last = json.loads(done.stdout.splitlines()[-1])
        assert last["event"] == "done"
        (found,) = last["result"]["outputs"]
        data = (folder / "out/out-1.txt").read_bytes()
        assert (found["sha256"], found["bytes"]) == (hashlib.sha256(data).hexdigest(), len(data))
        again = await run(typed, folder, "--endpoint", url, "-i", "prompt=hi", "-o", "out")
        assert again.returncode == 2
        assert "is there already" in again.stderr
        nobody = await run(typed, folder, "--endpoint", url, "--no-input")
        assert nobody.returncode == 10
        assert "-i prompt=VALUE" in nobody.stderr


def test_the_command_without_a_server_says_so(folder: Path) -> None:
    done = typed(folder, "--no-input")
    assert done.returncode == 2
    assert "there is no server to ask" in done.stderr
