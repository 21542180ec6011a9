"""Servers as authors write them, and what they say of GPUs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbius_tui.domain import gpus
from arbius_tui.domain.errors import BadInput
from arbius_tui.domain.gpus import Gpu, Said
from arbius_tui.domain.places import Hosted, Place, engine, hosted, place

VERSION = "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (" http://127.0.0.1:5000/ ", Place("cog", "http://127.0.0.1:5000")),
        ("https://model.example/a", Place("cog", "https://model.example/a")),
        ("ssh://me@gpu:22", Place("docker", "ssh://me@gpu:22")),
        ("tcp://gpu:2376", Place("docker", "tcp://gpu:2376")),
        ("unix:///run/docker.sock", Place("docker", "unix:///run/docker.sock")),
        ("gpu-box_2.lan+x", Place("docker", "gpu-box_2.lan+x")),
        ("default", Place("docker", "default")),
        ("replicate:owner/name", Place("replicate", "replicate:owner/name")),
        (f"replicate:owner/name:{VERSION}", Place("replicate", f"replicate:owner/name:{VERSION}")),
    ],
)
def test_every_spelling_is_understood(text: str, found: Place) -> None:
    assert place(text) == found


@pytest.mark.parametrize(
    "text",
    ["", " ", "127.0.0.1:5000", "ftp://a", "-H", "--privileged", "a b", "replicate:", "replicate:owner", "a/b",
     "replicate:owner/name:1234", "replicate:../account", "replicate:a/b/c", "gpu;rm", "\x1b[2J"],
)  # fmt: skip
def test_what_is_no_server_has_words(text: str) -> None:
    with pytest.raises(BadInput) as failure:
        place(text)
    assert failure.value.problem.code == "bad-server"
    assert failure.value.problem.fix
    assert "\x1b" not in failure.value.problem.what


@pytest.mark.parametrize("text", ["http://gpu:5000", "replicate:owner/name"])
def test_a_server_that_runs_is_no_engine(text: str) -> None:
    with pytest.raises(BadInput) as failure:
        engine(text)
    assert "--endpoint" in str(failure.value.problem.fix) or "endpoint" in str(failure.value.problem.fix)


def test_a_hosted_model_in_its_parts() -> None:
    assert hosted("replicate:Owner/my-model.2") == Hosted("Owner", "my-model.2")
    assert hosted(f"replicate:o/n:{VERSION.upper()}") == Hosted("o", "n", VERSION)


@given(st.text())
def test_any_text_is_a_place_or_refused(text: str) -> None:
    try:
        found = place(text)
    except BadInput:
        return
    assert found.kind in ("cog", "docker", "replicate")
    assert not found.where.startswith("-")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("NVIDIA A100-SXM4-40GB, 550.54.15\n", Gpu("NVIDIA A100-SXM4-40GB", "550.54.15")),
        ("Tesla T4, 535.1\nTesla T4, 535.1\n", Gpu("2 x Tesla T4", "535.1")),
        ("NVIDIA A100, 550\nNVIDIA L4, 550\n", Gpu("NVIDIA A100, NVIDIA L4", "550")),
        ("No devices were found\n", Gpu()),
        ("", Gpu()),
        ("Failed to initialize NVML: Driver/library version mismatch", Gpu()),
    ],
)
def test_what_nvidia_smi_lists(text: str, found: Gpu) -> None:
    assert gpus.listed(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("RTX 4090", Said("", Gpu("RTX 4090"))),
        ("RTX 4090, 550.54", Said("", Gpu("RTX 4090", "550.54"))),
        ("2=RTX 4090,550.54", Said("2", Gpu("RTX 4090", "550.54"))),
        ("http://a:5000/?x=1=A100", Said("http://a:5000/?x=1", Gpu("A100"))),
    ],
)
def test_what_an_author_says_of_a_gpu(text: str, found: Said) -> None:
    assert gpus.said(text) == found


@pytest.mark.parametrize("text", ["", "=", "a=", ", 550", "a=, 550"])
def test_a_word_without_a_gpu_is_refused(text: str) -> None:
    with pytest.raises(BadInput) as failure:
        gpus.said(text)
    assert failure.value.problem.code == "gpu-flag"


def test_of_several_servers_one_must_be_named() -> None:
    servers = [("1", "http://a:1"), ("2", "gpu-box")]
    for text in ("A100", "3=A100", "http://b:1=A100"):
        with pytest.raises(BadInput):
            gpus.check([gpus.said(text)], servers)
    said = [gpus.said("gpu-box=A100"), gpus.said("1=L4, 550")]
    gpus.check(said, servers)
    assert gpus.said_of(said, "2", "gpu-box", False) == Gpu("A100")
    assert gpus.said_of(said, "1", "http://a:1/", False) == Gpu("L4", "550")
    assert gpus.said_of(said, "3", "c", True) == Gpu()
