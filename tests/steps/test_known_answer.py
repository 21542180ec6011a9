"""The known answer on the miner card is the CID that a real Kubo gives the same files in a folder."""

from __future__ import annotations

import json
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from arbius_tui.domain.cid import folder_cid
from arbius_tui.domain.records import SeedTestRecord, TemplateRecord
from arbius_tui.services.ports import Services
from arbius_tui.steps import seed_case
from arbius_tui.steps.seed_report import SeedReport
from tests import parts
from tests.steps.conftest import collect, end
from tests.steps.test_seed_test import tried
from tests.steps.test_strange_models import FILE, FILES, TEXT, written

BODIES = {
    "one picture": (FILE, "return kept('a.png', png(mixed))"),
    "a text": (TEXT, "return digest(prompt, seed) + ' é ✓'"),
    "pictures, a sound and a film": (
        FILES, "return [kept('a.png', png(mixed)), kept('b.wav', wav(mixed)), kept('c.mp4', mp4(mixed, 0))]",
    ),
    "one byte": (FILE, "return kept('a.bin', bytes([mixed % 256]))"),
    "exactly one chunk": (FILE, "return kept('a.bin', random.Random(mixed).randbytes(262144))"),
    "one byte more than a chunk": (FILE, "return kept('a.bin', random.Random(mixed).randbytes(262145))"),
    "several chunks": (
        FILES, "return [kept(f'{n}.bin', random.Random(mixed + n).randbytes(1_000_000 * n)) for n in (1, 2)]",
    ),
    "two levels of links": (FILE, "return kept('a.bin', random.Random(mixed).randbytes(47_000_000))"),
}  # fmt: skip


async def added(files: dict[str, bytes]) -> str:
    """The CIDv0 of a folder with these files, as a real Kubo gives it."""
    import httpx

    sent = [("file", (name, data, "application/octet-stream")) for name, data in files.items()]
    asked = {
        "wrap-with-directory": "true",
        "cid-version": "0",
        "raw-leaves": "false",
        "pin": "false",
        "quieter": "true",
    }
    async with httpx.AsyncClient(base_url=parts.need("kubo")["rpc1"], timeout=120, trust_env=False) as client:
        reply = await client.post("/api/v0/add", params=asked, files=sent)
    reply.raise_for_status()
    return str(json.loads(reply.text.splitlines()[-1])["Hash"])


def three(folder: Path) -> Path:
    """A file of the cases that a proof needs at least."""
    listed: list[dict[str, Any]] = [
        {"id": "first", "seed": 1}, {"id": "again", "seed": 1, "expect": "same"},
        {"id": "other", "seed": 2, "expect": "differs"},
    ]  # fmt: skip
    path = folder / "cases.json"
    path.write_text(json.dumps({"inputs": {"prompt": "x"}, "cases": listed}))
    return path


@pytest.mark.parametrize("what", BODIES)
async def test_the_card_holds_the_folder_that_kubo_makes(what: str, services: Services, tmp_path: Path) -> None:
    parts.need("kubo")
    state = replace(services, state=tmp_path / "state", lasting=True)
    model = written(tmp_path / "model", *BODIES[what])
    _, events = await tried(state, model, cases=three(tmp_path), report=tmp_path / "report")
    assert end(events).ok
    card = json.loads((tmp_path / "report" / "miner-card.json").read_text())
    place = seed_case.place(seed_case.outputs(tmp_path / "state"), "1", "first")
    files = {file["filename"]: (place / file["filename"]).read_bytes() for file in card["known_answer"]["files"]}
    assert [file["bytes"] for file in card["known_answer"]["files"]] == [len(data) for data in files.values()]
    assert card["known_answer"]["folder_cid"] == await added(files)


async def test_the_template_gives_the_files_their_names(services: Services, tmp_path: Path) -> None:
    parts.need("kubo")
    state = replace(services, state=tmp_path / "state", lasting=True)
    walk, events = await tried(state, written(tmp_path / "model", *BODIES["one picture"]), cases=three(tmp_path))
    assert end(events).ok
    template = tmp_path / "template.json"
    template.write_text(json.dumps({"meta": {}, "input": [], "output": [{"filename": "image.png", "type": "image"}]}))
    await walk.save(TemplateRecord(str(template)))
    assert end(await collect(walk, "seed_test", step=SeedReport(tmp_path / "report"))).ok
    answer = json.loads((tmp_path / "report" / "miner-card.json").read_text())["known_answer"]
    kept = seed_case.place(seed_case.outputs(tmp_path / "state"), "1", "first") / "out-1.png"
    assert [file["filename"] for file in answer["files"]] == ["image.png"]
    assert answer["folder_cid"] == await added({"image.png": kept.read_bytes()})
    assert answer["folder_cid"] in (tmp_path / "report" / "seed-test.md").read_text()
    kept.write_bytes(b"something else")
    assert end(await collect(walk, "seed_test", step=SeedReport(tmp_path / "later"))).ok
    later = json.loads((tmp_path / "later" / "miner-card.json").read_text())["known_answer"]
    assert later["folder_cid"] is None, "a file that is not what was hashed gives no CID"


async def test_an_empty_file_gives_no_answer(services: Services, tmp_path: Path) -> None:
    body = textwrap.dedent("return [kept('a.png', png(mixed)), kept('b.bin', b'')]")
    walk, events = await tried(services, written(tmp_path / "model", FILES, body), report=tmp_path / "report")
    assert end(events).exit == 4
    assert not (tmp_path / "report" / "miner-card.json").exists()
    record = walk.journey.get(SeedTestRecord)
    assert record
    assert not record.sha256
    empty = {"out-1.png": b"\x89PNG", "out-2.bin": b""}
    assert folder_cid(empty) == await added(empty), "though the folder itself would be known"
