"""What each reader of templates makes of this one. Read in their sources; some are fixed only by their next release.

- kasumi-2: the first miner, deleted from the repository in 2025; miner/src/models.ts, `hydrateInput`
- kasumi-3: bots/kasumi-3/src/utils.ts
- gobius: github.com/damiensgit/gobius, models/*.go
- website: website/src, the form of /generate, deleted in 2025
- website2: website2/src/types/template.ts and app/playground
- explorer: explorer/src, which asks only for the type of the first output
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from arbius_tui.domain.errors import Problem
from arbius_tui.domain.lint_words import READERS, is_whole, number, shown
from arbius_tui.domain.template import Template

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader and how the template looks to it; `state` is ok, warn or FAIL."""

    kind: ClassVar[str] = "reader"
    id: str
    state: str
    found: str
    """What is wrong for this reader, in a few words."""
    does: str
    """What it does with the file."""


def views(template: Template, problems: Iterable[Problem], names: Sequence[str] = READERS) -> list[Reader]:
    """Each of these readers, with those of the problems that are its own."""
    listed = list(problems)
    return [_view(name, template, [p for p in listed if name in p.readers]) for name in names]


def _view(name: str, template: Template, own: Sequence[Problem]) -> Reader:
    errors = sum(problem.severity == "error" for problem in own)
    warned = sum(problem.severity == "warn" for problem in own)
    state = "FAIL" if errors else "warn" if warned else "ok"
    parts = [f"{count} {word}{'s' * (count > 1)}" for count, word in ((errors, "error"), (warned, "warning")) if count]
    first = next(iter(sorted(own, key=lambda problem: ("error", "warn", "info").index(problem.severity))), None)
    found = f"{' and '.join(parts)}: {first.what}" if parts and first else "nothing in it breaks"
    return Reader(name, state, found, " ".join(_DOES[name](template)))


# --- the whole file ----------------------------------------------------------------------------------------------


def _rows(template: Template) -> list[Document]:
    rows = template.document.get("input")
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def _first_output(template: Template) -> str:
    outputs = template.outputs
    return outputs[0].filename if outputs else ""


def _kasumi_2(template: Template) -> Iterator[str]:
    yield "Sends only the template's inputs, defaults unchecked; ints and decimals must be whole; max is not enforced."
    if template.meta.docker and "://" not in template.meta.docker:
        yield "Its Replicate strategy wants https:// before the image; all others want none."
    if _first_output(template) not in ("", "out-1.png"):
        yield f"It writes out-1.png, whatever the template says, not {shown(_first_output(template))}."


def _kasumi_3(template: Template) -> Iterator[str]:
    yield "Sends only the template's inputs, defaults unchecked; ints and decimals must be whole; min and max hold."
    if template.outputs and template.outputs[0].type != "text":
        yield "With its Cog strategy it saves the text of a data URI, not the bytes; its Replicate strategy works."


def _gobius(template: Template) -> Iterator[str]:
    yield "Does not read the file: somebody writes a Go file for each model. Fractions, min and max work."
    if _first_output(template).endswith(".txt"):
        yield "Its text models write output.txt, not the template's name, which makes another CID."


def _website(template: Template) -> Iterator[str]:
    rows = _rows(template)
    required = sum(row.get("required") is True for row in rows)
    yield f"Drew a form of a copy of the file: {required} required, Optional ({len(rows) - required} items)."


def _website_2(template: Template) -> Iterator[str]:
    kinds = [row.get("type") for row in _rows(template)]
    odd = [kind for kind in ("decimal", "string_enum") if kind in kinds]
    yield "No code of it reads the file yet; its playground sends a bare prompt."
    if odd:
        yield f"Its list of types lacks {' and '.join(odd)}."


def _explorer(template: Template) -> Iterator[str]:
    kind = template.outputs[0].type if template.outputs else ""
    more = " The other outputs are not shown." if len(template.outputs) > 1 else ""
    yield f"Shows the first output as {shown(kind) if kind else 'nothing'}, by its type alone.{more}"


_DOES = {
    "kasumi-2": _kasumi_2, "kasumi-3": _kasumi_3, "gobius": _gobius, "website": _website, "website2": _website_2,
    "explorer": _explorer,
}  # fmt: skip


# --- one row -----------------------------------------------------------------------------------------------------


def of_row(row: Document) -> list[tuple[str, str]]:
    """What each reader does with one row of `input`: (reader, words), for whoever edits it."""
    kind, both = row.get("type"), "kasumi-2/3"
    if kind in ("string_enum", "int_enum"):
        choices = row.get("choices")
        count = len(choices) if isinstance(choices, list) else 0
        return [(both, f"send one of {count} values, type and all"), ("gobius", _GO), ("website", f"a list of {count}")]
    if kind in ("int", "decimal"):
        low, high = shown(row.get("min")), shown(row.get("max"))
        whole = "whole numbers only" if kind == "decimal" or not is_whole(row.get("default")) else "32 bit"
        form = f"slider {low} to {high}" if number(row.get("min")) and number(row.get("max")) else "NaN without bounds"
        return [
            ("kasumi-2", f"{whole}, at least {low}; it does not look at max"),
            ("kasumi-3", f"{whole}, {low} to {high}"),
            ("gobius", _GO),
            ("website", form),
            *([("website2", "has no decimal")] if kind == "decimal" else []),
        ]
    if kind == "string":
        return [(both, "any text, also none"), ("gobius", _GO), ("website", "a text field")]
    return [(both, "do not check it"), ("gobius", "refuses an unknown type"), ("website", "a label without a field")]


_GO = "its own Go file says"
