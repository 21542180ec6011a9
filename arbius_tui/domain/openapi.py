"""A model's OpenAPI document out of bytes: as a server gives it, as a file has it, or inside what Replicate answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.inputs import mapping, schemas_of
from arbius_tui.domain.text import clean

LONGEST = 4000
"""Digits of a number; Python refuses longer ones, and JSON does not."""

WRAPPED = (("openapi_schema",), ("latest_version", "openapi_schema"), ("version", "openapi_schema"))
"""Where Replicate's API has the document of a version, of a model, and of a deployment."""


def parse(data: bytes, name: str) -> dict[str, Any]:
    """The JSON object in these bytes; BadInput (`schema-not-json`, `schema-no-object`) that names the place.

    What JSON allows and Python does not (a number of 5,000 digits) is read as near as it goes.
    """
    try:
        found = json.loads(data, parse_int=integer)
    except RecursionError:
        raise unreadable(name, "it has too many objects and arrays in one another") from None
    except ValueError as error:
        raise unreadable(name, clean(str(error))) from None
    if not isinstance(found, dict):
        raise BadInput(
            "schema-no-object",
            f"{clean(name)} is JSON, but no object",
            why="an OpenAPI document is an object with the model's inputs in components.schemas.Input",
            fix="give the document that the model's server has at /openapi.json",
        )
    return found


def integer(digits: str) -> float | int:
    """A whole number, an endless one as infinity."""
    return int(digits) if len(digits) <= LONGEST else float(digits)


def unreadable(name: str, detail: str) -> BadInput:
    """A file that is no JSON."""
    return BadInput(
        "schema-not-json",
        f"{clean(name)} is not JSON",
        why="an OpenAPI document is JSON",
        fix="give the document that the model's server has at /openapi.json",
        detail=detail,
    )


def unwrapped(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """The document itself, where Replicate's API put it into a version or a model."""
    if "Input" in schemas_of(found):
        return found
    for path in WRAPPED:
        part: Any = found
        for key in path:
            part = mapping(part).get(key)
        if "Input" in schemas_of(mapping(part)):
            return mapping(part)
    return found


def is_template(found: Mapping[str, Any]) -> bool:
    """Whether an object looks like a template and not like a document; neither is a document that says nothing."""
    return isinstance(found.get("input"), list) or ("meta" in found and "components" not in found)
