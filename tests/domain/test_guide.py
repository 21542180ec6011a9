"""The list of what the published guide gets wrong today is whole, readable and ours."""

from __future__ import annotations

from arbius_tui.domain.guide import DRIFT
from arbius_tui.domain.journey import STEPS
from arbius_tui.domain.text import clean


def test_each_place_is_whole_and_named_once() -> None:
    assert len({place.id for place in DRIFT}) == len(DRIFT) >= 20
    for place in DRIFT:
        assert place.step in STEPS
        for text in (place.says, place.today, place.instead, place.source):
            assert text == clean(text).strip()
            assert 5 <= len(text) <= 260


def test_the_sections_stand_in_the_order_of_the_guide() -> None:
    sections = [place.section for place in DRIFT]
    assert sections == sorted(sections, key=list(dict.fromkeys(sections)).index)


def test_what_the_design_found_is_there() -> None:
    text = "\n".join(f"{place.says} {place.today} {place.instead}" for place in DRIFT)
    for fact in ("af000fd4", "e3b0c442", "9007199254740975", "2^32-1", "bafkrei", "65,536", "262,144", "0x..01", "AIUS",
                 "nova", "config.local.json", "jq 1.6", "list of exactly one", "Go file"):  # fmt: skip
        assert fact in text
