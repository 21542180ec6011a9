from __future__ import annotations

import asyncio
import json
import socket
import threading
import time

import pytest

from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.journey import STEPS
from arbius_tui.domain.networks import NETWORKS
from arbius_tui.rehearsal.toolchain import RehearsalToolchain
from arbius_tui.services.machine import Finding, Machine, docker_host, host_of
from arbius_tui.services.toolchain import ROWS, Row, Toolchain
from tests import parts
from tests.loopback import listening
from tests.services.bare_machine import DEAF, Chain, engine, finding, program, rows_of, serving, toolchain

pytestmark = pytest.mark.usefixtures("bare")

OWN = next(row for row in ROWS if row.id == "python")
GROUPS = ["containers", "gpu", "cog", "ipfs", "chain", "repository", "accounts", "host"]

# -- the table and the runner


def test_the_table_is_whole():
    assert len({row.id for row in ROWS}) == len(ROWS) >= 20
    for row in ROWS:
        assert row.title
        assert row.why
        assert set(row.needed_by) <= set(STEPS)
        assert set(row.needs) < {other.id for other in ROWS}
    assert list(dict.fromkeys(row.group for row in ROWS)) == GROUPS


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
    assert states["docker-version"] == states["gpu-runtime"] == states["buildx"] == "wait"
    assert last["docker-version"].found == "(needs: docker daemon)"
    assert last["buildx"].found == "(needs: cog)"
    assert states["nvidia-driver"] == states["kubo-binary"] == states["keyring"] == "warn"
    assert states["container-toolkit"] == states["docker-config"] == states["node"] == "off"
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
    _, last = await rows_of(toolchain(rows=(row, OWN)))
    assert (last["breaks"].state, last["breaks"].raw) == ("warn", "ZeroDivisionError")
    assert last["python"].state == "ok"


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
    assert refused.value.problem.fix.text == f"one of: {', '.join(GROUPS)}"


async def test_each_question_is_asked_once(bare):
    program(bare, "cog", f'echo x >> {bare}/asked; echo "cog version 0.15.3 (built 2025-06-01T00:00:00Z)"')
    await rows_of(toolchain(), "cog")  # cog and buildx both ask for its version
    assert (bare / "asked").read_text() == "x\n"


# -- programs


@pytest.mark.parametrize(
    ("script", "state", "found"),
    [
        ('echo "cog version 0.22.0 (built 2026-08-13T10:00:00Z)"', "ok", "0.22.0"),
        ('echo "cog version dev (built none)"', "ok", "dev"),
        (
            'echo "option --version not recognized" >&2; exit 2',
            "FAIL",
            "not Replicate's cog but a code generator",
        ),  # PyPI's cogapp
        (
            'echo "0.16.1 (WPE WebKit 2.38.6)"',
            "FAIL",
            "not Replicate's cog but a web browser",
        ),  # Debian's cog, a web browser
        ("exit 0", "FAIL", "not Replicate's cog but another program"),
        ('echo "cog version 0.22.0 (built x)"; exit 0', "ok", "0.22.0"),
        ('echo "cog version 0.31.0 (built x)"', "warn", "newer than this wizard"),
        ('echo "cog version 0.19.3 (built x)"', "warn", "does not know run:"),
        ('echo "cog version 0.16.12 (built x)"', "warn", "the old Python server"),
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


# -- servers, played


@pytest.mark.parametrize(
    ("version", "state"), [("26.1.5+dfsg1", "ok"), ("23.0.0", "ok"), ("20.10.24+dfsg1", "FAIL"), ("?", "FAIL")]
)
async def test_an_engine_that_is_too_old(bare, version, state):
    async with engine(bare, {"/version": {"Version": version}}):
        _, last = await rows_of(toolchain(), "containers")
    assert last["docker-daemon"].state == "ok"
    assert last["docker-version"].state == state


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


@pytest.mark.real
async def test_a_real_engine_that_is_too_old_fails_by_name_and_everything_else_of_docker_is_well(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", parts.need("docker-old"))
    _, last = await rows_of(toolchain(), "containers")
    assert last["docker-daemon"].state == "ok"
    assert last["docker-version"].state == "FAIL"
    assert "20.10" in last["docker-version"].found
    assert last["docker-version"].fix.command


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


# -- rows that wait for another


def looked(found: str = "ok"):
    """(a probe that counts how often it was asked, the count)"""
    asked: list[Machine] = []

    async def probe(machine: Machine) -> Finding:
        asked.append(machine)
        return Finding(found, "seen")

    return probe, asked


def chain_of(state: str):
    """a <- b <- c, where `a` ends in this state; and how often b and c were asked."""
    (first, _), (second, asked_b), (third, asked_c) = looked(state), looked(), looked()
    rows = (
        Row("a", "one", "row a", (), first, "to see"),
        Row("b", "two", "row b", (), second, "to see", ("a",)),
        Row("c", "two", "row c", (), third, "to see", ("b",)),
    )
    return toolchain(rows=rows), asked_b, asked_c


@pytest.mark.parametrize("state", ["FAIL", "wait"])
async def test_a_row_without_what_it_needs_waits_and_is_not_probed(state):
    chain, asked_b, asked_c = chain_of(state)
    _, last = await rows_of(chain)
    assert (last["b"].state, last["b"].found, last["b"].needs) == ("wait", "(needs: row a)", ("a",))
    assert (last["c"].state, last["c"].found) == ("wait", "(needs: row b)")
    assert asked_b == asked_c == []


@pytest.mark.parametrize("state", ["ok", "warn"])
async def test_a_row_with_what_it_needs_is_probed_once(state):
    chain, asked_b, asked_c = chain_of(state)
    _, last = await rows_of(chain)
    assert last["c"].state == "ok"
    assert len(asked_b) == len(asked_c) == 1


async def test_what_needs_a_row_that_is_off_is_off_with_its_words():
    chain, _, asked_c = chain_of("off")
    _, last = await rows_of(chain)
    assert (last["b"].state, last["b"].found) == (last["c"].state, last["c"].found) == ("off", "seen")
    assert asked_c == []


async def test_what_a_row_needs_is_looked_at_and_not_said():
    chain, asked_b, asked_c = chain_of("ok")
    first, last = await rows_of(chain, "c")
    assert [check.id for check in first] == ["c"]
    assert last["c"].state == "ok"
    assert len(asked_b) == len(asked_c) == 1


async def test_several_groups_and_ids_at_once():
    first, _ = await rows_of(toolchain(), "ipfs, GIT")
    assert [check.id for check in first] == ["kubo-binary", "kubo-repo", "ipfs-daemon", "import-profile", "git"]


# -- what hangs


async def ended_pids(file) -> list[int]:
    return [int(line) for line in file.read_text().split()]


def runs(pid: int) -> bool:
    """Whether a process runs; one that only waits to be collected does not."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    ("name", "id"),
    [("cog", "cog"), ("docker", "docker-cli"), ("nvidia-smi", "nvidia-driver"), ("ipfs", "kubo-binary"),
     ("git", "git"), ("gh", "github")],
)  # fmt: skip
async def test_a_program_that_hangs_is_a_warning_and_is_ended_with_its_children(bare, name, id, monkeypatch):
    monkeypatch.setattr("arbius_tui.services.machine.PATIENCE", 0.3)
    program(bare, name, f"/bin/sleep 600 & echo $! $$ > {bare}/pids; wait")
    check = await finding(id)
    assert check.state == "warn"
    assert check.found.startswith(f"{name} did not answer in ")
    assert check.fix.command.startswith(name)
    assert not any(runs(pid) for pid in await ended_pids(bare / "pids"))


async def test_a_program_that_ignores_the_polite_signal_holds_only_its_own_row(bare):
    program(bare, "cog", f"trap '' TERM; echo $$ > {bare}/pids; while :; do /bin/sleep 1; done")
    began = time.monotonic()
    checks = toolchain(limit=0.5).checks()
    said = {}
    async for check in checks:
        said[check.id] = check
        if check.id == "git" and check.state != "wait":
            assert said["cog"].state == "wait", "the others do not wait for it"
    assert said["cog"].found == "no answer in 0.5 s"
    assert not any(runs(pid) for pid in await ended_pids(bare / "pids"))
    assert time.monotonic() - began < 20


async def test_a_name_server_that_never_answers_holds_up_neither_the_row_nor_the_end(monkeypatch):
    answer, where = threading.Event(), []

    def silent(*_):
        where.append(threading.current_thread())
        answer.wait(60)
        raise OSError

    monkeypatch.setattr("arbius_tui.services.machine.PATIENCE", 0.3)
    monkeypatch.setattr(socket, "getaddrinfo", silent)
    try:
        _, last = await rows_of(toolchain("https://one.example/KEY", "https://two.example"), "chain")
    finally:
        answer.set()
    assert {check.state for check in last.values()} == {"off"}
    assert last["rpc"].raw == "no name server answers for one.example"
    assert len(where) == 2, "each name is asked for once"
    assert all(thread.daemon for thread in where), "asyncio would wait for a thread of its own pool"


async def test_a_docker_socket_that_accepts_and_never_answers(bare, monkeypatch):
    monkeypatch.setattr("arbius_tui.services.machine.PATIENCE", 0.3)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with listening(silent, str(bare / "docker.sock")):
        _, last = await rows_of(toolchain(), "containers")
    assert last["docker-daemon"].state == "FAIL"
    assert last["docker-daemon"].found.startswith("hangs: no answer in ")
    assert "restart" in last["docker-daemon"].fix.command
    assert last["docker-version"].found == "(needs: docker daemon)"
    assert last["docker-permission"].state == "ok"
