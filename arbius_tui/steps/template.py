"""Template: drafted from the running model or read from the author's file, and checked against all who will read it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from arbius_tui.domain.draft import Draft, draft
from arbius_tui.domain.errors import Fix, Problem, TemplateInvalid
from arbius_tui.domain.events import Done, Event, Found, Line, Saved, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.lint import lint
from arbius_tui.domain.questions import Ask, Question
from arbius_tui.domain.records import RunRecord, SeedTestRecord, TemplateRecord
from arbius_tui.domain.template import Template
from arbius_tui.services import files
from arbius_tui.services.ports import Services
from arbius_tui.steps.base import Step, needs
from arbius_tui.steps.run import awake


@dataclass(frozen=True, slots=True)
class Part:
    """A row of the template as it stands: meta, an input, an output, or an input of the model that was left out."""

    kind: ClassVar[str] = "part"
    id: str
    group: str
    name: str
    type: str
    flag: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """What the bytes give."""

    kind: ClassVar[str] = "identity"
    id: str
    path: str
    bytes: int
    cid: str
    multihash: str
    text: str


class TemplateStep(Step):
    """Draft the file where there is none, then read it and tell what it is."""

    name = "template"

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield the parts, the identity and the problems; errors block only Pin and Register."""
        path = await self.path(journey, services, ask)
        drafted: Draft | None = None
        if path.exists():
            yield Line(f"read {path}")
        else:
            drafted = await self.drafted(journey, services)
            await asyncio.to_thread(files.write, path, drafted.template.data)
            yield Line(f"drafted from the model, written to {path}")
        found = Template.parse(await asyncio.to_thread(files.read, path))
        for part in parts(found, drafted):
            yield Found(part)
        yield Found(identity(path, found))
        problems = lint(found) + notes(drafted)
        for problem in problems:
            yield Trouble(problem)
        errors = [p for p in problems if p.severity == "error"]
        digest = hashlib.sha256(found.data).hexdigest()
        yield Saved(TemplateRecord(path=str(path), bytes=found.size, cid=found.cid, sha256=digest))
        warned = any(p.severity == "warn" for p in problems)
        state = "FAIL" if errors else "warn" if warned else "ok"
        yield Done(
            not errors,
            TemplateInvalid.exit_code if errors else 0,
            result(path, found, problems, drafted),
            state,
        )

    async def path(self, journey: Journey, services: Services, ask: Ask) -> Path:
        """Where the file lies: where it lay before, or where the author says."""
        known = journey.get(TemplateRecord)
        default = known.path if known and known.path else str(services.out / f"{journey.project}.json")
        if known and known.path:
            return Path(known.path)
        question = Question(
            "template-path",
            "Where shall the template lie?",
            "it is the JSON that miners and the website read; it is yours to keep and to commit",
            default=default,
            rehearsal=default,
        )
        return files.absolute(await ask(question))

    async def drafted(self, journey: Journey, services: Services) -> Draft:
        """A draft from the running server's own document."""
        record = journey.get(RunRecord)
        if record is None:
            raise needs("template", ("run",))
        document = await services.predictions.schema((await awake(record, journey, services)).url)
        seed = journey.get(SeedTestRecord)
        meta = {"title": journey.project, "description": "", "git": "", "docker": "", "version": 1}
        return draft(document, meta, seed.mime if seed else "")


def parts(found: Template, drafted: Draft | None) -> list[Part]:
    """The rows of the list: meta, inputs, outputs, and what was left out."""
    meta = found.meta
    rows = [
        Part(f"meta/{key}", "Meta", key, "ok" if getattr(meta, key, None) else "empty")
        for key in ("title", "description", "git", "docker")
    ]
    rows += [
        Part(f"input/{n}", f"Input {len(found.inputs)}", str(i.variable), str(i.type), "*" if i.required else "")
        for n, i in enumerate(found.inputs)
    ]
    rows += [
        Part(f"output/{n}", f"Output {len(found.outputs)}", str(o.filename), str(o.type))
        for n, o in enumerate(found.outputs)
    ]
    left = drafted.left_out if drafted else ()
    return rows + [
        Part(f"left/{x.variable}", f"Not in template {len(left)}", x.variable, "", "", x.reason) for x in left
    ]


def identity(path: Path, found: Template) -> Identity:
    """The file's bytes, CID and text."""
    return Identity("template", str(path), found.size, found.cid, found.multihash, found.data.decode())


def notes(drafted: Draft | None) -> list[Problem]:
    """What the draft put there and only the author can confirm."""
    return [
        Problem(
            "draft-asked",
            f"{item.variable}: {item.reason}",
            "nothing is made up without saying so",
            Fix("look at this value in the file and change it if it is wrong"),
            severity="warn",
        )
        for item in (drafted.asked if drafted else ())
        if item.variable != "meta"  # the lint says that already, each key in its place
    ]


def result(path: Path, found: Template, problems: list[Problem], drafted: Draft | None) -> dict[str, Any]:
    """What scripts read."""
    import json

    return {
        "path": str(path),
        "bytes": found.size,
        "cid": found.cid,
        "multihash": found.multihash,
        "template": json.loads(found.data),
        "problems": problems,
        "mapped": list(drafted.mapped) if drafted else [],
        "asked": list(drafted.asked) if drafted else [],
        "left_out": list(drafted.left_out) if drafted else [],
    }
