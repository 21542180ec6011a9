"""The engine's ABI, ids, calldata and words against facts read from the real contract and its registrations."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbius_tui.domain import engine, reverts
from arbius_tui.domain.errors import BadInput, Problem

HARDHAT = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"
TEAM = "0x1298f8a91b046d7fcbd5454cd3331ba6f4fea168"
TESTER = "0x8bf544e4a5d10d7549ed033b325b54eb04f225bf"
KANDINSKY = "0x1220511fdf0e88fa9adba98a7693cca89b5d9f3181da4815b0f0500aa4315b38d17d"
TWO_SIZES = "0x122034c8a20ca5552610cbbdf11deb69837eaf2f290cc093486c13544786c5b4edeb"
GUIDE = "0x1220f737f4d1b0488c718b80f75b327a97819d3e4381ecc1185167479b6b53c8e6a9"
ANYTHING = "0x1220c32cae42b7d6ed6efd2512fd7dac6530cbd96cbcc19a3d1c336ace8e401f1c3a"
QWEN = "0x12208dc17f4317285392e6811ca31c9efeb3b8511ebac1bd14b935ecf2c1b60c1b09"
WAI = "0x12209bbb77e66fb13200a8344a8bd04f25d2f40f55611dc99c254d67de2eb3d69acf"
TEST_LF = "0x1220f4ad8a3bd3189da2ad909ee41148d6893d8c629c410f7f2c7e3fae75aade79c8"

IDS = [
    ("0x98617a8cd4a11db63100ad44bea4e5e296aecfd78b2ef06aee3e364c7307f212", TEAM, engine.NOBODY, 0, KANDINSKY),
    (
        "0x82ae0d19f32b6912204160f8d744de08265b7775d07c23b4171c94c8e2892c62",
        "0x114beeb4015735d3ed5e100e8fbe067aaf6af663",
        engine.NOBODY,
        0,
        KANDINSKY,
    ),
    ("0x3ac907e782b35cf2096eadcbd5d347fb7705db98526adcd2232ea560abbbef90", TESTER, engine.NOBODY, 0, KANDINSKY),
    ("0x002a11afdb4f9e0ae985136622cbea64dd5d90d3d751ce1ad2391264e886aad1", HARDHAT, engine.NOBODY, 0, KANDINSKY),
    ("0xc8fc0fdebb282ae38a144c58e414f069234dfccfde2b2c01b67e1676afbb8536", TESTER, engine.NOBODY, 0, TWO_SIZES),
    ("0x4b4361ec84746a3e1b680555d4d762f7df1f7f2bc3d1f112e112a117f783a92d", TESTER, engine.NOBODY, 0, GUIDE),
    (
        "0x7cb00aefb0992612b38464630c161fa7f36d727f0a52bcf926e7d8a361af86c7",
        "0x1a320e53a25f518b893f286f3600cc204c181a8e",
        engine.NOBODY,
        0,
        ANYTHING,
    ),
    ("0x89c39001e3b23d2092bd998b62f07b523d23deb55e1627048b4ed47a4a38d5cc", TEAM, TEAM, 7_000_000_000_000_000, QWEN),
    ("0xa473c70e9d7c872ac948d20546bc79db55fa64ca325a4b229aaffddb7f86aae0", TEAM, TEAM, 3_500_000_000_000_000, WAI),
    ("0x4c47e572f6c434fcc1e38d0d9123abe8174732292efe71fb64c2195318da5583", HARDHAT, HARDHAT, 0, TEST_LF),
]

SELECTORS = {
    "registerModel": "0x4ff03efa",
    "registerModelWithAllowList": "0x346b5c1e",
    "hashModel": "0x218a3048",
    "generateIPFSCID": "0x40e8c56d",
    "models": "0xe236f46b",
    "setModelFee": "0xf029ac3e",
    "setModelAddr": "0xdafb4322",
    "addToModelAllowList": "0xbc3e72d0",
    "removeFromModelAllowList": "0x78e2cba5",
    "disableModelAllowList": "0x8bcca84c",
    "isSolverAllowed": "0x49a8ff81",
    "modelRequiresAllowList": "0x62fbdba7",
    "submitSolutionMinerAllowList": "0x84b6bd42",
    "paused": "0x5c975abb",
    "version": "0x54fd4d50",
    "owner": "0x8da5cb5b",
    "pauser": "0x9fd0506d",
    "treasury": "0x61d027b3",
    "baseToken": "0xc55dae63",
    "voter": "0x46c96aac",
    "solutionModelFeePercentage": "0x40418adc",
    "solutionModelFeePercentageOverride": "0x4da15cae",
    "hasSolutionModelFeePercentageOverride": "0xde10eafd",
    "setSolutionMineableRate": "0x93f1f8ac",
    "submitTask": "0x08745dd1",
}

TOPICS = {  # first and last four digits where the source gives no more
    "ModelRegistered": "a4b0af38d049ba81703a0d0e46cc2ff39681210302134046237111a8fb7dee72",
    "ModelFeeChanged": "5930669a..8670",
    "ModelAddrChanged": "eafdd1f0..7f63",
    "ModelAllowListUpdated": "0ca5f5d5..5b89",
    "ModelAllowListRequirementChanged": "30c643b6..862b",
    "SolutionMineableRateChange": "0321e8a9..7d63",
    "PausedChanged": "d83d5281277e107f080e362699d46082adb74e7dc6a9bccbc87d8ae9533add44",
    "VersionChanged": "8c854a81..563f",
}

ERRORS = {
    "Paused": "0x9e87fac8",
    "AddressMustBeNonZero": "0x9be64cd0",
    "ModelAlreadyRegistered": "0x78ea387c",
    "NotModelOwner": "0x8c349cf7",
    "ModelDoesNotExist": "0x86020f01",
    "AllowListNotEnabled": "0x35f4a7b3",
    "CannotReenableAllowList": "0x7af0642e",
    "LowerFeeThanModelFee": "0x57235133",
    "NotAllowedToSubmitSolution": "0x3037a6eb",
    "NotPauser": "0x492f6781",
    "PercentageTooHigh": "0x2242dac9",
    "NoOverrideExists": "0xd17b3112",
}

ALL_ERRORS = re.findall(
    r"\w+",
    """
    NotPauser Paused MinStakedTooLow NotMasterContester NotModelOwner InvalidRegistry InvalidMultiplier
    ModelDoesNotExist
    PercentageTooHigh AddressMustBeNonZero ModelAlreadyRegistered InsufficientStake RequestNotExist WaitLonger
    StakeInsufficient LowerFeeThanModelFee MinVals CommitmentExists TaskDoesNotExist SolutionAlreadySubmitted
    NonExistentCommitment CommitmentMustBeInPast NotAllowedToSubmitSolution SubmitSolutionCooldown SolutionRateLimit
    SolutionNotFound HasContestation NotEnoughDelay ClaimSolutionCooldown AlreadyClaimed ContestationAlreadyExists
    TooLate
    Wtf MasterContesterMinStakedTooLow ContestationDoesntExist VotingPeriodNotEnded AmntTooSmall NotAllowed
    AllowListNotEnabled CannotReenableAllowList NoOverrideExists
    """,
)


def error_string(text: str) -> str:
    from eth_abi.abi import encode

    return "0x08c379a0" + encode(["string"], [text]).hex()


def fix(problem: Problem) -> str:
    return problem.fix.text if problem.fix else ""


@pytest.mark.parametrize(("wanted", "sender", "addr", "fee", "cid"), IDS)
def test_model_id_of_every_known_registration(wanted: str, sender: str, addr: str, fee: int, cid: str) -> None:
    assert engine.model_id(sender, addr, fee, cid) == wanted
    assert engine.model_id(engine.checksum(sender), addr, fee, bytes.fromhex(cid[2:])) == wanted


def test_model_id_is_over_the_224_bytes_that_the_contract_hashes() -> None:
    wanted, sender, addr, _, cid = IDS[0]
    words = [sender[2:].zfill(64), addr[2:].zfill(64), "0" * 64, f"{0x80:064x}", f"{0x22:064x}", cid[2:] + "00" * 30]
    preimage = bytes.fromhex("".join(words))
    assert len(preimage) == 224
    assert "0x" + engine.keccak(preimage).hex() == wanted


@given(st.integers(0, 2**256 - 1), st.integers(0, 2**256 - 1))
def test_another_fee_is_another_model(one: int, other: int) -> None:
    same = engine.model_id(TEAM, TEAM, one, QWEN) == engine.model_id(TEAM, TEAM, other, QWEN)
    assert same == (one == other)


@pytest.mark.parametrize("cid", ["0x1220", QWEN[:-2], "0x1120" + QWEN[6:], b"\x12\x20" + bytes(31), "0xzz", ""])
def test_model_id_refuses_what_is_no_multihash(cid: str | bytes) -> None:
    with pytest.raises(BadInput) as caught:
        engine.model_id(TEAM, TEAM, 0, cid)
    assert caught.value.problem.code == "multihash"


@pytest.mark.parametrize("fee", [-1, 2**256])
def test_a_fee_that_fits_no_word_is_refused(fee: int) -> None:
    with pytest.raises(BadInput) as caught:
        engine.model_id(TEAM, TEAM, fee, QWEN)
    assert caught.value.problem.code == "fee"
    with pytest.raises(BadInput) as caught:
        engine.register_calldata(TEAM, fee, b"{}")
    assert caught.value.problem.code == "fee"


def test_keccak_is_ethereums() -> None:
    assert engine.keccak(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"


def test_selectors() -> None:
    assert {name: engine.selector(engine.signature(name)) for name in engine.FUNCTIONS} == SELECTORS


@pytest.mark.parametrize("name", sorted(TOPICS))
def test_topics(name: str) -> None:
    first, _, last = TOPICS[name].partition("..")
    assert set(TOPICS) == set(engine.EVENTS)
    assert engine.topic(engine.signature(name)).startswith("0x" + first)
    assert engine.topic(engine.signature(name)).endswith(last)


def test_the_registration_event() -> None:
    assert engine.topic(engine.signature("ModelRegistered")) == engine.MODEL_REGISTERED


def test_web3_reads_the_abi_as_we_do() -> None:
    from eth_utils.abi import event_abi_to_log_topic, function_abi_to_4byte_selector

    json.dumps(engine.ABI)
    by_name: dict[str, Any] = {entry["name"]: entry for entry in engine.ABI}
    for name, wanted in SELECTORS.items():
        assert "0x" + function_abi_to_4byte_selector(by_name[name]).hex() == wanted
    for name in engine.EVENTS:
        assert "0x" + event_abi_to_log_topic(by_name[name]).hex() == engine.topic(engine.signature(name))
    assert [i["indexed"] for i in by_name["ModelAllowListUpdated"]["inputs"]] == [True, True, False]
    assert by_name["ModelAddrChanged"]["inputs"][1]["indexed"] is False
    assert {e["name"] for e in engine.ABI if e["type"] == "error"} == set(ALL_ERRORS)


def test_calldata_of_a_registration() -> None:
    word = "{:064x}".format
    text = "746573740a" + "00" * 27
    assert (
        engine.register_calldata(engine.NOBODY, 0, b"test\n")
        == "0x4ff03efa" + word(1) + word(0) + word(0x60) + word(5) + text
    )
    ones, twos = "11" * 20, "22" * 20
    listed = engine.register_calldata(engine.NOBODY, 0, b"test\n", ["0x" + ones, "0x" + twos])
    head = word(1) + word(0) + word(0x80) + word(0xC0)
    assert listed == "0x346b5c1e" + head + word(5) + text + word(2) + ones.zfill(64) + twos.zfill(64)
    assert engine.register_calldata(engine.NOBODY, 0, b"", []).startswith("0x346b5c1e")


def test_what_a_call_returned() -> None:
    from eth_abi.abi import encode

    raw = encode(["uint256", "address", "uint256", "bytes"], [7, TEAM, 0, bytes.fromhex(QWEN[2:])])
    assert engine.returned("models", raw) == (7, TEAM, 0, bytes.fromhex(QWEN[2:]))
    for broken in (b"", raw[:40], b"<html>"):
        with pytest.raises(ValueError, match="models returned"):
            engine.returned("models", broken)


@pytest.mark.parametrize("case", [str.lower, str.upper, engine.checksum])
def test_an_address_in_any_honest_spelling(case: object) -> None:
    assert callable(case)
    assert engine.parse_address(f"  {case(TEAM)}\n") == "0x1298F8A91B046d7fCBd5454cd3331Ba6f4feA168"


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("0x1298F8A91B046d7fCBd5454cd3331Ba6f4feA16", "address-length", "39 hex digits"),
        ("0x1298F8A91B046d7fCBd5454cd3331Ba6f4feA1688", "address-length", "41 hex digits"),
        ("0x1298f8A91B046d7FCBD5454cd3331Ba6f4feA168", "address-checksum", "EIP-55"),
        ("1298F8A91B046d7fCBd5454cd3331Ba6f4feA168", "address", "not 0x"),
        ("vitalik.eth", "address", "not 0x"),
        ("", "address", "not 0x"),
        ("0x", "address-length", "0 hex digits"),
        ("0x1298f8a91b046d7fcbd5454cd3331ba6f4fea16g", "address", "not 0x"),
    ],
)
def test_what_is_no_address(text: str, code: str, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        engine.parse_address(text)
    assert caught.value.problem.code == code
    assert says in caught.value.problem.why
    assert fix(caught.value.problem)


@pytest.mark.parametrize(
    "key", ["0x" + "5f" * 32, "5f" * 32, "legal winner thank year wave sausage worth useful legal"]
)
def test_a_key_pasted_for_an_address_is_not_shown(key: str) -> None:
    with pytest.raises(BadInput) as caught:
        engine.parse_address(key)
    assert key[10:20] not in repr(caught.value.problem)


def test_64_digits_are_called_what_they_may_be() -> None:
    with pytest.raises(BadInput) as caught:
        engine.parse_address("0x" + "5f" * 32)
    assert "private key" in caught.value.problem.why


@given(st.binary(min_size=20, max_size=20))
def test_checksums_are_those_of_eth_utils(raw: bytes) -> None:
    from eth_utils.address import to_checksum_address

    assert engine.checksum("0x" + raw.hex()) == to_checksum_address(raw)
    assert engine.parse_address(engine.checksum("0x" + raw.hex())) == to_checksum_address(raw)


def test_every_custom_error_of_v6_has_words() -> None:
    assert sorted(reverts.ERRORS) == sorted(ALL_ERRORS)
    for name in ALL_ERRORS:
        problem = engine.explain_revert(engine.selector(f"{name}()"), "execution reverted")
        assert problem.code not in ("reverted", "panic")
        assert problem.what
        assert problem.why
    assert len({reason.code for reason in reverts.REASONS}) == len(reverts.REASONS)


@pytest.mark.parametrize("name", sorted(ERRORS))
def test_selectors_of_errors(name: str) -> None:
    assert engine.selector(f"{name}()") == ERRORS[name]
    problem = engine.explain_revert(ERRORS[name], ERRORS[name])
    assert problem.what
    assert problem.why
    assert fix(problem)
    assert ERRORS[name] in problem.detail


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("paused", "Paused"),
        ("address must be non-zero", "AddressMustBeNonZero"),
        ("model already registered", "ModelAlreadyRegistered"),
        ("not model owner", "NotModelOwner"),
        ("model does not exist", "ModelDoesNotExist"),
        ("lower fee than model fee", "LowerFeeThanModelFee"),
        ("not pauser", "NotPauser"),
        ("min staked too low", "MinStakedTooLow"),
        ("validator min staked too low", "MinStakedTooLow"),
        ("request not exist", "RequestNotExist"),
        ("wait longer", "WaitLonger"),
        ("stake insufficient", "StakeInsufficient"),
        ("min vals", "MinVals"),
        ("commitment exists", "CommitmentExists"),
        ("task does not exist", "TaskDoesNotExist"),
        ("solution already submitted", "SolutionAlreadySubmitted"),
        ("non existent commitment", "NonExistentCommitment"),
        ("commitment must be in past", "CommitmentMustBeInPast"),
        ("submitSolution cooldown after lost contestation", "SubmitSolutionCooldown"),
        ("solution rate limit", "SolutionRateLimit"),
        ("solution not found", "SolutionNotFound"),
        ("solution does not exist", "SolutionNotFound"),
        ("has contestation", "HasContestation"),
        ("not enough delay", "NotEnoughDelay"),
        ("claimSolution cooldown after lost contestation", "ClaimSolutionCooldown"),
        ("already claimed", "AlreadyClaimed"),
        ("contestation already exists", "ContestationAlreadyExists"),
        ("too late", "TooLate"),
        ("wtf", "Wtf"),
        ("not allowed", "NotAllowed"),
        ("contestation doesn't exist", "ContestationDoesntExist"),
        ("voting period not ended", "VotingPeriodNotEnded"),
        ("amnt too small", "AmntTooSmall"),
    ],
)
def test_strings_of_older_engines_read_like_the_errors_of_v6(text: str, error: str) -> None:
    v6 = engine.explain_revert(engine.selector(f"{error}()"))
    for data, node in [
        (error_string(text), f"execution reverted: {text}"),
        (error_string(text), "execution reverted"),
        ("", f"execution reverted: {text}"),
        ("", f'VM Exception while processing transaction: revert "{text}"'),
        ("", f"execution reverted: {text.upper()}"),
        ("0x", text),
    ]:
        found = engine.explain_revert(data, node)
        assert (found.code, found.what, found.why, found.fix) == (v6.code, v6.what, v6.why, v6.fix), (data, node)


@pytest.mark.parametrize(
    "node",
    [
        "VM Exception while processing transaction: reverted with custom error 'Paused()'",
        "execution reverted: custom error 0x9e87fac8",
        "Reverted 0x9e87fac8",
        "execution reverted: Paused()",
        "VM Exception while processing transaction: reverted with reason string 'paused'",
        f"Reverted {error_string('paused')}",
    ],
)
def test_the_texts_of_other_nodes(node: str) -> None:
    assert engine.explain_revert("", node).code == "engine-paused"


def test_the_size_limit_is_a_string_in_every_version() -> None:
    problem = engine.explain_revert(error_string("Max content size is 65536 bytes"), "execution reverted")
    assert problem.code == "template-too-big"
    assert "65,536" in problem.what
    assert engine.MAX_TEMPLATE == 65_536


def test_the_owners_functions_and_the_token() -> None:
    assert engine.explain_revert("", "execution reverted: Ownable: caller is not the owner").code == "not-owner"
    assert engine.explain_revert(error_string("ERC20: insufficient allowance")).code == "token-allowance"


def test_panic() -> None:
    problem = engine.explain_revert("0x4e487b71" + f"{0x11:064x}", "execution reverted")
    assert problem.code == "panic"
    assert "overflowed" in problem.what
    assert "0x11" in problem.what
    assert "0xff" in engine.explain_revert("0x4e487b71" + f"{0xFF:064x}").what


def test_what_nobody_can_name_still_gets_words() -> None:
    silent = engine.explain_revert("", "execution reverted")
    assert silent.code == "reverted"
    assert "without a reason" in silent.what
    assert "another RPC" in fix(silent)
    assert "a new rule" in engine.explain_revert(error_string("a new rule"), "execution reverted").what
    assert "0xdeadbeef" in engine.explain_revert("0xdeadbeef", "execution reverted").what


@given(st.binary(max_size=200), st.text(max_size=200))
def test_no_answer_of_a_node_breaks_the_explanation(data: bytes, text: str) -> None:
    for raw in ("0x" + data.hex(), "0x08c379a0" + data.hex(), "0x4e487b71" + data.hex(), text):
        assert engine.explain_revert(raw, text).what


def test_features_by_version() -> None:
    table = {v: engine.features(v) for v in (0, 1, 3, 4, 5, 6, 7)}
    assert [v for v, f in table.items() if f.set_model] == [4, 5, 6, 7]
    assert [v for v, f in table.items() if f.fee_share] == [5, 6, 7]
    assert [v for v, f in table.items() if f.allow_lists] == [6, 7]


def test_what_the_author_gets() -> None:
    fee = 3_500_000_000_000_000
    assert engine.author_share(fee, engine.WHOLE) == 0
    assert engine.author_share(fee, 0) == fee
    assert engine.author_share(fee, engine.WHOLE // 4) == fee * 3 // 4
    assert engine.author_share(fee, 0, task_fee_wei=fee - 1) == 0
    assert engine.author_share(fee, 0, task_fee_wei=fee) == fee
    assert engine.author_share(1, 1) == 0


def test_the_domain_needs_no_heavy_package_to_be_imported() -> None:
    code = (
        "import sys; from arbius_tui.domain import engine, networks;"
        "heavy = {'web3', 'eth_abi', 'eth_utils', 'eth_hash', 'pydantic', 'Crypto'};"
        "print([m for m in sys.modules if m.split('.')[0] in heavy])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
