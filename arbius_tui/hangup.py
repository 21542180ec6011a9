"""Signals that end the wizard, above all the one that says that its terminal is gone."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

from arbius_tui.domain.errors import HANGUP, TERMINATED


def on_signals(leave: Callable[[int], object], limit: float) -> None:
    """Call `leave` with the exit code when a signal wants us to end, and end anyway after `limit` seconds."""
    ends = {signal.SIGTERM: TERMINATED}
    if sys.platform != "win32":
        ends[signal.SIGHUP] = HANGUP
    for number, code in ends.items():
        with suppress(NotImplementedError, RuntimeError):
            asyncio.get_running_loop().add_signal_handler(number, signalled, leave, code, limit)
    stay_asleep()


def stay_asleep() -> None:
    """The kernel wakes who loses his terminal. Textual would open it once more, and its writers block each other."""
    waking = signal.getsignal(signal.SIGCONT)
    if callable(waking):
        signal.signal(signal.SIGCONT, lambda number, frame: waking(number, frame) if os.isatty(0) else None)


def signalled(leave: Callable[[int], object], code: int, limit: float) -> None:
    """Leave; with a limit, because nobody is there to see that it hangs."""
    if code == HANGUP:
        # Whatever is still written goes nowhere, instead of killing the thread that writes it.
        nowhere = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(nowhere, standard)
    end = threading.Timer(limit, os._exit, [code])
    end.daemon = True
    end.start()
    leave(code)
