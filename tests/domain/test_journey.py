"""The journey: records come back as they went in, private keys are never shown, a damaged record has words."""

from __future__ import annotations

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbius_tui.domain import events
from arbius_tui.domain.errors import Failure, NotReady, Problem
from arbius_tui.domain.journey import STEPS, Journey, Place, order
from arbius_tui.domain.records import RegisterRecord, RunRecord, SeedTestRecord
from arbius_tui.domain.secret import Secret


def test_eleven_steps_in_their_order() -> None:
    assert len(STEPS) == 11
    assert (order("checks"), order("register"), order("after")) == (1, 9, 11)


@given(st.text(), st.integers(0, 2**31), st.text())
def test_a_record_comes_back(url: str, pid: int, cog: str) -> None:
    record = RunRecord(url=url, pid=pid, cog=cog)
    assert Journey("p").having(record).get(RunRecord) == record


def test_nested_records_come_back() -> None:
    record = SeedTestRecord(True, ("a", "b"), ({"id": "first", "seed": 2**53 - 17},), "image/png")
    journey = Journey("p").having(record)
    through_json = Journey("p", records=json.loads(json.dumps(journey.records)))
    assert through_json.get(SeedTestRecord) == record


def test_a_damaged_record_has_words() -> None:
    journey = Journey("p", records={"run": {"url": "x", "pid": "many"}})
    with pytest.raises(NotReady) as caught:
        journey.get(RunRecord)
    assert caught.value.problem.code == "state-damaged"
    assert caught.value.problem.fix


def test_unknown_keys_of_a_later_version_are_ignored() -> None:
    assert Journey("p", records={"run": {"url": "x", "colour": "blue"}}).get(RunRecord) == RunRecord(url="x")


def test_a_signed_transaction_is_journaled_and_never_shown() -> None:
    record = RegisterRecord(raw="0x02f8canary", tx_hash="0x1")
    assert "canary" in json.dumps(Journey("p").having(record).records)
    assert "canary" not in json.dumps(events.body(events.Saved(record)))


def test_place_moves_and_keeps_other_states() -> None:
    journey = Journey("p", states={"checks": "ok"}).having(Place("run", {"run": "run"}))
    assert (journey.at, journey.state("checks"), journey.state("run"), journey.state("pin")) == (
        "run",
        "ok",
        "run",
        "-",
    )


def test_a_secret_shows_itself_to_nobody() -> None:
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {secret:>10}"
    assert secret.reveal() == "hunter2"
    assert len(secret) == 7
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_events_have_the_keys_that_scripts_read() -> None:
    problem = events.body(events.Trouble(Problem("some-code", "what")))
    assert set(problem) >= {"code", "severity", "what", "why", "fix", "detail"}
    assert events.body(events.Done(False, 4)) == {"ok": False, "exit": 4, "result": {}}
    kinds = (events.Started, events.Line, events.Progress, events.Found, events.Trouble, events.Saved, events.Done)
    assert [e.name for e in kinds] == ["started", "line", "progress", "found", "problem", "saved", "done"]


def test_exit_codes_are_those_of_the_table() -> None:
    codes = {kind.__name__: kind.exit_code for kind in Failure.__subclasses__()}
    assert codes == {
        "BadInput": 2, "NotReady": 3, "NotReproducible": 4, "TemplateInvalid": 5, "PinFailed": 6, "WrongChain": 7,
        "InsufficientFunds": 8, "TransactionFailed": 9, "NeedsInput": 10,
    }  # fmt: skip
    assert Failure.exit_code == 1
