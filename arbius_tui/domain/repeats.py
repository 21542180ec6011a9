"""Why do runs of one seed differ: what the pattern of agreements and disagreements is consistent with.

Each cause is a claim about what an output depends on besides what was asked: on nothing that repeats, on the clock, on
the process, on how many predictions came before, or on which one. A claim is made only where every run fits it; what
fits none is said to be unexplained.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

Asked = tuple[int, str]
"""What was asked: the seed, and the inputs that differ from the usual ones as JSON."""

LONGEST_PERIOD = 6
FURTHER = 4
"""Predictions that are asked for when what was seen is too little to tell two causes apart."""


@dataclass(frozen=True, slots=True)
class Run:
    """A prediction that gave an output. `process` counts the server's starts; `place` the predictions since then, from
    1; `pauses` the waits before it; `after` is what was asked just before in the same process, None for the first;
    `known` how many different things were asked there until now.
    """

    asked: Asked
    output: tuple[str, ...]
    process: int
    place: int
    pauses: int
    after: Asked | None
    known: int = 0


Groups = Mapping[Asked, Sequence[Run]]


def grouped(runs: Sequence[Run]) -> dict[Asked, list[Run]]:
    """The runs of everything that was asked more than once, in their order."""
    found: dict[Asked, list[Run]] = {}
    for run in runs:
        found.setdefault(run.asked, []).append(run)
    return {asked: group for asked, group in found.items() if len(group) > 1}


def agree(group: Sequence[Run]) -> bool:
    """Whether all have one output."""
    return len({run.output for run in group}) == 1


def never_agree(group: Sequence[Run]) -> bool:
    """Whether no two have the same output."""
    return len({run.output for run in group}) == len(group)


def by_time(group: Sequence[Run]) -> bool:
    """Quick neighbours agree, none that a pause lies between, and no output ever comes back."""
    blocks = [run.output for n, run in enumerate(group) if not n or group[n - 1].output != run.output]
    held = any(one.output == other.output for one, other in pairwise(group))
    crossed = any(one.pauses != other.pauses and one.output == other.output for one, other in pairwise(group))
    waited = len({run.pauses for run in group}) > 1
    return held and waited and not crossed and len(blocks) == len(set(blocks))


def by_process(groups: Groups) -> bool:
    """Within a process everything agrees, across processes something does not."""
    parts: dict[tuple[Asked, int], list[Run]] = {}
    for asked, group in groups.items():
        for run in group:
            parts.setdefault((asked, run.process), []).append(run)
    return all(agree(part) for part in parts.values())


def by_place(group: Sequence[Run]) -> bool:
    """Outputs change with each prediction of a process and begin again when it is started, or only the first differs.

    Without a second start that begins as the first one did, nothing shows that it is the place.
    """
    firsts = [run for run in group if run.place == 1]
    later = [run for run in group if run.place > 1]
    if len(firsts) < 2 or not later or not agree(firsts):
        return False
    known = {run.output for run in firsts}
    at = {run.place: run.output for run in later}
    steps = all(at[run.place] == run.output for run in later) and len(set(at.values())) == len(at)
    return not known & {run.output for run in later} and (steps or agree(later))


def period(groups: Groups) -> int:
    """Every how many predictions of a process the output is another one; 0 where that does not fit every run."""
    for length in range(2, LONGEST_PERIOD + 1):
        if any(recurs(groups, length, turn) for turn in range(length)):
            return length
    return 0


def recurs(groups: Groups, length: int, turn: int) -> bool:
    """Whether every output is decided by whether its place is this turn of the period, seen twice at least."""
    turns = others = 0
    for group in groups.values():
        this, rest = ([run for run in group if (run.place % length == turn) is now] for now in (True, False))
        if any(part and not agree(part) for part in (this, rest)):
            return False
        if this and rest:
            if this[0].output == rest[0].output:
                return False
            turns, others = turns + len(this), others + len(rest)
    return turns > 1 and others > 1 and turns + others > 5


def by_order(group: Sequence[Run]) -> bool:
    """An output depends on what was asked before it: on the one before, or on all of them."""
    pairs = [(one, other) for one, other in pairwise(group) if one.process == other.process]
    kept = [one.output == other.output for one, other in pairs if other.after == other.asked]
    sticky = bool(kept) and all(kept)
    clean = [run for run in group if run.after in (None, run.asked)]
    by_one = followed_alike(group) and (sticky or (len(clean) > 1 and agree(clean)))
    return by_one or (sticky and by_all_before(group))


def by_all_before(group: Sequence[Run]) -> bool:
    """An output changes only where something new was asked meanwhile, does so more than once, and never comes back."""
    changes = 0
    for process in {run.process for run in group}:
        part = [run for run in group if run.process == process]
        steps = [(one, other) for one, other in pairwise(part) if one.output != other.output]
        blocks = [part[0].output, *(other.output for _, other in steps)]
        if len(set(blocks)) < len(blocks) or any(one.known == other.known for one, other in steps):
            return False
        changes += len(steps)
    return changes > 1


def followed_alike(group: Sequence[Run]) -> bool:
    """Whether runs that followed the same one agree, and one that followed another differs from its like."""
    outputs: dict[Asked, set[tuple[str, ...]]] = {}
    for run in group:
        if run.after not in (None, run.asked):
            outputs.setdefault(run.after, set()).add(run.output)
    alike = bool(outputs) and all(len(seen) == 1 for seen in outputs.values())
    return alike and not by_process({group[0].asked: group})


def proved_order(group: Sequence[Run]) -> bool:
    """Whether the order was tried twice with the same result."""
    usual = {run.output for run in group if run.after in (None, run.asked)}
    after = Counter((run.after, run.output) for run in group if run.output not in usual)
    return any(count > 1 for count in after.values()) or by_all_before(group)


def causes(runs: Sequence[Run], main: Asked, final: bool) -> list[str]:
    """The codes of what the runs are consistent with; empty when all agree. `main` is what was asked first.

    `final` says that no further runs come: what is a guess until then is unexplained.
    """
    groups = grouped(runs)
    apart = {asked: group for asked, group in groups.items() if not agree(group)}
    if not apart:
        return []
    if main in apart:
        return [of_main(groups[main], groups, final)]
    if all(never_agree(group) for group in apart.values()):
        return list(dict.fromkeys(map(of_seed, apart)))
    return ["state-between-predictions" if period(groups) else "not-explained"]


def of_seed(asked: Asked) -> str:
    """The cause where this alone never repeats, and what was asked first does."""
    if asked[0] == 0:
        return "seed-zero-unused"
    return "large-seed-unused" if asked[0] >= 2**32 else "unseeded-randomness"


def of_main(group: Sequence[Run], groups: Groups, final: bool) -> str:
    """The cause where what was asked first gave several outputs."""
    if by_time(group):
        return "time-in-output"
    if by_process(groups):
        return "hash-randomisation"
    if by_place(group):
        return "state-between-predictions"
    if never_agree(group):
        return "unseeded-randomness"
    every = period(groups)
    if by_order(group) and (proved_order(group) or not (every or final)):
        return "order-leak"
    return "state-between-predictions" if every else "not-explained"


def unclear(runs: Sequence[Run], main: Asked, codes: Sequence[str]) -> Run | None:
    """The first run that differs from its like, where a few more would tell more; None where all is clear."""
    groups = grouped(runs)
    if not codes or codes[0] == "time-in-output":
        return None
    if codes[0] == "hash-randomisation":
        later = [run for run in groups[main] if run.process > groups[main][0].process]
        return later[0] if len(later) == 1 else None
    if main in groups and not agree(groups[main]):
        if codes[0] == "state-between-predictions" and by_place(groups[main]):
            return None
        if codes[0] == "unseeded-randomness" or (codes[0] == "order-leak" and proved_order(groups[main])):
            return None
    apart = [group for group in groups.values() if not agree(group)]
    return next(run for group in apart for run in group if run.output != group[0].output)
