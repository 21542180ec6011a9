"""Who lists a model in a checkout of the Arbius repository, and what they say of it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.text import clean

SKIPPED = frozenset({".git", "node_modules", ".next", "dist", "build", "artifacts", "cache", ".venv", "typechain"})
LARGEST, MOST_FILES = 4 << 20, 20_000
"""Bytes of a file that is read, and files that are looked at; the repository has a tenth of them."""

SAYS = ("addr", "fee", "cid")
"""What an entry of config.json says of a model, below `params` or beside its id."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A place that names the model: file as seen from the checkout, line from 1, and what it says, by SAYS."""

    file: str
    line: int
    says: tuple[tuple[str, str], ...] = ()


def listings(checkout: Path, model_id: str) -> list[Listing]:
    """Every place in the checkout that names this id; BadInput `no-checkout` for a folder that is none."""
    if not checkout.is_dir():
        raise BadInput(
            "no-checkout", f"{clean(str(checkout))} is no folder",
            why="consumers of models list them in the Arbius repository",
            fix="give a checkout of github.com/semperai/arbius: --repo DIR",
        )  # fmt: skip
    found: list[Listing] = []
    for path in texts(checkout):
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        if model_id in text.lower():
            found += places(clean(str(path.relative_to(checkout))), text, model_id, path.suffix == ".json")
    return found


def texts(checkout: Path) -> Iterator[Path]:
    """The files that may name a model, in their order."""
    count = 0
    for folder, folders, names in os.walk(checkout):
        folders[:] = sorted(name for name in folders if name not in SKIPPED)
        for name in sorted(names):
            path = Path(folder) / name
            if path.is_symlink() or not path.is_file() or path.stat().st_size > LARGEST:
                continue
            count += 1
            if count > MOST_FILES:
                return
            yield path


def places(file: str, text: str, model_id: str, as_json: bool) -> Iterator[Listing]:
    """Each line with the id; entries of a JSON file also with what they say."""
    lines = [number for number, line in enumerate(text.splitlines(), 1) if model_id in line.lower()]
    entries = list(said(parsed(text), model_id)) if as_json else []
    for at, number in enumerate(lines):
        yield Listing(file, number, entries[at] if at < len(entries) and len(entries) == len(lines) else ())
    if as_json and entries and len(entries) != len(lines):
        yield from (Listing(file, lines[0], entry) for entry in entries)


def parsed(text: str) -> Any:
    """JSON, or nothing."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def said(value: Any, model_id: str) -> Iterator[tuple[tuple[str, str], ...]]:
    """What each object that has this id says, in their order."""
    if isinstance(value, dict):
        if any(isinstance(part, str) and part.lower() == model_id for part in value.values()):
            params = value.get("params")
            both = {**value, **(params if isinstance(params, dict) else {})}
            yield tuple((key, clean(str(both[key]))[:200]) for key in SAYS if isinstance(both.get(key), str | int))
        for part in value.values():
            yield from said(part, model_id)
    elif isinstance(value, list):
        for part in value:
            yield from said(part, model_id)
