"""What scripts rely on: one JSON object a line, an envelope, the last line `done`; text that is inert."""

from __future__ import annotations

import io
import json
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbius_tui.domain.errors import Fix, Problem
from arbius_tui.domain.events import Done, Event, Found, Line, Progress, Saved, Started, Trouble
from arbius_tui.domain.journey import STEPS
from arbius_tui.domain.records import RegisterRecord
from arbius_tui.plain import lines
from arbius_tui.plain.faces import JsonFace, TextFace, complain
from arbius_tui.services.ports import Check
from arbius_tui.steps.register import Review
from arbius_tui.steps.sending import Sent

EVENTS: list[Event] = [
    Started("Checks"),
    Line("a line", "source"),
    Progress("cases", 1, 9, "cases"),
    Found(Check("docker", "containers", "FAIL", "none", "why", ("run",), Fix("start it", "systemctl start docker"))),
    Trouble(Problem("some-code", "what", "why", Fix("fix", "command"), "raw\nlines")),
    Saved(RegisterRecord(raw="0xsecretraw", tx_hash="0x1")),
    Done(False, 4, {"cases": []}),
]


def test_every_event_is_a_line_in_its_envelope() -> None:
    out = io.StringIO()
    face = JsonFace(out)
    for event in EVENTS:
        face.show("checks", event)
    face.end(True, 0, {"model_id": "0x1"})
    shown = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [e["event"] for e in shown] == ["started", "line", "progress", "found", "problem", "saved", "done", "done"]
    for event in shown[:-1]:
        assert (event["v"], event["step"]) == (1, "checks")
        assert datetime.fromisoformat(event["at"]).tzinfo
    assert shown[3]["kind"] == "check"
    assert shown[3]["fix"] == {"text": "start it", "command": "systemctl start docker"}
    assert shown[4]["severity"] == "error"
    assert "secretraw" not in out.getvalue()
    assert "step" not in shown[-1]


def test_a_problem_ends_with_done() -> None:
    out = io.StringIO()
    complain(JsonFace(out), Problem("usage", "wrong"), 2)
    first, last = (json.loads(line) for line in out.getvalue().splitlines())
    assert (first["event"], first["code"], last["event"], last["exit"], last["ok"]) == (
        "problem",
        "usage",
        "done",
        2,
        False,
    )


def test_one_answer_stands_alone_on_stdout() -> None:
    out, err = io.StringIO(), io.StringIO()
    face = TextFace(err, err, out)
    for event in EVENTS:
        face.show("checks", event)
    face.end(True, 0, {}, "QmAnswer")
    assert out.getvalue() == "QmAnswer\n"
    assert "FAIL" in err.getvalue()


@pytest.mark.parametrize("event", EVENTS, ids=lambda e: e.name)
def test_text_draws_no_boxes_and_no_colours(event: Event) -> None:
    for line in lines.text("checks", event):
        assert line.isascii()
        assert "\x1b" not in line


@given(st.text(), st.sampled_from(STEPS))
def test_hostile_text_cannot_steer_the_terminal(text: str, step: str) -> None:
    review = Review(text, text, "ok", text, text)
    shown = "\n".join(lines.text(step, Found(review)) + lines.text(step, Trouble(Problem("c", "w", detail=text))))
    assert "\x1b" not in shown
    assert "\x9b" not in shown


def test_a_review_row_is_shown_in_full() -> None:
    short = Review("from", "0x52aC81F0..91D0  nonce 14", "ok", "keyring", "0x52aC81F0b6E34D7a9C15f8203Be47d6A0c9E91D0")
    (line,) = lines.text("register", Found(short))
    assert "0x52aC81F0b6E34D7a9C15f8203Be47d6A0c9E91D0" in line
    assert "nonce 14" in line


def test_a_transaction_is_one_line() -> None:
    (line,) = lines.text("register", Found(Sent("tx", "mined", "0xabc", 3, 7)))
    assert line.split() == ["mined", "0xabc", "nonce", "3", "block", "7"]
