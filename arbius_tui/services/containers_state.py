"""The state of a container in words, and what it means for a model that was to answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from arbius_tui.domain.errors import NotReady
from arbius_tui.domain.text import clean
from arbius_tui.services import containers_logs, docker_errors

LABEL = "ai.arbius.tui."
"""Before the name of each label of ours: project, session, url, gpus."""

PROJECT = f"{LABEL}project"
MISSING = "missing"

SETUP_FAILED = 255
"""The exit code of a Cog up to 0.16 whose setup failed."""

KILLED, TERMINATED, CRASHED = 137, 143, 139
"""128 and the number of the signal."""

RUNS = ("running", "paused", "restarting")
BY_HAND = "somebody ran docker kill or docker stop, or the machine had no memory left for it"


@dataclass(frozen=True, slots=True)
class ContainerState:
    """A container as the Engine sees it. `status`: created running paused restarting removing exited dead missing."""

    kind: ClassVar[str] = "container"
    id: str
    status: str
    name: str = ""
    exit_code: int = 0
    out_of_memory: bool = False
    error: str = ""
    url: str = ""
    image: str = ""
    image_id: str = ""
    gpus: str = ""
    """`all` or `none`: what it was started with."""
    ours: bool = False
    session: str = ""

    @property
    def runs(self) -> bool:
        """Whether its process is there; a paused one is, and answers nothing."""
        return self.status in RUNS

    @property
    def words(self) -> str:
        """The state for a person, e.g. `exited (137): killed from outside`."""
        if self.status != "exited":
            return WORDS.get(self.status, self.status)
        return f"exited ({self.exit_code}): {ending(self)}"


WORDS = {
    "created": "made, but never started",
    "running": "running",
    "paused": "paused: it answers nothing until it is let go on",
    "restarting": "docker is starting it again",
    "removing": "being removed",
    "dead": "dead: docker could not remove all of it",
    MISSING: "gone: it was removed",
}


def read(found: Mapping[str, Any], project: str) -> ContainerState:
    """The state out of what `GET /containers/NAME/json` answers; `project` decides whether it is ours."""
    state, config = part(found, "State"), part(found, "Config")
    labels = part(config, "Labels")
    return ContainerState(
        id=str(found.get("Id", "")),
        status=clean(str(state.get("Status", ""))),
        name=clean(str(found.get("Name", ""))).removeprefix("/"),
        exit_code=state["ExitCode"] if isinstance(state.get("ExitCode"), int) else 0,
        out_of_memory=state.get("OOMKilled") is True,
        error=clean(str(state.get("Error") or "")),
        url=clean(str(labels.get(f"{LABEL}url", ""))),
        image=clean(str(config.get("Image", ""))),
        image_id=clean(str(found.get("Image", ""))),
        gpus=clean(str(labels.get(f"{LABEL}gpus", ""))),
        ours=labels.get(PROJECT) == project,
        session=clean(str(labels.get(f"{LABEL}session", ""))),
    )


def part(found: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """An object inside an answer, empty when it is none."""
    value = found.get(key)
    return value if isinstance(value, dict) else {}


def ending(state: ContainerState) -> str:
    """Why a container ended, as far as its exit code says."""
    if state.out_of_memory:
        return "killed: it wanted more memory than it may have"
    if state.exit_code > 128 and state.exit_code != SETUP_FAILED:
        known = {KILLED: "killed from outside", TERMINATED: "ended from outside", CRASHED: "it crashed (segfault)"}
        return known.get(state.exit_code, f"ended by signal {state.exit_code - 128}")
    known = {0: "ended by itself", SETUP_FAILED: "the model's setup failed", 127: "its command is not in the image"}
    return known.get(state.exit_code, "ended by itself with an error")


def verdict(state: ContainerState, log: Sequence[str], *, was_ready: bool) -> NotReady | None:
    """Why a model in this container cannot answer, None while it runs. `log` holds its last lines, already plain."""
    detail = "\n".join(log)
    if state.status == "paused":
        return NotReady(
            "container-paused",
            "the model's container is paused",
            why="it answers nothing while it is",
            fix="let it go on",
            command=f"docker unpause {state.name or state.id[:12]}",
            detail=detail,
        )
    if state.runs:
        return None
    if state.status == MISSING:
        return NotReady(
            "container-missing",
            "the model's container is gone: it was removed from outside",
            why="its log went with it",
            fix="start the model again",
        )
    if re.search(r"exec format error", f"{detail} {state.error}"):
        found = docker_errors.words("exec format error")
        if isinstance(found, NotReady):
            return found
    code, what, why, fix = judged(state, containers_logs.reason(log), was_ready)
    return NotReady(code, what, why=why, fix=fix, command=f"docker logs {state.name or state.id[:12]}", detail=detail)


def judged(state: ContainerState, reason: str, was_ready: bool) -> tuple[str, str, str, str]:
    """Code, what, why and fix of a container that has ended."""
    again = "start the model again"
    if state.out_of_memory:
        what = "the model's container was killed: it wanted more memory than it may have"
        return "container-oom", what, "its memory has a limit, or the machine has no more", f"free memory, then {again}"
    if state.exit_code in (KILLED, TERMINATED):
        number = state.exit_code - 128
        return "container-killed", f"the model's container was killed from outside (signal {number})", BY_HAND, again
    if not was_ready and (state.exit_code == SETUP_FAILED or reason):
        what = "the model's setup failed" + (f": {reason}" if reason else "")
        return "setup-failed", what, "an older Cog server ends when its setup fails", "mend the model's setup()"
    if state.status == "created":
        what = "the model's container was made and never started" + (f": {state.error}" if state.error else "")
        return "container-not-started", what, "a start was cut short", again
    what = f"the model's container has ended (exit code {state.exit_code}): {ending(state)}"
    return "container-ended", what, "a model that runs no more answers nothing", f"read its log, then {again}"
