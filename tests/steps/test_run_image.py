"""Run: an image as a container on a real Docker Engine, found again, restarted by the seed test, stopped."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from arbius_tui.domain.errors import NotReady
from arbius_tui.domain.events import Event, Found, Line, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.records import ModelRecord, RunRecord
from arbius_tui.rehearsal.example import example_model
from arbius_tui.rehearsal.server import LocalServers
from arbius_tui.services.containers import project_key
from arbius_tui.services.containers_state import PROJECT
from arbius_tui.services.memory_store import MemoryStore
from arbius_tui.services.ports import Health, Server, Services
from arbius_tui.services.store import default_folder
from arbius_tui.services.world import Settings, open_world
from arbius_tui.steps import run as run_step
from arbius_tui.steps.base import Walk
from arbius_tui.steps.model import Fact
from arbius_tui.steps.predict import Predict
from arbius_tui.steps.run import HealthSeen, Run, Stop, both
from arbius_tui.steps.seed_case import CaseSeen
from tests import parts
from tests.real.images import BASE, MODELS, NEW, OLD, TestImages
from tests.real.machines import Stopper, stoppable
from tests.services.test_predictions import GENERATIONS, model, ready
from tests.steps.conftest import Author, collect, end

EXE = str(Path(sys.executable).parent / "arbius-tui")

real = pytest.mark.real


@pytest.fixture(scope="module")
def images() -> Iterator[TestImages]:
    """The Engine and the images of the tests on it."""
    found = TestImages(parts.need("docker"))
    yield found
    found.api.close()


class Project:
    """One project of a test: a journey that stays while its world is opened again and again."""

    def __init__(self, images: TestImages, data: Path, stack: AsyncExitStack) -> None:
        self.images, self.data, self.stack = images, data, stack
        self.key = f"test {secrets.token_hex(4)}"
        self.store = MemoryStore(Journey("demo", "one"))

    async def open(self, image: str = "", **more: Any) -> Walk:
        """A walk through a world that is opened anew, as by another process."""
        settings = Settings(image=image, **{"gpus": "none", "project": self.key, "state": self.data, **more})
        world: AbstractAsyncContextManager[Any] = open_world(settings, self.data)
        return Walk(self.store, await self.stack.enter_async_context(world))

    def containers(self) -> list[Any]:
        """All of them, also those that have ended."""
        return of_project(self.images, self.key)


@pytest.fixture
async def engine_door(images: TestImages) -> AsyncIterator[tuple[str, Stopper]]:
    with tempfile.TemporaryDirectory() as folder:
        async with stoppable(images.host, f"{folder}/d.sock") as door:
            yield door


def of_project(images: TestImages, key: str) -> list[Any]:
    found: list[Any] = images.api.containers(all=True, filters={"label": f"{PROJECT}={key}"})
    return found


@asynccontextmanager
async def a_project(images: TestImages, data: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Project]:
    """A project of one test alone; nothing of it is left on the Engine."""
    monkeypatch.setenv("DOCKER_HOST", images.host)
    async with AsyncExitStack() as stack:
        found = Project(images, data, stack)
        yield found
    for one in found.containers():
        images.api.remove_container(one["Id"], force=True)


@pytest.fixture
async def project(images: TestImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Project]:
    async with a_project(images, tmp_path, monkeypatch) as found:
        yield found


@pytest.fixture(params=["docker", "docker-old"])
async def on_each_engine(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Project]:
    """A project on an Engine as people run it, and on 20.10, which ends no cog build and runs every image."""
    images = TestImages(parts.need(request.param))
    async with a_project(images, tmp_path, monkeypatch) as found:
        yield found
    images.api.close()


def said(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, Line)]


def how(events: list[Event]) -> str:
    """`started`, `found again` or `adopted`."""
    return said(events)[0].rpartition(" ")[0]


def problems(events: list[Event]) -> list[str]:
    return [event.problem.code for event in events if isinstance(event, Trouble)]


def healths(events: list[Event]) -> list[HealthSeen]:
    return [event.item for event in events if isinstance(event, Found) and isinstance(event.item, HealthSeen)]


def record(walk: Walk) -> RunRecord:
    found = walk.journey.get(RunRecord)
    assert found is not None
    return found


# -- the whole way


@real
async def test_an_image_is_run_proved_stopped_and_started_again(on_each_engine: Project) -> None:
    project = on_each_engine
    name = project.images.example()
    walk = await project.open(name)
    events = await collect(walk, "run")
    assert end(events).ok, problems(events)
    now = record(walk)
    image = project.images.api.inspect_image(name)["Id"]
    assert (now.image, now.image_id, now.cpu_only, now.pid) == (name, image, True, 0)
    assert end(events).result == {
        "image": name, "image_id": image, "container": now.container, "url": now.url, "schema_from": "server",
        "gpus": "none", "cpu_only": True,
    }  # fmt: skip
    assert how(events) == "started"
    log = [event.text for event in events if isinstance(event, Line) and event.source == "log"]
    assert "the example model has no weights to load" in log
    assert len([line for line in log if line == "the example model has no weights to load"]) == 1
    assert [e.item.logs for e in events if isinstance(e, Found) and isinstance(e.item, HealthSeen)][-1] == ""
    facts = {e.item.id: e.item for e in events if isinstance(e, Found) and isinstance(e.item, Fact)}
    assert (facts["gpu"].state, facts["gpu"].found) == ("ok", "none: CPU-ONLY")
    assert "prompt" in facts["inputs"].found

    began = project.images.api.inspect_container(now.container)["State"]["StartedAt"]
    walk = await project.open()  # another process, that names nothing
    events = await collect(walk, "seed_test")
    assert end(events).ok, problems(events)
    cases = {e.item.id: e.item for e in events if isinstance(e, Found) and isinstance(e.item, CaseSeen)}
    (restarted,) = [case for case in cases.values() if case.title == "after a restart"]
    assert (restarted.status, restarted.verdict) == ("succeeded", "SAME")
    assert project.images.api.inspect_container(now.container)["State"]["StartedAt"] != began

    walk = await project.open()
    events = await collect(walk, "run", step=Stop())
    assert said(events) == ["stopped and removed 1 server of this project"]
    assert end(events).result["stopped"] == 1
    assert project.containers() == []
    assert walk.journey.state("run") == "-"

    events = await collect(walk, "seed_test")
    assert said(events)[0] == "the server had ended and was started again"
    assert end(events).ok
    assert record(walk).container != now.container


@real
async def test_it_is_found_again_by_its_label_when_nothing_was_saved(on_each_engine: Project) -> None:
    project = on_each_engine
    name = project.images.example()
    walk = await project.open(name)
    await collect(walk, "run")
    first = record(walk)
    project.store = MemoryStore(Journey("demo", "one"))  # as if it had been killed before it could save
    walk = await project.open(name, gpus="auto")
    events = await collect(walk, "run")
    assert how(events) == "found again"
    assert record(walk) == first
    walk = await project.open()
    assert how(await collect(walk, "run")) == "found again"


@real
async def test_another_image_takes_the_place_of_the_first(project: Project) -> None:
    await collect(await project.open(project.images.example()), "run")
    other = project.images.model("text")
    walk = await project.open(other)
    events = await collect(walk, "run")
    assert how(events) == "started"
    assert record(walk).image == other
    assert len(project.containers()) == 1


@real
async def test_an_image_that_was_built_is_started_without_being_named(project: Project) -> None:
    project.store.apply(ModelRecord(image=project.images.example()))
    events = await collect(await project.open(), "run")
    assert (how(events), end(events).ok) == ("started", True)


@real
async def test_a_setup_that_failed_is_told_with_its_log_and_tried_anew(project: Project) -> None:
    name = project.images.model("setupfail")
    walk = await project.open(name)
    events = await collect(walk, "run")
    assert (problems(events), end(events).exit) == (["setup-failed"], 3)
    assert "RuntimeError: weights not found" in next(t.problem.detail for t in events if isinstance(t, Trouble))
    first = record(walk).container
    again = await collect(walk, "run")
    assert how(again) == "started"
    assert record(walk).container != first


@real
async def test_a_container_that_is_killed_meanwhile_is_said_to_be(project: Project) -> None:
    walk = await project.open(project.images.model("slowsetup"))
    events: list[Event] = []
    async with aclosing(walk.run("run", Author())) as running:
        async for event in running:
            events.append(event)
            if isinstance(event, Line) and event.text.startswith("loading 1"):
                await asyncio.to_thread(project.images.api.kill, record(walk).container)
    assert (problems(events), end(events).exit) == (["container-killed"], 3)
    last = healths(events)[-1]
    assert (last.status, last.words) == ("exited", "its container has ended and answers nothing")


@real
@pytest.mark.parametrize(("image", "code", "exit_code"), [("no-such-image", "no-image", 3), (BASE, "not-cog-image", 2)])
async def test_what_cannot_be_run_is_refused_in_words(project: Project, image: str, code: str, exit_code: int) -> None:
    walk = await project.open(image)
    events = await collect(walk, "run")
    assert (problems(events), end(events).exit) == ([code], exit_code)
    assert walk.journey.get(RunRecord) is None


# -- what happens to a container in the middle of a prediction


async def predicting(project: Project, walk: Walk, then: Callable[[str], Any]) -> list[Event]:
    """A prediction in whose middle something happens to its container."""
    container = record(walk).container

    async def meanwhile() -> None:
        server = Server(record(walk).url, container=container)
        assert walk.services.containers
        async for line in walk.services.containers.logs(server):
            if "mode ok" in line:
                await asyncio.to_thread(then, container)
                return

    task = asyncio.create_task(meanwhile())
    events = await collect(walk, "run", step=Predict(["mode=ok", "secs=60"]))
    await task
    return events


@real
@pytest.mark.parametrize(
    ("how", "code", "says"),
    [
        ("kill", "container-killed", "was killed from outside (signal 9)"),
        ("pause", "container-paused", "is paused"),
        ("remove", "container-missing", "was removed from outside"),
    ],
)
async def test_a_prediction_says_what_became_of_its_container(project: Project, how: str, code: str, says: str) -> None:
    walk = await project.open(project.images.model("crash"))
    await collect(walk, "run")
    api, container = project.images.api, record(walk).container
    does = {"kill": api.kill, "pause": api.pause, "remove": lambda id: api.remove_container(id, force=True)}
    events = await predicting(project, walk, does[how])
    assert (problems(events), end(events).exit) == ([code], 3)
    (problem,) = [event.problem for event in events if isinstance(event, Trouble)]
    assert says in problem.what
    assert problem.fix
    assert walk.journey.state("run") == "FAIL"
    assert healths(events)[-1].status == {"kill": "exited", "pause": "paused", "remove": "gone"}[how]
    if how == "pause":
        assert problem.fix.command == f"docker unpause {api.inspect_container(container)['Name'].removeprefix('/')}"
        return
    events = await collect(walk, "run", step=Predict(["mode=ok"]))
    assert "the server had ended and was started again" in said(events)
    assert end(events).ok, problems(events)
    assert record(walk).container != container


@real
async def test_a_case_says_that_its_container_was_killed_and_the_restart_brings_it_back(project: Project) -> None:
    walk = await project.open(project.images.model("slow"))
    await collect(walk, "run")
    events: list[Event] = []
    async with aclosing(walk.run("seed_test", Author())) as running:
        async for event in running:
            events.append(event)
            now = event.item if isinstance(event, Found) and isinstance(event.item, CaseSeen) else None
            if now and (now.id, now.status) == ("again", "run"):
                await asyncio.to_thread(project.images.api.kill, record(walk).container)
    cases = {e.item.id: e.item for e in events if isinstance(e, Found) and isinstance(e.item, CaseSeen)}
    assert "killed from outside (signal 9)" in cases["again"].error
    assert (cases["again"].code, cases["again"].verdict) == ("container-killed", "BLOCKER")
    assert (cases["after-restart"].status, cases["after-restart"].verdict) == ("succeeded", "SAME")
    assert "endpoint-lost" in problems(events)
    assert "model-failed" not in problems(events)
    assert end(events).result["endpoints"][0]["cpu_only"] is True


@real
async def test_an_engine_that_is_stopped_while_the_model_is_ready(
    project: Project, engine_door: tuple[str, Stopper], monkeypatch: pytest.MonkeyPatch
) -> None:
    host, stop = engine_door
    monkeypatch.setenv("DOCKER_HOST", host)
    walk = await project.open(project.images.model("text"))
    assert end(await collect(walk, "run")).ok
    await stop()
    project.images.api.kill(record(walk).container)  # as the Engine's own end does
    for step in (None, Predict(["prompt=x"])):
        events = await collect(walk, "run", step=step)
        assert (problems(events), end(events).exit) == (["docker-unreachable"], 3)
        assert walk.journey.state("run") == "FAIL"


@real
async def test_an_image_that_is_gone_meanwhile(project: Project) -> None:
    api, name = project.images.api, f"arbius-tui-test:gone-{secrets.token_hex(4)}"
    made = api.create_container(project.images.model("text"))["Id"]
    api.commit(made, *name.split(":"))
    api.remove_container(made)
    walk = await project.open(name)
    assert end(await collect(walk, "run")).ok
    await collect(walk, "run", step=Stop())
    api.remove_image(name)
    for step in ("run", "seed_test"):
        events = await collect(walk, step)
        assert (problems(events), end(events).exit) == (["no-image"], 3)
        (problem,) = [event.problem for event in events if isinstance(event, Trouble)]
        assert problem.fix
        assert (problem.fix.command or "").startswith("docker pull")


# -- CPU and GPU, by the author's choice


@real
async def test_the_choice_of_cpu_or_gpu_is_the_authors_and_is_kept(project: Project) -> None:
    name = project.images.model("text")
    walk = await project.open(name, gpus="auto")
    events = await collect(walk, "run", step=Run(gpus="all"))
    assert (problems(events), end(events).exit) == (["no-gpu-runtime"], 3)
    assert project.containers() == []
    events = await collect(walk, "run", step=Run(gpus="none"))
    assert end(events).result["cpu_only"] is True
    assert record(walk).cpu_only
    walk = await project.open(gpus="auto")
    assert how(await collect(walk, "run")) == "found again"
    assert record(walk).cpu_only
    other = project.images.model("iter")
    assert end(await collect(walk, "run", step=Run(image=other))).ok
    assert record(walk).image == other
    events = await collect(walk, "run", step=Stop())
    assert healths(events)[-1].status == "stopped"


async def test_an_endpoint_is_cpu_only_when_the_author_says_so(services: Services, tmp_path: Path) -> None:
    async with ready("text", tmp_path / "server") as (url, _):
        walk = Walk(MemoryStore(Journey("demo", "one")), services)
        assert end(await collect(walk, "run", step=Run(url))).result["gpus"] == ""
        events = await collect(walk, "run", step=Run(url, gpus="none"))
        assert (end(events).result["gpus"], record(walk).cpu_only) == ("none", True)


# -- a setup that fails, or never ends


@GENERATIONS
async def test_a_setup_that_failed_is_told_in_the_exceptions_own_words(
    generation: str, services: Services, tmp_path: Path
) -> None:
    async with model("setupfail", tmp_path / "server", generation) as (url, _):
        walk = Walk(MemoryStore(Journey("demo", "one")), services)
        events = await collect(walk, "run", step=Run(url))
    (problem,) = [event.problem for event in events if isinstance(event, Trouble)]
    assert end(events).exit == 3
    assert problem.fix
    if generation == "0.23" or problem.code == "setup-failed":
        assert problem.code == "setup-failed"
        assert problem.what == "the model's setup failed: RuntimeError: weights not found"
        assert healths(events)[-1].status == "SETUP_FAILED"
        assert "setup() raised an error" in healths(events)[-1].words
    else:  # an old server says so for a few hundredths of a second, then it is gone; its reason is in its own log
        assert problem.code == "endpoint-lost"
        assert "ended before it was ready" in problem.what
        assert problem.why == "a model whose setup fails ends an old Cog server"
        assert healths(events)[-1].status == "lost"


@real
@pytest.mark.parametrize("version", [NEW, OLD])
async def test_in_a_container_each_generation_says_why_its_setup_failed(project: Project, version: str) -> None:
    events = await collect(await project.open(project.images.model("setupfail", version)), "run")
    assert problems(events) == ["setup-failed"]
    (problem,) = [event.problem for event in events if isinstance(event, Trouble)]
    assert problem.what == "the model's setup failed: RuntimeError: weights not found"
    assert healths(events)[-1].status == "SETUP_FAILED"


class WithoutWorker(LocalServers):
    """A coglet whose `python` has no coglet in it: its worker never starts, and it says STARTING for ever."""

    def environment(self, stub: str, port: int) -> dict[str, str]:
        env = super().environment(stub, port)
        python = self.state / "bin/python"
        python.parent.mkdir(parents=True, exist_ok=True)
        python.write_text("#!/bin/sh\nexec sleep 600\n")
        python.chmod(0o755)
        return {**env, "PATH": f"{python.parent}:{env['PATH']}"}


async def test_a_worker_that_never_starts_is_given_up_and_can_be_cancelled(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers = WithoutWorker(tmp_path / "server")
    try:
        server = await servers.start(MODELS / "text")
        walk = Walk(MemoryStore(Journey("demo", "one")), services)
        async with aclosing(walk.run("run", Author(), Run(server.url))) as events:
            async for event in events:
                if isinstance(event, Found) and isinstance(event.item, HealthSeen):
                    assert event.item.status == "STARTING"
                    break
        assert walk.journey.state("run") == "-", "cancelled, as it was before"
        monkeypatch.setattr(run_step, "READY_LIMIT", 1.0)
        found = await collect(walk, "run", step=Run(server.url))
    finally:
        await servers.aclose()
    assert (problems(found), end(found).exit) == (["timeout"], 3)
    (problem,) = [event.problem for event in found if isinstance(event, Trouble)]
    assert "is not ready after 1 s: the model is being set up" in problem.what
    assert problem.fix
    assert "a worker that cannot start at all stays in this state for ever" in problem.fix.text


DYING = """#!/bin/sh
echo "listening on 127.0.0.1:$PORT"
until [ -e die ]; do sleep 0.02; done
echo "Traceback (most recent call last):"
echo "RuntimeError: no room for the weights"
%s
"""


@pytest.mark.parametrize(("end_of_it", "how"), [("exit 3", "exit code 3"), ("kill -9 $$", "signal 9")])
async def test_a_process_that_ends_before_it_answers_is_told_at_once(
    end_of_it: str, how: str, services: Services, tmp_path: Path
) -> None:
    python = tmp_path / "python"
    python.write_text(DYING % end_of_it)
    python.chmod(0o755)
    folder = tmp_path / "model"
    shutil.copytree(MODELS / "text", folder)
    servers = LocalServers(tmp_path / "server", python=str(python))
    walk = Walk(MemoryStore(Journey("demo", "rehearsal", str(folder))), replace(services, servers=servers))
    events: list[Event] = []
    try:
        async with asyncio.timeout(60), aclosing(walk.run("run", Author())) as running:
            async for event in running:
                events.append(event)
                if isinstance(event, Line) and event.text.startswith("started"):
                    (folder / "die").touch()
    finally:
        await servers.aclose()
    (problem,) = [event.problem for event in events if isinstance(event, Trouble)]
    assert (problem.code, end(events).exit) == ("server-ended", 3)
    assert problem.what.startswith(f"the model's server ended before it was ready ({how}): RuntimeError: no room")
    assert "Traceback (most recent call last):\nRuntimeError: no room for the weights" in problem.detail
    assert problem.fix
    assert str(servers.log) in problem.fix.text
    assert [(seen.status, seen.words) for seen in healths(events)] == [
        ("ended", "its process has ended and answers nothing")
    ]


# -- stop


@real
async def test_there_may_be_nothing_to_stop(project: Project) -> None:
    events = await collect(await project.open(), "run", step=Stop())
    assert said(events) == ["there is nothing to stop: no server that we started for this project runs"]
    assert end(events).ok


async def test_an_endpoint_is_left_alone_also_where_there_is_no_docker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    store = MemoryStore(Journey("demo", "one").having(RunRecord("http://127.0.0.1:1")))
    async with open_world(Settings(state=tmp_path), tmp_path) as services:
        events = await collect(Walk(store, services), "run", step=Stop())
        assert end(events).ok
        assert said(events)[1] == "http://127.0.0.1:1 is yours and was left alone"
        store = MemoryStore(Journey("demo", "one").having(RunRecord("http://127.0.0.1:1", container="ab" * 32)))
        events = await collect(Walk(store, services), "run", step=Stop())
        assert not end(events).ok
        assert problems(events) == ["docker-unreachable"]


async def test_the_rehearsals_own_server_is_stopped(walk: Walk) -> None:
    await collect(walk, "run")
    events = await collect(walk, "run", step=Stop())
    assert said(events) == ["stopped and removed 1 server of this project"]
    assert said(await collect(walk, "run", step=Stop()))[0].startswith("there is nothing to stop")


async def test_the_rehearsal_starts_no_image(walk: Walk) -> None:
    walk.services = replace(walk.services, image="my-model")
    assert problems(await collect(walk, "run")) == ["rehearsal-docker"]


# -- two streams as one


async def some(*items: Any) -> AsyncGenerator[Any, None]:
    for item in items:
        if isinstance(item, Exception):
            raise item
        yield item
    if items and isinstance(items[-1], str):
        await asyncio.Event().wait()  # a log that is followed


@pytest.mark.parametrize("log", [(), ("one", "two"), (NotReady("lost", "the log broke off"),)])
async def test_the_healths_end_it_whatever_becomes_of_the_log(log: tuple[Any, ...]) -> None:
    found = [item async for item in both(some(Health("STARTING"), Health("READY")), some(*log))]
    assert [item.status for item in found if isinstance(item, Health)] == ["STARTING", "READY"]


async def test_a_failure_of_the_healths_is_not_lost() -> None:
    with pytest.raises(NotReady, match="it ended"):
        _ = [item async for item in both(some(NotReady("ended", "it ended")), some("one"))]


# -- as a user types it


@pytest.fixture
def typed(images: TestImages, tmp_path: Path) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """The command in a folder of its own; no container of it is left."""
    folder = tmp_path / f"model-{secrets.token_hex(3)}"
    folder.mkdir()

    def run(*argv: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "DOCKER_HOST": images.host}
        done = subprocess.run([EXE, *argv], capture_output=True, text=True, timeout=120, cwd=folder, env=env)
        assert "Traceback" not in done.stdout + done.stderr
        return done

    yield run
    for one in of_project(images, project_key(folder.name, default_folder(folder.name))):
        images.api.remove_container(one["Id"], force=True)


@real
def test_a_wizard_that_was_killed_finds_its_container_again(
    images: TestImages, typed: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    (folder,) = tmp_path.iterdir()
    name = images.model("slowsetup")
    argv, env = [EXE, "run", name, "--gpus", "none", "--json"], {**os.environ, "DOCKER_HOST": images.host}
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=folder, env=env) as first:
        assert first.stdout
        for line in first.stdout:
            if "loading" in line:
                break
        first.send_signal(signal.SIGKILL)
    (left,) = of_project(images, project_key(folder.name, default_folder(folder.name)))
    again = [json.loads(line) for line in typed("run", "--json").stdout.splitlines()]
    assert [event["text"].split(" http")[0] for event in again if event["event"] == "line"] == ["found again"]
    assert {event["change"]["container"] for event in again if event["event"] == "saved"} == {left["Id"]}
    assert [event["status"] for event in again if event.get("kind") == "health"][-1] == "READY"
    stop = typed("run", "stop")
    assert stop.returncode == 0
    assert "stopped and removed 1 server" in stop.stdout
    assert of_project(images, project_key(folder.name, default_folder(folder.name))) == []
    assert "nothing to stop" in typed("run", "stop").stdout


WRONG = {
    "two servers": ["run", "an-image", "--endpoint", "http://127.0.0.1:1"],
    "an image in the rehearsal": ["run", "an-image", "--network", "rehearsal"],
    "no such GPUs": ["run", "an-image", "--gpus", "two"],
    "a build in the rehearsal": ["build", ".", "--network", "rehearsal"],
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_combination_is_refused(case: str) -> None:
    done = subprocess.run([EXE, *WRONG[case]], capture_output=True, text=True, timeout=60, cwd=example_model())
    assert done.returncode == 2
    assert "FAIL" in done.stderr
