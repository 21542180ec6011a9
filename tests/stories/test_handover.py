"""A fix that asks for a password: the wizard steps aside, sudo has the terminal, and the wizard comes back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stories.terminal import Terminal

SUDO = """#!/bin/sh
stty -echo </dev/tty
printf '[sudo] password for author: ' >/dev/tty
read -r answer </dev/tty
stty echo </dev/tty
echo; echo "heard ${#answer} letters for: $*"
exit ${SUDO_CODE:-0}
"""
"""What sudo does with a terminal; it starts no service and is no root."""


@pytest.fixture
def wizard(home: Path, launch: Callable[..., Terminal], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Terminal]:
    """The wizard on a machine whose docker is stopped; with a terminal of its own."""
    folder = home / "bin"
    folder.mkdir()
    for name, text in (("sudo", SUDO), ("docker", "#!/bin/sh\necho Docker version 26.1.5\n")):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)

    def start(**env: str) -> Terminal:
        path = f"{folder}:/usr/bin:/bin"
        offline = {"PATH": path, "DOCKER_HOST": f"unix://{home}/none.sock", "IPFS_PATH": str(home / "ipfs")}
        return launch("--rpc", "http://127.0.0.1:9", env={**offline, **env})

    return start


def asked(terminal: Terminal) -> None:
    """The cursor stands on docker, which failed; its fix was agreed to."""
    terminal.wait_for("Enter run")
    terminal.wait_for("FAIL")
    terminal.wait_gone("x cancel")
    terminal.send("enter")
    terminal.wait_for("it gets the terminal")
    terminal.send("y")
    terminal.wait_for("[sudo] password for author:")


def test_sudo_asks_on_the_terminal_and_the_wizard_comes_back(wizard: Callable[..., Terminal]) -> None:
    with wizard() as terminal:
        asked(terminal)
        assert "docker daemon" not in terminal.text(), "the wizard has stepped aside"
        terminal.send("secret", "enter")
        terminal.wait_for("docker daemon")
        terminal.wait_gone("x cancel")
        assert b"secret" not in terminal.raw
        terminal.send("f3")
        terminal.wait_for("exit code 0")
        assert "$ sudo " in terminal.text()
        terminal.send("escape")
        terminal.wait_for("docker daemon")
        terminal.send("ctrl+q")
        assert terminal.wait_exit() == 0


def test_what_failed_can_be_read_before_the_wizard_comes_back(wizard: Callable[..., Terminal]) -> None:
    with wizard(SUDO_CODE="3") as terminal:
        asked(terminal)
        terminal.send("secret", "enter")
        terminal.wait_for("exit code 3. Enter goes back to the wizard.")
        assert "heard 6 letters for:" in terminal.text()
        terminal.send("enter")
        terminal.wait_for("ended with exit code 3")
        terminal.send("ctrl+q")
        assert terminal.wait_exit() == 0


def test_ctrl_c_ends_the_command_and_not_the_wizard(wizard: Callable[..., Terminal]) -> None:
    with wizard() as terminal:
        asked(terminal)
        terminal.send("ctrl+c")
        terminal.wait_for("was stopped by Ctrl+C")
        terminal.send("ctrl+q")
        assert terminal.wait_exit() == 0
