"""Who answers: flags and a file, a person on a real terminal, a safe default, or nobody."""

from __future__ import annotations

import asyncio
import io
import os
import pty
import sys
from collections.abc import Iterator

import pytest

from arbius_tui.domain.errors import NeedsInput
from arbius_tui.domain.questions import Choice, Confirm, Consent, Question
from arbius_tui.domain.secret import Secret
from arbius_tui.plain.answers import Answers

FEE = Question("fee", "What fee?", "AIUS, not ETH", default="0", rehearsal="0")
TAIL = Confirm("confirm", "Type the tail", rehearsal="40f2", expected="40f2", fixed="all", later="some", safe="yes")
PICK = Choice("account", "Which?", options=(("a", "first"), ("b", "second")))
RUN = Consent("fix", "Run it?", changes="a service", undo="stop it")


def answers(person: bool = False, rehearsal: bool = False, **given: str) -> Answers:
    return Answers(given, person=person, rehearsal=rehearsal, out=io.StringIO())


async def test_a_flag_answers_first() -> None:
    assert await answers(person=True, fee="3")(FEE) == "3"


async def test_a_default_answers_where_nobody_can() -> None:
    assert await answers()(FEE) == "0"


async def test_an_irreversible_question_has_no_default() -> None:
    with pytest.raises(NeedsInput) as caught:
        await answers()(TAIL)
    assert caught.value.exit_code == 10
    assert '"confirm"' in str(caught.value.problem.fix)


async def test_the_rehearsal_confirms_by_itself_and_says_so() -> None:
    out = io.StringIO()
    assert await Answers({}, person=False, rehearsal=True, out=out)(TAIL) == "40f2"
    assert "40f2" in out.getvalue()


async def test_a_password_is_never_made_up() -> None:
    with pytest.raises(NeedsInput):
        await answers(rehearsal=True).secret(Question("password", "Password"))


async def test_a_password_comes_from_its_file() -> None:
    given = Answers({}, person=False, rehearsal=False, out=io.StringIO(), password=Secret("hunter2"))
    assert (await given.secret(Question("password", "Password"))).reveal() == "hunter2"


@pytest.mark.parametrize("id", ["ipfs-token", "replicate-token"])
async def test_the_password_of_an_account_is_never_somebody_elses_token(id: str) -> None:
    given = Answers({}, person=False, rehearsal=False, out=io.StringIO(), password=Secret("hunter2"))
    with pytest.raises(NeedsInput):
        await given.secret(Question(id, "Token"))


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A real terminal as stdin; what is written to the other end was typed."""
    master, slave = pty.openpty()
    with os.fdopen(slave, "r") as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        yield master
    os.close(master)


@pytest.mark.parametrize(("question", "typed", "answer"), [
    (FEE, "\n", "0"),
    (FEE, "0.5\n", "0.5"),
    (PICK, "9\nx\n2\n", "b"),
    (PICK, "a\n", "a"),
    (RUN, "y\n", "yes"),
    (RUN, "\n", "no"),
    (TAIL, "\n40f2\n", "40f2"),
])  # fmt: skip
async def test_a_person_answers(keyboard: int, question: Question, typed: str, answer: str) -> None:
    os.write(keyboard, typed.encode())
    assert await asyncio.wait_for(answers(person=True)(question), 10) == answer


async def test_waiting_for_a_person_can_be_cancelled(keyboard: int) -> None:
    task = asyncio.create_task(answers(person=True)(FEE))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
