"""Cases, verdicts and a diagnosis: does a seed mean one output, and why not when it does not.

A miner derives the seed from the task's id: any integer from 0 to 2^53 - 17 (`LARGEST_SEED`). A verdict is given only
to what a prediction really returned; a failed prediction never has a hash and never counts as the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from arbius_tui.domain.errors import Fix, Problem

BASE_SEED = 33111
"""The seed of the published guide's own example."""
LARGEST_SEED = 2**53 - 17
PAUSE = 1.1
"""Seconds between two runs that must not share a clock second."""

Verdict = Literal["SAME", "DIFFERS", "NEAR", "BLOCKER", "TIMEOUT", "SKIPPED"]
Before = Literal["", "pause", "restart"]
Expect = Literal["base", "same", "differs", "runs"]


@dataclass(frozen=True, slots=True)
class Case:
    """One prediction: its seed, what happens before it, and what its output must be compared with the first run's."""

    id: str
    title: str
    seed: int
    expect: Expect
    before: Before = ""


def standard_cases() -> tuple[Case, ...]:
    """The proof, in the order that a diagnosis needs."""
    return (
        Case("first", "first run", BASE_SEED, "base"),
        Case("again", "same seed again", BASE_SEED, "same"),
        Case("other-seed", "other seed", BASE_SEED + 1, "differs"),
        Case("first-again", "first seed again", BASE_SEED, "same"),
        Case("after-pause", "a second later", BASE_SEED, "same", "pause"),
        Case("after-restart", "after a restart", BASE_SEED, "same", "restart"),
        Case("seed-zero", "seed 0", 0, "runs"),
        Case("over-32-bits", "over 32 bits", 2**32, "runs"),
        Case("largest-seed", "largest seed", LARGEST_SEED, "runs"),
    )


@dataclass(frozen=True, slots=True)
class Hashed:
    """One output, decoded and hashed."""

    filename: str
    mime: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a case: outputs, or a problem, or the reason why it was left out."""

    case: Case
    outputs: tuple[Hashed, ...] = ()
    problem: Problem | None = None
    skipped: str = ""
    seconds: float = 0.0

    @property
    def ran(self) -> bool:
        """Whether there is something to compare."""
        return bool(self.outputs) and self.problem is None and not self.skipped

    @property
    def digests(self) -> tuple[str, ...]:
        """The hashes, in the order of the outputs."""
        return tuple(output.sha256 for output in self.outputs)


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict, and whether it is what the case wanted."""

    verdict: Verdict
    wanted: bool
    note: str = ""


def judge(outcome: Outcome, base: Outcome | None) -> Judged:
    """The verdict of one case against the first run."""
    case = outcome.case
    if outcome.skipped:
        return Judged("SKIPPED", True, outcome.skipped)
    if outcome.problem is not None:
        return Judged("TIMEOUT" if outcome.problem.code == "timeout" else "BLOCKER", False, outcome.problem.what)
    if not outcome.ran or base is None or not base.ran:
        return Judged("BLOCKER", False, "there is no first run to compare it with")
    equal = outcome.digests == base.digests
    if case.expect == "same":
        return Judged("SAME", True) if equal else Judged("BLOCKER", False, "the same seed gave other bytes")
    if case.expect == "differs":
        return Judged("BLOCKER", False, "another seed gave the same bytes") if equal else Judged("DIFFERS", True)
    return Judged("SAME" if equal else "DIFFERS", True)


@dataclass(frozen=True, slots=True)
class Proof:
    """All cases with their verdicts, and the diagnosis."""

    outcomes: tuple[Outcome, ...]
    judged: Mapping[str, Judged]
    diagnosis: tuple[Problem, ...] = field(default=())

    @property
    def reproducible(self) -> bool:
        """Every case that ran is as wanted, and the first ones did run."""
        ran = {outcome.case.id for outcome in self.outcomes if outcome.ran}
        return {"first", "again", "other-seed"} <= ran and all(j.wanted for j in self.judged.values())


def prove(outcomes: Sequence[Outcome]) -> Proof:
    """Verdicts and diagnosis of what has been observed so far."""
    base = next((o for o in outcomes if o.case.expect == "base"), None)
    judged = {o.case.id: judge(o, base) for o in outcomes}
    return Proof(tuple(outcomes), judged, tuple(diagnose(outcomes)))


def letters(outcomes: Sequence[Outcome]) -> dict[str, str]:
    """A letter for each case that ran; equal outputs carry the same one."""
    seen: dict[tuple[str, ...], str] = {}
    for outcome in outcomes:
        if outcome.ran:
            seen.setdefault(outcome.digests, chr(ord("A") + min(len(seen), 25)))
    return {o.case.id: seen[o.digests] for o in outcomes if o.ran}


def diagnose(outcomes: Sequence[Outcome]) -> list[Problem]:
    """The likely causes, from the pattern of what agreed with what; empty when all is as it must be."""
    runs = {o.case.id: o for o in outcomes}
    causes = failures(outcomes)
    if (shape := other_shape(outcomes)) is not None:
        causes.append(shape)
    if (cause := repeat_cause(runs)) is not None:
        causes.append(CAUSES[cause])
    if agree(runs, "first", "other-seed") is True:
        causes.append(CAUSES["seed-ignored"])
    return causes


def agree(runs: Mapping[str, Outcome], one: str, other: str) -> bool | None:
    """Whether two cases gave the same bytes; None when one of them did not run."""
    a, b = runs.get(one), runs.get(other)
    if a is None or b is None or not a.ran or not b.ran:
        return None
    return a.digests == b.digests


def repeat_cause(runs: Mapping[str, Outcome]) -> str | None:
    """Why the same seed gave other bytes. Outputs that agree at once and differ later carry the time."""
    again, back = agree(runs, "first", "again"), agree(runs, "first", "first-again")
    pause, restart = agree(runs, "first", "after-pause"), agree(runs, "first", "after-restart")
    if False not in (again, back, pause, restart):
        return None
    # A clock second may end between two quick runs, so any two quick neighbours that agree show the clock's hand.
    neighbours = again or agree(runs, "again", "first-again") or back
    if neighbours and pause is False and agree(runs, "first-again", "after-pause") is False:
        return "time-in-output"
    if again is False:
        return "state-between-predictions" if restart else "unseeded-randomness"
    if back is False:
        return "order-leak"
    return "time-in-output" if pause is False else "hash-randomisation"


OUTSIDE = frozenset({"container-killed", "container-missing", "container-paused", "docker-unreachable"})
"""Codes of a case that somebody else ended; they tell nothing of the model."""
LOST = frozenset({"endpoint-lost", "endpoint-unreachable", "timeout", "container-ended", "container-oom"})
"""Codes of a case whose server went away, perhaps because of the case."""


def failures(outcomes: Sequence[Outcome]) -> list[Problem]:
    """What the failed cases tell: a seed that is too big, a model that fails, or a server that is gone."""
    wrong = [o for o in outcomes if o.problem is not None]
    failed = [o for o in wrong if o.problem and o.problem.code not in OUTSIDE]
    ended = [o for o in wrong if o not in failed]
    found = [with_detail(CAUSES["endpoint-lost"], ended[0].problem)] if ended else []
    if not failed:
        return found
    small_ok = any(o.ran and o.case.seed < 2**32 for o in outcomes)
    big = [o for o in failed if o.case.seed >= 2**32]
    if small_ok and big and len(big) == sum(o.case.seed >= 2**32 and not o.skipped for o in outcomes):
        found.append(with_detail(CAUSES["seed-over-32-bits"], big[0].problem))
        failed = [o for o in failed if o.case.seed < 2**32]
    if failed:
        problem = failed[0].problem
        lost = problem is not None and problem.code in LOST
        if not (lost and found):
            found.append(with_detail(CAUSES["endpoint-lost" if lost else "model-failed"], problem))
    return found


def other_shape(outcomes: Sequence[Outcome]) -> Problem | None:
    """Outputs that come and go, or change their names, between runs."""
    shapes = {tuple(x.filename for x in o.outputs) for o in outcomes if o.ran}
    return CAUSES["output-shape"] if len(shapes) > 1 else None


def with_detail(cause: Problem, seen: Problem | None) -> Problem:
    """The cause with the raw text that was seen."""
    detail = "" if seen is None else f"{seen.what}\n{seen.detail}".strip()
    return Problem(cause.code, cause.what, cause.why, cause.fix, detail)


def cause(code: str, what: str, why: str, fix: str) -> tuple[str, Problem]:
    """A row of the table of causes."""
    return code, Problem(code, what, why, Fix(fix))


CAUSES: Mapping[str, Problem] = dict(
    (
        cause(
            "unseeded-randomness",
            "the same seed gives other bytes at once",
            "a miner's answer is compared byte by byte; this one never matches",
            "seed every generator from the seed input in each prediction: random, numpy, torch, and no os.urandom",
        ),
        cause(
            "state-between-predictions",
            "the same seed gives other bytes until the server is restarted",
            "something is seeded once, in setup; miners run many tasks in one process",
            "seed at the start of each prediction, not in setup",
        ),
        cause(
            "hash-randomisation",
            "the same seed gives other bytes after a restart",
            "Python salts hash() of text anew in each process, and the order of sets with it",
            'do not use hash() or the order of a set; or add environment: ["PYTHONHASHSEED=0"] to cog.yaml',
        ),
        cause(
            "time-in-output",
            "the same seed gives other bytes a second later",
            "the file carries the time it was made",
            "write no timestamps, dates or random ids into the output or its metadata",
        ),
        cause(
            "seed-ignored",
            "another seed gives the same bytes",
            "the seed has no effect, so every task with the same prompt has one answer that can be copied",
            "use the seed input for every random choice",
        ),
        cause(
            "seed-over-32-bits",
            "seeds above 32 bits fail",
            f"miners send any seed up to {LARGEST_SEED}; nearly every task would fail",
            "reduce the seed where a generator wants 32 bits: np.random.seed(seed % 2**32)",
        ),
        cause(
            "order-leak",
            "the output depends on the prediction before it",
            "miners run tasks in any order",
            "reset caches and generators at the start of each prediction",
        ),
        cause(
            "output-shape",
            "the number or the names of the outputs change",
            "a miner commits to one folder of files; another set of files is another answer",
            "return the same number of files, with the same types, for every input",
        ),
        cause(
            "model-failed",
            "the model does not answer a prediction with an output",
            "a prediction that fails has no bytes, so there is nothing that could be equal",
            "read the model's own error below, mend it and run the test again",
        ),
        cause(
            "endpoint-lost",
            "the server stopped answering",
            "without an answer nothing can be compared",
            "look at the server's log, start it again and rerun the cases that failed",
        ),
    )
)
