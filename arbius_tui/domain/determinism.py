"""Why a model would not give the same bytes for the same seed, each reason with its place, its words and a patch.

What flows into the output was found by `seed_flow`; here it is put into words. An error is certain: miners would lose
tasks. A warning depends on the machine, on a library's version, or on a name that nobody compares.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from arbius_tui.domain.determinism_media import media
from arbius_tui.domain.determinism_patches import Workshop, none_only, reduced
from arbius_tui.domain.determinism_torch import graphics_card, switches
from arbius_tui.domain.errors import Severity
from arbius_tui.domain.finding import Finding, found, in_order, with_patch
from arbius_tui.domain.flow_machine import TooBig
from arbius_tui.domain.flow_values import Kind, Origin
from arbius_tui.domain.predictor import Predictor
from arbius_tui.domain.python_source import PythonFile
from arbius_tui.domain.seed_flow import Flow

STEADY_HASHES = "PYTHONHASHSEED"


@dataclass(frozen=True, slots=True)
class Words:
    """A code of the diagnosis, and its sentences; `{code}` is the author's own text."""

    code: str
    what: str
    why: str
    fix: str
    severity: Severity = "error"


WORDS: dict[Kind, Words] = {
    "time": Words(
        "time-in-output", "the clock gets into the output: {code}",
        "the same task one second later has other bytes", "leave the time out, or take a fixed one",
    ),
    "entropy": Words(
        "unseeded-randomness", "randomness of the system gets into the output: {code}",
        "no seed decides it: two miners never agree", "draw it from a generator that has the seed",
    ),
    "uuid": Words(
        "unseeded-randomness", "a random identifier gets into the output: {code}",
        "no seed decides it: two miners never agree", "leave it out, or make it from the seed",
    ),
    "hash": Words(
        "hash-randomisation", "hash() of something that is no number gets into the output: {code}",
        "Python gives it another value each time the container starts",
        "use hashlib, or add PYTHONHASHSEED=0 to `environment` in cog.yaml",
    ),
    "order": Words(
        "set-order", "the order of a set gets into the output: {code}",
        "the order of texts in a set changes each time the container starts",
        "go through sorted(...), or add PYTHONHASHSEED=0 to `environment` in cog.yaml", "warn",
    ),
    "listing": Words(
        "folder-order", "the order in which a folder is listed gets into the output: {code}",
        "the file system decides it, and each miner has another one", "go through sorted(...)", "warn",
    ),
    "finish": Words(
        "finish-order", "the order in which parallel work ends gets into the output: {code}",
        "the machine's load decides it", "collect the results in the order in which the work was given out", "warn",
    ),
    "host": Words(
        "host-in-output", "something of this machine or process gets into the output: {code}",
        "each miner has another value", "leave it out",
    ),
    "unseeded": Words(
        "unseeded-randomness", "numbers from a generator that was never seeded get into the output: {code}",
        "the same seed gives other bytes each time", "seed it with the prediction's seed before it is used",
    ),
    "carried": Words(
        "state-between-predictions", "a generator that is only seeded at start decides the output: {code}",
        "the second prediction differs from the first, and after a restart it begins anew",
        "seed it again at the start of each prediction",
    ),
    "counter": Words(
        "state-between-predictions", "what is kept from one prediction to the next gets into the output: {code}",
        "the output depends on how many predictions there were before", "start each prediction from the same state",
    ),
    "constant": Words(
        "seed-ignored", "a torch.Generator is used that never gets the seed: {code}",
        "a new one always starts with the same number, so the seed has no effect", "call .manual_seed(seed) on it",
    ),
}  # fmt: skip
NAMED: tuple[Kind, ...] = ("time", "uuid", "entropy", "unseeded", "host", "hash")


def findings(
    files: Mapping[str, PythonFile],
    model: Predictor,
    flow: Flow,
    environment: Mapping[str, str],
    usual: Flow | None = None,
) -> tuple[Finding, ...]:
    """Everything that was found, errors first. `environment` is that of cog.yaml.

    `usual` is the flow with every yes-or-no input at its default, as miners leave it: what is not found there is only
    a warning.
    """
    whole = of_flow(files, model, flow, environment)
    if usual is None:
        return whole
    always = {(f.problem.code, f.file, f.line) for f in of_flow(files, model, usual, environment)}
    return in_order(f if (f.problem.code, f.file, f.line) in always else sometimes(f) for f in whole)


def sometimes(finding: Finding) -> Finding:
    """A finding that a miner never meets, because templates have no yes-or-no inputs."""
    if finding.problem.severity != "error":
        return finding
    why = f"only when a yes-or-no input is not at its default, which no miner can ask for; then {finding.problem.why}"
    return replace(finding, problem=replace(finding.problem, severity="warn", why=why))


def of_flow(
    files: Mapping[str, PythonFile], model: Predictor, flow: Flow, environment: Mapping[str, str]
) -> tuple[Finding, ...]:
    """What one flow tells."""
    shop = Workshop(files, model)
    made = [
        *in_output(shop, flow, environment),
        *in_names(flow),
        *too_big(shop, flow),
        *switches(shop, flow),
        *graphics_card(shop, flow),
        *media(shop, flow),
    ]
    codes = {finding.problem.code for finding in made if finding.problem.severity == "error"}
    if not codes & {"unseeded-randomness", "state-between-predictions", "seed-ignored"}:
        made += ignored(files, model, flow)
    return in_order(made)


def in_output(shop: Workshop, flow: Flow, environment: Mapping[str, str]) -> Iterator[Finding]:
    """What gets into the bytes of the output."""
    steady = environment.get(STEADY_HASHES, "random") != "random"
    for origin in flow.origins:
        if origin.kind == "seed" or (steady and origin.kind in ("hash", "order")):
            continue
        yield with_patch(seed_zero(origin), none_only(shop, origin)) if origin.only_zero else worded(shop, origin)


def worded(shop: Workshop, origin: Origin) -> Finding:
    """An origin in words, with its patch."""
    words = WORDS[origin.kind]
    code = " ".join(origin.code.split())[:80]
    finding = found(
        origin.place, words.code, words.what.format(code=code), why=words.why, fix=words.fix, severity=words.severity
    )
    return with_patch(finding, PATCHES[origin.kind](shop, origin) if origin.kind in PATCHES else "")


PATCHES: dict[Kind, Callable[[Workshop, Origin], str]] = {
    "time": Workshop.clock, "entropy": Workshop.entropy, "uuid": Workshop.entropy, "hash": Workshop.hashing,
    "order": Workshop.order, "listing": Workshop.order,
    "unseeded": Workshop.drawn, "carried": Workshop.drawn, "constant": Workshop.drawn,
}  # fmt: skip


def seed_zero(origin: Origin) -> Finding:
    """Randomness that only the seed 0 gets."""
    return found(
        origin.place,
        "seed-zero",
        f"seed 0 counts as no seed here: {' '.join(origin.code.split())[:80]}",
        why="0 is a seed that miners send, and the proof asks for it; it would give other bytes each time",
        fix="ask `if seed is None`, which is never true for a miner's task",
        severity="warn",
    )


def in_names(flow: Flow) -> Iterator[Finding]:
    """What gets into the name of a file, and into nothing else."""
    for origin in flow.names - flow.origins:
        if origin.kind in NAMED and not origin.only_zero:
            yield found(
                origin.place,
                "name-not-stable",
                f"the name of an output file is another one each time: {' '.join(origin.code.split())[:80]}",
                why="miners name files themselves, so the bytes agree; a client that keeps the name would not",
                fix="use a fixed name, such as out-1.png, in a temporary folder",
                severity="warn",
            )


def too_big(shop: Workshop, flow: Flow) -> Iterator[Finding]:
    """Places that refuse seeds which miners send."""
    for big in flow.refused:
        if big.seeds == (0,):
            yield found(
                big.origin.place, "seed-zero", "seed 0 is refused here", why="0 is a seed that miners send",
                fix="let 0 through", severity="warn",
            )  # fmt: skip
            continue
        yield with_patch(refusal(big), reduced(shop, big))


def refusal(big: TooBig) -> Finding:
    """A place that refuses large seeds, in words."""
    smallest = min(big.seeds)
    if big.how == "range":
        what = "a loop runs as often as the seed says, which for a miner's seed is for ever"
    elif big.how == "raise":
        what = f"the model refuses the seed {smallest:,} and others that miners send"
    else:
        what = f"{big.how}() takes at most {big.largest or 0:,}, and miners send seeds up to 2^53 - 17"
    return found(
        big.origin.place, "seed-over-32-bits", what,
        why="nearly every task has a seed above 2^32, and would fail",
        fix="reduce the seed first: seed % 2**32", detail=" ".join(big.origin.code.split())[:120],
    )  # fmt: skip


def ignored(files: Mapping[str, PythonFile], model: Predictor, flow: Flow) -> Iterator[Finding]:
    """A seed that reaches nothing."""
    function, seed = model.function, model.seed
    if function is None or seed is None or flow.seed_used or not flow.complete:
        return
    every = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    place: ast.AST = next((a for a in every if a.arg == "seed"), function)
    yield found(
        files[model.file].place(place), "seed-ignored", "the seed has no effect on the output",
        why="every seed gives the same bytes; at most it is printed or compared",
        fix="seed the generators that the output depends on, or say in the description that there is no randomness",
    )  # fmt: skip
