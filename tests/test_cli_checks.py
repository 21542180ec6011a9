"""`arbius-tui check` as a user types it: groups, the guide, a fix by its id, and the exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

EXE = str(Path(sys.executable).parent / "arbius-tui")


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """A machine with nothing on it; its home is empty, and no chain is asked."""
    (tmp_path / "bin").mkdir()
    return {**os.environ, "PATH": str(tmp_path / "bin"), "HOME": str(tmp_path), "IPFS_PATH": str(tmp_path / "ipfs"),
            "DOCKER_HOST": f"unix://{tmp_path}/docker.sock", "DOCKER_CONFIG": str(tmp_path)}  # fmt: skip


def check(machine: dict[str, str], *flags: str, stdin: str = "") -> tuple[int, list[dict[str, Any]], str]:
    """(exit code, events, what people read)"""
    done = subprocess.run(
        [EXE, "check", "--rpc", "http://127.0.0.1:9", *flags],
        capture_output=True, text=True, timeout=90, env=machine, input=stdin,
    )  # fmt: skip
    assert "Traceback" not in done.stdout + done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()] if "--json" in flags else []
    return done.returncode, events, done.stdout + done.stderr


def test_a_bare_machine_fails_with_3_and_every_row_says_what_scripts_want(machine: dict[str, str]) -> None:
    code, events, _ = check(machine, "--json")
    rows = events[-1]["result"]["checks"]
    assert code == events[-1]["exit"] == 3
    assert {row["group"] for row in rows} == {
        "containers", "gpu", "cog", "ipfs", "chain", "repository", "accounts", "host",
    }  # fmt: skip
    for row in rows:
        assert row["why"]
        assert row["found"]
        assert row["state"] not in ("FAIL", "warn") or row["fix"]["text"]
    waits = {row["id"]: (row["found"], row["needs"]) for row in rows if row["state"] == "wait"}
    assert waits["docker-version"] == ("(needs: docker daemon)", ["docker-daemon"])


@pytest.mark.parametrize(("only", "groups"), [("gpu", {"gpu"}), ("repository,ipfs", {"repository", "ipfs"})])
def test_only_some_groups(machine: dict[str, str], only: str, groups: set[str]) -> None:
    _, events, _ = check(machine, "--only", only, "--json")
    assert {row["group"] for row in events[-1]["result"]["checks"]} == groups


def test_what_is_off_or_waits_is_no_failure(machine: dict[str, str]) -> None:
    code, events, _ = check(machine, "--only", "chain", "--json")
    assert {row["state"] for row in events[-1]["result"]["checks"]} == {"off"}
    assert code == 0


def test_the_guide_as_text_and_as_json(machine: dict[str, str]) -> None:
    code, events, _ = check(machine, "--guide", "--json")
    assert (code, len(events[-1]["result"]["drift"]) >= 20) == (0, True)
    _, _, text = check(machine, "--guide")
    assert "instead  install nvidia-container-toolkit" in text


@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [
        (["--guide", "--only", "gpu"], 2, "three questions"),
        (["--only", "nope"], 2, "no group of checks named 'nope'"),
        (["--fix", "nope"], 2, "no group of checks named 'nope'"),
        (["--fix", "ipfs"], 3, "ipfs is a group"),
        (["--fix", "python"], 0, "nothing to mend: python is ok"),
        (["--fix", "ipfs-daemon"], 3, "this one is run by hand"),
        (["--fix", "kubo-binary"], 3, "install Kubo"),
        (["--fix", "docker-daemon", "--no-input"], 10, "a question has no answer"),
    ],
)
def test_a_fix_by_its_id_and_wrong_questions(machine: dict[str, str], flags: list[str], code: int, said: str) -> None:
    found, _, text = check(machine, *flags)
    assert found == code
    assert said in text


def test_a_fix_that_was_agreed_to_is_run_and_looked_at_again(machine: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{,")
    (tmp_path / "bin" / "mv").symlink_to("/bin/mv")
    answers = tmp_path / "answers.json"
    answers.write_text('{"fix": "yes"}')
    code, events, _ = check(machine, "--fix", "docker-config", "--answers", str(answers), "--json")
    assert code == 0
    assert [event["state"] for event in events if event.get("id") == "docker-config"] == ["wait", "FAIL", "wait", "off"]
    assert (tmp_path / "config.json.broken").read_text() == "{,"
