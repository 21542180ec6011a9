"""Values that differ only by the time of the run, and values that only look so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbius_tui.domain.media_times import any_by_time, differ_by_time

TIMES = (
    ("10:01:02", "10:01:03"),
    ("2026-11-22T10:01:02Z", "2026-11-22T10:01:03Z"),
    ("made 2026:11:22 10:01:02 by hand", "made 2026:11:22 10:01:04 by hand"),
    ("2026-11-22 10:01:02.125+00:00", "2026-11-22 10:01:02.250+00:00"),
    ("Sun, 22 Nov 2026 10:01:02 GMT", "Sun, 22 Nov 2026 10:01:03 GMT"),
    ("1795341662", "1795341663"),
    ("x 0 1795341662", "x 0 1795341662.5"),
    ("1795341662123", "1795341663456"),
    ("20261122_100102", "20261122_100103"),
    ("2026-11-22", "2026-11-23"),
    ("out-20261122100102.png", "out-20261122100103.png"),
)
OTHERS = (
    ("10:01:02", "10:01:02"),
    ("a cat", "a dog"),
    ("a cat at 10:01:02", "a dog at 10:01:03"),
    ("1", "2"),
    ("1795341662", "1195341662"),
    ("2026-11-22", "2016-11-22"),
    ("2026-11-22", "not there"),
    ("25:61:02", "25:61:03"),
    ("2026-13-45", "2026-13-46"),
    ("9000000001", "9000000002"),
    ("123456789012345678901", "123456789012345678902"),
    ("16:09", "16:10"),
)


@pytest.mark.parametrize(("one", "other"), TIMES)
def test_a_time_is_seen(one: str, other: str) -> None:
    assert differ_by_time(one, other)
    assert differ_by_time(other, one)
    assert any_by_time([("a", "b"), (one, other)])


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_other_values_are_no_times(one: str, other: str) -> None:
    assert not differ_by_time(one, other)


@given(st.text(alphabet="0123456789:-T .Z"), st.text(alphabet="0123456789:-T .Z"))
def test_no_text_raises_and_the_order_does_not_matter(one: str, other: str) -> None:
    assert differ_by_time(one, other) == differ_by_time(other, one)
    assert not differ_by_time(one, one)
