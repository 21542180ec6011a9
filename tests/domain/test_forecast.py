"""Rough figures of an image from cog.yaml, and what an import profile does to a CID."""

from __future__ import annotations

import pytest

from arbius_tui.domain import cid as cids
from arbius_tui.domain.cog_config import read
from arbius_tui.domain.forecast import GB, forecast, minutes, package, rough
from arbius_tui.domain.import_profile import effect, plain_cid

CPU = 'build: {python_version: "3.11"}\npredict: p.py:P\n'
GPU = 'build: {python_version: "3.11", gpu: true}\npredict: p.py:P\n'


def test_a_gpu_and_torch_decide_the_size() -> None:
    plain = forecast(read(CPU), [], 10**6)
    torch, cuda = forecast(read(CPU), ["torch>=2"], 10**6), forecast(read(GPU), ["torch>=2"], 10**6)
    assert plain.image < torch.image < cuda.image == 15 * GB + 10**6
    assert cuda.fetched == 7 * GB
    assert cuda.room == cuda.image + cuda.fetched
    assert cuda.pushed == cuda.fetched + 10**6


def test_what_is_not_known_is_counted_and_said() -> None:
    found = forecast(read(CPU), ["torch", "diffusers", "-r other.txt", "", "Diffusers"], 0)
    assert found.unknown == 1
    assert found.lines()[-1] == "1 other packages: not known, so not counted"


@pytest.mark.parametrize(
    ("line", "name"),
    [("torch==2.5.1", "torch"), (" Torch [x] >= 2 ", "torch"), ("torch", "torch"), ("torch @ https://x/y", "torch"),
     ("torch_geometric~=2", "torch-geometric"), ("# torch", ""), ("--extra-index-url x", ""), ("", ""),
     ("https://x/torch.whl", ""), ("./torch", "")],
)  # fmt: skip
def test_names_in_a_list_of_requirements(line: str, name: str) -> None:
    assert package(line) == name


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "less than 1 MB"), (3_000_000, "3 MB"), (34_000_000, "30 MB"), (300_000_000, "0.3 GB"),
     (940_000_000, "0.9 GB"), (960_000_000, "1 GB"), (6_700_000_000, "7 GB"), (22_300_000_000, "22 GB")],
)  # fmt: skip
def test_no_more_digits_than_are_known(count: int, text: str) -> None:
    assert rough(count) == text


@pytest.mark.parametrize(
    ("count", "text"), [(10**6, "less than a minute"), (7 * GB, "about 9 min"), (20 * GB, "about 30 min"),
                        (90 * GB, "about 2 h")],
)  # fmt: skip
def test_minutes_at_a_usual_line(count: int, text: str) -> None:
    assert minutes(count) == text


def test_settings_that_are_not_set_change_nothing() -> None:
    for settings in ({}, {"CidVersion": None}, {"CidVersion": 0, "UnixFSRawLeaves": False, "HashFunction": "sha2-256"}):
        found = effect(settings)
        assert found.same
        assert not found.changes


def test_a_cidv1_of_the_same_block_has_the_digest_of_the_cidv0() -> None:
    # Seen with Kubo: the same node under either version, another one with raw leaves.
    same, raw = (
        plain_cid(b"test\n", {"CidVersion": 1, "UnixFSRawLeaves": False}),
        plain_cid(b"test\n", {"CidVersion": 1}),
    )
    assert same.startswith("bafybei")
    assert raw.startswith("bafkrei")
    assert cids.to_multihash(cids.cid(b"test\n")).removeprefix("0x1220") == digest(same)
    assert digest(raw) != digest(same)


def digest(cid: str) -> str:
    from base64 import b32decode

    text = cid[1:].upper()
    return b32decode(text + "=" * (-len(text) % 8))[4:].hex()
