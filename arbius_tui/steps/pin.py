"""Pin: the CID computed in independent ways, the block put where others can fetch it, and others seen to fetch it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from arbius_tui.domain import cid as cids
from arbius_tui.domain.cid_forms import difference
from arbius_tui.domain.editing import Editing
from arbius_tui.domain.errors import BadInput, Failure, Fix, PinFailed, Problem, TemplateInvalid
from arbius_tui.domain.events import Done, Event, Found, Line, Saved, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.lint import lint
from arbius_tui.domain.pinning import standing
from arbius_tui.domain.questions import Ask, Question
from arbius_tui.domain.records import PinRecord, TemplateRecord
from arbius_tui.domain.template import Template
from arbius_tui.domain.template_edits import problems
from arbius_tui.services import files
from arbius_tui.services.ipfs import KuboNode
from arbius_tui.services.ports import Ipfs, Peer, PinService, Services
from arbius_tui.steps import pin_ways
from arbius_tui.steps.base import Step
from arbius_tui.steps.merging import merged
from arbius_tui.steps.pin_ways import Book, Way


class Pin(Step):
    """Compute, ask the engine, store, read back, and see whether others can fetch it.

    `places` are further places to pin to, as `--remote` or `--ipfs` take them; `elsewhere` asks for one.
    """

    name = "pin"

    def __init__(self, places: Sequence[str] = (), elsewhere: bool = False) -> None:
        self.places, self.elsewhere = tuple(places), elsewhere

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield each way as it ends; a CID that differs in the engine or a store ends the step and blocks Register."""
        record = journey.get(TemplateRecord) or TemplateRecord()
        path = Path(record.path)
        data = await asyncio.to_thread(files.read, path)
        template = valid(data, record.pending)
        stores = [*services.ipfs, *services.remotes, *await self.further(services, ask)]
        if hashlib.sha256(data).hexdigest() != record.sha256:
            yield Line("the file has changed since the template step; these are its bytes now")
        yield Found(Way("computed", "computed here", "SAME", template.cid, f"{len(data):,} B, no network"))
        book = Book(template.cid, data, path.name, journey.get(PinRecord) or PinRecord())
        kept = await keep(services, template)
        try:
            async for event in own_ways(services, template, stores, book, ask):
                yield event
        except PinFailed as failure:
            if failure.problem.code == "cid-mismatch":
                yield Saved(saved(book, kept, failure.problem.what))
            raise
        if book.stored and services.proving:
            yield Saved(saved(book, kept))  # gateways may take a minute, in which the author may leave
        async for event in others(services, book):
            yield event
        change = saved(book, kept)
        yield Saved(change)
        for event in verdict(change, book):
            yield event
        if await asyncio.to_thread(files.read, path) != data:
            book.problems.append(changed(path))
        for problem in (*[replace(warning, severity="warn") for warning in book.warnings], *book.problems):
            yield Trouble(problem)
        yield ended(change, book)

    async def further(self, services: Services, ask: Ask) -> list[Ipfs | PinService]:
        """The places that this run adds."""
        if not self.places and not self.elsewhere:
            return []
        if services.store is None:
            raise BadInput(
                "rehearsal-pin",
                "the rehearsal pins nowhere else",
                why="nothing leaves this machine in it",
                fix="leave --network rehearsal out",
            )
        places = [*self.places, await ask(WHERE)] if self.elsewhere else self.places
        return [services.store(place) for place in places]


QUIET = ("gateway-absent", "gateway-busy", "gateway-unreachable", "block-absent", "ipfs-timeout")
"""Codes of others who did not fetch it."""

WHERE = Question(
    "pin-place",
    "Where shall it be pinned, too?",
    "pinata, filebase, psa=URL, or the address of another Kubo node",
)


async def own_ways(
    services: Services, template: Template, stores: Sequence[Ipfs | PinService], book: Book, ask: Ask
) -> AsyncIterator[Event]:
    """The engine, then the author's own stores one after the other."""
    async for event in engine(services, template, book):
        yield event
    async for event in placed(stores, book, ask):
        yield event


async def others(services: Services, book: Book) -> AsyncIterator[Event]:
    """All gateways at once."""
    gateways = [pin_ways.asked(gateway, book) for gateway in services.proving]
    async with aclosing(merged(gateways, at_once=8)) as events:
        async for event in events:
            yield event


async def placed(stores: Sequence[Ipfs | PinService], book: Book, ask: Ask) -> AsyncIterator[Event]:
    """Every store in turn; a node that comes after another one is first asked to fetch the block from there."""
    for store in stores:
        if isinstance(store, Peer) and book.holders and book.told:
            async for event in pin_ways.seen_by(store, book):
                yield event
        async for event in pin_ways.stored(store, book, ask):
            yield event
        if isinstance(store, KuboNode) and store.exposed:
            book.warnings.append(open_to_all(store.id))


async def engine(services: Services, template: Template, book: Book) -> AsyncIterator[Event]:
    """The engine's own computation; another answer than ours blocks everything after it."""
    way = Way("engine", "engine contract", "wait", note="generateIPFSCID")
    yield Found(way)
    try:
        said = await services.chain.cid(template.data)
    except Failure as failure:
        book.warnings.append(unasked(failure.problem))
        yield Found(Way("engine", "engine contract", "warn", note=failure.problem.what))
        return
    if said == template.multihash:
        book.engine = True
        yield Found(Way("engine", "engine contract", "SAME", template.cid, "generateIPFSCID"))
        return
    try:
        other = cids.from_multihash(said)
    except BadInput:
        other = said[:80]
    differs = difference(template.data, other, book.filename)
    yield Found(Way("engine", "engine contract", "FAIL", other, differs.words, differs.rules))
    raise PinFailed(
        "cid-mismatch",
        f"the engine computes another CID for these bytes: {differs.words}",
        why="miners look for the CID that the engine registers",
        fix="do not register; check with --rpc and --engine that the engine is the real one",
        detail=f"here {template.cid}\nengine {said}\ndiffers {', '.join(differs.rules)}",
    )


async def keep(services: Services, template: Template) -> str:
    """Write exactly these bytes beside the journey: they can be pinned again whatever becomes of the file."""
    if not services.lasting or services.state is None:
        return ""
    place = services.state / "pinned" / f"{template.cid}.json"
    await asyncio.to_thread(files.write, place, template.data)
    return str(place)


def saved(book: Book, kept: str, blocked: str = "") -> PinRecord:
    """What the journey remembers."""
    digest = hashlib.sha256(book.data).hexdigest()
    return PinRecord(
        cid=book.cid,
        bytes=len(book.data),
        sha256=digest,
        stores=book.rows(),
        fetchable=bool(book.fetched_by) and not blocked,
        fetched_by=tuple(book.fetched_by),
        gateways=tuple(book.gateways),
        engine=book.engine,
        kept=kept,
        blocked=blocked,
    )


def verdict(record: PinRecord, book: Book) -> list[Event]:
    """Whether others can fetch it, in one row; said only of whoever was seen to do it."""
    where, title = standing(record), "others fetch it"
    if where != "announced":  # the rows say it; only where it is open whether others can fetch it, each is a word worth
        book.warnings = [problem for problem in book.warnings if problem.code not in QUIET]
    match where:
        case "rehearsal":
            return []
        case "fetched":
            names = ", ".join(pin_ways.title_of(name).removeprefix("gateway ") for name in record.fetched_by)
            return [Found(Way("others", title, "ok", note=f"others can fetch it: {names} did"))]
        case "announced":
            note = "announced; nobody else has been seen to fetch it yet"
            book.warnings.append(unproven(book))
        case "stored":
            note = "stored here, nobody can fetch it"
            book.problems.append(alone(record))
        case _:
            note = f"no store has it{'; its bytes are kept here' if record.kept else ''}"
            book.problems += [] if book.problems else [nowhere(record)]
    return [Found(Way("others", title, "warn" if where == "announced" else "FAIL", note=note))]


def ended(record: PinRecord, book: Book) -> Done:
    """The end: 6 when a store failed, or when it is known that nobody can fetch it."""
    keys = ("id", "cid", "pinned", "announced", "where", "note")
    stores = [{"kind": store["sort"], **{key: store[key] for key in keys}} for store in record.stores]
    result: dict[str, Any] = {
        "cid": record.cid, "bytes": record.bytes, "stores": stores, "gateways": list(record.gateways),
        "fetchable": record.fetchable, "fetched_by": list(record.fetched_by), "engine": record.engine,
        "kept": record.kept,
    }  # fmt: skip
    if book.problems:
        return Done(False, PinFailed.exit_code, result)
    calm = standing(record) in ("fetched", "rehearsal") and record.engine
    return Done(True, 0, result, "" if calm else "warn")


def alone(record: PinRecord) -> Problem:
    """Stored, and it is known that nobody can fetch it from there."""
    offline = any("offline" in str(store["note"]) for store in record.stores)
    return PinFailed(
        "nobody-can-fetch",
        "stored here, nobody can fetch it: "
        + ("the node runs offline" if offline else "the node is connected to nobody"),
        why="miners ignore a model whose template they cannot read",
        fix="start it without --offline, leave it running, then pin again"
        if offline
        else "look at this machine's way to the internet, then pin again",
        command="ipfs daemon" if offline else "ipfs swarm peers",
    ).problem


def unproven(book: Book) -> Problem:
    """Others were told, and none of those who were asked has it yet."""
    asked = f"{book.asked} asked" if book.asked else "nobody was asked"
    return Problem(
        "nobody-fetched-yet",
        f"nobody else has been seen to fetch it yet ({asked})",
        "a first search can take minutes; until it is found, miners cannot read the template",
        Fix("leave the node running, and pin again in some minutes"
            if book.asked else "name a second node or a gateway: --ipfs URL, --gateway URL"),
        severity="warn",
    )  # fmt: skip


def nowhere(record: PinRecord) -> Problem:
    """No store at all was named."""
    return PinFailed(
        "pinned-nowhere",
        "no store has the template",
        why="miners ignore a model whose template they cannot read",
        fix="start an IPFS node, or name one: --ipfs URL, --remote pinata",
        command="ipfs daemon",
    ).problem


def unasked(problem: Problem) -> Problem:
    """The engine could not be asked: the registration asks it again, and nothing is sent without its answer."""
    return Problem(
        "engine-not-asked", f"the engine was not asked for its CID: {problem.what}",
        "it is the one whose CID counts; Register asks it again before anything is sent",
        problem.fix, problem.detail, "warn",
    )  # fmt: skip


def open_to_all(store: str) -> Problem:
    """An RPC on the internet that takes orders from anybody."""
    return Problem(
        "open-rpc", f"{store} takes orders from anybody on the internet",
        "whoever finds it can remove your pins, read the node's files and fill its disk",
        Fix("set API.Authorizations there, or bind it to 127.0.0.1 and use ssh -L 5001:127.0.0.1:5001"),
        severity="warn",
    )  # fmt: skip


def changed(path: Path) -> Problem:
    """Another program wrote the file meanwhile."""
    return PinFailed(
        "changed-while-pinned",
        f"{path.name} was changed while it was pinned",
        why="the bytes pinned must be the bytes registered, or nobody finds the template",
        fix="pin again",
    ).problem


def valid(data: bytes, pending: Mapping[str, str] = MappingProxyType({})) -> Template:
    """The template, if it has no errors: what is pinned and registered can never be mended.

    `pending` was typed in the editor and is no valid value; the author meant another file than this one.
    """
    template = Template.parse(data)
    errors = problems(Editing(template, pending)) + [p for p in lint(template) if p.severity == "error"]
    if errors:
        raise TemplateInvalid(
            "template-has-errors",
            f"the template has {len(errors)} error{'s' * (len(errors) > 1)}, the first: {errors[0].what}",
            why="it is registered for good, with every error in it",
            fix="mend them in step 6 Template",
            detail="\n".join(f"{p.path} {p.what}" for p in errors),
        )
    return template
