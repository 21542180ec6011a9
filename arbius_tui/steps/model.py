"""Model: what stands in the model's folder. Reading the predictor and building the image are not built yet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from arbius_tui.domain import inputs
from arbius_tui.domain.errors import BadInput, Fix, Problem
from arbius_tui.domain.events import Done, Event, Found, Saved, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Ask
from arbius_tui.domain.records import ModelRecord
from arbius_tui.services import model_folder
from arbius_tui.services.ports import Services
from arbius_tui.steps.base import Step


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of what was found, with a state word."""

    kind: ClassVar[str] = "fact"
    id: str
    title: str
    state: str
    found: str
    why: str = ""


NOT_BUILT = Problem(
    "not-built-yet",
    "reading the predictor and building the image are not built yet",
    "cog itself builds the image; nothing here depends on who built it",
    Fix("build it by hand, then give the running server to step 3 Run", "cog build -t my-model"),
    severity="info",
)


class Model(Step):
    """Look at the folder and say what is there."""

    name = "model"

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield facts of the folder, then what this version cannot do yet."""
        if not journey.model_dir:
            raise BadInput(
                "no-model",
                "no model's folder was given",
                why="this step reads the cog.yaml of your model",
                fix="start with the folder: arbius-tui DIR; a server that runs already needs none",
            )
        found = await asyncio.to_thread(model_folder.read, Path(journey.model_dir))
        listed = inputs.read(found.schema or {})
        for fact in facts(found, listed):
            yield Found(fact)
        yield Saved(ModelRecord(str(found.folder), found.predictor, tuple(i.name for i in listed)))
        problems = [p for p in (missing_source(found), NOT_BUILT) if p is not None]
        for problem in problems:
            yield Trouble(problem)
        yield Done(True, 0, result(found, listed, problems), "warn" if found.source is None else "ok")


def facts(found: model_folder.ModelFolder, listed: tuple[inputs.ModelInput, ...]) -> list[Fact]:
    """What the folder says of itself."""
    build = inputs.mapping(found.config.get("build"))
    seed = next((i for i in listed if i.name == "seed"), None)
    return [
        Fact("folder", "folder", "ok", str(found.folder), "the folder that is looked at; nothing is written into it"),
        Fact("cog-yaml", "cog.yaml", "ok", f"python {build.get('python_version', '?')}, {gpu(build)}",
             "cog builds the image from it"),
        Fact("predictor", "predictor", "ok" if found.source else "FAIL", found.predictor or "none named",
             "the class whose method miners call"),
        Fact("inputs", "inputs", "ok" if listed else "wait", names(listed) or "no schema yet, a server has it",
             "these become the template's inputs"),
        Fact("seed", "seed", "ok" if seed else "wait" if not listed else "FAIL",
             f"{seed.type}, {'default ' + str(seed.default) if seed.has_default else 'no default'}" if seed
             else "not seen yet" if not listed else "there is no input named seed",
             "miners set it for every task"),
    ]  # fmt: skip


def gpu(build: Mapping[str, Any]) -> str:
    """What cog.yaml says of a graphics card."""
    return "wants a GPU" if build.get("gpu") is True else "no GPU"


def names(listed: tuple[inputs.ModelInput, ...]) -> str:
    """The inputs' names on one line."""
    return ", ".join(i.name for i in listed)


def missing_source(found: model_folder.ModelFolder) -> Problem | None:
    """A predictor that cog.yaml names and nobody wrote."""
    if found.source is not None:
        return None
    return Problem(
        "no-predictor",
        f"cog.yaml names {found.predictor or 'no predictor'} and there is no such file",
        "cog stops with only the name of the file",
        Fix('write `predict: "predict.py:Predictor"` and the file it names'),
        severity="warn",
    )


def result(
    found: model_folder.ModelFolder, listed: tuple[inputs.ModelInput, ...], problems: list[Problem]
) -> dict[str, Any]:
    """What scripts read."""
    seed = next((i for i in listed if i.name == "seed"), None)
    return {
        "config": dict(found.config),
        "inputs": [
            {"name": i.name, "type": i.type, "default": i.default, "min": i.min, "max": i.max,
             "choices": list(i.choices), "order": i.order}
            for i in listed
        ],
        "seed": {
            "present": seed is not None, "type": seed and seed.type, "default": seed and seed.default,
            "min": seed and seed.min, "max": seed and seed.max, "used": None,
        },
        "findings": problems,
    }  # fmt: skip
