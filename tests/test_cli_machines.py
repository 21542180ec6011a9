"""Other machines on the command line: flags, exit codes, and a token that shows itself nowhere."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from arbius_tui import cli
from arbius_tui.services import replicate as module
from tests.replicate_double import TOKEN, Replicate, replicate
from tests.steps.test_seed_machines import text

HOSTED = "replicate:owner/name"


@contextmanager
def running(model: Callable[[Mapping[str, Any]], Any]) -> Iterator[Replicate]:
    """The double in a thread of its own: the command line has the main one."""
    doubles: list[Replicate] = []
    loop, up, over = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with replicate(model, looks=0) as double:
            doubles.append(double)
            up.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        up.wait()
        yield doubles[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()


@pytest.fixture
def double(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Replicate]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.setattr(module, "POLL", (0.001, 0.01))
    with running(text) as found:
        monkeypatch.setattr(module, "API", found.base)
        yield found


@pytest.fixture
def token_file(tmp_path: Path) -> str:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\nmore\n")
    return str(path)


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    """The exit code and every line of JSON."""
    code = cli.run_cli([*arguments, "--json"])
    said = capsys.readouterr()
    assert TOKEN not in said.out + said.err
    return code, [json.loads(line) for line in said.out.splitlines()]


def problem(lines: list[dict[str, Any]]) -> str:
    return next(str(line["code"]) for line in lines if line["event"] == "problem")


def test_a_hosted_model_is_proved_with_a_token_from_a_file(
    double: Replicate, token_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ("--token-file", token_file, "--gpu", "Nvidia A40, 535", "--report", "report")
    code, lines = ran(capsys, "seed-test", "--endpoint", HOSTED, *flags)
    assert code == 0
    (server,) = lines[-1]["result"]["endpoints"]
    assert (server["url"], server["gpu"], server["driver"], server["cog"]) == (HOSTED, "Nvidia A40", "535", "0.16.8")
    page = (tmp_path / "report" / "seed-test.md").read_text()
    assert f"server `1`: `{HOSTED}`, GPU `Nvidia A40`, driver `535`, cog `0.16.8`" in page
    everything = b"".join(path.read_bytes() for path in (tmp_path / "report").iterdir())
    assert TOKEN.encode() not in everything


def test_without_a_token_it_says_where_to_get_one(double: Replicate, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = ran(capsys, "seed-test", "--endpoint", HOSTED)
    assert (code, problem(lines)) == (3, "replicate-no-token")
    assert double.asked == []


def test_a_token_that_replicate_refuses_is_not_kept(
    double: Replicate, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("r8_nobodys_token_at_all\n")
    code, lines = ran(capsys, "login", "--api", "--token-file", str(wrong))
    assert (code, problem(lines)) == (3, "replicate-token")
    wrong.write_text("not a token\n")
    code, lines = ran(capsys, "login", "--api", "--token-file", str(wrong))
    assert (code, problem(lines)) == (2, "replicate-token")
    assert double.asked == ["GET /v1/account"]


def test_a_token_is_kept_in_a_keyring_or_nowhere(
    double: Replicate, token_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines = ran(capsys, "login", "--api", "--token-file", token_file)
    assert (code, problem(lines)) == (3, "keyring-unavailable")
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and path != Path(token_file)]
    assert not [path for path in kept if TOKEN.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (("--docker", "http://127.0.0.1:5000"), "bad-server"),
        (("--docker", "-H"), "bad-server"),
        (("--endpoint", "gpu-box"), "bad-endpoint"),
        (("--endpoint", "replicate:owner"), "bad-server"),
        (("--endpoint", "http://127.0.0.1:9", "--image", "x"), "usage"),
        (("--endpoint", HOSTED, "--endpoint", "gpu-box"), "bad-endpoint"),
        (("--endpoint", HOSTED, "--docker", "gpu-box"), "no-image-named"),
        (("--endpoint", HOSTED, "--gpu", "9=A100"), "gpu-flag"),
        (("--endpoint", HOSTED, "--token-file", "no-such-file"), "password-file"),
    ],
)
def test_wrong_flags_are_refused_in_words(
    double: Replicate, token_file: str, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], code: str
) -> None:
    given = flags if "--token-file" in flags else (*flags, "--token-file", token_file)
    exit_code, lines = ran(capsys, "seed-test", *given)
    assert (exit_code, problem(lines)) == (2, code)
    assert next(line for line in lines if line["event"] == "problem")["fix"]
    assert double.predictions == {}
