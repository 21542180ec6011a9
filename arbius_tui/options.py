"""The flags that many commands share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """As the author gave them, or the config file; empty means neither.

    `given` are answers that flags give to questions, `keys` other keys for actions by their id. With `one_answer`
    stdout is left to the command's own answer.
    """

    project: str = ""
    network: str = ""
    rpc: tuple[str, ...] = ()
    engine: str = ""
    chain_id: int = 0
    plain: bool = False
    json: bool = False
    no_input: bool = False
    answers: Path | None = None
    config: Path | None = None
    no_color: bool = False
    password_file: Path | None = None
    palette: str = ""
    ipfs: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    remotes: tuple[str, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
    one_answer: bool = False
