"""kill -9 at the moments that matter: the next run goes on, and there is one model, one transaction, one receipt."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ARGV = [str(Path(sys.executable).parent / "arbius-tui"), "rehearse", "--json", "--no-input"]

MOMENTS = {
    "while the server starts": {"event": "saved", "step": "run"},
    "between two cases": {"event": "found", "step": "seed_test", "id": "other-seed", "status": "succeeded"},
    "after the draft": {"event": "saved", "step": "template"},
    "after the pin": {"event": "saved", "step": "pin"},
    "with a new key": {"event": "saved", "step": "wallet"},
    "in the review": {"event": "found", "step": "register", "kind": "review"},
    "signed, not sent": {"event": "found", "step": "register", "kind": "transaction", "state": "signed"},
    "sent, no receipt": {"event": "found", "step": "register", "kind": "transaction", "state": "sent"},
    "mined": {"event": "found", "step": "register", "kind": "transaction", "state": "mined"},
    "at the end": {"event": "started", "step": "after"},
}


def killed_at(moment: dict[str, str], environment: dict[str, str]) -> None:
    child = subprocess.Popen(ARGV, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
    assert child.stdout
    for line in child.stdout:
        event = json.loads(line)
        if all(event.get(key) == value for key, value in moment.items()):
            os.kill(child.pid, signal.SIGKILL)
            break
    child.stdout.close()
    assert child.wait() == -signal.SIGKILL, "the moment never came"


def finished(environment: dict[str, str]) -> list[dict[str, Any]]:
    done = subprocess.run(ARGV, capture_output=True, text=True, env=environment, timeout=120)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, events[-1]["exit"]) == (0, 0), done.stdout[-2000:]
    return events


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_and_started_again(moment: str, tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    killed_at(MOMENTS[moment], environment)
    events = finished(environment)
    result = events[-1]["result"]
    assert result["model_id"] == result["predicted_id"]
    folder = tmp_path / "arbius-tui" / "rehearsal"
    broadcast = (folder / "rehearsal" / "chain" / "chain.jsonl").read_text().splitlines()
    assert len(broadcast) == 2, "one payment of play money, one registration"
    journal = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
    hashes = {line["change"]["tx_hash"] for line in journal if line["step"] == "register"}
    assert len(hashes) == 1


def test_what_was_finished_is_not_done_again(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    killed_at(MOMENTS["sent, no receipt"], environment)
    events = finished(environment)
    assert not [e for e in events if e.get("step") == "seed_test" and e.get("kind") == "case"]
    assert [e for e in events if e.get("text") == "done in an earlier run"]
