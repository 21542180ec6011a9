"""Where a model may answer, as the author writes it: a Cog server, a Docker Engine, Replicate's hosted version.

http://10.0.0.7:5000                 a Cog server that runs already
ssh://me@gpu, tcp://gpu:2376         a Docker Engine, in which the model's image is started for the test
unix:///run/docker.sock, gpu-box     the same; a plain word is the name of a docker context
replicate:owner/name[:version]       the version that Replicate runs, asked through its API
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.text import clean

Kind: TypeAlias = Literal["cog", "docker", "replicate"]

REPLICATE = "replicate:"
ENGINES = ("ssh://", "tcp://", "unix://")
HOSTED = re.compile(r"replicate:([a-z0-9][a-z0-9_.-]*)/([a-z0-9][a-z0-9_.-]*)(?::([0-9a-f]{64}))?", re.IGNORECASE)
CONTEXT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
"""What docker itself takes for the name of a context."""

SPELLINGS = "http://10.0.0.7:5000, ssh://me@gpu, tcp://gpu:2376, a docker context, replicate:owner/name"


@dataclass(frozen=True, slots=True)
class Place:
    """A place where the model answers or is to be started; `where` is what the author wrote."""

    kind: Kind
    where: str


@dataclass(frozen=True, slots=True)
class Hosted:
    """A model at Replicate; without a version the latest one is meant."""

    owner: str
    name: str
    version: str = ""


def place(text: str) -> Place:
    """What a text means; BadInput `bad-server` for what is none of the spellings above."""
    text = text.strip()
    if text.startswith(("http://", "https://")):
        return Place("cog", text.rstrip("/"))
    if text.lower().startswith(REPLICATE):
        hosted(text)
        return Place("replicate", text)
    if text.startswith(ENGINES) or CONTEXT.fullmatch(text):
        return Place("docker", text)
    raise unknown(text)


def engine(text: str) -> Place:
    """A Docker Engine; BadInput `bad-server` for anything else."""
    found = place(text)
    if found.kind != "docker":
        raise BadInput(
            "bad-server",
            f"{clean(text)[:80]} is no Docker Engine",
            why="the model's image is started there",
            fix="write ssh://user@host, tcp://host:port, unix:///path or the name of a docker context; "
            "a server that runs already is an --endpoint",
        )
    return found


def hosted(text: str) -> Hosted:
    """`replicate:owner/name[:version]` in its parts; BadInput `bad-server`."""
    if found := HOSTED.fullmatch(text.strip()):
        return Hosted(found[1], found[2], (found[3] or "").lower())
    raise BadInput(
        "bad-server",
        f"{clean(text)[:80]} names no model at Replicate",
        why="a version is 64 hexadecimal digits, as the model's page lists them",
        fix="write it as replicate:owner/name or replicate:owner/name:version",
    )


def unknown(text: str) -> BadInput:
    """A text that names no place."""
    return BadInput(
        "bad-server",
        f"{clean(text)[:80] or 'an empty text'} is no server",
        why="the same cases are sent to every server that is named",
        fix=f"write it like one of these: {SPELLINGS}",
    )
