"""A model's folder, read whole: cog.yaml, the predictor and what it imports, its seed, and why its bytes would differ.

Pure: the texts come from a service, nothing of the model is imported or run, and no text makes it raise.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from arbius_tui.domain import cog_config, determinism, miner_outputs, predictor, predictor_imports, seed_flow
from arbius_tui.domain.cog_config import CogConfig
from arbius_tui.domain.determinism_patches import Workshop
from arbius_tui.domain.determinism_torch import WORKSPACE, workspace
from arbius_tui.domain.finding import Finding, Place, found, in_order, with_patch
from arbius_tui.domain.inputs import ModelInput
from arbius_tui.domain.predictor import Predictor
from arbius_tui.domain.python_source import PythonFile, bindings, parse
from arbius_tui.domain.seed_flow import Flow


@dataclass(frozen=True, slots=True)
class ModelReading:
    """What a model's own files say. `reproducible_so_far`: nothing certain speaks against it."""

    config: CogConfig
    predictor: Predictor
    flow: Flow = field(default_factory=lambda: Flow(complete=False))
    findings: tuple[Finding, ...] = ()

    @property
    def inputs(self) -> tuple[ModelInput, ...]:
        """The inputs in the author's order."""
        return self.predictor.inputs

    @property
    def reproducible_so_far(self) -> bool:
        """Whether there is no error."""
        return not any(f.problem.severity == "error" for f in self.findings)

    @property
    def seed(self) -> dict[str, Any]:
        """The seed as scripts read it; `used` is None where it could not be followed."""
        item = self.predictor.seed
        used = (self.flow.seed_used or (False if self.flow.complete else None)) if item else None
        facts = (item.type, item.default, item.min, item.max) if item else (None,) * 4
        return {
            "present": item is not None,
            **dict(zip(("type", "default", "min", "max"), facts, strict=True)),
            "used": used,
        }

    def result(self) -> dict[str, Any]:
        """What `model DIR --json` ends with."""
        return {
            "config": dict(self.config.data),
            "inputs": [
                {"name": i.name, "type": i.type, "default": i.default, "min": i.min, "max": i.max,
                 "choices": list(i.choices), "order": i.order}
                for i in self.inputs
            ],
            "seed": self.seed,
            "findings": [finding.public() for finding in self.findings],
        }  # fmt: skip


def read_model(
    config_text: str, sources: Mapping[str, str], reference: str = "", files: Collection[str] | None = None
) -> ModelReading:
    """Read a model: cog.yaml's text, and the texts of its Python and requirements files by their path in the folder.

    `reference` (`predict.py:Predictor`) is used where cog.yaml names none; `files` are all paths in the folder, where
    more exist than were read. Never raises on any text.
    """
    every = {*(files or ()), *sources, cog_config.FILE}
    config = cog_config.read(config_text, every)
    try:
        return follow(config_text, config, sources, reference or config.reference, every)
    except RecursionError:
        return ModelReading(config, Predictor(), findings=in_order([*config.findings, too_nested(config.source)]))


def follow(
    config_text: str, config: CogConfig, sources: Mapping[str, str], reference: str, every: Collection[str]
) -> ModelReading:
    """Read what cog.yaml points at."""
    home, _, name = reference.partition(":")
    if home not in sources:
        return ModelReading(config, Predictor(home, name), findings=config.findings)
    parsed = {n: parse(n, text, config.python) for n, text in sources.items() if n.endswith(".py")}
    folder = home.rpartition("/")[0]
    local = predictor_imports.local_modules(every, folder)
    model = predictor.read(parsed[home], name, local, config.sdk) if home in parsed else Predictor(home, name)
    mine = {file.name: file for file in predictor_imports.reached(home, parsed)}
    broken = [file.broken for file in mine.values() if file.broken is not None]
    have = predictor_imports.installed(config.requirements, sources, config.packages, config.commands)
    absent = predictor_imports.missing(home, mine, every, have, config.python, sources)
    flow, usual = followed(mine, model), followed(mine, model, usual=True)
    made = [*config.findings, *model.findings, *broken, *absent, *with_cog(config, have)]
    if model.function is not None:
        different = determinism.findings(mine, model, flow, config.environment, usual)
        made += [with_workspace(config_text, config, finding) for finding in different]
        made += miner_outputs.findings(parsed[home], model, flow)
        made += around(config_text, config, Workshop(mine, model), flow)
        made += [] if flow.complete else [too_nested(home)]
    return ModelReading(config, model, flow, in_order(made))


def followed(mine: Mapping[str, PythonFile], model: Predictor, *, usual: bool = False) -> Flow:
    """Where the output comes from."""
    if model.function is None:
        return Flow(complete=False)
    text = miner_outputs.is_text(model.output)
    return seed_flow.follow(mine, model.file, model.name, model.method, model.inputs, text=text, usual=usual)


def around(config_text: str, config: CogConfig, shop: Workshop, flow: Flow) -> list[Finding]:
    """What cog.yaml should say because of what the code does."""
    made = []
    if workspace(shop, flow) and WORKSPACE not in config.environment:
        why = "torch.use_deterministic_algorithms(True) raises in cuBLAS without it, so predictions fail"
        made.append(cog_config.advised(config_text, config, WORKSPACE, why))
    asks = any("cuda" in call.name or call.method == "cuda" for call in flow.calls)
    checks = any("is_available" in call.name for call in flow.calls)
    torch = any(full.split(".")[0] == "torch" for file in shop.files.values() for full in bindings(file.tree).values())
    if torch and asks and not checks and not config.gpu:
        made.append(found(
            Place(cog_config.FILE, config.lines.get("build", 1)), "gpu-not-asked",
            "the code uses a graphics card and cog.yaml does not say `gpu: true`",
            why="cog then builds an image without CUDA, and the model fails on every miner",
            fix="add `gpu: true` below `build:`", severity="warn",
        ))  # fmt: skip
    return made


def with_workspace(config_text: str, config: CogConfig, finding: Finding) -> Finding:
    """The patch of the card's settings together with the variable that strict algorithms need."""
    if finding.problem.code != "gpu-nondeterminism" or "use_deterministic" not in finding.patch:
        return finding
    return with_patch(finding, cog_config.steadied(config_text, config, [WORKSPACE]) + finding.patch)


def with_cog(config: CogConfig, have: predictor_imports.Installed) -> list[Finding]:
    """cog itself among the requirements."""
    if not {"cog", "coglet"} & have.names:
        return []
    return [found(
        Place(config.requirements or cog_config.FILE), "cog-in-requirements", "cog itself is among the requirements",
        why="cog removes it and installs its newest version instead", severity="warn",
        fix="remove it; `build.sdk_version` in cog.yaml decides the version",
    )]  # fmt: skip


def too_nested(file: str) -> Finding:
    """A source that is too deep or too long to follow."""
    return found(
        Place(file or cog_config.FILE), "not-followed", "the source is too long or nested too deep to be followed",
        why="what it does with the seed is not known here; the proof with real predictions still is", severity="info",
    )  # fmt: skip
