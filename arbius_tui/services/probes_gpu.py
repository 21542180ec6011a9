"""Checks of the GPU: the driver, the container toolkit, and docker's runtime are three faults with three fixes.

The driver belongs to the host, the toolkit carries it into a container, and docker must have been told of the toolkit.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from arbius_tui.domain.errors import Fix
from arbius_tui.domain.gpus import QUERY, listed
from arbius_tui.services.machine import Finding, Machine, Reply
from arbius_tui.services.probe_words import field, first, silent
from arbius_tui.services.probes_docker import INSTALL, snapped
from arbius_tui.services.process import Completed

PCI = Path("/sys/bus/pci/devices")
NVIDIA, DISPLAYS = "0x10de", ("0x0300", "0x0302")
"""PCI ids: the vendor, and the classes of a graphics card and of one without a screen."""
NOTHING = "no NVIDIA GPU here, so nothing to look at"
CONFIGURE = "sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker"


async def driver(machine: Machine) -> Finding:
    """Whether the driver speaks to its GPU: names and version, or which way it is broken."""
    if not machine.which("nvidia-smi"):
        if not await asyncio.to_thread(has_card):
            fix = Fix("go on CPU-only, or prove the model on a machine that has such a GPU (--endpoint URL)")
            return Finding("warn", "none on this host; CPU mode is offered", fix)
        fix = Fix("install the driver of your distribution, then reboot", "sudo apt install nvidia-driver")
        return Finding("FAIL", "an NVIDIA GPU is here, its driver is not", fix)
    done = await machine.run(*QUERY)
    if hung := silent(done, "nvidia-smi"):
        return hung
    found = cards(done.stdout) if done.ok else ""
    return Finding("ok", found, raw=done.text) if found else broken(done)


def has_card(folder: Path = PCI) -> bool:
    """Whether an NVIDIA GPU sits on the PCI bus, with or without a driver (Linux)."""
    for device in folder.glob("*"):
        try:
            vendor, kind = ((device / name).read_text().strip() for name in ("vendor", "class"))
        except OSError:
            continue
        if vendor == NVIDIA and kind[:6] in DISPLAYS:
            return True
    return False


def cards(text: str) -> str:
    """`NVIDIA A100, 550.54.15` on each line -> `2 x NVIDIA A100, driver 550.54.15`."""
    found = listed(text)
    return f"{found.name}, driver {found.driver}" if found.name else ""


def broken(done: Completed) -> Finding:
    """A driver that is installed and does not work; the ways it says so have different ways out."""
    said = done.text
    if "version mismatch" in said:
        what, fix = "updated while it was loaded: its parts do not match", Fix("reboot", "sudo reboot")
    elif "communicate with the NVIDIA driver" in said:
        what = "installed, but not in the kernel"
        fix = Fix("load it; if that fails it was built for another kernel: reboot or install it anew",
                  "sudo modprobe nvidia")  # fmt: skip
    elif "No devices were found" in said:
        what = "loaded, but it finds no GPU"
        fix = Fix("look at what the kernel says of it", "sudo dmesg --ctime | grep -i nvrm")
    else:
        what = f"nvidia-smi says: {first(said)}"
        fix = Fix("load the driver; a reboot after an update of the kernel often does", "sudo reboot")
    return Finding("FAIL", what, fix, said)


async def toolkit(machine: Machine) -> Finding:
    """Whether the container toolkit is installed where docker can use it."""
    if not machine.which("nvidia-smi"):
        return Finding("off", NOTHING)
    done = await machine.run("nvidia-ctk", "--version")
    if done.ok:
        return Finding("ok", first(done.text), raw=done.text)
    if done.ended == "late" and (hung := silent(done, "nvidia-ctk --version")):
        return hung
    text = "install it from NVIDIA's packages: https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/"
    fix = Fix(text, "sudo apt install nvidia-container-toolkit")
    return Finding("FAIL", "a driver is here, the container toolkit is not", fix, done.text)


async def runtime(machine: Machine) -> Finding:
    """Whether docker was told of the toolkit: the runtime nvidia, or CDI devices of it."""
    info = await machine.docker("/info")
    if info.fault:
        return Finding("wait", "(needs: docker daemon)")
    if snapped(info):
        fix = Fix("install Docker Engine in its place; a snap sees neither the host's driver nor its toolkit", INSTALL)
        return Finding("FAIL", "docker is a snap, which the host's container toolkit does not reach", fix)
    if how := handed_out(info):
        return Finding("ok", how)
    return Finding("FAIL", "docker does not know the runtime nvidia", Fix("tell docker of the toolkit", CONFIGURE))


def handed_out(info: Reply) -> str:
    """How docker hands a GPU to a container, empty if it does not. CDI devices are listed by Engine 28.2 and later."""
    runtimes, devices = field(info, "Runtimes"), field(info, "DiscoveredDevices")
    if isinstance(runtimes, dict) and "nvidia" in runtimes:
        return "docker knows the runtime nvidia"
    if isinstance(devices, list) and any("nvidia.com/gpu" in str(device) for device in devices):
        return "docker knows the GPU by CDI"
    return ""
