"""Template: drafted from the running model or read from the author's file, and checked against all who will read it."""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from arbius_tui.domain import draft_notes
from arbius_tui.domain.draft import Draft
from arbius_tui.domain.errors import Problem, TemplateInvalid
from arbius_tui.domain.events import Done, Event, Found, Line, Saved, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.lint import lint
from arbius_tui.domain.questions import Ask, Question
from arbius_tui.domain.records import TemplateRecord
from arbius_tui.domain.template import Spelled, Template
from arbius_tui.domain.text import clean
from arbius_tui.services import files
from arbius_tui.services.ports import Services
from arbius_tui.steps.base import Step
from arbius_tui.steps.template_answers import answered
from arbius_tui.steps.template_choice import choose
from arbius_tui.steps.template_meta import About
from arbius_tui.steps.template_model import held_against_own
from arbius_tui.steps.template_sources import take
from arbius_tui.steps.template_taken import Taken, told
from arbius_tui.steps.template_titles import beside


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
        taken: Taken | None = None
        if await asyncio.to_thread(files.there, path):
            yield Line(f"read {path}")
        else:
            taken = await take(await choose(journey, services, ask), About.of(journey), journey, services, ask)
            taken = await answered(taken, ask)
            await asyncio.to_thread(files.write, path, taken.template.data)
            for event in told(taken):
                yield event
            yield Line(f"written to {path}")
        found = Template.parse(await asyncio.to_thread(files.read, path))
        problems = await asyncio.to_thread(lint, found) + await asyncio.to_thread(beside, path, found) + notes(taken)
        if taken is None or taken.draft is None:  # what was drafted agrees with the model that it was drafted from
            async for event in held_against_own(found, journey, services):
                if isinstance(event, Trouble):
                    problems.append(event.problem)
                else:
                    yield event
        for event in shown(path, found, taken, problems):
            yield event
        yield Saved(record(path, found, taken, journey))
        yield ended(path, found, problems, taken)

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


def ended(path: Path, found: Template, problems: list[Problem], taken: Taken | None) -> Done:
    """How the step ended."""
    errors = any(p.severity == "error" for p in problems)
    warned = any(p.severity == "warn" for p in problems)
    state = "FAIL" if errors else "warn" if warned else "ok"
    code = TemplateInvalid.exit_code if errors else 0
    return Done(not errors, code, result(path, found, problems, taken), state)


def parts(found: Template, drafted: Draft | None) -> list[Part]:
    """The rows of the list: meta, inputs, outputs, and what was left out."""
    meta = found.meta
    rows = [
        Part(f"meta/{key}", "Meta", key, "ok" if getattr(meta, key, None) else "empty")
        for key in ("title", "description", "git", "docker")
    ]
    rows += [
        Part(f"input/{n}", f"Input {len(found.inputs)}", clean(i.variable), clean(i.type), "*" if i.required else "")
        for n, i in enumerate(found.inputs)
    ]
    rows += [
        Part(f"output/{n}", f"Output {len(found.outputs)}", clean(o.filename), clean(o.type))
        for n, o in enumerate(found.outputs)
    ]
    left = drafted.left_out if drafted else ()
    return rows + [
        Part(f"left/{x.variable}", f"Not in template {len(left)}", x.variable, "", "", x.reason) for x in left
    ]


def identity(path: Path, found: Template) -> Identity:
    """The file's bytes, CID and text."""
    return Identity("template", str(path), found.size, found.cid, found.multihash, found.data.decode())


def shown(path: Path, found: Template, taken: Taken | None, problems: list[Problem]) -> Iterator[Event]:
    """The parts, what the bytes give, and what is wrong."""
    for part in parts(found, taken.draft if taken else None):
        yield Found(part)
    yield Found(identity(path, found))
    for problem in problems:
        yield Trouble(problem)


def notes(taken: Taken | None) -> list[Problem]:
    """What there is to say of a source beside what lint says of the file."""
    if taken is None:
        return []
    return [*taken.problems, *(draft_notes.problems(taken.draft) if taken.draft else ())]


def record(path: Path, found: Template, taken: Taken | None, journey: Journey) -> TemplateRecord:
    """What is remembered of the file, and where it came from at first."""
    known = journey.get(TemplateRecord)
    source = taken.source if taken else known.source if known and known.path == str(path) else ""
    digest = hashlib.sha256(found.data).hexdigest()
    return TemplateRecord(str(path), found.size, found.cid, digest, source)


def result(path: Path | None, found: Template, problems: list[Problem], taken: Taken | None) -> dict[str, Any]:
    """What scripts read. Without a path nothing was written."""
    made = taken.draft if taken else None
    return {
        "path": str(path) if path else None,
        "bytes": found.size,
        "cid": found.cid,
        "multihash": found.multihash,
        "template": as_json(found.document),
        "problems": problems,
        "mapped": list(made.mapped) if made else [],
        "asked": list(made.asked) if made else [],
        "left_out": list(made.left_out) if made else [],
        "unsaid": list(made.unsaid) if made else [],
        "counts": made.counts if made else {},
        "source": taken.source if taken else "",
        "facts": list(taken.facts) if taken else [],
    }


def as_json(value: Any) -> Any:
    """A document as other programs can read it: a number that no double holds is given as text."""
    if isinstance(value, Mapping):
        return {key: as_json(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(part) for part in value]
    if isinstance(value, Spelled):
        return float(value) if math.isfinite(value) else value.spelling
    return value
