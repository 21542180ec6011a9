"""Pin: real Kubo nodes in every state, services and gateways that lie, and what may be said of each."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from arbius_tui.domain.cid import block, cid
from arbius_tui.domain.cid_forms import DAG_PB, HASHES, Form, write
from arbius_tui.domain.errors import BadInput, NeedsInput, PinFailed
from arbius_tui.domain.events import Done, Event, Found, Line, Trouble
from arbius_tui.domain.import_profile import plain_cid
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.pinning import consent, refuse_other_bytes, standing
from arbius_tui.domain.questions import Question
from arbius_tui.domain.records import PinRecord
from arbius_tui.domain.secret import Secret
from arbius_tui.services.gateways import Gateway
from arbius_tui.services.ipfs import KuboNode
from arbius_tui.services.memory_store import MemoryStore
from arbius_tui.services.pin_remote import Pinata, PinningService
from arbius_tui.services.ports import Services
from arbius_tui.services.servers import free_port
from arbius_tui.steps.base import Walk
from arbius_tui.steps.pin import Pin
from arbius_tui.steps.pin_ways import Way, remembered
from arbius_tui.steps.template_check import CheckFile
from tests import parts
from tests.steps.conftest import Author, collect, end
from tests.stores import HANG, PinataDouble, PsaDouble, kubo, said, serving

GUIDE = json.loads((Path(__file__).parents[2] / "assets" / "guide-example.json").read_bytes())


class Nobody(Author):
    """Answers nothing."""

    async def __call__(self, question: Question) -> str:
        raise NeedsInput("needs-input", question.text)

    async def secret(self, question: Question) -> Secret:
        raise NeedsInput("needs-input", question.text)


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A template that no node has: its title is new."""
    path = tmp_path / "t.json"
    meta = {**GUIDE["meta"], "title": secrets.token_hex(8)}
    path.write_text(json.dumps({**GUIDE, "meta": meta}, indent=2) + "\n")
    return path


async def started(services: Services, path: Path, **places: Any) -> Walk:
    """A walk that has the template, and stores it where the test says."""
    walk = Walk(MemoryStore(Journey("demo", "one")), replace(services, **{"ipfs": (), **places}))
    events = await collect(walk, "template", step=CheckFile(path))
    assert end(events).ok
    return walk


def ways(events: Iterable[Event]) -> dict[str, Way]:
    """Each way as it ended."""
    return {event.item.id: event.item for event in events if isinstance(event, Found) and isinstance(event.item, Way)}


def codes(events: Iterable[Event]) -> list[str]:
    return [event.problem.code for event in events if isinstance(event, Trouble)]


def record_of(walk: Walk) -> PinRecord:
    record = walk.journey.get(PinRecord)
    assert record
    return record


async def pinned(walk: Walk, author: Author | None = None, step: Pin | None = None) -> tuple[list[Event], Done]:
    events = await collect(walk, "pin", author or Nobody(), step)
    return events, end(events)


# -- others can fetch it: said only when one did


@pytest.mark.real
async def test_local_engine_node_and_gateway_agree_and_another_party_fetched_it(
    services: Services, template: Path
) -> None:
    nodes = parts.need("kubo")
    async with KuboNode(nodes["rpc1"]) as node:
        walk = await started(services, template, ipfs=(node,), proving=(Gateway(nodes["gateway2"]),))
        events, done = await pinned(walk)
        assert done.ok
        assert done.exit == 0
        found, expected = ways(events), cid(template.read_bytes())
        assert [way.state for way in found.values()] == ["SAME"] * 4 + ["ok"]
        assert {way.cid for way in list(found.values())[:4]} == {expected}
        record = record_of(walk)
        assert (record.fetchable, record.engine, standing(record)) == (True, True, "fetched")
        assert consent(record) is None
        assert record.fetched_by == (f"gateway {nodes['gateway2'].removeprefix('http://')}",)
        assert done.result["gateways"][0]["state"] == "ok"
        assert "0x1220" + done.result["gateways"][0]["sha256"] == to_hex(expected)
        assert [row["kind"] for row in done.result["stores"]] == ["kubo"]
        assert walk.journey.state("pin") == "ok"
        assert [way.state for way in remembered(walk.journey.records["pin"])] == ["SAME"] * 4


def to_hex(value: str) -> str:
    from arbius_tui.domain.cid import to_multihash

    return to_multihash(value)


@pytest.mark.real
async def test_the_gateway_of_the_very_node_proves_nothing(services: Services, template: Path) -> None:
    nodes = parts.need("kubo")
    async with KuboNode(nodes["rpc1"]) as node:
        walk = await started(services, template, ipfs=(node,), proving=(Gateway(nodes["gateway1"]),))
        events, done = await pinned(walk)
        assert done.ok
        assert done.state == "warn"
        assert "proves nothing" in ways(events)[f"gateway {nodes['gateway1'].removeprefix('http://')}"].note
        assert not record_of(walk).fetchable
        assert standing(record_of(walk)) == "announced"
        assert "nobody-fetched-yet" in codes(events)


@pytest.mark.real
async def test_a_second_node_finds_and_fetches_before_it_is_given_the_bytes(services: Services, template: Path) -> None:
    nodes = parts.need("kubo")
    async with KuboNode(nodes["rpc1"]) as first, KuboNode(nodes["rpc2"]) as second:
        walk = await started(services, template, ipfs=(first, second))
        events, done = await pinned(walk)
        assert done.ok
        assert "found it at" in ways(events)[f"fetch {second.id}"].note
        assert record_of(walk).fetched_by == (second.id,)
        again, _ = await pinned(walk)
        assert ways(again)[f"fetch {second.id}"].note == "fetched it in an earlier run"
        assert record_of(walk).fetchable
    async with KuboNode(nodes["rpc1"]) as first, KuboNode(nodes["rpc2"]) as second:
        walk = await started(services, template, ipfs=(first, second))
        events, done = await pinned(walk)
        assert ways(events)[f"fetch {second.id}"].state == "off"
        assert not record_of(walk).fetchable, "it had the block before, so nobody was seen to fetch it now"


@pytest.mark.real
async def test_one_node_named_twice_is_no_other_party(services: Services, template: Path) -> None:
    nodes = parts.need("kubo")
    async with KuboNode(nodes["rpc1"]) as node, KuboNode(nodes["rpc1"].replace("127.0.0.1", "localhost")) as same:
        walk = await started(services, template, ipfs=(node, same))
        events, _ = await pinned(walk)
        assert f"fetch {same.id}" not in ways(events)
        assert not record_of(walk).fetchable


# -- nodes that cannot, or may not


@pytest.mark.real
async def test_an_offline_node_with_another_profile(services: Services, template: Path, tmp_path: Path) -> None:
    with kubo(tmp_path / "repo", profile="unixfs-v1-2025", offline=True) as daemon:
        async with KuboNode(daemon.rpc) as node:
            walk = await started(services, template, ipfs=(node,))
            events, done = await pinned(walk)
            data, way = template.read_bytes(), ways(events)[node.id]
            assert (way.state, way.cid) == ("SAME", cid(data))
            assert plain_cid(data, {"CidVersion": 1}) in way.more[1]
            assert any(isinstance(e, Line) and "plain `ipfs add` here gives bafkrei" in e.text for e in events)
            assert (done.ok, done.exit) == (False, 6)
            problem = next(e.problem for e in events if isinstance(e, Trouble))
            assert problem.code == "nobody-can-fetch"
            assert problem.what == "stored here, nobody can fetch it: the node runs offline"
            assert problem.fix
            assert problem.fix.command == "ipfs daemon"
            record = record_of(walk)
            assert (standing(record), record.fetchable) == ("stored", False)
            question = consent(record)
            assert question
            assert question.default is None
            assert "nobody can fetch it" in question.text


@pytest.mark.real
async def test_a_node_alone_in_the_world(services: Services, template: Path, tmp_path: Path) -> None:
    with kubo(tmp_path / "repo", swarm=True, config={"Import.CidVersion": 1}) as daemon:
        async with KuboNode(daemon.rpc) as node:
            walk = await started(services, template, ipfs=(node,))
            events, done = await pinned(walk)
            assert ways(events)[node.id].cid == cid(template.read_bytes())
            assert done.exit == 6
            assert "connected to nobody" in next(e.problem.what for e in events if isinstance(e, Trouble))


@pytest.mark.real
async def test_a_node_behind_a_token(services: Services, template: Path, tmp_path: Path) -> None:
    canary = "tok-canary-93ab"
    users = {"tui": {"AuthSecret": f"basic:me:{canary}", "AllowedPaths": ["/api/v0"]}}
    with kubo(tmp_path / "repo", offline=True, config={"API.Authorizations": users}) as daemon:
        async with KuboNode(daemon.rpc) as node:
            walk = await started(services, template, ipfs=(node,))
            events, done = await pinned(walk)
            assert done.exit == 6
            assert codes(events)[0] == "ipfs-refused"
            assert not record_of(walk).stores
        author = Author(**{"keep-ipfs-token": "no"})
        author.secret = lambda question: later(Secret(f"basic:me:{canary}"))
        async with KuboNode(daemon.rpc) as node:
            walk = await started(services, template, ipfs=(node,))
            events, _ = await pinned(walk, author)
            assert ways(events)[node.id].state == "SAME"
            assert record_of(walk).stores[0]["pinned"]
            assert canary not in repr(events) + repr(walk.journey) + repr(vars(node))


async def later(value: Any) -> Any:
    return value


@pytest.mark.real
async def test_a_node_that_ends_half_way(services: Services, template: Path, tmp_path: Path) -> None:
    with kubo(tmp_path / "repo", offline=True) as daemon:
        async with KuboNode(daemon.rpc) as node:
            walk = await started(services, template, ipfs=(node,))
            events: list[Event] = []
            async for event in walk.run("pin", Nobody()):
                events.append(event)
                if isinstance(event, Found) and getattr(event.item, "id", "") == "engine":
                    daemon.end()
            assert end(events).exit == 6
            assert codes(events)[0] == "ipfs-unreachable"
            record = record_of(walk)
            assert (record.cid, standing(record)) == (cid(template.read_bytes()), "nowhere")


async def test_no_daemon_the_bytes_are_kept_and_the_words_say_what_to_do(
    services: Services, template: Path, tmp_path: Path
) -> None:
    async with KuboNode(f"127.0.0.1:{free_port()}") as node:
        walk = await started(services, template, ipfs=(node,), state=tmp_path / "state")
        events, done = await pinned(walk)
    data = template.read_bytes()
    assert (done.ok, done.exit, done.result["cid"]) == (False, 6, cid(data))
    assert codes(events) == ["ipfs-unreachable"]
    problem = next(e.problem for e in events if isinstance(e, Trouble))
    assert problem.fix
    assert problem.fix.command == "ipfs daemon"
    record = record_of(walk)
    assert Path(record.kept).read_bytes() == data
    assert (standing(record), record.sha256, record.engine) == ("nowhere", done_sha(data), True)
    question = consent(record)
    assert question
    assert "no store has the template" in question.text.lower()
    refuse_other_bytes(record, data)
    with pytest.raises(PinFailed) as changed:
        refuse_other_bytes(record, data + b"\n")
    assert changed.value.problem.code == "changed-since-pin"


def done_sha(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()


# -- another CID blocks the registration


class Liar:
    """A store that says another CID."""

    id = "liar"

    async def pin(self, data: bytes, name: str) -> Any:
        from arbius_tui.services.ipfs_words import other_cid

        raise other_cid(self.id, cid(data), said_cid(data), data, name)

    async def block(self, cid: str) -> bytes:
        raise AssertionError

    async def pinned(self, cid: str) -> bool:
        return False


def said_cid(data: bytes) -> str:
    return write(Form(1, DAG_PB, 0x12, HASHES[0x12][1](block(data))))


async def test_a_store_with_another_cid_blocks_register_and_names_the_rule(services: Services, template: Path) -> None:
    walk = await started(services, template, ipfs=(Liar(),))
    events, done = await pinned(walk)
    assert (done.ok, done.exit) == (False, 6)
    assert "CIDv1 of the very same block" in ways(events)["liar"].note
    with pytest.raises(PinFailed) as blocked:
        refuse_other_bytes(record_of(walk), template.read_bytes())
    assert blocked.value.problem.code == "pin-blocked"
    assert "CIDv1" in blocked.value.problem.what


async def test_an_engine_with_another_cid_blocks_register(
    services: Services, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crlf(data: bytes) -> str:
        return to_hex(cid(data.replace(b"\n", b"\r\n")))

    walk = await started(services, template, ipfs=(Liar(),))
    monkeypatch.setattr(walk.services.chain, "cid", crlf)
    events, done = await pinned(walk)
    assert done.exit == 6
    assert "line ends CRLF" in ways(events)["engine"].note
    assert "liar" not in ways(events), "nothing is stored after that"
    assert record_of(walk).blocked


async def test_an_engine_that_cannot_be_asked_only_warns(
    services: Services, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(data: bytes) -> str:
        raise BadInput("rpc", "the RPC does not answer", fix="name another one")

    walk = await started(services, template)
    monkeypatch.setattr(walk.services.chain, "cid", down)
    events, done = await pinned(walk)
    assert ways(events)["engine"].state == "warn"
    assert "engine-not-asked" in codes(events)
    assert not record_of(walk).engine
    assert codes(events)[-1] == "pinned-nowhere"
    assert done.exit == 6


async def test_a_file_that_changes_while_it_is_pinned(services: Services, template: Path) -> None:
    walk = await started(services, template)
    events: list[Event] = []
    async for event in walk.run("pin", Nobody()):
        events.append(event)
        if isinstance(event, Found) and getattr(event.item, "id", "") == "engine":
            template.write_text(template.read_text() + "\n")
    assert "changed-while-pinned" in codes(events)


# -- services and gateways


@asynccontextmanager
async def pinata() -> AsyncIterator[tuple[Pinata, PinataDouble]]:
    double = PinataDouble()
    async with serving(double) as base:
        service = Pinata(base)
        try:
            yield service, double
        finally:
            await service.aclose()


async def test_a_service_asks_for_its_token_unseen_and_nobody_sees_it(services: Services, template: Path) -> None:
    async with pinata() as (service, double):
        walk = await started(services, template, remotes=(service,))
        events, done = await pinned(walk)
        assert codes(events)[0] == "pin-no-token"
        assert done.exit == 6
        author = Author(**{"keep-ipfs-token": "no"})
        author.secret = lambda question: later(Secret(double.token))
        events, done = await pinned(walk, author)
        assert done.ok
        assert ways(events)[service.id].state == "SAME"
        assert double.pins == {cid(template.read_bytes()): template.read_bytes()}
        assert double.token not in repr(events) + repr(walk.journey)
        assert not record_of(walk).fetchable, "that it has it is its own word"
        assert standing(record_of(walk)) == "announced"


@pytest.mark.real
async def test_a_pinning_service_is_told_of_our_node(services: Services, template: Path) -> None:
    nodes = parts.need("kubo")
    double = PsaDouble()
    async with serving(double) as base, KuboNode(nodes["rpc1"]) as node:
        service = PinningService(base, Secret(double.token), pause=0)
        walk = await started(services, template, ipfs=(node,), remotes=(service,))
        events, done = await pinned(walk)
        await service.aclose()
        assert done.ok
        assert [row["kind"] for row in done.result["stores"]] == ["kubo", "psa"]
        order = json.loads(next(r.body for r in double.requests if r.method == "POST"))
        peer, _ = await node.identity()
        assert all(origin.endswith(f"/p2p/{peer}") for origin in order["origins"])
        assert any(isinstance(e, Line) and "pinning" in e.text for e in events)


async def test_gateways_that_lie_or_fail_are_told_apart_and_none_is_believed(
    services: Services, template: Path
) -> None:
    async with pinata() as (service, double):
        await service.give(Secret(double.token))
        pages, busy, gone = PinataDouble(), PinataDouble(), PinataDouble()
        pages.next, busy.next = [said(200, b"<html>hi")] * 2, [said(429, b"")] * 2
        gone.next = [said(504, b"")] * 2
        async with serving(pages) as a, serving(busy) as b, serving(gone) as c:
            proving = tuple(Gateway(url) for url in (a, b, c, f"http://127.0.0.1:{free_port()}"))
            walk = await started(services, template, remotes=(service,), proving=proving)
            events, done = await pinned(walk)
    assert [row["state"] for row in done.result["gateways"]] == ["mismatch", "busy", "absent", "unreachable"]
    assert not record_of(walk).fetchable
    assert done.exit == 0
    assert done.state == "warn"
    assert all(e.problem.severity == "warn" for e in events if isinstance(e, Trouble))
    assert ways(events)["others"].state == "warn"


async def test_another_place_is_asked_for(services: Services, template: Path) -> None:
    async with pinata() as (service, double):
        await service.give(Secret(double.token))
        opened: list[str] = []

        def store(place: str) -> Pinata:
            opened.append(place)
            return service

        walk = await started(services, template, store=store)
        _, done = await pinned(walk, Author(**{"pin-place": "pinata"}), Pin(elsewhere=True))
        assert done.ok
        assert opened == ["pinata"]


async def test_the_rehearsal_pins_nowhere_else(walk: Walk) -> None:
    for name in ("run", "template"):
        assert end(await collect(walk, name)).ok
    events = await collect(walk, "pin", Author(**{"pin-place": "pinata"}), Pin(elsewhere=True))
    assert end(events).exit == 2
    events = await collect(walk, "pin")
    assert end(events).ok
    assert walk.journey.state("pin") == "ok"
    assert standing(record_of(walk)) == "rehearsal"
    assert consent(record_of(walk)) is None


async def test_leaving_while_gateways_look_keeps_what_is_stored(services: Services, template: Path) -> None:
    slow = PinataDouble()
    slow.next = [HANG]
    async with pinata() as (service, double), serving(slow) as url:
        await service.give(Secret(double.token))
        walk = await started(services, template, remotes=(service,), proving=(Gateway(url),))
        looking = asyncio.Event()

        async def run() -> None:
            async for event in walk.run("pin", Nobody()):
                if isinstance(event, Found) and getattr(event.item, "id", "").startswith("gateway"):
                    looking.set()

        task = asyncio.create_task(run())
        await looking.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert [row["sort"] for row in record_of(walk).stores] == ["pinata"]
    assert not record_of(walk).fetchable


@pytest.mark.parametrize("kind", ["token", "store"])
async def test_a_store_that_hangs_can_be_left(kind: str, services: Services, template: Path) -> None:
    slow = PinataDouble()
    slow.next = [HANG, HANG]
    async with serving(slow) as url:
        service = Pinata(url, Secret("tok")) if kind == "store" else Pinata(url)
        walk = await started(services, template, remotes=(service,))
        storing = asyncio.Event()

        class Waits(Nobody):
            async def secret(self, question: Question) -> Secret:
                storing.set()
                await asyncio.Event().wait()
                raise AssertionError

        async def run() -> None:
            async for event in walk.run("pin", Waits()):
                if kind == "store" and isinstance(event, Found) and getattr(event.item, "id", "") == service.id:
                    storing.set()

        task = asyncio.create_task(run())
        await storing.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await service.aclose()
    assert walk.journey.state("pin") == "-"
    assert walk.journey.get(PinRecord) is None
