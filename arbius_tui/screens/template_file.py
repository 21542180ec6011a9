"""The third pane of the template editor: the file as it is registered, and what it is compared with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from textual.containers import Vertical
from textual.widget import Widget

from arbius_tui.screens.file_lines import FileLines, differing
from arbius_tui.screens.part_fields import Judged, worst
from arbius_tui.widgets.frame import Rule
from arbius_tui.widgets.json_view import FileLine, JsonView

PLACE = re.compile(r"line ([0-9]+), column ([0-9]+)")


class FilePane(Vertical):
    """A title and the lines. `base` is the version that the file is compared with, `base_name` how it is called."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.rule, self.view = Rule(), JsonView()
        self.maker = FileLines()
        self.base: Mapping[str, Any] | None = None
        self.base_name = "saved"

    def compose(self) -> Iterable[Widget]:
        """Title over lines."""
        yield self.rule
        yield self.view

    def compare(self, base: Mapping[str, Any] | None, name: str) -> None:
        """Another version to compare with."""
        self.base, self.base_name = base, name

    def show(self, path: str, document: Mapping[str, Any], here: str, judged: Judged) -> None:
        """The file as it is now, with the part under the cursor open and what differs marked."""
        states = {at: word for at, problems in judged.places.items() if (word := worst(problems)) == "ERROR"}
        rows = self.maker.of(document, self.base, here, states)
        told = differing(rows)
        self.rule.show(Path(path).name, "", f"{told} since {self.base_name}" if told else f"as {self.base_name}")
        self.view.show(rows)

    def show_broken(self, path: str, text: str, what: str) -> None:
        """A file that is no template, as it is; the line where it breaks is marked."""
        found = PLACE.search(what)
        line = int(found[1]) if found else 0
        self.rule.show(Path(path).name, "ERROR", "as it is, not written over")
        self.view.show([broken_line(number, row, number == line) for number, row in enumerate(text.splitlines(), 1)])


def broken_line(number: int, text: str, here: bool) -> FileLine:
    """A line with its number; the one that breaks stands out."""
    return FileLine(f"{number:>4}  {text}", "!" if here else " ", here, "ERROR" if here else "")
