"""A build's log, read while it is written: BuildKit's plain progress as steps, and how the build ended in words.

`cog build` prints its own lines and two runs of BuildKit, both counted from #1: the image, then its labels. A vertex
is announced (`#7 [2/6] RUN ...`), tells something (`#7 0.412 text`, `#7 sha256:.. 66MB / 93MB`), is left for another
one (`#7 ...`) and ends (`DONE 1.2s`, `CACHED`, `CANCELED`, `ERROR: ..`). The numbers are not in the order of the
Dockerfile. A vertex that ended may be announced again.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from arbius_tui.domain.build_rule import Evidence
from arbius_tui.domain.build_rules import explain_failure, said_in_passing
from arbius_tui.domain.errors import Fix, Problem

TAIL_LINES, LINE_CHARS = 400, 2000
"""How much of a log is kept for the explanation: at most 400 lines of 2,000 characters, 0.8 MB of text."""

MAX_STEPS = 2000
"""Steps that are told apart; a Dockerfile has some dozen."""

MAX_TITLE = 300

DETAIL_LINES = 40

StepWord = Literal["run", "ok", "cached", "FAIL", "off"]
"""`cached`: nothing had to be done. `off`: cancelled because another step failed."""

Phase = Literal["waiting", "preparing", "building", "labels", "done"]

PHASES: Mapping[Phase, str] = {
    "waiting": "waiting for cog",
    "preparing": "cog reads the model and writes a Dockerfile",
    "building": "BuildKit builds the image",
    "labels": "cog lists the image's packages and writes its labels",
    "done": "built",
}
"""Where a build stands, in words."""

_VERTEX = re.compile(r"#(\d{1,6}) (.+)")
_END = re.compile(r"(DONE|CACHED|CANCELED|ERROR:|ERROR)(?: (.*))?")
_TOLD = re.compile(r"(\d{1,7}\.\d{1,6}) ?(.*)")
_PLACE = re.compile(r"\[(?:[\w.-]+ +)?(\d{1,4})/(\d{1,4})\] ")
_MARK = re.compile(r" ?([⚙✔⚠✗\u2179]) {1,2}")
_FAILED = frozenset("✗\u2179")
_RULE = "------"
_WORDS: Mapping[str, StepWord] = {
    "DONE": "ok", "CACHED": "cached", "CANCELED": "off", "ERROR:": "FAIL", "ERROR": "FAIL",
}  # fmt: skip

TROUBLE = re.compile(
    r"^(?!.*no access allowed to dir)(?:#\d+ ERROR|.*\b(?:ERROR|Error|error|FATAL|fatal|E): "
    r"|.*(?:[a-z]Error|Exception): |.*\bbuild failed: |.*[Nn]o space left on device)"
)
"""A line of a log that tells of an error, but for the ERROR that every good build prints."""

_HARMLESS = "no access allowed to dir"
"""The label step has no context to read a .dockerignore from; every good build prints this as an ERROR."""


@dataclass(frozen=True, slots=True)
class BuildStep:
    """A vertex of BuildKit. `id` is `RUN.NUMBER` (`1.7`: number 7 of the first run); `note` is what it said last."""

    kind: ClassVar[str] = "build_step"
    id: str
    title: str
    state: StepWord = "run"
    seconds: float = 0.0
    note: str = ""

    @property
    def place(self) -> tuple[int, int]:
        """(3, 7) for `[stage-0 3/7] ..`; (0, 0) for a step that is not a line of the Dockerfile."""
        found = _PLACE.match(self.title)
        return (int(found[1]), int(found[2])) if found else (0, 0)


@dataclass(slots=True)
class _Vertex:
    """A step while it is read; a frozen one for each line would take most of the time."""

    title: str
    state: StepWord = "run"
    seconds: float = 0.0
    note: str = ""

    def step(self, key: str) -> BuildStep:
        return BuildStep(key, self.title, self.state, self.seconds, self.note)


@dataclass(slots=True)
class BuildLog:
    """Feed it clean lines, in batches of any size; what it keeps is bounded, however long the log is."""

    phase: Phase = "waiting"
    notices: dict[str, Problem] = field(default_factory=dict)
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))
    _vertices: dict[str, _Vertex] = field(default_factory=dict)
    _run: int = 1
    _open: str = ""
    _quoting: bool = False
    _marked: str = ""

    def feed(self, lines: Iterable[str]) -> tuple[BuildStep, ...]:
        """The steps that these lines changed, each once, as it is now."""
        changed: dict[str, None] = {}
        for line in lines:
            key = self._line(line)
            if key:
                changed[key] = None
        return tuple(self._vertices[key].step(key) for key in changed)

    @property
    def steps(self) -> dict[str, BuildStep]:
        """Every step by its id, as it is now, in the order of their announcement."""
        return {key: vertex.step(key) for key, vertex in self._vertices.items()}

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What a build that went well should still say, each once."""
        return tuple(self.notices.values())

    @property
    def progress(self) -> tuple[int, int]:
        """(lines of the Dockerfile that are over, all of them); (0, 0) while nobody knows."""
        first = [step for step in self.steps.values() if step.id.startswith("1.") and step.place[1]]
        over = {step.place for step in first if step.state in ("ok", "cached")}
        return (len(over), max((step.place[1] for step in first), default=0))

    def explain(self, code: int) -> Problem:
        """Why the build ended with this exit code (below 0: the number of a signal)."""
        return explain_failure(evidence(self.tail), self.notices, code)

    def _line(self, line: str) -> str:
        """Take a line in; the id of the step that it changed, or ""."""
        text = self._unmarked(line[:LINE_CHARS])
        if text.startswith("#") and not self._quoting:
            number, _, rest = text[1:].partition(" ")
            if rest and len(number) <= 6 and number.isdecimal():
                return self._vertex(f"{self._run}.{number}", rest.strip())
        self._open = ""
        if text == _RULE:
            self._quoting = not self._quoting
        elif text and not self._quoting:
            self._said(text)
        return ""

    def _unmarked(self, line: str) -> str:
        """The line without the sign that cog puts before it on a terminal; one that cog wrapped is put together."""
        found = None if line.startswith("#") else _MARK.match(line)
        mark, text = (found[1], line[found.end() :]) if found else ("", line.rstrip())
        if mark in _FAILED and self._marked == mark and self.tail:
            text = f"{self.tail.pop()} {text}"[:LINE_CHARS]
        self._marked = mark
        self.tail.append(text)
        return text

    def _vertex(self, key: str, text: str) -> str:
        """A line of BuildKit."""
        if self.phase in ("waiting", "preparing"):
            self.phase = "building"
        vertex = self._vertices.get(key)
        if key != self._open or vertex is None:
            return self._announced(key, text)
        told = _TOLD.fullmatch(text)
        if told:
            vertex.seconds, vertex.note = float(told[1]), told[2]
        elif text == "...":
            self._open = ""
        elif ended := _END.fullmatch(text):
            self._open = ""
            self._ended(vertex, ended[1], ended[2] or "")
        elif text.startswith("WARN: "):
            self._notice(f"BuildKit: {text}")
        else:
            vertex.note = text
        return key

    def _announced(self, key: str, title: str) -> str:
        self._open = key
        vertex = self._vertices.get(key)
        if vertex:
            vertex.state = "run"
        elif len(self._vertices) < MAX_STEPS:
            self._vertices[key] = _Vertex(title[:MAX_TITLE])
        else:
            return ""
        return key

    def _ended(self, vertex: _Vertex, word: str, rest: str) -> None:
        if word.startswith("ERROR"):
            vertex.state, vertex.note = "ok" if _HARMLESS in rest else "FAIL", rest
            return
        took = re.fullmatch(r"(\d{1,7}\.\d{1,6})s", rest)
        vertex.state, vertex.seconds = _WORDS[word], float(took[1]) if took else vertex.seconds

    def _said(self, text: str) -> None:
        """A line of cog itself."""
        if text.startswith("Building Docker image from environment") and self.phase == "waiting":
            self.phase = "preparing"
        elif text.startswith("Adding labels to image"):
            self.phase, self._run = "labels", self._run + 1
        elif text.startswith("Image built as "):
            self.phase = "done"
        self._notice(text)

    def _notice(self, text: str) -> None:
        for found in said_in_passing(text):
            self.notices.setdefault(found.code, found)


def read(lines: Iterable[str]) -> BuildLog:
    """A whole log at once."""
    log = BuildLog()
    log.feed(lines)
    return log


def explain(lines: Iterable[str], code: int) -> Problem:
    """Why the build that printed these lines ended with this exit code."""
    return read(lines).explain(code)


def warnings(lines: Iterable[str]) -> tuple[Problem, ...]:
    """What should be said of a build that went well."""
    return read(lines).warnings


def evidence(tail: Iterable[str]) -> Evidence:
    """The end of a log taken apart: what cog said last, and what BuildKit quotes of the step that failed."""
    said, quoted, vertices = list[str](), list[str](), list[str]()
    block: list[str] | None = None
    for line in tail:
        if line == _RULE:
            # The block of the harmless error is empty and stands before any other; a later one replaces it.
            quoted = block if block and len(block) > 1 else quoted
            block = [] if block is None else None
        elif block is not None:
            block.append(line)
        elif _VERTEX.fullmatch(line):
            vertices.append(line)
        elif line.strip():
            said.append(line)
    return Evidence(last_words(said), "\n".join(quoted[-DETAIL_LINES:]), failed_vertex(vertices))


def last_words(said: Sequence[str]) -> str:
    """What cog said at the end: from its own verdict on, which may be pages long."""
    verdict = (n for n, line in enumerate(said) if line.startswith("image build failed: "))
    start = next(verdict, max(0, len(said) - DETAIL_LINES))
    return "\n".join(said[start : start + DETAIL_LINES])


def failed_vertex(vertices: Sequence[str]) -> str:
    """What the step that failed had printed, without numbers and times; BuildKit quotes only its last lines."""
    failed = [line.split(" ", 1)[0] for line in vertices if re.match(r"#\d+ ERROR", line) and _HARMLESS not in line]
    if not failed:
        return ""
    own = (line.split(" ", 1)[1] for line in vertices if line.split(" ", 1)[0] == failed[-1])
    return "\n".join([_TOLD.sub(r"\2", line, count=1) for line in own][-2 * DETAIL_LINES :])


def label_warnings(labels: Mapping[str, str]) -> tuple[Problem, ...]:
    """What an image's labels give away: a cog and a coglet of different releases, which fail only in setup."""
    packages = dict(re.findall(r"^(cog|coglet)==(\d+\.\d+)\.\S*$", labels.get("run.cog.pip_freeze", ""), re.MULTILINE))
    cog, coglet = packages.get("cog"), packages.get("coglet")
    if not cog or not coglet or cog == coglet:
        return ()
    return (
        Problem(
            "coglet-apart",
            f"the image has cog {cog} and coglet {coglet}",
            "they are two halves of one server; apart, every model fails in setup (seen with 0.19 and 0.23)",
            Fix(f"build with both pinned: sdk_version in cog.yaml and COGLET_WHEEL=pypi:{cog}.x, or pin neither"),
            severity="warn",
        ),
    )
