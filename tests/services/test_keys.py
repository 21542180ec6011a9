from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.secret import Secret
from arbius_tui.services.keys import address_of, parsed_key
from tests.services.hidden import ADDRESS, KEY, code

BARE = KEY[2:]
PHRASE = "test test test test test test test test test test test junk"


@pytest.mark.parametrize(
    "text",
    [
        KEY, BARE, KEY.upper(), f"  {KEY}\n", f"{BARE[:32]} {BARE[32:]}", f"{BARE[:32]}\n{BARE[32:]}\n", f'"{KEY}"',
        f"'{BARE}'", f"`{KEY}`",
        f"PRIVATE_KEY={KEY}", f'PRIVATE_KEY="{BARE}"', f"export PRIVATE_KEY='{KEY}';",
        f"privateKey: {KEY},", f"ARBITRUM_PRIVATE_KEY = {BARE}",
        f"set NOVA_PRIVATE_KEY={BARE}", f"--private-key={KEY}", f"\ufeff{KEY}\u200b", f"\u201c{KEY}\u201d",
        f"PRIVATE_KEY=\n{KEY}", f"\x00{KEY}\r\n",
    ],
)  # fmt: skip
def test_a_key_as_people_paste_it(text: str) -> None:
    assert parsed_key(Secret(text)).reveal() == KEY
    assert address_of(Secret(text)) == ADDRESS


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (PHRASE, "key-is-phrase"), (PHRASE.upper(), "key-is-phrase"), (f'"{PHRASE}"\n', "key-is-phrase"),
        (" ".join(f"{n}. word" for n in range(1, 25)), "key-is-phrase"), (PHRASE.replace(" ", ", "), "key-is-phrase"),
        (f"MNEMONIC={PHRASE}", "key-is-phrase"),
        (ADDRESS, "key-is-address"), (ADDRESS[2:], "key-is-address"), (f"ADDRESS={ADDRESS}", "key-is-address"),
        ("hello", "key-malformed"), (KEY + BARE, "key-malformed"), (KEY[:-1], "key-malformed"), ("0x", "key-malformed"),
        (f"0x0x{BARE}", "key-malformed"), (f"{KEY}={KEY}", "key-malformed"),
        ("", "key-malformed"), ("=" * 64, "key-malformed"),
    ],
)  # fmt: skip
def test_what_is_pasted_by_mistake(text: str, wanted: str) -> None:
    with pytest.raises(BadInput) as raised:
        parsed_key(Secret(text))
    assert code(raised) == wanted
    said = str(vars(raised.value))
    assert "test" not in said
    assert ADDRESS[2:] not in said


def test_only_a_length_is_told() -> None:
    with pytest.raises(BadInput, match="63 characters"):
        parsed_key(Secret(KEY[:-1]))


@given(st.text(max_size=200))
def test_anything_else_is_refused_in_words(text: str) -> None:
    with pytest.raises(BadInput):
        parsed_key(Secret(text))
