"""The diagnosis is built on what agrees with what; each row is a pattern that was measured on a real server."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbius_tui.domain.cases import LARGEST_SEED, Case, standard_cases
from arbius_tui.domain.errors import Problem
from arbius_tui.domain.reproducibility import (
    LETTERS,
    Hashed,
    Letters,
    Outcome,
    compare_servers,
    diagnose,
    judge,
    prove,
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


# first again other first-again after-pause after-restart | zero again 2^32-1 2^32 largest again
PATTERNS = {
    "AABAAACCDEFF": None,
    "AABAA-CCDEFF": None,
    "AABAAACCDCFF": None,  # the seed is reduced to 32 bits
    "ABCDEFGHIJKL": "unseeded-randomness",
    "ABCDEAFGHIJK": "state-between-predictions",
    "AABAACDDEFGG": "hash-randomisation",
    "AABACDEFGHIJ": "time-in-output",
    "ABCBDEFGHIJK": "time-in-output",
    "AABCDEFGHIJK": "time-in-output",
    "AAAAAABBCDEE": "seed-ignored",
    "AABAAACC!!!!": "seed-over-32-bits",
    "AABAAACCD!!!": "seed-over-32-bits",
    "AABCCADDEFGG": "order-leak",
    "AABAAACDEFGG": "seed-zero-unused",
    "AABAAACCDEFG": "large-seed-unused",
    "AABAAA!!CDEE": "model-failed",
    "!!!!!!!!!!!!": "model-failed",
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
    verdict = judge(ran("again", "B"), {"first": ran("first", "A")})
    assert (verdict.verdict, verdict.wanted) == ("BLOCKER", False)


def test_a_failed_case_is_never_the_same() -> None:
    verdict = judge(failed("again"), {"first": failed("first")})
    assert (verdict.verdict, verdict.wanted) == ("BLOCKER", False)


def test_timeout_has_its_own_verdict() -> None:
    assert judge(failed("again", "timeout"), {"first": ran("first", "A")}).verdict == "TIMEOUT"


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


@given(st.text(alphabet="ABC!-", min_size=12, max_size=12))
def test_reproducible_means_what_it_says(text: str) -> None:
    outcomes = pattern(text)
    proof = prove(outcomes)
    if proof.reproducible:
        runs = {o.case.id: o for o in outcomes}
        same = [o for o in outcomes if o.case.expect == "same" and not o.skipped]
        assert all(o.digests == runs[o.case.against].digests for o in same)
        assert all(o.problem is None for o in outcomes)
        assert not proof.diagnosis


@given(st.text(alphabet="ABC!-", min_size=12, max_size=12))
def test_equal_outputs_and_only_they_share_a_letter(text: str) -> None:
    outcomes = pattern(text)
    given = Letters()
    given_letters = {o.case.id: given.of(o) for o in outcomes}
    for one in outcomes:
        for other in outcomes:
            if one.ran and other.ran:
                same = given_letters[one.case.id] == given_letters[other.case.id]
                assert same == (one.digests == other.digests)


def test_different_outputs_never_share_a_letter_however_many_there_are() -> None:
    cases = [Case(f"c{n}", f"case {n}", n, "runs") for n in range(80)]
    outcomes = [Outcome(case, (Hashed("a", "image/png", 1, case.id),)) for case in cases]
    given = Letters()
    assert [letter for letter in map(given.of, outcomes) if letter] == list(LETTERS)


def near(case: str, note: str) -> Outcome:
    return replace(ran(case, f"~{case}"), near=note)


def test_bytes_that_differ_around_the_same_picture_are_near_and_metadata() -> None:
    outcomes = [ran("first", "A"), near("again", "tEXt"), ran("other-seed", "B"), near("first-again", "tEXt")]
    proof = prove(outcomes)
    assert [proof.judged[id].verdict for id in ("again", "first-again")] == ["NEAR", "NEAR"]
    assert not proof.reproducible
    assert [p.code for p in proof.diagnosis] == ["metadata-only"]
    assert "tEXt" in proof.diagnosis[0].detail


def test_one_repeat_that_is_not_near_is_no_metadata() -> None:
    outcomes = [ran("first", "A"), near("again", "tEXt"), ran("other-seed", "B"), ran("first-again", "C")]
    assert [p.code for p in prove(outcomes).diagnosis] == ["unseeded-randomness"]


def test_a_failure_says_at_which_inputs() -> None:
    wide = Case("width-1", "width 128", 1, "runs", inputs={"width": 128})
    outcomes = [ran("first", "A"), Outcome(wide, problem=Problem("model-failed", "boom"))]
    (found,) = diagnose(outcomes)
    assert found.code == "model-failed"
    assert "width 128" in found.what


def test_a_server_that_repeats_itself_and_differs_from_the_first_is_other_hardware() -> None:
    found = compare_servers({"1": pattern("AABAAACCDEFF"), "2": pattern("GGHGGGIIJKLL"), "3": pattern("AABAAACCDEFF")})
    assert not found.reproducible
    assert [p.code for p in found.diagnosis] == ["hardware"]
    assert "server 2" in found.diagnosis[0].what
    verdict = found.judged("2", "first")
    assert verdict
    assert (verdict.verdict, verdict.wanted) == ("BLOCKER", False)
    same = found.judged("3", "again")
    assert same
    assert same.verdict == "SAME"


def test_a_model_that_never_repeats_itself_tells_nothing_of_hardware() -> None:
    found = compare_servers({"1": pattern("ABCDEFGHIJKL"), "2": pattern("MNOPQRSTUVWX")})
    assert [p.code for p in found.diagnosis] == ["unseeded-randomness"]


def test_servers_that_agree_prove_it() -> None:
    assert compare_servers({"1": pattern("AABAAACCDEFF"), "2": pattern("AABAA-CCDEFF")}).reproducible


def test_a_server_that_is_gone_is_named_and_proves_nothing() -> None:
    lost = [*pattern("AABAAACCDEFF")[:3], *(failed(c.id, "endpoint-lost") for c in standard_cases()[3:4])]
    lost += [Outcome(case, skipped="the server is gone") for case in standard_cases()[4:]]
    found = compare_servers({"1": pattern("AABAAACCDEFF"), "2": lost})
    assert not found.reproducible
    assert [p.code for p in found.diagnosis] == ["endpoint-lost"]
    assert "server 2" in found.diagnosis[0].what


def test_cases_are_named_once() -> None:
    assert len(CASES) == len(standard_cases())
    assert all(isinstance(case, Case) for case in CASES.values())
