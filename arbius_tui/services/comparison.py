"""Why are two outputs not the same: their bytes, their named parts, and their pixels, samples, lines or values.

The files are a model's and untrusted: whatever is damaged in them becomes a sentence in `notes`. They are read in
pieces, so that memory stays bounded at any size but for the pixels of two frames; everything runs in a thread that
stops when the time is up, with what is known until then.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from arbius_tui.domain.comparison import Bytes, Comparison, Pixels, Samples, Text, Values
from arbius_tui.domain.media_parts import Data, Difference, Layout, differences, read_parts
from arbius_tui.domain.media_times import any_by_time
from arbius_tui.domain.nearness import Evidence, nearness, noise
from arbius_tui.domain.text import grouped
from arbius_tui.domain.text_difference import compare_json, compare_texts
from arbius_tui.services.comparison_pictures import Unlike, compare_pictures, same_stream
from arbius_tui.services.comparison_sounds import compare_sounds
from arbius_tui.services.files import unreadable

STEP = 256 * 1024
"""Bytes that are compared at once: one millisecond's work, as Python's threads take turns."""

LONGEST_TEXT = 1024 * 1024
WINDOW_BEFORE, WINDOW_TEXT = 4096, 128 * 1024
"""Of a longer text this much is compared, from before the first difference on."""

HEX_BYTES = 24
GRACE = 5.0
"""Seconds that a decoder may take beyond the limit before nobody waits for it any more."""

MOST_PARTS = 200
PICTURES = {"PNG", "JPEG", "GIF", "WebP"}
TEXTS = {"application/json", "image/svg+xml", "application/xml", "application/x-ndjson", "model/gltf+json"}


class TimeUp(Exception):
    """The limit was reached."""


class Clock:
    """A time limit that the work asks about between its pieces; it can be ended early from another thread."""

    def __init__(self, limit: float) -> None:
        self._end = time.monotonic() + limit
        self._stopped = False

    def check(self) -> None:
        """TimeUp when the time is up or nobody waits any more."""
        if self._stopped or time.monotonic() > self._end:
            raise TimeUp

    def stop(self) -> None:
        """Let the work end at its next question."""
        self._stopped = True


class FileData:
    """An open file as `Data`: read where it is asked for, never mapped (a file that shrinks would end the process)."""

    def __init__(self, descriptor: int, check: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._size = os.fstat(descriptor).st_size
        self._check = check

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice, /) -> bytes:
        self._check()
        start, stop, _ = part.indices(self._size)
        return os.pread(self._descriptor, max(0, stop - start), start)


@dataclass(slots=True)
class Work:
    """A comparison on its way, filled in one part after another by the thread and read when it ends or time is up."""

    paths: tuple[Path, Path]
    mime: str
    clock: Clock
    equal: bool = False
    bytes: Bytes = field(default_factory=lambda: Bytes((0, 0)))
    layouts: tuple[Layout, Layout] | None = None
    parts: tuple[Difference, ...] = ()
    pixels: Pixels | None = None
    samples: Samples | None = None
    text: Text | None = None
    values: Values | None = None
    notes: list[str] = field(default_factory=list)
    done: bool = False

    def result(self) -> Comparison:
        """What is known now; nothing is called near before all was looked at."""
        near, lines, noisy = "", self.text.lines if self.text else (), False
        if self.done and not self.equal and self.layouts:
            damaged = any(layout.damage for layout in self.layouts)
            evidence = Evidence(self.layouts[0].format, damaged, self.parts, self.mime)
            near = nearness(evidence, self.pixels, self.samples, self.text, self.values)
            noisy = not near and not damaged and noise(self.pixels, self.samples, self.text, self.values)
        rows = [*self.parts, *(self.values.paths if self.values else ())]
        removed, added = ([line[1:] for line in lines if line[0] == sign] for sign in "-+")
        timed = any_by_time([*((row.one, row.other) for row in rows), *zip(removed, added, strict=False)])
        shown = self.parts[-MOST_PARTS:]
        return Comparison(
            self.mime, self.equal, self.bytes, self.layouts[0].format if self.layouts else "", shown, self.pixels,
            self.samples, self.text, self.values, near, noisy and not timed, timed, tuple(self.notes),
        )  # fmt: skip


async def compare(one: Path, other: Path, mime: str, limit: float = 30) -> Comparison:
    """Compare two outputs of this media type for at most `limit` seconds; BadInput (`cannot-read`) for a missing file.

    The work stops soon after a cancel, too. When the time is up, a note says so and the rest is what was found.
    """
    work = Work((one, other), mime.partition(";")[0].strip().lower(), Clock(limit))
    try:
        await asyncio.wait_for(asyncio.to_thread(run, work), limit + GRACE)
    except TimeoutError:
        work.notes.append(time_up(limit))
    except TimeUp:
        work.notes.append(time_up(limit))
    finally:
        work.clock.stop()
    return work.result()


def time_up(limit: float) -> str:
    """The note about a comparison that was not finished."""
    return f"the comparison was stopped after {limit:g} s; this is what was found until then"


def run(work: Work) -> None:
    """All parts of a comparison, one after another, in a thread."""
    try:
        compare_all(work)
    except OSError as error:
        path = Path(str(error.filename or work.paths[0]))
        raise unreadable(path, (error.strerror or "no such file").lower()) from None


def compare_all(work: Work) -> None:
    """The bytes, and unless they are equal what is inside."""
    with ExitStack() as files:
        a, b = (FileData(files.enter_context(p.open("rb")).fileno(), work.clock.check) for p in work.paths)
        compare_bytes(a, b, work)
        if work.equal:
            work.layouts = (laid_out(a, work.mime),) * 2
        else:
            compare_inside(a, b, work)
        work.done = True


def compare_bytes(a: Data, b: Data, work: Work) -> None:
    """Sizes, the first byte that differs with what is around it, and how many differ."""
    sizes = len(a), len(b)
    work.bytes = Bytes(sizes, counted=False)
    first = first_difference(a, b)
    if first is None:
        work.equal, work.bytes = True, Bytes(sizes)
        return
    window = max(0, first - HEX_BYTES // 3) // 8 * 8
    around = a[window : window + HEX_BYTES].hex(" "), b[window : window + HEX_BYTES].hex(" ")
    differing = abs(len(a) - len(b))
    for at in range(first, min(sizes), STEP):
        work.bytes = Bytes(sizes, first, differing, False, window, around)
        stop = min(at + STEP, *sizes)
        differing += unlike(a[at:stop], b[at:stop])
    work.bytes = Bytes(sizes, first, differing, True, window, around)


def first_difference(a: Data, b: Data) -> int | None:
    """The offset of the first byte that differs; the end of the shorter file where the longer one goes on."""
    shorter = min(len(a), len(b))
    for at in range(0, shorter, STEP):
        left, right = a[at : min(at + STEP, shorter)], b[at : min(at + STEP, shorter)]
        if left != right:
            return at + lowest(int.from_bytes(left, "little") ^ int.from_bytes(right, "little")) // 8
    return None if len(a) == len(b) else shorter


def lowest(number: int) -> int:
    """The lowest bit that is set."""
    return (number & -number).bit_length() - 1


def unlike(left: bytes, right: bytes) -> int:
    """How many bytes differ between two pieces of one length."""
    if left == right:
        return 0
    both = int.from_bytes(left, "little") ^ int.from_bytes(right, "little")
    length = max(len(left), len(right))
    return length - both.to_bytes(length, "little").count(0)


def compare_inside(a: Data, b: Data, work: Work) -> None:
    """The parts, then what the format allows: pixels, samples or text."""
    one, other = laid_out(a, work.mime), laid_out(b, work.mime)
    work.layouts = one, other
    work.parts = differences(a, one, b, other) if one.format or other.format else ()
    work.notes += [
        f"{path.name}: {layout.damage}" for path, layout in zip(work.paths, (one, other), strict=True) if layout.damage
    ]
    if one.format in PICTURES or (not one.format and work.mime.startswith("image/") and not is_text(work.mime)):
        compare_as_pictures(a, b, work)
    elif one.format == other.format == "WAV":
        work.samples = compare_sounds(a, one, b, other)
    elif is_text(work.mime):
        compare_as_texts(a, b, work)


def is_text(mime: str) -> bool:
    """Whether an output of this media type is text."""
    return mime.startswith("text/") or mime in TEXTS or mime.endswith(("+json", "+xml"))


def laid_out(data: Data, mime: str) -> Layout:
    """The parts of a file; a text has none, even if it begins like something else."""
    return Layout("", ()) if is_text(mime) else read_parts(data)


def compare_as_pictures(a: Data, b: Data, work: Work) -> None:
    """Pixels; a PNG of 16 bits and colours is proved equal by what its compressed data unpacks to."""
    try:
        pixels = compare_pictures(*work.paths, work.clock.check)
    except Unlike as reason:
        work.notes.append(f"the pixels were not compared: {reason}")
        return
    work.pixels = pixels
    if pixels.exact or work.layouts is None:
        return
    stored = {part.name for part in work.parts if part.kind == "payload"}
    plain_png = work.layouts[0].format == "PNG" and pixels.frames == 1 and stored <= {"IDAT"}
    if plain_png and not pixels.differing and same_stream(a, work.layouts[0], b, work.layouts[1]):
        work.pixels = replace(pixels, exact=True)
        return
    work.notes.append("the pixels have more than 8 bits, of which the upper 8 were compared")


def compare_as_texts(a: Data, b: Data, work: Work) -> None:
    """Lines, and for JSON values; of a long text only what is around the first difference."""
    whole = max(work.bytes.sizes) <= LONGEST_TEXT
    first = work.bytes.first or 0
    start = 0 if whole else max(0, first - WINDOW_BEFORE)
    end = LONGEST_TEXT if whole else first + WINDOW_TEXT
    one, other = (data[start:end].decode("utf-8", "replace") for data in (a, b))
    work.text = compare_texts(one, other)
    if not whole:
        work.notes.append(f"the texts were compared from byte {grouped(start)} to {grouped(end)} only")
    if not whole or "\ufffd" in one + other:
        work.text = replace(work.text, words_equal=False, numbers_near=False)
    elif "json" in work.mime:
        work.values = compare_json(one, other)
