"""What is wrong with a template, before it is fixed for ever.

Each rule stands for something that breaks: in miners (kasumi and its predecessor read the JSON, gobius has one Go file
for each model), on the website's form, or in the explorer. An error means that some task or page fails; a warning that
somebody has been bitten by it. `lint` never raises and needs nothing but the template.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from arbius_tui.domain.errors import Fix, Problem, Severity
from arbius_tui.domain.template import INT32_MAX, INT32_MIN, MAX_BYTES, Spelled, Template
from arbius_tui.domain.text import clean, exact_bytes

TYPES = ("string", "int", "decimal", "string_enum", "int_enum")
"""The input types that every reader of templates knows."""
MAX_EXACT = 2**53
"""Whole numbers up to this are exact in JavaScript."""
OUTPUT_TYPES = ("image", "video", "audio", "text")
KNOWN_TITLES = (
    "Kandinsky 2", "Anything V3 Better VAE", "Damo text-to-video ms-1.7b", "Robust video matting", "Zeroscope V2 XL",
    "Qwen QwQ 32B", "WAI-NSFW-illustrious-SDXL-v120", "Qwen Sepolia Test Model", "Stable Video Diffusion",
)  # fmt: skip
"""Titles of the templates in the Arbius repository and its pull requests."""

_META_KEYS = ("title", "description", "git", "docker", "version")
_ROW_KEYS = ("variable", "type", "required", "default", "choices", "min", "max", "description")
_OUTPUT_KEYS = ("filename", "type")
_OTHER_NAMES = {
    "float": "decimal", "double": "decimal", "number": "decimal", "integer": "int", "str": "string", "text": "string",
    "enum": "string_enum",
}  # fmt: skip
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_FILE = re.compile(r"out-[0-9]+\.[^/\\]+")
_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
_COMMIT = re.compile(r"/(tree|commit|blob)/[0-9a-f]{40}(/|$)")
_GPU = re.compile(
    r"\b(gpu|cpu|nvidia|amd|a(2|10|16|30|40|100|800|[456]000)g?|h(20|100|200|800)|b[123]00|g[bh]200|l(4|40)s?|t4|v100"
    r"|p(4|40|100)|k80|mi\d{3}x?|(rtx|gtx|quadro|tesla|radeon) ?\w+|(20[6-8]0|[345]0[5-9]0)( ?ti)?)\b",
    re.IGNORECASE,
)
"""Names of GPUs as people write them, and an honest word that there was none."""


def lint(template: Template) -> list[Problem]:
    """Every problem of a template, in the order of the file: the file, `meta`, `input`, `output`.

    A problem's `path` is a JSON pointer (empty: the whole file); its `fix` says what to do.
    """
    found: list[Problem] = []
    for rule in _RULES:
        found += rule(template)
    return found


Rule = Callable[[Template], Iterator[Problem]]


def _problem(severity: Severity, code: str, path: str, what: str, why: str, fix: str) -> Problem:
    return Problem(code, what, why, Fix(fix), severity=severity, path=path)


def _error(code: str, path: str, what: str, why: str, fix: str) -> Problem:
    return _problem("error", code, path, what, why, fix)


def _warn(code: str, path: str, what: str, why: str, fix: str) -> Problem:
    return _problem("warn", code, path, what, why, fix)


# --- the file ----------------------------------------------------------------------------------------------------


def _file_size(template: Template) -> Iterator[Problem]:
    if template.size > MAX_BYTES:
        what = f"the template has {exact_bytes(template.size)}, the engine takes at most {exact_bytes(MAX_BYTES)}"
        yield _error("too-big", "", what, "registering it would revert", "shorten descriptions")


def _shape(template: Template) -> Iterator[Problem]:
    for key, kind, name in (("meta", dict, "an object"), ("input", list, "an array"), ("output", list, "an array")):
        if not isinstance(template.document.get(key), kind):
            what = f"`{key}` is {'not ' + name if key in template.document else 'missing'}"
            yield _error(f"no-{key}", f"/{key}", what, "every reader of templates looks into it", f"make it {name}")
    if template.document.get("output") == []:
        why = "miners and pages take the file's name and type from the first row"
        yield _error("no-output", "/output", "`output` has no row", why, "add the one file that the model makes")


def _unknown_keys(template: Template) -> Iterator[Problem]:
    document = template.document
    yield from _unknown("", document, ("meta", "input", "output"))
    yield from _unknown("/meta", document.get("meta"), _META_KEYS)
    for row in _rows(document, "input"):
        yield from _unknown(row.path, row.raw, (*_ROW_KEYS, "ge", "le"))
    for row in _rows(document, "output"):
        yield from _unknown(row.path, row.raw, _OUTPUT_KEYS)


def _unknown(path: str, raw: Any, known: Sequence[str]) -> Iterator[Problem]:
    for key in raw if isinstance(raw, Mapping) else ():
        if key not in known:
            pointer = f"{path}/{key.replace('~', '~0').replace('/', '~1')}"
            why, fix = "nobody reads it; it is kept as it is", "take it out unless you know who reads it"
            yield _problem("info", "unknown-key", pointer, f"the key {_shown(key)} is not known", why, fix)


def _hidden(template: Template) -> Iterator[Problem]:
    for path, text in _texts("", template.document):
        if clean(text) != text:
            why = "a reader sees another text than the one that is registered"
            yield _warn("hidden-characters", path, "the text has characters that cannot be seen", why, "write it anew")


def _texts(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _texts(f"{path}/{key.replace('~', '~0').replace('/', '~1')}", part)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _texts(f"{path}/{index}", part)


# --- meta --------------------------------------------------------------------------------------------------------


def _meta(template: Template) -> Mapping[str, Any]:
    meta = template.document.get("meta")
    return meta if isinstance(meta, Mapping) else {}


def _meta_rules(template: Template) -> Iterator[Problem]:
    """The rules of `meta`, where there is one."""
    if isinstance(template.document.get("meta"), Mapping):
        for rule in _META_RULES:
            yield from rule(template)


def _meta_types(template: Template) -> Iterator[Problem]:
    for key in ("title", "description", "git", "docker"):
        value = _meta(template).get(key, "")
        if not isinstance(value, str):
            what = f"`{key}` is {_shown(value)}, not text"
            yield _error("meta-type", f"/meta/{key}", what, "pages show it as text", "put it in quotes")


def _title(template: Template) -> Iterator[Problem]:
    title, path = template.meta.title, "/meta/title"
    if not title.strip() and isinstance(_meta(template).get("title", ""), str):
        yield _error("title-missing", path, "the model has no title", "it is how people find it", "give it one")
    if title.strip().casefold() in (known.casefold() for known in KNOWN_TITLES):
        what = f"a registered model already has the title {_shown(title)}"
        # No error: an author who registers the same model again, with another fee or owner, keeps its title.
        yield _warn("title-known", path, what, "people could not tell the two apart", "choose another title")


def _description(template: Template) -> Iterator[Problem]:
    meta = template.meta
    if not meta.description.strip():
        why = "it is the only text people see before they pay"
        yield _warn("description-missing", "/meta/description", "the model has no description", why, "say what it does")
    if not _GPU.search(f"{meta.title} {meta.description}"):
        what, fix = "no GPU is named in title or description", "name the GPU the outputs were proven on, e.g. A100 80GB"
        why = "other hardware makes other bytes, and a miner with other bytes loses its stake"
        yield _warn("gpu-not-named", "/meta/description", what, why, fix)


def _git(template: Template) -> Iterator[Problem]:
    if not _COMMIT.search(template.meta.git):
        what = "`git` is not a link to one commit" if template.meta.git else "`git` is empty"
        why = "a branch moves on, and nobody can see what the image was built from"
        fix = "link to the commit: https://github.com/OWNER/NAME/tree/ and 40 hexadecimal digits"
        yield _warn("git-not-pinned", "/meta/git", what, why, fix)


def _docker(template: Template) -> Iterator[Problem]:
    docker, path = template.meta.docker, "/meta/docker"
    if "://" in docker:
        why = "`docker run` refuses an image with a scheme"
        yield _warn("docker-scheme", path, "`docker` begins with a scheme", why, "write r8.im/OWNER/NAME@sha256:..")
    if not _DIGEST.search(docker):
        what = "`docker` has no digest" if docker else "`docker` is empty"
        why = "a tag can be pushed again, and miners with another image make other bytes"
        yield _warn("docker-no-digest", path, what, why, "end it with @sha256: and the image's 64 hexadecimal digits")


def _version(template: Template) -> Iterator[Problem]:
    if template.meta.version != 1:
        value = _meta(template).get("version")
        what = "`version` is missing" if "version" not in _meta(template) else f"`version` is {_shown(value)}, not 1"
        why = "every registered template of the format has version 1"
        yield _warn("version", "/meta/version", what, why, "write 1")


# --- the rows of input -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of `input` or `output` with its JSON pointer."""

    path: str
    raw: Mapping[str, Any]

    @property
    def type(self) -> Any:
        return self.raw.get("type")

    @property
    def is_number(self) -> bool:
        return self.type in ("int", "decimal")

    @property
    def is_enum(self) -> bool:
        return self.type in ("string_enum", "int_enum")

    def at(self, key: str) -> str:
        return f"{self.path}/{key}"


def _rows(document: Mapping[str, Any], key: str) -> Iterator[_Row]:
    rows = document.get(key)
    for index, raw in enumerate(rows if isinstance(rows, list) else ()):
        if isinstance(raw, Mapping):
            yield _Row(f"/{key}/{index}", raw)


def _row_shapes(template: Template) -> Iterator[Problem]:
    for key in ("input", "output"):
        rows = template.document.get(key)
        for index, raw in enumerate(rows if isinstance(rows, list) else ()):
            if not isinstance(raw, Mapping):
                what = f"row {index + 1} of `{key}` is not an object"
                yield _error("row", f"/{key}/{index}", what, "readers look for keys in it", "make it an object")


def _input_rows(template: Template) -> Iterator[Problem]:
    seen: set[str] = set()
    for row in _rows(template.document, "input"):
        yield from _variable(row, seen)
        for rule in _ROW_RULES:
            yield from rule(row)


def _variable(row: _Row, seen: set[str]) -> Iterator[Problem]:
    name, path = row.raw.get("variable"), row.at("variable")
    if not isinstance(name, str) or not name:
        yield _error("variable-missing", path, "the row has no variable", "tasks name inputs by it", "name it")
        return
    if name in seen:
        what, fix = f"the variable {_shown(name)} stands twice", "remove or rename one of the rows"
        yield _error("variable-duplicate", path, what, "the form breaks, and only one of the two is sent", fix)
    seen.add(name)
    if name == "seed":
        why = "miners set the seed themselves, from the task id; a user's seed would be overwritten"
        yield _error("seed-in-template", path, "`seed` is in the template", why, "remove the row; keep it in the model")
    elif not _NAME.fullmatch(name):
        what = f"the variable {_shown(name)} is not of the usual form"
        why = "some readers make a field or a file name of it"
        yield _warn("variable-name", path, what, why, "use a-z, 0-9 and _, beginning with a letter, as the model does")


def _type(row: _Row) -> Iterator[Problem]:
    if row.type == "file":
        why = "miners do not check it and the website has no control for it"
        yield _warn("type-file", row.at("type"), "the type is `file`", why, "use a string with a link, or leave it out")
    elif row.type not in TYPES:
        better = _OTHER_NAMES.get(row.type, "") if isinstance(row.type, str) else ""
        what = f"the type {_shown(row.type)} is not known" if "type" in row.raw else "the row has no type"
        fix = f"write {better}" if better else f"use one of {', '.join(TYPES)}"
        yield _error("type-unknown", row.at("type"), what, "gobius refuses it and the website shows no control", fix)


def _required(row: _Row) -> Iterator[Problem]:
    if not isinstance(row.raw.get("required", False), bool):
        what = f"`required` is {_shown(row.raw['required'])}, not true or false"
        yield _error(
            "required-type", row.at("required"), what, "readers differ in what it means", "write true or false"
        )
    if not isinstance(row.raw.get("description", ""), str):
        what = f"`description` is {_shown(row.raw['description'])}, not text"
        yield _error("description-type", row.at("description"), what, "the form shows it as text", "put it in quotes")


def _old_bounds(row: _Row) -> Iterator[Problem]:
    for old, new in (("ge", "min"), ("le", "max")):
        if old in row.raw:
            why = "no reader knows it, so the bound is not there"
            yield _error("bound-name", row.at(old), f"`{old}` is not the name of a bound", why, f"rename it to {new}")


def _bounds(row: _Row) -> Iterator[Problem]:
    if not row.is_number:
        return
    for key, old in (("min", "ge"), ("max", "le")):
        value = row.raw.get(key)
        if key not in row.raw:
            if old not in row.raw:
                why = "the website's form turns every value into NaN without it, and miners refuse that"
                yield _error("bound-missing", row.at(key), f"`{key}` is missing", why, "write what the model accepts")
        elif not _number(value):
            what = f"`{key}` is {_shown(value)}, not a number"
            yield _error("bound-type", row.at(key), what, "miners compare with it", "write a number")
        else:
            yield from _whole_32_bit(row, key, value)
    low, high = row.raw.get("min"), row.raw.get("max")
    if _number(low) and _number(high) and low > high:
        what = f"min {_shown(low)} is above max {_shown(high)}"
        yield _error("bounds-swapped", row.at("min"), what, "no value is valid", "swap the two")


def _whole_32_bit(row: _Row, key: str, value: Any) -> Iterator[Problem]:
    """What miners make of a number: ints are 32 bit; the JavaScript miner refuses a fraction of a decimal, too."""
    whole = _is_whole(value)
    if not -MAX_EXACT <= value <= MAX_EXACT:
        what = f"`{key}` is {_shown(value)}, more than a double holds exactly"
        yield _error("int32", row.at(key), what, "JavaScript would read another number", "choose a smaller one")
    elif row.type == "decimal":
        if not whole:
            why = "the JavaScript miners refuse a fraction that a user sends; gobius takes it"
            what = f"`{key}` is {_shown(value)}, a fraction"
            yield _warn("decimal-fraction", row.at(key), what, why, "a whole number is safe with every miner")
    elif not whole:
        fix = "write a whole number, or make the type decimal"
        yield _error("int-fraction", row.at(key), f"`{key}` is {_shown(value)}, not whole", "miners refuse it", fix)
    elif not INT32_MIN <= value <= INT32_MAX:
        what = f"`{key}` is {_shown(value)}, outside 32 bit"
        fix = f"stay within {INT32_MIN} and {INT32_MAX}"
        yield _error("int32", row.at(key), what, "miners refuse values above 2147483647", fix)


def _choices(row: _Row) -> Iterator[Problem]:
    if not row.is_enum:
        return
    choices, path = row.raw.get("choices"), row.at("choices")
    if not isinstance(choices, list) or not choices:
        yield _error("choices-missing", path, "the choices are missing", "miners crash on the task", "list them")
        return
    kind, right = ("text", _is_text) if row.type == "string_enum" else ("a whole number", _is_whole)
    for index, choice in enumerate(choices):
        if not right(choice):
            what = f"the choice {_shown(choice)} is not {kind}"
            why = "miners compare type and value, so it can never be chosen"
            yield _error("choices-type", f"{path}/{index}", what, why, f"write {kind}")
        elif row.type == "int_enum":
            yield from _whole_32_bit(row, f"choices/{index}", choice)


def _default(row: _Row) -> Iterator[Problem]:
    if row.type not in TYPES:
        return
    path = row.at("default")
    if "default" not in row.raw:
        why = "miners send nothing in its place when a task leaves it out"
        yield _error("default-missing", path, "the default is missing", why, "write the model's own default")
        return
    value = row.raw["default"]
    expected, right = _EXPECTED[row.type]
    if row.raw.get("required") is True and row.type == "string_enum" and value == "":
        return
    if not right(value):
        what = f"the default is {_shown(value)}, not {expected}"
        yield _error("default-type", path, what, "miners send it to the model unchecked", f"write {expected}")
    elif row.is_number:
        yield from _whole_32_bit(row, "default", value)
        yield from _default_range(row, value)
    elif row.is_enum and isinstance(row.raw.get("choices"), list) and not _among(value, row.raw["choices"]):
        what, fix = f"the default {_shown(value)} is not one of the choices", "add it to the choices or change it"
        yield _error("default-choice", path, what, "the form shows another choice than the one that is sent", fix)


def _default_range(row: _Row, value: Any) -> Iterator[Problem]:
    low, high = row.raw.get("min"), row.raw.get("max")
    if (_number(low) and value < low) or (_number(high) and value > high):
        what = f"the default {_shown(value)} is outside {_shown(low)} to {_shown(high)}"
        why = "miners send it all the same, and the form cannot show it"
        yield _error("default-range", row.at("default"), what, why, "move the default or the bound")


def _many_required(template: Template) -> Iterator[Problem]:
    required = [row for row in _rows(template.document, "input") if row.raw.get("required") is True]
    if len(required) > 1:
        why = "the website fills only the first from its default; the others must be typed"
        what, fix = f"{len(required)} inputs are required", "keep one, usually the prompt"
        yield _warn("many-required", required[1].at("required"), what, why, fix)


# --- the rows of output ------------------------------------------------------------------------------------------


def _outputs(template: Template) -> Iterator[Problem]:
    rows = list(_rows(template.document, "output"))
    for row in rows:
        name = row.raw.get("filename")
        if not isinstance(name, str) or not _FILE.fullmatch(name):
            what = f"the file name {_shown(name)} is not out-N.EXTENSION" if name else "the row has no file name"
            why = "miners pin the file under this name, and the folder's CID is the solution"
            yield _error("output-filename", row.at("filename"), what, why, "write out-1.png, out-1.mp4, or the like")
        if row.type not in OUTPUT_TYPES:
            what = f"the output type {_shown(row.type)} is not known"
            fix = f"use one of {', '.join(OUTPUT_TYPES)}"
            yield _error("output-type", row.at("type"), what, "pages choose the player by it", fix)
    if len(rows) > 1:
        what, why = f"there are {len(rows)} outputs", "pages and most miners use the first only"
        yield _warn("many-outputs", "/output/1", what, why, "keep the one that matters")


# --- values as JavaScript sees them ------------------------------------------------------------------------------


def _number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_whole(value: Any) -> bool:
    return _number(value) and (isinstance(value, int) or value.is_integer())


def _among(value: Any, choices: Sequence[Any]) -> bool:
    return any(value == choice and isinstance(value, bool) == isinstance(choice, bool) for choice in choices)


def _shown(value: Any) -> str:
    """A value of the file, harmless and short."""
    if isinstance(value, list | Mapping):
        return "an array" if isinstance(value, list) else "an object"
    text = value.spelling if isinstance(value, Spelled) else clean(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= 60 else text[:58] + ".."


_EXPECTED: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "string": ("text", _is_text),
    "string_enum": ("text", _is_text),
    "int": ("a number", _number),
    "decimal": ("a number", _number),
    "int_enum": ("a whole number", _is_whole),
}
_ROW_RULES: tuple[Callable[[_Row], Iterator[Problem]], ...] = (
    _type, _required, _old_bounds, _bounds, _choices, _default,
)  # fmt: skip
_META_RULES: tuple[Rule, ...] = (_meta_types, _title, _description, _git, _docker, _version)
_RULES: tuple[Rule, ...] = (
    _file_size, _shape, _meta_rules, _row_shapes, _input_rows, _many_required, _outputs, _unknown_keys, _hidden,
)  # fmt: skip
