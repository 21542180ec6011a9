"""A model's folder: its cog.yaml and the document that `cog build` leaves in it. Nothing of the model is imported."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.text import clean

SCHEMA = ".cog/openapi_schema.json"
LARGEST = 4 * 1024 * 1024
"""Bytes of a cog.yaml or a schema that are worth reading."""


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """What stands in the folder. `predictor` is e.g. `predict.py:Predictor`; `schema` is None where cog left none."""

    folder: Path
    config: Mapping[str, Any] = field(default_factory=dict)
    predictor: str = ""
    form: str = ""
    source: Path | None = None
    schema: Mapping[str, Any] | None = None


def read(folder: Path) -> ModelFolder:
    """Read the folder; BadInput in words for a wrong path or a cog.yaml that is none."""
    if not folder.is_dir():
        raise BadInput(
            "no-such-folder",
            f"{folder} is not a folder",
            why="a model is a folder with a cog.yaml in it",
            fix="give the folder of your model, or leave it out and walk the rehearsal: arbius-tui --rehearse",
        )
    config = load(folder)
    form = next((key for key in ("run", "predict") if isinstance(config.get(key), str)), "")
    predictor = str(config.get(form, ""))
    name = predictor.partition(":")[0]
    source = folder / name if name and (folder / name).is_file() else None
    return ModelFolder(folder, config, clean(predictor), form, source, schema(folder))


def load(folder: Path) -> Mapping[str, Any]:
    """cog.yaml as an object."""
    import yaml

    try:
        data = yaml.safe_load(text(folder / "cog.yaml"))
    except FileNotFoundError:
        raise BadInput(
            "no-cog-yaml",
            f"there is no cog.yaml in {folder}",
            why="cog builds a model from its cog.yaml",
            fix="point at the folder that has it; `cog init` writes a first one",
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise BadInput(
            "bad-cog-yaml",
            f"cog.yaml in {folder} cannot be read",
            why="cog would refuse to build it",
            fix="mend the file at the place named below",
            detail=clean(str(error)),
        ) from None
    return data if isinstance(data, dict) else {}


def schema(folder: Path) -> Mapping[str, Any] | None:
    """The document that a build left here, or None; its presence proves nothing about an image."""
    try:
        found = json.loads(text(folder / SCHEMA))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def text(path: Path) -> str:
    """A small UTF-8 file."""
    if path.stat().st_size > LARGEST:
        raise OSError(f"{path.name} has more than {LARGEST:,} bytes")
    return path.read_text(encoding="utf-8")
