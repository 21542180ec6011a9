"""The command line as a user types it: one answer, words and an exit code for every mistake, never a traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

EXE = str(Path(sys.executable).parent / "arbius-tui")
GUIDE = Path(__file__).parent.parent / "assets" / "guide-example.json"
SENDER, NOBODY = "0x8bf544e4a5d10d7549ed033b325b54eb04f225bf", "0x0000000000000000000000000000000000000001"


def run(*argv: str, cwd: Path | None = None, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [EXE, *argv], capture_output=True, text=True, timeout=90, input=stdin, cwd=cwd, env={**os.environ, **env}
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done


@pytest.fixture
def compact(tmp_path: Path) -> Path:
    """The guide's example as it was registered: compact, with a final newline."""
    path = tmp_path / "guide.json"
    document = json.loads(GUIDE.read_text())
    path.write_text(json.dumps(document, separators=(",", ":"), ensure_ascii=False) + "\n")
    assert path.stat().st_size == 1492
    return path


def test_the_cid_of_2023(compact: Path) -> None:
    assert run("cid", str(compact)).stdout == "Qmeygu6J1yFcJud2w9prrFqEKm9S6HNeQp4etCi15iepHN\n"


def test_the_model_id_of_2023(compact: Path) -> None:
    done = run("id", str(compact), "--sender", SENDER, "--addr", NOBODY, "--fee", "0")
    assert done.stdout == "0x4b4361ec84746a3e1b680555d4d762f7df1f7f2bc3d1f112e112a117f783a92d\n"


def test_the_same_answer_as_json(compact: Path) -> None:
    (line,) = run("cid", str(compact), "--json").stdout.splitlines()
    done = json.loads(line)
    assert (done["event"], done["exit"], done["result"]["cid"][:4]) == ("done", 0, "Qmey")


def test_showing_a_template_leaves_it_alone(compact: Path) -> None:
    before = compact.read_bytes()
    done = json.loads(run("template", "show", str(compact), "--json").stdout.splitlines()[-1])
    assert done["result"]["bytes"] == 1492
    assert compact.read_bytes() == before


SCHEMA = Path(__file__).parent / "fixtures" / "schemas" / "v-new-image-openapi.json"


def test_a_draft_goes_to_stdout_and_words_to_stderr(tmp_path: Path) -> None:
    done = run("template", "draft", "--schema", str(SCHEMA), cwd=tmp_path)
    assert [row["variable"] for row in json.loads(done.stdout)["input"]][:2] == ["prompt", "width"]
    assert "7 inputs: 6 mapped, 0 asked, 1 left out" in done.stderr
    assert "not in template 1: seed" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_draft_in_a_file_is_the_one_on_stdout(tmp_path: Path) -> None:
    shown = run("template", "draft", "--schema", str(SCHEMA), cwd=tmp_path).stdout
    out = tmp_path / f"{SCHEMA.stem}.json"
    done = run("template", "draft", "--schema", str(SCHEMA), "-o", out.name, "--json", "--no-input", cwd=tmp_path)
    result = json.loads(done.stdout.splitlines()[-1])["result"]
    assert out.read_text() == shown
    assert result["counts"] == {
        "inputs": 7, "mapped": 6, "asked": 0, "left_out": 1, "refused": 0, "asked_values": 4,
    }  # fmt: skip
    assert [item["variable"] for item in result["left_out"]] == ["seed"]
    assert result["path"] == str(out)
    again = run("template", "draft", "--schema", str(SCHEMA), "-o", out.name, cwd=tmp_path)
    assert (again.returncode, out.read_text()) == (2, shown)


def test_a_template_without_a_final_newline_stays_without(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_bytes(b'{ "input": [] }')
    assert run("template", "draft", "--from", "mine.json", cwd=tmp_path).stdout == '{ "input": [] }'


def test_a_models_folder_is_drafted(tmp_path: Path) -> None:
    (tmp_path / ".cog").mkdir()
    (tmp_path / ".cog" / "openapi_schema.json").write_bytes(SCHEMA.read_bytes())
    (tmp_path / "cog.yaml").write_text("image: r8.im/me/little\n")
    done = run("template", "draft", ".", "--json", "--no-input", cwd=tmp_path)
    assert json.loads(done.stdout.splitlines()[-1])["result"]["template"]["meta"]["title"] == "little"


BAD = {
    "no source": (["template", "draft"], 2),
    "two sources": (["template", "draft", ".", "--schema", "not.json"], 2),
    "no document": (["template", "draft", "."], 3),
    "a document that is none": (["template", "draft", "--schema", "not.json"], 2),
    "a template that is none": (["template", "draft", "--from", "not.json"], 5),
    "no server": (["template", "draft", "--endpoint", "http://127.0.0.1:9"], 3),
    "no id": (["template", "draft", "--model-id", "0x12"], 2),
    "no chain": (["template", "draft", "--model-id", "0x" + "ab" * 32, "--rpc", "http://127.0.0.1:9"], 3),
    "no such file": (["cid", "nowhere"], 2),
    "a folder": (["cid", "."], 2),
    "not JSON": (["template", "check", "not.json"], 5),
    "empty": (["template", "check", "empty.json"], 5),
    "too big": (["template", "check", "big.json"], 5),
    "binary": (["template", "show", "binary.json"], 5),
    "deep": (["template", "check", "deep.json"], 5),
    "a bad sender": (["id", "ok.json", "--sender", "0x12", "--addr", NOBODY, "--fee", "0"], 2),
    "a bad fee": (["id", "ok.json", "--sender", SENDER, "--addr", NOBODY, "--fee", "lots"], 2),
    "no such command": (["no-such-command"], 2),
    "no such flag": (["check", "--no-such-flag"], 2),
    "no such group": (["template", "nothing"], 2),
    "missing argument": (["cid"], 2),
    "no folder": (["model", "nowhere"], 2),
    "no cog.yaml": (["model", "."], 2),
    "an endpoint that is none": (["seed-test", "--endpoint", "http://127.0.0.1:9"], 3),
    "no RPC": (["register", "--template", "ok.json", "--from", "me", "--rpc", "http://127.0.0.1:9"], 6),
    "not built yet": (["publish", "me/model"], 2),
    "nothing to build": (["build", "."], 2),
    "answers that are none": (["register", "--template", "ok.json", "--from", "me", "--answers", "not.json"], 2),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("form", ["text", "json"])
def test_bad_input_has_words_and_its_code(case: str, form: str, tmp_path: Path) -> None:
    (tmp_path / "not.json").write_text("{ this is not JSON")
    (tmp_path / "empty.json").write_bytes(b"")
    (tmp_path / "big.json").write_text('{"a":"' + "x" * 70_000 + '"}')
    (tmp_path / "binary.json").write_bytes(bytes(range(256)))
    (tmp_path / "deep.json").write_text("[" * 5000 + "]" * 5000)
    (tmp_path / "ok.json").write_text(GUIDE.read_text())
    argv, code = BAD[case]
    done = run(*argv, *(["--json"] if form == "json" else []), "--no-input", cwd=tmp_path)
    assert done.returncode == code, done.stderr
    if form == "json":
        events = [json.loads(line) for line in done.stdout.splitlines()]
        assert (events[-1]["event"], events[-1]["exit"], events[-1]["ok"]) == ("done", code, False)
        problem = next(e for e in events if e["event"] == "problem")
        assert problem["what"]
        assert problem["fix"]
    else:
        assert "FAIL" in done.stderr
        assert "fix" in done.stderr


def test_a_model_folder_is_read_without_importing_it(tmp_path: Path) -> None:
    (tmp_path / "cog.yaml").write_text('predict: "predict.py:Predictor"\n')
    (tmp_path / "predict.py").write_text("raise SystemExit('imported')\n")
    done = run("model", str(tmp_path), "--json")
    assert done.returncode == 0
    assert {p.name for p in tmp_path.iterdir()} == {"cog.yaml", "predict.py"}


def test_a_second_wizard_on_the_same_project_is_told_who_has_it(tmp_path: Path) -> None:
    state = {"XDG_STATE_HOME": str(tmp_path)}
    argv = [EXE, "rehearse", "--json", "--no-input"]
    first = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env={**os.environ, **state})
    assert first.stdout
    first.stdout.readline()
    try:
        second = run("rehearse", "--no-input", **state)
        assert second.returncode == 3
        assert str(first.pid) in second.stderr
    finally:
        first.terminate()  # and no SIGKILL, after which its server would wait for the next wizard
        first.communicate()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_saves_and_ends_in_words(number: int, code: int, tmp_path: Path) -> None:
    env = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    child = subprocess.Popen([EXE, "rehearse", "--json", "--no-input"], stdout=subprocess.PIPE, text=True, env=env)
    assert child.stdout
    lines = []
    for line in child.stdout:
        lines.append(json.loads(line))
        if lines[-1].get("step") == "seed_test" and lines[-1]["event"] == "progress" and lines[-1]["done"] == 0:
            child.send_signal(number)
    assert child.wait() == code
    assert (lines[-1]["event"], lines[-1]["exit"]) == ("done", code)
    assert lines[-2]["code"] == "interrupted"
    saved = json.loads((tmp_path / "arbius-tui" / "rehearsal" / "state.json").read_text())
    assert saved["at"] == "seed_test"
    assert saved["states"]["run"] == "ok"
    assert saved["states"]["seed_test"] == "-"


def test_a_reader_that_goes_away_is_no_fault(tmp_path: Path) -> None:
    line = f"{EXE} rehearse --json --no-input | head -n 1"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=90,
                          env={**os.environ, "XDG_STATE_HOME": str(tmp_path)})  # fmt: skip
    assert json.loads(done.stdout)["event"] == "started"
    assert done.stderr == ""


def test_state_that_cannot_be_written_has_words(tmp_path: Path) -> None:
    (tmp_path / "arbius-tui").write_text("a file stands in the way")
    done = run("rehearse", "--no-input", XDG_STATE_HOME=str(tmp_path))
    assert done.returncode == 3
    assert str(tmp_path) in done.stderr


def test_a_state_file_cut_in_half_is_read_from_the_journal(tmp_path: Path) -> None:
    state = {"XDG_STATE_HOME": str(tmp_path)}
    folder = tmp_path / "arbius-tui" / "rehearsal"
    env = {**os.environ, **state}
    child = subprocess.Popen([EXE, "rehearse", "--json", "--no-input"], stdout=subprocess.PIPE, text=True, env=env)
    assert child.stdout
    for line in child.stdout:
        event = json.loads(line)
        if event["event"] == "started" and event["step"] == "publish":
            child.kill()
    child.wait()
    whole = (folder / "state.json").read_bytes()
    (folder / "state.json").write_bytes(whole[: len(whole) // 2])
    done = run("rehearse", "--json", "--no-input", **state)
    assert done.returncode == 0
    assert "journal" in done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert not [e for e in events if e.get("step") == "seed_test" and e.get("kind") == "case"]


def test_help_names_every_command_of_the_interface() -> None:
    text = run("--help").stdout
    commands = "check model build run predict seed-test publish template cid id pin wallet register owner verify status"
    for name in (*commands.split(), "wire-in", "serve", "bench", "report", "rehearse"):
        assert f"\n  {name} " in text


def test_a_command_in_rehearsal_uses_the_rehearsals_own_journey(tmp_path: Path) -> None:
    state = {"XDG_STATE_HOME": str(tmp_path)}
    assert run("rehearse", "--no-input", **state).returncode == 0
    accounts = json.loads(run("wallet", "list", "--network", "rehearsal", "--json", **state).stdout.splitlines()[-1])
    assert [a["kind"] for a in accounts["result"]["accounts"]] == ["rehearsal"]
    rows = json.loads(run("status", "--network", "rehearsal", "--json", **state).stdout.splitlines()[-1])
    assert {row["state"] for row in rows["result"]["rows"]} == {"ok"}


def test_a_config_file_that_is_wrong_has_words(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("palete = 'light'")
    done = run("check", "--config", str(tmp_path / "c.toml"))
    assert done.returncode == 2
    assert "palete" in done.stderr
