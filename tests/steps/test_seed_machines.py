"""The seed test on more than one machine: real Docker Engines over a socket, TCP and ssh, and a double of Replicate."""

from __future__ import annotations

import hashlib
import json
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from arbius_tui.domain.errors import NeedsInput
from arbius_tui.domain.events import Event, Found, Line, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Question
from arbius_tui.domain.records import RunRecord, SeedTestRecord
from arbius_tui.domain.secret import Secret
from arbius_tui.services import replicate as replicate_module
from arbius_tui.services.containers import project_key
from arbius_tui.services.containers_state import PROJECT
from arbius_tui.services.machines import Elsewhere
from arbius_tui.services.memory_store import MemoryStore
from arbius_tui.services.ports import ModelServers, Server, Services
from arbius_tui.services.predictions import CogPredictions
from arbius_tui.services.replicate import ReplicatePredictions
from arbius_tui.services.servers import Endpoints
from arbius_tui.services.store import default_folder
from arbius_tui.services.tokens import ReplicateToken
from arbius_tui.services.world import EitherPredictions, EitherServers, Settings, open_world
from arbius_tui.steps.base import Walk
from arbius_tui.steps.seed_case import CaseSeen, EndpointSeen
from arbius_tui.steps.seed_report import write
from arbius_tui.steps.seed_servers import Machines
from arbius_tui.steps.seed_test import SeedTest
from tests import parts
from tests.real.images import MODELS, TestImages
from tests.real.machines import over_tcp, sshd
from tests.replicate_double import TOKEN, VERSION, Replicate, replicate
from tests.steps.conftest import Author, collect, end

EXE = str(Path(sys.executable).parent / "arbius-tui")
HOSTED = "replicate:owner/name"
CARD = ("NVIDIA GeForce RTX 4090", "550.54.15")

real = pytest.mark.real


def over(events: list[Event], server: str) -> dict[str, CaseSeen]:
    """The last word on each case of a server that is over."""
    cases = [e.item for e in events if isinstance(e, Found) and isinstance(e.item, CaseSeen)]
    return {c.id: c for c in cases if c.endpoint == server and c.status not in ("wait", "run")}


def seen(events: list[Event]) -> dict[str, EndpointSeen]:
    """The last word on each server."""
    return {e.item.id: e.item for e in events if isinstance(e, Found) and isinstance(e.item, EndpointSeen)}


def problems(events: list[Event]) -> list[str]:
    return [event.problem.code for event in events if isinstance(event, Trouble)]


def said(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, Line)]


# -- Docker Engines


class Engines:
    """Both real Engines, and the containers that a test leaves on them."""

    def __init__(self) -> None:
        self.new, self.old = TestImages(parts.need("docker")), TestImages(parts.need("docker-old"))
        self.keys = set[str]()

    def text(self) -> str:
        """The same model on both; its images have another id on each, because each Engine made its own."""
        assert self.new.with_gpu("text") == self.old.with_gpu("text")
        return self.new.with_gpu("text")

    def elsewhere(self, key: str) -> list[Any]:
        """Containers of a project's machines, on either Engine."""
        self.keys.add(key)
        found = [one for images in (self.new, self.old) for one in images.api.containers(all=True)]
        return [one for one in found if (one["Labels"] or {}).get(PROJECT, "").startswith(f"{key}@")]

    def tidy(self, key: str) -> None:
        for images in (self.new, self.old):
            for one in images.api.containers(all=True):
                if (one["Labels"] or {}).get(PROJECT, "").startswith(key):
                    images.api.remove_container(one["Id"], force=True)


@pytest.fixture(scope="module")
def engines() -> Iterator[Engines]:
    found = Engines()
    yield found
    for images in (found.new, found.old):
        images.api.close()


@pytest.fixture
def key(engines: Engines) -> Iterator[str]:
    """The label of one test's project; nothing of it is left on either Engine."""
    found = f"test {secrets.token_hex(4)}"
    yield found
    engines.tidy(found)


@asynccontextmanager
async def started(engines: Engines, key: str, data: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Walk]:
    """A walk whose model runs in a container on this machine's own Engine."""
    monkeypatch.setenv("DOCKER_HOST", engines.new.host)
    settings = Settings(image=engines.text(), gpus="none", project=key, state=data)
    async with open_world(settings, data) as services:
        walk = Walk(MemoryStore(Journey("demo", "one")), services)
        assert end(await collect(walk, "run")).ok
        yield walk


def context(folder: Path, name: str, host: str) -> None:
    """A docker context as `docker context create` writes it."""
    place = folder / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    place.mkdir(parents=True)
    meta = {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": False}}}
    (place / "meta.json").write_text(json.dumps(meta))


@real
async def test_one_image_on_four_machines_is_proved_on_all_and_gone_afterwards(
    engines: Engines, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This machine, 20.10 over tcp://, the same over ssh with its socket's path, and 26.1 as a docker context."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    context(tmp_path / "docker", "gpu-box", engines.new.host)
    (tmp_path / "ssh").mkdir()
    async with AsyncExitStack() as stack:
        tcp = await stack.enter_async_context(over_tcp(engines.old.host))
        server = stack.enter_context(sshd(tmp_path / "ssh"))
        monkeypatch.setenv("PATH", server.path)
        walk = await stack.enter_async_context(started(engines, key, tmp_path, monkeypatch))
        also = (tcp, "ssh://testbox" + engines.old.host.removeprefix("unix://"), "gpu-box")
        events = await collect(walk, "seed_test", step=SeedTest(machines=Machines(also)))
        assert end(events).ok, problems(events)
        assert engines.elsewhere(key) == [], "the test's own containers went with it"
    servers = seen(events)
    assert [(s.url, s.state, s.place) for s in servers.values()] == [
        (servers["1"].url, "ok", "cog"), *((where, "ok", "docker") for where in also)
    ]  # fmt: skip
    assert {(s.gpu, s.driver, s.cog) for s in servers.values()} == {(*CARD, "0.23.1")}
    for id in servers:
        cases = over(events, id)
        assert all(case.status == "succeeded" and case.wanted for case in cases.values())
        assert cases["after-restart"].verdict == "SAME"
    assert {over(events, id)["first"].letter for id in servers} == {"A"}
    ids = {
        id: images.api.inspect_image(engines.text())["Id"] for id, images in (("4", engines.new), ("2", engines.old))
    }
    assert {id: servers[id].image for id in ids} == ids
    assert problems(events).count("image-differs") == 2, "20.10 has an image of its own making"
    written = write(tmp_path / "report", walk.journey, None)
    page = next(path for path in written if path.suffix == ".md").read_text()
    assert f"server `3`: `{also[1]}`, GPU `{CARD[0]}`, driver `{CARD[1]}`, cog `0.23.1`" in page
    card = json.loads(next(path for path in written if path.name == "miner-card.json").read_text())
    assert (card["gpu"], card["driver"]) == CARD


@real
async def test_a_machine_that_lacks_the_image_or_is_not_there_is_marked_and_the_rest_goes_on(
    engines: Engines, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    name = f"arbius-tui-only-here:{secrets.token_hex(4)}"
    engines.new.api.tag(engines.text(), name)
    try:
        async with started(engines, key, tmp_path, monkeypatch) as walk:
            also = (engines.old.host, "tcp://127.0.0.1:9", "no-such-context", f"unix://{tmp_path}/no.sock")
            events = await collect(walk, "seed_test", step=SeedTest(machines=Machines(also, image=name)))
    finally:
        engines.new.api.remove_image(name)
    assert all(case.status == "succeeded" for case in over(events, "1").values())
    assert end(events).exit == 4
    for id, code in zip(
        "2345", ("no-image", "docker-unreachable", "docker-context", "docker-unreachable"), strict=True
    ):
        assert seen(events)[id].state == "FAIL"
        assert {case.status for case in over(events, id).values()} == {"skipped"}
        assert code in problems(events)
    (missing,) = [e.problem for e in events if isinstance(e, Trouble) and e.problem.code == "no-image"]
    assert missing.fix
    assert missing.fix.command == f"docker save {name} | docker -H {engines.old.host} load"
    assert engines.elsewhere(key) == []


@real
async def test_a_machine_that_goes_away_in_the_middle_is_marked_and_the_rest_goes_on(
    engines: Engines, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with started(engines, key, tmp_path, monkeypatch) as walk:
        events: list[Event] = []
        step = SeedTest(machines=Machines((engines.old.host,)))
        async for event in walk.run("seed_test", Author(), step):
            events.append(event)
            item = event.item if isinstance(event, Found) else None
            if isinstance(item, CaseSeen) and (item.endpoint, item.id, item.status) == ("2", "again", "run"):
                # As when somebody removes it; docker kill alone is mended by a restart.
                (left,) = engines.elsewhere(key)
                engines.old.api.remove_container(left["Id"], force=True)
    assert all(case.status == "succeeded" for case in over(events, "1").values())
    assert over(events, "2")["first"].status == "succeeded"
    assert over(events, "2")["largest-seed"].status == "skipped"
    assert seen(events)["2"].state == "FAIL"
    assert end(events).exit == 4


@real
async def test_the_port_of_a_machine_on_the_network_is_reached_there_or_said_to_be_closed(
    engines: Engines, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """127.0.0.2 is this machine, too, and is none of the names by which it is known to be."""
    async with AsyncExitStack() as stack:
        where = await stack.enter_async_context(over_tcp(engines.old.host, "127.0.0.2"))
        walk = await stack.enter_async_context(started(engines, key, tmp_path, monkeypatch))
        events = await collect(walk, "seed_test", step=SeedTest(machines=Machines((where,))))
        assert end(events).ok, problems(events)
        reach = Elsewhere._reached

        async def closed(self: Elsewhere, server: Server) -> Server:
            return replace(await reach(self, server), url="http://127.0.0.1:9")

        monkeypatch.setattr(Elsewhere, "_reached", closed)
        events = await collect(walk, "seed_test", step=SeedTest(machines=Machines((where,)), limit=1))
    assert "port-closed" in problems(events)
    assert {case.status for case in over(events, "2").values()} == {"skipped"}
    assert engines.elsewhere(key) == []


@real
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_test_that_is_stopped_leaves_no_container_or_finds_it_again(
    engines: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: signal.Signals
) -> None:
    folder = tmp_path / f"m{secrets.token_hex(4)}"
    folder.mkdir()
    monkeypatch.setenv("DOCKER_HOST", engines.new.host)
    key = project_key(folder.name, default_folder(folder.name))
    image = engines.new.model("slow")
    short = {"cases": [{"id": "a", "seed": 1}, {"id": "b", "seed": 1, "expect": "same", "against": "a"}]}
    (folder / "short.json").write_text(json.dumps(short))
    argv = [
        EXE,
        "seed-test",
        "--image",
        image,
        "--docker",
        f"unix://{engines.new.host.removeprefix('unix://')}",
        "--json",
    ]
    try:
        child = subprocess.Popen(argv, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert child.stdout
        for line in child.stdout:
            item = json.loads(line)
            if item.get("kind") == "case" and item.get("endpoint") == "2" and item.get("status") == "run":
                break
        (left,) = engines.elsewhere(key)
        child.send_signal(how)
        child.communicate()
        if how is signal.SIGTERM:
            assert child.returncode == 143
            assert engines.elsewhere(key) == []
        else:
            assert [one["Id"] for one in engines.elsewhere(key)] == [left["Id"]]
        again = [*argv, "--cases", "short.json"]
        done = subprocess.run(again, cwd=folder, capture_output=True, text=True)
        assert json.loads(done.stdout.splitlines()[-1])["event"] == "done", done.stderr
        assert engines.elsewhere(key) == [], "what was left was found by its label and removed"
    finally:
        engines.tidy(key)


async def test_a_machine_needs_an_image_that_is_known(services: Services) -> None:
    walk = Walk(MemoryStore(Journey("demo", "rehearsal", str(MODELS / "text"))), services)
    await collect(walk, "run")
    events = await collect(walk, "seed_test", step=SeedTest(machines=Machines(("gpu-box",))))
    assert (problems(events), end(events).exit) == (["no-image-named"], 2)


# -- Replicate


def text(inputs: Mapping[str, Any]) -> str:
    """What the model `text` returns."""
    seed, prompt = inputs["seed"], inputs["prompt"]
    return f"{prompt} -> {hashlib.sha256(f'{seed}{prompt}'.encode()).hexdigest()[:12]} é ✓"


class Servers(EitherServers):
    """As in the real world, but that servers of this machine are the rehearsal's."""

    def __init__(self, local: ModelServers) -> None:
        self.local = local

    async def start(self, folder: Path) -> Server:
        return await self.local.start(folder)

    def of(self, server: Server) -> ModelServers:
        return Endpoints() if server.url.startswith("replicate:") else self.local


@pytest.fixture
async def with_double(services: Services, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Services, Replicate]]:
    """A world whose Replicate is a double, and a model that runs here."""
    monkeypatch.setattr(replicate_module, "POLL", (0.001, 0.01))
    async with AsyncExitStack() as stack:
        double = await stack.enter_async_context(replicate(text, looks=0))
        cog = await stack.enter_async_context(CogPredictions())
        token = ReplicateToken(Secret(TOKEN))
        hosted = await stack.enter_async_context(ReplicatePredictions(token, double.base))
        both = EitherPredictions(cog, hosted)
        yield replace(services, predictions=both, hosted=hosted, servers=Servers(services.servers)), double


async def local(services: Services) -> Walk:
    walk = Walk(MemoryStore(Journey("demo", "rehearsal", str(MODELS / "text"))), services)
    assert end(await collect(walk, "run")).ok
    return walk


async def test_the_hosted_version_is_a_column_and_its_restart_is_left_out(
    with_double: tuple[Services, Replicate], tmp_path: Path
) -> None:
    services, double = with_double
    double.version = {"hardware": "Nvidia L40S GPU"}
    walk = await local(services)
    events = await collect(walk, "seed_test", step=SeedTest(machines=Machines((HOSTED,), said=("1=RTX 4090, 550.54",))))
    hosted, own = over(events, "2"), over(events, "1")
    assert (hosted["after-restart"].status, hosted["after-restart"].verdict) == ("skipped", "SKIPPED")
    assert hosted["after-restart"].why.startswith("Replicate decides when owner/name gets a new process")
    ran = [id for id in hosted if hosted[id].status == "succeeded"]
    assert len(ran) == len(hosted) - 1 == len(double.predictions)
    assert all(hosted[id].outputs == own[id].outputs and hosted[id].letter == own[id].letter for id in ran)
    assert end(events).ok, problems(events)
    servers = seen(events)
    assert (servers["2"].gpu, servers["2"].cog, servers["2"].image) == ("Nvidia L40S GPU", "0.16.8", VERSION)
    assert (servers["1"].gpu, servers["1"].driver) == ("RTX 4090", "550.54")
    assert any("bills them" in line for line in said(events))
    kept = walk.journey.get(SeedTestRecord)
    assert TOKEN not in repr(kept)
    assert TOKEN not in repr(events)
    page = write(tmp_path, walk.journey, None)[1].read_text()
    assert "GPU `RTX 4090`, driver `550.54`" in page
    assert "GPU `Nvidia L40S GPU`, driver not known" in page


async def test_the_hosted_version_alone_is_proved_too(with_double: tuple[Services, Replicate]) -> None:
    services, _ = with_double
    walk = Walk(MemoryStore(Journey("demo", "one")), replace(services, endpoints=(HOSTED,)))
    events = await collect(walk, "run")
    assert end(events).ok
    events = await collect(walk, "seed_test")
    assert end(events).ok, problems(events)
    assert [(s.url, s.gpu, s.place) for s in seen(events).values()] == [(HOSTED, "", "replicate")]


@pytest.mark.parametrize(("status", "code"), [(402, "replicate-payment"), (401, "replicate-token")])
async def test_when_replicate_stops_to_serve_the_rest_goes_on(
    with_double: tuple[Services, Replicate], status: int, code: str
) -> None:
    services, double = with_double
    double.refuse = lambda what: (
        (status, {"detail": "no"}, {}) if what == "POST /v1/predictions" and len(double.predictions) == 2 else None
    )
    walk = await local(services)
    events = await collect(walk, "seed_test", step=SeedTest(machines=Machines((HOSTED,))))
    assert all(case.status == "succeeded" for case in over(events, "1").values())
    statuses = [case.status for case in over(events, "2").values()]
    assert statuses[:3] == ["succeeded", "succeeded", "failed"]
    assert set(statuses[3:]) == {"skipped"}
    assert over(events, "2")["other-seed"].code == code
    assert seen(events)["2"].state == "FAIL"
    assert "endpoint-lost" in problems(events), "nothing is said against the model"
    assert "model-failed" not in problems(events)
    assert end(events).exit == 4


async def test_a_rate_limit_is_said_while_it_is_waited_for(with_double: tuple[Services, Replicate]) -> None:
    services, double = with_double
    left = [429]

    def refuse(what: str) -> Any:
        return (left.pop(), {"retry_after": 0.01}, {}) if what.startswith("POST") and left else None

    double.refuse = refuse
    walk = await local(services)
    events = await collect(walk, "seed_test", step=SeedTest(machines=Machines((HOSTED,))))
    assert "server 2: Replicate's rate limit: waiting 1 s, as it asks" in said(events)
    assert end(events).ok


class Asked(Author):
    """An author who gives a token, or nobody."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token = token

    async def secret(self, question: Question) -> Secret:
        self.asked.append(question)
        if not self.token:
            raise NeedsInput("needs-input", "nobody")
        return Secret(self.token)


async def test_a_token_is_asked_for_unseen_where_there_is_none(
    with_double: tuple[Services, Replicate], monkeypatch: pytest.MonkeyPatch
) -> None:
    services, double = with_double
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    async with CogPredictions() as cog, ReplicatePredictions(ReplicateToken(), double.base) as hosted:
        services = replace(services, predictions=EitherPredictions(cog, hosted), hosted=hosted)
        walk = await local(services)
        step = SeedTest(machines=Machines((HOSTED,)))
        events = await collect(walk, "seed_test", Asked(""), step)
        assert (problems(events), end(events).exit) == (["needs-input"], 10)
        assert any("--token-file" in str(event.problem.fix) for event in events if isinstance(event, Trouble))
        author = Asked(TOKEN)
        events = await collect(walk, "seed_test", author, SeedTest(machines=Machines((HOSTED,))))
        assert [question.id for question in author.asked] == ["replicate-api-token"]
        assert end(events).ok
        await collect(walk, "seed_test", author, SeedTest(machines=Machines((HOSTED,))))
        assert len(author.asked) == 1


async def test_what_is_said_of_a_gpu_must_fit_a_server(services: Services) -> None:
    walk = await local(services)
    for wrong in ("http://10.0.0.9:5000=RTX 4090", "2=RTX 4090", "1=", "RTX 4090, 550 = "):
        events = await collect(walk, "seed_test", step=SeedTest(machines=Machines(said=(wrong,))))
        assert (problems(events), end(events).exit) == (["gpu-flag"], 2)
    url = (walk.journey.get(RunRecord) or RunRecord()).url
    events = await collect(walk, "seed_test", step=SeedTest(machines=Machines(said=(f"{url}/=RTX 4090",))))
    assert (seen(events)["1"].gpu, seen(events)["1"].driver) == ("RTX 4090", "")
    events = await collect(walk, "seed_test", step=SeedTest(machines=Machines(said=("A100, 535",))))
    assert (seen(events)["1"].gpu, seen(events)["1"].driver) == ("A100", "535")
