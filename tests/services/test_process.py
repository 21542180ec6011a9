"""Commands: their lines, their end, and the end of everything they started."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from contextlib import aclosing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbius_tui.domain.errors import NotReady
from arbius_tui.services import process
from arbius_tui.services.process import MAX_LINE, Child, LineReader, born, lines, output


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


async def collect(code: str, limit: float = 30) -> list[str]:
    return [line async for line in lines(python(code), limit=limit)]


async def pid_from(file: Path) -> int:
    """A number that a child writes into a file, as soon as it is there."""
    for _ in range(2000):
        if (text := written(file)).endswith("\n"):
            return int(text)
        await asyncio.sleep(0.01)
    raise AssertionError(f"nothing in {file}")


def written(file: Path) -> str:
    return file.read_text() if file.exists() else ""


async def ended(pid: int) -> bool:
    for _ in range(500):
        if not born(pid):
            return True
        await asyncio.sleep(0.01)
    return False


async def test_both_streams_come_as_lines() -> None:
    found = await collect("import sys; print('out', flush=True); print('err', file=sys.stderr)")
    assert found == ["out", "err"]


async def test_a_line_without_end_is_given_at_the_end() -> None:
    assert await collect("print('a\\nb', end='')") == ["a", "b"]


async def test_a_carriage_return_overwrites() -> None:
    code = "print('1%\\r50%\\r100%'); print('windows\\r'); print('kept\\r', end='')"
    assert await collect(code) == ["100%", "windows", "kept"]


async def test_a_line_of_megabytes_is_cut_and_the_next_one_is_whole() -> None:
    first, second = await collect("print('x' * 3_000_000); print('next')")
    assert first == "x" * MAX_LINE + " [cut]"
    assert second == "next"


async def test_progress_of_megabytes_keeps_its_last_word() -> None:
    assert await collect("print('\\r'.join(f'{n} of 500000' for n in range(500_001)))") == ["500000 of 500000"]


async def test_bytes_that_are_no_text_and_escapes_are_made_harmless() -> None:
    found = await collect("import sys; sys.stdout.buffer.write(b'\\xff\\x1b[31mred\\x1b]0;title\\x07\\n')")
    assert found == ["\ufffdred"]


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Mn", "Lo", "Zl", "Zp"]), max_size=40)),
    st.data(),
)
def test_lines_do_not_depend_on_how_the_bytes_are_cut(texts: list[str], data: st.DataObject) -> None:
    whole = "".join(f"{text}\n" for text in texts).encode()
    reader, found, at = LineReader(), list[str](), 0
    while at < len(whole):
        step = data.draw(st.integers(1, 9))
        found += reader.feed(whole[at : at + step])
        at += step
    assert found + reader.end() == texts


async def test_another_exit_code_is_a_failure_with_the_last_lines() -> None:
    with pytest.raises(NotReady) as failure:
        await collect("print('no space left'); raise SystemExit(3)")
    assert failure.value.problem.code == "command-failed"
    assert "exit code 3" in failure.value.problem.what
    assert "no space left" in failure.value.problem.detail


async def test_a_missing_program_has_a_sentence() -> None:
    with pytest.raises(NotReady, match="no-such-program is not installed") as failure:
        [_ async for _ in lines(["no-such-program"])]
    assert failure.value.problem.code == "program-missing"


async def test_a_missing_folder_is_not_called_a_missing_program(tmp_path: Path) -> None:
    with pytest.raises(NotReady) as failure:
        [_ async for _ in lines(python("pass"), cwd=tmp_path / "no")]
    assert failure.value.problem.code == "no-folder"


async def test_a_command_that_takes_too_long_is_ended() -> None:
    with pytest.raises(NotReady) as failure:
        await collect("print('slow', flush=True); import time; time.sleep(60)", limit=0.5)
    assert failure.value.problem.code == "command-late"
    assert failure.value.problem.detail == "slow"


STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
child = subprocess.Popen([sys.executable, "-c", code])
open(sys.argv[1], "w").write(f"{child.pid}\\n")
print(os.getpid(), flush=True)
time.sleep(60)
"""


async def test_closing_ends_the_children_too_even_the_stubborn_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "GRACE", 0.2)
    argv = [*python(STUBBORN), str(tmp_path / "pid")]
    async with aclosing(lines(argv)) as found:
        parent = int(await anext(found))
        grandchild = await pid_from(tmp_path / "pid")
    assert await ended(parent)
    assert await ended(grandchild)


async def test_cancelling_ends_the_children_too(tmp_path: Path) -> None:
    async def follow() -> None:
        async for _ in lines([*python(STUBBORN.replace("SIG_IGN", "SIG_DFL")), str(tmp_path / "pid")]):
            pass

    task = asyncio.create_task(follow())
    grandchild = await pid_from(tmp_path / "pid")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await ended(grandchild)


async def test_a_daemon_that_holds_the_stream_does_not_hold_us(tmp_path: Path) -> None:
    code = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
open({str(tmp_path / "pid")!r}, "w").write(f"{{child.pid}}\\n")
print("done")
"""
    async with asyncio.timeout(20):
        assert await collect(code) == ["done"]
    daemon = await pid_from(tmp_path / "pid")
    assert born(daemon)
    os.kill(daemon, 9)


async def test_a_probe_keeps_its_streams_apart() -> None:
    done = await output(python("import sys; print('v1'); print('warn', file=sys.stderr); sys.exit(2)"))
    assert (done.code, done.stdout, done.stderr, done.ended, done.ok) == (2, "v1\n", "warn\n", "exit", False)
    assert done.text == "v1\nwarn"


async def test_a_probe_reads_what_it_is_fed_and_may_ignore_it() -> None:
    assert (await output(python("print(input())"), feed=b"token\n")).stdout == "token\n"
    assert (await output(python("pass"), feed=b"x" * 1_000_000)).ok


async def test_a_probe_that_is_missing_refused_or_late_is_an_answer(tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("#!/bin/sh\n")
    missing, refused = await output(["no-such-program"]), await output([str(tmp_path / "tool")])
    late = await output(python("print('so far', flush=True); import time; time.sleep(60)"), limit=0.7)
    assert [one.ended for one in (missing, refused, late)] == ["missing", "refused", "late"]
    assert not missing.ok
    assert late.stdout == "so far\n"


async def test_a_probe_keeps_at_most_a_megabyte() -> None:
    done = await output(python("print('y' * 5_000_000)"))
    assert done.ok
    assert len(done.stdout) == process.MAX_OUTPUT


async def test_a_server_lives_until_it_is_stopped_and_its_children_end_with_it(tmp_path: Path) -> None:
    code = STUBBORN.replace("SIG_IGN", "SIG_DFL")
    server = Child.start([*python(code), str(tmp_path / "pid")], tmp_path, dict(os.environ), tmp_path / "log")
    worker = await pid_from(tmp_path / "pid")
    assert await server.alive()
    again = Child(server.pid, server.born)
    assert await again.alive()
    await again.stop()
    assert not await server.alive()
    assert await ended(worker)
    assert (tmp_path / "log").read_text() == f"{server.pid}\n"


async def test_a_number_that_another_process_has_now_is_left_alone(tmp_path: Path) -> None:
    other = Child.start(python("import time; time.sleep(60)"), tmp_path, dict(os.environ), tmp_path / "log")
    stale = Child(other.pid, "another-boot-12345")
    assert not await stale.alive()
    await stale.stop()
    assert await other.alive()
    await other.stop()
    assert not await other.alive()


async def test_a_stopped_child_is_gone_for_the_kernel(tmp_path: Path) -> None:
    child = Child.start(python("pass"), tmp_path, dict(os.environ), tmp_path / "log")
    assert await ended(child.pid)
    assert not await child.alive()
    await child.stop()


def test_nobody_has_no_birth() -> None:
    assert born(0) == born(-1) == ""
    assert born(os.getpid())


@pytest.mark.skipif(not Path("/bin/ps").exists(), reason="this machine has no ps; install procps")
def test_ps_tells_births_apart_as_proc_does() -> None:
    assert process.born_by_ps(os.getpid())
    assert process.born_by_ps(os.getpid()) == process.born_by_ps(os.getpid())
    assert process.born_by_ps(2**22 + 1) == ""


async def test_a_probe_costs_little_beyond_the_program() -> None:
    done = await output(["true"])
    assert done.ok
    assert 0 < done.seconds < time.monotonic()
