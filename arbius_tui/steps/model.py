"""Model: what the model's own files say, and what in them speaks against the same bytes from the same seed.

Nothing of the model is imported or run, and nothing is built: that is steps/build.py.
"""

from __future__ import annotations

import asyncio
import math
import shlex
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from arbius_tui.domain.errors import BadInput, Failure, Fix, NotReady, Problem
from arbius_tui.domain.events import Done, Event, Found, Saved, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Ask
from arbius_tui.domain.records import ModelRecord
from arbius_tui.domain.text import clean
from arbius_tui.services import model_sources
from arbius_tui.services.ports import Services
from arbius_tui.steps.base import Step

if TYPE_CHECKING:
    # The reader of Python is loaded when a model is read; other steps need only `Fact` of this module.
    from arbius_tui.domain.finding import Finding
    from arbius_tui.domain.inputs import ModelInput
    from arbius_tui.domain.model_reading import ModelReading


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of what was found, with a state word."""

    kind: ClassVar[str] = "fact"
    id: str
    title: str
    state: str
    found: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class FindingSeen:
    """Something in the model's files that is wrong. `line` counts from 1, 0 is the whole file.

    `patch` is a unified diff for `patch -p1`, byte for byte as the files are: what shows it has to make it harmless.
    """

    kind: ClassVar[str] = "finding"
    id: str
    severity: str
    code: str
    what: str
    why: str
    fix: Fix | None
    file: str
    line: int
    patch: str | None = None

    @property
    def place(self) -> str:
        """`predict.py:6`."""
        return f"{self.file}:{self.line}" if self.line else self.file


NOUNS = {"error": "error", "warn": "warning", "info": "note"}


class Model(Step):
    """Read the folder and say what is there, and what miners would stumble over."""

    name = "model"

    def __init__(self, doctor: bool = False) -> None:
        self.doctor = doctor
        """Whether cog is asked, too."""

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield facts of the folder, then each finding, then how the image is made where there is none.

        A model with errors is still read to the end: the state word says it, and the exit code is 0. Only a folder
        that cannot be read is a failure (BadInput).
        """
        if not journey.model_dir:
            raise BadInput(
                "no-model",
                "no model's folder was given",
                why="this step reads the cog.yaml of your model",
                fix="start with the folder: arbius-tui DIR; a server that runs already needs none",
            )
        reading, left_out = await asyncio.to_thread(read, Path(journey.model_dir))
        findings = [harmless(finding) for finding in reading.findings]
        for fact in facts(journey.model_dir, reading, left_out):
            yield Found(fact)
        for seen, finding in zip(listed(findings), findings, strict=True):
            if seen.severity != "info":
                yield Trouble(finding.problem)
            yield Found(seen)
        inputs = tuple(clean(i.name) for i in reading.inputs)
        known = known_of(journey)
        yield Saved(replace(known, folder=journey.model_dir, predictor=reference(reading), inputs=inputs))
        if self.doctor:
            for told in await diagnosis(Path(journey.model_dir), services):
                yield told
        if known.image:
            yield Found(Fact("image", "image", "ok", clean(f"{known.image}  {known.image_id}"), "step 3 Run starts it"))
        else:
            yield Trouble(no_image(journey.model_dir, rehearsal=services.builder is None))
        result = {**reading.result(), "findings": [finding.public() for finding in findings]}
        yield Done(True, 0, {key: as_json(value) for key, value in result.items()}, worst(findings))


async def diagnosis(folder: Path, services: Services) -> list[Event]:
    """What `cog doctor` says: one fact, and a finding for each of its own; that it cannot be asked is one, too."""
    why = "cog's own look at the folder and at this machine"
    if services.builder is None:
        return [Found(Fact("doctor", "cog doctor", "off", "not asked in the rehearsal", why))]
    try:
        said = await services.builder.doctor(folder)
        state, sentence, problems = "ok" if said.ok else "FAIL", said.sentence, said.problems
    except Failure as failure:
        state, sentence, problems = "warn", failure.problem.what, (replace(failure.problem, severity="warn"),)
    seen = [FindingSeen(f"doctor-{n}-{p.code}", p.severity, p.code, p.what, p.why, p.fix, "cog doctor", 0)
            for n, p in enumerate(problems, 1)]  # fmt: skip
    told = [Trouble(replace(p, path="cog doctor")) for p in problems if p.severity != "info"]
    return [*told, Found(Fact("doctor", "cog doctor", state, clean(sentence), why)), *map(Found, seen)]


def no_image(folder: str, *, rehearsal: bool = False) -> Problem:
    """What is next: miners run an image. The rehearsal starts the model's server without one."""
    if rehearsal:
        return Problem(
            "no-image-here",
            "the rehearsal builds no image: it runs without Docker",
            "it starts the model's server as a process; on a real run this screen builds the image",
            severity="info",
        )
    return Problem(
        "image-not-built",
        "there is no image of this model yet",
        "miners run the image, and so does the next step",
        Fix("build it by cog or by your own Dockerfile, or take one that exists",
            f"arbius-tui build {shlex.quote(folder)}"),
        severity="info",
    )  # fmt: skip


def read(folder: Path) -> tuple[ModelReading, tuple[str, ...]]:
    """Read a model's folder, and the names of Python files that were too many or too large. Blocks."""
    from arbius_tui.domain.model_reading import read_model

    found = model_sources.read(folder)
    return read_model(found.config_text, found.sources, "", found.files), found.left_out


def known_of(journey: Journey) -> ModelRecord:
    """What is remembered of this folder beside what its files say; a record that cannot be read is made anew."""
    try:
        known = journey.get(ModelRecord)
    except NotReady:
        known = None
    return known if known and known.folder == journey.model_dir else ModelRecord()


def facts(folder: str, reading: ModelReading, left_out: Sequence[str]) -> list[Fact]:
    """What the files say, one line each."""
    config, findings = reading.config, reading.findings
    about = worst(f for f in findings if f.file == "cog.yaml")
    made = [
        Fact("folder", "folder", "ok", clean(folder), "the folder that is read; nothing is written into it"),
        Fact("cog-yaml", "cog.yaml", about, f"python {'.'.join(map(str, config.python))}, {gpu(config.gpu)}",
             "cog builds the image from it"),
        Fact("predictor", "predictor", "ok" if reading.predictor.function else "FAIL",
             reference(reading) or "none named", "the class whose method miners call"),
        Fact("inputs", "inputs", "ok" if reading.inputs else "wait",
             clean(names(reading.inputs)) or "none seen in the source", "these become the template's inputs"),
        Fact("seed", "seed", *seed(reading), "miners set it for every task"),
    ]  # fmt: skip
    if left_out:
        said = f"{len(left_out)} Python files, too many or too large: {', '.join(left_out[:3])}"
        made.append(Fact("left-out", "not read", "warn", clean(said), "what they do with the seed is not known here"))
    said = counted(findings) or "none so far; the proof is step 4 Seed test"
    why = "what in the files would make two miners give other bytes, or stop a build"
    return [*made, Fact("findings", "findings", worst(findings), said, why)]


def reference(reading: ModelReading) -> str:
    """`predict.py:Predictor` as cog.yaml names it."""
    return clean(reading.config.reference)


def gpu(wanted: bool) -> str:
    """What cog.yaml says of a graphics card."""
    return "wants a GPU" if wanted else "no GPU"


def names(listed: Iterable[ModelInput]) -> str:
    """The inputs' names on one line."""
    return ", ".join(i.name for i in listed)


def seed(reading: ModelReading) -> tuple[str, str]:
    """The state word of the seed, and its type, default, bounds and whether the output depends on it."""
    item, used = reading.predictor.seed, reading.seed["used"]
    if item is None:
        known = reading.predictor.function is not None
        return ("warn", "there is no input named seed") if known else ("wait", "not seen yet")
    default = f"default {item.default}" if item.has_default else "no default"
    low, high = ("" if bound is None else str(bound) for bound in (item.min, item.max))
    bounds = f"{low or 'no least'} to {high or 'no most'}" if low or high else "no bounds"
    words = {True: "used", False: "not used for the output", None: "whether it is used cannot be told"}
    said = ", ".join((item.type or "unknown type", default, bounds, words[used]))
    return {True: "ok", False: "FAIL", None: "wait"}[used], clean(said)


def worst(findings: Iterable[Finding]) -> str:
    """The state word of the most severe one."""
    severities = {finding.problem.severity for finding in findings}
    return "FAIL" if "error" in severities else "warn" if "warn" in severities else "ok"


def counted(findings: Iterable[Finding]) -> str:
    """`1 error, 2 warnings`."""
    many = Counter(finding.problem.severity for finding in findings)
    return ", ".join(f"{n} {NOUNS[s]}{'' if n == 1 else 's'}" for s in ("error", "warn", "info") if (n := many[s]))


def harmless(finding: Finding) -> Finding:
    """The finding with clean words: they quote names of files and what the author wrote."""
    p = finding.problem
    fix = p.fix and Fix(clean(p.fix.text), p.fix.command and clean(p.fix.command))
    problem = replace(p, what=clean(p.what), why=clean(p.why), fix=fix, detail=clean(p.detail), path=clean(p.path))
    return replace(finding, problem=problem, file=clean(finding.file))


def listed(findings: Iterable[Finding]) -> list[FindingSeen]:
    """Findings as faces show them, each with an id of its own that stays the same while the files do."""
    seen: Counter[str] = Counter()
    made = []
    for finding in findings:
        p = finding.problem
        id = f"{p.code}@{p.path}"
        seen[id] += 1
        id += f"#{seen[id]}" if seen[id] > 1 else ""
        made.append(FindingSeen(
            id, p.severity, p.code, p.what, p.why, p.fix, finding.file, finding.line, finding.patch or None,
        ))  # fmt: skip
    return made


DEEPEST, MOST, LONGEST = 40, 20_000, 4096
"""Levels and values of a cog.yaml that scripts get, and bits of a number: a few lines of YAML can mean millions."""


def as_json(value: Any, left: list[int] | None = None, depth: int = 0) -> Any:
    """What YAML and Python can hold and JSON cannot, as text: infinities, endless numbers, a list within itself.

    `left` counts down how many values may still come.
    """
    left = [MOST] if left is None else left
    left[0] -= 1
    if depth > DEEPEST or left[0] < 0:
        return "..."
    if isinstance(value, Mapping):
        return {str(key): as_json(part, left, depth + 1) for key, part in value.items() if left[0] > 0}
    if isinstance(value, list | tuple):
        return [as_json(part, left, depth + 1) for part in value if left[0] > 0]
    if isinstance(value, int) and value.bit_length() > LONGEST:
        return hex(value)
    known = value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value))
    return value if known else str(value)
