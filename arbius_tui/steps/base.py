"""What a step is, and the one way in: every face runs steps through `Walk`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

from arbius_tui.domain.errors import Failure, NotReady, NotReproducible
from arbius_tui.domain.journey import STEPS, Journey, Place, Record

if TYPE_CHECKING:
    # Some forty dataclasses that the first frame does not need.
    from arbius_tui.domain.events import Done, Event
    from arbius_tui.domain.questions import Ask
    from arbius_tui.services.ports import Services, Store

TITLES = {
    "checks": "Checks", "model": "Model", "run": "Run", "seed_test": "Seed test", "publish": "Publish",
    "template": "Template", "pin": "Pin", "wallet": "Wallet", "register": "Register", "wire_in": "Wire-in",
    "after": "After", "owner": "Owner", "verify": "Verify",
}  # fmt: skip
"""How each step is called on a screen. They stand here so that the strip can be drawn before any step is imported.

The last two are beside the journey: they can be done for any model, and have no state word.
"""

NEEDS: dict[str, tuple[str, ...]] = {
    "seed_test": ("run",),
    "pin": ("template",),
    "register": ("pin", "wallet"),
    "owner": ("wallet",),
    "after": ("register",),
}
"""Steps whose record a step cannot do without."""


class Step:
    """One step of the journey. It yields events, asks through `ask`, and writes only by yielding `Saved`."""

    name: ClassVar[str]

    def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Do the step. Ends with `Done`; raising a Failure is the same as a problem and a `Done` that is not ok."""
        raise NotImplementedError


def load(name: str) -> Step:
    """The step of this name; its module is imported now."""
    module = import_module(f"arbius_tui.steps.{name}")
    found = next(v for v in vars(module).values() if isinstance(v, type) and issubclass(v, Step) and v is not Step)
    return found()


class Walk:
    """One project's walk through the steps: applies what is saved before any face sees it."""

    def __init__(self, store: Store, services: Services) -> None:
        self.store, self.services = store, services
        self.journey = store.load()
        self.watchers: list[Callable[[Journey], None]] = []

    async def save(self, change: Record) -> None:
        """Write a fact (in a thread: fsync takes its time) and tell who watches.

        Who is stopped meanwhile waits for the write all the same: what is on disk must not be news to the screens.
        """
        writing = asyncio.create_task(asyncio.to_thread(self.store.apply, change))
        try:
            await asyncio.wait({writing})
        finally:
            await asyncio.wait({writing})
            writing.result()
            self.tell(self.store.load())  # with what another step has saved meanwhile

    def tell(self, journey: Journey) -> None:
        """The journey is this one now."""
        self.journey = journey
        for watcher in self.watchers:
            watcher(journey)

    def missing(self, name: str) -> tuple[str, ...]:
        """Steps that must be done before this one."""
        return tuple(step for step in NEEDS.get(name, ()) if step not in self.journey.records)

    async def go(self, name: str) -> None:
        """The author stands here now."""
        if self.journey.at != name:
            await self.save(Place(at=name))

    async def run(self, name: str, ask: Ask, step: Step | None = None) -> AsyncGenerator[Event, None]:
        """Run a step: `Started`, its events, one `Done`. A failure becomes a problem and a `Done`."""
        from arbius_tui.domain.events import Done, Saved, Started, Trouble

        yield Started(TITLES[name])
        before = self.journey.state(name)
        await self.mark(name, "run", at=name)
        done: Done | None = None
        try:
            if locked(name, self.journey):
                raise not_reproducible()
            if missing := self.missing(name):
                raise needs(name, missing)
            if step is None:
                step = await asyncio.to_thread(load, name)
            work = step.run(self.journey, self.services, ask)
            async with aclosing(work) as events:
                async for event in events:
                    if isinstance(event, Saved):
                        await self.save(event.change)
                    if isinstance(event, Done):
                        done = event
                        break
                    yield event
            done = done or Done(True)
        except Failure as failure:
            yield Trouble(failure.problem)
            done = Done(False, failure.exit_code)
        finally:
            if done is None and name in STEPS:
                # Cancelled, or the author went back from a question. Nothing may be awaited while a generator closes.
                self.tell(self.store.apply(Place(states={name: "-" if before == "run" else before})))
        await self.mark(name, word(done))
        yield done

    async def mark(self, name: str, state: str, at: str = "") -> None:
        """The state word of a step of the journey; what is beside it has none."""
        if name in STEPS:
            await self.save(Place(at=at, states={name: state}))

    async def beside(self, step: Step, ask: Ask) -> AsyncGenerator[Event, None]:
        """The events of a step that goes on while its screen is used, e.g. an editor that keeps what is typed.

        What it saves is saved as ever; its state word is only what it saves itself, and it has no `Done`.
        """
        from arbius_tui.domain.events import Saved

        async with aclosing(step.run(self.journey, self.services, ask)) as events:
            async for event in events:
                if isinstance(event, Saved):
                    await self.save(event.change)
                yield event


def locked(name: str, journey: Journey) -> bool:
    """Whether a step that cannot be undone has to wait for a seed test that ends well; what was signed goes on."""
    proof, sent = journey.records.get("seed_test"), journey.records.get("register")
    if name != "register" or not isinstance(proof, Mapping) or not proof.get("cases"):
        return False
    under_way = isinstance(sent, Mapping) and sent.get("state") in ("handed", "signed", "sent")
    return proof.get("reproducible") is False and not under_way


LOCKED = "the seed test says that this model is not reproducible"


def not_reproducible() -> NotReproducible:
    """The failure of a registration after a seed test that found something."""
    return NotReproducible(
        "not-reproducible",
        LOCKED,
        why="a registration cannot be undone, and miners would contest one another's answers and lose their stake",
        fix="mend what 4 Seed test names, run it again, then come back",
    )


def word(done: Done) -> str:
    """The state word of a step that ended so."""
    return done.state or ("ok" if done.ok else "FAIL")


def needs(name: str, missing: tuple[str, ...]) -> NotReady:
    """The failure of a step that is too early."""
    names = " and ".join(f"{STEPS.index(step) + 1} {TITLES[step]}" for step in missing)
    return NotReady(
        "step-needs",
        f"{TITLES[name]} needs {names} first",
        why="it works with what that step found",
        fix=f"do {names}, then come back",
    )
