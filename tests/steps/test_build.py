"""Build: a cog that is played from recordings of the real one, and Docker's own builder for a Dockerfile."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import subprocess
import sys
import time
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
from arbius_tui.steps.base import Step, Walk
from arbius_tui.steps.build import Build, MakeImage, UseImage
from arbius_tui.steps.model import Fact
from tests import cog_player, parts
from tests.domain.test_build_log import FAILED, printed
from tests.real.images import TestImages, labels
from tests.steps.conftest import Author, collect, end

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


async def built(services: Services, folder: Path, builder: Builder, step: Step) -> tuple[Walk, list[Event]]:
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


# -- an image that exists, and the choice of the three ways


async def test_an_image_that_exists_is_remembered_as_the_models(services: Services, folder: Path, play: Play) -> None:
    shelf = Shelf(mine=example_image())
    walk, events = await built(services, folder, play("build-ok-cached", shelf), UseImage("mine"))
    assert end(events).ok
    assert end(events).result["image_id"] == ID
    record = walk.journey.get(ModelRecord)
    assert record is not None
    assert (record.image, record.built, record.inputs[0]) == ("mine", "", "prompt")
    facts = {e.item.id: e.item for e in events if isinstance(e, Found) and isinstance(e.item, Fact)}
    assert {"image", "image-id", "image-size", "image-labels", "image-inputs"} <= facts.keys()
    assert facts["image-inputs"].found.startswith("prompt")


@pytest.mark.parametrize(("name", "code", "exit"), [("other", "not-cog-image", 2), ("nothing", "no-image", 3)])
async def test_what_is_no_image_of_cogs_is_refused_and_nothing_is_remembered(
    services: Services, folder: Path, play: Play, name: str, code: str, exit: int
) -> None:
    shelf = Shelf(other=Image(ID, ("other:1",)))
    walk, events = await built(services, folder, play("build-ok-cached", shelf), UseImage(name))
    assert (problems(events), end(events).exit) == ([code], exit)
    assert walk.journey.get(ModelRecord) is None


@pytest.mark.parametrize(
    ("answers", "image"),
    [
        ({"make-image": "image", "image-choice": "mine:latest"}, "mine:latest"),
        ({"make-image": "image", "image-choice": "other", "image": " mine "}, "mine"),
        ({"make-image": "cog", "tag": "my-model"}, "my-model"),
        ({"make-image": "dockerfile", "dockerfile": "D", "tag": "my-model"}, "my-model"),
    ],
)
async def test_all_three_ways_are_one_question_away(
    services: Services, folder: Path, play: Play, answers: dict[str, str], image: str
) -> None:
    example = replace(example_image(), tags=("mine:latest",))
    shelf = Shelf(**{"mine": example, "mine:latest": example, "my-model": example})
    builder = play("build-dockerfile-own", shelf)
    walk = Walk(MemoryStore(Journey("demo", "one", str(folder))), replace(services, builder=builder,
                containers=Containers("nobody asks it")))  # fmt: skip
    author = Author(**answers)
    events = await collect(walk, "model", author, MakeImage())
    assert end(events).result["image"] == image
    assert [question.id for question in author.asked] == list(answers)


async def test_the_name_of_the_last_build_is_the_next_ones_and_never_that_of_an_image_that_existed(
    services: Services, folder: Path, play: Play
) -> None:
    example = example_image()
    builder = play("build-ok-cached", Shelf(**{"mine": example, "chosen": example, "cog-my-model": example}))
    world = replace(services, builder=builder, containers=Containers("nobody asks it"))
    walk = Walk(MemoryStore(Journey("demo", "one", str(folder))), world)
    await collect(walk, "model", step=UseImage("mine"))
    assert end(await collect(walk, "model", step=Build())).result["image"] == "cog-my-model"
    await collect(walk, "model", step=Build("chosen"))
    await collect(walk, "model", step=UseImage("mine"))
    assert end(await collect(walk, "model", step=Build())).result["image"] == "chosen"


@pytest.mark.parametrize("name", sorted(name for name in FAILED if not name.startswith("cancel-")))
async def test_each_recorded_failure_ends_in_its_own_sentence(
    services: Services, folder: Path, play: Play, name: str
) -> None:
    _, events = await built(services, folder, play(name, Shelf()), Build("my-model"))
    assert problems(events)[-1] == FAILED[name]
    assert not end(events).ok


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


SLEEPS = "FROM debian-python:bookworm\nRUN echo begins-{name} && sleep 300\n"


def traces(images: TestImages, name: str) -> list[str]:
    """Containers of a build of this name, and its image, on the Engine."""
    boxes = [box["Id"] for box in images.api.containers(all=True) if name in box["Command"]]
    return [*boxes, *(tag for image in images.api.images() for tag in image["RepoTags"] or () if tag.startswith(name))]


def gone(images: TestImages, name: str) -> bool:
    """Ask the Engine until it has nothing of this build; the limit only ends a broken test."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if not traces(images, name):
            return True
    return False


@pytest.mark.real
async def test_a_cancelled_build_of_the_engine_leaves_no_container_and_no_tag(
    services: Services, tmp_path: Path, log: Path, images: TestImages
) -> None:
    name = f"arbius-tui-test-cut-{secrets.token_hex(3)}"
    (tmp_path / "D").write_text(SLEEPS.format(name=name))
    async with Engine(Address(images.host)) as engine:
        world = replace(services, builder=ImageBuilder(CogCli("no-such-cog"), Images(engine), log),
                        containers=Containers("nobody asks it"))  # fmt: skip
        walk = Walk(MemoryStore(Journey("demo", "one", str(tmp_path))), world)
        began = asyncio.Event()

        async def build() -> None:
            async for event in walk.run("model", Author(), Build(name, "D")):
                if isinstance(event, Line) and event.text.startswith(f"begins-{name}"):
                    began.set()

        task = asyncio.create_task(build())
        await asyncio.wait_for(began.wait(), 60)
        assert traces(images, name), "it runs in a container"
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(gone, images, name)
        assert walk.journey.state("model") == "-", "as before"
        assert f"begins-{name}" in log.read_text()


@pytest.mark.real
def test_after_a_kill_in_the_middle_the_next_build_works(tmp_path: Path, images: TestImages) -> None:
    name = f"arbius-tui-test-kill-{secrets.token_hex(3)}"
    (tmp_path / "D").write_text(SLEEPS.format(name=name))
    argv = [EXE, "build", str(tmp_path), "-t", name, "--dockerfile", "D"]
    env = {**os.environ, "DOCKER_HOST": images.host, "PATH": "/usr/bin:/bin"}
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env) as wizard:
        assert wizard.stdout
        assert any(f"begins-{name}" in line and "RUN" not in line and "echo" not in line for line in wizard.stdout)
        wizard.kill()
    assert gone(images, name)
    (tmp_path / "D").write_text(f"FROM {images.example()}\nRUN echo again\n")
    try:
        again = run(*argv[1:], DOCKER_HOST=images.host, PATH="/usr/bin:/bin")
        assert again.returncode == 0, again.stdout + again.stderr
        assert f"image: {name}" in again.stdout
    finally:
        images.api.remove_image(name)


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
