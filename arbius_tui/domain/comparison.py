"""Two outputs compared side by side: what `services.comparison` finds and a face shows."""

from __future__ import annotations

from dataclasses import dataclass

from arbius_tui.domain.media_parts import Difference


@dataclass(frozen=True, slots=True)
class Bytes:
    """Two files as bytes. `first` is the offset of the first that differs, None where none does.

    `differing` counts positions up to the shorter length and what the longer one has beyond it; `counted` is False when
    the time was up before the end. The hex texts (`89 50 4e`) begin at `window` on both sides.
    """

    sizes: tuple[int, int]
    first: int | None = None
    differing: int = 0
    counted: bool = True
    window: int = 0
    hex: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel's largest and mean difference over all pixels or samples, in steps of its scale."""

    name: str
    largest: int
    mean: float


@dataclass(frozen=True, slots=True)
class Pixels:
    """Two pictures (or all frames of two animations) of one size, compared pixel by pixel.

    `scale` is the largest value a channel has, 255 or 65,535. `grid` holds the largest difference in each cell, row by
    row, at most 12 rows of 24. `exact` is False where decoding lost bits, so that equal pixels prove nothing;
    `timing_equal` is False where the frames are shown for other times.
    """

    width: int
    height: int
    mode: str
    frames: int
    total: int
    differing: int
    channels: tuple[Channel, ...]
    scale: int
    grid: tuple[tuple[int, ...], ...]
    exact: bool = True
    timing_equal: bool = True

    @property
    def nearly(self) -> bool:
        """Whether no pixel differs by more than a little, as arithmetic in another order makes it."""
        mean = max((channel.mean for channel in self.channels), default=0.0)
        return self.largest * 16 <= self.scale and mean * 256 <= self.scale

    @property
    def largest(self) -> int:
        """The largest difference of any channel."""
        return max((channel.largest for channel in self.channels), default=0)


@dataclass(frozen=True, slots=True)
class Samples:
    """Two sounds of one format, compared sample by sample over all channels.

    `scale` is the largest difference that whole numbers can have, 1.0 (full scale) for samples with a point; `extra`
    counts samples that only the longer sound has.
    """

    total: int
    differing: int
    largest: float
    scale: float
    extra: int = 0

    @property
    def nearly(self) -> bool:
        """Whether no sample differs by more than a little, and none is missing."""
        return not self.extra and self.largest * 10_000 <= self.scale


@dataclass(frozen=True, slots=True)
class Text:
    """Two texts: a unified diff in clean lines, how many lines went and came, and what the diff leaves out in words."""

    lines: tuple[str, ...]
    removed: int
    added: int
    left_out: str = ""
    words_equal: bool = False
    numbers_near: bool = False


@dataclass(frozen=True, slots=True)
class Values:
    """Two JSON documents: the paths whose values differ (the first 200 of `differing`), out of `total` values."""

    paths: tuple[Difference, ...]
    differing: int
    total: int
    numbers_near: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that is known about two outputs.

    `near` says in words what alone differs while the contents were proved equal, and is empty without that proof.
    `noise` says that they differ by as little as arithmetic in another order does, and nothing else differs.
    `looks_like_time` is evidence that a value which differs is the time of the run. `notes` are sentences about what
    could not be looked at.
    """

    mime: str
    equal: bool
    bytes: Bytes
    format: str = ""
    parts: tuple[Difference, ...] = ()
    pixels: Pixels | None = None
    samples: Samples | None = None
    text: Text | None = None
    values: Values | None = None
    near: str = ""
    noise: bool = False
    looks_like_time: bool = False
    notes: tuple[str, ...] = ()
