from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbius_tui.domain import text
from arbius_tui.domain.errors import BadInput

NASTY = "\x1b\x9b\x90\x9d\x07\x18\x9c\\[]PX^_0;m52c\n\t\r\u202e\u200b\ufeff\u2066é😀\x7f\x00\ud800"


@pytest.mark.parametrize(
    ("raw", "harmless"),
    [
        ("plain\n\ttext", "plain\n\ttext"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x9b31mred", "red"),
        ("a\x1b]52;c;aGk=\x07b", "ab"),
        ("a\x1b]0;title\x1b\\b", "ab"),
        ("a\x9d0;title\x9cb", "ab"),
        ("a\x1bP1$r0m\x1b\\b", "ab"),
        ("a\x1b_apc\x1b\\b\x1b^pm\x9cc\x1bXsos\x1b\\d", "abcd"),
        ("a\x1b]8;;http://x\nthe next line stays", "a\nthe next line stays"),
        ("a\x1b(Bb\x1b7c\x1bcd", "abcd"),
        ("cut\x1b[", "cut"),
        ("cut\x1b", "cut"),
        ("10%\r20%\b\a\x00\x7f", "10%20%"),
        ("user\u202egnp.exe\u2066\u200b\ufeff", "usergnp.exe"),
        ("half \ud800 pair", "half \ufffd pair"),
        ("ümläut 日本 😀", "ümläut 日本 😀"),
        ("[/foo] [INFO] [type=missing]", "[/foo] [INFO] [type=missing]"),
    ],
)
def test_clean_leaves_what_can_be_read_and_nothing_a_terminal_obeys(raw: str, harmless: str) -> None:
    assert text.clean(raw) == harmless


@given(st.one_of(st.text(alphabet=NASTY), st.text()))
def test_clean_is_idempotent_and_leaves_no_control(raw: str) -> None:
    cleaned = text.clean(raw)
    assert text.clean(cleaned) == cleaned
    assert not [c for c in cleaned if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t"]
    assert not set(cleaned) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u200e\u200f\ufeff")
    cleaned.encode()


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Zs"], exclude_characters="\u115f\u1160\u3164")))
def test_clean_keeps_ordinary_text(raw: str) -> None:
    assert text.clean(raw) == raw


@pytest.mark.parametrize(
    ("value", "cut"),
    [
        ("0x4b4361ec84746a3e1b680555d4d762f7df1f7f2bc3d1f112e112a117f783a92d", "0x4b4361ec..a92d"),
        ("Qmeygu6J1yFcJud2w9prrFqEKm9S6HNeQp4etCi15iepHN", "Qmeygu6J..epHN"),
        ("0x1234", "0x1234"),
        ("", ""),
    ],
)
def test_short(value: str, cut: str) -> None:
    assert text.short(value) == cut


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"), (83, "83 B"), (999, "999 B"), (1000, "1.00 kB"), (12_412, "12.4 kB"), (99_949, "99.9 kB"),
        (99_950, "0.10 MB"), (840_000, "0.84 MB"), (1_310_000, "1.31 MB"), (37_000_000, "37.0 MB"),
        (999_499_999, "999 MB"), (999_500_000, "1.00 GB"), (212 * 10**9, "212 GB"),
    ],
)  # fmt: skip
def test_size(count: int, shown: str) -> None:
    assert text.size(count) == shown


def test_exact_bytes_and_grouped() -> None:
    assert text.exact_bytes(1412) == "1,412 B"
    assert text.exact_bytes(1) == "1 B"
    assert text.grouped(391_204_118) == "391,204,118"


@pytest.mark.parametrize(
    ("duration", "shown"),
    [
        (0, "0 ms"), (0.083, "83 ms"), (0.0996, "0.1 s"), (0.2, "0.2 s"), (9.94, "9.9 s"), (9.96, "0:10"),
        (41, "0:41"), (59.6, "1:00"), (110, "1:50"), (3723, "1:02:03"),
    ],
)  # fmt: skip
def test_seconds(duration: float, shown: str) -> None:
    assert text.seconds(duration) == shown


@pytest.mark.parametrize(
    ("wei", "shown"),
    [
        (3_500_000_000_000_000, "0.0035 AIUS"),
        (0, "0 AIUS"),
        (1, "0.000000000000000001 AIUS"),
        (10**18, "1 AIUS"),
        (-(10**17), "-0.1 AIUS"),
        (9_007_199_254_740_993 * 10**18 + 1, "9007199254740993.000000000000000001 AIUS"),
    ],
)
def test_amount_is_exact(wei: int, shown: str) -> None:
    assert text.amount(wei, "AIUS") == shown


@pytest.mark.parametrize(
    ("written", "wei"),
    [("0", 0), ("0.0035", 3_500_000_000_000_000), ("007", 7 * 10**18), (" 1.5 ", 15 * 10**17), (".5", 5 * 10**17)],
)
def test_parse_amount(written: str, wei: int) -> None:
    assert text.parse_amount(written) == wei


@pytest.mark.parametrize(
    "written",
    ["lots", "1e3", "-1", "+1", "", " ", ".", "5.", "1,000", "1_000", "0x10", "nan", "inf", "1 AIUS", "1\n2",
     "0.0000000000000000001", "٣", "1" * 61, "9" * 5000, str(2**256 // 10**18 + 1)],
)  # fmt: skip
def test_parse_amount_refuses_with_words(written: str) -> None:
    with pytest.raises(BadInput) as caught:
        text.parse_amount(written)
    problem = caught.value.problem
    assert problem.code == "amount"
    assert problem.fix is not None
    assert "at most 18 decimals" in problem.fix.text
    assert len(problem.what) < 100


@given(st.integers(min_value=0, max_value=2**256 - 1))
def test_amount_and_parse_amount_are_inverse(wei: int) -> None:
    assert text.parse_amount(text.amount(wei, "")) == wei
