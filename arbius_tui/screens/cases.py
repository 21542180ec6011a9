"""The cases of the seed test in words: a row each, why it is there, what came out, and the diagnosis."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from textual.content import Content

from arbius_tui.domain.errors import Problem
from arbius_tui.domain.text import exact_bytes, seconds, short, size
from arbius_tui.screens.tabled import texts, whole
from arbius_tui.widgets.panes import Fact, raw, why
from arbius_tui.widgets.text import Cell, Row, line, wrap

if TYPE_CHECKING:
    # With the first case or a saved one; the first frame needs neither.
    from arbius_tui.domain.reproducibility import Outcome
    from arbius_tui.steps.seed_test import CaseSeen

PURPOSE = {
    "first": "all other cases are compared with this one",
    "again": "miners' answers are compared byte by byte; one that differs loses its stake",
    "other-seed": "a seed without effect would give every task the same answer",
    "first-again": "the prediction before this one must leave no trace in it",
    "after-pause": "the time of day must not be in the output",
    "after-restart": "what is seeded once, in setup, shows after a restart",
    "seed-zero": "0 is a seed like any other; `if seed:` in a predictor breaks it",
    "over-32-bits": "miners derive the seed from the task's id, up to 9007199254740975",
    "largest-seed": "this is the largest seed that a miner can send",
}
"""Why each of the standard cases is there."""
WANTS = {"base": "an output", "same": "the bytes of case 1", "differs": "other bytes than case 1", "runs": "an output"}
CAUSES_OF = {
    "big": ("seed-over-32-bits", "endpoint-lost", "model-failed"),
    "failed": ("endpoint-lost", "model-failed"),
    "other-seed": ("seed-ignored",),
}
"""Which diagnoses explain a case; any other case that ran is explained by what is left."""


def drawn(case: CaseSeen, progress: Cell) -> Row:
    """A case on the grid; `progress` stands in the place of the hash while it runs."""
    verdict = verdict_of(case)
    number = (str(case.number), "$muted")
    if verdict == "wait":
        return Row(case.id, (number, case.title, (str(case.seed), "$muted"), "", "", "", "", "wait"), "wait")
    cells = (number, case.title, (str(case.seed), "$ink"))
    if verdict == "run":
        return Row(case.id, (*cells, "", progress, "", "", "run"), "run")
    tone = "$muted" if case.wanted else "bold $error"
    hashed: Cell = (no_hash(case), tone)
    if case.outputs:
        hashed = (short(case.outputs[0].sha256), "$muted" if case.wanted else "$ink")
    bulk = size(sum(output.bytes for output in case.outputs)) if case.outputs else "-"
    took = seconds(case.seconds) if case.seconds else ""
    shown: Cell = ("base", "$muted") if verdict == "base" else verdict
    more = (case.letter, "bold $ink"), hashed, (bulk, "$ink"), (took, "$ink"), shown
    return Row(case.id, (*cells, *more), "ok" if case.wanted else verdict)


def diagnosis_lines(found: Sequence[Problem], room: int, proved: bool) -> list[Content]:
    """Each likely cause in full, in lines of `room` cells."""
    rows: list[Content] = []
    for problem in found:
        rows += [line((text, "bold $error")) for text in wrap(problem.what, room, 2)]
        rows += [line((text, "$muted")) for text in wrap(problem.why, room, 3)]
        rows += [line(text) for text in wrap(problem.fix.text if problem.fix else "", room, 4)]
    if rows:
        return rows
    said = "one seed, one output; other seeds, other outputs" if proved else "nothing is wrong so far"
    return [line((text, "$muted")) for text in wrap(said, room, 2)]


def verdict_of(case: CaseSeen) -> str:
    """The word of the last column."""
    if case.status in ("wait", "run"):
        return case.status
    return "base" if case.id == "first" and case.wanted and case.status == "succeeded" else case.verdict


def no_hash(case: CaseSeen) -> str:
    """What stands where a hash would."""
    found = re.search(r"HTTP \d{3}", case.error)
    if case.status == "skipped":
        return "left out"
    return found[0] if found else "no answer" if case.verdict == "TIMEOUT" else "failed"


def reasons(case: CaseSeen, cause: Problem | None) -> list[Fact]:
    """Why the case is there and what it gave; or why it failed, what mends it and what was said."""
    if cause:
        fact = Fact("fix", cause.fix.text if cause.fix else "")
        return [why(cause.why), fact, *([raw(case.error)] if case.error else [])]
    facts = [why(PURPOSE.get(case.id, ""))]
    if case.status == "skipped":
        return [*facts, Fact("left out", case.why)]
    if case.error:
        return [*facts, raw(case.error)]
    facts.append(Fact("wants", WANTS[expected(case)]))
    same = {"SAME": "the bytes of case 1", "DIFFERS": "other bytes than case 1"}.get(verdict_of(case), "an output")
    return [*facts, Fact("got", same)] if case.outputs else facts


def expected(case: CaseSeen) -> str:
    """What the case must show, as the domain has it."""
    from arbius_tui.domain.reproducibility import standard_cases

    return next((known.expect for known in standard_cases() if known.id == case.id), "runs")


def output_facts(case: CaseSeen) -> list[Fact]:
    """Form, hash and folder of what came out."""
    if not case.outputs:
        none = {"wait": "not run yet", "run": "running", "skipped": "not run"}
        said = none.get(case.status, "none: a prediction that failed is never hashed")
        return [Fact("form", (said, "$muted"))]
    first, count = case.outputs[0], len(case.outputs)
    form = f"{first.mime}  {first.filename}  {exact_bytes(first.bytes)}"
    form += f"  and {count - 1} more" if count > 1 else ""
    facts = [Fact("form", form, "F4 copy hash"), Fact("sha256", first.sha256)]
    return [*facts, Fact("folder", f"{case.folder_cid}")] if case.folder_cid else facts


def request_lines(case: CaseSeen, most: int = 12) -> list[Content]:
    """The exact body of the request."""
    rows = json.dumps({"input": dict(case.inputs)}, indent=2, ensure_ascii=False).splitlines()
    rows = [*rows[: most - 1], ".."] if len(rows) > most else rows
    return [line((row, "$muted")) for row in rows]


def cause_of(case: CaseSeen, found: Sequence[Problem]) -> Problem | None:
    """The diagnosis that explains this case; None for one that is well."""
    if case.wanted or case.status in ("wait", "run"):
        return None
    sort = ("big" if case.seed >= 2**32 else "failed") if case.status == "failed" else case.id
    others = [problem.code for problem in found if not any(problem.code in codes for codes in CAUSES_OF.values())]
    codes = CAUSES_OF.get(sort, tuple(others))
    return next((problem for code in codes for problem in found if problem.code == code), None)


def diagnosed(cases: Iterable[CaseSeen]) -> list[Problem]:
    """The likely causes as far as the cases that ended tell."""
    from arbius_tui.domain.reproducibility import diagnose

    return diagnose([outcome_of(case) for case in cases if case.status not in ("wait", "run")])


def outcome_of(case: CaseSeen) -> Outcome:
    """The case as the diagnosis reads it."""
    from arbius_tui.domain.reproducibility import Case, Outcome, standard_cases

    known = {one.id: one for one in standard_cases()}
    failed = case.status == "failed"
    code = case.code or ("timeout" if case.verdict == "TIMEOUT" else "model-failed")
    problem = Problem(code, case.error) if failed else None
    skipped = (case.why or "left out") if case.status == "skipped" else ""
    standard = known.get(case.id, Case(case.id, case.title, case.seed, "runs"))
    return Outcome(standard, case.outputs, problem, skipped, case.seconds)


def case_of(saved: Mapping[str, Any], number: int) -> CaseSeen:
    """A case as it was saved; what is missing or of another kind is empty, so that a damaged state still opens."""
    from arbius_tui.domain.reproducibility import Hashed
    from arbius_tui.steps.seed_test import CaseSeen

    id, title, endpoint, status, verdict, error, letter, note, folder, code = texts(
        saved, "id", "title", "endpoint", "status", "verdict", "error", "letter", "why", "folder_cid", "code"
    )
    inputs, files, took = saved.get("inputs"), saved.get("outputs"), saved.get("seconds")
    found = [file for file in (files if isinstance(files, list | tuple) else ()) if isinstance(file, Mapping)]
    outputs = tuple(Hashed(str(f.get("filename")), str(f.get("mime")), whole(f.get("bytes")), str(f.get("sha256")))
                    for f in found)  # fmt: skip
    return CaseSeen(
        id or f"case-{number}",
        number,
        title,
        whole(saved.get("seed")),
        endpoint,
        inputs if isinstance(inputs, Mapping) else {},
        status or "wait",
        verdict,
        saved.get("wanted") is not False,
        took if isinstance(took, int | float) else 0.0,
        outputs,
        folder or None,
        error,
        letter,
        note,
        code,
    )
