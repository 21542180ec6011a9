"""Our Engine against the facts of the live one, on the embedded chain and on a real anvil."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_utils.address import to_checksum_address
from web3.types import RPCEndpoint

from arbius_tui.domain import engine as facts
from arbius_tui.domain.cid import multihash
from arbius_tui.rehearsal.chain import TREASURY, play_address, play_key
from arbius_tui.rehearsal.node import artifact
from tests import parts
from tests.domain.test_engine import GUIDE, IDS, KANDINSKY
from tests.rehearsal import engine_world
from tests.rehearsal.engine_world import AUTHOR, OTHER, EngineWorld, content

ROOT = Path(__file__).parents[2]
CONTRACTS = ROOT / "arbius_tui" / "rehearsal" / "contracts"
ME, THEM = (Account.from_key(key).address for key in (AUTHOR, OTHER))
ZERO, ONE = "0x" + 40 * "0", "0x" + 39 * "0" + "1"
MINERS = ["0x" + 20 * pair for pair in ("11", "22", "33")]
UNKNOWN = b"\x07" * 32

TOO_BIG = (
    "0x08c379a0"
    + (32).to_bytes(32, "big").hex()
    + (31).to_bytes(32, "big").hex()
    + (b"Max content size is 65536 bytes" + b"\0").hex()
)


@pytest.fixture(scope="module", params=["embedded", pytest.param("anvil", marks=pytest.mark.real)])
def world(request: pytest.FixtureRequest) -> Iterator[EngineWorld]:
    if request.param == "embedded":
        yield engine_world.embedded()
    else:
        with engine_world.anvil() as found:
            yield found


@pytest.fixture
def engine(world: EngineWorld) -> Iterator[EngineWorld]:
    """The world as it was, for each test."""

    def rpc(method: str, *params: object) -> str:
        return str(world.web3.provider.make_request(RPCEndpoint(method), list(params))["result"])

    snapshot = rpc("evm_snapshot")
    yield world
    rpc("evm_revert", snapshot)


def registered(engine: EngineWorld, template: bytes = b"{}", addr: str = ME, fee: int = 0) -> bytes:
    receipt = engine.send("registerModel", addr, fee, template)
    assert receipt.status == 1
    return bytes(receipt.logs[0].topics[1])


def registered_with_list(engine: EngineWorld, miners: list[str], addr: str = ME) -> bytes:
    receipt = engine.send("registerModelWithAllowList", addr, 0, b"{}", list(map(to_checksum_address, miners)))
    assert receipt.status == 1
    return bytes(receipt.logs[0].topics[1])


def topics(receipt: Any) -> list[list[str]]:
    return [["0x" + bytes(topic).hex() for topic in log["topics"]] for log in receipt.logs]


def test_starts_as_the_live_engine_is(world: EngineWorld) -> None:
    owner = play_address("owner")
    expected = {
        "version": 6,
        "paused": False,
        "owner": owner,
        "pauser": owner,
        "treasury": TREASURY,
        "baseToken": to_checksum_address("0x4a24b101728e07a52053c13fb4db2bcf490cabc3"),
        "voter": ZERO,
        "solutionModelFeePercentage": 10**18,
    }
    assert {name: world.call(name) for name in expected} == expected
    assert world.call("solutionModelFeePercentageOverride", UNKNOWN) == 0
    assert world.call("hasSolutionModelFeePercentageOverride", UNKNOWN) is False
    assert world.call("models", UNKNOWN) == [0, ZERO, 0, b""]


def test_the_state_lies_where_the_live_engine_has_it(world: EngineWorld) -> None:
    """A tool that writes storage (owner 51, paused byte 20 of 103, version 107) works on both."""
    places = artifact()["storageLayout"]
    assert places["owner"] == {"slot": 51, "offset": 0}
    assert places["paused"] == {"slot": 103, "offset": 20}
    assert places["version"] == {"slot": 107, "offset": 0}
    slots = {
        slot: int.from_bytes(world.web3.eth.get_storage_at(world.contract.address, slot), "big") for slot in (51, 107)
    }
    assert slots == {51: int(play_address("owner"), 16), 107: 6}


def test_the_artifact_has_what_the_domain_knows_of_the_engine() -> None:
    """Names, inputs, outputs and `indexed` of every entry of our Engine are those of the client's ABI."""

    def shape(entry: dict[str, Any]) -> tuple[Any, ...]:
        def types(side: str) -> list[object]:
            rows = entry.get(side, [])
            return [(row["type"], row.get("indexed"), [c["type"] for c in row.get("components", [])]) for row in rows]

        return entry["type"], entry.get("name"), types("inputs"), types("outputs")

    ours = [shape(entry) for entry in artifact()["abi"] if entry["type"] in ("function", "event", "error")]
    known = [shape(dict(entry)) for entry in facts.ABI]
    missing = [entry for entry in ours if entry not in known]
    assert {name for _, name, *_ in missing} <= {"setPaused", "PausedChanged"}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (b"test\n", "0x1220f4ad8a3bd3189da2ad909ee41148d6893d8c629c410f7f2c7e3fae75aade79c8"),
        (b"9" * 64 + b"0" * 32, "0x1220e844b8764c00d4a76ac03930a3d8f32f3df59aea3ed0ade4c3bc38a3b23a31d9"),
        (
            b"9" * 51 + b"888" + b"9" * 10 + b"0" * 32,
            "0x1220f782bf27d7dfa16c5556ae0e19d41a73fc380a28455abcedecd70460505f022b",
        ),
        (b"a" * 65536, "0x1220bccb9dfee879410fd681d3fdb971d48547d13fcd0613366eeaa32c66aa76b042"),
    ],
    ids=["test-lf", "ipfs-a", "ipfs-b", "largest"],
)
def test_cid(world: EngineWorld, template: bytes, expected: str) -> None:
    assert "0x" + world.call("generateIPFSCID", template).hex() == expected


def test_cid_of_the_guides_example(world: EngineWorld) -> None:
    example = json.loads((ROOT / "assets" / "guide-example.json").read_text(encoding="utf-8"))
    template = json.dumps(example, separators=(",", ":")).encode() + b"\n"
    assert len(template) == 1492
    assert "0x" + world.call("generateIPFSCID", template).hex() == GUIDE


@pytest.mark.parametrize("size", [1, 10, 113, 114, 127, 128, 129, 760, 16369, 16370, 16383, 16384, 65535, 65536])
def test_cid_is_that_of_ipfs_at_each_length_of_a_varint(world: EngineWorld, size: int) -> None:
    assert "0x" + world.call("generateIPFSCID", content(size)).hex() == multihash(content(size))


def test_empty_template_is_accepted_with_a_cid_that_ipfs_never_gives(engine: EngineWorld) -> None:
    odd = "0x1220" + sha256(bytes.fromhex("0a06080212001800")).hexdigest()
    model = registered(engine, b"")
    assert "0x" + engine.call("models", model)[3].hex() == odd != multihash(b"")


@pytest.mark.parametrize(("expected", "sender", "addr", "fee", "cid"), IDS)
def test_hash_model_gives_the_ids_of_real_registrations(
    world: EngineWorld, expected: str, sender: str, addr: str, fee: int, cid: str
) -> None:
    model = (fee, to_checksum_address(addr), 7, bytes.fromhex(cid[2:]))
    assert "0x" + world.call("hashModel", model, to_checksum_address(sender)).hex() == expected


@pytest.mark.parametrize("fee", [0, 7_000_000_000_000_000])
def test_registration_logs_the_id_that_was_predicted_and_nothing_else(engine: EngineWorld, fee: int) -> None:
    template = content(760)
    predicted = engine.call("registerModel", ONE, fee, template)
    cid = bytes.fromhex(multihash(template)[2:])
    assert predicted == engine.call("hashModel", (fee, ONE, 0, cid), ME)
    receipt = engine.send("registerModel", ONE, fee, template)
    topic = "0xa4b0af38d049ba81703a0d0e46cc2ff39681210302134046237111a8fb7dee72"
    assert topics(receipt) == [[topic, "0x" + predicted.hex()]]
    assert bytes(receipt.logs[0]["data"]) == b""
    assert engine.call("models", predicted) == [fee, ONE, 0, cid]


def test_the_checks_come_in_the_order_of_the_live_engine(engine: EngineWorld) -> None:
    """Paused, then the zero address, then the size, then the duplicate: each wins over all that follow."""
    registered(engine, b"{}")
    engine.pause()
    assert engine.refused("registerModel", ZERO, 0, content(65537)) == "0x9e87fac8"
    assert engine.refused("registerModel", ME, 0, b"{}") == "0x9e87fac8"
    engine.pause(False)
    assert engine.refused("registerModel", ZERO, 0, content(65537)) == "0x9be64cd0"
    assert engine.refused("registerModel", ZERO, 0, b"{}") == "0x9be64cd0"
    assert engine.refused("registerModel", ME, 0, content(65537)) == TOO_BIG
    assert engine.refused("registerModel", ME, 0, b"{}") == "0x78ea387c"
    assert engine.refused("registerModelWithAllowList", ME, 0, b"{}", []) == "0x78ea387c"


def test_registering_with_an_allow_list_is_checked_alike(engine: EngineWorld) -> None:
    engine.pause()
    assert engine.refused("registerModelWithAllowList", ZERO, 0, b"{}", []) == "0x9e87fac8"
    engine.pause(False)
    assert engine.refused("registerModelWithAllowList", ZERO, 0, content(65537), []) == "0x9be64cd0"
    assert engine.refused("registerModelWithAllowList", ME, 0, content(65537), []) == TOO_BIG
    assert engine.refused("generateIPFSCID", content(65537)) == TOO_BIG


def test_one_wei_another_address_or_another_sender_is_another_model(engine: EngineWorld) -> None:
    models = {
        registered(engine),
        registered(engine, fee=1),
        registered(engine, addr=ONE),
        registered(engine, b"{}\n"),
        bytes(engine.send("registerModel", ME, 0, b"{}", sender=OTHER).logs[0].topics[1]),
    }
    assert len(models) == 5


def test_a_mined_refusal_costs_gas_and_registers_nothing(engine: EngineWorld) -> None:
    receipt = engine.send("registerModel", ZERO, 0, b"{}", gas=200_000)
    assert (receipt.status, receipt.logs) == (0, [])


def test_only_the_listed_miners_are_allowed(engine: EngineWorld) -> None:
    model = registered_with_list(engine, MINERS[:2])
    assert engine.call("modelRequiresAllowList", model) is True
    assert engine.call("submitSolutionMinerAllowList", model) is True
    assert [engine.call("isSolverAllowed", model, miner) for miner in MINERS] == [True, True, False]


def test_without_a_list_everybody_is_allowed_and_none_can_be_made(engine: EngineWorld) -> None:
    model = registered(engine)
    assert engine.call("modelRequiresAllowList", model) is False
    assert engine.call("isSolverAllowed", model, MINERS[0]) is True
    assert engine.call("isSolverAllowed", UNKNOWN, MINERS[0]) is True
    for function in ("addToModelAllowList", "removeFromModelAllowList"):
        assert engine.refused(function, model, MINERS) == "0x35f4a7b3"
    assert engine.refused("disableModelAllowList", model) == "0x35f4a7b3"


def test_the_list_is_not_part_of_the_id_and_its_members_are_not_logged(engine: EngineWorld) -> None:
    predicted = engine.call("registerModel", ME, 0, b"{}")
    receipt = engine.send("registerModelWithAllowList", ME, 0, b"{}", MINERS)
    assert [row[1] for row in topics(receipt)] == ["0x" + predicted.hex()]


def test_a_list_is_changed_and_given_up_for_good(engine: EngineWorld) -> None:
    model = registered_with_list(engine, [])
    assert engine.call("isSolverAllowed", model, MINERS[0]) is False
    updated = "0x0ca5f5d55f752d1868c56e675a848a78c3b7e3ad4145484f9557746300a25b89"
    added = engine.send("addToModelAllowList", model, MINERS[:2])
    padded = ["0x" + miner[2:].rjust(64, "0") for miner in MINERS]
    assert topics(added) == [[updated, "0x" + model.hex(), miner] for miner in padded[:2]]
    removed = engine.send("removeFromModelAllowList", model, MINERS[:1])
    assert [bytes(log["data"])[-1] for log in (*added.logs, *removed.logs)] == [1, 1, 0]
    assert [engine.call("isSolverAllowed", model, miner) for miner in MINERS] == [False, True, False]
    disabled = engine.send("disableModelAllowList", model)
    assert topics(disabled)[0][0] == "0x30c643b688b3708f765d40dc41ac8930806a124f9ee93af48ee77187642f862b"
    assert engine.call("isSolverAllowed", model, MINERS[2]) is True
    assert engine.refused("disableModelAllowList", model) == "0x35f4a7b3"
    assert engine.refused("addToModelAllowList", model, MINERS) == "0x35f4a7b3"


WRITES = [
    ("setModelFee", (1,)),
    ("setModelAddr", (ONE,)),
    ("addToModelAllowList", (MINERS,)),
    ("removeFromModelAllowList", (MINERS,)),
    ("disableModelAllowList", ()),
]


@pytest.mark.parametrize(("function", "args"), WRITES, ids=[name for name, _ in WRITES])
def test_only_the_models_address_or_the_owner_may_change_it(
    engine: EngineWorld, function: str, args: tuple[object, ...]
) -> None:
    mine, nobodys = registered_with_list(engine, []), registered_with_list(engine, [], ONE)
    owner = "0x" + play_key("owner").hex()
    for model, sender in ((mine, OTHER), (nobodys, AUTHOR), (UNKNOWN, AUTHOR)):
        assert engine.refused(function, model, *args, sender=sender) == "0x8c349cf7"
    engine.pause()
    for model, sender in ((mine, AUTHOR), (mine, owner), (nobodys, owner)):
        engine.call(function, model, *args, sender=sender)


def test_what_only_the_owner_reaches(engine: EngineWorld) -> None:
    owner = "0x" + play_key("owner").hex()
    for function in ("addToModelAllowList", "removeFromModelAllowList"):
        assert engine.refused(function, UNKNOWN, MINERS, sender=owner) == "0x86020f01"
    assert engine.refused("disableModelAllowList", UNKNOWN, sender=owner) == "0x86020f01"
    assert engine.refused("setSolutionMineableRate", UNKNOWN, 1, sender=owner) == "0x86020f01"
    assert b"Ownable: caller is not the owner".hex() in engine.refused("setSolutionMineableRate", UNKNOWN, 1)
    assert engine.refused("setPaused", True) == "0x492f6781"


def test_fee_address_and_rate_change_and_the_id_stays(engine: EngineWorld) -> None:
    model = registered(engine)
    fee = engine.send("setModelFee", model, 5)
    rate = engine.send("setSolutionMineableRate", model, 10**18, sender=play_key("owner"))
    assert engine.refused("setModelAddr", model, ZERO) == "0x9be64cd0"
    addr = engine.send("setModelAddr", model, THEM)
    cid = bytes.fromhex(multihash(b"{}")[2:])
    assert engine.call("models", model) == [5, THEM, 10**18, cid]
    assert engine.call("hashModel", (5, THEM, 10**18, cid), ME) != model
    assert [topics(receipt)[0][0] for receipt in (fee, addr, rate)] == [
        "0x5930669abd6e86dc60e9ac97eba465cc7616d921cbd528312d3dfb4c98f38670",
        "0xeafdd1f0eea366f4be1889897ed391bb67f32c22bb7ba7d9d3db1888acfd7f63",
        "0x0321e8a918b4c47bf3677852c070983825f30a47bc8d9416691454fa6a727d63",
    ]
    assert engine.refused("setModelFee", model, 6) == "0x8c349cf7"


@pytest.mark.parametrize("size", [0, 1, 760, 16_384, 65_536])
def test_an_estimate_is_enough_and_never_far_off(engine: EngineWorld, size: int) -> None:
    estimate = engine.estimate("registerModel", ONE, 0, content(size))
    receipt = engine.send("registerModel", ONE, 0, content(size), gas=estimate)
    assert receipt.status == 1
    assert receipt.gasUsed <= estimate <= receipt.gasUsed * 1.05
    assert receipt.gasUsed == GAS[size]


GAS = {0: 122_800, 1: 122_943, 760: 131_039, 16_384: 423_970, 65_536: 1_651_330}
"""Gas of a registration without a fee, the same on both chains; the two last are the calldata floor of EIP-7623."""


@pytest.mark.parametrize("artifact_path", [CONTRACTS / "Engine.json", engine_world.V5_ARTIFACT], ids=lambda p: p.stem)
def test_the_artifact_is_what_the_source_compiles_to(artifact_path: Path, tmp_path: Path) -> None:
    solc = Path(parts.need("solc"))
    shutil.copy(CONTRACTS / "compile.mjs", tmp_path)
    shutil.copy(artifact_path.with_suffix(".sol"), tmp_path)
    (tmp_path / "node_modules").symlink_to(solc.parent)
    source = tmp_path / artifact_path.with_suffix(".sol").name
    subprocess.run(["node", "compile.mjs", source], cwd=tmp_path, check=True, timeout=60)
    assert source.with_suffix(".json").read_bytes() == artifact_path.read_bytes()


def test_the_compiler_is_pinned_to_one_version() -> None:
    wanted = json.loads((CONTRACTS / "package.json").read_text(encoding="utf-8"))["devDependencies"]["solc"]
    locked = json.loads((CONTRACTS / "package-lock.json").read_text(encoding="utf-8"))["packages"]["node_modules/solc"]
    assert wanted == locked["version"]
    assert artifact()["compiler"].startswith(f"{wanted}+commit.")


def test_kandinsky_has_the_id_of_nova(world: EngineWorld) -> None:
    """The registration of February 2024 that everybody can look up."""
    team = to_checksum_address("0x1298f8a91b046d7fcbd5454cd3331ba6f4fea168")
    found = world.call("hashModel", (0, ONE, 0, bytes.fromhex(KANDINSKY[2:])), team)
    assert found.hex() == "98617a8cd4a11db63100ad44bea4e5e296aecfd78b2ef06aee3e364c7307f212"


def test_the_old_engine_refuses_with_sentences(engine: EngineWorld) -> None:
    old = engine_world.deploy(engine.web3, engine_world.v5())
    sentences = {
        "address must be non-zero": old.refused("registerModel", ZERO, 0, b"{}"),
        "not model owner": old.refused("setModelFee", UNKNOWN, 1),
        "Max content size is 65536 bytes": old.refused("registerModel", ME, 0, content(65537)),
    }
    assert old.send("registerModel", ME, 0, b"{}").status == 1
    sentences["model already registered"] = old.refused("registerModel", ME, 0, b"{}")
    old.pause()
    sentences["paused"] = old.refused("registerModel", ME, 0, b"{}")
    assert old.call("version") == 5
    for sentence, data in sentences.items():
        assert data.startswith("0x08c379a0")
        assert sentence.encode().hex() in data
