"""What an image is, read from what the Docker Engine says of it: cog's labels, the schema, the packages, a GPU or none.

Nothing here raises on an odd image: a label that cannot be read counts as missing. Labels and environment as cog writes
them since 0.9.5 (`run.cog.*`), and as it did before (`org.cogmodel.*`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from arbius_tui.domain.errors import Problem
from arbius_tui.domain.text import clean

NEW, OLD = "run.cog.", "org.cogmodel."
LARGEST = 4 * 1024 * 1024
"""Characters of a label that are worth reading."""

GPU_VARIABLES = ("NVIDIA_VISIBLE_DEVICES", "NVIDIA_REQUIRE_CUDA", "CUDA_VERSION", "R8_CUDA_VERSION")
"""What an image that is based on CUDA has in its environment."""

PROCESSORS = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class Image:
    """An image on this machine. `id` is `sha256:` and 64 hex digits, `size` bytes, `platform` e.g. `linux/amd64`.

    `labels`, `config` and `openapi` are as they stand in the image, not made harmless; all else is clean.
    `openapi` is the document that `cog build` put into the label, None for an image without (its server has it).
    """

    kind: ClassVar[str] = "image"
    id: str
    tags: tuple[str, ...] = ()
    size: int = 0
    created: str = ""
    repo_digests: tuple[str, ...] = ()
    platform: str = ""
    labels: Mapping[str, str] = field(default_factory=dict, repr=False)
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    command: tuple[str, ...] = ()
    cog_version: str = ""
    coglet_version: str = ""
    config: Mapping[str, Any] | None = field(default=None, repr=False)
    openapi: Mapping[str, Any] | None = field(default=None, repr=False)
    pip_freeze: tuple[str, ...] = field(default=(), repr=False)
    wants_gpu: bool = False

    @property
    def labelled(self) -> bool:
        """Whether `cog build` made it and came to its end; a tag alone proves nothing."""
        return f"{NEW}version" in self.labels or f"{OLD}config" in self.labels

    @property
    def is_cog(self) -> bool:
        """Whether Cog's server runs in it: by cog's labels, or because a Dockerfile says so."""
        return self.labelled or "cog.server.http" in " ".join(self.command)

    @property
    def predictor(self) -> str:
        """What the server loads, e.g. `predict.py:Predictor`; empty where an old image keeps it in its cog.yaml."""
        config = self.config or {}
        named = next((config[key] for key in ("predict", "run") if isinstance(config.get(key), str)), "")
        return self.env.get("COG_PREDICT_TYPE_STUB") or clean(named)

    def digest(self, repository: str) -> str:
        """The digest under which a registry has it (`sha256:...`), empty when it was not pushed there."""
        wanted = re.sub(r"(:[\w.-]+)?(@.*)?$", "", repository)
        return next((d.partition("@")[2] for d in self.repo_digests if d.partition("@")[0] == wanted), "")


def read(found: Mapping[str, Any]) -> Image:
    """The image out of what `GET /images/NAME/json` answers."""
    config = mapping(found.get("Config"))
    labels = {clean(k): v for k, v in mapping(config.get("Labels")).items() if isinstance(v, str)}
    env = dict(pair.split("=", 1) for pair in strings(config.get("Env")) if "=" in pair)
    freeze = tuple(line for line in label(labels, "pip_freeze").splitlines() if line.strip())
    yaml = document(labels, "config")
    return Image(
        id=clean(str(found.get("Id", ""))),
        tags=strings(found.get("RepoTags")),
        size=found["Size"] if isinstance(found.get("Size"), int) else 0,
        created=clean(str(found.get("Created", ""))),
        repo_digests=strings(found.get("RepoDigests")),
        platform=platform(found),
        labels=labels,
        env=env,
        command=(*strings(config.get("Entrypoint")), *strings(config.get("Cmd"))),
        cog_version=label(labels, "version") or labels.get(f"{OLD}cog_version", "") or env.get("R8_COG_VERSION", ""),
        coglet_version=pinned(freeze, "coglet"),
        config=yaml,
        openapi=document(labels, "openapi_schema"),
        pip_freeze=freeze,
        wants_gpu=wants_gpu(yaml, env),
    )


def wants_gpu(config: Mapping[str, Any] | None, env: Mapping[str, str]) -> bool:
    """Whether it was made for a GPU: cog.yaml says so, or, without one, its base image has CUDA in it."""
    if config is not None:
        return mapping(config.get("build")).get("gpu") is True
    return any(env.get(name) for name in GPU_VARIABLES)


def troubles(image: Image, engine: str = "") -> tuple[Problem, ...]:
    """What is wrong with it before it runs; `engine` is the Engine's own platform, e.g. `linux/amd64`."""
    found = []
    if not image.is_cog:
        found.append(not_cog(image))
    if engine and image.platform and same_processor(image.platform) != same_processor(engine):
        found.append(
            Problem(
                "image-platform",
                f"the image is made for {image.platform}, and this Docker Engine runs {engine}",
                "it starts only where docker emulates that processor, slowly, and no GPU helps",
                severity="warn",
            )
        )
    server, runtime = pinned(image.pip_freeze, "cog"), image.coglet_version
    if runtime and numbers(server)[:2] != numbers(runtime)[:2]:
        found.append(
            Problem(
                "cog-coglet-differ",
                f"the image has cog {server} and coglet {runtime}; every model fails its setup with such a pair",
                "build.sdk_version in cog.yaml pins the first and lets the second float",
                severity="warn",
            )
        )
    return tuple(found)


def not_cog(image: Image) -> Problem:
    """An image in which no server of Cog's runs."""
    what = "it has no label run.cog.version and does not start cog.server.http"
    if image.tags:
        what = f"{image.tags[0]} is not an image of Cog's: {what}"
    return Problem(
        "not-cog-image",
        what,
        "a build that failed half-way leaves its tag on such an image; so does `cog serve` from the source",
        detail=f"its command: {' '.join(image.command) or 'none'}",
    )


def default_name(folder: str) -> str:
    """How `cog build` without -t names the image of a folder, by its last part: `My Model 2` -> `cog-my-model-2`."""
    name = re.sub(r"[^a-z0-9-]+", "", folder.lower().replace(" ", "-"))[:26]
    return name if name.startswith("cog-") else f"cog-{name}"


def label(labels: Mapping[str, str], name: str) -> str:
    """A label of cog's under its new name or its old one, clean."""
    return clean(labels.get(f"{NEW}{name}") or labels.get(f"{OLD}{name}") or "")


def document(labels: Mapping[str, str], name: str) -> Mapping[str, Any] | None:
    """A label that holds a JSON object."""
    text = labels.get(f"{NEW}{name}") or labels.get(f"{OLD}{name}") or ""
    try:
        found = json.loads(text) if len(text) <= LARGEST else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def pinned(freeze: tuple[str, ...], package: str) -> str:
    """The version of a package among the lines of `pip freeze`; a wheel's own name says it too."""
    for line in freeze:
        if match := re.match(rf"{package}(?:==| @ .*/{package}-)([0-9][^\s-]*)", line):
            return match[1]
    return ""


def platform(found: Mapping[str, Any]) -> str:
    """`os/architecture`, with the variant where there is one."""
    parts = (found.get("Os"), found.get("Architecture"), found.get("Variant"))
    return clean("/".join(part for part in parts if isinstance(part, str) and part))


def same_processor(name: str) -> str:
    """The architecture out of a platform, in docker's spelling."""
    word = name.split("/")[1] if "/" in name else name
    return PROCESSORS.get(word, word)


def numbers(version: str) -> tuple[int, ...]:
    """`26.1.5+dfsg1` as (26, 1, 5); empty for what is no version."""
    found = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def mapping(value: Any) -> Mapping[str, Any]:
    """A JSON object, empty for everything else."""
    return value if isinstance(value, dict) else {}


def strings(value: Any) -> tuple[str, ...]:
    """The strings of a JSON array, clean."""
    return tuple(clean(v) for v in value if isinstance(v, str)) if isinstance(value, list) else ()
