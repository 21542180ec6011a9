"""A comparison in words that fit a pane."""

from __future__ import annotations

from dataclasses import replace

import pytest

from arbius_tui.domain.comparison import Bytes, Channel, Comparison, Pixels, Samples, Text, Values
from arbius_tui.domain.comparison_words import heat, lines, verdict
from arbius_tui.domain.media_parts import Difference
from arbius_tui.domain.nearness import Evidence, nearness

NOTHING = Comparison("image/png", False, Bytes((100, 100), 3, 4, True, 0, ("01 02", "01 03")), "PNG")
PIXELS = Pixels(256, 256, "RGB", 1, 65_536, 1, (Channel("R", 1, 0.5),), 255, ((0, 1), (0, 0)))
DATE = Difference("tEXt Date", "metadata", "10:01:02", "10:01:03")
DATA = Difference("IDAT", "payload", "12 B", "other bytes")


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Comparison("a/b", True, Bytes((1412, 1412))), "all 1,412 B are equal"),
        (Comparison("a/b", True, Bytes((0, 0))), "both are empty"),
        (NOTHING, "4 of 100 bytes differ"),
        (replace(NOTHING, bytes=Bytes((100, 90), 0, 100)), "all bytes differ"),
        (replace(NOTHING, bytes=Bytes((100, 100), 0, 9, False)), "at least 9 of 100 bytes differ"),
        (replace(NOTHING, bytes=Bytes((100, 100), counted=False)), "the bytes were not compared to their end"),
        (replace(NOTHING, near="only tIME differs; all is equal"), "only tIME differs; all is equal"),
        (replace(NOTHING, pixels=PIXELS), "1 of 65,536 pixels differs, by 1 of 255 at most"),
        (replace(NOTHING, pixels=replace(PIXELS, differing=65_536)), "all 65,536 pixels differ, by 1 of 255 at most"),
        (replace(NOTHING, pixels=replace(PIXELS, differing=0, exact=False), parts=(DATA,)), "4 of 100 bytes differ"),
        (replace(NOTHING, samples=Samples(8000, 2, 7, 65_535)), "2 of 8,000 samples differ, by 7 of 65,535 at most"),
        (replace(NOTHING, samples=Samples(8000, 0, 0, 1, 5)), "no sample differs; one sound is 5 samples longer"),
        (replace(NOTHING, values=Values((DATE,), 1, 3)), "1 of 3 values differs, first at tEXt Date"),
        (replace(NOTHING, text=Text(("-a", "+b"), 1, 2)), "1 line became 2 lines"),
    ],
)  # fmt: skip
def test_the_verdict_is_one_line(found: Comparison, words: str) -> None:
    assert verdict(found) == words
    assert all(len(line) <= 46 for line in lines(found))


def test_the_lines_show_everything_in_its_place() -> None:
    found = replace(
        NOTHING, pixels=PIXELS, parts=(DATE, replace(DATA, name="x" * 60)), looks_like_time=True, notes=("a note",)
    )
    assert lines(found) == [
        "1 of 65,536 pixels differs, by 1 of 255 at",
        "most",
        "both have 100 B",
        "first difference at byte 3",
        "4 of 100 bytes differ",
        "0  01 02",
        "   01 03",
        "      ^^",
        "tEXt Date: 10:01:02 -> 10:01:03",
        "x" * 44 + "..",
        "  - 12 B",
        "  + other bytes",
        "256 x 256 RGB",
        "R: 1 at most, 0.5 on average",
        "·█",
        "··",
        "What differs looks like the time of the run.",
        "a note",
    ]


def test_many_parts_are_counted_and_hostile_text_is_harmless() -> None:
    rows = tuple(replace(DATE, name=f"part {n}", other="\x1b[31m\n\u202e") for n in range(20))
    shown = lines(replace(NOTHING, parts=rows, text=Text(("-\x1b]0;x\x07a\tb",), 1, 0)))
    assert "and 8 more" in shown
    assert "-a    b" in shown
    assert all(line.isprintable() for line in shown)


def test_the_darkest_cell_is_the_largest_difference_and_any_difference_is_seen() -> None:
    found = replace(PIXELS, channels=(Channel("R", 200, 1.0),), grid=((0, 1, 60, 120, 200),))
    assert heat(found) == ["·░▒▓█"]
    assert heat(found, ascii_only=True) == [".:+*#"]


def test_near_needs_a_proof() -> None:
    seen = Evidence("PNG", False, (DATE,), "image/png")
    equal = replace(PIXELS, differing=0)
    assert nearness(seen, equal, None, None, None) == "only tEXt Date differs; all 65,536 pixels are equal"
    assert nearness(replace(seen, parts=(DATE, DATA)), equal, None, None, None).startswith(
        "only tEXt Date and IDAT differ;"
    )
    assert nearness(replace(seen, parts=()), equal, None, None, None).startswith("only the encoding differs;")
    assert nearness(seen, None, None, None, None) == "only tEXt Date differs; the picture data is equal byte for byte"
    for evidence, pixels in (
        (seen, PIXELS),
        (replace(seen, damaged=True), equal),
        (seen, replace(equal, timing_equal=False)),
        (replace(seen, parts=(DATA,)), replace(equal, exact=False)),
        (replace(seen, parts=(DATE, DATA)), None),
        (replace(seen, parts=()), None),
        (replace(seen, format=""), None),
    ):
        assert nearness(evidence, pixels, None, None, None) == ""
