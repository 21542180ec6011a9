"""Screens with invented data on the real base: for tests of the frame and for pictures of the look."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget

from arbius_tui.app import ArbiusApp
from arbius_tui.domain.errors import NotReady
from arbius_tui.domain.events import Done, Event, Found, Line, Progress
from arbius_tui.domain.journey import Journey, Record
from arbius_tui.domain.questions import Ask, Choice, Confirm, Consent, Question
from arbius_tui.screens.base import StepScreen
from arbius_tui.steps.base import Step, Walk
from arbius_tui.widgets.fields import Field, Form
from arbius_tui.widgets.frame import Rule
from arbius_tui.widgets.panes import Empty, Fact, Facts, Text, fix, raw, why
from arbius_tui.widgets.table import Table
from arbius_tui.widgets.text import Cell, Column, Row, bar, counts, line, words

Script = Sequence[Any]
"""Events, questions to ask, and exceptions to raise, in order."""


class MemoryStore:
    """A store that forgets."""

    def __init__(self, journey: Journey) -> None:
        self.journey = journey

    def load(self) -> Journey:
        return self.journey

    def apply(self, change: Record) -> Journey:
        self.journey = self.journey.having(change)
        return self.journey


class Scripted(Step):
    """Plays a script; `answers` keeps what the author said."""

    def __init__(self, script: Script) -> None:
        self.script, self.answers = script, []

    async def run(self, journey: Journey, services: Any, ask: Ask) -> AsyncGenerator[Event, None]:
        for part in self.script:
            if isinstance(part, BaseException):
                raise part
            if isinstance(part, Question):
                secret = part.id.startswith("secret")
                self.answers.append(await (ask.secret(part) if secret else ask(part)))
            elif callable(part):
                await part()
            else:
                yield part


class Demo(StepScreen):
    """A step that plays a script when it is shown."""

    step = "checks"
    why = "These are the tools that the later steps need."
    auto_run = True
    script: ClassVar[Script] = ()

    def on_mount(self) -> None:
        self.played = Scripted(self.script)

    def work(self) -> Step:
        return self.played


@dataclass(frozen=True)
class Check:
    kind: ClassVar[str] = "check"
    id: str
    state: str
    found: str
    needed_by: str
    took: str


def check(*parts: str) -> Found:
    return Found(Check(*parts))


NOWHERE = "cannot connect to /var/run/docker.sock"
CHECKS: list[Any] = [
    "Containers",
    check("docker daemon", "FAIL", NOWHERE, "2 3 4", "24 ms"),
    check("nvidia runtime", "wait", "needs docker daemon", "3 4", ""),
    check("gpu visible", "warn", "none on this host; CPU mode offered", "3 4", "61 ms"),
    check("cog", "ok", "0.22.0  /usr/local/bin/cog", "2 5", "118 ms"),
    "IPFS",
    check("kubo binary", "ok", "0.41.0  /usr/local/bin/ipfs", "7", "43 ms"),
    check("import profile", "warn", "unixfs-v1-2025 (CIDv1); handled", "7", "52 ms"),
    check("ipfs daemon", "off", "what is added, nobody can fetch", "7", "11 ms"),
    "Chain",
    check("rpc chain id", "ok", "42161  block 391,204,118", "8 9", "83 ms"),
    check("second rpc", "ok", "42161  block 391,204,117", "8 9", "97 ms"),
    check("engine contract", "ok", "0x9b51Ef04..3E66  has code, not paused", "9", "91 ms"),
    "Accounts",
    check("keyring", "ok", "Secret Service", "8", "18 ms"),
    check("replicate token", "ok", "r8_ and 37 characters  arbius-fan", "5", "204 ms"),
    check("git", "ok", "2.39.5", "10", "6 ms"),
    check("gh", "ok", "2.23.0  logged in as arbius-fan", "10", "9 ms"),
    "Host",
    check("disk", "ok", "212 GB free, 31 GB needed", "2 3", "1 ms"),
    check("memory", "ok", "62 GB, 24 GB needed", "3 4", "1 ms"),
    check("clock", "ok", "0.2 s off", "9", "88 ms"),
]


class Checks(Demo):
    """A table that fills, and the finding under its cursor."""

    BINDINGS: ClassVar = [
        Binding("enter", "fix", "fix", id="checks.fix", tooltip="run the command that mends this row; it asks first"),
        Binding("r", "recheck", "recheck", id="checks.recheck", tooltip="look at this row again"),
        Binding("f", "problems", "problems", id="checks.problems", tooltip="show only rows that need you"),
        Binding("slash", "filter", "filter", id="checks.filter", tooltip="show only rows with a text"),
        Binding("j", "json", "JSON", id="checks.json", tooltip="copy all rows as JSON"),
        Binding("f5", "run", "all", id="frame.run", tooltip="look at everything again"),
        Binding("tab", "screen.focus_next", "pane", id="checks.tab", tooltip="the next pane"),
    ]
    columns: ClassVar = [
        Column("Check", 16, 18),
        Column("State", 5, 5),
        Column("Found", 0, 0),
        Column("Needed by", 9, 9, spare=True),
        Column("Took", -1, 6, right=True),
    ]
    script: ClassVar[Script] = [*(part for part in CHECKS if isinstance(part, Found)), Done(False, 3)]

    def body(self) -> ComposeResult:
        self.table = Table(self.columns, [c if isinstance(c, str) else self.row(c.item) for c in CHECKS])
        yield self.table

    def finding(self) -> ComposeResult:
        self.title_line, self.facts = Rule(), Facts([Fact("why"), Fact("fix"), Fact("raw")])
        yield self.title_line
        yield self.facts
        with Horizontal(classes="more"):
            with Vertical():
                yield Rule("Full output")
                texts = (
                    "$ docker version --format json",
                    "exit 1 after 24 ms",
                    "Cannot connect to the Docker daemon at",
                    "unix:///var/run/docker.sock.",
                    "Is the docker daemon running?",
                )
                yield Text([line((text, "$muted")) for text in texts])
            with Vertical():
                yield Rule("What it unlocks")
                unlocks = [
                    ("2  ", "Model      build the image"),
                    ("3  ", "Run        nvidia runtime, gpu visible"),
                    ("4  ", "Seed test  needs Run"),
                ]
                yield Text(
                    [
                        *(line((n, "$muted"), text) for n, text in unlocks),
                        Content(""),
                        line(("open without it: ", "$muted"), "6 Template  8 Wallet"),
                    ]
                )

    @staticmethod
    def row(item: Check) -> Row:
        return Row(item.id, (item.id, item.state, item.found, item.needed_by, item.took), item.state)

    def on_found(self, event: Found) -> None:
        self.table.update_row(self.row(event.item))

    def on_table_row_highlighted(self, event: Table.RowHighlighted) -> None:
        name, state, found, steps, _ = (str(cell) for cell in event.row.cells)
        number = self.table.rows.order.index(self.table.cursor) + 1
        self.title_line.show(name, state, f"{number} of {len(self.table.rows.order)}")
        if state == "FAIL":
            text = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
            self.facts.show(
                [
                    why("cog builds your image with it; steps 3 and 4 start that image"),
                    fix("sudo systemctl start docker", "Enter run  F4 copy"),
                    raw(text, ""),
                ]
            )
        else:
            self.facts.show(
                [why(f"needed by step {' and '.join(steps.split())}"), Fact("found", found, "F4 copy"), raw(found)]
            )

    def copy_text(self) -> str:
        return "sudo systemctl start docker"

    def status(self) -> Content:
        states = [row.state for row in self.table.rows.all if isinstance(row, Row)]
        return counts(*((states.count(word), word) for word in ("ok", "warn", "FAIL", "wait", "off")))

    def aside(self) -> Content:
        return words(("open now  ", "$muted"), "6 Template  8 Wallet")


class AskStep(Checks):
    """A mild question in place of the finding."""

    script: ClassVar[Script] = [
        Consent(
            "fix.docker",
            "Run `sudo systemctl start docker`?",
            changes="starts a service of this host",
            undo="sudo systemctl stop docker",
        )
    ]


A, B = "9f2c61d0..a17e", "41b7e902..0c55"


def case(number: int, name: str, seed: str, *rest: Cell) -> Row:
    group, digest, size, time, verdict, state = (*rest, *("", "", "", "", "wait", "")[len(rest) :])
    tone = "$muted" if verdict == "wait" else "$ink"
    known = (digest, "$muted") if isinstance(digest, str) else digest
    cells: tuple[Any, ...] = (
        (str(number), "$muted"),
        name,
        (seed, tone),
        (group, "bold $ink"),
        known,
        (size, tone),
        (time, tone),
        verdict,
    )
    return Row(name, cells, "wait" if verdict == "wait" else state)


class Seed(Demo):
    """The proof: the same seed gives the same bytes."""

    step = "seed_test"
    BINDINGS: ClassVar = [
        Binding("space", "pause", "pause", id="seed.pause"),
        Binding("d", "diff", "diff two", id="seed.diff"),
        Binding("a", "add", "add case", id="seed.add"),
        Binding("o", "open", "open", id="seed.open"),
        Binding("f5", "run", "rerun", id="frame.run"),
    ]
    auto_run = False
    columns: ClassVar = [
        Column("#", 1, 2, right=True),
        Column("Case", 0, 0),
        Column("Seed", 16, 16, right=True),
        Column("", 1, 1),
        Column("sha256", 14, 14),
        Column("Size", 7, 7, right=True, spare=True),
        Column("Time", -1, 5, right=True),
        Column("Verdict", 7, 7),
    ]

    def body(self) -> ComposeResult:
        one = "33111"
        self.table = Table(
            self.columns,
            [
                case(1, "first run", one, "A", A, "1.31 MB", "0:42", ("base", "$muted")),
                case(2, "same process", one, "A", A, "1.31 MB", "0:41", "SAME"),
                case(3, "other seed", "33112", "B", B, "1.29 MB", "0:41", "DIFFERS"),
                case(4, "first seed again", one, "A", A, "1.31 MB", "0:41", "SAME"),
                case(5, "after a restart", one, "", (bar(64, 100), "$accent"), "0.84 MB", "0:44", "run", "run"),
                case(6, "seed 0", "0"),
                case(
                    7, "over 32 bits", "4294967296", "", ("HTTP 500", "bold $error"), "-", "0:03", "BLOCKER", "BLOCKER"
                ),
                case(8, "largest seed", "9007199254740975"),
                case(9, "other prompt", one),
            ],
            lead=1,
        )
        self.table.go("over 32 bits")
        yield self.table

    def finding(self) -> ComposeResult:
        yield Rule("case 7  over 32 bits", "BLOCKER", "run.py:61")
        yield Facts(
            [
                why("miners derive the seed from the task id, up to 9007199254740975"),
                fix("np.random.seed(seed % 2**32)"),
                raw("ValueError: Seed must be between 0 and 2**32 - 1"),
            ]
        )
        yield Rule("Output", "", "base case")
        yield Facts(
            [
                Fact("form", "list of 1, image/png, out-1.png, 1,310,720 B"),
                Fact("readers", "gobius ok   kasumi saves the data URI text, not the bytes", "F1 why"),
                Fact("folder", "QmZ4tDx7..k9Lx  what miners commit: CIDv0, 1 file"),
            ]
        )

    def status(self) -> Content:
        return counts((2, "SAME"), (1, "DIFFERS"), (1, "BLOCKER"), (1, "run"), (3, "wait"))

    def aside(self) -> Content:
        return words(("3:12 so far, about 2:05 left", "$muted"))


class Register(Demo):
    """The last look before the transaction."""

    step = "register"
    BINDINGS: ClassVar = [
        Binding("u", "unsigned", "unsigned", id="register.unsigned"),
        Binding("d", "sepolia", "Sepolia", id="register.sepolia"),
        Binding("f6", "calldata", "calldata", id="register.calldata"),
        Binding("j", "json", "JSON", id="register.json"),
    ]
    columns: ClassVar = [
        Column("What", 8, 8),
        Column("Will be sent", 42, 46),
        Column("State", 5, 5),
        Column("Checked against", 0, 0),
    ]
    rows: ClassVar = [
        ("call", "registerModel(addr, fee, template)", "ok", "ABI V2_EngineV6"),
        ("engine", "0x9b51Ef044d3486A1fB0A2D55A6e0CeeAdd323E66", "ok", "config, has code"),
        ("chain", "Arbitrum One 42161", "ok", "2 RPCs agree"),
        ("from", "0x52aC81F0..91D0  nonce 14  0.00412 ETH", "ok", "keyring: author"),
        ("addr", "0x52aC81F0..91D0  owns fee and settings", "ok", "not 0x..01"),
        ("fee", "0.0035 AIUS a task  3500000000000000 wei", "ok", "AIUS, not ETH"),
        ("bytes", "templates/my_sdxl.json  1,412 B", "ok", "as pinned"),
        ("CID", "QmT1a7Kd..k9Zq", "SAME", "4 of 4 ways"),
        ("model id", "0x7be19c5d..40f2", "SAME", "engine, and free"),
        ("simulate", "returns 0x7be19c5d..40f2", "ok", "gas 214,880"),
        ("cost", "0.0000041 ETH, at most 0.0000082", "ok", "covered 502x"),
    ]
    question: ClassVar = Confirm(
        "register",
        "Type the last 4 characters of the model id to send it",
        why="nothing sent yet",
        expected="40f2",
        fixed="the template, its CID and the model id",
        later="fee, addr and allow list, by addr only",
        safe="the signed hash is in journal.jsonl before it is sent",
        verb="send",
    )
    script: ClassVar[Script] = [question, Done(True)]

    def body(self) -> ComposeResult:
        rows = [Row(cells[0], ((cells[0], "$muted"), *cells[1:]), "") for cells in self.rows]
        self.table = Table(self.columns, rows, loud=False)
        yield self.table

    def status(self) -> Content:
        return words(("READY  ", "bold $success"), "1 transaction, at most 0.0000082 ETH")

    def aside(self) -> Content:
        return words(("first registration of this model", "$muted"))


class Broken(Demo):
    """A step that failed."""

    step = "pin"
    columns: ClassVar = [Column("Way", 18, 22), Column("State", 5, 5), Column("CID", 14, 14), Column("Note", 0, 0)]
    BINDINGS: ClassVar = [
        Binding("r", "run", "retry", id="pin.retry"),
        Binding("s", "skip", "skip", id="pin.skip"),
        Binding("f5", "run", "run", id="frame.run"),
    ]
    script: ClassVar[Script] = [
        NotReady(
            "kubo-down",
            "Kubo does not answer on 127.0.0.1:5001",
            why="only a running daemon lets others fetch the template; miners ignore a model whose template they "
            "cannot read",
            fix="without it: step 9 asks for your consent",
            command="ipfs daemon --init",
            detail="connect ECONNREFUSED 127.0.0.1:5001 after 2.0 s, 3 tries",
        )
    ]

    def body(self) -> ComposeResult:
        self.table = Table(
            self.columns,
            [
                Row("here", ("computed here", "SAME", "QmT1a7Kd..k9Zq", "1,412 B, no network"), ""),
                Row("engine", ("engine contract", "SAME", "QmT1a7Kd..k9Zq", "generateIPFSCID"), ""),
                Row("kubo", ("kubo on this host", "FAIL", "", "does not answer"), "FAIL"),
                Row("gateway", ("gateway", "wait", "", "needs kubo on this host"), "wait"),
            ],
        )
        self.table.go("kubo")
        yield self.table

    def status(self) -> Content:
        return counts((2, "SAME"), (1, "FAIL"), (1, "wait"))

    def aside(self) -> Content:
        return words(("your template is saved", "$muted"))


class EmptyStep(Demo):
    """Nothing yet."""

    step = "template"
    auto_run = False
    BINDINGS: ClassVar = [
        Binding("i", "import", "import", id="template.import"),
        Binding("o", "open", "open file", id="template.open"),
        Binding("g", "example", "example", id="template.example"),
    ]

    def body(self) -> Iterable[Widget]:
        yield Empty(
            "No template yet.",
            [
                ("i", "build it from the model: 7 inputs, 1 output found"),
                ("o", "open a file"),
                ("g", "start from the guide's example"),
            ],
            "It is the JSON that miners and the website read; it is registered for good.",
        )

    def status(self) -> Content:
        return words(("templates/my_sdxl.json does not exist", "$muted"))


class Typing(Demo):
    """A form."""

    step = "template"
    auto_run = False
    next_key = False

    def body(self) -> ComposeResult:
        yield Rule("guidance_scale", "", "input 3 of 6", active=True)
        self.form = Form(
            [
                Field("variable", "variable", "guidance_scale", "in model", "ok"),
                Field("type", "type", "decimal", "float", "ok", kind="choice", options=("string", "int", "decimal")),
                Field("required", "required", "no", kind="flag"),
                Field("default", "default", "7.5", "default 7.5", "ok"),
                Field("min", "min", "1", "ge 1", "ok"),
                Field(
                    "max",
                    "max",
                    "50",
                    "le 20",
                    "ERROR",
                    "the model stops at 20: a task with 21..50 fails on every miner",
                ),
                Field("description", "description", "Scale for classifier-free guidance", "34 of 200", "ok"),
            ]
        )
        self.form.at = 5
        yield self.form
        yield Rule("Who reads it")
        yield Text([line(("kasumi    ", "$muted"), ("warn  ", "bold $warning"), "rejects 7.5: no fractions")])

    def status(self) -> Content:
        return counts((1, "ERROR"), (1, "warn")) + words(("1,412 B of 65,536", "$muted"))


class Running(Demo):
    """A build that goes on."""

    step = "model"
    script: ClassVar[Script] = [
        *(Line(f"#{n} [{n}/40] RUN pip install package-{n} [/foo] [@click=app.quit]x[/]") for n in range(1, 41)),
        Progress("layers", 12, 20, "done"),
    ]


class Questions(Demo):
    """One question of each other sort."""

    step = "wallet"
    script: ClassVar[Script] = [
        Choice("way", "Which account shall sign?", options=(("new", "a new one"), ("have", "one that I have"))),
        Question("name", "How shall it be called?", why="you will see this name in lists", default="author"),
        Question("secret.password", "A password for the keystore", why="it encrypts the key on this disk"),
        Line("asked"),
        Done(True),
    ]


SCREENS: dict[str, type[Demo]] = {
    "checks": Checks, "seed": Seed, "register": Register, "rehearsal": Register, "ask": AskStep, "error": Broken,
    "empty": EmptyStep, "form": Typing, "running": Running, "questions": Questions, "cpu": Seed,
}  # fmt: skip
STATES: dict[str, dict[str, str]] = {
    "checks": {"checks": "FAIL"},
    "seed_test": {"checks": "ok", "model": "ok", "run": "ok", "seed_test": "run", "wallet": "ok"},
}
EIGHT = ("checks", "model", "run", "seed_test", "publish", "template", "pin", "wallet")


def journey(name: str) -> Journey:
    """The journey that goes with a demo screen."""
    step = SCREENS[name].step
    before = EIGHT[: EIGHT.index(step)] if step in EIGHT else EIGHT
    records: dict[str, Any] = {}
    states = STATES.get(step) or {**dict.fromkeys(before, "ok"), "wallet": "ok"}
    if name == "cpu":
        states = {"checks": "warn", "model": "ok", "run": "warn", "seed_test": "run", "publish": "FAIL",
                  "template": "1 ERROR", "pin": "ok", "wallet": "ok"}  # fmt: skip
        records = {"run": {"cpu_only": True}}
    network = "rehearsal" if name == "rehearsal" else "one"
    needed = {"run": {}, "pin": {}, "template": {}, "wallet": {}}
    return Journey("my-sdxl", network, "", step, states, {**needed, **records}, "2026-01-02T12:41:07")


def app(name: str, palette: str = "dark", log_dir: Path = Path(), **more: Any) -> ArbiusApp:
    """The app on a demo screen; every step shows this screen's class, so that going about works, too."""
    start = journey(name)

    async def open_walk() -> Walk:
        return Walk(MemoryStore(start), None)

    def screen(step: str) -> type[Demo]:
        return SCREENS[name] if step == start.at else type("Other", (Demo,), {"step": step, "auto_run": False})

    wanted: dict[str, Any] = {"palette": palette, "log_dir": log_dir, "screens": screen, **more}
    made = ArbiusApp(open_walk, start, **wanted)
    made.session.clock = lambda: 0.0
    return made


def pausing(name: str, gate: Callable[[], Any]) -> type[Demo]:
    """A demo whose script waits at its end."""
    base = SCREENS[name]
    return type("Pausing", (base,), {"script": [*base.script, gate]})


__all__ = ["SCREENS", "Demo", "MemoryStore", "Scripted", "app", "journey", "pausing", "replace"]
