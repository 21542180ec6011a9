"""What cog and BuildKit say when a build fails, and what it means for an author. One row for each text that was seen.

The texts are those of cog 0.22 with Docker Engine 20.10 and 26.1; the rows on older cogs are from their sources.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from arbius_tui.domain.errors import Fix, Problem

MAX_WORD = 160
"""Characters of a piece of somebody else's text inside a sentence of ours."""

MAX_DETAIL = 4000

Look = Literal["said", "step"]

_TIME = re.compile(r"^\d{1,7}\.\d{1,6} ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The end of a log: what cog `said`, what BuildKit `quoted` of the failed step, and all that `step` had printed."""

    said: str
    quoted: str = ""
    step: str = ""

    def text(self, look: Look) -> str:
        """The text that a row is held against."""
        return self.said if look == "said" else f"{self.step}\n{_TIME.sub('', self.quoted)}"

    @property
    def detail(self) -> str:
        """The part worth showing: what the failed step printed, else cog's own words."""
        return f"{self.quoted}\n{self.said}"[-MAX_DETAIL:] if self.quoted else self.said[:MAX_DETAIL]


@dataclass(frozen=True, slots=True)
class Rule:
    """A text (`pattern`) and its words; `{name}` stands for a group of the pattern. `author`: the model is at fault."""

    code: str
    pattern: str
    what: str
    why: str
    fix: str
    command: str | None = None
    look: Look = "said"
    author: bool = False

    def problem(self, found: re.Match[str], detail: str) -> Problem:
        """The row as a problem."""
        words = {key: one_line(value or "") for key, value in found.groupdict().items()}
        fix = Fix(self.fix.format(**words), self.command.format(**words) if self.command else None)
        return Problem(self.code, self.what.format(**words).rstrip(), self.why, fix, detail)


def one_line(text: str) -> str:
    """A piece of text that fits into a sentence."""
    shown = " ".join(text.split())
    return shown if len(shown) <= MAX_WORD else f"{shown[:MAX_WORD]}.."


NO_IMAGE = "no image was made"

MACHINE = (
    Rule(
        "docker-down",
        r"Cannot connect to the Docker daemon at (?P<where>\S+?)\.? Is the docker daemon running|"
        r"Failed to ping docker",
        "the Docker daemon does not answer at {where}",
        "cog builds inside the daemon; without it nothing is even read",
        "start Docker, or mend DOCKER_HOST if that place is wrong",
        "sudo systemctl start docker",
    ),
    Rule(
        "docker-permission",
        r"permission denied while trying to connect to the Docker daemon socket at (?P<where>\S+?):? ",
        "this user may not speak to the Docker daemon at {where}",
        "cog builds inside the daemon, as you and never as root",
        "let your user speak to it, then log in again",
        "sudo usermod -aG docker $USER",
    ),
    Rule(
        "docker-context",
        r'context "(?P<name>[^"]*)": context not found',
        "Docker has no context named {name}",
        "DOCKER_CONTEXT or docker's own configuration names the daemon to build in",
        "take one that exists (docker context ls), and unset DOCKER_CONTEXT if it is set",
        "docker context use default",
    ),
    Rule(
        "folder-read-only",
        r"create (?P<path>.+?): mkdir .+: (?:permission denied|read-only file system)",
        "cog may not write {path}",
        "it keeps the Dockerfile and the schema of a build there",
        "make the model's folder yours, or build a copy of it",
    ),
    Rule(
        "build-flags",
        r"(?P<flags>The flags .+? are mutually exclusive|unknown (?:shorthand )?flag: .+|unknown command .+)",
        "this cog does not take the command: {flags}",
        "cog of another release has other flags",
        "install a current cog",
        "curl -fsSL https://cog.run/install.sh | sh",
    ),
    Rule(
        "buildx-missing",
        r"docker: unknown command: docker buildx|'buildx' is not a docker command",
        "this cog needs docker's buildx, and it is not installed",
        "cog before 0.16 builds with it; later ones speak to the daemon themselves",
        "install a current cog, or docker's buildx plugin",
        "curl -fsSL https://cog.run/install.sh | sh",
    ),
)

CONFIG = (
    Rule(
        "no-cog-yaml",
        r"cog\.yaml not found in (?P<path>.+?) \(or in any parent",
        "there is no cog.yaml in {path}, nor in any folder above it",
        "cog builds a model from its cog.yaml",
        "point at the folder that has it; cog init writes a first one",
        "cog init",
        author=True,
    ),
    Rule(
        "bad-cog-yaml",
        r".*invalid YAML: (?:yaml: )?(?P<reason>.+)",
        "cog.yaml is not YAML: {reason}",
        "cog reads nothing of a file that it cannot parse",
        "mend it at the line that is named; YAML wants blanks, never tabs, and the same depth for the same block",
        author=True,
    ),
    Rule(
        "run-and-predict",
        r"only one of run or predict can be set",
        "cog.yaml has both run: and predict:",
        "they are the new and the old name of the same thing",
        "keep run: with a Runner, or predict: with a Predictor, and remove the other",
        author=True,
    ),
    Rule(
        "no-python-version",
        r'python_version is required|"python:-slim"',
        "cog.yaml does not say which Python to use",
        "cog chooses the base image by it",
        'add it to cog.yaml under build:, e.g. python_version: "3.11"',
        author=True,
    ),
    Rule(
        "python-too-old",
        r'invalid build\.python_version "(?P<version>[^"]*)": minimum supported Python version is (?P<least>\S+)',
        "this cog does not build for Python {version}",
        "its server needs Python {least} or later",
        'set python_version: "3.11" in cog.yaml',
        author=True,
    ),
    Rule(
        "predictor-form",
        r'invalid (?P<key>run|predict|train) "(?P<ref>[^"]*)": must be in the form',
        "{key}: {ref} in cog.yaml names no class",
        "cog wants the file and the class in it",
        "write it as file:class, e.g. run.py:Runner or predict.py:Predictor",
        author=True,
    ),
    Rule(
        "requirements-missing",
        r'invalid build\.python_requirements "(?P<file>[^"]*)": file does not exist',
        "cog.yaml names {file}, and there is no such file",
        "the packages of the model are installed from it",
        "write the file, or mend python_requirements in cog.yaml",
        author=True,
    ),
    Rule(
        "env-denied",
        r'environment variable "(?P<name>[^"]*)" is not allowed',
        "cog does not let a model set {name}",
        "it keeps this name for itself; PYTHONHASHSEED and CUBLAS_WORKSPACE_CONFIG are allowed",
        "take {name} out of environment: in cog.yaml; set it at the top of your own code if you must",
        author=True,
    ),
    Rule(
        "image-and-model",
        r"'model' and 'image' cannot both be set",
        "cog.yaml has both model: and image:",
        "each of them is where the model is pushed to",
        "keep one of them",
        author=True,
    ),
    Rule(
        "run-newline",
        r"One of the commands in 'run' contains a new line",
        "a command under build: run: in cog.yaml goes over two lines",
        "each command becomes one line of a Dockerfile",
        "make it one list item for each command",
        author=True,
    ),
    Rule(
        "cog-yaml-invalid",
        r"(?:schema error in \"[^\"]*\": |^invalid (?=[\w.]+[: ]))(?P<reason>.+)",
        "cog.yaml is refused: {reason}",
        "cog checks it before it builds",
        "mend what is named; docs/yaml.md of cog lists the keys",
        author=True,
    ),
)

MODEL = (
    Rule(
        "no-predictor",
        r"no predict or train reference found in cog\.yaml",
        "cog.yaml does not say where the predictor is",
        "the image would have nothing to run",
        'add it, e.g. run: "run.py:Runner" or predict: "predict.py:Predictor"',
        author=True,
    ),
    Rule(
        "predictor-missing",
        r"failed to read predictor source (?P<path>.+?): open",
        "the predictor's file is not there: {path}",
        "cog reads its inputs from the source",
        "write it, or mend run: or predict: in cog.yaml",
        author=True,
    ),
    Rule(
        "predictor-no-method",
        r"(?P<name>\w+) must define run\(\) or predict\(\)",
        "cog sees no run() and no predict() in {name}",
        "it says the same when there is a syntax error in the line of def",
        "define one of them, and see that the file compiles: python -m py_compile FILE",
        author=True,
    ),
    Rule(
        "input-without-type",
        r"parameter '(?P<name>[^']*)' on (?P<method>\w+) has no type annotation",
        "the input {name} of {method}() has no type",
        "cog makes the form of the model from the types",
        "write its type, e.g. {name}: int = Input(default=0)",
        author=True,
    ),
    Rule(
        "input-choices",
        r"parameter '(?P<name>[^']*)': choices expression cannot be statically resolved",
        "the choices of the input {name} are computed",
        "cog reads the source and never runs it",
        "write them out as a list of literals",
        author=True,
    ),
    Rule(
        "type-unknown",
        r"cannot resolve type '(?P<name>[^']*)'",
        "cog cannot tell what the type {name} is",
        "it reads the source and never imports it",
        "use str, int, float, bool, Path, a list of them or a BaseModel of your own",
        author=True,
    ),
    Rule(
        "schema-invalid",
        r"Model schema is invalid: (?:invalid components: )?(?P<reason>.+)",
        "an input contradicts itself: {reason}",
        "a default must keep to its own ge, le and choices",
        "mend the input; the words below name it",
        author=True,
    ),
    Rule(
        "sdk-too-old",
        r"(?:SDK|cog) version (?P<version>\S+) is (?:not supported|below the minimum)"
        r".*?(?:use|version) (?P<least>\d\S*)(?: or newer|$)",
        "this cog cannot build with sdk_version {version}",
        "it needs {least} or later; the older servers need an older cog",
        "take sdk_version out of cog.yaml, or install the cog of that time",
        author=True,
    ),
    Rule(
        "no-return-type",
        r"^image build failed: (?:image build failed: )?(?P<name>run|predict|train)$",
        "{name}() does not say what it returns (cog prints only the name)",
        "cog makes the schema of the output from that type",
        "write it, e.g. def {name}(self, ...) -> Path:",
        author=True,
    ),
    Rule(
        "class-missing",
        r"^image build failed: (?:image build failed: )?(?P<name>\w+)$",
        "cog finds no {name} in the predictor's file (cog prints only the name)",
        "cog.yaml names the class; where it is a function, its return type is what is missing",
        "mend the name in cog.yaml or in the file",
        author=True,
    ),
)

STEP_FAILED = r"did not\s+complete successfully: exit code: "

STEP = (
    Rule(
        "disk-full-in-step",
        r"(?i)(?P<line>.*no space left on device.*|.*disk quota exceeded.*)",
        "the disk is full: {line}",
        "what a command in the image writes lies on the disk of the Docker daemon",
        "free space there, then build again; finished steps are kept",
        "docker system prune",
        look="step",
    ),
    Rule(
        "requirement-not-found",
        r"No matching distribution found for (?P<name>\S+)|there (?:is|are) no versions? of (?P<uv>\S+)|"
        r"(?P<gone>\S+) was not found in the package registry",
        "pip finds no such package or version: {name}{uv}{gone}",
        "it is not published for this Python, or its number does not exist",
        "mend it in the requirements; pip lists the versions that exist below",
        look="step",
        author=True,
    ),
    Rule(
        "requirements-conflict",
        r"ResolutionImpossible|conflicting dependencies|requirements are unsatisfiable",
        "the requirements contradict each other",
        "two packages want different versions of a third",
        "loosen one of the pins that are named below",
        look="step",
        author=True,
    ),
    Rule(
        "apt-package-not-found",
        r"Unable to locate package (?P<name>\S+)|Package '?(?P<virtual>[^' ]+)'? has no installation candidate",
        "apt knows no package {name}{virtual}",
        "the base image is Debian or Ubuntu, and names differ between their releases",
        "mend system_packages in cog.yaml",
        look="step",
        author=True,
    ),
    Rule(
        "network-in-step",
        r"Could not resolve host:? (?P<host>\S+)|Temporary failure (?:in name resolution|resolving '(?P<name>[^']*)')|"
        r"Failed to fetch:? `?(?P<url>[^`\s]+)|Failed to establish a new connection|Connection refused|"
        r"Name or service not known|Network is unreachable",
        "a step of the build got no connection {host}{name}{url}",
        "packages and tools are fetched while the image is built",
        "see that this machine, and Docker in it, reaches the net (proxy, DNS, firewall), then build again",
        look="step",
    ),
    Rule(
        "tool-download",
        r"krallin/tini\S* .*" + STEP_FAILED + r"6\b",
        "cog could not fetch tini from GitHub",
        "an image that is not built on cog's own base image fetches it",
        "see that Docker reaches github.com, or let cog use its base image",
    ),
    Rule(
        "step-killed",
        STEP_FAILED + r"137\b",
        "a step of the build was killed from outside (exit code 137)",
        "nearly always the machine ran out of memory",
        "close what else runs, or add swap, then build again",
    ),
    Rule(
        "run-failed",
        r'process "(?:/bin/sh -c )?(?P<command>[\s\S]+?)" ' + STEP_FAILED + r"(?P<code>\d+)",
        "a command failed with exit code {code}: {command}",
        "an image is made only when each of its commands ends with 0",
        "read what it printed below, and mend it in cog.yaml or in the Dockerfile",
        author=True,
    ),
)

DOCKER = (
    Rule(
        "bad-tag",
        r"invalid reference format: repository name \((?P<name>[^)]*)\) must be lowercase",
        "an image cannot be called {name}: the name must be lower-case",
        "that is docker's rule",
        "give a name in lower case",
        author=True,
    ),
    Rule(
        "bad-base-image",
        r'failed to parse stage name "(?P<name>[^"]*)"|invalid reference format',
        "the base image has no valid name: {name}",
        "cog makes it from python_version, cuda and the requirements",
        "mend these in cog.yaml, or the FROM line of your Dockerfile",
        author=True,
    ),
    Rule(
        "engine-too-old",
        r"library/cog_build\b|does not support --build-context",
        "this Docker Engine is too old: it cannot write the labels of a cog image",
        "the image itself was built, but without labels no model can be read from it (seen with 20.10)",
        "install Docker Engine 23 or later",
        "curl -fsSL https://get.docker.com | sudo sh",
    ),
    Rule(
        "disk-full",
        r"(?i)(?:failed to register layer: )?(?P<line>[^:\n]*: no space left on device)",
        "the disk of the Docker daemon is full: {line}",
        "a layer of the image could not be unpacked",
        "free space there, then build again; finished steps are kept",
        "docker system prune",
    ),
    Rule(
        "docker-stopped",
        r"error reading from server: EOF|code = Unavailable|failed to receive status|transport is closing",
        "the Docker daemon ended in the middle of the build",
        "it was stopped or restarted, or the machine ran out of memory",
        "start it, then build again; finished steps are kept",
        "sudo systemctl start docker",
    ),
    Rule(
        "image-without-python",
        r'Failed to generate pip freeze from image: [\s\S]*?exec: "python"',
        "there is no python in the image",
        "cog starts its server with it, and lists the packages with it",
        "install Python in your Dockerfile, so that python is on PATH",
        author=True,
    ),
    Rule(
        "pip-freeze",
        r"Failed to generate pip freeze from image: (?P<reason>.+)",
        "the image's packages could not be listed: {reason}",
        "the image was built, but it got no labels",
        "start the image by hand and look: docker run --rm IMAGE python -m pip freeze",
    ),
    Rule(
        "frontend-unreachable",
        r"docker\.io/docker/dockerfile:|/v2/docker/dockerfile/manifests/",
        "BuildKit cannot fetch docker/dockerfile:1.4, with which it reads the Dockerfile",
        "each cog build asks Docker Hub for it",
        "see that Docker reaches registry-1.docker.io (proxy, DNS, firewall), then build again",
    ),
    Rule(
        "pull-limit",
        r"(?i)toomanyrequests|pull rate limit",
        "Docker Hub refuses more downloads for now",
        "it counts them by address for those who are not logged in",
        "log in to Docker Hub, or wait some hours",
        "docker login",
    ),
    Rule(
        "image-unreachable",
        r'failed to do request: Head "https?://(?P<host>[^/"]+)/v2/(?P<name>[^"]+?)/manifests/(?P<tag>[^"]+)"',
        "Docker cannot fetch {name}:{tag} from {host}",
        "the image is built on it",
        "see that Docker reaches {host} (proxy, DNS, firewall), then build again",
    ),
    Rule(
        "image-refused",
        r"(?P<name>\S+): (?:pull access denied|not found|manifest unknown)|insufficient_scope|authorization failed",
        "the registry has no image {name}, or not for you",
        "the image is built on it",
        "mend its name, or log in to its registry",
        author=True,
    ),
)

FAILURES = (*MACHINE, *CONFIG, *MODEL, *DOCKER[:5], *STEP, *DOCKER[5:])
"""In the order in which they are tried: what is certain first, what only quotes something last."""

HELPER = Rule(
    "credential-helper-missing",
    r'exec: "docker-credential-(?P<name>[\w.-]+)": executable file not found',
    "docker's configuration names the credential helper {name}, and it is not installed",
    "no registry can be asked, so cog silently builds on another base image",
    "install docker-credential-{name}, or take credsStore out of ~/.docker/config.json",
)

CONFIG_BROKEN = Rule(
    "docker-config-broken",
    r"[Ee]rror parsing config file \((?P<path>[^)]*)\): (?P<reason>.+)|parsing config file \((?P<other>[^)]*)\): ",
    "docker's configuration {path}{other} is not JSON",
    "no registry can be asked, so cog silently builds on another base image; cog login would overwrite the file",
    "mend the file before you log in or build",
)

NOTICES = (
    CONFIG_BROKEN,
    HELPER,
    Rule(
        "base-image-unsupported",
        r"continuing without base image support \(unsupported base image configuration: (?P<reason>.+?)\)\.?$",
        "cog has no base image for {reason}, and builds on another one",
        "the bytes of outputs may differ from those on cog's base image; miners take the image you push",
        "take a Python, CUDA and torch that cog has a base image for, or keep to this one in all tests",
    ),
    Rule(
        "base-image-fallback",
        r"continuing without base image support \((?!unsupported base)(?P<reason>.+)\)\.?$",
        "cog could not ask for its base image and builds on another one: {reason}",
        "a build that went well today on another base image does not give the same image as tomorrow's",
        "see that this machine reaches r8.im, then build again before you test seeds",
    ),
    Rule(
        "cog-in-requirements",
        r"'(?P<name>[^']*)' found in requirements",
        "{name} in the requirements is overridden with the latest cog",
        "the version you wrote is not the one in the image",
        "take it out of the requirements and set sdk_version in cog.yaml",
    ),
    Rule(
        "deprecated-field",
        r'deprecated field "(?P<name>[^"]*)": use "(?P<new>[^"]*)" instead|'
        r"cog: warning: (?P<old>\S+) is deprecated; use (?P<now>\S+) instead",
        "{name}{old} is an old name; the new one is {new}{now}",
        "it still works",
        "rename it when you like; cog doctor --fix does",
        "cog doctor --fix",
    ),
    Rule(
        "dockerfile-warning",
        r"^BuildKit: WARN: (?P<reason>.+)",
        "BuildKit warns: {reason}",
        "cog wrote the Dockerfile; this rarely matters",
        "nothing to do, unless the build fails",
    ),
)
"""What is said in passing, also by builds that go well."""

LEVEL: Mapping[str, Literal["warn", "info"]] = {"deprecated-field": "info", "dockerfile-warning": "info"}

OTHER_BASE = frozenset({"base-image-fallback", "base-image-unsupported"})
"""Warnings after which the bytes of an image's outputs say nothing about those on cog's own base image."""

CAUSES = ("docker-config-broken", "credential-helper-missing")
"""Notices that explain why tini had to be fetched: on cog's own base image it is there."""


def explain_failure(evidence: Evidence, notices: Mapping[str, Problem], code: int) -> Problem:
    """The first row that fits; the last words of cog where none does. `notices` is what was said in passing."""
    if stopped := by_signal(evidence, code):
        return stopped
    for rule, found in matches(evidence):
        if rule.code in ("network-in-step", "tool-download", "run-failed") and "krallin/tini" in evidence.said:
            cause = next((notices[name] for name in CAUSES if name in notices), None)
            if cause:
                return replace(cause, severity="error", detail=f"{cause.detail}\n{evidence.detail}"[-MAX_DETAIL:])
        return rule.problem(found, evidence.detail)
    last = evidence.said.strip().rsplit("\n", 1)[-1]
    what = f"cog build ended with exit code {code}" + (f": {one_line(last)}" if last else " and said nothing")
    return Problem("build-failed", what, NO_IMAGE, Fix("read the log"), evidence.detail)


def matches(evidence: Evidence) -> Iterator[tuple[Rule, re.Match[str]]]:
    """The rows that fit. What a step printed counts only where cog says that a step failed."""
    failed = re.search(STEP_FAILED, evidence.said)
    for rule in FAILURES:
        if rule.look == "step" and not failed:
            continue
        found = re.search(rule.pattern, evidence.text(rule.look), re.MULTILINE)
        if found:
            yield rule, found


def by_signal(evidence: Evidence, code: int) -> Problem | None:
    """A build that was ended from outside says nothing itself."""
    number = -code if code < 0 else code - 128 if code in (130, 137, 143) else 0
    if not number:
        return None
    fix = Fix("build again; finished steps are kept")
    if number == 9:
        why = "nearly always the machine ran out of memory"
        return Problem("build-killed", "cog was killed in the middle of the build", why, fix, evidence.detail)
    what = f"the build was stopped from outside (signal {number})"
    return Problem("build-stopped", what, NO_IMAGE, fix, evidence.detail)


def said_in_passing(text: str) -> Iterator[Problem]:
    """What a line says that is no failure: a warning or a remark for each row that fits."""
    for rule in NOTICES:
        found = re.search(rule.pattern, text)
        if found:
            yield replace(rule.problem(found, text), severity=LEVEL.get(rule.code, "warn"))


AUTHOR = frozenset(rule.code for rule in FAILURES if rule.author)
"""Codes of problems that the author's own files cause; all others are this machine's."""
