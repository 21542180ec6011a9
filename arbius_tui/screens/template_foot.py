"""What the frame of the template editor says: counts, bytes, CID and id, and the command for what is shown."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from arbius_tui.domain.text import grouped, short
from arbius_tui.screens.parts import MOST
from arbius_tui.screens.tabled import texts
from arbius_tui.screens.template_live import TemplateLive
from arbius_tui.widgets.panes import Fact
from arbius_tui.widgets.text import counts, words


class TemplateFoot(TemplateLive):
    """The status line and F2."""

    def status(self) -> Content:
        """How many problems, and how big the file is."""
        if self.running or self.editing is None:
            return super().status()
        size = self.editing.template.size
        style = "bold $error" if size > MOST else "$muted"
        big = words((f"{grouped(size)} B of {grouped(MOST)}", style))
        return counts((self.judged.count("error"), "ERROR"), (self.judged.count("warn"), "warn")) + big

    def aside(self) -> Content:
        """The CID, and the model id once the sender is known."""
        if self.running or self.editing is None:
            return super().aside()
        cid = words(("CID ", "$muted"), short(self.editing.template.cid))
        known = self.model_id()
        return words(cid, ("  id ", "$muted"), short(known)) if known else cid

    def command(self) -> str:
        """The same without a screen: how to have a file, the value of the field under the cursor, or the check."""
        field = self.form.form.field
        path = self.path
        if not path:
            return self.shell("template", "draft", *self.source_words(), "-o", f"{self.session.journey.project}.json")
        if self.is_broken:
            return self.shell("template", "edit", path, "restore")
        if self.importing:
            return self.shell("template", "edit", path, "import", "SOURCE")
        if self.outdated:
            return self.shell("template", "edit", path, "undo")
        if self.editing and self.form.has_focus_within and field:
            return self.shell("template", "edit", path, "set", f"{field.id}={field.value}")
        return self.shell("template", "check", path)

    def source_words(self) -> tuple[str, str]:
        """What a first draft would be made of."""
        (url,) = texts(self.saved_record("run"), "url")
        return ("--endpoint", url) if url else ("--schema", "FILE")

    def beside(self) -> Sequence[Fact]:
        """What else the command can do, in words."""
        if self.importing:
            said = ("a file, a URL, image:NAME or a model id", "`take` instead of `import`: all of it")
            return [Fact("SOURCE" if not n else "", (text, "$muted")) for n, text in enumerate(said)]
        if self.outdated:
            return [Fact("", ("brings the version from here back; `template check` reads theirs", "$muted"))]
        return ()
