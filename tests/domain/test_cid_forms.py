"""Why a CID is another one: each rule by itself and together; tests/services/test_ipfs.py asks a real Kubo."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arbius_tui.domain.cid import block, cid, folder_cid
from arbius_tui.domain.cid_forms import DAG_PB, HASHES, RAW, Form, difference, parse, write

DATA = json.dumps({"meta": {"title": "ä", "version": 1}, "input": [], "output": []}, indent=1).encode() + b"\n"


def named(data: bytes, *, version: int = 1, codec: int = DAG_PB, hashed: int = 0x12) -> str:
    """The CID of a block with these bytes."""
    return write(Form(version, codec, hashed, HASHES[hashed][1](data)))


@pytest.mark.parametrize(
    ("said", "rules"),
    [
        (named(block(DATA)), ("cid-version",)),
        (named(DATA, codec=RAW), ("raw-leaves", "cid-version")),
        (cid(DATA[:-1]), ("newline",)),
        (cid(DATA + b"\n"), ("newline",)),
        (cid(DATA.replace(b"\n", b"\r\n")), ("line-ends",)),
        (cid(b"\xef\xbb\xbf" + DATA), ("byte-order-mark",)),
        (cid(json.dumps(json.loads(DATA), separators=(",", ":"), ensure_ascii=False).encode()), ("json-rewritten",)),
        (cid(json.dumps(json.loads(DATA), indent=2, sort_keys=True).encode() + b"\n"), ("json-rewritten",)),
        (named(DATA[:-1], codec=RAW), ("newline", "raw-leaves", "cid-version")),
        (folder_cid({"t.json": DATA}), ("wrapped",)),
        (named(block(DATA), hashed=0xB220), ("other-hash", "cid-version")),
        (named(DATA, codec=RAW, hashed=0x13), ("raw-leaves", "other-hash", "cid-version")),
        (write(Form(1, RAW, 0, DATA[:20])), ("inline",)),
        (write(Form(1, DAG_PB, 0x1E, bytes(32))), ("other-hash",)),
        (cid(b"something else"), ("other-bytes",)),
        (named(b"something else", codec=RAW), ("other-bytes",)),
        ("Qm", ("no-cid",)),
        ("", ("no-cid",)),
        ("b!!", ("no-cid",)),
        ("<html>", ("no-cid",)),
    ],
)
def test_what_differs_is_named(said: str, rules: tuple[str, ...]) -> None:
    found = difference(DATA, said, "t.json")
    assert found.rules == rules
    assert found.words


def test_the_other_way_round_it_is_the_same_rule() -> None:
    crlf = DATA.replace(b"\n", b"\r\n")
    assert difference(crlf, cid(DATA)).rules == ("line-ends",)
    assert difference(DATA[:-1], cid(DATA)).rules == ("newline",)
    assert difference(b"\xef\xbb\xbf" + DATA, cid(DATA)).rules == ("byte-order-mark",)


@pytest.mark.parametrize("base", ["k", "z", "f", "u", "b"])
def test_every_base_that_a_cid_is_written_in(base: str) -> None:
    form = Form(1, RAW, 0x12, HASHES[0x12][1](DATA))
    raw = b"\x01\x55\x12\x20" + form.digest
    bitcoin = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    alphabets = {"k": "0123456789abcdefghijklmnopqrstuvwxyz", "z": bitcoin}
    if base in alphabets:
        number, text = int.from_bytes(raw, "big"), ""
        while number:
            number, digit = divmod(number, len(alphabets[base]))
            text = alphabets[base][digit] + text
    else:
        import base64

        text = {"f": raw.hex(), "u": base64.urlsafe_b64encode(raw).decode().rstrip("="), "b": write(form)[1:]}[base]
    assert parse(base + text) == form


@given(st.text(max_size=80))
@settings(max_examples=200)
def test_whatever_a_store_says_there_are_words_for_it(said: str) -> None:
    assert difference(DATA, said).words


@given(st.binary(min_size=1, max_size=3000))
@settings(max_examples=50)
def test_a_cid_reads_back_as_it_was_written(data: bytes) -> None:
    for said in (cid(data), named(data, codec=RAW)):
        form = parse(said)
        assert form
        assert write(form) == said
