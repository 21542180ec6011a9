"""Models as functions of what they should not depend on: the diagnosis names that, or says that it cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbius_tui.domain.cases import Case, cases_for
from arbius_tui.domain.errors import Problem
from arbius_tui.domain.inputs import ModelInput, sample
from arbius_tui.domain.reproducibility import Hashed, Outcome, further, prove

INPUTS = (
    ModelInput("prompt", "string", 0, False, "x", True),
    ModelInput("seed", "integer", 1, False, 0, True),
)


@dataclass
class Model:
    """A server's life: how often it was started, what it was asked since then, and how many seconds have passed."""

    process: int = 0
    asked: list[tuple[int, str]] = field(default_factory=list)
    second: int = 0
    random: Random = field(default_factory=lambda: Random(0))

    def before(self, case: Case) -> tuple[int, str]:
        """Pause and restart; the seed and the prompt."""
        self.second += 2 if case.before else 0
        if case.before == "restart":
            self.process, self.asked = self.process + 1, []
        self.asked.append((case.seed, str(case.inputs.get("prompt", "x"))))
        return self.asked[-1]


Answer = Callable[[Model, int, str], object]


def diagnosed(answer: Answer, skip_restart: bool = False) -> set[str]:
    """The codes after the standard cases and what they ask for."""
    model, outcomes = Model(), list[Outcome]()

    def run(case: Case) -> None:
        if case.before == "restart" and skip_restart:
            outcomes.append(Outcome(case, skipped="not ours"))
            return
        seed, prompt = model.before(case)
        try:
            said = repr(answer(model, seed, prompt))
            outcomes.append(Outcome(case, (Hashed("out-1.txt", "text/plain", len(said), said),)))
        except ValueError as error:
            outcomes.append(Outcome(case, problem=Problem("model-failed", str(error))))

    for case in cases_for(INPUTS, sample(INPUTS)):
        run(case)
    for case in further(outcomes):
        run(case)
    return {problem.code for problem in prove(outcomes).diagnosis}


def above(seed: int, limit: int) -> int:
    if seed > limit:
        raise ValueError("too large")
    return seed


KNOWN: dict[str, tuple[Answer, set[str]]] = {
    "all is well": (lambda m, s, p: (s, p), set()),
    "the clock": (lambda m, s, p: (s, p, m.second), {"time-in-output"}),
    "the process": (lambda m, s, p: (s, p, m.process), {"hash-randomisation"}),
    "how many before": (lambda m, s, p: (s, p, len(m.asked)), {"state-between-predictions"}),
    "first or not": (lambda m, s, p: (s, p, len(m.asked) == 1), {"state-between-predictions"}),
    "the one before": (lambda m, s, p: (s, p, m.asked[-2:][0]), {"order-leak"}),
    "prompt before": (lambda m, s, p: (s, p, m.asked[-2:][0][1]), {"order-leak"}),
    "all before": (lambda m, s, p: (s, p, len(set(m.asked))), {"order-leak"}),
    "chance": (lambda m, s, p: m.random.random(), {"unseeded-randomness"}),
    "no seed": (lambda m, s, p: p, {"seed-ignored"}),
    "no prompt": (lambda m, s, p: s, {"prompt-ignored"}),
    "neither": (lambda m, s, p: 1, {"seed-ignored", "prompt-ignored"}),
    "seed 0 is none": (lambda m, s, p: (s or m.random.random(), p), {"seed-zero-unused"}),
    "large seeds are none": (lambda m, s, p: (s if s < 2**32 else m.random.random(), p), {"large-seed-unused"}),
    "a large seed is capped": (lambda m, s, p: (min(s, 2**32), p), {"seed-ignored"}),
    "32 bits": (lambda m, s, p: (s % 2**32, p), set()),
    "too large above 31 bits": (lambda m, s, p: (above(s, 2**31 - 1), p), {"seed-over-32-bits"}),
    "too large above 2**32": (lambda m, s, p: (above(s, 2**32), p), {"seed-over-32-bits"}),
    "one in three by chance": (lambda m, s, p: (s, p, m.random.random() < 0.34), {"not-explained"}),
}  # fmt: skip


@pytest.mark.parametrize("what", KNOWN)
def test_what_an_output_depends_on_is_named(what: str) -> None:
    answer, codes = KNOWN[what]
    assert diagnosed(answer) == codes


@pytest.mark.parametrize("what", [w for w in KNOWN if w not in ("the process", "how many before", "first or not")])
def test_most_of_it_needs_no_restart(what: str) -> None:
    answer, codes = KNOWN[what]
    assert diagnosed(answer, skip_restart=True) == codes


@given(length=st.integers(2, 6), turn=st.integers(0, 5))
def test_every_so_many_predictions_is_a_state_or_not_explained(length: int, turn: int) -> None:
    found = diagnosed(lambda m, s, p: (s, p, len(m.asked) % length == turn % length))
    assert found <= {"state-between-predictions", "not-explained"}, "never another cause"
    assert found or length > 3, "two of three turns are always seen"


def test_chance_is_seldom_taken_for_something_else() -> None:
    wrong = 0
    for start in range(300):
        chance = Random(start)
        share = (0.05, 0.1, 0.2)[start % 3]
        wrong += bool(diagnosed(lambda m, s, p, c=chance, share=share: (s, p, c.random() < share)) - CHANCE)
    assert wrong <= 15, "a coin can look like anything, but not often"


CHANCE = {"not-explained", "unseeded-randomness"}


@given(st.integers(0, 10**6))
def test_a_model_that_repeats_itself_asks_for_no_more(start: int) -> None:
    outcomes = []
    for case in cases_for(INPUTS, sample(INPUTS)):
        said = repr((start, case.seed, sorted(case.inputs.items())))
        outcomes.append(Outcome(case, (Hashed("out-1.txt", "text/plain", 1, said),)))
    assert further(outcomes) == ()
    assert prove(outcomes).reproducible
