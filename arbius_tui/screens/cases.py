"""The cases of the seed test in words: a row each, why it is there, what came out, and the diagnosis."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from textual.content import Content

from arbius_tui.domain.errors import Problem
from arbius_tui.domain.text import exact_bytes, seconds, short, size
from arbius_tui.widgets.panes import Fact, raw, why
from arbius_tui.widgets.text import Cell, Column, Row, line, wrap

if TYPE_CHECKING:
    # With the first case or a saved one; the first frame needs neither.
    from arbius_tui.steps.seed_case import CaseSeen

CAUSES_OF = {
    "big": ("seed-over-32-bits", "seed-bounded", "endpoint-lost", "model-failed"),
    "failed": ("endpoint-lost", "model-failed"),
    "differs": ("seed-ignored",),
}
"""Which diagnoses explain a case; any other case that ran is explained by what is left."""


COLUMNS = (
    Column("#", 2, 2, right=True),
    Column("Case", 0, 0),
    Column("Seed", 16, 16, right=True),
    Column("", 1, 1),
    Column("sha256", 14, 14),
    Column("Size", 7, 7, right=True, spare=True),
    Column("Time", -1, 5, right=True),
    Column("Verdict", 7, 7),
)
"""Of a test on one server."""


def columns_of(servers: Sequence[str]) -> Sequence[Column]:
    """The columns of a test on these servers: one for each where there are several."""
    if len(servers) < 2:
        return COLUMNS
    return (*COLUMNS[:3], *(Column(f"server {id}"[-9:], 9, 12) for id in servers))


def server_words(server: Mapping[str, Any]) -> str:
    """Where a server is and on what it runs, as far as anybody knows."""
    gpu, driver, cog = (str(server.get(key) or "") for key in ("gpu", "driver", "cog"))
    runs_on = "CPU-ONLY" if server.get("cpu_only") else gpu or "GPU not known"
    more = [f"driver {driver}" if driver else "", f"cog {cog}" if cog else "", str(server.get("why") or "")]
    return ", ".join(part for part in (str(server.get("url") or ""), runs_on, *more) if part)


def drawn_on_all(cases: Sequence[CaseSeen | None]) -> Row:
    """A case with its letter and verdict on every server; the row needs the author where one of them does."""
    one = next(case for case in cases if case is not None)
    seen = [("", "") if case is None else (case.letter, verdict_of(case)) for case in cases]
    bad = next((verdict_of(case) for case in cases if case and not case.wanted), "")
    state = bad or next((verdict for _, verdict in seen if verdict in ("run", "wait")), "ok")
    cells: list[Cell] = [(str(one.number), "$muted"), one.title, (str(one.seed), "$ink")]
    for case, (letter, verdict) in zip(cases, seen, strict=True):
        tone = "bold $error" if case and not case.wanted else "bold $accent" if verdict == "run" else "$muted"
        cells.append((f"{letter} {verdict}".strip(), tone))
    return Row(one.id, tuple(cells), state)


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
    if verdict == "SKIPPED" and not case.wanted:
        shown = (verdict, "bold $error")
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
    return "base" if case.expect == "base" and case.wanted and case.status == "succeeded" else case.verdict


def no_hash(case: CaseSeen) -> str:
    """What stands where a hash would."""
    found = re.search(r"HTTP \d{3}", case.error)
    if case.status == "skipped":
        return "left out" if case.wanted else "not sent"
    return found[0] if found else "no answer" if case.verdict == "TIMEOUT" else "failed"


def reasons(case: CaseSeen, cause: Problem | None) -> list[Fact]:
    """Why the case is there and what it gave; or why it failed, what mends it and what was said."""
    if cause:
        fact = Fact("fix", cause.fix.text if cause.fix else "")
        near = [Fact("got", case.near)] if case.verdict == "NEAR" else []
        return [why(cause.why), fact, *near, *([raw(case.error)] if case.error else [])]
    facts = [why(case.purpose or "you added it")]
    if case.changes:
        facts.append(Fact("inputs", ", ".join(f"{name} {plain(value)}" for name, value in case.changes.items())))
    if case.status == "skipped":
        return [*facts, Fact("left out", case.why)]
    if case.error:
        return [*facts, raw(case.error)]
    if case.expect in ("same", "differs"):
        facts.append(
            Fact(
                "wants", f"the bytes of {case.against}" if case.expect == "same" else f"other bytes than {case.against}"
            )
        )
    said = {"SAME": "the same bytes", "DIFFERS": "other bytes", "NEAR": case.near or "nearly the same"}
    return [*facts, Fact("got", said.get(verdict_of(case), case.why or "an output"))] if case.outputs else facts


def plain(value: Any) -> str:
    """A value on one line; of a long one its beginning."""
    text = " ".join((value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).split())
    return text if len(text) <= 60 else f"{text[:40]}.. ({len(text):,} characters)"


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


def request_lines(case: CaseSeen, most: int = 9) -> list[Content]:
    """The exact body of the request."""
    rows = json.dumps({"input": dict(case.inputs)}, indent=2, ensure_ascii=False).splitlines()
    rows = [*rows[: most - 1], ".."] if len(rows) > most else rows
    return [line((row, "$muted")) for row in rows]


def cause_of(case: CaseSeen, found: Sequence[Problem]) -> Problem | None:
    """The diagnosis that explains this case; None for one that is well."""
    if case.wanted or case.status in ("wait", "run"):
        return None
    sort = ("big" if case.seed >= 2**32 else "failed") if case.status == "failed" else case.expect
    sort = "big" if case.status == "skipped" else sort
    others = [problem.code for problem in found if not any(problem.code in codes for codes in CAUSES_OF.values())]
    codes = CAUSES_OF.get(sort, tuple(others))
    return next((problem for code in codes for problem in found if problem.code == code), None)


def diagnosed(cases: Iterable[CaseSeen]) -> list[Problem]:
    """The likely causes as far as the cases that ended tell."""
    from arbius_tui.domain.reproducibility import Outcome, compare_servers
    from arbius_tui.steps.seed_case import outcome

    servers: dict[str, list[Outcome]] = {}
    for case in cases:
        if case.status not in ("wait", "run"):
            servers.setdefault(case.endpoint, []).append(outcome(case))
    return list(compare_servers(servers).diagnosis)
