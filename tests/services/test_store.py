from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arbius_tui.domain.errors import BadInput, NotReady
from arbius_tui.domain.journey import STEPS, Journey, Place
from arbius_tui.domain.records import ChecksRecord, ModelRecord, RegisterRecord, SeedTestRecord, TemplateRecord
from arbius_tui.services import store as module
from arbius_tui.services.store import ProjectStore, default_folder, fold, project_name

SIGNED = RegisterRecord(state="signed", model_id="0x" + "ab" * 32, nonce=7, tx_hash="0x" + "cd" * 32, raw="0x02f8" * 40)

words = st.text(max_size=20)
changes = st.one_of(
    st.builds(Place, at=st.sampled_from(STEPS), states=st.dictionaries(st.sampled_from(STEPS), words, max_size=3)),
    st.builds(ChecksRecord, states=st.dictionaries(words, words, max_size=4), at=words),
    st.builds(ModelRecord, folder=words, predictor=words, inputs=st.lists(words, max_size=4).map(tuple)),
    st.builds(SeedTestRecord, reproducible=st.booleans(), sha256=st.lists(words, max_size=3).map(tuple)),
    st.builds(RegisterRecord, nonce=st.integers(0, 2**256), raw=words, fee_wei=words),
)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "state" / "my-model"


@contextmanager
def opened(folder, **more):
    with ProjectStore.open(folder, "my-model", **more) as store:
        yield store


def reloaded(folder):
    with opened(folder) as store:
        return store.load(), store.recovered


def code(raised) -> str:
    problem = raised.value.problem
    assert problem.what
    assert problem.why
    assert problem.fix
    return problem.code


def test_a_new_project_starts_at_the_checks(folder):
    with opened(folder, network="sepolia", model_dir="/models/x") as store:
        journey = store.load()
    assert (journey.project, journey.network, journey.model_dir, journey.at) == (
        "my-model", "sepolia", "/models/x", "checks",
    )  # fmt: skip
    again, recovered = reloaded(folder)
    assert again == journey
    assert recovered == ""


def test_a_change_is_there_after_the_program_ended(folder):
    with opened(folder) as store:
        store.apply(TemplateRecord(path="t.json", bytes=3, cid="Qm"))
        store.apply(Place(at="register", states={"template": "ok"}))
        after = store.apply(SIGNED)
    journey, recovered = reloaded(folder)
    assert (journey, recovered) == (after, "")
    assert (journey.at, journey.state("template")) == ("register", "ok")
    assert journey.get(RegisterRecord) == SIGNED  # the private `raw` too: whoever resumes needs it


def test_what_the_files_are(folder):
    with opened(folder) as store:
        store.apply(SIGNED)
    assert folder.stat().st_mode & 0o777 == 0o700
    for name in ("state.json", "journal.jsonl", "lock"):
        assert (folder / name).stat().st_mode & 0o777 == 0o600, name
    lines = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
    assert [(line["v"], line["step"]) for line in lines] == [(1, "journey"), (1, "register")]
    assert lines[1]["change"]["raw"] == SIGNED.raw
    assert lines[1]["at"].endswith("Z")
    assert sorted(path.name for path in folder.iterdir()) == ["journal.jsonl", "lock", "state.json"]


def test_importing_and_naming_a_folder_creates_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    if sys.platform == "linux":
        assert default_folder("my-model") == tmp_path / "arbius-tui" / "my-model"
    assert list(tmp_path.iterdir()) == []


@given(st.text())
def test_a_project_name_is_one_plain_folder(text):
    if not any(char.isascii() and char.isalnum() for char in text):
        with pytest.raises(BadInput) as raised:
            project_name(text)
        assert code(raised) == "project-name"
        return
    name = project_name(text)
    assert Path("x", name).name == name
    assert name.isascii()
    assert not name.startswith((".", "-"))
    assert len(name) <= 71
    assert project_name(name) == name


def test_two_names_never_share_a_folder():
    names = ["my model", "my-model", "my/model", "my  model", "../my-model"]
    assert len({project_name(name) for name in names}) == len(names)


class TestFold:
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
    @given(rows=st.lists(changes, max_size=6), data=st.data())
    def test_any_damage_to_the_state_loses_nothing_the_journal_has(self, tmp_path_factory, rows, data):
        folder = tmp_path_factory.mktemp("fold")
        with opened(folder) as store:
            after = store.load()
            for row in rows:
                after = store.apply(row)
        whole = (folder / "state.json").read_bytes()
        assert reloaded(folder) == (after, "")
        (folder / "state.json").write_bytes(whole[: data.draw(st.integers(0, len(whole) - 2))])
        journey, recovered = reloaded(folder)
        assert journey == after
        assert "state.json.broken-1" in recovered

    @given(rows=st.lists(changes, max_size=5), cut=st.integers(0, 400))
    def test_a_torn_last_line_never_happened(self, rows, cut):
        start = Journey("p")
        lines, journeys = [], [start]
        for row in rows:
            text = json.dumps({"v": 1, "at": "now", "step": row.step, "change": module.asdict(row)}) + "\n"
            lines.append(text.encode())
            journeys.append(module.folded(journeys[-1], json.loads(text)))
        data = b"".join(lines)[:cut]
        found = fold(start, data)
        assert found.unreadable == 0
        assert found.journey == journeys[data.count(b"\n")]
        assert found.size == len(b"".join(lines[: data.count(b"\n")]))

    @given(st.binary(max_size=200))
    def test_no_bytes_break_it(self, data):
        found = fold(Journey("p"), data)
        assert found.lines + found.unreadable == data.count(b"\n")


class TestDamage:
    def test_the_state_cut_at_every_byte(self, folder):
        with opened(folder) as store:
            store.apply(TemplateRecord(cid="Qm"))
            after = store.apply(Place(at="pin", states={"template": "ok"}))
        whole = (folder / "state.json").read_bytes()
        for cut in range(len(whole) - 1):
            (folder / "state.json").write_bytes(whole[:cut])
            journey, recovered = reloaded(folder)
            assert journey == after, cut
            assert recovered, cut
        assert reloaded(folder) == (after, "")  # and each time it was written whole again

    def test_the_broken_state_is_kept_beside(self, folder):
        with opened(folder) as store:
            store.apply(SIGNED)
        for number in (1, 2):
            (folder / "state.json").write_text(f"broken {number}")
            reloaded(folder)
            assert (folder / f"state.json.broken-{number}").read_text() == f"broken {number}"

    def test_the_state_is_gone(self, folder):
        with opened(folder) as store:
            after = store.apply(SIGNED)
        (folder / "state.json").unlink()
        journey, recovered = reloaded(folder)
        assert journey == after
        assert "missing" in recovered

    def test_killed_between_journal_and_state(self, folder):
        with opened(folder) as store:
            store.apply(Place(at="pin"))
            before = (folder / "state.json").read_bytes()
            after = store.apply(SIGNED)
        (folder / "state.json").write_bytes(before)
        assert reloaded(folder) == (after, "")

    def test_a_cut_line_is_dropped_and_the_next_one_is_whole(self, folder):
        with opened(folder) as store:
            store.apply(Place(at="pin"))
        with (folder / "journal.jsonl").open("ab") as file:
            file.write(b'{"v":1,"at":"2026-01-01T00:00:00Z","step":"register","change":{"sta')
        with opened(folder) as store:
            after = store.apply(TemplateRecord(cid="Qm"))
        lines = [json.loads(line)["step"] for line in (folder / "journal.jsonl").read_text().splitlines()]
        assert lines == ["journey", "", "template"]
        assert reloaded(folder) == (after, "")

    @pytest.mark.parametrize("state", ["", "{", "[]", "{}", "null", '{"v":1}', "\xff\xfe", '{"v":"x"}', '{"v":0}'])
    @pytest.mark.parametrize("journal", [None, "", "no json\n", "[]\n{}\n"])
    def test_both_unreadable_is_said_and_nothing_is_touched(self, folder, state, journal):
        folder.mkdir(parents=True)
        (folder / "state.json").write_text(state, encoding="latin-1")
        if journal is not None:
            (folder / "journal.jsonl").write_text(journal)
        for _ in range(2):
            with pytest.raises(NotReady) as raised, opened(folder):
                pass
            assert code(raised) == "state-unreadable"
            assert raised.value.problem.fix.command.startswith("mv ")
        assert (folder / "state.json").read_text(encoding="latin-1") == state
        assert not list(folder.glob("*.broken-*"))

    def test_a_line_in_the_middle_that_is_no_json_is_counted(self, folder):
        with opened(folder) as store:
            store.apply(Place(at="pin"))
        with (folder / "journal.jsonl").open("ab") as file:
            file.write(b"noise\n")
        (folder / "state.json").unlink()
        journey, recovered = reloaded(folder)
        assert journey.at == "pin"
        assert "1 line could not be read" in recovered

    def test_a_newer_state_is_left_alone(self, folder):
        with opened(folder) as store:
            store.apply(SIGNED)
        state = json.loads((folder / "state.json").read_text())
        (folder / "state.json").write_text(json.dumps({**state, "v": 99}))
        with pytest.raises(NotReady) as raised, opened(folder):
            pass
        assert code(raised) == "state-newer"
        assert json.loads((folder / "state.json").read_text())["v"] == 99

    def test_a_migration_reaches_the_state_and_the_journal(self, folder, monkeypatch):
        with opened(folder) as store:
            store.apply(TemplateRecord(cid="Qm"))
        monkeypatch.setattr(module, "MIGRATIONS", (lambda step, record: {**record, "bytes": 5},))
        monkeypatch.setattr(module, "VERSION", 2)
        assert reloaded(folder)[0].get(TemplateRecord) == TemplateRecord(cid="Qm", bytes=5)
        (folder / "state.json").unlink()
        assert reloaded(folder)[0].get(TemplateRecord) == TemplateRecord(cid="Qm", bytes=5)


class TestWorlds:
    @pytest.mark.parametrize(("first", "second"), [("rehearsal", "one"), ("one", "rehearsal")])
    def test_a_rehearsal_never_becomes_real(self, folder, first, second):
        with opened(folder, network=first):
            pass
        with pytest.raises(BadInput) as raised, opened(folder, network=second):
            pass
        assert code(raised) == "project-network"
        assert reloaded(folder)[0].network == first

    def test_another_real_network_is_remembered_and_no_word_keeps_it(self, folder):
        with opened(folder, network="sepolia", model_dir="/a"):
            pass
        with opened(folder, network="one") as store:
            assert (store.load().network, store.load().model_dir) == ("one", "/a")
        assert reloaded(folder)[0].network == "one"


WRITER = textwrap.dedent("""
    import sys
    from pathlib import Path
    from arbius_tui.domain.records import TemplateRecord
    from arbius_tui.services.store import ProjectStore
    with ProjectStore.open(Path(sys.argv[1]), "my-model") as store:
        had = store.load().get(TemplateRecord)
        for n in range(had.bytes + 1 if had else 1, 10**6):
            store.apply(TemplateRecord(bytes=n, path="x" * (n % 5000)))
            print(n, flush=True)
""")


@contextmanager
def writer(folder):
    child = subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True)
    try:
        yield child
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def test_kill_9_at_random_moments_loses_nothing_that_was_said(folder):
    """The child says n when n is on disk; after a kill the disk has the last n that was said, or the one after it."""
    chance, said = random.Random(1), 0
    for _ in range(8):
        with writer(folder) as child:
            for _ in range(chance.randrange(1, 60)):
                said = int(child.stdout.readline())
            os.kill(child.pid, signal.SIGKILL)
            rest = [int(line) for line in child.stdout.read().splitlines() if line]
            said = rest[-1] if rest else said
        journey, recovered = reloaded(folder)
        assert journey.get(TemplateRecord).bytes in (said, said + 1)
        assert recovered == ""
        assert sorted(path.name for path in folder.iterdir()) == ["journal.jsonl", "lock", "state.json"]
        said = journey.get(TemplateRecord).bytes


class TestLock:
    def test_a_second_process_is_told_who_has_it(self, folder):
        with writer(folder) as child:
            child.stdout.readline()
            with pytest.raises(NotReady) as raised, opened(folder):
                pass
            assert code(raised) == "project-locked"
            assert str(child.pid) in raised.value.problem.what
        assert reloaded(folder)[0].get(TemplateRecord)  # the lock went with its process

    def test_a_second_store_in_this_process_is_refused_too(self, folder):
        with opened(folder), pytest.raises(NotReady) as raised, opened(folder):
            pass
        assert code(raised) == "project-locked"
        assert str(os.getpid()) in raised.value.problem.what

    def test_an_error_inside_frees_it(self, folder):
        with pytest.raises(RuntimeError), opened(folder):
            raise RuntimeError
        reloaded(folder)


class TestPeek:
    def test_a_look_while_another_process_writes(self, folder):
        with writer(folder) as child:
            said = int(child.stdout.readline())
            assert ProjectStore.peek(folder, "my-model").get(TemplateRecord).bytes >= said

    def test_a_look_changes_nothing(self, folder):
        assert ProjectStore.peek(folder, "my-model") == Journey("my-model")
        assert not folder.exists()
        with opened(folder) as store:
            after = store.apply(SIGNED)
        (folder / "state.json").write_text("broken")
        before = sorted((path.name, path.read_bytes()) for path in folder.iterdir())
        assert ProjectStore.peek(folder, "my-model") == after
        assert sorted((path.name, path.read_bytes()) for path in folder.iterdir()) == before


class TestNotWritable:
    @pytest.mark.parametrize("where", ["/dev/null/state", "/proc/arbius-tui/state"])
    @pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc")
    def test_a_folder_that_cannot_be_made(self, where):
        with pytest.raises(NotReady) as raised, opened(Path(where)):
            pass
        assert code(raised) == "state-not-writable"
        assert where in raised.value.problem.what

    def test_a_folder_below_a_file(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(NotReady) as raised, opened(tmp_path / "file" / "state"):
            pass
        assert code(raised) == "state-not-writable"

    def test_a_full_disk_loses_only_what_it_refused(self, folder, monkeypatch):
        with opened(folder) as store:
            before = store.apply(Place(at="pin"))
            monkeypatch.setattr(module.os, "fsync", lambda number: (_ for _ in ()).throw(OSError(28, "No space left")))
            with pytest.raises(NotReady) as raised:
                store.apply(SIGNED)
            assert code(raised) == "state-not-writable"
            assert "disk is full" in raised.value.problem.what
            monkeypatch.undo()
            assert store.load() == before
            after = store.apply(TemplateRecord(cid="Qm"))
        assert reloaded(folder) == (after, "")
        assert not list(folder.glob(".state-*"))

    def test_the_system_cuts_a_write_short(self, folder):
        """RLIMIT_FSIZE makes the kernel itself stop in the middle of a line; what was there before stays whole."""
        child = textwrap.dedent("""
            import resource, signal, sys
            from pathlib import Path
            from arbius_tui.domain.errors import NotReady
            from arbius_tui.domain.records import TemplateRecord
            from arbius_tui.services.store import ProjectStore
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            with ProjectStore.open(Path(sys.argv[1]), "my-model") as store:
                store.apply(TemplateRecord(cid="kept"))
                resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
                try:
                    store.apply(TemplateRecord(path="x" * 5000))
                except NotReady as refused:
                    print(refused.problem.code)
        """)
        run = subprocess.run([sys.executable, "-c", child, str(folder)], capture_output=True, text=True, check=True)
        assert run.stdout == "state-not-writable\n"
        journey, recovered = reloaded(folder)
        assert journey.get(TemplateRecord).cid == "kept"
        assert recovered == ""


class TestLinks:
    @pytest.mark.parametrize("name", ["state.json", "journal.jsonl"])
    def test_a_link_in_place_of_a_file_is_never_followed(self, folder, tmp_path, name):
        victim = tmp_path / "victim"
        victim.write_text("mine")
        folder.mkdir(parents=True)
        (folder / name).symlink_to(victim)
        with pytest.raises(NotReady) as raised, opened(folder):
            pass
        assert code(raised) == "state-unreadable"
        assert victim.read_text() == "mine"

    def test_a_link_to_the_folder_is_fine(self, folder, tmp_path):
        (tmp_path / "elsewhere").mkdir()
        folder.parent.mkdir()
        folder.symlink_to(tmp_path / "elsewhere")
        with opened(folder) as store:
            after = store.apply(Place(at="pin"))
        assert reloaded(folder) == (after, "")


def test_two_steps_that_save_at_once_lose_nothing(folder: Path) -> None:
    with ProjectStore.open(folder, "demo", "one") as store:
        words = [f"s{n}" for n in range(60)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda word: store.apply(Place(states={word: "ok"})), words))
        assert {*store.load().states} == {*words}
    with ProjectStore.open(folder, "demo") as store:
        assert {*store.load().states} == {*words}
        assert not store.recovered
