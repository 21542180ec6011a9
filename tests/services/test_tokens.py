"""Replicate's API token: given, kept in a real keyring, and never shown."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from arbius_tui.domain.errors import BadInput, NotReady
from arbius_tui.domain.secret import Secret
from arbius_tui.services.tokens import ReplicateToken
from tests import parts
from tests.replicate_double import TOKEN

CLIENT = """
import asyncio, sys
from arbius_tui.domain.secret import Secret
from arbius_tui.services.tokens import ReplicateToken

async def main():
    print(await ReplicateToken().known())
    given = ReplicateToken()
    given.give(Secret(sys.stdin.read()))
    print(await given.keep())
    found = await ReplicateToken().get()
    print(found, len(found))

asyncio.run(main())
"""


@pytest.mark.real
def test_a_real_keyring_keeps_it(tmp_path: Path) -> None:
    script = parts.need("keyring")
    env = {key: value for key, value in os.environ.items() if key != "PYTHON_KEYRING_BACKEND"}
    argv = [script, "--state", str(tmp_path), "--", sys.executable, "-c", CLIENT]
    done = subprocess.run(argv, input=f"{TOKEN}\n", env=env, capture_output=True, text=True, start_new_session=True)
    assert done.stdout.splitlines() == ["False", "Secret Service", f"<secret> {len(TOKEN)}"], done.stderr
    assert TOKEN not in done.stdout + done.stderr


async def test_without_a_keyring_there_is_no_token_and_it_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyring.get_keyring", object)
    token = ReplicateToken()
    with pytest.raises(NotReady) as failure:
        await token.get()
    assert failure.value.problem.code == "replicate-no-token"
    assert "keyring" in failure.value.problem.detail
    assert not await token.known()
    token.give(Secret(f"  {TOKEN}\n"))
    assert await token.known()
    assert (await token.get()).reveal() == TOKEN
    with pytest.raises(NotReady) as failure:
        await token.keep()
    assert failure.value.problem.code == "keyring-unavailable"
    assert TOKEN not in repr(vars(token))


@pytest.mark.parametrize("text", ["", "short", "two words are none", "r8_\n\n\nx", "r8_ümlaut_token"])
def test_what_can_be_no_token_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(BadInput) as failure:
        ReplicateToken().give(Secret(text))
    assert failure.value.problem.code == "replicate-token"
    assert not text or text not in repr(failure.value.problem)
