"""Images and containers on a real Docker Engine: started, found again, killed, removed; each end in words."""

from __future__ import annotations

import asyncio
import secrets
import socket
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import docker
import pytest

from arbius_tui.domain.errors import BadInput, Failure, NotReady
from arbius_tui.services import containers as module
from arbius_tui.services.containers import Containers, project_key
from arbius_tui.services.containers_engine import Address, Engine
from arbius_tui.services.containers_images import Images
from arbius_tui.services.containers_state import LABEL, PROJECT
from arbius_tui.services.ports import Health, Prediction, Server
from arbius_tui.services.predictions import CogPredictions
from tests import parts
from tests.real.images import BASE, NEW, OLD, TestImages
from tests.real.machines import Stopper, stoppable

pytestmark = pytest.mark.real

EXAMPLE_1337 = "6873fbec12b09d82bf90e7f587d0a534e0b1814279eb21ce630acebbd407c0f1"
"""Of the example model, prompt "arbius test cat", seed 1337: the same as without Docker."""


@pytest.fixture(scope="session")
def built() -> Iterator[TestImages]:
    """The Engine and the images of the tests on it."""
    found = TestImages(parts.need("docker"))
    yield found
    found.api.close()


@pytest.fixture
async def containers(built: TestImages) -> AsyncIterator[Containers]:
    """Containers of a project of this test alone; when it is over nothing of it is left on the Engine."""
    project = f"test {secrets.token_hex(4)}"
    async with Containers(project, gpus="none", engine=Engine(Address(built.host))) as found:
        yield found
        await found.clear()
    assert everything(built, project) == []


def everything(built: TestImages, project: str) -> list[Any]:
    found: list[Any] = built.api.containers(all=True, filters={"label": f"{PROJECT}={project}"})
    return found


async def ready(containers: Containers, server: Server) -> Health:
    """The last health, which is READY."""
    async with CogPredictions() as predictions:
        seen = [h async for h in containers.while_running(server, predictions.wait_ready(server.url, 60))]
    return seen[-1]


async def predict(server: Server, limit: float = 30, **inputs: Any) -> Prediction:
    async with CogPredictions() as predictions:
        return await predictions.predict(server.url, inputs, limit)


async def first_line(containers: Containers, server: Server, text: str) -> str:
    """The first line of the followed log that holds this text."""
    async with aclosing(containers.logs(server)) as log:
        async for line in log:
            if text in line:
                return line
    raise AssertionError(f"the log ended without {text!r}")


def code(failure: pytest.ExceptionInfo[Failure]) -> str:
    return failure.value.problem.code


# From start to removal


async def test_an_image_runs_predicts_restarts_and_is_removed(containers: Containers, built: TestImages) -> None:
    server = await containers.start_image(built.example())
    assert (await ready(containers, server)).status == "READY"
    asked = {"prompt": "arbius test cat", "seed": 1337}
    before = await predict(server, **asked)
    assert before.outputs[0].sha256 == EXAMPLE_1337
    assert await first_line(containers, server, "Using seed: 1337") == "Using seed: 1337"

    started = built.api.inspect_container(server.container)["State"]["StartedAt"]
    assert await containers.restart(server) == server
    assert built.api.inspect_container(server.container)["State"]["StartedAt"] != started
    await ready(containers, server)
    assert (await predict(server, **asked)).outputs == before.outputs

    assert await containers.alive(server)
    await containers.stop(server)
    assert not await containers.alive(server)
    assert (await containers.state(server)).words == "gone: it was removed"
    assert everything(built, containers.project) == []
    await containers.stop(server)


async def test_the_container_is_as_cog_would_make_it_and_only_for_this_machine(
    containers: Containers, built: TestImages
) -> None:
    server = await containers.start_image(built.example())
    found = built.api.inspect_container(server.container)
    ((binding,),) = found["HostConfig"]["PortBindings"].values()
    assert (binding["HostIp"], server.url) == ("127.0.0.1", f"http://127.0.0.1:{binding['HostPort']}")
    assert found["HostConfig"]["ShmSize"] == 6 * 2**30
    assert found["HostConfig"]["DeviceRequests"] is None
    assert found["Name"] == "/arbius-tui-" + containers.project.replace(" ", "-")
    assert found["Config"]["Labels"][f"{LABEL}session"] == containers.session
    state = await containers.state(server)
    assert (state.words, state.gpus, state.ours, state.url) == ("running", "none", True, server.url)
    assert (state.image_id, state.session) == (found["Image"], containers.session)


async def test_the_image_of_a_folder_is_the_one_that_cog_names_after_it(
    containers: Containers, built: TestImages, tmp_path: Path
) -> None:
    folder = tmp_path / f"My Model {secrets.token_hex(3)}"
    name = "cog-" + folder.name.lower().replace(" ", "-")
    with pytest.raises(NotReady) as failure:
        await containers.start(folder)
    assert code(failure) == "no-image"
    assert name in failure.value.problem.what
    built.api.tag(built.example(), name)
    try:
        assert await containers.alive(await containers.start(folder))
    finally:
        built.api.remove_image(name)


async def test_it_is_found_again_after_the_wizard_was_killed(containers: Containers, built: TestImages) -> None:
    script = (
        "import asyncio, sys, time\n"
        "from arbius_tui.services.containers import Containers\n"
        "from arbius_tui.services.containers_engine import Address, Engine\n"
        "host, project, image = sys.argv[1:]\n"
        "server = asyncio.run(Containers(project, engine=Engine(Address(host)), gpus='none').start_image(image))\n"
        "print(server.url, server.container, flush=True)\n"
        "time.sleep(600)\n"
    )
    argv = [sys.executable, "-c", script, built.host, containers.project, built.example()]
    wizard = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    assert wizard.stdout is not None
    url, container = (await wizard.stdout.readline()).decode().split()
    wizard.kill()
    await wizard.wait()
    found = await containers.find_again()
    assert found == Server(url, container=container, started_by_us=True)
    assert await containers.alive(found)
    await ready(containers, found)
    other = Containers(f"{containers.project} too", engine=containers.engine)
    assert await other.find_again() is None
    assert not await other.alive(found)
    await other.stop(found)
    with pytest.raises(NotReady) as failure:
        await other.restart(found)
    assert code(failure) == "not-ours"
    again = await containers.start_image(built.example())
    assert again.container != container
    assert [one["Id"] for one in everything(built, containers.project)] == [again.container]


# Ends, each in its own words


async def test_killed_from_outside_is_said(containers: Containers, built: TestImages) -> None:
    server = await containers.start_image(built.example())
    await ready(containers, server)
    built.api.kill(server.container)
    built.api.wait(server.container)
    assert (await containers.state(server)).words == "exited (137): killed from outside"
    trouble = await containers.trouble(server, was_ready=True)
    assert trouble is not None
    assert (trouble.problem.code, trouble.problem.what) == (
        "container-killed",
        "the model's container was killed from outside (signal 9)",
    )
    assert "Server ready" in trouble.problem.detail
    assert not await containers.alive(server)
    assert await containers.find_again() is None
    await containers.restart(server)
    await ready(containers, server)


async def test_killed_while_it_is_set_up_ends_the_wait(containers: Containers, built: TestImages) -> None:
    server = await containers.start_image(built.model("slowsetup"))
    async with CogPredictions() as predictions:
        healths = containers.while_running(server, predictions.wait_ready(server.url, 60))
        assert (await anext(healths)).status == "STARTING"
        built.api.kill(server.container)
        with pytest.raises(NotReady) as failure:
            async for _ in healths:
                pass
    assert code(failure) == "container-killed"


async def test_removed_from_outside_is_said(containers: Containers, built: TestImages) -> None:
    server = await containers.start_image(built.example())
    built.api.remove_container(server.container, force=True)
    trouble = await containers.trouble(server, was_ready=True)
    assert trouble is not None
    assert trouble.problem.code == "container-missing"
    with pytest.raises(NotReady) as failure:
        await containers.restart(server)
    assert code(failure) == "container-missing"
    await containers.stop(server)


async def test_a_paused_one_is_no_dead_one(containers: Containers, built: TestImages) -> None:
    server = await containers.start_image(built.example())
    built.api.pause(server.container)
    trouble = await containers.trouble(server, was_ready=True)
    assert trouble is not None
    assert trouble.problem.code == "container-paused"
    assert trouble.problem.fix is not None
    assert trouble.problem.fix.command == f"docker unpause {containers.name}"
    assert not await containers.alive(server)
    await containers.restart(server)
    await ready(containers, server)


@pytest.mark.parametrize("version", [NEW, OLD])
async def test_a_setup_that_fails_says_its_reason(containers: Containers, built: TestImages, version: str) -> None:
    server = await containers.start_image(built.model("setupfail", version))
    with pytest.raises(NotReady) as failure:
        await ready(containers, server)
    assert code(failure) == "setup-failed"
    assert "weights not found" in failure.value.problem.detail


async def test_an_old_server_that_has_ended_still_tells_why_its_setup_failed(
    containers: Containers, built: TestImages
) -> None:
    server = await containers.start_image(built.model("setupfail", OLD))
    assert built.api.wait(server.container)["StatusCode"] == 255
    assert (await containers.state(server)).words == "exited (255): the model's setup failed"
    with pytest.raises(NotReady) as failure:
        await ready(containers, server)
    assert code(failure) == "setup-failed"
    assert failure.value.problem.what == "the model's setup failed: RuntimeError: weights not found"


async def test_an_image_whose_command_ends_or_is_no_program(containers: Containers, built: TestImages) -> None:
    server = await containers.start_image(built.ends())
    with pytest.raises(NotReady) as failure:
        await ready(containers, server)
    assert code(failure) == "container-ended"
    assert "exit code 3" in failure.value.problem.what
    with pytest.raises(NotReady) as failure:
        await ready(containers, await containers.start_image(built.broken()))
    assert code(failure) == "image-platform"


async def test_a_restart_in_the_middle_of_a_prediction(containers: Containers, built: TestImages) -> None:
    server = await containers.start_image(built.model("crash"))
    await ready(containers, server)
    running = asyncio.create_task(predict(server, mode="ok", secs=60))
    await first_line(containers, server, "mode ok")
    await containers.restart(server)
    with pytest.raises(Failure):
        await running
    await ready(containers, server)
    assert (await predict(server, mode="ok")).outputs[0].head == b"ok"


# What is taken, missing or refused


@pytest.fixture
def squatter() -> Iterator[int]:
    """A port of 127.0.0.1 that a program without docker holds."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        yield held.getsockname()[1]


async def test_a_taken_port_is_left_for_another(
    containers: Containers, built: TestImages, squatter: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    neighbour = Containers(f"{containers.project} neighbour", gpus="none", engine=containers.engine)
    theirs = await neighbour.start_image(built.example())
    free = module.free_port()
    ports = iter([squatter, int(theirs.url.rpartition(":")[2]), free])
    monkeypatch.setattr(module, "free_port", lambda: next(ports))
    try:
        server = await containers.start_image(built.example())
        assert server.url == f"http://127.0.0.1:{free}"
        assert len(everything(built, containers.project)) == 1
        await ready(containers, server)
    finally:
        await neighbour.clear()


async def test_no_free_port_at_all(
    containers: Containers, built: TestImages, squatter: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "free_port", lambda: squatter)
    with pytest.raises(NotReady) as failure:
        await containers.start_image(built.example())
    assert code(failure) == "port-taken"
    assert str(squatter) in failure.value.problem.what
    assert everything(built, containers.project) == []


async def test_a_port_taken_while_it_was_down_gives_another_url(containers: Containers, built: TestImages) -> None:
    server = await containers.start_image(built.example())
    built.api.stop(server.container, timeout=1)
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", int(server.url.rpartition(":")[2])))
        held.listen()
        again = await containers.restart(server)
    assert again.url != server.url
    await ready(containers, again)


async def test_a_name_that_a_stranger_has_stays_the_strangers(containers: Containers, built: TestImages) -> None:
    stranger = built.api.create_container(BASE, ["true"], name=containers.name)["Id"]
    try:
        server = await containers.start_image(built.example())
        assert (await containers.state(server)).name.startswith(f"{containers.name}-")
        assert built.api.inspect_container(stranger)["Name"] == f"/{containers.name}"
    finally:
        built.api.remove_container(stranger)


async def test_one_of_ours_that_was_never_started_makes_way(containers: Containers, built: TestImages) -> None:
    left = built.api.create_container(BASE, ["true"], name=containers.name, labels={PROJECT: containers.project})["Id"]
    state = await containers.state(Server("", container=left))
    assert state.words == "made, but never started"
    trouble = await containers.trouble(Server("", container=left), was_ready=False)
    assert trouble is not None
    assert trouble.problem.code == "container-not-started"
    server = await containers.start_image(built.example())
    assert (await containers.state(server)).name == containers.name
    assert [one["Id"] for one in everything(built, containers.project)] == [server.container]


async def test_without_a_gpu_all_fails_and_auto_goes_on_without(containers: Containers, built: TestImages) -> None:
    if (await containers.engine.facts()).nvidia:
        pytest.skip("this Engine has NVIDIA's runtime, so it cannot show what happens without")
    with pytest.raises(NotReady) as failure:
        await containers.start_image(built.example(), gpus="all")
    assert code(failure) == "no-gpu-runtime"
    assert "CPU-ONLY" in str(failure.value.problem.fix)
    assert everything(built, containers.project) == []
    server = await containers.start_image(built.example(), gpus="auto")
    assert (await containers.state(server)).gpus == "none"


async def test_no_image_and_an_image_of_somebody_elses(containers: Containers, built: TestImages) -> None:
    with pytest.raises(NotReady) as missing:
        await containers.start_image("no-such-image:1")
    assert code(missing) == "no-image"
    assert missing.value.problem.fix is not None
    assert missing.value.problem.fix.command == "docker pull no-such-image:1"
    with pytest.raises(BadInput) as other:
        await containers.start_image(BASE)
    assert code(other) == "not-cog-image"


async def test_an_engine_elsewhere_is_refused_before_anything_is_made(
    containers: Containers, built: TestImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    await containers.engine.facts()
    monkeypatch.setattr(containers.engine, "_where", Address("ssh://far.example"))
    with pytest.raises(NotReady) as failure:
        await containers.start_image(built.example())
    assert code(failure) == "docker-remote"


@pytest.mark.parametrize("milliseconds", [0, 5, 20, 60, 120, 250, 400])
async def test_a_cancelled_start_leaves_nothing(containers: Containers, built: TestImages, milliseconds: int) -> None:
    image = built.example()
    starting = asyncio.create_task(containers.start_image(image))
    _, running = await asyncio.wait({starting}, timeout=milliseconds / 1000)
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    left = {one["Id"] for one in everything(built, containers.project)}
    assert left == (set() if running else {starting.result().container})


async def test_a_wait_that_is_given_up_leaves_nothing_running(containers: Containers, built: TestImages) -> None:
    server = await containers.start_image(built.model("slowsetup"))
    before = asyncio.all_tasks()
    async with CogPredictions() as predictions:
        healths = predictions.wait_ready(server.url, 60)
        waiting = asyncio.create_task(anext(containers.while_running(server, after_the_first(healths))))
        await asyncio.wait({waiting}, timeout=0.5)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert waiting.cancelled()
        assert asyncio.all_tasks() == before
        with pytest.raises(StopAsyncIteration):
            await anext(healths)


async def after_the_first(healths: AsyncGenerator[Health, None]) -> AsyncGenerator[Health, None]:
    """Healths that do not come soon."""
    async with aclosing(healths):
        async for health in healths:
            if health.status == "READY":
                yield health


# Logs


async def test_a_log_of_many_lines_loses_none_and_can_be_left_at_any_time(
    containers: Containers, built: TestImages
) -> None:
    print_many = "for n in range(30000): print('line', n)\nimport time; time.sleep(600)"
    labels = {PROJECT: containers.project}
    made = built.api.create_container(BASE, ["python3", "-u", "-c", print_many], labels=labels)["Id"]
    built.api.start(made)
    seen = 0
    async with aclosing(containers.logs(Server("", container=made), tail=10**6)) as log:
        async for line in log:
            assert line == f"line {seen}"
            seen += 1
            if seen == 30000:
                break
    for thread in threading.enumerate():
        if thread.name == "docker stream":
            thread.join(10)
            assert not thread.is_alive()


async def test_the_log_of_nothing(containers: Containers) -> None:
    with pytest.raises(NotReady) as failure:
        async for _ in containers.logs(Server("", container="0" * 64)):
            pass
    assert code(failure) == "container-missing"
    assert await containers.last_lines(Server("", container="0" * 64)) == []


# Images


async def test_the_labels_of_a_cog_build_are_read_from_a_real_image(containers: Containers, built: TestImages) -> None:
    image = await containers.images.inspect(built.example())
    assert (image.is_cog, image.labelled, image.cog_version, image.coglet_version) == (True, True, NEW, NEW)
    assert image.openapi is not None
    assert "seed" in image.openapi["components"]["schemas"]["Input"]["properties"]
    assert image.predictor == "predict.py:Predictor"
    assert image.size > 10**8
    assert image.platform == "linux/amd64"
    assert not image.wants_gpu
    assert image.id in [one.id for one in await containers.images.cog_images()]


async def test_an_image_of_a_dockerfile_has_no_label_and_is_cogs_all_the_same(
    containers: Containers, built: TestImages
) -> None:
    image = await containers.images.inspect(built.model("text"))
    assert (image.is_cog, image.labelled, image.openapi) == (True, False, None)


async def lines(images: Images, folder: Path, dockerfile: str, tag: str = "arbius-tui-test:bad") -> list[str]:
    (folder / "Dockerfile").write_text(dockerfile)
    return [line async for line in images.build(folder, "Dockerfile", tag)]


@pytest.mark.parametrize(
    ("dockerfile", "expected", "words"),
    [
        (f"FROM {BASE}\nRUN echo on the way && exit 3\n", "build-step", "exit code 3"),
        (f"FROM {BASE}\nCOPY nothing.txt /\n", "build-copy", "nothing.txt"),
        (f"FROM {BASE}\nRNU true\n", "bad-dockerfile", "line 2"),
        ("FROM 127.0.0.1:9/nobody/none:1\n", "registry-unreachable", "cannot reach"),
        (f"FROM {BASE}\nRUN --mount=type=cache,target=/x true\n", "needs-buildkit", "BuildKit"),
    ],
)
async def test_a_build_that_fails_says_why(
    built: TestImages, tmp_path: Path, dockerfile: str, expected: str, words: str
) -> None:
    async with Engine(Address(built.host)) as engine:
        with pytest.raises(Failure) as failure:
            await lines(Images(engine), tmp_path, dockerfile)
    problem = failure.value.problem
    assert (problem.code, words in problem.what) == (expected, True), problem
    if expected == "build-step":
        assert "on the way" in problem.detail
    assert built.api.images("arbius-tui-test:bad") == []


async def test_no_dockerfile_and_no_name_for_an_image(built: TestImages, tmp_path: Path) -> None:
    async with Engine(Address(built.host)) as engine:
        with pytest.raises(BadInput) as missing:
            await anext(Images(engine).build(tmp_path, "Dockerfile", "x"))
        with pytest.raises(BadInput) as name:
            await lines(Images(engine), tmp_path, f"FROM {BASE}\n", "Not A Name")
    assert (code(missing), code(name)) == ("no-dockerfile", "image-name")


async def test_an_image_is_pulled_only_when_asked_and_a_registry_that_is_away_is_said(built: TestImages) -> None:
    async with Engine(Address(built.host)) as engine:
        with pytest.raises(NotReady) as failure:
            async for _ in Images(engine).pull("127.0.0.1:9/nobody/none:1"):
                pass
    assert code(failure) == "registry-unreachable"
    assert "127.0.0.1:9" in failure.value.problem.detail


async def test_a_container_that_wants_too_much_memory(containers: Containers, built: TestImages) -> None:
    host = built.api.create_host_config(mem_limit="64m", memswap_limit="64m")
    argv = ["python3", "-c", "b'x' * 2**28"]
    made = built.api.create_container(BASE, argv, labels={PROJECT: containers.project}, host_config=host)["Id"]
    built.api.start(made)
    built.api.wait(made)
    trouble = await containers.trouble(Server("", container=made), was_ready=True)
    assert trouble is not None
    assert trouble.problem.code == "container-oom"


async def test_a_cancelled_build_leaves_no_container_and_no_tag(built: TestImages, tmp_path: Path) -> None:
    mark = secrets.token_hex(8)
    tag = f"arbius-tui-test:{mark}"
    (tmp_path / "Dockerfile").write_text(f"FROM {BASE}\nRUN echo {mark} && sleep 600\n")

    def running() -> list[Any]:
        return [one for one in built.api.containers(all=True) if mark in one["Command"]]

    async with Engine(Address(built.host)) as engine:
        async with aclosing(Images(engine).build(tmp_path, "Dockerfile", tag)) as log:
            async for line in log:
                if line == mark:
                    assert running()
                    break
        for one in running():
            with suppress(docker.errors.NotFound):
                built.api.wait(one["Id"], timeout=30, condition="removed")
        assert running() == []
    assert built.api.images(tag) == []


@pytest.fixture
async def breakable(built: TestImages, tmp_path: Path) -> AsyncIterator[tuple[str, Stopper]]:
    """The address of the real Engine behind a socket, and what breaks every connection to it, as when it is stopped."""
    async with stoppable(built.host, f"{tmp_path}/d.sock") as door:
        yield door


async def test_an_engine_that_is_stopped_in_the_middle_of_a_build(
    breakable: tuple[str, Stopper], tmp_path: Path
) -> None:
    host, stop = breakable
    mark = secrets.token_hex(8)
    (tmp_path / "Dockerfile").write_text(f"FROM {BASE}\nRUN echo {mark} && sleep 600\n")
    async with Engine(Address(host)) as engine:

        async def build() -> None:
            async for line in Images(engine).build(tmp_path, "Dockerfile", f"arbius-tui-test:{mark}"):
                if line == mark:
                    await stop()

        with pytest.raises(NotReady) as failure:
            await build()
        assert code(failure) == "build-interrupted"
        assert mark in failure.value.problem.detail
        with pytest.raises(NotReady) as after:
            await engine.facts()
    assert code(after) == "docker-unreachable"


async def test_an_engine_that_is_stopped_while_a_log_is_followed(
    breakable: tuple[str, Stopper], containers: Containers, built: TestImages
) -> None:
    host, stop = breakable
    server = await containers.start_image(built.example())
    await ready(containers, server)
    seen = []
    async with Containers(containers.project, engine=Engine(Address(host))) as through:
        async for line in through.logs(server):
            seen.append(line)
            await stop()
        with pytest.raises(NotReady) as failure:
            await through.state(server)
    assert seen
    assert code(failure) == "docker-unreachable"


def test_projects_of_one_name_in_two_places_stay_apart(tmp_path: Path) -> None:
    assert project_key("demo", tmp_path / "a") != project_key("demo", tmp_path / "b")
    assert project_key("demo", tmp_path / "a") == project_key("demo", tmp_path / "a")
    assert project_key("demo", tmp_path).startswith("demo-")
