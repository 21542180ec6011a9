"""Verdicts and a diagnosis: does a seed mean one output, and why not when it does not.

A verdict is given only to what a prediction really returned; a failed prediction never has a hash and never counts as
the same. The diagnosis is built on which answers agree, and on what lay between them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from arbius_tui.domain.case_values import LARGEST_SEED
from arbius_tui.domain.cases import Case
from arbius_tui.domain.errors import Fix, Problem

PAUSE = 1.1
"""Seconds between two runs that must not share a clock second."""

Verdict = Literal["SAME", "DIFFERS", "NEAR", "BLOCKER", "TIMEOUT", "SKIPPED"]


REFUSED = "seed-refused"
"""Code of a case whose seed the model's own schema refuses: it is not sent, and miners do send such seeds."""


@dataclass(frozen=True, slots=True)
class Hashed:
    """One output, decoded and hashed."""

    filename: str
    mime: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a case: outputs, or a problem, or the reason why it was left out.

    `near` says what alone differs from the case it is compared with, where pixels, samples or words are equal; `timely`
    that what differs reads as two times close to each other.
    """

    case: Case
    outputs: tuple[Hashed, ...] = ()
    problem: Problem | None = None
    skipped: str = ""
    seconds: float = 0.0
    near: str = ""
    timely: bool = False

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


def judge(outcome: Outcome, runs: Mapping[str, Outcome]) -> Judged:
    """The verdict of one case against the one it is compared with; `runs` are all outcomes by the id of their case."""
    if outcome.skipped:
        return Judged("SKIPPED", True, outcome.skipped)
    if outcome.problem is not None and outcome.problem.code == REFUSED:
        return Judged("SKIPPED", False, outcome.problem.what)
    if outcome.problem is not None:
        return Judged("TIMEOUT" if outcome.problem.code == "timeout" else "BLOCKER", False, outcome.problem.what)
    other = runs.get(outcome.case.against)
    if other is not None and other.ran and outcome.ran:
        return compared(outcome, outcome.digests == other.digests)
    if outcome.ran and outcome.case.expect in ("base", "runs"):
        return Judged("DIFFERS", True)
    return Judged("BLOCKER", False, "there is no run to compare it with")


def compared(outcome: Outcome, equal: bool) -> Judged:
    """The verdict of a case that ran, as the one that it is compared with did."""
    if outcome.case.expect == "differs":
        return Judged("BLOCKER", False, "another seed gave the same bytes") if equal else Judged("DIFFERS", True)
    if outcome.case.expect == "same" and not equal:
        return Judged("NEAR", False, outcome.near) if outcome.near else Judged("BLOCKER", False, OTHER_BYTES)
    return Judged("SAME" if equal else "DIFFERS", True)


OTHER_BYTES = "the same seed gave other bytes"


@dataclass(frozen=True, slots=True)
class Proof:
    """All cases of one server with their verdicts, and the diagnosis."""

    outcomes: tuple[Outcome, ...]
    judged: Mapping[str, Judged]
    diagnosis: tuple[Problem, ...] = field(default=())

    @property
    def reproducible(self) -> bool:
        """Every case that ran is as wanted; among them one seed was repeated and another one was tried."""
        shown = {o.case.expect for o in self.outcomes if o.ran and o.case.id in self.judged}
        wanted = all(j.wanted for j in self.judged.values())
        return {"base", "same", "differs"} <= shown and wanted and not self.diagnosis


def prove(outcomes: Sequence[Outcome]) -> Proof:
    """Verdicts and diagnosis of what has been observed so far on one server."""
    runs = {o.case.id: o for o in outcomes}
    judged = {o.case.id: judge(o, runs) for o in outcomes}
    return Proof(tuple(outcomes), judged, tuple(diagnose(outcomes)))


LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Letters:
    """A letter for each output, in the order in which they come: equal outputs, and only they, carry the same one."""

    def __init__(self) -> None:
        self.seen: dict[tuple[str, ...], str] = {}

    def of(self, outcome: Outcome) -> str:
        """The letter of a case that ran; none beyond 52 different outputs, and none for a case that did not run."""
        if not outcome.ran:
            return ""
        return self.seen.setdefault(outcome.digests, LETTERS[len(self.seen)] if len(self.seen) < len(LETTERS) else "")


@dataclass(frozen=True, slots=True)
class Comparison:
    """The proofs of several servers by their ids, the first one being what the others are compared with."""

    proofs: Mapping[str, Proof]
    elsewhere: Mapping[tuple[str, str], Judged]
    """Verdicts of (server, case) where a server that agrees with itself gave other bytes than the first one."""
    diagnosis: tuple[Problem, ...]

    @property
    def reproducible(self) -> bool:
        """Every server repeats itself, and all agree."""
        return not self.elsewhere and all(proof.reproducible for proof in self.proofs.values())

    def judged(self, server: str, case: str) -> Judged | None:
        """The verdict of a case on one server."""
        own = self.proofs[server].judged.get(case)
        return self.elsewhere.get((server, case), own) if own is None or own.wanted else own


def compare_servers(outcomes: Mapping[str, Sequence[Outcome]]) -> Comparison:
    """What has been observed so far on every server, in the order in which they were named."""
    proofs = {server: prove(listed) for server, listed in outcomes.items()}
    base, *others = proofs or [""]
    first = {o.case.id: o for o in outcomes.get(base, ())}
    elsewhere = {
        (server, outcome.case.id): verdict
        for server in others
        for outcome in proofs[server].outcomes
        if (verdict := differs_from_first(outcome, proofs[server].judged[outcome.case.id], first, base))
    }
    return Comparison(proofs, elsewhere, tuple(causes_of_all(proofs, elsewhere)))


def differs_from_first(outcome: Outcome, own: Judged, first: Mapping[str, Outcome], base: str) -> Judged | None:
    """The verdict where a case is well on its own server and gave other bytes than on the first one, else None.

    `first` are the first server's outcomes by case. A server that does not repeat itself tells nothing of hardware.
    """
    other = first.get(outcome.case.id)
    if other is None or not (other.ran and outcome.ran and own.wanted and judge(other, first).wanted):
        return None
    return Judged("BLOCKER", False, f"other bytes than on server {base}") if other.digests != outcome.digests else None


def causes_of_all(proofs: Mapping[str, Proof], elsewhere: Collection[tuple[str, str]]) -> Iterator[Problem]:
    """Each cause once; where there are several servers, with those on which it was seen."""
    seen: dict[str, list[str]] = {}
    first: dict[str, Problem] = {}
    for server, proof in proofs.items():
        for problem in proof.diagnosis:
            seen.setdefault(problem.code, []).append(server)
            first.setdefault(problem.code, problem)
    for code, servers in seen.items():
        on = f" (on server {', '.join(servers)})" if len(proofs) > 1 and len(servers) < len(proofs) else ""
        yield replace(first[code], what=first[code].what + on)
    repeats = all(repeat_cause(proof.outcomes) is None for proof in proofs.values())
    if elsewhere and repeats:
        named = ", ".join(dict.fromkeys(server for server, _ in elsewhere))
        yield replace(CAUSES["hardware"], what=f"{CAUSES['hardware'].what} (server {named})")


def diagnose(outcomes: Sequence[Outcome]) -> list[Problem]:
    """The likely causes, from the pattern of what agreed with what; empty when all is as it must be."""
    causes = failures(outcomes)
    if (shape := other_shape(outcomes)) is not None:
        causes.append(shape)
    if (cause := repeat_cause(outcomes)) is not None:
        causes.append(cause)
    runs = {o.case.id: o for o in outcomes}
    if any(agree(runs, o.case.against, o.case.id) is True for o in outcomes if o.case.expect == "differs"):
        causes.append(CAUSES["seed-ignored"])
    return causes


def agree(runs: Mapping[str, Outcome], one: str, other: str) -> bool | None:
    """Whether two cases gave the same bytes; None when one of them did not run."""
    a, b = runs.get(one), runs.get(other)
    if a is None or b is None or not a.ran or not b.ran:
        return None
    return a.digests == b.digests


def repeat_cause(outcomes: Sequence[Outcome]) -> Problem | None:
    """Why the same seed gave other bytes, if it did."""
    runs = {o.case.id: o for o in outcomes}
    apart = [o for o in outcomes if o.case.expect == "same" and agree(runs, o.case.against, o.case.id) is False]
    if not apart:
        return None
    if all(o.near for o in apart):
        return with_detail(CAUSES["metadata-only"], Problem("", apart[0].near))
    if all(o.timely for o in apart):
        return CAUSES["time-in-output"]
    usual = [o for o in apart if o.case.seed not in (0, LARGEST_SEED)]
    if not usual:
        return CAUSES["seed-zero-unused" if apart[0].case.seed == 0 else "large-seed-unused"]
    return CAUSES[cause_of_usual(outcomes, runs, usual)]


def cause_of_usual(outcomes: Sequence[Outcome], runs: Mapping[str, Outcome], apart: Sequence[Outcome]) -> str:
    """Why a seed of usual size gave other bytes. Outputs that agree at once and differ later carry the time."""
    again, back, pause = (agree(runs, "first", id) for id in ("again", "first-again", "after-pause"))
    # A clock second may end between two quick runs, so any two quick neighbours that agree show the clock's hand.
    neighbours = again or agree(runs, "again", "first-again") or back
    if neighbours and pause is False and agree(runs, "first-again", "after-pause") is False:
        return "time-in-output"
    kinds = {o.case.id: between(outcomes, o) for o in apart}
    if "nothing" in kinds.values():
        restarts = [agree(runs, o.case.against, o.case.id) for o in outcomes if o.case.before == "restart"]
        return "state-between-predictions" if True in restarts else "unseeded-randomness"
    if "predictions" in kinds.values():
        return "order-leak"
    return "time-in-output" if "pause" in kinds.values() else "hash-randomisation"


def between(outcomes: Sequence[Outcome], one: Outcome) -> str:
    """What lies between a case and the one it is compared with: restart, pause, other predictions, or nothing."""
    if one.case.before:
        return one.case.before
    order = [o.case for o in outcomes]
    ids = [case.id for case in order]
    here, there = order.index(one.case), ids.index(one.case.against)
    alike = (one.case.seed, dict(one.case.inputs))
    return "predictions" if any((c.seed, dict(c.inputs)) != alike for c in order[there + 1 : here]) else "nothing"


OUTSIDE = frozenset(
    {"container-killed", "container-missing", "container-paused", "docker-unreachable", "docker-timeout", "ssh-tunnel",
     "replicate-token", "replicate-no-token", "replicate-payment", "replicate-forbidden", "replicate-not-found",
     "replicate-limit", "replicate-broken", "replicate-strange", "replicate-unreachable"}
)  # fmt: skip
"""Codes of a case that somebody else ended; they tell nothing of the model."""
LOST = frozenset({"endpoint-lost", "endpoint-unreachable", "timeout", "container-ended", "container-oom"})
"""Codes of a case whose server went away, perhaps because of the case."""


def failures(outcomes: Sequence[Outcome]) -> list[Problem]:
    """What the failed cases tell: a seed that is too big, a model that fails, or a server that is gone."""
    bounded = [o for o in outcomes if o.problem is not None and o.problem.code == REFUSED]
    failed = [o for o in outcomes if o.problem is not None and o not in bounded]
    any_ran = any(o.ran for o in outcomes)
    slow = [o for o in failed if any_ran and o.problem and o.problem.code == "timeout"]
    lost = [o for o in failed if o.problem and o.problem.code in LOST | OUTSIDE and o not in slow]
    refused = [o for o in failed if o not in lost and o not in slow]
    large = [o for o in outcomes if o.case.seed >= 2**32 and not o.skipped and o not in bounded]
    found = [refused_seeds(bounded)] if bounded else []
    small_ok = any(o.ran and o.case.seed < 2**31 for o in outcomes)
    if small_ok and large and all(o.problem for o in large) and any(o in refused for o in large):
        found.append(with_detail(CAUSES["seed-over-32-bits"], next(o for o in large if o in refused).problem))
        refused = [o for o in refused if o.case.seed < 2**31]
    if lost:
        found.append(with_detail(CAUSES["endpoint-lost"], lost[0].problem))
    if slow:
        found.append(with_detail(CAUSES["too-slow"], slow[0].problem, where(slow, outcomes)))
    if refused:
        found.append(with_detail(CAUSES["model-failed"], refused[0].problem, where(refused, outcomes)))
    return found


def refused_seeds(bounded: Sequence[Outcome]) -> Problem:
    """A bound of the model's seed; one within 32 bits has the code of every model that takes no larger ones."""
    known, first = CAUSES["seed-bounded"], min(bounded, key=lambda o: o.case.seed)
    code = "seed-over-32-bits" if any(o.case.seed == 2**32 for o in bounded) else known.code
    return replace(known, code=code, what=first.problem.what if first.problem else known.what)


def where(failed: Sequence[Outcome], outcomes: Sequence[Outcome]) -> str:
    """Which cases failed, where others did not."""
    if not any(o.ran for o in outcomes):
        return ""
    named = ", ".join(o.case.title for o in failed[:3])
    return f" ({named}{f' and {len(failed) - 3} more' if len(failed) > 3 else ''})"


def other_shape(outcomes: Sequence[Outcome]) -> Problem | None:
    """Outputs that come and go, or change their names, between runs."""
    shapes = {tuple(x.filename for x in o.outputs) for o in outcomes if o.ran and not o.case.inputs}
    return CAUSES["output-shape"] if len(shapes) > 1 else None


def with_detail(cause: Problem, seen: Problem | None, where: str = "") -> Problem:
    """The cause with the raw text that was seen, and where."""
    detail = "" if seen is None else f"{seen.what}\n{seen.detail}".strip()
    return Problem(cause.code, cause.what + where, cause.why, cause.fix, detail)


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
            "seed-zero-unused",
            "seed 0 gives other bytes each time",
            "0 is a seed like any other; a predictor that takes it for no seed draws one of its own",
            "test for None where a seed may be missing: if seed is None, not if not seed",
        ),
        cause(
            "large-seed-unused",
            "a seed above 32 bits gives other bytes each time",
            f"nearly every task has such a seed, up to {LARGEST_SEED}",
            "use the whole seed, or reduce it where a generator wants 32 bits: seed % 2**32",
        ),
        cause(
            "metadata-only",
            "the picture or the sound is the same, and the bytes around it are not",
            "miners compare bytes: a time, a name or a random id in the file is enough to lose",
            "write the file without metadata: no timestamps, no ids, no comments; for video ffmpeg -bitexact",
        ),
        cause(
            "hardware",
            "the same seed gives other bytes on another machine",
            "miners compare their bytes with those of other machines",
            "say in the title which GPU it is for, and make the arithmetic strict: "
            "torch.use_deterministic_algorithms(True), no TF32, CUBLAS_WORKSPACE_CONFIG=:4096:8",
        ),
        cause(
            "seed-over-32-bits",
            "seeds above 32 bits fail",
            f"miners send any seed up to {LARGEST_SEED}; nearly every task would fail",
            "reduce the seed where a generator wants 32 bits: np.random.seed(seed % 2**32)",
        ),
        cause(
            "seed-bounded",
            "the model takes no seed above its own bound",
            f"miners send any seed up to {LARGEST_SEED}; a task with a larger one is refused",
            "take the bound off the seed input; where a generator wants 32 bits: seed % 2**32",
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
            "too-slow",
            "the model gives no answer in time",
            "a miner gives a task up that takes far longer than others, and somebody may ask for just that",
            "narrow the bounds of that input, in the model and in the template",
        ),
        cause(
            "endpoint-lost",
            "the server stopped answering",
            "without an answer nothing can be compared",
            "look at the server's log, start it again and rerun the cases that failed",
        ),
    )
)
