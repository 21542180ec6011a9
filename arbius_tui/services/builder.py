"""An image of a model's folder: by cog, or, for a Dockerfile where there is no cog, by the Docker Engine itself."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Protocol

from arbius_tui.domain.cog_words import Doctor
from arbius_tui.domain.errors import Failure, NotReady
from arbius_tui.domain.images import Image, not_cog
from arbius_tui.domain.secret import Secret
from arbius_tui.services.cog import CogCli
from arbius_tui.services.cog_build import BuildEvent, Built, LogFile, LogLines, Noticed, Standing, check_tag
from arbius_tui.services.machine import docker_folder

BY_ENGINE = "the Docker Engine builds by the Dockerfile, because cog is not installed"


class Shelf(Protocol):
    """The images of an Engine, as a build needs them."""

    async def inspect(self, reference: str) -> Image:
        """The image of this name; NotReady `no-image`."""

    async def cog_images(self) -> tuple[Image, ...]:
        """Those that cog built, the newest first."""

    def build(self, folder: Path, dockerfile: str, tag: str) -> AsyncGenerator[str, None]:
        """Build by a Dockerfile; the lines."""

    async def untag(self, reference: str) -> None:
        """Take this name from its image."""


class ImageBuilder:
    """Implements `ports.Builder`. The whole log of the last build is in the file `log`."""

    def __init__(self, cog: CogCli, shelf: Shelf, log: Path) -> None:
        self.cog, self.shelf, self.log = cog, shelf, log

    async def build(self, folder: Path, tag: str, dockerfile: str = "") -> AsyncGenerator[BuildEvent, None]:
        """Build with cog; a Dockerfile needs none. Failures are those of `CogCli.build` and `Images.build`."""
        check_tag(tag)
        work = self.with_cog(folder, tag, dockerfile)
        try:
            await self.cog.find()
        except NotReady as failure:
            if not dockerfile or failure.problem.code != "cog-missing":
                raise
            work = self.with_engine(folder, tag, dockerfile)
        async with aclosing(work) as events:
            async for event in events:
                yield event

    async def image(self, reference: str) -> Image:
        """The image of this name; NotReady `no-image`."""
        return await self.shelf.inspect(reference)

    async def images(self) -> tuple[Image, ...]:
        """The images of Cog's on this machine, the newest first."""
        return await self.shelf.cog_images()

    async def doctor(self, folder: Path) -> Doctor:
        """What `cog doctor` finds in this folder."""
        await self.cog.find()
        return await self.cog.doctor(folder)

    async def login(self, token: Secret) -> str:
        """Log in to r8.im, as docker's configuration will remember; the user."""
        await self.cog.find()
        return (await self.cog.login(token, docker_folder())).user

    def with_cog(self, folder: Path, tag: str, dockerfile: str) -> AsyncGenerator[BuildEvent, None]:
        """By cog, which also writes the labels."""
        return self.cog.build(
            folder, tag, log=self.log, inspect=self.labels, untag=self.shelf.untag, dockerfile=dockerfile or None
        )

    async def with_engine(self, folder: Path, tag: str, dockerfile: str) -> AsyncGenerator[BuildEvent, None]:
        """By the Engine: no labels, so that only the image's command says whether a Cog server runs in it."""
        began, sink = time.monotonic(), LogFile(self.log)
        yield Standing(0, BY_ENGINE)
        try:
            async with aclosing(self.shelf.build(folder, dockerfile, tag)) as lines:
                async for line in lines:
                    sink.write(f"{line}\n".encode())
                    yield LogLines((line,))
        finally:
            sink.close()
        found = await self.shelf.inspect(tag)
        lost = (sink.problem(),) if sink.fault else ()
        warnings = (*lost, *(() if found.is_cog else (not_cog(found),)))
        for problem in warnings:
            yield Noticed(problem)
        yield Built(tag, time.monotonic() - began, self.log, warnings, found.labels)

    async def labels(self, tag: str) -> Mapping[str, str] | None:
        """The labels of an image, None where there is no such image."""
        try:
            return (await self.shelf.inspect(tag)).labels
        except Failure as failure:
            if failure.problem.code == "no-image":
                return None
            raise
