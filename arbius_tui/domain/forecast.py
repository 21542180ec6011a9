"""What a build will fetch and take, before it is made: rough figures from cog.yaml, said as `about`.

The figures are rounded to what an author decides by (does it fit, is it minutes or hours) and are no better than that.
They are for linux/amd64, and stand on what projects report of their own images: a CUDA devel image is about 4 GB to
fetch (llm-d PR 606: 4.17 GB) and twice that unpacked; torch with the CUDA libraries that its wheel brings is about 3 GB
and 6 GB (amaiya/onprem issue 73: 7.6 GB with a small CUDA base; metronix-memory PR 39: 4.5 GB are CUDA libraries),
torch for the CPU about 0.2 and 0.9 (pytorch issue 17621: wheel of 180 MB). Two are experience and no report: cog's
Python base and tensorflow. What other packages take is not known and said so; the folder is measured.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from arbius_tui.domain.cog_config import CogConfig

GB = 10**9
LINE = 100
"""Mbit/s: the line for which minutes are said; the author's own is not measured."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of an image: bytes that are fetched (compressed) and bytes that it takes unpacked."""

    name: str
    fetched: int
    unpacked: int


CPU_BASE = Part("Python base", int(0.5 * GB), int(1.5 * GB))
CUDA_BASE = Part("CUDA base", 4 * GB, 9 * GB)
PACKAGES = {
    "torch": (Part("torch", int(0.2 * GB), int(0.9 * GB)), Part("torch with CUDA", 3 * GB, 6 * GB)),
    "tensorflow": (Part("tensorflow", int(0.6 * GB), 2 * GB), Part("tensorflow", int(0.6 * GB), 2 * GB)),
}
"""Packages that decide the size of an image: on a CPU, and on a GPU."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is known of an image that is not built yet. `folder` is the model's folder in bytes, weights and all."""

    parts: tuple[Part, ...]
    folder: int
    unknown: int

    @property
    def fetched(self) -> int:
        """Bytes that a first build fetches."""
        return sum(part.fetched for part in self.parts)

    @property
    def image(self) -> int:
        """Bytes of the image, unpacked."""
        return sum(part.unpacked for part in self.parts) + self.folder

    @property
    def room(self) -> int:
        """Bytes that the build wants on disk: the image, and what was fetched for it, which stays in the cache."""
        return self.image + self.fetched

    @property
    def pushed(self) -> int:
        """Bytes that a first push sends at most; layers that the registry has are not sent."""
        return self.fetched + self.folder

    def lines(self) -> tuple[str, ...]:
        """Where the figures come from, one line each."""
        rows = [f"{part.name}: about {rough(part.fetched)} to fetch, {rough(part.unpacked)} unpacked"
                for part in self.parts]  # fmt: skip
        rows.append(f"your folder: {rough(self.folder)}, also what .dockerignore leaves out")
        if self.unknown:
            rows.append(f"{self.unknown} other packages: not known, so not counted")
        return tuple(rows)


def forecast(config: CogConfig, requirements: Iterable[str], folder: int) -> Forecast:
    """The forecast for a cog.yaml, the lines of its requirements, and the size of its folder in bytes."""
    names = {name for line in requirements if (name := package(line))}
    known = [PACKAGES[name][config.gpu] for name in PACKAGES if name in names]
    return Forecast((CUDA_BASE if config.gpu else CPU_BASE, *known), folder, len(names - PACKAGES.keys()))


def package(line: str) -> str:
    """`torch==2.5.1  # note` -> `torch`; empty for a comment, an option or an address."""
    found = re.match(r"\s*([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*(?:[=<>!~;@#,]|$)", line)
    return found[1].lower().replace("_", "-") if found else ""


def rough(count: int) -> str:
    """Bytes with one digit, from 10 GB on in whole GB: `30 MB`, `0.9 GB`, `7 GB`, `22 GB`."""
    if count < 0.95e6:
        return "less than 1 MB"
    if count < 95e6:
        return f"{float(f'{count / 1e6:.1g}'):.0f} MB"
    if count < 0.95e9:
        return f"{count / 1e9:.1f} GB"
    return f"{count / 1e9:.0f} GB"


def minutes(count: int, line: int = LINE) -> str:
    """How long so many bytes take at `line` Mbit/s: `less than a minute`, `about 10 min`, `about 2 h`."""
    wanted = count * 8 / (line * 1e6) / 60
    if wanted < 1:
        return "less than a minute"
    if wanted < 90:
        return f"about {float(f'{wanted:.1g}') if wanted < 10 else round(wanted, -1):.0f} min"
    return f"about {wanted / 60:.0f} h"
