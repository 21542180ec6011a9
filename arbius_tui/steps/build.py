"""Build: the image of the model's folder, part of the step Model. It changes nothing in the folder but cog's `.cog`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

from arbius_tui.domain import images, inputs
from arbius_tui.domain.errors import BadInput, NotReady
from arbius_tui.domain.events import Done, Event, Found, Line, Progress, Saved, Trouble
from arbius_tui.domain.images import Image
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Ask
from arbius_tui.domain.records import ModelRecord
from arbius_tui.domain.text import seconds, size
from arbius_tui.services import model_folder
from arbius_tui.services.builder import BY_ENGINE
from arbius_tui.services.cog_build import BuildEvent, Built, LogLines, Noticed, Standing, StepsChanged
from arbius_tui.services.ports import Services
from arbius_tui.steps.base import Step
from arbius_tui.steps.model import Fact
from arbius_tui.steps.run import docker


class Build(Step):
    """Build the folder's image and remember it, so that step 3 starts it."""

    name = "model"

    def __init__(self, tag: str = "", dockerfile: str = "") -> None:
        self.tag, self.dockerfile = tag, dockerfile
        self.words = ""
        self.noticed: set[str] = set()

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield the steps of the build as they go on; the whole log is in the state folder."""
        _, builder = docker(services)
        folder = Path(journey.model_dir)
        found = await asyncio.to_thread(self.read, folder)
        tag = self.tag or images.default_name(folder.name)
        yield Line(f"building {tag} from {folder}")
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
        listed = inputs.read(image.openapi or {})
        predictor = found.predictor or image.predictor
        yield Saved(ModelRecord(str(folder), predictor, tuple(i.name for i in listed), tag, image.id))
        yield Done(True, 0, result(tag, image))

    def read(self, folder: Path) -> model_folder.ModelFolder:
        """The folder; a Dockerfile needs no cog.yaml. BadInput in words."""
        try:
            return model_folder.read(folder)
        except BadInput as failure:
            if not self.dockerfile or failure.problem.code != "no-cog-yaml":
                raise
            return model_folder.ModelFolder(folder)

    def told(self, event: BuildEvent) -> Iterator[Event]:
        """An event of the build as the faces know it; cog's log is told by its steps, the Engine's by its lines."""
        match event:
            case StepsChanged(steps, done, total):
                yield from map(Found, steps)
                if total:
                    yield Progress("build", done, total, "steps")
            case Standing(_, words) if words != self.words:
                self.words = words
                yield Line(words)
            case LogLines(lines) if self.words == BY_ENGINE:
                yield from (Line(line, "build") for line in lines)
            case Noticed(problem):
                self.noticed.add(problem.code)
                yield Trouble(problem)

    def closing(self, built: Built, image: Image) -> Iterator[Event]:
        """What was built, and what is odd about it that was not said while it was built."""
        yield from (Trouble(problem) for problem in built.warnings if problem.code not in self.noticed)
        yield Found(
            Fact("image", "image", "ok", f"{built.tag}  {image.id}  {size(image.size)}", "step 3 Run starts it")
        )
        yield Found(Fact("build-log", "log", "ok", f"{built.log}", f"the whole log of {seconds(built.seconds)}"))


def result(tag: str, image: Image) -> dict[str, Any]:
    """What scripts read. The schema is in the image's label, or else only its server has it."""
    schema = "image" if image.openapi is not None else "server"
    return {"image": tag, "image_id": image.id, "container": "", "url": "", "schema_from": schema}
