"""What cog and BuildKit say when a build fails, and what it means for an author."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Literal

from arbius_tui.domain.build_rule import MAX_DETAIL, Evidence, Rule, one_line
from arbius_tui.domain.build_rules_author import CONFIG, MODEL
from arbius_tui.domain.build_rules_docker import ENGINE, IMAGES, MACHINE, NOTICES, STEP, STEP_FAILED
from arbius_tui.domain.errors import Fix, Problem

NO_IMAGE = "no image was made"

FAILURES = (*MACHINE, *CONFIG, *MODEL, *ENGINE, *STEP, *IMAGES)
"""In the order in which they are tried: what is certain first, what only quotes something last."""

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
