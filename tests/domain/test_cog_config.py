"""cog.yaml against cog's own rules: each recorded refusal and each silent acceptance has its own code and line."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbius_tui.domain import cog_config
from arbius_tui.domain.finding import Finding

GOOD = 'build:\n  python_version: "3.11"\npredict: "predict.py:Predictor"\n'
FILES = ("cog.yaml", "predict.py", "run.py", "requirements.txt")


def findings(text: str) -> dict[str, Finding]:
    return {finding.problem.code: finding for finding in cog_config.read(text, FILES).findings}


CASES = [
    ("run: 'run.py:Runner'\n" + GOOD, "run-and-predict", "error", 1),
    ("image: r8.im/a/b\nmodel: r8.im/a/b\n" + GOOD, "image-and-model", "error", 2),
    (GOOD.replace("predict.py:Predictor", "predict.py"), "bad-reference", "error", 3),
    (GOOD.replace('"predict.py:Predictor"', "[a, b]"), "bad-reference", "error", 3),
    (GOOD.replace("predict.py", "nofile.py"), "no-such-source", "error", 3),
    ('build:\n  python_version: "3.11"\n', "no-predictor", "error", 1),
    (GOOD.replace("predict:", "predcit:"), "unknown-key", "warn", 3),
    (GOOD.replace("build:\n", "build:\n  gpus: true\n"), "unknown-key", "warn", 2),
    (GOOD + "gpu: true\n", "unknown-key", "warn", 4),
    ('predict: "predict.py:Predictor"\n', "no-build", "error", 1),
    ('build:\n  gpu: true\npredict: "predict.py:Predictor"\n', "no-python-version", "error", 1),
    (GOOD.replace('"3.11"', "3.9"), "python-too-old", "error", 2),
    (GOOD.replace('"3.11"', "3.10"), "no-cog-base", "warn", 2),
    (GOOD.replace('"3.11"', '"three"'), "bad-python-version", "error", 2),
    (GOOD.replace('"3.11"', '"3"'), "bad-python-version", "error", 2),
    (GOOD.replace("predict:", "  python_requirements: nope.txt\npredict:"), "requirements-missing", "error", 3),
    (GOOD.replace("predict:", "  python_packages: [a==1]\n  python_requirements: requirements.txt\npredict:"),
     "packages-and-requirements", "error", 3),
    (GOOD.replace("predict:", "  python_packages: [a==1]\npredict:"), "deprecated-key", "info", 3),
    (GOOD.replace("predict:", '  sdk_version: "0.16.12"\npredict:'), "sdk-too-old", "error", 3),
    (GOOD.replace("predict:", "  sdk_version: 0.19.3\npredict:"), "sdk-without-coglet", "warn", 3),
    (GOOD + 'environment:\n  - "A=1"\n  - "PYTHONPATH=/x"\n', "denied-environment", "error", 6),
    (GOOD + 'environment:\n  - "CUDA_VISIBLE_DEVICES=0"\n', "denied-environment", "error", 5),
    (GOOD + "environment:\n  - lonely\n", "bad-environment", "error", 5),
    (GOOD + "environment: [A=1, A=2]\n", "bad-environment", "error", 4),
    (GOOD + "environment:\n  A: 1\n", "bad-environment", "error", 4),
    (GOOD.replace("predict:", "  gpu: yes please\npredict:"), "bad-value", "error", 3),
    (GOOD.replace("predict:", "  system_packages: ffmpeg\npredict:"), "bad-value", "error", 3),
    (GOOD.replace("predict:", '  run:\n    - "echo a\\necho b"\npredict:'), "run-new-line", "error", 4),
    (GOOD.replace("predict:", '  gpu: true\n  cuda: "12"\npredict:'), "bad-cuda", "error", 4),
    (GOOD.replace("predict:", '  cuda: "12.4"\npredict:'), "cuda-without-gpu", "warn", 3),
    (GOOD + "concurrency:\n  max: 0\n", "bad-concurrency", "error", 5),
    (GOOD + 'predict: "run.py:Runner"\n', "key-twice", "warn", 4),
    ("", "cog-yaml-empty", "error", 1),
    ("# nothing\n", "cog-yaml-empty", "error", 1),
    ("- a\n- b\n", "cog-yaml-shape", "error", 1),
    ("build:\n  gpu: true\n bad: [\n", "cog-yaml-syntax", "error", 3),
    ("build:\n\tgpu: true\n", "cog-yaml-syntax", "error", 2),
    ("a: \x07b\n", "cog-yaml-syntax", "error", 0),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "severity", "line"), CASES)
def test_each_rule_has_its_code_its_line_and_a_way_out(text: str, code: str, severity: str, line: int) -> None:
    found = findings(text)
    assert code in found
    assert (found[code].problem.severity, found[code].line) == (severity, line)
    assert found[code].problem.why
    assert found[code].problem.fix
    assert found[code].problem.path == (f"cog.yaml:{line}" if line else "cog.yaml")


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD.replace("predict: ", "run: ").replace("predict.py:Predictor", "run.py:Runner"),
        GOOD.replace('"3.11"', "3.11"),
        GOOD.replace('"3.11"', "3.12.4"),
        GOOD + 'environment:\n  - "PYTHONHASHSEED=0"\n  - "CUBLAS_WORKSPACE_CONFIG=:4096:8"\nimage: r8.im/a/b\n',
        GOOD.replace("predict:", "  gpu: true\n  cuda: 12.4\n  python_requirements: ./requirements.txt\npredict:"),
        GOOD.replace("predict:", '  sdk_version: "0.23.1"\n  run:\n    - command: echo a\npredict:'),
        GOOD + "concurrency:\n  max: 1\n",
    ],
)
def test_a_good_file_has_no_finding(text: str) -> None:
    assert cog_config.read(text, FILES).findings == ()


def test_a_version_without_quotes_is_read_as_it_was_typed() -> None:
    assert cog_config.read(GOOD.replace('"3.11"', "3.10"), FILES).python == (3, 10)


def test_what_the_file_says_is_understood() -> None:
    text = GOOD.replace(
        "predict:", "  gpu: true\n  python_packages:\n    - torch==2.4\n  run: [pip install x]\npredict:"
    )
    config = cog_config.read(text + "environment: [A=b=c]\n", FILES)
    assert (config.form, config.reference, config.gpu) == ("predict", "predict.py:Predictor", True)
    assert (config.packages, config.commands) == (("torch==2.4",), ("pip install x",))
    assert config.environment == {"A": "b=c"}


def test_what_was_probably_meant_is_offered() -> None:
    fix = findings(GOOD.replace("build:\n", "build:\n  python_requirement: requirements.txt\n"))[
        "unknown-key"
    ].problem.fix
    assert fix is not None
    assert "python_requirements" in fix.text
    fix = findings(GOOD + "gpu: true\n")["unknown-key"].problem.fix
    assert fix is not None
    assert "build: gpu" in fix.text


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD.rstrip("\n"),
        GOOD + 'environment:\n  - "A=1"\n',
        "environment:\n- A=1\n" + GOOD,
        "# first\r\n" + GOOD.replace("\n", "\r\n"),
    ],
)
def test_the_steady_variables_are_added_by_a_patch_that_applies(text: str, tmp_path: Path) -> None:
    (tmp_path / "cog.yaml").write_bytes(text.encode())
    patch = cog_config.steadied(text, cog_config.read(text, FILES), cog_config.STEADY)
    subprocess.run(["patch", "-p1", "--binary"], input=patch.encode(), cwd=tmp_path, check=True, capture_output=True)
    after = cog_config.read((tmp_path / "cog.yaml").read_bytes().decode(), FILES)
    assert after.findings == ()
    assert {**cog_config.STEADY}.items() <= after.environment.items()


@given(st.text() | st.text(alphabet='abc:-[]{}"\n \t&*!|>#%@', max_size=80))
def test_no_text_makes_it_raise(text: str) -> None:
    cog_config.read(text, FILES)


@given(st.data())
def test_no_damage_to_a_real_file_makes_it_raise(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([case[0] for case in CASES]))
    begin = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(begin, len(text)))
    cog_config.read(text[:begin] + data.draw(st.text(max_size=6)) + text[end:], FILES)
