"""After a whole rehearsal, with a kill in it, no file and nothing that was printed holds the key in any spelling."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from arbius_tui.rehearsal.vault import PASSWORD
from tests.stories.test_kill import ARGV, MOMENTS, killed_at


def spellings(key: bytes) -> list[bytes]:
    """The key as somebody might have written it down."""
    text = key.hex()
    return [key, text.encode(), text.upper().encode(), str(int(text, 16)).encode(), json.dumps(list(key)).encode()]


def test_the_key_is_nowhere(tmp_path: Path) -> None:
    from eth_account import Account

    kinds = ("STATE", "DATA", "CONFIG", "CACHE")
    environment = {**os.environ, "HOME": str(tmp_path), **{f"XDG_{k}_HOME": str(tmp_path / k) for k in kinds}}
    killed_at(MOMENTS["signed, not sent"], environment)
    done = subprocess.run(ARGV, capture_output=True, env=environment, timeout=120)
    assert done.returncode == 0
    (keystore,) = (p for p in tmp_path.rglob("keys/*") if p.is_file())
    key = bytes(Account.decrypt(json.loads(keystore.read_text()), PASSWORD.reveal()))
    assert len(key) == 32
    places = {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    places |= {"stdout": done.stdout, "stderr": done.stderr}
    assert len(places) > 8
    for name, content in places.items():
        for spelling in spellings(key):
            assert spelling not in content, name
