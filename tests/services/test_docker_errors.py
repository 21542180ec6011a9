"""A Docker Engine that is not there, may not be spoken to, hangs or says no: each has its own sentence."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import docker  # noqa: F401  imported while its files may still be read, see `somebody_else`
import pytest

from arbius_tui.domain.errors import BadInput, Failure, NotReady
from arbius_tui.services import docker_errors
from arbius_tui.services.containers_engine import Address, Engine, EngineFacts, address, too_old
from tests import loopback, parts


async def asked(url: str, limit: float = 10) -> Failure:
    """How a question to this address fails."""
    async with Engine(Address(url)) as engine:
        with pytest.raises(Failure) as failure:
            await engine.call("say what it is", lambda api: api.version(), limit)
    return failure.value


@contextmanager
def listening(path: str) -> Iterator[None]:
    """A socket file with somebody behind it who never says a word."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        yield


@contextmanager
def somebody_else() -> Iterator[None]:
    """The file permissions of a user who is not root, for this thread and those it starts."""
    if os.geteuid():
        yield
        return
    libc = ctypes.CDLL(None)
    libc.setfsuid(65534)
    try:
        yield
    finally:
        libc.setfsuid(0)


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose name is short enough for a socket and that everybody may enter."""
    with tempfile.TemporaryDirectory(prefix="d") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


async def answering(reply: bytes, then: Callable[[str], Awaitable[Failure]]) -> Failure:
    """What a question becomes when somebody answers with these bytes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply)
        await writer.drain()

    async with loopback.listening(answer) as address:
        return await then(f"tcp://{address}")


def http(status: str, body: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nContent-Type: text/plain\r\n\r\n{body}".encode()


# Nobody there


async def test_no_socket(short: Path) -> None:
    failure = await asked(f"unix://{short}/docker.sock")
    assert failure.problem.code == "docker-unreachable"
    assert failure.problem.what == f"there is no Docker Engine at unix://{short}/docker.sock"
    assert failure.problem.fix is not None
    assert "install" in failure.problem.fix.text
    assert failure.problem.fix.command == docker_errors.start_command()


async def test_a_socket_that_a_stopped_docker_left_behind(short: Path) -> None:
    with listening(f"{short}/docker.sock"):
        pass
    failure = await asked(f"unix://{short}/docker.sock")
    assert failure.problem.code == "docker-unreachable"
    assert "is not running" in failure.problem.what


async def test_a_socket_without_permission(short: Path) -> None:
    path = short / "docker.sock"
    with listening(str(path)):
        path.chmod(0)
        with somebody_else():
            failure = await asked(f"unix://{path}")
    assert failure.problem.code == "docker-permission"
    assert failure.problem.fix is not None
    assert failure.problem.fix.command == "sudo usermod -aG docker $USER"
    assert "log out and in again" in failure.problem.fix.text


async def test_nobody_at_a_port_and_no_such_machine() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        refused = await asked(f"tcp://127.0.0.1:{free.getsockname()[1]}")
    assert (refused.problem.code, "is not running" in refused.problem.what) == ("docker-unreachable", True)
    unknown = await asked("tcp://no-such-machine.invalid:2375")
    assert (unknown.problem.code, "nobody knows" in unknown.problem.what) == ("docker-unreachable", True)


async def test_one_that_hangs_is_given_up(short: Path) -> None:
    with listening(f"{short}/docker.sock"):
        failure = await asked(f"unix://{short}/docker.sock", 0.2)
    assert failure.problem.code == "docker-timeout"


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "tcp://", "tcp://127.0.0.1", "nonsense"])
async def test_an_address_that_is_none(url: str) -> None:
    failure = await asked(url)
    assert failure.problem.code == "docker-unreachable"
    assert "is no address of a Docker Engine" in failure.problem.what


@pytest.mark.parametrize(
    ("reply", "code", "words"),
    [
        (http("200 OK", "<html>hello</html>"), "docker-unreachable", "no Docker Engine"),
        (http("200 OK", "{}"), "docker-unreachable", "no Docker Engine"),
        (http("404 Not Found", "no"), "docker-unreachable", "no Docker Engine"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "docker-unreachable", ""),
        (b"", "docker-unreachable", "went away"),
        (http("503 Service Unavailable", "starting"), "docker-unreachable", "only with an error"),
        (http("400 Bad Request", "Client sent an HTTP request to an HTTPS server."), "docker-tls", "TLS"),
    ],
)
async def test_somebody_answers_who_is_no_engine(reply: bytes, code: str, words: str) -> None:
    failure = await answering(reply, asked)
    assert (failure.problem.code, words in failure.problem.what) == (code, True), failure.problem


async def test_certificates_that_are_missing(tmp_path: Path) -> None:
    async with Engine(Address("tcp://127.0.0.1:2376", certificates=tmp_path)) as engine:
        with pytest.raises(NotReady) as failure:
            await engine.facts()
    assert failure.value.problem.code == "docker-tls"


# What an Engine says


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("driver failed programming external connectivity on endpoint m2 (14b8): Bind for 127.0.0.1:5100 failed: "
         "port is already allocated", "port-taken", "127.0.0.1:5100 is taken by another container"),
        ("driver failed programming external connectivity on endpoint m2: Error starting userland proxy: listen tcp4 "
         "127.0.0.1:8393: bind: address already in use", "port-taken", "127.0.0.1:8393 is taken by another program"),
        ("failed to set up container networking: driver failed programming external connectivity on endpoint a (b): "
         "failed to bind host port for 127.0.0.1:5100:172.17.0.2:5000/tcp: address already in use",
         "port-taken", "another program"),
        ('Conflict. The container name "/m1" is already in use by container "0192". You have to remove (or rename) '
         "that container to be able to reuse that name.", "name-taken", "a container named m1 exists already"),
        ("No such image: cog-demo:latest", "no-image", "no image cog-demo:latest"),
        ('could not select device driver "" with capabilities: [[gpu]]', "no-gpu-runtime", "no GPU"),
        ("unknown or invalid runtime name: nvidia", "no-gpu-runtime", "NVIDIA"),
        ("failed to create shim task: OCI runtime create failed: runc create failed: unable to start container "
         "process: error during container init: error running hook #0: error running hook: exit status 1, stdout: , "
         "stderr: Auto-detected mode as 'legacy'\nnvidia-container-cli: initialization error: nvml error: driver not "
         "loaded: unknown", "gpu-broken", "cannot reach the GPU"),
        ("nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.4, please update your driver to a "
         "newer version, or use an earlier cuda container: unknown", "gpu-driver-old", "cuda>=12.4"),
        ("failed to register layer: write /x: no space left on device", "disk-full", "disk"),
        ("image with reference a was found but does not match the specified platform: wanted linux/arm64, actual: "
         "linux/amd64", "image-platform", "another kind of processor"),
        ("no matching manifest for linux/arm64/v8 in the manifest list entries", "image-platform", "processor"),
        ("exec /usr/bin/python: exec format error", "image-platform", "processor"),
        ("pull access denied for nobody/none, repository does not exist or may require 'docker login': denied",
         "no-such-image", "no such image"),
        ("manifest for debian:nope not found: manifest unknown", "no-such-image", "no such image"),
        ("toomanyrequests: You have reached your pull rate limit.", "registry-limit", "for now"),
        ('Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io on 10.0.0.1:53: no such host',
         "registry-unreachable", "cannot reach the network"),
        ("the --mount option requires BuildKit. Refer to https://docs.docker.com/go/buildkit/", "needs-buildkit", "x"),
        ("The command '/bin/sh -c exit 3' returned a non-zero code: 3", "build-step", "exit code 3: /bin/sh -c exit 3"),
        ('failed to solve: process "/bin/sh -c exit 3" did not complete successfully: exit code: 3', "build-step",
         "exit code 3: /bin/sh -c exit 3"),
        ("COPY failed: file not found in build context or excluded by .dockerignore: stat nothing.txt: file does not "
         "exist", "build-copy", "nothing.txt"),
        ('failed to compute cache key: failed to calculate checksum of ref a::b: "/nothing.txt": not found',
         "build-copy", "/nothing.txt"),
        ("dockerfile parse error line 2: unknown instruction: RNU", "bad-dockerfile", "RNU (line 2)"),
        ("invalid reference format: repository name (library/X) must be lowercase", "image-name", "name"),
        ('OCI runtime create failed: runc create failed: exec: "python": executable file not found in $PATH: unknown',
         "image-command", "python is not in it"),
        ("No such container: 0192", "container-missing", "gone"),
        ("error getting credentials - err: exec: \"docker-credential-desktop\": executable file not found in $PATH",
         "docker-credentials", "credential"),
    ],
)  # fmt: skip
def test_each_text_of_the_engine_has_its_own_sentence(text: str, code: str, words: str) -> None:
    found = docker_errors.words(text)
    assert found is not None
    assert found.problem.code == code
    assert words in found.problem.what
    assert found.problem.detail == text
    assert found.problem.fix is not None
    assert "{" not in found.problem.what


def test_what_is_not_known_keeps_its_own_words() -> None:
    failure = docker_errors.failure(RuntimeError("a new \x1b[31msort of fault"), "start the container", "unix:///x")
    assert failure.problem.code == "docker-error"
    assert failure.problem.what == "the Docker Engine could not start the container"
    assert failure.problem.detail == "a new sort of fault"


def test_a_failure_stays_what_it_is() -> None:
    failure = BadInput("x", "y")
    assert docker_errors.failure(failure, "do it", "unix:///x") is failure


# Where the Engine is


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for docker's configuration, and no other word on where the Engine is."""
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path


def command(*argv: str) -> str:
    """The real docker command says it."""
    if not shutil.which("docker"):
        parts.need("docker")
        pytest.fail("an Engine and no docker command: install docker.io")
    return subprocess.run(["docker", *argv], capture_output=True, text=True, check=True, timeout=30).stdout.strip()


def chosen_by_docker() -> str:
    return command("context", "inspect", "--format", "{{.Endpoints.docker.Host}}")


def test_a_context_is_found_as_the_docker_command_finds_it(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command("context", "create", "there", "--docker", "host=unix:///tmp/there.sock")
    command("context", "create", "here", "--docker", "host=tcp://127.0.0.1:1")
    assert address().url.startswith("unix://")
    command("context", "use", "there")
    assert (
        address() == Address(chosen_by_docker(), "context there") == Address("unix:///tmp/there.sock", "context there")
    )
    monkeypatch.setenv("DOCKER_CONTEXT", "here")
    assert address().url == chosen_by_docker() == "tcp://127.0.0.1:1"
    (config / "config.json").unlink()
    assert address().url == chosen_by_docker() == "tcp://127.0.0.1:1"
    monkeypatch.setenv("DOCKER_CONTEXT", "default")
    assert address().how == "default"
    monkeypatch.setenv("DOCKER_HOST", "unix:///tmp/first.sock")
    assert address() == Address("unix:///tmp/first.sock", "DOCKER_HOST")


def test_the_certificates_of_a_context(config: Path) -> None:
    command("context", "create", "safe", "--docker", "host=tcp://127.0.0.1:2376")
    command("context", "use", "safe")
    assert address().certificates is None
    (meta,) = (config / "contexts/meta").iterdir()
    tls = config / "contexts/tls" / meta.name / "docker"
    tls.mkdir(parents=True)
    assert address() == Address("tcp://127.0.0.1:2376", "context safe", tls, verify=True)


@pytest.mark.usefixtures("config")
def test_certificates_named_by_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:2376")
    assert address().certificates is None
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    assert address().certificates == tmp_path
    monkeypatch.setenv("DOCKER_CERT_PATH", "/certificates")
    assert address().certificates == Path("/certificates")


@pytest.mark.parametrize("meta", [None, "{", '{"Endpoints": []}', '{"Endpoints": {"docker": {}}}'])
async def test_a_context_that_nobody_made(config: Path, meta: str | None) -> None:
    (config / "config.json").write_text(json.dumps({"currentContext": "gone"}))
    if meta is not None:
        key = "meta/" + "1" * 64
        (config / "contexts" / key).mkdir(parents=True)
        (config / "contexts" / key / "meta.json").write_text(meta)
    async with Engine() as engine:
        with pytest.raises(NotReady) as failure:
            await engine.facts()
    assert failure.value.problem.code == "docker-context"
    assert "gone" in failure.value.problem.what
    assert failure.value.problem.fix is not None
    assert failure.value.problem.fix.command == "docker context ls"


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("unix:///var/run/docker.sock", True),
        ("tcp://127.0.0.1:2375", True),
        ("tcp://localhost:2375", True),
        ("tcp://[::1]:2375", True),
        ("tcp://10.0.0.7:2375", False),
        ("ssh://me@far.example", False),
    ],
)
def test_where_a_published_port_opens(url: str, here: bool) -> None:
    assert Address(url).here is here


@pytest.mark.parametrize(
    ("version", "old"), [("20.10.24+dfsg1", True), ("23.0.0", False), ("26.1.5+dfsg1", False), ("dev", False)]
)
def test_an_engine_that_is_too_old_for_a_cog_build(version: str, old: bool) -> None:
    found = too_old(EngineFacts(version, "1.41", "linux/amd64", (), "overlay2", "/var/lib/docker"))
    assert (found is not None) is old
    if found:
        assert (found.code, found.severity) == ("docker-old", "warn")
