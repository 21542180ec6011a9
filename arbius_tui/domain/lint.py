"""What is wrong with a template, before it is fixed for ever.

Each rule stands for something that breaks: in miners (kasumi and its predecessor read the JSON, gobius has one Go file
for each model), on the website's form, or in the explorer. An error means that some task or page fails; a warning that
somebody has been bitten by it. `lint` never raises and needs nothing but the template; what a model says to it is
`lint_model.against`. Where one key can mend a problem, its fix has a patch.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from arbius_tui.domain import lint_rows
from arbius_tui.domain.errors import Problem
from arbius_tui.domain.lint_words import (
    EXPLORER,
    GOBIUS,
    KASUMI_2,
    MINERS,
    READERS,
    TYPES,
    WEBSITE,
    Operation,
    error,
    hidden,
    nearest,
    number,
    shown,
    unknown_keys,
    warn,
)
from arbius_tui.domain.permalink import is_permalink
from arbius_tui.domain.template import MAX_BYTES, ORDER, Template
from arbius_tui.domain.text import clean, exact_bytes

__all__ = ["KNOWN_MODELS", "KNOWN_TITLES", "OUTPUT_TYPES", "READERS", "TYPES", "lint", "title_taken"]

OUTPUT_TYPES = ("image", "video", "audio", "text")
KNOWN_MODELS = {
    "Kandinsky 2": "kasumi-1/kandinsky-2", "Anything V3 Better VAE": "", "Damo text-to-video ms-1.7b":
    "cjwbw/damo-text-to-video", "Robust video matting": "", "Zeroscope V2 XL": "", "Qwen QwQ 32B":
    "kasumi-1/qwen-qwq-32b", "WAI-NSFW-illustrious-SDXL-v120": "kasumi-1/cog-wai-v120", "Qwen Sepolia Test Model": "",
    "Stable Video Diffusion": "christophy/stable-video-diffusion",
}  # fmt: skip
"""Titles of the templates in the Arbius repository and its pull requests, and the image of each where it is known."""
KNOWN_TITLES = tuple(KNOWN_MODELS)

META_KEYS = ("title", "description", "git", "docker", "version")
OUTPUT_KEYS = ("filename", "type")
_OTHER_META = {
    "name": "title", "model": "title", "desc": "description", "image": "docker", "repo": "git", "source": "git",
    "github": "git", "container": "docker",
}  # fmt: skip
_OTHER_PARTS = {"inputs": "input", "outputs": "output", "metadata": "meta", "params": "input", "parameters": "input"}
_OTHER_OUTPUT = {"name": "filename", "file": "filename", "kind": "type", "mime": "type"}
_FILE = re.compile(r"out-[0-9]+\.[^/\\]+")
_ENDING = re.compile(r"\.([A-Za-z0-9]{1,8})$")
_ENDINGS = {"image": "png", "video": "mp4", "audio": "wav", "text": "txt"}
_KINDS = {
    "png": "image", "jpg": "image", "jpeg": "image", "webp": "image", "gif": "image", "mp4": "video", "webm": "video",
    "mov": "video", "wav": "audio", "mp3": "audio", "ogg": "audio", "flac": "audio", "txt": "text", "json": "text",
}  # fmt: skip
_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
_GPU = re.compile(
    r"\b(gpu|cpu|nvidia|amd|a(2|10|16|30|40|100|800|[456]000)g?|h(20|100|200|800)|b[123]00|g[bh]200|l(4|40)s?|t4|v100"
    r"|p(4|40|100)|k80|mi\d{3}x?|(rtx|gtx|quadro|tesla|radeon) ?\w+|(20[6-8]0|[345]0[5-9]0)( ?ti)?)\b",
    re.IGNORECASE,
)
"""Names of GPUs as people write them, and an honest word that there was none."""


def lint(template: Template) -> list[Problem]:
    """Every problem of a template, in the order of the file: the file, `meta`, `input`, `output`.

    A problem's `path` is a JSON pointer (empty: the whole file); its `fix` says what to do. Rows that were looked at
    before are remembered: of 500 rows with one change, one is judged.
    """
    found: list[Problem] = []
    for rule in _RULES:
        found += rule(template)
    return found


Rule = Callable[[Template], Iterator[Problem]]


# --- the file ----------------------------------------------------------------------------------------------------


def _file_size(template: Template) -> Iterator[Problem]:
    if template.size > MAX_BYTES:
        what = f"the template has {exact_bytes(template.size)}, the engine takes at most {exact_bytes(MAX_BYTES)}"
        yield error("too-big", "", what, "registering it would revert", "shorten descriptions")


_NEW_META = {"title": "", "description": "", "git": "", "docker": "", "version": 1}


def _shape(template: Template) -> Iterator[Problem]:
    document, why = template.document, "every reader of templates looks into it"
    for key, kind, name in (("meta", dict, "an object"), ("input", list, "an array"), ("output", list, "an array")):
        if isinstance(document.get(key), kind):
            continue
        patch: tuple[Operation, ...] = ()
        if key != "output" and document.get(key) in (None, "", [], {}):
            patch = (("add", f"/{key}", dict(_NEW_META) if key == "meta" else []),)
        what = f"`{key}` is {'not ' + name if key in document else 'missing'}"
        yield error(f"no-{key}", f"/{key}", what, why, f"make it {name}", *patch, readers=READERS)
    if document.get("output") == []:
        why = "miners and pages take the file's name and type from the first row"
        fix = "add the one file that the model makes"
        yield error("no-output", "/output", "`output` has no row", why, fix, readers=READERS)


def _unknown_parts(template: Template) -> Iterator[Problem]:
    yield from unknown_keys("", template.document, ORDER, _OTHER_PARTS)
    rest = {key: part for key, part in template.document.items() if key not in ORDER}
    yield from hidden("", rest)


# --- meta --------------------------------------------------------------------------------------------------------


def _meta(template: Template) -> Iterator[Problem]:
    """The rules of `meta`, where there is one."""
    meta = template.document.get("meta")
    if isinstance(meta, Mapping):
        for rule in _META_RULES:
            yield from rule(meta)
        yield from unknown_keys("/meta", meta, META_KEYS, _OTHER_META)
        yield from hidden("/meta", meta)
    elif meta is not None:
        yield from hidden("/meta", meta)


MetaRule = Callable[[Mapping[str, Any]], Iterator[Problem]]


def _text(meta: Mapping[str, Any], key: str) -> str:
    value = meta.get(key, "")
    return value if isinstance(value, str) else ""


def _meta_types(meta: Mapping[str, Any]) -> Iterator[Problem]:
    for key in META_KEYS[:-1]:
        value = meta.get(key, "")
        if not isinstance(value, str):
            what, path = f"`{key}` is {shown(value)}, not text", f"/meta/{key}"
            text = "" if value is None else shown(value) if number(value) else None
            patch: tuple[Operation, ...] = () if text is None else (("replace", path, text),)
            yield error("meta-type", path, what, "pages show it as text", "put it in quotes", *patch,
                        readers=(WEBSITE, EXPLORER))  # fmt: skip


def _title(meta: Mapping[str, Any]) -> Iterator[Problem]:
    title, path = _text(meta, "title"), "/meta/title"
    if not title.strip() and isinstance(meta.get("title", ""), str):
        yield error("title-missing", path, "the model has no title", "it is how people find it", "give it one")
    if title.strip().casefold() in _TITLES:
        what = f"a registered model already has the title {shown(title)}"
        why, fix = "people could not tell the two apart", "choose another title"
        # Who registers the same model again, with another fee or owner, keeps its title: no error for its own image.
        same = _TITLES[title.strip().casefold()] == image_of(_text(meta, "docker")) != ""
        yield (warn if same else error)("title-known", path, what, why, fix, readers=(WEBSITE, EXPLORER))


_TITLES = {known.casefold(): image for known, image in KNOWN_MODELS.items()}


def image_of(docker: str) -> str:
    """The owner and name of an image of Replicate's registry: `me/model` of `https://r8.im/me/model@sha256:..`."""
    return docker.rpartition("://")[2].partition("@")[0].removeprefix("r8.im/").casefold()


def title_taken(template: Template, others: Mapping[str, Template]) -> list[Problem]:
    """Other templates with this title and another image; `others` are by the names of their files."""
    title = template.meta.title.strip()
    same = [
        name for name, other in others.items()
        if title and other.meta.title.strip().casefold() == title.casefold()
        and image_of(other.meta.docker) != image_of(template.meta.docker)
    ]  # fmt: skip
    why = "people could not tell the two apart, and neither can the website's list of models"
    return [
        error("title-taken", "/meta/title", f"{clean(name)} has the title {shown(title)}, too", why,
              "choose another title", readers=(WEBSITE, EXPLORER))
        for name in same[:1]
    ]  # fmt: skip


def _description(meta: Mapping[str, Any]) -> Iterator[Problem]:
    if not _text(meta, "description").strip():
        why = "it is the only text people see before they pay"
        yield warn("description-missing", "/meta/description", "the model has no description", why, "say what it does")
    if not _GPU.search(f"{_text(meta, 'title')} {_text(meta, 'description')}"):
        what, fix = "no GPU is named in title or description", "name the GPU the outputs were proven on, e.g. A100 80GB"
        why = "other hardware makes other bytes, and a miner with other bytes loses its stake"
        yield warn("gpu-not-named", "/meta/description", what, why, fix, readers=MINERS)


def _git(meta: Mapping[str, Any]) -> Iterator[Problem]:
    git = _text(meta, "git")
    if not is_permalink(git):
        what = "`git` is not a link to one commit" if git else "`git` is empty"
        why = "a branch moves on, and nobody can see what the image was built from"
        fix = "link to the commit: https://github.com/OWNER/NAME/tree/ and 40 hexadecimal digits"
        yield warn("git-not-pinned", "/meta/git", what, why, fix)


def _docker(meta: Mapping[str, Any]) -> Iterator[Problem]:
    docker, path = _text(meta, "docker"), "/meta/docker"
    if "://" in docker:
        bare = docker.partition("://")[2]
        why = "`docker run` refuses an image with a scheme"
        yield warn("docker-scheme", path, "`docker` begins with a scheme", why, "write r8.im/OWNER/NAME@sha256:..",
                   ("replace", path, bare), readers=MINERS)  # fmt: skip
    if not _DIGEST.search(docker):
        what = "`docker` has no digest" if docker else "`docker` is empty"
        why = "a tag can be pushed again, and miners with another image make other bytes"
        fix = "write r8.im/OWNER/NAME@sha256: and 64 hexadecimal digits, as `cog push` prints it"
        yield warn("docker-no-digest", path, what, why, fix, readers=MINERS)


def _version(meta: Mapping[str, Any]) -> Iterator[Problem]:
    version = meta.get("version")
    if not number(version) or version != 1:
        what = f"`version` is {shown(version)}, not 1" if "version" in meta else "`version` is missing"
        yield warn("version", "/meta/version", what, "every registered template says 1", "write 1",
                   ("add", "/meta/version", 1))  # fmt: skip


# --- the rows of input -------------------------------------------------------------------------------------------


def _inputs(template: Template) -> Iterator[Problem]:
    rows = template.document.get("input")
    seen: dict[str, Mapping[str, Any]] = {}
    required: list[str] = []
    for index, raw in enumerate(rows if isinstance(rows, list) else ()):
        base = f"/input/{index}"
        if not isinstance(raw, Mapping):
            yield _no_row("input", index)
            yield from hidden(base, raw)
            continue
        yield from lint_rows.at(raw, base)
        name = raw.get("variable")
        if isinstance(name, str) and name:
            if name in seen:
                yield _twice(base, name, repr(raw) == repr(seen[name]))
            seen.setdefault(name, raw)
        if raw.get("required") is True:
            required.append(base)
    if len(required) > 1:
        why = "the website fills only the first from its default; the others must be typed"
        what, fix = f"{len(required)} inputs are required", "keep one, usually the prompt"
        yield warn("many-required", f"{required[1]}/required", what, why, fix, readers=(WEBSITE,))


def _no_row(key: str, index: int) -> Problem:
    what, path = f"row {index + 1} of `{key}` is not an object", f"/{key}/{index}"
    return error("row", path, what, "readers look for keys in it", "make it an object", ("remove", path, None),
                 readers=READERS)  # fmt: skip


def _twice(base: str, name: str, same: bool) -> Problem:
    what, fix = f"the variable {shown(name)} stands twice", "remove or rename one of the rows"
    patch: tuple[Operation, ...] = (("remove", base, None),) if same else ()
    why = "the website's form breaks, and only one of the two is sent"
    return error("variable-duplicate", f"{base}/variable", what, why, fix, *patch, readers=(WEBSITE, *MINERS))


# --- the rows of output ------------------------------------------------------------------------------------------


def _outputs(template: Template) -> Iterator[Problem]:
    listed = template.document.get("output")
    rows = listed if isinstance(listed, list) else []
    for index, raw in enumerate(rows):
        base = f"/output/{index}"
        if isinstance(raw, Mapping):
            yield from _output(raw, base, index)
            yield from unknown_keys(base, raw, OUTPUT_KEYS, _OTHER_OUTPUT)
        else:
            yield _no_row("output", index)
        yield from hidden(base, raw)
    if sum(isinstance(raw, Mapping) for raw in rows) > 1:
        what, why = f"there are {len(rows)} outputs", "the explorer, kasumi-2 and gobius use the first only"
        yield warn("many-outputs", "/output/1", what, why, "keep the one that matters",
                   readers=(EXPLORER, KASUMI_2, GOBIUS))  # fmt: skip


def _output(raw: Mapping[str, Any], base: str, index: int) -> Iterator[Problem]:
    name, kind = raw.get("filename"), raw.get("type")
    if not isinstance(name, str) or not _FILE.fullmatch(name):
        what = f"the file name {shown(name)} is not out-N.EXTENSION" if name else "the row has no file name"
        why = "miners pin the file under this name, and the folder's CID is the solution"
        better = _file_name(name, kind, index)
        patch: tuple[Operation, ...] = (("add", f"{base}/filename", better),) if better else ()
        fix = f"write {better}" if better else "write out-1.png, out-1.mp4, or the like"
        yield error("output-filename", f"{base}/filename", what, why, fix, *patch, readers=MINERS)
    if kind not in OUTPUT_TYPES:
        better = _output_type(name, kind)
        what = f"the output type {shown(kind)} is not known" if "type" in raw else "the output has no type"
        fix = f"write {better}" if better else f"use one of {', '.join(OUTPUT_TYPES)}"
        patch = (("add", f"{base}/type", better),) if better else ()
        yield error("output-type", f"{base}/type", what, "the website and the explorer choose the player by it", fix,
                    *patch, readers=(WEBSITE, EXPLORER))  # fmt: skip
    elif kind == "audio":
        why = "the explorer knows image, video, text and json, and shows a link instead of a player"
        yield warn("output-audio", f"{base}/type", "the output type is audio", why, "nothing, if a link is enough",
                   readers=(EXPLORER,))  # fmt: skip


def _file_name(name: Any, kind: Any, index: int) -> str:
    """The name as miners need it, if the file's ending or type is known."""
    ending = _ENDING.search(name) if isinstance(name, str) else None
    known = ending[1].lower() if ending else _ENDINGS.get(kind, "") if isinstance(kind, str) else ""
    return f"out-{index + 1}.{known}" if known else ""


def _output_type(name: Any, kind: Any) -> str:
    """The type that was most likely meant."""
    if isinstance(kind, str) and (near := nearest(clean(kind).partition("/")[0], OUTPUT_TYPES, 0.75)):
        return near
    ending = _ENDING.search(name) if isinstance(name, str) else None
    return _KINDS.get(ending[1].lower(), "") if ending else ""


_META_RULES: tuple[MetaRule, ...] = (_meta_types, _title, _description, _git, _docker, _version)
_RULES: tuple[Rule, ...] = (_file_size, _shape, _meta, _inputs, _outputs, _unknown_parts)
