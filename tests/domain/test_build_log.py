"""The log of a build: every recorded one has its own sentence, however its lines come."""

from __future__ import annotations

import json
import re
import string
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbius_tui.domain import build_log, cog_words
from arbius_tui.domain.build_log import LINE_CHARS, MAX_STEPS, TAIL_LINES, BuildLog, explain, label_warnings, read
from arbius_tui.domain.build_rule import MAX_DETAIL
from arbius_tui.domain.build_rules import FAILURES, OTHER_BASE
from arbius_tui.domain.build_rules_docker import NOTICES
from arbius_tui.domain.cog_words import DOCTOR, LOGIN
from arbius_tui.domain.errors import Problem
from arbius_tui.domain.text import clean
from arbius_tui.services.process import LineReader

RECORDINGS = Path(__file__).parent.parent / "fixtures" / "cog-cli"

FAILED = {
    "bad-context": "docker-context",
    "bad-flag": "build-flags",
    "bad-tag-uppercase": "bad-tag",
    "build-dockerfile-flag": "build-flags",
    "build-empty": "no-cog-yaml",
    "build-envindex": "network-in-step",
    "cancel-freeze-int": "build-stopped",
    "cancel-int": "build-stopped",
    "cancel-int2": "build-stopped",
    "cancel-pty-int": "build-stopped",
    "cancel-term": "build-stopped",
    "credsstore-missing-build": "credential-helper-missing",
    "daemon-dies": "docker-stopped",
    "diskfull-dd": "disk-full-in-step",
    "diskfull-extract": "disk-full",
    "dockerconfig-broken-build": "docker-config-broken",
    "e20-build-default": "frontend-unreachable",
    "e20-build-nocogbase": "frontend-unreachable",
    "e20-build-runner": "frontend-unreachable",
    "e20-dockerfile": "engine-too-old",
    "e20-localfrontend": "image-unreachable",
    "e20-localfrontend-uv": "engine-too-old",
    "e26-build-tini-offline": "network-in-step",
    "e26-nofrontend": "frontend-unreachable",
    "fail-bad-requirement": "requirement-not-found",
    "fail-pipfreeze": "image-without-python",
    "fail-run-step": "run-failed",
    "fail-run-step-pty": "run-failed",
    "fail-system-package": "apt-package-not-found",
    "nocli-build": "frontend-unreachable",
    "nodaemon-build": "docker-down",
    "nodaemon-tcp-build": "docker-down",
    "noperm-build": "docker-permission",
    "pred-badtype": "type-unknown",
    "pred-dynchoices": "input-choices",
    "pred-gebad": "schema-invalid",
    "pred-noreturn": "no-return-type",
    "pred-norun": "predictor-no-method",
    "pred-noseedtype": "input-without-type",
    "pred-syntax": "predictor-no-method",
    "pty-fail-nocolor": "run-failed",
    "readonly-dir": "folder-read-only",
    "sdk-0.16.12": "sdk-too-old",
    "yaml-badref": "predictor-form",
    "yaml-badsyntax": "bad-cog-yaml",
    "yaml-both": "run-and-predict",
    "yaml-denyenv": "env-denied",
    "yaml-emptyfile": "no-predictor",
    "yaml-float310": "image-unreachable",
    "yaml-imgmodel": "image-and-model",
    "yaml-newlinerun": "run-newline",
    "yaml-noclass": "class-missing",
    "yaml-nopython": "no-python-version",
    "yaml-nopyver": "no-python-version",
    "yaml-noref": "predictor-missing",
    "yaml-norun": "no-predictor",
    "yaml-old39": "python-too-old",
    "yaml-oldsdk": "sdk-too-old",
    "yaml-reqmissing": "requirements-missing",
    "yaml-unknownroot": "no-python-version",
}
"""Every recorded build that failed, and the code of its sentence."""

GOOD = [
    "build-after-cancel",
    "build-dockerfile-own",
    "build-git",
    "build-importerr",
    "build-ok-autopipe",
    "build-ok-cached",
    "build-ok-defaultname",
    "build-ok-nocache-pty",
    "build-ok-plain-pty",
    "build-ok-quiet",
    "build-predictor",
    "build-slow",
    "context-build",
    "context-current-build",
    "diskfull",
    "e20-skip-schema",
    "e26-build-cogbase",
    "ok-requirement",
    "pred-anytype",
    "pred-defnone",
    "pred-func",
    "pred-importerr",
    "pred-indent",
    "pred-kwargs",
    "pred-nobase",
    "pred-noreturnpath",
    "pred-syntaxbody",
    "pred-union",
    "pty-nocolor",
    "r8-build",
    "sdk-0.19.3",
    "sdk-0.19.3-cogletwheel",
    "sdk-wheelfiles",
    "two-dirs-A",
    "two-dirs-B",
    "two-samedir-A",
    "two-samedir-B",
    "yaml-float311",
    "yaml-okenv",
    "yaml-unknownkey",
]
"""Every recorded build that went well."""

WARNED = {
    "build-predictor": ["deprecated-field"],
    "pty-nocolor": ["deprecated-field"],
    "sdk-0.16.12": ["deprecated-field"],
    "sdk-0.19.3": ["deprecated-field"],
    "sdk-0.19.3-cogletwheel": ["deprecated-field"],
    "ok-requirement": ["cog-in-requirements"],
    "credsstore-missing-build": ["credential-helper-missing", "base-image-fallback"],
    "dockerconfig-broken-build": ["docker-config-broken", "base-image-fallback"],
    "e20-build-default": ["deprecated-field", "base-image-fallback"],
    "e20-build-nocogbase": ["deprecated-field"],
    "e26-build-tini-offline": ["dockerfile-warning"],
    "yaml-float310": ["base-image-unsupported"],
    "yaml-nopython": ["base-image-unsupported", "dockerfile-warning"],
    "yaml-unknownroot": ["base-image-unsupported", "dockerfile-warning"],
}
"""What else a recorded build says; nothing where it is not listed."""

DOCTORED = {
    "credsstore-missing-doctor": [],
    "doctor-badyaml": ["bad-cog-yaml"],
    "doctor-broken": [],
    "doctor-empty": ["no-cog-yaml"],
    "doctor-fix": ["doctor-fixed"],
    "doctor-noref": ["predictor-missing"],
    "doctor-pty": ["deprecated-field"],
    "doctor-python-path": [],
    "doctor-syntax": [],
    "e20-doctor": ["deprecated-field"],
    "e26-doctor": [],
    "nocli-doctor": ["docker-cli-missing", "doctor-python"],
    "nocli-doctor2": ["docker-cli-missing"],
    "nodaemon-doctor": ["docker-unavailable"],
    "noperm-doctor": ["docker-unavailable"],
}

LOGGED_IN = {"login-ok", "login-credstore", "login-brokenconfig", "login-interactive-pty"}

NOT_LOGGED_IN = {
    "login-404": "login-unknown",
    "login-500": "login-server",
    "login-apitoken": "login-api-token",
    "login-badca": "login-certificate",
    "login-badjson": "login-answer",
    "login-credstore-missing": "credential-helper-missing",
    "login-empty": "login-token-empty",
    "login-emptyline": "login-token-empty",
    "login-flag-127-0-0-1-5003": "login-other-registry",
    "login-flag-http---127-0-0-1-5003": "login-other-registry",
    "login-host-127-0-0-1-5003": "login-other-registry",
    "login-host-http---127-0-0-1-5003": "login-other-registry",
    "login-offline": "login-offline",
    "nodaemon-login": "login-api-token",
}

HELP = {"doctor-help", "login-help"}


@cache
def played(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RECORDINGS / f"{name}.json").read_text())
    return found


@cache
def printed(name: str) -> tuple[str, ...]:
    """The clean lines of a recording."""
    reader = LineReader()
    data = (played(name)["stdout"] + played(name)["stderr"]).encode()
    return (*reader.feed(data), *reader.end())


def recorded(command: str) -> set[str]:
    return {path.stem for path in RECORDINGS.glob("*.json") if command in played(path.stem)["argv"]}


def codes(problems: tuple[Problem, ...]) -> list[str]:
    return [problem.code for problem in problems]


def test_every_recording_is_in_a_table() -> None:
    assert recorded("build") == FAILED.keys() | set(GOOD)
    assert recorded("doctor") == DOCTORED.keys() | {"doctor-help"}
    assert recorded("login") == LOGGED_IN | NOT_LOGGED_IN.keys() | {"login-help"}
    assert all("Usage:" in "\n".join(printed(name)) for name in HELP)


@pytest.mark.parametrize("name", FAILED)
def test_a_failed_build_has_its_sentence(name: str) -> None:
    assert played(name)["rc"] != 0
    found = explain(printed(name), played(name)["rc"])
    assert found.code == FAILED[name]
    assert found.severity == "error"
    assert found.fix
    assert found.fix.text
    assert "{" not in found.what.replace("${TINI", "")
    assert found.what == found.what.strip()
    assert len(found.detail) <= MAX_DETAIL
    assert found.detail


@pytest.mark.parametrize("name", GOOD)
def test_a_good_build_has_no_failed_step_though_it_prints_an_error(name: str) -> None:
    assert played(name)["rc"] == 0
    log = read(printed(name))
    assert log.phase == "done"
    assert {step.state for step in log.steps.values()} <= {"ok", "cached"}


@pytest.mark.parametrize("name", [*FAILED, *GOOD])
def test_what_is_said_in_passing_is_heard(name: str) -> None:
    assert codes(build_log.warnings(printed(name))) == WARNED.get(name, [])


def test_another_base_image_is_a_warning_that_the_seed_test_can_ask_for() -> None:
    found = {p.code: p for p in build_log.warnings(printed("credsstore-missing-build"))}
    assert OTHER_BASE & found.keys() == {"base-image-fallback"}
    assert found["base-image-fallback"].severity == "warn"
    assert "docker-credential-desktop.exe" in found["base-image-fallback"].what


def test_sentences_name_what_they_are_about() -> None:
    def what(name: str) -> str:
        return explain(printed(name), played(name)["rc"]).what

    assert what("fail-run-step") == (
        "a command failed with exit code 3: echo about to fail; echo on stderr >&2; exit 3"
    )
    assert what("fail-run-step-pty") == what("fail-run-step")
    assert what("fail-bad-requirement") == "pip finds no such package or version: requests==99.0.0"
    assert what("fail-system-package") == "apt knows no package no-such-package-here"
    assert what("diskfull-dd") == "the disk is full: dd: error writing '/big': No space left on device"
    assert what("yaml-noclass") == "cog finds no Nope in the predictor's file (cog prints only the name)"
    assert what("pred-noreturn") == "run() does not say what it returns (cog prints only the name)"
    assert what("e20-localfrontend") == "Docker cannot fetch astral-sh/uv:0.9.26 from ghcr.io"
    assert what("nodaemon-tcp-build") == "the Docker daemon does not answer at tcp://127.0.0.1:2399"
    assert what("build-envindex") == "a step of the build got no connection http://127.0.0.1:1/simple/cog/"


def test_the_excerpt_of_the_step_that_failed_is_the_detail() -> None:
    detail = explain(printed("fail-run-step"), 1).detail
    assert detail.splitlines()[:3] == [
        " > [stage-0 6/8] RUN echo about to fail; echo on stderr >&2; exit 3:",
        "0.218 about to fail",
        "0.218 on stderr",
    ]


def test_steps_of_a_build_and_of_its_labels() -> None:
    log = read(printed("e26-build-cogbase"))
    assert len(log.steps) == 27
    assert log.progress == (7, 7)
    pip = log.steps["1.16"]
    assert pip.title.startswith("[stage-0 5/7] RUN --mount=type=cache,")
    assert pip.title.endswith(" uv pip install --no-cache cog")
    assert (pip.state, pip.seconds, pip.place, pip.note) == ("ok", 1.2, (5, 7), " + urllib3==2.8.0")
    assert log.steps["1.3"].state == "cached"
    assert log.steps["2.4"].title == "[internal] load .dockerignore"
    assert log.steps["2.4"].state == "ok"


def test_a_pull_and_a_paused_step() -> None:
    log = BuildLog()
    lines = list(printed("e20-localfrontend-uv"))
    pause = lines.index("#12 ...")
    log.feed(lines[: pause + 1])
    assert log.steps["1.12"].state == "run"
    extracting = next(n for n, line in enumerate(lines) if line.endswith("5.2s"))
    changed = log.feed(lines[pause + 1 : extracting + 1])
    assert {step.id for step in changed} == {"1.10", "1.11", "1.12", "1.13"}
    assert log.steps["1.12"].note.startswith("extracting sha256:")
    log.feed(lines[extracting + 1 :])
    assert (log.steps["1.12"].state, log.steps["1.12"].seconds) == ("ok", 6.6)
    assert log.steps["2.4"].state == "FAIL"


def test_a_step_that_is_announced_twice_is_one_step() -> None:
    log = read(printed("cancel-int"))
    assert log.steps["1.1"].state == "ok"
    assert [step.id for step in log.steps.values() if step.state == "run"] == ["1.17"]
    assert log.steps["1.17"].note == "tick 2"
    assert log.progress == (5, 8)


def test_what_was_cancelled_with_the_step_that_failed() -> None:
    assert read(printed("e20-localfrontend")).steps["1.8"].state == "off"


def test_phases_in_their_order() -> None:
    log, seen = BuildLog(), list[str]()
    for line in printed("build-predictor"):
        if not seen or seen[-1] != log.phase:
            seen.append(log.phase)
        log.feed([line])
    assert [*seen, log.phase] == ["waiting", "preparing", "building", "labels", "done"]
    assert build_log.PHASES.keys() == set(seen) | {"done"}


@pytest.mark.parametrize("code", [-9, 137])
def test_a_build_that_was_killed_ran_out_of_memory(code: int) -> None:
    assert explain(printed("cancel-int"), code).code == "build-killed"


def test_cogs_last_words_where_nothing_else_is_known() -> None:
    found = explain(
        ["Building Docker image from environment in cog.yaml as x...", "image build failed: strange things"], 1
    )
    assert (found.code, found.what) == (
        "build-failed",
        "cog build ended with exit code 1: image build failed: strange things",
    )
    assert explain([], 7).what == "cog build ended with exit code 7 and said nothing"


def test_what_a_run_step_printed_is_no_verdict_of_cogs() -> None:
    """A model may print anything; only a step that failed is looked at, and only what it printed."""
    lines = ["#1 [1/1] RUN x", "#1 0.1 Cannot connect to the Docker daemon at y. Is the docker daemon running?"]
    assert explain([*lines, "#1 DONE 0.1s", "image build failed: strange things"], 1).code == "build-failed"


RUN_FAILED = 'image build failed: Failed to build Docker image: failed to solve: process "/bin/sh -c x" did not '
RUN_FAILED += "complete successfully: exit code: "


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("ERROR: ResolutionImpossible: for help visit", 1, "requirements-conflict"),
        ("  Because there is no version of torch==99 and you require torch==99", 1, "requirement-not-found"),
        ("E: Package 'python2' has no installation candidate", 100, "apt-package-not-found"),
        ("Temporary failure resolving 'deb.debian.org'", 100, "network-in-step"),
        ("Killed", 137, "step-killed"),
    ],
)
def test_failures_of_a_step_that_were_not_recorded(text: str, status: int, code: str) -> None:
    lines = ["#1 [1/2] RUN x", f"#1 0.2 {text}", "#1 ERROR: process", "", f"{RUN_FAILED}{status}"]
    assert explain(lines, 1).code == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("toomanyrequests: You have reached your pull rate limit", "pull-limit"),
        ("failed to solve: nosuch/image:1: not found", "image-refused"),
        ('failed to solve: failed to parse stage name "a b": invalid reference format', "bad-base-image"),
        ("cog version 0.15.0 is below the minimum required version 0.16.0", "sdk-too-old"),
        ("invalid build.cuda: no such version", "cog-yaml-invalid"),
        ("docker: unknown command: docker buildx", "buildx-missing"),
        ("Failed to generate pip freeze from image: exit status 3", "pip-freeze"),
        ("create /m/.cog: mkdir /m/.cog: read-only file system", "folder-read-only"),
        ("error pinging docker daemon: Failed to ping docker, please try restarting", "docker-down"),
    ],
)
def test_failures_that_were_not_recorded(text: str, code: str) -> None:
    assert explain([text], 1).code == code


def test_every_placeholder_of_a_row_is_a_group_of_its_pattern() -> None:
    for rule in (*FAILURES, *NOTICES, *DOCTOR, *LOGIN):
        texts = (rule.what, rule.fix, rule.command or "")
        wanted = {name for text in texts for _, name, _, _ in string.Formatter().parse(text) if name}
        assert wanted <= re.compile(rule.pattern).groupindex.keys(), rule.code


def test_a_cog_and_a_coglet_of_different_releases() -> None:
    assert codes(label_warnings({"run.cog.pip_freeze": "cog==0.19.3\ncoglet==0.23.1\n"})) == ["coglet-apart"]
    assert not label_warnings({"run.cog.pip_freeze": "cog==0.23.1\ncoglet==0.23.0\nnumpy==2.0"})
    assert not label_warnings({"run.cog.pip_freeze": "cog==0.16.12\n"})
    assert not label_warnings({})


@pytest.mark.parametrize("name", DOCTORED)
def test_cog_doctor_in_words(name: str) -> None:
    found = cog_words.doctor(printed(name), played(name)["rc"])
    assert codes(found.problems) == DOCTORED[name]
    assert found.sentence
    # It calls a missing docker command an error, although cog build needs none.
    assert found.ok == (played(name)["rc"] == 0 or "docker-cli-missing" in DOCTORED[name])


@pytest.mark.parametrize("name", NOT_LOGGED_IN)
def test_a_login_that_failed_has_its_sentence(name: str) -> None:
    assert not cog_words.login_user("\n".join(printed(name)))
    found = cog_words.login_problem("\n".join(printed(name)), played(name)["rc"])
    assert found.code == NOT_LOGGED_IN[name]
    assert found.fix


@pytest.mark.parametrize("name", sorted(LOGGED_IN))
def test_who_is_logged_in_now(name: str) -> None:
    assert cog_words.login_user("\n".join(printed(name))) == "alice"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("option --version not recognized\n(for help use -?)", "cogapp"),
        ("0.16.1 (WPE WebKit 2.38.6)", "web browser"),
        ("cannot start: Exec format error", "download failed"),
        ("something else", "another program"),
    ],
)
def test_other_programs_called_cog(said: str, kind: str) -> None:
    found = cog_words.stranger("/usr/bin/cog", said)
    assert found.code == "cog-other-program"
    assert kind in found.what


NAMES = st.sampled_from([*FAILED, *GOOD])


@given(NAMES, st.lists(st.integers(0, 4000), max_size=12))
def test_any_split_of_the_stream_gives_the_same_steps(name: str, cuts: list[int]) -> None:
    data = (played(name)["stdout"] + played(name)["stderr"])[:6000].encode()
    whole, reader = BuildLog(), LineReader()
    whole.feed([*reader.feed(data), *reader.end()])
    log, reader, last = BuildLog(), LineReader(), 0
    for cut in [*sorted(cuts), len(data)]:
        log.feed(reader.feed(data[last:cut]) if cut > last else [])
        last = max(last, cut)
    log.feed(reader.end())
    assert (log.steps, log.phase, log.warnings) == (whole.steps, whole.phase, whole.warnings)
    assert list(log.tail) == list(whole.tail)


PIECES = st.sampled_from(
    [
        "#1 ",
        "#99999 ",
        "DONE ",
        "ERROR: ",
        "CACHED",
        "...",
        "------",
        " > [x]:",
        "1.5s",
        "[stage-0 2/3] ",
        "RUN x",
        "✗ ",
    ]
)
ANY_LINE = st.one_of(st.text(max_size=60), st.lists(PIECES | st.text(max_size=4), max_size=5).map("".join))


@given(st.lists(ANY_LINE, max_size=40), st.integers(-70, 260))
def test_no_line_breaks_it(lines: list[str], code: int) -> None:
    cleaned = [clean(line).replace("\n", " ") for line in lines]
    log = read(cleaned)
    found = log.explain(code)
    assert found.code
    assert found.what
    assert cog_words.doctor(cleaned, code).sentence
    assert cog_words.login_problem("\n".join(cleaned), code).what


def test_what_is_kept_is_bounded() -> None:
    log = BuildLog()
    for number in range(3 * MAX_STEPS):
        log.feed([f"#{number} [stage-0 1/2] RUN {'x' * 5000}", f"#{number} 0.1 {'y' * 50_000}"])
    assert len(log.steps) == MAX_STEPS
    assert max(len(step.title) for step in log.steps.values()) <= 300
    assert len(log.tail) == TAIL_LINES
    assert max(map(len, log.tail)) <= LINE_CHARS
    assert len(log.explain(1).detail) <= MAX_DETAIL
