"""GPU, cog, IPFS, chain, repository and room: what each check finds, and the words and the fix for each fault."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from arbius_tui.domain import cid as cids
from arbius_tui.domain.import_profile import plain_cid
from arbius_tui.services import probes_gpu, probes_room
from arbius_tui.services.ports import Subject
from tests import cog_player, parts
from tests.services.bare_machine import DEAF, Chain, engine, finding, program, rows_of, serving, toolchain

pytestmark = pytest.mark.usefixtures("bare")


# -- GPU


async def gpu(bare, info=None):
    async with engine(bare, {"/version": {"Version": "26.1.5"}, "/info": info or {"Runtimes": {"runc": {}}}}):
        return (await rows_of(toolchain(), "gpu"))[1]


async def test_the_three_faults_of_a_gpu_have_three_fixes(bare):
    program(bare, "nvidia-smi", "echo Failed to initialize NVML: Driver/library version mismatch; exit 18")
    last = await gpu(bare)
    assert "its parts do not match" in last["nvidia-driver"].found
    assert last["nvidia-driver"].fix.command == "sudo reboot"
    assert last["container-toolkit"].state == "FAIL"
    assert last["container-toolkit"].fix.command == "sudo apt install nvidia-container-toolkit"
    assert (last["gpu-runtime"].state, last["gpu-runtime"].found) == ("wait", "(needs: container toolkit)")
    program(bare, "nvidia-ctk", "echo NVIDIA Container Toolkit CLI version 1.15.0")
    last = await gpu(bare)
    assert last["gpu-runtime"].found == "docker does not know the runtime nvidia"
    assert last["gpu-runtime"].fix.command.startswith("sudo nvidia-ctk runtime configure")
    program(bare, "nvidia-smi", "echo NVIDIA A100-SXM4-80GB, 550.54.15; echo NVIDIA A100-SXM4-80GB, 550.54.15")
    last = await gpu(bare, {"Runtimes": {"nvidia": {}}})
    assert [check.state for check in last.values()] == ["ok"] * 3
    assert last["nvidia-driver"].found == "2 x NVIDIA A100-SXM4-80GB, driver 550.54.15"


@pytest.mark.parametrize(
    ("script", "found", "command"),
    [
        ("echo NVIDIA-SMI has failed because it couldn\\'t communicate with the NVIDIA driver; exit 9",
         "installed, but not in the kernel", "sudo modprobe nvidia"),
        ("echo No devices were found; exit 6", "loaded, but it finds no GPU", "sudo dmesg --ctime | grep -i nvrm"),
        ("echo something else; exit 1", "nvidia-smi says: something else", "sudo reboot"),
    ],
)  # fmt: skip
async def test_each_way_a_driver_is_broken(bare, script, found, command):
    program(bare, "nvidia-smi", script)
    check = await finding("nvidia-driver")
    assert (check.state, check.found, check.fix.command) == ("FAIL", found, command)


def test_a_card_without_a_driver_is_seen_on_the_bus(tmp_path):
    assert not probes_gpu.has_card(tmp_path)
    for name, vendor, kind in (("a", "0x8086", "0x030000"), ("b", "0x10de", "0x040300")):  # another's, and its sound
        (tmp_path / name).mkdir()
        (tmp_path / name / "vendor").write_text(vendor + "\n")
        (tmp_path / name / "class").write_text(kind + "\n")
    assert not probes_gpu.has_card(tmp_path)
    (tmp_path / "b" / "class").write_text("0x030200\n")
    assert probes_gpu.has_card(tmp_path)


async def test_a_card_without_a_driver_fails_and_no_card_is_cpu_mode(monkeypatch):
    monkeypatch.setattr(probes_gpu, "has_card", lambda: True)
    check = await finding("nvidia-driver")
    assert (check.state, check.found) == ("FAIL", "an NVIDIA GPU is here, its driver is not")
    monkeypatch.setattr(probes_gpu, "has_card", lambda: False)
    check = await finding("nvidia-driver")
    assert (check.state, check.found) == ("warn", "none on this host; CPU mode is offered")


async def test_a_snap_and_a_cdi_engine(bare):
    program(bare, "nvidia-smi", "echo NVIDIA L4, 550.54.15")
    program(bare, "nvidia-ctk", "echo NVIDIA Container Toolkit CLI version 1.17.0")
    last = await gpu(bare, {"DockerRootDir": "/var/snap/docker/common/var-lib-docker", "Runtimes": {"nvidia": {}}})
    assert last["gpu-runtime"].state == "FAIL"
    assert "snap" in last["gpu-runtime"].found
    last = await gpu(bare, {"DiscoveredDevices": [{"Source": "cdi", "ID": "nvidia.com/gpu=all"}]})
    assert (last["gpu-runtime"].state, last["gpu-runtime"].found) == ("ok", "docker knows the GPU by CDI")


# -- cog


async def test_the_recorded_cog_is_known(bare, monkeypatch):
    cog_player.install(bare / "bin")
    check = await finding("cog")
    assert check.state == "ok"
    assert check.found.startswith("dev ")  # the recorded one was built from source


@pytest.mark.parametrize(("version", "state"), [("0.19.3", "FAIL"), ("0.20.0", "ok"), ("dev", "ok")])
async def test_a_model_that_says_run_wants_a_cog_that_knows_it(bare, version, state):
    program(bare, "cog", f'echo "cog version {version} (built x)"')
    (bare / "cog.yaml").write_text('build: {python_version: "3.11"}\nrun: run.py:Runner\n')
    _, last = await rows_of(toolchain(), "cog", Subject(str(bare)))
    assert last["cog"].state == state


async def test_a_cog_that_cannot_be_started(bare):
    (bare / "bin" / "cog").write_bytes(b"\x7fELF but not for this processor")
    (bare / "bin" / "cog").chmod(0o755)
    check = await finding("cog")
    assert (check.state, check.found) == ("FAIL", "cog cannot be started")
    assert check.fix.command == "ls -l $(command -v cog)"


async def test_who_is_logged_in(bare):
    (bare / "docker").mkdir()
    (bare / "docker/config.json").write_text('{"auths": {"r8.im": {"auth": "YWxpY2U6c2VjcmV0"}}}')  # alice:secret
    check = await finding("r8-login")
    assert check.found == "logged in to r8.im as alice"
    assert "secret" not in str(check)


async def test_sudo_looks_into_another_configuration(monkeypatch):
    assert (await finding("r8-login")).found == "not logged in to r8.im"
    monkeypatch.setenv("SUDO_USER", "alice")
    check = await finding("r8-login")
    assert check.found == "root is not logged in to r8.im"
    assert "sudo looks into root's configuration" in check.fix.text


# -- IPFS


@pytest.mark.parametrize(
    ("settings", "state", "found"),
    [
        ({"CidVersion": None}, "ok", "plain `ipfs add` gives Qm.."),
        ({"CidVersion": 1, "UnixFSChunker": "size-1048576", "HashFunction": None}, "warn",
         "unixfs-v1-2025: plain `ipfs add` gives bafkrei.. (CIDv1, raw leaf); handled here"),
        ({"CidVersion": 1, "UnixFSRawLeaves": False}, "warn", "bafybei.. (CIDv1 of the same block)"),
        ({"UnixFSRawLeaves": True}, "warn", "bafkrei.."),
        ({"UnixFSChunker": "size-1048576"}, "warn", "Qm.. for a template, another for files over 256 KiB"),
        ({"HashFunction": "blake3"}, "warn", "another hash (blake3)"),
    ],
)  # fmt: skip
async def test_what_a_profile_does_to_the_cid_is_read_also_without_a_daemon(bare, settings, state, found):
    (bare / "ipfs").mkdir()
    (bare / "ipfs/config").write_text(json.dumps({"Import": settings}))
    _, last = await rows_of(toolchain(), "ipfs")
    assert last["kubo-repo"].state == "ok"
    check = last["import-profile"]
    assert check.state == state
    assert found in check.found
    if state == "warn":
        assert "the wizard sends all options itself" in check.fix.text
        assert check.fix.command.startswith("ipfs add --cid-version=0 --raw-leaves=false")


async def test_binary_repository_daemon_and_profile_are_told_apart(bare):
    _, last = await rows_of(toolchain(), "ipfs")
    assert [last[id].state for id in ("kubo-binary", "kubo-repo", "ipfs-daemon", "import-profile")] == [
        "warn", "wait", "FAIL", "wait",
    ]  # fmt: skip
    assert last["kubo-repo"].found == "(needs: kubo binary)"
    assert last["ipfs-daemon"].found == "off: what is added here nobody can fetch"
    assert last["ipfs-daemon"].fix.command == "ipfs daemon"
    program(bare, "ipfs", "echo ipfs version 0.42.0")
    _, last = await rows_of(toolchain(), "ipfs")
    assert (last["kubo-binary"].state, last["kubo-binary"].found) == ("ok", "0.42.0")
    assert last["kubo-repo"].fix.command == "ipfs init"
    (bare / "ipfs").mkdir()
    (bare / "ipfs/config").write_text("{,")
    _, last = await rows_of(toolchain(), "ipfs")
    assert last["kubo-repo"].state == "FAIL"
    assert last["kubo-repo"].found.endswith("/ipfs/config cannot be read")


async def test_another_program_on_kubos_port_is_no_daemon():
    async with serving(lambda path, body: "<html>AirPlay") as url:
        check = await finding("ipfs-daemon", ipfs=url)
    assert check.state == "FAIL"
    assert check.fix
    assert "AirPlay" not in check.found


@pytest.mark.real
@pytest.mark.parametrize("data", [b"test\n", b'{"meta":{}}' * 500])
async def test_a_real_node_gives_the_cid_that_is_foretold_of_its_profile(data):
    import httpx

    async with httpx.AsyncClient(trust_env=False) as client:
        for settings, options in (
            ({"CidVersion": 1}, {"cid-version": "1"}),
            ({"CidVersion": 1, "UnixFSRawLeaves": False}, {"cid-version": "1", "raw-leaves": "false"}),
            ({"UnixFSRawLeaves": True}, {"cid-version": "0", "raw-leaves": "true"}),
        ):
            answer = await client.post(
                f"{parts.need('kubo')['rpc1']}/api/v0/add",
                params={"only-hash": "true", **options},
                files={"file": ("t.json", data)},
            )
            assert answer.json()["Hash"] == plain_cid(data, settings) != cids.cid(data)


# -- chain


@pytest.mark.parametrize(
    ("other", "id", "found"),
    [
        (Chain(paused=1), "engine-paused", "127.0.0.1 says not paused, the second (127.0.0.1) paused"),
        (Chain(code="0x"), "engine-code", "127.0.0.1 says code, the second (127.0.0.1) no code"),
        (Chain(version=5), "engine-version", "127.0.0.1 says version 6, the second (127.0.0.1) version 5"),
    ],
)
async def test_two_rpcs_that_disagree_are_a_finding_of_their_own(other, id, found):
    async with serving(Chain()) as one, serving(other) as two:
        _, last = await rows_of(toolchain(one, two), "chain")
    states = {row: check.state for row, check in last.items() if row.startswith("engine-")}
    assert states == {**dict.fromkeys(("engine-code", "engine-version", "engine-paused"), "ok"), id: "FAIL"}
    assert last[id].found == found
    assert "use two RPCs that you trust" in last[id].fix.text


async def test_two_rpcs_that_agree_say_so_and_one_alone_says_that():
    async with serving(Chain()) as one, serving(Chain()) as two:
        _, last = await rows_of(toolchain(one, two), "chain")
    assert last["engine-paused"].found == "not paused, both RPCs say so"
    async with serving(Chain()) as one:
        _, last = await rows_of(toolchain(one, DEAF), "chain")
    assert last["rpc-second"].state == "off"
    assert last["engine-paused"].found == "not paused, says one RPC alone"


async def test_an_rpc_that_is_far_behind_the_other():
    behind = Chain()
    behind.head = 391_204_118 - 5000
    async with serving(Chain()) as one, serving(behind) as two:
        check = await finding("rpc-second", one, two)
    assert (check.state, check.found) == ("warn", "127.0.0.1 is 5,000 blocks behind the other")


async def test_without_a_network_every_row_of_the_chain_is_off():
    _, last = await rows_of(toolchain(DEAF, DEAF), "chain")
    assert {check.state for check in last.values()} == {"off"}
    assert {check.found for check in last.values()} == {"no network, or 127.0.0.1 is down"}


# -- repository


async def test_node_nvm_and_yarn_are_never_missed(bare, monkeypatch):
    monkeypatch.setenv("NVM_DIR", str(bare / "nvm"))
    _, last = await rows_of(toolchain(), "repository")
    for id in ("node", "nvm", "yarn"):
        assert (last[id].state, last[id].fix) == ("off", None)
        assert "the wizard itself needs neither node nor nvm nor yarn" in last[id].why
    (bare / "nvm").mkdir()
    (bare / "nvm/nvm.sh").touch()
    (bare / "nvm/package.json").write_text('{"version": "0.40.1"}')
    program(bare, "node", "echo v22.1.0")
    _, last = await rows_of(toolchain(), "repository")
    assert last["nvm"].found == f"0.40.1 {bare}/nvm"
    assert last["node"].found == "v22.1.0"


# -- room


@pytest.fixture
def model(bare) -> Path:
    """A model for a GPU with torch and 3 MB of weights."""
    folder = bare / "model"
    folder.mkdir()
    (folder / "cog.yaml").write_text(
        'build: {python_version: "3.11", gpu: true, python_requirements: r.txt}\npredict: predict.py:Predictor\n'
    )
    (folder / "r.txt").write_text("torch==2.5.1\nrequests\n# a note\n")
    (folder / "weights.bin").write_bytes(b"\0" * 3_000_000)
    return folder


def disk_of(monkeypatch, free: int) -> None:
    usage = type("usage", (), {"free": free})
    monkeypatch.setattr(probes_room.shutil, "disk_usage", lambda path: usage)


@pytest.mark.parametrize(("free", "state"), [(100 * 10**9, "ok"), (20 * 10**9, "warn"), (10**8, "FAIL")])
async def test_free_disk_against_the_image_that_will_be_built(model, monkeypatch, free, state):
    disk_of(monkeypatch, free)
    _, last = await rows_of(toolchain(), "host", Subject(str(model)))
    assert last["disk"].state == state
    if state != "FAIL":
        assert "about 15 GB" in last["disk"].raw + last["disk"].found
        assert "CUDA base: about 4 GB to fetch, 9 GB unpacked" in last["disk"].raw
        assert "your folder: 3 MB" in last["disk"].raw
        assert "1 other packages: not known" in last["disk"].raw


async def test_the_size_of_a_built_image_is_no_forecast(bare, model, monkeypatch):
    disk_of(monkeypatch, 20 * 10**9)
    async with engine(bare, {"/info": {}, "/images/m:latest/json": {"Size": 8_420_000_000}}):
        _, last = await rows_of(toolchain(), "disk", Subject(str(model), "m:latest"))
    assert last["disk"].state == "ok"
    assert "your image is 8.42 GB" in last["disk"].found


async def test_what_goes_over_the_line(model):
    _, last = await rows_of(toolchain(), "transfer", Subject(str(model)))
    assert last["transfer"].found == "fetch about 7 GB, push up to 7 GB: about 9 min and about 9 min at 100 Mbit/s"
    assert (await finding("transfer")).state == "off"


async def test_weights_must_pass_through_memory(model, monkeypatch):
    monkeypatch.setattr(probes_room.os, "sysconf", lambda name: 4096 if name == "SC_PAGE_SIZE" else 2**21)  # 8 GiB
    monkeypatch.setattr("arbius_tui.services.model_size.measured", lambda folder: 7 * 10**9)
    _, last = await rows_of(toolchain(), "memory", Subject(str(model)))
    assert last["memory"].state == "warn"
    assert "your folder holds 7 GB" in last["memory"].found


async def test_a_folder_that_is_none_forecasts_nothing(bare):
    _, last = await rows_of(toolchain(), "host", Subject(str(bare / "nowhere"), "x"))
    assert last["transfer"].state == "off"
    assert last["disk"].state in ("ok", "warn")
