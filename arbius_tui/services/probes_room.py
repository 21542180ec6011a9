"""Checks of room: disk, memory and the line, against what the model's image will take where a model is known."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path
from urllib.parse import quote

from arbius_tui.domain.errors import Fix
from arbius_tui.domain.forecast import GB, LINE, Forecast, forecast, minutes, rough
from arbius_tui.domain.text import size
from arbius_tui.services.machine import Finding, Machine
from arbius_tui.services.model_size import model_of
from arbius_tui.services.probe_words import field

GOOD_DISK, GOOD_MEMORY = 20 * GB, 8 * 2**30
"""Bytes, where no model is known: an image with CUDA takes 10 GB and more; a small one runs in a few GiB."""
FULL = GB // 2
"""Bytes below which no build ends."""
FREE = Fix("free some space; what docker no longer needs:", "docker system prune")


async def forecast_of(machine: Machine) -> Forecast | None:
    """The forecast for the model's image, None where no model is known."""
    model = await model_of(machine)
    return forecast(model.config, model.requirements, model.bytes) if model else None


async def built(machine: Machine) -> int:
    """Bytes of the image that was built, 0 where there is none."""
    if not machine.subject.image:
        return 0
    found = field(await machine.docker(f"/images/{quote(machine.subject.image, safe=':@')}/json"), "Size")
    return found if isinstance(found, int) else 0


async def disk(machine: Machine) -> Finding:
    """Free space where images go: docker's own folder if it is on this machine."""
    root = field(await machine.docker("/info"), "DockerRootDir")
    place = Path(root) if isinstance(root, str) and await asyncio.to_thread(Path(root).is_dir) else Path.home()
    free = (await asyncio.to_thread(shutil.disk_usage, place)).free
    wanted, here = await forecast_of(machine), f"{size(free)} free at {place}"
    if free < FULL:
        return Finding("FAIL", f"full: {here}, no build ends with that", FREE)
    if wanted is None:
        if free >= GOOD_DISK:
            return Finding("ok", here)
        return Finding("warn", f"{here}: an image with CUDA takes 10 GB and more", FREE)
    exact = await built(machine)
    image = f"your image is {size(exact)}" if exact else f"your image takes about {rough(wanted.image)}"
    raw = "\n".join([f"{image}; a first build wants about {rough(wanted.room)}", *wanted.lines()])
    if free >= (exact or wanted.room):
        return Finding("ok", f"{here}, {image}", raw=raw)
    return Finding("warn", f"{here}: the build wants about {rough(wanted.room)}", FREE, raw)


async def memory(machine: Machine) -> Finding:
    """All of it, not what is free now, against the weights that lie in the folder."""
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return Finding("off", "this system does not say")
    elsewhere = Fix("run the model on another machine: --endpoint URL")
    model = await model_of(machine)
    if model and model.bytes > GB:
        weights = f"{size(total)}; your folder holds {rough(model.bytes)}, and weights pass through memory"
        return Finding("ok", weights) if total > model.bytes + 2 * GB else Finding("warn", weights, elsewhere)
    if total >= GOOD_MEMORY:
        return Finding("ok", size(total))
    return Finding("warn", f"{size(total)}: a model may need more", elsewhere)


async def transfer(machine: Machine) -> Finding:
    """What goes over the line, and how long that takes at 100 Mbit/s; the line itself is not measured."""
    wanted = await forecast_of(machine)
    if wanted is None:
        return Finding("off", "no model is known, so nothing to forecast")
    times = f"{minutes(wanted.fetched)} and {minutes(wanted.pushed)} at {LINE} Mbit/s"
    said = f"fetch about {rough(wanted.fetched)}, push up to {rough(wanted.pushed)}: {times}"
    return Finding("ok", said, raw="\n".join(["layers that the registry has are not sent again", *wanted.lines()]))
