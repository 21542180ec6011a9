"""A case and a server of the seed test as the faces see them, as scripts read them and as they are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from arbius_tui.domain import reproducibility as proof
from arbius_tui.domain.cases import Before, Case, Expect
from arbius_tui.domain.errors import Problem
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.records import SeedTestRecord

NOT_OVER = ("wait", "run")
"""Status of a case that has no answer yet."""


@dataclass(frozen=True, slots=True)
class EndpointSeen:
    """A server of the test. `state`: wait, run, ok, FAIL. Graphics card and driver are empty where nobody knows.

    `url` is the place as the author named it: a URL, a Docker Engine (`place` is docker), or a hosted model.
    """

    kind: ClassVar[str] = "endpoint"
    id: str
    url: str
    gpu: str = ""
    driver: str = ""
    cog: str = ""
    cpu_only: bool = False
    state: str = "wait"
    why: str = ""
    place: str = "cog"
    image: str = ""
    """What runs there: the id of an image, or a version at Replicate; empty where nobody knows."""


@dataclass(frozen=True, slots=True)
class CaseSeen:
    """A case on one server. Equal outputs carry the same `letter`.

    `status`: wait, run, succeeded, failed, skipped; listed, where nothing runs and the case is only named.
    """

    kind: ClassVar[str] = "case"
    id: str
    number: int
    title: str
    seed: int
    endpoint: str
    """The id of its server."""
    inputs: Mapping[str, Any]
    """All that is sent, the seed included."""
    expect: Expect = "runs"
    before: Before = ""
    against: str = "first"
    purpose: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)
    """The inputs that differ from those of the first run."""
    status: str = "wait"
    verdict: str = ""
    wanted: bool = True
    seconds: float = 0.0
    outputs: tuple[proof.Hashed, ...] = ()
    folder_cid: str | None = None
    error: str = ""
    letter: str = ""
    why: str = ""
    code: str = ""
    """Of the error."""
    near: str = ""
    timely: bool = False
    noise: bool = False
    apart: str = ""
    """How the output differs from the one that it should be equal to."""

    @property
    def key(self) -> tuple[str, str]:
        """The server and the case."""
        return self.endpoint, self.id


def folder_name(id: str) -> str:
    """A case's folder: its id with every character that a path could mean something by spelt out."""
    return "".join(c if c.isalnum() or c in "-_" else f"%{ord(c):x}" for c in id)[:120]


def outputs(state: Path) -> Path:
    """Where the outputs of the last test lie, in the state of its project."""
    return state / "seed-test"


def place(folder: Path, endpoint: str, id: str) -> Path:
    """Where those of one case on one server lie, in that folder."""
    return folder / endpoint / folder_name(id)


def state_of(journey: Journey) -> str:
    """The word of the step as the last test left it, for what looks at a test without running one."""
    record = journey.get(SeedTestRecord)
    return "-" if record is None else "ok" if record.reproducible else "FAIL"


def seen(number: int, case: Case, endpoint: str, sample: Mapping[str, Any]) -> CaseSeen:
    """A case before it runs."""
    return CaseSeen(
        case.id, number, case.title, case.seed, endpoint, {**sample, **case.inputs, "seed": case.seed},
        case.expect, case.before, case.against, case.why, case.inputs,
    )  # fmt: skip


def row(case: CaseSeen) -> dict[str, Any]:
    """A case as scripts read it and as the journey keeps it."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(case).items()}


def outcome(case: CaseSeen) -> proof.Outcome:
    """What became of a case that is over, as the diagnosis reads it."""
    asked = Case(case.id, case.title, case.seed, case.expect, case.before, case.changes, case.against, case.purpose)
    refused = case.code == proof.REFUSED
    problem = Problem(case.code or "model-failed", case.error) if case.status == "failed" or refused else None
    skipped = (case.why or "left out") if case.status == "skipped" and not refused else ""
    found = (case.near, case.timely, case.noise, case.apart)
    return proof.Outcome(asked, case.outputs, problem, skipped, case.seconds, *found)


def status(outcome: proof.Outcome) -> str:
    """The word for a case that is over."""
    left_out = outcome.skipped or (outcome.problem and outcome.problem.code == proof.REFUSED)
    return "skipped" if left_out else "failed" if outcome.problem else "succeeded"


def read(saved: Mapping[str, Any], number: int = 0) -> CaseSeen:
    """A case as it was saved; what is missing or of another kind is empty, so that a damaged state still opens."""
    files = saved.get("outputs")
    found = [file for file in (files if isinstance(files, list | tuple) else ()) if isinstance(file, Mapping)]
    took, folder = saved.get("seconds"), text(saved, "folder_cid")
    number = whole(saved.get("number")) or number
    return CaseSeen(
        id=text(saved, "id") or f"case-{number}",
        number=number,
        title=text(saved, "title"),
        seed=whole(saved.get("seed")),
        endpoint=text(saved, "endpoint"),
        inputs=mapping(saved.get("inputs")),
        expect=word(saved.get("expect")),
        before="restart" if saved.get("before") == "restart" else "pause" if saved.get("before") == "pause" else "",
        against=text(saved, "against") or "first",
        purpose=text(saved, "purpose"),
        changes=mapping(saved.get("changes")),
        status=text(saved, "status") or "wait",
        verdict=text(saved, "verdict"),
        wanted=saved.get("wanted") is not False,
        seconds=took if isinstance(took, int | float) else 0.0,
        outputs=tuple(hashed(file) for file in found),
        folder_cid=folder or None,
        error=text(saved, "error"),
        letter=text(saved, "letter"),
        why=text(saved, "why"),
        code=text(saved, "code"),
        near=text(saved, "near"),
        timely=saved.get("timely") is True,
        noise=saved.get("noise") is True,
        apart=text(saved, "apart"),
    )


def hashed(file: Mapping[str, Any]) -> proof.Hashed:
    """An output as it was saved."""
    return proof.Hashed(text(file, "filename"), text(file, "mime"), whole(file.get("bytes")), text(file, "sha256"))


def word(value: Any) -> Expect:
    """What a saved case must show."""
    known: tuple[Expect, ...] = ("base", "same", "differs", "runs")
    return next((one for one in known if one == value), "runs")


def text(saved: Mapping[str, Any], key: str) -> str:
    """A text that was saved; empty where there is none."""
    value = saved.get(key)
    return value if isinstance(value, str) else ""


def whole(value: Any) -> int:
    """A whole number that was saved; 0 for anything else."""
    return value if isinstance(value, int) else 0


def mapping(value: Any) -> Mapping[str, Any]:
    """An object that was saved, or an empty one."""
    return value if isinstance(value, Mapping) else {}
