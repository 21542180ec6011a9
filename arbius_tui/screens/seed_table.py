"""The table of the seed test: a row for each case, and a column for each server where there are several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from arbius_tui.domain.text import seconds
from arbius_tui.screens.cases import columns_of, drawn, drawn_on_all, server_words
from arbius_tui.screens.seed_keys import SeedKeys
from arbius_tui.widgets.text import Cell, Row, bar

if TYPE_CHECKING:
    from arbius_tui.steps.seed_case import CaseSeen


class SeedTable(SeedKeys):
    """The cases on the grid, and which of them on which server is looked at."""

    DEFAULT_CSS = "SeedTable.-wide .more { height: 10; }"
    BELOW: ClassVar[int] = 28
    """Rows of a tall terminal that are not the table's, so that the diagnosis is whole."""

    def setup_table(self) -> None:
        """No case and no server is known."""
        self.cases: dict[tuple[str, str], CaseSeen] = {}
        self.servers: dict[str, str] = {}
        self.about: dict[str, str] = {}
        """What is known of each server, in words."""
        self.server, self.case_began, self.led = "1", 0.0, ""

    def on_resize(self) -> None:
        """The cases take what the finding leaves, and it has the same place for every case."""
        super().on_resize()
        tall = self.has_class("-wide") and self.has_class("-tall")
        self.table.styles.max_height = self.size.height - self.BELOW if tall else None

    def know(self, server: Mapping[str, Any]) -> None:
        """A server of the test, or more of one; a second one gives each a column."""
        id = str(server.get("id"))
        self.about[id] = server_words(server)
        if id in self.servers:
            return
        self.servers[id] = str(server.get("url"))
        self.table.brush.columns = columns_of(list(self.servers))
        self.table.set_rows([self.row(case) for case in self.first_of_each()])

    def forget_servers(self) -> None:
        """Another test has begun, perhaps on other servers."""
        self.servers.clear()
        self.about.clear()
        self.server = "1"

    def others(self) -> list[str]:
        """The servers of the last test but the first."""
        return [url for id, url in self.servers.items() if id != "1"]

    def first_of_each(self) -> Iterable[CaseSeen]:
        """Each case once."""
        return {case.id: case for case in reversed(self.cases.values())}.values()

    @property
    def here(self) -> CaseSeen | None:
        """The case under the cursor on the server that is looked at."""
        id = self.table.row.id if self.table.row else ""
        return self.cases.get((self.server, id)) or next((c for c in self.cases.values() if c.id == id), None)

    def take(self, case: CaseSeen) -> None:
        """A case as it stands now."""
        self.cases[case.key] = case
        self.put(self.row(case))

    def row(self, case: CaseSeen) -> Row:
        """A case on the grid."""
        if len(self.servers) > 1:
            return drawn_on_all([self.cases.get((server, case.id)) for server in self.servers])
        return drawn(case, self.bar() if case.status == "run" else "")

    def action_server(self) -> None:
        """The same case on the next server."""
        known = list(self.servers)
        if len(known) > 1 and self.table.row:
            self.server = known[(known.index(self.server) + 1) % len(known)]
            self.explain(self.table.row.id)

    def to_first_trouble(self) -> None:
        """Where the author has to look."""
        if case := next((case for case in self.cases.values() if not case.wanted), None):
            self.server = case.endpoint
            self.table.go(case.id)
            self.explain(case.id)

    def bar(self) -> Cell:
        """How far the running case is, judged by those before it; the seconds alone for the first one."""
        now = self.session.clock() - self.case_began
        ended = [c.seconds for c in self.cases.values() if c.status == "succeeded"]
        if not ended or now < 1:
            return (seconds(now) if now >= 1 else "", "$accent")
        usual = sum(ended) / len(ended)
        return bar(min(int(now * 100), int(usual * 99.5)), max(1, int(usual * 100))), "$accent"
