"""What a seed test runs: the cases that the model's inputs call for, with what the author changed about them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from arbius_tui.domain import case_edits, case_values, inputs
from arbius_tui.domain import cases as listed
from arbius_tui.domain import reproducibility as proof
from arbius_tui.domain.case_edits import Edits
from arbius_tui.domain.cases import Case
from arbius_tui.domain.errors import BadInput, NotReady, Problem
from arbius_tui.domain.inputs import ModelInput, Sample
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.records import CasesRecord, RunRecord, SeedTestRecord
from arbius_tui.domain.text import clean, seconds
from arbius_tui.domain.typed_inputs import NOTHING, foreign
from arbius_tui.services import files
from arbius_tui.services.ports import Services
from arbius_tui.steps.predict import sent


@dataclass(frozen=True)
class Plan:
    """What is tested: the cases, the inputs that they share, where outputs are kept, and the model's inputs."""

    cases: tuple[Case, ...]
    inputs: Mapping[str, Any]
    folder: Path | None
    known: tuple[ModelInput, ...] = ()

    def refused(self, case: Case) -> proof.Outcome | None:
        """The outcome of a case whose seed the model's schema refuses; None for any other.

        A bound above loses the tasks of miners, one below loses a handful of 2^53: the latter is only said.
        """
        seed = case_values.seed_input(self.known)
        if not (said := case_values.refusal(seed, case.seed)):
            return None
        if seed is not None and seed.min is not None and case.seed < seed.min:
            return proof.Outcome(case, skipped=said)
        return proof.Outcome(case, problem=Problem(proof.REFUSED, said))

    async def sent(self, case: Case) -> dict[str, Any]:
        """All inputs of a case as they go into the request: a file by its @path is read now; NotReady when it is gone.

        They are in the model's own order, and the seed comes last, as miners add it.
        """
        given = {**self.inputs, **case.inputs}
        ordered = [item.name for item in self.known if item.name in given]
        values = {name: given[name] for name in (*ordered, *(name for name in given if name not in ordered))}
        for item in self.known:
            value = values.get(item.name)
            if item.type in ("file", "secret") and isinstance(value, str):
                values[item.name] = await sent(foreign(item, value))
        return {**values, "seed": case.seed}


@dataclass(frozen=True)
class Change:
    """What the author changes in one go, as the flags of a command say it. `afresh` forgets all earlier changes."""

    samples: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    pairwise: bool | None = None
    afresh: bool = False

    def __bool__(self) -> bool:
        return self != Change()


@dataclass(frozen=True)
class Planned:
    """A plan with what there is to say of it, what the author changed, and the sample before that."""

    plan: Plan
    edits: Edits = field(default_factory=Edits)
    sample: Sample = field(default_factory=lambda: Sample({}, (), ()))
    said: tuple[str, ...] = ()

    @property
    def record(self) -> CasesRecord:
        """The changes as the journey keeps them."""
        edits = self.edits
        rows = tuple(listed.row_of(case) for case in edits.cases)
        return CasesRecord(dict(edits.inputs), rows, edits.without, edits.pairwise)


def edits_of(journey: Journey) -> Edits:
    """What the author changed so far."""
    record = journey.get(CasesRecord)
    return Edits() if record is None else case_edits.recalled(record.__dict__)


async def planned(
    journey: Journey, record: RunRecord, services: Services, folder: Path, *,
    cases: Path | None = None, schema: Path | None = None, changes: Sequence[Change] = (),
) -> Planned:  # fmt: skip
    """The cases of a file exactly as they stand there, else the model's own with all changes.

    BadInput when a change is none that can be; NotReady `needs-sample` for an input that only the author can give.
    """
    known = inputs.read(await document(record, services, schema))
    doubts = tuple(case_values.seed_doubts(known))
    if cases:
        found = listed.read((await asyncio.to_thread(files.read, cases)).decode("utf-8", "replace"))
        said = f"{len(found.cases)} cases of {clean(cases.name)}"
        return Planned(Plan(found.cases, found.inputs, folder, known), said=(said, *doubts))
    sample, edits = inputs.sample(known), edits_of(journey)
    for change in changes:
        edits = anchored(await asyncio.to_thread(changed, edits, change, known, sample), known)
    shared = case_values.shared(sample, at_home(edits.inputs, known))
    if shared.impossible:
        raise needs_sample(shared.impossible)
    made, words = await asyncio.to_thread(made_for, known, shared, edits)
    plan = Plan(case_edits.applied(edits, made), shared.inputs, folder, known)
    pairs = sum(case.id.startswith(listed.PAIR) for case in plan.cases)
    if pairs and (time := about(pairs, journey)):
        words[0] += f"; {time}"
    if shared.stated:
        words.insert(0, f"made up, because they have no default: {', '.join(shared.stated)}")
    return Planned(plan, edits, sample, (*words, *doubts))


def at_home(own: Mapping[str, Any], known: Sequence[ModelInput]) -> dict[str, Any]:
    """Samples of inputs that the model still has."""
    names = {item.name for item in known}
    return {name: value for name, value in own.items() if name in names}


def made_for(known: Sequence[ModelInput], sample: Sample, edits: Edits) -> tuple[list[Case], list[str]]:
    """The model's own cases, pairs too where they are wanted, and what there is to say of the pairs."""
    made = list(listed.cases_for(known, sample))
    if not edits.pairwise:
        return made, []
    found = listed.pairs_of(known, sample)
    pairs = listed.pairwise_cases(known, sample, found)
    words = [f"pairs: {len(pairs)} more cases, in which every two of {values_of(found.levels)} meet"]
    if not pairs:
        words = ["pairs: no more cases; the model has not two inputs with several values"]
    words += [f"pairs: {few} of the {all} values of {name} are combined" for name, (few, all) in found.thinned.items()]
    return [*made, *pairs], words


def values_of(levels: Mapping[str, Sequence[Any]]) -> str:
    """How much is combined."""
    return f"{sum(len(values) for values in levels.values())} values of {len(levels)} inputs"


def changed(edits: Edits, change: Change, known: Sequence[ModelInput], sample: Sample) -> Edits:
    """The changes after one more; BadInput when it cannot be."""
    if change.afresh:
        edits = Edits()
    if change.pairwise is not None:
        edits = Edits(edits.inputs, edits.cases, edits.without, change.pairwise)
    if change.samples:
        own = {**edits.inputs, **case_edits.samples(change.samples, known)}
        kept = {n: v for n, v in own.items() if v is not NOTHING and not usual(n, v, sample)}
        edits = Edits(kept, edits.cases, edits.without, edits.pairwise)
    if not change.cases and not change.without:
        return edits
    shared = case_values.shared(sample, at_home(edits.inputs, known))
    made, _ = made_for(known, shared, edits)
    for text in change.cases:
        edits = edits.having(case_edits.case_of(text, known, case_edits.applied(edits, made)))
    for id in change.without:
        ids = [case.id for case in case_edits.applied(edits, made)]
        if id not in ids:
            raise no_such_case(id, ids)
        edits = edits.lacking(id)
    case_edits.applied(edits, made)
    return edits


def anchored(edits: Edits, known: Sequence[ModelInput]) -> Edits:
    """The changes with each @path as seen from anywhere: the next test may begin in another folder."""
    places = {item.name for item in known if item.type in ("file", "secret")}

    def whole(values: Mapping[str, Any]) -> dict[str, Any]:
        return {n: f"@{files.absolute(v[1:])}" if n in places and str(v).startswith("@") else v
                for n, v in values.items()}  # fmt: skip

    cases = tuple(replace(case, inputs=whole(case.inputs)) for case in edits.cases)
    return replace(edits, inputs=whole(edits.inputs), cases=cases)


def usual(name: str, value: Any, sample: Sample) -> bool:
    """Whether this is what the cases send without the author's word."""
    return name in sample.inputs and listed.alike(value, sample.inputs[name])


async def document(record: RunRecord, services: Services, schema: Path | None) -> dict[str, Any]:
    """What says the inputs: the file that was named, else the first server."""
    if schema is None:
        return await services.predictions.schema(record.url)
    try:
        found = json.loads(await asyncio.to_thread(files.read, schema))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise BadInput(
            "schema-file", f"{clean(schema.name)} is no OpenAPI document", fix="save a server's /openapi.json"
        )
    return found


def about(cases: int, journey: Journey) -> str:
    """About how long so many cases take, by those of the last test; empty when none ran yet."""
    record = journey.get(SeedTestRecord) or SeedTestRecord()
    took = [t for case in record.cases if isinstance(t := case.get("seconds"), int | float) and t > 0]
    return f"about {seconds(cases * sum(took) / len(took))}" if took else ""


def needs_sample(names: Sequence[str]) -> NotReady:
    """An input that only the author can give."""
    first = names[0]
    return NotReady(
        "needs-sample",
        f"the model wants {', '.join(names)}, which has no default and cannot be made up",
        why="the test sends what a miner would send when a user gives nothing",
        fix=f"give it a default in the predictor, or a sample for all cases: --sample {first}=VALUE",
    )


def no_such_case(id: str, ids: Sequence[str]) -> BadInput:
    """A case is to go that is not there."""
    return BadInput(
        "no-such-case", f"there is no case {clean(id)[:60]!r}", why="nothing was changed",
        fix=f"one of: {', '.join(ids[:40])}",
    )  # fmt: skip
