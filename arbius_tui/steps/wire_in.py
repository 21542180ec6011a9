"""Wire-in: the model's entry for an Arbius checkout. Editing the checkout and the pull request are not built yet."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator
from typing import Any

from arbius_tui.domain.cid import to_multihash
from arbius_tui.domain.errors import Fix, Problem
from arbius_tui.domain.events import Done, Event, Found, Line, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Ask
from arbius_tui.domain.records import RegisterRecord
from arbius_tui.services.ports import Services
from arbius_tui.steps.base import Step
from arbius_tui.steps.model import Fact

NOT_BUILT = Problem(
    "not-built-yet",
    "editing a checkout and opening a pull request are not built yet",
    "the website and the explorer list only models of the repository",
    Fix("put the entry into config.json and the template into templates/"),
    severity="info",
)


class WireIn(Step):
    """Write the entry that the hardhat task used to print, complete and valid."""

    name = "wire_in"

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield the entry line by line, then what this version cannot do yet."""
        record = journey.get(RegisterRecord)
        if record is None:
            yield Found(Fact("model-id", "model id", "wait", "not registered yet", "it is the key of every edit"))
            yield Trouble(NOT_BUILT)
            yield Done(True, 0, {}, "wait")
            return
        block = entry(journey.project, record)
        yield Found(Fact("model-id", "model id", "ok", record.model_id, "it is the key of every edit"))
        for line in json.dumps(block, indent=2).splitlines():
            yield Line(line)
        yield Trouble(NOT_BUILT)
        yield Done(True, 0, {"entry": block}, "off")


def entry(project: str, record: RegisterRecord) -> dict[str, Any]:
    """The model's entry under "models" of config.json: keys as the repository's own entries have them."""
    key = re.sub(r"[^a-z0-9_]+", "_", project.lower()).strip("_") or "model"
    key = key if key[0].isalpha() else f"m_{key}"
    params = {"addr": record.addr, "fee": record.fee_wei, "rate": "0", "cid": to_multihash(record.cid)}
    return {key: {"id": record.model_id, "mineable": False, "contracts": {}, "params": params}}
