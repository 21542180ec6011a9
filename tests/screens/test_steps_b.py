"""Screens of Seed test, Template, Pin, Wallet and Register: keys on the real embedded world, and scripted states."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.strip import Strip

from arbius_tui.app import ArbiusApp
from arbius_tui.domain.cases import LARGEST_SEED, standard_cases
from arbius_tui.domain.causes import CAUSES
from arbius_tui.domain.errors import Fix, NotReady, Problem
from arbius_tui.domain.events import Done, Found, Saved, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Choice, Confirm
from arbius_tui.domain.records import PinRecord, RegisterRecord, SeedTestRecord, TemplateRecord, WalletRecord
from arbius_tui.domain.reproducibility import Hashed
from arbius_tui.domain.template import Template
from arbius_tui.rehearsal.example import example_model
from arbius_tui.rehearsal.world import open_rehearsal
from arbius_tui.screens import load
from arbius_tui.services.memory_store import MemoryStore
from arbius_tui.services.ports import Account, Services
from arbius_tui.steps import seed_case
from arbius_tui.steps.base import Walk
from arbius_tui.steps.money import Money
from arbius_tui.steps.pin import Way
from arbius_tui.steps.register import Review
from arbius_tui.steps.seed_case import CaseSeen, EndpointSeen
from arbius_tui.steps.seed_compare import ComparisonSeen
from tests.screens.demo import Scripted
from tests.screens.still import still
from tests.screens.test_frame import lines, settle, shown, until

SIZES = [(80, 24), (120, 40)]
PALETTES = ["dark", "light", "ansi", "mono"]


@pytest.fixture(autouse=True)
def own_surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("NO_COLOR", "EDITOR", "VISUAL", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    yield
    os.environ.pop("NO_COLOR", None)


# --- the real embedded world -----------------------------------------------------------------------------------------


class Defaults:
    """Answers as a rehearsal does."""

    async def __call__(self, question: Any) -> str:
        return str(question.rehearsal)

    async def secret(self, question: Any) -> Any:
        raise AssertionError(question)


async def done(walk: Walk, *names: str) -> None:
    for name in names:
        async for event in walk.run(name, Defaults()):
            if isinstance(event, Done):
                assert event.ok, name


@asynccontextmanager
async def wizard(store: MemoryStore, services: Services, at: str) -> AsyncIterator[Pilot[Any]]:
    """The app at a step of a journey on real services."""
    await Walk(store, services).go(at)

    async def open_walk() -> Walk:
        return Walk(store, services)

    app = ArbiusApp(open_walk, store.load(), palette="dark")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.session.walk)
        yield pilot


async def work(pilot: Pilot[Any], *keys: str) -> Any:
    """Press keys; wait until the step is through or asks something. The screen."""
    screen: Any = pilot.app.screen
    before = screen.ask.pane
    await pilot.press(*keys)
    await until(pilot, lambda: not screen.running or screen.ask.pane not in (None, before))
    await settle(pilot)
    return screen


async def test_from_the_proof_to_the_model_id_by_keys_alone(tmp_path: Path) -> None:
    async with open_rehearsal(tmp_path / "rehearsal") as services:
        store = MemoryStore(Journey("demo", "rehearsal", str(example_model())))
        await done(Walk(store, services), "run")
        async with wizard(store, services, "seed_test") as pilot:
            await prove(pilot)
            await describe(pilot)
            await pin_and_choose(pilot)
            await back_out(pilot, services)
            await register(pilot, services)
        await resumed(store, services)


async def prove(pilot: Pilot[Any]) -> None:
    assert "Nothing is proved yet." in shown(pilot.app)
    screen = await work(pilot, "space")
    text = shown(pilot.app)
    digests = {case.id: case.outputs[0].sha256 for case in screen.cases.values()}
    assert digests["first"] == digests["again"] == digests["after-restart"] != digests["other-seed"]
    assert "8 SAME  16 DIFFERS" in text
    assert "reproducible" in lines(pilot.app)[-3]
    assert screen.copy_text() == digests["miner-defaults"]
    assert digests["miner-defaults"] in text, "the full hash is on screen at 80 columns"
    assert "Enter" not in lines(pilot.app)[-2]
    assert lines(pilot.app)[-2].split()[:2] == ["F10", "next"]


async def describe(pilot: Pilot[Any]) -> None:
    await pilot.press("f10", "f10")
    await work(pilot, "enter")
    assert "Where shall the template lie?" in shown(pilot.app)
    await work(pilot, "enter")
    assert "Where shall the template come from?" in shown(pilot.app)
    screen = await work(pilot, "enter")
    await until(pilot, lambda: screen.editing is not None and screen.model is not None)
    await settle(pilot)
    text = shown(pilot.app)
    assert " warn  " in text
    assert "of 65,536" in text
    assert screen.editing.template.cid == screen.copy_text()
    assert screen.here.startswith("meta/"), "the cursor stands where something is missing"
    await pilot.press("1")
    await settle(pilot)
    assert "What the picture shows" in shown(pilot.app)
    screen = await work(pilot, "f5")
    await until(pilot, lambda: "left/seed" in screen.table.rows.places)


async def pin_and_choose(pilot: Pilot[Any]) -> None:
    await pilot.press("f10")
    screen = await work(pilot, "enter")
    assert lines(pilot.app)[-3].startswith("  3 SAME")
    assert screen.copy_text() in shown(pilot.app)
    await pilot.press("f10")
    screen = await work(pilot, "enter")
    assert screen.chosen.name == "throw-away", "one Enter makes the key"
    assert screen.chosen.address in shown(pilot.app)
    assert "0.01 ETH" in shown(pilot.app)


async def back_out(pilot: Pilot[Any], services: Services) -> None:
    await pilot.press("f10")
    await work(pilot, "enter")
    await work(pilot, "enter")
    screen = await work(pilot, "enter")
    assert "Cannot be undone" in shown(pilot.app)
    assert "READY" in lines(pilot.app)[-3]
    assert lines(pilot.app)[-2].split() == ["Esc", "back"], "typing is next, so no key is filled"
    await work(pilot, "escape")
    assert "nothing was sent" in lines(pilot.app)[-3]
    assert not screen.running
    wallet = pilot.app.session.journey.get(WalletRecord)
    assert pilot.app.session.journey.get(RegisterRecord) is None
    assert await services.chain.nonce(wallet.address) == 0


async def register(pilot: Pilot[Any], services: Services) -> None:
    await work(pilot, "enter")
    await work(pilot, "enter")
    screen = await work(pilot, "enter")
    model_id = screen.rows["model id"].full
    wrong = "0" if model_id[-4] != "0" else "1"
    await pilot.press(wrong, *model_id[-3:], "enter")
    await settle(pilot)
    assert "nothing sent" in shown(pilot.app)
    assert screen.ask.pane is not None
    await pilot.press(*model_id[-4:-1])
    await settle(pilot)
    assert "1 to go" in shown(pilot.app)
    await pilot.press(model_id[-1])
    await settle(pilot)
    assert "matches" in shown(pilot.app)
    await work(pilot, "enter")
    record = pilot.app.session.journey.get(RegisterRecord)
    assert record.state == "mined"
    assert record.mined_id == record.model_id == model_id
    assert screen.rows["tx"].full == record.tx_hash
    assert screen.rows["event"].state == "SAME"
    assert await services.chain.nonce(record.sender) == 1
    assert "registered" in lines(pilot.app)[-3]
    await pilot.press("f2")
    await settle(pilot)
    assert f"--confirm {model_id[-4:]}" in screen.command()
    await pilot.press("escape")


async def resumed(store: MemoryStore, services: Services) -> None:
    journey = store.load()
    register = journey.get(RegisterRecord)
    pinned, wallet, seed = journey.get(PinRecord), journey.get(WalletRecord), journey.get(SeedTestRecord)
    assert register
    assert pinned
    assert wallet
    assert seed
    async with wizard(store, services, "register") as pilot:
        await settle(pilot)
        screen: Any = pilot.app.screen
        assert screen.rows["event"].full == register.mined_id
        assert not screen.running
        screen = await work(pilot, "enter")
        await work(pilot, "enter")
        await work(pilot, "enter")
        assert "already registered" in "\n".join(row for row, _ in screen.log_lines.kept)
        assert await services.chain.nonce(register.sender) == 1, "nothing was sent"
        for step, wanted in (("wallet", wallet.address), ("pin", pinned.cid), ("seed_test", seed.sha256[0])):
            await pilot.app.run_action(f"app.go('{step}')")
            await settle(pilot)
            assert wanted in shown(pilot.app), step
        await pilot.app.run_action("app.go('template')")
        await until(pilot, lambda: not pilot.app.screen.running)
        await settle(pilot)
        assert pilot.app.screen.copy_text() == pinned.cid


# --- scripted --------------------------------------------------------------------------------------------------------

URL = "http://127.0.0.1:5000"
A, B, C = (Hashed("out-1.png", "image/png", 1_310_720, c * 64) for c in ("9f", "41", "c7"))
A, B, C = (replace(h, sha256=h.sha256[:64]) for h in (A, B, C))
INPUTS = {"prompt": "an astronaut on a horse", "width": 1024, "height": 1024}
KNOWN = {known.id: known for known in standard_cases()}


def case(number: int, id: str, title: str, seed: int, output: Hashed | None = None, **more: Any) -> CaseSeen:
    known = KNOWN[id]
    standard = {"expect": known.expect, "before": known.before, "against": known.against, "purpose": known.why}
    made = CaseSeen(id, number, title, seed, "1", {**INPUTS, "seed": seed}, **{**standard, **more})
    return replace(made, outputs=(output,), status="succeeded", seconds=41.4) if output else made


WAITING = [
    case(1, "first", "first run", 33111),
    case(2, "again", "same seed again", 33111),
    case(3, "other-seed", "other seed", 33112),
    case(4, "first-again", "first seed again", 33111),
    case(5, "after-restart", "after a restart", 33111),
    case(6, "over-32-bits", "over 32 bits", 2**32),
    case(7, "largest-seed", "largest seed", LARGEST_SEED),
]
REFUSED = "HTTP 500: ValueError: Seed must be between 0 and 2**32 - 1"
ENDED = [
    case(1, "first", "first run", 33111, A, verdict="SAME", letter="A"),
    case(2, "again", "same seed again", 33111, A, verdict="SAME", letter="A"),
    case(3, "other-seed", "other seed", 33112, B, verdict="DIFFERS", letter="B"),
    case(4, "first-again", "first seed again", 33111, A, verdict="SAME", letter="A"),
    replace(WAITING[4], status="run"),
    case(6, "over-32-bits", "over 32 bits", 2**32, status="failed", verdict="BLOCKER", wanted=False, error=REFUSED,
         seconds=3.2),
    WAITING[6],
]  # fmt: skip
FAILED = [
    *ENDED[:4],
    replace(ENDED[0], id="after-restart", number=5, title="after a restart", expect="same"),
    ENDED[5],
    replace(ENDED[5], id="largest-seed", number=7, title="largest seed", seed=LARGEST_SEED),
]
SEEDS = SeedTestRecord(False, (A.sha256,), tuple(seed_case.row(c) for c in FAILED), "image/png")

TEXT = (
    b'{"meta":{"title":"My SDXL","description":"","git":"https://github.com/me/sdxl","docker":"","version":1},"input":['
    b'{"variable":"prompt","type":"string","required":true,"default":"","description":"what to draw"},'
    b'{"variable":"guidance_scale","type":"decimal","required":false,"min":1,"max":50,"default":7.50,'
    b'"description":"Scale for [red]classifier-free[/] guidance"}],'
    b'"output":[{"filename":"out-1.png","type":"image"}]}\n'
)
FILE = Template.parse(TEXT)
CID = FILE.cid
DOWN = Problem("kubo-down", "Kubo does not answer on 127.0.0.1:5001", "only a running daemon lets others fetch",
               Fix("without it: step 9 asks for your consent", "ipfs daemon --init"), "ECONNREFUSED")  # fmt: skip
WAYS = [
    Found(Way("computed", "computed here", "SAME", CID, "571 B, no network")),
    Found(Way("engine", "engine contract", "SAME", CID, "generateIPFSCID")),
    Found(Way("kubo", "kubo on this host", "FAIL", "", DOWN.what)),
    Found(Way("others", "others fetch it", "FAIL", note="no store has it; its bytes are kept here")),
    Trouble(DOWN),
    Done(False, 6),
]
PLAIN = "plain `ipfs add` here gives bafkreib..jgmi: CIDv1, raw leaf"
PINNED = PinRecord(
    CID, 571, "77" * 32,
    ({"id": "kubo 127.0.0.1:5001", "where": "http://127.0.0.1:5001", "cid": CID, "note": "announced to the network",
      "sort": "kubo"},
     {"id": "kubo 10.0.0.7:5001", "where": "http://10.0.0.7:5001", "cid": CID, "note": "announced to the network",
      "sort": "kubo"},
     {"id": "pinata api.pinata.cloud", "where": "https://api.pinata.cloud", "cid": CID, "sort": "pinata",
      "note": "it says it is pinned"}),
    True, ("kubo 10.0.0.7:5001", "gateway ipfs.io"),
    ({"url": "https://ipfs.arbius.org", "state": "absent", "sha256": ""},
     {"url": "https://ipfs.io", "state": "ok", "sha256": "77" * 32}), True,
)  # fmt: skip
FOUND = Problem("nobody-fetched-yet", "nobody else has been seen to fetch it yet (1 asked)", "a search takes minutes",
                Fix("pin again in some minutes"), severity="warn")  # fmt: skip
ANNOUNCED = [
    *WAYS[:2],
    Found(Way("kubo 127.0.0.1:5001", "kubo :5001", "SAME", CID, "announced to the network", (PLAIN,))),
    Found(Way("gateway ipfs.io", "ipfs.io", "warn", note="gateway ipfs.io did not find it within 60 s")),
    Found(Way("others", "others fetch it", "warn", note="announced; nobody else has been seen to fetch it yet")),
    Trouble(FOUND),
    Done(True, 0, {}, "warn"),
]

OWN = "0x52aC81F0a5F4b4a5E3f1f6cD9B0E1C2D3A4B91D0"
ID = "0x7be19c5d3f0a4482b1c6de0a90751fe0c2d84b3396a1f05e8b72c4d1a6e940f2"
ENGINE = "0x9b51Ef044d3486A1fB0A2D55A6e0CeeAdd323E66"
TX = "0xd9bf744de6a4c04f9710f7e24daae4179df003e02a90a841868e3c4dae85ab6a"
REVIEW = [
    Found(Review("call", "registerModel(addr, fee, template)", "ok", "ABI V6")),
    Found(Review("engine", ENGINE, "ok", "has code", ENGINE)),
    Found(Review("chain", "Arbitrum One 42161", "ok", "eth_chainId")),
    Found(Review("from", "0x52aC81F0..91D0  nonce 14  0.00412 ETH", "ok", "keyring: author", OWN)),
    Found(Review("addr", "0x52aC81F0..91D0  owns fee and settings", "ok", "checksum", OWN)),
    Found(Review("fee", "0.0035 AIUS a task  3500000000000000 wei", "ok", "AIUS, not ETH")),
    Found(Review("bytes", "my_sdxl.json  571 B", "ok", "as pinned", "/home/me/my_sdxl.json")),
    Found(Review("CID", f"{CID[:8]}..{CID[-4:]}", "SAME", "4 of 4 ways", CID)),
    Found(Review("model id", "0x7be19c5d..40f2", "SAME", "engine, and free", ID)),
    Found(Review("simulate", "returns 0x7be19c5d..40f2", "ok", "gas 214,880", ID)),
    Found(Review("cost", "at most 0.0000082 ETH", "ok", "covered")),
]
SURE = Confirm("confirm", "Type the last 4 characters of the model id to send it", "nothing sent yet", expected="40f2",
               fixed="the template, its CID and the model id", later="fee, addr and allow list, by addr only",
               safe="the signed hash is in journal.jsonl before it is sent", verb="send")  # fmt: skip
SIGNED = RegisterRecord("signed", ID, "", CID, OWN, OWN, "3500000000000000", 42161, ENGINE, 14, TX, "0x02")
MINED = replace(SIGNED, state="mined", mined_id=ID, block=391_204_118, gas_used=214_880, cost_wei="4100000000000")


def seed_script(*, gate: Any = None) -> list[Any]:
    found = [Found(c) for c in WAITING]
    ran = [event for old, new in zip(WAITING, ENDED, strict=True) if new.status != "wait"
           for event in (Found(replace(old, status="run")), Found(new))]  # fmt: skip
    return [*found, *ran, gate] if gate else [*found, *ran]


def pause() -> tuple[Any, asyncio.Event]:
    """A gate at which a script waits."""
    gate = asyncio.Event()
    return gate.wait, gate


def app_of(step: str, script: list[Any], palette: str = "dark", network: str = "one", **records: Any) -> ArbiusApp:
    """The real screen of a step on a scripted step; `records` are what the journey remembers."""
    base = load(step)

    def play(self: Any) -> Scripted:
        return Scripted(script)

    needed = {
        "run": {"url": URL},
        "template": {"path": "/home/me/my_sdxl.json"},
        "pin": {},
        "wallet": {"name": "author"},
    }
    known = {key: value for key, value in {**needed, **records}.items() if key != step or key in records}
    start = Journey("my-sdxl", network, "", step, {}, known, "2026-01-02T12:41:07")
    for name in records:
        start = replace(start, states={**start.states, name: "ok"})
    screen = type("Played", (base,), {"work": play, "BINDINGS": base.BINDINGS})

    async def open_walk() -> Walk:
        nowhere: Any = None
        return Walk(MemoryStore(start), nowhere)

    app = ArbiusApp(open_walk, start, palette=palette, screens=lambda _: screen)
    app.session.clock = lambda: 100.0
    return app


def saved(record: Any) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(record)


async def test_a_failed_case_has_words_and_no_hash() -> None:
    app = app_of("seed_test", [*seed_script(), Done(False, 4)])
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await work(pilot, "space")
        row = next(row for row in lines(app) if "over 32 bits" in row)
        assert "HTTP 500" in row
        assert "BLOCKER" in row
        assert screen.table.row.id == "over-32-bits"
        text = shown(app)
        assert "np.random.seed(seed %" in text
        assert "ValueError: Seed must be" in text
        assert "never hashed" in text
        assert screen.copy_text() == ""
        assert not screen.has_class("-problem")
        assert screen.cases["1", "after-restart"].status == "wait", "what was cut off did not run"
        await pilot.press("up", "up")
        await settle(pilot)
        assert screen.copy_text() == A.sha256


async def test_a_diagnosis_is_neither_swallowed_nor_a_wall() -> None:
    app = app_of("seed_test", [*map(Found, ENDED[:3]), Trouble(CAUSES["seed-ignored"]), Done(False, 4)])
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await work(pilot, "space")
        assert not screen.has_class("-problem")
        assert "another seed gives the same bytes" in shown(app)
        assert any("another seed gives the same bytes" in row for row, _ in screen.log_lines.kept)


async def test_another_failure_of_the_test_is_a_panel() -> None:
    app = app_of("seed_test", [NotReady("endpoint-unreachable", "nothing answers there", why="w", fix="F5")])
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await work(pilot, "space")
        assert screen.has_class("-problem")
        assert "nothing answers there" in shown(app)


async def test_cancel_leaves_the_running_case_open_and_run_is_no_key_meanwhile() -> None:
    wait, _ = pause()
    app = app_of("seed_test", seed_script(gate=wait))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("space")
        screen: Any = app.screen
        await until(pilot, lambda: ("1", "over-32-bits") in screen.cases and screen.cases["1", "over-32-bits"].error)
        job = screen.job
        await pilot.press("space", "f5")
        await settle(pilot)
        assert screen.job is job, "it is not started a second time"
        await pilot.press("x")
        await until(pilot, lambda: not screen.running)
        await settle(pilot)
        assert screen.cases["1", "after-restart"].status == "wait"
        assert app.session.journey.state("seed_test") == "-"


async def test_the_running_case_shows_how_far_it_is_by_the_time_of_those_before() -> None:
    wait, _ = pause()
    app = app_of("seed_test", [*map(Found, ENDED[:4]), Found(replace(WAITING[4], status="run")), wait])
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("space")
        screen: Any = app.screen
        await until(pilot, lambda: ("1", "after-restart") in screen.cases)
        app.session.clock = lambda: 100.0 + 41.4 / 2
        screen.refresh_status()
        await settle(pilot)
        assert " 50%" in next(row for row in lines(app) if "after a restart" in row)
        app.session.clock = lambda: 1000.0
        screen.refresh_status()
        await settle(pilot)
        assert " 99%" in next(row for row in lines(app) if "after a restart" in row), "never 100 before its end"


SERVERS = [EndpointSeen("1", URL), EndpointSeen("2", "http://10.0.0.2:5000")]
ELSEWHERE = [
    replace(ENDED[0], endpoint="2", letter="A"),
    replace(ENDED[1], endpoint="2", outputs=(C,), letter="C", verdict="BLOCKER", wanted=False, why="other bytes"),
]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_each_server_has_a_column_and_v_looks_at_the_next_one(size: tuple[int, int]) -> None:
    app = app_of("seed_test", [*map(Found, SERVERS), *map(Found, [*ENDED[:2], *ELSEWHERE]), Done(False, 4)])
    async with app.run_test(size=size) as pilot:
        screen = await work(pilot, "space")
        rows = lines(app)
        assert any("server 1" in row and "server 2" in row for row in rows)
        row = next(row for row in rows if "same seed again" in row)
        assert row.index("A SAME") < row.index("C BLOCKER")
        assert "on server 2" in shown(app), "the one that is not as wanted is looked at"
        assert screen.copy_text() == C.sha256
        await pilot.press("v")
        await settle(pilot)
        assert "on server 1" in shown(app)
        assert screen.copy_text() == A.sha256


async def test_s_takes_every_spelling_of_a_server_and_runs_the_cases_there() -> None:
    seen = [SERVERS[0], EndpointSeen("2", "ssh://me@gpu", "RTX 4090", "550.54", "0.23.1", place="docker")]
    seen.append(EndpointSeen("3", "replicate:owner/name", cog="0.16.8", place="replicate"))
    rows = [*ENDED[:2], *(replace(case, endpoint=id) for id in "23" for case in ENDED[:2])]
    app = app_of("seed_test", [*map(Found, seen), *map(Found, rows), Done(True)])
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await work(pilot, "space")
        await pilot.press("v")
        await settle(pilot)
        assert "ssh://me@gpu, RTX 4090, driver 550.54, cog 0.23.1" in shown(app)
        await pilot.press("v")
        await settle(pilot)
        assert "replicate:owner/name, GPU not known, cog 0.16.8" in shown(app)
        command = screen.command()
        assert command.startswith(f"arbius-tui seed-test --endpoint {URL} --docker ssh://me@gpu --endpoint replicate:")
        await pilot.press("s")
        await until(pilot, lambda: "Which other servers" in shown(app))
        assert "tcp://gpu:2376" in shown(app)
        assert "ssh://me@gpu replicate:owner/name" in shown(app), "those of the last test are there"
        await pilot.press("space", *"gpu-box")
        await pilot.press("enter")
        await until(pilot, lambda: screen.also != ())
        assert screen.machines().also == ("ssh://me@gpu", "replicate:owner/name", "gpu-box")
        await until(pilot, lambda: not screen.running)


async def test_two_runs_are_a_page_and_esc_leads_back() -> None:
    seen = ComparisonSeen("1", "first", "again", "out-1.png", False, "", "all bytes differ", ("line [b]one[/]", "two"))
    app = app_of("seed_test", [*map(Found, ENDED[:2]), Found(seen), Done(True)])
    async with app.run_test(size=(80, 24)) as pilot:
        await work(pilot, "space")
        await until(pilot, lambda: "Two runs" in shown(app))
        assert "all bytes differ" in shown(app)
        assert "line [b]one[/]" in shown(app), "foreign text is no markup"
        await pilot.press("escape")
        await until(pilot, lambda: "first seed" in shown(app) or "same seed again" in shown(app))


async def test_panes_are_broken_anew_on_another_size() -> None:
    app = app_of("seed_test", [], seed_test=saved(SEEDS))
    async with app.run_test(size=(160, 40)) as pilot:
        await settle(pilot)
        await pilot.resize_terminal(116, 40)
        await settle(pilot)
        assert not [row for row in lines(app) if "nearly every ta.." in row]
        await pilot.resize_terminal(60, 20)
        await settle(pilot)
        assert "BLOCKER" in shown(app)


async def test_a_table_is_never_wider_than_its_place_after_a_resize() -> None:
    app = app_of("seed_test", [], seed_test=saved(SEEDS))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for size in ((120, 40), (80, 24), (160, 40), (100, 30)):
            await pilot.resize_terminal(*size)
            await settle(pilot)
            rows = [row for row in lines(app) if "BLOCKER" in row and "over 32 bits" in row]
            assert rows, f"the verdict is cut off at {size}"
        # A terminal that grows past the list of steps lays the table out twice, and paints between the two.
        table: Any = app.screen.query_one("#main > Table")
        table._strips[2] = Strip.blank(120)
        assert table.render_line(2).cell_length == table.size.width


async def test_saved_cases_are_there_with_the_first_frame_and_explain_themselves() -> None:
    app = app_of("seed_test", [], seed_test=saved(SEEDS))
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        text = shown(app)
        assert "not reproducible" in text
        assert "seeds above 32 bits fail" in text
        assert '"seed": 4294967296' in text
        assert app.screen.table.row.id == "over-32-bits"


@pytest.mark.parametrize("cases", [None, 3, ["x"], [{"outputs": [3], "seed": "x", "inputs": 4}], [{}]])
async def test_a_damaged_state_opens(cases: Any) -> None:
    app = app_of("seed_test", [], seed_test={"cases": cases})
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "Seed test" in shown(app)


@pytest.mark.parametrize("step", ["pin", "wallet", "register", "template"])
async def test_a_damaged_record_of_another_step_opens_too(step: str) -> None:
    app = app_of(
        step, [], **{step: {"stores": 3, "cid": "Qm", "address": 1, "model_id": "0x1", "path": 3, "fee_wei": "x"}}
    )
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "my-sdxl" in lines(app)[0]
        app.screen.command()


async def test_a_file_that_cannot_be_read_is_a_panel() -> None:
    app = app_of("template", [NotReady("not-json", "line 3 is no JSON", why="w", fix="f")])
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await work(pilot, "enter")
        assert screen.has_class("-problem")
        assert "line 3 is no JSON" in shown(app)


async def test_a_way_that_failed_has_the_panel_and_the_others_their_finding() -> None:
    app = app_of("pin", WAYS)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await work(pilot, "enter")
        assert screen.table.row.id == "kubo"
        assert "ipfs daemon --init" in shown(app)
        assert screen.copied() == "ipfs daemon --init"
        await pilot.press("up")
        await settle(pilot)
        assert not screen.has_class("-problem")
        assert CID in shown(app)
        assert screen.copied() == CID
        await pilot.press("down")
        await settle(pilot)
        assert screen.has_class("-problem")
        assert screen.command() == "arbius-tui pin /home/me/my_sdxl.json"


async def test_what_only_warns_waits_in_its_row_and_says_what_to_do() -> None:
    app = app_of("pin", ANNOUNCED)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await work(pilot, "enter")
        assert screen.table.row.id == "computed", "the cursor stays where it was"
        await pilot.press("down", "down")
        await settle(pilot)
        assert "plain `ipfs add` here gives bafkrei" in shown(app)
        await pilot.press("down", "down")
        await settle(pilot)
        assert screen.table.row.id == "others"
        assert "pin again in some minutes" in shown(app)
        assert "nobody else can fetch it yet" in lines(app)[-3] or "3 SAME" in lines(app)[-3]


async def test_what_was_pinned_is_there_again_with_its_command() -> None:
    app = app_of("pin", [], template=saved(TEMPLATE), pin=saved(PINNED))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        screen: Any = app.screen
        text = shown(app)
        assert "by kubo 10.0.0.7" in text
        assert "others can fetch it" in lines(app)[-3]
        assert screen.command() == (
            "arbius-tui pin /home/me/my_sdxl.json --ipfs http://10.0.0.7:5001 --remote pinata=https://api.pinata.cloud"
        )


async def test_another_place_is_a_key() -> None:
    app = app_of("pin", [])
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        screen: Any = app.screen
        real = type(screen).__mro__[1].work
        screen.adding = True
        step = real(screen)
        assert step.elsewhere
        assert not screen.adding
        assert real(screen) is None
        assert "o other place" in lines(app)[-2]


async def test_a_real_account_is_chosen_by_a_key() -> None:
    account = Account("author", OWN, "keystore")
    choice = Choice("account", "Which account signs?", "w", options=(("author", "author"), ("new", "a new key")))
    script = [Found(account), choice, Saved(WalletRecord("author", OWN, "keystore")),
              Found(Money("balance", OWN, "4120000000000000", "0.00412 ETH on Arbitrum One")), Done(True)]  # fmt: skip
    app = app_of("wallet", script)
    async with app.run_test(size=(80, 24)) as pilot:
        await work(pilot, "enter")
        assert "Which account signs?" in shown(app)
        screen = await work(pilot, "enter")
        assert screen.chosen.address == screen.copy_text() == OWN
        assert "0.00412 ETH" in shown(app)
        assert screen.command() == "arbius-tui wallet list"


async def test_in_the_rehearsal_a_choice_of_several_is_still_asked() -> None:
    options = (("throw-away", "throw-away"), ("new", "a new key"))
    choice = Choice("account", "Which account signs?", "w", rehearsal="throw-away", options=options)
    app = app_of("wallet", [choice, Done(True)], network="rehearsal")
    async with app.run_test(size=(80, 24)) as pilot:
        await work(pilot, "enter")
        assert "Which account signs?" in shown(app)


async def test_a_registration_that_was_sent_is_followed_at_once() -> None:
    app = app_of("register", [Saved(MINED), Done(True)], register=saved(replace(SIGNED, state="sent")))
    async with app.run_test(size=(80, 24)) as pilot:
        screen: Any = app.screen
        await until(pilot, lambda: app.session.walk and not screen.running and "event" in screen.rows)
        await settle(pilot)
        assert screen.rows["event"].full == ID
        assert "block 391,204,118" in shown(app)


async def test_a_registration_that_was_only_signed_waits_for_a_key() -> None:
    app = app_of("register", [], register=saved(SIGNED))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.session.walk)
        await settle(pilot)
        assert not app.screen.running
        assert "journaled" in shown(app)


async def test_a_model_that_was_there_before_says_so() -> None:
    record = replace(SIGNED, state="already", tx_hash="", raw="")
    app = app_of("register", [Saved(record), Done(True)])
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await work(pilot, "enter")
        assert "it is registered already" in shown(app)
        assert "nothing was sent" in lines(app)[-3]
        assert screen.copy_text()


async def test_the_command_of_a_registration_is_whole() -> None:
    app = app_of("register", [*REVIEW, SURE], network="sepolia")
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await work(pilot, "enter")
        assert screen.command() == (
            "arbius-tui register --template /home/me/my_sdxl.json --from author --fee 0.0035 --confirm 40f2 "
            "--network sepolia"
        )


@pytest.mark.parametrize("step", ["seed_test", "template", "pin", "wallet", "register"])
async def test_the_help_says_why(step: str) -> None:
    app = app_of(step, [])
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("f1")
        await settle(pilot)
        first = load(step).why.split()[:4]
        assert " ".join(first) in shown(app)


# --- pictures --------------------------------------------------------------------------------------------------------


def shot(name: str, palette: str = "dark") -> tuple[ArbiusApp, list[str]]:
    """A state of a screen, and the keys that lead to it."""
    step, _, state = name.partition("-")
    step = {"seed": "seed_test"}.get(step, step)
    wait, _gate = pause()
    scripts = {
        "seed_test": seed_script(gate=wait), "pin": WAYS,
        "register": [*REVIEW, SURE],
    }  # fmt: skip
    records = {"pin": PINNED, "seed_test": SEEDS, "wallet": WalletRecord("author", OWN, "keyring"), "register": MINED}
    if state == "empty":
        return app_of(step, [], palette), []
    if state == "saved":
        return app_of(step, [], palette, template=saved(TEMPLATE), **{step: saved(records[step])}), []
    return app_of(step, scripts[step], palette), ["space" if step == "seed_test" else "enter"]


TEMPLATE = TemplateRecord("/home/me/my_sdxl.json", FILE.size, CID)


def ready(keys: list[str]) -> Any:
    async def go(pilot: Pilot[Any]) -> None:
        await until(pilot, lambda: pilot.app.session.walk)
        await settle(pilot)
        await pilot.press(*keys)
        screen: Any = pilot.app.screen
        if keys:
            ended = ("FAIL", "ok", "warn", "-")
            await until(
                pilot,
                lambda: (
                    screen.ask.pane
                    or (not screen.running and pilot.app.session.journey.state(screen.step) in ended)
                    or getattr(screen, "led", "") == "over-32-bits"
                ),
            )
        await still(pilot)

    return go


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize(
    "name",
    ["seed", "seed-saved", "seed-empty", "template-empty", "pin", "pin-empty", "pin-saved", "wallet-saved",
     "wallet-empty", "register", "register-saved", "register-empty"],
)  # fmt: skip
def test_the_look(name: str, size: tuple[int, int], snap_compare: Any) -> None:
    app, keys = shot(name)
    assert snap_compare(app, terminal_size=size, run_before=ready(keys))


@pytest.mark.parametrize("palette", ["light", "ansi", "mono"])
@pytest.mark.parametrize("name", ["seed"])
def test_the_look_in_other_palettes(name: str, palette: str, snap_compare: Any) -> None:
    app, keys = shot(name, palette)
    assert snap_compare(app, terminal_size=(80, 24), run_before=ready(keys))
