"""cog.yaml, read against the rules of the cog command line 0.22 that decide before anything is built.

Each rule was seen with the real command line or in its source; what cog accepts without a word and then ignores is said
here, because a typing mistake in a key costs a whole build.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from arbius_tui.domain.errors import Fix, Severity
from arbius_tui.domain.finding import Edit, Finding, Place, diff, found, in_order, with_patch
from arbius_tui.domain.inputs import mapping

if TYPE_CHECKING:
    import yaml

FILE = "cog.yaml"
ROOT_KEYS = ("build", "image", "model", "run", "predict", "train", "concurrency", "environment", "weights")
BUILD_KEYS = (
    "python_version", "gpu", "cuda", "cudnn", "python_packages", "python_requirements", "pre_install", "run",
    "system_packages", "sdk_version",
)  # fmt: skip
LISTS = ("python_packages", "pre_install", "run", "system_packages")
TEXTS = ("cuda", "cudnn", "python_requirements", "sdk_version")
DENIED = (
    "PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV", "PYTHONUNBUFFERED", "R8_*", "REPLICATE_*", "LIBRARY_PATH",
    "CUDA_*", "NVIDIA_*", "NV_*", "PGET_*", "HF_ENDPOINT", "HF_HUB_ENABLE_HF_TRANSFER", "KUBERNETES_*",
)  # fmt: skip
"""Names that cog refuses in `environment`; PYTHONHASHSEED and CUBLAS_WORKSPACE_CONFIG pass (seen)."""
STEADY = {"PYTHONHASHSEED": "0", "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
"""What keeps hashes of text and cuBLAS from changing between two starts of the same image."""
OLDEST_PYTHON, OLDEST_SDK, STEADY_SDK = (3, 10), (0, 17, 0), (0, 20, 0)
REFERENCE = re.compile(r"(?P<file>[^:]+\.py):(?P<name>[^:.]+)")


@dataclass(frozen=True, slots=True)
class CogConfig:
    """What cog.yaml says. `form` is "run" or "predict", `source` and `name` the two halves of the reference."""

    data: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)
    form: str = ""
    source: str = ""
    name: str = ""
    python: tuple[int, int] = (3, 11)
    gpu: bool = False
    requirements: str = ""
    packages: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    sdk: tuple[int, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def reference(self) -> str:
        """`predict.py:Predictor`, or "" where none was understood."""
        return f"{self.source}:{self.name}" if self.source else ""


def read(text: str, files: Collection[str] | None = None) -> CogConfig:
    """Read a cog.yaml; `files` are the paths that exist beside it (None: not known). Never raises on any text."""
    lines: dict[str, int] = {}
    try:
        data = load(text, lines)
    except Unreadable as error:
        return CogConfig(findings=(error.finding,))
    if not isinstance(data, dict):
        return CogConfig(findings=(no_mapping(data),))
    problems = Rules(data, lines, files)
    problems.all()
    build = mapping(data.get("build"))
    form, source, name = reference_of(data)
    return CogConfig(
        data, lines, form, source, name,
        python=python_of(build) or (3, 11),
        gpu=build.get("gpu") is True,
        requirements=text_of(build.get("python_requirements")),
        packages=texts(build.get("python_packages")),
        commands=commands(build),
        environment=environment_of(data),
        sdk=numbers(text_of(build.get("sdk_version"))),
        findings=in_order(problems.found),
    )  # fmt: skip


class Unreadable(Exception):
    """A text that is no YAML; carries what to tell."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.problem.what)
        self.finding = finding


def load(text: str, lines: dict[str, int]) -> Any:
    """The text as data; versions keep the spelling they have. `lines` gets the line of every key, e.g. `build.gpu`."""
    import yaml

    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is None:
            return None
        return plain(node, "", lines, {})
    except yaml.YAMLError as error:
        raise Unreadable(bad_yaml(error)) from None
    except (ValueError, RecursionError, TypeError, OverflowError) as error:
        what = "cog.yaml holds something that cannot be read"
        raise Unreadable(found(Place(FILE), "cog-yaml-syntax", what, detail=str(error)[:200])) from None


def plain(node: yaml.Node, path: str, lines: dict[str, int], known: dict[int, Any]) -> Any:
    """A node of YAML as data. A number keeps its spelling: `3.10` is a version and not 3.1."""
    import yaml

    if id(node) in known:
        return known[id(node)]
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        made: dict[str, Any] = {}
        known[id(node)] = made
        for key, value in node.value:
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else "?"
            inner = f"{path}.{name}" if path else name
            if name in made:
                lines[f"twice:{inner}"] = key.start_mark.line + 1
            lines.setdefault(inner, key.start_mark.line + 1)
            made[name] = plain(value, inner, lines, known)
        return made
    if isinstance(node, yaml.SequenceNode):
        listed: list[Any] = []
        known[id(node)] = listed
        listed += [plain(item, f"{path}.{place}", lines, known) for place, item in enumerate(node.value)]
        return listed
    return scalar(node)


def scalar(node: yaml.Node) -> Any:
    """A single value: text, true, false, null, a whole number; every other number as the text that was typed."""
    value, kind = node.value, node.tag.rsplit(":", 1)[-1]
    if kind == "null":
        return None
    if kind == "bool":
        return str(value).lower() in ("true", "yes", "on")
    if kind == "int" and re.fullmatch(r"[+-]?[0-9]{1,18}", str(value)):
        return int(value)
    return str(value) if kind == "str" else Spelled(value)


class Spelled(str):
    """A number, date or the like, as it was typed without quotes."""

    __slots__ = ()


def bad_yaml(error: yaml.YAMLError) -> Finding:
    """The finding of a text that is no YAML."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    reason = getattr(error, "problem", None) or getattr(error, "reason", None) or "a character that YAML does not allow"
    where = f" at line {line}, column {column}" if line else ""
    return found(
        Place(FILE, line, max(column - 1, 0)),
        "cog-yaml-syntax",
        f"cog.yaml is not YAML{where}: {reason}",
        why="cog stops before it builds anything",
        fix="mend that line; tabs, a missing colon and indentation are the usual causes",
        detail=str(error)[:500],
    )


def no_mapping(data: Any) -> Finding:
    """The finding of an empty file, or of one that is a list or a sentence."""
    empty = data is None
    return found(
        Place(FILE, 1),
        "cog-yaml-empty" if empty else "cog-yaml-shape",
        "cog.yaml is empty" if empty else f"cog.yaml is a {type(data).__name__}, not keys with values",
        why="cog starts the build and then says only: no predict or train reference found in cog.yaml",
        fix='write at least `build:` with `python_version: "3.11"`, and `predict: "predict.py:Predictor"`',
    )


@dataclass(slots=True)
class Rules:
    """The rules, one method each; what they find is in `found`."""

    data: Mapping[str, Any]
    lines: Mapping[str, int]
    files: Collection[str] | None
    found: list[Finding] = field(default_factory=list)

    def all(self) -> None:
        """Apply every rule."""
        self.keys()
        self.reference()
        if self.data.get("image") and self.data.get("model"):
            self.add("model", "image-and-model", "`image` and `model` are both set", "cog takes only one of them",
                     "keep `image`, or `model` if you use weights")  # fmt: skip
        self.build()
        self.environment()
        self.concurrency()

    def add(self, path: str, code: str, what: str, why: str, fix: str | Fix, severity: Severity = "error") -> None:
        """Note a finding at a key; a key that is missing is told at its parent."""
        line = next((self.lines[p] for p in parents(path) if p in self.lines), 1)
        self.found.append(found(Place(FILE, line), code, what, why=why, fix=fix, severity=severity))

    def keys(self) -> None:
        """Keys that cog does not know: it accepts and ignores them without a word."""
        build = self.data.get("build")
        for prefix, known, keys in (
            ("", ROOT_KEYS, self.data),
            ("build.", BUILD_KEYS, build if isinstance(build, dict) else {}),
        ):
            for key in keys:
                if key not in known:
                    self.unknown(prefix + key, key, known)
        for path in self.lines:
            if path.startswith("twice:"):
                key = path.removeprefix("twice:")
                self.add(path, "key-twice", f"`{key}` stands twice", "only one of them counts", "keep one", "warn")

    def unknown(self, path: str, key: str, known: tuple[str, ...]) -> None:
        """One unknown key, with the key that was probably meant."""
        near = difflib.get_close_matches(key, known, 1, 0.7)
        if not near and not path.startswith("build.") and key in BUILD_KEYS:
            near = [f"build: {key}"]
        fix = f"did you mean `{near[0]}`?" if near else f"remove it; cog knows {', '.join(known)}"
        what = f"cog does not know the key `{path}`"
        self.add(path, "unknown-key", what, "cog accepts it without a word and ignores it", fix, "warn")

    def reference(self) -> None:
        """`run` or `predict`, in the form file.py:Name, and the file exists."""
        set_ = [key for key in ("run", "predict") if self.data.get(key)]
        if len(set_) == 2:
            self.add("run", "run-and-predict", "`run` and `predict` are both set",
                     "cog refuses a file that has both", "keep `run` (cog 0.20 and newer) or `predict`")  # fmt: skip
        if not set_:
            self.add("", "no-predictor", "cog.yaml names no model: neither `predict` nor `run` is set",
                     "cog builds for a while and then stops", 'add `predict: "predict.py:Predictor"`')  # fmt: skip
        for key in set_:
            value = self.data[key]
            match = REFERENCE.fullmatch(value) if isinstance(value, str) else None
            if match is None:
                self.add(key, "bad-reference", f"`{key}: {short(value)}` is not in the form file.py:Name",
                         "cog cannot tell which class to run", f'write `{key}: "predict.py:Predictor"`')  # fmt: skip
            elif self.files is not None and clean_path(match["file"]) not in self.files:
                self.add(key, "no-such-source", f"cog.yaml names {match['file']} and there is no such file",
                         "cog starts the build and then cannot read it", "mend the name or write it")  # fmt: skip

    def build(self) -> None:
        """Everything below `build`."""
        build = self.data.get("build")
        if build is None:
            self.add("build", "no-build", "there is no `build` block, so no Python version",
                     "cog then asks Docker for an image named python:-slim, which is no name",
                     'add `build:` with `python_version: "3.11"` below it')  # fmt: skip
            return
        if not isinstance(build, dict):
            self.add("build", "bad-value", "`build` has no keys below it", "cog expects keys with values",
                     'write `python_version: "3.11"` below it, indented by two spaces')  # fmt: skip
            return
        self.types(build)
        self.python(build)
        self.packages(build)
        self.sdk(build)
        self.cuda(build)

    def types(self, build: Mapping[str, Any]) -> None:
        """Values of the wrong sort."""
        wrong = [(key, "a list") for key in LISTS if build.get(key) is not None and not isinstance(build[key], list)]
        wrong += [(key, "text") for key in TEXTS if isinstance(build.get(key), list | dict | bool)]
        if build.get("gpu") is not None and not isinstance(build["gpu"], bool):
            wrong.append(("gpu", "true or false"))
        for key, sort in wrong:
            self.add(f"build.{key}", "bad-value", f"`build.{key}` must be {sort}, and is {short(build[key])}",
                     "cog refuses the file", f"write {sort}")  # fmt: skip
        for place, command in enumerate(build["run"] if isinstance(build.get("run"), list) else ()):
            line = command.get("command") if isinstance(command, dict) else command
            if isinstance(line, str) and "\n" in line.strip():
                self.add(f"build.run.{place}", "run-new-line", "a command of `build.run` has a new line in it",
                         "cog puts each command on one line of a Dockerfile and refuses this one",
                         "make it two items of the list, or join them with &&")  # fmt: skip

    def python(self, build: Mapping[str, Any]) -> None:
        """`python_version`: there, a version, and not too old."""
        value = build.get("python_version")
        if value in (None, ""):
            self.add("build.python_version", "no-python-version", "`build.python_version` is missing",
                     "cog requires it as soon as there is a `build` block", 'add `python_version: "3.11"`')  # fmt: skip
            return
        version = python_of(build)
        if version is None:
            self.add("build.python_version", "bad-python-version", f"{short(value)} is not a version of Python",
                     "cog wants major and minor", 'write e.g. `python_version: "3.11"`')  # fmt: skip
        elif version < OLDEST_PYTHON:
            self.add("build.python_version", "python-too-old", f"Python {value} is too old for cog",
                     "cog's oldest is 3.10", 'write `python_version: "3.11"`')  # fmt: skip
        elif version == (3, 10):
            self.add("build.python_version", "no-cog-base", "cog has no base image for Python 3.10",
                     "cog falls back to another base image, which nobody pins: two builds may differ",
                     'write `python_version: "3.11"` or newer', "warn")  # fmt: skip

    def packages(self, build: Mapping[str, Any]) -> None:
        """Where Python packages come from."""
        file = text_of(build.get("python_requirements"))
        if build.get("python_packages") and file:
            self.add("build.python_packages", "packages-and-requirements",
                     "`python_packages` and `python_requirements` are both set", "cog takes only one of them",
                     f"move the packages into {file}")  # fmt: skip
        if file and self.files is not None and not file.startswith("/") and clean_path(file) not in self.files:
            self.add("build.python_requirements", "requirements-missing", f"there is no file {file}",
                     "cog refuses the file before it builds", "write it, or remove the key")  # fmt: skip
        for key, instead in (("python_packages", "python_requirements"), ("pre_install", "run")):
            if build.get(key):
                self.add(f"build.{key}", "deprecated-key", f"`build.{key}` is deprecated",
                         "cog still reads it; a later one may not", f"use `build.{instead}`", "info")  # fmt: skip

    def sdk(self, build: Mapping[str, Any]) -> None:
        """The runtime in the image: one that this cog can build, and whose two halves fit each other."""
        version = numbers(text_of(build.get("sdk_version")))
        if not version:
            return
        said = ".".join(map(str, version))
        if version < OLDEST_SDK:
            self.add("build.sdk_version", "sdk-too-old", f"cog 0.22 cannot build a runtime as old as {said}",
                     "it reads the inputs from the source, and that needs 0.17.0 or newer",
                     "write 0.17.0 or newer, or remove the key")  # fmt: skip
        elif version < STEADY_SDK:
            self.add("build.sdk_version", "sdk-without-coglet",
                     f"cog {said} takes the newest coglet, and that one needs a newer cog",
                     "the build succeeds; then every start ends in SETUP_FAILED: cog.predictor has no BaseRunner",
                     Fix(f"build with coglet {said} too", f"COGLET_WHEEL=pypi:{said} cog build"), "warn")  # fmt: skip

    def cuda(self, build: Mapping[str, Any]) -> None:
        """CUDA is named as major.minor, 11 or newer, and only with a GPU."""
        value = build.get("cuda")
        if isinstance(value, str) and value:
            version = numbers(value)
            if len(version) < 2 or version < (11,):
                self.add("build.cuda", "bad-cuda", f"{short(value)} is not a CUDA version that cog takes",
                         "cog wants major and minor, from 11 on", 'write e.g. `cuda: "12.4"`')  # fmt: skip
        if build.get("gpu") is not True and (build.get("cuda") or build.get("cudnn")):
            key = "build.cuda" if build.get("cuda") else "build.cudnn"
            self.add(key, "cuda-without-gpu", "a CUDA version is named and `gpu` is not true",
                     "cog then builds on a base image without CUDA and ignores the version",
                     "add `gpu: true`, or remove the version", "warn")  # fmt: skip

    def environment(self) -> None:
        """`environment` is a list of NAME=value, without names that cog keeps for itself."""
        listed = self.data.get("environment")
        if listed is not None and not isinstance(listed, list):
            self.add("environment", "bad-environment", "`environment` must be a list", "cog refuses the file",
                     'write `- "NAME=value"` lines below it')  # fmt: skip
            return
        seen: set[str] = set()
        for place, item in enumerate(listed or ()):
            name, equals, _ = item.partition("=") if isinstance(item, str) else ("", "", "")
            path = f"environment.{place}"
            if not name or not equals:
                self.add(path, "bad-environment", f"{short(item)} is not in the form NAME=value",
                         "cog refuses the file", 'write `- "NAME=value"`')  # fmt: skip
            elif denied(name):
                self.add(path, "denied-environment", f"cog does not allow the variable {name}",
                         "it is kept for cog's own use", "remove it, or set it in the model's code")  # fmt: skip
            elif name in seen:
                self.add(path, "bad-environment", f"{name} is set twice", "cog refuses the file", "keep one")
            seen.add(name)

    def concurrency(self) -> None:
        """`concurrency.max` is at least 1."""
        limits = self.data.get("concurrency")
        most = limits.get("max") if isinstance(limits, dict) else 1
        if not isinstance(most, int) or isinstance(most, bool) or most < 1:
            self.add("concurrency.max", "bad-concurrency", f"`concurrency.max` is {short(most)}",
                     "cog wants a whole number from 1 on", "write 1: miners send one task at a time")  # fmt: skip


def parents(path: str) -> list[str]:
    """The path itself, then each of its parents."""
    parts = path.split(".")
    return [".".join(parts[:count]) for count in range(len(parts), 0, -1)]


def reference_of(data: Mapping[str, Any]) -> tuple[str, str, str]:
    """The form, the file and the name of the predictor; empty where the file does not say."""
    for form in ("run", "predict"):
        value = data.get(form)
        match = REFERENCE.fullmatch(value) if isinstance(value, str) else None
        if match:
            return form, clean_path(match["file"]), match["name"]
    return "", "", ""


def clean_path(path: str) -> str:
    """`./a/b.py` as `a/b.py`."""
    return "/".join(part for part in path.strip().split("/") if part not in ("", "."))


def python_of(build: Mapping[str, Any]) -> tuple[int, int] | None:
    """Major and minor of `python_version`, or None where it is no version."""
    match = re.fullmatch(r"\s*([0-9]{1,3})\.([0-9]{1,3})(\.[0-9A-Za-z]+)*\s*", text_of(build.get("python_version")))
    return (int(match[1]), int(match[2])) if match else None


def numbers(version: str) -> tuple[int, ...]:
    """`0.19.3` as (0, 19, 3); empty for what is no version."""
    match = re.match(r"[=v ]*([0-9]{1,6}(?:\.[0-9]{1,6})*)", version)
    return tuple(int(part) for part in match[1].split(".")) if match else ()


def text_of(value: Any) -> str:
    """A value as text; nothing for lists, objects, null and booleans."""
    return "" if value is None or isinstance(value, list | dict | bool) else str(value)


def texts(value: Any) -> tuple[str, ...]:
    """The texts of a list."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def commands(build: Mapping[str, Any]) -> tuple[str, ...]:
    """What runs while the image is built."""
    listed = [*(build.get("pre_install") or ()), *(build.get("run") or ())] if not wrong_lists(build) else []
    return texts([item.get("command") if isinstance(item, dict) else item for item in listed])


def wrong_lists(build: Mapping[str, Any]) -> bool:
    """Whether `run` or `pre_install` is no list."""
    return any(not isinstance(build.get(key) or [], list) for key in ("run", "pre_install"))


def environment_of(data: Mapping[str, Any]) -> dict[str, str]:
    """NAME=value lines as names and values."""
    pairs = [item.partition("=") for item in texts(data.get("environment"))]
    return {name: value for name, _, value in pairs if name}


def denied(name: str) -> bool:
    """Whether cog refuses this variable."""
    return any(name.startswith(p[:-1]) if p.endswith("*") else name == p for p in DENIED)


def short(value: Any) -> str:
    """A value in a sentence."""
    shown = str(value) if not isinstance(value, str) else repr(str(value))
    return shown if len(shown) <= 60 else shown[:57] + "..."


def steadied(text: str, config: CogConfig, names: Collection[str]) -> str:
    """A diff that adds the variables of STEADY with these names to cog.yaml, or "" where it cannot be made."""
    missing = [f'  - "{name}={STEADY[name]}"\n' for name in STEADY if name in names and name not in config.environment]
    if not missing or not config.data:
        return ""
    count = text.count("\n") + (not text.endswith("\n"))
    last = "" if text.endswith("\n") else "\n"
    listed = config.data.get("environment")
    if listed:
        line = config.lines.get("environment.0", 0)
        row = text.split("\n")[line - 1] if line else ""
        if not row.lstrip().startswith("- "):
            return ""
        indent = row[: len(row) - len(row.lstrip())]
        edit = Edit(line, 0, line, 0, "".join(indent + item.lstrip() for item in missing))
    elif "environment" in config.data:
        return ""
    else:
        end = len(text.split("\n")[count - 1]) if last else 0
        at = count if last else count + 1
        edit = Edit(at, end, at, end, last + "environment:\n" + "".join(missing))
    return diff({FILE: text}, {FILE: [edit]})


def advised(text: str, config: CogConfig, name: str, why: str) -> Finding:
    """The advice to set one variable of STEADY, with the patch that does it."""
    line = config.lines.get("environment", 1)
    advice = found(
        Place(FILE, line),
        "steady-environment",
        f"{name} is not set in cog.yaml",
        why=why,
        fix=f'add "{name}={STEADY[name]}" to `environment`',
        severity="info",
    )
    return with_patch(advice, steadied(text, config, [name]))
