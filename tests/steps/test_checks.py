"""Checks as a step: rows that wait for another follow it by themselves, and the plain face says what was said."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest

from arbius_tui.domain.events import Done, Found
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.networks import NETWORKS
from arbius_tui.domain.records import ChecksRecord, ModelRecord
from arbius_tui.plain.faces import TextFace
from arbius_tui.plain.walk import steps
from arbius_tui.services.machine import Finding, Machine
from arbius_tui.services.memory_store import MemoryStore
from arbius_tui.services.ports import Subject
from arbius_tui.services.toolchain import Row, Toolchain
from arbius_tui.steps.base import Walk
from arbius_tui.steps.checks import Checks, subject_of
from tests.steps.conftest import Author, collect, end


class Docker:
    """The real toolchain with a daemon that can be started, two rows that need it, one that needs those, and git."""

    def __init__(self) -> None:
        self.up = False
        self.asked: list[str] = []
        rows = (
            Row("daemon", "containers", "docker daemon", ("run",), self.daemon, "it builds"),
            Row("version", "containers", "docker version", ("run",), self.probe("version"), "new enough", ("daemon",)),
            Row("runtime", "gpu", "gpu runtime", ("run",), self.probe("runtime"), "for the GPU", ("daemon",)),
            Row("deep", "gpu", "deep", ("run",), self.probe("deep"), "to see", ("runtime",)),
            Row("git", "repository", "git", (), self.probe("git"), "to commit"),
        )
        self.toolchain = Toolchain(NETWORKS["rehearsal"], rows=rows)

    async def daemon(self, machine: Machine) -> Finding:
        self.asked.append("daemon")
        return Finding("ok", "26.1") if self.up else Finding("FAIL", "stopped")

    def probe(self, id: str) -> Any:
        async def probe(machine: Machine) -> Finding:
            self.asked.append(id)
            return Finding("ok", "fine")

        return probe

    def walk(self) -> Walk:
        services: Any = SimpleNamespace(toolchain=self.toolchain)
        return Walk(MemoryStore(Journey("demo")), services)


def states(walk: Walk) -> dict[str, str]:
    return dict(walk.journey.records["checks"]["states"])


WAITING = {"daemon": "FAIL", "version": "wait", "runtime": "wait", "deep": "wait", "git": "ok"}
WELL = dict.fromkeys(WAITING, "ok")


async def test_rows_that_waited_run_again_by_themselves_when_what_they_need_turns_ok() -> None:
    docker = Docker()
    walk = docker.walk()
    await collect(walk, "checks")
    assert states(walk) == WAITING
    assert docker.asked == ["daemon", "git"], "no pointless probe"
    docker.up = True
    docker.asked.clear()
    done = end(await collect(walk, "checks", step=Checks("daemon")))
    assert states(walk) == WELL
    assert walk.journey.state("checks") == "ok"
    assert "git" not in docker.asked, "only the row, and what needs it"
    assert {check["id"] for check in done.result["checks"]} == {"daemon", "version", "runtime", "deep"}


async def test_a_row_that_waits_takes_along_what_it_waits_for() -> None:
    docker = Docker()
    walk = docker.walk()
    await collect(walk, "checks")
    docker.up = True
    await collect(walk, "checks", step=Checks("version"))
    assert states(walk) == WELL, "the daemon was seen to run, and so all that waited for it ran"


async def test_rows_wait_again_when_what_they_need_is_gone() -> None:
    docker = Docker()
    docker.up = True
    walk = docker.walk()
    await collect(walk, "checks")
    assert states(walk) == WELL
    docker.up = False
    docker.asked.clear()
    await collect(walk, "checks", step=Checks("daemon"))
    assert states(walk) == WAITING
    assert docker.asked == ["daemon", "daemon"], "the second look is that of the rows that need it"


async def test_nothing_follows_a_row_that_stays_as_it_is() -> None:
    docker = Docker()
    walk = docker.walk()
    await collect(walk, "checks")
    docker.asked.clear()
    events = await collect(walk, "checks", step=Checks("daemon"))
    assert docker.asked == ["daemon"]
    assert [event.item.id for event in events if isinstance(event, Found)] == ["daemon", "daemon"]
    assert states(walk) == WAITING


async def test_a_record_of_an_earlier_version_has_no_needs() -> None:
    docker = Docker()
    walk = docker.walk()
    await walk.save(ChecksRecord({"daemon": "FAIL", "version": "wait"}, ""))
    docker.up = True
    assert end(await collect(walk, "checks", step=Checks("daemon"))).ok
    assert states(walk) == {"daemon": "ok", "version": "wait"}


async def test_plain_mode_says_who_waits_for_whom_and_then_how_it_went() -> None:
    docker = Docker()
    walk = docker.walk()
    out, err = io.StringIO(), io.StringIO()
    await steps(walk, ["checks"], Author(), TextFace(out, err, out))
    assert "wait  docker version: (needs: docker daemon)\n" in out.getvalue()
    assert "FAIL  docker daemon: stopped" in err.getvalue()
    docker.up = True
    out = io.StringIO()
    done = await steps(walk, [Checks("daemon")], Author(), TextFace(out, err, out))
    assert "ok    docker version: fine\n" in out.getvalue()
    assert done.exit == 0


async def test_exit_3_on_a_fail_and_the_dependency_is_in_the_result() -> None:
    done: Done = end(await collect(Docker().walk(), "checks"))
    assert done.exit == 3
    rows = {row["id"]: row for row in done.result["checks"]}
    assert rows["deep"]["needs"] == ["runtime"]
    assert rows["deep"]["found"] == "(needs: gpu runtime)"


@pytest.mark.parametrize(
    ("journey", "subject"),
    [
        (Journey("demo"), Subject()),
        (Journey("demo", model_dir="/m"), Subject("/m")),
        (Journey("demo", model_dir="/m").having(ModelRecord("/other", image="cog-m")), Subject("/other", "cog-m")),
    ],
)
def test_what_is_forecast_for(journey: Journey, subject: Subject) -> None:
    assert subject_of(journey) == subject
