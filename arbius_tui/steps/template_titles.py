"""Whether a template's title is its own: the templates that lie beside it, an Arbius checkout's or the author's."""

from __future__ import annotations

from pathlib import Path

from arbius_tui.domain.errors import Failure, Problem
from arbius_tui.domain.lint import title_taken
from arbius_tui.domain.template import MAX_BYTES, Template
from arbius_tui.services import files

MOST = 200
"""Files of a folder that are looked at; the Arbius repository has nine templates."""


def beside(path: Path, found: Template) -> list[Problem]:
    """The template beside this file that has its title, if any; what is no template is passed over."""
    others: dict[str, Template] = {}
    try:
        listed = sorted(other for other in path.parent.glob("*.json") if other.name != path.name)[:MOST]
    except OSError:
        return []
    for other in listed:
        try:
            if other.is_file():
                others[other.name] = Template.parse(files.read(other, MAX_BYTES))
        except Failure:
            continue
    return title_taken(found, others)
