"""The cases of a seed test that is under way, each on disk before the next begins, so that a kill costs one case.

One file of JSON lines: the first says what is tested, `process` lines say which server process the cases after it ran
in, all others are cases that are over. Another model behind the same URL is another process, so its cases are never
mixed with those of the one before. When the test ends its cases are part of the journey and the file goes.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from arbius_tui.services.store import replace_file


class CaseLog:
    """The finished cases of one test. `subject` is what is tested, `process` the server process that is there now."""

    def __init__(self, path: Path, subject: Mapping[str, Any], process: str) -> None:
        self.path, self.process = path, process
        text = json.dumps(subject, sort_keys=True, default=str)
        # Half of it: a whole one in the state folder could be taken for the hash of an output.
        self.subject = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]

    def open(self) -> list[dict[str, Any]]:
        """The cases that an earlier run of the very same test finished; a file of another test is begun anew."""
        head, lines = {"subject": self.subject}, whole_lines(self.path)
        processes = [line["process"] for line in lines if "process" in line]
        same = lines[:1] == [head] and processes[-1:] == [self.process]
        kept = lines[1:] if same else [{"process": self.process}]
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Written anew, because a line that was cut off must not be the beginning of the next one.
            replace_file(self.path, b"".join(json.dumps(line).encode() + b"\n" for line in (head, *kept)))
        return [line for line in kept if "process" not in line]

    def add(self, row: Mapping[str, Any]) -> None:
        """A line more; on disk when this returns. A disk that is full costs only what a kill would repeat."""
        with suppress(OSError), open(self.path, "ab", opener=lambda p, flags: os.open(p, flags, 0o600)) as file:
            file.write(json.dumps(row).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def moved(self, process: str) -> None:
        """The test itself started the server again: what follows runs in this process."""
        self.add({"process": process})

    def close(self) -> None:
        """The test has ended."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)


def whole_lines(path: Path) -> list[dict[str, Any]]:
    """The lines of the file; what was cut off, or is no object, ends it."""
    try:
        data = path.read_bytes()
    except OSError:
        return []
    found: list[dict[str, Any]] = []
    for raw in data.split(b"\n")[:-1]:
        try:
            line = json.loads(raw)
        except (ValueError, RecursionError):
            break
        if not isinstance(line, dict):
            break
        found.append(line)
    return found
