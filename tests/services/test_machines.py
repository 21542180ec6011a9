"""Machines over ssh and tcp: connected without a question, refused in words, and nothing left behind."""

from __future__ import annotations

import getpass
import json
import secrets
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from arbius_tui.domain.errors import BadInput, Failure, NotReady
from arbius_tui.services.containers_engine import Address, named
from arbius_tui.services.machines import Elsewhere, Machines, silent
from arbius_tui.services.predictions import CogPredictions
from arbius_tui.services.process import Completed
from arbius_tui.services.ssh import SshMachine, Target, no_engine, refused, target
from tests import parts
from tests.real.images import TestImages
from tests.real.machines import Sshd, sshd
from tests.steps.test_seed_machines import context

real = pytest.mark.real


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for temporary files with a short name, for a socket's path has 108 bytes at most."""
    with tempfile.TemporaryDirectory(prefix="t") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


@pytest.fixture
def server(tmp_path: Path, short: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sshd]:
    with sshd(tmp_path) as found:
        monkeypatch.setenv("PATH", found.path)
        yield found


def left(folder: Path) -> list[Path]:
    """What a connection left in the folder for temporary files."""
    return list(folder.glob("arbius-*"))


@pytest.mark.parametrize(
    ("host", "code", "command"),
    [
        ("stranger", "ssh-host-key", "ssh stranger"),
        ("keyless", "ssh-refused", "ssh-copy-id keyless"),
        ("closed", "ssh-unreachable", "ssh closed"),
        ("no-such-machine.invalid", "ssh-unreachable", "ssh no-such-machine.invalid"),
    ],
)
async def test_a_machine_that_does_not_let_us_in_says_why(
    server: Sshd, short: Path, host: str, code: str, command: str
) -> None:
    machine = SshMachine(f"ssh://{host}")
    with pytest.raises(NotReady) as failure:
        await machine.open()
    problem = failure.value.problem
    assert (problem.code, failure.value.exit_code) == (code, 3)
    assert problem.fix
    assert problem.fix.command == command
    assert problem.detail
    assert left(short) == []


async def test_without_ssh_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotReady) as failure:
        await SshMachine("ssh://gpu").open()
    assert failure.value.problem.code == "program-missing"


async def test_a_machine_without_docker_says_so(server: Sshd, short: Path) -> None:
    machine = SshMachine("ssh://testbox/no/such.sock")
    await machine.open()
    assert machine.alive
    (folder,) = left(short)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700, "nobody else may speak to the Engine through it"
    with pytest.raises(NotReady) as failure:
        await machine.engine()
    assert failure.value.problem.code == "ssh-docker"
    await machine.aclose()
    assert not machine.alive
    assert left(short) == []


async def test_a_machine_that_lets_no_port_through_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with sshd(tmp_path, "AllowTcpForwarding no\nAllowStreamLocalForwarding no") as found:
        monkeypatch.setenv("PATH", found.path)
        path = parts.need("docker").removeprefix("unix://")
        async with Machines("test", "none") as machines:
            with pytest.raises(Failure) as failure:
                await machines.start(f"ssh://testbox{path}", "no-image")
    assert failure.value.problem.code == "ssh-tunnel"
    assert "AllowStreamLocalForwarding" in str(failure.value.problem.fix)


@real
async def test_a_model_on_a_machine_behind_ssh(server: Sshd, short: Path) -> None:
    """With the user and the port in the URL, as docker writes it; the Engine is the one of the docker command there."""
    images = TestImages(parts.need("docker"))
    key = f"test {secrets.token_hex(4)}"
    where = f"ssh://{getpass.getuser()}@testbox:{server.port}"
    if parts.need("docker") != "unix:///var/run/docker.sock":
        where += parts.need("docker").removeprefix("unix://")
    async with Machines(key, "none") as machines, CogPredictions() as predictions:
        made = await machines.start(where, images.model("text"))
        boxes = machines.of(made)
        assert (await boxes.state(made)).ours
        assert [h.status async for h in boxes.while_running(made, predictions.wait_ready(made.url, 120))][-1] == "READY"
        before = await predictions.predict(made.url, {"prompt": "x", "seed": 1})
        again = await boxes.restart(made)
        assert [h async for h in boxes.while_running(again, predictions.wait_ready(again.url, 120))]
        assert (await predictions.predict(again.url, {"prompt": "x", "seed": 1})).outputs == before.outputs
        assert again.container == made.container
        await boxes.stop(again)
        assert await boxes.clear() == 0
        # The connection is lost, e.g. because the machine was restarted: the next start makes another one.
        assert boxes.ssh
        await boxes.ssh.aclose()
        last = await machines.start(where, images.model("text"))
        await machines.of(last).stop(last)
    images.api.close()
    assert left(short) == []


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("ssh://gpu", Target("gpu")),
        ("ssh://me@gpu:2222/run/user/1000/docker.sock", Target("gpu", "me", 2222, "/run/user/1000/docker.sock")),
    ],
)
def test_an_ssh_url_in_its_parts(url: str, found: Target) -> None:
    assert target(url) == found


@pytest.mark.parametrize(
    "url", ["ssh://", "ssh://-oProxyCommand=id", "ssh://a@-x", "ssh://-l@gpu", "ssh://me:secret@gpu", "ssh://a b", "ssh://gpu:x"]
)  # fmt: skip
def test_what_could_be_an_option_or_holds_a_password_is_refused(url: str) -> None:
    with pytest.raises(BadInput) as failure:
        target(url)
    assert failure.value.problem.code == "bad-server"


def test_whatever_else_ssh_says_is_kept() -> None:
    problem = refused(Target("gpu", "me", 22), "something new").problem
    assert (problem.code, problem.detail) == ("ssh-failed", "something new")
    assert problem.fix
    assert problem.fix.command == "ssh -o BatchMode=yes -p 22 me@gpu docker version"


@pytest.mark.parametrize(
    ("code", "said", "words"),
    [
        (127, "sh: docker: not found", "no docker command"),
        (1, "permission denied while trying to connect to the Docker daemon socket", "may not speak"),
        (1, "Cannot connect to the Docker daemon. Is the docker daemon running?", "does not answer"),
    ],
)
def test_why_there_is_no_engine_on_a_machine(code: int, said: str, words: str) -> None:
    problem = no_engine(Target("gpu"), Completed(code, "", said)).problem
    assert problem.code == "ssh-docker"
    assert words in problem.what
    assert problem.fix


def test_a_context_brings_its_address_and_its_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    context(tmp_path, "gpu-box", "tcp://gpu:2376")
    (meta,) = (tmp_path / "contexts/meta").iterdir()
    tls = tmp_path / "contexts/tls" / meta.name / "docker"
    tls.mkdir(parents=True)
    assert named("gpu-box") == Address("tcp://gpu:2376", "context gpu-box", tls)
    assert named("tcp://gpu:2375") == Address("tcp://gpu:2375")
    (tmp_path / "config.json").write_text(json.dumps({"currentContext": "gpu-box"}))
    assert named("default").url.startswith("unix://"), "this machine's own, whatever context is in use"
    with pytest.raises(NotReady) as failure:
        named("nobody")
    assert failure.value.problem.code == "docker-context"


@pytest.mark.parametrize(
    ("url", "binding", "host"),
    [
        ("unix:///run/docker.sock", "127.0.0.1", "127.0.0.1"),
        ("tcp://127.0.0.1:2375", "127.0.0.1", "127.0.0.1"),
        ("tcp://localhost:2375", "127.0.0.1", "127.0.0.1"),
        ("tcp://10.0.0.7:2376", "0.0.0.0", "10.0.0.7"),
        ("tcp://[fd00::7]:2376", "0.0.0.0", "fd00::7"),
    ],
)
def test_where_the_port_opens_and_how_it_is_reached(url: str, binding: str, host: str) -> None:
    boxes = Elsewhere("p", url, Address(url), gpus="none", ssh=None)
    assert (boxes._binding(), boxes.host) == ((binding, None), host)


def test_what_mends_this_machine_is_no_help_for_another() -> None:
    here: Any = NotReady("docker-unreachable", "the Docker Engine at X is not running", command="sudo systemctl start")
    problem = silent(here, "gpu-box").problem
    assert problem.fix
    assert problem.fix.command == "docker --context gpu-box info"
