"""The diagnosis is built on what agrees with what; each row is a pattern that was measured on a real server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbius_tui.domain.errors import Problem
from arbius_tui.domain.reproducibility import (
    LARGEST_SEED,
    Case,
    Hashed,
    Outcome,
    diagnose,
    judge,
    letters,
    prove,
    standard_cases,
)

CASES = {case.id: case for case in standard_cases()}


def ran(case: str, *digests: str) -> Outcome:
    outputs = tuple(Hashed(f"out-{n}.png", "image/png", 10, digest) for n, digest in enumerate(digests, 1))
    return Outcome(CASES[case], outputs)


def failed(case: str, code: str = "model-failed") -> Outcome:
    return Outcome(CASES[case], problem=Problem(code, "it says no"))


def pattern(text: str) -> list[Outcome]:
    """One letter a case, in the standard order; `!` failed, `-` skipped."""
    found = []
    for case, letter in zip(standard_cases(), text, strict=True):
        if letter == "!":
            found.append(failed(case.id))
        elif letter == "-":
            found.append(Outcome(case, skipped="not ours"))
        else:
            found.append(ran(case.id, letter))
    return found


#   first again other first-again after-pause after-restart zero 2^32 largest
PATTERNS = {
    "AABAAACDE": None,
    "AABAA-CDE": None,
    "ABCDEFGHI": "unseeded-randomness",
    "ABCDEAFGH": "state-between-predictions",
    "AABAACDEF": "hash-randomisation",
    "AABACDEFG": "time-in-output",
    "ABCBDEFGH": "time-in-output",
    "AABCDEFGH": "time-in-output",
    "AAAAAABCD": "seed-ignored",
    "AABAAAC!!": "seed-over-32-bits",
    "AABCCADEF": "order-leak",
    "!!!!!!!!!": "model-failed",
}


@pytest.mark.parametrize(("text", "code"), PATTERNS.items())
def test_pattern_gives_its_diagnosis(text: str, code: str | None) -> None:
    proof = prove(pattern(text))
    assert [p.code for p in proof.diagnosis] == ([code] if code else [])
    assert proof.reproducible is (code is None)


def test_largest_seed_is_what_a_miner_can_send() -> None:
    assert LARGEST_SEED == 9007199254740975
    assert LARGEST_SEED in {case.seed for case in standard_cases()}


def test_same_seed_with_other_bytes_is_a_blocker() -> None:
    verdict = judge(ran("again", "B"), ran("first", "A"))
    assert (verdict.verdict, verdict.wanted) == ("BLOCKER", False)


def test_a_failed_case_is_never_the_same() -> None:
    verdict = judge(failed("again"), failed("first"))
    assert (verdict.verdict, verdict.wanted) == ("BLOCKER", False)


def test_timeout_has_its_own_verdict() -> None:
    assert judge(failed("again", "timeout"), ran("first", "A")).verdict == "TIMEOUT"


def test_count_of_outputs_is_part_of_the_answer() -> None:
    outcomes = [ran("first", "A"), ran("again", "A", "A"), ran("other-seed", "B")]
    assert "output-shape" in {p.code for p in diagnose(outcomes)}


def test_too_few_cases_prove_nothing() -> None:
    assert not prove([ran("first", "A"), ran("again", "A")]).reproducible


def test_every_diagnosis_has_words_and_a_fix() -> None:
    for text in PATTERNS:
        for problem in prove(pattern(text)).diagnosis:
            assert problem.what
            assert problem.why
            assert problem.fix
            assert problem.fix.text


@given(st.text(alphabet="ABC!-", min_size=9, max_size=9))
def test_reproducible_means_what_it_says(text: str) -> None:
    outcomes = pattern(text)
    proof = prove(outcomes)
    if proof.reproducible:
        same = [o for o in outcomes if o.case.expect in ("base", "same") and not o.skipped]
        assert len({o.digests for o in same}) == 1
        assert all(o.problem is None for o in outcomes)
        assert not proof.diagnosis


@given(st.text(alphabet="ABC!-", min_size=9, max_size=9))
def test_equal_outputs_and_only_they_share_a_letter(text: str) -> None:
    outcomes = pattern(text)
    given_letters = letters(outcomes)
    for one in outcomes:
        for other in outcomes:
            if one.ran and other.ran:
                same = given_letters[one.case.id] == given_letters[other.case.id]
                assert same == (one.digests == other.digests)


def test_cases_are_named_once() -> None:
    assert len(CASES) == len(standard_cases())
    assert all(isinstance(case, Case) for case in CASES.values())
