"""A template in words: a row for each part, what stands in it, its problems, and the document laid out to read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from textual.content import Content

from arbius_tui.domain.errors import Failure, Problem
from arbius_tui.domain.text import grouped
from arbius_tui.widgets.panes import Fact
from arbius_tui.widgets.text import LABEL, Cell, Row, cut, line, state_style, wrap

if TYPE_CHECKING:
    # With its first row; the step's module loads pydantic.
    from arbius_tui.steps.template import Part

MOST = 65_536
"""Bytes that the engine takes."""
SHORT_KEYS = {"description": "descr"}
SHORT_TYPES = {"decimal": "dec", "int_enum": "enum", "string_enum": "enum"}
ABOUT = {
    "title": "the name that people see",
    "description": "what people read before they pay",
    "git": "the source, linked at one commit",
    "docker": "the image, linked with its digest",
}
LATER = "fields are edited here in a later version; until then ^E opens the file"


def listed(parts: Mapping[str, Part], found: Sequence[Problem]) -> list[Row | str]:
    """The list: the file itself, then its parts in groups, each with its worst problem."""
    rows: list[Row | str] = [part_row("file", "", "file", "", "", problems_of("file", parts, found))]
    group = ""
    for part in parts.values():
        rows += [part.group] if part.group != group else []
        group = part.group
        wrong = problems_of(part.id, parts, found)
        rows.append(part_row(part.id, number_of(part), part.name, kind_of(part), part.flag, wrong))
    return rows


def first_trouble(ids: Iterable[str], found: Sequence[Problem]) -> str:
    """The part with the first error, else with the first warning, else the file."""
    places = ("file", *ids)
    ranked = (id for s in ("error", "warn") for id in places
              if any(problem.severity == s for problem in problems_of(id, places, found)))  # fmt: skip
    return next(ranked, "file")


def part_row(id: str, number: str, name: str, kind: Cell, flag: str, problems: Sequence[Problem]) -> Row:
    """One part; `!` where something is wrong with it."""
    severities = {problem.severity for problem in problems}
    state = "FAIL" if "error" in severities else "warn" if "warn" in severities else ""
    mark: Cell = ("!", state_style(state)) if state else (flag, "$muted")
    return Row(id, ((number, "$muted"), name, kind, mark), state)


def problems_of(id: str, ids: Iterable[str], found: Iterable[Problem]) -> list[Problem]:
    """The problems of a part; those that no part has belong to the whole file."""
    if id != "file":
        return [p for p in found if p.path == f"/{id}" or p.path.startswith(f"/{id}/")]
    known = [f"/{part}" for part in ids]
    return [p for p in found if not any(p.path == part or p.path.startswith(f"{part}/") for part in known)]


def place_of(id: str, ids: Iterable[str]) -> str:
    """`input 3 of 6`, or the group of what is not numbered."""
    group, _, number = id.partition("/")
    if group not in ("input", "output"):
        return {"file": "whole file", "meta": "meta", "left": "not in the template"}.get(group, "")
    return f"{group} {int(number) + 1} of {sum(other.startswith(f'{group}/') for other in ids)}"


def number_of(part: Part) -> str:
    """Inputs and outputs are numbered; what is not in the template has a dash."""
    group, _, number = part.id.partition("/")
    return str(int(number) + 1) if group in ("input", "output") else "-" if group == "left" else ""


def kind_of(part: Part) -> Cell:
    """The type in six cells; who sets an input that is not in the template."""
    if part.id.startswith("left/"):
        return ("miner" if part.name == "seed" else "off", "$muted")
    return ("empty", "$muted") if part.type == "empty" else SHORT_TYPES.get(part.type, part.type)


def file_facts(path: str, size: int, cid: str, room: int) -> list[Fact]:
    """The file as a whole: its place, its size and its CID, broken into lines of `room` cells."""
    facts = [Fact("path" if not n else "", path[i : i + room]) for n, i in enumerate(range(0, len(path), room))]
    facts.append(Fact("bytes", f"{grouped(size)} of {grouped(MOST)}"))
    facts += [Fact("CID" if not n else "", cid[i : i + room]) for n, i in enumerate(range(0, len(cid), room))]
    return facts


def problem_lines(problems: Sequence[Problem], room: int, others: Sequence[Problem] = ()) -> list[Content]:
    """Each problem with its severity, its place, why it matters and what mends it; others by name; how to edit."""
    rows: list[Content] = []
    for problem in problems:
        word = {"error": "ERROR", "warn": "warn", "info": "-"}[problem.severity]
        rows += block(word, problem.what, room - LABEL, "bold", state_style(word))
        rows += block("at", problem.path, room - LABEL, "$muted")
        rows += block("why", problem.why, room - LABEL)
        rows += block("fix", problem.fix.text if problem.fix else "", room - LABEL)
    for problem in others:
        if problem not in problems:
            word = {"error": "ERROR", "warn": "warn", "info": "-"}[problem.severity]
            rows += block(word, problem.what, room - LABEL, "", state_style(word))
    rows = rows or [line(("nothing is wrong here", "$muted"))]
    return [*rows, Content(""), *(line((row, "$muted")) for row in wrap(LATER, room, 2))]


def block(label: str, text: str, room: int, style: str = "", tone: str = "$muted") -> list[Content]:
    """A label and a text on as many lines as it needs."""
    if not text:
        return []
    first, *more = wrap(text, room, 4)
    rows = [line((label.ljust(LABEL), tone), (first, style))]
    return rows + [line(" " * LABEL, (row, style)) for row in more]


def parsed(text: str) -> Mapping[str, Any]:
    """The file as JSON with its numbers as they are spelled; empty for what is none."""
    from arbius_tui.domain.template import Template

    try:
        return Template.parse(text.encode()).document
    except Failure:
        return {}


def value_at(document: Mapping[str, Any], id: str) -> Any:
    """What the file has at a part."""
    group, _, key = id.partition("/")
    found = document.get(group)
    if isinstance(found, list) and key.isdigit() and int(key) < len(found):
        return found[int(key)]
    return found.get(key) if isinstance(found, Mapping) else None


def part_facts(part: Part, value: Any) -> list[Fact]:
    """The keys of a row, or the one value of meta, or why it was left out."""
    if part.note:
        return [Fact("why", part.note)]
    if isinstance(value, Mapping):
        return [
            Fact(SHORT_KEYS.get(str(key), cut(str(key), LABEL - 1)), spelled(found)) for key, found in value.items()
        ]
    return [Fact("value", spelled(value) if value not in (None, "") else ("empty", "$muted")),
            Fact("about", (ABOUT.get(part.name, ""), "$muted"))]  # fmt: skip


def spelled(value: Any) -> str:
    """A value as it is read: text as it is, all else as JSON."""
    return value if isinstance(value, str) else dumped(value)


def dumped(value: Any) -> str:
    """JSON on one line; numbers as the author spelled them."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{dumped(key)}: {dumped(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(dumped, value)) + "]"
    return getattr(value, "spelling", None) or json.dumps(value, ensure_ascii=False)


def laid_out(document: Mapping[str, Any], id: str) -> tuple[list[Content], int]:
    """The document to read: the part under the cursor open, the others on a line each; and the first open line."""
    rows: list[Content] = []
    start = 0
    for key, value in document.items():
        if isinstance(value, Mapping):
            rows.append(line((f'"{key}": {{', "$muted")))
            for name, found in value.items():
                here = id == f"{key}/{name}"
                start = len(rows) if here else start
                rows.append(line((f"  {json.dumps(name)}: {json.dumps(found, ensure_ascii=False)}", tone(here))))
            rows.append(line(("}", "$muted")))
        elif isinstance(value, list):
            rows.append(line((f'"{key}": [', "$muted")))
            for number, found in enumerate(value):
                here = id == f"{key}/{number}"
                start = len(rows) if here else start
                rows += opened(found) if here else [line((f"  {folded(found)}", "$muted"))]
            rows.append(line(("]", "$muted")))
        else:
            rows.append(line((f'"{key}": {dumped(value)}', "$muted")))
    return rows, start


def tone(here: bool) -> str:
    """The part under the cursor stands out."""
    return "bold $ink" if here else "$muted"


def opened(value: Any) -> list[Content]:
    """All keys of a row, one a line."""
    if not isinstance(value, Mapping):
        return [line((f"  {dumped(value)}", tone(True)))]
    keys = [f"    {dumped(name)}: {dumped(found)}," for name, found in value.items()]
    return [line((row, tone(True))) for row in ("  {", *keys, "  }")]


def folded(value: Any) -> str:
    """A row by its first key."""
    if not isinstance(value, Mapping) or not value:
        return dumped(value)
    name, found = next(iter(value.items()))
    more = ", .." if len(value) > 1 else ""
    return f"{{{dumped(name)}: {dumped(found)}{more}}}"
