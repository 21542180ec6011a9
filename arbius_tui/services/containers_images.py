"""Images of the Docker Engine: look at one, build one from a Dockerfile, pull one when the author says so.

A build goes through docker's own builder (buildx) where that is installed, because a Dockerfile of today may want it;
else through the Engine's API, which needs neither the docker command nor a plugin.
"""

from __future__ import annotations

import os
import shutil
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

from arbius_tui.domain import images
from arbius_tui.domain.errors import BadInput, Failure, NotReady
from arbius_tui.domain.images import Image
from arbius_tui.domain.text import clean, size
from arbius_tui.services import docker_errors, process
from arbius_tui.services.containers_engine import Engine, Stream

BUILD_LIMIT = 4 * 3600.0
"""Seconds; an image with CUDA and weights takes its hour."""

BUILDX_LIMIT = 10.0
TAIL = 40
"""Lines of a failed build that are kept with the failure."""


class Images:
    """The images of one Engine. Nothing is ever pulled unasked."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def inspect(self, reference: str) -> Image:
        """The image of this name or id; NotReady `no-image` when this machine has none."""
        try:
            found = await self.engine.call("look at the image", lambda api: api.inspect_image(reference))
        except Failure as failure:
            if failure.problem.code in ("no-image", "no-such-image"):
                raise no_image(reference, failure.problem.detail) from None
            raise
        return images.read(found)

    async def cog_images(self) -> tuple[Image, ...]:
        """Images that `cog build` made, newest first; those of a Dockerfile have no such label and are left out."""

        def found(api: Any) -> list[Any]:
            listed = api.images(filters={"label": "run.cog.version"})
            return [api.inspect_image(one["Id"]) for one in listed]

        read = [images.read(one) for one in await self.engine.call("list images", found)]
        return tuple(sorted(read, key=lambda image: image.created, reverse=True))

    async def untag(self, reference: str) -> None:
        """Take this name from its image; an image without another name is removed."""
        await self.engine.call("take the name from the image", lambda api: api.remove_image(reference), settle=True)

    async def build(
        self, folder: Path, dockerfile: str, tag: str, limit: float = BUILD_LIMIT
    ) -> AsyncGenerator[str, None]:
        """Build `folder` by the Dockerfile in it and give it the tag; yields the lines. Look at it with `inspect` then.

        Closing this cancels the build and leaves no container and no tag. BadInput or NotReady in the words of
        `docker_errors`; `build-failed` for what they do not know.
        """
        path = folder / dockerfile
        if not path.is_file():
            what = f"there is no {dockerfile} in {folder}"
            raise BadInput("no-dockerfile", what, why="the image is built by it", fix="look at its path")
        lines = (
            self._with_buildx(folder, path, tag, limit) if await buildx() else self._with_api(path, folder, tag, limit)
        )
        async with aclosing(lines):
            async for line in lines:
                yield line

    async def pull(self, reference: str, limit: float = BUILD_LIMIT) -> AsyncGenerator[str, None]:
        """Pull an image because the author asked for it; yields a line for each change of a layer."""
        name, tag = split_tag(reference)

        def begin(api: Any) -> Stream[Any]:
            return Opened(api, lambda: api.pull(name, tag=tag, stream=True, decode=True))

        batches, told = self.engine.stream(f"pull {reference}", begin, limit), Told()
        async with aclosing(batches):
            async for batch in batches:
                for line in told.lines(batch):
                    yield line

    async def _with_api(self, path: Path, folder: Path, tag: str, limit: float) -> AsyncGenerator[str, None]:
        """The Engine's own builder. The folder is sent to it without what .dockerignore names."""

        def begin(api: Any) -> Stream[Any]:
            return Opened(
                api,
                lambda: api.build(path=str(folder), dockerfile=str(path), tag=tag, rm=True, forcerm=True, decode=True),
            )

        yield f"Building {tag} with the Engine's own builder"
        tail: deque[str] = deque(maxlen=TAIL)
        batches, told = self.engine.stream("build the image", begin, limit), Told()
        try:
            async with aclosing(batches):
                async for batch in batches:
                    for line in told.lines(batch):
                        tail.append(line)
                        yield line
        except Failure as failure:
            if tail and failure.problem.code == "docker-unreachable":
                raise cut_short(tail) from None
            raise build_failed(failure, tail) from None
        if not any(line.startswith("Successfully built ") for line in tail):
            raise cut_short(tail)

    async def _with_buildx(self, folder: Path, path: Path, tag: str, limit: float) -> AsyncGenerator[str, None]:
        """docker's command with BuildKit, plain progress."""
        argv = ["docker", "buildx", "build", "--progress=plain", "--load", "-t", tag, "-f", str(path), str(folder)]
        where = self.engine.where
        env = {**os.environ, "DOCKER_HOST": where.url} if where.how == "given" else None
        lines = process.lines(argv, folder, env, limit)
        yield f"Building {tag} with buildx"
        try:
            async with aclosing(lines):
                async for line in lines:
                    yield line
        except NotReady as failure:
            if failure.problem.code != "command-failed":
                raise
            raise build_failed(failure, failure.problem.detail.splitlines()) from None


async def buildx() -> bool:
    """Whether the docker command and its builder are installed."""
    if not shutil.which("docker"):
        return False
    return (await process.output(["docker", "buildx", "version"], BUILDX_LIMIT)).ok


class Opened:
    """A stream of the docker package that another thread can close; only its logs() gives such a one by itself."""

    def __init__(self, api: Any, begin: Callable[[], Iterator[Any]]) -> None:
        responses: list[Any] = []
        api.hooks["response"].append(lambda response, **_: responses.append(response))
        self._messages, self._response = begin(), responses[-1]

    def __iter__(self) -> Iterator[Any]:
        # Not through CancellableStream: it takes the Engine's refusal for the end of the stream.
        return self._messages

    def close(self) -> None:
        """End the connection; the Engine ends what it did for it."""
        from docker.types import CancellableStream

        CancellableStream(self._messages, self._response).close()


class Told:
    """The lines out of an Engine's messages; what a command prints comes in pieces that end anywhere."""

    def __init__(self) -> None:
        self._reader = process.LineReader()

    def lines(self, batch: list[Any]) -> Iterator[str]:
        """The lines that are complete now; a Failure when a message is an error."""
        for message in batch:
            if not isinstance(message, dict):
                continue
            said, status, layer, error = (message.get(key) for key in ("stream", "status", "id", "error"))
            if isinstance(said, str):
                yield from filter(str.strip, self._reader.feed(said.encode("utf-8", "replace")))
            elif isinstance(status, str) and not message.get("progress"):
                yield clean(f"{layer}: {status}" if layer else status)
            if error:
                yield from self.end()
                text = clean(str(error))
                raise docker_errors.words(text) or NotReady("build-failed", text[:300], detail=text)

    def end(self) -> list[str]:
        """What was left without a newline."""
        return self._reader.end()


def build_failed(failure: Failure, tail: Sequence[str]) -> Failure:
    """The failure of a build in words, with its last lines."""
    raw = "\n".join([*tail, failure.problem.detail or failure.problem.what])
    known = docker_errors.words(failure.problem.detail or "") or failure
    problem = known.problem
    code = "build-failed" if problem.code in ("command-failed", "docker-error") else problem.code
    fix = problem.fix
    return type(known)(
        code,
        "the image could not be built" if code == "build-failed" else problem.what,
        why=problem.why or "there is no image without it",
        fix=fix.text if fix else "read the last lines below",
        command=fix.command if fix else None,
        detail=clean(raw)[-docker_errors.LONGEST :],
    )


def cut_short(tail: Sequence[str]) -> NotReady:
    """A build whose Engine went away in the middle."""
    return NotReady(
        "build-interrupted",
        "the build was cut short: the Docker Engine stopped in the middle of it",
        why="there is no image without it",
        fix="see whether docker runs, then build again; finished steps are kept",
        command="docker ps",
        detail="\n".join(tail),
    )


def no_image(reference: str, said: str) -> NotReady:
    """An image that this machine does not have; it is not fetched unasked."""
    return NotReady(
        "no-image",
        f"there is no image {clean(reference)} on this machine",
        why="the model's server runs in it, and nothing is pulled unasked",
        fix="build it, or pull it",
        command=f"docker pull {clean(reference)}",
        detail=said,
    )


def forecast(image: Image) -> str:
    """An image in a few words, e.g. `sha256:1234abcd 1.31 GB, cog 0.23.1, wants a GPU`."""
    words = [f"{image.id[:19]} {size(image.size)}"]
    words.append(f"cog {image.cog_version}" if image.cog_version else "cog's version is not in its labels")
    words.append("wants a GPU" if image.wants_gpu else "needs no GPU")
    return ", ".join(words)


def split_tag(reference: str) -> tuple[str, str]:
    """`host:5000/name:tag` as name and tag; `latest` where none is named, a digest counts as tag."""
    if "@" in reference:
        name, _, digest = reference.partition("@")
        return name, digest
    name, colon, tag = reference.rpartition(":")
    return (name, tag) if colon and "/" not in tag else (reference, "latest")
