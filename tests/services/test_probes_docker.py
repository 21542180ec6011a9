"""Docker's faults told apart: each has its own sentence and its own fix."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from arbius_tui.domain.journey import Journey
from arbius_tui.services import probes_docker
from arbius_tui.services.memory_store import MemoryStore
from arbius_tui.services.ports import Subject
from arbius_tui.services.process import output
from arbius_tui.steps.base import Walk
from arbius_tui.steps.checks import Checks
from tests import loopback, parts
from tests.services.bare_machine import engine, finding, program, rows_of, toolchain
from tests.steps.conftest import Author

pytestmark = pytest.mark.usefixtures("bare")

V26 = {"Version": "26.1.5", "Arch": "amd64"}
NOBODY = 65534


@contextmanager
def as_nobody() -> Iterator[None]:
    """A user without rights; whoever runs the tests as no root is one already."""
    if os.geteuid() != 0:
        yield
        return
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


@contextmanager
def closed_socket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A real socket with a listener, which this user cannot open. In a folder that everybody may look into."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name, socket.socket(socket.AF_UNIX) as listener:
        os.chmod(name, 0o755)
        path = Path(name) / "docker.sock"
        listener.bind(str(path))
        listener.listen()
        path.chmod(0)
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        monkeypatch.setenv("DOCKER_CONFIG", name)
        yield path


async def everything_loaded() -> None:
    """Whoever has no rights may not read the environment that Python's packages lie in either."""
    await finding("docker-permission")


def owner(**more: object) -> probes_docker.Owner:
    return probes_docker.Owner(**{"uid": 0, "gid": 998, "group": "docker", **more})


# -- permission


async def test_a_socket_that_this_user_may_not_open(monkeypatch):
    await everything_loaded()
    with closed_socket(monkeypatch), as_nobody():
        monkeypatch.setattr(probes_docker, "owner_of", lambda path: owner())
        _, last = await rows_of(toolchain(), "containers")
    permission, daemon = last["docker-permission"], last["docker-daemon"]
    assert (permission.state, permission.found) == ("FAIL", "this user is not in the group docker")
    assert permission.fix.command.startswith("sudo usermod -aG docker ")
    assert "sudo" in permission.fix.text
    assert "log out and in" in permission.fix.text
    assert (daemon.state, daemon.found) == ("wait", "(needs: docker permission)")
    assert (last["docker-version"].state, last["docker-version"].found) == ("wait", "(needs: docker daemon)")


async def test_a_member_whose_session_is_older_logs_in_again(monkeypatch):
    await everything_loaded()
    with closed_socket(monkeypatch), as_nobody():
        monkeypatch.setattr(probes_docker, "owner_of", lambda path: owner(members=("alice",)))
        monkeypatch.setattr(probes_docker, "user_name", lambda: "alice")
        check = await finding("docker-permission")
    assert check.found == "this user is in the group docker, but this session began before"
    assert check.fix.command == "newgrp docker"
    assert "log out and in again" in check.fix.text


async def test_a_socket_of_no_group_and_one_whose_mode_shuts_the_group_out(monkeypatch):
    await everything_loaded()
    with closed_socket(monkeypatch) as path, as_nobody():
        monkeypatch.setattr(probes_docker, "owner_of", lambda path: owner(gid=0, group="root"))
        check = await finding("docker-permission")
        assert check.found.startswith("only root may")
        assert check.fix.command.startswith("sudo groupadd -f docker && sudo usermod")
        monkeypatch.setattr(probes_docker, "owner_of", lambda path: owner(gid=os.getegid(), mode=0o600))
        check = await finding("docker-permission")
        assert check.found == "the socket's mode 600 shuts the group docker out"
        assert check.fix.command == f"sudo chmod 660 {path}"


async def test_who_may_open_a_socket_is_told(bare, monkeypatch):
    async with engine(bare, {"/version": V26}):
        monkeypatch.setattr(os, "geteuid", lambda: os.stat(bare / "docker.sock").st_uid or 0)
        assert (await finding("docker-permission")).found in ("root may", "the socket is this user's own (rootless)")
        monkeypatch.setattr(probes_docker, "owner_of", lambda path: owner())
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        assert (await finding("docker-permission")).found == "this user is in the group docker"


async def test_no_socket_asks_for_no_permission():
    check = await finding("docker-permission")
    assert (check.state, check.found) == ("off", "no socket yet, so nobody to be let in")


# -- the Engine


async def test_a_stopped_engine_is_not_one_that_was_never_there(bare, monkeypatch):
    missing = await finding("docker-daemon")
    assert missing.found.startswith("not installed")
    assert missing.fix.command == "curl -fsSL https://get.docker.com | sudo sh"
    program(bare, "dockerd", "exit 0")
    installed = await finding("docker-daemon")
    assert installed.found.startswith("not running: there is no ")
    assert installed.fix.command in ("sudo systemctl start docker", "sudo service docker start")
    async with engine(bare, {}):
        pass
    with socket.socket(socket.AF_UNIX) as listener:  # bound, and nobody listens
        (bare / "docker.sock").unlink(missing_ok=True)
        listener.bind(str(bare / "docker.sock"))
        stopped = await finding("docker-daemon")
    assert stopped.found.startswith("stopped: nobody is behind ")
    assert stopped.fix == installed.fix
    assert len({missing.found, installed.found, stopped.found}) == 3


@pytest.mark.parametrize(
    ("where", "command"),
    [("unix:///run/user/1000/docker.sock", "systemctl --user start docker"),
     ("unix:///root/.docker/desktop/docker.sock", "systemctl --user start docker-desktop"),
     ("unix:///root/.colima/default/docker.sock", "colima start")],
)  # fmt: skip
async def test_each_kind_of_docker_is_started_in_its_own_way(bare, where, command):
    program(bare, "docker", "echo Docker version 26")
    check = await finding("docker-daemon", docker=where)
    assert check.state == "FAIL"
    assert check.fix.command == command


async def test_docker_as_a_snap_is_started_as_a_snap(bare):
    (bare / "snap").mkdir()
    (bare / "snap" / "docker").write_text("#!/bin/sh\n")
    (bare / "snap" / "docker").chmod(0o755)
    (bare / "bin" / "docker").symlink_to(bare / "snap" / "docker")
    assert (await finding("docker-daemon")).fix.command == "sudo snap start docker"


@pytest.mark.parametrize(
    ("version", "info", "state", "found"),
    [
        (V26, {}, "ok", "26.1.5 at "),
        (V26, {"SecurityOptions": ["name=seccomp", "name=rootless"]}, "ok", "rootless"),
        (V26, {"OperatingSystem": "Docker Desktop"}, "ok", "Docker Desktop"),
        (V26, {"DockerRootDir": "/var/snap/docker/common/var-lib-docker"}, "ok", "snap"),
        ({"Version": "5.4.0", "Components": [{"Name": "Podman Engine"}]}, {}, "warn", "Podman 5.4.0"),
        ({"Name": "something else"}, {}, "FAIL", "is no Docker Engine"),
        ([], {}, "FAIL", "is no Docker Engine"),
    ],
)
async def test_what_answers_on_the_socket(bare, version, info, state, found):
    async with engine(bare, {"/version": version, "/info": info}):
        check = await finding("docker-daemon")
    assert check.state == state
    assert found in check.found


@pytest.mark.parametrize("answer", [(500, "{}"), "<html>"])
async def test_an_engine_that_only_errs_is_restarted(bare, answer):
    async with engine(bare, {"/version": answer}):
        check = await finding("docker-daemon")
    assert check.found.startswith("answers, but only with an error")
    assert "restart" in check.fix.command


async def test_an_engine_of_another_processor_emulates(bare):
    async with engine(bare, {"/version": {"Version": "28.0.1", "Arch": "arm64"}}):
        check = await finding("docker-version")
    assert check.state == "warn"
    assert "emulated" in check.found


# -- where it is


async def test_another_machine_over_ssh_is_not_asked_and_what_needs_it_is_off():
    _, last = await rows_of(toolchain(docker="ssh://me:secret@build.example"), "containers,gpu")
    daemon = last["docker-daemon"]
    assert daemon.state == last["docker-version"].state == last["gpu-runtime"].state == "off"
    assert "ssh://build.example is another machine" in daemon.found
    assert "secret" not in str(last)
    assert last["docker-permission"].state == "off"


@pytest.mark.parametrize("host", ["npipe:////./pipe/docker", "nonsense", "unix", "://"])
async def test_an_address_of_no_kind_is_refused_in_words(monkeypatch, host):
    monkeypatch.setenv("DOCKER_HOST", host)
    check = await finding("docker-daemon")
    assert check.state == "FAIL"
    assert check.found.startswith("DOCKER_HOST: ")
    assert check.fix.command == "unset DOCKER_HOST"


async def test_nobody_at_a_tcp_address():
    check = await finding("docker-daemon", docker="tcp://127.0.0.1:9")
    assert (check.state, check.found) == ("FAIL", "nobody answers at tcp://127.0.0.1:9")


async def test_a_context_that_nobody_made(bare, monkeypatch):
    monkeypatch.delenv("DOCKER_HOST")
    monkeypatch.setenv("DOCKER_CONTEXT", "nope")
    _, last = await rows_of(toolchain(), "containers")
    assert last["docker-daemon"].found == "there is no docker context named nope"
    assert last["docker-daemon"].fix.command == "docker context ls"
    assert last["docker-version"].state == "wait"


async def test_an_engine_behind_certificates(bare, monkeypatch):
    if not Path("/usr/bin/openssl").exists():
        pytest.skip("needs openssl, to make a certificate")
    make = (
        "/usr/bin/openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
        f" -addext subjectAltName=DNS:localhost -keyout {bare}/key.pem -out {bare}/cert.pem"
    )
    assert (await output(make.split())).ok
    (bare / "ca.pem").write_text((bare / "cert.pem").read_text())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(bare / "ca.pem"))
    context.load_cert_chain(bare / "cert.pem", bare / "key.pem")
    context.verify_mode = ssl.CERT_REQUIRED

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = json.dumps(V26).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    async with loopback.listening(talk, tls=context) as address:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://localhost:{address.rpartition(':')[2]}")
        monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
        monkeypatch.setenv("DOCKER_CERT_PATH", str(bare))
        check = await finding("docker-daemon")
        assert check.found.startswith("26.1.5 at tcp://localhost:")
        (bare / "key.pem").unlink()
        assert (await finding("docker-daemon")).state == "FAIL"


# -- its configuration


@pytest.mark.parametrize(
    ("config", "state", "login"),
    [
        ("{", "FAIL", "wait"),
        ("[]", "FAIL", "wait"),
        ("{}", "ok", "warn"),
        ('{"credsStore": "absent"}', "FAIL", "wait"),
        ('{"credsStore": "here"}', "ok", "ok"),
        ('{"credsStore": "../../x"}', "FAIL", "warn"),
        ('{"credHelpers": {"r8.im": "absent"}}', "FAIL", "wait"),
        ('{"credHelpers": {"r8.im": "here"}}', "ok", "ok"),
        ('{"credHelpers": {"elsewhere.example": "absent"}}', "warn", "warn"),
        ('{"credHelpers": {"ghcr.io": "absent"}, "auths": {"r8.im": {"auth": "YWxpY2U6c2VjcmV0"}}}', "FAIL", "ok"),
        ('{"auths": {"r8.im": {"auth": "YWxpY2U6c2VjcmV0"}}}', "ok", "ok"),
        ('{"auths": 5}', "ok", "warn"),
    ],
)
async def test_dockers_configuration(bare, config, state, login):
    (bare / "docker").mkdir()
    (bare / "docker/config.json").write_text(config)
    program(bare, "docker-credential-here", """echo '{"https://r8.im":"alice"}'""")
    _, last = await rows_of(toolchain(), "containers,cog")
    assert (last["docker-config"].state, last["r8-login"].state) == (state, login)
    assert "YWxpY2U6c2VjcmV0" not in str(last)
    assert "secret" not in str(last)


async def test_a_broken_configuration_is_moved_away_with_its_path_quoted(bare, monkeypatch):
    folder = bare / "with blank"
    folder.mkdir()
    (folder / "config.json").write_text("{,")
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    check = await finding("docker-config")
    assert check.fix.command == f"mv '{folder}/config.json' '{folder}/config.json'.broken"
    assert "cog login overwrites" in check.fix.text
    assert "line 1 column 2" in check.raw


@pytest.mark.parametrize(
    ("name", "command"),
    [("pass", "sudo apt install golang-docker-credential-helpers"), ("desktop", '"${EDITOR:-nano}" ')],
)
async def test_a_missing_helper_is_installed_or_taken_out(bare, name, command):
    (bare / "docker").mkdir()
    (bare / "docker/config.json").write_text(json.dumps({"credsStore": name}))
    check = await finding("docker-config")
    assert check.found == f"names the helper {name}, which is not installed"
    assert check.fix.command.startswith(command)


# -- the real one


@pytest.mark.real
async def test_a_real_engine_and_an_image_on_it(monkeypatch):
    monkeypatch.delenv("DOCKER_HOST")  # the deaf socket of this file; the part may be at its usual place
    chain = toolchain(docker=parts.need("docker"))
    _, last = await rows_of(chain, "containers,disk", Subject(image="no-such-image:at-all"))
    assert last["docker-daemon"].state == "ok", last["docker-daemon"]
    assert last["docker-version"].state in ("ok", "FAIL")
    assert last["docker-permission"].state == "ok"
    assert "free at /" in last["disk"].found


@pytest.mark.real
async def test_rows_that_waited_for_a_real_engine_run_by_themselves_once_it_is_started(bare):
    found = parts.need("docker")
    if not found.startswith("unix://"):
        pytest.skip("needs the Docker Engine of this machine, on a socket")
    services = SimpleNamespace(toolchain=toolchain())
    walk = Walk(MemoryStore(Journey("demo")), services)

    async def states(only: str | None) -> dict[str, str]:
        async for _ in walk.run("checks", Author(), Checks(only)):
            pass
        known = walk.journey.records["checks"]["states"]
        return {id: known[id] for id in ("docker-permission", "docker-daemon", "docker-version", "gpu-runtime")}

    assert list((await states(None)).values()) == ["off", "FAIL", "wait", "wait"]
    async with loopback.listening(loopback.relay(found), str(bare / "docker.sock")):
        again = await states("docker-daemon")
        assert again["docker-daemon"] == "ok"
        assert again["docker-version"] in ("ok", "FAIL")  # FAIL: Debian 12's own Engine is too old
        assert again["gpu-runtime"] == "off"
    assert list((await states("docker-daemon")).values())[1:] == ["FAIL", "wait", "wait"]
