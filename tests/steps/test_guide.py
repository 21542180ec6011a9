"""The guide as a step: text and JSON say the same, and the checks' own word is left alone."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace
from typing import Any

from arbius_tui.domain.guide import DRIFT
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.records import ChecksRecord
from arbius_tui.plain.faces import JsonFace, TextFace
from arbius_tui.plain.walk import steps
from arbius_tui.services.memory_store import MemoryStore
from arbius_tui.steps.base import Walk
from arbius_tui.steps.guide import Guide
from tests.steps.conftest import Author, collect, end


def walk_of() -> Walk:
    services: Any = SimpleNamespace()
    return Walk(MemoryStore(Journey("demo")), services)


async def test_the_list_changes_no_word() -> None:
    walk = walk_of()
    assert end(await collect(walk, "checks", step=Guide())).ok
    assert walk.journey.state("checks") == "-"
    await walk.save(ChecksRecord({"git": "warn"}, ""))
    await collect(walk, "checks", step=Guide())
    assert walk.journey.state("checks") == "warn"


async def test_text_and_json_have_every_place() -> None:
    out = io.StringIO()
    await steps(walk_of(), [Guide()], Author(), TextFace(out, out, out))
    text = out.getvalue()
    lines = io.StringIO()
    done = await steps(walk_of(), [Guide()], Author(), JsonFace(lines))
    found = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [event["id"] for event in found if event.get("kind") == "drift"] == [place.id for place in DRIFT]
    assert [place["id"] for place in done.result["drift"]] == [place.id for place in DRIFT]
    for place in DRIFT:
        assert f"{place.section}: {place.says}\n" in text
        assert f"instead  {place.instead}\n" in text
        assert f"source   {place.source}\n" in text
