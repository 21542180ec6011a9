"""Log lines of Cog made plain, the reason in them, the state of a container in words, and docker's own builder."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbius_tui.domain.errors import BadInput, Failure, NotReady
from arbius_tui.domain.images import Image
from arbius_tui.domain.text import clean
from arbius_tui.services import containers_images, containers_logs
from arbius_tui.services.containers_engine import Address, Engine, Pump
from arbius_tui.services.containers_images import Images, Told, build_failed, cut_short, forecast, split_tag
from arbius_tui.services.containers_state import PROJECT, ContainerState, read, verdict

COGLET = (
    '{"timestamp":"2026-11-22T11:12:53.814224Z","level":"INFO","fields":{"message":"Using seed: 1337",'
    '"prediction_id":"pred_18ea","source":"Stdout"},"target":"coglet::prediction"}'
)
OLD = '{"logger": "cog.server.runner", "timestamp": "2026-11-22T10:00:00Z", "severity": "ERROR", "message": "caught", '
OLD += '"exception": "Traceback (most recent call last):\\n  File x\\nValueError: no"}'


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (COGLET, "Using seed: 1337"),
        (COGLET.replace("INFO", "WARN"), "warning: Using seed: 1337"),
        (OLD, "error: caught\nTraceback (most recent call last):\n  File x\nValueError: no"),
        ("plain text", "plain text"),
        ("", ""),
        ("{not json", "{not json"),
        ('{"no": "message"}', '{"no": "message"}'),
        ('{"fields": 7, "message": 8}', '{"fields": 7, "message": 8}'),
        (json.dumps({"message": "a\x1b[31mb\u202e"}), "ab"),
        ("a\x1b]0;owned\x07b", "ab"),
        ("{" * 100_000, "{" * 100_000),
    ],
)
def test_a_line_made_plain(line: str, expected: str) -> None:
    assert containers_logs.plain(line) == expected


@given(
    st.text() | st.dictionaries(st.sampled_from(["message", "level", "fields", "exception"]), st.text()).map(json.dumps)
)
def test_every_line_comes_out_harmless(line: str) -> None:
    plain = containers_logs.plain(line)
    assert clean(plain) == plain


TRACEBACK = ["Traceback (most recent call last):", '  File "predict.py", line 9', "RuntimeError: weights not found"]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (TRACEBACK, "RuntimeError: weights not found"),
        ([*TRACEBACK, "cog.server.exceptions.FatalWorkerException: Predictor errored during setup"], TRACEBACK[-1]),
        (["worker setup failed: Setup failed: failed to load predictor: SyntaxError: invalid syntax (run.py)"],
         "SyntaxError: invalid syntax (run.py)"),
        (["Setup failed: RuntimeError: weights not found"], "RuntimeError: weights not found"),
        (["\n".join(TRACEBACK)], "RuntimeError: weights not found"),
        (["torch.cuda.OutOfMemoryError: CUDA out of memory."], "torch.cuda.OutOfMemoryError: CUDA out of memory."),
        (["worker crashed"], "worker crashed"),
        (["loading weights", "Server ready"], ""),
        ([], ""),
    ],
)  # fmt: skip
def test_the_reason_why_a_setup_failed(lines: list[str], expected: str) -> None:
    assert containers_logs.reason(lines) == expected


@pytest.mark.parametrize(
    ("state", "ready", "code", "words"),
    [
        (ContainerState("c", "exited", exit_code=0), True, "container-ended", "ended by itself"),
        (ContainerState("c", "exited", exit_code=1), True, "container-ended", "exit code 1"),
        (ContainerState("c", "exited", exit_code=255), False, "setup-failed", "RuntimeError: weights not found"),
        (ContainerState("c", "exited", exit_code=255), True, "container-ended", "exit code 255"),
        (ContainerState("c", "exited", exit_code=1), False, "setup-failed", "RuntimeError: weights not found"),
        (ContainerState("c", "exited", exit_code=137), True, "container-killed", "signal 9"),
        (ContainerState("c", "exited", exit_code=137), False, "container-killed", "signal 9"),
        (ContainerState("c", "exited", exit_code=143), True, "container-killed", "signal 15"),
        (ContainerState("c", "exited", exit_code=139), True, "container-ended", "segfault"),
        (ContainerState("c", "exited", exit_code=134), True, "container-ended", "signal 6"),
        (ContainerState("c", "exited", exit_code=137, out_of_memory=True), False, "container-oom", "memory"),
        (ContainerState("c", "created", exit_code=128, error="no"), True, "container-not-started", "started: no"),
        (ContainerState("c", "dead"), True, "container-ended", ""),
        (ContainerState("c", "paused"), True, "container-paused", "paused"),
        (ContainerState("c", "missing"), True, "container-missing", "removed from outside"),
    ],
)
def test_each_end_of_a_container(state: ContainerState, ready: bool, code: str, words: str) -> None:
    found = verdict(state, TRACEBACK, was_ready=ready)
    assert found is not None
    assert (found.problem.code, words in found.problem.what) == (code, True), found.problem
    assert found.problem.why
    assert found.problem.fix
    assert state.words


@pytest.mark.parametrize("status", ["running", "restarting"])
def test_one_that_runs_has_no_trouble(status: str) -> None:
    assert verdict(ContainerState("c", status), [], was_ready=False) is None


def test_a_state_out_of_an_odd_answer() -> None:
    assert read({}, "p") == ContainerState("", "")
    assert read({"State": 7, "Config": {"Labels": None}, "Name": None}, "p").ours is False
    found = read({"Config": {"Labels": {PROJECT: "p"}}, "State": {"Status": "exited", "ExitCode": "x"}}, "p")
    assert (found.ours, found.exit_code) == (True, 0)


# Builds


def test_the_messages_of_a_build_as_lines() -> None:
    messages: list[Any] = [
        {"stream": "Step 1/2 : FROM x\n"},
        {"stream": "\n"},
        {"stream": "10%\r100%\n\x1b[31mre"},
        {"stream": "d\nhalf"},
        {"status": "Pulling fs layer", "id": "abc"},
        {"status": "Downloading", "id": "abc", "progress": "[==> ]"},
        {"status": "Status: done"},
        {"aux": {"ID": "sha256:1"}},
        "odd",
    ]
    told = Told()
    assert [*told.lines(messages[:3]), *told.lines(messages[3:])] == [
        "Step 1/2 : FROM x", "100%", "red", "abc: Pulling fs layer", "Status: done"
    ]  # fmt: skip
    assert told.end() == ["half"]
    seen: list[str] = []
    with pytest.raises(NotReady) as failure:
        seen.extend(Told().lines([{"stream": "a\nb"}, {"error": "something new"}]))
    assert failure.value.problem.code == "build-failed"
    assert seen == ["a", "b"]


def test_a_build_that_ended_without_a_word() -> None:
    assert cut_short(["Step 3/7"]).problem.code == "build-interrupted"
    unknown = build_failed(NotReady("command-failed", "docker ended with exit code 1", detail="odd"), ["odd"])
    assert (unknown.problem.code, unknown.problem.what) == ("build-failed", "the image could not be built")


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("demo", ("demo", "latest")),
        ("demo:1", ("demo", "1")),
        ("host:5000/demo", ("host:5000/demo", "latest")),
        ("host:5000/demo:1", ("host:5000/demo", "1")),
        ("r8.im/a/b@sha256:00", ("r8.im/a/b", "sha256:00")),
    ],
)
def test_the_tag_of_a_reference(reference: str, expected: tuple[str, str]) -> None:
    assert split_tag(reference) == expected


def test_an_image_in_a_few_words() -> None:
    image = Image("sha256:" + "a1" * 32, size=1_310_000_000, cog_version="0.23.1", wants_gpu=True)
    assert forecast(image) == "sha256:a1a1a1a1a1a1 1.31 GB, cog 0.23.1, wants a GPU"
    assert "not in its labels" in forecast(Image("sha256:00"))


BUILDER = """#!/bin/sh
[ "$2" = version ] && exit 0
echo "$DOCKER_HOST $*"
echo '#7 [2/6] RUN pip install x'
cat Dockerfile
[ -e fail ] || exit 0
echo 'ERROR: failed to solve: process "/bin/sh -c exit 3" did not complete successfully: exit code: 3' >&2
exit 1
"""


@pytest.fixture
def builder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A docker command with a builder, before every other on PATH; the folder of a model beside it."""
    program = tmp_path / "bin/docker"
    program.parent.mkdir()
    program.write_text(BUILDER)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM x\n")
    return folder


async def test_dockers_own_builder_is_used_where_it_is_installed(builder: Path) -> None:
    assert await containers_images.buildx()
    images = Images(Engine(Address("unix:///nowhere.sock")))
    lines = [line async for line in images.build(builder, "Dockerfile", "demo:1")]
    argv = f"buildx build --progress=plain --load -t demo:1 -f {builder}/Dockerfile {builder}"
    assert lines == [
        "Building demo:1 with buildx", f"unix:///nowhere.sock {argv}", "#7 [2/6] RUN pip install x", "FROM x"
    ]  # fmt: skip
    (builder / "fail").touch()
    with pytest.raises(BadInput) as failure:
        async for _ in images.build(builder, "Dockerfile", "demo:1"):
            pass
    assert failure.value.problem.code == "build-step"
    assert "#7 [2/6]" in failure.value.problem.detail


# Streams


class Endless:
    """A stream that never ends, as a container's log; it can be closed from outside."""

    def __init__(self) -> None:
        self.closed = False

    def __iter__(self) -> Iterator[int]:
        n = 0
        while not self.closed:
            yield n
            n += 1

    def close(self) -> None:
        self.closed = True


async def test_a_slow_reader_holds_up_the_stream_and_loses_nothing() -> None:
    endless = Endless()
    pump: Pump[int] = Pump(lambda: endless)
    seen: list[int] = []
    while len(seen) < 30_000:
        batch = await pump.take()
        assert 0 < len(batch) <= 5000
        seen += batch
        await asyncio.sleep(0)
    pump.close()
    assert seen == list(range(len(seen)))
    assert endless.closed


async def test_what_breaks_a_stream_comes_after_all_that_was_before() -> None:
    class Breaks(Endless):
        def __iter__(self) -> Iterator[int]:
            yield from range(3)
            raise NotReady("container-missing", "gone")

    pump: Pump[int] = Pump(Breaks)
    seen: list[int] = []

    async def all_of_it() -> None:
        while batch := await pump.take():
            seen.extend(batch)

    with pytest.raises(Failure) as failure:
        await all_of_it()
    assert (seen, failure.value.problem.code) == ([0, 1, 2], "container-missing")
