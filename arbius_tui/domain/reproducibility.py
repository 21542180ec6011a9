"""Verdicts and a diagnosis: does a seed mean one output, and why not when it does not.

A verdict is given only to what a prediction really returned; a failed prediction never has a hash and never counts as
the same. The diagnosis is built on which answers agree, and on what lay between them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from arbius_tui.domain.case_values import SECOND_TEXT
from arbius_tui.domain.cases import Case
from arbius_tui.domain.causes import CAUSES
from arbius_tui.domain.errors import Fix, Problem
from arbius_tui.domain.repeats import FURTHER, Asked, Run, unclear
from arbius_tui.domain.repeats import causes as causes_of_repeats

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

    `near` says what alone differs from the case it is compared with, where pixels, samples or words are equal or, with
    `noise`, nearly so; `timely` that what differs reads as two times close to each other. `apart` says in words how the
    outputs differ where they should not.
    """

    case: Case
    outputs: tuple[Hashed, ...] = ()
    problem: Problem | None = None
    skipped: str = ""
    seconds: float = 0.0
    near: str = ""
    timely: bool = False
    noise: bool = False
    apart: str = ""

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
        said = f"other bytes: {outcome.apart}" if outcome.apart else OTHER_BYTES
        return Judged("NEAR", False, outcome.near) if outcome.near else Judged("BLOCKER", False, said)
    return Judged("SAME" if equal else "DIFFERS", True)


LEFT_OUT = "left out by you"
"""Why a case did not run that the author stopped."""
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
        wanted = all(j.wanted for j in self.judged.values()) and all(p.severity != "error" for p in self.diagnosis)
        return {"base", "same", "differs"} <= shown and wanted


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
    repeats = not any(repeat_causes(proof.outcomes) for proof in proofs.values())
    if elsewhere and repeats:
        named = ", ".join(dict.fromkeys(server for server, _ in elsewhere))
        yield replace(CAUSES["hardware"], what=f"{CAUSES['hardware'].what} (server {named})")


def diagnose(outcomes: Sequence[Outcome]) -> list[Problem]:
    """The likely causes, from the pattern of what agreed with what; empty when all is as it must be."""
    causes = failures(outcomes)
    if (shape := other_shape(outcomes)) is not None:
        causes.append(shape)
    causes += repeat_causes(outcomes)
    runs = {o.case.id: o for o in outcomes}
    if any(agree(runs, o.case.against, o.case.id) is True for o in outcomes if o.case.expect == "differs"):
        causes.append(CAUSES["seed-ignored"])
    elif capped(outcomes):
        causes.append(replace(CAUSES["seed-ignored"], what=CAPPED, fix=Fix(CAPPED_FIX)))
    if (ignored := prompt_cause(runs)) and ignored.code not in {problem.code for problem in causes}:
        causes.append(ignored)
    return causes


CAPPED = "all seeds above 32 bits give the same bytes"
CAPPED_FIX = "reduce a seed that is too large, do not cap it: seed % 2**32"


def capped(outcomes: Sequence[Outcome]) -> bool:
    """Whether seeds as tasks have them have no effect, though small ones may."""
    large = [o for o in outcomes if o.ran and o.case.seed >= 2**32 and not o.case.inputs]
    return len({o.case.seed for o in large}) > 1 and len({o.digests for o in large}) == 1


def prompt_cause(runs: Mapping[str, Outcome]) -> Problem | None:
    """Another prompt gave the bytes of the first: is it ignored, or did an answer come back that was kept?"""
    other = runs.get("second-prompt")
    if other is None or SECOND_TEXT not in other.case.inputs.values() or not agree(runs, "first", "second-prompt"):
        return None
    if agree(runs, "other-seed", PROMPT_FURTHER) is False:
        return replace(CAUSES["order-leak"], what="another prompt gave the output of the prediction before it")
    return CAUSES["prompt-ignored"]


PROMPT_FURTHER = "further-prompt"


def further(outcomes: Sequence[Outcome]) -> tuple[Case, ...]:
    """The cases that would tell causes apart, for which what was planned is not enough; none where all is clear."""
    planned = [o for o in outcomes if not o.case.id.startswith("further-")]
    runs, wanted = {o.case.id: o for o in planned}, list[Case]()
    if any(o.near or o.timely for o in planned):
        return ()
    if (other := runs.get("second-prompt")) and prompt_cause(runs) and "other-seed" in runs:
        seed = runs["other-seed"].case.seed
        title, inputs = f"{other.case.title}, other seed", other.case.inputs
        wanted.append(Case(PROMPT_FURTHER, title, seed, "runs", inputs=inputs, why=FURTHER_WHY))
    seen, main, codes = repeated(planned)
    if (odd := unclear(seen, main, codes)) is None:
        return tuple(wanted)
    known = {asked_of(o): o.case for o in reversed(planned)}
    usual = known[odd.asked]
    before = known.get(odd.after or odd.asked, usual)
    turns = [usual] * 2 if codes == ["hash-randomisation"] else [before, usual] * (FURTHER // 2)
    for number, case in enumerate(turns, 1):
        title = f"closer look {number}"
        wanted.append(
            Case(f"further-{number}", title, case.seed, "same", inputs=case.inputs, against=case.id, why=FURTHER_WHY)
        )
    return tuple(wanted)


FURTHER_WHY = "some runs differed and some did not; this tells a cause from chance"


def asked_of(outcome: Outcome) -> Asked:
    """What was asked, to find its like."""
    return outcome.case.seed, json.dumps(dict(outcome.case.inputs), sort_keys=True, default=str)


def repeated(outcomes: Sequence[Outcome]) -> tuple[list[Run], Asked, list[str]]:
    """The runs with their place in a server's life, what was asked first, and the codes of why its repeats differ."""
    runs, process, place, pauses, known = list[Run](), 1, 0, 0, set[Asked]()
    after: Asked | None = None
    for outcome in outcomes:
        if outcome.skipped:
            continue
        pauses += outcome.case.before == "pause"
        if outcome.case.before == "restart":
            process, place, after, known = process + 1, 0, None, set()
        place, asked = place + 1, asked_of(outcome)
        known.add(asked)
        if outcome.ran:
            runs.append(Run(asked, outcome.digests, process, place, pauses, after, len(known)))
        after = asked
        if outcome.problem and outcome.problem.code in LOST | {"model-crashed"}:
            process, place, after, known = process + 1, 0, None, set()
    main = next((asked_of(o) for o in outcomes if o.case.expect == "base"), (0, ""))
    final = any(o.case.id.startswith("further-") for o in outcomes)
    return runs, main, causes_of_repeats(runs, main, final)


def agree(runs: Mapping[str, Outcome], one: str, other: str) -> bool | None:
    """Whether two cases gave the same bytes; None when one of them did not run."""
    a, b = runs.get(one), runs.get(other)
    if a is None or b is None or not a.ran or not b.ran:
        return None
    return a.digests == b.digests


def repeat_causes(outcomes: Sequence[Outcome]) -> list[Problem]:
    """Why the same seed gave other bytes, if it did: by what differs in the outputs, else by when they do."""
    runs = {o.case.id: o for o in outcomes}
    apart = [o for o in outcomes if o.case.expect == "same" and agree(runs, o.case.against, o.case.id) is False]
    if not apart:
        return []
    seen = Problem("", apart[0].near or apart[0].apart)
    timely = all(o.timely for o in apart)
    if all(o.near for o in apart):
        code = "arithmetic-noise" if any(o.noise for o in apart) else "metadata-only"
        return [with_detail(CAUSES[code], seen), *([CAUSES["time-in-output"]] if timely else [])]
    codes = ["time-in-output"] if timely else repeated(outcomes)[2]
    if codes == ["not-explained"]:
        said = f" ({len(apart)} of {sum(o.case.expect == 'same' and o.ran for o in outcomes)} repeats)"
        return [with_detail(CAUSES["not-explained"], seen, said)]
    return [with_detail(CAUSES[code], seen) for code in codes]


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
    found = [refused_seeds(bounded)] if bounded else []
    if (above := largest_seed(outcomes, lost, refused)) is not None:
        large = [o for o in failed if o.case.seed > above]
        found.append(with_detail(over(above), large[0].problem))
        refused, lost = ([o for o in part if o not in large] for part in (refused, lost))
    if lost:
        found.append(with_detail(CAUSES["endpoint-lost"], lost[0].problem))
    if slow:
        found.append(with_detail(CAUSES["too-slow"], slow[0].problem, where(slow, outcomes)))
    if refused:
        found.append(with_detail(CAUSES["model-failed"], refused[0].problem, where(refused, outcomes)))
    return found


def largest_seed(outcomes: Sequence[Outcome], lost: Sequence[Outcome], refused: Sequence[Outcome]) -> int | None:
    """The largest seed that ran, where every larger one failed and that is a matter of bits; else None."""
    plain = [o for o in outcomes if not o.case.inputs]
    ran = [o.case.seed for o in plain if o.ran]
    bad = [o for o in (*refused, *lost) if o.problem and o.problem.code not in OUTSIDE and o in plain]
    if not ran or min((o.case.seed for o in bad), default=0) <= max(2**31 - 1, *ran):
        return None
    return max(ran) if any(o in refused for o in bad) or len(bad) > 1 else None


def over(largest: int) -> Problem:
    """Seeds above the largest one that ran fail."""
    found = CAUSES["seed-over-32-bits"]
    return found if largest < 2**32 else replace(found, what=f"seeds above {largest} fail")


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
    return replace(cause, what=cause.what + where, detail=detail)
