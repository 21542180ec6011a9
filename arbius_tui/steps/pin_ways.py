"""How each way to the CID is taken and told: a store that keeps the block, another node and a gateway that fetch it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlsplit

from arbius_tui.domain.cid import block_cid, to_multihash
from arbius_tui.domain.errors import Failure, NeedsInput, NotReady, PinFailed, Problem
from arbius_tui.domain.events import Event, Found, Line
from arbius_tui.domain.import_profile import effect, plain_cid
from arbius_tui.domain.questions import Ask, Consent, Question
from arbius_tui.domain.records import PinRecord
from arbius_tui.domain.text import clean, exact_bytes, short
from arbius_tui.services import notes
from arbius_tui.services.ports import Gateway, Guarded, Ipfs, Peer, PinService, Stored
from arbius_tui.steps.merging import told_while

T = TypeVar("T")

QUICK = 20.0
"""Seconds for a gateway when nobody was told that there is anything to find."""

FINDING = 10.0
"""Seconds in which another node may say who has the block."""

OWN = "your own node's, which proves nothing about others"

WANTS_TOKEN = ("ipfs-refused", "pin-refused", "pin-no-token")


@dataclass(frozen=True, slots=True)
class Way:
    """One way to come to the CID. `state`: SAME, ok, warn, FAIL, wait or off; `more`: what else is worth reading."""

    kind: ClassVar[str] = "way"
    id: str
    title: str
    state: str
    cid: str = ""
    note: str = ""
    more: tuple[str, ...] = ()


@dataclass
class Book:
    """What has come of it so far: the file and its CID, who stores it, who fetched it, what went wrong."""

    cid: str
    data: bytes
    filename: str
    before: PinRecord
    """What an earlier run found."""
    engine: bool = False
    """Whether the engine computed the same CID."""
    stored: list[Stored] = field(default_factory=list)
    holders: list[Peer] = field(default_factory=list)
    """Nodes of the author that have it now."""
    fetched_by: list[str] = field(default_factory=list)
    asked: int = 0
    """Others who were asked to fetch it."""
    gateways: list[dict[str, str]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    @property
    def told(self) -> bool:
        """Whether there is somebody from whom others might fetch it."""
        return any(not stored.alone for stored in self.stored)

    def rows(self) -> tuple[dict[str, Any], ...]:
        """The stores as they are saved."""
        return tuple({key: part for key, part in asdict(stored).items() if key != "kind"} for stored in self.stored)


def title_of(id: str) -> str:
    """A store's name where there is little room: this machine needs no address."""
    return clean(id.replace("127.0.0.1:", ":"))


def gateway_title(url: str) -> str:
    """A gateway's name where there is little room."""
    return urlsplit(url).netloc.replace("127.0.0.1:", "gateway :")


async def stored(store: Ipfs | PinService, book: Book, ask: Ask) -> AsyncGenerator[Event, None]:
    """Pin in one store, then read the block back and hash it; a CID that differs ends everything."""
    way = Way(store.id, title_of(store.id), "wait", note="storing")
    yield Found(way)

    async def work() -> Stored:
        if isinstance(store, Ipfs):
            found = await store.pin(book.data, book.filename)
            if block_cid(await store.block(found.cid)) != book.cid:
                raise PinFailed("block-differs", f"{store.id} gives back another block than it was given")
            return found
        return await store.pin(book.data, book.filename, tuple(book.holders))

    queue: asyncio.Queue[str] = asyncio.Queue()
    with notes.heard(queue.put_nowait):
        task = asyncio.ensure_future(admitted(store, work, ask))
    async with aclosing(told_while(task, queue)) as said:
        async for text in said:
            yield Found(replace(way, note=text))
            yield Line(text)
    try:
        found = await task
    except Failure as failure:
        book.problems.append(failure.problem)
        yield Found(replace(way, state="FAIL", note=failure.problem.what))
        if failure.problem.code == "cid-mismatch":
            raise
        return
    book.stored.append(found)
    if isinstance(store, Peer):
        book.holders.append(store)
    told = "announced" if found.announced else "stored, not announced to anybody"
    more = await plainly(store, book.data) if isinstance(store, Peer) else ()
    if not found.pinned:
        more = ("it took the block, and does not say that it is pinned", *more)
    yield Found(replace(way, state="SAME", cid=found.cid, note=found.note or told, more=more))
    for text in more:
        yield Line(f"{way.title}: {text}")


async def admitted(store: object, work: Callable[[], Awaitable[T]], ask: Ask) -> T:
    """The work; where the store wants a token, once more with the keyring's, then with one that is typed unseen."""
    try:
        return await work()
    except PinFailed as failure:
        if failure.problem.code not in WANTS_TOKEN or not isinstance(store, Guarded):
            raise
        refusal = failure
    if (token := await store.token.remembered()) is not None:
        await store.give(token)
        try:
            return await work()
        except PinFailed as failure:
            if failure.problem.code not in WANTS_TOKEN:
                raise
            refusal = failure
    question = Question("ipfs-token", f"Token for {store.token.place}", refusal.problem.what)
    try:
        token = await ask.secret(question)
    except NeedsInput:
        raise refusal from None
    if not len(token):
        raise refusal
    await store.give(token)
    result = await work()
    await kept(store, ask)
    return result


async def kept(store: Guarded, ask: Ask) -> None:
    """Offer to keep a token that was typed and worked."""
    question = Consent(
        "keep-ipfs-token",
        "Keep this token in the keyring?",
        f"then nobody types it again for {store.token.place}",
        default="no",
        changes="one entry of the keyring",
        undo="remove it there",
    )
    with suppress(NeedsInput):
        if await ask(question) == "yes":
            try:
                notes.tell(f"the token is in {await store.token.keep()}")
            except NotReady as failure:
                notes.tell(f"the token is not kept: {failure.problem.what}")


async def plainly(node: Peer, data: bytes) -> tuple[str, ...]:
    """What `ipfs add` without our options would give on this node, where that differs; empty where it does not."""
    try:
        settings = await node.config("Import")
    except Failure:
        return ()
    does = effect(settings if isinstance(settings, dict) else {})
    if does.same:
        return ()
    if not does.gives.startswith("baf"):
        return (clean(f"plain `ipfs add` here gives {does.gives}"), *map(clean, does.changes))
    plain, form = plain_cid(data, settings), does.gives.partition(" ")[2].strip("()")
    head = (f"plain `ipfs add` here gives {short(plain)}: {form}", f"by {does.name}, in full {plain}")
    return (*map(clean, head), *map(clean, does.changes))


async def seen_by(node: Peer, book: Book) -> AsyncGenerator[Event, None]:
    """Whether another node finds and fetches what the author's own nodes have, before it is given the bytes itself."""
    title = title_of(node.id)
    way = Way(f"fetch {node.id}", f"by {title}", "wait", note="looking for it in the network")
    try:
        peers = {peer for peer, _ in [await holder.identity() for holder in book.holders]}
        mine, _ = await node.identity()
        if mine in peers:
            return
        had = await node.has(book.cid)
    except Failure:
        return  # it cannot be asked; storing there says why
    if had:
        again = node.id in book.before.fetched_by and book.before.cid == book.cid
        book.fetched_by += [node.id] if again else []
        note = "fetched it in an earlier run" if again else "had it before, so that proves nothing"
        yield Found(replace(way, state="SAME" if again else "off", cid=book.cid if again else "", note=note))
        return
    yield Found(way)
    book.asked += 1
    try:
        async with asyncio.timeout(FINDING):
            found = peers & set(await node.providers(book.cid))
    except (Failure, TimeoutError):
        found = set()
    try:
        await node.block(book.cid)
    except Failure as failure:
        book.warnings.append(failure.problem)
        yield Found(replace(way, state="warn", note=failure.problem.what))
        return
    book.fetched_by.append(node.id)
    where = f"found it at {next(iter(found))[-8:]}, fetched and hashed it" if found else "fetched and hashed it"
    yield Found(replace(way, state="SAME", cid=book.cid, note=where))


async def asked(gateway: Gateway, book: Book) -> AsyncGenerator[Event, None]:
    """Whether a gateway gives the block; a node's own gateway proves nothing about others."""
    way = Way(gateway.id, gateway_title(gateway.base), "wait", note="asked")
    yield Found(way)
    row = {"url": gateway.base, "state": "ok", "sha256": ""}
    book.gateways.append(row)
    own = gateway.local and await is_own(gateway, book.holders)
    book.asked += not own
    try:
        async with asyncio.timeout(None if book.told else QUICK):
            await gateway.block(book.cid)
    except (Failure, TimeoutError) as error:
        problem = error.problem if isinstance(error, Failure) else absent(gateway)
        row["state"] = problem.code.removeprefix("gateway-").replace("cid-mismatch", "mismatch")
        book.warnings.append(problem)
        bad = problem.code == "cid-mismatch"
        yield Found(replace(way, state="FAIL" if bad else "warn", note=problem.what))
        return
    row["sha256"] = digest_of(book.cid)
    if own:
        row["state"] = "own"
        yield Found(replace(way, state="SAME", cid=book.cid, note=OWN))
        return
    book.fetched_by.append(gateway.id)
    yield Found(replace(way, state="SAME", cid=book.cid, note="gave the block; its hash is right"))


async def is_own(gateway: Gateway, holders: Sequence[Peer]) -> bool:
    """Whether a gateway on this machine belongs to a node that has the block.

    The node is given a block that nobody else can have; a gateway that has it at once, without looking, is the node's.
    Where the node does not take it, the gateway counts as its own.
    """
    for node in holders:
        try:
            probe = await node.probe(secrets.token_bytes(32))
        except Failure:
            return True
        try:
            if await gateway.cached(probe):
                return True
        finally:
            await node.forget(probe)
    return False


def absent(gateway: Gateway) -> Problem:
    """Nobody was told, and the gateway did not find it either."""
    return PinFailed("gateway-absent", f"{gateway.id} did not find it within {QUICK:g} s").problem


def digest_of(cid: str) -> str:
    """The sha256 of the block that a CIDv0 names, in hex."""
    return to_multihash(cid)[6:]


def remembered(saved: Mapping[str, Any]) -> list[Way]:
    """The ways of an earlier run, from what was saved of it."""
    cid = str(saved.get("cid") or "")
    if not cid:
        return []
    ways = [Way("computed", "computed here", "SAME", cid, f"{exact_bytes(int(saved.get('bytes') or 0))}, no network")]
    if saved.get("engine"):
        ways.append(Way("engine", "engine contract", "SAME", cid, "generateIPFSCID"))
    for store in mappings(saved.get("stores")):
        id, there, note = (str(store.get(key) or "") for key in ("id", "cid", "note"))
        ways.append(Way(id, title_of(id), "SAME" if there == cid else "FAIL", there, note or "stored"))
    fetched = saved.get("fetched_by")
    for name in fetched if isinstance(fetched, list | tuple) else ():
        if not str(name).startswith("gateway "):
            ways.append(Way(f"fetch {name}", f"by {title_of(str(name))}", "SAME", cid, "fetched and hashed it"))
    for row in mappings(saved.get("gateways")):
        url, state = str(row.get("url") or ""), str(row.get("state") or "")
        good = state in ("ok", "own")
        note = "gave the block; its hash is right" if state == "ok" else OWN if good else f"{state}, when it was asked"
        title = urlsplit(url).netloc
        ways.append(Way(f"gateway {title}", gateway_title(url), "SAME" if good else "warn", cid if good else "", note))
    return ways


def mappings(value: object) -> list[Mapping[str, Any]]:
    """The objects in a list that was saved."""
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list | tuple) else []
