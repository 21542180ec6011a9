"""One prediction, inputs by the model's own schema; outputs decoded, hashed, measured and, if wanted, kept."""

from __future__ import annotations

import asyncio
import base64
import mimetypes
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from arbius_tui.domain import inputs, typed_inputs
from arbius_tui.domain.errors import BadInput, Failure, NeedsInput, NotReady
from arbius_tui.domain.events import Done, Event, Found, Line, Saved, Trouble
from arbius_tui.domain.health import ENDED
from arbius_tui.domain.inputs import ModelInput
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Ask, Choice, Question
from arbius_tui.domain.records import RunRecord
from arbius_tui.domain.text import clean
from arbius_tui.domain.typed_inputs import NOTHING, FromFile, Wrong
from arbius_tui.services import files, media, saving
from arbius_tui.services.media import Media
from arbius_tui.services.ports import Health, Output, Prediction, Server, Services
from arbius_tui.steps.base import Step
from arbius_tui.steps.run import asked, awake, seen, server_of, watched

LIMIT = 900.0
"""Seconds one prediction may take."""

LARGEST_FILE = 70_000_000
"""Bytes of a file that is sent: Cog's server takes requests of 100 MiB, and base64 adds a third."""

TRIES = 3
"""How often a question is asked again after an answer that is no value."""

GONE = frozenset({*ENDED, "endpoint-lost", "endpoint-unreachable", "not-a-cog-server", "no-server"})
"""Failures after which the server does not answer the next prediction either."""


@dataclass(frozen=True, slots=True)
class OutputSeen:
    """One output. Sizes in pixels and `duration` in seconds are 0 where unknown; `path` is empty unless it is kept."""

    kind: ClassVar[str] = "output"
    id: str
    filename: str
    mime: str
    bytes: int
    sha256: str
    width: int = 0
    height: int = 0
    duration: float = 0.0
    text: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Predicted:
    """A prediction that succeeded; `folder_cid` is what a miner would commit to, None when the outputs are too big."""

    kind: ClassVar[str] = "prediction"
    id: str
    url: str
    inputs: Mapping[str, Any]
    seconds: float
    shape: str
    folder_cid: str | None
    cpu_only: bool


@dataclass(frozen=True, slots=True)
class InputsSeen:
    """What the model takes, as its server says, and what the author typed at the last try, by name."""

    kind: ClassVar[str] = "inputs"
    id: str
    inputs: tuple[ModelInput, ...]
    typed: Mapping[str, str]


class ReadInputs(Step):
    """Read the inputs of the journey's model, for a form."""

    name = "run"

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield the inputs; the server must answer, and one that is not READY yet is waited for."""
        record = journey.get(RunRecord)
        if record is None or not record.url:
            raise no_server()
        server = server_of(record)
        try:
            async with aclosing(settled(server, services)) as events:
                async for event in events:
                    yield event
            known = inputs.read(await services.predictions.schema(server.url))
        except Failure as failure:
            for event in ended(server.url, failure):
                yield event
            raise
        yield Found(InputsSeen("inputs", known, record.tried))
        yield Done(True)


class Predict(Step):
    """Ask the journey's server, or the one at `endpoint`, for one prediction.

    `pairs` are NAME=VALUE from a command line, `texts` values by name from a form. The outputs go into `out`, or, with
    `keep`, into the project's state in place of those of the last try; else nothing of them stays. With `save_case`,
    which may be a title, a prediction that succeeded is kept as a case of the seed test.
    """

    name = "run"

    def __init__(
        self,
        pairs: Sequence[str] = (),
        *,
        texts: Mapping[str, str] | None = None,
        endpoint: str = "",
        out: Path | None = None,
        keep: bool = False,
        save_case: str | None = None,
    ) -> None:
        self.pairs, self.texts, self.save_case = tuple(pairs), texts, save_case
        self.endpoint, self.out, self.keep = endpoint.strip().rstrip("/"), out, keep
        self.answered = False

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield what is sent, how long it took, and each output. A failure is told without an output or a hash.

        The step's state stays that of the server: a prediction that the model refuses does not stop it.
        """
        try:
            async with aclosing(self.tried(journey, services, ask)) as events:
                async for event in events:
                    yield event
        except Failure as failure:
            for event in ended(self.endpoint, failure):
                yield event
            yield Trouble(failure.problem)
            state = "ok" if self.answered and failure.problem.code not in GONE else "FAIL"
            yield Done(False, failure.exit_code, {"url": self.endpoint, "outputs": []}, state)

    async def tried(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """The whole prediction; every failure comes through."""
        if self.out:
            await asyncio.to_thread(saving.free, self.out)
        before = self.record(journey)
        record = before if self.endpoint else await awake(before, journey, services)
        if record != before:
            yield Line("the server had ended and was started again")
            yield Saved(record)
        self.endpoint = record.url
        server = server_of(record)
        async with aclosing(settled(server, services)) as events:
            async for event in events:
                yield event
        known = inputs.read(await services.predictions.schema(server.url))
        self.answered = True
        if self.texts is not None:
            hidden = {item.name for item in known if item.type == "secret"}
            record = replace(record, tried={name: text for name, text in self.texts.items() if name not in hidden})
            yield Saved(record)
        values, notes = await self.values(known, ask)
        for note in notes:
            yield Line(note)
        yield Line(f"predicting at {server.url}")
        with saving.spool(self.place(services)) as folder:
            found = await asked(server, services, values, LIMIT, folder)
            for text in found.logs.splitlines():
                yield Line(text, "log")
            if self.save_case is not None:
                async for event in self.kept(known, values, journey, record, services):
                    yield event
            async for event in self.result(found, record, typed_inputs.public(values, known), folder, services):
                yield event

    async def kept(
        self, known: Sequence[ModelInput], values: Mapping[str, Any], journey: Journey, record: RunRecord,
        services: Services,
    ) -> AsyncGenerator[Event, None]:  # fmt: skip
        """The prediction as a case of the seed test: inputs as they were given, so that a file is kept by its path."""
        from arbius_tui.steps.seed_edit import keep

        texts = {name: typed_inputs.written(value) for name, value in values.items()} | dict(self.given(known))
        async for event in keep(texts, self.save_case or "", journey, record, services):
            yield event

    def record(self, journey: Journey) -> RunRecord:
        """The server to ask: the one that is named, else the journey's; BadInput `no-server`."""
        known = journey.get(RunRecord)
        if self.endpoint:
            return known if known and known.url == self.endpoint else RunRecord(self.endpoint)
        if known is None or not known.url:
            raise no_server()
        return known

    def place(self, services: Services) -> Path | None:
        """Where the outputs come in: where they will stay, so that moving them is only another name."""
        if self.out:
            return self.out
        return services.state / "tried" if self.keep and services.state else None

    async def values(self, known: Sequence[ModelInput], ask: Ask) -> tuple[dict[str, Any], list[str]]:
        """The value of each input that is sent, and what there is to say of them; BadInput `input-wrong`."""
        given, wrong, notes = self.given(known), list[str](), list[str]()
        values: dict[str, Any] = {}
        for item in known:
            try:
                if item.name in given:
                    value = await sent(typed_inputs.parse(item, given[item.name]))
                elif item.has_default:
                    value = item.default
                elif item.name == "seed" and item.type == "integer":
                    value = int(typed_inputs.shown(item))
                    notes.append(f"seed {value}, the guide's own: the model has no default, and miners always send one")
                elif typed_inputs.needed(item):
                    value = await answered(item, ask)
                else:
                    continue
            except Wrong as error:
                wrong.append(f"{item.name}: {error}")
                continue
            if value is not NOTHING:
                values[item.name] = inputs.as_sent(value)
        if wrong:
            raise wrong_input("; ".join(wrong))
        return values, notes

    def given(self, known: Sequence[ModelInput]) -> Mapping[str, str]:
        """The texts by name. A secret on a command line is refused: every user of the machine can read it there."""
        if self.texts is not None:
            return {item.name: self.texts[item.name] for item in known if item.name in self.texts}
        try:
            found = typed_inputs.pairs(self.pairs, known)
        except Wrong as error:
            raise wrong_input(str(error)) from None
        for item in known:
            if item.type == "secret" and not found.get(item.name, "@").startswith("@"):
                raise wrong_input(f"{item.name} is a secret and not for a command line; write {item.name}=@FILE")
        return found

    async def result(
        self, found: Prediction, record: RunRecord, shown: Mapping[str, Any], folder: Path, services: Services
    ) -> AsyncGenerator[Event, None]:
        """The outputs, measured and put where they stay, and the end."""
        outputs = found.outputs
        measures = [await asyncio.to_thread(media.measured, Path(output.path), output.mime) for output in outputs]
        if place := self.place(services):
            outputs = await asyncio.to_thread(saving.placed, outputs, place, fresh=self.out is None)
        else:
            outputs = tuple(replace(output, path="") for output in outputs)
        items = [output_seen(*pair) for pair in zip(outputs, measures, strict=True)]
        for item in items:
            yield Found(item)
        folder_cid = await asyncio.to_thread(saving.committed, found.outputs)
        took = round(found.seconds, 3)
        yield Found(Predicted("prediction", record.url, shown, took, found.shape, folder_cid, record.cpu_only))
        result = {
            "url": record.url,
            "image": record.image,
            "image_id": record.image_id,
            "cpu_only": record.cpu_only,
            "inputs": shown,
            "seconds": took,
            "shape": found.shape,
            "outputs": [row(item) for item in items],
            "folder_cid": folder_cid,
        }
        yield Done(True, 0, result)


async def settled(server: Server, services: Services) -> AsyncGenerator[Event, None]:
    """Each change of health until it is READY; nothing when it is. A server that does not answer at all fails at once.

    An old Cog answers no question while it predicts, so silence within the limit means that it is waited for.
    """
    try:
        work = services.predictions.health(server.url)
        boxes = services.containers if server.container else None
        now = await (boxes.during(server, work) if boxes else work)
    except NotReady as failure:
        if failure.problem.code != "timeout":
            raise
    else:
        if now.status == "READY":
            return
    async for item in watched(server, services):
        if not isinstance(item, str):
            yield Found(seen(server, item, "waited for"))


def ended(url: str, failure: Failure) -> list[Event]:
    """The health of a server that a failure says is gone; nothing for other failures."""
    word = ENDED.get(failure.problem.code)
    return [Found(seen(Server(url), Health(word), ""))] if word else []


async def sent(value: Any) -> Any:
    """A value as it goes into the request: a file as a data URL, a secret out of its file."""
    if not isinstance(value, FromFile):
        return value
    path = files.absolute(value.path)
    data = await asyncio.to_thread(files.read, path, LARGEST_FILE)
    if value.secret:
        return data.decode("utf-8", "replace").split("\n", 1)[0].rstrip("\r")
    mime = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


async def answered(item: ModelInput, ask: Ask) -> Any:
    """The author's answer for an input that has no default; one that is no value is asked again, but not for ever."""
    why, before = clean(item.description) or f"the model wants {typed_inputs.takes(item)}", ""
    for _ in range(TRIES):
        text = await reply(item, ask, why)
        try:
            return await sent(typed_inputs.parse(item, text))
        except Wrong as error:
            if text == before:
                raise
            why, before = f"{text[:60]!r} is none: {error}", text
    raise Wrong(typed_inputs.takes(item))


async def reply(item: ModelInput, ask: Ask, why: str) -> str:
    """One answer as it was typed; NeedsInput names the flag that answers it."""
    id, text = f"input.{item.name}", f"{clean(item.name)}: {typed_inputs.takes(item)}"
    made = inputs.made_up(item)
    rehearsal = typed_inputs.written(made) if made is not None else None
    try:
        if item.type == "secret":
            return (await ask.secret(Question(id, text, why))).reveal()
        if item.choices:
            options = tuple((typed_inputs.written(one), typed_inputs.written(one)) for one in item.choices)
            return await ask(Choice(id, text, why, None, rehearsal, options))
        return await ask(Question(id, text, why, None, rehearsal))
    except NeedsInput as failure:
        flag = f"-i {item.name}={'@FILE' if item.type in ('file', 'secret') else 'VALUE'}"
        raise NeedsInput(
            failure.problem.code,
            f"the model needs {clean(item.name)}, and nobody gave it: {typed_inputs.takes(item)}",
            why=failure.problem.why,
            fix=f'give it with {flag}, or in an answers file as "{id}"',
        ) from None


def output_seen(output: Output, found: Media) -> OutputSeen:
    """An output with what its format says of it."""
    return OutputSeen(
        output.filename, output.filename, output.mime, output.bytes, output.sha256,
        found.width, found.height, round(found.seconds, 3), found.text, clean(output.path),
    )  # fmt: skip


def row(item: OutputSeen) -> dict[str, Any]:
    """An output as scripts read it; sizes only where there are any."""
    fixed = {"filename": item.filename, "mime": item.mime, "bytes": item.bytes, "sha256": item.sha256}
    more = {"width": item.width, "height": item.height, "duration": item.duration, "path": item.path}
    return fixed | {key: value for key, value in more.items() if value}


def no_server() -> BadInput:
    """Nobody is there who could be asked."""
    return BadInput(
        "no-server",
        "there is no server to ask",
        why="a prediction needs a model that runs",
        fix="start one, or name one that runs: --endpoint URL",
        command="arbius-tui run IMAGE",
    )


def wrong_input(what: str) -> BadInput:
    """Values that the model's schema does not allow; nothing was sent."""
    return BadInput(
        "input-wrong",
        f"an input is wrong: {what}",
        why="the model's own schema says what it takes; nothing was sent",
        fix="correct it and try again",
    )
