"""Graphics cards and their drivers: as nvidia-smi lists them, and as an author says them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.text import clean

QUERY = ("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader")
"""What is run to list the cards; each line is `NVIDIA A100-SXM4-40GB, 550.54.15`."""

LONGEST = 80


@dataclass(frozen=True, slots=True)
class Gpu:
    """The cards that a model sees, e.g. `2 x NVIDIA A100`, and their driver; each empty where it is not known."""

    name: str = ""
    driver: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """What the author says of the GPU of a server: its URL, machine or number; empty is the only one there is."""

    server: str
    gpu: Gpu


def listed(text: str) -> Gpu:
    """The answer to `QUERY`; nothing is known of what lists no card."""
    rows = [tuple(part.strip() for part in line.split(",")) for line in text.splitlines() if line.count(",") == 1]
    counted = Counter(name for name, driver in rows if name and driver)
    names = ", ".join(f"{count} x {name}" if count > 1 else name for name, count in counted.items())
    return Gpu(clean(names)[:LONGEST], clean(rows[0][1])[:LONGEST]) if names else Gpu()


def said(text: str) -> Said:
    """`SERVER=NAME, DRIVER`; the server and the driver may be left out. BadInput `gpu-flag`."""
    server, _, rest = text.rpartition("=")
    name, _, driver = (part.strip() for part in rest.partition(","))
    if not name:
        raise misspelt(text, "it names no GPU")
    return Said(server.strip().rstrip("/"), Gpu(clean(name)[:LONGEST], clean(driver)[:LONGEST]))


def said_of(listed: Sequence[Said], id: str, where: str, alone: bool) -> Gpu:
    """What was said of this server; nothing is known when nothing was."""
    for one in listed:
        if one.server in (id, where.rstrip("/")) or (alone and not one.server):
            return one.gpu
    return Gpu()


def check(listed: Sequence[Said], servers: Sequence[tuple[str, str]]) -> None:
    """BadInput `gpu-flag` for a word about a server that is none of these (number, place)."""
    known = {name for id, where in servers for name in (id, where.rstrip("/"))}
    for one in listed:
        if one.server not in known and not (not one.server and len(servers) == 1):
            what = f"no server of this test is {one.server}" if one.server else "it does not say of which server"
            raise misspelt(one.gpu.name, what)


def misspelt(text: str, what: str) -> BadInput:
    """A `--gpu` that cannot be understood."""
    return BadInput(
        "gpu-flag",
        f"--gpu {clean(text)[:80]}: {clean(what)[:120]}",
        why="the report says for each server on which GPU it ran",
        fix='write it as --gpu "http://10.0.0.7:5000=RTX 4090, 550.54", or --gpu "2=RTX 4090, 550.54"',
    )
