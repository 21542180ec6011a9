"""Pinning services: doubles that answer as documented, every fault of theirs, and real nodes behind one of them."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from arbius_tui.domain.cid import block, block_cid, cid
from arbius_tui.domain.cid_forms import DAG_PB, HASHES, RAW, Form, write
from arbius_tui.domain.errors import BadInput, PinFailed
from arbius_tui.domain.secret import Secret
from arbius_tui.services import notes
from arbius_tui.services.ipfs import KuboNode
from arbius_tui.services.pin_remote import FILEBASE, Pinata, PinningService, store_of
from arbius_tui.services.servers import free_port
from arbius_tui.services.stores import Stores
from tests.stores import CUT, HANG, PinataDouble, PsaDouble, kubo, said, serving

DATA = b'{"meta":{"title":"a template"}}\n'
CID = cid(DATA)


@asynccontextmanager
async def pinata(double: PinataDouble | None = None, **more: Any) -> AsyncIterator[tuple[Pinata, PinataDouble]]:
    double = double or PinataDouble()
    async with serving(double) as base:
        service = Pinata(base, Secret(double.token), **more)
        try:
            yield service, double
        finally:
            await service.aclose()


@asynccontextmanager
async def psa(double: PsaDouble | None = None, **more: Any) -> AsyncIterator[tuple[PinningService, PsaDouble]]:
    double = double or PsaDouble()
    async with serving(double) as base:
        service = PinningService(base, Secret(double.token), **{"pause": 0, **more})
        try:
            yield service, double
        finally:
            await service.aclose()


# -- Pinata


async def test_pinata_is_given_the_bytes_and_gives_the_engines_cid() -> None:
    async with pinata() as (service, double):
        stored = await service.pin(DATA, "my template.json")
        assert double.pins == {CID: DATA}
        assert (stored.cid, stored.pinned, stored.sort) == (CID, True, "pinata")
        assert (await service.pin(DATA, "my template.json")).cid == CID
        assert not await service.pinned(cid(b"another"))
    assert double.token not in repr(vars(service)) + repr(stored) + str(service)


def raw(data: bytes) -> str:
    return write(Form(1, RAW, 0x12, HASHES[0x12][1](data)))


@pytest.mark.parametrize(
    ("hash", "words"),
    [
        (raw(DATA), "raw leaves"),
        (write(Form(1, DAG_PB, 0x12, HASHES[0x12][1](block(DATA)))), "CIDv1 of the very same block"),
        (cid(DATA[:-1]), "without its final newline"),
        (cid(json.dumps(json.loads(DATA), indent=2).encode()), "wrote the JSON anew"),
        (cid(b"what?"), "which these bytes do not give"),
        ("\x1b[31mQm", "no CID"),
    ],
)
async def test_another_cid_is_refused_and_the_rule_is_named(hash: str, words: str) -> None:
    async with pinata() as (service, double):
        double.next = [said(200, {"IpfsHash": hash, "PinSize": 43, "Timestamp": "x"})]
        with pytest.raises(PinFailed) as failed:
            await service.pin(DATA, "t.json")
    problem = failed.value.problem
    assert problem.code == "cid-mismatch"
    assert words in problem.what.replace("does not give", "which these bytes do not give")
    assert "\x1b" not in str(problem)


PAGE = b"<html>\x1b]0;owned\x07<h1>Cloudflare</h1></html>"
FAULTS = [
    (said(401, {"error": {"reason": "INVALID_CREDENTIALS", "details": "Invalid/expired credentials"}}), "pin-refused"),
    (said(403, {"error": {"reason": "NO_SCOPES_FOUND", "details": "no permission"}}), "pin-refused"),
    (said(402, {"error": {"reason": "PAYMENT", "details": "plan"}}), "pin-quota"),
    (said(403 + 6, {"error": {"reason": "INSUFFICIENT_FUNDS", "details": "no more"}}), "pin-quota"),
    (said(400, {"error": "Storage quota exceeded"}), "pin-quota"),
    (said(413, b""), "pin-too-big"),
    (said(429, {"error": "slow down"}, Retry_After="3600"), "pin-busy"),
    (said(500, b""), "pin-service"),
    (said(502, PAGE), "pin-service"),
    (said(503, b""), "pin-service"),
    (said(404, b"404"), "pin-answer"),
    (said(307, b"", Location="http://127.0.0.1:9/"), "pin-answer"),
    (said(200, PAGE), "pin-answer"),
    (said(200, b"{"), "pin-answer"),
    (said(200, [1]), "pin-answer"),
    (said(200, {}), "pin-answer"),
    (said(200, b"x" * (2 << 20)), "pin-answer"),
    (CUT, "pin-answer"),
    (HANG, "pin-timeout"),
]


@pytest.mark.parametrize(("fault", "code"), FAULTS)
@pytest.mark.parametrize("kind", ["pinata", "psa"])
async def test_every_fault_is_a_sentence_with_a_fix(kind: str, fault: Any, code: str) -> None:
    limit = 0.5 if fault is HANG else 20
    service: Pinata | PinningService
    async with AsyncExitStack() as stack:
        if kind == "pinata":
            service, double = await stack.enter_async_context(pinata(limit=limit, patience=1))
        else:
            service, double = await stack.enter_async_context(psa(limit=limit))
            service.patience = 1
        double.next = [fault]
        with pytest.raises(PinFailed) as failed:
            await service.pin(DATA, "t.json")
        problem = failed.value.problem
        assert problem.code == code
        assert problem.why
        assert problem.fix
        assert problem.fix.text
        assert "\x1b" not in str(problem)
        assert double.token not in str(problem)


async def test_a_rate_limit_is_waited_for_as_it_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []
    async with pinata() as (service, double):
        double.next = [said(429, {"error": "slow"}, Retry_After="0.01"), said(503, b"", Retry_After="0.01")]
        with notes.heard(heard.append):
            assert (await service.pin(DATA, "t.json")).cid == CID
    assert len([text for text in heard if "fewer calls" in text]) == 2


async def test_a_token_is_wanted_before_anything_is_sent() -> None:
    async with serving(double := PinataDouble()) as base:
        service = Pinata(base)
        with pytest.raises(PinFailed) as failed:
            await service.pin(DATA, "t.json")
        assert failed.value.problem.code == "pin-no-token"
        assert double.requests == []
        await service.give(Secret(double.token))
        assert (await service.pin(DATA, "t.json")).pinned
        await service.aclose()


async def test_nobody_listens() -> None:
    service = Pinata(f"http://127.0.0.1:{free_port()}", Secret("tok"))
    with pytest.raises(PinFailed) as failed:
        await service.pin(DATA, "t.json")
    assert failed.value.problem.code == "pin-unreachable"
    await service.aclose()


def test_a_token_never_crosses_the_internet_in_clear_text() -> None:
    for make in (Pinata, PinningService, KuboNode):
        with pytest.raises(BadInput) as refused:
            make("http://pins.example.com", Secret("jwt-canary"))
        assert refused.value.problem.code == "ipfs-token-open"
        assert "jwt-canary" not in str(refused.value.problem)
    make("http://192.168.1.7:5001", Secret("tok"))


# -- the Pinning Service API


class Node:
    """A peer that knows its addresses and is told whom to connect to."""

    id = "kubo :1"

    def __init__(self, *addresses: str) -> None:
        self.addresses, self.connected = addresses, list[str]()

    async def identity(self) -> tuple[str, Sequence[str]]:
        return "12D3KooWMe", self.addresses

    async def connect(self, address: str) -> bool:
        self.connected.append(address)
        return False


async def test_a_service_is_given_the_cid_and_told_where_to_fetch_it() -> None:
    near = Node("/ip4/127.0.0.1/tcp/1/p2p/12D3KooWMe", "/ip4/5.6.7.8/tcp/4001", "odd")
    heard: list[str] = []
    async with psa() as (service, double):
        with notes.heard(heard.append):
            stored = await service.pin(DATA, "t" * 400, [near])
        assert (stored.cid, stored.pinned, stored.sort) == (CID, True, "psa")
        order = json.loads(next(r.body for r in double.requests if r.method == "POST"))
        assert order["cid"] == CID
        assert order["origins"] == ["/ip4/5.6.7.8/tcp/4001/p2p/12D3KooWMe", "/ip4/127.0.0.1/tcp/1/p2p/12D3KooWMe"]
        assert len(order["name"]) == 255
        assert near.connected == list(double.delegates)
        assert any("queued" in text for text in heard)
        assert any("pinning" in text for text in heard)
        again = await service.pin(DATA, "t.json", [near])
        assert again.pinned
        assert len([r for r in double.requests if r.method == "POST"]) == 1, "the order stands and is not given twice"
        assert await service.pinned(CID)
        assert not await service.pinned(cid(b"other"))


async def test_a_service_that_gives_up_or_takes_too_long_says_so() -> None:
    async with psa() as (service, double):
        double.steps = ["queued", "failed"]
        with pytest.raises(PinFailed) as failed:
            await service.pin(DATA, "t.json")
        assert failed.value.problem.code == "pin-failed"
    async with psa(wait=0) as (service, double):
        with pytest.raises(PinFailed) as failed:
            await service.pin(DATA, "t.json")
        assert failed.value.problem.code == "pin-queued"


@pytest.mark.parametrize(
    "change",
    [{"requestid": 5}, {"status": "great"}, {"pin": None}, {"pin": {"cid": 7}}, {"requestid": ""}],
)
async def test_what_is_no_pin_status_is_refused(change: dict[str, Any]) -> None:
    good = {"requestid": "r", "status": "pinned", "pin": {"cid": CID}, "delegates": [], "info": {}}
    async with psa() as (service, double):
        double.next = [said(200, {"count": 0, "results": []}), said(202, {**good, **change})]
        with pytest.raises(PinFailed) as failed:
            await service.pin(DATA, "t.json")
    assert failed.value.problem.code == "pin-answer"


async def test_another_cid_in_the_pin_is_a_mismatch() -> None:
    async with psa() as (service, double):
        other = {"requestid": "r", "status": "pinned", "pin": {"cid": raw(DATA)}, "delegates": []}
        double.next = [said(200, {"count": 0, "results": []}), said(202, other)]
        with pytest.raises(PinFailed) as failed:
            await service.pin(DATA, "t.json")
    assert failed.value.problem.code == "cid-mismatch"
    assert "raw leaves" in failed.value.problem.what


@pytest.mark.real
async def test_a_service_fetches_the_block_from_our_node_and_really_pins_it(tmp_path: Path) -> None:
    data = secrets.token_bytes(900)
    with kubo(tmp_path / "ours", swarm=True) as ours, kubo(tmp_path / "theirs", swarm=True) as theirs:
        async with KuboNode(ours.rpc) as node, KuboNode(theirs.rpc) as far:
            await node.pin(data, "t.json")

            async def fetch(wanted: str, origins: list[str]) -> None:
                assert await far.connect(origins[0])
                assert block_cid(await far.block(wanted)) == wanted

            async with psa(PsaDouble(fetch)) as (service, _):
                assert not await far.has(cid(data))
                assert (await service.pin(data, "t.json", [node])).pinned
                assert await far.has(cid(data))


# -- which store a name means


@pytest.mark.parametrize(
    ("place", "kind", "base"),
    [
        ("pinata", Pinata, "https://api.pinata.cloud"),
        ("pinata=http://127.0.0.1:1", Pinata, "http://127.0.0.1:1"),
        ("psa", PinningService, "https://api.pinata.cloud/psa"),
        ("psa=https://pins.example/v1", PinningService, "https://pins.example/v1"),
        ("https://pins.example/v1/ipfs", PinningService, "https://pins.example/v1/ipfs"),
        ("filebase", KuboNode, FILEBASE),
        ("https://rpc.example/api/v0", KuboNode, "https://rpc.example"),
        ("kubo=/ip4/127.0.0.1/tcp/5001", KuboNode, "http://127.0.0.1:5001"),
    ],
)
def test_what_a_place_is_called(place: str, kind: type, base: str) -> None:
    store = store_of(place)
    assert type(store) is kind
    assert store.base == base


@pytest.mark.parametrize("place", ["", "pinatta", "ftp://x", "kubo", "kubo="])
def test_what_is_no_place(place: str) -> None:
    with pytest.raises(BadInput):
        store_of(place)


async def test_whose_token_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("IPFS_PATH", str(tmp_path))
    token = Secret("tok")
    async with Stores(token=token) as alone:
        assert [node.base for node in alone.nodes] == ["http://127.0.0.1:5001"]
        assert alone.nodes[0].token.given is token
    async with Stores(remotes=("pinata",), token=token) as upload:
        assert upload.nodes == []
        assert upload.remotes[0].token.given is token
    async with Stores(remotes=("psa",), token=token) as fetched:
        assert [node.base for node in fetched.nodes] == ["http://127.0.0.1:5001"]
        assert fetched.nodes[0].token.given is None
    async with Stores(("/ip4/127.0.0.1/tcp/7",), ("filebase",), token) as both:
        assert [node.base for node in both.nodes] == ["http://127.0.0.1:7", FILEBASE]
        assert [node.token.given for node in both.nodes] == [None, token]


@pytest.mark.real
async def test_kubos_own_client_takes_the_double_for_a_pinning_service(tmp_path: Path) -> None:
    data = secrets.token_bytes(700)
    double = PsaDouble()
    double.steps = ["pinned"]
    with kubo(tmp_path / "repo", swarm=True) as daemon:
        async with KuboNode(daemon.rpc, limit=60) as node, serving(double) as base:
            await node.pin(data, "t.json")
            url = f"pin/remote/service/add?arg=d&arg={base}&arg={double.token}"
            assert (await node.post(url)).status == 200
            answer = await node.post("pin/remote/add", {"arg": cid(data), "service": "d", "name": "t"})
            assert answer.status == 200, answer.message
            assert (await node.post("pin/remote/ls", {"service": "d", "cid": cid(data)})).status == 200
    assert {request.method for request in double.requests} == {"GET", "POST"}
