"""Do two values differ only by the time at which they were made: dates, clock times and seconds since 1970."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

CLOSE = 24 * 3600.0
"""Seconds between two runs of one test at most."""

FIRST_YEAR, LAST_YEAR = 1980, 2100

_DAY = r"\d{4}[-:/.]\d{2}[-:/.]\d{2}"
_CLOCK = r"\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?"
TIME = re.compile(
    rf"(?P<day>{_DAY})(?:[T _]+(?P<clock>{_CLOCK}))?"
    r"|(?P<mail>(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{1,2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2}(?: [+-]\d{4}| GMT)?)"
    r"|(?P<packed>(?<!\d)(?:19|20)\d{6}[T_-]?\d{6}(?!\d))"
    r"|(?P<alone>(?<![\d:])\d{2}:\d{2}:\d{2}(?:[.,]\d{1,9})?(?![\d:]))"
    r"|(?P<epoch>(?<![\d.])1[0-9]{9}(?:\d{3}|\d{6}|\d{9})?(?:\.\d{1,9})?(?!\d))"
)
"""What looks like a moment in a text. Seconds since 1970 have ten digits from 2001 to 2286."""

LONGEST = 4096


def times(text: str) -> tuple[list[float], str]:
    """The moments in a text in seconds (a clock time alone counts from midnight), and the text without them."""
    found: list[float] = []

    def mask(match: re.Match[str]) -> str:
        moment = seconds(match)
        if moment is None:
            return match[0]
        found.append(moment)
        return "\0"

    return found, TIME.sub(mask, text[:LONGEST])


def seconds(match: re.Match[str]) -> float | None:
    """One moment in seconds; None when it is no possible date."""
    try:
        if match["day"]:
            day = datetime.strptime(re.sub(r"\D", "", match["day"]), "%Y%m%d").replace(tzinfo=UTC)
            return in_years(day) + clock(match["clock"] or "")
        if match["mail"]:
            return parsedate_to_datetime(match["mail"]).replace(tzinfo=UTC).timestamp()
        if match["packed"]:
            digits = re.sub(r"\D", "", match["packed"])
            return in_years(datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC))
        if match["alone"]:
            return clock(match["alone"])
        whole, _, part = match["epoch"].partition(".")
        return float(whole[:10] + "." + (whole[10:] + part or "0"))
    except (ValueError, OverflowError):
        return None


def in_years(day: datetime) -> float:
    """A date's seconds; ValueError for one in which no model ran."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(day)
    return day.timestamp()


def clock(text: str) -> float:
    """Seconds since midnight of `10:01`, `10:01:02` or `10:01:02.5`; ValueError for an hour that is none."""
    if not text:
        return 0.0
    hour, minute, *rest = text.replace(",", ".").split(":")
    second = float(rest[0]) if rest else 0.0
    if int(hour) > 23 or int(minute) > 59 or second >= 61:
        raise ValueError(text)
    return 3600.0 * int(hour) + 60.0 * int(minute) + second


def differ_by_time(one: str, other: str) -> bool:
    """Whether two texts differ in moments that are close to one another, and in nothing else."""
    if one == other or max(len(one), len(other)) > LONGEST:
        return False
    (left, plain), (right, other_plain) = times(one), times(other)
    if plain != other_plain or not left or len(left) != len(right):
        return False
    gaps = [abs(a - b) for a, b in zip(left, right, strict=True)]
    return any(gaps) and all(gap <= CLOSE for gap in gaps)


def any_by_time(pairs: Iterable[tuple[str, str]]) -> bool:
    """Whether one of these pairs of values differs by time alone."""
    return any(differ_by_time(one, other) for one, other in pairs)
