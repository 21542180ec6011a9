"""Checks: what this machine has, and which steps what it lacks would hold up."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime

from arbius_tui.domain.errors import NotReady, Problem
from arbius_tui.domain.events import Done, Event, Found, Saved, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Ask
from arbius_tui.domain.records import ChecksRecord
from arbius_tui.services.ports import Check, Services
from arbius_tui.steps.base import Step

__all__ = ["Check", "Checks", "problem", "row", "state_of"]


class Checks(Step):
    """All checks at once; a FAIL holds up only the steps that need it."""

    name = "checks"

    def __init__(self, only: str | None = None) -> None:
        self.only = only

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield each check as `wait` and again as it ends. What is known of checks that are not asked for stays."""
        rows: dict[str, Check] = {}
        async for check in services.toolchain.checks(self.only):
            rows[check.id] = check
            yield Found(check)
        known = journey.get(ChecksRecord) if self.only else None
        states = {**(known.states if known else {}), **{check.id: check.state for check in rows.values()}}
        yield Saved(ChecksRecord(states=states, at=datetime.now(UTC).isoformat(timespec="seconds")))
        failed = [check for check in rows.values() if check.state == "FAIL"]
        for check in failed:
            yield Trouble(problem(check))
        result = {"checks": [row(check) for check in rows.values()]}
        yield Done(not failed, NotReady.exit_code if failed else 0, result, state_of(states))


def state_of(states: Mapping[str, str]) -> str:
    """The word of the whole step: that of its worst check."""
    return next((word for word in ("FAIL", "warn") if word in states.values()), "ok")


def problem(check: Check) -> Problem:
    """A failed check as a problem."""
    return Problem(f"check-{check.id}", f"{check.title or check.id}: {check.found}", check.why, check.fix, check.raw)


def row(check: Check) -> dict[str, object]:
    """A check as scripts read it."""
    fix = check.fix and {"text": check.fix.text, "command": check.fix.command}
    return {
        "id": check.id, "group": check.group, "state": check.state, "found": check.found, "why": check.why,
        "needed_by": list(check.needed_by), "fix": fix, "raw": check.raw,
    }  # fmt: skip
