"""What all screens of one run share: the journey as it stands, the walk once its services are open, and a clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from textual.signal import Signal

from arbius_tui.domain.errors import Failure
from arbius_tui.domain.journey import STEPS, Journey
from arbius_tui.domain.networks import NETWORKS
from arbius_tui.steps.base import TITLES, Walk


@dataclass
class Session:
    """The one object that screens share. `walk` is None until the services are open."""

    journey: Journey
    changed: Signal[Journey]
    log_dir: Path
    clock: Callable[[], float] = time.monotonic
    walk: Walk | None = None
    failure: Failure | None = None
    settled: asyncio.Event = field(default_factory=asyncio.Event)

    async def opened(self) -> Walk:
        """The walk, waited for; the Failure that kept the services from opening."""
        await self.settled.wait()
        if self.walk is None:
            raise self.failure or RuntimeError("the services were closed")
        return self.walk

    @property
    def rehearsal(self) -> bool:
        """Whether this is the embedded chain."""
        return self.journey.network == "rehearsal"

    @property
    def chain(self) -> str:
        """What the header says of the chain."""
        known = NETWORKS.get(self.journey.network)
        if known is None:
            return self.journey.network
        return f"chain {known.chain_id}" if self.rehearsal else f"{known.title} {known.chain_id}"

    @property
    def saved(self) -> str:
        """`saved 12:41:07` in local time, empty before the first save."""
        try:
            return f"saved {datetime.fromisoformat(self.journey.saved_at).astimezone():%H:%M:%S}"
        except ValueError:
            return ""

    @property
    def flag(self) -> str:
        """CPU-ONLY as long as the model ran without a graphics card."""
        run = self.journey.records.get("run")
        return "CPU-ONLY" if run and run.get("cpu_only") else ""

    @property
    def steps(self) -> list[tuple[str, str]]:
        """Title and state word of each step, in order."""
        return [(TITLES[step], self.journey.state(step)) for step in STEPS]
