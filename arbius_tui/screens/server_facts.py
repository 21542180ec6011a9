"""What is known of a model's server, as facts: its health in words, its image and container, GPU or CPU-ONLY."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from arbius_tui.domain.health import words
from arbius_tui.domain.text import short
from arbius_tui.widgets.panes import Fact
from arbius_tui.widgets.text import Cell, state_style, wrap

if TYPE_CHECKING:
    from arbius_tui.steps.run import HealthSeen

STATE = {"READY": "READY", "BUSY": "run", "STARTING": "run", "UNKNOWN": "wait", "stopped": "off"}
"""The state word whose look a health has; every other is a failure."""

INSIDE = 5000


def health_facts(status: str, running: bool) -> list[Fact]:
    """The health, and what it means."""
    said = words(status) if status else "asking" if running else "saved; F5 asks whether it still runs"
    style = state_style(STATE.get(status, "FAIL")) if status else "$muted"
    return [Fact("health", (status or "-", style)), Fact("", (said, "$muted"))]


def server_facts(saved: Mapping[str, Any], seen: HealthSeen | None, took: str) -> list[Fact]:
    """Where it is and how we came to it; of a container its image and id."""
    url, how = str(saved.get("url") or ""), f"{seen.how}{took}" if seen and seen.how else ""
    facts = [Fact("url", (url or "-", "$ink"), "F4 copy" if url else "")]
    facts.append(Fact("server", (how or "-", "$ink" if how else "$muted")))
    if container := str(saved.get("container") or ""):
        image, id = str(saved.get("image") or "-"), short(str(saved.get("image_id") or "").removeprefix("sha256:"))
        facts.append(Fact("image", f"{image}  {id}"))
    if container and (seen is None or seen.status not in ("stopped", "gone")):
        facts.append(Fact("container", f"{container[:12]}  port {url.rpartition(':')[2]} here, {INSIDE} inside"))
    return facts


def graphics(saved: Mapping[str, Any]) -> tuple[Cell, str]:
    """Whether this run proves anything for miners with a graphics card, and the key for more."""
    if saved.get("cpu_only"):
        return ("CPU-ONLY: to rehearse with, no proof for GPU miners", "$warning"), "F1 why"
    if saved.get("container"):
        return ("all of this machine, as miners run it", "$ink"), "c CPU"
    known = str(saved.get("gpu") or "not known of a server that was not started here") if saved.get("url") else "-"
    return (known, "$muted"), ""


def run_command(saved: Mapping[str, Any], rehearsal: bool, local: str) -> str:
    """The shell command that brings this server up, or takes it."""
    image, bare = str(saved.get("image") or ""), bool(saved.get("cpu_only"))
    if rehearsal:
        return "arbius-tui run --network rehearsal"
    if image:
        return shlex.join(["arbius-tui", "run", image, *(["--gpus", "none"] if bare else [])])
    return shlex.join(
        ["arbius-tui", "run", "--endpoint", str(saved.get("url") or local), *(["--gpus", "none"] if bare else [])]
    )


def docker_command(saved: Mapping[str, Any]) -> str:
    """The same with the docker command alone; empty for what is no container."""
    image = str(saved.get("image") or "")
    if not image or not saved.get("container"):
        return ""
    port = str(saved.get("url") or "").rpartition(":")[2]
    gpus = () if saved.get("cpu_only") else ("--gpus", "all")
    publish = f"127.0.0.1:{port}:{INSIDE}"
    return shlex.join(["docker", "run", "-d", "-p", publish, "--shm-size", "6g", *gpus, image])


def docker_facts(saved: Mapping[str, Any]) -> list[Fact]:
    """The docker command over as many lines as it needs."""
    if not (text := docker_command(saved)):
        return []
    first, *more = wrap(text, 64, 3)
    return [Fact("docker", first), *(Fact("", row) for row in more)]
