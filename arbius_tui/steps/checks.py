"""Checks: what this machine has, and which steps what it lacks would hold up."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from datetime import UTC, datetime

from arbius_tui.domain.errors import NotReady, Problem
from arbius_tui.domain.events import Done, Event, Found, Saved, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Ask
from arbius_tui.domain.records import ChecksRecord
from arbius_tui.services.ports import Check, Services, Subject
from arbius_tui.steps.base import Step

__all__ = ["Check", "Checks", "problem", "row", "state_of"]

USABLE = ("ok", "warn")
"""States of a check that others can build on."""


class Checks(Step):
    """All checks at once; a FAIL holds up only the steps that need it."""

    name = "checks"

    def __init__(self, only: str | None = None) -> None:
        self.only = only

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield each check as `wait` and again as it ends; checks that waited for one of them follow by themselves.

        What is known of checks that are not asked for stays.
        """
        known = journey.get(ChecksRecord) if self.only else None
        before = known or ChecksRecord()
        rows: dict[str, Check] = {}
        only, subject = with_missing(before, self.only), subject_of(journey)
        while True:
            async with aclosing(aiter_of(services, only, subject)) as checks:
                async for check in checks:
                    rows[check.id] = check
                    yield Found(check)
            if not (only := ",".join(followers(before, rows))):
                break
        states = {**before.states, **{check.id: check.state for check in rows.values()}}
        needs = {**before.needs, **{check.id: check.needs for check in rows.values() if check.needs}}
        yield Saved(ChecksRecord(states, datetime.now(UTC).isoformat(timespec="seconds"), needs))
        failed = [check for check in rows.values() if check.state == "FAIL"]
        for check in failed:
            yield Trouble(problem(check))
        result = {"checks": [row(check) for check in rows.values()]}
        yield Done(not failed, NotReady.exit_code if failed else 0, result, state_of(states))


async def aiter_of(services: Services, only: str | None, subject: Subject) -> AsyncGenerator[Check, None]:
    """The checks as a generator that can be closed."""
    async for check in services.toolchain.checks(only, subject):
        yield check


def subject_of(journey: Journey) -> Subject:
    """The model that is forecast for: the folder that was read, else the journey's, and the image that was built."""
    model = journey.records.get("model", {})
    return Subject(str(model.get("folder") or journey.model_dir), str(model.get("image") or ""))


def with_missing(before: ChecksRecord, only: str | None) -> str | None:
    """The check that is asked for, together with what it was last seen to wait for."""
    missing = [id for id in before.needs.get(only or "", ()) if before.states.get(id) not in USABLE]
    return ",".join([only, *missing]) if only else None


def followers(before: ChecksRecord, rows: Mapping[str, Check]) -> list[str]:
    """Checks that were not looked at now, and need one that can be used now and could not before, or the other way.

    Directly or not: what waits for a check that waits is looked at in the same go.
    """
    turned = {check.id for check in rows.values() if (check.state in USABLE) != (before.states.get(check.id) in USABLE)}
    found: dict[str, None] = {}
    while more := [id for id, needs in before.needs.items() if id not in found and turned.intersection(needs)]:
        found.update(dict.fromkeys(more))
        turned.update(more)
    return [id for id in found if id not in rows]


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
        "needed_by": list(check.needed_by), "fix": fix, "raw": check.raw, "needs": list(check.needs),
    }  # fmt: skip
