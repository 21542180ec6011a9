"""The terminal that the stories use is right about what it shows: otherwise no story means anything."""

from __future__ import annotations

import os
import select
import sys

import pytest

from tests.stories.terminal import Terminal

ASK = """
import os, sys, termios, tty
tty.setcbreak(0)
os.write(1, b"\\x1b[?2026$p")
print(repr(os.read(0, 64)), flush=True)
"""

FULL_SCREEN = """
import os, sys
os.write(1, b"before\\r\\n\\x1b[?1049h\\x1b[2J\\x1b[Hinside")
sys.stdin.readline()
os.write(1, b"\\x1b[?1049lafter\\r\\n")
"""

SIZE = """
import os, signal
signal.signal(signal.SIGWINCH, lambda *_: print(os.get_terminal_size(0), flush=True))
print(os.get_terminal_size(0), flush=True)
while True: signal.pause()
"""


def python(code: str) -> Terminal:
    return Terminal([sys.executable, "-c", code], columns=80, rows=24)


def test_it_answers_what_a_program_asks_as_xterm_does() -> None:
    with python(ASK) as terminal:
        terminal.wait_for(repr(b"\x1b[?2026;2$y"))
        assert terminal.wait_exit() == 0


def test_the_screen_before_a_full_screen_program_comes_back() -> None:
    with python(FULL_SCREEN) as terminal:
        assert "before" not in "".join(terminal.wait_for("inside"))
        terminal.send("enter")
        terminal.wait_exit()
        assert terminal.screen()[:2] == ["before", "after"]


def test_a_resize_reaches_the_program() -> None:
    with python(SIZE) as terminal:
        terminal.wait_for("columns=80, lines=24")
        terminal.resize(120, 40)
        terminal.wait_for("columns=120, lines=40")
        assert len(terminal.screen()) == 40


def test_a_sequence_in_two_halves_is_not_text() -> None:
    with python("import os; os.write(1, b'a\\x1b[>1'); input(); os.write(1, b'ub')") as terminal:
        terminal.wait_for("a")
        terminal.send("enter")
        terminal.wait_exit()
        assert "1u" not in terminal.text()
        assert terminal.text().replace("\n", "").endswith("b")


def test_waiting_in_vain_says_what_the_screen_shows() -> None:
    with (
        python("print('something else', flush=True)") as terminal,
        pytest.raises(AssertionError, match=r"(?s)the program ended.*something else"),
    ):
        terminal.wait_for("never painted")


def test_kill_9_leaves_nothing_behind() -> None:
    with Terminal(["sh", "-c", "sleep 1000 & echo up; wait"]) as terminal:
        terminal.wait_for("up")
        watches = [os.pidfd_open(pid) for pid in terminal.tree()] if sys.platform == "linux" else []
        assert terminal.kill() == -9
    for watch in watches:
        assert select.select([watch], [], [], 5)[0], "a child still runs"
        os.close(watch)
