"""The author's own defaults: config.toml below the platform's config directory, or the file that --config names.

    palette = "light"                  # dark, light, ansi or mono
    network = "sepolia"
    rpc = ["https://my-node.example"]  # twice: the two are compared
    ipfs = ["http://127.0.0.1:5001"]
    gateway = ["https://ipfs.io"]      # who is asked whether others can fetch what was pinned
    remote = ["pinata"]                # pinning services; their tokens are in the keyring or asked for
    [keys]                             # actions by their id, as F1 lists them
    "frame.next" = "f9"

Flags win over it. An unknown key is refused, because a misspelt one would otherwise do nothing without a word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from arbius_tui.domain.errors import BadInput
from arbius_tui.options import Options

LISTS, WORDS = ("rpc", "ipfs", "gateway", "remote"), ("palette", "network")
PALETTES = ("dark", "light", "ansi", "mono")


def with_config(options: Options) -> Options:
    """The options with what the config file says where no flag was given; BadInput for a file that is wrong."""
    path = options.config or default_path()
    if options.config is None and not path.is_file():
        return options
    found = checked(read(path), path)
    return replace(
        options,
        network=options.network or found.get("network", ""),
        rpc=options.rpc or tuple(found.get("rpc", ())),
        ipfs=tuple(found.get("ipfs", ())),
        gateways=tuple(found.get("gateway", ())),
        remotes=tuple(found.get("remote", ())),
        palette=found.get("palette", ""),
        keys=found.get("keys", {}),
    )


def default_path() -> Path:
    """Where the file lies if there is one."""
    from platformdirs import user_config_path

    return user_config_path("arbius-tui", appauthor=False) / "config.toml"


def read(path: Path) -> dict[str, Any]:
    """The file as TOML."""
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise wrong(path, "it cannot be read", str(error)) from None


def checked(found: dict[str, Any], path: Path) -> dict[str, Any]:
    """The values, if each is what its key wants."""
    for key, value in found.items():
        if key in LISTS:
            good = isinstance(value, list) and all(isinstance(item, str) for item in value)
        elif key == "keys":
            good = isinstance(value, Mapping) and all(isinstance(item, str) for item in value.values())
        else:
            good = key in WORDS and isinstance(value, str)
        if not good or (key == "palette" and value not in PALETTES):
            raise wrong(path, f"{key} = {value!r} is not a setting")
    return found


def wrong(path: Path, what: str, detail: str = "") -> BadInput:
    """A config file that is none."""
    from arbius_tui.domain.text import clean

    return BadInput(
        "config",
        f"the config file {clean(str(path))}: {clean(what)}",
        why="a setting that is not understood would do nothing without a word",
        fix="mend or remove the line; keys are palette, network, rpc, ipfs, gateway, remote and [keys],"
        ' e.g. palette = "light"',
        detail=clean(detail),
    )
