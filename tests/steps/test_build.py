"""Build: a cog that is played from recordings of the real one, and Docker's own builder for a Dockerfile."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from arbius_tui.domain.build_log import BuildStep
from arbius_tui.domain.errors import NotReady
from arbius_tui.domain.events import Done, Event, Found, Line, Progress, Trouble
from arbius_tui.domain.images import Image
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.records import ModelRecord
from arbius_tui.rehearsal.example import example_model
from arbius_tui.services.builder import ImageBuilder
from arbius_tui.services.cog import CogCli
from arbius_tui.services.containers import Containers
from arbius_tui.services.containers_engine import Address, Engine
from arbius_tui.services.containers_images import Images
from arbius_tui.services.memory_store import MemoryStore
from arbius_tui.services.ports import Builder, Services
from arbius_tui.steps.base import Walk
from arbius_tui.steps.build import Build
from tests import cog_player, parts
from tests.domain.test_build_log import FAILED, printed
from tests.real.images import TestImages, labels
from tests.steps.conftest import collect, end

EXE = str(Path(sys.executable).parent / "arbius-tui")
ID = f"sha256:{'ab' * 32}"


class Shelf:
    """The images of an Engine, of which each test says what is there."""

    def __init__(self, **known: Image) -> None:
        self.known, self.untagged = known, list[str]()

    async def inspect(self, reference: str) -> Image:
        if reference not in self.known:
            raise NotReady("no-image", f"there is no image {reference}")
        return self.known[reference]

    async def cog_images(self) -> tuple[Image, ...]:
        return tuple(image for image in self.known.values() if image.labelled)

    async def build(self, folder: Path, dockerfile: str, tag: str) -> AsyncGenerator[str, None]:
        yield f"Step 1/1 : FROM {folder.name} by {dockerfile} as {tag}"

    async def untag(self, reference: str) -> None:
        self.untagged.append(reference)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model's folder."""
    place = tmp_path / "My Model"
    place.mkdir()
    (place / "cog.yaml").write_text('build:\n  python_version: "3.11"\npredict: "predict.py:Predictor"\n')
    (place / "predict.py").write_text("raise SystemExit('imported')\n")
    return place


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where the whole log goes."""
    return tmp_path / "state" / "build.log"


Play = Callable[..., Builder]


@pytest.fixture
def play(tmp_path: Path, log: Path) -> Play:
    """A builder whose cog plays this recording."""
    program = cog_player.install(tmp_path / "bin")

    def builder(name: str, shelf: Shelf) -> ImageBuilder:
        env = {**os.environ, "COG_PLAYER_RECORDING": str(cog_player.RECORDINGS / f"{name}.json")}
        return ImageBuilder(CogCli(str(program), env), shelf, log)

    return builder


async def built(services: Services, folder: Path, builder: Builder, step: Build) -> tuple[Walk, list[Event]]:
    """The walk after this build, and what it told."""
    world = replace(services, builder=builder, containers=Containers("nobody asks it"))
    walk = Walk(MemoryStore(Journey("demo", "one", str(folder))), world)
    return walk, await collect(walk, "model", step=step)


def problems(events: list[Event]) -> list[str]:
    return [event.problem.code for event in events if isinstance(event, Trouble)]


def example_image() -> Image:
    return Image(ID, ("my-model:latest",), 224_000_000, labels=labels(example_model()), openapi=openapi())


def openapi() -> Any:
    return json.loads((example_model() / ".cog/openapi_schema.json").read_text())


async def test_a_good_build_tells_its_steps_and_is_remembered(
    services: Services, folder: Path, play: Play, log: Path
) -> None:
    builder = play("build-ok-plain-pty", Shelf(**{"my-model": example_image()}))
    walk, events = await built(services, folder, builder, Build("my-model"))
    assert end(events).ok
    assert end(events).result == {
        "image": "my-model", "image_id": ID, "container": "", "url": "", "schema_from": "image",
    }  # fmt: skip
    steps = {e.item.id: e.item for e in events if isinstance(e, Found) and isinstance(e.item, BuildStep)}
    assert {step.state for step in steps.values()} <= {"ok", "cached"}
    assert any("RUN" in step.title or "COPY" in step.title for step in steps.values())
    bars = [event for event in events if isinstance(event, Progress)]
    assert bars[-1].done == bars[-1].total > 0
    said = [event.text for event in events if isinstance(event, Line) and not event.source]
    assert said[-1] == "built"
    told = [
        line for event in events if isinstance(event, Line) and event.source == "log" for line in event.text.split("\n")
    ]
    assert told == list(printed("build-ok-plain-pty"))
    assert len(said) == len(set(said)) < 10
    assert log.read_text().splitlines() == list(printed("build-ok-plain-pty"))
    record = walk.journey.get(ModelRecord)
    assert record is not None
    assert (record.image, record.image_id, record.predictor) == ("my-model", ID, "predict.py:Predictor")
    assert record.inputs[0] == "prompt"
    assert record.built == "my-model"
    assert walk.journey.state("model") == "FAIL", "an image does not mend what is wrong in the files"


async def test_without_a_name_it_is_the_one_that_cog_gives(services: Services, folder: Path, play: Play) -> None:
    builder = play("build-ok-cached", Shelf(**{"cog-my-model": Image(ID, labels={"run.cog.version": "0.22.0"})}))
    _, events = await built(services, folder, builder, Build())
    assert end(events).result["image"] == "cog-my-model"
    assert end(events).result["schema_from"] == "server"


@pytest.mark.parametrize("name", ["fail-bad-requirement", "fail-run-step", "nodaemon-build"])
async def test_a_failing_build_ends_in_its_own_words(
    services: Services, folder: Path, play: Play, log: Path, name: str
) -> None:
    walk, events = await built(services, folder, play(name, Shelf()), Build("my-model"))
    assert not end(events).ok
    assert end(events).exit in (2, 3)
    assert problems(events)[-1] == FAILED[name]
    (last,) = [e.problem for e in events if isinstance(e, Trouble) and e.problem.code == FAILED[name]]
    assert last.fix
    assert last.detail
    assert log.read_text().splitlines()[0] == printed(name)[0]
    assert walk.journey.get(ModelRecord) is None
    assert walk.journey.state("model") == "FAIL"


async def test_a_tag_without_labels_is_no_image_and_loses_its_name(
    services: Services, folder: Path, play: Play
) -> None:
    _, events = await built(services, folder, play("build-ok-cached", Shelf(half=Image(ID))), Build("half"))
    assert problems(events)[-1] == "image-unlabelled"
    assert end(events).exit == 3


async def test_a_warning_of_the_log_is_told_once(services: Services, folder: Path, play: Play) -> None:
    image = Image(ID, labels={"run.cog.version": "0.22.0"})
    _, events = await built(services, folder, play("build-predictor", Shelf(m=image)), Build("m"))
    assert problems(events) == ["deprecated-field"]
    assert end(events).ok


async def test_a_folder_without_cog_yaml_is_refused_before_cog_is_asked(
    services: Services, tmp_path: Path, log: Path
) -> None:
    builder = ImageBuilder(CogCli("no-such-cog"), Shelf(), log)
    _, events = await built(services, tmp_path, builder, Build("m"))
    assert (problems(events), end(events).exit) == (["no-cog-yaml"], 2)


async def test_without_cog_it_says_how_to_get_it(services: Services, folder: Path, log: Path) -> None:
    builder = ImageBuilder(CogCli("no-such-cog"), Shelf(), log)
    _, events = await built(services, folder, builder, Build("m"))
    assert (problems(events), end(events).exit) == (["cog-missing"], 3)


async def test_a_bad_name_is_refused_at_once(services: Services, folder: Path, play: Play) -> None:
    _, events = await built(services, folder, play("build-ok-cached", Shelf()), Build("My Model"))
    assert (problems(events), end(events).exit) == (["bad-tag"], 2)


async def test_the_rehearsal_builds_nothing(walk: Walk) -> None:
    events = await collect(walk, "model", step=Build("m"))
    assert (problems(events), end(events).exit) == (["rehearsal-docker"], 2)


# -- a Dockerfile where there is no cog


@pytest.fixture
def images() -> Any:
    """The images of a real Engine."""
    found = TestImages(parts.need("docker"))
    yield found
    found.api.close()


@pytest.mark.real
@pytest.mark.parametrize("cogs", [True, False])
async def test_a_dockerfile_is_built_by_the_engine_and_looked_at(
    services: Services, tmp_path: Path, log: Path, images: TestImages, cogs: bool
) -> None:
    base = images.example() if cogs else "debian-python:bookworm"
    (tmp_path / "Own.Dockerfile").write_text(f"FROM {base}\nRUN echo built by the engine\n")
    name = f"arbius-tui-test-own-{secrets.token_hex(3)}"
    async with Engine(Address(images.host)) as engine:
        builder = ImageBuilder(CogCli("no-such-cog"), Images(engine), log)
        try:
            walk, events = await built(services, tmp_path, builder, Build(name, "Own.Dockerfile"))
        finally:
            await builder.shelf.untag(name)
        with pytest.raises(NotReady):
            await builder.image(name)
    assert end(events) == Done(cogs, 0 if cogs else 2, end(events).result)
    assert problems(events) == ([] if cogs else ["not-cog-image"])
    assert any("built by the engine" in event.text for event in events if isinstance(event, Line))
    assert "built by the engine" in log.read_text()
    record = walk.journey.get(ModelRecord)
    assert (record.image if record else "") == (name if cogs else "")


# -- as a user types it


def run(*argv: str, **env: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([EXE, *argv], capture_output=True, text=True, timeout=120, env={**os.environ, **env})
    assert "Traceback" not in done.stdout + done.stderr
    return done


def test_the_command_without_cog_ends_with_3_and_its_words(folder: Path) -> None:
    done = run("build", str(folder), PATH="/usr/bin:/bin")
    assert done.returncode == 3
    assert "cog is not installed" in done.stderr


@pytest.mark.real
def test_what_was_built_is_what_run_starts(folder: Path, tmp_path: Path, images: TestImages) -> None:
    name = f"arbius-tui-test-built-{secrets.token_hex(3)}"
    program = cog_player.install(tmp_path / "bin")
    env = {
        "COG_PLAYER_RECORDING": str(cog_player.RECORDINGS / "build-ok-plain-pty.json"),
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "DOCKER_HOST": images.host,
    }
    project = ("--project", folder.name)
    images.api.tag(images.example(), name)  # what the real cog would leave
    try:
        done = run("build", str(folder), "-t", name, **env)
        assert done.returncode == 0, done.stderr
        assert f"ok    image: {name}" in done.stdout
        started = run("run", *project, "--gpus", "none", "--json", **env)
        assert started.returncode == 0, started.stdout
        last = json.loads(started.stdout.splitlines()[-1])["result"]
        assert last["image"] == name
        assert last["container"]
    finally:
        run("run", "stop", *project, **env)
        images.api.remove_image(name)
