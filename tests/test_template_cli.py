"""`template check`, `show` and `diff` as a user types them, on every broken, odd or hostile file that came to mind."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.domain.test_cid import compact, kandinsky
from tests.domain.test_lint import good
from tests.domain.test_lint_model import document
from tests.test_cli import EXE, run

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x1b[31m[red]x[/red][link=file:///etc]y\u202e\u200b\x9b31m\x00\x08z"


def hostile() -> bytes:
    """Terminal escapes, controls and markup in every text of the file, keys too."""
    template = good()
    texts = {"title": HOSTILE, "description": HOSTILE, "git": HOSTILE, "docker": HOSTILE, HOSTILE: HOSTILE}
    template["meta"] = texts
    row = {"variable": HOSTILE, "type": HOSTILE, "default": HOSTILE, "description": HOSTILE, "choices": [HOSTILE]}
    template["input"] += [row, {**row, "type": "string_enum"}, HOSTILE]
    template["output"] = [{"filename": HOSTILE, "type": HOSTILE}]
    return compact(template)


def many(count: int = 500) -> bytes:
    template = good()
    template["input"] = [{**template["input"][n % 5], "variable": f"v{n}", "required": False} for n in range(count)]
    return compact(template)


def nested(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


def row(**keys: Any) -> bytes:
    template = good()
    template["input"][1] |= keys
    return compact(template)


REFUSED: dict[str, tuple[bytes, str]] = {
    "no JSON": (b'{"meta": {},\n "input": [}\n', "line 2, column 12"),
    "cut off": (kandinsky()[:300], "line 1"),
    "two documents": (b"{}\n{}\n", "line 2, column 1"),
    "byte order mark": (b"\xef\xbb\xbf" + kandinsky(), "byte order mark"),
    "NUL": (b"\x00" * 64, "line 1, column 1"),
    "NUL in a text": (b'{"a":"\x00"}', "control character"),
    "terminal escape in a text": (b'{"a":"\x1b[31m"}', "control character"),
    "terminal escape for a file": (HOSTILE.encode(), "line 1, column 1"),
    "invalid UTF-8": (b'{"a":"\xff\xfe"}', "byte 6"),
    "UTF-16": ('{"a":1}'.encode("utf-16"), "not UTF-8"),
    "10 MB": (b'{"a":"' + b"x" * 10_000_000 + b'"}', "10,000,008 B"),
    "100,000 levels": (b"[" * 100_000 + b"]" * 100_000, "200,000 B"),
    "30,000 levels": (b"[" * 30_000 + b"]" * 30_000, "64"),
    "70 levels": (nested(70), "64"),
    "the same key twice": (b'{"meta":{"title":"a","title":"b"}}', "again at line 1, column 22"),
    "the same key twice, once escaped": (b'{"x":{"a":1},\n"y":{"a":1,\n "\\u0061":2}}', "line 3, column 2"),
    "NaN": (b'{"a":"NaN",\n"b":NaN}', "NaN at line 2, column 5"),
    "Infinity": (b'{"a":[-Infinity]}', "-Infinity at line 1, column 7"),
    "empty": (b"", "empty"),
    "only space": (b" \n\t\n", "empty"),
    "an array": (b"[]", "an array"),
    "a text": (b'"x"', "a string"),
    "null": (b"null", "null"),
    "a number of 10,000 digits": (b"1" * 10_000, "a number"),
}
"""What is no template: exit code 5, words, and `show` shows the file as text."""

WRONG: dict[str, tuple[bytes, str]] = {
    "20 levels": (nested(20), "`meta` is missing"),
    "meta is no object": (b'{"meta":[],"input":[],"output":[]}', "`meta` is not an object"),
    "nothing has its shape": (b'{"meta":1,"input":{"a":1},"output":"x"}', "`input` is not an array"),
    "rows are no objects": (b'{"meta":{},"input":[1,null,[],"x",true],"output":[[]]}', "row 5 of `input`"),
    "keys have the wrong shape": (
        b'{"meta":{"title":{},"git":[],"docker":1},"input":[{"variable":[],"type":{},"choices":1,"min":{},"max":"x",'
        b'"required":[],"default":{},"description":1}],"output":[{"filename":1,"type":[]}]}',
        "`title` is an object",
    ),
    "beyond 2^53": (row(max=2**53 + 1), "9007199254740993"),
    "1e400": (row(max=7).replace(b'"max":7', b'"max":1e400'), "1e400"),
    "10^400": (row(max=10**400), "more than a double holds"),
    "5,000 digits": (row(max=7).replace(b'"max":7', b'"max":' + b"9" * 5000), "more than a double holds"),
    "half a surrogate pair": (row(description="\ud83d", type="\udc00"), "is not known"),
    "terminal escapes and markup": (hostile(), "[red]x[/red]"),
}
"""What is a JSON object and no good template: `check` ends with 5, `show` shows it."""

FINE = {"500 inputs": many(), "kandinsky 2": kandinsky(), "a whole number too big for JSON readers": row(x=10**400)}


def no_constant(name: str) -> NoReturn:
    raise AssertionError(f"{name} is no JSON")


def both(path: Path, *flags: str) -> list[subprocess.CompletedProcess[str]]:
    """`check` and `show`, side by side."""
    children = [
        subprocess.Popen(
            [EXE, "template", verb, str(path), "--no-input", *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL, env={**os.environ, "XDG_STATE_HOME": str(path.parent / verb)},
        )
        for verb in ("check", "show")
    ]  # fmt: skip
    done = []
    for child in children:
        out, err = child.communicate(timeout=120)
        done.append(subprocess.CompletedProcess(child.args, child.returncode, out.decode(), err.decode()))
    return done


def inert(done: subprocess.CompletedProcess[str]) -> str:
    """All it printed: no traceback, and nothing that a terminal obeys."""
    text = done.stdout + done.stderr
    assert "Traceback" not in text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202e]", text)
    return text


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_template_is_refused_in_words_and_left_alone(name: str, tmp_path: Path) -> None:
    data, words = REFUSED[name]
    path = tmp_path / "t.json"
    path.write_bytes(data)
    for done in both(path):
        text = inert(done)
        assert done.returncode == 5, text
        assert words in done.stderr
        assert "why" in done.stderr
        assert "fix" in done.stderr
        assert len(text) < 40_000
    assert path.read_bytes() == data
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == ["t.json"]


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_good_template_is_shown_and_judged(name: str, tmp_path: Path) -> None:
    data, words = WRONG[name]
    path = tmp_path / "t.json"
    path.write_bytes(data)
    for form in ((), ("--json",)):
        check, show = both(path, *form)
        assert (check.returncode, show.returncode) == (5, 0), check.stderr
        said = inert(check) + inert(show)
        if form:
            lines = [json.loads(line, parse_constant=no_constant) for line in check.stdout.splitlines()]
            assert lines[-1]["result"]["bytes"] == len(data)
            said = " ".join(line["what"] for line in lines if line["event"] == "problem")
        assert words in said
    assert path.read_bytes() == data


@pytest.mark.parametrize("name", FINE)
def test_what_is_fine_is_fine(name: str, tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_bytes(FINE[name])
    for done in both(path, "--json"):
        assert done.returncode == 0, inert(done)
        result = json.loads(done.stdout.splitlines()[-1], parse_constant=no_constant)["result"]
        assert result["bytes"] == len(FINE[name])
        assert len(result["readers"]) == 6


# --- against a model, for one reader ------------------------------------------------------------------------------


@pytest.fixture
def steps(tmp_path: Path) -> Path:
    """Story 12: the template says steps, the model num_steps."""
    (tmp_path / "schema.json").write_text(json.dumps(document()))
    path = tmp_path / "t.json"
    template = good()
    template["input"] = template["input"][:2]
    path.write_bytes(compact(template))
    return path


def problems(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, done.stdout.splitlines()) if line["event"] == "problem"]


def test_held_against_a_model(steps: Path) -> None:
    done = run("template", "check", str(steps), "--schema", str(steps.parent / "schema.json"), "--json", "--no-input")
    assert done.returncode == 5
    found = next(p for p in problems(done) if p["code"] == "not-in-model")
    assert found["path"] == "/input/1/variable"
    assert found["fix"]["patch"] == [{"op": "replace", "path": "/input/1/variable", "value": "num_steps"}]
    assert found["readers"] == ["kasumi-2", "kasumi-3", "gobius"]
    assert all("patch" not in p["fix"] for p in problems(done) if p["code"] == "model-silent")


def test_for_one_reader(steps: Path) -> None:
    template = json.loads(steps.read_bytes())
    del template["input"][1]["max"]
    template["input"][1]["default"] = 2**31
    steps.write_bytes(compact(template))
    codes = {}
    for reader in ("website", "explorer", "kasumi-3"):
        done = run("template", "check", str(steps), "--reader", reader, "--json", "--no-input")
        codes[reader] = (done.returncode, {p["code"] for p in problems(done)})
        (view,) = json.loads(done.stdout.splitlines()[-1])["result"]["readers"]
        assert view["id"] == reader
        assert view["does"]
    assert codes == {
        "website": (5, {"bound-missing"}),
        "explorer": (0, set()),
        "kasumi-3": (5, {"bound-missing", "int32"}),
    }


@pytest.mark.parametrize(
    "argv", [["--reader", "nobody"], ["--schema", "a", "--image", "b"], ["--schema", "nowhere.json"]]
)
def test_a_wrong_flag_has_words(argv: list[str], steps: Path) -> None:
    done = run("template", "check", str(steps), *argv, "--no-input", cwd=steps.parent)
    assert done.returncode == 2
    assert "fix" in done.stderr


# --- differences ---------------------------------------------------------------------------------------------------


def git(folder: Path, *argv: str) -> None:
    name = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "core.autocrlf=false", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *name, *argv], cwd=folder, check=True, capture_output=True)


def diffed(path: Path, *argv: str) -> dict[str, Any]:
    done = run("template", "diff", str(path), *argv, "--json", "--no-input")
    assert done.returncode == 0, done.stdout
    return dict(json.loads(done.stdout.splitlines()[-1])["result"])


def test_differences_to_the_last_commit_are_told_to_the_byte(steps: Path) -> None:
    git(steps.parent, "init", "-q")
    steps.write_bytes(steps.read_bytes().replace(b"\n", b"\r\n"))
    git(steps.parent, "add", "t.json")
    git(steps.parent, "commit", "-q", "-m", "x")
    for flags in ((), ("--git",)):
        assert diffed(steps, *flags)["same"] is True
    steps.write_bytes(steps.read_bytes().replace(b"\r\n", b"\n"))
    found = diffed(steps)
    assert (found["same"], found["diff"], found["other"]) == (False, [], "git HEAD")
    steps.write_bytes(steps.read_bytes().replace(b'"max":50', b'"max":60'))
    assert [line for line in diffed(steps)["diff"] if line[0] in "+-"][2:] == ['-      "max": 50,', '+      "max": 60,']


def test_a_number_of_many_digits_is_compared_too(steps: Path) -> None:
    other = steps.with_name("other.json")
    other.write_bytes(steps.read_bytes().replace(b'"max":50', b'"max":' + b"9" * 5000))
    assert len(diffed(steps, str(other))["diff"]) > 3


def test_a_file_that_is_no_template_is_compared_as_text(steps: Path) -> None:
    steps.with_name("bad.json").write_text("{\n  oops \x1b[31m\n")
    found = diffed(steps, str(steps.with_name("bad.json")))
    assert "-  oops " in found["diff"]
    done = run("template", "diff", str(steps.with_name("bad.json")), str(steps), "--no-input")
    assert done.returncode == 5
    assert "line 2, column 3" in done.stderr


@pytest.mark.parametrize("argv", [["--git", "--id", "0x12"], ["--id", "0x12"], ["t.json", "--git"], []])
def test_what_cannot_be_compared_has_words(argv: list[str], steps: Path) -> None:
    done = run("template", "diff", str(steps), *argv, "--no-input", cwd=steps.parent)
    assert done.returncode == 2, done.stderr
    assert "fix" in done.stderr
