from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest
import rlp
from eth_account import Account as Accounts
from eth_account.typed_transactions import TypedTransaction
from eth_keys.datatypes import PrivateKey
from hexbytes import HexBytes
from hypothesis import given, settings
from hypothesis import strategies as st

from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.transaction_files import HOW, read_signed, read_unsigned, unsigned_file
from arbius_tui.domain.transactions import ORDER, Unsigned, assembled, decode_signed, differences

# The key and the transactions of EIP-155 and of go-ethereum's own tests: published, worth nothing.
KEY = "0x" + "46" * 32
SENDER = "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F"
OTHER = "0x" + "45" * 32
GOLDEN = Unsigned(
    sender=SENDER, chain_id=42161, nonce=14, to="0x9b51Ef044d3486A1fB0A2D55A6e0CeeAdd323E66", value=0,
    data="0x1234567890", gas=214_880, max_fee=40_000_000, max_tip=0,
)  # fmt: skip
GOLDEN_PAYLOAD = "0x02eb82a4b10e808402625a0083034760949b51ef044d3486a1fb0a2d55a6e0ceeadd323e6680851234567890c0"
"""By hand after EIP-1559, and the same by eth_account: 0x02, a list of 0x2b bytes, 0xa4b1, 14, no tip, 40000000, .."""

amounts = st.integers(0, 2**64) | st.integers(0, 2**256 - 1)
addresses = st.binary(min_size=20, max_size=20).map(lambda b: "0x" + b.hex())
transactions = st.fixed_dictionaries(
    {
        "chainId": st.integers(1, 2**63), "nonce": st.integers(0, 2**63), "to": addresses, "value": amounts,
        "data": st.binary(max_size=300).map(lambda b: "0x" + b.hex()), "gas": st.integers(0, 2**63),
        "maxFeePerGas": amounts, "maxPriorityFeePerGas": amounts,
    }
)  # fmt: skip


def signed(unsigned: Unsigned, key: str = KEY) -> bytes:
    return bytes(Accounts.sign_transaction(unsigned.transaction(), key).raw_transaction)


def refused(data: bytes, asked: Unsigned = GOLDEN) -> tuple[str, str, str]:
    with pytest.raises(BadInput) as raised:
        read_signed(data, asked)
    problem = raised.value.problem
    assert problem.why
    assert problem.fix
    return problem.code, problem.what, problem.detail


class TestUnsigned:
    def test_the_golden_payload(self) -> None:
        assert "0x" + GOLDEN.payload().hex() == GOLDEN_PAYLOAD

    @settings(max_examples=60)
    @given(transactions)
    def test_what_is_hashed_is_what_eth_account_hashes(self, transaction: dict[str, object]) -> None:
        ours = Unsigned.of(SENDER, {"type": 2, **transaction})
        theirs = TypedTransaction.from_dict({"type": 2, **ours.transaction()})
        assert ours.sign_hash() == bytes(theirs.hash())

    @settings(max_examples=30, deadline=None)
    @given(transactions, st.integers(1, ORDER - 1))
    def test_signed_and_decoded_it_is_the_same_and_its_signer_is_known(
        self, transaction: dict[str, object], number: int
    ) -> None:
        key = f"0x{number:064x}"
        unsigned = Unsigned.of(Accounts.from_key(key).address, transaction)
        raw = signed(unsigned, key)
        found, done = decode_signed(raw)
        assert found == unsigned
        assert done.hash == Accounts.sign_transaction(unsigned.transaction(), key).hash.to_0x_hex()
        assert done.nonce == unsigned.nonce
        assert done.raw not in repr(done)

    def test_json_rpc_and_web3_name_the_same_transaction(self) -> None:
        assert Unsigned.of(SENDER, GOLDEN.rpc()) == Unsigned.of(SENDER.lower(), GOLDEN.transaction()) == GOLDEN

    @pytest.mark.parametrize(
        "wrong",
        [
            {"type": 1}, {"type": "0x0"}, {"nonce": None}, {"nonce": -1}, {"nonce": 1.0}, {"nonce": True}, {"gas": "x"},
            {"to": None}, {"to": "0x12"}, {"to": ""}, {"data": "0x1"}, {"data": 5}, {"value": 2**256},
            {"from": "0x" + "11" * 20}, {"accessList": [{"address": SENDER, "storageKeys": []}]},
            {"maxFeePerGas": "1e9"},
        ],
    )  # fmt: skip
    def test_what_is_no_such_transaction(self, wrong: dict[str, object]) -> None:
        with pytest.raises(BadInput) as raised:
            Unsigned.of(SENDER, {**GOLDEN.transaction(), **wrong})
        assert raised.value.problem.code == "transaction-invalid"
        assert raised.value.problem.detail

    @pytest.mark.parametrize("absent", [key for key in GOLDEN.transaction() if key != "type"])
    def test_a_field_that_is_absent_is_named(self, absent: str) -> None:
        with pytest.raises(BadInput) as raised:
            Unsigned.of(SENDER, {k: v for k, v in GOLDEN.transaction().items() if k != absent})
        assert absent in raised.value.problem.detail


class TestUnsignedFile:
    def test_it_has_every_field_the_review_and_what_a_device_signs(self) -> None:
        content = json.loads(unsigned_file(GOLDEN, {"fee": "0.0035 AIUS a task", "model id": "0x7be1"}))
        assert content["review"] == {"fee": "0.0035 AIUS a task", "model id": "0x7be1"}
        assert content["from"] == SENDER
        assert content["transaction"] == {
            "type": "0x2", "chainId": "0xa4b1", "nonce": "0xe", "to": GOLDEN.to, "value": "0x0", "data": "0x1234567890",
            "gas": "0x34760", "maxFeePerGas": "0x2625a00", "maxPriorityFeePerGas": "0x0", "accessList": [],
        }  # fmt: skip
        assert content["unsigned_rlp"] == GOLDEN_PAYLOAD
        assert content["sign_hash"] == "0x" + GOLDEN.sign_hash().hex()
        assert content["how"] == list(HOW)

    @settings(max_examples=40)
    @given(transactions)
    def test_it_reads_back(self, transaction: dict[str, object]) -> None:
        unsigned = Unsigned.of(SENDER, transaction)
        assert read_unsigned(unsigned_file(unsigned, {})) == unsigned

    @pytest.mark.parametrize("key", ["nonce", "to", "data", "gas", "maxFeePerGas", "chainId", "value"])
    def test_a_field_that_was_changed_in_the_file_is_seen(self, key: str) -> None:
        content = json.loads(unsigned_file(GOLDEN, {}))
        content["transaction"][key] = {"to": SENDER, "data": "0x12"}.get(key, "0x7")
        with pytest.raises(BadInput) as raised:
            read_unsigned(json.dumps(content).encode())
        assert raised.value.problem.code == "unsigned-unreadable"

    @pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b"\xff\xfe", b'{"format":"x","v":1}', b"[" * 100_000])
    def test_other_files(self, data: bytes) -> None:
        with pytest.raises(BadInput) as raised:
            read_unsigned(data)
        assert raised.value.problem.code == "unsigned-unreadable"

    def test_another_version(self) -> None:
        content = json.loads(unsigned_file(GOLDEN, {}))
        with pytest.raises(BadInput, match="version"):
            read_unsigned(json.dumps({**content, "v": 2}).encode())


def forms(raw: bytes) -> dict[str, bytes]:
    """One signed transaction as the tools write it."""
    text = "0x" + raw.hex()
    _, r, s = (int.from_bytes(part) for part in rlp.decode(raw[1:])[9:])
    parity = int.from_bytes(rlp.decode(raw[1:])[9])
    shapes = {
        "bytes": raw,
        "hex": text.encode(),
        "without 0x": text[2:].encode(),
        "capitals": text.upper().replace("0X", "0x").encode(),
        "newline": f"\n {text}\n".encode(),
        "lines": "\n".join(text[i : i + 64] for i in range(0, len(text), 64)).encode(),
        "quotes": f'"{text}"'.encode(),
        "web3.py": json.dumps({"rawTransaction": text, "hash": "0x", "r": r, "s": s, "v": parity}).encode(),
        "clef": json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"raw": text, "tx": {}}}).encode(),
        "answer": json.dumps({"result": text}).encode(),
        "r, s, yParity": json.dumps({"r": hex(r), "s": hex(s), "yParity": hex(parity)}).encode(),
        "r, s, v 27": json.dumps({"r": hex(r), "s": hex(s), "v": 27 + parity}).encode(),
    }
    return shapes


class TestSigned:
    @pytest.mark.parametrize("form", list(forms(signed(GOLDEN))))
    def test_every_form_of_the_right_answer(self, form: str) -> None:
        raw = signed(GOLDEN)
        done = read_signed(forms(raw)[form], GOLDEN)
        assert done.raw == "0x" + raw.hex()
        assert done.nonce == 14
        assert Accounts.recover_transaction(done.raw) == SENDER

    @pytest.mark.parametrize(
        ("change", "name"),
        [
            ({"nonce": 15}, "nonce"), ({"to": SENDER}, "to"), ({"value": 1}, "value"), ({"data": "0x12"}, "data"),
            ({"gas": 1}, "gas limit"), ({"max_fee": 1}, "max fee per gas"),
            ({"max_tip": 1}, "max priority fee per gas"),
            ({"chain_id": 1}, "chain id"),
        ],
    )  # fmt: skip
    def test_a_field_that_differs_is_named_with_both_values(self, change: dict[str, int], name: str) -> None:
        code, what, detail = refused(signed(replace(GOLDEN, **change)))
        assert code == "signed-differs"
        assert what.endswith(f"in: {name}")
        assert detail.startswith(f"{name}: asked ")

    @settings(max_examples=40, deadline=None)
    @given(transactions)
    def test_no_other_transaction_passes(self, transaction: dict[str, object]) -> None:
        other = Unsigned.of(SENDER, transaction)
        code, what, _ = refused(signed(other))
        assert code == "signed-differs"
        assert all(name in what for name in differences(GOLDEN, other))

    def test_all_that_differ_are_named(self) -> None:
        _, what, _ = refused(signed(replace(GOLDEN, nonce=15, gas=1)))
        assert what.endswith("in: nonce, gas limit")

    def test_another_account(self) -> None:
        code, what, _ = refused(signed(GOLDEN, OTHER))
        assert code == "signed-by-another"
        assert SENDER in what
        assert Accounts.from_key(OTHER).address in what

    def test_a_changed_bit_anywhere_never_passes(self) -> None:
        """Either it is unreadable, or another field, or another signer."""
        raw = signed(GOLDEN)
        for at in range(len(raw) * 8):
            changed = bytearray(raw)
            changed[at // 8] ^= 1 << at % 8
            assert refused(bytes(changed).hex().encode())[0] in (
                "signed-unreadable",
                "signed-differs",
                "signed-by-another",
            )

    def test_cut_or_longer_bytes(self) -> None:
        raw = signed(GOLDEN)
        for data in (raw[:-1], raw[:40], raw[:1], raw + b"\0"):
            assert refused(data.hex().encode())[0] == "signed-unreadable"

    def test_the_other_s_is_none_that_a_chain_accepts(self) -> None:
        _, r, s = (int.from_bytes(part) for part in rlp.decode(signed(GOLDEN)[1:])[9:])
        code, what, _ = refused(assembled(GOLDEN, 1, r, ORDER - s))
        assert code == "signed-unreadable"
        assert "signature" in what

    @pytest.mark.parametrize("parts", [(2, 1, 1), (0, 0, 1), (0, 1, 0), (0, ORDER, 1), (1, 5, 5)])
    def test_signatures_of_nobody(self, parts: tuple[int, int, int]) -> None:
        assert refused(assembled(GOLDEN, *parts))[0] in ("signed-unreadable", "signed-by-another")

    def test_older_types_are_named(self) -> None:
        common = {"nonce": 14, "to": GOLDEN.to, "value": 0, "data": "0x", "gas": 21000, "gasPrice": 1, "chainId": 42161}
        legacy = Accounts.sign_transaction(common, KEY).raw_transaction
        assert "a legacy transaction" in refused(bytes(legacy))[1]
        listed = Accounts.sign_transaction({**common, "type": 1, "accessList": []}, KEY).raw_transaction
        assert "of type 1" in refused(listed.hex().encode())[1]

    def test_a_number_with_zeros_in_front_is_another_transaction(self) -> None:
        items = rlp.decode(signed(GOLDEN)[1:])
        padded = [items[0], b"\0" + items[1], *items[2:]]
        assert refused(b"\x02" + rlp.encode(padded))[0] == "signed-unreadable"

    def test_an_access_list_was_not_asked_for(self) -> None:
        entry = {"address": SENDER, "storageKeys": ["0x" + "00" * 32]}
        raw = Accounts.sign_transaction({**GOLDEN.transaction(), "accessList": [entry]}, KEY).raw_transaction
        assert refused(bytes(raw))[0] == "signed-unreadable"

    @pytest.mark.parametrize(
        "data",
        [
            b"", b" ", b"0x", b"{}", b"[]", b"null", b"7", b"hello", b"\xff\xfe\x00", b'{"raw": 5}', b"02c0",
            b'{"result": null}', b'{"r": "0x1", "s": "x", "v": 1}', b'{"r": "0x1", "s": "0x1"}',
            b"[" * 100_000, b"0x02", b"0x" + b"0" * (1 << 21),
            b'{"result": {"result": {"result": {"result": "0x02"}}}}', b"0x02" + b"c1" * 4000,
        ],
    )  # fmt: skip
    def test_what_is_no_signed_transaction(self, data: bytes) -> None:
        assert refused(data)[0] == "signed-unreadable"

    @settings(max_examples=150, deadline=None)
    @given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
    def test_anything_at_all_is_answered_in_words(self, data: bytes) -> None:
        assert refused(data)[0] == "signed-unreadable"

    def test_the_unsigned_file_itself_is_not_a_signed_one(self) -> None:
        assert refused(unsigned_file(GOLDEN, {}))[0] == "signed-unreadable"

    def test_every_field_is_compared(self) -> None:
        """Whoever adds a field to Unsigned adds it to what is compared."""
        for one in fields(Unsigned):
            other = replace(GOLDEN, **{one.name: 999 if isinstance(getattr(GOLDEN, one.name), int) else "0x99"})
            assert len(differences(GOLDEN, other)) == 1

    def test_a_key_made_by_eth_keys_signs_the_hash_in_the_file(self) -> None:
        """A wallet that signs only digests."""
        content = json.loads(unsigned_file(GOLDEN, {}))
        signature = PrivateKey(bytes.fromhex(KEY[2:])).sign_msg_hash(HexBytes(content["sign_hash"]))
        answer = {"r": hex(signature.r), "s": hex(signature.s), "v": signature.v}
        assert read_signed(json.dumps(answer).encode(), GOLDEN).nonce == 14
