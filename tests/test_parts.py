"""A missing part is never silent: it skips with a sentence that helps, or fails where every part was promised."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import parts


@pytest.fixture
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "CACHE", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    for name in (
        "ANVIL",
        "DOCKER",
        "DOCKER_OLD",
        "KUBO",
        "KUBO_RPC1",
        "KUBO_RPC2",
        "KUBO_GATEWAY1",
        "KUBO_GATEWAY2",
        "SOLC",
        "COG_OLD",
    ):
        monkeypatch.delenv(f"ARBIUS_PART_{name}", raising=False)


@pytest.mark.usefixtures("nothing_installed")
@pytest.mark.parametrize("name", parts.PARTS)
def test_a_missing_part_skips_and_says_how_to_get_it(name: parts.Name, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARBIUS_REQUIRE_PARTS", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"^needs .+; .*`.+`"):
        parts.need(name)


@pytest.mark.usefixtures("nothing_installed")
@pytest.mark.parametrize("name", parts.PARTS)
def test_a_missing_part_fails_where_every_part_was_promised(name: parts.Name, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARBIUS_REQUIRE_PARTS", "1")
    with pytest.raises(pytest.fail.Exception, match=r"^needs .+; .*`.+`"):
        parts.need(name)


def test_a_part_is_taken_from_its_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = tmp_path / "anvil"
    binary.touch()
    monkeypatch.setenv("ARBIUS_PART_ANVIL", str(binary))
    assert parts.need("anvil") == str(binary)
