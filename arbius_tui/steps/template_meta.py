"""What can be known of a template's meta, and from where: cog.yaml, git, the image's digest, the GPU of the proof.

Every value comes with its source; what is missing, and what is there and only half right, is said.
"""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from arbius_tui.domain.errors import Failure, Fix, Problem
from arbius_tui.domain.images import Image
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.records import ModelRecord, RunRecord, SeedTestRecord
from arbius_tui.domain.text import clean
from arbius_tui.services import model_folder, repository
from arbius_tui.services.ports import Services
from arbius_tui.services.repository import Checkout
from arbius_tui.steps.model import Fact

REPLICATE = "r8.im/"
"""The registry that Arbius miners pull from."""

CPU = "Run on CPU only."
REHEARSED = "the rehearsal asks no git"

REVISION = "org.opencontainers.image.revision"
"""The label in which cog keeps the commit that an image was built from."""


@dataclass(frozen=True, slots=True)
class About:
    """What a draft is made of: a name to begin with, the model's folder, its image, and where it ran."""

    title: str
    folder: Path | None = None
    image: str = ""
    digest: str = ""
    gpu: str = ""
    proven: bool = False
    ran_here: bool = False
    """Whether its container got the cards of this machine."""

    @classmethod
    def of(cls, journey: Journey) -> About:
        """What the journey knows."""
        run, model = journey.get(RunRecord) or RunRecord(), journey.get(ModelRecord) or ModelRecord()
        proof = journey.get(SeedTestRecord) or SeedTestRecord()
        seen = [str(one["gpu"]) for one in proof.endpoints if one.get("gpu")]
        gpu = clean(", ".join(dict.fromkeys(seen)) or run.gpu or ("CPU" if run.cpu_only else ""))
        folder = Path(journey.model_dir) if journey.model_dir else None
        ran_here = bool(run.container) and not run.cpu_only
        return cls(journey.project, folder, run.image or model.image, run.digest, gpu, proof.reproducible, ran_here)


@dataclass
class Known:
    """The meta as far as it is known; `open` says of a key why the author has to look at it."""

    meta: dict[str, Any]
    facts: list[Fact] = field(default_factory=list)
    open: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def fact(self, key: str, state: str, found: str, source: str) -> None:
        """A key of the meta, and where its value comes from."""
        self.facts.append(Fact(f"meta-{key}", key, state, clean(found), source))


async def gather(about: About, services: Services) -> Known:
    """Look at all sources at once; none of them is needed."""
    config = await asyncio.to_thread(config_of, about.folder)
    about = replace(about, image=about.image or repository_of(config))
    rehearsed = services.network == "rehearsal"
    checkout, image = await asyncio.gather(checkout_of(about.folder, rehearsed), image_of(about, services))
    config = config or (image.config if image else None) or {}
    known = Known({"title": "", "description": "", "git": "", "docker": "", "version": 1})
    title(known, about, config)
    description(known, replace(about, gpu=about.gpu or await local_gpu(about, services)))
    git(known, checkout, about.folder, clean(image.labels.get(REVISION, "")) if image else "")
    docker(known, about, config, image)
    if image is not None:
        same_commit(known, image, checkout)
    return known


def config_of(folder: Path | None) -> Mapping[str, Any]:
    """cog.yaml, empty where there is none; the Model step says what is wrong with it."""
    if folder is None:
        return {}
    try:
        return model_folder.load(folder)
    except Failure:
        return {}


async def checkout_of(folder: Path | None, rehearsed: bool) -> Checkout:
    """What git says of the model's folder; the rehearsal's own model lies in a repository that is not the author's."""
    if rehearsed:
        return Checkout(trouble=REHEARSED)
    if folder is None:
        return Checkout(trouble="the model's folder is not known here")
    return await repository.read(folder)


async def image_of(about: About, services: Services) -> Image | None:
    """The image on this machine, None without Docker or without it."""
    if not about.image or services.builder is None:
        return None
    try:
        return await services.builder.image(about.image)
    except Failure:
        return None


async def local_gpu(about: About, services: Services) -> str:
    """The card of this machine, for a model whose container had it; empty in the rehearsal and without a driver."""
    if not about.ran_here:
        return ""
    try:
        seen = [check async for check in services.toolchain.checks("nvidia-driver")]
    except Failure:
        return ""
    return next((re.sub(r", driver .*", "", check.found) for check in seen if check.state == "ok"), "")


def title(known: Known, about: About, config: Mapping[str, Any]) -> None:
    """The image's name in cog.yaml, else the name of the folder or the project."""
    named = repository_of(config)
    found, source = (
        (named.rpartition("/")[2], "cog.yaml's image") if named else (about.title, "the folder, image or file")
    )
    known.meta["title"] = clean(found)
    known.fact("title", "ok" if found else "warn", found or "not known", source)


def description(known: Known, about: About) -> None:
    """Nobody but the author knows what the model does; where its outputs were seen is known."""
    if not about.gpu:
        known.fact("description", "warn", "not known, and no GPU was seen", "say what it does, and on which GPU")
        return
    where = CPU if about.gpu == "CPU" else f"{'Proven' if about.proven else 'Run'} on {about.gpu}."
    source = "the seed test" if about.proven else "the server that ran"
    known.meta["description"] = where
    known.open["description"] = f"only the GPU is known ({about.gpu})"
    known.fact("description", "warn", where, source)


def git(known: Known, checkout: Checkout, folder: Path | None, built: str = "") -> None:
    """A link to the commit; what speaks against it is said beside it. `built` is the commit in the image's label."""
    if not checkout.link:
        trouble = f"the image was built from commit {built}" if built and folder is None else checkout.trouble
        known.open["git"] = trouble
        known.fact("git", "warn", trouble, "the image's label" if trouble != checkout.trouble else "git")
        if folder is not None and trouble != REHEARSED:
            known.problems.append(no_link(checkout, folder))
        return
    known.meta["git"] = checkout.link
    wrong = [problem for problem in (dirty(checkout, folder), unpushed(checkout, folder)) if problem]
    known.problems += wrong
    if wrong:
        known.open["git"] = "; ".join(problem.what for problem in wrong)
    known.fact("git", "warn" if wrong else "ok", checkout.link, f"git, the remote {clean(checkout.remote)}")


def no_link(checkout: Checkout, folder: Path) -> Problem:
    """There is nothing to link."""
    return Problem(
        "git-no-link",
        f"no link to the model's code: {checkout.trouble}",
        "miners and users look at the code of what they run",
        Fix("commit the folder and push it to a public site, then draft again", f"git -C {here(folder)} status"),
        checkout.detail,
        "warn",
        "/meta/git",
    )


def dirty(checkout: Checkout, folder: Path | None) -> Problem | None:
    """The folder is not what the commit has."""
    if not checkout.changed:
        return None
    many = f"{checkout.changed} file{' differs' if checkout.changed == 1 else 's differ'}"
    return Problem(
        "git-dirty",
        f"{many} from the commit {checkout.commit[:12]}",
        "the link shows the commit, and the image may have been built from what lies in the folder",
        Fix("commit the changes, push, build again, then draft again", f"git -C {here(folder)} status --short"),
        severity="warn",
        path="/meta/git",
    )


def unpushed(checkout: Checkout, folder: Path | None) -> Problem | None:
    """Nobody else has the commit, as far as this folder knows."""
    if checkout.pushed:
        return None
    return Problem(
        "git-not-pushed",
        f"the commit {checkout.commit[:12]} is not on {clean(checkout.remote)}, as far as this folder knows",
        "the link leads nowhere until it is",
        Fix("push it", f"git -C {here(folder)} push"),
        severity="warn",
        path="/meta/git",
    )


def docker(known: Known, about: About, config: Mapping[str, Any], image: Image | None) -> None:
    """The digest under which a registry has the image."""
    pushed = [digest for digest in (image.repo_digests if image else ()) if "@sha256:" in digest]
    named = re.sub(r"(:[\w.-]+)?(@.*)?$", "", about.image)
    if about.digest:
        pushed.append(f"{named}@{about.digest}")
    wanted = repository_of(config)
    ranked = sorted(pushed, key=lambda one: (one.partition("@")[0] != wanted, not one.startswith(REPLICATE)))
    if ranked:
        known.meta["docker"] = ranked[0]
        source = "the image's digest on this machine" if image else "the digest of the image that ran"
        known.fact("docker", "ok" if ranked[0].startswith(REPLICATE) else "warn", ranked[0], source)
        if not ranked[0].startswith(REPLICATE):
            known.open["docker"] = "Arbius miners pull from r8.im, Replicate's registry"
        return
    reason = "the image was not pushed yet" if image else "no image is known here"
    known.open["docker"] = reason
    known.fact("docker", "warn", f"{reason}; its digest is known after the push", "step 5 Publish")


def same_commit(known: Known, image: Image, checkout: Checkout) -> None:
    """Whether the image was built from the commit that is linked."""
    built = clean(image.labels.get(REVISION, ""))
    if not built or not checkout.commit or built == checkout.commit:
        return
    known.problems.append(Problem(
        "image-other-commit",
        f"the image was built from commit {built[:12]}, the link shows {checkout.commit[:12]}",
        "whoever reads the code would read another than miners run",
        Fix("build and push the image again, or link the commit that it was built from"),
        severity="warn",
        path="/meta/git",
    ))  # fmt: skip
    known.open["git"] = "; ".join(filter(None, (known.open.get("git"), known.problems[-1].what)))


def repository_of(config: Mapping[str, Any]) -> str:
    """The image's name in cog.yaml without tag and digest, empty where it names none."""
    named = next((config[key] for key in ("image", "model") if isinstance(config.get(key), str)), "")
    return clean(re.sub(r"(:[\w.-]+)?(@.*)?$", "", named.strip()))


def here(folder: Path | None) -> str:
    """The folder as a word of a shell line."""
    return shlex.quote(str(folder or "."))
