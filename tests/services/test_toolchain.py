from __future__ import annotations

import asyncio
import json
import stat
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.journey import STEPS
from arbius_tui.domain.networks import NETWORKS
from arbius_tui.rehearsal.toolchain import RehearsalToolchain
from arbius_tui.services.machine import Finding, Machine, docker_host, host_of
from arbius_tui.services.toolchain import ROWS, Row, Toolchain
from tests import parts

DEAF = "http://127.0.0.1:9"
"""The discard port on loopback: nobody listens."""


@pytest.fixture(autouse=True)
def bare(tmp_path, monkeypatch):
    """A machine with nothing on PATH, no docker socket and no configuration."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.delenv("DOCKER_CONTEXT", raising=False)
    monkeypatch.setenv("IPFS_PATH", str(tmp_path / "ipfs"))
    return tmp_path


def network(*rpcs: str):
    return replace(NETWORKS["one"], rpcs=rpcs or (DEAF, DEAF))


def toolchain(*rpcs: str, **more) -> Toolchain:
    return Toolchain(network(*rpcs), **{"ipfs": DEAF, **more})


async def rows_of(chain: Toolchain, only: str | None = None):
    """(the rows as they were first said, the last word on each by id)"""
    said = [check async for check in chain.checks(only)]
    count = len({check.id for check in said})
    assert len(said) == 2 * count
    return said[:count], {check.id: check for check in said[count:]}


async def finding(id: str, *rpcs: str, **more):
    return (await rows_of(toolchain(*rpcs, **more), id))[1][id]


def program(folder, name: str, script: str) -> None:
    """Put a program on PATH; `script` is plain sh without anything else on PATH."""
    path = folder / "bin" / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


# -- the table and the runner


def test_the_table_is_whole():
    assert len({row.id for row in ROWS}) == len(ROWS) >= 20
    for row in ROWS:
        assert row.title
        assert row.why
        assert set(row.needed_by) <= set(STEPS)


async def test_first_every_row_waits_then_each_ends_in_a_word():
    first, last = await rows_of(toolchain())
    assert [check.id for check in first] == [row.id for row in ROWS]
    assert {check.state for check in first} == {"wait"}
    assert set(last) == {row.id for row in ROWS}
    for check in last.values():
        assert check.state in {"ok", "warn", "FAIL", "wait", "off"}
        assert check.found
        assert check.why
        if check.state in ("FAIL", "warn"):
            assert check.fix, check
            assert check.fix.text


async def test_a_bare_machine():
    _, last = await rows_of(toolchain())
    states = {id: check.state for id, check in last.items()}
    assert states["docker-daemon"] == states["cog"] == states["ipfs-daemon"] == "FAIL"
    assert states["docker-version"] == "wait"
    assert states["nvidia-driver"] == states["kubo-binary"] == states["keyring"] == "warn"
    assert states["container-toolkit"] == states["gpu-runtime"] == states["docker-config"] == "off"
    assert states["rpc"] == states["engine-code"] == states["engine-paused"] == "off"  # no network is no FAIL
    assert states["python"] == "ok"


class Hanging:
    """A probe that ends only when it is cancelled."""

    def __init__(self) -> None:
        self.cancelled = False
        self.row = Row("hangs", "host", "hangs", (), self.probe, "to see")

    async def probe(self, machine: Machine) -> Finding:
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled = True
        raise AssertionError


async def test_a_check_that_hangs_holds_nobody_up():
    hanging = Hanging()
    waiting = {row.id for row in ROWS}
    checks = toolchain(rows=(hanging.row, *ROWS), limit=600).checks()
    for _ in (hanging.row, *ROWS):
        await anext(checks)
    while waiting:  # every other row ends while the first one hangs
        waiting.remove((await anext(checks)).id)
    assert not hanging.cancelled
    await checks.aclose()
    assert hanging.cancelled


async def test_a_check_that_hangs_ends_as_a_warning():
    hanging = Hanging()
    _, last = await rows_of(toolchain(rows=(hanging.row,), limit=0.1))
    assert (last["hangs"].state, last["hangs"].found) == ("warn", "no answer in 0.1 s")
    assert last["hangs"].fix
    assert hanging.cancelled


async def test_a_probe_of_ours_that_breaks_takes_nobody_with_it():
    async def broken(machine: Machine) -> Finding:
        raise ZeroDivisionError

    row = Row("breaks", "host", "breaks", (), broken, "to see")
    _, last = await rows_of(toolchain(rows=(row, ROWS[0])))
    assert (last["breaks"].state, last["breaks"].raw) == ("warn", "ZeroDivisionError")
    assert last[ROWS[0].id].state == "FAIL"


async def test_leaving_early_leaves_nothing_running(bare):
    program(bare, "git", "exec /bin/sleep 30")
    before = asyncio.all_tasks()
    checks = toolchain().checks("git")
    assert (await anext(checks)).state == "wait"
    ending = asyncio.ensure_future(anext(checks))
    await asyncio.sleep(0)
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
    await checks.aclose()
    assert asyncio.all_tasks() == before


async def test_one_group_or_one_row():
    _, last = await rows_of(toolchain(), "CHAIN")
    assert {check.group for check in last.values()} == {"chain"}
    with pytest.raises(BadInput) as refused:
        await rows_of(toolchain(), "nonsense")
    assert refused.value.problem.code == "no-such-check"
    assert "containers" in refused.value.problem.fix.text


async def test_each_question_is_asked_once(bare):
    program(bare, "cog", f'echo x >> {bare}/asked; echo "cog version 0.15.3 (built 2025-06-01T00:00:00Z)"')
    await rows_of(toolchain(), "containers")  # cog and buildx both ask for its version
    assert (bare / "asked").read_text() == "x\n"


# -- programs


@pytest.mark.parametrize(
    ("script", "state", "found"),
    [
        ('echo "cog version 0.22.0 (built 2026-08-13T10:00:00Z)"', "ok", "0.22.0"),
        ('echo "cog version dev (built none)"', "ok", "dev"),
        ('echo "option --version not recognized" >&2; exit 2', "FAIL", "another program"),  # PyPI's cogapp
        ('echo "0.16.1 (WPE WebKit 2.38.6)"', "FAIL", "another program"),  # Debian's cog, a web browser
        ("exit 0", "FAIL", "another program"),
    ],
)
async def test_cog_is_replicates_or_another_program(bare, script, state, found):
    program(bare, "cog", script)
    check = await finding("cog")
    assert check.state == state
    assert found in check.found


async def test_a_program_that_prints_control_sequences_is_shown_clean(bare):
    program(bare, "git", r"printf 'git version \033]0;owned\007[/x]2.39\033[31m\n'")
    check = await finding("git")
    assert check.found == "[/x]2.39"
    assert "\x1b" not in check.raw


@pytest.mark.parametrize(
    ("version", "state"), [("0.22.0", "off"), ("0.16.12", "off"), ("0.15.3", "FAIL"), ("0.8.6", "FAIL")]
)
async def test_buildx_matters_only_to_an_old_cog(bare, version, state):
    program(bare, "cog", f'echo "cog version {version} (built 2026-01-01T00:00:00Z)"')
    assert (await finding("buildx")).state == state


async def test_the_three_faults_of_a_gpu_are_told_apart(bare):
    program(bare, "nvidia-smi", "echo Failed to initialize NVML: Driver/library version mismatch; exit 18")
    async with engine(bare, {"/info": {"Runtimes": {"runc": {}}}}):
        _, last = await rows_of(toolchain(), "containers")
    assert "version mismatch" in last["nvidia-driver"].found
    assert last["nvidia-driver"].fix.command == "sudo reboot"
    assert last["container-toolkit"].state == "FAIL"
    assert last["gpu-runtime"].fix.command.startswith("sudo nvidia-ctk runtime configure")
    program(bare, "nvidia-smi", "echo NVIDIA A100-SXM4-80GB, 550.54.15")
    program(bare, "nvidia-ctk", "echo NVIDIA Container Toolkit CLI version 1.15.0")
    async with engine(bare, {"/info": {"Runtimes": {"nvidia": {}}}}):
        _, last = await rows_of(toolchain(), "containers")
    assert [last[id].state for id in ("nvidia-driver", "container-toolkit", "gpu-runtime")] == ["ok"] * 3
    assert last["nvidia-driver"].found == "NVIDIA A100-SXM4-80GB, 550.54.15"


# -- servers, played


@asynccontextmanager
async def serving(answer, *, path: str = ""):
    """An HTTP server on loopback or on a socket; `answer(path, body)` gives an object, text, or (status, text)."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                length = next(
                    (int(h.split(":")[1]) for h in head.lower().split("\r\n") if h.startswith("content-length")), 0
                )
                said = answer(head.split(" ")[1], await reader.readexactly(length))
                status, text = said if isinstance(said, tuple) else (200, said)
                body = (text if isinstance(text, str) else json.dumps(text)).encode()
                writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    start = asyncio.start_unix_server(talk, path) if path else asyncio.start_server(talk, "127.0.0.1", 0)
    server = await start
    try:
        yield "" if path else f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def engine(folder, answers):
    """A Docker Engine on the socket of this test."""
    return serving(lambda path, body: answers.get(path, (404, "{}")), path=str(folder / "docker.sock"))


@pytest.mark.parametrize(
    ("version", "state"), [("26.1.5+dfsg1", "ok"), ("23.0.0", "ok"), ("20.10.24+dfsg1", "FAIL"), ("?", "FAIL")]
)
async def test_an_engine_that_is_too_old(bare, version, state):
    async with engine(bare, {"/version": {"Version": version}}):
        _, last = await rows_of(toolchain(), "containers")
    assert last["docker-daemon"].state == "ok"
    assert last["docker-version"].state == state


async def test_a_socket_that_nobody_listens_on(bare):
    async with engine(bare, {}):
        pass
    check = await finding("docker-daemon")
    assert check.state == "FAIL"
    assert check.fix.command in ("sudo systemctl start docker", "curl -fsSL https://get.docker.com | sudo sh")


@pytest.mark.parametrize("host", ["ssh://me@host", "npipe:////./pipe/docker", "nonsense", "tcp://127.0.0.1:9"])
async def test_docker_hosts_of_other_kinds(host):
    check = await finding("docker-daemon", docker=host)
    assert check.state == "FAIL"
    assert check.fix


def test_the_docker_context_decides(bare, monkeypatch):
    monkeypatch.delenv("DOCKER_HOST")
    meta = bare / "docker/contexts/meta/abc"
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(json.dumps({"Name": "far", "Endpoints": {"docker": {"Host": "unix:///far.sock"}}}))
    (bare / "docker/config.json").write_text('{"currentContext": "far"}')
    assert docker_host() == "unix:///far.sock"
    monkeypatch.setenv("DOCKER_CONTEXT", "default")
    assert docker_host().startswith("unix://")
    assert docker_host() != "unix:///far.sock"


@pytest.mark.parametrize(
    ("config", "state", "login"),
    [
        ("{", "FAIL", "warn"),
        ('{"credsStore": "absent"}', "FAIL", "warn"),
        ('{"credsStore": "here"}', "ok", "ok"),
        ('{"credsStore": "../../x"}', "FAIL", "warn"),
        ('{"auths": {"r8.im": {"auth": "c2VjcmV0"}}}', "ok", "ok"),
        ('{"auths": 5}', "ok", "warn"),
    ],
)
async def test_dockers_configuration(bare, config, state, login):
    (bare / "docker").mkdir()
    (bare / "docker/config.json").write_text(config)
    program(bare, "docker-credential-here", """echo '{"https://r8.im":"alice"}'""")
    _, last = await rows_of(toolchain(), "containers")
    assert (last["docker-config"].state, last["r8-login"].state) == (state, login)
    assert "c2VjcmV0" not in str(last)


class Chain:
    """A node's JSON-RPC with one engine."""

    def __init__(self, chain_id: int = 42161, code: str = "0x60", version: int = 6, paused: int = 0) -> None:
        self.chain_id, self.code, self.version, self.paused = chain_id, code, version, paused

    def __call__(self, path: str, body: bytes):
        call = json.loads(body)
        data = call["params"][0]["data"] if call["method"] == "eth_call" else ""
        results = {
            "eth_chainId": hex(self.chain_id), "eth_blockNumber": hex(391_204_118), "eth_getCode": self.code,
            "eth_call": f"0x{self.version if data == '0x54fd4d50' else self.paused:064x}",
        }  # fmt: skip
        return {"jsonrpc": "2.0", "id": call["id"], "result": results[call["method"]]}


@pytest.mark.parametrize(
    ("chain", "states"),
    [
        (Chain(), ["ok", "ok", "ok", "ok", "ok"]),
        (Chain(chain_id=1), ["FAIL", "FAIL", "wait", "wait", "wait"]),
        (Chain(code="0x"), ["ok", "ok", "FAIL", "ok", "ok"]),
        (Chain(version=7), ["ok", "ok", "ok", "warn", "ok"]),
        (Chain(paused=1), ["ok", "ok", "ok", "ok", "FAIL"]),
        (lambda path, body: (429, "{}"), ["warn"] * 5),
        (lambda path, body: "<html>", ["warn"] * 5),
        (lambda path, body: {"error": {"code": -1, "message": "no \x1b[2J key"}}, ["warn"] * 5),
        (lambda path, body: [], ["warn"] * 5),
    ],
)
async def test_what_the_chain_says(chain, states):
    async with serving(chain) as url:
        _, last = await rows_of(toolchain(f"{url}/v2/SECRETKEY", f"{url}/?key=SECRETKEY"), "chain")
    ids = ("rpc", "rpc-second", "engine-code", "engine-version", "engine-paused")
    assert [last[id].state for id in ids] == states
    assert "SECRETKEY" not in str(last)
    assert "\x1b" not in str(last)


async def test_the_words_for_a_wrong_chain():
    async with serving(Chain(chain_id=1)) as url:
        check = await finding("rpc", url)
    assert "Ethereum (1)" in check.found
    assert "Arbitrum One (42161)" in check.found


@pytest.mark.parametrize("rpc", ["nonsense", "ftp://x/SECRETKEY", "http://", "http://[SECRETKEY"])
async def test_an_rpc_that_is_no_address_is_a_warning(rpc):
    check = await finding("rpc", rpc)
    assert check.state == "warn"
    assert check.fix
    assert "SECRETKEY" not in str(check)


async def test_a_network_without_an_rpc():
    _, last = await rows_of(Toolchain(NETWORKS["rehearsal"], ipfs=DEAF), "chain")
    assert {check.state for check in last.values()} == {"off"}


def test_only_the_host_of_a_url_is_shown():
    assert host_of("https://user:pw@node.example:443/v2/KEY?x=KEY") == "node.example"


# -- IPFS


async def test_the_import_profile_is_read_from_the_repository_when_the_daemon_is_down(bare):
    (bare / "ipfs").mkdir()
    (bare / "ipfs/config").write_text(
        '{"Import": {"CidVersion": 1, "UnixFSChunker": "size-1048576", "HashFunction": null}}'
    )
    _, last = await rows_of(toolchain(), "ipfs")
    assert last["kubo-repo"].state == "ok"
    assert last["import-profile"].state == "warn"
    assert "CidVersion=1" in last["import-profile"].found
    (bare / "ipfs/config").write_text('{"Import": {"CidVersion": null}}')
    assert (await finding("import-profile")).state == "ok"


# -- real parts


@pytest.mark.real
async def test_a_real_kubo_node():
    _, last = await rows_of(toolchain(ipfs=parts.need("kubo")["rpc1"]), "ipfs")
    assert last["ipfs-daemon"].state == "ok"
    assert last["ipfs-daemon"].found.startswith("0.42.0")
    assert last["import-profile"].state == "ok"


@pytest.mark.real
async def test_a_real_docker_engine(monkeypatch):
    monkeypatch.delenv("DOCKER_HOST")  # the deaf socket of this file; the part may be at its usual place
    _, last = await rows_of(toolchain(docker=parts.need("docker")), "containers")
    assert last["docker-daemon"].state == "ok", last["docker-daemon"]
    assert last["docker-version"].state in ("ok", "FAIL")


# -- the rehearsal


async def test_the_rehearsal_looks_at_its_own_parts(tmp_path):
    first, last = await rows_of(RehearsalToolchain(tmp_path / "not" / "yet"))
    assert 8 <= len(first) <= 12
    assert {check.state for check in last.values() if check.group == "rehearsal"} == {"ok"}
    assert {check.state for check in last.values() if check.group == "real run"} == {"off"}
    assert "py-evm" in last["chain"].found
    assert not (tmp_path / "not").exists()


async def test_a_rehearsal_that_cannot_write(tmp_path):
    (tmp_path / "file").write_text("")
    _, last = await rows_of(RehearsalToolchain(tmp_path / "file" / "state"))
    assert last["blocks"].state == "FAIL"
    assert last["blocks"].fix
