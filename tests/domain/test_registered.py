"""A registration in a transaction, proven by the model's id."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbius_tui.domain import cid, engine
from arbius_tui.domain.engine import register_calldata
from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.registered import bound_by_id, calls, parse_id, proven

AUTHOR = "0x1298F8A91B046d7fCBd5454cd3331Ba6f4feA168"
NOBODY = "0x" + "00" * 19 + "01"
TEMPLATE = b"test\n"
WORDS = "0x4ff03efa" + f"{1:064x}{0:064x}{0x60:064x}{5:064x}" + "746573740a" + "00" * 27
"""registerModel(0x..01, 0, "test\\n") as the facts have it."""
HARDHAT = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


def raw(data: str) -> bytes:
    return bytes.fromhex(data[2:])


def identity(sender: str, addr: str, fee: int, data: bytes = TEMPLATE) -> str:
    return engine.model_id(sender, addr, fee, cid.multihash(data))


def test_the_calldata_of_the_facts() -> None:
    (call,) = calls(raw(WORDS))
    assert (call.addr, call.fee_wei, call.template, call.allow_list) == (NOBODY, 0, TEMPLATE, None)
    found = proven(identity(HARDHAT, NOBODY, 0), raw(WORDS), HARDHAT.lower(), tx_hash="0xab", block=7)
    assert found is not None
    assert (found.sender, found.block, found.tx_hash) == (HARDHAT, 7, "0xab")


def test_the_recorded_id_of_the_facts() -> None:
    assert identity(HARDHAT, HARDHAT, 0) == "0x4c47e572f6c434fcc1e38d0d9123abe8174732292efe71fb64c2195318da5583"


def test_an_allow_list_is_read() -> None:
    listed = ("0x" + "11" * 20, "0x" + "22" * 20)
    data = raw(register_calldata(AUTHOR, 5, TEMPLATE, listed))
    found = proven(identity(AUTHOR, AUTHOR, 5), data, AUTHOR)
    assert found is not None
    assert found.call.allow_list == tuple(map(engine.checksum, listed))


def test_a_call_inside_another_with_the_sender_in_it() -> None:
    safe = "0x" + "5a" * 20
    inner = raw(register_calldata(AUTHOR, 5, TEMPLATE))
    outer = b"\x6a\x76\x12\x02" + bytes(12) + raw(safe) + inner + bytes(17)
    found = proven(identity(safe, AUTHOR, 5), outer, HARDHAT)
    assert found is not None
    assert found.sender.lower() == safe
    assert found.call.template == TEMPLATE


@pytest.mark.parametrize("changed", ["sender", "addr", "fee", "template"])
def test_anything_else_is_no_proof(changed: str) -> None:
    given = {"sender": AUTHOR, "addr": AUTHOR, "fee": 5, "template": TEMPLATE}
    other = {"sender": HARDHAT, "addr": NOBODY, "fee": 6, "template": b"test"}
    said = {**given, changed: other[changed]}
    data = raw(register_calldata(NOBODY if changed == "addr" else AUTHOR, said["fee"], said["template"]))
    sender = HARDHAT if changed == "sender" else AUTHOR
    wanted = identity(AUTHOR, AUTHOR, 5)
    # The owner of a call is tried as its sender, too: only here is it the sender that differs.
    data = raw(register_calldata(NOBODY, 5, TEMPLATE)) if changed == "sender" else data
    wanted = identity(AUTHOR, NOBODY, 5) if changed == "sender" else wanted
    assert proven(wanted, data, sender) is None


def test_an_id_binds_a_cid_when_the_owner_registered_it() -> None:
    wanted = identity(AUTHOR, AUTHOR, 7)
    assert bound_by_id(wanted, cid.multihash(TEMPLATE), AUTHOR, 7)
    assert not bound_by_id(wanted, cid.multihash(TEMPLATE), AUTHOR, 8)
    assert not bound_by_id(wanted, cid.multihash(b"other"), AUTHOR, 7)


@pytest.mark.parametrize("text", ["", "0x", "0x12", "12" * 31, "0x" + "g" * 64, "0x" + "1" * 63 + "\x1b"])
def test_what_is_no_id(text: str) -> None:
    with pytest.raises(BadInput) as failure:
        parse_id(text)
    assert failure.value.problem.code == "model-id"
    assert "\x1b" not in failure.value.problem.what


def test_an_id_as_people_paste_it() -> None:
    assert parse_id("  " + "AB" * 32 + "\n") == "0x" + "ab" * 32


MARKS = st.sampled_from([raw("0x4ff03efa"), raw("0x346b5c1e"), b"\xff" * 32, bytes(31) + b"\x60", bytes(32)])


@given(st.lists(MARKS | st.binary(max_size=64), max_size=12).map(b"".join))
def test_no_calldata_raises(data: bytes) -> None:
    for call in calls(data):
        assert call.template
    assert proven("0x" + "00" * 32, data, AUTHOR) is None
