"""Build: the image of the model's folder, part of the step Model. It changes nothing in the folder but cog's `.cog`.

Three equal ways to an image: `cog build`, a Dockerfile of the author's, and an image that exists already.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from arbius_tui.domain import images, inputs
from arbius_tui.domain.errors import BadInput, NotReady
from arbius_tui.domain.events import Done, Event, Found, Line, Progress, Saved, Trouble
from arbius_tui.domain.images import Image
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Ask, Choice, Question
from arbius_tui.domain.records import ModelRecord
from arbius_tui.domain.text import clean, seconds, size
from arbius_tui.services import model_folder
from arbius_tui.services.builder import BY_ENGINE
from arbius_tui.services.cog_build import BuildEvent, Built, LogLines, Noticed, Standing, StepsChanged
from arbius_tui.services.ports import Builder, Services
from arbius_tui.steps.base import Step
from arbius_tui.steps.model import Fact, known_of, names, read, worst
from arbius_tui.steps.run import docker

LOG = "log"
"""The source of the lines that cog or the Engine print; one event has all lines of a batch."""

OTHER = "other"
"""The answer that means: an image that is not in the list."""


class Build(Step):
    """Build the folder's image and remember it, so that step 3 starts it. `ask_name`: the author is asked for it."""

    name = "model"
    takes: ClassVar[bool] = False
    """Whether nothing is built, because the image exists."""

    def __init__(self, tag: str = "", dockerfile: str = "", *, ask_name: bool = False) -> None:
        self.tag, self.dockerfile, self.ask_name = tag, dockerfile, ask_name
        self.words = ""
        self.noticed: set[str] = set()

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield the steps of the build and its log as they go on; the whole log is in the state folder."""
        _, builder = docker(services)
        folder = Path(journey.model_dir)
        found = await asyncio.to_thread(self.read, folder)
        self.tag = tag = await self.named(journey, ask)
        yield Line(f"building {tag} from {folder}")
        yield Found(Fact("build-log", "log", "ok", f"{builder.log}", "every line that is printed; / in F3 searches it"))
        built: Built | None = None
        async with aclosing(builder.build(folder, tag, self.dockerfile)) as events:
            async for event in events:
                built = event if isinstance(event, Built) else built
                for told in self.told(event):
                    yield told
        if built is None:
            raise NotReady("build-failed", "the build ended without an image", fix="build again")
        image = await builder.image(tag)
        for told in self.closing(built, image):
            yield told
        if not image.is_cog:
            yield Done(False, BadInput.exit_code, result(tag, image))
            return
        yield Saved(replace(remembered(journey, tag, image, found.predictor), built=tag))
        yield Done(True, 0, result(tag, image), await asyncio.to_thread(self.state, folder))

    def command(self, folder: str) -> list[str]:
        """The words of the command that does the same."""
        tag = ["-t", self.tag] if self.tag else []
        return ["build", folder, *tag, *(["--dockerfile", self.dockerfile] if self.dockerfile else [])]

    async def named(self, journey: Journey, ask: Ask) -> str:
        """The image's name: the one that was given, else the one of the last build, else as cog names it."""
        usual = self.tag or known_of(journey).built or images.default_name(Path(journey.model_dir).name)
        if self.tag or not self.ask_name:
            return usual
        why = "step 3 starts it by this name; r8.im/YOU/NAME is for Replicate"
        return (await ask(Question("tag", "What shall the image be called?", why, usual))).strip()

    def read(self, folder: Path) -> model_folder.ModelFolder:
        """The folder; a Dockerfile needs no cog.yaml. BadInput in words."""
        try:
            return model_folder.read(folder)
        except BadInput as failure:
            if not self.dockerfile or failure.problem.code != "no-cog-yaml":
                raise
            return model_folder.ModelFolder(folder)

    def state(self, folder: Path) -> str:
        """The state word of the step: an image does not make right what is wrong in the files."""
        try:
            return worst(read(folder)[0].findings)
        except BadInput:
            return ""

    def told(self, event: BuildEvent) -> Iterator[Event]:
        """An event of the build as the faces know it."""
        match event:
            case StepsChanged(steps, done, total):
                yield from map(Found, steps)
                if total:
                    yield Progress("build", done, total, "steps")
            case Standing(_, words) if words != self.words:
                self.words = words
                yield Line(words)
            case LogLines(lines):
                # Without cog there are no steps, and the lines are all there is to tell.
                yield Line("\n".join(lines), "build" if self.words == BY_ENGINE else LOG)
            case Noticed(problem):
                self.noticed.add(problem.code)
                yield Trouble(problem)

    def closing(self, built: Built, image: Image) -> Iterator[Event]:
        """What was built, and what is odd about it that was not said while it was built."""
        yield from (Trouble(problem) for problem in built.warnings if problem.code not in self.noticed)
        yield from map(Found, of_image(built.tag, image))
        yield Found(
            Fact("build-log", "log", "ok", f"{built.log}", f"every line of the {seconds(built.seconds)} that it took")
        )


class UseImage(Step):
    """Take an image that exists for the model's, in place of building one. Without a name the author chooses."""

    name = "model"
    takes: ClassVar[bool] = True

    def __init__(self, reference: str = "") -> None:
        self.reference = reference.strip()

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Look at the image and remember it; BadInput (`not-cog-image`) for one that is not Cog's."""
        _, builder = docker(services)
        self.reference = reference = self.reference or await chosen(builder, ask)
        yield Line(f"looking at the image {clean(reference)}")
        image = await builder.image(reference)
        for fact in of_image(reference, image):
            yield Found(fact)
        troubles = images.troubles(image)
        for problem in troubles:
            yield Trouble(problem)
        if not image.is_cog:
            yield Done(False, BadInput.exit_code, result(reference, image))
            return
        yield Saved(remembered(journey, reference, image, ""))
        yield Done(True, 0, result(reference, image), await asyncio.to_thread(self.state, journey))

    def command(self, folder: str) -> list[str]:
        """The words of the command that does the same."""
        return ["build", folder, "--image", self.reference or "NAME"]

    def state(self, journey: Journey) -> str:
        """As for an image that was built here."""
        return Build().state(Path(journey.model_dir)) if journey.model_dir else ""


class MakeImage(Step):
    """Ask which of the three ways it shall be, and go it."""

    name = "model"

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """The events of that way."""
        options = [("cog", "cog build"), ("dockerfile", "from a Dockerfile of mine"), ("image", "use one that exists")]
        why = "miners run the image, and so does the next step"
        way = await ask(Choice("make-image", "How shall the image be made?", why, "cog", options=tuple(options)))
        step: Step = UseImage() if way == "image" else Build(dockerfile=await by(way, ask), ask_name=True)
        async with aclosing(step.run(journey, services, ask)) as events:
            async for event in events:
                yield event


async def by(way: str, ask: Ask) -> str:
    """The Dockerfile of the author's, as seen from the folder; "" for the one that cog writes."""
    if way != "dockerfile":
        return ""
    why = "as seen from the model's folder; a Cog server must run in its image"
    return (await ask(Question("dockerfile", "Which Dockerfile?", why, "Dockerfile"))).strip()


async def chosen(builder: Builder, ask: Ask) -> str:
    """The image that the author names, or chooses among those of Cog's on this machine."""
    listed = {name: image for image in await builder.images() for name in image.tags[:1]}
    question = Question("image", "Which image?", "its name or id on this machine; one of cog's, with its labels")
    if listed:
        options = [(name, f"{name}  {size(image.size)}  cog {image.cog_version}") for name, image in listed.items()]
        why = "images of Cog's on this machine, the newest first"
        options = [*options, (OTHER, "another one, by its name")]
        several = Choice("image-choice", "Which image?", why, options[0][0], options=tuple(options))
        if (picked := await ask(several)) != OTHER:
            return picked
    return (await ask(question)).strip()


def of_image(tag: str, image: Image) -> list[Fact]:
    """What there is to know of an image, one line each."""
    labels = ", ".join(sorted(key for key in image.labels if key.startswith(("run.cog.", "org.cogmodel."))))
    listed = names(inputs.read(image.openapi or {}))
    schema = ("ok", clean(listed) or "none: the model takes nothing") if image.openapi is not None else (
        "wait", "its OpenAPI document is not in its labels; step 3 asks its server")  # fmt: skip
    cog = f"cog {image.cog_version}" if image.cog_version else "not known"
    return [
        Fact("image", "image", "ok" if image.is_cog else "FAIL", clean(tag), "step 3 Run starts it"),
        Fact("image-id", "id", "ok", image.id, f"{size(image.size)}, {image.platform or 'platform unknown'}"),
        Fact("image-size", "size", "ok", size(image.size), "what miners have to fetch and to keep"),
        Fact("image-labels", "labels", "ok" if image.labelled else "warn", f"{cog}; {labels or 'none of cog'}",
             "a finished cog build writes them; without them only the server knows the inputs"),
        Fact("image-inputs", "inputs", *schema, "read from the OpenAPI document; they become the template's inputs"),
    ]  # fmt: skip


def remembered(journey: Journey, tag: str, image: Image, predictor: str) -> ModelRecord:
    """The image as the journey keeps it; what its labels do not say stays as the files say it."""
    known, listed = known_of(journey), tuple(clean(i.name) for i in inputs.read(image.openapi or {}))
    named = predictor or image.predictor or known.predictor
    return ModelRecord(journey.model_dir, named, listed or known.inputs, tag, image.id, known.built)


def result(tag: str, image: Image) -> dict[str, Any]:
    """What scripts read. The schema is in the image's label, or else only its server has it."""
    schema = "image" if image.openapi is not None else "server"
    return {"image": tag, "image_id": image.id, "container": "", "url": "", "schema_from": schema}
