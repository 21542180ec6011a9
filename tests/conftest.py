"""What every test stands on: a home of its own, no variable of the user's, no keyring of the user's."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

import tests.parts  # looks up the user's cache folder before HOME is taken away below

HOMES = {"XDG_CONFIG_HOME": ".config", "XDG_CACHE_HOME": ".cache", "XDG_DATA_HOME": ".local/share"}
HOMES |= {"XDG_STATE_HOME": ".local/state", "XDG_RUNTIME_DIR": ".run"}

FORGET = (
    "NO_COLOR",
    "FORCE_COLOR",
    "CLICOLOR",
    "ACCESSIBLE",
    "COLUMNS",
    "LINES",
    "SSH_AUTH_SOCK",
    "EDITOR",
    "VISUAL",
    "PAGER",
)
FORGET_PREFIXES = (
    "DBUS_",
    "GNOME_KEYRING",
    "TEXTUAL",
    "REPLICATE_",
    "PINATA_",
    "GH_",
    "GITHUB_",
    "IPFS_",
    "COG_",
    "ARBIUS_",
)
KEEP_PREFIXES = ("ARBIUS_PART_", "ARBIUS_REQUIRE_PARTS", "TEXTUAL_SNAPSHOT_")

settings.register_profile("arbius", deadline=None, derandomize="CI" in os.environ, print_blob=True)
settings.load_profile("arbius")


def private(home: Path) -> dict[str, str]:
    """The variables that make this folder the home of whoever runs with them; the folders exist."""
    variables = {"HOME": str(home), **{name: str(home / part) for name, part in HOMES.items()}}
    for folder in variables.values():
        Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    return variables


RECURSION = sys.getrecursionlimit()


def pytest_collection_finish() -> None:
    """Tests that import py-evm at their top have lifted Python's limit meanwhile; the program never does."""
    sys.setrecursionlimit(RECURSION)


def pytest_runtest_setup() -> None:
    """A test before this one may have imported it."""
    sys.setrecursionlimit(RECURSION)


def pytest_configure(config: pytest.Config) -> None:
    """Take the user's surroundings away, also from module and session fixtures."""
    for name in list(os.environ):
        if name in FORGET or (name.startswith(FORGET_PREFIXES) and not name.startswith(KEEP_PREFIXES)):
            del os.environ[name]
    os.environ.update(private(Path(tempfile.mkdtemp(prefix="arbius-tui-tests-"))))
    os.environ |= {
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        # `python` is this one for every child, also where PATH had launchers that look into HOME.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
    }
    # A failure: a warning out of our own code, and what nobody saw (a coroutine never awaited, a file never closed).
    config.addinivalue_line("filterwarnings", r"error:::arbius_tui(\..*)?")
    config.addinivalue_line("filterwarnings", "error::pytest.PytestUnraisableExceptionWarning")
    config.addinivalue_line("filterwarnings", "error::pytest.PytestUnhandledThreadExceptionWarning")
    # Not a socket, though: the docker package leaves the one of a stream that its Engine cut, or of an Engine that it
    # could not reach, to the garbage collector, and that fails whichever test it happens to run in.
    left = "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
    config.addinivalue_line("filterwarnings", left)


def pytest_unconfigure() -> None:
    """Remove the session's home."""
    import shutil

    if Path(os.environ["HOME"]).name.startswith("arbius-tui-tests-"):
        shutil.rmtree(os.environ["HOME"], ignore_errors=True)


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home for this test alone, so that no journey of another test is found."""
    folder = tmp_path_factory.mktemp("home")
    for name, value in private(folder).items():
        monkeypatch.setenv(name, value)
    return folder


@pytest.fixture(scope="module")
def anvil() -> Iterator[str]:
    """A real anvil for this file's tests, with our Engine on it; its URL."""
    from tests.services.chains import anvil_process, put_engine

    sys.setrecursionlimit(RECURSION)  # py-evm has lifted it, where this is the first import of it
    with anvil_process(tests.parts.need("anvil")) as url:
        put_engine(url)
        yield url
