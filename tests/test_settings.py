"""The author's own defaults: flags win, and what is not understood is refused in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from arbius_tui.domain.errors import BadInput
from arbius_tui.options import Options
from arbius_tui.settings import default_path, with_config


def test_no_file_changes_nothing() -> None:
    assert with_config(Options(network="one")) == Options(network="one")


def test_the_file_fills_what_no_flag_gives(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('palette = "light"\nnetwork = "sepolia"\nrpc = ["http://a"]\n[keys]\n"frame.next" = "f9"\n')
    found = with_config(Options(config=path))
    assert (found.palette, found.network, found.rpc, found.keys) == (
        "light",
        "sepolia",
        ("http://a",),
        {"frame.next": "f9"},
    )
    assert with_config(Options(config=path, network="one", rpc=("http://b",))).rpc == ("http://b",)


def test_the_default_file_is_read() -> None:
    default_path().parent.mkdir(parents=True, exist_ok=True)
    default_path().write_text('palette = "mono"\n')
    assert with_config(Options()).palette == "mono"


@pytest.mark.parametrize(
    "text", ["palete = 'light'", "palette = 'pink'", "rpc = 'http://a'", "[keys]\na = 1", "{", "\x00"]
)
def test_what_is_not_understood_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(BadInput) as caught:
        with_config(Options(config=path))
    assert caught.value.problem.fix


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        with_config(Options(config=tmp_path / "none.toml"))
