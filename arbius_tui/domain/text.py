"""Text that a person reads: made harmless, and the formats of hashes, sizes, times and amounts."""

from __future__ import annotations

import re

from arbius_tui.domain.errors import BadInput

_STRING = r"[^\x07\x18\x1a\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
_SEQUENCE = re.compile(
    rf"(?:\x1b[PX\]^_]|[\x90\x98\x9d-\x9f]){_STRING}"  # DCS, SOS, OSC, PM, APC: up to their end, at most to the line's
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI
    r"|\x1b[ -/]*[0-~]?"  # every other escape
)
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")

_AMOUNT = re.compile(r"([0-9]*)(?:\.([0-9]{1,18}))?")
WEI_PER_UNIT = 10**18
"""AIUS and ETH both have 18 decimals."""
MAX_UINT256 = 2**256 - 1


def clean(text: str) -> str:
    r"""The text without anything that a terminal obeys or that hides from the eye; `\n` and `\t` stay.

    Escape sequences go whole, then C0, DEL, C1, bidi overrides and zero-width controls. Half a surrogate pair becomes
    U+FFFD, because it could not be printed. Cleaning twice changes nothing.
    """
    if text.isascii() and text.replace("\n", "").isprintable():
        return text  # nearly every line of a log, in a tenth of the time
    return _SURROGATE.sub("\ufffd", _CONTROL.sub("", _SEQUENCE.sub("", text)))


def short(value: str) -> str:
    """A hash, id, address or CID cut to its first eight and last four characters; a 0x prefix is not counted."""
    head = 10 if value.startswith("0x") else 8
    return value if len(value) <= head + 4 else f"{value[:head]}..{value[-4:]}"


def grouped(number: int) -> str:
    """Blocks and gas: `391,204,118`."""
    return f"{number:,}"


def exact_bytes(count: int) -> str:
    """Bytes where each one decides (limits, equality): `1,412 B`."""
    return f"{count:,} B"


def size(count: int) -> str:
    """Bytes for a rough idea: `83 B`, `12.4 kB`, `0.84 MB`, `1.31 MB`, `212 GB`."""
    if count < 1000:
        return f"{count} B"
    scale, unit = (10**3, "kB") if count < 99_950 else (10**6, "MB") if count < 999_500_000 else (10**9, "GB")
    value = count / scale
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{digits}f} {unit}"


def seconds(duration: float) -> str:
    """A duration in seconds as `83 ms`, `0.2 s`, `0:41` or `1:02:03`."""
    if duration < 0.0995:
        return f"{duration * 1000:.0f} ms"
    if duration < 9.95:
        return f"{duration:.1f} s"
    minutes, rest = divmod(round(duration), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def amount(wei: int, unit: str) -> str:
    """An amount in whole units, exact to the last wei: `0.0035 AIUS`."""
    whole, rest = divmod(abs(wei), WEI_PER_UNIT)
    digits = f"{whole}.{rest:018}".rstrip("0").rstrip(".")
    return f"{'-' if wei < 0 else ''}{digits} {unit}".rstrip()


def parse_amount(text: str) -> int:
    """Decimal text of whole units (`0.0035`) as wei; BadInput (`amount`) for `1e3`, `-1`, `1,000` and the like."""
    found = _AMOUNT.fullmatch(text.strip(" \t"))
    whole, rest = found.groups("") if found else ("", "")
    if not whole and not rest:
        raise _bad_amount(text)
    # At most 78 digits make a uint256; longer text is refused before it is made a number.
    wei = (
        int(whole or "0") * WEI_PER_UNIT + int(rest.ljust(18, "0")) if len(whole.lstrip("0")) <= 60 else MAX_UINT256 + 1
    )
    if wei > MAX_UINT256:
        raise _bad_amount(text)
    return wei


def _bad_amount(text: str) -> BadInput:
    shown = clean(text).replace("\n", " ")
    return BadInput(
        "amount",
        f"{shown[:40]!r} is not an amount",
        why="the engine takes a whole number of wei; a misread amount cannot be taken back",
        fix="write whole units with a point and at most 18 decimals, e.g. 0, 10 or 0.0035",
    )
