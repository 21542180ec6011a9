"""The cog command line, played from recordings of the real one: how each build ends, and what it leaves."""

from __future__ import annotations

import asyncio
import base64
import fcntl
import hashlib
import json
import os
import signal
import stat
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from arbius_tui.domain.build_log import TAIL_LINES, BuildLog
from arbius_tui.domain.errors import BadInput, Failure, NotReady
from arbius_tui.domain.secret import Secret
from arbius_tui.services import cog_build
from arbius_tui.services.cog import CogCli, LoginState
from arbius_tui.services.cog_build import (
    BATCH_LINES,
    BuildEvent,
    Built,
    LogFile,
    LogLines,
    Noticed,
    Standing,
    StepsChanged,
    held,
)
from arbius_tui.services.process import born, output
from tests import cog_player
from tests.domain.test_build_log import FAILED, GOOD, LOGGED_IN, NOT_LOGGED_IN, WARNED, codes, printed

LABELS = {"run.cog.version": "0.22.0", "run.cog.pip_freeze": "cog==0.23.1\ncoglet==0.23.1\n"}

Play = Callable[..., CogCli]


class Images:
    """Docker as a build asks it: the labels of names."""

    def __init__(self, **labels: Mapping[str, str]) -> None:
        self.known: dict[str, Mapping[str, str]] = dict(labels)
        self.untagged: list[str] = []

    async def labels(self, tag: str) -> Mapping[str, str] | None:
        return self.known.get(tag)

    async def untag(self, tag: str) -> None:
        self.untagged.append(tag)
        del self.known[tag]


@pytest.fixture
def heard(tmp_path: Path) -> Path:
    """A file with a line of JSON for each call of cog."""
    return tmp_path / "heard"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model's folder."""
    place = tmp_path / "model"
    place.mkdir()
    (place / "cog.yaml").write_text('build:\n  python_version: "3.11"\n')
    return place


@pytest.fixture
def play(tmp_path: Path, heard: Path) -> Play:
    """A cog on PATH that plays this recording."""
    program = cog_player.install(tmp_path / "bin")

    def cli(name: str | Path, **more: str) -> CogCli:
        file = name if isinstance(name, Path) else cog_player.RECORDINGS / f"{name}.json"
        path = os.pathsep.join([str(program.parent), os.environ["PATH"]])
        own = {"COG_PLAYER_RECORDING": str(file), "COG_PLAYER_HEARD": str(heard), "PATH": path}
        # The program is found by the PATH that a child would get; ours has no cog.
        return CogCli(str(program), {**os.environ, **own, **more})

    return cli


def calls(heard: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in heard.read_text().splitlines()]


async def all_of(events: AsyncGenerator[BuildEvent, None]) -> list[BuildEvent]:
    async with aclosing(events) as stream:
        return [event async for event in stream]


def lines_of(events: list[BuildEvent]) -> list[str]:
    return [line for event in events if isinstance(event, LogLines) for line in event.lines]


async def appears(file: Path) -> None:
    for _ in range(3000):
        if file.exists():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"no {file}")


# -- how each recorded build ends


@pytest.mark.parametrize("name", [name for name in FAILED if not name.startswith("cancel-")])
async def test_a_recorded_failure_ends_in_its_own_sentence(name: str, play: Play, folder: Path, tmp_path: Path) -> None:
    log, images = tmp_path / "build.log", Images()
    with pytest.raises(Failure) as caught:
        await all_of(play(name).build(folder, "xf", log=log, inspect=images.labels, untag=images.untag))
    assert caught.value.problem.code == FAILED[name]
    assert log.read_text().split("\n")[0] == printed(name)[0]
    assert not (folder / ".cog" / "build").exists()


@pytest.mark.parametrize("name", GOOD)
async def test_a_recorded_good_build_ends_with_an_image(name: str, play: Play, folder: Path, tmp_path: Path) -> None:
    log = tmp_path / "build.log"
    events = await all_of(play(name).build(folder, "xf", log=log, inspect=Images(xf=LABELS).labels))
    built = events[-1]
    assert isinstance(built, Built)
    assert (built.tag, built.log, built.labels) == ("xf", log, LABELS)
    assert codes(built.warnings) == WARNED.get(name, [])
    assert [event.problem.code for event in events if isinstance(event, Noticed)] == WARNED.get(name, [])
    assert built.seconds > 0
    assert tuple(lines_of(events)) == printed(name)


async def test_the_command_line_and_what_cog_sees(play: Play, folder: Path, tmp_path: Path, heard: Path) -> None:
    cli = play("build-dockerfile-own")
    await all_of(
        cli.build(
            folder, "r8.im/u/m:1", log=tmp_path / "l", inspect=Images(**{"r8.im/u/m:1": LABELS}).labels, dockerfile="D"
        )
    )
    (call,) = calls(heard)
    assert call["argv"] == ["build", "-t", "r8.im/u/m:1", "--progress=plain", "--dockerfile", "D"]
    assert call["cwd"] == str(folder)
    assert call["env"] | {"DOCKER_CONFIG": ""} == {
        "NO_COLOR": "1", "BUILDKIT_PROGRESS": "plain", "COG_NO_UPDATE_CHECK": "1", "DOCKER_CONFIG": "",
    }  # fmt: skip


async def test_steps_and_standing_come_while_it_builds(play: Play, folder: Path, tmp_path: Path) -> None:
    cli = play("e26-build-cogbase", COG_PLAYER_SCALE="0.1")
    events = await all_of(cli.build(folder, "xr", log=tmp_path / "l", inspect=Images(xr=LABELS).labels))
    assert isinstance(events[0], Standing)
    assert events[0].words == "waiting for cog"
    words = [event.words for event in events if isinstance(event, Standing)]
    assert "BuildKit builds the image" in words
    changes = [event for event in events if isinstance(event, StepsChanged)]
    assert (changes[-1].done, changes[-1].total) == (7, 7)
    seen = {step.id: step for event in changes for step in event.steps}
    assert len(seen) == 27
    assert {step.state for step in seen.values()} <= {"ok", "cached"}
    times = [event.seconds for event in events if isinstance(event, Standing)]
    assert times == sorted(times)
    # The recording took 3.99 s.
    assert isinstance(events[-1], Built)
    assert events[-1].seconds >= 0.39


async def test_the_player_goes_on_in_spite_of_a_signal_where_the_real_one_did(
    play: Play, folder: Path, heard: Path
) -> None:
    cli = play("run-sigint", COG_PLAYER_SCALE="0.02")
    child = await asyncio.create_subprocess_exec(
        cli.program, "run", "x", cwd=folder, env=cli.environment(), stdout=DEVNULL, stderr=PIPE
    )
    await appears(heard)
    child.send_signal(signal.SIGINT)
    _, said = await child.communicate()
    assert child.returncode == 0
    assert b"interrupt signal received" in said


@pytest.mark.parametrize(
    ("argv", "said"),
    [(["bulid"], "unknown command"), (["build", "--nope"], "unknown flag: --nope"), (["--version"], "cog version dev")],
)
async def test_the_player_refuses_what_the_real_one_refuses(
    argv: list[str], said: str, play: Play, folder: Path
) -> None:
    cli = play("build-ok-quiet")
    done = await output([cli.program, *argv], 10, folder, cli.environment())
    assert said in done.text


# -- success is the exit code and the label


async def test_no_image_after_a_good_end(play: Play, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(NotReady) as caught:
        await all_of(play("build-ok-cached").build(folder, "xr", log=tmp_path / "l", inspect=Images().labels))
    assert caught.value.problem.code == "image-missing"


async def test_an_image_without_the_label_is_no_success(play: Play, folder: Path, tmp_path: Path) -> None:
    images = Images(xr={"maintainer": "x"})
    with pytest.raises(NotReady) as caught:
        await all_of(
            play("build-ok-cached").build(folder, "xr", log=tmp_path / "l", inspect=images.labels, untag=images.untag)
        )
    assert caught.value.problem.code == "image-unlabelled"
    assert not images.untagged


async def test_the_tag_of_a_half_made_image_is_taken_away(play: Play, folder: Path, tmp_path: Path) -> None:
    """The 20.10 Engine builds the image and then fails to write its labels."""
    images = Images(x={})
    with pytest.raises(NotReady):
        await all_of(
            play("e20-dockerfile").build(folder, "x", log=tmp_path / "l", inspect=images.labels, untag=images.untag)
        )
    assert images.untagged == ["x"]


async def test_the_half_made_image_of_a_name_at_r8_has_a_name_of_its_own(
    play: Play, folder: Path, tmp_path: Path
) -> None:
    half = "cog-tmp:" + hashlib.sha256(b"r8.im/u/m").hexdigest()
    images = Images(**{half: {}, "r8.im/u/m": LABELS})
    with pytest.raises(BadInput):
        await all_of(
            play("fail-pipfreeze").build(
                folder, "r8.im/u/m", log=tmp_path / "l", inspect=images.labels, untag=images.untag
            )
        )
    assert images.untagged == [half]


@pytest.mark.parametrize(("name", "labels"), [("fail-run-step", {}), ("e20-dockerfile", LABELS)])
async def test_an_older_good_image_keeps_its_tag(
    name: str, labels: Mapping[str, str], play: Play, folder: Path, tmp_path: Path
) -> None:
    images = Images(x=labels)
    with pytest.raises(Failure):
        await all_of(play(name).build(folder, "x", log=tmp_path / "l", inspect=images.labels, untag=images.untag))
    assert not images.untagged


# -- cancelling


async def started(events: AsyncGenerator[BuildEvent, None], line: str) -> None:
    """Read until cog printed this line."""
    async for event in events:
        if isinstance(event, LogLines) and any(text.startswith(line) for text in event.lines):
            return
    raise AssertionError(f"cog never printed {line}")


LAST = {
    "cancel-int": "#17 1.739 tick 2",
    "cancel-int2": "#17 1.751 tick 2",
    "cancel-term": "#17 2.502 tick 3",
    "cancel-freeze-int": "Adding labels to image...",
}


@pytest.mark.parametrize("name", LAST)
async def test_cancelling_leaves_no_process_no_folder_and_no_half_made_tag(
    name: str, play: Play, folder: Path, tmp_path: Path, heard: Path
) -> None:
    images = Images(x={})
    events = play(name).build(folder, "x", log=tmp_path / "log", inspect=images.labels, untag=images.untag)
    await started(events, LAST[name])
    (call,) = calls(heard)
    assert born(call["pid"])
    assert (folder / ".cog" / "build").exists()
    await events.aclose()
    assert not born(call["pid"])
    assert not (folder / ".cog" / "build").exists()
    assert not held(folder / ".cog" / "cog.lock")
    assert images.untagged == (["x"] if name == "cancel-freeze-int" else [])
    assert LAST[name] in (tmp_path / "log").read_text()


async def test_cancelling_the_task_is_cancelling_the_build(
    play: Play, folder: Path, tmp_path: Path, heard: Path
) -> None:
    cli = play("cancel-int")
    task = asyncio.create_task(all_of(cli.build(folder, "x", log=tmp_path / "log", inspect=Images().labels)))
    await appears(folder / ".cog" / "build")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not born(calls(heard)[0]["pid"])
    assert not (folder / ".cog" / "build").exists()


@pytest.mark.parametrize(("name", "number"), [("cancel-int", 2), ("cancel-term", 15), ("cancel-freeze-int", 2)])
async def test_a_build_that_is_ended_from_outside(
    name: str, number: int, play: Play, folder: Path, tmp_path: Path, heard: Path
) -> None:
    """As in the recording: no handler, no message, the signal itself is the end."""
    events = play(name).build(folder, "x", log=tmp_path / "log", inspect=Images().labels)
    await started(events, LAST[name])
    os.kill(calls(heard)[0]["pid"], number)
    with pytest.raises(NotReady) as caught:
        await all_of(events)
    assert caught.value.problem.code == "build-stopped"
    assert f"(signal {number})" in caught.value.problem.what
    assert not (folder / ".cog" / "build").exists()


async def test_a_build_that_takes_too_long_is_stopped(play: Play, folder: Path, tmp_path: Path, heard: Path) -> None:
    with pytest.raises(NotReady) as caught:
        await all_of(play("cancel-int").build(folder, "x", log=tmp_path / "log", inspect=Images().labels, limit=1.0))
    assert caught.value.problem.code == "build-late"
    assert not born(calls(heard)[0]["pid"])


# -- two builds of one folder


async def test_a_build_that_waits_for_another_says_so(play: Play, folder: Path, tmp_path: Path) -> None:
    gate, images = tmp_path / "gate", Images(a=LABELS, b=LABELS)
    first = asyncio.create_task(
        all_of(
            play("two-samedir-A", COG_PLAYER_GATE=str(gate)).build(
                folder, "a", log=tmp_path / "a.log", inspect=images.labels
            )
        )
    )
    await appears(folder / ".cog" / "waits-at-gate")
    second = play("two-samedir-B").build(folder, "b", log=tmp_path / "b.log", inspect=images.labels)
    standing = await anext(second)
    assert isinstance(standing, Standing)
    assert standing.waits
    assert "another build" in standing.words
    gate.touch()
    rest = await all_of(second)
    assert isinstance(rest[-1], Built)
    said = [event.waits for event in rest if isinstance(event, Standing)]
    assert said[-1] is False
    one = await first
    assert not any(event.waits for event in one if isinstance(event, Standing))
    assert isinstance(one[-1], Built)


async def test_a_cancelled_build_leaves_the_files_of_the_one_that_runs(
    play: Play, folder: Path, tmp_path: Path
) -> None:
    (folder / ".cog" / "build").mkdir(parents=True)
    with (folder / ".cog" / "cog.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        events = play("two-samedir-B").build(folder, "b", log=tmp_path / "b.log", inspect=Images().labels)
        standing = await anext(events)
        assert isinstance(standing, Standing)
        assert standing.waits
        await events.aclose()
        assert (folder / ".cog" / "build").exists()


# -- the log


def flood(place: Path, count: int) -> Path:
    """A recording of a build whose one step prints this many lines."""
    lines = ["Building Docker image from environment in cog.yaml as x...", "", "#1 [1/1] RUN x"]
    lines += [f"#1 {number / 5000:.3f} line {number} of many" for number in range(count)]
    lines += ["#1 DONE 9.9s", "Image built as x", ""]
    file = place / "flood.json"
    file.write_text(json.dumps({"rc": 0, "seconds": 1, "events": [], "stdout": "", "stderr": "\n".join(lines)}))
    return file


async def test_of_a_flood_the_file_has_every_line_and_memory_a_bounded_part(
    play: Play, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = list[BuildLog]()

    class Watched(BuildLog):
        def __init__(self) -> None:
            super().__init__()
            logs.append(self)

    monkeypatch.setattr(cog_build, "BuildLog", Watched)
    count, most, told = 40_000, 0, 0
    cli = play(flood(tmp_path, count))
    async with aclosing(cli.build(folder, "x", log=tmp_path / "log", inspect=Images(x=LABELS).labels)) as events:
        async for event in events:
            if isinstance(event, LogLines):
                most, told = max(most, len(event.lines)), told + len(event.lines)
    assert most <= BATCH_LINES
    assert told == count + 5
    assert len(logs[0].tail) <= TAIL_LINES
    numbers = [line.split()[3] for line in (tmp_path / "log").read_text().splitlines() if " line " in line]
    assert numbers == [str(number) for number in range(count)]


def test_the_file_keeps_what_a_progress_bar_overwrote_and_nothing_a_terminal_obeys(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "deep" / "log")
    data = "10%\r50%\r\n\x1b[31mred\x1b[0m \u00e4\nend".encode()
    for place in range(len(data)):
        log.write(data[place : place + 1])
    log.close()
    assert log.path.read_text() == "10%\n50%\nred \u00e4\nend"


def test_a_line_without_end_does_not_grow_in_memory(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "log")
    for _ in range(200):
        log.write(b"x" * 10_000)
        assert len(log._rest) <= cog_build.UNENDED
    log.close()
    assert log.path.stat().st_size == 2_000_000


async def test_a_log_that_cannot_be_written_ends_no_build(play: Play, folder: Path, tmp_path: Path) -> None:
    events = await all_of(play("build-ok-cached").build(folder, "x", log=tmp_path, inspect=Images(x=LABELS).labels))
    built = events[-1]
    assert isinstance(built, Built)
    assert codes(built.warnings) == ["log-not-kept"]


# -- names


@pytest.mark.parametrize("tag", ["My-model", "r8.im/U/m", "", "a b", "x:\n", ":v1", "-x", "U/m", "m@v"])
async def test_a_name_that_docker_refuses_is_refused_at_once(tag: str, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        await all_of(CogCli("no-such-cog").build(folder, tag, log=tmp_path / "l", inspect=Images().labels))
    assert caught.value.problem.code == "bad-tag"


@pytest.mark.parametrize(
    "tag", ["m", "m:V1", "localhost:5000/u/m", "localhost:5000/u/m:V1", "r8.im/u/m", "r8.im/u/m_2.0-x"]
)
def test_names_that_docker_takes(tag: str) -> None:
    cog_build.check_tag(tag)


# -- which program it is


async def test_replicates_cog(play: Play) -> None:
    cli = play("version")
    found = await cli.find()
    assert found.version == "dev"
    assert found.path == cli.program


def script(place: Path, text: str) -> CogCli:
    place.mkdir()
    program = place / "cog"
    program.write_text(text)
    program.chmod(0o755)
    return CogCli("cog", {**os.environ, "PATH": f"{place}{os.pathsep}{os.environ['PATH']}"})


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("#!/bin/sh\necho 'option --version not recognized'\nexit 2\n", "cogapp"),
        ("#!/bin/sh\necho '0.16.1 (WPE WebKit 2.38.6)'\n", "web browser"),
        ("Not Found", "download failed"),
        ("#!/bin/sh\necho hello\n", "another program"),
    ],
)
async def test_another_program_called_cog(text: str, kind: str, tmp_path: Path) -> None:
    with pytest.raises(NotReady) as caught:
        await script(tmp_path / "bin", text).find()
    assert caught.value.problem.code == "cog-other-program"
    assert kind in caught.value.problem.what


async def test_no_cog_at_all(folder: Path, tmp_path: Path) -> None:
    cli = CogCli("no-such-cog")
    for work in (
        cli.find(),
        cli.doctor(folder),
        all_of(cli.build(folder, "x", log=tmp_path / "l", inspect=Images().labels)),
        cli.login(Secret("t"), tmp_path),
    ):
        with pytest.raises(NotReady) as caught:
            await work
        assert caught.value.problem.code == "cog-missing"


async def test_cog_doctor_is_run_in_the_folder(play: Play, folder: Path, heard: Path) -> None:
    found = await play("doctor-noref").doctor(folder)
    assert codes(found.problems) == ["predictor-missing"]
    assert calls(heard)[0]["cwd"] == str(folder)


# -- the login


@pytest.mark.parametrize("name", NOT_LOGGED_IN)
async def test_a_recorded_login_that_failed(name: str, play: Play, tmp_path: Path) -> None:
    with pytest.raises(NotReady) as caught:
        await play(name).login(Secret("a-token"), tmp_path / "docker")
    assert caught.value.problem.code == NOT_LOGGED_IN[name]


@pytest.mark.parametrize("name", sorted(LOGGED_IN))
async def test_a_recorded_login(name: str, play: Play, tmp_path: Path, heard: Path) -> None:
    assert await play(name).login(Secret(" a-token\n"), tmp_path / "docker") == LoginState("alice")
    (call,) = calls(heard)
    assert call["argv"] == ["login", "--token-stdin"]
    assert call["stdin"] == hashlib.sha256(b"a-token\n").hexdigest()
    assert call["env"]["DOCKER_CONFIG"] == str(tmp_path / "docker")


async def test_a_token_that_cog_prints_is_not_shown(tmp_path: Path) -> None:
    cli = script(tmp_path / "bin", '#!/bin/sh\nread token\necho "no: $token" >&2\nexit 1\n')
    with pytest.raises(NotReady) as caught:
        await cli.login(Secret("s3cret-token"), tmp_path)
    assert "s3cret-token" not in repr(caught.value.problem)
    assert "<secret>" in caught.value.problem.what


@pytest.mark.parametrize("text", ["{bad", "[]", '{"a": ' * 3000, "\xff"])
async def test_a_broken_configuration_is_refused_before_cog_overwrites_it(
    text: str, play: Play, tmp_path: Path, heard: Path
) -> None:
    config = tmp_path / "config.json"
    config.write_text(text, encoding="latin-1")
    with pytest.raises(NotReady) as caught:
        await play("login-brokenconfig").login(Secret("t"), tmp_path)
    assert caught.value.problem.code == "docker-config-broken"
    assert not heard.exists()
    assert config.read_text(encoding="latin-1") == text


def keep(place: Path, config: Mapping[str, Any]) -> Path:
    place.mkdir(exist_ok=True)
    (place / "config.json").write_text(json.dumps(config))
    return place


def helper(place: Path, name: str, answer: str) -> dict[str, str]:
    """An environment with a credential helper that lists this."""
    place.mkdir(exist_ok=True)
    program = place / f"docker-credential-{name}"
    program.write_text(f"#!/bin/sh\n[ \"$1\" = list ] && echo '{answer}'\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return {**os.environ, "PATH": f"{place}{os.pathsep}{os.environ['PATH']}"}


AUTH = base64.b64encode(b"alice:t0ken").decode()


@pytest.mark.parametrize(
    ("config", "user"),
    [
        ({}, ""),
        ({"auths": {"ghcr.io": {"auth": AUTH}}}, ""),
        ({"auths": {"r8.im": {"auth": AUTH}}}, "alice"),
        ({"auths": {"r8.im": {"auth": "%%%"}}}, "?"),
        ({"auths": {"r8.im": {}}}, ""),
        ({"auths": []}, ""),
    ],
)
async def test_who_is_logged_in_by_the_file(config: Mapping[str, Any], user: str, tmp_path: Path) -> None:
    found = await CogCli().login_state(keep(tmp_path / "docker", config))
    assert found == LoginState(user)
    assert "t0ken" not in repr(found)


async def test_nobody_is_logged_in_where_there_is_no_configuration(tmp_path: Path) -> None:
    assert await CogCli().login_state(tmp_path / "none") == LoginState()


@pytest.mark.parametrize("key", ["credsStore", "credHelpers"])
@pytest.mark.parametrize(("answer", "user"), [('{"r8.im": "alice"}', "alice"), ("{}", ""), ("broken", ""), ("[]", "")])
async def test_who_is_logged_in_by_a_credential_helper(key: str, answer: str, user: str, tmp_path: Path) -> None:
    value = {"r8.im": "x"} if key == "credHelpers" else "x"
    place = keep(tmp_path / "docker", {key: value})
    cli = CogCli(env=helper(tmp_path / "bin", "x", answer))
    assert await cli.login_state(place) == LoginState(user, "docker-credential-x")


async def test_a_credential_helper_that_is_missing(play: Play, tmp_path: Path, heard: Path) -> None:
    place = keep(tmp_path / "docker", {"credsStore": "desktop.exe"})
    cli = play("login-ok")
    found = await cli.login_state(place)
    assert found.problem
    assert found.problem.code == "credential-helper-missing"
    with pytest.raises(NotReady):
        await cli.login(Secret("t"), place)
    assert not heard.exists()
