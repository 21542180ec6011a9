"""The checks themselves: one small function for each row of the checks screen, from a machine to a finding."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import re
import shutil
from pathlib import Path
from typing import Any

from arbius_tui.domain.errors import Failure, Fix
from arbius_tui.domain.networks import chain_title
from arbius_tui.domain.text import clean, grouped, seconds, short, size
from arbius_tui.services.ipfs import KuboNode
from arbius_tui.services.machine import PATIENCE, Finding, Machine, Reply, docker_folder, host_of, json_file
from arbius_tui.services.vault import BACKENDS, allowed_backend, patiently

COG = re.compile(r"^cog version (\S+) \(built [^)]*\)$", re.MULTILINE)
"""What Replicate's cog says of itself since 0.8; another program of that name says something else."""

INSTALL_COG = Fix("install Replicate's cog", "curl -fsSL https://cog.run/install.sh | sh")
NEEDS_DOCKER = Finding("wait", "(needs: docker daemon)")
NEEDS_DRIVER = Finding("off", "no NVIDIA driver here, so nothing to look at")

GOOD_DISK, GOOD_MEMORY = 20 * 10**9, 8 * 2**30
"""Bytes: an image with CUDA and weights takes 10 GB and more; a small one runs in a few GiB."""

ABI_VERSION, ABI_PAUSED = "0x54fd4d50", "0x5c975abb"
"""Selectors of version() and paused()."""


# -- containers


async def docker_cli(machine: Machine) -> Finding:
    """Only people need it: cog and the wizard speak to the daemon themselves."""
    if not machine.which("docker"):
        return Finding(
            "warn",
            "not installed; only people need it",
            Fix("it comes with Docker Engine: https://docs.docker.com/engine/install/"),
        )
    done = await machine.run("docker", "--version")
    return Finding("ok" if done.ok else "warn", first(done.text), None, done.text)


async def docker_daemon(machine: Machine) -> Finding:
    """No socket, nobody behind it, and no permission are three faults."""
    reply = await machine.docker("/version")
    if reply.reached and not reply.fault:
        return Finding(
            "ok", f"{word(reply, 'Version')} at {shown(machine.docker_host)}", raw=json.dumps(reply.value)[:2000]
        )
    raw = f"{machine.docker_host}: {reply.fault}"
    if "Permission denied" in reply.fault:
        fix = Fix("let your user speak to it, then log in again", "sudo usermod -aG docker $USER")
        return Finding("FAIL", "this user may not speak to it", fix, raw)
    if "No such file" in reply.fault:
        fix = Fix("install Docker Engine 23 or later and start it", "curl -fsSL https://get.docker.com | sudo sh")
        return Finding("FAIL", f"not there: {shown(machine.docker_host)}", fix, raw)
    return Finding("FAIL", f"does not answer: {reply.fault}"[:80], Fix("start it", "sudo systemctl start docker"), raw)


async def docker_version(machine: Machine) -> Finding:
    """An Engine before 23 fails in the last step of a cog build (seen with 20.10)."""
    reply = await machine.docker("/version")
    if reply.fault:
        return NEEDS_DOCKER
    found = word(reply, "Version")
    if numbers(found) >= (23,):
        return Finding("ok", found)
    fix = Fix("install Docker Engine 23 or later", "curl -fsSL https://get.docker.com | sudo sh")
    return Finding("FAIL", f"{found} is too old: a cog build cannot end on it", fix)


async def docker_config(machine: Machine) -> Finding:
    """A broken one, or one that names a helper that is not there, makes builds take another base image silently."""
    path = docker_folder() / "config.json"
    if not await asyncio.to_thread(path.exists):
        return Finding("off", "no file; docker does without")
    config = await asyncio.to_thread(json_file, path)
    if not config:
        return Finding(
            "FAIL", "its config.json is no JSON object", Fix("mend or remove it", f"mv {path} {path}.broken")
        )
    helper = config.get("credsStore")
    if isinstance(helper, str) and helper and not machine.which(f"docker-credential-{helper}"):
        fix = Fix(f"install docker-credential-{clean(helper)[:40]}, or remove credsStore from {path}")
        return Finding("FAIL", f"names the helper {clean(helper)[:40]}, which is not installed", fix)
    return Finding("ok", f"{path} is whole")


async def nvidia_driver(machine: Machine) -> Finding:
    """The driver belongs to the host, not to the image."""
    if not machine.which("nvidia-smi"):
        fix = Fix("go on CPU-only, or install NVIDIA's driver on a machine that has such a GPU")
        return Finding("warn", "none on this host; CPU mode is offered", fix)
    done = await machine.run("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader")
    if done.ok and done.stdout.strip():
        return Finding("ok", first(done.stdout), raw=done.text)
    fix = Fix("load the driver; a reboot after an update of the kernel often does", "sudo reboot")
    return Finding("FAIL", f"nvidia-smi says: {first(done.text)}", fix, done.text)


async def container_toolkit(machine: Machine) -> Finding:
    """It hands the GPU to a container."""
    if not machine.which("nvidia-smi"):
        return NEEDS_DRIVER
    done = await machine.run("nvidia-ctk", "--version")
    if done.ok:
        return Finding("ok", first(done.text), raw=done.text)
    fix = Fix("install it from NVIDIA's package repository", "sudo apt install nvidia-container-toolkit")
    return Finding("FAIL", "a driver is here, the container toolkit is not", fix, done.text)


async def gpu_runtime(machine: Machine) -> Finding:
    """Docker must have been told of the toolkit."""
    if not machine.which("nvidia-smi"):
        return NEEDS_DRIVER
    reply = await machine.docker("/info")
    if reply.fault:
        return NEEDS_DOCKER
    runtimes = field(reply, "Runtimes")
    if isinstance(runtimes, dict) and "nvidia" in runtimes:
        return Finding("ok", "docker knows the runtime nvidia")
    command = "sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker"
    return Finding("FAIL", "docker does not know the runtime nvidia", Fix("tell docker of the toolkit", command))


async def cog(machine: Machine) -> Finding:
    """Debian's cog is a web browser, PyPI's cogapp a code generator."""
    path = machine.which("cog")
    if not path:
        return Finding("FAIL", "not installed", INSTALL_COG)
    done = await machine.run("cog", "--version")
    found = COG.search(done.stdout)
    if found:
        return Finding("ok", f"{found[1]} {path}", raw=done.text)
    words = f"{path} is another program of that name: {first(done.text)}"
    return Finding(
        "FAIL", words[:120], Fix("install Replicate's cog before it on PATH", INSTALL_COG.command), done.text
    )


async def buildx(machine: Machine) -> Finding:
    """cog shelled out to it until 0.15; later ones speak to the daemon."""
    found = COG.search((await machine.run("cog", "--version")).stdout) if machine.which("cog") else None
    if not found or numbers(found[1]) >= (0, 16):
        return Finding("off", "not needed" if found else "(needs: cog)")
    done = await machine.run("docker", "buildx", "version")
    if done.ok:
        return Finding("ok", first(done.text), raw=done.text)
    return Finding("FAIL", f"cog {found[1]} needs it", Fix("update cog", INSTALL_COG.command), done.text)


async def replicate_login(machine: Machine) -> Finding:
    """Whether docker's configuration knows r8.im; no password is read."""
    config = await asyncio.to_thread(json_file, docker_folder() / "config.json")
    auths, helper = config.get("auths"), config.get("credsStore")
    known = isinstance(auths, dict) and bool(auths.get("r8.im"))
    if not known and isinstance(helper, str) and re.fullmatch(r"[\w.-]+", helper):
        done = await machine.run(f"docker-credential-{helper}", "list")  # servers and user names, never a secret
        known = done.ok and "r8.im" in done.stdout
    if known:
        return Finding("ok", "logged in to r8.im")
    return Finding("warn", "not logged in to r8.im", Fix("log in when you want to publish", "cog login"))


# -- IPFS


async def kubo_binary(machine: Machine) -> Finding:
    """A daemon elsewhere does as well."""
    if not machine.which("ipfs"):
        fix = Fix("install Kubo, or name a node elsewhere with --ipfs: https://docs.ipfs.tech/install/command-line/")
        return Finding("warn", "not installed", fix)
    done = await machine.run("ipfs", "--version")
    return Finding("ok" if done.ok else "warn", first(done.text).removeprefix("ipfs version "), None, done.text)


async def ipfs_repo(machine: Machine) -> Finding:
    """`ipfs init` makes it; the daemon does not start without."""
    path = kubo_repo() / "config"
    if await asyncio.to_thread(path.is_file):
        return Finding("ok", str(path.parent))
    if not machine.which("ipfs"):
        return Finding("off", "(needs: kubo binary)")
    return Finding("warn", f"none at {path.parent}", Fix("make one", "ipfs init"))


async def ipfs_daemon(machine: Machine) -> Finding:
    """Without it nothing is stored where others can fetch it."""
    try:
        async with KuboNode(machine.ipfs, limit=PATIENCE) as node:
            version, (_, addresses) = await asyncio.gather(node.version(), node.identity())
    except Failure as failure:
        problem = failure.problem
        return Finding("FAIL", problem.what, problem.fix or Fix("start it", "ipfs daemon"), problem.detail)
    if addresses:
        return Finding("ok", f"{version} at {machine.ipfs}")
    fix = Fix("start it without --offline", "ipfs daemon")
    return Finding("warn", f"{version}, offline: it stores, and nobody can fetch", fix)


async def import_profile(machine: Machine) -> Finding:
    """What plain `ipfs add` would do; the wizard sends every option and does not depend on it."""
    try:
        async with KuboNode(machine.ipfs, limit=PATIENCE) as node:
            settings = await node.config("Import")
    except Failure:
        settings = (await asyncio.to_thread(json_file, kubo_repo() / "config")).get("Import")
        if settings is None:
            return Finding("wait", "(needs: ipfs daemon)")
    known = settings if isinstance(settings, dict) else {}
    wrong = [f"{key}={known[key]}" for key, usual in USUAL.items() if known.get(key) not in (None, usual)]
    if not wrong:
        return Finding("ok", "as the engine computes", raw=json.dumps(settings)[:2000])
    fix = Fix("nothing to do here: every option is sent. By hand: ipfs add --cid-version 0 --raw-leaves=false")
    return Finding(
        "warn",
        clean(f"another CID with plain `ipfs add` ({', '.join(wrong)}): handled"),
        fix,
        json.dumps(settings)[:2000],
    )


USUAL = {"CidVersion": 0, "UnixFSRawLeaves": False, "UnixFSChunker": "size-262144", "HashFunction": "sha2-256"}
"""Import settings under which plain `ipfs add` gives the CID that the engine computes."""


def kubo_repo() -> Path:
    """Where Kubo keeps its repository."""
    return Path(os.environ.get("IPFS_PATH") or Path.home() / ".ipfs")


# -- chain


async def rpc_chain(machine: Machine) -> Finding:
    """The first RPC serves the expected chain."""
    urls = machine.network.rpcs
    return await rpc_row(machine, urls[0]) if urls else Finding("off", "this network needs no RPC")


async def rpc_second(machine: Machine) -> Finding:
    """A second opinion: one RPC alone can lie."""
    urls = machine.network.rpcs
    return await rpc_row(machine, urls[1]) if len(urls) > 1 else Finding("off", "no second RPC is set (--rpc)")


async def rpc_row(machine: Machine, url: str) -> Finding:
    """Chain id, head and time of one RPC."""
    chain, block = await asyncio.gather(machine.rpc(url, "eth_chainId"), machine.rpc(url, "eth_blockNumber"))
    if chain.fault:
        return no_rpc(url, chain)
    found, expected = quantity(chain.value), machine.network.chain_id
    if found == expected:
        head = f"block {grouped(quantity(block.value))} " if not block.fault else ""
        return Finding("ok", f"{found}  {head}{seconds(chain.seconds)}  {host_of(url)}")
    fix = Fix(f"use an RPC of {machine.network.title}: --rpc URL")
    return Finding("FAIL", f"{host_of(url)} is {chain_title(found)}, not {chain_title(expected)}", fix)


async def engine_code(machine: Machine) -> Finding:
    """The engine's address has code on this chain."""
    reply = await on_chain(machine, "eth_getCode")
    if isinstance(reply, Finding):
        return reply
    engine = short(machine.network.engine)
    if len(str(reply.value)) > 2:
        return Finding("ok", f"{engine} has code")
    return Finding("FAIL", f"no contract at {engine}", Fix("look at --engine and --network"))


async def engine_version(machine: Machine) -> Finding:
    """The wizard knows versions 1 to 6."""
    reply = await on_chain(machine, "eth_call", ABI_VERSION)
    if isinstance(reply, Finding):
        return reply
    found = quantity(reply.value)
    if found == 6:
        return Finding("ok", "version 6")
    return Finding("warn", f"version {found}; this wizard was made for 6", Fix("look for a newer arbius-tui"))


async def engine_paused(machine: Machine) -> Finding:
    """A paused engine registers nothing."""
    reply = await on_chain(machine, "eth_call", ABI_PAUSED)
    if isinstance(reply, Finding):
        return reply
    if not quantity(reply.value):
        return Finding("ok", "not paused")
    return Finding("FAIL", "paused: it registers nothing now", Fix("wait, and ask in the Arbius community"))


async def on_chain(machine: Machine, method: str, data: str = "") -> Reply | Finding:
    """Ask the engine through the first RPC, if that serves the right chain."""
    if not machine.network.rpcs:
        return Finding("off", "this network needs no RPC")
    url, engine = machine.network.rpcs[0], machine.network.engine
    chain = await machine.rpc(url, "eth_chainId")
    if chain.fault:
        return no_rpc(url, chain)
    if quantity(chain.value) != machine.network.chain_id:
        return Finding("wait", "(needs: an RPC of the right chain)")
    reply = await machine.rpc(url, method, {"to": engine, "data": data} if data else engine, "latest")
    return reply if not reply.fault else Finding("warn", reply.fault[:80], Fix("try again, or use another --rpc"))


def no_rpc(url: str, reply: Reply) -> Finding:
    """An RPC that does not answer is no fault of this machine; one that refuses is worth a look."""
    if not reply.reached:
        return Finding("off", f"no network, or {host_of(url)} is down", raw=reply.fault)
    return Finding("warn", f"{host_of(url)}: {reply.fault}"[:100], Fix("use another RPC: --rpc URL"), reply.fault)


# -- accounts


async def system_keyring(machine: Machine) -> Finding:
    """Named on screen, because a key's safety is its keyring's."""
    try:
        backend = await patiently(allowed_backend, PATIENCE)
    except Failure as failure:
        fix = Fix("nothing to do: an encrypted keystore with a password is used instead")
        return Finding("warn", "none that keeps a key safely", fix, failure.problem.detail)
    return Finding("ok", BACKENDS[type(backend).__module__])


async def git(machine: Machine) -> Finding:
    """The wire-in is a commit."""
    if not machine.which("git"):
        return Finding("warn", "not installed", Fix("install it", "sudo apt install git"))
    done = await machine.run("git", "--version")
    return Finding("ok" if done.ok else "warn", first(done.text).removeprefix("git version "), None, done.text)


async def github(machine: Machine) -> Finding:
    """gh opens the pull request; the page does as well."""
    if not machine.which("gh"):
        return Finding(
            "warn",
            "not installed; the pull request can be opened on the page",
            Fix("install it", "sudo apt install gh"),
        )
    done = await machine.run("gh", "auth", "status")
    if done.ok:
        return Finding("ok", first(done.text), raw=done.text)
    return Finding("warn", "not logged in", Fix("log in", "gh auth login"), done.text)


async def node(machine: Machine) -> Finding:
    """Only a preview of the website wants it."""
    if not machine.which("node"):
        return Finding("off", "not installed; only a preview of the website wants it")
    done = await machine.run("node", "--version")
    return Finding("ok" if done.ok else "off", first(done.text), raw=done.text)


# -- host


async def python(machine: Machine) -> Finding:
    """This very interpreter."""
    return Finding("ok", platform.python_version())


async def disk(machine: Machine) -> Finding:
    """Free space where images go: docker's own folder if it is on this machine."""
    root = field(await machine.docker("/info"), "DockerRootDir")
    place = Path(root) if isinstance(root, str) and await asyncio.to_thread(Path(root).is_dir) else Path.home()
    free = (await asyncio.to_thread(shutil.disk_usage, place)).free
    if free >= GOOD_DISK:
        return Finding("ok", f"{size(free)} free at {place}")
    fix = Fix("free some space; what docker no longer needs:", "docker system prune")
    return Finding("warn", f"{size(free)} free at {place}: an image with CUDA takes 10 GB and more", fix)


async def memory(machine: Machine) -> Finding:
    """All of it, not what is free now."""
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return Finding("off", "this system does not say")
    if total >= GOOD_MEMORY:
        return Finding("ok", size(total))
    return Finding(
        "warn", f"{size(total)}: a model may need more", Fix("run the model on another machine: --endpoint URL")
    )


# -- words


def first(text: str) -> str:
    """The first line that is not empty, at most 80 characters."""
    return next((line.strip()[:80] for line in text.splitlines() if line.strip()), "no words")


def numbers(version: str) -> tuple[int, ...]:
    """`26.1.5+dfsg1` -> (26, 1, 5)."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def field(reply: Reply, key: str) -> Any:
    """A key of a JSON object, None when there is none."""
    return reply.value.get(key) if isinstance(reply.value, dict) else None


def word(reply: Reply, key: str) -> str:
    """A key of a JSON object as a short clean word."""
    return clean(str(field(reply, key) or "?"))[:40]


def shown(address: str) -> str:
    """A docker address without its scheme."""
    return clean(address.removeprefix("unix://"))


def quantity(value: Any) -> int:
    """An integer of JSON-RPC (`0xa4b1`), -1 for anything else."""
    text = str(value)
    return int(text, 16) if re.fullmatch("0x[0-9a-fA-F]{1,64}", text) else -1
