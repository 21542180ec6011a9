"""The token of a store: kept in a real keyring under its place, asked for unseen, and never shown."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from arbius_tui.domain.errors import NeedsInput, NotReady, PinFailed
from arbius_tui.domain.questions import Question
from arbius_tui.domain.secret import Secret
from arbius_tui.services import notes
from arbius_tui.services.pin_tokens import StoreToken
from arbius_tui.steps.pin_ways import admitted
from tests import parts

CANARY = "jwt-canary-5b0e"
CLIENT = """
import asyncio, sys
from arbius_tui.domain.secret import Secret
from arbius_tui.services.pin_tokens import StoreToken

async def main():
    print(await StoreToken("https://a").remembered())
    given = StoreToken("https://a", Secret(sys.stdin.read().strip()))
    print(await given.keep())
    found = await StoreToken("https://a").remembered()
    print(found, len(found), await StoreToken("https://b").remembered())

asyncio.run(main())
"""


@pytest.mark.real
def test_a_real_keyring_keeps_it_for_this_place_alone(tmp_path: Path) -> None:
    script = parts.need("keyring")
    env = {key: value for key, value in os.environ.items() if key != "PYTHON_KEYRING_BACKEND"}
    argv = [script, "--state", str(tmp_path), "--", sys.executable, "-c", CLIENT]
    done = subprocess.run(argv, input=f"{CANARY}\n", env=env, capture_output=True, text=True, start_new_session=True)
    assert done.stdout.splitlines() == ["None", "Secret Service", f"<secret> {len(CANARY)} None"], done.stderr
    assert CANARY not in done.stdout + done.stderr


async def test_without_a_keyring_the_author_is_asked_and_it_says_that_nothing_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("keyring.get_keyring", object)
    token = StoreToken("https://a", Secret(CANARY))
    assert await token.remembered() is None
    with pytest.raises(NotReady) as failure:
        await token.keep()
    assert failure.value.problem.code == "keyring-unavailable"
    assert CANARY not in repr(vars(token)) + str(failure.value.problem)


class Kept:
    """A keyring's entry for a store."""

    place = "https://a"

    def __init__(self, known: str = "") -> None:
        self.known, self.kept = known, 0

    async def remembered(self) -> Secret | None:
        return Secret(self.known) if self.known else None

    async def keep(self) -> str:
        self.kept += 1
        return "Secret Service"


class Store:
    """Wants the canary."""

    def __init__(self, known: str = "") -> None:
        self.token, self.given = Kept(known), ""

    async def give(self, token: Secret) -> None:
        self.given = token.reveal()

    async def work(self) -> str:
        if self.given != CANARY:
            raise PinFailed("ipfs-refused", "a wants a token" if not self.given else "a does not accept the token")
        return "done"


class Person:
    """Types this, and consents or not."""

    def __init__(self, typed: str | None, keep: str = "no") -> None:
        self.typed, self.keep, self.asked = typed, keep, list[str]()

    async def __call__(self, question: Question) -> str:
        self.asked.append(question.id)
        return self.keep

    async def secret(self, question: Question) -> Secret:
        self.asked.append(question.id)
        if self.typed is None:
            raise NeedsInput("needs-input", question.text)
        return Secret(self.typed)

    terminal: Callable[[], Any]


Work = Callable[[], Awaitable[str]]


async def test_the_keyring_comes_before_the_question() -> None:
    store, person = Store(CANARY), Person(None)
    assert await admitted(store, store.work, person) == "done"
    assert person.asked == []


@pytest.mark.parametrize(("keep", "kept"), [("yes", 1), ("no", 0)])
async def test_a_token_that_was_typed_and_worked_may_be_kept(keep: str, kept: int) -> None:
    store, person, heard = Store("an old one"), Person(CANARY, keep), list[str]()
    with notes.heard(heard.append):
        assert await admitted(store, store.work, person) == "done"
    assert person.asked == ["ipfs-token", "keep-ipfs-token"]
    assert store.token.kept == kept
    assert CANARY not in str(heard)


async def test_a_wrong_token_is_kept_nowhere_and_nobody_to_ask_is_the_refusal_itself() -> None:
    store, person = Store(), Person("wrong")
    with pytest.raises(PinFailed) as failed:
        await admitted(store, store.work, person)
    assert "does not accept" in failed.value.problem.what
    assert person.asked == ["ipfs-token"]
    for typed in (None, ""):
        with pytest.raises(PinFailed) as failed:
            await admitted(Store(), Store().work, Person(typed))
        assert failed.value.problem.code == "ipfs-refused"
